"""Bugs of the tiers, first half: linear and the activation functions."""

from .losses import LOSS_BUGS
from .museum import Bug, Edits, in_tiers

LINEAR_BUGS = (
    Bug(
        name="linear_bias_missing",
        title="linear forgets to add the bias",
        kind="tier",
        op="linear",
        part="value",
        edits=in_tiers(
            scalar=("[dot(row, x) + b for row, b", "[dot(row, x) for row, b"),
            vector=("matmul(weight, x) + bias", "matmul(weight, x)"),
            tensor=("matmul(x, weight.T) + bias", "matmul(x, weight.T)"),
        ),
        symptom="Nothing to see: biases start at 0 and many data sets can do without them.",
        property="the value against the formula, with a bias that is not 0",
        explanation="The derivatives are right for the op that should have been written, so the bias is trained and "
        "then ignored. Every test that leaves the bias at its starting value 0 passes.",
        hint="Set x to zeros. What should linear return then?",
    ),
    Bug(
        name="linear_weight_not_transposed",
        title="linear multiplies by weight, not by its transpose",
        kind="tier",
        op="linear",
        part="value",
        edits=in_tiers(
            scalar=("for row, b in zip(weight, bias", "for row, b in zip(zip(*weight), bias"),
            vector=("matmul(weight, x) + bias", "matmul(weight.T, x) + bias"),
            tensor=("matmul(x, weight.T) + bias", "matmul(x, weight) + bias"),
        ),
        symptom="Stops with a shape error as soon as a layer is not square; square layers train as if all were well.",
        property="the value against the formula, on a layer that is not square and on one that is",
        explanation="weight has shape (O, I): one row per output. In a square layer a transposed weight is just "
        "another weight, and its own derivative is then the wrong one.",
        hint="weight has one row for each output. Which numbers of weight meet in output 0?",
    ),
    Bug(
        name="linear_dx_transposed",
        title="dL/dx of linear uses weight where its transpose is needed, or the other way round",
        kind="tier",
        op="linear",
        part="dx",
        edits=in_tiers(
            scalar=("[dot(column, dy) for column in zip(*weight, strict=True)]", "[dot(row, dy) for row in weight]"),
            vector=("lambda dy: matmul(dy, weight),  # dL/dx", "lambda dy: matmul(weight, dy),  # dL/dx"),
            tensor=("lambda dy: matmul(dy, weight),  # dL/dx", "lambda dy: matmul(dy, weight.T),  # dL/dx"),
        ),
        symptom="With a square layer the net learns nearly as well as the right one; a shape error in any other.",
        property="the derivative with respect to x, on a square layer whose weight is not symmetric",
        explanation="The layers below get a wrong error signal, but a fixed wrong one: they learn to live with it "
        "(feedback alignment, Lillicrap et al. 2016). It is right only where weight equals its transpose.",
        hint="x[i] acts on every output o through weight[o, i]. Over which index does dx[i] sum?",
    ),
    Bug(
        name="linear_dx_ignores_later_outputs",
        title="dL/dx of linear sums over the first I outputs, not over all O",
        kind="tier",
        op="linear",
        part="dx",
        edits=in_tiers(
            scalar=("[dot(column, dy) for column", "[dot(column[: len(x)], dy) for column"),
            vector=("matmul(dy, weight),  # dL/dx", "matmul(dy[: x.size], weight[: x.size]),  # dL/dx"),
            tensor=(
                "matmul(dy, weight),  # dL/dx",
                "matmul(dy[:, : x.shape[1]], weight[: x.shape[1]]),  # dL/dx",
            ),
        ),
        symptom="Nothing, as long as the layer has no more outputs than inputs.",
        property="the derivative with respect to x, on a layer with more outputs than inputs",
        explanation="A loop that runs to the wrong size. Where outputs are few it covers all of them; where they are "
        "more than the inputs, the later ones send nothing back.",
        hint="Try a layer with 1 input and 2 outputs. Which of the outputs does dx hear of?",
    ),
    Bug(
        name="linear_dx_averaged",
        title="dL/dx of linear is divided by the number of samples",
        kind="tier",
        op="linear",
        part="dx",
        edits=in_tiers(tensor=("matmul(dy, weight),  # dL/dx", "matmul(dy, weight) / len(x),  # dL/dx")),
        symptom="The last layer learns as it should, all below it N times too slowly.",
        property="the derivative with respect to x, for more than one sample",
        explanation="Each sample's dx belongs to that sample alone. The mean over the mini-batch is already in dy: the "
        "backward pass starts from 1/N.",
        hint="Compare a batch of one sample with a batch of the same sample twice. What should happen to each row?",
    ),
    Bug(
        name="linear_dx_is_dy_summed",
        title="dL/dx of linear leaves weight out",
        kind="tier",
        op="linear",
        part="dx",
        edits=in_tiers(
            scalar=("[dot(column, dy) for column in", "[total(dy) for column in"),
            vector=("matmul(dy, weight),  # dL/dx", "total(dy) + 0 * x,  # dL/dx"),
            tensor=("matmul(dy, weight),  # dL/dx", "total(dy, axis=1)[:, None] + 0 * x,  # dL/dx"),
        ),
        symptom="Hardly learns: the layers below get the same signal for every unit.",
        property="the derivative with respect to x",
        explanation="The derivative of weight[o, i] * x[i] with respect to x[i] is weight[o, i], not 1.",
        hint="If weight were 1,000 times larger, would a small change of x matter more?",
    ),
    Bug(
        name="linear_dweight_transposed",
        title="dL/dweight of linear has shape (I, O), not (O, I)",
        kind="tier",
        op="linear",
        part="dweight",
        edits=in_tiers(
            scalar=("[[dyo * xi for xi in x] for dyo in dy]", "[[dyo * xi for dyo in dy] for xi in x]"),
            vector=("dy[:, None] * x,  #    dL/dweight", "x[:, None] * dy,  #    dL/dweight"),
            tensor=("matmul(dy.T, x),  #    dL/dweight", "matmul(x.T, dy),  #    dL/dweight"),
        ),
        symptom="A shape error, except in square layers, which train badly.",
        property="shape and value of the derivative with respect to weight, on square layers too",
        explanation="A gradient has the shape of what it is the gradient of: entry (o, i) belongs to weight[o, i].",
        hint="Which entry of the gradient belongs to weight[1, 0]?",
    ),
    Bug(
        name="linear_dweight_last_sample_only",
        title="dL/dweight of linear keeps only the last sample",
        kind="tier",
        op="linear",
        part="dweight",
        edits=in_tiers(tensor=("matmul(dy.T, x),  #    dL/dweight", "matmul(dy[-1:].T, x[-1:]),  #    dL/dweight")),
        symptom="Learns slowly: every step sees one sample, with 1/N of its weight.",
        property="the derivative with respect to weight, for more than one sample",
        explanation="An assignment in the loop over samples where an addition belongs: each sample overwrites the one "
        "before. With one sample a step the two are the same.",
        hint="Change the first sample of the batch. Does dweight notice?",
    ),
    Bug(
        name="linear_dweight_averaged",
        title="dL/dweight of linear is divided by the number of samples",
        kind="tier",
        op="linear",
        part="dweight",
        edits=in_tiers(tensor=("matmul(dy.T, x),  #    dL/dweight", "matmul(dy.T, x) / len(x),  #    dL/dweight")),
        symptom="Learns N times too slowly; a larger learning rate hides it.",
        property="the derivative with respect to weight, for more than one sample",
        explanation="The mean over the mini-batch is taken once, where the loss is: dy has the 1/N in it. Divided "
        "twice, steps are N times too small, and a short last batch gets another factor than the rest.",
        hint="Give the same sample twice. dy holds each sample's own share: by what factor should dweight grow?",
    ),
    Bug(
        name="linear_dweight_of_sums",
        title="dL/dweight of linear multiplies the sums over the samples, not sums the products",
        kind="tier",
        op="linear",
        part="dweight",
        edits=in_tiers(
            tensor=(
                "matmul(dy.T, x),  #    dL/dweight",
                "total(dy, axis=0)[:, None] * total(x, axis=0),  #    dL/dweight",
            )
        ),
        symptom="Hardly learns: what tells the samples of a batch apart is lost.",
        property="the derivative with respect to weight, for more than one sample",
        explanation="The sum of products is not the product of sums. With one sample the two are the same.",
        hint="Take two samples with opposite x and opposite dy. What should dweight be?",
    ),
    Bug(
        name="linear_dweight_float32",
        title="dL/dweight of linear passes through float32",
        kind="tier",
        op="linear",
        part="dweight",
        edits=in_tiers(
            vector=("dy[:, None] * x,  #    dL/dweight", "(dy[:, None] * x).astype('f4').astype('f8'),  # dL/dweight"),
            tensor=("matmul(dy.T, x),  #    dL/dweight", "matmul(dy.T, x).astype('f4').astype('f8'),  # dL/dweight"),
        ),
        symptom="Nothing to see; two tiers that should agree to 1e-14 differ at 1e-8.",
        property="the derivative to 1e-12, or the weights of two tiers after one step",
        explanation="Single precision keeps 7 digits. Harmless to the accuracy, fatal to any claim that two programs "
        "compute the same.",
        hint="How many digits are right?",
    ),
    Bug(
        name="linear_dweight_without_x",
        title="dL/dweight of linear leaves x out",
        kind="tier",
        op="linear",
        part="dweight",
        edits=in_tiers(
            scalar=("[[dyo * xi for xi in x] for dyo in dy]", "[[dyo for xi in x] for dyo in dy]"),
            vector=("dy[:, None] * x,  #    dL/dweight", "dy[:, None] + 0 * x,  #    dL/dweight"),
            tensor=("matmul(dy.T, x),  #    dL/dweight", "matmul(dy.T, 0 * x + 1),  #    dL/dweight"),
        ),
        symptom="Hardly learns: all weights of a unit move together, like its bias.",
        property="the derivative with respect to weight",
        explanation="The derivative of weight[o, i] * x[i] with respect to weight[o, i] is x[i], not 1.",
        hint="If x[i] is 0, does weight[o, i] matter?",
    ),
    Bug(
        name="linear_dbias_averaged",
        title="dL/dbias of linear is averaged over the samples, where dL/dweight is summed",
        kind="tier",
        op="linear",
        part="dbias",
        edits=in_tiers(tensor=("total(dy, axis=0),  #  dL/dbias", "total(dy, axis=0) / len(dy),  #  dL/dbias")),
        symptom="Nothing to see: biases learn N times too slowly, and weights make up for it.",
        property="the derivative with respect to bias, for more than one sample",
        explanation="Every sample uses the bias once, so its shares add up, as those of weight do. The mean is in dy.",
        hint="Give the same sample twice. By what factor should dbias grow?",
    ),
    Bug(
        name="linear_dbias_not_summed",
        title="dL/dbias of linear is not summed over the samples",
        kind="tier",
        op="linear",
        part="dbias",
        edits=in_tiers(tensor=("total(dy, axis=0),  #  dL/dbias", "dy + 0,  #  dL/dbias")),
        symptom="A shape error, or, where the update broadcasts, one bias per sample.",
        property="the shape of the derivative with respect to bias",
        explanation="bias was broadcast over the samples in the forward pass; what was broadcast forward is summed "
        "backward.",
        hint="bias has shape (O,). What shape must its gradient have, and what happens to the samples?",
    ),
    Bug(
        name="linear_dbias_summed_over_outputs",
        title="dL/dbias of linear is summed over the outputs, not over the samples",
        kind="tier",
        op="linear",
        part="dbias",
        edits=in_tiers(
            vector=("dy.copy(),  #          dL/dbias", "0 * dy + dy.sum(),  #          dL/dbias"),
            tensor=("total(dy, axis=0),  #  dL/dbias", "total(dy, axis=1),  #  dL/dbias"),
        ),
        symptom="A shape error, except where the batch has as many samples as the layer outputs.",
        property="shape and value of the derivative with respect to bias, at N = O too",
        explanation="The axes are (samples, outputs). Summing over the wrong one mixes outputs that have a bias each.",
        hint="Which axis of dy counts the samples?",
    ),
    Bug(
        name="linear_dbias_zero",
        title="dL/dbias of linear is always zero",
        kind="tier",
        op="linear",
        part="dbias",
        edits=in_tiers(
            scalar=("lambda dy: list(dy),  #", "lambda dy: [0.0 for _ in dy],  #"),
            vector=("dy.copy(),  #          dL/dbias", "0 * dy,  #          dL/dbias"),
            tensor=("total(dy, axis=0),  #  dL/dbias", "0 * total(dy, axis=0),  #  dL/dbias"),
        ),
        symptom="Nothing to see on centered data: the biases stay where they started.",
        property="the derivative with respect to bias; a gradient that is zero proves nothing",
        explanation="A gradient check that only asks for equality with a zero, or that never looks, passes.",
        hint="Change the bias by a little. Does the loss stay the same?",
    ),
    Bug(
        name="linear_dbias_last_sample_only",
        title="dL/dbias of linear keeps only the last sample",
        kind="tier",
        op="linear",
        part="dbias",
        edits=in_tiers(tensor=("total(dy, axis=0),  #  dL/dbias", "dy[-1].copy(),  #  dL/dbias")),
        symptom="Nothing to see: the biases' steps are small and noisy.",
        property="the derivative with respect to bias, for more than one sample",
        explanation="The right shape, and with one sample the right number: each sample overwrites the one before.",
        hint="Change the first sample's dy. Does dbias notice?",
    ),
    Bug(
        name="linear_dbias_is_dy",
        title="dL/dbias of linear hands out dy itself, not a copy",
        kind="tier",
        op="linear",
        part="dbias",
        edits=in_tiers(
            scalar=("lambda dy: list(dy),  #", "lambda dy: dy,  #"),
            vector=("dy.copy(),  #          dL/dbias", "dy,  #          dL/dbias"),
        ),
        symptom="Nothing, until somebody adds the next sample's gradient to it: then dy, which others still need, "
        "changes under their hands.",
        property="what a vjp returns belongs to the caller: change it, and look at dy",
        explanation="The gradient of the first sample becomes the running sum of the batch. If it is the same storage "
        "as dy, summing writes into dy.",
        hint="Add 1 to the gradient that you were given. What else has changed?",
    ),
)

