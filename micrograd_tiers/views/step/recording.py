"""One training step at one tier, recorded: every call of the forward and the backward pass, and the update.

It needs what `backprop.backprop` needs: a tier's functions, a chain of steps, a loss and a mini-batch. At the scalar
tier it runs without NumPy.
"""

import math
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from types import FrameType
from typing import Any

from ...backprop import backprop
from ...tiers.lists import shape_of
from .event import Event
from .names import Numbers, argument_of_vjp, gradient_of, n_samplewise
from .recorder import CONSTANT, Recorder
from .steps import InLayer, in_layers
from .updates import updated


@dataclass(eq=False)
class Part:
    """One part of the training step, for the whole mini-batch: an op, a vjp, the mean loss, or an update.

    Attributes
    ----------
    op, part : str
        As in `event.Event`; the op may also be "mean", or "update" with the name of a parameter as its part.
    layer : int or None
        None for the loss.
    inputs, outputs : dict of str
        Keys of the arrays in `Recording.arrays`, by the names that formulas give them.
    settings : dict of str
    calls : int
        How often the tier ran it.
    function, vjp : object
        As in `event.Event`; for an update, the optimizer.
    k : int
        As in `event.Event`.
    lines : set of (str, int)
        For an update: the lines of code that ran, as (file, line).
    """

    op: str
    part: str
    layer: int | None
    inputs: dict[str, str]
    outputs: dict[str, str]
    settings: dict[str, Any]
    calls: int = 1
    function: Any = None
    vjp: Any = None
    k: int = 0
    lines: set[tuple[str, int]] = field(default_factory=set)

    @property
    def place(self) -> tuple[str, str, int | None]:
        """Op, part and layer, which are the same at every tier."""
        return self.op, self.part, self.layer


@dataclass(eq=False)
class Recording:
    """A training step at one tier.

    Attributes
    ----------
    tier : str
        Name of the tier, for the reader.
    dtype : str
    parts : list of Part
        In the order in which they ran.
    arrays : dict of nested lists
        All arrays by key, for the whole mini-batch. The same key means the same array at every tier.
    error : BaseException or None
        The error that has ended the recording early. The last part is then the one that raised it, without outputs.
    unfinished : bool
        True if that was in the forward or the backward pass: arrays may then hold fewer samples, and sums are missing.
    widened : set of str
        Keys of arrays in float64, if dtype is "float32".
    """

    tier: str
    dtype: str = "float64"
    parts: list[Part] = field(default_factory=list)
    arrays: dict[str, Numbers] = field(default_factory=dict)
    error: BaseException | None = None
    unfinished: bool = False
    widened: set[str] = field(default_factory=set)


def record(
    name: str,
    tier: Any,
    steps: Sequence[Any],
    loss_fn: Any,
    parameters: Mapping[str, Any],
    x: Any,
    targets: Sequence[Any],
    optimizer: Any,
    *,
    divisor: float | None = None,
    noise: Sequence[Any] = (),
    dtype: str = "float64",
) -> Recording:
    """Record one training step. Parameters do not change.

    Parameters
    ----------
    name : str
        Name of the tier, for the reader.
    tier : object
        Functions of the tier, as from `tiers.functions_of`.
    steps : sequence of backprop.Step
    loss_fn : Loss
    parameters : mapping of array of the tier
        Those of the steps, by name.
    x : array of the tier, shape (N, ...)
    targets : sequence of array of the tier
        The targets and, if there are any, the sample weights.
    optimizer : Optimizer
        Its memory is empty, as at the first step of a training run.
    divisor : float, optional
        Divisor of the sum of the losses; by default N.
    noise : sequence of array of the tier
        Masks of dropout.
    dtype : str
        Precision of the numbers.

    Returns
    -------
    Recording
        If the tier raises an error, the recording ends there and keeps the error.
    """
    divisor = len(x) if divisor is None else divisor
    dloss = 1 / divisor
    names = ["x", *["target", "weight"][: len(targets)], *(f"mask {i}" for i in range(len(noise)))]
    learned = [parameter for step in reversed(steps) for parameter in step.learned]
    recorder = Recorder(tier, {**parameters, "dloss": dloss}, names, learned)
    recording = Recording(name, dtype)
    gradients: dict[str, Any] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # overflow: the page shows the numbers
        try:
            loss = InLayer(recorder, None, loss_fn)
            _, totals, _ = backprop(recorder, in_layers(recorder, steps), loss, x, targets, dloss, noise)
            gradients = {key: total.value() for key, total in totals.items()}
        except (Exception, SystemExit) as error:  # of a tier that is wrong or not finished
            recording.error, recording.unfinished = error, True
        sums = {gradient_of(key): recorder.copied(gradient) for key, gradient in gradients.items()}
        _join(recorder, recording, sums, len(shape_of(recorder.copied(x))), divisor)
        for key in parameters:
            if key in gradients and recording.error is None:
                _update(recorder, recording, key, gradients[key], parameters[key], optimizer)
    return recording


