"""A tier that wraps a tier: it computes the same, and writes down what each op and each vjp takes and returns."""

from collections.abc import Callable, Iterator
from numbers import Real
from typing import Any

from ...tiers.protocol import SUPPORT
from ...tiers.registry import ROW_OF
from ...tiers.sums import OuterProduct
from .event import Event
from .inner import inner_numbers
from .mistakes import check_numbers, check_op
from .names import Numbers, argument_of_vjp, arguments_of, gradient_of, n_samplewise, value_name

CONSTANT = "constant"  # key of an array that is no parameter but the same for all samples, such as a bias of zeros


class Log:
    """The events of one chunk, in order, and copies of their arrays by key.

    `copies` holds the keys of what open residual connections keep, the innermost last; `doubles` those of arrays in
    float64.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.arrays: dict[str, Numbers] = {}
        self.copies: list[str] = []
        self.doubles: set[str] = set()
        self._key_of: dict[int, str] = {}
        self._objects: list[Any] = []  # kept, so that no two have the same id

    def write(self, key: str, array: Any, numbers: Numbers) -> str:
        """Store a copy of an array under a key, by which `key_of` knows the object from now on."""
        self.arrays[key] = numbers
        if str(getattr(array, "dtype", "")).endswith("float64"):
            self.doubles.add(key)
        self._key_of[id(array)] = key
        self._objects.append(array)
        return key

    def write_inner(self, event: Event) -> None:
        """Store the numbers inside the op, as results of the event that come before its own."""
        for name, numbers in inner_numbers(event, self.arrays).items():
            event.outputs[name] = self.write(f"{name} {len(self.events)}", numbers, numbers)

    def key_of(self, array: Any) -> str | None:
        """Return the key of an object that has been written; None if it is new."""
        return self._key_of.get(id(array))


class Recorder:
    """A tier that records what another tier computes.

    Parameters
    ----------
    tier : object
        Functions of a tier, as from `tiers.functions_of`.
    shared : dict
        Arrays that all samples share, by name: parameters and buffers.
    names : list of str
        Names of the arrays that `chunks` gets.
    learned : list of str
        Names of the parameters that learn, in the order in which the backward pass asks for sums.

    Attributes
    ----------
    logs : list of Log
        One for each chunk.
    layer : int or None
        Index of the layer whose ops are called; set by `steps.InLayer`.
    adding : function or None
        Function that records the addition of two arrays at a residual connection; set by `steps.AtEnd`.
    """

    def __init__(self, tier: Any, shared: dict[str, Any], names: list[str], learned: list[str]) -> None:
        self._tier, self.shared, self._names, self._learned = tier, shared, names, iter(learned)
        self.logs: list[Log] = []
        self.layer: int | None = None
        self.adding: Callable[..., Any] | None = None

    def __getattr__(self, name: str) -> Any:
        function = getattr(self._tier, name)
        if name.startswith("__") or name in SUPPORT or not callable(function):
            return function
        return self._recorded(name, function)

    def chunks(self, *arrays: Any) -> Iterator[tuple[Any, ...]]:
        """Split a mini-batch as the tier does; a new log begins with each chunk."""
        copies = {name: self.copied(array) for name, array in self.shared.items()}
        for chunk in self._tier.chunks(*arrays):
            self.logs.append(Log())
            for name, array in self.shared.items():
                self.logs[-1].write(name, array, copies[name])
            for name, array in zip(self._names, chunk, strict=True):
                self.logs[-1].write(name, array, self.copied(array))
            yield chunk

    def elementwise(self, function: Callable[..., Any], *arrays: Any) -> Any:
        """Apply a function elementwise, as the tier does."""
        if self.adding is not None:
            return self.adding(self._tier.elementwise, function, *arrays)
        return self._tier.elementwise(function, *arrays)

    def new_sum(self) -> "RecordedSum":
        """Return the tier's running sum; what is added to it is recorded."""
        return RecordedSum(self, next(self._learned, ""), self._tier.new_sum())

    def copied(self, array: Any) -> Numbers:
        """Return the numbers of an array of the tier, as nested lists that nobody else changes."""
        if array is None or isinstance(array, int | float):
            return array
        try:
            return _copied(self._tier.tolist(array))
        except (AttributeError, TypeError):  # a number of another type, or no number
            return float(array) if isinstance(array, Real) else array

    def key(self, log: Log, array: Any, kind: str = "array") -> str:
        """Return the key of an input; one that no op has returned gets a new key."""
        return log.key_of(array) or log.write(f"{kind} {len(log.arrays)}", array, self.copied(array))

    def _recorded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the op with the same result, recorded; a function that is no op is called as it is."""

        def op(*args: Any, **others: Any) -> Any:
            log, event = self.logs[-1], Event(name, "value", self.layer, function)
            log.events.append(event)
            names = arguments_of(name, function, len(args))
            for i, (argument, value) in enumerate([*zip(names, args, strict=True), *others.items()]):
                of_samples = i < n_samplewise(name) or argument == "weight"  # an array, or a number for each sample
                if value is None:
                    continue
                if of_samples or not isinstance(value, int | float | tuple):
                    event.inputs[argument] = self.key(log, value, "array" if of_samples else CONSTANT)
                else:
                    event.settings[argument] = value
            result = function(*args, **others)
            number = f"{len(log.events)}"
            if name == "moments":
                for output, array in zip(("mean", "variance"), result, strict=True):
                    event.outputs[output] = log.write(f"{output} {number}", array, self.copied(array))
                return result
            if name in ROW_OF:
                check_op(event, result)
            elif not _is_op(result):
                log.events.remove(event)
                return result
            y, vjps = result
            numbers = check_numbers(event, y, self.copied(y))
            log.write_inner(event)
            event.outputs[value_name(name)] = log.write(f"value {number}", y, numbers)
            names = names[argument_of_vjp(name, 0) :]
            return y, tuple(RecordedVjp(self, event, names[k], k, vjp) for k, vjp in enumerate(vjps))

        return op


class RecordedVjp:
    """A vjp that returns what another one returns, and records it."""

    def __init__(self, recorder: Recorder, of: Event, argument: str, k: int, vjp: Callable[[Any], Any]) -> None:
        self.recorder, self.of, self.argument, self.k, self.vjp = recorder, of, argument, k, vjp

    def __call__(self, dy: Any) -> Any:
        """Return the gradient."""
        log, event = self.begin(dy)
        gradient, numbers = self.checked(event, dy)
        log.write_inner(event)
        event.outputs[event.part] = log.write(f"gradient {len(log.events)}", gradient, numbers)
        return gradient

    def checked(self, event: Event, dy: Any) -> tuple[Any, Numbers]:
        """Return the gradient and its numbers."""
        gradient = self.vjp(dy)
        return gradient, check_numbers(event, gradient, self.recorder.copied(gradient))

    def begin(self, dy: Any) -> tuple[Log, Event]:
        """Record the input of a call, before a vjp that is wrong can change it."""
        of, log = self.of, self.recorder.logs[-1]
        event = Event(of.op, f"d{self.argument}", of.layer, of.function, self.vjp, self.k, settings=of.settings)
        event.inputs = {**of.inputs, **of.outputs, f"d{value_name(of.op)}": self.recorder.key(log, dy)}
        log.events.append(event)
        return log, event


class RecordedSum:
    """The running sum of a parameter's gradient over the chunks; the tier's own sum adds up."""

    def __init__(self, recorder: Recorder, parameter: str, inner: Any) -> None:
        self.recorder, self.parameter, self.inner = recorder, parameter, inner

    def add(self, vjp: Callable[[Any], Any], dy: Any) -> None:
        """Add vjp(dy)."""
        if not isinstance(vjp, RecordedVjp):
            self.inner.add(vjp, dy)
            return
        _, event = vjp.begin(dy)
        if isinstance(vjp.vjp, OuterProduct):  # the sum of the vector tier reads it, and does not call it
            self.inner.add(vjp.vjp, dy)
        else:
            self.inner.add(lambda dy: vjp.checked(event, dy)[0], dy)
        event.outputs[event.part], event.total = gradient_of(self.parameter), self

    def value(self, target: Any = None) -> Any:
        """Return the sum, or target plus the sum."""
        return self.inner.value(target)


def _is_op(result: Any) -> bool:
    """Return True for a value with vjps."""
    match result:
        case (_, tuple() | list() as vjps):
            return all(map(callable, vjps))
    return False


def _copied(numbers: Numbers) -> Numbers:
    if isinstance(numbers, list | tuple):
        return [*map(_copied, numbers)]
    return numbers.tolist() if hasattr(numbers, "tolist") else numbers  # a list may hold NumPy's numbers or arrays
