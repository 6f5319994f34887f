"""Bugs of what the rest of the package asks of a tier: chunks, asarray, add_scaled."""

from ..bug import Bug, in_tiers

SUPPORT_BUGS = (
    Bug(
        name="add_scaled_not_in_place",
        title="add_scaled makes a new array and leaves the target as it was",
        kind="tier",
        op="add_scaled",
        part="value",
        edits=in_tiers(
            numpy=(
                "target += source if scale == 1 else scale * source",
                "target = target + (source if scale == 1 else scale * source)",
            ),
            scalar=(
                ("target[:] = starmap", "target = starmap"),
                ("target[:] = [", "target = ["),
            ),
        ),
        symptom="Does not learn at all: the loss is the same after every epoch.",
        property="the target has changed after the call",
        explanation="`target = ...` binds a name of the function's own; the caller's array is another object.",
        hint="After add_scaled(a, b, 1), has a changed?",
    ),
    Bug(
        name="add_scaled_ignores_scale",
        title="add_scaled leaves the scale out",
        kind="tier",
        op="add_scaled",
        part="value",
        edits=in_tiers(
            numpy=("source if scale == 1 else scale * source", "source"),
            scalar=("t + scale * s", "t + s"),
        ),
        symptom="Nothing, as long as all that is added comes with scale 1, as from this package's optimizers; the "
        "first program that leaves its learning rate to add_scaled diverges at once.",
        property="target + scale * source, for a scale that is not 1",
        explanation="A setting that every caller leaves at its usual value can be wrong for years.",
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
        symptom="In training nothing: one sample of each batch is never looked at. Predictions come out one short, as "
        "whoever compares them with labels will notice.",
        property="the chunks, put together, are the batch",
        explanation="An off-by-one in a slice. The mean is still divided by N, so steps are a little too small.",
        hint="Count the samples that come out.",
    ),
    Bug(
        name="asarray_float32",
        title="asarray makes float32 of everything",
        kind="tier",
        op="asarray",
        part="value",
        edits=in_tiers(
            numpy=(
                "return np.asarray(values, dtype)",
                "return np.asarray(values, 'float32' if dtype == 'float64' else dtype)",
            )
        ),
        symptom="Nothing to see; results agree with the other tiers to 7 digits only.",
        property="numbers come back as they went in, to the last bit",
        explanation="The default of several libraries is float32. It must be asked for, not slip in.",
        hint="Does 0.1 come back as 0.1?",
    ),
)
