"""Objects that show themselves in a notebook, by name, and checks of what they show."""

import math
import re
from html.parser import HTMLParser

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.datasets import Dataset, Standardizer
from micrograd_tiers.datasets.digits import PreparedDigit
from micrograd_tiers.history import History

NASTY = "<b>bold</b> & 'quoted' \"twice\" $x$"


class Parsed(HTMLParser):
    """Tags and texts of a fragment; raises an AssertionError if a tag is not closed where it should be."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag != "img":
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def cells(text):
    """Return the cells of the first table, row by row."""
    rows = re.findall("<tr.*?</tr>", text.partition("</table>")[0])
    return [re.findall("<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def assert_fits_into_a_notebook(shown):
    """Assert that an object has a short repr, and HTML that is well formed, small, and loads nothing."""
    assert len(repr(shown).split("\n")) <= 10
    assert len(repr(shown)) <= 2000
    if not hasattr(shown, "_repr_html_"):
        return
    text = shown._repr_html_()
    assert len(text) <= 100_000
    parsed = Parsed(text)
    for tag, attributes in parsed.tags:
        assert tag not in ("script", "style", "link")
        assert not [name for name in attributes if name.startswith("on")]
        assert attributes.get("src", "data:").startswith("data:")
        assert attributes.get("alt", attributes.get("aria-label", "x")), tag
        numbers = " ".join(attributes.get(name) or "" for name in ("d", "cx", "cy", "x", "y", "width", "viewbox"))
        assert not re.search("nan|inf", numbers), (tag, attributes)
    assert "".join(parsed.texts).strip()


def dataset(n=40, shape=(784,), image_shape=(28, 28), names=("zero", "one", "two"), n_test=10, name="made up"):
    rng = np.random.default_rng(0)
    parts = [(rng.random((k, *shape)), rng.integers(0, len(names), k)) for k in (n, n_test)]
    return Dataset(name, *parts[0], *parts[1], tuple(names), image_shape, "drawn for a test")


def long_history(epochs=10_000, steps=5):
    train = [0.1 + 2.2 / (1 + k) for k in range(epochs)]
    validation = [0.2 + abs(k - epochs // 3) / epochs for k in range(epochs)]
    return History([x for x in train for _ in range(steps)], train, validation, [k / epochs for k in range(epochs)])


def trainer(steps=0, **options):
    data = dataset(50, (2,), None)
    settings = {"batch_size": 20, "epochs": 4, "validation": (data.test_x, data.test_y), **options}
    trainer = mt.Trainer(mt.mlp([2, 5, 3], "tanh"), data.train_x, data.train_y, **settings)
    for _ in range(steps):
        trainer.step()
    return trainer


def core_objects():
    net = mt.mlp([2, *[8] * 30, 3])
    return {
        "summary": mt.two_layer_net(784, 300, 10).summary(),
        "summary of a deep net": net.summary(),
        "summary of lenet": mt.lenet5().summary(),
        "empty history": History(),
        "unfinished epoch": History([0.7, 0.6]),
        "one epoch": History([0.7, 0.6], [0.65], [0.6], [0.5]),
        "history": History([0.9, 0.8, 0.7, 0.6], [0.85, 0.65], [0.8, 0.7], [0.5, 0.75]),
        "10,000 epochs": long_history(),
        "diverged": History([2.3, 1e5, 1e160, math.inf], [3.0]),
        "diverged late": History([2.3, 1e5, 1e160, math.nan], [3.0, 1e80], [3.0, 1e80]),
        "images": dataset(),
        "large images": dataset(5, (300 * 200,), (300, 200)),
        "points": dataset(5000, (2,), None),
        "many features": dataset(30, (13,), None),
        "nothing to train on": dataset(0, (2,), None),
        "no samples": dataset(0, n_test=0),
        "many classes": dataset(names=[f"a class with a rather long name {k}" for k in range(62)]),
        "nasty names": dataset(40, (2,), None, [NASTY, "<script>alert(1)</script>"], name=NASTY),
        "standardizer": Standardizer.fit(dataset().train_x),
        "digit": PreparedDigit(np.zeros((28, 28)), (3, 40, 5, 20), True),
        "trainer at the start": trainer(),
        "trainer": trainer(8, schedule="cosine"),
        "recipe": mt.Recipe(data="moons", hidden=(16, 8), momentum=0.9),
        "a recipe that contradicts itself": mt.Recipe(optimizer="adam", momentum=0.9),
        "run": mt.Run.start(mt.Recipe(data="moons", n_train=100, n_test=20, hidden=(16,), validation=20)),
    }


def lab_objects():
    from micrograd_tiers.lab.comparison import Comparison, TierResult
    from micrograd_tiers.lab.judge.support import completed
    from micrograd_tiers.lab.judge.verdict import Item, Verdict
    from micrograd_tiers.lab.judge.worker import judged
    from micrograd_tiers.lab.museum import get_bug
    from micrograd_tiers.lab.race import Case, Row
    from micrograd_tiers.tiers import OPS

    x, y = dataset(6, (2,), None).train_x, [0, 1, 2, 0, 1, 2]
    right = mt.check(lambda x: np.sum(x**3), lambda x: 3 * x**2, [1.0, -2.0])
    bug = get_bug("linear_dx_ignores_later_outputs")
    found = judged(bug.op, completed(bug.tier("tensor"), "tensor"), "tensor")["findings"]
    wrong = Item(bug.op, "fail", [{"level": "formulas", **finding} for finding in found], 0.0, 1.0)
    nasty = {"part": "value", "property": "raises", "message": NASTY, "level": "all", "blocks": True, "expected": NASTY}
    losses = [1 / (1 + k) for k in range(20_000)]
    results = [TierResult(tier, 1e4, 0.1, 0.9, 0.0, 0.0, "", 0.1, 0.9, losses) for tier in ("scalar", "my_tier.py")]
    compared = ("2-3-2", "moons", "drawn", False, 0.1, 64, 1000, 100, 20_000, 20_000, 1.0)
    return {
        "check": right,
        "wrong check": mt.check(lambda x: np.sum(x**3), lambda x: 2 * x**2, [1.0, -2.0]),
        "check of nothing": mt.check(np.sum, np.ones_like, [1.0], n_coordinates=0, n_directions=0),
        "check of a deep net": mt.check_network(mt.mlp([2, *[3] * 8, 3]), x, y, n_coordinates=2),
        "check of vjps": mt.check_vjps(mt.get_tier("tensor").sigmoid, [x]),
        "check of a jvp": mt.check_jvp(np.tanh, lambda x, v: v * (1 - np.tanh(x) ** 2), [0.5, 1.0]),
        "one check": right.checks[0],
        "verdict": Verdict(
            NASTY, "tensor", (wrong, Item("relu", "fail", [nasty], 0.0, 1.0), Item("tanh", "pass", [], 1.0, 1.0))
        ),
        "verdict on everything": Verdict(
            "a.py", "tensor", tuple(Item(op, "fail", [nasty] * 3, 0.0, 1.0) for op in OPS)
        ),
        "verdict on a file that cannot be imported": Verdict("a.py", problem="SyntaxError: line 1"),
        "item": wrong,
        "right item": Item("tanh", "pass", [], 1.0, 1.0),
        "comparison": Comparison(*compared, results),
        "tier result": results[1],
        "bug": bug,
        "row": Row(Case((2, 3, 2), 8), "vector", "tensor", 1, [1e-4] * 9, [0.5] * 9, 0.0),
        "the only row": Row(Case((2, 3, 2), 8), "vector", "tensor", 1, [1e-4], [], None),
    }
