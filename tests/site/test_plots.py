"""Pictures are written whole, show the right data, cut no text, and leave matplotlib's state alone."""

import inspect
import itertools
import struct
import subprocess
import sys
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread
from matplotlib.text import Text

import micrograd_tiers as mt
from micrograd_tiers import plots
from micrograd_tiers.figures.tiers import running_mean
from micrograd_tiers.history import History
from micrograd_tiers.plots import ComparisonCase, Curve, GrowthPanel, Panel, Speed, TargetPanel, Times

FASHION = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
LONG = [f"a class with a rather long name {i}" for i in range(10)]
LONG_SENTENCE = "largest weight difference 4e-16, which is what rounding accounts for: the same network. " * 4


def drawn():
    return np.random.default_rng(0)


def losses(n):
    return 0.2 + 2.1 * np.exp(-np.sqrt(np.arange(n) / 50)) * (1 + 0.1 * drawn().standard_normal(n))


def case(*tiers, title="784-300-10 on glyphs", verdict="largest weight difference 4e-16: the same network"):
    """Return a case of tiers, each (name, number of batches, samples per second), with the start of the same losses."""
    loss = losses(5000)
    curves = [Curve(name, 64 * np.arange(1, n + 1), loss[:n], speed) for name, n, speed in tiers]
    return ComparisonCase(title, curves, verdict)


def history(epochs, steps_per_epoch=40, extra=0, validation=True):
    batch_loss = losses(epochs * steps_per_epoch + extra).tolist()
    train = [float(np.mean(batch_loss[e * steps_per_epoch : (e + 1) * steps_per_epoch])) for e in range(epochs)]
    return History(batch_loss, train, train if validation else [], [1 - x / 9 for x in train] if validation else [])


