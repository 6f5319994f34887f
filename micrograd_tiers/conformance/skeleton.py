"""The skeleton of a tier, to be filled in: signatures, formulas and shapes, and no derivative."""

from ..tiers import SUPPORT

HEAD = '''"""My {grain} tier: {handles}.

An op returns its value and, for each argument that a gradient is wanted for, the function that carries the gradient
back (its vector-Jacobian product, vjp): from dy, which is dL/dy and shaped as y, to dL/d(argument), shaped as the
argument. A vjp changes neither its dy nor any input, and returns fresh storage.

Every finite input, however large, has a right result and gives no warning; a logit of -inf is legal (probability 0).

Shapes: {letters}.
To have it judged, as far as it is written: micrograd-tiers verify THIS_FILE
"""

{imports}

# The functions that serve layers, network and optimizers are those of the built-in tier; write your own if you like.
from micrograd_tiers.tiers.{grain} import {support}  # noqa: F401
'''

OP = '''

def {signature}:
    """{formula}.

    Takes {takes}.
    Returns {returns}.
    """
    raise NotImplementedError
'''

# Per op: signature, formula, what it takes and what it returns; {x}, {y}, {z} stand for the shapes of one call's data.
OPS = (
    (
        "linear(x, weight, bias)",
        "Affine map, y[o] = sum over i of weight[o, i] x[i], plus bias[o]",
        "x {x}, weight (O, I), bias (O,)",
        "y {y}, and (dx, dweight, dbias): from dy {y} to {x}, (O, I) and (O,){summed}",
    ),
    ("sigmoid(x)", "y = 1 / (1 + e**-x), of each number", "x {x}", "y {x}, and (dx,): from dy {x} to {x}"),
    ("tanh(x)", "Hyperbolic tangent, of each number", "x {x}", "y {x}, and (dx,): from dy {x} to {x}"),
    (
        "relu(x)",
        "y = max(x, 0), of each number; derivative 0 at 0, and NaN stays NaN",
        "x {x}",
        "y {x}, and (dx,): from dy {x} to {x}",
    ),
    (
        "elu(x, alpha=1.0)",
        "y = x where x > 0, alpha (e**x - 1) elsewhere, of each number; at 0 the derivative is alpha",
        "x {x}, alpha a number",
        "y {x}, and (dx,): from dy {x} to {x}",
    ),
    (
        "softmax(logits)",
        "p[c] = e**logits[c] / sum over k of e**logits[k]",
        "logits {z}",
        "p {z}, and (dlogits,): from dp {z} to {z}",
    ),
    (
        "softmax_cross_entropy(logits, target)",
        "-log(softmax(logits)[target]), in nats",
        "logits {z}, target {t}: the right class, 0 to C - 1",
        "the loss, one number{over}, and (dlogits,): from dloss, a number, to {z}",
    ),
    (
        "mean_squared_error(y, target)",
        "Mean over the O outputs of (y - target)**2",
        "y {y}, target {y}",
        "the loss, one number{over}, and (dy,): from dloss, a number, to {y}",
    ),
)

GRAINS = {
    "scalar": {
        "handles": "one sample a call, in lists of Python floats",
        "letters": "I inputs, O outputs, C classes; (I,) is a list of I floats, (O, I) a list of O such lists",
        "imports": "import math  # noqa: F401",
    },
    "vector": {
        "handles": "one sample a call, in NumPy vectors",
        "letters": "I inputs, O outputs, C classes",
        "imports": "import numpy as np  # noqa: F401",
    },
    "tensor": {
        "handles": "a whole mini-batch a call, in NumPy matrices",
        "letters": "N samples, I inputs, O outputs, C classes; samples come first",
        "imports": "import numpy as np  # noqa: F401",
    },
}
ONE_SAMPLE = {"x": "(I,)", "y": "(O,)", "z": "(C,)", "t": "an int", "summed": "", "over": ""}
MINI_BATCH = {
    "x": "(N, I)",
    "y": "(N, O)",
    "z": "(N, C)",
    "t": "(N,) of int",
    "summed": ", summed over the samples",
    "over": ", summed over the samples",
}


def skeleton(grain: str) -> str:
    """Return the source of a tier with nothing in it, for one of "scalar", "vector" and "tensor"."""
    shapes = MINI_BATCH if grain == "tensor" else ONE_SAMPLE
    source = HEAD.format(grain=grain, support=", ".join(sorted(SUPPORT)), **GRAINS[grain])
    for signature, formula, takes, returns in OPS:
        source += OP.format(
            signature=signature, formula=formula, takes=takes.format(**shapes), returns=returns.format(**shapes)
        )
    return source
