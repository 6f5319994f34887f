"""Shape checks for direct calls of an op. A network has checked its arrays and calls the ops unchecked."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from .registry import ROW_OF

Shape = tuple[int, ...]

# Losses whose target is a class, or one per position.
OF_LABELS = ("softmax_cross_entropy", "smoothed_cross_entropy", "next_token_loss")


def checked(
    op: Callable[..., Any], name: str, shape_of: Callable[[Any], Shape]
) -> Callable[..., Any]:
    """Return the op with a check of the shapes of its first two arguments, or of a number, if it has a check."""
    if name not in CHECKS:
        return op
    check = CHECKS[name]

    @wraps(op)
    def with_check(x: Any, weight: Any, *others: Any, **named: Any) -> Any:
        check(shape_of(x), weight if isinstance(weight, int) else shape_of(weight))
        return op(x, weight, *others, **named)

    return with_check


def _features_of(op: str) -> Callable[[Shape, Shape], None]:
    def check(x: Shape, weight: Shape) -> None:
        if x[-1:] != weight[1:]:
            raise ValueError(
                f"{op}: x has shape {x}, weight {weight} expects {weight[-1]} features"
            )

    return check


def _check_channels(x: Shape, weight: Shape) -> None:
    if x[-3:-2] != weight[1:2]:
        raise ValueError(
            f"conv2d: x has shape {x}, weight {weight} expects {weight[1]} channels"
        )


def _check_normalized(x: Shape, weight: Shape) -> None:
    if x[-1:] != weight:
        raise ValueError(
            f"layer_norm: x has shape {x}, weight {weight}, expected {x[-1:]}"
        )


def _check_heads(x: Shape, heads: int) -> None:
    if heads < 1 or x[-1] % (3 * heads):
        raise ValueError(
            f"attention: x has {x[-1]} features, expected a multiple of 3 * {heads}: "
            f"query, key and value side by side, each for {heads} heads"
        )


def _check_positions(x: Shape, weight: Shape) -> None:
    if x[-1:] != weight[1:] or x[-2] > weight[0]:
        raise ValueError(
            f"add_position: x has shape {x}, weight {weight} expects {weight[-1]} features "
            f"and at most {weight[0]} positions"
        )


def _check_next_tokens(logits: Shape, target: Shape) -> None:
    if logits[:-1] != target:
        raise ValueError(
            f"next_token_loss: logits have shape {logits}, targets {target}, expected "
            f"{logits[:-1]}"
        )


def _check_targets(output: Shape, target: Shape) -> None:
    if output != target:
        raise ValueError(
            f"loss: outputs have shape {output}, targets {target}, expected the same"
        )


CHECKS: dict[str, Callable[[Shape, Any], None]] = {
    "linear": _features_of("linear"),
    "conv2d": _check_channels,
    "add_position": _check_positions,
    "attention": _check_heads,
    "layer_norm": _check_normalized,
    "project": _features_of("project"),
    "next_token_loss": _check_next_tokens,
}
for row in ROW_OF.values():
    if row.is_loss and row.name not in OF_LABELS:
        CHECKS[row.name] = _check_targets
