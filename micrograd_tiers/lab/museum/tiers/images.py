"""Bugs of convolution and pooling."""

from ..bug import Bug, in_tiers

# Snippets that are used more than once or are long.
MIRRORED_KERNELS = "weight[:, :, ::-1, ::-1]"
MIRRORED = f"{MIRRORED_KERNELS}.reshape(len(weight), -1)"
MIRRORED_LISTS = "[[w for channel in kernel for w in flat(channel)[::-1]] for kernel in weight]"
COVERED = "window += dcell"
SPREAD = "sum_over_outputs(weight, dy, shape, stride)"
CROPPED = f"unpadded({SPREAD}, padding)"
CROPPED_VECTOR = "unpadded(dimage, padding).copy()"
FROM_THE_CORNER = "dimage[..., : x.shape[-2], : x.shape[-1]].copy()"
DBIAS = "total(total(dy.reshape(*dy.shape[:2], -1), axis=2), axis=0)"

CONV2D_BUGS = (
    Bug(
        name="conv2d_bias_missing",
        title="conv2d does not add the bias",
        kind="tier",
        op="conv2d",
        part="value",
        edits=in_tiers(
            scalar=("dot(row, xs) + b", "dot(row, xs)"),
            vector=("matmul(rows, covered) + bias[:, None]", "matmul(rows, covered)"),
            tensor=("sum_over_window(weight, covered) + bias[:, None, None]", "sum_over_window(weight, covered)"),
        ),
        symptom="No visible effect: biases start at 0, and the net does as well without them.",
        property="the value, checked against the formula with a nonzero bias",
        explanation="The vjps are right for the op that was meant, so the bias is trained and then ignored. Every "
        "test that leaves the bias at its starting value of 0 passes.",
        hint="Set x to zeros. What should conv2d return?",
    ),
    Bug(
        name="conv2d_dx_kernel_flipped",
        title="dL/dx of conv2d uses the mirrored kernel",
        kind="tier",
        op="conv2d",
        part="dx",
        edits=in_tiers(
            scalar=("zip(*rows, strict=True)", f"zip(*{MIRRORED_LISTS}, strict=True)"),
            vector=("rows.T", f"{MIRRORED}.T"),
            tensor=("sum_over_outputs(weight, dy", f"sum_over_outputs({MIRRORED_KERNELS}, dy"),
        ),
        symptom="The net learns more slowly and stays up to six points behind.",
        property="dL/dx, checked with a kernel that is not symmetric",
        explanation="Books say that dL/dx is a convolution with the flipped kernel. That holds if a window moves over "
        "dy. Here each entry of dy is spread over the window that it came from, and the kernel is not flipped.",
        hint="x[h, w] meets weight[i, j] at the position (h - i, w - j). Which weight carries dy from there back to x?",
    ),
    Bug(
        name="conv2d_true_convolution",
        title="conv2d mirrors the kernels before applying them to the image",
        kind="tier",
        op="conv2d",
        part="value",
        edits=in_tiers(
            vector=(
                ("rows = weight.reshape(len(weight), -1)", f"rows = {MIRRORED}"),
                (
                    "matmul(dy.reshape(flat), covered.T).reshape(weight.shape)",
                    "matmul(dy.reshape(flat), covered.T).reshape(weight.shape)[:, :, ::-1, ::-1].copy()",
                ),
            ),
            tensor=(
                ("sum_over_window(weight, covered)", f"sum_over_window({MIRRORED_KERNELS}, covered)"),
                ("sum_over_positions(dy, covered)", "sum_over_positions(dy, covered)[:, :, ::-1, ::-1].copy()"),
            ),
        ),
        symptom="No visible effect: the curves look like those of different starting weights. Weights from another "
        "program give nonsense.",
        property="the value, checked against the formula with a kernel of more than one pixel that is not symmetric",
        explanation="Mathematics calls this a convolution. Nets compute the correlation, without mirroring. Value and "
        "derivatives match, so the net learns the mirror images of its kernels. Weights that were trained elsewhere "
        "mean something else here.",
        hint="Let the kernel be 1 in its upper left corner and 0 elsewhere. In which direction does the image move?",
    ),
    Bug(
        name="conv2d_dx_last_row_dropped",
        title="the loop in dL/dx of conv2d ends one row of positions too early",
        kind="tier",
        op="conv2d",
        part="dx",
        edits=in_tiers(
            scalar=(
                "positions_backwards(places, *map(flat, dy))",
                "positions_backwards(places[: -shape[1]], *(flat(dyo)[: -shape[1]] for dyo in dy))",
            ),
            vector=(COVERED, "window[..., :-1, :] += dcell[..., :-1, :]"),
            tensor=(SPREAD, SPREAD.replace("dy", "dy[:, :, :-1]")),
        ),
        symptom="No visible effect, or a slow start: the accuracy is the same to within one to three points.",
        property="dL/dx, checked on a single row of positions too",
        explanation="An off-by-one error. The lower edge of the image gets too little gradient, and with a single row "
        "of positions nothing comes back at all. The weights below are shared by all rows and learn from the others.",
        hint="Turn x, the kernel and dy upside down. Does dx turn upside down too?",
    ),
    Bug(
        name="conv2d_dx_padding_cropped_at_the_end",
        title="dL/dx of conv2d crops the padding only at the bottom and the right: [:H] instead of [p : p + H]",
        kind="tier",
        op="conv2d",
        part="dx",
        edits=in_tiers(
            scalar=(
                "return unpadded(dimage, padding)",
                "return [[row[: len(x[0][0])] for row in channel[: len(x[0])]] for channel in dimage]",
            ),
            vector=(CROPPED_VECTOR, FROM_THE_CORNER),
            tensor=(CROPPED, FROM_THE_CORNER.replace("dimage", SPREAD)),
        ),
        symptom="The net learns and stays some three to six points behind. No effect with a single layer or without "
        "padding.",
        property="dL/dx, checked with padding",
        explanation="The shape is right, so there is no error, but every pixel gets the gradient of its neighbor at "
        "the upper left. Without padding, the result is right.",
        hint="Where in the padded image is the pixel x[0, 0]?",
    ),
    Bug(
        name="conv2d_dx_stride_ignored",
        title="dL/dx of conv2d spreads dy as if the stride were 1",
        kind="tier",
        op="conv2d",
        part="dx",
        edits=in_tiers(
            vector=(
                ("windows(dimage, size, stride)", "windows(dimage, size, 1)"),
                (COVERED, "window[..., : dcell.shape[-2], : dcell.shape[-1]] += dcell"),
            ),
            tensor=(SPREAD, SPREAD.replace("stride", "1")),
        ),
        symptom="The net learns and stays five to ten points behind. No effect with a stride of 1.",
        property="dL/dx, checked with a stride above 1",
        explanation="dy[r, s] belongs to the window that starts at row r * stride and column s * stride. Without the "
        "factor, all of dy goes to the upper left of the image. Nearly all layers have a stride of 1, where this is "
        "right.",
        hint="Which pixels does the last window cover, and does their gradient come from it?",
    ),
    Bug(
        name="conv2d_dx_overlap_assigned",
        title="dL/dx of conv2d assigns instead of adding where windows overlap",
        kind="tier",
        op="conv2d",
        part="dx",
        edits=in_tiers(
            scalar=("+= next(dcovered)", "= next(dcovered)"),
            vector=(COVERED, "window[...] = dcell"),
            tensor=(
                ("sum_over_outputs", "i : i + stride * R : stride] += of_row", "i : i + stride * R : stride] = of_row"),
                (
                    "sum_over_outputs",
                    "j : j + stride * S : stride] += dcolumn",
                    "j : j + stride * S : stride] = dcolumn",
                ),
            ),
        ),
        symptom="Almost no visible effect: the net learns more slowly and ends a point or two behind.",
        property="dL/dx, checked with overlapping windows",
        explanation="A pixel acts through every window that covers it, so its gradient is a sum. NumPy makes the "
        "mistake easy: image[rows, columns] += d adds only once to a place that is indexed twice.",
        hint="From how many positions does a 3 x 3 kernel cover a pixel? How many of them contribute to its dx?",
    ),
    Bug(
        name="conv2d_dbias_averaged_over_positions",
        title="dL/dbias of conv2d is averaged over the positions instead of summed",
        kind="tier",
        op="conv2d",
        part="dbias",
        edits=in_tiers(
            scalar=("[total(d) for d in map(flat, dy)]", "[total(d) / len(d) for d in map(flat, dy)]"),
            vector=("return total(dy.reshape(flat), axis=1)", "return total(dy.reshape(flat), axis=1) / flat[1]"),
            tensor=(DBIAS, DBIAS + " / math.prod(dy.shape[2:])"),
        ),
        symptom="No visible effect: the accuracy is the same to within two or three points, sometimes better, "
        "sometimes worse.",
        property="dL/dbias, checked with more than one position",
        explanation="The bias is added at each of the R x S positions, so its gradient is the sum over all of them. "
        "With the mean, it learns R S times too slowly, and the weights make up for it.",
        hint="Increase the bias by 1. By how much does the sum of all y grow?",
    ),
)

