"""Backpropagation: the forward pass, then the chain rule in reverse, written once for all tiers.

It needs only a tier's functions, a chain of steps, a loss and a mini-batch. Arrays are the tier's
own and have been checked. Weights do not change here.
"""

from operator import add

from .layers.base import Layer


class Step:
    """A layer with the net's own arrays, so that the next forward pass uses updated weights.

    `learned` names the parameters that get gradients: all in training; none in prediction, or if
    the layer is frozen.
    """

    def __init__(self, layer, names, parameters, buffers, training=False):
        self.layer, self.names = layer, names
        self.parameter, self.buffers = parameters.__getitem__, buffers.values()
        self.learned = names if training else ()
        own = type(layer).forward_in_training is not Layer.forward_in_training
        self.differs = training and own  # true for dropout and batch normalization

    def forward(self, tier, x, noise):
        """Return y, the vjps, and the statistics of batch normalization, which are None for other layers."""
        arrays = map(self.parameter, self.names)
        if self.differs:
            return self.layer.forward_in_training(tier, x, noise, *arrays)
        y, vjps = self.layer.forward(tier, x, *arrays, *self.buffers)
        return y, vjps if self.learned else vjps[:1], None


def forward(tier, steps, x, noise=()):
    """Return the output of the last step, and the vjps and statistics of each step."""
    vjps, seen, noise, copies = [], [], iter(noise), []
    for step in steps:
        if step.layer.branch == "fork":  # a copy of x goes around the branch
            copies.append(x)
        elif step.layer.branch == "join":
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
    sums = {name: tier.new_sum() for step in reversed(steps) for name in step.learned}
    losses = []
    for x_chunk, *others in tier.chunks(x, *targets, *noise):
        target, noise_chunk = others[: len(targets)], others[len(targets) :]
        output, vjps, seen = forward(tier, steps, x_chunk, noise_chunk)
        loss, (pull,) = loss_fn.forward(tier, output, *target)
        losses.append(loss)
        dy, copies = dloss, []
        for i in reversed(range(first, len(steps))):
            dy = pull(dy)  # dL/d(output of layer i)
            if steps[i].layer.branch == "join":  # what was added gets the same gradient twice
                copies.append(dy)
            elif steps[i].layer.branch == "fork":  # what was copied gets both gradients
                dy = tier.elementwise(add, dy, copies.pop())
            pull, *vjps_of_parameters = vjps[i]  # pull: vjp of x, called if a layer below learns
            for name, vjp in zip(steps[i].learned, vjps_of_parameters, strict=True):
                sums[name].add(vjp, dy)  # adds vjp(dy), dL/d(parameter)
    return losses, sums, seen  # sums[name].value() is dL/d(parameter)
