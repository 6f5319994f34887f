"""The studies that need no data: their results with --quick."""

import json
import math
import re
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from micrograd_tiers.lab.studies import dying_relu, logic_gates, memory, run_all, settings_of, zero_init
from micrograd_tiers.lab.studies.study import dead_units
from micrograd_tiers.models import mlp

STUDIES = {module.STUDY.name: module.STUDY for module in (memory, zero_init, dying_relu, logic_gates)}


@pytest.fixture
def quick(folder_of_quick_run):
    """Return a function from a study's name to its quick tasks, their results and the report."""

    def run(name):
        tasks = STUDIES[name].tasks(True)
        results = run_all(tasks, folder_of_quick_run(name) / "runs", jobs=1)
        return tasks, results, STUDIES[name].report(tasks, results)

    return run


@pytest.fixture
def findings(quick):
    return lambda name: quick(name)[2].findings


@pytest.mark.parametrize("name", STUDIES)
def test_results_and_pictures_of_a_study_can_be_written(quick, name, tmp_path):
    tasks, results, report = quick(name)
    json.dumps([results, report.findings], allow_nan=False)
    assert len({str(settings_of(task)) for task in tasks}) == len(tasks)
    assert not re.search(r"\bnan\b|[{}]", report.answer)
    assert report.pictures
    for picture, draw in report.pictures.items():
        draw(tmp_path / f"{picture}.png")
        with Image.open(tmp_path / f"{picture}.png") as image:
            assert image.width > 300


@pytest.mark.parametrize("name", STUDIES)
def test_the_full_study_has_the_quick_runs_and_more(name):
    quick, full = ({str(settings_of(task)) for task in STUDIES[name].tasks(quick)} for quick in (True, False))
    assert quick < full


# memory.


def test_one_hidden_neuron_needs_about_a_tenth_of_the_parameters_of_softmax_regression(findings):
    nets = findings("memory")["nets"]
    softmax, one, many = (nets[f"{net} SGD"]["n_parameters"] for net in ("784-10", "784-1-10", "784-128-10"))
    assert (softmax, one, many) == (7850, 805, 101_770)
    assert one - softmax / 10 == 10 + 10


def test_adam_needs_two_more_numbers_per_parameter(findings):
    nets = findings("memory")["nets"]
    for net in ("784-10", "784-1-10", "784-128-10"):
        sgd, adam = nets[f"{net} SGD"], nets[f"{net} Adam"]
        assert adam["training"] - sgd["training"] == 2 * 8 * sgd["n_parameters"]
        assert adam["prediction"] == sgd["prediction"]


def test_parts_of_training_memory_add_up(findings):
    for net, result in findings("memory")["nets"].items():
        assert sum(result["parts"].values()) == result["training"]
        hidden = [int(n) for n in net.split()[0].split("-")[1:-1]]
        outputs = 256 * (2 * sum(hidden) + 10)  # of the linear layers and of the sigmoids
        assert result["parts"]["outputs"] == 8 * outputs


def test_images_dominate_small_nets_and_parameters_a_large_one_with_adam(findings):
    nets = findings("memory")["nets"]
    for net in ("784-10", "784-1-10"):
        assert nets[f"{net} Adam"]["parts"]["images"] > 0.8 * nets[f"{net} Adam"]["training"]
    parts = nets["784-128-10 Adam"]["parts"]
    assert parts["parameters"] + parts["gradients"] + parts["optimizer"] > nets["784-128-10 Adam"]["training"] / 2


def test_measured_memory_is_at_least_the_computed_and_close_to_it_at_a_large_batch(quick):
    tasks, results, _ = quick("memory")
    for task, result in zip(tasks, results, strict=True):
        for key in ("training", "prediction"):
            unstored = result["parts"]["gradients"] if key == "training" and task.optimizer == "sgd" else 0
            assert result[f"{key}_measured"] >= result[key] - unstored, (task, key)
            if task.batch_size == memory.BATCH_SIZE:
                assert result[f"{key}_measured"] < 1.5 * result[key], (task, key)


def test_measuring_leaves_tracemalloc_as_it_was():
    tracemalloc.start()
    try:
        memory.Memory((), "sgd", 1).run(None)
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()
    memory.Memory((), "sgd", 1).run(None)
    assert not tracemalloc.is_tracing()


# zero-init.


def test_units_that_start_from_zero_stay_equal_to_the_last_bit(findings):
    found = findings("zero-init")
    for activation in ("ReLU", "sigmoid"):
        assert found[f"{activation}, zero start"]["largest_difference"] == 0
        assert found[f"{activation}, random start"]["smallest_difference"] > 1


def test_with_relu_only_the_last_bias_moves_from_zero(findings):
    found = findings("zero-init")["ReLU, zero start"]
    assert found["moved"].pop("2.bias") > 0
    assert set(found["moved"].values()) == {0.0}
    assert found["test_loss"] == pytest.approx(math.log(2), abs=0.05)
    assert found["test_accuracy"] == pytest.approx(0.5, abs=0.05)


def test_sigmoids_that_start_from_zero_are_worth_one_unit(findings):
    found = findings("zero-init")
    zero, one = (found[f"sigmoid, {case}"] for case in ("zero start", "one unit"))
    assert zero["moved"]["0.weight"] > 1
    assert zero["rank"] == one["rank"] == [1]
    assert zero["test_accuracy"] == pytest.approx(one["test_accuracy"], abs=0.03)
    assert zero["test_accuracy"] < 0.92


