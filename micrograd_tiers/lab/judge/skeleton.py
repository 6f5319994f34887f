"""The skeleton of a tier to fill in: signatures, formulas and shapes, but no derivatives."""

from ...tiers import CORE, SUPPORT
from ...tiers.registry import ROW_OF, Op

HEAD = '''"""My {like} tier: {handles}.

An op returns its value and a tuple of vjps (vector-Jacobian products), one for each argument that has a gradient. A
vjp takes dy, which is dL/dy and shaped as y, and returns dL/d(argument), shaped as the argument. It changes neither dy
nor any input, and returns a new array.

Every finite input, however large, must give the right result without a warning. A logit of -inf is legal: its
probability is 0.

Shapes: {letters}.
To judge this file, finished or not: micrograd-tiers verify THIS_FILE
"""

{imports}

# The support functions are those of the built-in tier; write your own if you like.
from micrograd_tiers.tiers.{like} import {support}  # noqa: F401
'''

OP = '''

def {signature}:
    """{formula}.

    Takes {takes}.
    Returns {returns}.
    """
    raise NotImplementedError
'''

# Shapes in one call of an op: of its value (y or p, or "" for a loss), then of its arguments in turn.
# {x}, {y}, {z}, {t} depend on the tier.
SHAPES = {
    "linear": ("y {y}", "{x}", "(O, I)", "(O,)"),
    "sigmoid": ("y {x}", "{x}"),
    "tanh": ("y {x}", "{x}"),
    "relu": ("y {x}", "{x}"),
    "elu": ("y {x}", "{x}", "a number"),
    "softmax": ("p {z}", "{z}"),
    "softmax_cross_entropy": ("", "{z}", "{t}: the correct class, 0 to C - 1"),
    "mean_squared_error": ("", "{y}", "{y}"),
}

DETAILS = {
    "scalar": {
        "handles": "one sample per call, in lists of Python floats",
        "letters": "I inputs, O outputs, C classes; (I,) is a list of I floats, (O, I) a list of O such lists",
        "imports": "import math  # noqa: F401",
    },
    "vector": {
        "handles": "one sample per call, in NumPy vectors",
        "letters": "I inputs, O outputs, C classes",
        "imports": "import numpy as np  # noqa: F401",
    },
    "tensor": {
        "handles": "a whole mini-batch per call, in NumPy matrices",
        "letters": "N samples, I inputs, O outputs, C classes; the first axis is the samples",
        "imports": "import numpy as np  # noqa: F401",
    },
}
ONE_SAMPLE = {"x": "(I,)", "y": "(O,)", "z": "(C,)", "t": "an int", "summed": ""}
MINI_BATCH = {
    "x": "(N, I)",
    "y": "(N, O)",
    "z": "(N, C)",
    "t": "(N,) of int",
    "summed": ", summed over the samples",
}


def skeleton(like: str) -> str:
    """Return the source of a skeleton that takes the arrays of a built-in tier."""
    shapes = MINI_BATCH if like == "tensor" else ONE_SAMPLE
    source = HEAD.format(like=like, support=", ".join(sorted(SUPPORT)), **DETAILS[like])
    return source + "".join(_function(ROW_OF[name], shapes) for name in CORE)


def _function(row: Op, shapes: dict[str, str]) -> str:
    """Return the source of one function to fill in."""
    value, *arguments = (shape.format(**shapes) for shape in SHAPES[row.name])
    n = row.n_differentiable
    vjps = ", ".join(row.parts[1:]) + "," * (n == 1)
    *others, last = arguments[:n]
    to = f"{', '.join(others)} and {last}" if others else last
    if row.is_loss:
        returns = f"the loss (one number{shapes['summed']}) and the vjps ({vjps}), from dloss (a number) to {to}"
    else:
        summed = shapes["summed"] if n > row.n_samplewise else ""
        returns = f"{value} and the vjps ({vjps}), from d{value} to {to}{summed}"
    return OP.format(
        signature=f"{row.name}({', '.join(row.signature)})",
        formula=row.formula,
        takes=", ".join(map(" ".join, zip(row.arguments, arguments, strict=True))),
        returns=returns,
    )
