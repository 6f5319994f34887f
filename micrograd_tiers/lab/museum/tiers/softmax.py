"""Bugs of softmax."""

from ..bug import Bug, in_tiers

E = "e = exp(logits - logits.max(axis=1, keepdims=True))"
P = "p = e / total(e, axis=1)[:, None]"
DLOGITS = "return p * (dp - mean_dp)"
DLOGITS_SCALAR = "[pi * (dpi - mean_dp) for pi, dpi in zip(p, dp, strict=True)]"

# Beginning of the symptoms of the bugs in the vjp.
UNUSED = "No effect in a classifier, because its loss includes softmax and has its own derivative. Elsewhere, "

SOFTMAX_BUGS = (
    Bug(
        name="softmax_axis0",
        title="softmax is taken over the batch instead of the classes",
        kind="tier",
        op="softmax",
        part="value",
        edits=in_tiers(
            tensor=((E, E.replace("axis=1", "axis=0")), (P, P.replace("axis=1)[:, None]", "axis=0)"))),
        ),
        symptom="The rows do not sum to 1, and the class of a sample changes with its neighbors in the batch.",
        property="each row sums to 1; the output for a sample depends on that sample alone",
        explanation="The axes are (samples, classes). With a sum over axis 0, the samples compete with each other.",
        hint="What does each row sum to? What does a sample get if it is alone in its batch?",
    ),
    Bug(
        name="softmax_global_max",
        title="softmax subtracts the largest logit of the whole batch",
        kind="tier",
        op="softmax",
        part="value",
        edits=in_tiers(tensor=(E, "e = exp(logits - logits.max())")),
        symptom="Identical training, and one day a NaN: 0/0 in a row that lies 746 below the largest logit of the "
        "batch.",
        property="a finite result for every finite input, checked with rows of very different size in one batch",
        explanation="Any constant may be subtracted from a row. It must be large enough that nothing overflows, and "
        "small enough that not everything in the row underflows. Only the row's own maximum satisfies both.",
        hint="Put a row of numbers near 1000 next to a row of numbers near 0.",
    ),
    Bug(
        name="softmax_without_max",
        title="softmax exponentiates the logits without subtracting the largest",
        kind="tier",
        op="softmax",
        part="value",
        edits=in_tiers(
            scalar=("exp(z - largest)", "exp(z)"),
            vector=("e = exp(logits - logits.max())", "e = exp(logits)"),
            tensor=(E, "e = exp(logits)"),
        ),
        symptom="NaN or an OverflowError if a logit exceeds 709.",
        property="a finite result for every finite input",
        explanation="e**710 does not fit into a float. A constant subtracted from all logits cancels in the quotient. "
        "If it is the largest logit, no exponent is above 0.",
        hint="Which constant can you subtract from all logits without changing the result?",
    ),
    Bug(
        name="softmax_derivative_diagonal_only",
        title="the derivative of softmax is p (1 - p): only the diagonal of its Jacobian",
        kind="tier",
        op="softmax",
        part="dlogits",
        edits=in_tiers(
            scalar=(DLOGITS_SCALAR, "[pi * (1 - pi) * dpi for pi, dpi in zip(p, dp, strict=True)]"),
            numpy=(DLOGITS, "return p * (1 - p) * dp"),
        ),
        symptom=UNUSED + "no class reacts to the growth of another.",
        property="the derivative, checked by complex step with two or more classes",
        explanation="dp_i/dz_j is p_i (1 - p_i) for i = j and -p_i p_j otherwise. Softmax is not an elementwise "
        "function.",
        hint="If the logit of class 1 grows, what happens to the probability of class 2?",
    ),
    Bug(
        name="softmax_derivative_without_mean",
        title="the derivative of softmax is p dp: the mean of dp is not subtracted",
        kind="tier",
        op="softmax",
        part="dlogits",
        edits=in_tiers(
            scalar=(DLOGITS_SCALAR, "[pi * dpi for pi, dpi in zip(p, dp, strict=True)]"),
            numpy=(DLOGITS, "return p * dp"),
        ),
        symptom=UNUSED + "all logits drift up or down together.",
        property="the derivative, checked by complex step; each row of the gradient sums to 0",
        explanation="Adding a constant to all logits changes no probability, so each row of the gradient sums to 0.",
        hint="Let dy be 1 for every class. The probabilities always sum to 1, so what must dlogits be?",
    ),
    Bug(
        name="softmax_derivative_sign",
        title="the derivative of softmax adds the mean of dp instead of subtracting it",
        kind="tier",
        op="softmax",
        part="dlogits",
        edits=in_tiers(
            scalar=(DLOGITS_SCALAR, DLOGITS_SCALAR.replace(" - ", " + ")),
            numpy=(DLOGITS, DLOGITS.replace(" - ", " + ")),
        ),
        symptom=UNUSED + "the net learns badly.",
        property="the derivative, checked by complex step; each row of the gradient sums to 0",
        explanation="Off the diagonal the Jacobian is -p_i p_j: what one class gains, the others lose.",
        hint="If the logit of class 1 grows, does the probability of class 2 rise or fall?",
    ),
    Bug(
        name="softmax_derivative_axis0",
        title="the derivative of softmax takes the mean of dp over the batch instead of the classes",
        kind="tier",
        op="softmax",
        part="dlogits",
        edits=in_tiers(tensor=("total(dp * p, axis=1)[:, None]", "total(dp * p, axis=0)")),
        symptom=UNUSED + "the net learns nothing with several samples per step; with one sample per step, it learns "
        "as if all were well.",
        property="the derivative, checked by complex step on more than one sample",
        explanation="The axes are (samples, classes). The gradient of a sample depends on that sample alone.",
        hint="Change dy of one sample. Which rows of the gradient change?",
    ),
    Bug(
        name="softmax_ignores_dy",
        title="the vjp of softmax returns p (1 - p) and ignores dy",
        kind="tier",
        op="softmax",
        part="dlogits",
        edits=in_tiers(
            scalar=(DLOGITS_SCALAR, "[pi * (1 - pi) for pi in p]"),
            numpy=(DLOGITS, "return p * (1 - p)"),
        ),
        symptom=UNUSED + "the layers below get the same signal, whatever the error.",
        property="linearity in dy",
        explanation="A vjp maps dL/dp to dL/dlogits. The diagonal of a Jacobian is not a vjp.",
        hint="Double dy. What should happen to dlogits?",
    ),
)
