"""The pools of threads: which libraries are found, and what the one line of warning says."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from micrograd_tiers import pools
from micrograd_tiers.pools import BLIS, MKL, OPENBLAS, OPENMP, Pool, kernels_warning, warning
from micrograd_tiers.threads import pinned

PACKAGES = "/home/me/.venv/lib/python3.12/site-packages"
NUMPYS = f"{PACKAGES}/numpy.libs/libscipy_openblas64_-32a4b2a6.so"
SCIPYS = f"{PACKAGES}/scipy.libs/libscipy_openblas-6cdc3b4a.so"
TORCHS = f"{PACKAGES}/torch/lib/libgomp.so.1"
MAPS = f"""\
55d0c8a00000-55d0c8a01000 r--p 00000000 08:01 1234 /usr/bin/python3.12
7f0000000000-7f0000001000 r--p 00000000 08:01 1235 {NUMPYS}
7f0000001000-7f0000002000 r-xp 00001000 08:01 1235 {NUMPYS}
7f0000002000-7f0000003000 r-xp 00000000 08:01 1236 {SCIPYS}
7f0000003000-7f0000004000 r-xp 00000000 08:01 1237 {TORCHS}
7f0000004000-7f0000005000 r-xp 00000000 08:01 1238 {PACKAGES}/scipy/linalg/_fblas.cpython-312-x86_64-linux-gnu.so
7f0000005000-7f0000006000 r-xp 00000000 08:01 1239 {PACKAGES}/nvidia/cublas/lib/libcublas.so.12
7f0000006000-7f0000007000 r-xp 00000000 08:01 1240 /opt/a folder/libmkl_rt.so.2
7f0000007000-7f0000008000 r-xp 00000000 08:01 1241 /opt/a folder/libiomp5.so
7f0000008000-7f0000009000 r-xp 00000000 08:01 1242 /usr/lib/libblis.so.4 (deleted)
7f0000009000-7f000000a000 rw-p 00000000 00:00 0
7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0 [stack]
"""


@pytest.fixture
def without_threadpoolctl(monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)


@pytest.mark.usefixtures("without_threadpoolctl")
def test_libraries_are_found_in_the_map_of_the_process(tmp_path, monkeypatch):
    monkeypatch.setattr(pools, "MAPS", tmp_path / "maps")
    assert pools.pools() == []  # no such file, as on other systems
    (tmp_path / "maps").write_text(MAPS)
    assert pools.pools() == [
        Pool(NUMPYS, OPENBLAS, None),  # None: no such library is here to be asked
        Pool(SCIPYS, OPENBLAS, None),
        Pool(TORCHS, OPENMP, None),
        Pool("/opt/a folder/libmkl_rt.so.2", MKL, None),
        Pool("/opt/a folder/libiomp5.so", OPENMP, None),
        Pool("/usr/lib/libblis.so.4 (deleted)", BLIS, None),
    ]
    assert [pool.owner for pool in pools.pools()] == ["numpy", "scipy", "torch", *["the system"] * 3]


@pytest.mark.usefixtures("without_threadpoolctl")
def test_a_library_is_asked_for_its_threads(tmp_path, monkeypatch):
    (tmp_path / "maps").write_text(MAPS)
    monkeypatch.setattr(pools, "MAPS", tmp_path / "maps")
    libraries = {
        NUMPYS: SimpleNamespace(
            scipy_openblas_get_num_threads64_=lambda: 2,
            scipy_openblas_get_config64_=lambda: b"OpenBLAS 0.3.31  DYNAMIC_ARCH Haswell MAX_THREADS=64",
            scipy_openblas_get_corename64_=lambda: b"Haswell",
        ),
        SCIPYS: SimpleNamespace(
            scipy_openblas_get_num_threads=lambda: 3, scipy_openblas_get_config=lambda: b"NO_LAPACK DYNAMIC_ARCH"
        ),
        TORCHS: SimpleNamespace(omp_get_max_threads=lambda: 4),
        "/opt/a folder/libmkl_rt.so.2": SimpleNamespace(MKL_Get_Max_Threads=lambda: 5),
        "/opt/a folder/libiomp5.so": SimpleNamespace(),
        "/usr/lib/libblis.so.4 (deleted)": SimpleNamespace(bli_thread_get_num_threads=lambda: 6),
    }
    monkeypatch.setattr("ctypes.CDLL", libraries.__getitem__)
    found = pools.pools()
    assert [pool.threads for pool in found] == [2, 3, 4, 5, None, 6]
    assert [(pool.version, pool.kernels) for pool in found] == [("0.3.31", "Haswell")] + [("", "")] * 5


def test_threadpoolctl_is_asked_first(monkeypatch):
    about = [
        {"filepath": NUMPYS, "internal_api": "openblas", "num_threads": 2, "version": "0.3.31", "architecture": "Zen"},
        {"filepath": SCIPYS, "internal_api": "openblas", "num_threads": 1, "version": None, "architecture": None},
        {"filepath": TORCHS, "internal_api": "openmp", "num_threads": 4},
        {"filepath": "/usr/lib/libflexiblas.so.3", "internal_api": "flexiblas", "num_threads": 1},
    ]
    monkeypatch.setitem(sys.modules, "threadpoolctl", SimpleNamespace(threadpool_info=lambda: about))
    assert pools.pools() == [
        Pool(NUMPYS, OPENBLAS, 2, "0.3.31", "Zen"),
        Pool(SCIPYS, OPENBLAS, 1),
        Pool(TORCHS, OPENMP, 4),
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a map of each process")
def test_the_package_threadpoolctl_agrees_on_this_process():
    pytest.importorskip("threadpoolctl")
    code = "import sys, numpy\nfrom micrograd_tiers.pools import numpys, pools\nprint(numpys(pools()))\n"
    code += "sys.modules['threadpoolctl'] = None\nprint(numpys(pools()))"
    lines = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split("\n")
    assert lines[0] == lines[1]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a map of each process")
def test_the_threads_of_this_numpy_are_those_that_were_asked_for():
    code = (
        "import sys; sys.modules['threadpoolctl'] = None\n"
        "import numpy\n"
        "from micrograd_tiers.pools import pools, warning\n"
        "print([pool.threads for pool in pools() if pool.kind != 'OpenMP'], warning(pools(), 1))"
    )
    result = subprocess.run([sys.executable, "-c", code], env={**pinned(1)}, capture_output=True, text=True, check=True)
    assert result.stdout in ("[1] None\n", "[] None\n")  # none if NumPy has no library of its own


def test_all_is_well_with_one_library_and_the_threads_that_were_asked_for():
    assert warning([], 1) is None
    assert warning([Pool(NUMPYS, OPENBLAS, 2)], 2) is None
    assert warning([Pool(NUMPYS, OPENBLAS, None)], 2) is None
    assert (
        warning([Pool("/usr/lib/libopenblas.so.0", OPENBLAS, 1), Pool("/usr/lib/libgomp.so.1", OPENMP, 2)], 1) is None
    )


@pytest.mark.parametrize(
    ("kind", "variable"),
    [(OPENBLAS, "OPENBLAS_NUM_THREADS"), (MKL, "MKL_NUM_THREADS"), (BLIS, "BLIS_NUM_THREADS")],
)
def test_too_many_threads_are_limited_by_a_variable(kind, variable):
    assert warning([Pool("/usr/lib/library.so", kind, 4)], 1) == (
        f"Warning: times may be off: NumPy's {kind} uses 4 threads, expected 1: set {variable}=1 before Python starts"
    )


def test_too_few_threads_are_asked_for_less():
    assert warning([Pool(NUMPYS, OPENBLAS, 2)], 9) == (
        "Warning: times may be off: NumPy's OpenBLAS uses 2 of 9 threads: allow the process more cores, or ask for "
        "--threads 2"
    )


def test_a_second_library_is_named_with_its_package():
    own, scipys, torchs = Pool(NUMPYS, OPENBLAS, 1), Pool(SCIPYS, OPENBLAS, 1), Pool(TORCHS, OPENMP, 1)
    assert warning([scipys, torchs, own], 1) == (
        "Warning: times may be off: NumPy's OpenBLAS shares the cores with OpenBLAS of scipy, OpenMP of torch: leave "
        "out the tier or package that loads more than NumPy"
    )
    both = warning([Pool(NUMPYS, OPENBLAS, 2), torchs], 1)
    assert "expected 1: set OPENBLAS_NUM_THREADS=1 before Python starts; NumPy's OpenBLAS shares" in both
    assert "\n" not in both
    assert "OpenMP of torch" in warning([Pool("/usr/lib/libopenblas.so.0", OPENBLAS, 1), torchs], 1)


def test_a_variable_that_chooses_kernels_is_reported(monkeypatch):
    own, other = Pool(NUMPYS, OPENBLAS, 1), Pool("/usr/lib/libmkl_rt.so", MKL, 1)
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    assert kernels_warning([own]) is None
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert kernels_warning([Pool(TORCHS, OPENMP, 1), own]) == (
        "Warning: ratios may be off: OPENBLAS_CORETYPE=Haswell may slow NumPy's OpenBLAS, and nothing else: unset "
        "OPENBLAS_CORETYPE"
    )
    assert kernels_warning([other]) is None
    assert kernels_warning([]) is None
    monkeypatch.setenv("OPENBLAS_CORETYPE", "")
    assert kernels_warning([own]) is None
