"""Commands with a GPT: training, testing, generating, comparing, checking and one step, and what is refused."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.checkpoints import load_checkpoint
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


# Train and predict.

GPT = ("--net", "gpt", "--n-train", 30, "--n-test", 8, "--steps", 20)


def test_train_shows_the_loss_that_falls_the_perfect_model_and_new_names(cli):
    result = cli("train", *GPT, "--json", "t.json", "--confusion", "c.png")
    assert (result.code, result.err) == (0, "")
    content = json.loads(Path("t.json").read_text())
    data = mt.load_dataset("names", n_train=30, n_test=8)
    net = mt.gpt(27)
    history = mt.fit(
        net, data.train_x, data.train_y, optimizer=mt.Adam(0.01, 0.85, 0.99), batch_size=1, steps=20, schedule="linear"
    )
    assert content["history"]["batch_loss"] == history.batch_loss
    scores = mt.evaluate(net, data.test_x, data.test_y)
    assert (content["test_loss"], content["test_accuracy"]) == (scores["loss"], scores["accuracy"])
    assert (content["perfect_loss"], content["floor"]) == (data.perfect.loss(data.test_documents), data.floor)
    drawn = mt.generate(net, data.tokenizer, 10, temperature=0.5)
    assert content["documents"] == drawn
    lines = result.out.splitlines()
    assert lines[0] == "gpt on names (drawn offline, seed 0): 4,192 parameters, tensor tier"
    assert lines[1:11] == [
        f"step {n}/20: training loss {np.mean(history.batch_loss[n - 2 : n]):.4f}" for n in range(2, 21, 2)
    ]
    assert lines[11] == f"test set (8): loss {scores['loss']:.4f}, accuracy {scores['accuracy']:.2%}"
    assert f"{data.perfect.loss(data.test_documents):.4f}" in lines[12]
    assert f"{data.floor:.4f}" in lines[12]
    assert [line.strip() for line in lines[14:24]] == drawn
    assert load_checkpoint("net.npz").tokenizer == data.tokenizer


def test_a_run_of_steps_that_is_resumed_ends_with_the_same_bits(cli):
    half = mt.Run.start(mt.Recipe(net="gpt", n_train=30, n_test=8, steps=20))
    for _ in range(7):
        half.trainer.step()
    half.save("half.npz")
    assert cli("train", *GPT, "--checkpoint", "whole.npz").code == 0
    assert cli("train", "--resume", "half.npz").code == 0
    with np.load("whole.npz") as whole, np.load("half.npz") as resumed:
        assert {name: a.tobytes() for name, a in whole.items()} == {name: a.tobytes() for name, a in resumed.items()}


def test_predict_tests_a_gpt_as_train_did(cli):
    cli("train", *GPT, "--json", "t.json")
    result = cli("predict", "net.npz", "--json", "p.json")
    assert result.code == 0
    tested, trained = (json.loads(Path(name).read_text()) for name in ("p.json", "t.json"))
    for key in ("confusion_matrix", "perfect_loss", "floor"):
        assert tested[key] == trained[key]
    assert (tested["loss"], tested["accuracy"]) == (trained["test_loss"], trained["test_accuracy"])
    assert re.search(r"^  end +\d+ of +8 right", result.out, re.MULTILINE)


def test_a_file_of_text_is_trained_on(cli):
    Path("poem.txt").write_text("one two\nthree\n\nfour and five\nsix\n")
    args = ("train", "--net", "gpt", "--text", "poem.txt", "--length", 6, "--epochs", 2, "--n-test", 1)
    result = cli(*args)
    assert (result.code, result.err) == (0, "")
    assert re.search(r"^gpt on poem.txt \(file poem.txt, seed 0\): [\d,]+ parameters", result.out)
    assert len(re.findall(r"^epoch \d/2: training loss", result.out, re.MULTILINE)) == 2
    assert "perfect" not in result.out
    assert cli("predict", "net.npz").out.startswith("poem.txt (file poem.txt, seed 0), 1 test samples")
    assert cli("generate", "net.npz", "--prompt", "one").code == 0


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--net", "gpt", "--hidden", 300), "--net gpt has no such settings: leave out --hidden"),
        (("--net", "gpt", "--layers", "relu"), "leave out --layers"),
        (("--net", "gpt", "--label-smoothing", 0.1), "leave out --label-smoothing"),
        (("--net", "gpt", "--data", "glyphs"), "--data names or makemore-names; train and compare also read --text"),
        (("--net", "gpt", "--text", "none.txt"), "none.txt: there is no such file"),
        (("--net", "gpt", "--epochs", 2, "--steps", 3), "epochs is 2 and steps is 3, expected one of them"),
        (("--data", "names"), "choose --net gpt"),
        (("--net", "cnn"), "argument --net: unknown net 'cnn': expected one of mlp, gpt"),
    ],
)
def test_options_that_do_not_go_together_are_refused_before_training(cli, args, words):
    result = cli("train", *args)
    (line,) = result.err.splitlines()
    assert result.code in (1, 2)
    assert words in line
    assert not Path("net.npz").exists()


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--image", "a.png"), "net was not trained on images, so it cannot classify image files; use --data instead"),
        (("--picture", "p.png"), "--picture shows images or points, but the net reads documents: leave it out"),
        (("--data", "moons"), "the data set moons holds samples with classes, but a GPT reads documents"),
        ((), "does not say which set it was trained on: name one with --data"),
    ],
)
def test_predict_says_what_works_for_a_gpt(cli, saved, args, words):
    result = cli("predict", saved, *args)
    (line,) = result.err.splitlines()
    assert result.code in (1, 2)
    assert words in line


def test_a_sweep_trains_gpts(cli, monkeypatch):
    args = ("sweep", "net=gpt", "n_train=20", "n_test=5", "steps=3,5", "seeds=0..1", "--jobs", 1)
    result = cli(*args)
    assert result.code == 0
    assert re.search(r"steps +\| +runs +\| +training loss", result.out.replace("│", "|")), result.out


# Compare.

OWN_TIER = """
from micrograd_tiers.tiers import tensor
from micrograd_tiers.tiers.tensor import *

