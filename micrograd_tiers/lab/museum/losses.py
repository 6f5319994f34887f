"""Bugs of the tiers, second part: softmax, the losses, and what the rest of the package asks of a tier."""

from .bug import Bug, in_tiers

E = "e = exp(logits - logits.max(axis=1, keepdims=True))"
P = "p = e / total(e, axis=1)[:, None]"
DLOGITS = "return p * (dp - mean_dp)"
DLOGITS_SCALAR = "[pi * (dpi - mean_dp) for pi, dpi in zip(p, dp, strict=True)]"

# A bug of its vjp shows:
UNUSED = "Nothing in a classifier, whose loss has softmax in it and a derivative of its own; "

SOFTMAX_BUGS = (
    Bug(
        name="softmax_axis0",
        title="softmax is taken over the batch, not over the classes",
        kind="tier",
        op="softmax",
        part="value",
        edits=in_tiers(
            tensor=((E, E.replace("axis=1", "axis=0")), (P, P.replace("axis=1)[:, None]", "axis=0)"))),
        ),
        symptom="Rows do not sum to 1; a sample changes its class when its neighbors change.",
        property="each row sums to 1; a sample's output depends on that sample alone",
        explanation="The axes are (samples, classes). Summed over axis 0, samples compete with each other.",
        hint="What does each row sum to? And what happens to a sample that is alone in its batch?",
    ),
    Bug(
        name="softmax_global_max",
        title="softmax subtracts the largest logit of the whole batch",
        kind="tier",
        op="softmax",
        part="value",
        edits=in_tiers(tensor=(E, "e = exp(logits - logits.max())")),
        symptom="Identical training, and NaN one day: 0/0 in a row that lies 746 below the largest of the batch.",
        property="finite for every finite input, rows of very different size in one batch",
        explanation="Any number may be subtracted from a row; it must be large enough that nothing overflows and "
        "small enough that not everything in the row underflows. Only the row's own maximum is both.",
        hint="Put a row of numbers near 1000 beside a row of numbers near 0.",
    ),
    Bug(
        name="softmax_without_max",
        title="softmax exponentiates the logits as they are",
        kind="tier",
        op="softmax",
        part="value",
        edits=in_tiers(
            scalar=("exp(z - largest)", "exp(z)"),
            vector=("e = exp(logits - logits.max())", "e = exp(logits)"),
            tensor=(E, "e = exp(logits)"),
        ),
        symptom="NaN, or OverflowError, once a logit exceeds 709.",
        property="finite for every finite input",
        explanation="e**710 does not fit a float. A constant taken from all logits cancels in the quotient; with the "
        "largest taken out, no exponent is above 0.",
        hint="Which constant can you subtract from all logits without changing the result?",
    ),
    Bug(
        name="softmax_derivative_diagonal_only",
        title="the derivative of softmax is p (1 - p): the diagonal of its Jacobian only",
        kind="tier",
        op="softmax",
        part="dlogits",
        edits=in_tiers(
            scalar=(DLOGITS_SCALAR, "[pi * (1 - pi) * dpi for pi, dpi in zip(p, dp, strict=True)]"),
            numpy=(DLOGITS, "return p * (1 - p) * dp"),
        ),
        symptom=UNUSED + "elsewhere no class hears that another one has grown.",
        property="the derivative against complex step, for two classes or more",
        explanation="dp_i/dz_j is p_i (1 - p_i) for i = j and -p_i p_j elsewhere. Softmax is no elementwise function.",
        hint="If the logit of class 1 grows, what happens to the probability of class 2?",
    ),
    Bug(
        name="softmax_derivative_without_mean",
        title="the derivative of softmax is p dp, the mean of dp is not subtracted",
        kind="tier",
        op="softmax",
        part="dlogits",
        edits=in_tiers(
            scalar=(DLOGITS_SCALAR, "[pi * dpi for pi, dpi in zip(p, dp, strict=True)]"),
            numpy=(DLOGITS, "return p * dp"),
        ),
        symptom=UNUSED + "elsewhere all logits drift up or down together.",
        property="the derivative against complex step; the gradient of each row sums to 0",
        explanation="Adding a constant to all logits changes no probability, so the gradient of a row sums to 0.",
        hint="Let dy be 1 for every class. The probabilities always sum to 1, so what must dlogits be?",
    ),
    Bug(
        name="softmax_derivative_sign",
        title="the mean of dp is added where it should be subtracted",
        kind="tier",
        op="softmax",
        part="dlogits",
        edits=in_tiers(
            scalar=(DLOGITS_SCALAR, DLOGITS_SCALAR.replace(" - ", " + ")),
            numpy=(DLOGITS, DLOGITS.replace(" - ", " + ")),
        ),
        symptom=UNUSED + "elsewhere the net learns badly.",
        property="the derivative against complex step; the gradient of each row sums to 0",
        explanation="Off the diagonal the Jacobian is -p_i p_j: what one class gains, the others lose.",
        hint="If the logit of class 1 grows, does the probability of class 2 rise or fall?",
    ),
    Bug(
        name="softmax_derivative_axis0",
        title="the mean of dp is taken over the batch, not over the classes",
        kind="tier",
        op="softmax",
        part="dlogits",
        edits=in_tiers(tensor=("total(dp * p, axis=1)[:, None]", "total(dp * p, axis=0)")),
        symptom=UNUSED + "elsewhere the net learns badly, and with one sample a step not at all.",
        property="the derivative against complex step, for more than one sample",
        explanation="The axes are (samples, classes). The gradient of a sample depends on that sample alone.",
        hint="Change dy of one sample. Whose gradient changes?",
    ),
    Bug(
        name="softmax_ignores_dy",
        title="the vjp of softmax returns p (1 - p) and leaves dy out",
        kind="tier",
        op="softmax",
        part="dlogits",
        edits=in_tiers(
            scalar=(DLOGITS_SCALAR, "[pi * (1 - pi) for pi in p]"),
            numpy=(DLOGITS, "return p * (1 - p)"),
        ),
        symptom=UNUSED + "elsewhere what goes back is the same whatever the error.",
        property="linearity in dy",
        explanation="A vjp carries dL/dp back to dL/dlogits. A Jacobian's diagonal is not a vjp.",
        hint="Double dy. What should happen to dlogits?",
    ),
)

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