def counts(n_classes, largest):
    return drawn().integers(0, 1 + largest // 50, (n_classes, n_classes)) + np.diag([largest] * n_classes)


def rings(n):
    X = drawn().uniform(-1, 1, (n, 2))
    return X, (np.hypot(*X.T) * 5).astype(int)


def ring_of(points):
    assert points.shape == (40_000, 2)
    return (np.hypot(*points.T) * 5).astype(int)


def race(case, *bars):
    return {case: [Speed(label, speed, kind) for label, speed, kind in bars]}


def growing(grows, *kinds, sizes=(1, 10, 100, 1000)):
    lines = [Times(f"{kind}, slope 1.00", sizes, [1e-6 * 9**n * size for size in sizes], kind) for n, kind in kinds]
    return GrowthPanel(f"784-{grows}-10", grows, lines)


def target(title, at_least, *runs_of_machines):
    """Return the panel of a target, with the runs of each machine."""
    lines = {
        f"machine {n}, {LONG_SENTENCE[:40]}": {k: (0.9 + n, 1 + n + 0.1 * k, 1.2 + n + 0.1 * k) for k in runs}
        for n, runs in enumerate(runs_of_machines)
    }
    return TargetPanel(title, "at least 1.4x the speed" if at_least else "at most 1.4x the time", 1.4, at_least, lines)


THREE = (("scalar", 5000, 28_345.0), ("vector", 5000, 17_310.0), ("tensor", 5000, 162_300.0))
UNEVEN = (("scalar", 10, 51.2), ("vector", 400, 2345.0), ("tensor", 5000, 2e6))
RACE = (("flat loop, fused", 3e5, "reference"), ("scalar", 28.0, "scalar"), ("PyTorch eager", 9000.0, "library"),
        ("tensor", 2e5, "tensor"), ("tensor exact", 9e4, "exact"), ("Value", 0.7, "engine"))  # fmt: skip
PICTURES = {
    "two comparisons": lambda **to: plots.comparison([case(*THREE, title="2-3-2 on ellipse"), case(*UNEVEN)], **to),
    "long sentences": lambda **to: plots.comparison([case(*UNEVEN, verdict=LONG_SENTENCE, title=LONG_SENTENCE)], **to),
    "one batch": lambda **to: plots.comparison([case(("scalar", 1, 50.0), ("tensor", 1, 50.0))], **to),
    "no batch": lambda **to: plots.comparison([case(("scalar", 0, 0.1))], **to),
    "other tiers": lambda **to: plots.comparison(
        [case(("folder/of/mine/my_tier.py", 300, 3.0), ("numba", 300, 2e6), ("scalar", 20, 1e3))], **to
    ),
    "ten epochs": lambda **to: plots.loss_curves(history(10), steps_per_epoch=40, title="ten", **to),
    "one epoch": lambda **to: plots.loss_curves(history(1), steps_per_epoch=40, title="one", **to),
    "no epoch": lambda **to: plots.loss_curves(history(0, extra=7), steps_per_epoch=40, title=LONG_SENTENCE, **to),
    "no step": lambda **to: plots.loss_curves(History(), steps_per_epoch=40, title="", **to),
    "a run of steps": lambda **to: plots.loss_curves(history(0, extra=30), steps_per_epoch=40, title="steps", **to),
    "an unfinished epoch": lambda **to: plots.loss_curves(history(2, extra=7), steps_per_epoch=40, title="2.2", **to),
    "200 epochs": lambda **to: plots.loss_curves(history(200), steps_per_epoch=40, title="200", **to),
    "no validation": lambda **to: plots.loss_curves(
        history(3, validation=False), steps_per_epoch=40, title="no validation", **to
    ),
    "zero loss": lambda **to: plots.loss_curves(
        History([0.0], [0.0], [0.0], [1.0]), steps_per_epoch=1, title="0", **to
    ),
    "two classes": lambda **to: plots.confusion_matrix([[480, 20], [3, 497]], ["inside", "outside"], "ellipse", **to),
    "ten classes": lambda **to: plots.confusion_matrix(counts(10, 5900), FASHION, "Fashion-MNIST", **to),
    "ten digits": lambda **to: plots.confusion_matrix(counts(10, 59_000), range(10), LONG_SENTENCE[:90], **to),
    "long class names": lambda **to: plots.confusion_matrix(counts(10, 900), LONG, "long", **to),
    "one class, no samples": lambda **to: plots.confusion_matrix([[0]], ["all"], "none", **to),
    "60 images": lambda **to: plots.image_grid(
        drawn().random((60, 28, 28)),
        [f"{a}, said {b}" for a, b in itertools.islice(itertools.product(FASHION, FASHION), 60)],
        title="mistakes",
        colors=["#009E73", "#D55E00"] * 30,
        **to,
    ),
    "one image": lambda **to: plots.image_grid(np.zeros((1, 8, 8)), ["8"], title=LONG_SENTENCE[:88], **to),
    "wide images": lambda **to: plots.image_grid(np.zeros((7, 3, 9)), ["wide"] * 7, title="wide", **to),
    "prepared images": lambda **to: plots.prepared_images(
        [np.zeros((9, 40)), np.ones((200, 30)), np.zeros((1, 1)), np.ones((28, 28))],
        [(0, 9, 3, 7)] * 4,
        np.zeros((4, 28, 28)),
        [LONG_SENTENCE[:60]] * 4,
        title="Predictions",
        **to,
    ),
    "no image": lambda **to: plots.image_grid(np.zeros((0, 28, 28)), [], title="mistakes", **to),
    "matrices": lambda **to: plots.matrices(
        [np.eye(3) - 0.5, [[-1e-7, float("nan")]]],
        ["identity", LONG_SENTENCE[:40]],
        title="two",
        x_label="input",
        y_label="output",
        **to,
    ),
    "images of weights": lambda **to: plots.matrices(
        drawn().normal(size=(8, 28, 28)), [f"unit {k}" for k in range(8)], title="weights", **to
    ),
    "one zero": lambda **to: plots.matrices([[[0.0]]], [""], **to),
    "points": lambda **to: plots.scatter_2d(*rings(300), LONG[:8], title="points", **to),
    "regions": lambda **to: plots.scatter_2d(*rings(4000), range(8), title="regions", predict=ring_of, **to),
    "one point": lambda **to: plots.scatter_2d([[1, 2]], [0], ["a"], title="one", predict=ring_of, **to),
    "right and wrong": lambda **to: plots.right_and_wrong(
        (losses(10), [2.0, 3.0, float("nan")]), ([0.5] * 10, [0.3, 0.1, 0.1]), LONG_SENTENCE[:90], **to
    ),
    "a race": lambda **to: plots.benchmark(race("784-300-10, batch 64, float64", *RACE), **to),
    "two races": lambda **to: plots.benchmark(race("2-3-2", *RACE[:2]) | race(LONG_SENTENCE[:40], *RACE), **to),
    "two bars": lambda **to: plots.benchmark(race("LeNet", ("vector", 1.5, "vector"), ("tensor", 1.5, "tensor")), **to),
    "growth": lambda **to: plots.growth(
        [growing(grows, *enumerate(("tensor", "vector", "scalar"))) for grows in ("hidden units", "batch size")],
        **to,
    ),
    "growth of one": lambda **to: plots.growth([growing("depth", (0, "exact"))], **to),
    "targets": lambda **to: plots.targets(
        [
            target("tensor against PyTorch eager\n784-300-10, batch 64, float32", k % 2, [0, 2, 5], [1])
            for k in range(9)
        ],
        [f"0.1.0\n2026-11-0{k}" for k in range(9)],
        **to,
    ),
    "a target of one run": lambda **to: plots.targets([target(LONG_SENTENCE[:90], True, [0])], ["0.1.0"], **to),
    "panels": lambda **to: plots.panels(
        [Panel("loss", "epoch", "loss (nats)", {name: ([1, 2, 3], [3.0, 0.2, 0.01]) for name in FASHION}, "y")] * 4,
        **to,
    ),
    "one panel": lambda **to: plots.panels([Panel("all sizes", "size", "", {"a": ([1, 10**6], [1, 2])}, "x")], **to),
    "one decade": lambda **to: plots.growth(
        [GrowthPanel("a", "size", [Times("tensor", [1, 2, 4], [2e-4, 4e-4, 8e-4], "tensor")])], **to
    ),
    "a large matrix": lambda **to: plots.matrices([np.random.default_rng(0).normal(size=(20, 20))], ["a"], **to),
    "points with NaN": lambda **to: plots.scatter_2d([[0, 1], [2, 3], [float("nan"), 1]], [0, 1, 0], ["a", "b"], **to),
}
BAD_CALLS = {
    "no case": lambda **to: plots.comparison([], **to),
    "no curve": lambda **to: plots.comparison([case()], **to),
    "no speed": lambda **to: plots.comparison([case(("scalar", 3, 0.0))], **to),
    "speed of NaN": lambda **to: plots.comparison([case(("scalar", 3, float("nan")))], **to),
    "no steps": lambda **to: plots.loss_curves(history(1), steps_per_epoch=0, title="", **to),
    "class missing": lambda **to: plots.confusion_matrix(np.eye(3), ["a", "b"], "", **to),
    "no classes": lambda **to: plots.confusion_matrix(np.zeros((0, 0)), [], "", **to),
    "flat images": lambda **to: plots.image_grid(np.zeros((2, 784)), ["a", "b"], title="", **to),
    "box missing": lambda **to: plots.prepared_images(
        [np.zeros((2, 2))], [], np.zeros((1, 2, 2)), ["a"], title="", **to
    ),
    "nothing prepared": lambda **to: plots.prepared_images([], [], [], [], title="", **to),
    "caption missing": lambda **to: plots.image_grid(np.zeros((2, 3, 3)), ["a"], title="", **to),
    "color missing": lambda **to: plots.image_grid(np.zeros((2, 3, 3)), "ab", title="", colors=["red"], **to),
    "no matrix": lambda **to: plots.matrices([], [], **to),
    "vector": lambda **to: plots.matrices([[1.0, 2.0]], ["a"], **to),
    "matrix without title": lambda **to: plots.matrices([np.eye(2)] * 2, ["a"], **to),
    "no line in a panel": lambda **to: plots.panels([Panel("a", "b", "c", {})], **to),
    "no finite point": lambda **to: plots.scatter_2d([[float("nan"), 1.0]], [0], ["a"], **to),
    "counts of NaN": lambda **to: plots.confusion_matrix([[float("nan")]], ["a"], "", **to),
    "no columns": lambda **to: plots.image_grid(np.zeros((2, 3, 3)), ["a", "b"], columns=-1, **to),
    "unknown kind": lambda **to: plots.benchmark({"a": [Speed("b", 1.0, "foo")]}, **to),
    "largest of 0": lambda **to: plots.matrices([np.eye(2)], ["a"], largest=0, **to),
    "three features": lambda **to: plots.scatter_2d(np.zeros((5, 3)), np.zeros(5), ["a"], title="", **to),
    "label missing": lambda **to: plots.scatter_2d(np.zeros((5, 2)), np.zeros(4), ["a"], title="", **to),
    "no points": lambda **to: plots.scatter_2d(np.zeros((0, 2)), [], ["a"], title="", **to),
    "no race": lambda **to: plots.benchmark({}, **to),
    "no contender": lambda **to: plots.benchmark({"784-300-10": []}, **to),
    "no growth": lambda **to: plots.growth([], **to),
    "no line": lambda **to: plots.growth([GrowthPanel("784-H-10", "hidden units", [])], **to),
    "no target": lambda **to: plots.targets([], ["0.1.0"], **to),
    "no such run": lambda **to: plots.targets([target("a", True, [0, 1])], ["0.1.0"], **to),
    "no panel": lambda **to: plots.panels([], **to),
}


@pytest.fixture
def texts_of(monkeypatch):
    """Return a function that returns a figure's box and the texts on it, each with its box."""

    def draw(figure):
        texts = {}
        draw_text = Text.draw

        def note(self, renderer, *args, **kwargs):
            if self.get_visible() and self.get_text().strip():
                texts[self] = self.get_window_extent(renderer)
            draw_text(self, renderer, *args, **kwargs)

        with monkeypatch.context() as patch:
            patch.setattr(Text, "draw", note)
            figure.draw_without_rendering()
        assert texts
        return figure.bbox, texts

    return draw


@pytest.mark.parametrize("name", PICTURES)
def test_each_picture_is_a_png_of_a_sane_size(tmp_path, name):
    path = tmp_path / "picture.png"
    PICTURES[name](path=path)
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert content.endswith(b"IEND\xaeB`\x82")
    width, height = struct.unpack(">II", content[16:24])
    assert 400 <= width <= 1500
    assert 200 <= height <= 1800
    pixels = imread(path)
    assert pixels.shape[:2] == (height, width)
    assert pixels[..., :3].std() > 0.01
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]


