"""Bugs of sigmoid and tanh."""

from ..bug import Bug, Edits, in_tiers

SIGMOID = "return dy * (e / (1 + (2 * e + e * e)))"
SIGMOID_SCALAR = (
    "pairs = zip(dy, e, strict=True)\nreturn [dyi * (ei / (1.0 + (2.0 * ei + ei * ei))) for dyi, ei in pairs]"
)


def _times(numpy: str, scalar: str) -> tuple[str, str]:
    """Return lines that multiply dy by a slope, an expression of y and x (at the scalar tier, of yi and xi)."""
    used = [name for name in ("yi", "xi") if name in scalar]
    names, lists = ", ".join(["dyi", *used]), ", ".join(["dy", *(name[0] for name in used)])
    numpy, scalar = (slope if slope.isidentifier() else f"({slope})" for slope in (numpy, scalar))
    return f"return dy * {numpy}", f"return [dyi * {scalar} for {names} in zip({lists}, strict=True)]"


def _sigmoid_slope(numpy: str, scalar: str) -> Edits:
    """Return edits that replace the slope e / (1 + e)**2."""
    of_arrays, of_lists = _times(numpy, scalar)
    return in_tiers(numpy=(SIGMOID, of_arrays), scalar=(SIGMOID_SCALAR, of_lists))


