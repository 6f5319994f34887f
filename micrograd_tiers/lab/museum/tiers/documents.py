"""Bugs of embeddings, of the normalization of positions, and of the loss of documents."""

from ..bug import Bug, in_tiers

# Symptom of the bugs that the scene of names does not show.
HIDDEN = (
    "No visible effect: with batches of 1 and of 32, the loss ends within the range of right runs with other seeds."
)
ONE_HOT = "one_hot = tokens[..., None] == np.arange(len(weight))\nreturn products(one_hot.astype(dy.dtype), dy)"
ROWS = "rows = np.zeros(weight.shape, dy.dtype)\n"
RMS_DX = "along = (total(dy * y, axis={axis}) / C){ends}\nreturn (dy - y * along) / root"
RMS_DX_SCALAR = (
    "along = dot(dy_t, y_t) / C\n"
    "pairs = zip(dy_t, y_t, strict=True)\n"
    "return [(dyi - yi * along) / root for dyi, yi in pairs]"
)
LAYER_DX = "return (dz - mean_dz - z * along) / root"
LAYER_DX_SCALAR = "return [(dzi - mean_dz - zi * along) / root for dzi, zi in pairs]"

EMBEDDING_BUGS = (
    Bug(
        name="embedding_repeated_token_counted_once",
        title="a token that occurs several times in a document gets the gradient of one occurrence only",
        kind="tier",
        op="embedding",
        part="dweight",
        edits=in_tiers(
            scalar=("rows[token] = elementwise(add, rows[token], dy_t)", "rows[token] = [*dy_t]"),
            vector=("np.add.at(rows, tokens[real], dy[real])", "rows[tokens[real]] += dy[real]"),
            tensor=(ONE_HOT, ROWS + "rows[tokens[tokens >= 0]] += dy[tokens >= 0]\nreturn rows"),
        ),
        symptom="No visible effect: with batches of 1 and of 32, the loss ends within the range of right runs with "
        "other seeds. A gradient check on a single name passes if no letter occurs twice in it.",
        property="the derivative, checked on a document in which a token occurs twice",
        explanation="With an array of indices, rows[i] += d reads all rows, adds, and writes them back: of equal "
        "indices the last one wins. np.add.at adds each. At the tensor tier a mini-batch holds every letter many "
        "times, and one of them counts.",
        hint="Let a = np.zeros(1). What is a after a[[0, 0]] += 1?",
    ),
    Bug(
        name="embedding_padding_in_gradient",
        title="the gradient at padding is added to the row of the last token",
        kind="tier",
        op="embedding",
        part="dweight",
        edits=in_tiers(
            scalar=(
                "if token >= 0:\n    rows[token] = elementwise(add, rows[token], dy_t)",
                "rows[token] = elementwise(add, rows[token], dy_t)",
            ),
            vector=("np.add.at(rows, tokens[real], dy[real])", "np.add.at(rows, tokens, dy)"),
            tensor=(ONE_HOT, ROWS + "np.add.at(rows, tokens, dy)\nreturn rows"),
        ),
        symptom="No effect in a GPT: not a digit differs, as its padding has no gradient.",
        property="the derivative, checked on a document with padding and a gradient there",
        explanation="An index of -1 is the last row. Attention does not look ahead and the loss does not count "
        "padding, so in a GPT the gradient there is 0. In a net whose layers mix the positions it is not.",
        hint="Which row does weight[-1] read, and which row does rows[-1] change?",
    ),
    Bug(
        name="position_dweight_last_document_only",
        title="the positions get the gradient of the last document of the batch only",
        kind="tier",
        op="add_position",
        part="dweight",
        edits=in_tiers(tensor=("rows[:T] = total(dy, axis=0)", "rows[:T] = dy[-1]")),
        symptom="No effect with batches of one document. With batches of 32, the loss ends within the range of "
        "right runs with other seeds.",
        property="the derivative, checked on more than one document",
        explanation="The same table is added to every document: a broadcast in the forward pass becomes a sum in the "
        "backward pass. Here each document overwrites the one before.",
        hint="Change dy of the first document. Does dweight change?",
    ),
)

