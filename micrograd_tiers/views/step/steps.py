"""Steps of the net, wrapped so that a recorder knows which layer is at work, and what Fork and Join copy and add."""

from collections.abc import Callable
from typing import Any

from .event import Event
from .mistakes import check_numbers
from .recorder import Recorder


def in_layers(recorder: Recorder, steps: Any) -> list["InLayer"]:
    """Return the steps, wrapped."""
    return [(AtEnd if step.branch else InLayer)(recorder, i, step) for i, step in enumerate(steps)]


class InLayer:
    """A step or a loss of the net that tells the recorder which layer calls the ops."""

    def __init__(self, recorder: Recorder, index: int | None, inner: Any) -> None:
        self.recorder, self.index, self.inner = recorder, index, inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    @property
    def branch(self) -> str:
        """The layer's `branch`, which the loop asks for before it adds what a residual connection has kept."""
        self.recorder.adding = None
        return str(self.inner.branch)

    def forward(self, *args: Any) -> Any:
        """Return what the step or the loss returns."""
        self.recorder.layer, self.recorder.adding = self.index, None
        return self.inner.forward(*args)


class AtEnd(InLayer):
    """A Fork or a Join of the net, recorded as if it were an op.

    The loop keeps the copies. A Fork copies x in the forward pass, and adds two gradients in the backward pass; a Join
    adds in the forward pass, and copies the gradient in the backward pass.
    """

    @property
    def branch(self) -> str:
        """The layer's `branch`; if the tier then adds two arrays, that is recorded."""
        self.recorder.adding = self.add
        return str(self.inner.branch)

    def forward(self, tier: Any, x: Any, noise: Any) -> Any:
        """Return what the step returns."""
        y, (vjp,), seen = super().forward(tier, x, noise)
        if self.inner.branch == "fork":
            self.value = Event("fork", "value", self.index, None, inputs={"x": self.recorder.key(self._log, x)})
            self._copy(self.value, x, "copy", "y")
            return y, (vjp,), seen

        def copying(dy: Any) -> Any:
            self._copy(self._backward(dy), dy, "dcopy", "dx")
            return vjp(dy)

        return y, (copying,), seen

    def add(self, elementwise: Callable[..., Any], function: Any, x: Any, copy: Any) -> Any:
        """Return the sum of x, or of a gradient, and the copy that was kept."""
        log, kept = self._log, self._log.copies.pop()
        if self.inner.branch == "join":
            event = self.value = Event("join", "value", self.index, elementwise)
            event.inputs = {"x": self.recorder.key(log, x), "copy": kept}
        else:
            event = self._backward(x)
            event.function, event.inputs["dcopy"] = elementwise, kept
        log.events.append(event)
        result = elementwise(function, x, copy)
        numbers = check_numbers(event, result, self.recorder.copied(result))
        name = "y" if event.part == "value" else event.part
        event.outputs[name] = log.write(f"{name} {len(log.events)}", result, numbers)
        return result

    @property
    def _log(self) -> Any:
        return self.recorder.logs[-1]

    def _backward(self, dy: Any) -> Event:
        """Return the event of a gradient of x."""
        inputs = {**self.value.inputs, **self.value.outputs, "dy": self.recorder.key(self._log, dy)}
        return Event(self.value.op, "dx", self.index, None, inputs=inputs)

    def _copy(self, event: Event, array: Any, *names: str) -> None:
        """Record an array under two names; the loop keeps the first of them."""
        log = self._log
        log.events.append(event)
        for name in names:
            event.outputs[name] = log.write(f"{name} {len(log.events)}", array, self.recorder.copied(array))
        log.copies.append(event.outputs[names[0]])
