"""Bugs of the support functions: chunks, asarray and add_scaled."""

from ..bug import Bug, in_tiers

SUPPORT_BUGS = (
    Bug(
        name="add_scaled_not_in_place",
        title="add_scaled creates a new array and leaves the target unchanged",
        kind="tier",
        op="add_scaled",
        part="value",
        edits=in_tiers(
            numpy=(
                "target += source if scale == 1 else scale * source",
                "target = target + (source if scale == 1 else scale * source)",
            ),
            scalar=(
                ("target[:] = [*map", "target = [*map"),
                ("target[:] = [t", "target = [t"),
            ),
        ),
        symptom="The net does not learn at all: the loss is the same after every epoch.",
        property="the target has changed after the call",
        explanation="`target = ...` rebinds a local name of the function. The caller's array is a different object.",
        hint="After add_scaled(a, b, 1), has a changed?",
    ),
    Bug(
        name="add_scaled_ignores_scale",
        title="add_scaled ignores the scale",
        kind="tier",
        op="add_scaled",
        part="value",
        edits=in_tiers(
            numpy=("source if scale == 1 else scale * source", "source"),
            scalar=("t + scale * s", "t + s"),
        ),
        symptom="No effect while every call has a scale of 1, as the calls of this package's optimizers do. The first "
        "program that passes its learning rate to add_scaled diverges at once.",
        property="target + scale * source, checked with a scale other than 1",
        explanation="An argument that every caller leaves at its usual value can be wrong for years.",
        hint="Try a scale of -0.5.",
    ),
    Bug(
        name="chunks_drops_the_last",
        title="chunks leaves out the last sample",
        kind="tier",
        op="chunks",
        part="value",
        edits=in_tiers(
            vector=("samples", "zip(*arrays, strict=True)", "zip(*(a[:-1] for a in arrays), strict=True)"),
            tensor=("whole_batch", "iter((arrays,))", "iter((tuple(a[:-1] for a in arrays),))"),
            scalar=("zip(*arrays, strict=True)", "zip(*(a[:-1] for a in arrays), strict=True)"),
        ),
        symptom="No visible effect in training: one sample of each batch is skipped. Predictions have one row too "
        "few, which shows when they are compared with labels.",
        property="the chunks, put together, are the whole batch",
        explanation="An off-by-one error in a slice. The sum is still divided by N, so steps are slightly too small.",
        hint="Count the samples in all chunks together.",
    ),
    Bug(
        name="asarray_float32",
        title="asarray converts floats to float32",
        kind="tier",
        op="asarray",
        part="value",
        edits=in_tiers(
            numpy=(
                "return np.asarray(values, dtype)",
                "return np.asarray(values, 'float32' if dtype == 'float64' else dtype)",
            )
        ),
        symptom="No visible effect, but the results agree with the other tiers to 7 digits only.",
        property="numbers come back unchanged, to the last bit",
        explanation="float32 is the default of several libraries. It should be used only on request.",
        hint="Does 0.1 come back as 0.1?",
    ),
)
