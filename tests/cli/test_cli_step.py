"""`micrograd-tiers step`: it writes the page of one training step, with a bug if asked, or says why it cannot."""

import json
import re
from pathlib import Path

import pytest

from micrograd_tiers.lab.museum import get_bug
from micrograd_tiers.tiers import TIERS


def content(path="step.html"):
    """Return what the page's script reads."""
    return json.loads(re.search(r"const data = (.*);", Path(path).read_text(encoding="utf-8"))[1])


def test_the_default_is_a_step_of_2_3_2_at_all_tiers(cli):
    result = cli("step")
    assert (result.code, result.err) == (0, "")
    assert result.out == (
        "4 samples of ellipse, 17 steps: step.html\nscalar, vector, tensor: the same numbers at every step\n"
    )
    data = content()
    assert [tier["name"] for tier in data["tiers"]] == list(TIERS)
    assert data["first"] is None
    shapes = {array["label"]: tuple(array["shape"]) for array in data["arrays"]}
    assert (shapes["0.weight"], shapes["2.weight"], shapes["input samples"]) == ((3, 2), (2, 3), (4, 2))


def test_net_loss_optimizer_and_samples_are_those_asked_for(cli):
    net = ("--net", "2-4-3-1", "--activation", "tanh", "--loss", "binary_cross_entropy", "--optimizer", "adam")
    result = cli("step", "--out", "page.html", *net, "--samples", 2, "--data", "moons", "--epochs", 1)
    assert (result.code, result.err) == (0, "")
    titles = [step["title"] for step in content("page.html")["steps"]]
    assert "layer 3, tanh: y" in titles
    assert "binary cross entropy: dL/dlogits" in titles
    text = Path("page.html").read_text(encoding="utf-8")
    assert "Linear(3, 1); loss BinaryCrossEntropy(); optimizer Adam(learning_rate=0.001)." in text


def test_784_inputs_are_glyphs(cli):
    assert "of glyphs" in cli("step", "--net", "784-5-10", "--samples", "1").out
    assert Path("step.html").stat().st_size < 1_000_000


