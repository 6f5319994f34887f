"""Bugs of the regression losses: squared and absolute error."""

from ..bug import Bug, in_tiers

DIFFERENCE = "(lambda dloss: 2 * difference / y.shape[1] * dloss,)"
DIFFERENCE_VECTOR = "(lambda dloss: 2 * difference / len(y) * dloss,)"
DIFFERENCE_SCALAR = "(lambda dloss: [2 * d / len(y) * dloss for d in difference],)"
MSE = "loss = total(difference * difference, axis=1) / y.shape[1]"
MSE_VECTOR = "loss = total(difference * difference) / len(y)"
MSE_SCALAR = "loss = total([d * d for d in difference]) / len(y)"

SQUARED_ERROR_BUGS = (
    Bug(
        name="mse_gradient_without_2",
        title="the derivative of the squared error leaves out the factor 2",
        kind="tier",
        op="mean_squared_error",
        part="dy",
        edits=in_tiers(
            tensor=(DIFFERENCE, "(lambda dloss: difference / y.shape[1] * dloss,)"),
            vector=(DIFFERENCE_VECTOR, "(lambda dloss: difference / len(y) * dloss,)"),
            scalar=(DIFFERENCE_SCALAR, "(lambda dloss: [d / len(y) * dloss for d in difference],)"),
        ),
        symptom="No visible effect: the learning rate is effectively halved.",
        property="the derivative, checked by complex step",
        explanation="This is right for half the squared error, which many books use. Here loss and gradient disagree.",
        hint="What is the derivative of d**2?",
    ),
    Bug(
        name="mse_gradient_of_the_sum",
        title="the derivative of the squared error is not divided by the number of outputs",
        kind="tier",
        op="mean_squared_error",
        part="dy",
        edits=in_tiers(
            tensor=(DIFFERENCE, "(lambda dloss: 2 * difference * dloss,)"),
            vector=(DIFFERENCE_VECTOR, "(lambda dloss: 2 * difference * dloss,)"),
            scalar=(DIFFERENCE_SCALAR, "(lambda dloss: [2 * d * dloss for d in difference],)"),
        ),
        symptom="No visible effect with one output. With many outputs, steps are O times too large.",
        property="the derivative, checked by complex step with two or more outputs",
        explanation="The loss is a mean over the outputs, so its derivative must be divided by O too.",
        hint="Try two outputs. By what factor is each entry of the gradient off?",
    ),
    Bug(
        name="mse_gradient_sign",
        title="the derivative of the squared error is taken with respect to the target",
        kind="tier",
        op="mean_squared_error",
        part="dy",
        edits=in_tiers(
            tensor=(DIFFERENCE, "(lambda dloss: 2 * (target - y) / y.shape[1] * dloss,)"),
            vector=(DIFFERENCE_VECTOR, "(lambda dloss: 2 * (target - y) / len(y) * dloss,)"),
            scalar=(DIFFERENCE_SCALAR, "(lambda dloss: [-2 * d / len(y) * dloss for d in difference],)"),
        ),
        symptom="The loss rises from the first step.",
        property="the derivative, checked by complex step; or one step of training",
        explanation="(y - t)**2 and (t - y)**2 are equal, but with respect to y, the derivative of y - t is 1 and "
        "that of t - y is -1.",
        hint="y is larger than the target. Should the gradient be positive or negative?",
    ),
    Bug(
        name="mse_half",
        title="the loss is half the squared error",
        kind="tier",
        op="mean_squared_error",
        part="value",
        edits=in_tiers(
            tensor=(MSE, MSE.replace("total(", "0.5 * total(")),
            vector=(MSE_VECTOR, MSE_VECTOR.replace("total(", "0.5 * total(")),
            scalar=(MSE_SCALAR, MSE_SCALAR.replace("total(", "0.5 * total(")),
        ),
        symptom="The same training; the reported loss is half of what it should be.",
        property="the value, checked against the formula",
        explanation="Many books add a factor of 1/2, which cancels the 2 of the derivative. This loss has no such "
        "factor.",
        hint="What is the loss for y = 1 and target = 0?",
    ),
    Bug(
        name="mse_sum_over_outputs",
        title="the squared error is summed over the outputs instead of averaged",
        kind="tier",
        op="mean_squared_error",
        part="value",
        edits=in_tiers(
            tensor=(MSE, "loss = total(difference * difference, axis=1)"),
            vector=(MSE_VECTOR, "loss = total(difference * difference)"),
            scalar=(MSE_SCALAR, "loss = total([d * d for d in difference])"),
        ),
        symptom="The same training; the reported loss is O times too large.",
        property="the value, checked against the formula with two or more outputs",
        explanation="The right loss is a mean over the outputs and a sum over the samples, so that a batch agrees "
        "with its samples taken one by one.",
        hint="Try one output, then two equal ones. Should the loss change?",
    ),
    Bug(
        name="mse_averaged_over_samples",
        title="the squared error is averaged over the samples, and the network averages it again",
        kind="tier",
        op="mean_squared_error",
        part="value",
        edits=in_tiers(tensor=(MSE, MSE + " / len(y)")),
        symptom="The same training; the reported loss shrinks as the batch grows.",
        property="the value, checked on more than one sample",
        explanation="The network sums the losses of the samples and divides the sum by N, once. Here the loss is "
        "divided twice.",
        hint="Repeat the sample. By what factor should the sum of the losses grow?",
    ),
    Bug(
        name="mse_divided_by_samples",
        title="the squared error is divided by the number of samples instead of the number of outputs",
        kind="tier",
        op="mean_squared_error",
        part="value",
        edits=in_tiers(
            tensor=(
                (MSE, MSE.replace("y.shape[1]", "len(y)")),
                (DIFFERENCE, DIFFERENCE.replace("y.shape[1]", "len(y)")),
            ),
        ),
        symptom="The effective learning rate is off by the ratio of outputs to samples in a batch.",
        property="the value, checked against the formula with different numbers of samples and outputs",
        explanation="len of an array counts its rows: samples in a mini-batch, but outputs in a single sample.",
        hint="Repeat the sample. By what factor should the sum of the losses grow?",
    ),
    Bug(
        name="mse_absolute",
        title="the loss is the mean absolute error instead of the mean squared error",
        kind="tier",
        op="mean_squared_error",
        part="value",
        edits=in_tiers(
            tensor=(MSE, MSE.replace("difference * difference", "np.abs(difference)")),
            vector=(MSE_VECTOR, MSE_VECTOR.replace("difference * difference", "np.abs(difference)")),
            scalar=(MSE_SCALAR, MSE_SCALAR.replace("d * d for", "abs(d) for")),
        ),
        symptom="The same training, because the derivative is still that of the square. Only the reported loss "
        "differs.",
        property="the value, checked against the formula",
        explanation="|d| and d**2 are equal for errors of 0 and 1, so examples with such errors do not "
        "show the mistake.",
        hint="What is the loss for an error of 3?",
    ),
    Bug(
        name="mse_rooted",
        title="the loss is the root of the mean squared error",
        kind="tier",
        op="mean_squared_error",
        part="value",
        edits=in_tiers(
            tensor=(MSE, "loss = np.sqrt(total(difference * difference, axis=1) / y.shape[1])"),
            vector=(MSE_VECTOR, "loss = np.sqrt(total(difference * difference) / len(y))"),
            scalar=(MSE_SCALAR, "loss = (total([d * d for d in difference]) / len(y)) ** 0.5"),
        ),
        symptom="The same training, because the derivative is still that of the square. Only the reported loss "
        "differs.",
        property="the value, checked against the formula",
        explanation="The root has the units of the target and is good to report. But it is another loss, with another "
        "derivative.",
        hint="What is the loss for an error of 3?",
    ),
    Bug(
        name="mse_ignores_dloss",
        title="the vjp of the squared error ignores dloss",
        kind="tier",
        op="mean_squared_error",
        part="dy",
        edits=in_tiers(
            tensor=(DIFFERENCE, "(lambda dloss: 2 * difference / y.shape[1],)"),
            vector=(DIFFERENCE_VECTOR, "(lambda dloss: 2 * difference / len(y),)"),
            scalar=(DIFFERENCE_SCALAR, "(lambda dloss: [2 * d / len(y) for d in difference],)"),
        ),
        symptom="The gradients are those of the sum instead of the mean: steps are N times too large.",
        property="the derivative, checked for a dloss other than 1",
        explanation="The network starts the backward pass from 1/N, which arrives as dloss.",
        hint="Call the vjp with 1 and with 2. How should the results be related?",
    ),
)

