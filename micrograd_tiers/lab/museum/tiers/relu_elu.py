"""Bugs of relu and elu."""

from ..bug import Bug, Edits, in_tiers

RELU = "(lambda dy: dy * (x > 0),)"
RELU_SCALAR = "(lambda dy: [dyi * (xi > 0) for xi, dyi in zip(x, dy, strict=True)],)"
RELU_VALUE = "y = np.maximum(x, 0)"
RELU_VALUE_SCALAR = "y = [0.0 if xi <= 0 else xi for xi in x]"


def _relu_dx(numpy: str, scalar: str) -> Edits:
    return in_tiers(
        numpy=(RELU, f"(lambda dy: {numpy},)"),
        scalar=(RELU_SCALAR, f"(lambda dy: [{scalar} for xi, dyi in zip(x, dy, strict=True)],)"),
    )


RELU_BUGS = (
    Bug(
        name="relu_mask_from_dy",
        title="the vjp of relu masks by the sign of dy instead of the sign of x",
        kind="tier",
        op="relu",
        part="dx",
        edits=_relu_dx("np.where(dy <= 0, 0, dy)", "0.0 if dyi <= 0 else dyi"),
        symptom="The net does not learn: negative gradients are dropped, and units that are off move.",
        property="the derivative, checked at negative dy and at negative x",
        explanation="Whether a unit is on is decided in the forward pass, by x. dy gives the direction of the change, "
        "and it may well be negative.",
        hint="At x = 2 and dy = -1, what should dx be?",
    ),
    Bug(
        name="relu_drops_negative_gradients",
        title="the vjp of relu passes only positive gradients",
        kind="tier",
        op="relu",
        part="dx",
        edits=_relu_dx("np.where((x <= 0) | (dy <= 0), 0, dy)", "0.0 if xi <= 0 or dyi <= 0 else dyi"),
        symptom="The net does not learn: units that are on can only be turned down.",
        property="the derivative, checked at negative dy; linearity in dy",
        explanation="This makes attractive pictures of what a net responds to (guided backpropagation, Springenberg "
        "et al. 2015), but it is not the derivative.",
        hint="At x = 2 and dy = -1, what should dx be?",
    ),
    Bug(
        name="relu_derivative_missing",
        title="the vjp of relu returns dy unchanged",
        kind="tier",
        op="relu",
        part="dx",
        edits=in_tiers(numpy=(RELU, "(lambda dy: dy.copy(),)"), scalar=(RELU_SCALAR, "(lambda dy: [*dy],)")),
        symptom="The net learns somewhat worse: units that are off are trained as if they were on.",
        property="the derivative, checked at negative x",
        explanation="For negative x, y is the constant 0, so a change of x has no effect.",
        hint="At x = -1, by how much does a small change of x change y?",
    ),
    Bug(
        name="relu_gradient_at_zero",
        title="the derivative of relu at 0 is 1 instead of 0",
        kind="tier",
        op="relu",
        part="dx",
        edits=_relu_dx("np.where(x < 0, 0, dy)", "0.0 if xi < 0 else dyi"),
        symptom="No effect until an input is exactly 0, as in a net whose weights start at zero.",
        property="the derivative, checked at exactly 0",
        explanation="At the kink, every number from 0 to 1 is a subgradient. The convention, here and in PyTorch, is "
        "0. Two programs with different conventions drift apart.",
        hint="Does x = 0 count as on or as off?",
    ),
    Bug(
        name="relu_ignores_dy",
        title="the vjp of relu returns the slope and ignores dy",
        kind="tier",
        op="relu",
        part="dx",
        edits=_relu_dx("np.where(x <= 0, 0.0, 1.0)", "0.0 if xi <= 0 else 1.0"),
        symptom="The net does not learn: the layers below get the same signal, whatever the error.",
        property="the derivative, checked for a dy other than 1; linearity in dy",
        explanation="A vjp maps dL/dy to dL/dx. Without dy it returns dy/dx, which is right only if dL/dy is 1.",
        hint="Double dy. What should happen to dx?",
    ),
    Bug(
        name="relu_mask_inverted",
        title="the vjp of relu passes dy where x is negative instead of positive",
        kind="tier",
        op="relu",
        part="dx",
        edits=_relu_dx("np.where(x <= 0, dy, 0)", "dyi if xi <= 0 else 0.0"),
        symptom="Only the last layer learns, on top of random features.",
        property="the derivative, checked at positive and at negative x",
        explanation="The mask is inverted.",
        hint="At x = 1, what is the slope?",
    ),
    Bug(
        name="relu_leaks",
        title="relu returns a hundredth of x where x is negative",
        kind="tier",
        op="relu",
        part="value",
        edits=in_tiers(
            numpy=(RELU_VALUE, "y = np.where(x <= 0, 0.01 * x, x)"),
            scalar=(RELU_VALUE_SCALAR, "y = [0.01 * xi if xi <= 0 else xi for xi in x]"),
        ),
        symptom="No visible effect.",
        property="the value, checked at negative x",
        explanation="This is the leaky ReLU, a different function. Its derivative for negative x is 0.01, not 0.",
        hint="What is relu of -1?",
    ),
    Bug(
        name="relu_hides_nan",
        title="relu turns NaN into 0",
        kind="tier",
        op="relu",
        part="value",
        edits=in_tiers(
            numpy=(RELU_VALUE, "y = np.where(x > 0, x, 0)"),
            scalar=(RELU_VALUE_SCALAR, "y = [xi if xi > 0 else 0.0 for xi in x]"),
        ),
        symptom="No effect as long as all is well. But a net whose weights have become NaN keeps predicting.",
        property="NaN in, NaN out",
        explanation="Every comparison with NaN is false, so `x > 0` treats it as a negative number. An earlier "
        "failure is hidden.",
        hint="What does relu return for NaN, and who would notice?",
    ),
    Bug(
        name="relu_overwrites_x",
        title="relu sets the negative entries of its input to 0, in place",
        kind="tier",
        op="relu",
        part="value",
        edits=in_tiers(
            numpy=(RELU_VALUE, "x[x <= 0] = 0\ny = x"),
            scalar=(RELU_VALUE_SCALAR, "x[:] = [0.0 if xi <= 0 else xi for xi in x]\ny = x"),
        ),
        symptom="No effect unless x is needed again: by a skip connection, by the layer below, or because it is the "
        "data itself.",
        property="an op changes none of its inputs",
        explanation="The array belongs to the caller. It may be the training set.",
        hint="Print x before and after the call.",
    ),
)

