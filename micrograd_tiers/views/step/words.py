"""Words of the step-through, for readers who know school calculus: what each part of a training step does."""

from .recording import Part

# For each op: a sentence about its value, then one about each of its gradients.
SENTENCES = {
    "linear": (
        "Each unit multiplies every input by a weight, adds the products up, and adds its bias.",
        "Each input went to every unit. It gets back, from each of them, the gradient of the unit times the "
        "weight between the two.",
        "A weight multiplied an input. Its gradient is that input times the gradient of the unit that the weight "
        "led to, summed over the samples.",
        "A bias was added to its unit, for every sample. Its gradient is that of the unit, summed over the samples.",
    ),
    "sigmoid": (
        "Each number is squeezed into the range from 0 to 1.",
        "The gradient is multiplied by the slope of the sigmoid, y (1 - y), which is at most 1/4.",
    ),
    "tanh": (
        "Each number is squeezed into the range from -1 to 1.",
        "The gradient is multiplied by the slope of tanh, 1 - y².",
    ),
    "relu": (
        "Negative numbers become 0; the others stay as they are.",
        "The gradient passes where the input was above 0, and stops elsewhere.",
    ),
    "elu": (
        "Positive numbers stay as they are; negative ones are bent so that they stay above -alpha.",
        "The gradient passes where the input was above 0; elsewhere it is multiplied by the slope of the exponential.",
    ),
    "softmax": (
        "The outputs of each sample become probabilities: positive numbers that add up to 1.",
        "A probability depends on all outputs of its sample, so each output collects a share of all their gradients.",
    ),
    "softmax_cross_entropy": (
        "Softmax turns the outputs of each sample into probabilities. The loss of a sample is minus the logarithm "
        "of the probability of the right class: near 0 if the net is sure and right, large if it is sure and "
        "wrong.",
        "The gradient of an output is its probability times dloss; for the right class, the probability minus 1, "
        "times dloss.",
    ),
    "smoothed_cross_entropy": (
        "Softmax cross-entropy, but with a small share of the target spread over all classes.",
        "The gradient of an output is its probability minus its share of the target, times dloss.",
    ),
    "soft_cross_entropy": (
        "The loss of a sample compares the predicted probabilities with those of its target.",
        "The gradient of an output is its probability minus that of the target, times dloss.",
    ),
    "binary_cross_entropy": (
        "Each output is a yes-or-no question. The loss is minus the logarithm of the probability of the right answer.",
        "The gradient of an output is the predicted probability of yes minus the target, times dloss.",
    ),
    "mean_squared_error": (
        "The loss of a sample is the mean of the squared differences between outputs and targets.",
        "The derivative of a square is twice its base: the gradient of an output is twice its distance from the "
        "target, with its sign.",
    ),
    "mean_absolute_error": (
        "The loss of a sample is the mean distance between outputs and targets.",
        "The slope of a distance is 1 or -1, so only the sign of the difference counts.",
    ),
    "hinge": (
        "The loss is 0 where target times output is at least 1; below, it grows in proportion.",
        "The gradient of an output is minus its target where there is a loss, otherwise 0.",
    ),
    "dropout": (
        "Some numbers, drawn at random, become 0; the others are enlarged, so that the sum stays about the same.",
        "The gradient is multiplied by the same mask: it stops where a number was dropped.",
    ),
    "conv2d": (
        "A small kernel of weights moves over each image. At each position it multiplies the pixels below it by "
        "its weights and adds the products up, with a bias.",
        "A pixel was below the kernel at several positions. It gets back the gradient of each of them, times the "
        "weight that was above it.",
        "A weight met a pixel at every position. Its gradient is the sum of these pixels times the gradients of "
        "the positions.",
        "A bias was added at every position. Its gradient is the sum of all gradients of its channel.",
    ),
    "avg_pool2d": (
        "Each window of pixels becomes one number: its mean.",
        "Each pixel of a window gets an equal share of the gradient of the window.",
    ),
    "max_pool2d": (
        "Each window of pixels becomes one number: its largest.",
        "The largest pixel of a window gets the gradient of the window; the others get none.",
    ),
    "reshape": (
        "The same numbers in another arrangement.",
        "The gradients go back to the places that the numbers came from.",
    ),
    "squared_relu": (
        "Negative numbers become 0; the others are squared.",
        "The gradient is multiplied by the slope of the square, 2 x, where the input was above 0, and stops elsewhere.",
    ),
    "embedding": (
        "Each token is a number that chooses a row of the weight. A token of -1 is padding, and gets a row of zeros.",
        "A row of the weight gets the gradients of all places where its token stands, added up.",
    ),
    "add_position": (
        "Each position has a row of its own, which is added to the numbers there: so the net knows the order of the "
        "tokens.",
        "Both numbers of a sum get its gradient, so it passes as it is.",
        "The row of a position was added in every sample. Its gradient is that of the position, summed over the "
        "samples.",
    ),
    "rms_norm": (
        "The numbers of each position are divided by their root mean square, so that they keep about the same size.",
        "A number moves its own output and, through the root, all others of its position: the gradient has a term for "
        "each.",
    ),
    "layer_norm": (
        "The numbers of each position are shifted and scaled to mean 0 and variance 1, multiplied by a weight, and a "
        "bias is added.",
        "A number moves its own output and, through mean and variance, all others of its position: the gradient has "
        "a term for each.",
        "A weight multiplied a normalized number at every position. Its gradient is that number times the gradient of "
        "the output, summed over all positions.",
        "A bias was added at every position. Its gradient is that of the output, summed over all positions.",
    ),
    "attention": (
        "Each row holds query, key and value of a position side by side. The query is multiplied with the keys of its "
        "own and all earlier positions: these are the scores. Softmax turns them into weights p, which add up to 1. "
        "The output is the mean of the values with these weights.",
        "First the gradients of the scores, as in softmax: a weight times dy times the distance of its value from the "
        "output. A score is a query times a key, so each of the two gets the gradients of its scores times the other. "
        "A value went to its own and all later positions: it gets their gradients, times its weight there.",
    ),
    "project": (
        "At each position, every output multiplies each input by a weight and adds the products up.",
        "Each input went to every output of its position. It gets back, from each of them, the gradient of the output "
        "times the weight between the two.",
        "A weight multiplied an input at every position. Its gradient is that input times the gradient of the output "
        "that it led to, summed over all positions of all samples.",
    ),
    "fork": (
        "The numbers go two ways: through the layers of the branch, and as a copy around them.",
        "Where numbers were copied, gradients are added: that of the branch, and that of the copy.",
    ),
    "join": (
        "The branch ends: the copy that went around it is added to its output.",
        "Where numbers were added, gradients are copied: the branch and the copy get the same one.",
    ),
    "next_token_loss": (
        "At each position, softmax turns the outputs into probabilities of the next token. The loss of a document is "
        "the mean over its targets of minus the logarithm of the probability of the right token; -1 is no target.",
        "The gradient of an output is its probability, minus 1 for the right token, divided by the number of targets "
        "in the document, times dloss.",
    ),
    "moments": ("Mean and variance of each feature or channel, over all samples.",),
    "batch_norm": (
        "Each feature is shifted and scaled to mean 0 and variance 1 over the samples, multiplied by a weight, "
        "and a bias is added.",
        "An input moves its own output, and through mean and variance all others: the gradient has a term for each.",
        "The gradient of a weight is the normalized input times dy, summed over the samples.",
        "The gradient of a bias is dy, summed over the samples.",
    ),
    "mean": (
        "The loss L of this step is the mean over the samples. Training makes it smaller.",
        "Here the backward pass begins. L is the sum of the losses, divided by the number N of samples. So dL/dloss, "
        "the derivative of L with respect to each loss, is 1/N.",
    ),
    "update": ("The parameter moves a small step against its gradient, which makes the loss smaller.",),
}