NORM_BUGS = (
    Bug(
        name="rms_norm_root_constant",
        title="dL/dx of rms_norm treats the root as a constant",
        kind="tier",
        op="rms_norm",
        part="dx",
        edits=in_tiers(
            scalar=(RMS_DX_SCALAR, "return [dyi / root for dyi in dy_t]"),
            vector=(RMS_DX.format(axis=1, ends="[:, None]"), "return dy / root"),
            tensor=(RMS_DX.format(axis=2, ends="[..., None]"), "return dy / root"),
        ),
        symptom=HIDDEN,
        property="the derivative, checked by complex step; dx is nearly orthogonal to x",
        explanation="Every x of a position is in its root. Doubling all of them leaves y as it is, so dx has no "
        "component along x. Here it has one, which stretches and shrinks the numbers to no effect.",
        hint="Double all x of a position. Does y change?",
    ),
    Bug(
        name="rms_norm_sum_for_mean",
        title="rms_norm divides by the root of the sum of the squares instead of their mean",
        kind="tier",
        op="rms_norm",
        part="value",
        edits=in_tiers(
            scalar=(
                (
                    "sqrt(total([xi * xi for xi in x_t]) / C + epsilon)",
                    "sqrt(total([xi * xi for xi in x_t]) + epsilon)",
                ),
                ("along = dot(dy_t, y_t) / C", "along = dot(dy_t, y_t)"),
            ),
            vector=(
                ("total(x * x, axis=1) / C", "total(x * x, axis=1)"),
                ("(total(dy * y, axis=1) / C)", "total(dy * y, axis=1)"),
            ),
            tensor=(
                ("total(x * x, axis=2) / C", "total(x * x, axis=2)"),
                ("(total(dy * y, axis=2) / C)", "total(dy * y, axis=2)"),
            ),
        ),
        symptom="With batches of 32, the loss ends 0.04 higher; with batches of 1, chance hides it. The gradient "
        "check passes.",
        property="the value, checked against the formula; the mean of y**2 is 1 at each position",
        explanation="The outputs are smaller by the root of C, and the weights behind them can grow to make up for it. "
        "The derivative is the right one of the wrong value, so no gradient check complains.",
        hint="All x of a position are 3. What is y?",
    ),
    Bug(
        name="layer_norm_third_term_missing",
        title="dL/dx of layer_norm passes through the mean but not through the root",
        kind="tier",
        op="layer_norm",
        part="dx",
        edits=in_tiers(
            scalar=(LAYER_DX_SCALAR, LAYER_DX_SCALAR.replace(" - zi * along", "")),
            numpy=(LAYER_DX, LAYER_DX.replace(" - z * along", "")),
        ),
        symptom=HIDDEN,
        property="the derivative, checked by complex step; dx is nearly orthogonal to the centered x",
        explanation="x reaches y in three ways: directly, through the mean, and through the root. The last term was "
        "forgotten.",
        hint="Double the distance of all x of a position from their mean. Does y change?",
    ),
    Bug(
        name="layer_norm_mean_constant",
        title="dL/dx of layer_norm passes through the root but not through the mean",
        kind="tier",
        op="layer_norm",
        part="dx",
        edits=in_tiers(
            scalar=(LAYER_DX_SCALAR, LAYER_DX_SCALAR.replace(" - mean_dz", "")),
            numpy=(LAYER_DX, LAYER_DX.replace(" - mean_dz", "")),
        ),
        symptom=HIDDEN,
        property="the derivative, checked by complex step; dx of each position sums to 0",
        explanation="Adding a constant to all x of a position leaves y as it is, so dx of a position sums to 0. Here "
        "it does not, and the numbers drift together to no effect.",
        hint="Add 1 to all x of a position. Does y change? What must dx sum to?",
    ),
)

NEXT_TOKEN_BUGS = (
    Bug(
        name="next_token_padding_in_mean",
        title="the loss of a document is divided by its length with padding instead of its number of targets",
        kind="tier",
        op="next_token_loss",
        part="value",
        edits=in_tiers(
            scalar=("max(1, sum(token >= 0 for token in target))", "len(target)"),
            vector=("max(1, int(real.sum()))", "len(target)"),
            tensor=("np.maximum(1, real.sum(axis=1))[:, None]", "np.full((len(target), 1), target.shape[1])"),
        ),
        symptom="No effect with batches of one document. With batches of 32, the loss ends at 1.45, although the "
        "least possible one is 2.11, and the names are as good as they should be.",
        property="the loss of a document does not depend on its padding",
        explanation="The padding adds nothing to the sum but something to its divisor. The loss looks too good, and "
        "the gradient of a short document is too small if a long one shares its batch. A batch of one document has no "
        "padding.",
        hint="Add padding to a document. May its loss change?",
    ),
    Bug(
        name="next_token_padding_in_loss",
        title="the loss counts padding as if the last token were the target there",
        kind="tier",
        op="next_token_loss",
        part="value",
        edits=in_tiers(
            scalar=("losses.append(loss if token >= 0 else 0.0)", "losses.append(loss)"),
            vector=("losses[~real] = 0", ""),
            tensor=("losses = np.where(real, losses.reshape(real.shape), 0)", "losses = losses.reshape(real.shape)"),
        ),
        symptom="No effect with batches of one document. With batches of 32, the reported loss is 0.15 too high, "
        "and not a weight differs.",
        property="the loss of a document does not depend on its padding",
        explanation="An index of -1 is the last token. The gradient at padding is still 0, so the net is trained as it "
        "should be: only the reported loss is wrong.",
        hint="Which logit does logits[-1] read?",
    ),
    Bug(
        name="next_token_padding_in_gradient",
        title="padding has a gradient, as if the last token were the target there",
        kind="tier",
        op="next_token_loss",
        part="dlogits",
        edits=in_tiers(
            scalar=(
                "[vjp(share) if token >= 0 else [*none] for vjp, token in pairs]",
                "[vjp(share) for vjp, token in pairs]",
            ),
            numpy=("dlogits[~real] = 0", ""),
        ),
        symptom="No effect with batches of one document. With batches of 32, the loss ends within the range of "
        "right runs with other seeds.",
        property="the derivative is 0 where there is no target",
        explanation="The reported loss ignores padding, its derivative does not. The net also learns to say the last "
        "token, which ends a name, at positions where no name ever is; nobody sees what it says there, but it costs "
        "some of its capacity.",
        hint="If the logits at padding change, does the loss change?",
    ),
)
