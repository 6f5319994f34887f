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
    kind : {"activation", "loss", "other"}
        "activation": applied to each number by itself. "loss": its value is one number, summed over the samples.
    """

    name: str
    signature: tuple[str, ...]
    n_differentiable: int
    n_samplewise: int
    family: str
    formula: str
    kind: str = "other"

    @property
    def is_loss(self) -> bool:
        """Whether its value is one number, summed over the samples."""
        return self.kind == "loss"

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments."""
        return tuple(argument.partition("=")[0] for argument in self.signature)

    @property
    def defaults(self) -> tuple[float, ...]:
        """The numbers that arguments with a default have."""
        given = (argument.partition("=")[2] for argument in self.signature)
        return tuple(float(number) for number in given if number)

    @property
    def parts(self) -> tuple[str, ...]:
        """What can be right or wrong: the value, and the gradient with respect to each differentiable argument."""
        return (
            "value",
            *(f"d{argument}" for argument in self.arguments[: self.n_differentiable]),
        )


def _activation(name: str, formula: str, *settings: str, family: str = "essence") -> Op:
    of_each = f"{formula}, of each number"
    return Op(name, ("x", *settings), 1, 1, family, of_each, "activation")


def _loss(name: str, signature: tuple[str, ...], family: str, formula: str) -> Op:
    return Op(name, signature, 1, 2, family, formula, "loss")


OPS = (
    Op(
        *("linear", ("x", "weight", "bias"), 3, 1, "essence"),
        "Affine map: y[o] = sum over i of weight[o, i] x[i], plus bias[o]",
    ),
    _activation("sigmoid", "y = 1 / (1 + e**-x)"),
    _activation("tanh", "y = tanh(x), the hyperbolic tangent"),
    _activation("relu", "y = max(x, 0), with derivative 0 at 0; NaN stays NaN"),
    _activation(
        *(
            "elu",
            "y = x where x > 0, alpha (e**x - 1) elsewhere; derivative alpha at 0",
        ),
        "alpha=1.0",
    ),
    Op(
        *("softmax", ("logits",), 1, 1, "essence"),
        "p[c] = e**logits[c] / sum over k of e**logits[k]",
    ),
    _loss(
        *("softmax_cross_entropy", ("logits", "target"), "essence"),
        "-log(softmax(logits)[target]), in nats",
    ),
    _loss(
        *("mean_squared_error", ("y", "target"), "essence"),
        "Mean over the O outputs of (y - target)**2",
    ),
    _loss(
        *("smoothed_cross_entropy", ("logits", "target", "smoothing"), "more"),
        "Cross-entropy to 1 - smoothing for the right class, plus smoothing / C for all",
    ),
    _loss(
        *("soft_cross_entropy", ("logits", "target"), "more"),
        "Sum over c of -target[c] log(softmax(logits)[c]), in nats; target: probabilities",
    ),
    _loss(
        *("binary_cross_entropy", ("logits", "target"), "more"),
        "Mean over the O outputs of -t log(p) - (1 - t) log(1 - p), p = sigmoid(logit)",
    ),
    _loss(
        *("hinge", ("y", "target"), "more"),
        "Mean over the O outputs of max(0, 1 - target y); target is -1 or 1",
    ),
    _loss(
        *("mean_absolute_error", ("y", "target"), "more"),
        "Mean over the O outputs of abs(y - target)",
    ),
    Op(*("dropout", ("x", "mask"), 1, 2, "more"), "y = mask x, of each number"),
    Op(
        *("conv2d", ("x", "weight", "bias", "stride=1", "padding=0"), 3, 1, "images"),
        "y[o, r, s] = sum of weight[o, c, i, j] x[c, r stride + i, s stride + j], + bias[o]",
    ),
    Op(
        *("avg_pool2d", ("x", "kernel_size", "stride"), 1, 1, "images"),
        "Mean of each window of K x K pixels",
    ),
    Op(
        *("max_pool2d", ("x", "kernel_size", "stride"), 1, 1, "images"),
        "Largest number of each window; of equal ones the first gets the gradient",
    ),
    Op(
        *("reshape", ("x", "shape"), 1, 1, "images"),
        "The same numbers in the same order, in another shape",
    ),
    Op(
        *("batch_norm", ("x", "weight", "bias", "epsilon=1e-5"), 3, 1, "batch"),
        "y[n, c] = weight[c] (x[n, c] - mean[c]) / sqrt(variance[c] + epsilon) + bias[c]",
    ),
)
ROW_OF = {row.name: row for row in OPS}
