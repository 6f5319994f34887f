"""The skeleton of a tier to fill in: signatures, formulas and shapes, but no derivatives."""

from ...tiers import CORE, DOCUMENTS, SUPPORT
from ...tiers.registry import ROW_OF, Op

HEAD = '''"""My {like} tier: {handles}.

An op returns its value and a tuple of vjps (vector-Jacobian products), one for each argument that has a gradient. A
vjp takes dy, which is dL/dy and shaped as y, and returns dL/d(argument), shaped as the argument. It changes neither dy
nor any input, and returns a new array.

Every finite input, however large, must give the right result without a warning. A logit of -inf is legal: its
probability is 0.

Shapes: {letters}.
To judge this file, finished or not: micrograd-tiers verify THIS_FILE{option}
"""

{imports}

# {taken} of the built-in tier; write your own if you like.
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
# Letters in braces depend on the tier.
SHAPES = {
    "linear": ("y {y}", "{x}", "(O, I)", "(O,)"),
    "sigmoid": ("y {x}", "{x}"),
    "tanh": ("y {x}", "{x}"),
    "relu": ("y {x}", "{x}"),
    "elu": ("y {x}", "{x}", "a number"),
    "softmax": ("p {z}", "{z}"),
    "softmax_cross_entropy": ("", "{z}", "{t}: the correct class, 0 to C - 1"),
    "mean_squared_error": ("", "{y}", "{y}"),
    "squared_relu": ("y {d}", "{d}"),
    "embedding": ("y {d}", "{k} of int, with -1 for padding", "(V, C)"),
    "add_position": ("y {d}", "{d}", "(P, C): P is at least T"),
    "rms_norm": ("y {d}", "{d}", "a number"),
    "layer_norm": ("y {d}", "{d}", "(C,)", "(C,)", "a number"),
    "attention": ("y {d}", "{q}: all heads' q, then k, then v", "a number: D is C / heads"),
    "project": ("y {o}", "{d}", "(O, C)"),
    "next_token_loss": ("", "{l}", "{k} of int: the next tokens, with -1 for none"),
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
OF_DOCUMENTS = {
    "scalar": "T positions, C channels, O outputs, V tokens; (T, C) is a list of T lists of C floats",
    "vector": "T positions, C channels, O outputs, V tokens",
    "tensor": "N documents, T positions, C channels, O outputs, V tokens; the first axis is the documents",
}
ONE_SAMPLE = {
    **{"x": "(I,)", "y": "(O,)", "z": "(C,)", "t": "an int", "summed": ""},
    **{"d": "(T, C)", "o": "(T, O)", "q": "(T, 3 C)", "l": "(T, V)", "k": "(T,)"},
}
MINI_BATCH = {
    "x": "(N, I)",
    "y": "(N, O)",
    "z": "(N, C)",
    "t": "(N,) of int",
    "summed": ", summed over the samples",
    **{"d": "(N, T, C)", "o": "(N, T, O)", "q": "(N, T, 3 C)", "l": "(N, T, V)", "k": "(N, T)"},
}


def skeleton(like: str, *, documents: bool = False) -> str:
    """Return the source of a skeleton that takes the arrays of a built-in tier.

    Parameters
    ----------
    like : {"scalar", "vector", "tensor"}
    documents : bool
        If True, the ops of documents are to be filled in, and ReLU, which a GPT also needs, is imported; otherwise the
        ops of dense nets.
    """
    shapes = MINI_BATCH if like == "tensor" else ONE_SAMPLE
    details, imported, taken, option = DETAILS[like], {*SUPPORT}, "The support functions are those", ""
    if documents:
        details = {**details, "letters": OF_DOCUMENTS[like]}
        imported, taken, option = {*SUPPORT, "relu"}, "The support functions and relu are those", " --documents"
    source = HEAD.format(like=like, support=", ".join(sorted(imported)), taken=taken, option=option, **details)
    return source + "".join(_function(ROW_OF[name], shapes) for name in (DOCUMENTS if documents else CORE))


def _function(row: Op, shapes: dict[str, str]) -> str:
    """Return the source of one function to fill in."""
    value, *arguments = (shape.format(**shapes) for shape in SHAPES[row.name])
    n = row.n_differentiable
    vjps = ", ".join(row.parts[1:]) + "," * (n == 1)
    *others, last = (arguments[i].partition(":")[0] for i in row.differentiable)
    to = f"{', '.join(others)} and {last}" if others else last
    if row.is_loss:
        returns = f"the loss (one number{shapes['summed']}) and the vjps ({vjps}), from dloss (a number) to {to}"
    else:
        summed = shapes["summed"] if row.differentiable[-1] >= row.n_samplewise else ""
        returns = f"{value} and the vjps ({vjps}), from d{value} to {to}{summed}"
    return OP.format(
        signature=f"{row.name}({', '.join(row.signature)})",
        formula=row.formula,
        takes=", ".join(map(" ".join, zip(row.arguments, arguments, strict=True))),
        returns=returns,
    )