HELP = """<p>Go through the step with the buttons or the arrow keys. Click a number (or go there with Tab and the arrow
keys, and press Enter) to see which numbers made it, and which gradient comes back to it. Every number there leads
on: to find out where the gradient of a weight comes from, click a weight in step 1 and follow its gradient. All
counting begins at 0. Numbers are shown with four digits, so sums of shown numbers may be off in the last one.</p>"""

LEGEND = """<details><summary>Words and signs on this page</summary><dl>
<dt>Training step</dt><dd>Compute how wrong the net is on some samples (forward, loss), find out how that changes
with every weight (backward), and change every weight a little for the better (update).</dd>
<dt>Loss L</dt><dd>One number that says how wrong the net is on these samples.</dd>
<dt>Gradient</dt><dd>The derivative of the loss. If the number w grows by 0.001, L grows by about 0.001 times dL/dw.
Every number of the net has a gradient. In formulas, dx is short for dL/dx, and dy for dL/dy.</dd>
<dt>Backward pass</dt><dd>The chain rule, from the loss back to the first layer. Each step takes dy, the gradient
of what an op returned, and computes the gradient of one of the numbers that the op was given.</dd>
<dt>Op</dt><dd>A function of the net, such as linear or sigmoid, together with its derivatives.</dd>
<dt>Weights and biases</dt><dd>The numbers that training changes. "0.weight" are the weights of layer 0, the first
layer: row o, column i is the weight from input i to unit o. All counting begins at 0.</dd>
<dt>Logits, softmax</dt><dd>Logits are the outputs of the last layer of a net that tells classes apart. Softmax turns
them into probabilities.</dd>
<dt>Tier</dt><dd>One of the programs that compute the same ops: scalar (numbers in lists), vector (one sample at a
time, as NumPy vectors), tensor (all samples at once, as matrices), or your own.</dd>
<dt>x<sub>n,i</sub>, Σ<sub>i</sub></dt><dd>Number i of sample n; the sum over all i.</dd>
<dt>⌊c / D⌋</dt><dd>The quotient rounded down: the number of the head that feature c belongs to, as each has D.</dd>
<dt>Formulas</dt><dd>They are those of a textbook. The code computes some of them in another order, so that no number
overflows: softmax subtracts the largest output first. The result is the same.</dd>
<dt>Colors</dt><dd>Red numbers are negative, blue ones positive. The larger, the stronger.</dd>
<dt>dx and dy</dt><dd>The dx of one step is the dy of the next: what an op received is what the op before it
returned.</dd>
<dt>1.5e-16</dt><dd>0.00000000000000015: a difference of this size comes from rounding.</dd>
<dt>SGD, Adam, ...</dt><dd>The rule by which a gradient becomes the change of a weight.</dd>
<dt>▸, ≠</dt><dd>A line of code at work in this step; a line, a number or a step that differs from the right tier.</dd>
</dl></details>"""


