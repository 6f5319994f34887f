"""The ops of a tier, one row each: names, signatures and formulas, stated once for code and documentation.

The judge holds, under the same name, the formula that an op must agree with and the examples on which it is tested.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Op:
    """One row of the registry.

    Attributes
    ----------
    name : str
        Name of the function in the tier files.
    signature : tuple of str
        Arguments in order, with defaults ("alpha=1.0"); the differentiable ones, which have a vjp, come first, or after
        token numbers.
    n_differentiable : int
        Number of arguments that have a vjp.
    n_samplewise : int
        Number of arguments with one entry per sample; the others are parameters and settings, shared by all samples.
    family : {"essence", "more", "images", "documents", "batch"}
        The file that holds the op: "essence" is ``tiers/scalar.py`` and its siblings; "more", "images" and "documents"
        are folders with one file per tier; "batch" is ``tiers/batch.py``, for ops of whole mini-batches.
    formula : str
        The op's value, in one line.
    kind : {"activation", "loss", "other"}
        "activation": applied elementwise. "loss": the value is one number, summed over the samples.
    first : int
        Index of the first differentiable argument: 1 if token numbers come before it.
    """

    name: str
    signature: tuple[str, ...]
    n_differentiable: int
    n_samplewise: int
    family: str
    formula: str
    kind: str = "other"
    first: int = 0

    @property
    def is_loss(self) -> bool:
        """True if the value is one number, summed over the samples."""
        return self.kind == "loss"

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments."""
        return tuple(argument.partition("=")[0] for argument in self.signature)

    @property
    def defaults(self) -> tuple[float, ...]:
        """Default values of the arguments that have one."""
        given = (argument.partition("=")[2] for argument in self.signature)
        return tuple(float(number) for number in given if number)

    @property
    def differentiable(self) -> tuple[int, ...]:
        """Indices of the arguments that have a vjp."""
        return tuple(range(self.first, self.first + self.n_differentiable))

    @property
    def parts(self) -> tuple[str, ...]:
        """Parts to check: "value", then the gradient with respect to each differentiable argument, such as "dx"."""
        return "value", *(f"d{self.arguments[k]}" for k in self.differentiable)


def _activation(name: str, formula: str, *settings: str, family: str = "essence") -> Op:
    elementwise = f"Elementwise {formula}"
    return Op(name, ("x", *settings), 1, 1, family, elementwise, "activation")


def _loss(name: str, signature: tuple[str, ...], family: str, formula: str) -> Op:
    return Op(name, signature, 1, 2, family, formula, "loss")


# fmt: off
OPS = (
    Op("linear", ("x", "weight", "bias"), 3, 1, "essence",
        "Affine map: y[o] = sum over i of weight[o, i] x[i], plus bias[o]"),
    _activation("sigmoid", "y = 1 / (1 + e**-x)"),
    _activation("tanh", "y = tanh(x), the hyperbolic tangent"),
    _activation("relu", "y = max(x, 0), with derivative 0 at 0; NaN stays NaN"),
    _activation("elu", "y = x where x > 0, alpha (e**x - 1) elsewhere; derivative alpha at 0",
        "alpha=1.0"),
    Op("softmax", ("logits",), 1, 1, "essence",
        "p[c] = e**logits[c] / sum over k of e**logits[k]"),
    _loss("softmax_cross_entropy", ("logits", "target"), "essence",
        "-log(softmax(logits)[target]), in nats"),
    _loss("mean_squared_error", ("y", "target"), "essence",
        "Mean over the O outputs of (y - target)**2"),
    _loss("smoothed_cross_entropy", ("logits", "target", "smoothing"), "more",
        "Cross-entropy against (1 - smoothing) * one_hot(target) + smoothing / C"),
    _loss("soft_cross_entropy", ("logits", "target"), "more",
        "Sum over c of -target[c] log(softmax(logits)[c]), in nats; target: probabilities"),
    _loss("binary_cross_entropy", ("logits", "target"), "more",
        "Mean over the O outputs of -t log(p) - (1 - t) log(1 - p), p = sigmoid(logit)"),
    _loss("hinge", ("y", "target"), "more",
        "Mean over the O outputs of max(0, 1 - target y); target is -1 or 1"),
    _loss("mean_absolute_error", ("y", "target"), "more",
        "Mean over the O outputs of abs(y - target)"),
    Op("dropout", ("x", "mask"), 1, 2, "more",
        "Elementwise y = mask x"),
    Op("conv2d", ("x", "weight", "bias", "stride=1", "padding=0"), 3, 1, "images",
        "y[o, r, s] = sum of weight[o, c, i, j] x[c, r stride + i, s stride + j], + bias[o]"),
    Op("avg_pool2d", ("x", "kernel_size", "stride"), 1, 1, "images",
        "Mean of each window of K x K pixels"),
    Op("max_pool2d", ("x", "kernel_size", "stride"), 1, 1, "images",
        "Maximum of each window; if several are equal, the first gets the gradient"),
    Op("reshape", ("x", "shape"), 1, 1, "images",
        "The numbers of x in the same order, in another shape"),
    _activation("squared_relu", "y = max(x, 0)**2", family="documents"),
    Op("embedding", ("tokens", "weight"), 1, 1, "documents",
        "y[t] = weight[tokens[t]], zeros where the token is -1", first=1),
    Op("add_position", ("x", "weight"), 2, 1, "documents",
        "y[t] = x[t] + weight[t]"),
    Op("rms_norm", ("x", "epsilon=1e-5"), 1, 1, "documents",
        "y[t] = x[t] / sqrt(mean of x[t]**2 + epsilon)"),
    Op("layer_norm", ("x", "weight", "bias", "epsilon=1e-5"), 3, 1, "documents",
        "y[t] = weight (x[t] - mean) / sqrt(variance + epsilon) + bias, mean and variance of x[t]"),
    Op("attention", ("x", "heads"), 1, 1, "documents",
        "y[t] = sum over s <= t of p[t, s] v[s], p[t] = softmax of q[t] . k[s] / sqrt(D)"),
    Op("project", ("x", "weight"), 2, 1, "documents",
        "y[t, o] = sum over c of weight[o, c] x[t, c]"),
    _loss("next_token_loss", ("logits", "target"), "documents",
        "Mean over the targets of -log(softmax(logits[t])[target[t]]), in nats; -1 is no target"),
    Op("batch_norm", ("x", "weight", "bias", "epsilon=1e-5", "mean=None", "variance=None",
        "constant=False"), 3, 1, "batch",
        "y[n, c] = weight[c] (x[n, c] - mean[c]) / sqrt(variance[c] + epsilon) + bias[c]"),
)
# fmt: on
ROW_OF = {row.name: row for row in OPS}
