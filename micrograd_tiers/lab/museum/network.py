"""Bugs of the network: backpropagation that loses, repeats or wrongly divides what the ops have got right."""

from .bug import Bug

NETWORK_BUGS: tuple[Bug, ...] = (
    Bug(
        name="loss_sum_grad_mean",
        title="the loss is the sum over the batch, its gradient that of the mean",
        kind="network",
        edits={
            "network.py": (
                ("Network.backprop", "total([*map(float, losses)]) / count", "total([*map(float, losses)])"),
            )
        },
        symptom="The weights and the test accuracy are right to the last digit; the training loss is as many times too "
        "large as a batch has samples, and changes with the batch size.",
        property="the loss of a batch is the mean of the losses of its samples",
        explanation="Loss and gradient no longer belong to the same function. Training sees only the gradient, so it "
        "is the reported curve that is wrong, and no two runs with different batch sizes can be compared.",
        hint="Train with half the batch size. Which of the reported numbers ought to stay about the same?",
    ),
    Bug(
        name="double_batch_mean",
        title="the gradient is divided by the batch size twice",
        kind="network",
        edits={"backprop.py": (("backprop", "dy = dloss", "dy = dloss / len(x)"),)},
        symptom="The net hardly learns: the loss falls as if the learning rate were 16 times smaller, and smaller "
        "still with larger batches.",
        property="the gradient of the reported loss, against central differences, on more than one sample",
        explanation="The backward pass starts from 1/N, the derivative of a mean; dividing again at the end (or, as "
        "here, at the start) scales every step by another 1/N. A batch of one sample hides it.",
        hint="The direction of the steps is right. What happens to their length when you double the batch size?",
    ),
    Bug(
        name="gradient_not_divided",
        title="the gradient is summed over the batch and never divided by its size",
        kind="network",
        edits={"network.py": (("Network.backprop", "factor / count", "factor"),)},
        symptom="The loss jumps about and the accuracy falls far behind; with a learning rate 16 times smaller "
        "all would be well.",
        property="the gradient of the reported loss, against central differences, on more than one sample",
        explanation="The reported loss is a mean, its gradient that of a sum, so the learning rate is multiplied by "
        "the batch size. A rate that was tuned for one batch size breaks with another.",
        hint="Which learning rate would make this program behave, and how does that rate depend on the batch size?",
    ),
    Bug(
        name="const_batch_size_divisor",
        title="every gradient is divided by the size of the first batch",
        kind="network",
        edits={
            "network.py": (
                (
                    "Network.backprop",
                    "losses, grads, seen =",
                    'if not hasattr(self, "batch_size"):\n    self.batch_size = count\nlosses, grads, seen =',
                ),
                ("Network.backprop", "factor / count", "factor / self.batch_size"),
            )
        },
        symptom="Nothing to see: only the last, shorter batch of each epoch counts too little.",
        property="an epoch whose last batch is short, replayed by an independent implementation",
        explanation="The batch size that was asked for is not the number of samples in this batch. Here the last "
        "batch has 12 samples instead of 16, so its step is a quarter too small.",
        hint="How many samples are in the last batch of an epoch?",
    ),
    Bug(
        name="bias_grad_not_averaged",
        title="weight gradients are averaged over the batch, bias gradients summed",
        kind="network",
        edits={
            "network.py": (
                ("Network.backprop", "factor / count", "factor"),
                (
                    "Network.backprop",
                    "return",
                    "for name in grads:\n"
                    '    if name.endswith("weight"):\n'
                    "        grads[name] = self.tier.elementwise(lambda g: g / count, grads[name])\n"
                    "return",
                ),
            )
        },
        symptom="The first epochs are noisy; then it learns, though not as well.",
        property="the gradient of every parameter, against central differences, on more than one sample",
        explanation="The biases move with a learning rate that is larger by the batch size. The weights adapt to the "
        "trembling biases, and training hides the mistake.",
        hint="Print the mean size of the steps, parameter by parameter. Which ones stand out, and by what factor?",
    ),
    Bug(
        name="last_sample_only",
        title="each sample's gradient replaces the one before instead of being added to it",
        kind="network",
        edits={
            "tiers/sums.py": (
                (
                    "Sum.add",
                    "if self.total is None:\n"
                    "    self.total = vjp(dy)\n"
                    "else:\n"
                    "    added = self.add_scaled(self.total, vjp(dy), 1.0)\n"
                    "    self.total = self.total if added is None else added",
                    "self.total = vjp(dy)",
                ),
            ),
            "tiers/arrays.py": (
                (
                    "SumOfOuterProducts.add",
                    "self.dys.append(dy)\nself.xs.append(vjp.x)",
                    "self.dys, self.xs = [dy], [vjp.x]",
                ),
            ),
        },
        symptom="Where samples are handled one by one, the loss falls very slowly; with whole batches at a time, "
        "nothing is wrong at all.",
        property="the gradient of a batch is the mean of the gradients of its samples, at every tier",
        explanation="An assignment where += was meant: of each batch, only the last sample teaches, and with 1/N of "
        "its weight. A tier that handles the batch in one call assigns only once, and hides the bug.",
        hint="Compute the gradient of two samples together and of each alone. How should the three be related?",
    ),
    Bug(
        name="first_layer_gets_no_gradient",
        title="the loop over the layers in reverse ends one layer too early",
        kind="network",
        edits={
            "backprop.py": (
                (
                    "backprop",
                    "losses = []",
                    "for name, gradient in sums.items():\n"
                    "    gradient.add(lambda p: tier.elementwise(lambda w: 0.0 * w, p), "
                    "steps[0].parameter(name))\n"
                    "losses = []",
                ),
                ("backprop", "range(first, len(steps))", "range(first + 1, len(steps))"),
            )
        },
        symptom="The loss falls far too slowly and the accuracy stops early: the first layer keeps its random "
        "starting weights.",
        property="no gradient is all zero on random samples, and each agrees with central differences",
        explanation="Gradients that were set to zero beforehand hide that nobody computed them. The last layer learns "
        "to read random features, which is better than nothing, and no more.",
        hint="Compare the weights before and after an epoch, layer by layer. Which have moved?",
    ),
    Bug(
        name="activation_derivative_skipped",
        title="dy passes through layers without parameters unchanged",
        kind="network",
        edits={
            "backprop.py": (
                (
                    "backprop",
                    "for name, vjp in",
                    "if not steps[i].names:\n    pull = lambda dy: dy\nfor name, vjp in",
                ),
            )
        },
        symptom="It learns even faster at first, then stays a few points behind, or behind by nothing at all.",
        property="the gradient of the first layer, against central differences",
        explanation="Activations have no weights, but they have a derivative. Without it the gradient of the first "
        "layer is wrong in size, though each of its numbers has the right sign as long as the activation increases.",
        hint="Which layers does dL/dx pass through on its way to the first weights, and what does each do to it?",
    ),
    Bug(
        name="gradients_not_cleared",
        title="the gradients of all earlier batches stay in the sum",
        kind="network",
        edits={
            "network.py": (
                (
                    "Network.backprop",
                    "return",
                    'for name, earlier in getattr(self, "grads", {}).items():\n'
                    "    self.tier.add_scaled(grads[name], earlier, 1.0)\n"
                    "self.grads = grads\n"
                    "return",
                ),
            )
        },
        symptom="The first batches are promising; then the loss rises past that of guessing, and the weights grow "
        "without end.",
        property="the gradient of a batch does not depend on what was computed before it",
        explanation="Gradients are collected with +=, so somebody has to set them back before each batch. Otherwise "
        "every step repeats all the steps before it: momentum without any friction.",
        hint="Ask twice for the gradient of the same batch, without a step in between. What should differ?",
    ),
    Bug(
        name="same_seed_for_every_layer",
        title="each layer draws its starting weights from a new generator with the same seed",
        kind="network",
        edits={"weights.py": (("Chain.__init__", "rng)", "generator(seed))"),)},
        symptom="Nothing to see: all layers start from the same sequence of numbers, and training breaks that up.",
        property="two layers of the same shape start from different weights",
        explanation="Weights that ought to be independent repeat each other from layer to layer, which can amplify "
        "some directions and silence others. A generator is made once and handed on.",
        hint="Build a net of three layers of the same shape. How do their first rows differ?",
    ),
    Bug(
        name="softmax_twice",
        title="predict_proba applies softmax to what is a probability already",
        kind="network",
        edits={
            "losses.py": (
                (
                    "SoftmaxCrossEntropy.probabilities",
                    "tier.softmax(outputs)[0]",
                    "tier.softmax(tier.softmax(outputs)[0])[0]",
                ),
            )
        },
        symptom="Losses and accuracy are right; only the probabilities are nearly all alike, and the net never seems "
        "sure of anything.",
        property="probabilities are exp(logits), divided by their sum",
        explanation="The logits that softmax now sees lie between 0 and 1, so of ten classes none gets more than 23 %. "
        "The order of the classes stays the same, and so does the accuracy.",
        hint="What is the largest probability that this net gives to anything?",
    ),
    Bug(
        name="layers_never_in_training_mode",
        title="training runs the layers as prediction does: nothing is dropped, and running statistics normalize",
        kind="network",
        edits={
            "backprop.py": (("Step.__init__", "self.differs = training and own", "self.differs = False"),),
        },
        symptom="The training loss is a fifth of what it should be, and with a net as small as this the accuracy is "
        "even better: it was trained without the dropout that was asked for.",
        property="a net whose dropout drops everything gives the same for all samples while it learns",
        explanation="Dropout and batch normalization are one thing in training and another in prediction, and somebody "
        "has to say which it is: model.train() and model.eval() in PyTorch. Forgotten, they are there and do nothing.",
        hint="Set the dropout to 1. What should the loss of the first batch be, and what is it?",
    ),
    Bug(
        name="dropout_in_prediction",
        title="dropout drops in prediction as in training",
        kind="network",
        edits={
            "layers/dropout.py": (
                ("", "from typing import Any, ClassVar", "from typing import Any, ClassVar\n\nimport numpy as np"),
                (
                    "Dropout.forward",
                    "return x, (lambda dy: dy,)",
                    "kept = self.draw(np.shape(x), np.random.default_rng(0))\n"
                    "return tier.dropout(x, tier.asarray(kept))",
                ),
            )
        },
        symptom="The training loss is right to the last digit; the accuracy is 13 points and more too low.",
        property="the outputs of a net with dropout are those of the same net without",
        explanation="The noise is for learning; whoever asks for a prediction wants the mean over all of it, for which "
        "the kept numbers are scaled. This is the net that was never told model.eval().",
        hint="Predict with and without the dropout layer. Is there a difference, and should there be one?",
    ),
    Bug(
        name="dropout_not_scaled",
        title="what dropout keeps is not divided by 1 - p",
        kind="network",
        edits={
            "layers/dropout.py": (
                ("Dropout.draw", "return kept / (1 - self.p) if self.p < 1 else 0.0 * kept", "return 1.0 * kept"),
            )
        },
        symptom="Next to nothing to see: two points behind, and surer of its answers.",
        property="the mean of a mask is 1",
        explanation="With all units at work, prediction sees sums that are larger by 1 / (1 - p) than those that the "
        "next layer has learned from. Either training divides by 1 - p, or prediction multiplies by it.",
        hint="What is the mean of a layer's outputs in training, and in prediction?",
    ),
    Bug(
        name="dropout_scaled_by_p",
        title="what dropout keeps is divided by p, not by 1 - p",
        kind="network",
        edits={
            "layers/dropout.py": (
                (
                    "Dropout.draw",
                    "return kept / (1 - self.p) if self.p < 1 else 0.0 * kept",
                    "return kept / self.p if self.p > 0 else 1.0 * kept",
                ),
            )
        },
        symptom="With p = 0.2 all that is kept is multiplied by 5, and the net learns nothing: no better than "
        "guessing. With p = 0.5 nothing is wrong.",
        property="the mean of a mask is 1, for a p that is not 0.5",
        explanation="Some papers call p the probability to keep, others that to drop. At 0.5 the two are the same, and "
        "0.5 is what everybody tries first.",
        hint="What is the mean of the mask for p = 0.2?",
    ),
    Bug(
        name="dropout_mask_shared_in_batch",
        title="all samples of a batch drop the same numbers",
        kind="network",
        edits={
            "layers/dropout.py": (
                ("Dropout.draw", "rng.random(shape)", "rng.random((1, *shape[1:])).repeat(shape[0], axis=0)"),
            )
        },
        symptom="Nothing to see: the first epochs are slower, and it ends a point behind.",
        property="two samples of a batch have different masks",
        explanation="A mask of shape (I,) is broadcast over the samples without a word. Each step then trains one "
        "smaller net, and the noise no longer averages out over the batch.",
        hint="Print the mask of a batch. What do its rows have in common?",
    ),
    Bug(
        name="batch_norm_predicts_by_the_batch",
        title="batch normalization takes mean and variance of what it is given in prediction too",
        kind="network",
        edits={
            "layers/normalization.py": (
                (
                    "BatchNorm.forward",
                    "tier.batch_norm(x, weight, bias, self.epsilon, mean, variance, True)",
                    "tier.batch_norm(x, weight, bias, self.epsilon)",
                ),
            )
        },
        symptom="The training loss is right to the last digit, and the accuracy as good, as long as test samples come "
        "by the hundred; a sample that comes alone gets another answer.",
        property="the prediction for a sample does not depend on those beside it",
        explanation="This is the net that was never told model.eval(). On large test batches that look like the "
        "training set it is as good; a sample that comes alone is normalized by itself, and of a row of features "
        "nothing is left.",
        hint="Predict a sample alone, and then among others. What should differ?",
    ),
    Bug(
        name="batch_norm_momentum_reversed",
        title="the momentum of batch normalization is taken for the weight of the old mean, not of the new one",
        kind="network",
        edits={
            "layers/normalization.py": (
                (
                    "BatchNorm.updated",
                    "self.momentum * (new * factor - old)",
                    "(1 - self.momentum) * (new * factor - old)",
                ),
            )
        },
        symptom="The training loss is right to the last digit; the accuracy is up to two points too low, and jumps a "
        "little more from epoch to epoch.",
        property="the running mean after two mini-batches, by the formula",
        explanation="0.1 here and in PyTorch is 0.9 in Keras and TensorFlow. Taken the wrong way round, the running "
        "statistics are nearly those of the last mini-batch alone, and prediction depends on who was in it.",
        hint="After a hundred mini-batches: how many of them does the running mean remember?",
    ),
    Bug(
        name="batch_norm_running_variance_biased",
        title="the running variance is that of the samples seen, divided by n, not by n - 1",
        kind="network",
        edits={
            "layers/normalization.py": (
                (
                    "BatchNorm.updated",
                    'running("running_var", variance, n / (n - 1))',
                    'running("running_var", variance)',
                ),
            )
        },
        symptom="Nothing to see: the training loss is right to the last digit, the accuracy to a sample or two.",
        property="the running variance after one mini-batch, by the formula",
        explanation="The running variance estimates that of all samples, and a mini-batch's own is smaller by a factor "
        "of (n - 1) / n on average. With images n counts pixels, and the difference is tiny; with rows and small "
        "batches it is not, and PyTorch has other numbers.",
        hint="What is the running variance after a mini-batch of two samples, with momentum 1?",
    ),
)
