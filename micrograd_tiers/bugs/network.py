"""Bugs of the network: backpropagation that loses, repeats or wrongly divides what the ops have got right."""

from .museum import Bug

NETWORK_BUGS: tuple[Bug, ...] = (
    Bug(
        name="loss_sum_grad_mean",
        title="the loss is the sum over the batch, its gradient that of the mean",
        kind="network",
        edits={"network.py": (("return total(losses) / len(target), grads", "return total(losses), grads"),)},
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
        edits={"network.py": (("dy = doutput(seed)", "dy = doutput(seed / len(target))"),)},
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
        edits={"network.py": (("dy = doutput(seed)", "dy = doutput(scale)"),)},
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
                    "seed = scale / len(target)\n",
                    'if not hasattr(self, "batch_size"):\n            self.batch_size = len(target)\n'
                    "        seed = scale / self.batch_size\n",
                ),
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
                ("dy = doutput(seed)", "dy = doutput(scale)"),
                (
                    "return total(losses) / len(target), grads",
                    "for name in grads:\n"
                    '            if name.endswith("weight"):\n'
                    "                grads[name] = self.tier.elementwise(lambda g: g / len(target), grads[name])\n"
                    "        return total(losses) / len(target), grads",
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
            "network.py": (
                (
                    "                    if name in grads:\n"
                    "                        self.tier.add_scaled(grads[name], gradient, 1.0)\n"
                    "                    else:\n"
                    "                        grads[name] = gradient\n",
                    "                    grads[name] = gradient\n",
                ),
            )
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
            "network.py": (
                (
                    "grads: dict[str, Any] = {}\n",
                    "grads = {name: self.tier.elementwise(lambda w: 0.0 * w, p) "
                    "for name, p in self.parameters.items()}\n",
                ),
                ("reversed(range(len(self.layers)))", "reversed(range(1, len(self.layers)))"),
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
            "network.py": (
                ("                dy = dx(dy)\n", "                if dparameters:\n                    dy = dx(dy)\n"),
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
        edits={"network.py": (("grads: dict[str, Any] = {}\n", 'self.grads = grads = getattr(self, "grads", {})\n'),)},
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
        edits={"network.py": (("initializer, rng))", "initializer, generator(seed)))"),)},
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
            "network.py": (
                (
                    "lambda logits: self.tier.softmax(logits)[0], self.forward(X)",
                    "lambda logits: self.tier.softmax(self.tier.softmax(logits)[0])[0], self.forward(X)",
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
)
