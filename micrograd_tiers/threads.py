"""The number of threads of the libraries behind NumPy and the frameworks, which read it on their first import."""

VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def pinned(threads: int) -> dict[str, str]:
    """Return the environment variables that limit the libraries to the given number of threads."""
    return dict.fromkeys(VARIABLES, str(threads))
