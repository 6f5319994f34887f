"""The package's own exceptions; all other errors are Python's ValueError, TypeError or OSError."""


class DataError(ValueError):
    """Raised when a data set, an image or a saved file is not as expected; the message says what to do."""


class DivergedError(ArithmeticError):
    """Raised when training stops because a loss or a weight became NaN or infinite."""


class PictureError(RuntimeError):
    """Raised by the command line when a picture cannot be drawn."""


class ContenderError(RuntimeError):
    """Raised when a contender of the race fails, or computes different results from the others."""
