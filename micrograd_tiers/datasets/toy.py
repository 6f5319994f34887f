"""Toy sets: points in the plane, drawn on the spot, each hard for a different reason.

An ellipse or an XOR defeats any linear model; moons, circles and a spiral need a boundary that bends more and
more; blobs are easy and have many classes. They fit on a plot, and a network learns one in seconds even at the
scalar tier. Each function draws `n` points from the Generator it is handed and returns the pair (X, y): X of
shape (N, 2) in float64, y of shape (N,) in int64, in random order. Classes are balanced (their counts differ by
at most one) wherever the set does not itself say how large they are.
"""

import numpy as np
from numpy.typing import NDArray

from ..arguments import number, whole_number
from ._common import balanced_labels

Points = tuple[NDArray[np.float64], NDArray[np.int64]]

ELLIPSE_Q = np.array([[1.0, -0.05], [1.0, 0.4]])
ELLIPSE_LEVEL = 0.6


def ellipse(n: int, *, rng: np.random.Generator) -> Points:
    """Draw standard normal points, split without noise by an ellipse around the origin.

    y = 1 where x' Q x > 0.6 with Q = [[1, -0.05], [1, 0.4]]: the outside, 56 % of the points.

    Parameters
    ----------
    n, rng : int and numpy.random.Generator
        How many points, at least 1, and what they are drawn from.

    Returns
    -------
    X, y : ndarrays, shapes (N, 2) and (N,)
        The points, and their classes: 0 inside the ellipse, 1 outside.

    Raises
    ------
    ValueError
        If `n` is not a whole number of at least 1.
    """
    X = rng.standard_normal((whole_number("n", n), 2))
    level = np.einsum("ni,ij,nj->n", X, ELLIPSE_Q, X)
    return X, (level > ELLIPSE_LEVEL).astype(np.int64)


def xor(n: int, *, rng: np.random.Generator, noise: float = 0.3) -> Points:
    """Draw four clouds at the corners (-1, -1), (-1, 1), (1, -1), (1, 1); class 1 where the signs differ.

    The textbook case that no single linear unit can separate: Minsky and Papert, "Perceptrons", MIT Press, 1969.

    Parameters
    ----------
    n, rng : int and numpy.random.Generator
        How many points, at least 1, and what they are drawn from.
    noise : float, in [0, 1]
        Standard deviation of each cloud. Clouds begin to touch at about 0.3.

    Returns
    -------
    X, y : ndarrays, shapes (N, 2) and (N,)
        The points, and their classes: 0 where the corner's signs are equal, 1 where they differ.

    Raises
    ------
    ValueError
        If `n` or `noise` is out of range.
    """
    corner = balanced_labels(n, 4, rng)
    right, top = corner // 2, corner % 2
    X = np.stack([2.0 * right - 1.0, 2.0 * top - 1.0], axis=1)
    return _jitter(X, noise, rng), right ^ top


def moons(n: int, *, rng: np.random.Generator, noise: float = 0.1) -> Points:
    """Draw two half circles that reach into each other.

    The construction of scikit-learn's `make_moons`, with random instead of evenly spaced angles: the upper moon
    is (cos t, sin t), the lower (1 - cos t, 1/2 - sin t), for t in [0, pi).

    Parameters
    ----------
    n, rng : int and numpy.random.Generator
        How many points, at least 1, and what they are drawn from.
    noise : float, in [0, 1]
        Standard deviation of the noise on each coordinate.

    Returns
    -------
    X, y : ndarrays, shapes (N, 2) and (N,)
        The points, and their classes: 0 for the upper moon, 1 for the lower.

    Raises
    ------
    ValueError
        If `n` or `noise` is out of range.
    """
    y = balanced_labels(n, 2, rng)
    t = rng.uniform(0.0, np.pi, size=len(y))
    upper = np.stack([np.cos(t), np.sin(t)], axis=1)
    X = np.where(y[:, None] == 0, upper, [1.0, 0.5] - upper)
    return _jitter(X, noise, rng), y


def circles(n: int, *, rng: np.random.Generator, noise: float = 0.05, factor: float = 0.5) -> Points:
    """Draw two circles, one inside the other: scikit-learn's `make_circles`, with random angles.

    Parameters
    ----------
    n, rng : int and numpy.random.Generator
        How many points, at least 1, and what they are drawn from.
    noise : float, in [0, 1]
        Standard deviation of the noise on each coordinate.
    factor : float, in [0, 1]
        Radius of the inner circle; the outer has radius 1.

    Returns
    -------
    X, y : ndarrays, shapes (N, 2) and (N,)
        The points, and their classes: 0 for the outer circle, 1 for the inner.

    Raises
    ------
    ValueError
        If `n`, `noise` or `factor` is out of range.
    """
    y = balanced_labels(n, 2, rng)
    radius = np.where(y == 0, 1.0, number("factor", factor, at_least=0, at_most=1))
    return _jitter(_polar(radius, rng.uniform(0.0, 2.0 * np.pi, size=len(y))), noise, rng), y


def spiral(n: int, *, rng: np.random.Generator, noise: float = 0.2, n_classes: int = 3) -> Points:
    """Draw spiral arms that wind around each other, one per class.

    The arms of the CS231n case study (https://cs231n.github.io/neural-networks-case-study/): the radius runs from
    0 to 1 while the angle runs through 4 radians, with noise on the angle; here the arms start evenly spaced.

    Parameters
    ----------
    n, rng : int and numpy.random.Generator
        How many points, at least 1, and what they are drawn from.
    noise : float, in [0, 1]
        Standard deviation of the noise on the angle, in radians.
    n_classes : int
        How many arms, at least 2.

    Returns
    -------
    X, y : ndarrays, shapes (N, 2) and (N,)
        The points, inside the unit circle, and their classes: the arm, 0 to n_classes - 1.

    Raises
    ------
    ValueError
        If `n`, `noise` or `n_classes` is out of range.
    """
    y = balanced_labels(n, whole_number("n_classes", n_classes, 2), rng)
    radius = rng.uniform(0.0, 1.0, size=len(y))
    angle = 2.0 * np.pi * y / n_classes + 4.0 * radius
    return _polar(radius, _jitter(angle, noise, rng)), y


def blobs(n: int, *, rng: np.random.Generator, noise: float = 0.5, n_classes: int = 3) -> Points:
    """Draw one round cloud per class, their centers evenly spaced on a circle of radius 2.

    The centers are fixed, not drawn, so that a training and a test set drawn apart show the same classes.

    Parameters
    ----------
    n, rng : int and numpy.random.Generator
        How many points, at least 1, and what they are drawn from.
    noise : float, in [0, 1]
        Standard deviation of each cloud.
    n_classes : int
        How many clouds, at least 2.

    Returns
    -------
    X, y : ndarrays, shapes (N, 2) and (N,)
        The points, and their classes: the cloud, 0 to n_classes - 1.

    Raises
    ------
    ValueError
        If `n`, `noise` or `n_classes` is out of range.
    """
    y = balanced_labels(n, whole_number("n_classes", n_classes, 2), rng)
    return _jitter(_polar(np.full(len(y), 2.0), 2.0 * np.pi * y / n_classes), noise, rng), y


def _polar(radius: NDArray[np.float64], angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the points (N, 2) at these radii (N,) and angles (N,)."""
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def _jitter(values: NDArray[np.float64], noise: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return `values` with normal noise of standard deviation `noise` added."""
    return values + number("noise", noise, at_least=0, at_most=1) * rng.standard_normal(values.shape)
