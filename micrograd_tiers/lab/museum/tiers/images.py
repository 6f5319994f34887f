"""Bugs of convolution and pooling."""

from ..bug import Bug, in_tiers

# What is right, where it is longer than a few words.
MIRRORED = "weight[:, :, ::-1, ::-1].reshape(len(weight), -1)"
MIRRORED_LISTS = "[[w for channel in kernel for w in flat(channel)[::-1]] for kernel in weight]"
COVERED = "window += dcell"
CROPPED = "np.ascontiguousarray(unpadded(dimage, padding))"
CROPPED_VECTOR = "unpadded(dimage, padding).copy()"
FROM_THE_CORNER = "dimage[..., : x.shape[-2], : x.shape[-1]].copy()"
DBIAS = "total(total(dy.reshape(flat), axis=2), axis=0)"

CONV2D_BUGS = (
    Bug(
        name="conv2d_bias_missing",
        title="conv2d forgets to add the bias",
        kind="tier",
        op="conv2d",
        part="value",
        edits=in_tiers(
            scalar=("dot(row, xs) + b", "dot(row, xs)"),
            vector=("matmul(rows, covered) + bias[:, None]", "matmul(rows, covered)"),
            tensor=("matmuls(rows, covered) + bias[:, None]", "matmuls(rows, covered)"),
        ),
        symptom="Nothing to see: biases start at 0, and the net does as well without them.",
        property="the value against the formula, with a bias that is not 0",
        explanation="The derivatives are right for the op that should have been written, so the bias is trained and "
        "then ignored. Every test that leaves the bias at its starting value 0 passes.",
        hint="Set x to zeros. What should conv2d return then?",
    ),
    Bug(
        name="conv2d_dx_kernel_flipped",
        title="dL/dx of conv2d sends the gradient back through the mirrored kernel",
        kind="tier",
        op="conv2d",
        part="dx",
        edits=in_tiers(
            scalar=("zip(*rows, strict=True)", f"zip(*{MIRRORED_LISTS}, strict=True)"),
            numpy=("rows.T", f"{MIRRORED}.T"),
        ),
        symptom="It learns, more slowly, and stays up to six points behind.",
        property="the derivative with respect to x, with a kernel that is not symmetric",
        explanation="Books say that dL/dx is a convolution with the flipped kernel. That holds where a window is laid "
        "over dy; here each number of dy is spread over the window it came from, and the kernel stays as it is.",
        hint="x[h, w] meets weight[i, j] at the position (h - i, w - j). Which weight takes dy from there back to x?",
    ),
    Bug(
        name="conv2d_true_convolution",
        title="the kernels are mirrored before they are laid over the image",
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
                ("rows = weight.reshape(len(weight), -1)", f"rows = {MIRRORED}"),
                (
                    "return total(of_samples, axis=0).reshape(weight.shape)",
                    "return total(of_samples, axis=0).reshape(weight.shape)[:, :, ::-1, ::-1].copy()",
                ),
            ),
        ),
        symptom="Nothing to see: the curves are those of other starting weights. Weights from another program give "
        "nonsense.",
        property="the value against the formula, with a kernel of more than one pixel that is not symmetric",
        explanation="This is what mathematics calls a convolution; what nets compute is the correlation, without "
        "mirroring. Value and derivatives fit together, so the net learns the mirror images of its kernels. Weights "
        "that were trained elsewhere mean something else here.",
        hint="Let the kernel be 1 in its upper left corner and 0 elsewhere. Into which direction does the image move?",
    ),
    Bug(
        name="conv2d_dx_last_row_dropped",
        title="the loop of dL/dx of conv2d ends one row of positions early",
        kind="tier",
        op="conv2d",
        part="dx",
        edits=in_tiers(
            scalar=(
                "positions_backwards(places, *map(flat, dy))",
                "positions_backwards(places[: -shape[1]], *(flat(dyo)[: -shape[1]] for dyo in dy))",
            ),
            numpy=(COVERED, "window[..., :-1, :] += dcell[..., :-1, :]"),
        ),
        symptom="Nothing to see, or a slow start: the accuracy is the same to a point or three.",
        property="the derivative with respect to x, also for a single row of positions",
        explanation="A loop that ends one short. The lower edge of the image hears less than it should, and with one "
        "row of positions nothing comes back at all. The weights below are shared by all rows, and learn from the "
        "others.",
        hint="Is dL/dx of an image turned upside down that of the image, turned upside down?",
    ),
    Bug(
        name="conv2d_dx_padding_cropped_at_the_end",
        title="dL/dx of conv2d cuts the padding off below and at the right: [:H], not [p : p + H]",
        kind="tier",
        op="conv2d",
        part="dx",
        edits=in_tiers(
            scalar=(
                "return unpadded(dimage, padding)",
                "return [[row[: len(x[0][0])] for row in channel[: len(x[0])]] for channel in dimage]",
            ),
            vector=(CROPPED_VECTOR, FROM_THE_CORNER),
            tensor=(CROPPED, FROM_THE_CORNER),
        ),
        symptom="It learns, and stays some three to six points behind; with one layer, or without padding, nothing.",
        property="the derivative with respect to x, with padding",
        explanation="The shape is right, so nothing complains: every pixel gets the gradient of its neighbor at the "
        "upper left. Without padding it is right.",
        hint="Where in the padded image does the pixel x[0, 0] lie?",
    ),
    Bug(
        name="conv2d_dx_stride_ignored",
        title="dL/dx of conv2d spreads dy as if the window moved by one pixel",
        kind="tier",
        op="conv2d",
        part="dx",
        edits=in_tiers(
            numpy=(
                ("windows(dimage, size, stride)", "windows(dimage, size, 1)"),
                (COVERED, "window[..., : dcell.shape[-2], : dcell.shape[-1]] += dcell"),
            )
        ),
        symptom="It learns, and stays five to ten points behind; with a stride of 1, nothing.",
        property="the derivative with respect to x, with a stride above 1",
        explanation="dy[r, s] belongs to the window at r stride, s stride. Without the factor all of it goes to the "
        "upper left of the image. Nearly all layers have stride 1, where it is right.",
        hint="Which pixels does the last window cover, and does their gradient come from it?",
    ),
    Bug(
        name="conv2d_dx_overlap_assigned",
        title="dL/dx of conv2d assigns where windows overlap, in place of adding",
        kind="tier",
        op="conv2d",
        part="dx",
        edits=in_tiers(
            scalar=("+= next(dcovered)", "= next(dcovered)"),
            numpy=(COVERED, "window[...] = dcell"),
        ),
        symptom="Next to nothing to see: it learns more slowly, and ends a point or two behind.",
        property="the derivative with respect to x, where windows overlap",
        explanation="A pixel acts through every window that covers it, so its gradient is a sum. NumPy makes the "
        "mistake easy: image[rows, columns] += d with a place named twice adds only once.",
        hint="A kernel of 3 x 3 covers a pixel from how many positions? And how many of them reach its dx?",
    ),
    Bug(
        name="conv2d_dbias_averaged_over_positions",
        title="dL/dbias of conv2d is averaged over the positions, not summed",
        kind="tier",
        op="conv2d",
        part="dbias",
        edits=in_tiers(
            scalar=("[total(d) for d in map(flat, dy)]", "[total(d) / len(d) for d in map(flat, dy)]"),
            vector=("return total(dy.reshape(flat), axis=1)", "return total(dy.reshape(flat), axis=1) / flat[1]"),
            tensor=(DBIAS, DBIAS + " / flat[2]"),
        ),
        symptom="Nothing to see: the accuracy is the same to two points or three, now better, now worse.",
        property="the derivative with respect to the bias, for more than one position",
        explanation="The bias is added at every position, so it hears from all of them. With the mean it learns R S "
        "times too slowly, and the weights make up for it.",
        hint="Raise the bias by 1. By how much does the sum of all y rise?",
    ),
)

