"""The HTML that a notebook shows: tables, images, charts, scatter plots, and objects of the core."""

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shown import NASTY, Parsed, assert_fits_into_a_notebook, cells, core_objects, dataset, long_history, trainer

import micrograd_tiers as mt
from micrograd_tiers import colors, html
from micrograd_tiers.formats import cut_lines
from micrograd_tiers.history import History

NAMES = [*core_objects()]
LOSSES = st.lists(st.floats(min_value=0) | st.sampled_from([math.inf, math.nan]), max_size=20)


@pytest.fixture(scope="module")
def objects():
    return core_objects()


@pytest.mark.parametrize("name", NAMES)
def test_an_object_fits_into_a_notebook(objects, name):
    assert_fits_into_a_notebook(objects[name])
    assert " object at 0x" not in repr(objects[name])


def test_texts_are_escaped(objects):
    text = objects["nasty names"]._repr_html_()
    assert "<b>bold" not in text
    assert text.count(html.escape(NASTY)[:30]) == 5  # in titles, in a note, in the legend


# Objects.


@given(LOSSES, LOSSES, LOSSES, st.lists(st.floats(0, 1), max_size=20))
def test_any_history_fits_into_a_notebook(batches, train, validation, accuracies):
    assert_fits_into_a_notebook(History(batches, train, validation, accuracies))


@given(st.integers(1, 60))
def test_the_table_of_a_history_has_few_rows_with_its_numbers(epochs):
    history = long_history(epochs)
    head, *rows = cells(history._repr_html_())
    assert head == ["epoch", "training loss", "validation loss", "validation accuracy"]
    assert len(rows) <= 9
    at = [int(row[0]) for row in rows]
    assert at == sorted({*at})
    best = 1 + history.validation_loss.index(min(history.validation_loss))
    assert {1, best, epochs} <= {*at}
    for k, row in zip(at, rows, strict=True):
        losses = [html.number(losses[k - 1]) for losses in (history.train_loss, history.validation_loss)]
        assert row[1:] == [*losses, f"{history.validation_accuracy[k - 1]:.2%}"]


def test_a_history_tells_where_it_diverged():
    history = History([2.3, 5.0, math.nan], [3.0])
    assert "mini-batch 3 has the loss nan" in repr(history)
    assert "mini-batch 3 has the loss nan" in history._repr_html_()


def test_a_history_of_one_epoch_shows_its_mini_batches():
    text = History([0.5, 0.4, 0.3], [0.4])._repr_html_()
    assert "aria-label='Curve by mini-batch: loss from 0.5 to 0.3'" in text
    assert "mini-batch 3" in text
    assert text.count("<circle") == 3


def test_a_long_history_is_a_short_line():
    assert repr(long_history()) == (
        "<History: 10,000 epochs, 50,000 mini-batches; training loss 2.3 to 0.1002; validation loss 0.5333 to 0.8666; "
        "validation accuracy 0.00% to 99.99%; lowest validation loss 0.2 in epoch 3,334>"
    )


def test_a_data_set_shows_its_first_images_with_their_classes():
    data = dataset()
    parsed = Parsed(data._repr_html_())
    alts = [attributes["alt"] for tag, attributes in parsed.tags if tag == "img"]
    assert alts == [f"image of {data.class_names[c]}" for c in data.train_y[:20]]
    parts = "40 training and 10 test samples of shape (784,)"
    assert repr(data) == f"<Dataset made up: {parts}; 3 classes: zero, one, two; drawn for a test>"


def test_a_data_set_in_the_plane_shows_its_first_points_by_class():
    data = dataset(500, (2,), None)
    paths = re.findall("<path d='([^']*)' fill='#", data._repr_html_())
    y = data.train_y[:400]
    assert [path.count("M") - 1 for path in paths] == [(y == c).sum() for c in range(3)]  # and one in the legend


def test_a_data_set_without_training_samples_shows_its_test_samples():
    data = dataset(0, (2,), None)
    assert "The first 10 points" in data._repr_html_()


def test_a_trainer_shows_its_progress():
    assert repr(trainer()).startswith("<Trainer: 0 of 4 epochs; 3 mini-batches of 20 samples in an epoch; SGD(")
    assert repr(trainer(5)).startswith("<Trainer: 1 of 4 epochs and 40 of 50 samples; ")
    assert repr(trainer(12)).startswith("<Trainer: 4 of 4 epochs, finished; ")
    assert "1 epoch, 5 mini-batches" in trainer(5)._repr_html_()


def test_the_summary_of_a_small_net_is_its_table():
    summary = mt.two_layer_net(784, 300, 10).summary()
    assert repr(summary) == str(summary)
    assert [row[1:] for row in cells(summary._repr_html_())] == [
        ["output", "parameters"], ["(784,)", ""], ["(300,)", "235,500"], ["(300,)", "0"], ["(10,)", "3,010"],
    ]  # fmt: skip


@given(st.integers(0, 30), st.integers(4, 12))
def test_lines_are_cut_in_the_middle(n, most):
    text = "\n".join(map(str, range(n)))
    lines = cut_lines(text, most).split("\n")
    if n <= most:
        assert "\n".join(lines) == text
    else:
        assert len(lines) == most
        (k,) = [i for i, line in enumerate(lines) if line.endswith(" more lines ...")]
        assert lines[:k] == [*map(str, range(k))]
        assert lines[k + 1 :] == [*map(str, range(n - (most - k - 1), n))]
        assert lines[k] == f"... {n - most + 1} more lines ..."