SIGMOID = "return dy * (e / (1 + (2 * e + e * e)))"
SIGMOID_SCALAR = "return [dyi * (ei / (1 + (2 * ei + ei * ei))) for dyi, ei in zip(dy, e, strict=True)]"


def _sigmoid_slope(numpy: str, scalar: str) -> Edits:
    """Return edits that put another slope in the place of e / (1 + e)**2; y and x may be used."""
    return in_tiers(
        numpy=(SIGMOID, f"return dy * ({numpy})"),
        scalar=(SIGMOID_SCALAR, f"return [dyi * ({scalar}) for dyi, yi, xi in zip(dy, y, x, strict=True)]"),
    )


SIGMOID_BUGS = (
    Bug(
        name="sigmoid_derivative_of_y",
        title="the derivative of sigmoid is taken at y, not at x",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=_sigmoid_slope("1 / (1 + exp(-y)) * (1 - 1 / (1 + exp(-y)))", "1 / (1 + exp(-yi)) ** 2 * exp(-yi)"),
        symptom="Learns, with a lower accuracy: no unit ever seems saturated.",
        property="the derivative against complex step",
        explanation="A function `sigmoid_derivative(x)` was given the activation y. As y is between 0 and 1, the slope "
        "comes out between 0.20 and 0.25 everywhere.",
        hint="Where x is 10, sigmoid is flat. What slope do you get there?",
    ),
    Bug(
        name="sigmoid_derivative_of_tanh",
        title="sigmoid has the derivative of tanh, 1 - y**2",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=_sigmoid_slope("1 - y * y", "1 - yi * yi"),
        symptom="Learns badly: the slope is largest where sigmoid is flat on the left.",
        property="the derivative against complex step",
        explanation="1 - y**2 belongs to tanh. At x = 0 it gives 0.75 where sigmoid's slope is 0.25.",
        hint="What slope do you get at x = 0, and what does a picture of sigmoid say?",
    ),
    Bug(
        name="sigmoid_derivative_of_input",
        title="the derivative of sigmoid is x (1 - x), of the input where y is meant",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=_sigmoid_slope("x * (1 - x)", "xi * (1 - xi)"),
        symptom="Does not learn, or diverges: large inputs get large slopes.",
        property="the derivative against complex step",
        explanation="y (1 - y) is right; with x in the place of y it is a parabola that is negative beyond 0 and 1.",
        hint="Can the slope of sigmoid be negative?",
    ),
    Bug(
        name="sigmoid_derivative_missing",
        title="the vjp of sigmoid passes dy on unchanged",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=_sigmoid_slope("1", "1"),
        symptom="Learns, faster at first and worse in the end: the gradients below are at least four times too large.",
        property="the derivative against complex step",
        explanation="The chain rule has a factor for every function on the way; this one is never larger than 1/4.",
        hint="A small change of x changes y by how much, at x = 0?",
    ),
    Bug(
        name="sigmoid_derivative_half",
        title="the derivative of sigmoid is 1 - y, the factor y is missing",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=_sigmoid_slope("1 - y", "1 - yi"),
        symptom="Learns badly: units that are off move as if they were on.",
        property="the derivative against complex step",
        explanation="y (1 - y) has two factors. 1 - y alone is 1 far to the left, where sigmoid is flat.",
        hint="What slope do you get at x = -10, and how flat is sigmoid there?",
    ),
    Bug(
        name="sigmoid_derivative_is_y",
        title="the derivative of sigmoid is y, the factor 1 - y is missing",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=_sigmoid_slope("y", "yi"),
        symptom="Learns less well: units that are fully on never rest.",
        property="the derivative against complex step",
        explanation="y (1 - y) has two factors. y alone is the derivative of e**x, not of sigmoid.",
        hint="What slope do you get at x = 10, and how flat is sigmoid there?",
    ),
    Bug(
        name="sigmoid_ignores_dy",
        title="the vjp of sigmoid returns the slope and leaves dy out",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=in_tiers(
            numpy=(SIGMOID, "return e / ((1 + e) * (1 + e))"),
            scalar=(SIGMOID_SCALAR, "return [ei / ((1 + ei) * (1 + ei)) for ei in e]"),
        ),
        symptom="Does not learn: what the layers below hear is the same whatever the error.",
        property="the derivative for a dy that is not 1; linearity in dy",
        explanation="A vjp carries dL/dy back to dL/dx. Without dy it returns dy/dx, right only where dL/dy is 1.",
        hint="Double dy. What should happen to dx?",
    ),
    Bug(
        name="sigmoid_overflows",
        title="sigmoid is computed as 1 / (1 + e**-x) for every x",
        kind="tier",
        op="sigmoid",
        part="value",
        edits=in_tiers(
            numpy=(
                ("@quiet\ndef sigmoid", "def sigmoid"),
                ("    y = np.where(x >= 0, 1, e) / (1 + e)\n", "    y = 1 / (1 + np.exp(-x))\n"),
            ),
            scalar=(
                "(1 if xi >= 0 else ei) / (1 + ei) for xi, ei in zip(x, e, strict=True)]",
                "1 / (1 + exp(-xi)) for xi in x]",
            ),
        ),
        symptom="OverflowError, or a warning, once an input falls below -709; the result of NumPy is still right.",
        property="no warning for any finite input",
        explanation="e**-x is beyond the largest float when x is below -709.78. With e**x / (1 + e**x) there, e is "
        "never above 1.",
        hint="What is e**800 in floating point? Which of sigmoid's two forms avoids it on which side?",
    ),
    Bug(
        name="sigmoid_of_minus_x",
        title="sigmoid is mirrored: 1 / (1 + e**x)",
        kind="tier",
        op="sigmoid",
        part="value",
        edits=in_tiers(
            numpy=("y = np.where(x >= 0, 1, e) / (1 + e)", "y = np.where(x >= 0, e, 1) / (1 + e)"),
            scalar=("(1 if xi >= 0 else ei) / (1 + ei)", "(ei if xi >= 0 else 1) / (1 + ei)"),
        ),
        symptom="Does not learn: the layers below climb where they should descend.",
        property="the value against the formula",
        explanation="A sign lost in the exponent. y falls where it should rise, while the derivative is that of the "
        "rising function.",
        hint="What is sigmoid of a large positive number?",
    ),
)

