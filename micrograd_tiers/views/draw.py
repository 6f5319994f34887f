"""The front door of drawings: `draw` shows a Value's graph, or a net."""

from collections.abc import Mapping
from typing import Any

from ..arguments import shown
from ..engine import Value
from ..nn import Module
from .drawing import Drawing
from .graph.drawing import draw_graph


def draw(
    what: Any, X: Any = None, y: Any = None, *, names: Mapping[str, object] | None = None, fold: Any = None
) -> Drawing:
    """Draw the graph of a Value, or a net with its weights and activations.

    A notebook shows the drawing; ``.save("graph.svg")`` and ``.save("graph.html")`` write it to a file.

    Parameters
    ----------
    what : Value, Network, nn.MLP or other nn.Module
        For a Value: each node with label, op, data and gradient, and on each arrow the local derivative: that of the
        result with respect to the operand, as the engine stored it.
    X, y : array-like, optional
        For a net: samples and targets; without them, the weights alone are drawn.
    names : dict, optional
        For a Value: ``names=locals()`` names each node without a label after a variable, or its place in a list or
        net (``w[0]``). Values are not changed.
    fold : Value, nn.MLP, nn.Layer, nn.Neuron, or list of these, optional
        For a Value: parts to draw as one box each. A net folds each call of each of its neurons; a Value folds
        itself and all nodes that only it depends on. In notebooks and on pages, a box opens.

    Raises
    ------
    TypeError
        If `what` cannot be drawn, or an argument does not go with it.
    ValueError
        If the graph has more than 300 nodes after folding, or `fold` is not part of it.

    Examples
    --------
    >>> import micrograd_tiers as mt
    >>> a, b = mt.Value(2.0, label="a"), mt.Value(-3.0)
    >>> c = a * b
    >>> c.backward()
    >>> mt.draw(c, names=locals())
    <Drawing: Graph of c = -6: 3 nodes; write it with .save('drawing.svg') or .save('drawing.html')>
    """
    if isinstance(what, Value):
        if X is not None or y is not None:
            raise TypeError("draw: X and y go with a net, expected a Value alone: mt.draw(value)")
        return draw_graph(what, names, fold)
    if isinstance(what, Module) or hasattr(what, "loss_and_grads"):
        from .nets import draw_net

        return draw_net(what, X, y, names=names, fold=fold)
    values = isinstance(what, (list, tuple)) and what and all(isinstance(v, Value) for v in what)
    way_out = "; draw one of them: mt.draw(values[0])" if values else ""
    raise TypeError(f"what is {shown(what)}, expected a Value, a Network, or an nn.MLP, Layer or Neuron{way_out}")
