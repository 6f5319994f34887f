"""One call of an op or of a vjp, as a recorder writes it down."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class Event:
    """One call of an op or of a vjp, for one chunk.

    Attributes
    ----------
    op : str
    part : str
        "value", or the name of the gradient that a vjp returns, such as "dweight".
    layer : int or None
        Index of the layer that called the op; None for the loss.
    function, vjp : object
        The tier's function and, for a gradient, the vjp.
    k : int
        For a gradient: number of the op's vjp.
    inputs, outputs : dict of str
        Keys of the arrays in `Log.arrays`, by the names that the op gives them.
    settings : dict of str
        Arguments that are no arrays, such as a stride, and sizes that formulas use.
    total : recorder.RecordedSum or None
        The sum that a parameter's gradient was added to.
    """

    op: str
    part: str
    layer: int | None
    function: Any
    vjp: Any = None
    k: int = 0
    inputs: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    total: Any = None
