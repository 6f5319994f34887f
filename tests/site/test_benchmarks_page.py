"""The tables on the benchmarks page: `compare` prints them, and the figures of a table are consistent."""

import re
from pathlib import Path

import pytest

from micrograd_tiers import cli
from micrograd_tiers.tiers import TIERS

PAGE = (Path(__file__).parents[2] / "docs/benchmarks.md").read_text()
(TABLES,) = re.findall(r"^(2-3-2 on ellipse,.*?)```", PAGE, re.M | re.S)


def in_table(table, tier):
    """Return the columns of a tier in a table that compare printed; columns that are numbers as floats."""
    (line,) = re.findall(rf"^{tier} +(.*)", table, re.M)
    return [float(re.sub("[,x%]", "", word)) if word[0].isdigit() else word for word in re.split("  +", line)]


@pytest.mark.parametrize("shown", TABLES.split("\n\n"), ids=["points", "images"])
def test_the_tables_of_compare_are_what_it_prints(shown, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    name = shown.split()[2].removesuffix(",")
    assert cli.main(["compare", "--data", name, "--tiers", "tensor", "--seconds", "600"]) == 0
    printed = capsys.readouterr().out
    for line in shown.splitlines()[:2]:
        assert line in printed
    loss, accuracy = in_table(shown, "tensor")[-2:]
    found_loss, found_accuracy = in_table(printed, "tensor")[-2:]
    digit = name == "ellipse"  # glyphs are drawn by matplotlib, slightly differently in each version
    assert found_loss == pytest.approx(loss, abs=6e-5 if digit else 0.05)
    assert found_accuracy == pytest.approx(accuracy, abs=6e-3 if digit else 5)


@pytest.mark.parametrize("shown", TABLES.split("\n\n"), ids=["points", "images"])
def test_the_figures_in_the_tables_of_compare_are_consistent(shown):
    columns = {tier: in_table(shown, tier) for tier in TIERS}
    speed, _, *scores = columns["scalar"]
    assert scores[2] == "(reference)"
    for tier in TIERS:
        assert columns[tier][1] == pytest.approx(columns[tier][0] / speed, rel=0.02, abs=0.051)
        assert columns[tier][2:4] == scores[:2]
    off = max(columns[tier][4] for tier in TIERS[1:])
    assert f"no weight differs by more than {off:.1e}, " in shown
    assert "they are the same network." in shown
