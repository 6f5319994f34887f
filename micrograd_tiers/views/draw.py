"""The front door of drawings: `draw` shows the graph of a Value, or a net."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..arguments import shown
from ..engine import Value
from ..nn import MLP, Module
from .drawing import Drawing
from .graph.drawing import draw_graph
from .graph.others import is_node

if TYPE_CHECKING:
    from ..network import Network


def draw(
    what: Value | Network | MLP,
    X: Any = None,
    y: Any = None,
    *,
    names: Mapping[str, object] | None = None,
    fold: Any = None,
    sample: int = 0,
) -> Drawing:
    """Draw the graph of a Value, or a net.

    A notebook shows the drawing; ``.save("graph.svg")`` and ``.save("graph.html")`` write it to a file.

    Of a Value, each node is drawn with label, op, data and gradient; an edge shows the derivative of the result with
    respect to the operand, as the engine stored it. Of a net, the outputs of the units and the weights are drawn, and
    their gradients.

    Parameters
    ----------
    what : Value, Network or nn.MLP
        Or a node of another class with `data`, `grad` and `_prev`, such as micrograd's or your own. The local
        derivatives are drawn if it keeps them as `slopes`, in the order of `_prev`.
    X : array_like, shape (N, I) or (N, C, H, W), optional
        For a net: samples, as in `Network.forward`; for an MLP also one sample (I,). Without X, only the weights are
        drawn.
    y : array_like, optional
        For a Network: targets, as in `Network.loss_and_grads`. With them, the gradients of the mean loss are drawn. An
        MLP is drawn with the gradients that its parameters hold.
    names : dict, optional
        For a Value: ``names=locals()`` names each node without a label after a variable, or after its place in a list
        or a net (``w[0]``). Names that begin with an underscore are skipped. Values are not changed.
    fold : Value, nn.MLP, nn.Layer, nn.Neuron, or list of these, optional
        For a Value: parts to draw as one box each. A net folds each call of each of its neurons, with the plain numbers
        that were passed to it; a Value folds itself and all nodes that only it depends on. In notebooks and on pages, a
        box opens.
    sample : int
        For a net: index of the sample whose outputs are drawn, from 0 to N - 1.

    Returns
    -------
    Drawing

    Raises
    ------
    TypeError
        If `what` cannot be drawn, or an argument does not go with it.
    DataError, ValueError
        If the graph has more than 300 nodes after folding, `fold` is not part of it, X or y do not fit the net, or the
        net is too big to draw.

    Examples
    --------
    >>> import micrograd_tiers as mt
    >>> a, b = mt.Value(2.0, label="a"), mt.Value(-3.0)
    >>> c = a * b
    >>> c.backward()
    >>> mt.draw(c, names=locals())
    <Drawing: Graph of c = -6: 3 nodes; write it with .save('drawing.svg') or .save('drawing.html')>
    """
    if isinstance(what, Value) or is_node(what):
        if X is not None or y is not None:
            raise TypeError("draw: X and y go with a net, expected a Value alone: mt.draw(value)")
        return draw_graph(what, names, fold)
    if isinstance(what, MLP) or hasattr(type(what), "loss_and_grads"):
        if names is not None or fold is not None:
            raise TypeError("draw: names and fold go with a Value, expected a net alone: mt.draw(net, X, y)")
        from .nets import draw_net

        return draw_net(what, X, y, sample=sample)
    way_out = ""
    if isinstance(what, Module):
        way_out = "; draw its output: mt.draw(output, fold=module)"
    elif isinstance(what, (list, tuple)) and what and all(isinstance(v, Value) for v in what):
        way_out = "; draw one of them: mt.draw(values[0])"
    raise TypeError(f"what is {shown(what)}, expected a Value, a Network or an nn.MLP{way_out}")
