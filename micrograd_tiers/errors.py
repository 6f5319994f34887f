"""The errors that are the package's own; all else raises Python's ValueError, TypeError or OSError."""


class DataError(ValueError):
    """A data set, an image or a saved file is not what it should be; the message says what to do."""


class DivergedError(ArithmeticError):
    """Training was stopped because the loss became NaN or infinite."""


class ContenderError(RuntimeError):
    """A contender of the benchmark fails, or does not compute what the others do."""