def sentence_of(part: Part) -> str:
    """Return what a part does, in a sentence or two; "" for an op that is not known."""
    sentences = SENTENCES.get(part.op, ())
    number = 0 if part.part == "value" or part.op == "update" else part.k + 1
    return sentences[number] if number < len(sentences) else ""


def title_of(part: Part) -> str:
    """Return the title of a part, such as "layer 0, linear: dL/dweight"."""
    if part.op == "update":
        return f"new {part.part}"
    if part.op == "mean":
        return "mean loss L" if part.part == "value" else "mean loss: dL/dloss"
    op = spoken(part.op) if part.layer is None else f"layer {part.layer}, {spoken(part.op)}"
    if part.part != "value":
        return f"{op}: dL/d{part.part[1:]}"
    return op if part.layer is None else f"{op}: {', '.join(part.outputs)}"


def phase_of(part: Part) -> str:
    """Return the phase of the training step that a part belongs to."""
    if part.op == "update":
        return "update"
    return "backward" if part.part != "value" else "loss" if part.layer is None else "forward"


def label_of(key: str, maker: Part | None) -> str:
    """Return what an array that is no gradient holds, for the reader."""
    given = {"x": "input samples", "target": "targets", "weight": "sample weights", "L": "mean loss L"}
    if key in given or maker is None:
        return given.get(key, f"dropout {key}" if key.startswith("mask") else key)
    name = key.partition(" of ")[0]
    if maker.op == "update":
        means = {"new": "new", "mean": "mean gradient of", "square": "mean square of the gradient of"}
        return f"{means.get(name, f'{name} of')} {maker.part}"
    if maker.op == "moments":
        return f"{key.partition(' ')[0]} of the input of layer {maker.layer}"
    if maker.layer is None:
        return "sum of the losses"
    what = {"copy": "copy", "score": "scores", "p": "weights"}.get(name.partition(" ")[0], "output")
    return f"{what} of layer {maker.layer} ({spoken(maker.op)})"


def spoken(op: str) -> str:
    """Return the name of an op in words."""
    return op.replace("_", " ")