# Parts of the page.


def test_columns_of_numbers_are_aligned_right():
    text = html.table(("a", "b", "c", "d"), [("1", "x", -2.5, ""), ("2", "3", "(4,)", "inf")])
    heads = re.findall("<th[^>]*text-align:(\\w+)", text)
    assert heads == ["left", "left", "right", "right"]


def paths(chart):
    """Return the points of each line of a chart, piece by piece."""
    lines = re.findall("<path d='([^']*)' fill='none' stroke='[^']*' stroke-width='2'", chart)[::2]
    return [
        [[tuple(map(float, p.split(","))) for p in piece.split("L")] for piece in line.split("M")[1:]] for line in lines
    ]


def test_a_chart_leaves_a_gap_where_a_number_is_not_finite():
    (line,) = paths(html.chart({"a": [1.0, 2.0, math.nan, 3.0, math.inf, 4.0, 5.0]}, "title"))
    assert [len(piece) for piece in line] == [2, 1, 2]


@given(st.lists(st.floats(-1e308, 1e308), min_size=1, max_size=50))
def test_a_chart_reaches_from_the_smallest_to_the_largest_number(numbers):
    (line,) = paths(html.chart({"a": numbers}, "title", height=150))
    heights = [y for piece in line for _, y in piece]
    across = [x for piece in line for x, _ in piece]
    assert len(heights) == len(numbers)
    assert across == sorted(across)
    assert max(heights) == 140
    if max(numbers) > min(numbers):
        assert min(heights) == 29
        assert heights[numbers.index(max(numbers))] == 29
        assert heights[numbers.index(min(numbers))] == 140


def test_a_logarithmic_chart_has_equal_steps_for_equal_factors():
    (line,) = paths(html.chart({"a": [1.0, 10.0, 0.0, 100.0]}, "title", log=True))
    (first, second), (third,) = line
    assert first[1] - second[1] == pytest.approx(second[1] - third[1], abs=0.11)


@pytest.mark.parametrize("n", [301, 1000, 20_000])
def test_points_of_a_long_line_are_means_of_groups(n):
    text = html.chart({"a": [float(k % 2) for k in range(n)]}, "title")
    (line,) = paths(text)
    assert f">a, means of {-(-n // 300)}</text>" in text
    assert len(line) == 1
    assert 100 <= len(line[0]) <= 300
    group = -(-n // 300)
    groups = [range(i, min(n, i + group)) for i in range(0, n, group)]
    means = [sum(k % 2 for k in group) / len(group) for group in groups]
    assert len(means) == len(line[0])
    order = sorted(range(len(means)), key=means.__getitem__)
    heights = [line[0][k][1] for k in order]
    assert heights == sorted(heights, reverse=True)


def test_lines_of_a_chart_differ_in_color_and_dashes():
    text = html.chart({tier: [1.0, 2.0] for tier in colors.TIER_COLORS}, "title", colors=[*colors.TIER_COLORS.values()])
    styles = re.findall("stroke='(#[^']*)' stroke-width='2' stroke-dasharray='([^']*)'", text)[::2]
    assert [color for color, _ in styles] == [*colors.TIER_COLORS.values()]
    assert len({dash for _, dash in styles}) == 3


@given(st.lists(st.tuples(st.floats(), st.floats()), max_size=20))
def test_a_scatter_plot_shows_every_finite_point(points):
    text = html.scatter({"a": points, "empty": []}, "title")
    path, empty = re.findall("<path d='([^']*)' fill='[#c]", text)
    places = [tuple(map(float, place)) for place in re.findall(r"M([-\d.]+),([-\d.]+)m", path)][1:]
    assert len(places) == sum(math.isfinite(x) and math.isfinite(y) for x, y in points)
    assert empty.count("M") == 1
    for across, down in places:
        assert 56 <= across <= 360
        assert 0 <= down <= 290


def test_pixels_of_gray_images_are_limited_to_black_and_white():
    text = html.gray_images([[[-1.0, 0.5, 2.0, math.nan]]], ["x"])
    assert text == html.gray_images([[[0.0, 0.5, 1.0, 0.0]]], ["x"])


def luminance(color):
    """Relative luminance as in the Web Content Accessibility Guidelines 2.2, of (red, green, blue) from 0 to 255."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(("ink", "paper"), [((22, 24, 28), (255, 255, 255)), ((236, 238, 241), (19, 20, 22))])
@pytest.mark.parametrize("x", [-1.0, -0.5, 0.0, 0.5, 1.0, math.nan])
def test_text_on_the_color_of_a_number_is_easy_to_read(x, ink, paper):
    *color, opacity = colors.shade(x, 1.0)
    under = [opacity * c + (1 - opacity) * p for c, p in zip(color, paper, strict=True)]
    brighter, darker = sorted([luminance(ink), luminance(under)], reverse=True)
    assert (brighter + 0.05) / (darker + 0.05) >= 4.5


def test_pages_have_the_same_colors():
    style = (Path(mt.__file__).parent / "views" / "web" / "page.css").read_text()
    for name, color in (("negative", colors.NEGATIVE), ("positive", colors.POSITIVE)):
        assert f"--{name}: {' '.join(map(str, color))};" in style
    for tier, color in colors.TIER_COLORS.items():
        assert f"--{tier}: {color.lower()};" in style
