"""The version and its date are the same in every place."""

import re
from pathlib import Path

import micrograd_tiers as mt

ROOT = Path(__file__).parents[2]


def test_changelog_and_citation_have_this_version_and_date():
    version, date = re.search(r"^## (\S+) - (\S+)$", (ROOT / "CHANGELOG.md").read_text(), re.M).groups()
    citation = dict(re.findall(r"^([a-z-]+): (.+)$", (ROOT / "CITATION.cff").read_text(), re.M))
    assert mt.__version__ == version == citation["version"]
    assert date == citation.get("date-released", "unreleased")
