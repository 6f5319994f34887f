"""Bugs of softmax."""

from ..bug import Bug, in_tiers

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
