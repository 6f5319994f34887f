"""The museum: each bug is a bug, a test of the package catches it, and the command shows it.

The museum doubles as the mutation test of this package: the table below names, for each bug, the weakest test that
fails when the bug is planted. A bug that no test catches would be a gap in the tests, not in the museum.
"""

import contextlib
import io
import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mutation import Mutation

import micrograd_tiers as mt
from micrograd_tiers.cli.bugs import _question
from micrograd_tiers.lab.museum import BUGS, Bug, get_bug, planted
from micrograd_tiers.lab.museum.bug import in_tiers
from micrograd_tiers.lab.museum.demonstration import demonstrate, trained
from micrograd_tiers.lab.museum.scenes import scene_of
from micrograd_tiers.lab.museum.scenes.names import Names

KINDS = ("tier", "network", "training", "engine", "data", "text")

NETWORK, LAYERS, TRAINING, ENGINE, IDX, MNIST, LOAD, PROPERTIES, GPT, STEPS, TEXT = (
    f"core/test_{name}.py"
    for name in (
        *("network", "layers", "training", "engine"),
        *("datasets_idx", "datasets_mnist", "datasets_load", "properties", "gpt", "steps", "text"),
    )
)
NUMERICAL_GRADIENT = (
    f"{NETWORK}::test_gradients_of_a_deep_net_agree_with_central_differences[softmax_cross_entropy-tensor]"
)
MASK = f"{LAYERS}::test_dropout_keeps_a_fraction_of_1_minus_p_and_the_mean"
RUNNING = f"{LAYERS}::test_running_statistics_are_moving_averages_over_the_batches"
REPLAY = f"{TRAINING}::test_three_epochs_agree_with_an_independent_implementation"
ORDER = f"{TRAINING}::test_every_epoch_sees_each_sample_once_in_a_new_order"
HISTORY = f"{TRAINING}::test_history_has_one_entry_per_epoch_and_per_batch"
METRICS = f"{TRAINING}::test_accuracy_and_confusion_matrix_of_known_answers"
INITIALIZERS = f"{NETWORK}::test_initializers_have_their_standard_deviation"
RESUMED = f"{TRAINING}::test_a_resumed_run_gives_the_same_bits"
COMPLEX_STEP = f"{ENGINE}::test_each_operation_agrees_with_the_complex_step"
ROUND_TRIP = f"{IDX}::test_an_array_of_any_type_and_shape_survives_the_round_trip"
LOADED = f"{MNIST}::test_images_are_scaled_to_one_and_labels_are_integers"
BRANCH = f"{GPT}::test_a_branch_adds_its_input_in_nets_of_rows_and_of_images_too[tensor]"
TIED = "lab/test_tied_head.py::test_the_gradient_is_the_slope_along_both_copies[tensor]"
DRAWN = f"{TEXT}::test_draws_have_the_probabilities_of_the_logits_divided_by_the_temperature[0.5]"
ENCODED = f"{TEXT}::test_samples_and_targets_are_the_tokens_and_the_next_ones"
STANDARDIZED = f"{LOAD}::test_standardized_training_samples_have_mean_zero_and_deviation_one"
# Optimizers as they appear in the ids of tests.
PLAIN, MOMENTUM, DECAY = (
    f"SGD(learning_rate=0.3, weight_decay={decay}, momentum={momentum}, nesterov=False)"
    for decay, momentum in [(0.0, 0.0), (0.0, 0.9), (0.01, 0.5)]
)
NESTEROV = "SGD(learning_rate=0.1, weight_decay=0.0, momentum=0.9, nesterov=True)"
ADAM = "Adam(learning_rate=0.01, weight_decay=0.0, beta1=0.9, beta2=0.999, epsilon=1e-08)"
ADAMW = "AdamW(learning_rate=0.01, weight_decay=0.1, beta1=0.9, beta2=0.999, epsilon=1e-08)"