@pytest.mark.parametrize("name", PICTURES)
def test_no_text_is_cut_or_overlaps_another_or_is_smaller_than_7_points(texts_of, name):
    page, texts = texts_of(PICTURES[name]())
    for text, box in texts.items():
        assert text.get_fontsize() >= 7, text
        assert page.x0 - 1 <= box.x0 <= box.x1 <= page.x1 + 1, text
        assert page.y0 - 1 <= box.y0 <= box.y1 <= page.y1 + 1, text
    upright = [(text, box.padded(-1)) for text, box in texts.items() if text.get_rotation() % 90 == 0]
    for (a, a_box), (b, b_box) in itertools.combinations(upright, 2):
        assert not a_box.overlaps(b_box), (a, b)


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_returned_and_no_file_is_written_without_a_path(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    figure = PICTURES[name]()
    assert isinstance(figure, Figure)
    assert not list(tmp_path.iterdir())


def drawn_in(axes):
    """Return what is drawn in axes: points of lines, sizes of bars, pixels, and texts except titles."""
    lines = [line.get_xydata().tolist() for line in axes.lines]
    bars = [bar.get_bbox().bounds for bar in axes.patches]
    pixels = [np.asarray(image.get_array()).tolist() for image in axes.images]
    return lines, bars, pixels, [text.get_text() for text in axes.texts], axes.get_xlabel()


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.filterwarnings("ignore:constrained_layout not applied")
def test_given_axes_hold_the_picture_and_nothing_else_of_their_figure_changes(tmp_path, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = PICTURES[name]()
    figure = Figure(figsize=(9, 9))
    figure.suptitle("mine")
    rest, panels = figure.subfigures(2, 1, height_ratios=[1, 2])
    other = rest.subplots()
    rows = 2 - len(own.axes) % 2
    axes = panels.subplots(rows, len(own.axes) // rows, squeeze=False)
    assert PICTURES[name](axes=axes) is figure
    for got, expected in zip(np.ravel(axes), own.axes, strict=True):
        assert str(drawn_in(got)[:4]) == str(drawn_in(expected)[:4])  # as text, because NaN is not equal to itself
    assert figure.get_suptitle() == "mine"
    assert figure.get_size_inches().tolist() == [9, 9]
    assert figure.axes == [other, *np.ravel(axes)]
    assert not other.has_data()
    assert not other.get_title()
    assert not figure.legends
    assert not list(tmp_path.iterdir())


def test_a_single_panel_may_be_given_alone_or_as_a_sequence():
    for axes in (Figure().subplots(), [Figure().subplots()], Figure().subplots(1, 1, squeeze=False)):
        plots.confusion_matrix([[1]], ["a"], "title", axes=axes)
        assert np.ravel(axes)[0].get_title() == "title\naccuracy 100.00% (1 of 1)"


@pytest.mark.parametrize("name", PICTURES)
def test_too_many_or_too_few_axes_are_refused_with_their_number(name):
    n = len(PICTURES[name]().axes)
    for wrong in (n - 1, n + 1):
        axes = [Figure().add_subplot() for _ in range(wrong)]
        with pytest.raises(ValueError, match=rf"\w+: got {wrong} axes, expected {n} for this picture, as from figure"):
            PICTURES[name](axes=axes)


@pytest.mark.parametrize("axes", [Figure(), "axes", [Figure()], 3])
def test_axes_that_are_none_are_refused(axes):
    with pytest.raises(
        TypeError, match=r"growth: axes holds a \w+, expected matplotlib Axes, as from figure.subplots\(\)"
    ):
        plots.growth([growing("depth", (0, "exact"))], axes=axes)


def test_axes_of_several_figures_are_refused():
    axes = [Figure().subplots(), Figure().subplots()]
    with pytest.raises(ValueError, match="axes belong to 2 figures, expected one figure"):
        plots.right_and_wrong(([1], [1]), ([1], [1]), axes=axes)


def test_with_a_path_and_axes_the_whole_figure_is_written_as_large_as_it_is(tmp_path):
    figure = Figure(figsize=(3, 2))
    plots.confusion_matrix([[1]], ["a"], "title", axes=figure.subplots(1, 2)[1], path=tmp_path / "picture.png")
    assert imread(tmp_path / "picture.png").shape == (300, 450, 4)


def test_given_axes_keep_the_style_and_the_formulas_of_the_caller():
    with matplotlib.style.context("dark_background"):
        axes = Figure().subplots()
        formula = axes.text(0, 0, "$x$")
        plots.benchmark(race("cost in $", *RACE), axes=axes)
        assert {text.get_color() for text in axes.texts} == {"white"}
        own = plots.benchmark(race("cost in $", *RACE)).axes[0]
    assert formula.get_parse_math()
    assert not axes.title.get_parse_math()
    assert {text.get_color() for text in own.texts} == {"black"}


def test_a_picture_shows_itself_in_a_notebook(monkeypatch):
    with matplotlib.style.context("dark_background"):  # also where it is shown in another style
        figure = plots.confusion_matrix([[1]], ["a"], "5 < 6\nin $")
        content, size = figure._repr_png_()
        html = figure._repr_html_()
    assert content.startswith(b"\x89PNG")
    assert size == dict(zip(("width", "height"), np.round(100 * figure.get_size_inches()), strict=True))
    assert "alt='confusion matrix: 5 &lt; 6 in $ accuracy 100.00% (1 of 1)'" in html
    assert len(html) < 100_000


@pytest.mark.parametrize("name", [name for name, value in vars(plots).items() if inspect.isfunction(value)])
def test_a_call_in_the_old_form_is_told_the_new_one(name):
    function = getattr(plots, name)
    first, *others = (n for n, p in inspect.signature(function).parameters.items() if p.kind is not p.KEYWORD_ONLY)
    for path in ("a.png", Path("a.png")):
        with pytest.raises(
            TypeError, match=rf"{name}: the first argument is the path 'a.png', expected {first}; "
        ) as e:
            function(path, *[[1]] * (1 + len(others)))
        call = str(e.value).partition("name the path: ")[2]
        arguments = [first, *others, *(["steps_per_epoch=..."] if name == "loss_curves" else []), "path='a.png'"]
        assert call == f"plots.{name}({', '.join(arguments)})"
    with pytest.raises(TypeError, match=r"plots.image_grid\(images, captions, title=..., path='a.png'\)"):
        plots.image_grid("a.png", [[[0.5]]], ["a"], title="b")


@pytest.mark.parametrize(
    ("suffix", "begin"), [(".svg", b"<?xml"), (".pdf", b"%PDF"), (".PNG", b"\x89PNG"), ("", b"\x89PNG")]
)
def test_the_suffix_determines_the_format(tmp_path, suffix, begin):
    path = tmp_path / f"picture{suffix}"
    for draw in PICTURES["two comparisons"], PICTURES["ten classes"], PICTURES["regions"]:
        draw(path=str(path))
        assert path.read_bytes().startswith(begin)


@pytest.mark.parametrize("name", PICTURES)
def test_an_unknown_suffix_is_refused_by_name_before_anything_is_drawn(tmp_path, name, monkeypatch):
    monkeypatch.setattr(Figure, "__init__", None)
    with pytest.raises(ValueError, match=r"picture\.xyz: .* \.png, \.svg, \.pdf"):
        PICTURES[name](path=tmp_path / "picture.xyz")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", BAD_CALLS)
def test_arguments_that_do_not_fit_are_refused_and_write_nothing(tmp_path, name):
    with pytest.raises(ValueError, match="expect"):
        BAD_CALLS[name](path=tmp_path / "picture.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["two comparisons", "ten epochs", "two classes", "one image", "regions"])
def test_a_drawing_that_fails_leaves_the_old_file(tmp_path, name, monkeypatch):
    def fail(self, file, **kwargs):
        file.write(b"half a picture")
        raise RuntimeError("while drawing")

    path = tmp_path / "picture.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(Figure, "savefig", fail)
    with pytest.raises(RuntimeError, match="while drawing"):
        PICTURES[name](path=path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_net_that_fails_leaves_no_file(tmp_path):
    with pytest.raises(ZeroDivisionError):
        plots.scatter_2d(*rings(9), range(8), title="", predict=lambda points: 1 / 0, path=tmp_path / "picture.png")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_does_not_exist_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="cannot write"):
        PICTURES["two classes"](path=tmp_path / "missing" / "picture.png")


def test_no_global_state_of_matplotlib_is_touched(tmp_path):
    program = """
import sys, matplotlib
def state():  # rcParams["backend"] would choose a back end and import pyplot
    rest = {key: matplotlib.rcParams[key] for key in matplotlib.rcParams if key != "backend"}
    return rest, dict.__getitem__(matplotlib.rcParams, "backend")
before = state()
from micrograd_tiers import plots
from micrograd_tiers.history import History
for name in "a.png", "a.svg", "a.pdf":
    plots.loss_curves(History([2.0, 1.0], [1.5], [1.0], [0.5]), steps_per_epoch=2, title="$", path=name)
    curves = [plots.Curve("scalar", [1, 2], [2.0, 1.0], 10.0)]
    plots.comparison([plots.ComparisonCase("a", curves, "b")], path=name)
    plots.confusion_matrix([[1]], ["a"], "b", path=name)
    plots.image_grid([[[0.5]]], ["a"], title="b", path=name)
    plots.scatter_2d([[0, 1]], [0], ["a"], title="b", predict=lambda points: points[:, 0] > 0, path=name)
assert state() == before
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], cwd=tmp_path, check=True)


def test_equal_curves_are_stacked_with_the_widest_at_the_bottom():
    figure = plots.comparison([case(*UNEVEN)])
    left, right = figure.subfigs[0].axes
    scalar, vector, tensor = left.lines
    assert scalar.get_linewidth() > vector.get_linewidth() + 1 > tensor.get_linewidth() + 2
    assert [line.get_color() for line in left.lines] == [plots.TIER_COLORS[t] for t in ("scalar", "vector", "tensor")]
    for line, n in (scalar, 10), (vector, 400), (tensor, 5000):
        assert line.get_xdata()[-1] == 64 * n
        points = line.get_xydata()[:-1]
        np.testing.assert_array_equal(tensor.get_xydata()[: len(points)], points)
    assert left.get_xscale() == right.get_xscale() == "log"
    assert "mean of last 10%" in left.get_ylabel()


def test_few_batches_are_drawn_without_averaging():
    few = case(("scalar", 30, 1.0), ("tensor", 30, 1.0))
    left = plots.comparison([few]).subfigs[0].axes[0]
    np.testing.assert_array_equal(left.lines[0].get_ydata(), few.curves[0].loss)
    assert left.get_ylabel() == "training loss"
    assert left.get_xscale() == "linear"


def test_the_running_mean_is_over_the_last_tenth():
    loss = losses(1000)
    mean = running_mean(loss)
    assert mean.shape == loss.shape
    for n in 1, 19, 20, 500, 1000:
        assert mean[n - 1] == pytest.approx(np.mean(loss[n - max(1, n // 10) : n]), rel=1e-12)


def test_speeds_are_written_beside_the_bars_and_compared_with_the_first():
    right = plots.comparison([case(*THREE)]).subfigs[0].axes[1]
    assert [text.get_text() for text in right.texts] == ["28,345/s, 1x", "17,310/s, 0.61x", "162,300/s, 5.7x"]


def test_contenders_are_sorted_by_speed_and_colored_by_kind():
    (axes,) = plots.benchmark(race("784-300-10", *RACE)).axes
    named = [label.get_text() for label in axes.get_yticklabels()]
    assert named == ["flat loop, fused", "tensor", "tensor exact", "PyTorch eager", "scalar", "Value"]
    written = [text.get_text().removesuffix("/s") for text in axes.texts]
    assert written == ["300,000", "200,000", "90,000", "9,000", "28", "0.7"]
    colors = [matplotlib.colors.to_hex(bar.get_facecolor()).upper() for bar in axes.patches]
    assert (colors[1], colors[4]) == (plots.TIER_COLORS["tensor"], plots.TIER_COLORS["scalar"])
    assert len({*colors}) == 6


def test_the_color_of_a_line_does_not_depend_on_its_label():
    panel = GrowthPanel("784-H-10", "hidden units", [Times("scalar?", [1, 2], [1.0, 2.0], "vector")])
    (line,) = plots.growth([panel]).axes[0].lines
    assert line.get_color() == plots.TIER_COLORS["vector"]


def test_unknown_tiers_get_colors_of_their_own():
    tiers = [(name, 30, 10.0) for name in ("scalar", "one", "two", "vector", "three", "tensor", "four")]
    figure = plots.comparison([case(*tiers)])
    assert len({line.get_color() for line in figure.subfigs[0].axes[0].lines}) == 7


def test_a_dollar_sign_is_a_dollar_sign(texts_of):
    names = ["$5", r"$\frac$"]
    _, texts = texts_of(plots.confusion_matrix([[1, 0], [0, 1]], names, "$ or $x_1^"))
    assert {*names} <= {text.get_text() for text in texts}


def test_epochs_are_counted_in_whole_numbers():
    for epochs, extra in (0, 7), (1, 0), (3, 5), (10, 0), (200, 0):
        picture = history(epochs, extra=extra)
        figure = plots.loss_curves(picture, steps_per_epoch=40, title="")
        low, high = figure.axes[-1].get_xlim()
        ticks = [tick for tick in figure.axes[-1].get_xticks() if low <= tick <= high]
        assert len(ticks) >= 2
        assert all(tick == round(tick) for tick in ticks)
        assert low == 0
        assert epochs + (extra > 0) <= high


def test_losses_are_drawn_at_the_right_epochs():
    h = History([4.0, 3.0, 2.0, 1.0], [3.5, 1.5], [3.0, 1.0], [0.25, 0.75])
    loss, accuracy = plots.loss_curves(h, steps_per_epoch=2, title="").axes
    batch, train, validation = loss.lines
    np.testing.assert_array_equal(batch.get_xydata(), [[0, 4], [0.5, 3], [1, 2], [1.5, 1]])
    np.testing.assert_array_equal(train.get_xydata(), [[0.5, 3.5], [1.5, 1.5]])
    np.testing.assert_array_equal(validation.get_xydata(), [[1, 3], [2, 1]])
    np.testing.assert_array_equal(accuracy.lines[0].get_xydata(), [[1, 25], [2, 75]])


def test_many_batches_are_drawn_as_means():
    h = History(list(range(5001)), [2500.0])
    line = plots.loss_curves(h, steps_per_epoch=5001, title="").axes[0].lines[0]
    assert len(line.get_xdata()) == 1667
    np.testing.assert_allclose(line.get_ydata(), 5001 * line.get_xdata(), atol=1e-9)
    assert line.get_label() == "training, mean of 3 batches"


def test_counts_are_written_in_rows_of_true_classes_with_contrast():
    figure = plots.confusion_matrix([[5000, 7], [0, 1000]], ["a", "b"], "ellipse")
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == ["5,000", "7", "0", "1,000"]
    assert [text.get_position() for text in axes.texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert figure.get_suptitle() == "ellipse\naccuracy 99.88% (6,000 of 6,007)"
    for text in axes.texts:
        x, y = text.get_position()
        image = axes.images[0]
        shade = image.cmap(image.norm(image.get_array()[y, x]))
        brightness = np.dot(shade[:3], [0.2126, 0.7152, 0.0722])
        assert abs(brightness - (text.get_color() == "white")) > 0.5


def test_regions_are_colored_like_the_points():
    X = np.array([[-1.0, -1.0], [1.0, 1.0]])

    def right_half(points):
        return points[:, 0] > 0

    figure = plots.scatter_2d(X, [0, 1], ["a", "b"], title="", predict=right_half)
    regions = figure.axes[0].images[0].get_array()
    expected = matplotlib.colors.to_rgba_array(plots.PALETTE[:2])
    np.testing.assert_array_equal(regions[:, 0], np.broadcast_to(expected[0], (200, 4)))
    np.testing.assert_array_equal(regions[:, -1], np.broadcast_to(expected[1], (200, 4)))
    assert [line.get_color() for line in figure.axes[0].lines] == [*plots.PALETTE[:2]]


def test_probabilities_mix_the_colors_of_the_classes():
    X = np.array([[-1.0, -1.0], [1.0, 1.0]])
    net = mt.softmax_regression(2, 3)
    figure = plots.scatter_2d(X, [0, 1], ["a", "b", "c"], predict=net.predict_proba)
    image = figure.axes[0].images[0]
    left, right, bottom, top = image.get_extent()
    corner = [left + 0.5 * (right - left) / 200, bottom + 0.5 * (top - bottom) / 200]
    expected = net.predict_proba([corner])[0] @ matplotlib.colors.to_rgba_array(plots.PALETTE[:3])
    np.testing.assert_allclose(image.get_array()[0, 0], expected)


def test_regions_are_the_right_way_up():
    X = np.array([[-1.0, -1.0], [1.0, 1.0]])
    figure = plots.scatter_2d(X, [0, 1], ["a", "b"], title="", predict=lambda points: points[:, 1] > 0)
    image = figure.axes[0].images[0]
    assert image.origin == "lower"
    assert tuple(image.get_array()[-1, 0]) == matplotlib.colors.to_rgba(plots.PALETTE[1])


def test_at_most_3000_points_are_drawn():
    X, y = rings(5000)
    figure = plots.scatter_2d(X, y, range(8), title="")
    drawn = np.concatenate([line.get_xydata() for line in figure.axes[0].lines])
    assert {tuple(point) for point in drawn} == {tuple(point) for point in X[:3000]}


def test_captions_keep_their_colors_and_images_their_brightness():
    images = np.full((2, 4, 4), 0.25)
    figure = plots.image_grid(images, ["right", "wrong"], title="", colors=["green", "red"])
    assert [(axes.get_title(), axes.title.get_color()) for axes in figure.axes] == [
        ("right", "green"),
        ("wrong", "red"),
    ]
    assert all(axes.images[0].get_clim() == (0, 1) for axes in figure.axes)


def test_ticks_within_a_decade_are_plain_text():
    figure = PICTURES["one decade"]()
    figure.draw_without_rendering()
    (axes,) = figure.axes
    labels = [label.get_text() for label in axes.get_yticklabels(which="both")]
    assert any(labels)
    assert not any("$" in label for label in labels)


def test_points_are_drawn_into_logarithmic_axes():
    axes = Figure().subplots()
    axes.set(xscale="log", yscale="log")
    plots.scatter_2d([[50, 20], [60, 22]], [0, 1], ["a", "b"], axes=axes)
    assert axes.get_xscale() == "log"


def test_negative_zero_is_zero():
    texts = [text.get_text() for text in plots.matrices([[[-0.0]]], ["a"]).axes[0].texts]
    assert texts == ["0"]


@pytest.mark.parametrize("length", [1, 2, 4, 8, 16, 30])
def test_the_legend_of_a_panel_stays_within_the_picture(length):
    lines = {chr(ord("A") + k) * length: ([0, 1], [0, k]) for k in range(12)}
    figure = plots.panels([Panel("many lines", "step", "loss", lines)])
    figure.canvas.draw()
    legend = figure.axes[0].get_legend().get_window_extent()
    assert 0 <= legend.x0 < legend.x1 <= figure.bbox.x1 + 1
