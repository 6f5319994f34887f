"""Bugs of batch normalization."""

from ..bug import Bug, in_tiers

SLOPE = "slope = weight / np.sqrt(variance + epsilon)"
CONSTANT = (
    "if constant:\n"
    "    return dy * slope.reshape(channels)\n"
    "of_mean = (total(dy, axes) / n).reshape(channels)\n"
    "of_variance = total(dy * centered, axes) / n / (variance + epsilon)\n"
    "through_both = dy - of_mean - centered * of_variance.reshape(channels)\n"
    "return slope.reshape(channels) * through_both"
)

BATCH_NORM_BUGS = (
    Bug(
        name="batch_norm_statistics_constant",
        title="dL/dx of batch_norm treats the mean and the variance as constants",
        kind="tier",
        op="batch_norm",
        part="dx",
        edits=in_tiers(tensor=(CONSTANT, "return dy * slope.reshape(channels)")),
        symptom="The net learns, stays three to seven points behind, and its weights grow to almost twice the size.",
        property="the derivative, checked by central differences; dx of each channel sums to 0",
        explanation="Every x moves the mean and the variance of its mini-batch, and through them every other y. The "
        "short formula is right only if the statistics are given, as in prediction.",
        hint="Add 1 to all x of a channel. Does y change? What must dx of the channel sum to?",
    ),
    Bug(
        name="batch_norm_variance_constant",
        title="dL/dx of batch_norm passes through the mean but not through the variance",
        kind="tier",
        op="batch_norm",
        part="dx",
        edits=in_tiers(tensor=("dy - of_mean - centered * of_variance.reshape(channels)", "dy - of_mean")),
        symptom="The net learns, ends up to five points behind, and its weights grow by half.",
        property="the derivative, checked by central differences; dx is nearly orthogonal to the centered x",
        explanation="The variance depends on x, as the mean does. Stretching a channel leaves y nearly unchanged, so "
        "dx has almost no component along the centered x.",
        hint="Double all x of a channel. Does y change?",
    ),
    Bug(
        name="batch_norm_epsilon_outside_root",
        title="epsilon is added to the standard deviation instead of the variance",
        kind="tier",
        op="batch_norm",
        part="value",
        edits=in_tiers(tensor=(SLOPE, "slope = weight / (np.sqrt(variance) + epsilon)")),
        symptom="No visible effect: the accuracy is the same to within a point.",
        property="the value, checked against the formula with a small variance",
        explanation="If the variance is about 1, epsilon hardly matters. But a nearly constant channel is divided by "
        "0.00001 instead of 0.003.",
        hint="A channel is constant except for rounding errors. By what number is it divided?",
    ),
    Bug(
        name="batch_norm_variance_unbiased",
        title="the variance of the mini-batch is divided by n - 1 instead of n",
        kind="tier",
        op="batch_norm",
        part="value",
        edits=in_tiers(
            tensor=("moments", "total(centered * centered, axes) / n", "total(centered * centered, axes) / (n - 1)")
        ),
        symptom="No visible effect: the accuracy is the same to within a point.",
        property="the value, checked against the formula with few samples; y of each channel has a variance of 1",
        explanation="n - 1 is for estimating the variance of the population that the samples come from, as the "
        "running variance does. The mini-batch itself is divided by its own standard deviation, with n. With n - 1 "
        "the derivative would be a different one.",
        hint="With weight 1, bias 0 and a batch of two, what is the mean of y**2?",
    ),
)