CAUGHT_BY = {
    "loss_sum_grad_mean": f"{NETWORK}::test_the_mean_loss_of_a_batch_is_the_mean_of_its_samples_losses[tensor]",
    "double_batch_mean": NUMERICAL_GRADIENT,
    "gradient_not_divided": NUMERICAL_GRADIENT,
    "const_batch_size_divisor": f"{REPLAY}[{PLAIN}-tensor]",
    "bias_grad_not_averaged": NUMERICAL_GRADIENT,
    "last_sample_only": f"{NETWORK}::test_forward_loss_and_gradients_agree_between_the_tiers[fast-vector]",
    "first_layer_gets_no_gradient": NUMERICAL_GRADIENT,
    "activation_derivative_skipped": NUMERICAL_GRADIENT,
    "gradients_not_cleared": f"{PROPERTIES}::test_the_gradient_of_a_batch_does_not_depend_on_earlier_batches",
    "same_seed_for_every_layer": f"{PROPERTIES}::test_no_initial_weight_is_drawn_twice[uniform]",
    "softmax_twice": f"{NETWORK}::test_results_have_the_documented_shapes_names_and_types[tensor]",
    "layers_never_in_training_mode": f"{LAYERS}::test_dropout_acts_in_training[tensor]",
    "dropout_in_prediction": f"{LAYERS}::test_dropout_does_nothing_in_prediction[tensor]",
    "dropout_not_scaled": MASK,
    "dropout_scaled_by_p": MASK,
    "dropout_mask_shared_in_batch": f"{LAYERS}::test_each_sample_of_a_batch_has_its_own_dropout_mask",
    "batch_norm_predicts_by_the_batch": f"{LAYERS}::test_batch_normalization_predicts_each_sample_independently",
    "batch_norm_momentum_reversed": RUNNING,
    "batch_norm_running_variance_biased": RUNNING,
    "skip_lost_at_the_fork": BRANCH,
    "branch_lost_at_the_fork": BRANCH,
    "tied_head_gradient_overwritten": TIED,
    "tied_embedding_gradient_lost": TIED,
    # training
    "no_shuffle": f"{ORDER}[3-tensor]",
    "sample_with_replacement": f"{ORDER}[3-tensor]",
    "same_order_every_epoch": f"{ORDER}[3-tensor]",
    "targets_shuffled_apart": f"{REPLAY}[{PLAIN}-tensor]",
    "drop_last_partial": f"{ORDER}[3-tensor]",
    "slice_minus_one": f"{ORDER}[3-tensor]",
    "online_inside_batch": f"{REPLAY}[{PLAIN}-tensor]",
    "loss_after_update": f"{TRAINING}::test_the_loss_of_a_batch_is_computed_before_its_step",
    "epoch_loss_last_batch_only": HISTORY,
    "validated_before_the_last_step": HISTORY,
    "evaluated_on_training_data": (
        f"{PROPERTIES}::test_the_validation_scores_of_an_epoch_use_its_last_weights[tensor]"
    ),
    "validation_draws_from_rng": f"{TRAINING}::test_validation_does_not_change_the_training",
    "nan_compared_with_equals": f"{TRAINING}::test_a_diverged_run_stops_and_says_at_which_step_and_why[tensor]",
    "acc_int_div": METRICS,
    "confusion_transposed": METRICS,
    "bias_never_updated": f"{REPLAY}[{PLAIN}-tensor]",
    "update_sign": HISTORY,
    "l2_in_loss_not_grad": f"{REPLAY}[{DECAY}-tensor]",
    "velocity_shared": f"{REPLAY}[{MOMENTUM}-tensor]",
    "adam_no_bias_correction": f"{REPLAY}[{ADAM}-tensor]",
    "adam_shared_count": f"{REPLAY}[{ADAM}-tensor]",
    "init_all_equal": f"{INITIALIZERS}[xavier]",
    "kaiming_fan_swapped": f"{INITIALIZERS}[kaiming_normal]",
    "xavier_without_sqrt": f"{INITIALIZERS}[xavier_uniform]",
    "nesterov_uses_old_velocity": f"{REPLAY}[{NESTEROV}-tensor]",
    "adamw_decay_in_gradient": f"{REPLAY}[{ADAMW}-tensor]",
    "lr_decay_per_batch": f"{TRAINING}::test_a_schedule_sets_the_learning_rate_of_each_epoch_even_when_resumed[tensor]",
    "dropout_same_mask_every_step": (f"{LAYERS}::test_each_step_draws_a_new_mask_and_a_resumed_run_the_same_ones"),
    "rate_does_not_fall": f"{STEPS}::test_linear_decay_falls_from_step_to_step",
    "rate_falls_from_the_last_rate": f"{STEPS}::test_linear_decay_falls_from_step_to_step",
    # engine
    "add_assigns_grad": f"{ENGINE}::test_a_node_used_twice_sums_both_gradients_before_it_propagates",
    "mul_assigns_grad": f"{COMPLEX_STEP}[v * v]",
    "mul_reads_data_at_backward_time": f"{ENGINE}::test_data_is_read_in_the_forward_pass",
    "pow_missing_factor": f"{COMPLEX_STEP}[v ** 3]",
    "relu_returns_int": f"{ENGINE}::test_relu_of_a_negative_number_is_a_zero_of_the_same_type",
    "relu_grad_at_zero": f"{ENGINE}::test_edge_cases_have_a_result_and_a_sensible_derivative",
    "exp_grad_uses_input": f"{COMPLEX_STEP}[exp]",
    "tanh_grad_uses_input": f"{COMPLEX_STEP}[tanh]",
    "sigmoid_grad_uses_input": f"{COMPLEX_STEP}[sigmoid]",
    "bfs_instead_of_topo": f"{ENGINE}::test_the_order_is_right_when_a_node_is_reached_by_a_short_and_a_long_path",
    "intermediate_grads_not_reset": f"{ENGINE}::test_inner_gradients_are_reset_and_leaf_gradients_accumulate",
    "equal_values_are_one_node": f"{PROPERTIES}::test_equal_numbers_are_differentiated_separately",
    "rsub_sign": f"{COMPLEX_STEP}[3 - v]",
    "iadd_in_place": f"{PROPERTIES}::test_in_place_addition_is_ordinary_addition",
    # data
    "header_little_endian": ROUND_TRIP,
    "label_offset_off_by_one": f"{LOADED}[train-mnist]",
    "read_as_int8": f"{LOADED}[train-mnist]",
    "images_transposed": f"{LOADED}[train-mnist]",
    "pixels_not_scaled": f"{LOADED}[train-mnist]",
    "integer_division": f"{LOADED}[train-mnist]",
    "test_not_scaled": f"{LOADED}[test-mnist]",
    "labels_sorted_by_class": f"{LOAD}::test_a_split_follows_its_seed_and_leaves_inputs_and_global_state_alone",
    "split_overlaps": f"{LOAD}::test_a_split_is_a_shuffled_partition_that_keeps_samples_and_targets_together",
    "test_standardized_by_itself": STANDARDIZED,
    "one_deviation_for_all_features": STANDARDIZED,
    "best_checkpoint_is_alias": f"{NETWORK}::test_state_dict_and_load_state_dict_copy[tensor]",
    "checkpoint_forgets_b2": (f"{PROPERTIES}::test_a_loaded_net_has_every_saved_parameter[tensor]"),
    "resume_reseeds_shuffle": f"{RESUMED}[0-{MOMENTUM}-tensor]",
    "resume_forgets_velocity": f"{RESUMED}[4-{MOMENTUM}-tensor]",
    "resume_restarts_the_epoch": f"{RESUMED}[1-{MOMENTUM}-tensor]",
    # text
    "targets_not_shifted": ENCODED,
    "no_end_token": ENCODED,
    "no_begin_token": ENCODED,
    "temperature_multiplied": DRAWN,
}
OURS = [bug for bug in BUGS.values() if bug.kind != "tier"]
every_bug = pytest.mark.parametrize("bug", BUGS.values(), ids=lambda bug: bug.name)