def test_random_starts_separate_the_moons(findings):
    found = findings("zero-init")
    for activation in ("ReLU", "sigmoid"):
        assert found[f"{activation}, random start"]["test_accuracy"] > 0.98
        assert found[f"{activation}, random start"]["rank"] == [5]  # eight units with five weights each


# dying-relu.


def in_order(tasks, results):
    """Return the results, for all seeds, of the base task, which sees one class after the other."""
    return [
        result
        for task, result in zip(tasks, results, strict=True)
        if replace(task, seed=dying_relu.BASE.seed) == dying_relu.BASE
    ]


def test_training_class_by_class_kills_most_units_and_shuffling_hardly_any(findings):
    found = findings("dying-relu")
    assert found["in order"]["fewest_dead"] > 6 > 4 > found["shuffled"]["most_dead"]
    assert found["in order"]["dead"] > dying_relu.HIDDEN / 2 > 1 > found["shuffled"]["dead"]
    assert found["in order"]["dead_after_one_epoch"] > 1 > found["shuffled"]["dead_after_one_epoch"]


def test_dead_units_stay_dead_and_cost_accuracy_later(quick):
    tasks, results, report = quick("dying-relu")
    found = report.findings
    assert all(result["dead_later"] >= result["dead"] for result in in_order(tasks, results))
    assert found["in order"]["accuracy_later"] < 0.95 < 0.98 < found["shuffled"]["accuracy_later"]


def test_units_die_when_the_class_changes(quick):
    tasks, results, report = quick("dying-relu")
    early = report.findings["early_deaths"]
    assert early["share"] > 0.7 > early["of_the_time"]
    assert all(result["loss_before"] < 0.01 < 1 < result["loss_after"] for result in in_order(tasks, results))


def test_small_steps_keep_units_alive_and_another_initialization_does_not(findings):
    found = findings("dying-relu")
    for cure in ("rate 0.01", "no momentum"):
        assert found[cure]["dead"] < 1
        assert found[cure]["accuracy_later"] > 0.9
    assert found["no momentum"]["dead"] < found["rate 1, no momentum"]["dead"] < found["in order"]["dead"] / 2
    for no_cure in ("Xavier start", "biases start at 1", "shuffled, rate 1"):
        assert found[no_cure]["dead"] > dying_relu.HIDDEN / 2


def test_elus_help_in_part(findings):
    found = findings("dying-relu")
    assert found["ELU"]["dead"] > 3
    assert found["in order"]["accuracy_later"] < found["ELU"]["accuracy_later"] < found["shuffled"]["accuracy_later"]


def test_a_unit_is_dead_if_no_sample_activates_it():
    net = mlp([1, 3, 2], "relu")
    net.load_state_dict(net.state_dict() | {"0.weight": [[1], [1], [-1]], "0.bias": [0, -2, -2]})
    assert dead_units(net, np.array([[0.0], [1.0]])) == 2
    assert dead_units(net, np.array([[0.0], [3.0]])) == 1


# logic-gates.


def test_one_unit_learns_the_or_gate_and_the_and_gate(findings):
    found = findings("logic-gates")["one_unit"]
    for gate in ("OR", "AND"):
        assert found[gate]["best_accuracy"] == 1
        assert found[gate]["largest_loss"] < 0.02


def test_one_unit_never_gets_more_than_three_corners_of_xor_and_ends_at_log_2(findings):
    found = findings("logic-gates")["one_unit"]["XOR"]
    assert found["best_accuracy"] == 0.75
    assert found["smallest_loss"] == pytest.approx(math.log(2), abs=1e-12)
    assert found["largest_loss"] == pytest.approx(math.log(2), abs=1e-12)


def test_no_weights_of_one_unit_have_an_xor_loss_below_log_2():
    rng = np.random.default_rng(0)
    net = mlp([2, 2])
    for scale in 10.0 ** rng.uniform(-3, 2, 200):
        net.load_state_dict({"0.weight": scale * rng.standard_normal((2, 2)), "0.bias": scale * rng.standard_normal(2)})
        outputs = net.forward(logic_gates.CORNERS)
        assert net.mean_loss(outputs, logic_gates.GATES["XOR"]) >= math.log(2)
        assert (outputs.argmax(axis=1) == logic_gates.GATES["XOR"]).sum() <= 3


def test_two_hidden_units_find_xor_from_some_starts_and_four_from_more(findings):
    found = findings("logic-gates")
    for kind in ("sigmoids", "ReLUs"):
        assert 0 < found["xor_found"][f"2 {kind}"] < found["xor_found"][f"4 {kind}"] <= found["starts"][f"4 {kind}"]
    assert found["xor_found"]["4 sigmoids"] == found["starts"]["4 sigmoids"]


def test_handmade_weights_compute_the_gates(quick):
    tasks, results, report = quick("logic-gates")
    assert set(report.findings["by_hand"].values()) == {1.0}
    for task, result in zip(tasks, results, strict=True):
        if isinstance(task, logic_gates.ByHand):
            gate = logic_gates.BY_HAND[task.name][0]
            np.testing.assert_allclose(result["probability"], logic_gates.GATES[gate], rtol=0, atol=1e-4)
    assert "sigmoid(20 h1 - 40 h2 - 10)" in report.answer
    assert "h2 = relu(a + b - 1)" in report.answer


def test_starts_that_miss_xor_get_stuck_at_the_explained_losses(quick):
    tasks, results, _ = quick("logic-gates")
    for task, result in zip(tasks, results, strict=True):
        if isinstance(task, logic_gates.Learned) and task.hidden and result["accuracy"] < 1:
            assert min(abs(result["loss"] - loss) for loss in logic_gates.STUCK.values()) < 0.02
