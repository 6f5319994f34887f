"""Bugs of training: the order of the samples, the reported figures, optimizers, metrics and starting weights."""

from .bug import Bug

TRAINING_BUGS: tuple[Bug, ...] = (
    Bug(
        name="no_shuffle",
        title="shuffle=True is accepted, but the samples stay in the order of the file",
        kind="training",
        edits={
            "trainer.py": (
                (
                    "Trainer._begin_epoch",
                    "self._rng.permutation(n) if self.shuffle else np.arange(n)",
                    "np.arange(n)",
                ),
            )
        },
        symptom="If the samples happen to be mixed, no effect. If they are sorted by class, the training loss looks "
        "fine from the first epoch on, while the accuracy stays close to guessing.",
        property="two epochs see the samples in different orders",
        explanation="A file that is already mixed hides the bug. In a file sorted by class, each batch holds a single "
        "class, and the net learns to give the answer that was right last.",
        hint="Which samples are in the first batch, and in the last?",
    ),
    Bug(
        name="sample_with_replacement",
        title="the samples of an epoch are drawn with replacement",
        kind="training",
        edits={
            "trainer.py": (
                (
                    "Trainer._begin_epoch",
                    "self._rng.permutation(n) if",
                    "self._rng.integers(0, n, n) if",
                ),
            )
        },
        symptom="No visible effect, yet each epoch misses 37% of the samples and uses others several times.",
        property="an epoch sees every sample exactly once",
        explanation="The probability that all N draws miss a sample is (1 - 1/N)**N, about 1/e. Over many epochs this "
        "evens out, so the curves look right.",
        hint="How often is each sample seen in one epoch?",
    ),
    Bug(
        name="same_order_every_epoch",
        title="the order is drawn once, and every epoch repeats it",
        kind="training",
        edits={
            "trainer.py": (
                (
                    "Trainer._begin_epoch",
                    "self._batches.reorder(order[: self.n_samples])",
                    "if self.epoch == 0:\n    self._batches.reorder(order[: self.n_samples])",
                ),
            )
        },
        symptom="No visible effect: the samples are shuffled, and the net learns.",
        property="two epochs see the samples in different orders",
        explanation="The same samples always share a batch, so their errors repeat instead of averaging out. This "
        "costs little, and that makes it hard to see.",
        hint="Which samples are in the first batch of the first epoch, and which in the first batch of the second?",
    ),
    Bug(
        name="targets_shuffled_apart",
        title="samples and targets are shuffled separately",
        kind="training",
        edits={
            "batches.py": (
                (
                    "Batches.at",
                    "self.targets.of(chosen)",
                    "self.targets.of(np.random.default_rng(0).permutation(len(self.X))"
                    "[self._block.start : self._block.stop])",
                ),
            )
        },
        symptom="The net learns nothing: the loss stays at log 10 = 2.3, the accuracy at that of guessing.",
        property="an epoch, replayed by an independent implementation with one order for both",
        explanation="Each image gets the label of another one. All that can still be learned is the frequency of each "
        "class, and a loss of log C says that the net has learned exactly that.",
        hint="Does the first sample of the batch still have its own label?",
    ),
    Bug(
        name="drop_last_partial",
        title="the last batch of an epoch is dropped if it is short",
        kind="training",
        edits={
            "trainer.py": (
                (
                    "Trainer.step",
                    "if state.position == self.n_samples:",
                    "if self.n_samples - state.position < self.batch_size:",
                ),
            )
        },
        symptom="No visible effect: 12 of 1,500 samples are left out in each epoch, and the reported loss is slightly "
        "too low.",
        property="an epoch sees every sample exactly once, even if the batch size does not divide their number",
        explanation="With shuffling, different samples are left out each time; without it, the same ones are never "
        "seen. The mean loss is still divided by the number of all samples, although some are missing from the sum.",
        hint="Multiply the number of steps by the batch size. Is that the number of samples?",
    ),
    Bug(
        name="slice_minus_one",
        title="a batch ends one sample too early",
        kind="training",
        edits={
            "batches.py": (
                (
                    "Batches.at",
                    "slice(start, start + self.batch_size)",
                    "slice(start, start + self.batch_size - 1)",
                ),
            ),
            "trainer.py": (
                ("Trainer.step", "state.position += n", "state.position += self.batch_size"),
                ("Trainer.step", "if state.position == self.n_samples:", "if state.position >= self.n_samples:"),
            ),
        },
        symptom="No visible effect: one of every 16 samples is left out, and the reported loss is a sixteenth too low.",
        property="an epoch sees every sample exactly once",
        explanation="A slice already excludes its end, and the -1 excludes one more sample. With a batch size of 1 "
        "the batch would be empty; only then does somebody notice.",
        hint="What happens with a batch size of 1?",
    ),
    Bug(
        name="online_inside_batch",
        title="the weights are updated after each sample of the batch",
        kind="training",
        edits={
            "trainer.py": (
                (
                    "Trainer.step",
                    "loss, grads, seen = self.net.backprop(x, arrays, factor, noise, prepared=targets)",
                    "losses = []\n"
                    "for k in range(n):\n"
                    "    one = tuple(array[k : k + 1] for array in arrays)\n"
                    "    loss, grads, seen = self.net.backprop(x[k : k + 1], one, factor)\n"
                    "    self._optimizer.apply(self.net, grads, state.memory)\n"
                    "    losses.append(loss)\n"
                    "loss = float(np.mean(losses))",
                ),
                (
                    "Trainer.step",
                    "before = self._checked_start(grads) if len(state.history.batch_loss) == 1 else None\n"
                    "self._optimizer.apply(self.net, grads, state.memory)\n"
                    "if before is not None:\n"
                    "    self._check_moved(before, grads)",
                    "",
                ),
            )
        },
        symptom="The net learns faster than it should and ends better, so nobody complains. But an epoch takes "
        "several times as long, and no other tier or program gives the same numbers.",
        property="an epoch in batches of more than one sample, replayed by an independent implementation",
        explanation="This is stochastic gradient descent with batches of one, whatever batch size was asked for: one "
        "step per sample, and each as large as the step for a whole batch should have been.",
        hint="Does the batch size have any effect on the result?",
    ),
    Bug(
        name="loss_after_update",
        title="the loss of a batch is computed after its step instead of before",
        kind="training",
        edits={
            "trainer.py": (
                (
                    "Trainer.step",
                    "self._optimizer.apply(self.net, grads, state.memory)",
                    "self._optimizer.apply(self.net, grads, state.memory)\n"
                    "loss, _, _ = self.net.backprop(x, arrays, prepared=targets)\n"
                    "self.history.batch_loss[-1] = loss",
                ),
            )
        },
        symptom="The weights and the test accuracy are right to the last digit. The training loss looks better than "
        "it is, especially in the first epochs.",
        property="the first loss of a run is that of the starting weights",
        explanation="Right after a step, the net is unusually good at the samples of that step. The loss before the "
        "step measures samples on which the net has not just been trained.",
        hint="What is the loss of the starting weights, and what is the first number of the curve?",
    ),
    Bug(
        name="epoch_loss_last_batch_only",
        title="the loss of an epoch is that of its last batch",
        kind="training",
        edits={
            "trainer.py": (
                (
                    "Trainer._end_epoch",
                    "self.history.train_loss.append(self.state.loss_sum / self.targets.weight_of(self._batches.order))",
                    "self.history.train_loss.append(self.history.batch_loss[-1])",
                ),
            )
        },
        symptom="The training loss jumps up and down from epoch to epoch; the accuracy is right to the last digit.",
        property="the loss of an epoch is the mean of its batch losses, over all of its samples",
        explanation="A handful of samples represents the whole epoch: the curve shows how hard those samples happened "
        "to be.",
        hint="How many samples does each point of the curve represent?",
    ),
    Bug(
        name="validated_before_the_last_step",
        title="the epoch is closed and validated before its last step is taken",
        kind="training",
        edits={
            "trainer.py": (
                (
                    "Trainer.step",
                    "self._optimizer.apply(self.net, grads, state.memory)\n"
                    "if before is not None:\n"
                    "    self._check_moved(before, grads)",
                    "",
                ),
                (
                    "Trainer.step",
                    "if state.position == self.n_samples:\n    self._end_epoch()",
                    "if state.position == self.n_samples:\n"
                    "    self._end_epoch()\n"
                    "self._optimizer.apply(self.net, grads, state.memory)\n"
                    "if before is not None:\n"
                    "    self._check_moved(before, grads)",
                ),
            )
        },
        symptom="No visible effect: each accuracy is that of the weights one step earlier. With one batch per epoch, "
        "the whole curve would lag one epoch behind.",
        property="the last validation loss equals that of the trained net, evaluated again",
        explanation="The reported score and the stored weights do not belong together. The net that is saved as the "
        "best is not the net that was measured.",
        hint="Evaluate the net again after training. Do you get the last number of the curve?",
    ),
    Bug(
        name="evaluated_on_training_data",
        title="validation uses the training samples",
        kind="training",
        edits={
            "trainer.py": (
                ("Trainer._end_epoch", "self._validation_x, self._validation_targets", "self.X, self.targets"),
            )
        },
        symptom="The validation accuracy is some points too high.",
        property="the last validation loss equals that of the trained net, evaluated again on the validation samples",
        explanation="A net is always better on samples that it was trained on. The curve can no longer show "
        "overfitting, which is the purpose of validation.",
        hint="Pass a validation set of pure noise. What accuracy do you expect?",
    ),
    Bug(
        name="validation_draws_from_rng",
        title="validation draws from the generator that shuffles the training samples",
        kind="training",
        edits={
            "trainer.py": (
                (
                    "Trainer._end_epoch",
                    "scores = score(self.net, self._validation_x, self._validation_targets)",
                    "mixed = self._rng.permutation(len(self._validation_x))\n"
                    "scores = score(self.net, self._validation_x[mixed], self._validation_targets.of(mixed))",
                ),
            )
        },
        symptom="No visible effect in a single run, but training with a validation set takes a different course than "
        "training without one.",
        property="the trained weights are the same with a validation set as without",
        explanation="Measuring must not change the thing that is measured. A draw from a shared generator changes "
        "every number that is drawn after it.",
        hint="Train twice from the same seed, once without validation. Are the weights the same?",
    ),
    Bug(
        name="nan_compared_with_equals",
        title="divergence is detected by `loss == nan`",
        kind="training",
        edits={
            "trainer.py": (
                ("Trainer.step", "if not math.isfinite(loss):", "if loss == math.nan:"),
                (
                    "Trainer._check_weights",
                    "if not all(np.isfinite(weights).all() for",
                    "if any((weights == math.nan).any() for",
                ),
                ("Trainer._end_epoch", "if not math.isfinite(scores.loss):", "if scores.loss == math.nan:"),
            )
        },
        symptom="If the learning rate is too large, the run continues to its end with a loss of nan, and nobody is "
        "told.",
        property="a run whose loss becomes NaN stops",
        explanation="NaN is not equal to anything, not even to itself, so the test is never true. Use math.isfinite.",
        hint="What does `nan == nan` give?",
    ),
    Bug(
        name="acc_int_div",
        title="the accuracy is computed by integer division",
        kind="training",
        edits={
            "metrics.py": (("accuracy", "float(np.mean(predicted == y))", "float(np.sum(predicted == y) // len(y))"),)
        },
        symptom="The accuracy is 0 in every epoch, although the loss falls.",
        property="the accuracy of known answers",
        explanation="The share of right answers lies between 0 and 1, and // rounds it down to 0 unless all answers "
        "are right.",
        hint="Which values can this accuracy take?",
    ),
    Bug(
        name="confusion_transposed",
        title="the rows of the confusion matrix count predicted classes instead of true ones",
        kind="training",
        edits={"metrics.py": (("confusion_matrix", "(y, predicted)", "(predicted, y)"),)},
        symptom="Loss and accuracy are right. Only the direction of each mistake is reversed: the predicted class is "
        "shown as the true one.",
        property="the confusion matrix of known answers, checked where it is not symmetric",
        explanation="Both conventions exist, so the picture looks fine. The diagonal and the sum do not change, so "
        "tests of these alone pass.",
        hint="Predict class 0 for every sample. Does a row fill up, or a column?",
    ),
    Bug(
        name="bias_never_updated",
        title="the optimizer skips the biases",
        kind="training",
        edits={
            "optimizers/base.py": (
                (
                    "Optimizer.apply",
                    "for name, gradient in gradients.items():",
                    'for name, gradient in gradients.items():\n    if name.endswith("bias"):\n        continue',
                ),
            )
        },
        symptom="No visible effect: the curves are the same to within a point or so.",
        property="a step, replayed by an independent implementation: every parameter moves",
        explanation="On centered data, and with as many weights as here, a net can do without its biases, so nobody "
        "misses them.",
        hint="Which parameters still have exactly their starting values?",
    ),
    Bug(
        name="update_sign",
        title="the step goes up the gradient instead of down",
        kind="training",
        edits={
            "optimizers/sgd.py": (
                ("SGD.gradient_factor", "-self.learning_rate", "self.learning_rate"),
                ("SGD.update", "-self.learning_rate", "self.learning_rate"),
            )
        },
        symptom="The loss rises from the first batch on, without bound.",
        property="one small step lowers the loss of its batch",
        explanation="The gradient points to where the loss grows fastest. Descent goes the opposite way.",
        hint="Is the loss of a batch smaller after the step than before it?",
    ),
    Bug(
        name="l2_in_loss_not_grad",
        title="the L2 penalty is added to the reported loss but not to the gradient",
        kind="training",
        edits={
            "optimizers/base.py": (
                (
                    "Optimizer._with_decay",
                    "if not self.weight_decay:\n"
                    "    return gradient\n"
                    "return tier.elementwise(lambda g, w: g + self.weight_decay * w, gradient, parameter)",
                    "return gradient",
                ),
            ),
            "optimizers/sgd.py": (("SGD.update", "rate * (g + decay * w)", "rate * g"),),
            "trainer.py": (
                (
                    "Trainer.step",
                    "state.loss_sum += loss * targets.divisor",
                    "penalty = sum(float(np.sum(weights**2)) for weights in self.net.state_dict().values())\n"
                    "loss += self.optimizer.weight_decay / 2 * penalty\n"
                    "state.loss_sum += loss * targets.divisor",
                ),
            ),
        },
        symptom="The reported loss stops falling or even rises, while the weights and the accuracy are those of a run "
        "without weight decay.",
        property="a step with weight decay, replayed by an independent implementation",
        explanation="Only the gradient moves the weights. Reporting a penalty that is not applied makes the curve "
        "worse and the weights no smaller.",
        hint="Make the weight decay a hundred times larger. Do the weights become smaller?",
    ),
    Bug(
        name="velocity_shared",
        title="all parameters share one velocity",
        kind="training",
        edits={
            "optimizers/base.py": (("Optimizer.apply", "state.setdefault(name, {})", 'state.setdefault("all", {})'),)
        },
        symptom="Training stops in the first step: operands could not be broadcast together.",
        property="steps with momentum, replayed by an independent implementation",
        explanation="The velocity of the first parameter is used for the second, which has a different shape. If all "
        "shapes were equal, there would be no error, and each parameter would move by the gradients of the others too.",
        hint="For how many parameters does the optimizer keep state, and under how many names?",
    ),
    Bug(
        name="adam_no_bias_correction",
        title="Adam does not correct the bias of its running means",
        kind="training",
        edits={"optimizers/adaptive.py": (("Adam._adam", "1 / (1 - b1**t), 1 / (1 - b2**t)", "1.0, 1.0"),)},
        symptom="With a small learning rate, the only effect is a faster start. With a large one, the first steps "
        "are too long, and the net takes many epochs to recover.",
        property="the first step of Adam is as long as the learning rate",
        explanation="Both running means start at 0 and are too small at first: the mean by a factor of 0.1, the root "
        "of the mean square by 0.03. Their quotient makes the first steps about three times too long.",
        hint="How long is the very first step, measured in learning rates?",
    ),
    Bug(
        name="adam_shared_count",
        title="Adam counts one step per parameter instead of one per batch",
        kind="training",
        edits={
            "optimizers/adaptive.py": (
                (
                    "Adam._adam",
                    'memory["count"] = memory.get("count", 0) + 1',
                    'memory["count"] = vars(self)["count"] = vars(self).get("count", 0) + 1',
                ),
            )
        },
        symptom="Nothing alarming: the loss falls even faster.",
        property="two steps of Adam, replayed by an independent implementation",
        explanation="With four parameters, the count grows four times too fast, and the correction of the running "
        "means fades too early. After some thousand steps there is nothing left to correct, and no difference.",
        hint="What is t after the first batch?",
    ),
    Bug(
        name="init_all_equal",
        title="all weights of a layer start equal",
        kind="training",
        edits={"initializers.py": (("xavier_uniform", "rng.uniform(-limit, limit, shape)", "filled(shape, limit)"),)},
        symptom="The loss falls a little, and the accuracy stays at about twice that of guessing, however many hidden "
        "units there are.",
        property="the starting weights have the documented standard deviation",
        explanation="Hidden units that start equal get equal gradients and stay equal forever. However many there "
        "are, the net effectively has one. Random numbers break the symmetry.",
        hint="After training, how do two rows of the first weight matrix differ?",
    ),
    Bug(
        name="kaiming_fan_swapped",
        title="kaiming_normal divides by the number of outputs instead of the number of inputs",
        kind="training",
        edits={"initializers.py": (("kaiming_normal", "_fans(shape)[0]", "_fans(shape)[1]"),)},
        symptom="No visible effect with two layers. In a deep net, the signal would grow or shrink from layer to "
        "layer.",
        property="the starting weights have the documented standard deviation, checked in a layer that is not square",
        explanation="The variance of a sum grows with the number of its terms, which is the number of inputs. Square "
        "layers hide the mistake. Here the first layer has 196 inputs and 30 outputs.",
        hint="What is the standard deviation of the outputs of the first layer, and of the second?",
    ),
    Bug(
        name="xavier_without_sqrt",
        title="xavier_uniform leaves out the square root",
        kind="training",
        edits={"initializers.py": (("xavier_uniform", "math.sqrt(6 / sum(_fans(shape)))", "6 / sum(_fans(shape))"),)},
        symptom="A slow start, and little else: after ten epochs the accuracy is a point behind.",
        property="the starting weights have the documented standard deviation",
        explanation="A variance is used as a standard deviation. The weights start too small, the signal shrinks from "
        "layer to layer, and the first epochs are spent on growing the weights.",
        hint="What is the standard deviation of the starting weights, and what should it be?",
    ),
    Bug(
        name="nesterov_uses_old_velocity",
        title="Nesterov momentum looks ahead with the velocity before the step instead of after it",
        kind="training",
        edits={
            "optimizers/sgd.py": (
                ("SGD.update", "if memory:", 'old = memory.get("velocity")\nif memory:'),
                ("SGD.update", "if self.nesterov:", "if self.nesterov and old is not None:"),
                (
                    "SGD.update",
                    "lambda g, v: rate * (g + momentum * v), gradient, velocity",
                    "lambda g, v: rate * (g + momentum * v), gradient, old",
                ),
            )
        },
        symptom="No visible effect except a first epoch that is slightly slower. After ten, the accuracy is the same.",
        property="two steps with Nesterov momentum, replayed by an independent implementation",
        explanation="gradient + momentum * old velocity is the new velocity, so the step is that of plain momentum, "
        "to the last digit. The option is accepted and changes nothing.",
        hint="Train once with nesterov=True and once without. How do the weights differ?",
    ),
    Bug(
        name="adamw_decay_in_gradient",
        title="AdamW adds its weight decay to the gradient, as Adam does",
        kind="training",
        edits={
            "optimizers/adaptive.py": (
                (
                    "AdamW.update",
                    "shrink = self.learning_rate * self.weight_decay\n"
                    "return tier.elementwise(lambda a, w: a - shrink * w, self._adam(tier, gradient, memory), "
                    "parameter)",
                    "return self._adam(tier, self._with_decay(tier, gradient, parameter), memory)",
                ),
            )
        },
        symptom="The weights shrink to less than a tenth of their size, and the accuracy stays near that of guessing.",
        property="a step of AdamW with weight decay, replayed by an independent implementation",
        explanation="Adam divides everything in the gradient by the gradient's size: weights with large gradients "
        "hardly decay, others far too much. Keeping the two apart is the whole point of AdamW.",
        hint="Let the gradient be 0. How far does a weight shrink in one step, and how far should it?",
    ),
    Bug(
        name="lr_decay_per_batch",
        title="the learning rate decays after each batch instead of after each epoch",
        kind="training",
        edits={
            "trainer.py": (
                (
                    "Trainer.step",
                    "x, arrays, targets = self._batches.at(state.position)",
                    "x, arrays, targets = self._batches.at(state.position)\n"
                    "if self.schedule is not None:\n"
                    "    rate = self.optimizer.learning_rate * "
                    "self.schedule.factor(len(self.history.batch_loss))\n"
                    "    self._optimizer = replace(self.optimizer, learning_rate=rate)",
                ),
            )
        },
        symptom="The net learns a little in the first epoch. From then on, neither loss nor accuracy moves.",
        property="the learning rate of each epoch is that of the schedule",
        explanation="schedule.step() was called inside the loop over the batches. The decay that was meant for ten "
        "epochs is over after ten batches, and the net stays where it is for the rest of the run.",
        hint="What is the learning rate in the middle of the first epoch?",
    ),
    Bug(
        name="dropout_same_mask_every_step",
        title="the generator of the dropout masks is seeded again for every step",
        kind="training",
        edits={
            "trainer.py": (
                (
                    "Trainer._draw_noise",
                    "np.random.default_rng([self.state.mask_seed, len(self.history.batch_loss)])",
                    "np.random.default_rng(self.state.mask_seed)",
                ),
            )
        },
        symptom="The training loss is much lower than it should be; the accuracy is worse, by up to five points.",
        property="two steps of a run have different masks",
        explanation="The k-th sample of every batch drops the same entries: batches of 16 train 16 fixed nets instead "
        "of a new one with each sample. The net adapts to exactly these.",
        hint="Print what the first two steps drop. Do they differ?",
    ),
    Bug(
        name="rate_does_not_fall",
        title="a schedule of steps is asked for the number of the epoch instead of that of the step",
        kind="training",
        edits={
            "trainer.py": (
                (
                    "Trainer.step",
                    "self._set_rate(self.schedule.factor(len(state.history.batch_loss)))",
                    "self._set_rate(self.schedule.factor(self.epoch))",
                ),
            )
        },
        symptom="The loss ends 0.02 higher with batches of 32 and 0.09 higher with batches of 1, and the gradient "
        "check passes.",
        property="the learning rate of each step is that of the schedule",
        explanation="Within an epoch the factor stays the same, and a run of one epoch keeps the rate with which it "
        "began. The net learns, but its last steps are as large as its first ones, so it ends a little above the "
        "loss that it could reach.",
        hint="What is the learning rate of the last step?",
    ),
    Bug(
        name="rate_falls_from_the_last_rate",
        title="each step multiplies the rate of the step before by the schedule's factor, instead of the first rate",
        kind="training",
        edits={
            "trainer.py": (
                (
                    "Trainer._set_rate",
                    "self.optimizer.learning_rate * factor",
                    "self._optimizer.learning_rate * factor",
                ),
            )
        },
        symptom="The loss stays where it is after a fifth of the run, 0.12 too high with batches of 32 and 0.35 "
        "with batches of 1.",
        property="the learning rate of each step is that of the schedule",
        explanation="The factors 1, 0.99, 0.98 and so on are multiplied with each other. Their product is near 0 long "
        "before the last step, and the net stays where it is for the rest of the run.",
        hint="What is the learning rate in the middle of the run, and what should it be?",
    ),
)