# Each bug is a bug.


def test_names_are_unique_and_bugs_are_grouped_by_kind():
    from micrograd_tiers.lab.museum import DATA_BUGS, ENGINE_BUGS, NETWORK_BUGS, TEXT_BUGS, TIER_BUGS, TRAINING_BUGS

    lists = (TIER_BUGS, NETWORK_BUGS, TRAINING_BUGS, ENGINE_BUGS, DATA_BUGS, TEXT_BUGS)
    assert len(BUGS) == sum(map(len, lists))
    for kind, bugs in zip(KINDS, lists, strict=True):
        assert {bug.kind for bug in bugs} == {kind}


@every_bug
def test_a_bug_is_a_small_change_of_files_that_still_compile(bug):
    assert bug.files()
    for file, edits in bug.files().items():
        assert all(right != wrong for _, right, wrong in edits)
        compile(bug.source(file), file, "exec")
    lines = bug.difference().splitlines()
    changed = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
    assert 1 <= len(changed) <= 20 * len(bug.files())


@every_bug
def test_a_bug_is_described(bug):
    for text in (bug.title, bug.symptom, bug.property, bug.explanation, bug.hint):
        assert len(text) > 10
        assert "\n" not in text
        assert "  " not in text
    assert len(bug.title) <= 110
    assert not bug.title.endswith(".")
    assert bug.explanation.endswith(".")
    assert bug.hint.endswith("?") or bug.kind == "tier"


