"""Toy sets: points in the plane, drawn when they are needed.

No linear model can learn the ellipse or XOR. Moons, circles and spiral need boundaries that bend more and more. Blobs
are easy and can have many classes. All points fit in a plot, and a network learns a set in seconds, even at the scalar
tier. Each function draws `n` points and returns the pair (X, y): X has shape (N, 2) and dtype float64, y has shape (N,)
and dtype int64. The points are in random order. Except in `ellipse`, the classes are balanced: their counts differ by
at most one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arguments import number, whole_number
from ._common import balanced_labels

Points = tuple[NDArray[np.float64], NDArray[np.int64]]

ELLIPSE_Q = np.array([[1.0, -0.05], [1.0, 0.4]])
ELLIPSE_LEVEL = 0.6


def ellipse(n: int, *, rng: np.random.Generator) -> Points:
    """Draw standard normal points, separated without noise by an ellipse around the origin.

    y = 1 if x' Q x > 0.6, with Q = [[1, -0.05], [1, 0.4]]: the outside of the ellipse, 56 % of the points.

    Parameters
    ----------
    n : int
        Number of points, at least 1.
    rng : numpy.random.Generator
        Source of all randomness.

    Returns
    -------
    X, y : ndarrays, shapes (N, 2) and (N,)
        Points and class labels: 0 inside the ellipse, 1 outside.

    Raises
    ------
    ValueError
        If `n` is not an integer of at least 1.
    """
    X = rng.standard_normal((whole_number("n", n), 2))
    level = np.einsum("ni,ij,nj->n", X, ELLIPSE_Q, X)
    return X, (level > ELLIPSE_LEVEL).astype(np.int64)


def xor(n: int, *, rng: np.random.Generator, noise: float = 0.3) -> Points:
    """Draw four clouds at the corners (-1, -1), (-1, 1), (1, -1), (1, 1); class 1 if the signs differ.

    The textbook example of classes that no single linear unit can separate [1]_.

    Parameters
    ----------
    n : int
        Number of points, at least 1.
    rng : numpy.random.Generator
        Source of all randomness.
    noise : float, in [0, 1]
        Standard deviation of each cloud. The clouds begin to overlap at about 0.3.

    Returns
    -------
    X, y : ndarrays, shapes (N, 2) and (N,)
        Points and class labels: 0 if the signs of the corner are equal, 1 if they differ.

    Raises
    ------
    ValueError
        If `n` or `noise` is out of range.

    References
    ----------
    .. [1] M. Minsky and S. Papert, "Perceptrons", MIT Press, 1969.
    """
    corner = balanced_labels(n, 4, rng)
    right, top = corner // 2, corner % 2
    X = np.stack([2.0 * right - 1.0, 2.0 * top - 1.0], axis=1)
    return _jitter(X, noise, rng), right ^ top


def moons(n: int, *, rng: np.random.Generator, noise: float = 0.1) -> Points:
    """Draw two interleaving half circles.

    The construction is that of scikit-learn's `make_moons`, with random instead of evenly spaced angles: the upper moon
    is (cos t, sin t), the lower moon (1 - cos t, 1/2 - sin t), for t in [0, pi).

    Parameters
    ----------
    n : int
        Number of points, at least 1.
    rng : numpy.random.Generator
        Source of all randomness.
    noise : float, in [0, 1]
        Standard deviation of the noise on each coordinate.

    Returns
    -------
    X, y : ndarrays, shapes (N, 2) and (N,)
        Points and class labels: 0 for the upper moon, 1 for the lower one.

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
    """Draw two concentric circles, as scikit-learn's `make_circles` does, but with random angles.

    Parameters
    ----------
    n : int
        Number of points, at least 1.
    rng : numpy.random.Generator
        Source of all randomness.
    noise : float, in [0, 1]
        Standard deviation of the noise on each coordinate.
    factor : float, in [0, 1]
        Radius of the inner circle; the outer one has radius 1.

    Returns
    -------
    X, y : ndarrays, shapes (N, 2) and (N,)
        Points and class labels: 0 for the outer circle, 1 for the inner one.

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

    The arms are those of the CS231n case study (https://cs231n.github.io/neural-networks-case-study/): along an arm
    the radius grows from 0 to 1 and the angle by 4 radians, with noise on the angle. Here the arms start at evenly
    spaced angles.

    Parameters
    ----------
    n : int
        Number of points, at least 1.
    rng : numpy.random.Generator
        Source of all randomness.
    noise : float, in [0, 1]
        Standard deviation of the noise on the angle, in radians.
    n_classes : int
        Number of arms, at least 2.

    Returns
    -------
    X, y : ndarrays, shapes (N, 2) and (N,)
        Points in the unit disk and class labels: the index of the arm, 0 to n_classes - 1.

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
    """Draw one round cloud per class, with centers evenly spaced on a circle of radius 2.

    The centers are fixed, not random, so that a training set and a test set drawn separately have the same classes.

    Parameters
    ----------
    n : int
        Number of points, at least 1.
    rng : numpy.random.Generator
        Source of all randomness.
    noise : float, in [0, 1]
        Standard deviation of each cloud.
    n_classes : int
        Number of clouds, at least 2.

    Returns
    -------
    X, y : ndarrays, shapes (N, 2) and (N,)
        Points and class labels: the index of the cloud, 0 to n_classes - 1.

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
    """Return `values` plus normal noise with standard deviation `noise`."""
    return values + number("noise", noise, at_least=0, at_most=1) * rng.standard_normal(values.shape)
