"""Accuracy of a net on MNIST's test digits that were spoiled as pictures of people's own digits are.

    python benchmarks/spoiled_digits.py            train a net, and print the table, in about a minute
    python benchmarks/spoiled_digits.py --n 300    take fewer digits

Each digit is taken once as it is, only scaled to 28 x 28 pixels, and once as `prepare_digit` returns it. A digit that
it refuses counts as wrong.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.datasets import prepare_digit

Array = Any  # ndarray


def cropped(image: Array, rng: np.random.Generator) -> Array:
    """Return the digit without its margins."""
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    return image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def off_center(image: Array, rng: np.random.Generator) -> Array:
    """Return the digit at a random place of the image."""
    digit = cropped(image, rng)
    top, left = (int(rng.integers(28 - n + 1)) for n in digit.shape)
    moved = np.zeros((28, 28))
    moved[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return moved


def photo(image: Array, rng: np.random.Generator) -> Array:
    """Return dark ink on noisy paper in uneven light, three times as large and off center."""
    page = np.zeros((140, 140))
    top, left = rng.integers(140 - 84, size=2)
    page[top : top + 84, left : left + 84] = image.repeat(3, axis=0).repeat(3, axis=1)
    light = np.add.outer(np.linspace(0, 0.2, 140), np.linspace(0, 0.15, 140))
    return np.clip(0.9 - light - 0.5 * page + 0.03 * rng.standard_normal(page.shape), 0, 1)


SPOILED: dict[str, Callable[[Array, np.random.Generator], Array]] = {
    "as in MNIST": lambda image, rng: image,
    "off center": off_center,
    "cropped tightly": cropped,
    "on gray paper": lambda image, rng: 0.5 + 0.5 * image,
    "black on white": lambda image, rng: 1 - image,
    "photo": photo,
}


def as_it_is(picture: Array) -> Array:
    """Return the picture scaled to 28 x 28 pixels, with black margins, as `read_image` does."""
    from PIL import Image, ImageOps

    levels = Image.fromarray(np.rint(255 * picture).astype(np.uint8))
    return np.asarray(ImageOps.pad(levels, (28, 28), color=0)) / 255


def prepared(picture: Array) -> Array:
    """Return the prepared digit, or NaN if none was found."""
    try:
        return prepare_digit(np.rint(255 * picture) / 255).image
    except mt.DataError:
        return np.full((28, 28), np.nan)


def accuracy(net: mt.Network, images: Array, labels: Array) -> float:
    """Return the share of right predictions; an image of NaN counts as wrong."""
    found = ~np.isnan(images).any(axis=(1, 2))
    right = net.predict(images[found].reshape(-1, 784)) == labels[found]
    return float(right.sum() / len(labels))


def measure(net: mt.Network, X: Array, y: Array, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Return the accuracy on the digits as they are and on the prepared ones, for each way to spoil them."""
    figures = {}
    for name, spoil in SPOILED.items():
        rng = np.random.default_rng(seed)
        pictures = [spoil(image, rng) for image in X.reshape(-1, 28, 28)]
        figures[name] = tuple(
            accuracy(net, np.stack([form(picture) for picture in pictures]), y) for form in (as_it_is, prepared)
        )
    return figures


def main() -> None:
    """Train the net, and print the table."""
    parser = argparse.ArgumentParser(description="Print the accuracy on spoiled digits, before and after preparation.")
    parser.add_argument("--data-dir", help="folder with the files of MNIST (default: $MICROGRAD_TIERS_DATA)")
    parser.add_argument("--n", type=int, default=2_000, help="number of test digits, chosen at random (default: 2000)")
    arguments = parser.parse_args()
    start = time.perf_counter()
    net = mt.two_layer_net(784, 100, 10, seed=0)
    mt.fit(net, *mt.load_mnist(arguments.data_dir), optimizer=mt.SGD(learning_rate=0.1), epochs=4, seed=0)
    X, y = mt.load_mnist(arguments.data_dir, "test")
    some = np.random.default_rng(0).permutation(len(X))[: arguments.n]
    print(f"{'accuracy on test digits':24}{'as it is':>10}{'prepared':>10}")
    for name, shares in measure(net, X[some], y[some]).items():
        print(f"{name:24}" + "".join(f"{share:>10.1%}" for share in shares))
    print(f"{len(some):,} digits, 784-100-10 net; {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