SHARE_OF_DY = "np.zeros(x.shape, dy.dtype), dy / math.prod(size)"
CELLS = "zip(windows(x, size, stride), windows(dx, size, stride), strict=True)"
HERE = "here = left * (cell == y)"
TO_LARGEST = "for (h, w), d in positions_backwards(its, dyc):\n    dchannel[h][w] += d"

POOLING_BUGS = (
    Bug(
        name="avg_pool2d_divided_by_side",
        title="the mean over K by K pixels is their sum divided by K",
        kind="tier",
        op="avg_pool2d",
        part="value",
        edits=in_tiers(
            scalar=("size = kernel_size * kernel_size", "size = kernel_size"),
            numpy=(
                ("windows(x, size, stride)) / math.prod(size)", "windows(x, size, stride)) / kernel_size"),
                (SHARE_OF_DY, SHARE_OF_DY.replace("math.prod(size)", "kernel_size")),
            ),
        ),
        symptom="Nothing bad to see: it learns faster, and ends several points better.",
        property="the value against the formula, for a window of more than one pixel",
        explanation="All numbers are K times too large, and their derivative fits. The layers that follow get used "
        "to it, as to a larger learning rate.",
        hint="What is the mean of a window full of ones?",
    ),
    Bug(
        name="avg_pool2d_dx_not_divided",
        title="dL/dx of avg_pool2d hands all of dy to each pixel, not its share",
        kind="tier",
        op="avg_pool2d",
        part="dx",
        edits=in_tiers(
            scalar=("+= d / size", "+= d"),
            numpy=(SHARE_OF_DY, "np.zeros(x.shape, dy.dtype), dy"),
        ),
        symptom="Nothing bad to see: it learns faster, and ends several points better, with much larger weights.",
        property="the derivative, for a window of more than one pixel",
        explanation="A pixel is a K**2-th of the mean, so a K**2-th of dy is its own. The layers below learn K**2 "
        "times too fast.",
        hint="What do the gradients of a window add up to, and what should they?",
    ),
    Bug(
        name="max_pool2d_ties_all",
        title="dL/dx of max_pool2d gives dy to every pixel that is as large as the largest",
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
        symptom="Nothing to see: equal numbers come from the black background, where only the bias of the layer below "
        "hears of it.",
        property="the derivative where two numbers of a window are equal",
        explanation="mask = (x == max) is true for all of them, so dy is handed out several times. Random numbers are "
        "never equal; those of a plain background are, and so are the zeros that relu leaves.",
        hint="What do the gradients of a window of equal numbers add up to?",
    ),
    Bug(
        name="max_pool2d_dx_to_last_maximum",
        title="of several equal largest numbers, the last gets the gradient, not the first",
        kind="tier",
        op="max_pool2d",
        part="dx",
        edits=in_tiers(
            scalar=("place_of_largest", "max(window", "max(reversed(window)"),
            numpy=(CELLS, CELLS.replace("stride)", "stride)[::-1]")),
        ),
        symptom="Nothing to see: equal numbers come from equal pixels, and only the last digits differ.",
        property="the derivative where two numbers of a window are equal: that of the first",
        explanation="Either is a subgradient, and as good as the other; but tiers, PyTorch and a run that is repeated "
        "must agree, and they take the first.",
        hint="Which pixel of a window of zeros gets the gradient?",
    ),
    Bug(
        name="max_pool2d_dx_overlap_assigned",
        title="dL/dx of max_pool2d assigns where windows overlap, in place of adding",
        kind="tier",
        op="max_pool2d",
        part="dx",
        edits=in_tiers(
            scalar=("dchannel[h][w] += d", "dchannel[h][w] = d"),
            numpy=("dcell += here", "np.copyto(dcell, here, where=here != 0)"),
        ),
        symptom="Nothing to see but a training loss that is a fifth higher; with windows that do not overlap, not even "
        "that.",
        property="the derivative where a number is the largest of two windows",
        explanation="dx[argmax] = dy is right as long as no window sees a pixel that another one has seen. A bright "
        "pixel wins in all windows that cover it, and its gradient is the sum.",
        hint="Can a pixel be the largest of two windows? What is its gradient then?",
    ),
    Bug(
        name="max_pool2d_dx_spread_evenly",
        title="dL/dx of max_pool2d spreads dy over the window, as that of avg_pool2d does",
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
        symptom="It learns more slowly: the training loss ends half as large again or more, the accuracy up to five "
        "points behind.",
        property="the derivative, for a window of more than one pixel",
        explanation="All but the largest number could be a little larger or smaller, and y would be the same: their "
        "derivative is 0.",
        hint="Change a number that is not the largest of its window. Does y change?",
    ),
    Bug(
        name="max_pool2d_loses_nan",
        title="NaN counts as smaller than every number, and is lost",
        kind="tier",
        op="max_pool2d",
        part="value",
        edits=in_tiers(numpy=("np.maximum", "np.fmax")),
        symptom="Nothing to see as long as all is well. When it is not, the NaN of one layer is gone in the next.",
        property="a NaN in a window makes its y NaN",
        explanation="Every comparison with NaN is false, so `if x > largest` passes it over. What has gone wrong "
        "further down the net is then seen by nobody.",
        hint="What should the largest of 1 and NaN be, so that somebody notices?",
    ),
)
