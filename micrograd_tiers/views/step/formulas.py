"""The formula of each part of each op, written once: for the page, and for the test that compares it with the tiers.

A formula is a Python expression over the numbers of arrays, for one number of the result. The page shows it twice: with
names, and with the numbers that made the number that the reader has chosen. Index letters stand for the axes: n for the
sample, o and i for an output and an input, c for a channel or class, h and w for a pixel, r and s for a position of a
window. `x[...]` is the number at the same place as in the result. An index outside of an array gives 0.

The formulas are those of a textbook. The tiers compute some of them in another order, so that no intermediate number
overflows (docs/numerics.md); the result is the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from .document_formulas import DOCUMENTS, Formulas


@dataclass(frozen=True)
class Equation:
    """An equation for one number of an array.

    Attributes
    ----------
    left : str
        The number, such as "dweight[o, i]".
    right : str
        The expression that gives it.
    """

    left: str
    right: str

    @property
    def name(self) -> str:
        """Name of the array that the formula gives."""
        return self.left.partition("[")[0]


SOFTMAX = "exp(logits[n, c]) / sum(exp(logits[n, k]) for k in range(C))"
RIGHT = "(1 if c == target[n] else 0)"
LOG_SUM = "log(sum(exp(logits[n, k]) for k in range(C)))"
IN_KERNEL = "0 <= h + padding - r * stride < K and 0 <= w + padding - s * stride < L"
IN_WINDOW = "0 <= h - r * stride < kernel_size and 0 <= w - s * stride < kernel_size"
PIXEL = "x[n, c, r * stride + i, s * stride + j]"
CELLS = "for i in range(kernel_size) for j in range(kernel_size)"
POSITIONS = "for r in range(R) for s in range(S)"

# Shapes of the arrays, and the formulas of the value and the gradients: left side, right side. Names of gradients begin
# with d: dx is dL/dx. A loss is the sum over the samples n of the first formula; its gradient is multiplied by dloss.
OPS: Formulas = DOCUMENTS | {
    "linear": (
        {"x": "N I", "weight": "O I", "bias": "O", "y": "N O"},
        (
            ("y[n, o]", "sum(weight[o, i] * x[n, i] for i in range(I)) + bias[o]"),
            ("dx[n, i]", "sum(weight[o, i] * dy[n, o] for o in range(O))"),
            ("dweight[o, i]", "sum(dy[n, o] * x[n, i] for n in range(N))"),
            ("dbias[o]", "sum(dy[n, o] for n in range(N))"),
        ),
    ),
    "sigmoid": ({}, (("y[...]", "1 / (1 + exp(-x[...]))"), ("dx[...]", "dy[...] * y[...] * (1 - y[...])"))),
    "tanh": ({}, (("y[...]", "tanh(x[...])"), ("dx[...]", "dy[...] * (1 - y[...] ** 2)"))),
    "relu": ({}, (("y[...]", "max(x[...], 0)"), ("dx[...]", "dy[...] if x[...] > 0 else 0"))),
    "elu": (
        {},
        (
            ("y[...]", "x[...] if x[...] > 0 else alpha * (exp(x[...]) - 1)"),
            ("dx[...]", "dy[...] if x[...] > 0 else dy[...] * alpha * exp(x[...])"),
        ),
    ),
    "softmax": (
        {"logits": "N C", "p": "N C"},
        (
            ("p[n, c]", SOFTMAX),
            ("dlogits[n, c]", "p[n, c] * (dp[n, c] - sum(dp[n, k] * p[n, k] for k in range(C)))"),
        ),
    ),
    "conv2d": (
        {"x": "N C H W", "weight": "O C K L", "bias": "O", "y": "N O R S"},
        (
            (
                "y[n, o, r, s]",
                "sum(weight[o, c, i, j] * x[n, c, r * stride + i - padding, s * stride + j - padding] "
                "for c in range(C) for i in range(K) for j in range(L)) + bias[o]",
            ),
            (
                "dx[n, c, h, w]",
                "sum(dy[n, o, r, s] * weight[o, c, h + padding - r * stride, w + padding - s * stride] "
                f"for o in range(O) {POSITIONS} if {IN_KERNEL})",
            ),
            (
                "dweight[o, c, i, j]",
                "sum(dy[n, o, r, s] * x[n, c, r * stride + i - padding, s * stride + j - padding] "
                f"for n in range(N) {POSITIONS})",
            ),
            ("dbias[o]", f"sum(dy[n, o, r, s] for n in range(N) {POSITIONS})"),
        ),
    ),
    "avg_pool2d": (
        {"x": "N C H W", "y": "N C R S"},
        (
            ("y[n, c, r, s]", f"sum({PIXEL} {CELLS}) / kernel_size ** 2"),
            ("dx[n, c, h, w]", f"sum(dy[n, c, r, s] {POSITIONS} if {IN_WINDOW}) / kernel_size ** 2"),
        ),
    ),
    "max_pool2d": (
        {"x": "N C H W", "y": "N C R S"},
        (
            ("y[n, c, r, s]", f"max({PIXEL} {CELLS})"),
            (
                "dx[n, c, h, w]",
                f"sum(dy[n, c, r, s] {POSITIONS} if {IN_WINDOW} and "
                f"place_of_max({PIXEL} {CELLS}) == (h - r * stride) * kernel_size + w - s * stride)",
            ),
        ),
    ),
    "reshape": ({}, (("y[...]", "x[...]"), ("dx[...]", "dy[...]"))),
    "dropout": ({}, (("y[...]", "mask[...] * x[...]"), ("dx[...]", "mask[...] * dy[...]"))),
    "softmax_cross_entropy": (
        {"logits": "N C"},
        (("loss", f"{LOG_SUM} - logits[n, target[n]]"), ("dlogits[n, c]", f"({SOFTMAX} - {RIGHT})")),
    ),
    "smoothed_cross_entropy": (
        {"logits": "N C"},
        (
            (
                "loss",
                f"{LOG_SUM} - (1 - smoothing) * logits[n, target[n]] "
                "- smoothing / C * sum(logits[n, k] for k in range(C))",
            ),
            ("dlogits[n, c]", f"({SOFTMAX} - (1 - smoothing) * {RIGHT} - smoothing / C)"),
        ),
    ),
    "soft_cross_entropy": (
        {"logits": "N C"},
        (
            ("loss", f"sum(target[n, c] * ({LOG_SUM} - logits[n, c]) for c in range(C))"),
            ("dlogits[n, c]", f"({SOFTMAX} * sum(target[n, k] for k in range(C)) - target[n, c])"),
        ),
    ),
    "binary_cross_entropy": (
        {"logits": "N O"},
        (
            ("loss", "sum(log(1 + exp(logits[n, o])) - target[n, o] * logits[n, o] for o in range(O)) / O"),
            ("dlogits[n, o]", "(1 / (1 + exp(-logits[n, o])) - target[n, o]) / O"),
        ),
    ),
    "mean_squared_error": (
        {"y": "N O"},
        (
            ("loss", "sum((y[n, o] - target[n, o]) ** 2 for o in range(O)) / O"),
            ("dy[n, o]", "2 * (y[n, o] - target[n, o]) / O"),
        ),
    ),
    "mean_absolute_error": (
        {"y": "N O"},
        (
            ("loss", "sum(abs(y[n, o] - target[n, o]) for o in range(O)) / O"),
            ("dy[n, o]", "sign(y[n, o] - target[n, o]) / O"),
        ),
    ),
    "hinge": (
        {"y": "N O"},
        (
            ("loss", "sum(max(1 - target[n, o] * y[n, o], 0) for o in range(O)) / O"),
            ("dy[n, o]", "(-target[n, o] if target[n, o] * y[n, o] < 1 else 0) / O"),
        ),
    ),
    "mean": ({}, (("L", "loss / N"), ("dloss", "1 / N"))),
    "weighted mean": (
        {"weight": "N"},
        (("L", "loss / sum(weight[n] for n in range(N))"), ("dloss", "1 / sum(weight[n] for n in range(N))")),
    ),
}

# Batch normalization of features (N, C), and of images (N, C, H, W): index, the same index in a loop, the loops, count.
FEATURES = ("n, c", "m, c", "for m in range(N)", "N", "N C")
IMAGES = ("n, c, h, w", "m, c, u, v", "for m in range(N) for u in range(H) for v in range(W)", "(N * H * W)", "N C H W")


def _moments(own: str, each: str, over: str, count: str, shape: str) -> tuple[dict[str, str], list[Equation]]:
    mean = Equation("mean[c]", f"sum(x[{each}] {over}) / {count}")
    return {"x": shape}, [mean, Equation("variance[c]", f"sum((x[{each}] - mean[c]) ** 2 {over}) / {count}")]


def _normalization(own: str, each: str, over: str, count: str, shape: str) -> tuple[dict[str, str], list[Equation]]:
    root = "sqrt(variance[c] + epsilon)"
    of_mean = f"sum(dy[{each}] {over}) / {count}"
    of_variance = f"sum(dy[{each}] * (x[{each}] - mean[c]) {over}) / {count} / (variance[c] + epsilon)"
    through_both = f"({of_mean} + (x[{own}] - mean[c]) * {of_variance})"
    return {"x": shape}, [
        Equation(f"y[{own}]", f"weight[c] * (x[{own}] - mean[c]) / {root} + bias[c]"),
        Equation(f"dx[{own}]", f"weight[c] / {root} * (dy[{own}] - (0 if constant else {through_both}))"),
        Equation("dweight[c]", f"sum(dy[{each}] * (x[{each}] - mean[c]) {over}) / {root}"),
        Equation("dbias[c]", f"sum(dy[{each}] {over})"),
    ]


def formulas_of(
    op: str, results: Iterable[str], n_axes: int = 2, weighted: bool = False
) -> tuple[dict[str, str], list[Equation]]:
    """Return the formulas of one part of an op, none if the op is not known, and the shapes of its arrays.

    Parameters
    ----------
    op : str
        As in `recorder.Event`.
    results : iterable of str
        Names of the arrays that the part returns.
    n_axes : int
        Number of axes of the op's first argument, with that of the samples.
    weighted : bool
        If True, each sample of a loss has a weight.

    Returns
    -------
    shapes : dict of str
        Letters of the axes, by name of the array: sizes that the formulas use.
    formulas : list of Equation
        One for each array that the part returns.
    """
    if op in ("batch_norm", "moments"):
        shapes, of_op = (_moments if op == "moments" else _normalization)(*(IMAGES if n_axes == 4 else FEATURES))
    elif op in OPS:
        shapes, pairs = OPS["weighted mean" if op == "mean" and weighted else op]
        weight = "weight[n] * " if weighted else ""
        of_op = [Equation(*pair) for pair in pairs]
        if of_op[0].left == "loss":
            term, gradient = of_op
            of_op = [
                Equation("loss", f"sum({weight}({term.right}) for n in range(N))"),
                Equation(gradient.left, f"{gradient.right} * {weight}dloss"),
            ]
    else:
        return {}, []
    return shapes, [formula for formula in of_op if formula.name in {*results}]