@every_bug
def test_planted_code_is_code_that_somebody_would_write(bug):
    """Nothing is multiplied by 0 or 1, or added to 0, only to get an array of the right shape."""
    if bug.name == "first_layer_gets_no_gradient":
        return  # zeros of any tier's arrays can be made in no other way
    for edits in bug.files().values():
        for _, right, wrong in edits:
            for line in wrong.splitlines():
                padded = re.search(r"(?<![\w.])0(\.0)? \*(?!\*)|[+] 0\b|\* 1\b(?!\.)|\(1\)", line)
                assert padded is None or padded[0] in right, line


def test_a_bug_that_no_longer_matches_its_file_says_so():
    import dataclasses

    def source(where, right):
        bug = dataclasses.replace(get_bug("acc_int_div"), edits={"metrics.py": ((where, right, ""),)})
        return bug.source("metrics.py")

    with pytest.raises(
        ValueError, match=r"^bug acc_int_div: metrics\.py, accuracy: holds 'no' 0 times, expected once$"
    ):
        source("accuracy", "no")
    with pytest.raises(ValueError, match=r"^bug acc_int_div: metrics\.py: holds 'def' [2-9] times, expected once$"):
        source("", "def")
    with pytest.raises(
        ValueError, match=r"^bug acc_int_div: metrics\.py, accurate: no function or class with that name$"
    ):
        source("accurate", "no")


def test_an_edit_of_a_tier_is_made_in_its_op_or_in_the_function_that_it_names():
    edits = in_tiers(
        numpy=("y = np.maximum(x, 0)", "y = x"), scalar=(("tolist", "return array", "return 3"), ("0.0", "1.0"))
    )
    bug = Bug("", "", "tier", edits, "", "", "", op="relu")
    assert bug.tiers() == ("scalar", "vector", "tensor")
    assert bug.tier("vector").relu(np.array([-2.0]))[0] == -2
    assert bug.tier("scalar").relu([-2.0])[0] == [1.0]
    assert bug.tier("scalar").tolist([1.0]) == 3


# A planted bug exists only in a second copy of the package.


def test_a_planted_bug_leaves_the_package_unchanged():
    def modules():
        return {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "micrograd_tiers"}

    with planted(get_bug("acc_int_div")):  # triggers the imports that the package makes on first use
        pass
    before = modules()
    with planted(get_bug("acc_int_div")) as package:
        assert package is not mt
        assert package.accuracy([0, 1], [0, 0]) == 0.0
        assert mt.accuracy([0, 1], [0, 0]) == 0.5
    with pytest.raises(ValueError, match="two non-empty arrays"), planted(get_bug("update_sign")) as package:
        package.accuracy([], [])
    assert modules() == before
    assert mt.accuracy([0, 1], [0, 0]) == 0.5


def test_a_name_first_used_while_a_bug_is_planted_comes_from_the_right_copy():
    script = (
        "import micrograd_tiers as mt\n"
        "from micrograd_tiers.lab.museum import get_bug, planted\n"
        "with planted(get_bug('acc_int_div')) as package:\n"
        "    assert mt.accuracy([0, 1], [0, 0]) == 0.5\n"
        "    assert package.nn is not mt.nn\n"
        "assert mt.engine.Value is mt.Value is not package.Value is package.engine.Value\n"
        "assert mt.accuracy([0, 1], [0, 0]) == 0.5\n"
        "assert package.accuracy([0, 1], [0, 0]) == 0\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_bug_is_planted_in_every_module_that_uses_it():
    with planted(get_bug("update_sign")) as package:
        net = package.two_layer_net(2, 3, 2)
        start = net.loss_and_grads([[1.0, 2.0]], [0])[0]
        package.fit(net, [[1.0, 2.0]], [0])
        assert net.loss_and_grads([[1.0, 2.0]], [0])[0] > start


# Each bug is caught.


@pytest.fixture(scope="module")
def mutation(tmp_path_factory):
    with contextlib.closing(Mutation(tmp_path_factory.mktemp("mutation"))) as mutation:
        yield mutation


def test_the_table_of_catching_tests_is_complete():
    assert [*CAUGHT_BY] == [bug.name for bug in OURS]


def test_without_a_bug_the_catching_tests_pass(mutation):
    assert mutation.run("", *sorted({*CAUGHT_BY.values()})) == [0, []]


@pytest.mark.parametrize("name", CAUGHT_BY)
def test_the_packages_tests_catch(name, mutation):
    code, failed = mutation.run(name, CAUGHT_BY[name])
    assert code == 1, "1: tests have failed; 0: they passed; 2 to 5: they could not be run"
    assert failed
    assert all(test.startswith(CAUGHT_BY[name]) for test in failed)


def test_a_job_that_crashes_the_mutation_process_affects_no_other_job(tmp_path):
    mortal = tmp_path / "test_mortal.py"
    mortal.write_text("import os\n\ndef test_ends_the_process():\n    os._exit(3)\n")
    with contextlib.closing(Mutation(tmp_path)) as mutation:
        with pytest.raises(pytest.fail.Exception, match="the process ended"):
            mutation.run("", str(mortal))
        assert mutation.run("", METRICS) == [0, []]


# Demonstrations.

INVISIBLE = {  # these do not show in training, as their symptoms say
    "relu_returns_int",
    "sigmoid_forgets_its_call", "relu_gradient_at_zero", "relu_hides_nan", "relu_overwrites_x",
    "elu_derivative_without_alpha", "elu_ignores_alpha", "elu_alpha_in_the_exponent", "elu_overflows",
    "softmax_global_max", "softmax_without_max", "softmax_derivative_diagonal_only",
    "softmax_derivative_without_mean", "softmax_derivative_sign", "softmax_derivative_axis0", "softmax_ignores_dy",
    "loss_one_hot_times_log", "add_scaled_ignores_scale", "max_pool2d_loses_nan", "reshape_dx_is_a_view",
    "soft_zero_times_log", "embedding_padding_in_gradient",
}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["loss_sum_grad_mean", "nan_compared_with_equals", "add_assigns_grad", "read_as_int8", "split_overlaps",
     "test_standardized_by_itself", "best_checkpoint_is_alias", "checkpoint_forgets_b2", "resume_reseeds_shuffle",
     "linear_dweight_without_x", "relu_gradient_at_zero", "loss_ignores_dloss",
     "attention_without_mask"],
)  # fmt: skip
def test_a_demonstration_shows_the_right_program_and_the_wrong_one(name):
    assert_acts(get_bug(name))


