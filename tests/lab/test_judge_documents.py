"""The judge on ops of documents: wrong ones are found in the part that is wrong."""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest

from micrograd_tiers import tiers
from micrograd_tiers.lab.judge import Search, judge, judge_op
from micrograd_tiers.lab.judge.cases import CASE_OF
from micrograd_tiers.lab.judge.diagnosis import diagnose
from micrograd_tiers.lab.judge.probing import drawn, probe
from micrograd_tiers.lab.judge.support import completed
from micrograd_tiers.lab.judge.worker import judged
from micrograd_tiers.lab.museum import get_bug
from micrograd_tiers.lab.museum.tiers import TIER_BUGS
from micrograd_tiers.tiers import CORE, DOCUMENTS, SUPPORT, TIERS, get_tier
from micrograd_tiers.tiers.assembly import changed_tier

# Op, part, violated property, tier, and what is replaced in its file by what. The museum has others;
# `test_judge.py` tests that the judge names each of them.
MISTAKES = {
    "twice is missing": ("squared_relu", "dx", "derivative", "scalar", "dyi * (2 * pi)", "dyi * pi"),
    "-1 is the last token": ("embedding", "value", "value", "tensor", "y[tokens < 0] = 0", "pass"),
    "NaN of one token is everywhere": (
        "embedding", "value", "nan and infinity", "tensor",
        "y = weight[tokens]", "y = (tokens[..., None] == np.arange(len(weight))) @ weight",
    ),
    "positions from the end": (
        "add_position", "value", "value", "vector", "x + weight[: len(x)]", "x + weight[-len(x) :]",
    ),
    "epsilon is not added": ("rms_norm", "value", "value", "scalar", "/ C + epsilon) for", "/ C) for"),
    "LayerNorm's weight is left out": (
        "layer_norm", "dx", "derivative", "scalar", "elementwise(mul, dy_t, weight)", "dy_t",
    ),
    "dbias keeps the positions": (
        "layer_norm", "dbias", "shape", "tensor", "total(total(dy, axis=1), axis=0)", "total(dy, axis=0)",
    ),
    "the largest score is not subtracted": (
        "attention", "value", "stability", "tensor", "scores - scores.max(axis=-1, keepdims=True)", "scores",
    ),
    "dv is that of the last query": ("attention", "dx", "derivative", "scalar", "dv[s][i] +=", "dv[s][i] ="),
    "weight and x change places": ("project", "dweight", "shape", "tensor", "products(dy, x)", "products(x, dy)"),
    "the first token is taken for padding": (
        "next_token_loss", "value", "value", "tensor", "real, rows = target >= 0", "real, rows = target > 0",
    ),
    "the mean over all documents' targets": (
        "next_token_loss", "value", "value", "tensor",
        "real.sum(axis=1))[:, None]", "np.full((len(target), 1), real.sum()))",
    ),
}  # fmt: skip


def mistaken(name):
    """Return the op with a mistake, at a tier that is otherwise right."""
    op, _, _, tier, right, wrong = MISTAKES[name]
    source = (Path(tiers.__file__).parent / f"documents/{tier}.py").read_text()
    start = source.index('"""', source.index(f"def {op}("))
    body, *rest = source[start:].split("\n\n\n", 1)
    assert right in body
    changed = "\n\n\n".join([source[:start] + body.replace(right, wrong, 1), *rest])
    return changed_tier(tier, "wrong", {f"documents/{tier}": changed})


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found_in_the_part_that_is_wrong(name):
    op, part, property, *_ = MISTAKES[name]
    finding, *_ = judge_op(CASE_OF[op], mistaken(name), Search(n_examples=30, shrink=False))
    assert (finding.part, finding.property) == (part, property)


def test_a_finding_is_shown_on_a_small_example_with_calls_to_paste():
    """The tokens of an embedding come before its one differentiable argument."""
    answer = judged("embedding", get_bug("embedding_repeated_token_counted_once").tier("scalar"), "scalar")
    (finding,) = answer["findings"]
    assert finding["example"] == {"tokens": [0, 0], "weight": [[1.0]], "dy": [[1.0], [1.0]]}
    assert finding["calls"] == ["y, (dweight,) = embedding([0, 0], [[1.0]])", "dweight([[1.0], [1.0]])"]
    assert (finding["expected"], finding["got"]) == ([[2.0]], [[1.0]])


