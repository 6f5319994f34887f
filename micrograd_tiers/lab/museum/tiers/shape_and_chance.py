"""Bugs of reshape and dropout."""

from ..bug import Bug, in_tiers

RESHAPED = "return x.reshape({shape}), (lambda dy: dy.reshape(x.shape).copy(),)"

SHAPE_AND_CHANCE_BUGS = (
    Bug(
        name="reshape_dx_column_major",
        title="dL/dx of reshape puts the numbers back column by column",
        kind="tier",
        op="reshape",
        part="dx",
        edits=in_tiers(numpy=("dy.reshape(x.shape).copy()", 'dy.reshape(x.shape, order="F").copy()')),
        symptom="It learns, more slowly, and stays two to nine points behind: the layers above it do not mind.",
        property="the derivative, where there is more than one row",
        explanation="The shape fits and the numbers are the right ones, but each goes to another place: channels and "
        "pixels get each other's gradients.",
        hint="Let dy be x, reshaped. What should come back?",
    ),
    Bug(
        name="reshape_column_major",
        title="reshape reads and fills column by column, not row by row",
        kind="tier",
        op="reshape",
        part="value",
        edits=in_tiers(
            vector=(
                RESHAPED.format(shape="shape"),
                'return x.reshape(shape, order="F"), (lambda dy: dy.reshape(x.shape, order="F").copy(),)',
            ),
            tensor=(
                RESHAPED.format(shape="len(x), *shape"),
                'return x.reshape(len(x), *shape, order="F"), (lambda dy: dy.reshape(x.shape, order="F").copy(),)',
            ),
        ),
        symptom="Nothing to see: the curves are those of other starting weights. Weights from another program give "
        "nonsense.",
        property="the value against the formula, where there is more than one row",
        explanation="MATLAB, R and Fortran keep arrays this way. Images come out mirrored at their diagonal, and "
        "features in another order: consistently, so the net learns all the same. Weights that were trained "
        "elsewhere meet the wrong features.",
        hint="Give the numbers 0, 1, 2, ... the shape (2, 3). What is in the first row?",
    ),
    Bug(
        name="reshape_dx_is_a_view",
        title="dL/dx of reshape is dy itself, seen in another shape",
        kind="tier",
        op="reshape",
        part="dx",
        edits=in_tiers(numpy=("dy.reshape(x.shape).copy()", "dy.reshape(x.shape)")),
        symptom="Nothing to see: not a digit differs, as long as nobody writes into a gradient.",
        property="what a vjp returns may be changed, and dy stays as it is",
        explanation="Two names for the same storage. Whoever adds a second gradient to dx in place changes dy too, "
        "which somebody else may still need.",
        hint="Add 1 to what the vjp returned. What is dy now?",
    ),
    Bug(
        name="dropout_backward_unscaled",
        title="the backward pass of dropout drops as the forward pass does, and forgets 1 / (1 - p)",
        kind="tier",
        op="dropout",
        part="dx",
        edits=in_tiers(
            scalar=("elementwise(mul, dy, mask)", "elementwise(lambda d, m: d * (m > 0), dy, mask)"),
            numpy=("(lambda dy: dy * mask,)", "(lambda dy: dy * (mask > 0),)"),
        ),
        symptom="Nothing to see: it learns a little more slowly, and ends a point behind.",
        property="the derivative, with a mask that is not only 0 and 1",
        explanation="y is x times the mask, so dL/dx is dy times the same mask, factor included. The layers below "
        "learn by a factor of 1 - p too slowly for each dropout on the way.",
        hint="If x grows by 1, by how much does y grow?",
    ),
    Bug(
        name="dropout_dx_not_masked",
        title="the gradient goes back through what was dropped, too",
        kind="tier",
        op="dropout",
        part="dx",
        edits=in_tiers(
            scalar=("elementwise(mul, dy, mask)", "elementwise(lambda d: d, dy)"),
            numpy=("(lambda dy: dy * mask,)", "(lambda dy: dy.copy(),)"),
        ),
        symptom="It learns something, and stays 12 to 16 points behind.",
        property="the derivative is 0 where the mask is",
        explanation="A number that was dropped had no part in the output, so its derivative is 0. Here it is told to "
        "change all the same.",
        hint="A number was dropped. If it had been larger, what would have changed?",
    ),
)
