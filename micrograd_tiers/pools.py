"""The pools of threads in this process: how many threads NumPy's library has, and whether others compete with it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

MAPS = Path("/proc/self/maps")  # on Linux, the files that are loaded into this process
OPENBLAS, MKL, BLIS, OPENMP = "OpenBLAS", "MKL", "BLIS", "OpenMP"
FILE_NAMES = {
    OPENBLAS: r"lib(scipy_)?openblas.*\.so",
    MKL: r"libmkl_rt\b.*\.so",
    BLIS: r"libblis\b.*\.so",
    OPENMP: r"lib(gomp|iomp5?|omp)\b.*\.so",
}
FUNCTIONS = {  # that return the number of threads; NumPy's and SciPy's own OpenBLAS have other names
    OPENBLAS: [f"{start}openblas_get_num_threads{end}" for start in ("", "scipy_") for end in ("", "64_", "_64")],
    MKL: ["MKL_Get_Max_Threads"],
    BLIS: ["bli_thread_get_num_threads"],
    OPENMP: ["omp_get_max_threads"],
}
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
    """

    path: str
    kind: str
    threads: int | None

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
        return [Pool(path, kind, _threads_of(path, kind)) for path, kind in _loaded()]
    kinds = {kind.lower(): kind for kind in FILE_NAMES}
    return [
        Pool(info["filepath"], kinds[info["internal_api"]], info["num_threads"])
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


def _threads_of(path: str, kind: str) -> int | None:
    import ctypes  # only now: commands start without it

    try:
        library = ctypes.CDLL(path)  # loaded already: this returns the same library
    except OSError:
        return None
    for name in FUNCTIONS[kind]:
        if function := getattr(library, name, None):
            return int(function())
    return None


def warning(found: Sequence[Pool], asked: int) -> str | None:
    """Return one line on threads that may spoil times, and what to do; None if all is as asked.

    Parameters
    ----------
    found : sequence of Pool
        Libraries in the process, as from `pools`.
    asked : int
        Number of threads that NumPy's library should use.
    """
    algebra = [pool for pool in found if pool.kind != OPENMP]
    if not algebra:
        return None
    own = next((pool for pool in algebra if pool.owner == "numpy"), algebra[0])
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
