"""The product that BLAS adds to the weights: equal to NumPy's, and left out where it is missing or wrong."""

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.tiers import blas

DTYPES = [np.dtype("float64"), np.dtype("float32")]
needs_blas = pytest.mark.skipif(None in map(blas.gemm_for, DTYPES), reason="NumPy's BLAS has no function that is found")


@pytest.fixture
def search():
    """Search again in this test, and after it."""
    blas.gemm_for.cache_clear()
    yield
    blas.gemm_for.cache_clear()


def arrays(dtype, n=64, o=150, i=200):
    rng = np.random.default_rng(0)
    return (rng.standard_normal(shape).astype(dtype) for shape in ((o, i), (n, o), (n, i)))


def refuse(*arguments):
    raise AssertionError("not to be called")


@needs_blas
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("n", [1, 2, 64])
def test_the_product_is_added_as_numpy_adds_it(dtype, n, monkeypatch):
    assert blas.gemm_for(dtype)  # found before NumPy is cut off
    monkeypatch.setattr(blas.np, "dot", refuse)
    target, dy, x = arrays(dtype, n)
    expected = target + dy.T @ x
    blas.add_product(target, dy, x)
    np.testing.assert_allclose(target, expected, rtol=0, atol=100 * np.finfo(dtype).eps)


@pytest.mark.parametrize("change", ["small", "rows in reverse", "columns of x", "transposed", "float64 into float32"])
def test_arrays_that_blas_cannot_take_are_left_to_numpy(change, monkeypatch):
    monkeypatch.setattr(blas, "_call", refuse)
    target, dy, x = arrays(np.float32, o=3) if change == "small" else arrays(np.float32)
    if change == "rows in reverse":
        target = target[::-1]
    elif change == "columns of x":
        x = np.repeat(x, 2, axis=1)[:, ::2]
    elif change == "transposed":
        target = np.asfortranarray(target)
    elif change == "float64 into float32":
        dy = dy.astype(np.float64)
    expected = target + dy.T @ x
    blas.add_product(target, dy, x)
    np.testing.assert_allclose(target, expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("dtype", ["complex128", ">f8", "int64", "float16"])
def test_no_function_is_looked_up_for_other_dtypes(dtype):
    assert blas.gemm_for(np.dtype(dtype)) is None


@pytest.mark.parametrize("reason", ["no spelling", "no library", "wrong", "no ctypes"])
def test_without_a_function_that_agrees_with_numpy_training_goes_on(reason, search, monkeypatch):
    X, y = np.random.default_rng(0).random((40, 200)), np.arange(40) % 3

    def trained(tier):
        net = mt.mlp([200, 150, 3], tier=tier)
        mt.fit(net, X, y, batch_size=16, epochs=2)
        return net.state_dict()

    tiers = ("vector", "tensor")
    usual = [trained(tier) for tier in tiers]
    blas.gemm_for.cache_clear()
    if reason == "no spelling":
        monkeypatch.setattr(blas, "SPELLINGS", ())
    elif reason == "no library":
        monkeypatch.setattr(blas, "_libraries", lambda: ["no such library"])
    elif reason == "wrong":
        monkeypatch.setattr(blas, "_candidates", lambda name: [lambda *arguments: None])
    else:
        monkeypatch.setitem(blas.sys.modules, "ctypes", None)
    assert blas.gemm_for(np.dtype("float64")) is None
    for tier, before in zip(tiers, usual, strict=True):
        after = trained(tier)
        for name, weights in before.items():
            np.testing.assert_allclose(after[name], weights, rtol=0, atol=1e-14)


@pytest.mark.parametrize("tier", ["vector", "tensor"])
def test_exact_mode_sums_the_product_itself(tier, monkeypatch):
    monkeypatch.setattr(blas, "_call", refuse)
    mt.fit(mt.mlp([200, 150, 3], tier=tier, exact=True), np.ones((4, 200)), [0, 1, 2, 0])


@needs_blas
@pytest.mark.parametrize("tier", ["vector", "tensor"])
def test_no_weight_changes_when_the_loss_is_not_finite(tier):
    net = mt.mlp([200, 150, 3], loss="mean_squared_error", tier=tier)
    before = net.state_dict()
    with pytest.raises(mt.DivergedError):
        mt.fit(net, np.full((4, 200), 1e200), np.full((4, 3), -1e300))
    assert all(np.array_equal(before[name], weights) for name, weights in net.state_dict().items())


@pytest.mark.parametrize("optimizer", [mt.SGD(0.1, momentum=0.9), mt.Adam(0.01)], ids=["momentum", "adam"])
def test_other_optimizers_get_the_gradient(optimizer, monkeypatch):
    monkeypatch.setattr(blas, "_call", refuse)
    mt.fit(mt.mlp([200, 150, 3]), np.ones((4, 200)), [0, 1, 2, 0], optimizer=optimizer)
