"""The README is correct: its code runs, its commands exist, and its figures and paths are right."""

import json
import re
import shlex
from pathlib import Path

import pytest
from fingerprint import fingerprint

from micrograd_tiers import cli
from micrograd_tiers.lab.museum import BUGS
from micrograd_tiers.tiers import TIERS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
FRONT_PAGE = (ROOT / "docs/index.rst").read_text()


def test_it_is_short():
    assert len(README.splitlines()) <= 130


def test_the_ten_line_example_runs_and_learns(tmp_path, monkeypatch, capsys):
    (code,) = re.findall(r"## In ten lines\n\n```python\n(.*?)```", README, re.S)
    assert len([line for line in code.splitlines() if line]) <= 10
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    accuracy = float(re.search(r"'accuracy': ([\d.]+)", capsys.readouterr().out)[1])
    assert accuracy > 0.85


@pytest.mark.parametrize("column", range(3), ids=TIERS)
def test_the_linear_ops_shown_are_those_of_the_tier_files(column):
    rows = re.findall(r"^\| (?:y|dL/d\w+) \| (.*) \|$", README, re.M)
    assert len(rows) == 4
    source = (ROOT / f"micrograd_tiers/tiers/{TIERS[column]}.py").read_text().replace(", strict=True", "")
    linear = source[source.index("def linear") : source.index("def sigmoid")]
    for row in rows:
        assert row.split(" | ")[column].strip("`") in linear


def test_the_hashes_are_what_compare_prints(tmp_path, monkeypatch, capsys):
    found = re.findall(r"^SHA-256 of the weights, (\w+) +([0-9a-f]{64})$", README, re.M)
    assert [tier for tier, _ in found] == [*TIERS]
    (hash_shown,) = {digest for _, digest in found}
    record = json.loads((ROOT / "tests/core/exact_weights.json").read_text())
    if fingerprint() != record["fingerprint"]:
        pytest.skip("this C library gives other bits")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["compare", "--data", "ellipse", "--exact", "--tiers", "tensor", "--seconds", "600"]) == 0
    assert hash_shown in capsys.readouterr().out


COMMANDS = [
    shlex.split(command)
    for command in re.findall(r"(?:`|&& |Scripts\\)micrograd-tiers ([^`]*?)[ .]?`", " ".join(README.split()))
    if command != "--help"
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_is_understood(command):
    assert cli.build_parser().parse_args(command).command == command[0]


def test_no_command_is_overlooked():
    assert len(COMMANDS) == len(re.findall(r"micrograd-tiers\s+[a-z]", README)) > 4


def test_its_links_are_absolute_and_its_pictures_exist():
    links = re.findall(r"(?<!!)\[[^\]]+\]\(([^)]+)\)", README)
    assert all(link.startswith("https://") for link in links)
    for picture in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README):
        assert (ROOT / picture).exists()


def test_the_paths_on_the_map_exist():
    (table,) = re.findall(r"## Map\n\n```\n(.*?)```", README, re.S)
    assert len(table.splitlines()) == 11
    for line in table.splitlines():
        folder = ""
        for name in re.split(r"[, ]+", re.split(r"   +", line)[0]):
            path = name if (ROOT / name).exists() else folder + name
            assert (ROOT / path).exists(), name
            folder = path.rstrip("/").rpartition("/")[0] + "/"


@pytest.mark.parametrize("page", [README, FRONT_PAGE], ids=["README", "front page"])
def test_the_counts_are_right(page):
    assert f"museum of {len(BUGS)} bugs" in page
    assert "Eighteen pages" in README
    assert len([*(ROOT / "walkthroughs").glob("[0-9][0-9]_*.py")]) == 18
