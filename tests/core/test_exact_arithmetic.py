"""Exact arithmetic on arrays: the bits of a loop that adds in the order of the index."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

from micrograd_tiers.tiers.exact.arrays import matmul, matmuls, products

SIZES = st.sampled_from([1, 2, 3, 5, 8, 17, 40])
MAGNITUDES = {"float64": 8, "float32": 3}
LAYOUTS = {
    "contiguous": np.ascontiguousarray,
    "transposed": lambda a: np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2),
    "every second": lambda a: np.repeat(a, 2, axis=-1)[..., ::2],
    "backwards": lambda a: np.ascontiguousarray(a[..., ::-1, ::-1])[..., ::-1, ::-1],
}


@st.composite
def arrays(draw, *shapes):
    """Draw arrays of the shapes, of one dtype, in any layout, with numbers of many magnitudes and zeros."""
    dtype, rng = draw(st.sampled_from(["float64", "float32"])), np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    drawn = []
    for shape in shapes:
        exponents = rng.integers(-MAGNITUDES[dtype], MAGNITUDES[dtype], shape)
        numbers = rng.standard_normal(shape) * 10.0**exponents * (rng.random(shape) > 0.1)
        drawn.append(LAYOUTS[draw(st.sampled_from([*LAYOUTS]))](numbers.astype(dtype)))
    return drawn


def product(a, b):
    """Return the sum over k of a[..., k] b[k, ...], one term after the other."""
    y = np.zeros((*np.broadcast_shapes(a.shape[:-2], b.shape[:-2]), a.shape[-2], b.shape[-1]), a.dtype)
    for k in range(a.shape[-1]):
        y = y + a[..., :, k, None] * b[..., k, None, :]
    return y


def assert_same_bits(ours, expected):
    assert (ours.dtype, ours.shape, ours.tobytes()) == (expected.dtype, expected.shape, expected.tobytes())


@examples(100)
@given(data=st.data(), M=SIZES, K=SIZES, P=SIZES)
def test_a_product_of_matrices_or_of_a_matrix_and_a_vector_sums_in_order(data, M, K, P):
    a, b = data.draw(arrays((M, K), (K, P)))
    expected = product(a, b)
    assert_same_bits(matmul(a, b), expected)
    assert_same_bits(matmul(a[0], b), expected[0])
    assert_same_bits(matmul(a, b[:, 0]), expected[:, 0].copy())


@examples(100)
@given(data=st.data(), stack=st.sampled_from([(1,), (3,), (2, 1), (2, 3)]), M=SIZES, K=SIZES, P=SIZES)
def test_stacks_of_products_sum_in_order(data, stack, M, K, P):
    a, b = data.draw(arrays((*stack, M, K), (*stack, K, P)))
    assert_same_bits(matmuls(a, b), product(a, b))
    one = a[(0,) * len(stack)]  # the same matrix for all
    assert_same_bits(matmuls(one, b), product(one, b))


@examples(100)
@given(data=st.data(), N=st.integers(1, 4), T=SIZES, O=SIZES, I=SIZES)
def test_the_sum_of_products_sums_each_in_order_and_then_these(data, N, T, O, I):  # noqa: E741
    dy, x = data.draw(arrays((N, T, O), (N, T, I)))
    first, *others = (product(dy[n].T, x[n]) for n in range(N))
    for other in others:
        first = first + other
    assert_same_bits(products(dy, x), first)


@pytest.mark.parametrize("shape", [(2, 300, 1), (1, 300, 2), (3, 1000, 5), (64, 300, 40)])
def test_long_products_sum_in_order(shape):
    M, K, P = shape
    rng = np.random.default_rng(K)
    a, b = rng.standard_normal((K, M)).T, rng.standard_normal((P, K)).T
    assert_same_bits(matmul(a, b), product(a, b))