ELU_DX = "np.where(x <= 0, dy * (alpha * exp(np.minimum(x, 0))), dy)"
ELU_DX_SCALAR = (
    "pairs = zip(x, dy, strict=True)\nreturn [dyi * (alpha * exp(xi)) if xi <= 0 else dyi for xi, dyi in pairs]"
)
ELU_VALUE = "y = np.where(x <= 0, alpha * expm1(np.minimum(x, 0)), x)"
ELU_VALUE_SCALAR = "y = [alpha * expm1(xi) if xi <= 0 else xi for xi in x]"

ELU_BUGS = (
    Bug(
        name="elu_derivative_without_alpha",
        title="the derivative of elu leaves out alpha",
        kind="tier",
        op="elu",
        part="dx",
        edits=in_tiers(
            numpy=(ELU_DX, "np.where(x <= 0, dy * exp(np.minimum(x, 0)), dy)"),
            scalar=(ELU_DX_SCALAR, "return [dyi * exp(xi) if xi <= 0 else dyi for xi, dyi in zip(x, dy, strict=True)]"),
        ),
        symptom="No effect while alpha is 1.",
        property="the derivative, checked with an alpha other than 1",
        explanation="The derivative of alpha (e**x - 1) is alpha e**x.",
        hint="Try alpha = 2.",
    ),
    Bug(
        name="elu_ignores_alpha",
        title="elu ignores alpha and always uses 1",
        kind="tier",
        op="elu",
        part="value",
        edits=in_tiers(
            numpy=(ELU_VALUE, "y = np.where(x <= 0, expm1(np.minimum(x, 0)), x)"),
            scalar=(ELU_VALUE_SCALAR, "y = [expm1(xi) if xi <= 0 else xi for xi in x]"),
        ),
        symptom="No effect while alpha is 1.",
        property="the value, checked with an alpha other than 1",
        explanation="The parameter is accepted but not used.",
        hint="Far to the left, elu approaches -alpha. Does yours?",
    ),
    Bug(
        name="elu_derivative_of_y",
        title="the derivative of elu is alpha e**y, with the output in place of x",
        kind="tier",
        op="elu",
        part="dx",
        edits=in_tiers(
            numpy=(ELU_DX, "np.where(x <= 0, dy * (alpha * exp(np.minimum(y, 0))), dy)"),
            scalar=(
                ELU_DX_SCALAR,
                "return [dyi * (alpha * exp(yi)) if yi <= 0 else dyi for yi, dyi in zip(y, dy, strict=True)]",
            ),
        ),
        symptom="The net learns. Far to the left, the slope is 0.37 alpha, where it should vanish.",
        property="the derivative, checked by complex step at negative x",
        explanation="In terms of y the derivative is y + alpha, not alpha e**y.",
        hint="What slope do you get at x = -20?",
    ),
    Bug(
        name="elu_derivative_y_plus_one",
        title="the derivative of elu at negative x is y + 1 instead of y + alpha",
        kind="tier",
        op="elu",
        part="dx",
        edits=in_tiers(
            numpy=(ELU_DX, "np.where(x <= 0, dy * (y + 1), dy)"),
            scalar=(
                ELU_DX_SCALAR,
                "return [dyi * (yi + 1) if xi <= 0 else dyi for xi, yi, dyi in zip(x, y, dy, strict=True)]",
            ),
        ),
        symptom="No effect while alpha is 1.",
        property="the derivative, checked with an alpha other than 1",
        explanation="y = alpha e**x - alpha, so the derivative alpha e**x equals y + alpha.",
        hint="Try alpha = 2.",
    ),
    Bug(
        name="elu_alpha_in_the_exponent",
        title="elu at negative x is e**(alpha x) - 1 instead of alpha (e**x - 1)",
        kind="tier",
        op="elu",
        part="value",
        edits=in_tiers(
            numpy=(ELU_VALUE, "y = np.where(x <= 0, expm1(alpha * np.minimum(x, 0)), x)"),
            scalar=(ELU_VALUE_SCALAR, "y = [expm1(alpha * xi) if xi <= 0 else xi for xi in x]"),
        ),
        symptom="No effect while alpha is 1.",
        property="the value, checked with an alpha other than 1",
        explanation="alpha sets the limit far to the left, which is -alpha. In the exponent it would set how fast the "
        "limit is approached.",
        hint="Far to the left, elu approaches -alpha. Does yours?",
    ),
    Bug(
        name="elu_derivative_missing",
        title="the vjp of elu returns dy unchanged",
        kind="tier",
        op="elu",
        part="dx",
        edits=in_tiers(numpy=(ELU_DX, "dy.copy()"), scalar=(ELU_DX_SCALAR, "return [*dy]")),
        symptom="The net learns somewhat worse: units that are off are trained as if they were on.",
        property="the derivative, checked at negative x",
        explanation="For negative x the slope is alpha e**x, which vanishes far to the left.",
        hint="At x = -20, by how much does a small change of x change y?",
    ),
    Bug(
        name="elu_is_relu_backward",
        title="the vjp of elu is that of relu: 0 at negative x",
        kind="tier",
        op="elu",
        part="dx",
        edits=in_tiers(
            numpy=(ELU_DX, "np.where(x <= 0, 0, dy)"),
            scalar=(ELU_DX_SCALAR, "return [0.0 if xi <= 0 else dyi for xi, dyi in zip(x, dy, strict=True)]"),
        ),
        symptom="The net learns as it does with relu. The advantage of elu is lost: units that are off cannot recover.",
        property="the derivative, checked at negative x",
        explanation="Between 0 and about -5, elu has a slope that is large enough to learn from.",
        hint="At x = -1, is y constant?",
    ),
    Bug(
        name="elu_minus_one_missing",
        title="elu at negative x is alpha e**x: the - 1 is missing",
        kind="tier",
        op="elu",
        part="value",
        edits=in_tiers(
            numpy=(ELU_VALUE, "y = np.where(x <= 0, alpha * exp(np.minimum(x, 0)), x)"),
            scalar=(ELU_VALUE_SCALAR, "y = [alpha * exp(xi) if xi <= 0 else xi for xi in x]"),
        ),
        symptom="The net learns less well: the function jumps at 0.",
        property="the value, checked at negative x",
        explanation="The derivative is the same with and without the constant, so only the value shows the mistake.",
        hint="What is elu just to the left of 0?",
    ),
    Bug(
        name="elu_overflows",
        title="elu evaluates e**x for positive x too, and discards the result",
        kind="tier",
        op="elu",
        part="value",
        edits=in_tiers(numpy=(ELU_VALUE, "y = np.where(x <= 0, alpha * expm1(x), x)")),
        symptom="An overflow warning if an input exceeds 709. The result is still right.",
        property="no warning for any finite input",
        explanation="np.where evaluates both branches for every element and picks afterwards.",
        hint="For which elements does np.where evaluate the exponential?",
    ),
)
