"""Bugs of the derivative of attention."""

from ..bug import Bug, in_tiers
from .documents import HIDDEN

DQK = "dqk = p * (dp - mean_dp) / sqrt(D)"
DSCORES_SCALAR = "dscores = vjps[h * T + t](dp_t)"
DK_SCALAR = "dk[s][i] += dqk_t[s] * q[t][i]"
THROUGH_WEIGHTS = "dp_t = [dot(dy_t, v[s]) for s in range(t + 1)]\n{}\ndqk_t = [d / root_D for d in dscores]"
BACKWARD = (
    "dp = matmuls(dy, {v})\nmean_dp = total(dp * p, axis=-1)[..., None]\n"
    + DQK
    + "\ndq = matmuls(dqk, k)\ndk = matmuls({dqk}, q)"
)

ATTENTION_DERIVATIVE_BUGS = (
    Bug(
        name="attention_dk_not_transposed",
        title="the derivative for the keys uses dscores[s, t] as if it were its own transpose",
        kind="tier",
        op="attention",
        part="dx",
        edits=in_tiers(
            scalar=(DK_SCALAR, "dk[t][i] += dqk_t[s] * q[s][i]"),
            vector=("dk = matmuls(dqk.transpose(0, 2, 1), q)", "dk = matmuls(dqk, q)"),
            tensor=("dk = matmuls(dqk.swapaxes(2, 3), q)", "dk = matmuls(dqk, q)"),
        ),
        symptom=HIDDEN,
        property="the derivative, checked by complex step on a document of two or more positions",
        explanation="Score [t, s] is q[t] . k[s], so dk[s] sums dscores[t, s] q[t] over t, down a column. Here it sums "
        "along a row. The shapes agree, because the matrix is square.",
        hint="Which queries does key s meet: those before it or those after it?",
    ),
    Bug(
        name="attention_derivative_without_root",
        title="the scores of attention are divided by the root of D, their derivative is not",
        kind="tier",
        op="attention",
        part="dx",
        edits=in_tiers(
            scalar=("dqk_t = [d / root_D for d in dscores]", "dqk_t = dscores"),
            numpy=(DQK, "dqk = p * (dp - mean_dp)"),
        ),
        symptom="No visible effect with Adam: with batches of 1 and of 32, the loss ends within the range of right "
        "runs with other seeds.",
        property="the derivative, checked by complex step with D above 1",
        explanation="The gradients of q and k are too large by a factor of the root of D. Adam divides each gradient "
        "by its size, so a constant factor changes nothing but the first steps; plain gradient descent gets a larger "
        "learning rate for these weights.",
        hint="If a score is q . k / 2, what is its derivative for q?",
    ),
    Bug(
        name="attention_softmax_without_mean",
        title="the derivative of the softmax in attention does not subtract the mean of dp",
        kind="tier",
        op="attention",
        part="dx",
        edits=in_tiers(
            scalar=(DSCORES_SCALAR, "dscores = [pi * dpi for pi, dpi in zip(p_t, dp_t, strict=True)]"),
            numpy=(DQK, "dqk = p * dp / sqrt(D)"),
        ),
        symptom=HIDDEN,
        property="the derivative, checked by complex step; the gradients of a row of scores sum to 0",
        explanation="Adding a constant to all scores of a position changes no weight, so their gradients sum to 0. "
        "Without the mean, the net tries to raise or lower all of them together.",
        hint="Let dy make every weight equally welcome. What must dscores be?",
    ),
    Bug(
        name="attention_weights_constant",
        title="the derivative of attention holds the weights constant: q and k get no gradient",
        kind="tier",
        op="attention",
        part="dx",
        edits=in_tiers(
            scalar=(
                (THROUGH_WEIGHTS.format(DSCORES_SCALAR), ""),
                ("dq[t][i] += dqk_t[s] * k[s][i]\n" + DK_SCALAR, ""),
            ),
            vector=(
                BACKWARD.format(v="v.transpose(0, 2, 1)", dqk="dqk.transpose(0, 2, 1)"),
                "dq = dk = np.zeros_like(q)",
            ),
            tensor=(BACKWARD.format(v="v.swapaxes(2, 3)", dqk="dqk.swapaxes(2, 3)"), "dq = dk = np.zeros_like(q)"),
        ),
        symptom="No visible effect after 320 steps: with batches of 1 and of 32, the loss ends within the range of "
        "right runs with other seeds.",
        property="the derivative, checked by complex step",
        explanation="y is a sum of products p v, and both factors depend on x. As if somebody had detached p: queries "
        "and keys stay at their starting values, and each position keeps looking at nearly all earlier ones alike.",
        hint="Which weights of the net do not move at all?",
    ),
    Bug(
        name="attention_dq_and_dk_exchanged",
        title="the derivative of attention gives dq to the keys and dk to the queries",
        kind="tier",
        op="attention",
        part="dx",
        edits=in_tiers(
            scalar=(
                "(q, k, v), (dq, dk, dv) = parts[h::heads], dparts[h::heads]",
                "(q, k, v), (dk, dq, dv) = parts[h::heads], dparts[h::heads]",
            ),
            numpy=("np.stack([dq, dk, dv])", "np.stack([dk, dq, dv])"),
        ),
        symptom="With batches of 32, the loss ends 0.02 higher; with batches of 1, chance hides it.",
        property="the derivative, checked by complex step on a document of two or more positions",
        explanation="Both have the same shape. dq sums over the keys that a query sees, dk over the queries that see a "
        "key; in each other's place they are noise to the net.",
        hint="Does the key of the last position get a gradient from the first query?",
    ),
    Bug(
        name="attention_heads_not_transposed_back",
        title="the derivative of attention leaves the axis of the heads before that of the positions",
        kind="tier",
        op="attention",
        part="dx",
        edits=in_tiers(
            scalar=(
                "return [flat(of_t) for of_t in columns(dparts)]",
                "numbers, width = flat(dparts), len(x[0])\n"
                "return [numbers[i : i + width] for i in range(0, len(numbers), width)]",
            ),
            vector=("np.stack([dq, dk, dv]).transpose(2, 0, 1, 3).reshape", "np.stack([dq, dk, dv]).reshape"),
            tensor=(
                "np.stack([dq, dk, dv]).transpose(1, 3, 0, 2, 4).reshape",
                "np.stack([dq, dk, dv]).swapaxes(0, 1).reshape",
            ),
        ),
        symptom="The loss ends 0.03 higher; with batches of 1, chance hides it.",
        property="the derivative, checked on a document of two or more positions",
        explanation="reshape accepts it, as the number of entries is right. The gradients of one position are spread "
        "over others: those of q come first, then those of k, then those of v.",
        hint="Before the last reshape, which axis should come first: parts, heads or positions?",
    ),
)