TANH = "return dy * (sech * sech)"
TANH_SCALAR = "return [dyi * (si * si) for dyi, si in zip(dy, sech, strict=True)]"


def _tanh_slope(numpy: str, scalar: str) -> Edits:
    return in_tiers(
        numpy=(TANH, f"return dy * ({numpy})"),
        scalar=(TANH_SCALAR, f"return [dyi * ({scalar}) for dyi, yi, xi in zip(dy, y, x, strict=True)]"),
    )


TANH_BUGS = (
    Bug(
        name="tanh_derivative_of_input",
        title="the derivative of tanh is 1 - x**2, of the input where y is meant",
        kind="tier",
        op="tanh",
        part="dx",
        edits=_tanh_slope("1 - x * x", "1 - xi * xi"),
        symptom="Learns while inputs are small, then diverges: beyond 1 the slope is negative.",
        property="the derivative against complex step",
        explanation="1 - y**2 is right. Near 0, x and y are nearly the same, and the mistake does not show.",
        hint="Can the slope of tanh be negative?",
    ),
    Bug(
        name="tanh_derivative_of_sigmoid",
        title="tanh has the derivative of sigmoid, y (1 - y)",
        kind="tier",
        op="tanh",
        part="dx",
        edits=_tanh_slope("y * (1 - y)", "yi * (1 - yi)"),
        symptom="Learns badly: at 0, where tanh is steepest, no gradient passes.",
        property="the derivative against complex step",
        explanation="y (1 - y) belongs to sigmoid. For tanh it is 0 at x = 0 and negative to the left of it.",
        hint="What slope do you get at x = 0?",
    ),
    Bug(
        name="tanh_derivative_without_square",
        title="the derivative of tanh is 1 - y, the square is missing",
        kind="tier",
        op="tanh",
        part="dx",
        edits=_tanh_slope("1 - y", "1 - yi"),
        symptom="Learns, less stably: to the left, where tanh is flat, the slope is 2.",
        property="the derivative against complex step",
        explanation="1 - y**2 is even, as the slope of an odd function must be; 1 - y is right only at y = 0 and 1.",
        hint="Compare the slopes at x = 3 and at x = -3.",
    ),
    Bug(
        name="tanh_derivative_missing",
        title="the vjp of tanh passes dy on unchanged",
        kind="tier",
        op="tanh",
        part="dx",
        edits=_tanh_slope("1", "1"),
        symptom="Nothing to see in a small net: near 0 the slope is 1.",
        property="the derivative against complex step, away from 0",
        explanation="The chain rule has a factor for every function on the way. Saturated units go on moving.",
        hint="What is the slope of tanh at x = 5?",
    ),
    Bug(
        name="tanh_ignores_dy",
        title="the vjp of tanh returns the slope and leaves dy out",
        kind="tier",
        op="tanh",
        part="dx",
        edits=in_tiers(numpy=(TANH, "return sech * sech"), scalar=(TANH_SCALAR, "return [si * si for si in sech]")),
        symptom="Does not learn: what the layers below hear is the same whatever the error.",
        property="the derivative for a dy that is not 1; linearity in dy",
        explanation="A vjp carries dL/dy back to dL/dx. Without dy it returns dy/dx, right only where dL/dy is 1.",
        hint="Double dy. What should happen to dx?",
    ),
    Bug(
        name="tanh_of_exponentials",
        title="tanh is computed as (e**x - e**-x) / (e**x + e**-x)",
        kind="tier",
        op="tanh",
        part="value",
        edits=in_tiers(
            numpy=("    y = tanh_of(x)\n", "    y = (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))\n"),
            scalar=(
                "    y = [tanh_of(xi) for xi in x]\n",
                "    y = [(exp(xi) - exp(-xi)) / (exp(xi) + exp(-xi)) for xi in x]\n",
            ),
        ),
        symptom="NaN, or OverflowError, once an input exceeds 709.",
        property="finite for every finite input",
        explanation="e**800 is infinite in floating point, and infinity over infinity is NaN.",
        hint="Try x = 800.",
    ),
)