def test_a_tier_of_your_own_is_compared(cli):
    assert cli("verify", "--new", "mine.py").code == 0
    result = cli("step", "--tier", "mine.py")
    assert (result.code, result.err) == (0, "")
    assert result.out.endswith("first difference: step 1, layer 0, linear: y: mine.py\n")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("sigmoid_derivative_of_tanh", "layer 1, sigmoid: dL/dx"),
        ("relu_mask_inverted", "layer 1, relu: dL/dx"),
        ("mse_half", "mean squared error"),
        ("dropout_dx_not_masked", "layer 2, dropout: dL/dx"),
        ("soft_gradient_of_hard_label", "soft cross entropy: dL/dlogits"),
        ("conv2d_dx_padding_cropped_at_the_end", "layer 3, conv2d: dL/dx"),
        ("batch_norm_variance_constant", "layer 2, batch norm: dL/dx"),
        ("add_scaled_not_in_place", "new 0.weight"),
        ("activation_derivative_skipped", "layer 1, sigmoid: dL/dx"),
        ("adam_no_bias_correction", "new 0.weight"),
    ],
)
def test_a_bug_is_shown_where_it_acts(cli, name, place):
    result = cli("step", "--bug", name)
    assert (result.code, result.err) == (0, "")
    tier = get_bug(name).tiers()[-1:] or ("tensor",)
    assert re.search(rf"first difference: step \d+, {re.escape(place)}: {tier[0]} with {name}\n$", result.out)
    text = Path("step.html").read_text(encoding="utf-8")
    assert "What was changed, and why it is wrong" in text
    first = content()["first"]
    assert content()["steps"][first[0]]["title"] == place


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("--bug sigmoid_overflows", 2, "does not show in one training step of this net.*bugs show sigmoid_overflows"),
        ("--bug relu_leaks --activation tanh", 2, "does not show with these settings: leave out --act"),
        ("--bug attention_mask_too_late --net 2-3-2", 2, "leave out --net to see it"),
        ("--bug attention_root_is_float64 --net gpt --dtype float64", 2, "leave out --dtype to see it"),
        (
            "--bug embedding_padding_in_gradient --net gpt",
            2,
            r"does not show in a GPT, .* mt\.step_through shows it in .*, mt\.Network\(.*bugs show embedding_padding",
        ),
        ("--bug sigmoid_derivative", 2, "argument --bug: unknown bug 'sigmoid_derivative': did you mean"),
        (
            "--bug add_assigns_grad",
            2,
            "argument --bug: bug .* is not in the code of a training step, but in: engine.py",
        ),
        ("--out step.txt", 2, r"expected a name that ends in \.html"),
        ("--net 3-2", 1, "X has shape|features"),
        ("--samples 33", 2, "X has 33 samples, expected at most 32"),
        ("--net 2-300-2", 2, "net has 302 units"),
        ("--layers relu --net 2-3-2", 2, "--layers already describes the whole net: leave out --net"),
        ("--momentum 0.9 --optimizer adam", 2, "--momentum needs --optimizer sgd"),
        ("--tier none.py", 2, "there is no such file"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_line(cli, words, code, message):
    result = cli("step", *words.split())
    assert (result.code, result.out) == (code, "")
    assert re.search(message, result.err)
    assert len(result.err.splitlines()) == 1
    assert not list(Path().glob("step*"))


def test_a_built_in_tier_is_shown_once(cli):
    assert cli("step", "--tier", "vector").code == 0
    assert [tier["name"] for tier in content()["tiers"]] == list(TIERS)


def test_one_tier_is_compared_with_none(cli):
    result = cli("step", "--data", "glyphs", "--samples", "4", "--layers", "conv:2,9,4 batchnorm relu max:2")
    assert result.out.endswith("tensor: no other tier has all ops of the net, so there is nothing to compare\n")


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("linear_dx_ignores_later_outputs", r"layer 2, linear: dL/dx: tensor"),
        ("sigmoid_forgets_its_call", r"layer 1, sigmoid: dL/dx: tensor"),
        ("last_sample_only", r"layer 2, linear: dL/dweight: vector"),
        ("dropout_not_scaled", r"layer 2, dropout: y: tensor"),
        ("dropout_scaled_by_p", r"layer 2, dropout: y: tensor"),
        ("layers_never_in_training_mode", r"layer 2, dropout: y: tensor"),
        ("l2_in_loss_not_grad", r"new 0.weight: tensor"),
        ("nesterov_uses_old_velocity", r"new 0.weight: tensor"),
        ("hinge_gradient_never_off", r"hinge: dL/dy: tensor"),
        ("attention_root_is_float64", r"layer 6, attention: score, p, y: tensor"),
    ],
)
def test_a_bug_that_needs_another_net_an_option_or_a_tier_gets_it(cli, name, place):
    result = cli("step", "--bug", name)
    assert (result.code, result.err) == (0, "")
    assert re.search(rf"first difference: step \d+, {place} with {name}\n$", result.out)


@pytest.mark.parametrize("name", ["gradient_not_divided", "bias_never_updated", "no_shuffle", "softmax_axis0"])
def test_a_bug_that_no_net_can_show_is_said_to_be_outside(cli, name):
    result = cli("step", "--bug", name)
    assert (result.code, result.out) == (2, "")
    assert f"bug {name} is outside of what the page records" in result.err
    assert f"micrograd-tiers bugs show {name}" in result.err
    assert "another net" not in result.err


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tanh_ignores_dy", "--layers linear:3,tanh"),
        ("dropout_dx_not_masked", "--layers linear:3,dropout:0.5"),
        ("conv2d_bias_missing", "--net 2-3-2"),
        ("l2_in_loss_not_grad", "--optimizer rmsprop"),
        ("adam_no_bias_correction", "--momentum 0.9"),
        ("smoothing_in_loss_not_in_gradient", "--loss mean_squared_error"),
    ],
)
def test_an_option_that_was_not_given_is_not_complained_about(cli, name, words):
    result = cli("step", "--bug", name, *(word.replace(",", " ") for word in words.split()))
    complained = {*re.findall(r"--[a-z_-]+", result.err)} - {word for word in words.split() if word.startswith("--")}
    assert not complained, result.err