SIGMOID_BUGS = (
    Bug(
        name="sigmoid_derivative_of_y",
        title="the derivative of sigmoid is evaluated at y instead of x",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=_sigmoid_slope("1 / (1 + exp(-y)) * (1 - 1 / (1 + exp(-y)))", "1 / (1 + exp(-yi)) ** 2 * exp(-yi)"),
        symptom="The net learns, but with a lower accuracy: no unit ever looks saturated.",
        property="the derivative, checked by complex step",
        explanation="A function `sigmoid_derivative(x)` was called with the activation y. Since y lies between 0 and "
        "1, the slope lies between 0.20 and 0.25 everywhere.",
        hint="At x = 10, sigmoid is flat. What slope do you get there?",
    ),
    Bug(
        name="sigmoid_derivative_of_tanh",
        title="the derivative of sigmoid is that of tanh, 1 - y**2",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=_sigmoid_slope("1 - y * y", "1 - yi * yi"),
        symptom="The net learns badly: the slope is largest far to the left, where sigmoid is flat.",
        property="the derivative, checked by complex step",
        explanation="1 - y**2 belongs to tanh. At x = 0 it gives 0.75, but the slope of sigmoid there is 0.25.",
        hint="What slope do you get at x = 0, and what does a plot of sigmoid show?",
    ),
    Bug(
        name="sigmoid_derivative_of_input",
        title="the derivative of sigmoid is x (1 - x), with the input in place of the output y",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=_sigmoid_slope("x * (1 - x)", "xi * (1 - xi)"),
        symptom="The net does not learn, or it diverges: large inputs get large slopes.",
        property="the derivative, checked by complex step",
        explanation="y (1 - y) is right. With x in place of y it is a parabola, negative for x below 0 and above 1.",
        hint="Can the slope of sigmoid be negative?",
    ),
    Bug(
        name="sigmoid_derivative_of_both",
        title="the derivative of sigmoid is y (1 - x): input and output are mixed up",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=_sigmoid_slope("y * (1 - x)", "yi * (1 - xi)"),
        symptom="The net learns badly, or it diverges: large inputs get large slopes.",
        property="the derivative, checked by complex step",
        explanation="In y (1 - y), both factors use the output.",
        hint="Can the slope of sigmoid be negative?",
    ),
    Bug(
        name="sigmoid_forgets_its_call",
        title="the vjp of sigmoid uses the stored values of the latest call instead of those of its own call",
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
        symptom="No effect with one hidden layer and one batch at a time. With two sigmoid layers, or if the "
        "forward passes of several samples come before their backward passes, gradients are wrong or shapes do not "
        "match.",
        property="the derivative, checked after the op has been called again",
        explanation="The values that the derivative needs are stored in one place for all calls. A vjp must close "
        "over the arrays of its own call.",
        hint="Call sigmoid twice, then call the vjp of the first call. Whose values does it use?",
    ),
    Bug(
        name="sigmoid_derivative_missing",
        title="the vjp of sigmoid returns dy unchanged",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=in_tiers(numpy=(SIGMOID, "return dy.copy()"), scalar=(SIGMOID_SCALAR, "return [*dy]")),
        symptom="The net learns faster at first and ends worse: the gradients of the layers below are at least four "
        "times too large.",
        property="the derivative, checked by complex step",
        explanation="The chain rule has one factor for every function on the path. This one is at most 1/4.",
        hint="At x = 0, by how much does a small change of x change y?",
    ),
    Bug(
        name="sigmoid_derivative_half",
        title="the derivative of sigmoid is 1 - y: the factor y is missing",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=_sigmoid_slope("1 - y", "1 - yi"),
        symptom="The net learns badly: units that are off move as if they were on.",
        property="the derivative, checked by complex step",
        explanation="y (1 - y) has two factors. Far to the left, where sigmoid is flat, 1 - y alone is 1.",
        hint="What slope do you get at x = -10, and how flat is sigmoid there?",
    ),
    Bug(
        name="sigmoid_derivative_is_y",
        title="the derivative of sigmoid is y: the factor 1 - y is missing",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=_sigmoid_slope("y", "yi"),
        symptom="The net learns less well: units that are fully on never come to rest.",
        property="the derivative, checked by complex step",
        explanation="y (1 - y) has two factors. y alone is the derivative of e**x, not of sigmoid.",
        hint="What slope do you get at x = 10, and how flat is sigmoid there?",
    ),
    Bug(
        name="sigmoid_ignores_dy",
        title="the vjp of sigmoid returns the slope and ignores dy",
        kind="tier",
        op="sigmoid",
        part="dx",
        edits=in_tiers(
            numpy=(SIGMOID, "return e / ((1 + e) * (1 + e))"),
            scalar=(SIGMOID_SCALAR, "return [ei / ((1 + ei) * (1 + ei)) for ei in e]"),
        ),
        symptom="The net does not learn: the layers below get the same signal, whatever the error.",
        property="the derivative, checked for a dy other than 1; linearity in dy",
        explanation="A vjp maps dL/dy to dL/dx. Without dy it returns dy/dx, which is right only if dL/dy is 1.",
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
                "[(1.0 if xi >= 0 else ei) / (1.0 + ei) for xi, ei in zip(x, e, strict=True)]",
                "[1 / (1 + exp(-xi)) for xi in x]",
            ),
        ),
        symptom="An OverflowError or a warning if an input is below -709. In NumPy the result is still right.",
        property="no warning for any finite input",
        explanation="e**-x exceeds the largest float if x is below -709.78. For negative x, the form e**x / (1 + "
        "e**x) avoids this, because e**x is at most 1.",
        hint="What is e**800 in floating point? Which of the two forms of sigmoid avoids it, and for which sign of x?",
    ),
    Bug(
        name="sigmoid_of_minus_x",
        title="sigmoid is mirrored: 1 / (1 + e**x)",
        kind="tier",
        op="sigmoid",
        part="value",
        edits=in_tiers(
            numpy=("y = np.maximum(e, x >= 0) / (1 + e)", "y = np.maximum(e, x <= 0) / (1 + e)"),
            scalar=("(1.0 if xi >= 0 else ei) / (1.0 + ei)", "(ei if xi >= 0 else 1.0) / (1.0 + ei)"),
        ),
        symptom="The net does not learn: the layers below climb where they should descend.",
        property="the value, checked against the formula",
        explanation="A sign was lost in the exponent. y falls where it should rise, but the derivative is still that "
        "of the rising function.",
        hint="What is sigmoid of a large positive number?",
    ),
)

TANH = "return dy * (sech * sech)"
TANH_SCALAR = "return [dyi * (si * si) for dyi, si in zip(dy, sech, strict=True)]"