def attention(x, heads):
    y, (dx,) = tensor.attention(x, heads)
    return y, (lambda dy: dx(dy) * 1.01,)
"""
COMPARE = ("compare", "--net", "gpt", "--n-train", 12, "--n-test", 5, "--json", "c.json")


@pytest.mark.parametrize("exact", [False, True])
def test_compare_shows_losses_speeds_and_names_of_each_tier_side_by_side(cli, exact):
    result = cli(*COMPARE, *["--exact"] * exact)
    assert result.code == 0
    (comparison,) = json.loads(Path("c.json").read_text())["comparisons"]
    assert (comparison["net"], comparison["steps"], comparison["exact"]) == ("GPT of 4,192 parameters", 12, exact)
    data = mt.load_dataset("names", n_train=12, n_test=5)
    net = mt.gpt(27, exact=exact)
    history = mt.fit(
        net, data.train_x, data.train_y, optimizer=mt.Adam(0.01, 0.85, 0.99), batch_size=1, schedule="linear"
    )
    drawn = mt.generate(net, data.tokenizer, 10, temperature=0.5)
    for tier in comparison["tiers"]:
        assert tier["batch_loss"] == pytest.approx(history.batch_loss, rel=0 if exact else 1e-12)
        assert tier["documents"] == drawn
    lines = result.out.splitlines()
    start = next(n for n, line in enumerate(lines) if "10 of 10 are equal at all tiers" in line)
    assert lines[start + 1].split() == [*TIERS]
    assert [line.split() for line in lines[start + 2 : start + 12]] == [name.split() * 3 for name in drawn]
    assert "ms/step" in result.out
    hashes = {tier["sha256"] for tier in comparison["tiers"]}
    assert (len(hashes) == 1) >= exact
    assert all((sha in result.out) == exact for sha in hashes)


@pytest.mark.parametrize("n_lines", [30, 600])
def test_compare_reads_a_file_of_text_as_train_does_and_takes_its_first_documents(cli, n_lines):
    Path("poem.txt").write_text("".join(f"{n} men\n" for n in range(n_lines)))
    text = ("--net", "gpt", "--text", "poem.txt", "--length", 5)
    result = cli("compare", *text, "--tiers", "tensor", "--json", "c.json")
    assert result.code == 0
    assert "on poem.txt, file poem.txt, seed 0" in result.out
    (comparison,) = json.loads(Path("c.json").read_text())["comparisons"]
    n, n_test = (27, 3) if n_lines == 30 else (400, 60)
    assert (comparison["n_samples"], comparison["n_scored"]) == (n, n_test)
    assert cli("train", *text, "--n-train", n, "--n-test", n_test, "--steps", n, "--json", "t.json").code == 0
    (tier,), trained = comparison["tiers"], json.loads(Path("t.json").read_text())
    assert (tier["batch_loss"], tier["epoch_loss"]) == (trained["history"]["batch_loss"], trained["test_loss"])
    assert tier["documents"] == trained["documents"]


def test_compare_says_that_a_tier_with_a_wrong_attention_is_not_the_same(cli):
    Path("my_tier.py").write_text(OWN_TIER)
    result = cli(*COMPARE, "--tiers", "tensor", "my_tier.py")
    assert result.code == 1
    assert "my_tier.py tier are off by up to" in result.out
    assert "NOT the same network" in result.out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--net", "gpt", "--hidden", 4), "--net gpt has no such settings: leave out --hidden"),
        (("--net", "gpt", "--data", "xor"), "a GPT reads documents: choose --data names"),
        (("--data", "names"), "choose --net gpt"),
        (("--text", "poem.txt"), "poem.txt holds documents, which only a GPT reads: choose --net gpt"),
        (("--net", "gpt", "--text", "poem.txt", "--data", "makemore-names"), "expected one of them"),
        (("--net", "gpt", "--text", "poem.txt", "--json", "poem.txt"), "poem.txt"),
        (("--length", 5), "--net mlp has no such settings: leave out --length"),
    ],
)
def test_compare_refuses_what_does_not_go_together(cli, args, words):
    result = cli("compare", *args)
    (line,) = result.err.splitlines()
    assert (result.code, result.out) == (2, "")
    assert words in line


# Data.


def test_data_show_prints_names_and_figures_about_them(cli):
    result = cli("data", "show", "names", "--n", 7, "--seed", 3, "--json", "d.json")
    assert (result.code, result.err) == (0, "")
    data = mt.load_dataset("names", seed=3)
    content, lines = json.loads(Path("d.json").read_text()), result.out.splitlines()
    assert lines[-7:] == [f"  {name}" for name in data.train_documents[:7]]
    assert content["documents"] == [*data.train_documents[:7]]
    assert content["mean_length"] == pytest.approx(np.mean([len(name) for name in data.train_documents]))
    assert content["different"] == len(np.unique(data.train_documents)) / 32_000
    assert content["test_in_training"] == np.isin(data.test_documents, data.train_documents).mean()
    assert content["floor"] == data.floor
    assert f"mean {content['mean_length']:.2f}\ndifferent: {content['different']:.1%}" in result.out
    assert f"in both parts: {content['test_in_training']:.1%}" in result.out
    assert f"any net: {data.floor:.4f}" in result.out


def test_data_show_prints_the_names_of_a_file_which_has_no_floor(cli):
    Path("names.txt").write_text("emma\n" * 9 + "a\x1bb\n" * 2)
    show = ("data", "show", "makemore-names", "--data-dir", ".")
    result = cli(*show, "--n", 10, "--json", "d.json")
    assert result.code == 0
    assert r"  a\x1bb" in result.out
    assert "different: 20.0%" in result.out
    assert "in both parts: 100.0%" in result.out
    assert "least" not in result.out
    assert json.loads(Path("d.json").read_text())["floor"] is None
    for more, words in ((("--n", 11), "--n is 11, expected at most 10"), (("--picture", "n.png"), "leave out --pict")):
        result = cli(*show, *more)
        assert (result.code, result.out) == (2, "")
        assert words in result.err


# Check.

CHECK = ("check", "--net", "gpt", "--n", 1, "--coordinates", 1, "--json", "check.json")


def test_check_tests_the_gradients_of_a_small_gpt_at_each_tier(cli):
    result = cli(*CHECK, "--exact")
    assert result.code == 0
    content = json.loads(Path("check.json").read_text())
    assert (content["passed"], content["tier"], content["exact"]) == (True, "scalar, vector, tensor", True)
    parameters = [*mt.gpt().state_dict(), "direction"]
    assert [(check["tier"], check["name"]) for check in content["checks"]] == [
        (tier, name) for tier in TIERS for name in parameters
    ]
    assert result.out.count("Passed: every gradient agrees") == 3


def test_check_finds_a_wrong_attention(cli):
    Path("my_tier.py").write_text(OWN_TIER)
    assert cli(*CHECK, "--tier", "my_tier.py").code == 1
    assert cli(*CHECK, "--tier", "tensor").code == 0


def test_check_takes_a_saved_gpt(cli):
    cli("train", *GPT)
    result = cli("check", "--net", "net.npz", "--n", 1, "--coordinates", 1)
    assert result.code == 0
    assert result.out.startswith("net.npz with next_token_loss on 1 sample of names: 4,192 parameters, tensor tier")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--net", "gpt", "--hidden", 4), "leave out --hidden"),
        (("--net", "gpt", "--loss", "hinge"), "leave out --loss"),
        (("--net", "gpt", "--data", "xor"), "a GPT reads documents: choose --data names"),
        (("--data", "names"), "choose --net gpt"),
    ],
)
def test_check_refuses_what_does_not_go_together(cli, args, words):
    result = cli("check", *args)
    (line,) = result.err.splitlines()
    assert (result.code, result.out) == (2, "")
    assert words in line


# Step.


def test_step_shows_a_small_gpt_with_padding_at_all_tiers(cli):
    result = cli("step", "--net", "gpt")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "2 samples of names, 49 steps: step.html\nscalar, vector, tensor: the same numbers at every step\n"
    )
    text = Path("step.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r"const data = (.*);", text)[1])
    titles = [step["title"] for step in data["steps"]]
    assert any(title.startswith("layer 6, attention: score, p, y") for title in titles)
    shapes = {array["label"]: array["shape"] for array in data["arrays"]}
    assert (shapes["input samples"], shapes["0.weight"]) == ([2, 6], [27, 4])
    assert "optimizer Adam(learning_rate=0.01, beta1=0.85, beta2=0.99)" in text


def test_step_shows_any_number_of_documents_other_names_and_another_optimizer(cli):
    Path("sets/names").mkdir(parents=True)
    Path("sets/names/names.txt").write_text(
        "".join(f"{a}{b}{a}\n" for a in "abcdefghijklmno" for b in "abcdefghijklmno")
    )
    args = ("--data", "makemore-names", "--data-dir", "sets", "--samples", 3, "--optimizer", "sgd", "--epochs", 1)
    result = cli("step", "--net", "gpt", *args)
    assert result.out.startswith("3 samples of makemore-names, ")
    assert "optimizer SGD(learning_rate=0.01)" in Path("step.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--net", "gpt", "--layers", "relu"), "leave out --layers"),
        (("--net", "gpt", "--loss", "hinge"), "leave out --loss"),
        (("--net", "gpt", "--samples", 33), "32"),
        (("--data", "names"), "choose --net gpt"),
    ],
)
def test_step_refuses_what_does_not_go_together(cli, args, words):
    result = cli("step", *args)
    (line,) = result.err.splitlines()
    assert (result.code, result.out) == (2, "")
    assert words in line