def _join(recorder: Recorder, recording: Recording, sums: dict[str, Numbers], n_axes: int, divisor: float) -> None:
    """Write the events of all chunks as parts of the whole mini-batch."""
    arrays, logs = recording.arrays, recorder.logs
    if not logs:
        return
    arrays |= {key: logs[0].arrays[key] for key in recorder.shared} | sums
    if recording.dtype == "float32":
        recording.widened = set().union(*(log.doubles for log in logs))
    together = len(shape_of(logs[0].arrays["x"])) == n_axes  # True if a chunk has an axis of samples

    def of_all(key: str) -> Numbers:
        chunks = [log.arrays[key] for log in logs if key in log.arrays]
        if key.startswith(CONSTANT):
            return chunks[0]
        if not together:
            return chunks
        return [row for chunk in chunks for row in chunk] if isinstance(chunks[0], list) else chunks[0]

    losses = {event.outputs.get("loss") for event in logs[0].events}
    for i, event in enumerate(logs[0].events):
        recording.parts.append(_part(event, len(logs)))
        if not all(len(log.events) > i and log.events[i].outputs for log in logs):
            recording.parts[-1].outputs = {}  # an error has ended one of them
            return
        for key in [*event.inputs.values(), *event.outputs.values()]:
            of_parameter = event.part != "value" and argument_of_vjp(event.op, event.k) >= n_samplewise(event.op)
            is_gradient = key in event.outputs.values() and of_parameter
            if key in arrays or key in losses or (is_gradient and event.total is not None):
                continue
            arrays[key] = added([log.arrays[key] for log in logs]) if is_gradient else of_all(key)
        if "loss" in event.outputs:
            key = event.outputs["loss"]
            if not recording.unfinished:
                arrays[key] = math.fsum(log.arrays[key] for log in logs)
                arrays["L"] = arrays[key] / divisor
            inputs = {"loss": key} | {name: "weight" for name in event.inputs if name == "weight"}
            for part, output in (("value", "L"), ("dloss", "dloss")):
                recording.parts.append(Part("mean", part, None, inputs, {output: output}, {"N": divisor}))


def _part(event: Event, calls: int) -> Part:
    return Part(
        event.op, event.part, event.layer, event.inputs, event.outputs, event.settings, calls, event.function,
        event.vjp, event.k,
    )  # fmt: skip


def added(chunks: list[Numbers]) -> Numbers:
    """Return the sum of arrays of the same shape."""
    if isinstance(chunks[0], list):
        return [added([*rows]) for rows in zip(*chunks, strict=True)]
    return math.fsum(chunks)


def _update(recorder: Recorder, recording: Recording, name: str, gradient: Any, parameter: Any, optimizer: Any) -> None:
    """Record the update of one parameter."""
    settings = {f.name: getattr(optimizer, f.name) for f in fields(optimizer)}
    inputs = {"gradient": gradient_of(name), "parameter": name}
    part = Part("update", name, int(name.partition(".")[0]), inputs, {}, settings, function=optimizer)
    recording.parts.append(part)
    try:
        with lines_that_run() as part.lines:
            results = updated(recorder, optimizer, gradient, parameter)
    except (Exception, SystemExit) as error:  # of a gradient that has the wrong shape
        recording.error = error
        return
    for key, value in results.items():
        if isinstance(value, int | float):
            settings[key] = value
        else:
            part.outputs[key] = f"{key} of {name}"
            recording.arrays[part.outputs[key]] = recorder.copied(value)


@contextmanager
def lines_that_run() -> Iterator[set[tuple[str, int]]]:
    """Collect the lines of Python code that run inside the block, as (file, line)."""
    lines: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        if event == "line":
            lines.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield lines
    finally:
        sys.settrace(before)
