"""Backpropagation: the forward pass, then the chain rule in reverse, written once for all tiers.

It needs only a tier's functions, a chain of steps, a loss and a mini-batch. Arrays are the tier's
own and have been checked. Weights do not change here.
"""

from collections import defaultdict
from operator import add

from .layers.base import Layer


class Step:
    """A layer with the net's own arrays, so that the next forward pass uses updated weights.

    `learned` names the parameters that get gradients: all in training; none in prediction, or if
    the layer is frozen.
    """

    def __init__(self, layer, names, parameters, buffers, training=False):
        self.layer, self.branch, self.names = layer, layer.branch, names
        self.forward_of_layer = layer.forward
        self.parameter, self.buffers = parameters.__getitem__, buffers.values()
        self.learned = names if training else ()
        own = type(layer).forward_in_training is not Layer.forward_in_training
        self.differs = training and own  # true for dropout and batch normalization

    def forward(self, tier, x, noise):
        """Return y, the vjps, and the statistics of batch normalization, which are None for other layers."""
        arrays = map(self.parameter, self.names)
        if self.differs:
            return self.layer.forward_in_training(tier, x, noise, *arrays)
        y, vjps = self.forward_of_layer(tier, x, *arrays, *self.buffers)
        return y, vjps if self.learned else vjps[:1], None


def forward(tier, steps, x, noise=()):
    """Return the output of the last step, and the vjps and statistics of each step."""
    vjps, seen, noise, copies = [], [], iter(noise), []
    for step in steps:
        if step.branch == "fork":  # a copy of x goes around the branch
            copies.append(x)
        elif step.branch == "join":
            x = tier.elementwise(add, x, copies.pop())
        x, vjps_of_step, seen_by_step = step.forward(tier, x, noise)  # dropout takes next(noise)
        vjps.append(vjps_of_step)
        seen.append(seen_by_step)
    return x, vjps, seen


def backprop(tier, steps, loss_fn, x, targets, dloss, noise=()):
    """Return the losses of all chunks, the sum of each parameter's gradient, and the last statistics.

    The chain rule is the inner loop: each vjp takes dL/d(output of a layer) and returns dL/d(one
    of its inputs). The loop starts from dloss, which is 1/N for the mean over N samples. A factor
    in dloss multiplies every gradient: plain gradient descent passes -learning_rate / N.
    """
    first = 0  # the first step that learns; the steps before it need no gradient
    while first < len(steps) and not steps[first].learned:
        first += 1
    losses, sums = [], defaultdict(tier.new_sum)  # a sum for each parameter that learns
    end = 1 + len(targets)  # a chunk is x, then its targets, then its noise
    for chunk in tier.chunks(x, *targets, *noise):
        output, vjps, seen = forward(tier, steps, chunk[0], chunk[end:])
        loss, (pull,) = loss_fn.forward(tier, output, *chunk[1:end])
        losses.append(loss)
        dy, copies = dloss, []
        for i in reversed(range(first, len(steps))):
            step, vjps_of_step = steps[i], vjps[i]
            dy = pull(dy)  # dL/d(output of layer i)
            if step.branch == "join":  # what was added gets the same gradient twice
                copies.append(dy)
            elif step.branch == "fork":  # what was copied gets both gradients
                dy = tier.elementwise(add, dy, copies.pop())
            pull = vjps_of_step[0]  # vjp of x, called if a layer below learns
            for k, name in enumerate(step.learned, 1):
                sums[name].add(vjps_of_step[k], dy)  # adds dL/d(parameter), vjps_of_step[k](dy)
    return losses, sums, seen  # sums[name].value() is dL/d(parameter)
