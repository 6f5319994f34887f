"""Bugs of cross-entropy with smoothed labels and with probabilities as targets."""

from ..bug import Bug, in_tiers

SMOOTHED_VALUE = "total(logits) / C"
SMOOTHED_VALUE_TENSOR = "total(logits, axis=1) / C"
SHARE = "dloss * (smoothing / C)"

SMOOTHING_BUGS = (
    Bug(
        name="smoothing_not_divided_by_classes",
        title="label smoothing gives each class the smoothing, not its C-th part",
        kind="tier",
        op="smoothed_cross_entropy",
        part="value",
        edits=in_tiers(
            scalar=((SHARE, "dloss * smoothing"), (SMOOTHED_VALUE, "total(logits)")),
            vector=((SHARE, "dloss * smoothing"), (SMOOTHED_VALUE, "total(logits)")),
            tensor=((SHARE, "dloss * smoothing"), (SMOOTHED_VALUE_TENSOR, "total(logits, axis=1)")),
        ),
        symptom="The loss falls below 0 and on without end, the weights grow, and the accuracy is that of guessing.",
        property="the value against the formula; the gradient of each row sums to 0",
        explanation="The target is to be a distribution over the classes, which sums to 1. With C times the smoothing "
        "it sums to more, and the loss sinks as all logits rise together: there is no end to it.",
        hint="What does the smoothed target sum to? Add 1 to all logits: should the loss change?",
    ),
    Bug(
        name="smoothing_in_loss_not_in_gradient",
        title="label smoothing is in the loss that is reported, not in its gradient",
        kind="tier",
        op="smoothed_cross_entropy",
        part="dlogits",
        edits=in_tiers(
            scalar=(
                "smooth = [d - dloss * (smoothing / C) for d in dlogits(dloss)]\n"
                "smooth[target] += dloss * smoothing\n"
                "return smooth",
                "return dlogits(dloss)",
            ),
            vector=(
                "smooth = dlogits(dloss) - dloss * (smoothing / C)\nsmooth[target] += dloss * smoothing\nreturn smooth",
                "return dlogits(dloss)",
            ),
            tensor=(
                "smooth = dlogits(dloss) - dloss * (smoothing / C)\n"
                "smooth[rows, target] += np.ravel(dloss) * smoothing\n"
                "return smooth",
                "return dlogits(dloss)",
            ),
        ),
        symptom="The accuracy is as good; the reported loss is a little higher, and the net as sure as without "
        "smoothing.",
        property="the derivative against complex step, with a smoothing above 0",
        explanation="Only what is in the gradient moves the weights. The net is trained on hard labels, and measured "
        "by a loss that asks it to be less sure.",
        hint="Train with more smoothing. Does the net become less sure?",
    ),
)

SOFT = "dlogits(dloss * total(target)) - shift * dloss"
SOFT_TENSOR = "dlogits(dloss * total(target, axis=1)[:, None]) - shift * dloss"
D_SCALAR = "d = dlogits(dloss * total(target))\nreturn [di + si * dloss for di, si in zip(d, shift, strict=True)]"
TOP, TOP_TENSOR, TOP_SCALAR = "top = logits.argmax()", "rows, top =", "top = max("

SOFT_BUGS = (
    Bug(
        name="soft_gradient_of_hard_label",
        title="the gradient is that of the most probable label, not of the distribution",
        kind="tier",
        op="soft_cross_entropy",
        part="dlogits",
        edits=in_tiers(
            scalar=(
                D_SCALAR,
                "label = target.index(max(target))\nreturn softmax_cross_entropy(logits, label)[1][0](dloss)",
            ),
            vector=(SOFT, "softmax_cross_entropy(logits, target.argmax())[1][0](dloss)"),
            tensor=(SOFT_TENSOR, "softmax_cross_entropy(logits, target.argmax(axis=1))[1][0](dloss)"),
        ),
        symptom="Nothing bad to see in the accuracy, which ends 3 to 5 points better; the loss rises after some "
        "epochs, and the net is surer than its targets.",
        property="the derivative against complex step, with targets that are not 0 or 1",
        explanation="p - onehot in the place of p - target: only what is in the gradient moves the weights. The net is "
        "trained to be sure, and measured by a loss that asks it not to be.",
        hint="The target is 0.6 and 0.4. At which p is your gradient 0?",
    ),
    Bug(
        name="soft_loss_without_target",
        title="the loss is the sum of -log p over all classes: the target is not multiplied in",
        kind="tier",
        op="soft_cross_entropy",
        part="value",
        edits=in_tiers(
            scalar=(
                "loss = total(target) * of_top + total(gaps)",
                "loss = len(logits) * of_top + total([logits[top] - z for z in logits])",
            ),
            vector=(
                "loss = total(target) * of_top + total(target * gap)",
                "loss = len(logits) * of_top + total(logits[top] - logits)",
            ),
            tensor=(
                "loss = total(target, axis=1) * of_top + total(target * gap, axis=1)",
                "loss = logits.shape[1] * of_top + total(logits[rows, top][:, None] - logits, axis=1)",
            ),
        ),
        symptom="The same accuracy; the reported loss is 19 times as large, and rises.",
        property="the value against the formula, for two classes or more",
        explanation="Each -log p counts by the share that the target gives to its class. Without it, the loss asks for "
        "equal probabilities, and is least where the net has no opinion.",
        hint="Does your loss depend on the target at all?",
    ),
    Bug(
        name="soft_targets_through_softmax",
        title="softmax is applied to the targets, which are probabilities already",
        kind="tier",
        op="soft_cross_entropy",
        part="value",
        edits=in_tiers(
            scalar=(
                TOP_SCALAR,
                f"shares = [exp(t) for t in target]\ntarget = [s / total(shares) for s in shares]\n{TOP_SCALAR}",
            ),
            vector=(TOP, f"target = exp(target) / total(exp(target))\n{TOP}"),
            tensor=(TOP_TENSOR, f"target = exp(target) / total(exp(target), axis=1)[:, None]\n{TOP_TENSOR}"),
        ),
        symptom="It learns slowly, and stays 17 to 25 points behind; the loss hardly falls below log C, and the net is "
        "sure of nothing.",
        property="the value against the formula, with targets of 0 and 1",
        explanation="A softmax of numbers from 0 to 1 is nearly even: of ten classes the right one gets at most 0.23. "
        "Loss and derivative fit together, so nothing looks wrong.",
        hint="For a target of 0 and 1, which p gives the smallest loss?",
    ),
    Bug(
        name="soft_zero_times_log",
        title="classes whose target is 0 are multiplied in, not left out",
        kind="tier",
        op="soft_cross_entropy",
        part="value",
        edits=in_tiers(
            scalar=("t * (logits[top] - z) if t else 0.0 for", "t * (logits[top] - z) for"),
            vector=("np.where(target == 0, 0, logits[top] - logits)", "logits[top] - logits"),
            tensor=(
                "np.where(target == 0, 0, logits[rows, top][:, None] - logits)",
                "logits[rows, top][:, None] - logits",
            ),
        ),
        symptom="Nothing to see, until a logit is -inf, as where a class is masked: NaN.",
        property="-inf logits are legal: probability 0",
        explanation="0 log 0 is 0 in the formula, and 0 times infinity is NaN in floating point.",
        hint="What is 0 * log(0) in floating point?",
    ),
)
