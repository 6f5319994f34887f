"""The pools of threads in this process: NumPy's library, its threads and kernels, and others that compete with it."""

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAPS = Path("/proc/self/maps")  # on Linux, the files that are loaded into this process
OPENBLAS, MKL, BLIS, OPENMP = "OpenBLAS", "MKL", "BLIS", "OpenMP"
FILE_NAMES = {
    OPENBLAS: r"lib(scipy_)?openblas.*\.so",
    MKL: r"libmkl_rt\b.*\.so",
    BLIS: r"libblis\b.*\.so",
    OPENMP: r"lib(gomp|iomp5?|omp)\b.*\.so",
}
THREADS = {  # functions that return the number of threads
    OPENBLAS: "openblas_get_num_threads",
    MKL: "MKL_Get_Max_Threads",
    BLIS: "bli_thread_get_num_threads",
    OPENMP: "omp_get_max_threads",
}
AFFIXES = [(start, end) for start in ("", "scipy_") for end in ("", "64_", "_64")]  # in NumPy's and SciPy's OpenBLAS
CORETYPE = "OPENBLAS_CORETYPE"  # environment variable that names the kernels OpenBLAS must use
VARIABLES = {OPENBLAS: "OPENBLAS_NUM_THREADS", MKL: "MKL_NUM_THREADS", BLIS: "BLIS_NUM_THREADS"}  # read on import


@dataclass(frozen=True)
class Pool:
    """A library with threads of its own, loaded into this process.

    Attributes
    ----------
    path : str
        File of the library.
    kind : {"OpenBLAS", "MKL", "BLIS", "OpenMP"}
    threads : int or None
        Number of threads that it uses; None if it cannot be asked.
    version : str
        Version of OpenBLAS, such as "0.3.31"; "" for other libraries, or if it cannot be asked.
    kernels : str
        Kind of processor, such as "Haswell", that the kernels of OpenBLAS are written for; "" as for `version`.
    """

    path: str
    kind: str
    threads: int | None
    version: str = ""
    kernels: str = ""

    @property
    def owner(self) -> str:
        """Package that brings the library, such as "scipy"; "the system" if it is in no package."""
        found = re.search(r"[/\\](?:site|dist)-packages[/\\](\w+)", self.path)
        return found[1] if found else "the system"


def pools() -> list[Pool]:
    """Return the libraries for linear algebra and OpenMP in this process.

    They are those that the package threadpoolctl reports, if it is installed; otherwise, on Linux, those in the map of
    this process, and none on other systems.
    """
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return [_pool(path, kind) for path, kind in _loaded()]
    kinds = {kind.lower(): kind for kind in FILE_NAMES}
    return [
        Pool(info["filepath"], kinds[info["internal_api"]], info["num_threads"], *_about(info))
        for info in threadpool_info()
        if info["internal_api"] in kinds
    ]


def _loaded() -> Iterable[tuple[str, str]]:
    try:
        lines = MAPS.read_text().splitlines()
    except OSError:
        return
    for path in dict.fromkeys(line.split(maxsplit=5)[5] for line in lines if "/" in line):
        for kind, pattern in FILE_NAMES.items():
            if re.match(pattern, Path(path).name):
                yield path, kind


def _about(info: dict[str, Any]) -> tuple[str, str]:
    """Return version and kernels from what threadpoolctl reports."""
    return (info["version"] or "", info["architecture"] or "") if info["internal_api"] == "openblas" else ("", "")


def _pool(path: str, kind: str) -> Pool:
    import ctypes  # only now: commands start without it

    try:
        library = ctypes.CDLL(path)  # loaded already: this returns the same library
    except OSError:
        return Pool(path, kind, None)

    def ask(name: str, answer: Any) -> Any:
        for start, end in AFFIXES:
            if function := getattr(library, f"{start}{name}{end}", None):
                function.restype = answer
                return function()
        return None

    threads = ask(THREADS[kind], ctypes.c_int)
    if kind != OPENBLAS:
        return Pool(path, kind, threads)
    version = re.match(rb"OpenBLAS (\S+)", ask("openblas_get_config", ctypes.c_char_p) or b"")
    kernels = ask("openblas_get_corename", ctypes.c_char_p) or b""
    return Pool(path, kind, threads, version[1].decode() if version else "", kernels.decode())


def numpys(found: Sequence[Pool]) -> Pool | None:
    """Return NumPy's library for linear algebra; None if there is none that `pools` knows."""
    algebra = [pool for pool in found if pool.kind != OPENMP]
    return next((pool for pool in algebra if pool.owner == "numpy"), algebra[0] if algebra else None)


def kernels_warning(found: Sequence[Pool]) -> str | None:
    """Return one line if a variable of the environment has chosen the kernels of NumPy's OpenBLAS; None if not.

    Parameters
    ----------
    found : sequence of Pool
        Libraries in the process, as from `pools`.
    """
    own, chosen = numpys(found), os.environ.get(CORETYPE)
    if not chosen or own is None or own.kind != OPENBLAS:
        return None
    return (
        f"Warning: ratios may be off: {CORETYPE}={chosen} may slow NumPy's OpenBLAS, and nothing else: unset {CORETYPE}"
    )


def warning(found: Sequence[Pool], asked: int) -> str | None:
    """Return one line on threads that may spoil times, and what to do; None if all is as asked.

    Parameters
    ----------
    found : sequence of Pool
        Libraries in the process, as from `pools`.
    asked : int
        Number of threads that NumPy's library should use.
    """
    own = numpys(found)
    if own is None:
        return None
    others = [pool for pool in found if pool is not own]
    if own.owner != "numpy":  # a library of the system may take its threads from the system's OpenMP
        others = [pool for pool in others if pool.kind != OPENMP or pool.owner != own.owner]
    problems = []
    if own.threads is not None and own.threads > asked:
        variable = VARIABLES[own.kind]
        problems.append(
            f"NumPy's {own.kind} uses {own.threads} threads, expected {asked}: set {variable}={asked} before Python "
            "starts"
        )
    if own.threads is not None and own.threads < asked:
        problems.append(
            f"NumPy's {own.kind} uses {own.threads} of {asked} threads: allow the process more cores, or ask for "
            f"--threads {own.threads}"
        )
    if others:
        names = ", ".join(f"{pool.kind} of {pool.owner}" for pool in others)
        problems.append(
            f"NumPy's {own.kind} shares the cores with {names}: leave out the tier or package that loads more than "
            "NumPy"
        )
    return f"Warning: times may be off: {'; '.join(problems)}" if problems else None
