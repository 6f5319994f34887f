"""The studies of widths, depths, batch sizes, optimizers and activations: their results on glyphs."""

import json
import math
from dataclasses import asdict

import pytest
from PIL import Image

from micrograd_tiers.lab.studies import Training, activations, batch_size, depth_width, mlp_width, optimizers, run_all
from micrograd_tiers.models import mlp

MODULES = (mlp_width, depth_width, batch_size, optimizers, activations)
BY_NAME = pytest.mark.parametrize("study", [module.STUDY for module in MODULES], ids=lambda study: study.name)


@pytest.fixture
def quick(folder_of_quick_run):
    """Return a function from a study to its quick tasks and their results."""

    def run(study):
        tasks = study.tasks(True)
        return tasks, run_all(tasks, folder_of_quick_run(study.name) / "runs", jobs=1)

    return run


@pytest.fixture
def find(quick):
    """Return a function from a module to the findings of its study."""
    return lambda module: module.STUDY.report(*quick(module.STUDY)).findings


@BY_NAME
def test_the_report_has_an_answer_and_draws_its_pictures(quick, study, tmp_path):
    report = study.report(*quick(study))
    assert report.answer.startswith("|") or ":\n\n|" in report.answer  # a table comes first
    json.dumps(report.findings)
    assert report.pictures
    for name, draw in report.pictures.items():
        draw(tmp_path / f"{name}.png")
        with Image.open(tmp_path / f"{name}.png") as picture:
            assert picture.width > 300


@BY_NAME
def test_the_full_study_uses_all_published_samples_and_some_for_validation(study):
    recipes = [asdict(task)["recipe"] for task in study.tasks(False) if hasattr(task, "recipe")]
    data = "fashion-mnist" if study is mlp_width.STUDY else "mnist"
    assert {(recipe["data"], recipe["n_train"], recipe["validation"]) for recipe in recipes} == {(data, None, 10_000)}


@pytest.mark.parametrize("module", [batch_size, optimizers, activations])
@pytest.mark.parametrize("epochs", [0, 1])
def test_runs_that_diverge_are_reported_and_drawn(quick, module, epochs, tmp_path):
    tasks, results = quick(module.STUDY)
    broken = {"diverged": True, "epochs": epochs, "test_loss": math.nan}
    lists = ("train_loss", "validation_loss", "validation_accuracy")
    results = [*results[:-1], {**results[-1], **broken, **{name: results[-1][name][:epochs] for name in lists}}]
    report = module.STUDY.report(tasks, results)
    assert "diverge" in report.answer or "nan" in report.answer
    for name, draw in report.pictures.items():
        draw(tmp_path / f"{name}.png")


# Width.


def test_one_neuron_is_worse_than_none_from_every_start(find):
    findings = find(mlp_width)
    none = findings["test_accuracy"]["0"]
    assert len(findings["one_neuron_test_accuracies"]) == 6
    assert max(findings["one_neuron_test_accuracies"]) < none - 0.2
    assert findings["validation_loss"]["1"] > findings["validation_loss"]["0"] + 0.5


def test_the_scores_of_one_neuron_lie_on_a_line(find):
    assert find(mlp_width)["directions"] == {"1": 1, "2": 2, "none": 9}


def test_no_class_wins_two_intervals_of_one_neurons_output(find):
    findings = find(mlp_width)
    assert findings["classes_that_win"] == findings["intervals"]
    assert 1 < max(findings["intervals"]) < 10


def test_a_wide_layer_gains_more_on_the_training_images_than_on_new_ones(find):
    findings = find(mlp_width)
    training, validation = (findings[key]["0"] - findings[key]["256"] for key in ("training_loss", "validation_loss"))
    assert training > validation > 0


# Depth and width.


def test_the_formula_counts_the_parameters_of_the_nets(find):
    counted = find(depth_width)["formula"]
    assert [row["formula"] for row in counted] == [row["n_parameters"] for row in counted]
    assert {row["k"] for row in counted} >= {1, 2, 3, 10}
    for k, m in ((1, 7), (4, 9)):
        assert depth_width.formula(k, m) == depth_width.count((m,) * k) == mlp([784, *[m] * k, 10]).n_parameters
    assert depth_width.count((5, 4, 3)) == mlp([784, 5, 4, 3, 10]).n_parameters


