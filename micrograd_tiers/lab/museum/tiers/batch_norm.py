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
        title="dL/dx of batch_norm takes mean and variance for constants",
        kind="tier",
        op="batch_norm",
        part="dx",
        edits=in_tiers(tensor=(CONSTANT, "return dy * slope.reshape(channels)")),
        symptom="It learns, stays three to seven points behind, and its weights grow to almost twice the size.",
        property="the derivative against central differences; dx of a channel sums to 0",
        explanation="Every x moves the mean and the variance of its mini-batch, and so every other y. Where the "
        "statistics are given, as in prediction, the short formula is right.",
        hint="Add 1 to all x of a channel. Does y change? What must its dx sum to?",
    ),
    Bug(
        name="batch_norm_variance_constant",
        title="dL/dx of batch_norm goes back through the mean and not through the variance",
        kind="tier",
        op="batch_norm",
        part="dx",
        edits=in_tiers(tensor=("dy - of_mean - centered * of_variance.reshape(channels)", "dy - of_mean")),
        symptom="It learns, from nothing to five points behind, and its weights grow to half as much again.",
        property="the derivative against central differences; dx is all but orthogonal to the centered x",
        explanation="The variance depends on x as the mean does: stretching a channel leaves y all but as it is, so dx "
        "has next to no part along the centered x.",
        hint="Double all x of a channel. Does y change?",
    ),
    Bug(
        name="batch_norm_epsilon_outside_root",
        title="epsilon is added to the deviation, not to the variance",
        kind="tier",
        op="batch_norm",
        part="value",
        edits=in_tiers(tensor=(SLOPE, "slope = weight / (np.sqrt(variance) + epsilon)")),
        symptom="Nothing to see: the accuracy is the same to a point.",
        property="the value against the formula, where the variance is small",
        explanation="Where the variance is about 1, epsilon hardly counts. A channel that is all but constant is "
        "divided by 0.00001, in place of 0.003.",
        hint="A channel is constant but for rounding. By what is it divided?",
    ),
    Bug(
        name="batch_norm_variance_unbiased",
        title="the variance of the mini-batch is divided by n - 1",
        kind="tier",
        op="batch_norm",
        part="value",
        edits=in_tiers(
            tensor=("moments", "total(centered * centered, axes) / n", "total(centered * centered, axes) / (n - 1)")
        ),
        symptom="Nothing to see: the accuracy is the same to a point.",
        property="the value against the formula, for few samples; y of each channel has a variance of 1",
        explanation="n - 1 is for estimating the variance of what the samples were drawn from, as the running variance "
        "does. The mini-batch is divided by its own deviation; the derivative of that formula is another one.",
        hint="What is the mean of y**2, for weight 1 and bias 0 and a batch of two?",
    ),
)
