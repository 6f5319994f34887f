"""Bugs of sigmoid and tanh."""

from ..bug import Bug, Edits, in_tiers

SIGMOID = "return dy * (e / (1 + (2 * e + e * e)))"
SIGMOID_SCALAR = "pairs = zip(dy, e, strict=True)\nreturn [dyi * (ei / (1 + (2 * ei + ei * ei))) for dyi, ei in pairs]"


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
        name="sigmoid_derivative_of_both",
        title="the derivative of sigmoid is y (1 - x): input and output mixed up",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=_sigmoid_slope("y * (1 - x)", "yi * (1 - xi)"),
        symptom="Learns badly, or diverges: large inputs get large slopes.",
        property="the derivative against complex step",
        explanation="y (1 - y) has the output in both places.",
        hint="Can the slope of sigmoid be negative?",
    ),
    Bug(
        name="sigmoid_forgets_its_call",
        title="the vjp of sigmoid uses the y of the last call, whichever that was",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=in_tiers(
            numpy=(
                ("def sigmoid(x):", "LAST = []\n\n\ndef sigmoid(x):"),
                ("y = np.maximum(e, x >= 0) / (1 + e)", "y = np.maximum(e, x >= 0) / (1 + e)\nLAST[:] = [e]"),
                (SIGMOID, f"e = LAST[0]\n{SIGMOID}"),
            ),
        ),
        symptom="One hidden layer and one batch at a time: nothing. Two layers with sigmoid, or one sample after the "
        "other through the whole net before any goes back: wrong gradients, or shapes that do not fit.",
        property="the derivative after the op was called again",
        explanation="What the derivative needs was kept in a place of which there is one for all calls. A vjp closes "
        "over the arrays of its own call.",
        hint="Call sigmoid twice, then the first vjp.",
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
            numpy=("y = np.maximum(e, x >= 0) / (1 + e)", "y = 1 / (1 + exp(-x))"),
            scalar=(
                "[(1 if xi >= 0 else ei) / (1 + ei) for xi, ei in zip(x, e, strict=True)]",
                "[1 / (1 + exp(-xi)) for xi in x]",
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
            numpy=("y = np.maximum(e, x >= 0) / (1 + e)", "y = np.maximum(e, x <= 0) / (1 + e)"),
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
        name="tanh_derivative_plus",
        title="the derivative of tanh is 1 + y**2",
        kind="tier",
        op="tanh",
        part="dx",
        edits=_tanh_slope("1 + y * y", "1 + yi * yi"),
        symptom="Learns less well: saturated units, which should rest, get the largest gradients.",
        property="the derivative against complex step, away from 0",
        explanation="A sign; 1 + tan**2 is the derivative of tan.",
        hint="What is the slope of tanh at x = 5?",
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
            numpy=("y = tanh_of(x)", "y = (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))"),
            scalar=("y = [tanh_of(xi) for xi in x]", "y = [(exp(xi) - exp(-xi)) / (exp(xi) + exp(-xi)) for xi in x]"),
        ),
        symptom="NaN, or OverflowError, once an input exceeds 709.",
        property="finite for every finite input",
        explanation="e**800 is infinite in floating point, and infinity over infinity is NaN.",
        hint="Try x = 800.",
    ),
)
