"""One part of a training step, computed again from a tier's own numbers, by the scalar tier."""

from collections.abc import Mapping
from typing import Any

from ...tiers import functions_of, get_tier
from ...tiers.registry import ROW_OF
from .names import Numbers, argument_of_vjp, value_name
from .recording import Part, added
from .updates import updated


def again(part: Part, arrays: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Return the results of a part by key, made from arrays that another tier has recorded.

    Parameters
    ----------
    part : Part
        That of a right tier.
    arrays : mapping
        As `Recording.arrays`.

    Returns
    -------
    dict
        Empty if the scalar tier does not have the op.
    """
    scalar = functions_of(get_tier("scalar"))
    inputs = {name: arrays[key] for name, key in part.inputs.items()}
    if part.op == "update":
        results = updated(scalar, part.function, inputs["gradient"], inputs["parameter"])
        return {key: results[name] for name, key in part.outputs.items()}
    function = getattr(scalar, part.op, None) if part.op in ROW_OF else None
    if function is None:
        return {}
    row = ROW_OF[part.op]
    samplewise = {*row.arguments[: row.n_samplewise], *(["weight"] if row.is_loss else [])}
    results_of_samples = []
    for n in range(len(inputs[row.arguments[0]])):
        values = part.settings | {name: array[n] if name in samplewise else array for name, array in inputs.items()}
        weight = {"weight": values["weight"]} if row.is_loss and "weight" in values else {}
        y, vjps = function(*(values[name] for name in row.arguments if name in values), **weight)
        dy: Any = inputs.get(f"d{value_name(part.op)}")
        of_sample = dy[n] if isinstance(dy, list) else dy
        results_of_samples.append(y if part.part == "value" else vjps[part.k](of_sample))
    is_sum = row.is_loss if part.part == "value" else argument_of_vjp(part.op, part.k) >= row.n_samplewise
    key = part.outputs[value_name(part.op) if part.part == "value" else part.part]
    return {key: added(results_of_samples) if is_sum else results_of_samples}
