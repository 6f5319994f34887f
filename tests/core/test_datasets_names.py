"""The names of the classes: what each says is true of the samples, in both parts of the set."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

import micrograd_tiers as mt
from micrograd_tiers.datasets import DATASETS
from micrograd_tiers.datasets.mnist import CLASS_NAMES


def mean_of(X, y, measure):
    """Return the mean of a measure of the points of each class, in the order of the classes."""
    return [measure(X[y == k]).mean() for k in range(y.max() + 1)]


def radius(X):
    return np.hypot(*X.T)


def angle(X):
    """Return the direction of each point in turns, from 0 to 1."""
    return np.arctan2(X[:, 1], X[:, 0]) / (2 * np.pi) % 1


def start_of_arm(X):
    """Return the direction in turns at which the spiral arm through each point starts: it turns by 4 radians to 1."""
    return np.exp(2j * np.pi * angle(X) - 4j * radius(X))


def ellipse(X, y, names):
    a, b = X[y == names.index("inside")], X[y == names.index("outside")]
    assert radius(a).max() < radius(b).max()
    assert np.cov(a.T)[0, 0] < np.cov(b.T)[0, 0]  # the inside holds the origin
    nearest = radius(X).argmin()
    assert names[y[nearest]] == "inside"
    assert names[y[radius(X).argmax()]] == "outside"


def xor(X, y, names):
    product = X[:, 0] * X[:, 1]
    assert np.median(product[y == names.index("equal signs")]) > 0.5
    assert np.median(product[y == names.index("different signs")]) < -0.5


def moons(X, y, names):
    above = mean_of(X, y, lambda points: points[:, 1])
    assert above[names.index("upper")] > 0.4 > 0.1 > above[names.index("lower")]


def circles(X, y, names):
    radii = mean_of(X, y, radius)
    assert radii[names.index("outer")] == pytest.approx(1, abs=0.02)
    assert radii[names.index("inner")] == pytest.approx(0.5, abs=0.02)


def spiral(X, y, names):
    starts = [np.angle(start_of_arm(X[y == names.index(f"{n} arm")]).mean()) for n in ("first", "second", "third")]
    np.testing.assert_allclose(np.unwrap(starts), [0, 2 * np.pi / 3, 4 * np.pi / 3], atol=0.1)


def blobs(X, y, names):
    centers = [X[y == names.index(f"{n} blob")].mean(axis=0) for n in ("first", "second", "third")]
    np.testing.assert_allclose(centers, [[2, 0], [-1, np.sqrt(3)], [-1, -np.sqrt(3)]], atol=0.15)


def glyphs(X, y, names):
    """Each mean image is most like the digit of its name, as another library draws it."""
    drawn = np.array([digit(name) for name in names])
    means = np.array([X[y == k].mean(axis=0) for k in range(10)])
    alike = np.corrcoef(means, drawn)[:10, 10:]
    np.testing.assert_array_equal(alike.argmax(axis=1), np.arange(10))
    assert names == tuple("0123456789")


def digit(name):
    """Draw a digit of DejaVu Sans with Pillow, centered in 28 by 28 pixels, as a row."""
    font = ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf"), 24)
    image = Image.new("L", (28, 28))
    ImageDraw.Draw(image).text((14, 14), name, fill=255, font=font, anchor="mm")
    return np.asarray(image, float).ravel()


FACTS = {
    "ellipse": ellipse,
    "xor": xor,
    "moons": moons,
    "circles": circles,
    "spiral": spiral,
    "blobs": blobs,
    "glyphs": glyphs,
}


def test_every_drawn_set_has_its_facts():
    assert {*FACTS} == {*DATASETS} - {*CLASS_NAMES}  # whose names are compared with the published lists


@pytest.mark.parametrize("name", FACTS)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_names_of_the_classes_are_true(name, seed):
    data = mt.load_dataset(name, n_train=900, n_test=800, seed=seed)
    for X, y in ((data.train_x, data.train_y), (data.test_x, data.test_y)):
        assert {*y.tolist()} == {*range(len(data.class_names))}
        FACTS[name](X, y, data.class_names)
