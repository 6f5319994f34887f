"""The ops of a tier, one row each: plain data from which lists, skeletons, choices and pages are made.

The formula that an op must agree with, and the examples on which it is tried, stand in the judge under the same name.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Op:
    """One row.

    Attributes
    ----------
    name : str
        Of the function in the tier files.
    signature : tuple of str
        Its arguments in order, "alpha=1.0" where there is a default; those that have a vjp come first.
    n_differentiable : int
        How many arguments have a vjp.
    n_samplewise : int
        How many have one entry per sample; the others are parameters and settings, shared by all samples.
    family : {"essence", "more", "images", "batch"}
        The file that holds it: "essence" is ``tiers/scalar.py`` and its like, "more" and "images" are folders with a
        file for each tier, and "batch" is ``tiers/batch.py``, for ops of whole mini-batches.
    formula : str
        What it computes, in one line.
    is_loss : bool
        Whether its value is one number, summed over the samples.
    """

    name: str
    signature: tuple[str, ...]
    n_differentiable: int
    n_samplewise: int
    family: str
    formula: str
    is_loss: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments."""
        return tuple(argument.partition("=")[0] for argument in self.signature)

    @property
    def parts(self) -> tuple[str, ...]:
        """What can be right or wrong: the value, and the gradient with respect to each differentiable argument."""
        return ("value", *(f"d{argument}" for argument in self.arguments[: self.n_differentiable]))


def _loss(name: str, signature: tuple[str, ...], family: str, formula: str) -> Op:
    return Op(name, signature, 1, 2, family, formula, is_loss=True)


OPS = (
    Op(
        *("linear", ("x", "weight", "bias"), 3, 1, "essence"),
        "Affine map: y[o] = sum over i of weight[o, i] x[i], plus bias[o]",
    ),
    Op("sigmoid", ("x",), 1, 1, "essence", "y = 1 / (1 + e**-x), of each number"),
    Op("tanh", ("x",), 1, 1, "essence", "y = tanh(x), the hyperbolic tangent, of each number"),
    Op("relu", ("x",), 1, 1, "essence", "y = max(x, 0), of each number; derivative 0 at 0, and NaN stays NaN"),
    Op(
        *("elu", ("x", "alpha=1.0"), 1, 1, "essence"),
        "y = x where x > 0, alpha (e**x - 1) elsewhere, of each number; at 0 the derivative is alpha",
    ),
    Op("softmax", ("logits",), 1, 1, "essence", "p[c] = e**logits[c] / sum over k of e**logits[k]"),
    _loss(
        *("softmax_cross_entropy", ("logits", "target"), "essence"),
        "-log(softmax(logits)[target]), in nats",
    ),
    _loss("mean_squared_error", ("y", "target"), "essence", "Mean over the O outputs of (y - target)**2"),
    _loss(
        *("smoothed_cross_entropy", ("logits", "target", "smoothing"), "more"),
        "Cross-entropy to 1 - smoothing for the right class, plus smoothing / C for every class",
    ),
    Op("dropout", ("x", "mask"), 1, 2, "more", "y = mask x, of each number"),
    Op(
        *("conv2d", ("x", "weight", "bias", "stride=1", "padding=0"), 3, 1, "images"),
        "y[o, r, s] = sum over c, i, j of weight[o, c, i, j] x[c, r stride + i, s stride + j], plus bias[o]",
    ),
    Op("avg_pool2d", ("x", "kernel_size", "stride"), 1, 1, "images", "Mean of each window of K x K pixels"),
    Op(
        *("max_pool2d", ("x", "kernel_size", "stride"), 1, 1, "images"),
        "Largest number of each window of K x K pixels; of equal ones the first gets the gradient",
    ),
    Op("reshape", ("x", "shape"), 1, 1, "images", "The same numbers in the same order, in another shape"),
    Op(
        *("batch_norm", ("x", "weight", "bias", "epsilon=1e-5"), 3, 1, "batch"),
        "y[n, c] = weight[c] (x[n, c] - mean[c]) / sqrt(variance[c] + epsilon) + bias[c]",
    ),
)
ROW_OF = {row.name: row for row in OPS}
