"""The errors that are the package's own; all else raises Python's ValueError, TypeError or OSError."""


class DataError(ValueError):
    """A data set, an image or a saved file is not what it should be; the message says what to do."""


class DivergedError(ArithmeticError):
    """Training was stopped because the loss became NaN or infinite."""
