"""Preparation of pictures of digits: found in any picture of one digit, refused in any other, exact on MNIST's own."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from idx_files import real_data
from PIL import Image

import micrograd_tiers as mt
from micrograd_tiers.datasets import draw_glyphs, load_dataset, load_mnist, prepare_digit, read_image


@pytest.fixture(scope="module")
def spoiled():
    """The module benchmarks/spoiled_digits.py."""
    path = Path(__file__).parents[2] / "benchmarks" / "spoiled_digits.py"
    spec = importlib.util.spec_from_file_location("spoiled_digits", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def trained(data):
    net = mt.mlp([784, 64, 10], "relu", seed=0)
    mt.fit(net, data.train_x, data.train_y, optimizer=mt.Adam(0.002), epochs=3, seed=0)
    return net


def test_nine_of_ten_spoiled_digits_of_mnist_are_recognized(spoiled):
    data = load_dataset("mnist", data_dir=real_data("mnist"), n_train=10_000)
    some = np.random.default_rng(0).permutation(len(data.test_x))[:150]
    figures = spoiled.measure(trained(data), data.test_x[some], data.test_y[some])
    unspoiled, as_in_mnist = figures.pop("as in MNIST")
    assert abs(as_in_mnist - unspoiled) < 0.01
    for name, (as_it_is, prepared) in figures.items():
        assert as_it_is < 0.6, name
        assert prepared > max(0.85, unspoiled - 0.05), name


def test_a_digit_of_mnist_stays_as_it_is():
    X, _ = load_mnist(real_data("mnist"), "test")
    changes = [np.abs(prepare_digit(image).image - image).max() for image in X[:200].reshape(-1, 28, 28)]
    assert np.percentile(changes, 95) < 0.03


def test_spoiled_glyphs_are_recognized(spoiled):
    data = load_dataset("glyphs", n_train=2_000, n_test=100)
    for name, (_, prepared) in spoiled.measure(trained(data), data.test_x, data.test_y).items():
        assert prepared > 0.8, name


# The form of the result.


@pytest.fixture(scope="module")
def digit():
    """A glyph of 20 x 20 pixels or less on black, without noise."""
    X, _ = draw_glyphs(1, rng=np.random.default_rng(2))
    image = np.where(X > 0.3, X, 0).reshape(28, 28)
    return image[image.any(axis=1)][:, image.any(axis=0)]


def on_paper(digit, *, size=(100, 120), top=30, left=50, scale=2):
    """Return a black picture with the digit at a place; scale is its magnification."""
    picture = np.zeros(size)
    large = digit.repeat(scale, axis=0).repeat(scale, axis=1)
    picture[top : top + large.shape[0], left : left + large.shape[1]] = large
    return picture


def test_the_digit_fits_into_20_pixels_and_its_center_of_mass_is_in_the_middle(digit):
    image = prepare_digit(on_paper(digit)).image
    assert image.shape == (28, 28)
    assert (image.min(), image.max()) == (0, 1)
    rows, columns = image.any(axis=1).nonzero()[0], image.any(axis=0).nonzero()[0]
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert max(height, width) == 20
    assert height / width == pytest.approx(digit.shape[0] / digit.shape[1], rel=0.06)
    for axis in (0, 1):
        assert 13.5 <= np.arange(28) @ image.sum(axis=1 - axis) / image.sum() < 14.5


@pytest.mark.parametrize("scale", [1, 2, 7, 20])
def test_the_box_is_where_the_digit_is(digit, scale):
    height, width = digit.shape
    prepared = prepare_digit(on_paper(digit, size=(550, 640), top=60, left=80, scale=scale))
    expected = (60, 60 + height * scale, 80, 80 + width * scale)
    np.testing.assert_allclose(prepared.box, expected, atol=4)  # 640 pixels are reduced by 4


@pytest.mark.parametrize(
    ("spoil", "dark"),
    [
        (lambda p: 1 - p, True),
        (lambda p: 0.2 + 0.1 * p, False),
        (lambda p: 0.8 - 0.1 * p, True),
        (lambda p: 0.5 + 0.5 * p, False),
        (lambda p: 0.9 - 0.5 * p - np.linspace(0, 0.4, p.shape[1]), True),  # more change of light than contrast of ink
        (lambda p: 0.9 - 0.5 * p - np.linspace(-0.5, 0.6, p.shape[0])[:, None] ** 2, True),
    ],
)
def test_paper_of_any_brightness_gives_the_same_image(digit, spoil, dark):
    picture = on_paper(digit)
    prepared = prepare_digit(spoil(picture))
    np.testing.assert_allclose(prepared.image, prepare_digit(picture).image, atol=0.1)
    assert prepared.dark_ink is dark


def test_noise_and_specks_are_removed(digit):
    picture = on_paper(digit, scale=3)
    noisy = 0.8 - 0.6 * picture + 0.03 * np.random.default_rng(0).standard_normal(picture.shape)
    noisy[5:7, 5:7] = noisy[90, 110] = 0
    np.testing.assert_allclose(prepare_digit(np.clip(noisy, 0, 1)).image, prepare_digit(picture).image, atol=0.2)


def test_a_prepared_digit_keeps_its_size_and_place(digit):
    once = prepare_digit(on_paper(digit)).image
    np.testing.assert_allclose(prepare_digit(once).image, once, atol=0.1)


# Small digits, and other things than the digit at the edge.

Y, X = np.mgrid[:400, :400]
FROM_EDGE = np.minimum(np.minimum(X, 399 - X), np.minimum(Y, 399 - Y))


@pytest.mark.parametrize("size", [(120, 1500), (1200, 1600)])
def test_a_small_digit_in_a_large_picture_is_as_sharp_as_in_a_small_picture(digit, size):
    close = prepare_digit(1 - on_paper(digit, size=(120, 120), top=30, left=30, scale=3))
    far = prepare_digit(1 - on_paper(digit, size=size, top=30, left=700, scale=3))
    np.testing.assert_allclose(far.box, np.add(close.box, (0, 0, 670, 670)), atol=1)
    np.testing.assert_allclose(far.image, close.image, atol=0.05)


def test_the_noise_of_jpeg_does_not_enlarge_the_box(digit, tmp_path):
    picture = 0.95 - 0.85 * on_paper(digit, size=(1200, 1600), top=500, left=700, scale=3)
    Image.fromarray(np.rint(255 * picture).astype("uint8")).save(tmp_path / "digit.jpg")
    box = prepare_digit(read_image(tmp_path / "digit.jpg")).box
    height, width = digit.shape
    np.testing.assert_allclose(box, (500, 500 + 3 * height, 700, 700 + 3 * width), atol=4)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda p: np.where((X < 6) | (Y >= 392), 0.2, p),  # the dark edges of a scan
        lambda p: np.where(X + Y < 180, 0.55 * p, p),  # a hard shadow in a corner
        lambda p: np.where(FROM_EDGE < 4, 0.1, p),
        lambda p: np.where((FROM_EDGE >= 9) & (FROM_EDGE < 13), 0.1, p),
    ],
    ids=["strips", "shadow", "frame at the edge", "frame"],
)
@pytest.mark.parametrize("dark", [True, False], ids=["dark ink", "light ink"])
def test_what_lies_at_the_edge_is_no_part_of_the_digit(digit, spoil, dark):
    picture = 0.9 - 0.8 * on_paper(digit, size=(400, 400), top=150, left=160, scale=6)
    spoiled = spoil(picture)
    if not dark:
        picture, spoiled = 1 - picture, 1 - spoiled
    prepared, expected = prepare_digit(spoiled), prepare_digit(picture)
    np.testing.assert_allclose(prepared.box, expected.box, atol=4)
    np.testing.assert_allclose(prepared.image, expected.image, atol=0.2)
    assert prepared.dark_ink is dark


@pytest.mark.parametrize("scale", [1, 3, 20])
def test_a_digit_that_touches_all_edges_is_taken_whole(digit, scale):
    picture = digit.repeat(scale, axis=0).repeat(scale, axis=1)
    prepared = prepare_digit(1 - picture)
    np.testing.assert_allclose(prepared.box, (0, picture.shape[0], 0, picture.shape[1]), atol=4)
    np.testing.assert_allclose(prepared.image, prepare_digit(1 - np.pad(picture, 4 * scale)).image, atol=0.3)


# Pictures without one digit.

PLANE = np.add.outer(np.linspace(0, 0.5, 100), np.linspace(0, 0.4, 100))
RNG = np.random.default_rng(0)
REFUSED = {
    "white": (np.ones((100, 100)), "no figure found: contrast 0.00"),
    "black, 28 x 28": (np.zeros((28, 28)), "no figure found: contrast 0.00"),
    "one pixel": (np.ones((1, 1)), "no figure found"),
    "two pixels": (np.array([[0.0, 1.0]]), "no figure found"),
    "light from the side": (PLANE, "no figure found"),
    "grain of the paper": (0.9 + 0.01 * RNG.standard_normal((300, 200)), "no figure found"),
    "noise": (RNG.uniform(size=(50, 50)), "no figure found"),
    "half a gray level": (0.5 + on_paper(np.ones((5, 2))) / 255, "no figure found: contrast 0.00"),
    "a square": (on_paper(np.ones((15, 15))), "the figure is an area"),
    "a dash": (on_paper(np.ones((2, 12))), "6.0 times as wide as high"),
    "two bars": (on_paper(np.eye(5)[[0, 0, 0, 0]] + np.eye(5)[[3, 3, 3, 3]], scale=5), "2 figures found side by side"),
    "ruled paper": (np.where(Y % 50 == 25, 0.5, 1), "no digit found"),
    "squared paper": (np.where((Y % 50 == 25) | (X % 50 == 25), 0.5, 1), "no digit found"),
    "stripes": (((X + Y) // 40 % 2) * 1.0, "no digit found|figure"),
    "a chessboard": (((X // 50 + Y // 50) % 2) * 1.0, "figure"),
    "a frame": (np.where(FROM_EDGE == 30, 0.0, 1), "the figure is a rectangle or a frame"),
    "half of it black, on the left": (np.where(X < 200, 0.0, 1), "figure"),
    "half of it black, below": (np.where(Y >= 200, 0.0, 1), "figure"),
    "sand": ((RNG.uniform(size=(160, 160)) > 0.98) * 1.0, "figure"),
}


@pytest.mark.parametrize(("picture", "text"), REFUSED.values(), ids=REFUSED)
def test_a_picture_without_one_clear_figure_is_refused(picture, text):
    with pytest.raises(mt.DataError, match=text):
        prepare_digit(picture)


@pytest.mark.parametrize("spoil", [lambda p: 255 * p, lambda p: p - 0.5, lambda p: p * np.nan])
def test_values_outside_of_the_range_are_refused(digit, spoil):
    with pytest.raises(mt.DataError, match=r"picture has values from .* expected 0 \(black\) to 1 \(white\)"):
        prepare_digit(spoil(on_paper(digit)))


@pytest.mark.parametrize("shape", [(784,), (1, 28, 28), (0, 5)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="expected \\(H, W\\)"):
        prepare_digit(np.zeros(shape))


GRAY = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0, 1)


@given(arrays.arrays(float, arrays.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=GRAY))
def test_any_picture_is_prepared_or_refused(picture):
    try:
        prepared = prepare_digit(picture)
    except mt.DataError:
        return
    assert prepared.image.shape == (28, 28)
    assert (prepared.image.min(), prepared.image.max()) == (0, 1)
    top, bottom, left, right = prepared.box
    assert 0 <= top < bottom <= picture.shape[0]
    assert 0 <= left < right <= picture.shape[1]
