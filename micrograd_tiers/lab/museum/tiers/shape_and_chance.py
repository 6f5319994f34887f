"""Bugs of reshape and dropout."""

from ..bug import Bug, in_tiers

RESHAPED = "return x.reshape({shape}), (lambda dy: dy.reshape(x.shape).copy(),)"

SHAPE_AND_CHANCE_BUGS = (
    Bug(
        name="reshape_dx_column_major",
        title="dL/dx of reshape reads and fills column by column instead of row by row",
        kind="tier",
        op="reshape",
        part="dx",
        edits=in_tiers(numpy=("dy.reshape(x.shape).copy()", 'dy.reshape(x.shape, order="F").copy()')),
        symptom="The net learns more slowly and stays two to nine points behind. The layers above are not affected.",
        property="the derivative, checked with more than one row",
        explanation="The shape is right and so are the numbers, but each lands in a different place: channels and "
        "pixels get each other's gradients.",
        hint="Let dy be x, reshaped. What should the vjp return?",
    ),
    Bug(
        name="reshape_column_major",
        title="reshape reads and fills column by column instead of row by row",
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
        symptom="No visible effect: the curves look like those of different starting weights. Weights from another "
        "program give nonsense.",
        property="the value, checked against the formula with more than one row",
        explanation="MATLAB, R and Fortran store arrays this way. Images are mirrored along their diagonal and "
        "features change their order, but always in the same way, so the net still learns. Weights that were trained "
        "elsewhere meet the wrong features.",
        hint="Reshape the numbers 0 to 5 to the shape (2, 3). What is in the first row?",
    ),
    Bug(
        name="reshape_dx_is_a_view",
        title="dL/dx of reshape is a view of dy instead of a copy",
        kind="tier",
        op="reshape",
        part="dx",
        edits=in_tiers(numpy=("dy.reshape(x.shape).copy()", "dy.reshape(x.shape)")),
        symptom="No visible effect: not a digit differs, as long as nobody writes into a gradient.",
        property="changing the array that a vjp returns does not change dy",
        explanation="Two names for the same memory. Code that adds a second gradient to dx in place also changes dy, "
        "which may still be needed.",
        hint="Add 1 to the returned gradient in place. What is dy now?",
    ),
    Bug(
        name="dropout_backward_unscaled",
        title="the vjp of dropout masks dy but leaves out the factor 1 / (1 - p)",
        kind="tier",
        op="dropout",
        part="dx",
        edits=in_tiers(
            scalar=("elementwise(mul, dy, mask)", "elementwise(lambda d, m: d * (m > 0), dy, mask)"),
            numpy=("(lambda dy: dy * mask,)", "(lambda dy: dy * (mask > 0),)"),
        ),
        symptom="No visible effect: the net learns slightly more slowly and ends a point behind.",
        property="the derivative, checked with a mask whose values are not only 0 and 1",
        explanation="y is x times the mask, so dL/dx is dy times the same mask, factor included. Each dropout on the "
        "path slows the layers below by a factor of 1 - p.",
        hint="If x grows by 1, by how much does y grow?",
    ),
    Bug(
        name="dropout_dx_not_masked",
        title="the vjp of dropout passes dy through dropped entries too",
        kind="tier",
        op="dropout",
        part="dx",
        edits=in_tiers(
            scalar=("elementwise(mul, dy, mask)", "elementwise(lambda d: d, dy)"),
            numpy=("(lambda dy: dy * mask,)", "(lambda dy: dy.copy(),)"),
        ),
        symptom="The net learns something and stays 12 to 16 points behind.",
        property="the derivative is 0 where the mask is 0",
        explanation="A dropped entry has no part in the output, so its derivative is 0. Here it is asked to change "
        "all the same.",
        hint="Suppose a dropped entry had been larger. What would have changed?",
    ),
)
