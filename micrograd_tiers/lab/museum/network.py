"""Bugs of the network: the ops are right, but backpropagation loses, repeats or wrongly scales their gradients."""

from .bug import Bug

NETWORK_BUGS: tuple[Bug, ...] = (
    Bug(
        name="loss_sum_grad_mean",
        title="the loss is the sum over the batch, but its gradient is that of the mean",
        kind="network",
        edits={"network.py": (("Network.backprop", "float(total(losses)) / count", "float(total(losses))"),)},
        symptom="The weights and the test accuracy are right to the last digit. The training loss is too large by a "
        "factor of the batch size, and changes with it.",
        property="the loss of a batch is the mean of the losses of its samples",
        explanation="Loss and gradient no longer belong to the same function. Training uses only the gradient, so "
        "only the reported curve is wrong, and runs with different batch sizes cannot be compared.",
        hint="Train with half the batch size. Which of the reported numbers should stay about the same?",
    ),
    Bug(
        name="double_batch_mean",
        title="the gradient is divided by the batch size twice",
        kind="network",
        edits={"backprop.py": (("backprop", "dy, copies = dloss, []", "dy, copies = dloss / len(x), []"),)},
        symptom="The net hardly learns: the loss falls as if the learning rate were 16 times smaller, and smaller "
        "still with larger batches.",
        property="the gradient of the reported loss, checked by central differences on more than one sample",
        explanation="The backward pass starts from 1/N, the derivative of a mean. A second division at the end (or, "
        "as here, at the start) scales every step by another 1/N. A batch of one sample hides it.",
        hint="The direction of the steps is right. What happens to their length if you double the batch size?",
    ),
    Bug(
        name="gradient_not_divided",
        title="the gradient is summed over the batch and never divided by its size",
        kind="network",
        edits={"network.py": (("Network.backprop", "factor / count", "factor"),)},
        symptom="The loss jumps about, and the accuracy falls far behind. With a learning rate 16 times smaller, all "
        "would be well.",
        property="the gradient of the reported loss, checked by central differences on more than one sample",
        explanation="The reported loss is a mean, but its gradient is that of a sum, so the learning rate is "
        "effectively multiplied by the batch size. A rate tuned for one batch size fails with another.",
        hint="Which learning rate would make this program work, and how does that rate depend on the batch size?",
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
        symptom="No visible effect: only the last, shorter batch of each epoch counts too little.",
        property="an epoch with a short last batch, replayed by an independent implementation",
        explanation="The batch size that was asked for is not always the number of samples in the batch. Here the "
        "last batch has 12 samples instead of 16, so its step is a quarter too small.",
        hint="How many samples are in the last batch of an epoch?",
    ),
    Bug(
        name="bias_grad_not_averaged",
        title="weight gradients are averaged over the batch, but bias gradients are summed",
        kind="network",
        edits={
            "network.py": (
                ("Network.backprop", "factor / count", "factor"),
                (
                    "Network.backprop",
                    "return",
                    "def averaged(gradient: Any) -> Any:\n"
                    "    return self.tier.elementwise(lambda g: g / count, gradient)\n"
                    "for name, total_of_batch in grads.items():\n"
                    '    if name.endswith("weight"):\n'
                    "        grads[name] = self.functions.new_sum()\n"
                    "        grads[name].add(averaged, total_of_batch.value())\n"
                    "return",
                ),
            )
        },
        symptom="The first epochs are noisy; then the net learns, though not as well.",
        property="the gradient of every parameter, checked by central differences on more than one sample",
        explanation="The learning rate of the biases is effectively multiplied by the batch size. The weights adapt "
        "to the jumping biases, so training hides the mistake.",
        hint="Print the mean step size of each parameter. Which ones stand out, and by what factor?",
    ),
    Bug(
        name="last_sample_only",
        title="each sample's gradient overwrites the one before instead of being added to it",
        kind="network",
        edits={
            "tiers/sums.py": (
                (
                    "Sum.add",
                    "vjp(dy) if self.total is None else self.added(self.total, vjp(dy))",
                    "vjp(dy)",
                ),
                (
                    "Sum.add",
                    "self.dys.append(dy)\nself.xs.append(vjp.x)",
                    "self.dys, self.xs = [dy], [vjp.x]",
                ),
            ),
        },
        symptom="If samples are handled one by one, the loss falls very slowly. If the whole batch is handled at "
        "once, nothing is wrong.",
        property="the gradient of a batch is the mean of the gradients of its samples, at every tier",
        explanation="An assignment where += was meant: only the last sample of each batch contributes, and with a "
        "factor of 1/N. A tier that handles the batch in one call assigns only once, which hides the bug.",
        hint="Compute the gradient of two samples together, and of each alone. How should the three be related?",
    ),
    Bug(
        name="first_layer_gets_no_gradient",
        title="the loop over the layers in reverse ends one layer too early",
        kind="network",
        edits={
            "backprop.py": (
                (
                    "backprop",
                    "losses, sums = [], defaultdict(tier.new_sum)",
                    "losses, sums = [], defaultdict(tier.new_sum)\n"
                    "for step in reversed(steps):\n"
                    "    for name in step.learned:\n"
                    "        zeros = tier.elementwise(lambda w: 0.0 * w, step.parameter(name))\n"
                    "        sums[name].add(lambda dy: dy, zeros)",
                ),
                ("backprop", "range(first, len(steps))", "range(first + 1, len(steps))"),
            )
        },
        symptom="The loss falls far too slowly, and the accuracy stops improving early: the first layer keeps its "
        "random starting weights.",
        property="no gradient is all zero on random samples, and each agrees with central differences",
        explanation="The gradients were set to zero beforehand, which hides that nobody computed them. The last layer "
        "learns to read random features, which is better than nothing, but no more than that.",
        hint="Compare the weights before and after an epoch, layer by layer. Which have moved?",
    ),
    Bug(
        name="activation_derivative_skipped",
        title="dy passes unchanged through layers without parameters",
        kind="network",
        edits={
            "backprop.py": (
                (
                    "backprop",
                    "for k, name in",
                    "if not step.names:\n    pull = lambda dy: dy\nfor k, name in",
                ),
            )
        },
        symptom="The net learns even faster at first, and ends a few points behind or not behind at all.",
        property="the gradient of the first layer, checked by central differences",
        explanation="Activations have no weights, but they have a derivative. Without it, the gradient of the first "
        "layer has the wrong size, although each sample's contribution has the right sign if the activation is "
        "increasing.",
        hint="Through which layers does dL/dx pass on its way to the first weights, and what does each do to it?",
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
                    "    grads[name].add(lambda gradient: gradient, earlier.value())\n"
                    "self.grads = grads\n"
                    "return",
                ),
            )
        },
        symptom="The first batches look promising. Then the loss rises above that of guessing, and the weights grow "
        "without bound.",
        property="the gradient of a batch does not depend on what was computed before it",
        explanation="Gradients are accumulated with +=, so they must be reset before each batch. Otherwise every step "
        "repeats all the steps before it: momentum without any friction.",
        hint="Compute the gradient of the same batch twice, without a step in between. What should differ?",
    ),
    Bug(
        name="same_seed_for_every_layer",
        title="each layer draws its starting weights from a new generator with the same seed",
        kind="network",
        edits={"weights.py": (("Chain.__init__", "rng)", "generator(seed))"),)},
        symptom="No visible effect: all layers start from the same sequence of numbers, and training breaks up the "
        "pattern.",
        property="two layers of the same shape start from different weights",
        explanation="Weights that should be independent repeat each other from layer to layer, which can amplify some "
        "directions and silence others. A generator should be created once and passed on.",
        hint="Build a net with three layers of the same shape. How do their first rows differ?",
    ),
    Bug(
        name="softmax_twice",
        title="predict_proba applies softmax to probabilities",
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
        symptom="Losses and accuracy are right. Only the probabilities are nearly equal, and the net never seems "
        "confident of anything.",
        property="probabilities are exp(logits) divided by their sum",
        explanation="The second softmax gets inputs between 0 and 1, so of ten classes none gets more than 23%. The "
        "order of the classes stays the same, and so does the accuracy.",
        hint="What is the largest probability that this net ever returns?",
    ),
    Bug(
        name="layers_never_in_training_mode",
        title="training runs the layers in prediction mode: no dropout, and batch_norm uses running statistics",
        kind="network",
        edits={
            "backprop.py": (("Step.__init__", "self.differs = training and own", "self.differs = False"),),
        },
        symptom="The training loss is a fifth of what it should be. With a net this small the accuracy is even "
        "better, because the net was trained without the dropout that was asked for.",
        property="a net whose dropout drops everything gives the same output for all samples in training",
        explanation="Dropout and batch normalization behave differently in training and in prediction, so somebody "
        "has to set the mode: model.train() and model.eval() in PyTorch. If that is forgotten, the layers are there "
        "and do nothing.",
        hint="Set the dropout to 1. What should the loss of the first batch be, and what is it?",
    ),
    Bug(
        name="dropout_in_prediction",
        title="dropout is active in prediction as it is in training",
        kind="network",
        edits={
            "layers/dropout.py": (
                ("", "from typing import Any, ClassVar", "from typing import Any, ClassVar\n\nimport numpy as np"),
                (
                    "Dropout.forward",
                    "return x, (lambda dy: tier.elementwise(lambda number: 1.0 * number, dy),)",
                    "kept = self.draw(np.shape(x), np.random.default_rng(0))\n"
                    "return tier.dropout(x, tier.asarray(kept))",
                ),
            )
        },
        symptom="The training loss is right to the last digit; the accuracy is at least 13 points too low.",
        property="the outputs of a net with dropout equal those of the same net without it",
        explanation="The noise is meant for training. A prediction should be the mean over the noise, which is why "
        "training scales the kept entries. This is a net on which nobody called model.eval().",
        hint="Predict with and without the dropout layer. Is there a difference, and should there be one?",
    ),
    Bug(
        name="dropout_not_scaled",
        title="dropout does not divide the kept entries by 1 - p",
        kind="network",
        edits={
            "layers/dropout.py": (
                ("Dropout.draw", "return kept / (1 - self.p) if self.p < 1 else 0.0 * kept", "return 1.0 * kept"),
            )
        },
        symptom="Almost no visible effect: the accuracy is two points lower, and the net is more confident.",
        property="the mean of a mask is 1",
        explanation="In prediction all units are active, so the next layer gets sums that are larger by 1 / (1 - p) "
        "than those it was trained on. Either training divides by 1 - p, or prediction multiplies by it.",
        hint="What is the mean of a layer's outputs in training, and in prediction?",
    ),
    Bug(
        name="dropout_scaled_by_p",
        title="dropout divides the kept entries by p instead of 1 - p",
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
        symptom="With p = 0.2, all kept entries are multiplied by 5, and the net does no better than guessing. With p "
        "= 0.5, nothing is wrong.",
        property="the mean of a mask is 1, checked with a p other than 0.5",
        explanation="Some papers use p for the probability of keeping, others for that of dropping. At 0.5 the two "
        "are equal, and 0.5 is what everybody tries first.",
        hint="What is the mean of the mask for p = 0.2?",
    ),
    Bug(
        name="dropout_mask_shared_in_batch",
        title="all samples of a batch drop the same entries",
        kind="network",
        edits={
            "layers/dropout.py": (
                ("Dropout.draw", "rng.random(shape)", "rng.random((1, *shape[1:])).repeat(shape[0], axis=0)"),
            )
        },
        symptom="No visible effect: the first epochs are slower, and the net ends a point behind.",
        property="two samples of a batch have different masks",
        explanation="A mask of shape (I,) is silently broadcast over the samples. Each step then trains one smaller "
        "net, and the noise no longer averages out over the batch.",
        hint="Print the mask of a batch. What do its rows have in common?",
    ),
    Bug(
        name="batch_norm_predicts_by_the_batch",
        title="batch normalization uses the statistics of the batch in prediction too",
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
        symptom="The training loss is right to the last digit, and the accuracy is as good as long as test samples "
        "come in large batches. A sample that comes alone gets a different answer.",
        property="the prediction for a sample does not depend on the other samples in the batch",
        explanation="This is a net on which nobody called model.eval(). Large test batches that resemble the training "
        "set are predicted as well as before. A sample that comes alone is normalized by its own statistics, and "
        "the normalized features of a row are all 0.",
        hint="Predict a sample alone, and then among others. Should the predictions differ?",
    ),
    Bug(
        name="batch_norm_momentum_reversed",
        title="batch normalization applies its momentum to the old mean instead of the new one",
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
        symptom="The training loss is right to the last digit. The accuracy is up to two points too low, and varies a "
        "little more from epoch to epoch.",
        property="the running mean after two mini-batches, checked against the formula",
        explanation="What is 0.1 here and in PyTorch is 0.9 in Keras and TensorFlow. If the two are confused, the "
        "running statistics are nearly those of the last mini-batch alone, and a prediction depends on which samples "
        "were in it.",
        hint="After a hundred mini-batches, how many of them does the running mean remember?",
    ),
    Bug(
        name="batch_norm_running_variance_biased",
        title="the running variance is updated with variances divided by n instead of n - 1",
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
        symptom="No visible effect: the training loss is right to the last digit, the accuracy to within a sample or "
        "two.",
        property="the running variance after one mini-batch, checked against the formula",
        explanation="The running variance estimates the variance of all samples. The variance of a mini-batch is "
        "smaller by a factor of (n - 1) / n on average. With images, n counts pixels, and the difference is tiny. "
        "With rows and small batches it is not, and PyTorch gets different numbers.",
        hint="What is the running variance after a mini-batch of two samples, with momentum 1?",
    ),
    Bug(
        name="skip_lost_at_the_fork",
        title="at the begin of a residual branch, the gradient of the copy that went around it is lost",
        kind="network",
        edits={"backprop.py": (("backprop", "dy = tier.elementwise(add, dy, copies.pop())", "copies.pop()"),)},
        symptom="With batches of 32, the loss ends 0.02 higher; with batches of 1, chance hides it.",
        property="the gradients of a net with a branch, checked by central differences",
        explanation="y = x + branch(x) uses x twice, so dL/dx is a sum of two gradients. Without that of the copy, the "
        "layers below get only what comes through the branch, which is small at the start of training: the gradient "
        "vanishes from block to block, as if there were no residual connection.",
        hint="x is used twice in x + branch(x). How many gradients come back?",
    ),
    Bug(
        name="branch_lost_at_the_fork",
        title="at the begin of a residual branch, the gradient that comes through the branch is lost",
        kind="network",
        edits={"backprop.py": (("backprop", "tier.elementwise(add, dy, copies.pop())", "copies.pop()"),)},
        symptom="No visible effect: with batches of 1 and of 32, the loss ends within the range of right runs with "
        "other seeds.",
        property="the gradients of a net with a branch, checked by central differences",
        explanation="Two gradients meet where x was copied, and one overwrites the other. The layers of the branch get "
        "the right gradients; those below learn as if the branch did not depend on them.",
        hint="x is used twice in x + branch(x). How many gradients come back?",
    ),
    Bug(
        name="tied_head_gradient_overwritten",
        title="a matrix that is both embedding and head gets the gradient of the embedding alone",
        kind="network",
        edits={"lab/museum/tied.py": (("TiedHead.backprop", "for name in self.tied:", "for name in self.tied[:1]:"),)},
        symptom="With batches of 32, the loss ends at 2.37 instead of 2.19; with batches of 1, at 2.42 instead of "
        "2.24. The net learns, so a small net or a hard language is blamed.",
        property="the gradient of a shared matrix, checked by differences in which all its copies move",
        explanation="The backward pass comes to the head first and to the embedding last, where = was meant as +=. "
        "The head is moved only by what the embedding needs. The other weights get their right gradients, and learn "
        "to use a head that does not learn.",
        hint="The matrix is used twice in a forward pass. How many gradients come back?",
    ),
    Bug(
        name="tied_embedding_gradient_lost",
        title="a matrix that is both embedding and head gets the gradient of the head alone",
        kind="network",
        edits={"lab/museum/tied.py": (("TiedHead.backprop", "for name in self.tied:", "for name in self.tied[1:]:"),)},
        symptom="With batches of 32, the loss ends 0.03 higher; with batches of 1, chance hides it.",
        property="the gradient of a shared matrix, checked by differences in which all its copies move",
        explanation="The gradient of an embedding changes a few rows only, and that of the head all of them, so the "
        "head's alone teaches nearly as good a matrix. The mistake also comes from a copy of the matrix for the "
        "embedding, whose gradient nobody reads.",
        hint="The matrix is used twice in a forward pass. How many gradients come back?",
    ),
)
