"""The glyphs: MNIST's format, legible, varied, and harder for a linear model than for a network."""

import itertools
import subprocess
import sys
import tracemalloc

import matplotlib
import numpy as np
import pytest

from micrograd_tiers.datasets import draw_glyphs, glyphs
from micrograd_tiers.errors import DataError


def draw(n, seed=0):
    return draw_glyphs(n, rng=np.random.default_rng(seed))


@pytest.fixture(scope="module")
def sample():
    return draw(2000)


def test_images_are_in_the_shape_and_range_of_mnist(sample):
    X, y = sample
    assert (X.shape, X.dtype) == ((2000, 784), np.float64)
    assert (y.shape, y.dtype) == ((2000,), np.int64)
    np.testing.assert_array_equal(X, np.rint(255 * X) / 255)
    assert (X.min(), X.max()) == (0.0, 1.0)
    assert X.mean() == pytest.approx(0.1307, abs=0.02)


@pytest.mark.parametrize("n", [1, 9, 10, 499, 501, 1234])
def test_digits_are_balanced_and_in_random_order(n):
    X, y = draw(n)
    assert len(X) == n
    assert np.ptp(np.bincount(y, minlength=10)) <= 1
    if n > 100:
        assert np.mean(y[1:] == y[:-1]) < 0.2


def test_ink_is_white_on_black_and_in_the_middle(sample):
    images = sample[0].reshape(-1, 28, 28)
    rim = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]], axis=1)
    assert rim.mean() < 0.05
    assert np.quantile(images.max(axis=(1, 2)), 0.01) > 0.6
    assert images[:, 10:18, 10:18].mean() > 5 * rim.mean()


def test_the_seed_determines_the_set():
    (X, y), (again_x, again_y) = draw(700), draw(700)
    np.testing.assert_array_equal(X, again_x)
    np.testing.assert_array_equal(y, again_y)
    assert not np.array_equal(X, draw(700, seed=1)[0])


def test_the_global_random_state_is_left_alone():
    before = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    draw(10)
    after = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    assert before["pos"] == after["pos"]
    np.testing.assert_array_equal(before["key"], after["key"])


def test_no_two_images_are_alike(sample):
    assert len(np.unique(sample[0], axis=0)) == len(sample[0])


def test_every_template_keeps_its_ink_away_from_the_edge():
    templates = glyphs._templates()
    assert templates.shape == (10 * len(glyphs.FONTS), 112, 112)
    assert templates[:, [0, -1]].max() < 1e-6
    assert templates[:, :, [0, -1]].max() < 1e-6
    assert templates.max(axis=(1, 2)).min() > glyphs.LEVEL[1]  # no digit vanishes, even at the highest level


def test_every_font_draws_ten_different_digits():
    templates = glyphs._templates().reshape(len(glyphs.FONTS), 10, -1)
    for of_font in templates:
        distance = np.abs(of_font[:, None] - of_font).sum(axis=2) / of_font.sum(axis=1)
        assert distance[~np.eye(10, dtype=bool)].min() > 0.2


def test_six_and_nine_differ_in_the_position_of_the_bowl(sample):
    X, y = sample
    images = X.reshape(-1, 28, 28)
    rows = (images.sum(axis=2) * np.arange(28)).sum(axis=1) / images.sum(axis=(1, 2))
    assert rows[y == 6].mean() > rows[y == 9].mean() + 0.4

    means = np.stack([X[(y == digit)].mean(axis=0) for digit in (6, 9)])
    held_out_x, held_out_y = draw(1000, seed=1)
    chosen = np.isin(held_out_y, [6, 9])
    distance = ((held_out_x[chosen, None] - means) ** 2).sum(axis=2)
    assert np.mean(np.array([6, 9])[distance.argmin(axis=1)] == held_out_y[chosen]) > 0.85


def test_a_nearest_mean_classifier_beats_chance_but_not_a_network(sample):
    """The glyphs are neither noise nor trivial: accuracy far above chance and far below a network's."""
    X, y = sample
    means = np.stack([X[y == digit].mean(axis=0) for digit in range(10)])
    held_out_x, held_out_y = draw(1000, seed=1)
    distance = ((held_out_x[:, None] - means) ** 2).sum(axis=2)
    assert 0.5 < np.mean(distance.argmin(axis=1) == held_out_y) < 0.85


def test_memory_beyond_the_result_does_not_grow_with_the_number_of_images():
    draw(1)  # caches the templates
    beyond = []
    for n in (1000, 4000):
        tracemalloc.start()
        X, _ = draw(n)
        beyond.append(tracemalloc.get_traced_memory()[1] - X.nbytes)
        tracemalloc.stop()
    assert beyond[1] < beyond[0] + 2**20
    assert beyond[1] < 64 * 2**20


@pytest.mark.parametrize("n", [0, -5, 2.0])
def test_a_size_that_is_not_a_positive_integer_is_refused(n):
    with pytest.raises(ValueError, match=r"n is .*, expected"):
        draw(n)


def test_a_missing_font_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(matplotlib, "get_data_path", lambda: str(tmp_path))
    glyphs._templates.cache_clear()
    with pytest.raises(DataError, match=r"DejaVuSans\.ttf is missing; install Matplotlib again"):
        draw(10)


def test_only_drawing_glyphs_imports_matplotlib_and_pyplot_is_never_imported():
    code = (
        "import sys, numpy as np; from micrograd_tiers.datasets import draw_glyphs, load_dataset;"
        "load_dataset('moons'); assert not {'matplotlib', 'pooch', 'requests', 'tqdm'} & set(sys.modules);"
        "draw_glyphs(10, rng=np.random.default_rng(0)); assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def held_out_accuracy(n_hidden, *, epochs, learning_rate):
    """Train softmax regression or, if n_hidden, a network with one layer of sigmoids, in plain NumPy."""
    rng = np.random.default_rng(0)
    (X, y), (test_x, test_y) = draw(10_000), draw(2000, seed=1)
    sizes = [784, n_hidden, 10] if n_hidden else [784, 10]
    layers = [
        [rng.uniform(-1, 1, size=(o, i)) * np.sqrt(6 / (i + o)), np.zeros(o)] for i, o in itertools.pairwise(sizes)
    ]

    def forward(x):
        inputs = [x]
        for weight, bias in layers[:-1]:
            inputs.append(1 / (1 + np.exp(-(inputs[-1] @ weight.T + bias))))
        return inputs, inputs[-1] @ layers[-1][0].T + layers[-1][1]

    for _ in range(epochs):
        for batch in np.split(rng.permutation(len(X)), len(X) // 50):
            inputs, logits = forward(X[batch])
            p = np.exp(logits - logits.max(axis=1, keepdims=True))
            dz = (p / p.sum(axis=1, keepdims=True) - np.eye(10)[y[batch]]) / len(batch)
            for layer, x in zip(reversed(layers), reversed(inputs), strict=True):
                dweight, dbias = dz.T @ x, dz.sum(axis=0)
                dz = dz @ layer[0] * x * (1 - x)
                layer[0] -= learning_rate * dweight
                layer[1] -= learning_rate * dbias
    return np.mean(forward(test_x)[1].argmax(axis=1) == test_y)


@pytest.mark.slow
def test_a_network_classifies_held_out_glyphs_clearly_better_than_a_linear_model():
    network = held_out_accuracy(300, epochs=20, learning_rate=0.5)
    linear = held_out_accuracy(0, epochs=20, learning_rate=0.1)
    print(f"network {network:.4f}, linear {linear:.4f}")
    assert 0.95 < network < 0.99
    assert linear < network - 0.04
    assert linear > 0.8
