"""Bugs of the losses of regression: squared and absolute error."""

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
        title="the derivative of the squared error leaves the 2 out",
        kind="tier",
        op="mean_squared_error",
        part="dy",
        edits=in_tiers(
            tensor=(DIFFERENCE, "(lambda dloss: difference / y.shape[1] * dloss,)"),
            vector=(DIFFERENCE_VECTOR, "(lambda dloss: difference / len(y) * dloss,)"),
            scalar=(DIFFERENCE_SCALAR, "(lambda dloss: [d / len(y) * dloss for d in difference],)"),
        ),
        symptom="Nothing to see: the learning rate is half of what was asked for.",
        property="the derivative against complex step",
        explanation="It is right for half the squared error, which many books use; here loss and gradient disagree.",
        hint="The derivative of d**2?",
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
        symptom="Nothing to see with one output; with many, steps O times too large.",
        property="the derivative against complex step, for two outputs or more",
        explanation="The loss is a mean over the outputs, its derivative must be one too.",
        hint="Try two outputs. By what factor is each off?",
    ),
    Bug(
        name="mse_gradient_sign",
        title="the derivative of the squared error is that with respect to the target",
        kind="tier",
        op="mean_squared_error",
        part="dy",
        edits=in_tiers(
            tensor=(DIFFERENCE, "(lambda dloss: 2 * (target - y) / y.shape[1] * dloss,)"),
            vector=(DIFFERENCE_VECTOR, "(lambda dloss: 2 * (target - y) / len(y) * dloss,)"),
            scalar=(DIFFERENCE_SCALAR, "(lambda dloss: [-2 * d / len(y) * dloss for d in difference],)"),
        ),
        symptom="The loss rises from the first step.",
        property="the derivative against complex step, or one step of training",
        explanation="(y - t)**2 and (t - y)**2 are the same; their inner derivatives with respect to y are 1 and -1.",
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
        property="the value against the formula",
        explanation="Many books put in a factor 1/2 that makes the 2 of the derivative go away; this loss has none.",
        hint="What is the loss for y = 1 and target = 0?",
    ),
    Bug(
        name="mse_sum_over_outputs",
        title="the squared error is summed over the outputs, not averaged",
        kind="tier",
        op="mean_squared_error",
        part="value",
        edits=in_tiers(
            tensor=(MSE, "loss = total(difference * difference, axis=1)"),
            vector=(MSE_VECTOR, "loss = total(difference * difference)"),
            scalar=(MSE_SCALAR, "loss = total([d * d for d in difference])"),
        ),
        symptom="The same training; the reported loss is O times too large.",
        property="the value against the formula, for two outputs or more",
        explanation="Mean over the outputs, sum over the samples: a batch and its samples one by one then agree.",
        hint="Try one output, then two equal ones. Should the loss change?",
    ),
    Bug(
        name="mse_averaged_over_samples",
        title="the squared error is averaged over the samples, and the network averages it once more",
        kind="tier",
        op="mean_squared_error",
        part="value",
        edits=in_tiers(tensor=(MSE, MSE + " / len(y)")),
        symptom="The same training; the reported loss shrinks as the batch grows.",
        property="the value, for more than one sample",
        explanation="The losses of the samples are summed, and the network divides the sum by N, once.",
        hint="Give the same sample twice. By what factor should the loss grow?",
    ),
    Bug(
        name="mse_divided_by_samples",
        title="the squared error is divided by the number of samples in the place of the number of outputs",
        kind="tier",
        op="mean_squared_error",
        part="value",
        edits=in_tiers(
            tensor=(
                (MSE, MSE.replace("y.shape[1]", "len(y)")),
                (DIFFERENCE, DIFFERENCE.replace("y.shape[1]", "len(y)")),
            ),
        ),
        symptom="Learns with another learning rate: by the ratio of outputs to samples in a batch.",
        property="the value against the formula, where there are not as many samples as outputs",
        explanation="len of an array counts its rows: samples in a mini-batch, outputs in a single sample.",
        hint="Give the same sample twice. By what factor should the loss grow?",
    ),
    Bug(
        name="mse_absolute",
        title="the loss is the mean absolute error",
        kind="tier",
        op="mean_squared_error",
        part="value",
        edits=in_tiers(
            tensor=(MSE, MSE.replace("difference * difference", "np.abs(difference)")),
            vector=(MSE_VECTOR, MSE_VECTOR.replace("difference * difference", "np.abs(difference)")),
            scalar=(MSE_SCALAR, MSE_SCALAR.replace("d * d for", "abs(d) for")),
        ),
        symptom="The same training, if the derivative is that of the square; another loss is shown.",
        property="the value against the formula",
        explanation="|d| and d**2 are alike for errors near 1 and near 0.",
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
        symptom="The same training, if the derivative is that of the square; another loss is shown.",
        property="the value against the formula",
        explanation="It is in the units of the target, and good to report; but another loss, with another derivative.",
        hint="What is the loss for an error of 3?",
    ),
    Bug(
        name="mse_ignores_dloss",
        title="the vjp of the squared error leaves dloss out",
        kind="tier",
        op="mean_squared_error",
        part="dy",
        edits=in_tiers(
            tensor=(DIFFERENCE, "(lambda dloss: 2 * difference / y.shape[1],)"),
            vector=(DIFFERENCE_VECTOR, "(lambda dloss: 2 * difference / len(y),)"),
            scalar=(DIFFERENCE_SCALAR, "(lambda dloss: [2 * d / len(y) for d in difference],)"),
        ),
        symptom="Gradients are those of the sum, not of the mean: steps N times too large.",
        property="the derivative for a dloss that is not 1",
        explanation="The network starts the backward pass from 1/N, which comes in as dloss.",
        hint="Call the vjp with 2 and with 1.",
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
        symptom="Does not learn: the loss rises from the first step, by hundreds of powers of ten, and every answer is "
        "the same.",
        property="the derivative against complex step, where y is below the target",
        explanation="|d| falls where d is negative: its derivative there is -1. With 1 everywhere, outputs that are "
        "too small are told to become smaller still.",
        hint="y is smaller than the target. Should the gradient be positive or negative?",
    ),
    Bug(
        name="mae_gradient_sign",
        title="the derivative of the absolute error is that with respect to the target",
        kind="tier",
        op="mean_absolute_error",
        part="dy",
        edits=in_tiers(
            scalar=("(1.0 * (d > 0) - (d < 0))", "(1.0 * (d < 0) - (d > 0))"),
            numpy=("np.sign(difference)", "-np.sign(difference)"),
        ),
        symptom="The loss rises from the first step, by hundreds of powers of ten.",
        property="the derivative against complex step, or one step of training",
        explanation="|y - t| and |t - y| are the same; their inner derivatives with respect to y are 1 and -1.",
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
        symptom="Nothing to see with two outputs: the accuracy is the same to two points; with many, steps O times too "
        "large.",
        property="the derivative against complex step, for two outputs or more",
        explanation="The loss is a mean over the outputs, its derivative must be one too. Here every step is O times "
        "as large as the learning rate says.",
        hint="Try two outputs. By what factor is each off?",
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
        symptom="Nothing to see: the accuracy is the same to two points, and the loss to a tenth.",
        property="the derivative against complex step",
        explanation="Copied from the other loss, and only the value was changed. Outliers, which the absolute error "
        "was chosen to bear, pull as hard as before.",
        hint="Double the error. What should happen to the gradient of |d|?",
    ),
)
