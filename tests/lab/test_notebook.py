"""Checks, verdicts, comparisons, bugs and races show themselves in a notebook."""

import pytest
from shown import NASTY, assert_fits_into_a_notebook, cells, lab_objects

from micrograd_tiers.colors import TIER_COLORS


@pytest.fixture(scope="module")
def objects():
    return lab_objects()


def test_all_fit_into_a_notebook(objects):
    for name, shown in objects.items():
        assert_fits_into_a_notebook(shown)
        assert hasattr(shown, "_repr_html_"), name


@pytest.mark.parametrize("name", ["check", "wrong check", "check of a deep net", "check of a jvp", "check of vjps"])
def test_the_table_of_a_check_has_the_numbers_of_its_text(objects, name):
    report = objects[name]
    text, page = str(report).split("\n"), report._repr_html_()
    rows = cells(page)
    assert len(rows) == 1 + len(report.checks)
    for line, row in zip(text, rows, strict=False):
        assert line.split() == " ".join(row).split()
    assert text[-1] in page


def test_the_repr_of_a_short_check_is_its_text_and_that_of_a_long_one_keeps_the_conclusion(objects):
    assert repr(objects["check"]) == str(objects["check"])
    assert repr(objects["check of a deep net"]).split("\n")[-1] == str(objects["check of a deep net"]).split("\n")[-1]


def test_a_wrong_check_says_where_to_look(objects):
    assert "look for the bug in this vjp" in objects["wrong check"]._repr_html_()


def test_a_verdict_shows_each_item_and_each_finding(objects):
    verdict = objects["verdict"]
    assert [row[:3] for row in cells(verdict._repr_html_())[1:]] == [
        ["linear", "fail", "0 of 1"], ["relu", "fail", "0 of 1"], ["tanh", "pass", "1 of 1"],
    ]  # fmt: skip
    text = verdict._repr_html_()
    assert text.count("<details>") == sum(len(item.findings) for item in verdict.items)
    assert "linear, dx: derivative" in text
    assert "likely bug: " in text
    assert NASTY not in text
    assert "NOT passed" in repr(verdict)
    assert "linear (fail), relu (fail)" in repr(verdict)
    assert "cannot be imported: SyntaxError" in objects["verdict on a file that cannot be imported"]._repr_html_()


def test_a_comparison_shows_its_tiers_in_their_colors_and_its_verdict(objects):
    comparison = objects["comparison"]
    text = comparison._repr_html_()
    assert [row[0] for row in cells(text)] == ["tier", "scalar", "my_tier.py"]
    assert comparison.verdict in text
    assert f"stroke='{TIER_COLORS['scalar']}'" in text
    assert comparison.verdict in repr(comparison)


def test_a_bug_shows_its_difference_folded_away(objects):
    text = objects["bug"]._repr_html_()
    assert text.index("<details>") < text.index("+++ wrong/")