@pytest.mark.slow
@every_bug
def test_every_bug_has_an_effect_in_its_demonstration(bug):
    assert_acts(bug)


def assert_acts(bug):
    shown = demonstrate(bug)
    right, wrong = shown.right, shown.wrong
    if bug.name != "nan_compared_with_equals":
        assert not right.error
        assert len(right.loss) == len(right.accuracy) == 10
        assert right.accuracy[-1] > (0.25 if isinstance(scene_of(bug), Names) else 0.66)
    for run in (right, wrong):
        assert run.error or run.figures
        assert len(run.accuracy) == len(run.loss)
    same = (right.loss, right.accuracy, right.figures, right.error) == (
        wrong.loss, wrong.accuracy, wrong.figures, wrong.error,
    )  # fmt: skip
    assert same == (bug.name in INVISIBLE)
    assert "\n" not in shown.verdict()


HIDDEN = (
    *("position_dweight_last_document_only", "rms_norm_root_constant", "layer_norm_mean_constant"),
    *("attention_scores_without_root", "attention_root_of_all_features", "attention_q_and_k_exchanged"),
    *("attention_parts_by_head", "attention_derivative_without_root", "attention_softmax_without_mean"),
    "next_token_padding_in_gradient",
)


@pytest.mark.slow
def test_the_loss_hides_mistakes_in_a_gpt():
    """It ends within the range of right runs with other seeds, as the symptoms say."""
    ends = [trained(scene_of(get_bug(HIDDEN[0])), None, "tensor", seed).loss[-1] for seed in range(8)]
    for name in HIDDEN:
        wrong = demonstrate(get_bug(name), tier="tensor").wrong
        assert min(ends) < wrong.loss[-1] < max(ends), name


def test_a_demonstration_depends_only_on_its_seed():
    first, again, other = (demonstrate(get_bug("add_assigns_grad"), seed=seed) for seed in (1, 1, 2))
    assert (first.right.loss, first.wrong.loss) == (again.right.loss, again.wrong.loss)
    assert first.right.loss != other.right.loss


def test_a_demonstration_at_another_tier_starts_from_the_same_curve():
    shown = {tier: demonstrate(get_bug("double_batch_mean"), tier=tier) for tier in ("vector", "tensor")}
    assert shown["vector"].right.loss == pytest.approx(shown["tensor"].right.loss, rel=1e-9)
    assert shown["vector"].wrong.loss == pytest.approx(shown["tensor"].wrong.loss, rel=1e-9)