@pytest.mark.parametrize("tier", TIERS)
def test_a_mistake_with_a_constant_factor_is_named(tier):
    """The diagnosis looks at the right gradient, although the first argument has none."""
    right = get_tier(tier)

    def embedding(tokens, weight):
        y, (dweight,) = right.embedding(tokens, weight)
        return y, (lambda dy: right.elementwise(lambda d: -d, dweight(dy)),)

    whole = completed(right, tier)
    whole.embedding = embedding
    (finding,) = judged("embedding", whole, tier)["findings"]
    assert (finding["part"], finding["likely_bug"]["name"]) == ("dweight", "wrong_sign")


@pytest.mark.parametrize("tier", ["vector", "tensor"])
def test_a_float64_result_of_a_float32_input_is_found(tier):
    """The museum has no such bug of this op, so none is named."""
    whole = completed(get_tier(tier), tier)
    right = whole.squared_relu

    def squared_relu(x):
        y, vjps = right(x)
        return y / np.sqrt(1.0), vjps

    whole.squared_relu = squared_relu
    case = CASE_OF["squared_relu"]
    (finding,) = judge_op(case, whole, Search(n_examples=8, shrink=False))
    assert (finding.part, finding.property) == ("value", "float32")
    assert finding.message.startswith("value is float64 where the input is float32")
    assert diagnose(case, whole, finding, tier) is None


BUGS = [bug for bug in TIER_BUGS if bug.op in DOCUMENTS and bug.name != "attention_mask_too_early"]  # raises or is NaN


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_is_the_same_mistake_at_every_tier(bug):
    case, tiers_with_bug = CASE_OF[bug.op].alone, [*map(bug.tier, bug.tiers())]
    for example in drawn(case)[::9]:
        first, *others = (probe(case, tier, example, bug.part) for tier in tiers_with_bug)
        assert first.numbers is not None
        assert all(other.same(first) for other in others)


def test_of_the_ops_of_documents_only_those_that_a_tier_has_are_judged(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("def rms_norm(x, epsilon=1e-5):\n    return x, (lambda dy: +dy,)\n")
    verdict = judge(str(file), like="tensor")
    assert {item.name: item.status for item in verdict.items if item.name in DOCUMENTS} == {"rms_norm": "fail"}
    assert verdict.possible == len(CORE) + 1


# The command.


@pytest.mark.parametrize("like", TIERS)
def test_a_skeleton_of_the_ops_of_documents_has_their_signatures_and_what_a_gpt_needs(cli, like):
    assert cli("verify", "--new", "mine.py", "--documents", "--like", like).code == 0
    mine, right = get_tier("mine.py"), get_tier(like)
    for op in DOCUMENTS:
        assert inspect.signature(getattr(mine, op)) == inspect.signature(getattr(right.functions, op))
        with pytest.raises(NotImplementedError):
            getattr(mine, op)(*[None] * len(inspect.signature(getattr(mine, op)).parameters))
    assert all(hasattr(mine, name) for name in (*SUPPORT, "relu"))
    assert not any(hasattr(mine, op) for op in CORE if op != "relu")
    text = Path("mine.py").read_text()
    assert "{" not in text
    assert ("summed over the samples" in text) == (like == "tensor")
    assert f"the vjps (dweight,), from dy {'(N, T, C)' if like == 'tensor' else '(T, C)'} to (V, C)" in text


def test_the_ops_of_documents_are_judged_in_place_of_those_of_dense_nets(cli):
    Path("mine.py").write_text(
        "import numpy as np\n\n"
        "def squared_relu(x):\n"
        "    positive = np.maximum(x, 0)\n"
        "    return positive * positive, (lambda dy: dy * (2 * positive),)\n"
    )
    assert cli("verify", "mine.py", "--documents", "--like", "tensor", "--json", "v.json").code == 1
    content = json.loads(Path("v.json").read_text())
    statuses = {item["name"]: item["status"] for item in content["items"]}
    assert statuses == dict.fromkeys(DOCUMENTS, "not yet written") | {"squared_relu": "pass"}
    assert (content["points"], content["possible"]) == (1, len(DOCUMENTS))


def test_only_and_documents_do_not_go_together(cli):
    result = cli("verify", "mine.py", "--only", "attention", "--documents")
    assert result.code == 2
    assert "not allowed with argument --only" in result.err
