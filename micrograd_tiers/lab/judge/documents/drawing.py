"""Draw one example of an op of documents, as in `..drawing`; there are N documents of T positions, up to LONGEST.

Of the other two sizes, `c` is the number of channels and `o` the number of tokens, outputs or heads.
"""

from ..drawing import ORDINARY, Array, array, choices
from ..examples import Example, Pick

T, LONGEST = [2, 1, 3], 24
EPSILONS = [1e-5, 0.1]
SMALL_PARAMETERS = [1.0, -1.0, 0.0]
NEARLY_EQUAL = [0.0, 1.0, -1.0, 3.0]  # added to one large number


def _document(pick: Pick, numbers: list[float], n: int, c: int) -> Array:
    return array(pick, numbers, n, pick.size(T, LONGEST), c)


def _dy(pick: Pick, x: Array, o: int) -> Array:
    return array(pick, ORDINARY, *x.shape[:2], o)


def embedding(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    """Draw tokens (N, T), of which any may be -1, and weight (O, C)."""
    tokens = choices(pick, [*range(o), -1], n, pick.size(T, LONGEST))
    return Example((tokens, array(pick, numbers, o, c)), array(pick, ORDINARY, *tokens.shape, c))


def add_position(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    """Draw x (N, T, C) and weight (P, C), of as many positions or more."""
    x = _document(pick, numbers, n, c)
    return Example((x, array(pick, numbers, x.shape[1] + pick([0, 1, 2]), c)), _dy(pick, x, c))


def rms_norm(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    """Draw x (N, T, C) and epsilon."""
    x = _document(pick, numbers, n, c)
    return Example((x, pick(EPSILONS)), _dy(pick, x, c))


def layer_norm(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    """Draw x (N, T, C), weight (C,), bias (C,) and epsilon."""
    x = _document(pick, numbers, n, c)
    return Example((x, array(pick, numbers, c), array(pick, numbers, c), pick(EPSILONS)), _dy(pick, x, c))


def layer_norm_of_extremes(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    """Draw as in `layer_norm`, with small weights and biases, and sometimes a mean far above the deviation."""
    offset, numbers = (0.0, numbers) if pick([True, False]) else (1e8 / 7, NEARLY_EQUAL)
    x = offset + _document(pick, numbers, n, c)
    weight, bias = array(pick, SMALL_PARAMETERS, c), array(pick, SMALL_PARAMETERS, c)  # rounding grows with them
    return Example((x, weight, bias, pick(EPSILONS)), _dy(pick, x, c))


def attention(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    """Draw x (N, T, 3 O C), for O heads of C numbers."""
    x = _document(pick, numbers, n, 3 * o * c)
    return Example((x, o), _dy(pick, x, o * c))


def project(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    """Draw x (N, T, C) and weight (O, C)."""
    x = _document(pick, numbers, n, c)
    return Example((x, array(pick, numbers, o, c)), _dy(pick, x, o))


def next_tokens(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    """Draw logits (N, T, C) and the next tokens (N, T), of which any may be -1."""
    logits = _document(pick, numbers, n, c)
    return Example((logits, choices(pick, [*range(c), -1], *logits.shape[:2])), pick(ORDINARY))