def test_a_bug_of_the_batch_loop_has_no_effect_at_a_tier_without_one():
    shown = demonstrate(get_bug("last_sample_only"), tier="tensor")
    assert shown.right.loss == shown.wrong.loss
    assert "not a digit of the curves differs" in shown.verdict()


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ([0.9, 0.95], [0.9, 0.949], "accuracy 94.9% instead of 95.0%: nobody would notice"),
        ([0.9], [0.85], "accuracy 85.0% instead of 90.0%: worse, and easily blamed on the settings"),
        ([0.9], [0.5], "it learns something"),
        ([0.9], [0.1], "no better than guessing"),
        ([0.9], [0.0], "worse than guessing"),
        ([0.9], [0.99], "better, so nobody would look for a bug"),
    ],
)
def test_the_verdict_says_what_a_person_would_notice(right, wrong, words):
    from micrograd_tiers.lab.museum.demonstration import Demonstration
    from micrograd_tiers.lab.museum.trace import Trace

    runs = [Trace(loss=[1.0 + 0.1 * n] * len(acc), accuracy=acc) for n, acc in enumerate((right, wrong))]
    assert words in Demonstration("", 100, 10, *runs).verdict()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [(2.37, "worse, and easily blamed"), (2.0, "better, so nobody would look"), (2.19, "nobody would notice")],
)
def test_the_verdict_on_documents_goes_by_the_loss(wrong, words):
    from micrograd_tiers.lab.museum.demonstration import Demonstration
    from micrograd_tiers.lab.museum.trace import Trace

    runs = [Trace(loss=[3.0, loss], accuracy=[0.2, 0.27]) for loss in (2.2, wrong)]
    verdict = Demonstration("", 100, 27, *runs, loss_spread=0.02).verdict()
    assert verdict == f"loss {wrong:.3f} instead of 2.200: {verdict.partition(': ')[2]}"
    assert words in verdict


def test_figures_that_look_equal_are_not_shown_as_different(capsys):
    from micrograd_tiers.cli.bugs import _print_curves
    from micrograd_tiers.lab.museum.demonstration import Demonstration
    from micrograd_tiers.lab.museum.trace import Trace

    def shown(right, wrong):
        runs = [Trace([1.0], [0.9], {"a figure": figure}) for figure in (right, wrong)]
        shown = Demonstration("", 100, 10, *runs)
        _print_curves(shown)
        return shown.verdict(), capsys.readouterr().out

    for right, wrong in [(0.1 + 0.2, 0.3), (math.nan, float("nan")), ("text", "text")]:
        verdict, curves = shown(right, wrong)
        assert "all other figures are equal, too" in verdict
        assert "a figure" not in curves
    for right, wrong, line in [
        (0.5, 0.25, "a figure: 0.5, with the bug 0.25"),
        (0.123451, 0.123452, "a figure: 0.123451, with the bug 0.123452"),
        (1.0, 1.0 + 1e-11, "a figure: 1, with the bug 1.00000000001"),
        (0.5, None, "a figure: 0.5, with the bug -"),
    ]:
        verdict, curves = shown(right, wrong)
        assert "the only difference is in a figure" in verdict
        assert line in curves


def test_the_verdict_names_losses_that_are_far_off_or_nan():
    from micrograd_tiers.lab.museum.demonstration import Demonstration
    from micrograd_tiers.lab.museum.trace import Trace

    right = Trace(loss=[1.0], accuracy=[0.9])
    assert "10 times as large" in Demonstration("", 100, 10, right, Trace(loss=[10.0], accuracy=[0.9])).verdict()
    assert "loss is nan" in Demonstration("", 100, 10, right, Trace(loss=[math.nan], accuracy=[0.1])).verdict()


# The command.


def json_of(path):
    return json.loads(Path(path).read_text(), parse_constant=pytest.fail)


@pytest.mark.parametrize("args", [["bugs"], ["bugs", "list"]])
def test_bugs_lists_all_with_their_titles(cli, args):
    result = cli(*args)
    assert (result.code, result.err) == (0, "")
    for bug in BUGS.values():
        assert bug.name in result.out
        assert bug.title in result.out
    for kind in KINDS:
        assert f"{kind} ({sum(bug.kind == kind for bug in BUGS.values())})" in result.out
    assert f"{len(BUGS)} bugs" in result.out


def test_bugs_list_writes_json(cli):
    assert cli("bugs", "list", "--json", "bugs.json").code == 0
    assert [bug["name"] for bug in json_of("bugs.json")["bugs"]] == [*BUGS]


