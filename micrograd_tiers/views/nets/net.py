"""The public function that draws a net."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...arguments import shown
from ...nn import MLP
from ..drawing import Drawing
from .mlps import of_mlp
from .panels import drawing_of
from .recording import of_network

if TYPE_CHECKING:
    from ...network import Network


def draw_net(net: Network | MLP, X: Any = None, y: Any = None, *, sample: int = 0) -> Drawing:
    """Draw a net: units with their outputs, lines with their weights, and the gradients of both.

    Layers of more than 60 units, and images, are drawn as pictures with a pixel per number. The net is not changed.

    Parameters
    ----------
    net : Network or MLP
    X : array_like, shape (N, I) or (N, C, H, W), optional
        Samples, as in `Network.forward`; for an MLP also one sample (I,). Without X, only the weights are drawn.
    y : array_like, optional
        Targets, as in `Network.loss_and_grads`. With them, the drawing has a second panel with dL/d(output) of each
        layer and the gradients of the weights, for the mean loss L of the N samples, computed as in training. An
        MLP has no loss: its panel shows the gradients that its parameters hold.
    sample : int
        Index of the sample whose outputs are drawn, from 0 to N - 1.

    Returns
    -------
    Drawing

    Raises
    ------
    DataError, ValueError
        If X or y do not fit the net, there is no such sample, or the net is too big to draw.

    Examples
    --------
    >>> net = mt.two_layer_net(2, 3, 2)
    >>> draw_net(net, [[0.5, -1.0]], [1]).save("net.html")
    """
    if isinstance(net, MLP):
        return drawing_of(of_mlp(net, X, y, sample))
    if not hasattr(net, "loss_and_grads"):
        raise ValueError(f"net is {shown(net)}, expected a Network such as two_layer_net(2, 3, 2), or an nn.MLP")
    return drawing_of(of_network(net, X, y, sample))
