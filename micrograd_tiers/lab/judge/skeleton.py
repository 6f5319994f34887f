"""The skeleton of a tier, to be filled in: signatures, formulas and shapes, and no derivative."""

from ...tiers import CORE, SUPPORT
from ...tiers.registry import ROW_OF, Op

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

# The shapes in one call of an op: of its value, which is y or p, or nothing for a loss; and of its arguments in turn.
# {x}, {y}, {z}, {t} depend on the grain.
SHAPES = {
    "linear": ("y {y}", "{x}", "(O, I)", "(O,)"),
    "sigmoid": ("y {x}", "{x}"),
    "tanh": ("y {x}", "{x}"),
    "relu": ("y {x}", "{x}"),
    "elu": ("y {x}", "{x}", "a number"),
    "softmax": ("p {z}", "{z}"),
    "softmax_cross_entropy": ("", "{z}", "{t}: the right class, 0 to C - 1"),
    "mean_squared_error": ("", "{y}", "{y}"),
}

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
ONE_SAMPLE = {"x": "(I,)", "y": "(O,)", "z": "(C,)", "t": "an int", "summed": ""}
MINI_BATCH = {
    "x": "(N, I)",
    "y": "(N, O)",
    "z": "(N, C)",
    "t": "(N,) of int",
    "summed": ", summed over the samples",
}


def skeleton(grain: str) -> str:
    """Return the source of a tier with nothing in it, for one of the built-in grains."""
    shapes = MINI_BATCH if grain == "tensor" else ONE_SAMPLE
    source = HEAD.format(grain=grain, support=", ".join(sorted(SUPPORT)), **GRAINS[grain])
    return source + "".join(_function(ROW_OF[name], shapes) for name in CORE)


def _function(row: Op, shapes: dict[str, str]) -> str:
    """Return one function, to be filled in."""
    value, *arguments = (shape.format(**shapes) for shape in SHAPES[row.name])
    n = row.n_differentiable
    vjps = ", ".join(row.parts[1:]) + "," * (n == 1)
    *others, last = arguments[:n]
    to = f"{', '.join(others)} and {last}" if others else last
    if row.is_loss:
        returns = f"the loss, one number{shapes['summed']}, and ({vjps}): from dloss, a number, to {to}"
    else:
        summed = shapes["summed"] if n > row.n_samplewise else ""
        returns = f"{value}, and ({vjps}): from d{value} to {to}{summed}"
    return OP.format(
        signature=f"{row.name}({', '.join(row.signature)})",
        formula=row.formula,
        takes=", ".join(map(" ".join, zip(row.arguments, arguments, strict=True))),
        returns=returns,
    )