@pytest.mark.parametrize("quickly", [True, False])
def test_the_nets_that_are_compared_have_nearly_the_same_number_of_parameters(quickly):
    shapes = {task.recipe.hidden for task in depth_width.STUDY.tasks(quickly) if isinstance(task, Training)}
    counts = [depth_width.count(hidden) for hidden in shapes]
    assert len(counts) == len(depth_width.SHAPES)
    assert max(counts) < 1.06 * min(counts)


def test_l2_and_dropout_fit_the_training_images_less_and_narrow_the_gap(find):
    findings = find(depth_width)
    fitted, validation = findings["fitted_loss"], findings["large_validation_loss"]
    gaps = {name: validation[name] - fitted[name] for name in fitted}
    assert all(fitted[name] > fitted["neither"] for name in fitted if name != "neither")
    for strong in ("L2 0.001", "dropout 0.2", "dropout 0.5"):
        assert gaps[strong] < gaps["neither"]
    assert validation["dropout 0.2"] < validation["neither"]


def test_the_whole_net_fits_better_than_with_dropped_units(quick):
    for task, result in zip(*quick(depth_width.STUDY), strict=True):
        if isinstance(task, depth_width.Fitted) and task.recipe.dropout:
            assert result["fitted_loss"] < 0.6 * result["train_loss"][-1]


# Batch size.


def test_the_time_to_a_loss_is_the_time_of_its_epochs(find):
    findings = find(batch_size)  # the times themselves depend on the load of the machine
    assert findings["epochs_to_target"]["4"] < findings["epochs_to_target"]["64"]
    assert findings["epochs_to_target"]["1"] is findings["epochs_to_target"]["1024"] is None
    for size, seconds in findings["seconds_to_target"].items():
        epochs = findings["epochs_to_target"][size]
        assert seconds == pytest.approx(epochs * findings["seconds_an_epoch"][size])


def test_at_one_learning_rate_batches_can_be_too_small_and_too_large(find):
    losses = find(batch_size)["validation_loss"]
    for middle in ("4", "16"):
        assert losses["1"] > losses[middle] + 0.5
        assert losses["1024"] > losses["256"] > losses[middle] + 0.5


def test_with_proportional_rates_small_batches_end_alike_and_large_ones_fail(find):
    losses = find(batch_size)["validation_loss_in_proportion"]
    small = [losses[size] for size in ("1", "4", "16", "64")]
    assert max(small) < 1.25 * min(small)
    assert losses["1024"] > 2


# Optimizers.


def test_adaptive_optimizers_are_best_at_smaller_rates_than_sgd(find):
    best = find(optimizers)["best_rate"]
    assert max(best[name] for name in ("momentum 0.9", "RMSprop", "Adam")) < best["SGD"]


def test_momentum_at_a_tenth_of_the_rate_matches_sgd(find):
    losses = find(optimizers)["validation_loss"]
    for rate, tenth in (("0.001", "0.0001"), ("0.01", "0.001")):
        assert losses["momentum 0.9"][tenth] == pytest.approx(losses["SGD"][rate], rel=0.05)


def test_beyond_its_best_rate_every_optimizer_ends_by_guessing(find):
    for losses in find(optimizers)["validation_loss"].values():
        assert min(losses["1"], losses["10"]) > 0.9 * math.log(10)
        assert min(losses.values()) < 0.8


# Activations.


def test_the_sigmoid_learns_slowest_and_not_at_all_through_three_layers(find):
    losses = find(activations)["validation_loss"]
    others = ("tanh", "relu", "elu")
    for depth in (1, 3):
        assert losses[f"sigmoid, {depth}"][0] > 1.3 * max(losses[f"{name}, {depth}"][0] for name in others)
    assert losses["sigmoid, 3"][-1] > 0.95 * math.log(10)


def test_the_other_activations_are_better_with_three_layers_than_with_one(find):
    losses = find(activations)["validation_loss"]
    for name in ("tanh", "relu", "elu"):
        assert losses[f"{name}, 3"][-1] < losses[f"{name}, 1"][-1]
