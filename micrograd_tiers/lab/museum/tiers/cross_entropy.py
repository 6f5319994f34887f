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
        title="the loss is -log(p[target]) in place of log-sum-exp less the target's logit",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(
            tensor=(LOSS, "loss = -np.log((e / (1 + rest)[:, None])[rows, target])"),
            vector=(LOSS_SAMPLE, "loss = -np.log(e[target] / (1 + rest))"),
            scalar=(LOSS_SAMPLE, LOG + "loss = -log(e[target] / (1 + rest))"),
        ),
        symptom="The loss is infinite, or log complains of 0, once a logit lies 746 below another; digits are lost "
        "from 37 on.",
        property="finite for every finite input",
        explanation="p underflows to 0 although its logarithm is an ordinary number, such as -800. The logarithm of "
        "softmax can be had without the probability: logits[target] - logsumexp(logits).",
        hint="What is p for logits 0 and 800, and what is log p?",
    ),
    Bug(
        name="loss_log10",
        title="the loss is taken in log10, its gradient in nats",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(
            tensor=(LOSS, "loss = (log1p(rest) + (largest - logits[rows, target])) / np.log(10)"),
            vector=(LOSS_SAMPLE, "loss = (log1p(rest) + (logits[top] - logits[target])) / np.log(10)"),
            scalar=(LOSS_SAMPLE, LOG + "loss = (log1p(rest) + (logits[top] - logits[target])) / log(10)"),
        ),
        symptom="The same accuracy; the loss is 2.303 times too small.",
        property="the value against the formula: two equal logits cost log(2) = 0.693 nats",
        explanation="The weights follow the gradient, which is right; only the curve lies.",
        hint="What loss do you expect for C equal logits?",
    ),
    Bug(
        name="loss_averaged",
        title="the loss is averaged over the samples, and the network averages it once more",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(tensor=(LOSS, "loss = (log1p(rest) + (largest - logits[rows, target])) / len(logits)")),
        symptom="The same accuracy; the reported loss shrinks as the batch grows.",
        property="the value, for more than one sample; duplicating the batch doubles the sum",
        explanation="The losses of the samples are summed, and the network divides the sum by N, once. Here the loss "
        "is divided twice.",
        hint="Give the same sample twice. By what factor should the loss grow?",
    ),
    Bug(
        name="loss_of_the_top_class",
        title="the loss is that of the most probable class, whatever the target",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(
            tensor=(LOSS, "loss = log1p(rest)"),
            vector=(LOSS_SAMPLE, "loss = log1p(rest)"),
            scalar=(LOSS_SAMPLE, "loss = log1p(rest)"),
        ),
        symptom="The same accuracy; the loss never exceeds log C and goes down even where predictions are wrong.",
        property="the value, where the target is not the largest logit",
        explanation="-log max p measures how sure the net is, not whether it is right.",
        hint="Let the net be sure of the wrong class. What loss do you get?",
    ),
    Bug(
        name="loss_max_not_added_back",
        title="the largest logit is subtracted in log-sum-exp and not added back",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(
            tensor=(LOSS, "loss = log1p(rest) - logits[rows, target]"),
            vector=(LOSS_SAMPLE, "loss = log1p(rest) - logits[target]"),
            scalar=(LOSS_SAMPLE, "loss = log1p(rest) - logits[target]"),
        ),
        symptom="The same accuracy; the reported loss becomes negative.",
        property="the value against the formula; a loss is never negative",
        explanation="log(sum e**z) = m + log(sum e**(z - m)): the m on the right is part of the formula.",
        hint="What is your log-sum-exp of a single logit?",
    ),
    Bug(
        name="loss_max_added_twice",
        title="the largest logit is added twice in log-sum-exp",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(
            tensor=(LOSS, "loss = log1p(rest) + (2 * largest - logits[rows, target])"),
            vector=(LOSS_SAMPLE, "loss = log1p(rest) + (2 * logits[top] - logits[target])"),
            scalar=(LOSS_SAMPLE, "loss = log1p(rest) + (2 * logits[top] - logits[target])"),
        ),
        symptom="The same accuracy; the reported loss grows as the net becomes sure.",
        property="the value against the formula",
        explanation="log(sum e**z) = m + log(sum e**(z - m)): one m on each side.",
        hint="What is your log-sum-exp of a single logit?",
    ),
    Bug(
        name="loss_one_hot_times_log",
        title="the loss is the sum of onehot * log p over all classes",
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
        symptom="Nothing to see, until a logit is -inf, as where a class is masked: NaN.",
        property="-inf logits are legal: probability 0",
        explanation="0 times infinity is NaN. Whoever looks up the one entry that counts multiplies by no zeros.",
        hint="What is 0 * log(0) in floating point?",
    ),
    Bug(
        name="loss_gradient_of_logits",
        title="the gradient of the loss is logits - onehot: softmax has not been applied",
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
        symptom="Learns by the squared error between logits and onehot, while another loss is shown.",
        property="the derivative against complex step; the gradient of each row sums to 0",
        explanation="d(logsumexp)/dz is the softmax of z, not z.",
        hint="Add 1 to all logits. Should the gradient change?",
    ),
    Bug(
        name="loss_gradient_target_off_by_one",
        title="the gradient of the loss takes the class before the right one",
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
        property="the derivative against complex step, for two classes or more",
        explanation="Labels that count from 0 were taken for labels that count from 1. NumPy's index -1 hides it.",
        hint="For target 0, at which class is the gradient negative?",
    ),
    Bug(
        name="loss_gradient_averaged",
        title="the gradient of the loss is divided by the number of samples, as the network does once more",
        kind="tier",
        op="softmax_cross_entropy",
        part="dlogits",
        edits=in_tiers(tensor=(DLOSS, "return p * dloss / len(p)")),
        symptom="Learns N times too slowly; a larger learning rate hides it.",
        property="the derivative, for more than one sample; duplicating the batch changes no row of dlogits",
        explanation="The seed of the backward pass is 1/N already: it comes in as dloss.",
        hint="dloss holds the 1/N. What is left for the vjp to divide?",
    ),
    Bug(
        name="extra_softmax_derivative",
        title="the derivative of softmax is applied on top of p - y",
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
        symptom="Learns slowly and stalls: where the net is sure and wrong, hardly any gradient is left.",
        property="the derivative against complex step",
        explanation="p - y is what remains when the derivative of -log p and that of softmax have been multiplied "
        "out. To multiply by p (1 - p) once more counts softmax twice.",
        hint="With respect to what is p - y the derivative: the probabilities, or the logits?",
    ),
    Bug(
        name="loss_gradient_sign",
        title="the gradient of the loss is y - p: uphill",
        kind="tier",
        op="softmax_cross_entropy",
        part="dlogits",
        edits=in_tiers(
            numpy=(DLOSS, "return -p * dloss"),
            scalar=(DLOSS_SCALAR, "return [-pi * dloss for pi in p]"),
        ),
        symptom="The loss rises from the first step, and accuracy falls below chance.",
        property="the derivative against complex step, or one step of training",
        explanation="Gradient descent subtracts the gradient. With y - p one must add it, and then every other loss "
        "would go the wrong way.",
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
        symptom="Does not learn: all logits fall together, whatever the labels.",
        property="the derivative against complex step; the gradient of each row sums to 0",
        explanation="d(logsumexp)/dz is p; the other term of the loss, -z[target], contributes the -1.",
        hint="Does your gradient depend on the target at all?",
    ),
    Bug(
        name="loss_gradient_of_target_only",
        title="the gradient of the loss is -1 at the target and 0 elsewhere",
        kind="tier",
        op="softmax_cross_entropy",
        part="dlogits",
        edits=in_tiers(
            tensor=(DLOSS, "p = 0 * p\np[rows, target] = -1\nreturn p * dloss"),
            vector=(DLOSS, "p = 0 * p\np[target] = -1\nreturn p * dloss"),
            scalar=(DLOSS_SCALAR, "return [-dloss if c == target else 0.0 for c in range(len(p))]"),
        ),
        symptom="Logits grow without end, since being right is never right enough.",
        property="the derivative against complex step; the gradient of each row sums to 0",
        explanation="Only the term -z[target] was differentiated; logsumexp contributes p for every class.",
        hint="When the net is sure of the right class, what should be left of the gradient?",
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
                "q = e / (1 + rest)[:, None]\np = 0 * p\np[rows, target] = -1 / q[rows, target]\nreturn p * dloss",
            ),
            vector=(
                DLOSS,
                "q = e / (1 + rest)\np = 0 * p\np[target] = -1 / q[target]\nreturn p * dloss",
            ),
            scalar=(
                DLOSS_SCALAR,
                "q = [ei / (1 + rest) for ei in e]\n"
                "return [-dloss / qi if c == target else 0.0 for c, qi in enumerate(q)]",
            ),
        ),
        symptom="Huge first steps, then saturation.",
        property="the derivative against complex step",
        explanation="-1/p is the derivative of -log p. On the way to the logits it must pass through softmax, and "
        "together they give p - y.",
        hint="Which of the two functions inside the loss have you differentiated?",
    ),
    Bug(
        name="loss_ignores_dloss",
        title="the vjp of the loss leaves dloss out",
        kind="tier",
        op="softmax_cross_entropy",
        part="dlogits",
        edits=in_tiers(
            numpy=(DLOSS, "return p * 1.0"),
            scalar=(DLOSS_SCALAR, "return list(p)"),
        ),
        symptom="Gradients are those of the sum, not of the mean: steps N times too large.",
        property="the derivative for a dloss that is not 1",
        explanation="The network starts the backward pass from 1/N. Whoever leaves dloss out trains with a learning "
        "rate that grows with the batch.",
        hint="Call the vjp with 2 and with 1.",
    ),
    Bug(
        name="loss_target_off_by_one",
        title="the loss compares with the class after the right one",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(
            tensor=("rows, top =", "target = (target + 1) % logits.shape[1]\nrows, top ="),
            vector=("top = logits.argmax()", "target = (target + 1) % len(logits)\ntop = logits.argmax()"),
            scalar=("top = max(", "target = (target + 1) % len(logits)\ntop = max("),
        ),
        symptom="The loss goes down as it should; the accuracy is that of a net that is always wrong.",
        property="the value against the formula, for two classes or more",
        explanation="Labels that count from 1 were shifted once too often. The net learns perfectly to name the "
        "neighboring class.",
        hint="Which class has the loss in mind when the target is 0?",
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
        symptom="Identical training, and an infinite loss one day: log 0 in a row 746 below the largest of the batch.",
        property="finite for every finite input, rows of very different size in one batch",
        explanation="Only the row's own maximum keeps at least one term of the row's sum at 1.",
        hint="Put a row of numbers near 1000 beside a row of numbers near 0.",
    ),
    Bug(
        name="loss_without_max",
        title="cross-entropy exponentiates the logits as they are",
        kind="tier",
        op="softmax_cross_entropy",
        part="value",
        edits=in_tiers(
            tensor=(LOSS, "loss = np.log(total(exp(logits), axis=1)) - logits[rows, target]"),
            vector=(LOSS_SAMPLE, "loss = np.log(total(exp(logits))) - logits[target]"),
            scalar=(LOSS_SAMPLE, LOG + "loss = log(total([exp(z) for z in logits])) - logits[target]"),
        ),
        symptom="An infinite loss, or OverflowError, once a logit exceeds 709.",
        property="finite for every finite input",
        explanation="log(sum e**z) = m + log(sum e**(z - m)) for every m; with the largest z for m nothing overflows.",
        hint="What is log(e**800 + e**0)? You know it without a calculator; does your code?",
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
        symptom="Does not learn, except with one sample a step.",
        property="the derivative, for more than one sample",
        explanation="Indexing with a label where an array of labels belongs.",
        hint="Look at the gradient row by row. Which row is right?",
    ),
)