SHARE_OF_DY = "np.zeros(x.shape, dy.dtype), dy / math.prod(size)"
SHARE = "samples_last(dy) / math.prod(size)"
CELLS = "zip(windows(x, size, stride), windows(dx, size, stride), strict=True)"
HERE = "here = left * (cell == y)"
TO_LARGEST = "for (h, w), d in positions_backwards(its, dyc):\n    dchannel[h][w] += d"

POOLING_BUGS = (
    Bug(
        name="avg_pool2d_divided_by_side",
        title="the mean over K by K pixels is their sum divided by K instead of K**2",
        kind="tier",
        op="avg_pool2d",
        part="value",
        edits=in_tiers(
            scalar=("size = kernel_size * kernel_size", "size = kernel_size"),
            vector=(
                ("windows(x, size, stride)) / math.prod(size)", "windows(x, size, stride)) / kernel_size"),
                (SHARE_OF_DY, SHARE_OF_DY.replace("math.prod(size)", "kernel_size")),
            ),
            tensor=(
                ("size, stride)) / math.prod(size)", "size, stride)) / kernel_size"),
                (SHARE, SHARE.replace("math.prod(size)", "kernel_size")),
            ),
        ),
        symptom="It looks like an improvement: the net learns faster and ends several points ahead.",
        property="the value, checked against the formula with a window of more than one pixel",
        explanation="All outputs are K times too large, and the derivative matches. The next layers adapt to it, as "
        "they do to a larger learning rate.",
        hint="What is the mean of a window of ones?",
    ),
    Bug(
        name="avg_pool2d_dx_not_divided",
        title="dL/dx of avg_pool2d passes all of dy to each pixel instead of its share",
        kind="tier",
        op="avg_pool2d",
        part="dx",
        edits=in_tiers(
            scalar=("+= d / size", "+= d"),
            vector=(SHARE_OF_DY, "np.zeros(x.shape, dy.dtype), dy"),
            tensor=(SHARE, "samples_last(dy)"),
        ),
        symptom="It looks like an improvement: the net learns faster and ends several points ahead, with much larger "
        "weights.",
        property="the derivative, checked with a window of more than one pixel",
        explanation="Each pixel contributes 1/K**2 of the mean, so its share is dy / K**2. Without the division, the "
        "layers below learn K**2 times too fast.",
        hint="What do the gradients of a window sum to, and what should they sum to?",
    ),
    Bug(
        name="max_pool2d_ties_all",
        title="dL/dx of max_pool2d passes dy to every pixel that equals the maximum",
        kind="tier",
        op="max_pool2d",
        part="dx",
        edits=in_tiers(
            scalar=(
                (
                    "for dchannel, its, dyc in zip(dx, largest, map(flat, dy), strict=True)",
                    "for dchannel, channel, its, dyc in zip(dx, x, largest, map(flat, dy), strict=True)",
                ),
                (
                    TO_LARGEST,
                    "for window, (i, j), d in positions_backwards(places, its, dyc):\n"
                    "    for h, w in window:\n"
                    "        dchannel[h][w] += d * (channel[h][w] == channel[i][j])",
                ),
            ),
            numpy=("left -= here", ""),
        ),
        symptom="No visible effect: equal numbers come from the black background, where only the bias of the layer "
        "below is affected.",
        property="the derivative, checked with two equal numbers in a window",
        explanation="mask = (x == max) is true for all of them, so dy is passed on several times. Random numbers are "
        "never equal, but those of a plain background are, and so are the zeros that relu leaves.",
        hint="What do the gradients of a window of equal numbers sum to?",
    ),
    Bug(
        name="max_pool2d_dx_to_last_maximum",
        title="if several maxima are equal, max_pool2d gives the gradient to the last one instead of the first",
        kind="tier",
        op="max_pool2d",
        part="dx",
        edits=in_tiers(
            scalar=("place_of_largest", "max(window", "max(reversed(window)"),
            numpy=(CELLS, CELLS.replace("stride)", "stride)[::-1]")),
        ),
        symptom="No visible effect: equal numbers come from equal pixels, and only the last digits differ.",
        property="the derivative, checked with two equal numbers in a window: the first one gets dy",
        explanation="Either choice is a subgradient, and both are equally good. But tiers, PyTorch and a repeated run "
        "must agree, and they choose the first.",
        hint="Which pixel of a window of zeros gets the gradient?",
    ),
    Bug(
        name="max_pool2d_dx_overlap_assigned",
        title="dL/dx of max_pool2d assigns instead of adding where windows overlap",
        kind="tier",
        op="max_pool2d",
        part="dx",
        edits=in_tiers(
            scalar=("dchannel[h][w] += d", "dchannel[h][w] = d"),
            numpy=("dcell += here", "np.copyto(dcell, here, where=here != 0)"),
        ),
        symptom="No visible effect except a training loss that is a fifth higher. If the windows do not overlap, not "
        "even that.",
        property="the derivative, checked with a number that is the maximum of two windows",
        explanation="dx[argmax] = dy is right only if no pixel lies in two windows. A bright pixel wins in every "
        "window that covers it, and its gradient is the sum.",
        hint="Can a pixel be the maximum of two windows? What is its gradient then?",
    ),
    Bug(
        name="max_pool2d_dx_spread_evenly",
        title="dL/dx of max_pool2d spreads dy evenly over the window, as in avg_pool2d",
        kind="tier",
        op="max_pool2d",
        part="dx",
        edits=in_tiers(
            scalar=(
                TO_LARGEST,
                "for window, d in positions_backwards(places, dyc):\n"
                "    for h, w in window:\n"
                "        dchannel[h][w] += d / len(window)",
            ),
            numpy=(HERE, "here = dy / math.prod(size)"),
        ),
        symptom="The net learns more slowly: the training loss ends at least half as large again, and the accuracy up "
        "to five points behind.",
        property="the derivative, checked with a window of more than one pixel",
        explanation="A slight change of any number except the largest leaves y unchanged, so its derivative is 0.",
        hint="Change a number that is not the maximum of its window. Does y change?",
    ),
    Bug(
        name="max_pool2d_loses_nan",
        title="max_pool2d treats NaN as smaller than every number and drops it",
        kind="tier",
        op="max_pool2d",
        part="value",
        edits=in_tiers(numpy=("np.maximum", "np.fmax")),
        symptom="No effect while all is well. If a layer produces NaN, it is gone after the next one.",
        property="a NaN in a window makes its y NaN",
        explanation="Every comparison with NaN is false, so `if x > largest` skips it. A failure in an earlier layer "
        "then goes unnoticed.",
        hint="What should the maximum of 1 and NaN be, so that somebody notices?",
    ),
)