def _tanh_slope(numpy: str, scalar: str) -> Edits:
    of_arrays, of_lists = _times(numpy, scalar)
    return in_tiers(numpy=(TANH, of_arrays), scalar=(TANH_SCALAR, of_lists))


TANH_BUGS = (
    Bug(
        name="tanh_derivative_of_input",
        title="the derivative of tanh is 1 - x**2, with the input in place of the output y",
        kind="tier",
        op="tanh",
        part="dx",
        edits=_tanh_slope("1 - x * x", "1 - xi * xi"),
        symptom="The net learns while the inputs are small, then diverges: beyond 1 and -1 the slope is negative.",
        property="the derivative, checked by complex step",
        explanation="1 - y**2 is right. Near 0, x and y are nearly equal, and the mistake does not show.",
        hint="Can the slope of tanh be negative?",
    ),
    Bug(
        name="tanh_derivative_of_sigmoid",
        title="the derivative of tanh is that of sigmoid, y (1 - y)",
        kind="tier",
        op="tanh",
        part="dx",
        edits=_tanh_slope("y * (1 - y)", "yi * (1 - yi)"),
        symptom="The net learns badly: no gradient passes at 0, where tanh is steepest.",
        property="the derivative, checked by complex step",
        explanation="y (1 - y) belongs to sigmoid. For tanh it is 0 at x = 0 and negative to the left of 0.",
        hint="What slope do you get at x = 0?",
    ),
    Bug(
        name="tanh_derivative_without_square",
        title="the derivative of tanh is 1 - y: the square is missing",
        kind="tier",
        op="tanh",
        part="dx",
        edits=_tanh_slope("1 - y", "1 - yi"),
        symptom="The net learns, but less stably: far to the left, where tanh is flat, the slope is 2.",
        property="the derivative, checked by complex step",
        explanation="The slope of an odd function is even, as 1 - y**2 is. 1 - y is right only at y = 0 and y = 1.",
        hint="Compare the slopes at x = 3 and at x = -3.",
    ),
    Bug(
        name="tanh_derivative_plus",
        title="the derivative of tanh is 1 + y**2",
        kind="tier",
        op="tanh",
        part="dx",
        edits=_tanh_slope("1 + y * y", "1 + yi * yi"),
        symptom="The net learns less well: saturated units, which should hardly move, get the largest gradients.",
        property="the derivative, checked by complex step away from 0",
        explanation="A sign error. 1 + tan**2 is the derivative of tan.",
        hint="What is the slope of tanh at x = 5?",
    ),
    Bug(
        name="tanh_derivative_missing",
        title="the vjp of tanh returns dy unchanged",
        kind="tier",
        op="tanh",
        part="dx",
        edits=in_tiers(numpy=(TANH, "return dy.copy()"), scalar=(TANH_SCALAR, "return [*dy]")),
        symptom="No visible effect in a small net: near 0 the slope is 1.",
        property="the derivative, checked by complex step away from 0",
        explanation="The chain rule has one factor for every function on the path. Without it, saturated units keep "
        "moving.",
        hint="What is the slope of tanh at x = 5?",
    ),
    Bug(
        name="tanh_ignores_dy",
        title="the vjp of tanh returns the slope and ignores dy",
        kind="tier",
        op="tanh",
        part="dx",
        edits=in_tiers(numpy=(TANH, "return sech * sech"), scalar=(TANH_SCALAR, "return [si * si for si in sech]")),
        symptom="The net does not learn: the layers below get the same signal, whatever the error.",
        property="the derivative, checked for a dy other than 1; linearity in dy",
        explanation="A vjp maps dL/dy to dL/dx. Without dy it returns dy/dx, which is right only if dL/dy is 1.",
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
        symptom="NaN or an OverflowError if an input exceeds 709.",
        property="a finite value for every finite input",
        explanation="e**800 is infinite in floating point, and infinity divided by infinity is NaN.",
        hint="Try x = 800.",
    ),
)
