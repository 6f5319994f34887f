"""Commands with a GPT: what it generates, and which nets and prompts are refused."""

import json
from pathlib import Path

import pytest

import micrograd_tiers as mt
from micrograd_tiers.tiers import TIERS

LETTERS = mt.Tokenizer("abc")


@pytest.fixture
def saved(folder):
    """A small GPT, saved with its tokenizer, in the current folder."""
    mt.save(mt.gpt(4, 8, 2, length=5, seed=1), "net.npz", tokenizer=LETTERS)
    return "net.npz"


# Generate.


def test_the_documents_are_those_of_the_function_one_on_each_line(cli, saved):
    drawn = mt.generate(mt.load(saved), LETTERS, 6, temperature=0.5, prompt="ca", seed=7)
    args = ("--n", 6, "--temperature", 0.5, "--prompt", "ca", "--seed", 7)
    for tier in TIERS:
        result = cli("generate", saved, *args, "--tier", tier, "--json", f"{tier}.json")
        assert (result.code, result.out.splitlines(), result.err) == (0, drawn, "")
        content = json.loads(Path(f"{tier}.json").read_text())
        assert (content["documents"], content["tier"], content["prompt"]) == (drawn, tier, "ca")


def test_what_is_not_given_is_as_in_the_function(cli, saved):
    assert cli("generate", saved).out.splitlines() == mt.generate(mt.load(saved), LETTERS)


def test_characters_that_the_terminal_would_obey_are_escaped(cli, folder):
    tokenizer = mt.Tokenizer("\x1b\n")
    mt.save(mt.gpt(3, 8, 2, length=5), "net.npz", tokenizer=tokenizer)
    result = cli("generate", "net.npz", "--n", 20)
    assert len(result.out.splitlines()) == 20
    assert "\x1b" not in result.out
    assert r"\x1b\n" in result.out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--prompt", "cx"), "prompt: 'cx' holds 'x', expected characters of 'abc'"),
        (("--prompt", "abcabc"), "prompt has 6 characters, expected at most 4"),
        (("--json", "net.npz"), "net.npz"),
    ],
)
def test_a_prompt_that_the_net_cannot_read_is_refused_in_one_line(cli, saved, args, words):
    result = cli("generate", saved, *args)
    (line,) = result.err.splitlines()
    assert result.code in (1, 2)
    assert words in line


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (mt.mlp([2, 3, 2]), "its first layer is Linear, expected a net that reads documents, as micrograd-tiers train"),
        (mt.gpt(4, 8, 2), "holds a net without its tokenizer; in Python, save both: mt.save(net, path, tokenizer"),
    ],
)
def test_a_net_that_cannot_write_text_is_refused_with_the_way_out(cli, folder, net, words):
    mt.save(net, "net.npz")
    result = cli("generate", "net.npz")
    (line,) = result.err.splitlines()
    assert (result.code, result.out) == (1, "")
    assert line.startswith("micrograd-tiers: net.npz: ")
    assert words in line