DIFFERENCE = "(lambda dloss: 2 * difference / y.shape[1] * dloss,)"
DIFFERENCE_VECTOR = "(lambda dloss: 2 * difference / len(y) * dloss,)"
DIFFERENCE_SCALAR = "(lambda dloss: [2 * d / len(y) * dloss for d in difference],)"
MSE = "loss = total(difference * difference, axis=1) / y.shape[1]"
MSE_VECTOR = "loss = total(difference * difference) / len(y)"
MSE_SCALAR = "loss = total([d * d for d in difference]) / len(y)"

SQUARED_ERROR_BUGS = (
    Bug(
        name="mse_gradient_without_2",
        title="the derivative of the squared error leaves the 2 out",
        kind="tier",
        op="mean_squared_error",
        part="dy",
        edits=in_tiers(
            tensor=(DIFFERENCE, "(lambda dloss: difference / y.shape[1] * dloss,)"),
            vector=(DIFFERENCE_VECTOR, "(lambda dloss: difference / len(y) * dloss,)"),
            scalar=(DIFFERENCE_SCALAR, "(lambda dloss: [d / len(y) * dloss for d in difference],)"),
        ),
        symptom="Nothing to see: the learning rate is half of what was asked for.",
        property="the derivative against complex step",
        explanation="It is right for half the squared error, which many books use; here loss and gradient disagree.",
        hint="The derivative of d**2?",
    ),
    Bug(
        name="mse_gradient_of_the_sum",
        title="the derivative of the squared error is not divided by the number of outputs",
        kind="tier",
        op="mean_squared_error",
        part="dy",
        edits=in_tiers(
            tensor=(DIFFERENCE, "(lambda dloss: 2 * difference * dloss,)"),
            vector=(DIFFERENCE_VECTOR, "(lambda dloss: 2 * difference * dloss,)"),
            scalar=(DIFFERENCE_SCALAR, "(lambda dloss: [2 * d * dloss for d in difference],)"),
        ),
        symptom="Nothing to see with one output; with many, steps O times too large.",
        property="the derivative against complex step, for two outputs or more",
        explanation="The loss is a mean over the outputs, its derivative must be one too.",
        hint="Try two outputs. By what factor is each off?",
    ),
    Bug(
        name="mse_gradient_sign",
        title="the derivative of the squared error is that with respect to the target",
        kind="tier",
        op="mean_squared_error",
        part="dy",
        edits=in_tiers(
            tensor=(DIFFERENCE, "(lambda dloss: 2 * (target - y) / y.shape[1] * dloss,)"),
            vector=(DIFFERENCE_VECTOR, "(lambda dloss: 2 * (target - y) / len(y) * dloss,)"),
            scalar=(DIFFERENCE_SCALAR, "(lambda dloss: [-2 * d / len(y) * dloss for d in difference],)"),
        ),
        symptom="The loss rises from the first step.",
        property="the derivative against complex step, or one step of training",
        explanation="(y - t)**2 and (t - y)**2 are the same; their inner derivatives with respect to y are 1 and -1.",
        hint="y is larger than the target. Should the gradient be positive or negative?",
    ),
    Bug(
        name="mse_half",
        title="the loss is half the squared error",
        kind="tier",
        op="mean_squared_error",
        part="value",
        edits=in_tiers(
            tensor=(MSE, MSE.replace("total(", "0.5 * total(")),
            vector=(MSE_VECTOR, MSE_VECTOR.replace("total(", "0.5 * total(")),
            scalar=(MSE_SCALAR, MSE_SCALAR.replace("total(", "0.5 * total(")),
        ),
        symptom="The same training; the reported loss is half of what it should be.",
        property="the value against the formula",
        explanation="Many books put in a factor 1/2 that makes the 2 of the derivative go away; this loss has none.",
        hint="What is the loss for y = 1 and target = 0?",
    ),
    Bug(
        name="mse_sum_over_outputs",
        title="the squared error is summed over the outputs, not averaged",
        kind="tier",
        op="mean_squared_error",
        part="value",
        edits=in_tiers(
            tensor=(MSE, "loss = total(difference * difference, axis=1)"),
            vector=(MSE_VECTOR, "loss = total(difference * difference)"),
            scalar=(MSE_SCALAR, "loss = total([d * d for d in difference])"),
        ),
        symptom="The same training; the reported loss is O times too large.",
        property="the value against the formula, for two outputs or more",
        explanation="Mean over the outputs, sum over the samples: a batch and its samples one by one then agree.",
        hint="Try one output, then two equal ones. Should the loss change?",
    ),
    Bug(
        name="mse_averaged_over_samples",
        title="the squared error is averaged over the samples, and the network averages it once more",
        kind="tier",
        op="mean_squared_error",
        part="value",
        edits=in_tiers(tensor=(MSE, MSE + " / len(y)")),
        symptom="The same training; the reported loss shrinks as the batch grows.",
        property="the value, for more than one sample",
        explanation="The losses of the samples are summed, and the network divides the sum by N, once.",
        hint="Give the same sample twice. By what factor should the loss grow?",
    ),
    Bug(
        name="mse_divided_by_samples",
        title="the squared error is divided by the number of samples in the place of the number of outputs",
        kind="tier",
        op="mean_squared_error",
        part="value",
        edits=in_tiers(
            tensor=(
                (MSE, MSE.replace("y.shape[1]", "len(y)")),
                (DIFFERENCE, DIFFERENCE.replace("y.shape[1]", "len(y)")),
            ),
        ),
        symptom="Learns with another learning rate: by the ratio of outputs to samples in a batch.",
        property="the value against the formula, where there are not as many samples as outputs",
        explanation="len of an array counts its rows: samples in a mini-batch, outputs in a single sample.",
        hint="Give the same sample twice. By what factor should the loss grow?",
    ),
    Bug(
        name="mse_absolute",
        title="the loss is the mean absolute error",
        kind="tier",
        op="mean_squared_error",
        part="value",
        edits=in_tiers(
            tensor=(MSE, MSE.replace("difference * difference", "np.abs(difference)")),
            vector=(MSE_VECTOR, MSE_VECTOR.replace("difference * difference", "np.abs(difference)")),
            scalar=(MSE_SCALAR, MSE_SCALAR.replace("d * d for", "abs(d) for")),
        ),
        symptom="The same training, if the derivative is that of the square; another loss is shown.",
        property="the value against the formula",
        explanation="|d| and d**2 are alike for errors near 1 and near 0.",
        hint="What is the loss for an error of 3?",
    ),
    Bug(
        name="mse_rooted",
        title="the loss is the root of the mean squared error",
        kind="tier",
        op="mean_squared_error",
        part="value",
        edits=in_tiers(
            tensor=(MSE, "loss = np.sqrt(total(difference * difference, axis=1) / y.shape[1])"),
            vector=(MSE_VECTOR, "loss = np.sqrt(total(difference * difference) / len(y))"),
            scalar=(MSE_SCALAR, "loss = (total([d * d for d in difference]) / len(y)) ** 0.5"),
        ),
        symptom="The same training, if the derivative is that of the square; another loss is shown.",
        property="the value against the formula",
        explanation="It is in the units of the target, and good to report; but another loss, with another derivative.",
        hint="What is the loss for an error of 3?",
    ),
    Bug(
        name="mse_ignores_dloss",
        title="the vjp of the squared error leaves dloss out",
        kind="tier",
        op="mean_squared_error",
        part="dy",
        edits=in_tiers(
            tensor=(DIFFERENCE, "(lambda dloss: 2 * difference / y.shape[1],)"),
            vector=(DIFFERENCE_VECTOR, "(lambda dloss: 2 * difference / len(y),)"),
            scalar=(DIFFERENCE_SCALAR, "(lambda dloss: [2 * d / len(y) for d in difference],)"),
        ),
        symptom="Gradients are those of the sum, not of the mean: steps N times too large.",
        property="the derivative for a dloss that is not 1",
        explanation="The network starts the backward pass from 1/N, which comes in as dloss.",
        hint="Call the vjp with 2 and with 1.",
    ),
)

