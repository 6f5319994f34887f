"""Bugs of the losses with two classes per output: binary cross-entropy and hinge."""

from ..bug import Bug, in_tiers

LOG = "from math import log\n\n"
E = "e = exp(-np.abs(logits))"
SIZE = "size = (wrong - (1 - wrong) * e) / (1 + e)"
SIZE_SCALAR = "size = [(w - (1 - w) * ei) / (1 + ei) for ei, w in zip(e, wrong, strict=True)]"
SIGNED = "np.where(logits > 0, size, -size)"
LOSSES = "losses = [log1p(ei) + size for ei, size in zip(e, sizes, strict=True)]"
YES_OR_NO = "log1p(e) + size"

BINARY_BUGS = (
    Bug(
        name="bce_gradient_of_squared_error",
        title="the derivative of sigmoid is applied on top of p - t",
        kind="tier",
        op="binary_cross_entropy",
        part="dlogits",
        edits=in_tiers(
            scalar=(SIZE_SCALAR, SIZE_SCALAR.replace(" for ei", " * (ei / (1 + ei) ** 2) for ei")),
            numpy=(SIZE, SIZE + " * (e / (1 + e) ** 2)"),
        ),
        symptom="The net learns slowly and stays 19 to 28 points behind: where it is confident and wrong, hardly any "
        "gradient is left.",
        property="the derivative, checked by complex step",
        explanation="p - t is already the product of the derivatives of the logarithms and of sigmoid, p (1 - p). "
        "Another factor of p (1 - p) is right for the squared error of p. Here it leaves no gradient where the net is "
        "confident and wrong.",
        hint="Is p - t the derivative with respect to the probability, or to the logit?",
    ),
    Bug(
        name="bce_gradient_of_the_sum",
        title="the derivative of binary cross-entropy is not divided by the number of outputs",
        kind="tier",
        op="binary_cross_entropy",
        part="dlogits",
        edits=in_tiers(
            scalar=("s * d / len(e) * dloss", "s * d * dloss"),
            vector=(f"{SIGNED} / len(logits) * dloss", f"{SIGNED} * dloss"),
            tensor=(f"{SIGNED} / logits.shape[1] * dloss", f"{SIGNED} * dloss"),
        ),
        symptom="Training is unsteady at first and ends 3 to 23 points behind. No effect with a smaller learning rate "
        "or with one output.",
        property="the derivative, checked by complex step with two or more outputs",
        explanation="The loss is a mean over the outputs, so its derivative must be divided by O too. Here every step "
        "is O times as large as the learning rate asks for.",
        hint="Try two outputs. By what factor is each entry of the gradient off?",
    ),
    Bug(
        name="bce_of_probability",
        title="the loss is -t log(p) - (1 - t) log(1 - p), computed from the rounded probability",
        kind="tier",
        op="binary_cross_entropy",
        part="value",
        edits=in_tiers(
            scalar=(
                LOSSES,
                f"{LOG}p = [(1 if z > 0 else ei) / (1 + ei) for z, ei in zip(logits, e, strict=True)]\n"
                "losses = [-t * log(pi) - (1 - t) * log(1 - pi) for t, pi in zip(target, p, strict=True)]",
            ),
            numpy=(
                (E, f"{E}\np = np.where(logits > 0, 1, e) / (1 + e)"),
                (f"total({YES_OR_NO}", "-total(target * np.log(p) + (1 - target) * np.log(1 - p)"),
            ),
        ),
        symptom="No effect until a logit exceeds 37. Then the loss is infinite or NaN, or log(0) raises an error.",
        property="a finite loss for every finite input",
        explanation="If a logit z exceeds 37, p rounds to 1 and log(1 - p) becomes log(0): infinite, or NaN if it is "
        "multiplied by 1 - t = 0. The logit gives the same number without the probability: log(1 - p) = -log(1 + "
        "e**z).",
        hint="What is 1 - p for a logit of 40, and what is log(1 - p)?",
    ),
    Bug(
        name="bce_of_yes_only",
        title="binary cross-entropy is -t log(p): a yes that should be a no costs nothing",
        kind="tier",
        op="binary_cross_entropy",
        part="value",
        edits=in_tiers(
            scalar=(
                (LOSSES, "losses = [t * (log1p(ei) + max(-z, 0.0)) for (z, t), ei in zip(pairs, e, strict=True)]"),
                (
                    SIZE_SCALAR,
                    "size = [t * (ei if z > 0 else 1) / (1 + ei) for (z, t), ei in zip(pairs, e, strict=True)]",
                ),
                ("signs = [1.0 if z > 0 else -1.0 for z in logits]", "signs = [-1.0] * len(e)"),
            ),
            numpy=(
                (YES_OR_NO, "target * (log1p(e) + np.maximum(-logits, 0))"),
                (SIZE, "size = -target * np.where(logits > 0, e, 1) / (1 + e)"),
                (SIGNED, "size"),
            ),
        ),
        symptom="After one epoch the loss is nearly 0, and the accuracy is that of guessing or little more: the net "
        "says yes to every class.",
        property="the value, checked against the formula with a target of 0",
        explanation="In softmax one class can win only if the others lose, so the term of the right class is enough. "
        "Sigmoids do not compete: without (1 - t) log(1 - p), nothing ever asks for a no, and the best answer to "
        "everything is yes.",
        hint="What loss do you get for a target of 0 and a probability of 1?",
    ),
)

