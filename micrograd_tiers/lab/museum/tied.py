"""A net with a tied head: one matrix is the embedding, and the weight of the last layer.

The matrix reaches the loss along two paths, so its gradient is the sum of two. The net keeps a copy for each path. The
copies start equal and get the same gradient, so an optimizer that treats each number alike keeps them equal.
"""

from typing import Any

from ...network import Network
from ...tiers.sums import Sum


class TiedHead(Network):
    """Network whose first and last parameter are copies of one matrix. Arguments as in `Network`.

    Attributes
    ----------
    tied : tuple of str
        Names of both copies: that of the embedding, and that of the head.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        names = [*self.parameters]
        self.tied = names[0], names[-1]
        self.set_tied(self.state_dict()[self.tied[0]])

    def set_tied(self, matrix: Any) -> None:
        """Set both copies."""
        self.load_state_dict(self.state_dict() | dict.fromkeys(self.tied, matrix))

    def backprop(self, *args: Any, **options: Any) -> tuple[float, dict[str, Sum], list[Any]]:
        """Return what `Network.backprop` does, with the gradient of the matrix for both of its copies."""
        loss, grads, seen = super().backprop(*args, **options)
        gradient = self.functions.new_sum()
        for name in self.tied:
            gradient.add(lambda each: each, grads[name].value())
        return loss, grads | dict.fromkeys(self.tied, gradient), seen
