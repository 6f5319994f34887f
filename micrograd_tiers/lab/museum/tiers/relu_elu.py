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
        name="relu_drops_negative_gradients",
        title="the vjp of relu lets only positive gradients through",
        kind="tier",
        op="relu",
        part="dx",
        edits=_relu_dx("np.where((x <= 0) | (dy <= 0), 0, dy)", "0.0 if xi <= 0 or dyi <= 0 else dyi"),
        symptom="Does not learn: units that are on can only be turned down.",
        property="the derivative, at negative dy; linearity in dy",
        explanation="That makes pretty pictures of what a net looks at (guided backpropagation, Springenberg et al. "
        "2015), and is no derivative.",
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
            numpy=(RELU_VALUE, "y = np.where(x <= 0, 0.01 * x, x)"),
            scalar=(RELU_VALUE_SCALAR, "y = [0.01 * xi if xi <= 0 else xi for xi in x]"),
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
            numpy=(RELU_VALUE, "y = np.where(x > 0, x, 0)"),
            scalar=(RELU_VALUE_SCALAR, "y = [xi if xi > 0 else 0.0 for xi in x]"),
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
            numpy=(RELU_VALUE, "x[x <= 0] = 0\ny = x"),
            scalar=(RELU_VALUE_SCALAR, "x[:] = [0.0 if xi <= 0 else xi for xi in x]\ny = x"),
        ),
        symptom="Nothing, as long as nobody needs x again: a skip connection, or the layer below, or the data itself.",
        property="no input changes",
        explanation="The array belongs to the caller; it may be the training set.",
        hint="Print x before and after.",
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
        title="the derivative of elu leaves alpha out",
        kind="tier",
        op="elu",
        part="dx",
        edits=in_tiers(
            numpy=(ELU_DX, "np.where(x <= 0, dy * exp(np.minimum(x, 0)), dy)"),
            scalar=(ELU_DX_SCALAR, "return [dyi * exp(xi) if xi <= 0 else dyi for xi, dyi in zip(x, dy, strict=True)]"),
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
            numpy=(ELU_VALUE, "y = np.where(x <= 0, expm1(np.minimum(x, 0)), x)"),
            scalar=(ELU_VALUE_SCALAR, "y = [expm1(xi) if xi <= 0 else xi for xi in x]"),
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
                "return [dyi * (alpha * exp(yi)) if yi <= 0 else dyi for yi, dyi in zip(y, dy, strict=True)]",
            ),
        ),
        symptom="Learns; far to the left the slope is 0.37 alpha where it should vanish.",
        property="the derivative against complex step, at negative x",
        explanation="In terms of y the derivative is y + alpha, not alpha e**y.",
        hint="What slope do you get at x = -20?",
    ),
    Bug(
        name="elu_derivative_y_plus_one",
        title="the derivative of elu is y + 1 at negative x, where y + alpha is meant",
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
        symptom="Nothing, as long as alpha is 1.",
        property="the derivative, at an alpha that is not 1",
        explanation="y = alpha e**x - alpha, so its derivative alpha e**x is y + alpha.",
        hint="Try alpha = 2.",
    ),
    Bug(
        name="elu_alpha_in_the_exponent",
        title="elu is e**(alpha x) - 1 at negative x",
        kind="tier",
        op="elu",
        part="value",
        edits=in_tiers(
            numpy=(ELU_VALUE, "y = np.where(x <= 0, expm1(alpha * np.minimum(x, 0)), x)"),
            scalar=(ELU_VALUE_SCALAR, "y = [expm1(alpha * xi) if xi <= 0 else xi for xi in x]"),
        ),
        symptom="Nothing, as long as alpha is 1.",
        property="the value, at an alpha that is not 1",
        explanation="alpha is what is approached far to the left, with a minus; in the exponent it would say how soon.",
        hint="Far to the left elu approaches -alpha. Does yours?",
    ),
    Bug(
        name="elu_derivative_missing",
        title="the vjp of elu passes dy on unchanged",
        kind="tier",
        op="elu",
        part="dx",
        edits=in_tiers(numpy=(ELU_DX, "dy + 0"), scalar=(ELU_DX_SCALAR, "return [*dy]")),
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
            scalar=(ELU_DX_SCALAR, "return [0.0 if xi <= 0 else dyi for xi, dyi in zip(x, dy, strict=True)]"),
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
            numpy=(ELU_VALUE, "y = np.where(x <= 0, alpha * exp(np.minimum(x, 0)), x)"),
            scalar=(ELU_VALUE_SCALAR, "y = [alpha * exp(xi) if xi <= 0 else xi for xi in x]"),
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
        edits=in_tiers(numpy=(ELU_VALUE, "y = np.where(x <= 0, alpha * expm1(x), x)")),
        symptom="A warning of overflow once an input exceeds 709; the result is still right.",
        property="no warning for any finite input",
        explanation="np.where computes both branches for every element, and picks afterwards.",
        hint="Which elements does np.where hand to exp?",
    ),
)
