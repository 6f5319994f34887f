"""Bugs of attention: of its scores, its weights and its mask."""

from ..bug import Bug, in_tiers

ROOT_SCALAR = "root_D = sqrt(D)"
SCORES_SCALAR = "scores = [dot(q[t], k[s]) / root_D for s in range(t + 1)]"
DP_SCALAR = "dp_t = [dot(dy_t, v[s]) for s in range(t + 1)]"
SCORES = {
    "vector": "scores = matmuls(q, k.transpose(0, 2, 1)) / sqrt(D)",
    "tensor": "scores = matmuls(q, k.swapaxes(2, 3)) / sqrt(D)",
}
DQK = "dqk = p * (dp - mean_dp) / sqrt(D)"
LATER = {"vector": "scores[:, ~np.tri(T, dtype=bool)]", "tensor": "scores[..., ~np.tri(T, dtype=bool)]"}
WEIGHTS = "p = e / total(e, axis=-1)[..., None]"


def _root(wrong: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """Return edits of the root of D at the NumPy tiers, in the scores and in their derivative."""
    return {
        tier: tuple((line, line.replace(" / sqrt(D)", wrong)) for line in (scores, DQK))
        for tier, scores in SCORES.items()
    }


def _mask(wrong: str) -> dict[str, tuple[str, str]]:
    """Return edits of the triangle of the mask at the NumPy tiers."""
    return {tier: (later, later.replace("np.tri(T, ", wrong)) for tier, later in LATER.items()}


def _seeing(end: str) -> tuple[tuple[str, str], ...]:
    """Return edits of the scalar tier: position t sees the positions before `end`."""
    lines = (
        SCORES_SCALAR,
        "y[t] += [dot(p_t, v_i) for v_i in columns(v[: t + 1])]",
        DP_SCALAR,
        "for s in range(t + 1):\n    for i in range(D):",
    )
    return tuple((line, line.replace("t + 1", end)) for line in lines)


MASK_BUGS = (
    Bug(
        name="attention_mask_too_late",
        title="the mask of attention begins one position too late: each position sees the next token",
        kind="tier",
        op="attention",
        part="value",
        edits=in_tiers(scalar=_seeing("min(t + 2, T)"), **_mask("np.tri(T, k=1, ")),
        symptom="The loss falls to 0.002, although the least possible one is 2.11. The drawn names are empty, or "
        "one letter over and over. The gradient check passes.",
        property="a later token changes no earlier output",
        explanation="The next token is the answer. The net learns to copy it, and its loss falls below what is "
        "possible; when it writes, the next token does not exist yet.",
        hint="Change the last token of a document. Which outputs change, and which may change?",
    ),
    Bug(
        name="attention_mask_too_early",
        title="the mask of attention begins one position too early: no position sees its own token",
        kind="tier",
        op="attention",
        part="value",
        edits=in_tiers(scalar=_seeing("t"), **_mask("np.tri(T, k=-1, ")),
        symptom="The loss is NaN at the first step. At the scalar tier, the first step raises a ValueError.",
        property="the value, checked against the formula on a document of one token",
        explanation="The first position sees nothing, and the softmax of no score is 0/0. Code that masks with a "
        "large negative number in place of minus infinity gets equal weights for all positions there, later ones too.",
        hint="Which positions does the first token see?",
    ),
    Bug(
        name="attention_without_mask",
        title="attention has no mask: each position sees the whole document",
        kind="tier",
        op="attention",
        part="value",
        edits=in_tiers(scalar=_seeing("T"), **{tier: (f"{later} = -np.inf", "") for tier, later in LATER.items()}),
        symptom="The loss falls to 0.01, although the least possible one is 2.11. The drawn names are empty. The "
        "gradient check passes.",
        property="a later token changes no earlier output",
        explanation="This is attention for texts that are there as a whole, as in translation or in BERT. A net that "
        "predicts the next token may not see it. The gradients are right: only the value shows it.",
        hint="Change the last token of a document. Which outputs change, and which may change?",
    ),
    Bug(
        name="attention_mask_after_softmax",
        title="the weights of later positions are set to 0 after the softmax instead of their scores before it",
        kind="tier",
        op="attention",
        part="value",
        edits=in_tiers(
            scalar=(
                (SCORES_SCALAR, SCORES_SCALAR.replace("t + 1", "T")),
                (DP_SCALAR, "dp_t = [dot(dy_t, v[s]) if s <= t else 0.0 for s in range(T)]"),
            ),
            **{
                tier: ((f"{later} = -np.inf", ""), (WEIGHTS, f"{WEIGHTS}\n{later.replace('scores', 'p')} = 0"))
                for tier, later in LATER.items()
            },
        ),
        symptom="The loss is a little too good: with batches of 32, it ends at 2.13 instead of 2.15, with batches "
        "of 1 at 2.03 instead of 2.22. The drawn names have few letters, or none.",
        property="the weights of each position sum to 1; a later token changes no earlier output",
        explanation="The later scores are still in the sum by which each weight is divided. So the weights do not sum "
        "to 1, and through that sum each position knows something about the tokens to come.",
        hint="What is the sum of the weights of the first position?",
    ),
    Bug(
        name="attention_softmax_over_queries",
        title="the softmax of attention runs over the queries instead of the keys",
        kind="tier",
        op="attention",
        part="value",
        edits=in_tiers(
            numpy=(
                (
                    "e = exp(scores - scores.max(axis=-1, keepdims=True))",
                    "e = exp(scores - scores.max(axis=-2, keepdims=True))",
                ),
                (WEIGHTS, "p = e / total(e, axis=-2)[..., None, :]"),
                ("mean_dp = total(dp * p, axis=-1)[..., None]", "mean_dp = total(dp * p, axis=-2)[..., None, :]"),
            ),
        ),
        symptom="The loss falls to 0.6 with batches of 32 and to 1.7 with batches of 1, although the least possible "
        "one is 2.11. The drawn names have one letter.",
        property="the weights of each position sum to 1; a later token changes no earlier output",
        explanation="scores[t, s] belongs to query t and key s, and each query divides its attention among the keys. "
        "Over the other axis the queries compete for a key, and later queries take part in it: earlier outputs depend "
        "on them.",
        hint="Which sum of the weights is 1, that of a row or that of a column?",
    ),
)

SCORE_BUGS = (
    Bug(
        name="attention_scores_without_root",
        title="the scores of attention are not divided by the root of D",
        kind="tier",
        op="attention",
        part="value",
        edits=in_tiers(scalar=(ROOT_SCALAR, "root_D = 1.0"), **_root("")),
        symptom="No visible effect with heads of 4 numbers: the curves look like those of another seed, with "
        "batches of 1 and of 32, and the gradient check passes.",
        property="the value, checked against the formula with D above 1",
        explanation="A sum of D products grows with the root of D. Without the division, wide heads begin with "
        "weights near 0 and 1, and the softmax passes hardly any gradient. A narrow head learns smaller queries "
        "instead. The derivative is the right one of the wrong value.",
        hint="All numbers of q and k are 1. What is the score, and does it depend on D?",
    ),
    Bug(
        name="attention_root_of_all_features",
        title="the scores of attention are divided by the root of C instead of the root of D = C / heads",
        kind="tier",
        op="attention",
        part="value",
        edits=in_tiers(scalar=(ROOT_SCALAR, "root_D = sqrt(heads * D)"), **_root(" / sqrt(heads * D)")),
        symptom="No visible effect: the curves look like those of another seed, with batches of 1 and of 32, and "
        "the gradient check passes.",
        property="the value, checked against the formula with more than one head",
        explanation="A score is the sum of the D products of one head, not of all C. With one head, the two are the "
        "same. With more, the weights are more equal than they should be, and the net makes up for it with larger "
        "queries and keys. Weights from another program give other outputs.",
        hint="How many products does one score sum?",
    ),
    Bug(
        name="attention_q_and_k_exchanged",
        title="attention takes the first third of its input for k and the second for q",
        kind="tier",
        op="attention",
        part="value",
        edits=in_tiers(
            scalar=(
                ("q, k, v = parts[h::heads]", "k, q, v = parts[h::heads]"),
                (
                    "(q, k, v), (dq, dk, dv) = parts[h::heads], dparts[h::heads]",
                    "(k, q, v), (dk, dq, dv) = parts[h::heads], dparts[h::heads]",
                ),
            ),
            numpy=(
                ("q, k, v = x.reshape", "k, q, v = x.reshape"),
                ("np.stack([dq, dk, dv])", "np.stack([dk, dq, dv])"),
            ),
        ),
        symptom="No visible effect: the curves look like those of another seed, with batches of 1 and of 32, and "
        "the gradient check passes.",
        property="the value, checked against the formula",
        explanation="Nothing tells queries from keys but their place in the score: the net learns each in the other's "
        "place. Weights from another program meet the wrong ones.",
        hint="Give position 1 a query of zeros. Which output knows of it?",
    ),
    Bug(
        name="attention_parts_by_head",
        title="attention takes q, k and v of a head as side by side, instead of all q before all k before all v",
        kind="tier",
        op="attention",
        part="value",
        edits=in_tiers(
            scalar=(
                ("q, k, v = parts[h::heads]", "q, k, v = parts[3 * h : 3 * h + 3]"),
                (
                    "(q, k, v), (dq, dk, dv) = parts[h::heads], dparts[h::heads]",
                    "(q, k, v), (dq, dk, dv) = parts[3 * h : 3 * h + 3], dparts[3 * h : 3 * h + 3]",
                ),
            ),
            vector=(
                ("x.reshape(T, 3, heads, D).transpose(1, 2, 0, 3)", "x.reshape(T, heads, 3, D).transpose(2, 1, 0, 3)"),
                ("np.stack([dq, dk, dv]).transpose(2, 0, 1, 3)", "np.stack([dq, dk, dv]).transpose(2, 1, 0, 3)"),
            ),
            tensor=(
                (
                    "x.reshape(N, T, 3, heads, D).transpose(2, 0, 3, 1, 4)",
                    "x.reshape(N, T, heads, 3, D).transpose(3, 0, 2, 1, 4)",
                ),
                ("np.stack([dq, dk, dv]).transpose(1, 3, 0, 2, 4)", "np.stack([dq, dk, dv]).transpose(1, 3, 2, 0, 4)"),
            ),
        ),
        symptom="No visible effect: the curves look like those of another seed, with batches of 1 and of 32, and "
        "the gradient check passes. Weights from another program give nonsense.",
        property="the value, checked against the formula with more than one head",
        explanation="Both orders are in use, GPT-2 has one and GPT-NeoX the other. As long as the same program "
        "trains and predicts, the order does not matter. Weights from another program are mixed up between the heads.",
        hint="With 2 heads of 1 number, which of the 6 numbers is the second query?",
    ),
    Bug(
        name="attention_root_is_float64",
        title="the root of D is a NumPy number of float64, which turns float32 arrays into float64",
        kind="tier",
        op="attention",
        part="value",
        edits=in_tiers(**_root(" / np.sqrt(D)")),
        symptom="No visible effect: the losses agree with the right ones to seven digits.",
        property="the output has the dtype of the input, checked in float32",
        explanation="A float32 array divided by a Python float stays float32. Divided by np.float64, as np.sqrt "
        "returns it, it becomes float64 in NumPy 2, and so does everything after it. The speed and the memory that "
        "float32 was meant to save are gone, and no number looks wrong.",
        hint="Print the dtype of each layer's output.",
    ),
)
