"""Plain numbers of a net at one sample: layers, weights and, if they were computed, outputs and gradients."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Numbers = Sequence[float]
Nested = Any  # a list of numbers, or of such lists


@dataclass(frozen=True)
class Stage:
    """The input of a net, or a layer with its output.

    Attributes
    ----------
    name : str
        "input", or index and call of the layer, as in ``0 Linear(2, 3)``.
    shape : tuple of int, or None
        Shape of one sample's output; None if it is unknown.
    output : sequence of float, or None
        Output for the sample, flattened.
    doutput : sequence of float, or None
        dL/d(output), flattened.
    parameters : dict
        Nested lists, keyed by the names that the layer gives them, such as "weight". For attention, "weight" holds the
        weights p of the sample, (heads, T, T).
    gradients : dict
        dL/d(parameter), shaped as the parameters; empty for a layer that is frozen.
    frozen : bool
    what : str
        Name of the numbers in `output`: "input" for the input.
    """

    name: str
    shape: tuple[int, ...] | None
    output: Numbers | None = None
    doutput: Numbers | None = None
    parameters: dict[str, Nested] = field(default_factory=dict)
    gradients: dict[str, Nested] = field(default_factory=dict)
    frozen: bool = False
    what: str = "output"

    def numbers(self, backward: bool) -> tuple[Numbers | None, dict[str, Nested]]:
        """Return output and parameters, or their gradients."""
        return (self.doutput, self.gradients) if backward else (self.output, self.parameters)


@dataclass(frozen=True)
class Snapshot:
    """A net at one sample.

    Attributes
    ----------
    stages : sequence of Stage
        The input, then each layer.
    about : str
        The sample, and the mode of the forward pass.
    about_gradients : str
        The function that was differentiated; "" if there are no gradients.
    loss_name : str
    loss : float, or None
        Mean loss of the mini-batch.
    probabilities : sequence of float, or None
        Probability of each class, or of yes for each output.
    has_classes : bool
        False if each output is a question of its own, as with binary cross-entropy.
    label : int, or None
        True class of the sample.
    target : sequence of float, or None
        Target of the sample, if it is not a label: one number per output.
    """

    stages: Sequence[Stage]
    about: str = ""
    about_gradients: str = ""
    loss_name: str = ""
    loss: float | None = None
    probabilities: Numbers | None = None
    has_classes: bool = True
    label: int | None = None
    target: Numbers | None = None


def numbers_in(nested: Nested) -> Numbers:
    """Return all numbers of nested lists, in order; a number counts as a list of one."""
    if not isinstance(nested, list):
        return [nested]
    return [x for part in nested for x in numbers_in(part)] if nested and isinstance(nested[0], list) else nested