def test_bugs_show_prints_the_difference_and_the_description(cli):
    result = cli("bugs", "show", "acc_int_div", "--json", "bug.json")
    assert (result.code, result.err) == (0, "")
    bug = get_bug("acc_int_div")
    shown = " ".join(result.out.split())
    for text in (bug.title, bug.symptom, bug.property, bug.explanation):
        assert text in shown
    assert "-    return float(np.mean(predicted == y))" in result.out
    assert "+    return float(np.sum(predicted == y) // len(y))" in result.out
    assert json_of("bug.json")["difference"] == bug.difference()


def test_bugs_train_prints_both_curves_and_a_verdict(cli):
    result = cli("bugs", "train", "acc_int_div", "--json", "run.json", "--picture", "run.png")
    assert (result.code, result.err) == (0, "")
    shown = json_of("run.json")
    assert shown["verdict"] in " ".join(result.out.split())
    assert shown["with_the_bug"]["accuracy"] == [0.0] * 10
    assert shown["right"]["loss"] == shown["with_the_bug"]["loss"]
    rows = [line.split() for line in result.out.splitlines() if line.strip()[:2].strip().isdigit()]
    assert [row[0] for row in rows[-10:]] == [str(n) for n in range(1, 11)]
    assert [row[4] for row in rows[-10:]] == ["0.0%"] * 10
    assert Path("run.png").read_bytes().startswith(b"\x89PNG")


def test_bugs_train_reports_a_bug_that_stops_the_program(cli):
    result = cli("bugs", "train", "header_little_endian", "--json", "run.json", "--picture", "run.svg")
    assert (result.code, result.err) == (0, "")
    error = json_of("run.json")["with_the_bug"]["error"]
    assert error.startswith("DataError: train-labels-idx1-ubyte: header claims")
    assert "the program with the bug stopped: DataError" in result.out
    assert Path("run.svg").exists()


def test_bugs_train_shows_losses_of_nan(cli):
    result = cli("bugs", "train", "nan_compared_with_equals", "--json", "run.json", "--picture", "run.png")
    assert (result.code, result.err) == (0, "")
    assert "nan" in result.out
    assert "the right program stopped: DivergedError" in result.out
    assert json_of("run.json")["with_the_bug"]["loss"][-1] is None


def test_bugs_train_takes_tier_and_seed(cli):
    assert "vector tier" in cli("bugs", "train", "double_batch_mean", "--tier", "vector").out
    tables = [cli("bugs", "train", "double_batch_mean", "--seed", seed).out for seed in (3, 3, 4)]
    assert tables[0] == tables[1] != tables[2]


@pytest.mark.parametrize("action", ["show", "train"])
def test_an_unknown_bug_is_refused_with_suggestions(cli, action):
    result = cli("bugs", action, "no_shufle")
    assert (result.code, result.out) == (2, "")
    assert result.err.count("\n") == 1
    assert "unknown bug 'no_shufle': did you mean no_shuffle? `micrograd-tiers bugs` lists" in result.err
    assert "did you mean" not in cli("bugs", action, "qqq").err


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["train", "add_assigns_grad", "--tier", "scalar"], "the engine, which has no tiers"),
        (["train", "acc_int_div", "--tier", "gpu"], "invalid choice: 'gpu'"),
        (["train", "acc_int_div", "--seed", "-1"], "seed"),
        (["train"], "NAME"),
        (["eat"], "invalid choice: 'eat'"),
        (["quiz", "--answer", "acc_int_div"], "--answer goes with --seed"),
        (["quiz", "--seed", "-1"], "seed is -1"),
        (["quiz", "--seed", "1", "--answer", "no_shufle"], "did you mean no_shuffle"),
        (["train", "acc_int_div", "--picture", "a.gif"], "suffix .gif"),
    ],
)
def test_wrong_usage_is_one_line(cli, args, words):
    result = cli("bugs", *args)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert result.err.count("\n") == 1


# The quiz.


@pytest.fixture
def quiz(cli, monkeypatch):
    """Return a function that takes the quiz of a seed with these lines of input."""

    def take(seed, lines, *args):
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return cli("bugs", "quiz", "--seed", seed, *args)

    return take


def asked(kind="engine"):
    """Return the first seed that hides a bug of this kind, the bug, and the candidates."""
    seed = next(seed for seed in range(1000) if _question(seed)[0].kind == kind)
    return seed, *_question(seed)


def test_a_question_has_three_to_five_candidates_of_one_op_and_follows_its_seed():
    for seed in range(300):
        bug, candidates = _question(seed)
        assert _question(seed) == (bug, candidates)
        assert bug in candidates
        assert 3 <= len({candidate.name for candidate in candidates}) == len(candidates) <= 5
        assert {(candidate.kind, candidate.op) for candidate in candidates} == {(bug.kind, bug.op)}
    assert {_question(seed)[0].kind for seed in range(300)} == {*KINDS}
    assert {[*candidates].index(bug) for bug, candidates in map(_question, range(300))} == {*range(5)}


