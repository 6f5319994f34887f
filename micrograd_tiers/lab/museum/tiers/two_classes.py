"""Bugs of the losses of two classes: binary cross-entropy and hinge."""

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
        symptom="It learns slowly, and stays 19 to 28 points behind: where the net is sure and wrong, hardly any "
        "gradient is left.",
        property="the derivative against complex step",
        explanation="p - t is what remains when the derivatives of the logarithms and that of sigmoid, p (1 - p), have "
        "been multiplied out. To multiply by p (1 - p) once more is right for the squared error of p, and leaves no "
        "gradient where the net is sure and wrong.",
        hint="With respect to what is p - t the derivative: the probability, or the logit?",
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
        symptom="It learns from a rougher start, and ends 3 to 23 points behind; with a smaller learning rate, or with "
        "one output, nothing.",
        property="the derivative against complex step, for two outputs or more",
        explanation="The loss is a mean over the outputs, its derivative must be one too. Here every step is O times "
        "as large as the learning rate says.",
        hint="Try two outputs. By what factor is each off?",
    ),
    Bug(
        name="bce_of_probability",
        title="the loss is -t log(p) - (1 - t) log(1 - p), taken of the rounded probability",
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
        symptom="Nothing, until a logit exceeds 37: then the loss is infinite or NaN, or log complains of 0.",
        property="finite for every finite input",
        explanation="Beyond a logit of 37, p rounds to 1, and log(1 - p) is that of 0: infinite, or NaN where it is "
        "multiplied by a 1 - t of 0. log(1 - p) is -log(1 + e**z), an ordinary number that the logit gives.",
        hint="What is 1 - p for a logit of 40, and what is log(1 - p)?",
    ),
    Bug(
        name="bce_of_yes_only",
        title="binary cross-entropy is -t log(p): what should be no costs nothing",
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
        symptom="The loss is all but 0 after an epoch, and the accuracy that of guessing or little more: the net says "
        "yes to every class.",
        property="the value against the formula, at a target of 0",
        explanation="In softmax one class can only win if the others lose, and the term of the right class is all "
        "there is. Sigmoids do not compete: without (1 - t) log(1 - p) nothing ever says no, and yes to everything is "
        "best.",
        hint="What loss do you get for a target of 0 and a probability of 1?",
    ),
)

MARGIN = "margin = 1 - target * y"
MARGIN_SCALAR = "margin = [1 - to * yo for yo, to in zip(y, target, strict=True)]"

HINGE_BUGS = (
    Bug(
        name="hinge_margin_zero",
        title="hinge asks for the right sign only, not for a margin of 1",
        kind="tier",
        op="hinge",
        part="value",
        edits=in_tiers(
            scalar=(MARGIN_SCALAR, MARGIN_SCALAR.replace("1 - to", "-to")),
            numpy=(MARGIN, "margin = -target * y"),
        ),
        symptom="It learns something, and ends 4 to 21 points behind, with a tenth of the loss and weights a third as "
        "large.",
        property="the value against the formula, where target * y is between 0 and 1",
        explanation="max(0, -target * y) is the loss of the perceptron (Rosenblatt 1958). An output of 0 makes it 0, "
        "so a net has learned all it wants when its outputs vanish; the 1 is what keeps them apart.",
        hint="What is the loss of a net whose outputs are all 0?",
    ),
    Bug(
        name="hinge_gradient_never_off",
        title="the derivative of hinge is -target beyond the margin, too",
        kind="tier",
        op="hinge",
        part="dy",
        edits=in_tiers(
            scalar=("-to * (m > 0)", "-to"),
            numpy=("-target * (margin > 0)", "-target"),
        ),
        symptom="It learns something, and ends 6 to 10 points behind; the loss rises to hundreds, the weights grow "
        "without end.",
        property="the derivative against complex step, where target * y is above 1",
        explanation="Where the loss is 0 and stays 0, its derivative is 0. Without that, samples that are right by far "
        "pull as hard as those that are wrong, and outputs grow without end.",
        hint="target * y is 3. If y grows a little, does the loss change?",
    ),
    Bug(
        name="hinge_gradient_without_target",
        title="the derivative of hinge is -1 within the margin, whatever the target",
        kind="tier",
        op="hinge",
        part="dy",
        edits=in_tiers(
            scalar=("-to * (m > 0)", "-1.0 * (m > 0)"),
            numpy=("-target * (margin > 0)", "-1.0 * (margin > 0)"),
        ),
        symptom="Does not learn: the loss rises to thousands, and every answer is the same.",
        property="the derivative against complex step, at both targets",
        explanation="The inner derivative of 1 - target * y is -target. With -1, every output is told to rise.",
        hint="For a target of -1, should y rise or fall?",
    ),
    Bug(
        name="hinge_squared",
        title="the loss is the square of hinge, max(0, 1 - target * y)**2",
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
        symptom="It learns, and ends 5 to 8 points behind; a larger loss is shown.",
        property="the value against the formula, where the margin is missed by more or less than 1",
        explanation="A loss of its own, the default of some libraries, and its derivative fits. It cares more about "
        "samples that are wrong by far, and less about those that nearly reach the margin.",
        hint="What is the loss for a target of 1 and an output of -2?",
    ),
)
