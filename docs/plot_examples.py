"""One small example of each function of `mt.plots`, for the reference: its code and its picture.

The name of an example is that of the function, and its docstring describes the picture.
"""

import inspect
import textwrap
from pathlib import Path

import numpy as np

import micrograd_tiers as mt


def loss_curves():
    """Losses of a net that learns the moons, by batch and by epoch, and its validation accuracy."""
    data = mt.load_dataset("moons", n_train=300)
    test = (data.test_x, data.test_y)
    history = mt.fit(mt.mlp([2, 16, 2], "relu"), data.train_x, data.train_y, epochs=15, validation=test)
    return mt.plots.loss_curves(history, steps_per_epoch=5, title="2-16-2 on moons")


def right_and_wrong():
    """Loss and accuracy of a right program, which falls and rises, and of one with a bug, which learns little."""
    losses = ([0.9, 0.4, 0.25, 0.2, 0.18], [0.9, 0.8, 0.78, 0.77, 0.77])
    accuracies = ([0.8, 0.9, 0.93, 0.95, 0.95], [0.5, 0.6, 0.6, 0.61, 0.6])
    return mt.plots.right_and_wrong(losses, accuracies, "bias left out")


def confusion_matrix():
    """Table of three true classes by three predicted classes, most samples on its diagonal."""
    counts = [[95, 4, 1], [3, 90, 7], [0, 12, 88]]
    return mt.plots.confusion_matrix(counts, ["cat", "dog", "fox"], "300 photos")


def image_grid():
    """Eight digits of the glyphs in two rows, each with its label below it."""
    data = mt.load_dataset("glyphs", n_train=8, n_test=1)
    images = data.train_x.reshape(-1, *data.image_shape)
    return mt.plots.image_grid(images, [str(label) for label in data.train_y], title="glyphs", columns=4)


def prepared_images():
    """Dark digit on gray paper with the box around it, and the same digit as an image of 28 by 28 pixels."""
    glyph = mt.load_dataset("glyphs", n_train=1, n_test=1).train_x.reshape(28, 28)
    paper = np.full((60, 80), 0.9)
    paper[20:48, 40:68] -= 0.7 * glyph
    digit = mt.datasets.prepare_digit(paper)
    return mt.plots.prepared_images([paper], [digit.box], [digit.image], ["prepared"], title="A photo")


def scatter_2d():
    """Points of three spiral arms and, behind them, the regions that a net assigns to each."""
    data = mt.load_dataset("spiral", n_train=300)
    net = mt.mlp([2, 32, 32, 3], "relu", init="kaiming")
    mt.fit(net, data.train_x, data.train_y, optimizer="adam", batch_size=20, epochs=100)
    return mt.plots.scatter_2d(
        data.train_x, data.train_y, data.class_names, title="2-32-32-3 on spiral", predict=net.predict
    )


def matrices():
    """Two outer products and their sum, as tables with numbers: negative entries are red, positive ones blue."""
    x, dy = np.array([[1, 2, 0], [3, 0, 1]]), np.array([[1, -1], [2, 1]])
    tables = [np.outer(dy[0], x[0]), np.outer(dy[1], x[1]), dy.T @ x]
    return mt.plots.matrices(tables, ["sample 0", "sample 1", "sum"], x_label="input", y_label="output")


def panels():
    """Two panels side by side: sigmoid and tanh, and their derivatives."""
    x = np.linspace(-4, 4, 81)
    s, t = 1 / (1 + np.exp(-x)), np.tanh(x)
    functions = {"sigmoid": (x, s), "tanh": (x, t)}
    slopes = {"sigmoid": (x, s * (1 - s)), "tanh": (x, 1 - t**2)}
    return mt.plots.panels(
        [mt.plots.Panel("Functions", "x", "", functions), mt.plots.Panel("Derivatives", "x", "", slopes)]
    )


def comparison():
    """Equal losses of the scalar, the vector and the tensor tier on the left, their different speeds on the right."""
    data = mt.load_dataset("moons", n_train=640)
    curves = []
    for tier, speed in {"scalar": 30_000, "vector": 20_000, "tensor": 400_000}.items():
        net = mt.two_layer_net(2, 3, 2, tier=tier)
        loss = mt.fit(net, data.train_x, data.train_y, batch_size=32).batch_loss
        curves.append(mt.plots.Curve(tier, 32 * np.arange(1, 21), np.array(loss), speed))
    return mt.plots.comparison([mt.plots.ComparisonCase("2-3-2 on moons", curves, "They are the same network.")])


def benchmark():
    """Bars with the training speed of four contenders, the fastest at the top."""
    speeds = [
        mt.plots.Speed("tensor", 180_000, "tensor"),
        mt.plots.Speed("vector", 21_000, "vector"),
        mt.plots.Speed("scalar", 28, "scalar"),
        mt.plots.Speed("matrix products", 260_000, "reference"),
    ]
    return mt.plots.benchmark({"784-300-10, batch 64": speeds})


def growth():
    """Time per sample against the number of hidden units, one line per tier, the scalar tier's at the top."""
    units = [1, 10, 100, 1000]
    lines = [
        mt.plots.Times("tensor", units, [1e-6, 1.5e-6, 4e-6, 3e-5], "tensor"),
        mt.plots.Times("scalar", units, [1e-4, 1e-3, 1e-2, 1e-1], "scalar"),
    ]
    return mt.plots.growth([mt.plots.GrowthPanel("784-H-10", "hidden units H", lines)])


def targets():
    """A speed target with its limit as a dashed line, over three runs on one machine and one run on another."""
    lines = {
        "machine 1": {0: (1.2, 1.3, 1.35), 1: (1.3, 1.35, 1.4), 3: (1.45, 1.5, 1.6)},
        "machine 2": {2: (1.6, 1.7, 1.75)},
    }
    panel = mt.plots.TargetPanel("tensor against PyTorch eager", "at least 1.4x the speed", 1.4, True, lines)
    return mt.plots.targets([panel], ["0.1.0", "0.2.0", "0.2.1", "0.3.0"])


EXAMPLES = {name: value for name, value in globals().items() if name in mt.plots.__all__}


def write(folder):
    """Write the pictures, the page part of each with its code, and the part that shows all of them."""
    folder = Path(folder)
    folder.mkdir(exist_ok=True)
    cards = ".. grid:: 1 2 3 3\n   :gutter: 2\n\n"
    for name, example in EXAMPLES.items():
        example().savefig(folder / f"{name}.png", dpi=100)
        image, alt = f"/{folder.name}/{name}.png", inspect.getdoc(example)
        _write(folder / f"{name}.txt", f".. code-block::\n\n{code_of(example)}\n.. image:: {image}\n   :alt: {alt}\n")
        cards += f"   .. grid-item-card:: {name}\n      :img-top: {image}\n      :img-alt: {alt}\n"
        cards += f"      :link: api/micrograd_tiers.plots.{name}\n      :link-type: doc\n\n"
    _write(folder / "all.txt", cards)


def code_of(example):
    """Return the code of an example, indented by three spaces, with the picture as its last line."""
    lines = inspect.getsource(example).splitlines()[2:]  # without the name and the docstring
    code = textwrap.dedent("\n".join(lines)).replace("\nreturn ", "\n")
    return textwrap.indent(code, "   ") + "\n"


def _write(path, text):
    """Write a file, unless it is unchanged: Sphinx would read its pages again."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
