"""How many threads the libraries under NumPy and its like compute with: they read it when they are first imported."""

VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def pinned(threads: int) -> dict[str, str]:
    """Return the environment that asks for so many threads."""
    return dict.fromkeys(VARIABLES, str(threads))
