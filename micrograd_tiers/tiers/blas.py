"""The matrix product of the BLAS library that NumPy has loaded, added to an array in place.

BLAS computes C = A B + C in one call. NumPy offers only A B, so that an update of weights writes a gradient as large as
the weights, reads it again and adds it. The function is called through ctypes; without it, NumPy does the same.
"""

import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Array = Any  # ndarray of float64 or float32
Gemm = Callable[..., None]  # cblas_dgemm or cblas_sgemm

# Smaller arrays fit into the first-level cache, and the call takes longer than what it saves: 3 microseconds.
SMALLEST = 20_000  # numbers in the array

# Spellings of "cblas_dgemm", the most specific first: NumPy's own OpenBLAS, OpenBLAS with 64-bit integers, Apple's
# Accelerate, and others. Integers are passed with 64 bits to all of them: those of 32 bits read the lower half.
SPELLINGS = (
    "scipy_cblas_{}64_",
    "cblas_{}64_",
    "cblas_{}$NEWLAPACK$ILP64",
    "scipy_cblas_{}",
    "cblas_{}",
)
ROW_MAJOR, AS_IT_IS, TRANSPOSED = 101, 111, 112  # constants of cblas.h


def add_product(target: Array, dy: Array, x: Array) -> None:
    """Add dy.T x to target, in place: (O, I), from (N, O) and (N, I)."""
    gemm = (
        gemm_for(target.dtype)
        if target.size >= SMALLEST and _fit(target, dy, x)
        else None
    )
    if gemm is None:
        target += np.dot(dy.T, x)
    else:
        _call(gemm, target, dy, x)


def _fit(target: Array, *factors: Array) -> bool:
    """Return True if BLAS can take the arrays as they lie in memory."""
    return target.flags.carray and all(
        a.dtype is target.dtype and a.flags.c_contiguous for a in factors
    )


def _call(gemm: Gemm, target: Array, dy: Array, x: Array) -> None:
    n, o = dy.shape
    i = x.shape[1]
    a, b, c = dy.ctypes.data, x.ctypes.data, target.ctypes.data
    gemm(ROW_MAJOR, TRANSPOSED, AS_IT_IS, o, i, n, 1.0, a, o, b, i, 1.0, c, i)


@cache
def gemm_for(dtype: np.dtype[Any]) -> Gemm | None:
    """Return the product for a dtype; None if it is not found, or disagrees with NumPy.

    Parameters
    ----------
    dtype : numpy.dtype

    Returns
    -------
    function or None
        ``cblas_dgemm`` or ``cblas_sgemm`` of the BLAS standard (Dongarra et al. 1990, doi:10.1145/77626.79170).
    """
    names = {np.dtype("float64"): "dgemm", np.dtype("float32"): "sgemm"}
    if dtype not in names:
        return None
    return next(
        (gemm for gemm in _candidates(names[dtype]) if _agrees(gemm, dtype)), None
    )


def _candidates(name: str) -> Iterator[Gemm]:
    """Yield the functions of that name in the libraries that NumPy has loaded."""
    try:
        import ctypes  # only now: importing the package stays fast
    except ImportError:  # as in some builds for web browsers
        return
    number = ctypes.c_double if name == "dgemm" else ctypes.c_float
    flag, integer, array = ctypes.c_int, ctypes.c_int64, ctypes.c_void_p
    for path in _libraries():
        try:
            library = ctypes.CDLL(path)
        except OSError:
            continue
        for spelling in SPELLINGS:
            gemm = getattr(library, spelling.format(name), None)
            if gemm is not None:
                gemm.restype = None
                gemm.argtypes = [
                    *[flag] * 3, *[integer] * 3, number, array, integer, array, integer, number, array, integer
                ]  # fmt: skip
                yield gemm


def _libraries() -> list[str]:
    """Return NumPy's extension module, in which symbols of the BLAS that it links are found; on Windows, its DLLs."""
    extension = getattr(
        sys.modules.get("numpy._core._multiarray_umath"), "__file__", None
    )
    dlls = Path(np.__file__).parent.with_name("numpy.libs").glob("*openblas*.dll")
    return [*filter(None, [extension]), *sorted(map(str, dlls))]


def _agrees(gemm: Gemm, dtype: np.dtype[Any]) -> bool:
    """Return True if the function adds a small product as NumPy does."""
    rng = np.random.default_rng(0)
    dy, x, target = (
        rng.standard_normal(shape).astype(dtype) for shape in ((5, 3), (5, 7), (3, 7))
    )
    expected = target + np.dot(dy.T, x)
    _call(gemm, target, dy, x)
    return bool(np.allclose(target, expected, rtol=0, atol=16 * np.finfo(dtype).eps))
