"""Bugs of softmax cross-entropy."""

from ..bug import Bug, in_tiers

LOSS = "loss = log1p(rest) + (largest - logits[rows, target])"
LOSS_SAMPLE = "loss = log1p(rest) + (logits[top] - logits[target])"
LOG = "from math import log\n\n"
AT_TARGET = "p[rows, target] = 0\np[rows, target] = -total(p, axis=1)"
AT_TARGET_VECTOR = "p[target] = 0\np[target] = -total(p)"
AT_TARGET_SCALAR = "p[target] = 0.0\np[target] = -total(p)"
DLOSS = "return p * dloss"
DLOSS_SCALAR = "return [pi * dloss for pi in p]"

CROSS_ENTROPY_BUGS = (
    Bug(
        name="loss_log_of_p",
        title="the loss is -log(p[target]) instead of log-sum-exp minus the target's logit",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(
            tensor=(LOSS, "loss = -np.log((e / (1 + rest)[:, None])[rows, target])"),
            vector=(LOSS_SAMPLE, "loss = -np.log(e[target] / (1 + rest))"),
            scalar=(LOSS_SAMPLE, LOG + "loss = -log(e[target] / (1 + rest))"),
        ),
        symptom="An infinite loss, or an error from log(0), if the target's logit lies 746 below another. If it lies "
        "more than 37 above all others, p rounds to 1, and the loss to 0.",
        property="a finite loss for every finite input",
        explanation="p underflows to 0, although its logarithm is an ordinary number such as -800. The logarithm of "
        "softmax does not need the probability: it is logits[target] - logsumexp(logits).",
        hint="For logits 0 and 800, what is p of the first class, and what is log p?",
    ),
    Bug(
        name="loss_log10",
        title="the loss is in log10, but its gradient is in nats",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(
            tensor=(LOSS, "loss = (log1p(rest) + (largest - logits[rows, target])) / np.log(10)"),
            vector=(LOSS_SAMPLE, "loss = (log1p(rest) + (logits[top] - logits[target])) / np.log(10)"),
            scalar=(LOSS_SAMPLE, LOG + "loss = (log1p(rest) + (logits[top] - logits[target])) / log(10)"),
        ),
        symptom="The same accuracy; the loss is 2.303 times too small.",
        property="the value, checked against the formula: two equal logits cost log(2) = 0.693 nats",
        explanation="The weights follow the gradient, which is right. Only the reported curve is wrong.",
        hint="What loss do you expect for C equal logits?",
    ),
    Bug(
        name="loss_averaged",
        title="the loss is averaged over the samples, and the network averages it again",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(tensor=(LOSS, "loss = (log1p(rest) + (largest - logits[rows, target])) / len(logits)")),
        symptom="The same accuracy; the reported loss shrinks as the batch grows.",
        property="the value, checked on more than one sample: duplicating the batch doubles the sum",
        explanation="The network sums the losses of the samples and divides the sum by N, once. Here the loss is "
        "divided twice.",
        hint="Repeat the sample. By what factor should the sum of the losses grow?",
    ),
    Bug(
        name="loss_of_the_top_class",
        title="the loss is that of the most probable class instead of the target",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(
            tensor=(LOSS, "loss = log1p(rest)"),
            vector=(LOSS_SAMPLE, "loss = log1p(rest)"),
            scalar=(LOSS_SAMPLE, "loss = log1p(rest)"),
        ),
        symptom="The same accuracy. The loss never exceeds log C, and it falls even if the predictions are wrong.",
        property="the value, checked where the target is not the largest logit",
        explanation="-log max p measures how confident the net is, not whether it is right.",
        hint="Suppose the net is confident of the wrong class. What loss do you get?",
    ),
    Bug(
        name="loss_max_not_added_back",
        title="log-sum-exp subtracts the largest logit and does not add it back",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(
            tensor=(LOSS, "loss = log1p(rest) - logits[rows, target]"),
            vector=(LOSS_SAMPLE, "loss = log1p(rest) - logits[target]"),
            scalar=(LOSS_SAMPLE, "loss = log1p(rest) - logits[target]"),
        ),
        symptom="The same accuracy; the reported loss becomes negative.",
        property="the value, checked against the formula; a loss is never negative",
        explanation="log(sum e**z) = m + log(sum e**(z - m)). The m in front belongs to the formula.",
        hint="What is your log-sum-exp of a single logit?",
    ),
    Bug(
        name="loss_max_added_twice",
        title="log-sum-exp adds the largest logit twice",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(
            tensor=(LOSS, "loss = log1p(rest) + (2 * largest - logits[rows, target])"),
            vector=(LOSS_SAMPLE, "loss = log1p(rest) + (2 * logits[top] - logits[target])"),
            scalar=(LOSS_SAMPLE, "loss = log1p(rest) + (2 * logits[top] - logits[target])"),
        ),
        symptom="The same accuracy; the reported loss grows as the net becomes confident.",
        property="the value, checked against the formula",
        explanation="log(sum e**z) = m + log(sum e**(z - m)). m is subtracted once and added once.",
        hint="What is your log-sum-exp of a single logit?",
    ),
    Bug(
        name="loss_one_hot_times_log",
        title="the loss is the sum of -onehot * log p over all classes",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(
            tensor=(
                LOSS,
                "log_p = logits - logits[rows, top][:, None] - log1p(rest)[:, None]\n"
                "loss = -total(np.eye(logits.shape[1])[target] * log_p, axis=1)",
            ),
            vector=(
                LOSS_SAMPLE,
                "loss = -total(np.eye(len(logits))[target] * (logits - logits[top] - log1p(rest)))",
            ),
        ),
        symptom="No effect until a logit is -inf, for example because a class is masked. Then the loss is NaN.",
        property="logits of -inf are legal: they mean a probability of 0",
        explanation="0 times infinity is NaN. Indexing the target's entry avoids the multiplication by zeros.",
        hint="What is 0 * log(0) in floating point?",
    ),
    Bug(
        name="loss_gradient_of_logits",
        title="the gradient of the loss is logits - onehot: softmax is missing",
        kind="tier",
        op="softmax_cross_entropy",
        part="dlogits",
        edits=in_tiers(
            tensor=(DLOSS, "p = logits.copy()\np[rows, target] -= 1\nreturn p * dloss"),
            vector=(DLOSS, "p = logits.copy()\np[target] -= 1\nreturn p * dloss"),
            scalar=(
                DLOSS_SCALAR,
                "return [(z - (c == target)) * dloss for c, z in enumerate(logits)]",
            ),
        ),
        symptom="The net learns as if the loss were the squared error between logits and onehot, but another loss is "
        "reported.",
        property="the derivative, checked by complex step; each row of the gradient sums to 0",
        explanation="d(logsumexp)/dz is the softmax of z, not z.",
        hint="Add 1 to all logits. Should the gradient change?",
    ),
    Bug(
        name="loss_gradient_target_off_by_one",
        title="the gradient of the loss uses the class before the right one",
        kind="tier",
        op="softmax_cross_entropy",
        part="dlogits",
        edits=in_tiers(
            tensor=(
                AT_TARGET,
                AT_TARGET.replace("rows, target", "rows, target - 1"),
            ),
            vector=(AT_TARGET_VECTOR, AT_TARGET_VECTOR.replace("[target]", "[target - 1]")),
            scalar=(AT_TARGET_SCALAR, AT_TARGET_SCALAR.replace("[target]", "[target - 1]")),
        ),
        symptom="The loss rises; the accuracy is that of a net that is always wrong.",
        property="the derivative, checked by complex step with two or more classes",
        explanation="Labels that count from 0 were treated as if they counted from 1. NumPy's index -1 hides the "
        "mistake.",
        hint="For target 0, which class has a negative gradient?",
    ),
    Bug(
        name="loss_gradient_averaged",
        title="the gradient of the loss is divided by the number of samples, and the network divides it again",
        kind="tier",
        op="softmax_cross_entropy",
        part="dlogits",
        edits=in_tiers(tensor=(DLOSS, "return p * dloss / len(p)")),
        symptom="The net learns N times too slowly. A larger learning rate hides it.",
        property="the derivative, checked on more than one sample: duplicating the batch changes no row of dlogits",
        explanation="The backward pass already starts from 1/N, which arrives as dloss.",
        hint="dloss already contains the factor 1/N. What is left for the vjp to divide by?",
    ),
    Bug(
        name="extra_softmax_derivative",
        title="the derivative of softmax is applied on top of p - onehot",
        kind="tier",
        op="softmax_cross_entropy",
        part="dlogits",
        edits=in_tiers(
            tensor=(DLOSS, "q = e / (1 + rest)[:, None]\nreturn p * dloss * q * (1 - q)"),
            vector=(DLOSS, "q = e / (1 + rest)\nreturn p * dloss * q * (1 - q)"),
            scalar=(
                DLOSS_SCALAR,
                "q = [ei / (1 + rest) for ei in e]\n"
                "return [pi * dloss * qi * (1 - qi) for pi, qi in zip(p, q, strict=True)]",
            ),
        ),
        symptom="The net learns slowly and stalls: where it is confident and wrong, hardly any gradient is left.",
        property="the derivative, checked by complex step",
        explanation="p - onehot is already the product of the derivatives of -log p and of softmax. Another factor of "
        "p (1 - p) counts softmax twice.",
        hint="Is p - onehot the derivative with respect to the probabilities, or to the logits?",
    ),
    Bug(
        name="loss_gradient_sign",
        title="the gradient of the loss is onehot - p: uphill instead of downhill",
        kind="tier",
        op="softmax_cross_entropy",
        part="dlogits",
        edits=in_tiers(
            numpy=(DLOSS, "return -p * dloss"),
            scalar=(DLOSS_SCALAR, "return [-pi * dloss for pi in p]"),
        ),
        symptom="The loss rises from the first step, and the accuracy falls below chance.",
        property="the derivative, checked by complex step; or one step of training",
        explanation="Gradient descent subtracts the gradient. With onehot - p it would have to add it, and then every "
        "other loss would go the wrong way.",
        hint="If the logit of the right class grows, does the loss rise or fall?",
    ),
    Bug(
        name="loss_gradient_without_target",
        title="the gradient of the loss is p: the target is not subtracted",
        kind="tier",
        op="softmax_cross_entropy",
        part="dlogits",
        edits=in_tiers(
            tensor=(AT_TARGET, ""),
            vector=(AT_TARGET_VECTOR, ""),
            scalar=(AT_TARGET_SCALAR, ""),
        ),
        symptom="The net does not learn: all logits fall together, whatever the labels.",
        property="the derivative, checked by complex step; each row of the gradient sums to 0",
        explanation="d(logsumexp)/dz is p. The other term of the loss, -z[target], contributes the -1 at the target.",
        hint="Does your gradient depend on the target at all?",
    ),
    Bug(
        name="loss_gradient_of_target_only",
        title="the gradient of the loss is -1 at the target and 0 elsewhere",
        kind="tier",
        op="softmax_cross_entropy",
        part="dlogits",
        edits=in_tiers(
            tensor=(DLOSS, "p = np.zeros_like(p)\np[rows, target] = -1\nreturn p * dloss"),
            vector=(DLOSS, "p = np.zeros_like(p)\np[target] = -1\nreturn p * dloss"),
            scalar=(DLOSS_SCALAR, "return [-dloss if c == target else 0.0 for c in range(len(p))]"),
        ),
        symptom="The logits grow without bound, because no answer is ever right enough.",
        property="the derivative, checked by complex step; each row of the gradient sums to 0",
        explanation="Only the term -z[target] is differentiated. logsumexp contributes p to every class.",
        hint="Suppose the net is sure of the right class. What should be left of the gradient?",
    ),
    Bug(
        name="loss_gradient_of_probability",
        title="the gradient of the loss is -1/p at the target: with respect to the probabilities, not the logits",
        kind="tier",
        op="softmax_cross_entropy",
        part="dlogits",
        edits=in_tiers(
            tensor=(
                DLOSS,
                "q = e / (1 + rest)[:, None]\np = np.zeros_like(p)\n"
                "p[rows, target] = -1 / q[rows, target]\nreturn p * dloss",
            ),
            vector=(
                DLOSS,
                "q = e / (1 + rest)\np = np.zeros_like(p)\np[target] = -1 / q[target]\nreturn p * dloss",
            ),
            scalar=(
                DLOSS_SCALAR,
                "q = [ei / (1 + rest) for ei in e]\n"
                "return [-dloss / qi if c == target else 0.0 for c, qi in enumerate(q)]",
            ),
        ),
        symptom="Huge first steps, then saturation.",
        property="the derivative, checked by complex step",
        explanation="-1/p is the derivative of -log p. On its way to the logits it must pass through softmax, and "
        "together they give p - onehot.",
        hint="Which of the two functions inside the loss have you differentiated?",
    ),
    Bug(
        name="loss_ignores_dloss",
        title="the vjp of the loss ignores dloss",
        kind="tier",
        op="softmax_cross_entropy",
        part="dlogits",
        edits=in_tiers(
            numpy=(DLOSS, "return p.copy()"),
            scalar=(DLOSS_SCALAR, "return list(p)"),
        ),
        symptom="The gradients are those of the sum instead of the mean: steps are N times too large.",
        property="the derivative, checked for a dloss other than 1",
        explanation="The network starts the backward pass from 1/N. Without dloss, the effective learning rate grows "
        "with the batch.",
        hint="Call the vjp with 1 and with 2. How should the results be related?",
    ),
    Bug(
        name="loss_target_off_by_one",
        title="the loss uses the class after the right one",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(
            tensor=("rows, top =", "target = (target + 1) % logits.shape[1]\nrows, top ="),
            vector=("top = logits.argmax()", "target = (target + 1) % len(logits)\ntop = logits.argmax()"),
            scalar=("top = logits.index(", "target = (target + 1) % len(logits)\ntop = logits.index("),
        ),
        symptom="The loss falls as it should; the accuracy is that of a net that is always wrong.",
        property="the value, checked against the formula with two or more classes",
        explanation="Labels that count from 0 were shifted as if the classes counted from 1. The net learns "
        "perfectly to predict the neighboring class.",
        hint="If the target is 0, the logit of which class enters the loss?",
    ),
    Bug(
        name="loss_global_max",
        title="cross-entropy subtracts the largest logit of the whole batch",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(
            tensor=(
                LOSS,
                "shift = logits.max()\n"
                "shifted = exp(logits - shift)\n"
                "loss = np.log(total(shifted, axis=1)) + shift - logits[rows, target]",
            )
        ),
        symptom="Identical training, and one day an infinite loss: log 0 in a row that lies 746 below the largest "
        "logit of the batch.",
        property="a finite loss for every finite input, checked with rows of very different size in one batch",
        explanation="Only the row's own maximum keeps at least one term of the row's sum at 1.",
        hint="Put a row of numbers near 1000 next to a row of numbers near 0.",
    ),
    Bug(
        name="loss_without_max",
        title="cross-entropy exponentiates the logits without subtracting the largest",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(
            tensor=(LOSS, "loss = np.log(total(exp(logits), axis=1)) - logits[rows, target]"),
            vector=(LOSS_SAMPLE, "loss = np.log(total(exp(logits))) - logits[target]"),
            scalar=(LOSS_SAMPLE, LOG + "loss = log(total([exp(z) for z in logits])) - logits[target]"),
        ),
        symptom="An infinite loss or an OverflowError if a logit exceeds 709.",
        property="a finite loss for every finite input",
        explanation="log(sum e**z) = m + log(sum e**(z - m)) for every m. If m is the largest z, nothing overflows.",
        hint="What is log(e**800 + e**0)? You can tell without a calculator. Can your code?",
    ),
    Bug(
        name="loss_gradient_first_target_only",
        title="the gradient of the loss subtracts the target of the first sample only",
        kind="tier",
        op="softmax_cross_entropy",
        part="dlogits",
        edits=in_tiers(
            tensor=(
                AT_TARGET,
                AT_TARGET.replace("p[rows, target]", "p[:1, target[:1]]").replace(
                    "-total(p, axis=1)", "-total(p[:1], axis=1)[:, None]"
                ),
            )
        ),
        symptom="The net does not learn, except with one sample per step.",
        property="the derivative, checked on more than one sample",
        explanation="The code indexes with one label where the array of labels belongs.",
        hint="Look at the gradient row by row. Which row is right?",
    ),
)
