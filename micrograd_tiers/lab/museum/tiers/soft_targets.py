"""Bugs of cross-entropy with smoothed labels and with probabilities as targets."""

from ..bug import Bug, in_tiers

SMOOTHED_VALUE = "total(logits) / C"
SMOOTHED_VALUE_TENSOR = "total(logits, axis=1) / C"
SHARE = "dloss * (smoothing / C)"

SMOOTHING_BUGS = (
    Bug(
        name="smoothing_not_divided_by_classes",
        title="label smoothing adds all of the smoothing to each class instead of smoothing / C",
        kind="tier",
        op="smoothed_cross_entropy",
        part="value",
        edits=in_tiers(
            scalar=((SHARE, "dloss * smoothing"), (SMOOTHED_VALUE, "total(logits)")),
            vector=((SHARE, "dloss * smoothing"), (SMOOTHED_VALUE, "total(logits)")),
            tensor=((SHARE, "dloss * smoothing"), (SMOOTHED_VALUE_TENSOR, "total(logits, axis=1)")),
        ),
        symptom="The loss falls below 0 without bound, the weights grow, and the accuracy is that of guessing.",
        property="the value, checked against the formula; each row of the gradient sums to 0",
        explanation="The target should be a distribution over the classes, which sums to 1. With C times the "
        "smoothing it sums to more, so the loss falls without bound as all logits rise together.",
        hint="What does the smoothed target sum to? Add 1 to all logits: should the loss change?",
    ),
    Bug(
        name="smoothing_in_loss_not_in_gradient",
        title="label smoothing is in the reported loss but not in its gradient",
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
        symptom="The accuracy does not suffer. The reported loss is slightly higher, and the net is as confident as "
        "without smoothing.",
        property="the derivative, checked by complex step with a smoothing above 0",
        explanation="Only the gradient moves the weights. The net is trained on hard labels, but measured by a loss "
        "that asks it to be less confident.",
        hint="Train with more smoothing. Does the net become less confident?",
    ),
)

SOFT = "dlogits(dloss * total(target)) - shift * dloss"
SOFT_TENSOR = "dlogits(dloss * total(target, axis=1)[:, None]) - shift * dloss"
D_SCALAR = "d = dlogits(dloss * total(target))\nreturn [di + si * dloss for di, si in zip(d, shift, strict=True)]"
TOP, TOP_TENSOR, TOP_SCALAR = "top = logits.argmax()", "rows, top =", "top = logits.index("

SOFT_BUGS = (
    Bug(
        name="soft_gradient_of_hard_label",
        title="the gradient is that of the most probable label instead of the distribution",
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
        symptom="The accuracy looks like an improvement: it ends 3 to 5 points ahead. The loss rises after some "
        "epochs, and the net is more confident than its targets.",
        property="the derivative, checked by complex step with targets other than 0 and 1",
        explanation="It is p - onehot instead of p - target. Only the gradient moves the weights: the net is trained "
        "to be confident, but measured by a loss that asks it not to be.",
        hint="The target is (0.6, 0.4). At which p is your gradient 0?",
    ),
    Bug(
        name="soft_loss_without_target",
        title="the loss is the sum of -log p over all classes: the target is left out",
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
        property="the value, checked against the formula with two or more classes",
        explanation="Each -log p should be weighted by the target's probability of its class. Without the weights, "
        "the loss asks for equal probabilities and is smallest if the net is undecided.",
        hint="Does your loss depend on the target at all?",
    ),
    Bug(
        name="soft_targets_through_softmax",
        title="softmax is applied to the targets, which are already probabilities",
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
        symptom="The net learns slowly and stays 17 to 25 points behind. The loss hardly falls below log C, and the "
        "net is confident of nothing.",
        property="the value, checked against the formula with targets of 0 and 1",
        explanation="The softmax of numbers from 0 to 1 is nearly uniform: of ten classes, the right one gets at most "
        "0.23. Loss and derivative match, so nothing looks wrong.",
        hint="For the target (0, 1), which p gives the smallest loss?",
    ),
    Bug(
        name="soft_zero_times_log",
        title="classes with a target of 0 are multiplied in instead of left out",
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
        symptom="No effect until a logit is -inf, for example because a class is masked. Then the loss is NaN.",
        property="logits of -inf are legal: they mean a probability of 0",
        explanation="In the formula, 0 log 0 is 0. In floating point, 0 times infinity is NaN.",
        hint="What is 0 * log(0) in floating point?",
    ),
)