@pytest.mark.parametrize("by", ["number", "name"])
def test_the_right_answer_is_explained(quiz, by):
    seed, bug, candidates = asked()
    answer = candidates.index(bug) + 1 if by == "number" else bug.name
    result = quiz(seed, [answer], "--json", "quiz.json")
    assert (result.code, result.err) == (0, "")
    before, after = result.out.split("\nRight: ")
    assert before.index("training loss") < before.index("Symptom: ") < before.index("Which bug is it?")
    assert bug.symptom in " ".join(before.split())
    assert bug.difference() not in before
    assert bug.difference() in after
    assert bug.explanation in " ".join(after.split())
    for number, candidate in enumerate(candidates, start=1):
        assert f"{number}. {candidate.title}" in before
    assert json_of("quiz.json")["answered_right"] is True
    assert result.out.endswith("\nScore: 3 of 3\n")
    assert json_of("quiz.json")["points"] == 3


def test_the_judge_reports_on_request_and_costs_a_point(quiz):
    seed, bug, candidates = asked("tier")
    answer = candidates.index(bug) + 1
    alone = quiz(seed, [answer])
    assert "The judge reports" not in alone.out
    result = quiz(seed, ["judge", answer], "--json", "quiz.json")
    before, report = result.out.split("The judge reports:")
    assert before.index("Which bug is it?") > 0
    assert f"{bug.op}" in report
    assert result.out.endswith("\nScore: 2 of 3\n")
    assert (json_of("quiz.json")["points"], json_of("quiz.json")["judge_asked"]) == (2, True)
    option = quiz(seed, [], "--answer", bug.name, "--judge")
    assert "The judge reports:" in option.out
    assert option.out.endswith("\nScore: 2 of 3\n")
    seed, bug, candidates = asked("engine")
    assert "this bug is elsewhere" in quiz(seed, ["judge", candidates.index(bug) + 1]).out


def test_a_wrong_answer_gives_a_hint_and_a_second_try(quiz):
    seed, bug, candidates = asked()
    wrong = [n for n, candidate in enumerate(candidates, start=1) if candidate is not bug]
    result = quiz(seed, [wrong[0], candidates.index(bug) + 1])
    assert result.code == 0
    assert bug.hint in " ".join(result.out.split())
    assert "\nRight: " in result.out
    assert result.out.endswith("\nScore: 2 of 3\n")
    result = quiz(seed, wrong[:2], "--json", "quiz.json")
    assert result.code == 1
    assert result.out.endswith("\nScore: 0 of 3\n")
    assert f"No, it was {bug.name}" in result.out
    assert bug.difference() in result.out
    assert json_of("quiz.json")["answered_right"] is False


def test_an_invalid_answer_is_asked_again(quiz):
    seed, bug, candidates = asked()
    result = quiz(seed, ["", "6", "what?", candidates.index(bug) + 1])
    assert result.code == 0
    assert result.out.count("1 to 5, or judge for the judge's report: ") == 4


def test_without_input_the_quiz_says_how_to_answer(quiz, cli, monkeypatch):
    seed, bug, candidates = asked()
    result = quiz(seed, [], "--json", "quiz.json")
    assert (result.code, result.err) == (0, "")
    assert f"micrograd-tiers bugs quiz --seed {seed} --answer NAME" in result.out
    assert json_of("quiz.json")["answered_right"] is None
    wrong = next(n for n, candidate in enumerate(candidates, start=1) if candidate is not bug)
    assert quiz(seed, [wrong]).code == 1
    monkeypatch.setattr(sys, "stdin", None)
    assert cli("bugs", "quiz", "--seed", seed).code == 0


def test_an_answer_may_be_given_as_an_option(quiz):
    seed, bug, candidates = asked()
    wrong = next(candidate for candidate in candidates if candidate is not bug)
    right = quiz(seed, [], "--answer", bug.name)
    assert right.code == 0
    assert bug.difference() in right.out
    other = quiz(seed, [], "--answer", wrong.name)
    assert other.code == 1
    assert bug.hint in " ".join(other.out.split())
    assert bug.difference() not in other.out


def test_without_a_seed_the_quiz_prints_the_seed_that_it_chose(cli, monkeypatch):
    monkeypatch.setattr("random.randrange", lambda n: asked()[0])
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert cli("bugs", "quiz").out.startswith(f"Quiz {asked()[0]}. ")
