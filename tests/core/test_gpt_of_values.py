"""The GPT of single numbers in `examples`: published losses, and the same bits with its own class and with `Value`."""

import ast
import random
import sys
from itertools import islice

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from idx_files import DATA
from microgpt import EXAMPLE, GENERATED, LOSSES, N_NAMES, NAMES
from profiles import examples

import micrograd_tiers as mt

FILE = DATA / "names" / "names.txt"


def example(replaced):
    """Return the names that the example defines; if `replaced`, its class is replaced by an import."""
    tree = ast.parse(EXAMPLE.read_text(encoding="utf-8"))
    if replaced:
        (place,) = [i for i, node in enumerate(tree.body) if isinstance(node, ast.ClassDef) and node.name == "Value"]
        tree.body[place : place + 1] = ast.parse("from micrograd_tiers import Value").body
    module = {"__name__": "gpt_of_values"}
    exec(compile(tree, EXAMPLE.name, "exec"), module)
    return module


@pytest.fixture(scope="module", params=["own class", "Value"])
def module(request):
    return example(request.param == "Value")


def trained(module):
    """Return the losses of thirteen steps, the bits of all gradients and weights after each, and a new name."""
    rng = random.Random(42)
    rng.shuffle([*range(N_NAMES)])
    net = module["GPT"](27, rng)
    documents = [[26, *(ord(letter) - ord("a") for letter in name), 26] for name in NAMES]
    losses, bits = [], []
    for loss in islice(module["train"](net, documents), len(documents)):
        losses.append(loss)
        bits.append([float(number).hex() for p in net.parameters for number in (p.grad, p.data)])
    return losses, bits, net.sample(26, random.Random(1))


def test_the_losses_are_those_of_microgpt_and_both_classes_give_the_same_bits():
    own, ours = example(replaced=False), example(replaced=True)
    assert ours["Value"] is mt.Value
    assert own["Value"] is not mt.Value
    losses, bits, name = trained(own)
    assert [round(loss, 4) for loss in losses] == LOSSES
    assert trained(ours) == (losses, bits, name)


OPERATIONS = {
    "a + b": lambda a, b: a + b,
    "a - b": lambda a, b: a - b,
    "a * b": lambda a, b: a * b,
    "a / b": lambda a, b: a / b,
    "a / 3": lambda a, _: a / 3,
    "2 * a + 0.1": lambda a, _: 2 * a + 0.1,
    "-a": lambda a, _: -a,
    "a**3": lambda a, _: a**3,
    "exp": lambda a, _: a.exp(),
    "log of the square": lambda a, _: (a * a).log(),
    "relu": lambda a, _: a.relu(),
}
LINES = st.tuples(st.sampled_from(sorted(OPERATIONS)), st.integers(0, 99), st.integers(0, 99))
OWN = example(replaced=False)["Value"]


def bits_of(number, program):
    """Return the bits of all values and gradients of a program: each line applies an operation to earlier values."""
    values = [number(x) for x in (0.1, -0.7, 1.3)]
    for name, i, j in program:
        values.append(OPERATIONS[name](values[i % len(values)], values[j % len(values)]))
    sum(values).backward()
    return [float(x).hex() for v in values for x in (v.data, v.grad)]


@given(st.lists(LINES, min_size=1, max_size=25))
@examples(100)
def test_every_expression_has_the_same_bits_in_both_classes(program):
    try:
        expected = bits_of(OWN, program)
    except (ArithmeticError, ValueError):
        assume(False)
    assert bits_of(mt.Value, program) == expected


@pytest.mark.parametrize(
    ("text", "error"), [(None, "No such file"), ("\n \n", "is empty, expected a name on each line")]
)
def test_a_file_without_names_is_refused(module, tmp_path, monkeypatch, capsys, text, error):
    path = tmp_path / "my names.txt"
    if text is not None:
        path.write_text(text)
    monkeypatch.setattr(sys, "argv", ["gpt_of_values.py", str(path)])
    with pytest.raises(SystemExit, match="2"):
        module["main"]()
    message = capsys.readouterr().err
    assert error in message
    assert "my names.txt" in message


@pytest.mark.slow
@pytest.mark.skipif(not FILE.exists(), reason=f"needs {FILE}")
def test_a_thousand_steps_end_in_the_names_of_microgpt(module, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gpt_of_values.py", str(FILE)])
    module["main"]()
    first, *lines = capsys.readouterr().out.splitlines()
    assert first == "32033 names, 4192 parameters"
    assert [line.split()[-1] for line in lines[:13]] == [f"{loss:.4f}" for loss in LOSSES]
    assert lines[1000:] == GENERATED