MARGIN = "margin = 1 - target * y"
MARGIN_SCALAR = "margin = [1 - to * yo for yo, to in zip(y, target, strict=True)]"

HINGE_BUGS = (
    Bug(
        name="hinge_margin_zero",
        title="hinge asks only for the right sign, not for a margin of 1",
        kind="tier",
        op="hinge",
        part="value",
        edits=in_tiers(
            scalar=(MARGIN_SCALAR, MARGIN_SCALAR.replace("1 - to", "-to")),
            numpy=(MARGIN, "margin = -target * y"),
        ),
        symptom="The net learns something and ends 4 to 21 points behind, with a tenth of the loss and weights a "
        "third as large.",
        property="the value, checked against the formula with target * y between 0 and 1",
        explanation="max(0, -target * y) is the loss of the perceptron (Rosenblatt 1958). It is 0 for an output of 0, "
        "so a net can minimize it by making its outputs vanish. The 1 keeps the outputs of the two classes apart.",
        hint="What is the loss of a net whose outputs are all 0?",
    ),
    Bug(
        name="hinge_gradient_never_off",
        title="the derivative of hinge is -target beyond the margin too",
        kind="tier",
        op="hinge",
        part="dy",
        edits=in_tiers(
            scalar=("-to * (m > 0)", "-to"),
            numpy=("-target * (margin > 0)", "-target"),
        ),
        symptom="The net learns something and ends 6 to 10 points behind. The loss rises into the hundreds, and the "
        "weights grow without bound.",
        property="the derivative, checked by complex step with target * y above 1",
        explanation="Where the loss is constant at 0, its derivative is 0. With a derivative of -target there, samples "
        "far on the right side pull as hard as wrong ones, and the outputs grow without bound.",
        hint="target * y is 3. If y grows a little, does the loss change?",
    ),
    Bug(
        name="hinge_gradient_without_target",
        title="the derivative of hinge within the margin is -1, whatever the target",
        kind="tier",
        op="hinge",
        part="dy",
        edits=in_tiers(
            scalar=("-to * (m > 0)", "-1.0 * (m > 0)"),
            numpy=("-target * (margin > 0)", "-1.0 * (margin > 0)"),
        ),
        symptom="The net does not learn: the loss rises into the thousands, and every answer is the same.",
        property="the derivative, checked by complex step with both targets",
        explanation="With respect to y, the derivative of 1 - target * y is -target. With -1, every output is pushed "
        "up.",
        hint="For a target of -1, should y rise or fall?",
    ),
    Bug(
        name="hinge_squared",
        title="the loss is the squared hinge, max(0, 1 - target * y)**2",
        kind="tier",
        op="hinge",
        part="value",
        edits=in_tiers(
            scalar=(
                ("[0.0 if m <= 0 else m for m in margin]", "[0.0 if m <= 0 else m * m for m in margin]"),
                ("-to * (m > 0)", "-2 * to * m * (m > 0)"),
            ),
            numpy=(
                ("np.maximum(margin, 0)", "np.maximum(margin, 0) ** 2"),
                ("-target * (margin > 0)", "-2 * target * np.maximum(margin, 0)"),
            ),
        ),
        symptom="The net learns and ends 5 to 8 points behind. The reported loss is larger.",
        property="the value, checked against the formula where 1 - target * y is positive and not 1",
        explanation="This is a loss in its own right, the default of some libraries, and its derivative matches. It "
        "gives more weight to samples that are far off, and less to those that nearly reach the margin.",
        hint="What is the loss for a target of 1 and an output of -2?",
    ),
)