RELU = "(lambda dy: np.where(x <= 0, 0, dy),)"
RELU_SCALAR = "(lambda dy: [0.0 if xi <= 0 else dyi for xi, dyi in zip(x, dy, strict=True)],)"
RELU_VALUE = "    y = np.where(x <= 0, 0, x)\n"
RELU_VALUE_SCALAR = "    y = [0.0 if xi <= 0 else xi for xi in x]\n"


def _relu_dx(numpy: str, scalar: str) -> Edits:
    return in_tiers(
        numpy=(RELU, f"(lambda dy: {numpy},)"),
        scalar=(RELU_SCALAR, f"(lambda dy: [{scalar} for xi, dyi in zip(x, dy, strict=True)],)"),
    )


RELU_BUGS = (
    Bug(
        name="relu_mask_from_dy",
        title="the vjp of relu looks at the sign of dy, not of x",
        kind="tier",
        op="relu",
        part="dx",
        edits=_relu_dx("np.where(dy <= 0, 0, dy)", "0.0 if dyi <= 0 else dyi"),
        symptom="Does not learn: what should go down never comes through, and units that are off move.",
        property="the derivative, at negative dy and at negative x",
        explanation="Whether a unit was on was decided in the forward pass, by x. dy says which way to go, and may "
        "well be negative.",
        hint="At x = 2 and dy = -1, what should dx be?",
    ),
    Bug(
        name="relu_derivative_missing",
        title="the vjp of relu passes dy on unchanged",
        kind="tier",
        op="relu",
        part="dx",
        edits=_relu_dx("dy + 0", "dyi"),
        symptom="Learns, somewhat worse: units that are off are trained as if they were on.",
        property="the derivative, at negative x",
        explanation="Where x is negative, y is the constant 0, and nothing that happens to x matters.",
        hint="At x = -1, a small change of x changes y by how much?",
    ),
    Bug(
        name="relu_gradient_at_zero",
        title="the derivative of relu at 0 is taken as 1",
        kind="tier",
        op="relu",
        part="dx",
        edits=_relu_dx("np.where(x < 0, 0, dy)", "0.0 if xi < 0 else dyi"),
        symptom="Nothing, until inputs are exactly 0, as in a net that starts at zero.",
        property="the derivative at exactly 0",
        explanation="At the kink every number from 0 to 1 is a subgradient; the convention, here and in PyTorch, is 0. "
        "Two programs that choose differently drift apart.",
        hint="Is x = 0 counted as on or as off?",
    ),
    Bug(
        name="relu_ignores_dy",
        title="the vjp of relu returns the slope and leaves dy out",
        kind="tier",
        op="relu",
        part="dx",
        edits=_relu_dx("np.where(x <= 0, 0.0, 1.0)", "0.0 if xi <= 0 else 1.0"),
        symptom="Does not learn: what the layers below hear is the same whatever the error.",
        property="the derivative for a dy that is not 1; linearity in dy",
        explanation="A vjp carries dL/dy back to dL/dx. Without dy it returns dy/dx, right only where dL/dy is 1.",
        hint="Double dy. What should happen to dx?",
    ),
    Bug(
        name="relu_mask_inverted",
        title="the vjp of relu lets dy through where x is negative",
        kind="tier",
        op="relu",
        part="dx",
        edits=_relu_dx("np.where(x <= 0, dy, 0)", "dyi if xi <= 0 else 0.0"),
        symptom="The last layer learns alone, on top of random features.",
        property="the derivative, at positive and at negative x",
        explanation="The mask is the wrong way round.",
        hint="At x = 1, what is the slope?",
    ),
    Bug(
        name="relu_leaks",
        title="relu lets a hundredth of negative inputs through",
        kind="tier",
        op="relu",
        part="value",
        edits=in_tiers(
            numpy=(RELU_VALUE, "    y = np.where(x <= 0, 0.01 * x, x)\n"),
            scalar=(RELU_VALUE_SCALAR, "    y = [0.01 * xi if xi <= 0 else xi for xi in x]\n"),
        ),
        symptom="Nothing to see.",
        property="the value, at negative x",
        explanation="That is the leaky ReLU, a function of its own, whose derivative to the left is 0.01 and not 0.",
        hint="What is relu of -1?",
    ),
    Bug(
        name="relu_hides_nan",
        title="relu turns NaN into 0",
        kind="tier",
        op="relu",
        part="value",
        edits=in_tiers(
            numpy=(RELU_VALUE, "    y = np.where(x > 0, x, 0)\n"),
            scalar=(RELU_VALUE_SCALAR, "    y = [xi if xi > 0 else 0.0 for xi in x]\n"),
        ),
        symptom="Nothing: a net whose weights are NaN goes on predicting.",
        property="NaN in, NaN out",
        explanation="Every comparison with NaN is false, so `x > 0` sorts it among the negative numbers. What went "
        "wrong earlier is hidden.",
        hint="What do you get for NaN, and who would notice?",
    ),
    Bug(
        name="relu_overwrites_x",
        title="relu sets the negative entries of its input to 0, in place",
        kind="tier",
        op="relu",
        part="value",
        edits=in_tiers(
            numpy=(RELU_VALUE, "    x[x <= 0] = 0\n    y = x\n"),
            scalar=(RELU_VALUE_SCALAR, "    x[:] = [0.0 if xi <= 0 else xi for xi in x]\n    y = x\n"),
        ),
        symptom="Nothing, as long as nobody needs x again: a skip connection, or the layer below, or the data itself.",
        property="no input changes",
        explanation="The array belongs to the caller; it may be the training set.",
        hint="Print x before and after.",
    ),
)