SUPPORT_BUGS = (
    Bug(
        name="add_scaled_not_in_place",
        title="add_scaled makes a new array and leaves the target as it was",
        kind="tier",
        op="add_scaled",
        part="value",
        edits=in_tiers(
            numpy=(
                "target += source if scale == 1 else scale * source",
                "target = target + (source if scale == 1 else scale * source)",
            ),
            scalar=(
                ("target[:] = starmap", "target = starmap"),
                ("target[:] = [", "target = ["),
            ),
        ),
        symptom="Does not learn at all: the loss is the same after every epoch.",
        property="the target has changed after the call",
        explanation="`target = ...` binds a name of the function's own; the caller's array is another object.",
        hint="After add_scaled(a, b, 1), has a changed?",
    ),
    Bug(
        name="add_scaled_ignores_scale",
        title="add_scaled leaves the scale out",
        kind="tier",
        op="add_scaled",
        part="value",
        edits=in_tiers(
            numpy=("source if scale == 1 else scale * source", "source"),
            scalar=("t + scale * s", "t + s"),
        ),
        symptom="Nothing, as long as all that is added comes with scale 1, as from this package's optimizers; the "
        "first program that leaves its learning rate to add_scaled diverges at once.",
        property="target + scale * source, for a scale that is not 1",
        explanation="A setting that every caller leaves at its usual value can be wrong for years.",
        hint="Try a scale of -0.5.",
    ),
    Bug(
        name="chunks_drops_the_last",
        title="chunks leaves out the last sample",
        kind="tier",
        op="chunks",
        part="value",
        edits=in_tiers(
            vector=("samples", "zip(*arrays, strict=True)", "zip(*(a[:-1] for a in arrays), strict=True)"),
            tensor=("whole_batch", "iter((arrays,))", "iter((tuple(a[:-1] for a in arrays),))"),
            scalar=("zip(*arrays, strict=True)", "zip(*(a[:-1] for a in arrays), strict=True)"),
        ),
        symptom="In training nothing: one sample of each batch is never looked at. Predictions come out one short, as "
        "whoever compares them with labels will notice.",
        property="the chunks, put together, are the batch",
        explanation="An off-by-one in a slice. The mean is still divided by N, so steps are a little too small.",
        hint="Count the samples that come out.",
    ),
    Bug(
        name="asarray_float32",
        title="asarray makes float32 of everything",
        kind="tier",
        op="asarray",
        part="value",
        edits=in_tiers(
            numpy=(
                "return np.asarray(values, dtype)",
                "return np.asarray(values, 'float32' if dtype == 'float64' else dtype)",
            )
        ),
        symptom="Nothing to see; results agree with the other tiers to 7 digits only.",
        property="numbers come back as they went in, to the last bit",
        explanation="The default of several libraries is float32. It must be asked for, not slip in.",
        hint="Does 0.1 come back as 0.1?",
    ),
)

LOSS_BUGS = (*SOFTMAX_BUGS, *CROSS_ENTROPY_BUGS, *SQUARED_ERROR_BUGS, *SUPPORT_BUGS)