ABSOLUTE_BUGS = (
    Bug(
        name="mae_gradient_without_sign",
        title="the derivative of the absolute error is 1, whatever the sign of the error",
        kind="tier",
        op="mean_absolute_error",
        part="dy",
        edits=in_tiers(
            scalar=("(1.0 * (d > 0) - (d < 0))", "(1.0 * (d > 0) + (d < 0))"),
            numpy=("np.sign(difference)", "np.abs(np.sign(difference))"),
        ),
        symptom="The net does not learn: the loss rises from the first step, by hundreds of powers of ten, and every "
        "answer is the same.",
        property="the derivative, checked by complex step with y below the target",
        explanation="For negative d, |d| falls as d grows, so its derivative is -1. With 1 everywhere, outputs that "
        "are too small are made even smaller.",
        hint="y is smaller than the target. Should the gradient be positive or negative?",
    ),
    Bug(
        name="mae_gradient_sign",
        title="the derivative of the absolute error is taken with respect to the target",
        kind="tier",
        op="mean_absolute_error",
        part="dy",
        edits=in_tiers(
            scalar=("(1.0 * (d > 0) - (d < 0))", "(1.0 * (d < 0) - (d > 0))"),
            numpy=("np.sign(difference)", "-np.sign(difference)"),
        ),
        symptom="The loss rises from the first step, by hundreds of powers of ten.",
        property="the derivative, checked by complex step; or one step of training",
        explanation="|y - t| and |t - y| are equal, but with respect to y, the derivative of y - t is 1 and that of t "
        "- y is -1.",
        hint="y is larger than the target. Should the gradient be positive or negative?",
    ),
    Bug(
        name="mae_gradient_of_the_sum",
        title="the derivative of the absolute error is not divided by the number of outputs",
        kind="tier",
        op="mean_absolute_error",
        part="dy",
        edits=in_tiers(
            scalar=("(1.0 * (d > 0) - (d < 0)) / len(y)", "(1.0 * (d > 0) - (d < 0))"),
            vector=("np.sign(difference) / len(y)", "np.sign(difference)"),
            tensor=("np.sign(difference) / y.shape[1]", "np.sign(difference)"),
        ),
        symptom="No visible effect with two outputs: the accuracy is the same to within two points. With many "
        "outputs, steps are O times too large.",
        property="the derivative, checked by complex step with two or more outputs",
        explanation="The loss is a mean over the outputs, so its derivative must be divided by O too. Here every step "
        "is O times as large as the learning rate asks for.",
        hint="Try two outputs. By what factor is each entry of the gradient off?",
    ),
    Bug(
        name="mae_gradient_of_the_square",
        title="the derivative of the absolute error is that of the squared error",
        kind="tier",
        op="mean_absolute_error",
        part="dy",
        edits=in_tiers(
            scalar=("(1.0 * (d > 0) - (d < 0))", "2 * d"),
            numpy=("np.sign(difference)", "2 * difference"),
        ),
        symptom="No visible effect: the accuracy is the same to within two points, and the loss to within a tenth.",
        property="the derivative, checked by complex step",
        explanation="The op was copied from the squared error, and only the value was changed. Outliers, which the "
        "absolute error was chosen to tolerate, pull as hard as before.",
        hint="Double the error. What should happen to the gradient of |d|?",
    ),
)