ELU_DX = "np.where(x <= 0, dy * (alpha * exp(np.minimum(x, 0))), dy)"
ELU_DX_SCALAR = "[dyi * (alpha * exp(xi)) if xi <= 0 else dyi for xi, dyi in zip(x, dy, strict=True)]"
ELU_VALUE = "    y = np.where(x <= 0, alpha * expm1(np.minimum(x, 0)), x)\n"
ELU_VALUE_SCALAR = "    y = [alpha * expm1(xi) if xi <= 0 else xi for xi in x]\n"

ELU_BUGS = (
    Bug(
        name="elu_derivative_without_alpha",
        title="the derivative of elu leaves alpha out",
        kind="tier",
        op="elu",
        part="dx",
        edits=in_tiers(
            numpy=(ELU_DX, "np.where(x <= 0, dy * exp(np.minimum(x, 0)), dy)"),
            scalar=(ELU_DX_SCALAR, "[dyi * exp(xi) if xi <= 0 else dyi for xi, dyi in zip(x, dy, strict=True)]"),
        ),
        symptom="Nothing, as long as alpha is 1.",
        property="the derivative, at an alpha that is not 1",
        explanation="alpha (e**x - 1) has the derivative alpha e**x.",
        hint="Try alpha = 2.",
    ),
    Bug(
        name="elu_ignores_alpha",
        title="elu computes as if alpha were 1",
        kind="tier",
        op="elu",
        part="value",
        edits=in_tiers(
            numpy=(ELU_VALUE, "    y = np.where(x <= 0, expm1(np.minimum(x, 0)), x)\n"),
            scalar=(ELU_VALUE_SCALAR, "    y = [expm1(xi) if xi <= 0 else xi for xi in x]\n"),
        ),
        symptom="Nothing, as long as alpha is 1.",
        property="the value, at an alpha that is not 1",
        explanation="A parameter that is accepted and not used.",
        hint="Far to the left elu approaches -alpha. Does yours?",
    ),
    Bug(
        name="elu_derivative_of_y",
        title="the derivative of elu is alpha e**y, of the output where x is meant",
        kind="tier",
        op="elu",
        part="dx",
        edits=in_tiers(
            numpy=(ELU_DX, "np.where(x <= 0, dy * (alpha * exp(np.minimum(y, 0))), dy)"),
            scalar=(
                ELU_DX_SCALAR,
                "[dyi * (alpha * exp(yi)) if yi <= 0 else dyi for yi, dyi in zip(y, dy, strict=True)]",
            ),
        ),
        symptom="Learns; far to the left the slope is 0.37 alpha where it should vanish.",
        property="the derivative against complex step, at negative x",
        explanation="In terms of y the derivative is y + alpha, not alpha e**y.",
        hint="What slope do you get at x = -20?",
    ),
    Bug(
        name="elu_derivative_missing",
        title="the vjp of elu passes dy on unchanged",
        kind="tier",
        op="elu",
        part="dx",
        edits=in_tiers(numpy=(ELU_DX, "dy + 0"), scalar=(ELU_DX_SCALAR, "[dyi for dyi in dy]")),
        symptom="Learns, somewhat worse: units that are off are trained as if they were on.",
        property="the derivative, at negative x",
        explanation="To the left the slope is alpha e**x, which vanishes.",
        hint="At x = -20, a small change of x changes y by how much?",
    ),
    Bug(
        name="elu_is_relu_backward",
        title="the vjp of elu is that of relu: 0 at negative x",
        kind="tier",
        op="elu",
        part="dx",
        edits=in_tiers(
            numpy=(ELU_DX, "np.where(x <= 0, 0, dy)"),
            scalar=(ELU_DX_SCALAR, "[0.0 if xi <= 0 else dyi for xi, dyi in zip(x, dy, strict=True)]"),
        ),
        symptom="Learns as with relu: the advantage of elu, that units which are off can recover, is gone.",
        property="the derivative, at negative x",
        explanation="Between 0 and about -5 elu has a slope worth having.",
        hint="At x = -1, is y constant?",
    ),
    Bug(
        name="elu_minus_one_missing",
        title="elu is alpha e**x at negative x, the - 1 is missing",
        kind="tier",
        op="elu",
        part="value",
        edits=in_tiers(
            numpy=(ELU_VALUE, "    y = np.where(x <= 0, alpha * exp(np.minimum(x, 0)), x)\n"),
            scalar=(ELU_VALUE_SCALAR, "    y = [alpha * exp(xi) if xi <= 0 else xi for xi in x]\n"),
        ),
        symptom="Learns, less well: the function jumps at 0.",
        property="the value, at negative x",
        explanation="The derivative is the same with and without the constant, so only the value tells.",
        hint="What is elu just to the left of 0?",
    ),
    Bug(
        name="elu_overflows",
        title="elu computes e**x for positive x too, and throws it away",
        kind="tier",
        op="elu",
        part="value",
        edits=in_tiers(numpy=(ELU_VALUE, "    y = np.where(x <= 0, alpha * expm1(x), x)\n")),
        symptom="A warning of overflow once an input exceeds 709; the result is still right.",
        property="no warning for any finite input",
        explanation="np.where computes both branches for every element, and picks afterwards.",
        hint="Which elements does np.where hand to exp?",
    ),
)

TIER_BUGS = (*LINEAR_BUGS, *SIGMOID_BUGS, *TANH_BUGS, *RELU_BUGS, *ELU_BUGS, *LOSS_BUGS)
