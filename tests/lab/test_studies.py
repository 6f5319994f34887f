"""Studies and sweeps: results do not depend on how they are run, nothing is run twice, and the results hold."""

import csv
import json
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from idx_files import write_set
from PIL import Image

from micrograd_tiers.cli import main
from micrograd_tiers.lab.studies import STUDIES, Training, as_csv, on_cluster, run_all, settings_of, table
from micrograd_tiers.machine import processor
from micrograd_tiers.recipe import KINDS, Recipe
from micrograd_tiers.words import grid_from_words

XOR = Recipe(data="xor", n_train=60, n_test=30, hidden=(3,), epochs=2, learning_rate=0.5)


@dataclass(frozen=True)
class Counted:
    """A task that appends a line to a file each time it is run, or fails if `fails`."""

    log: str
    number: int
    fails: bool = False

    def run(self, data_dir):
        if self.fails:
            raise KeyboardInterrupt
        with open(self.log, "a") as file:
            file.write(f"{self.number}\n")
        return {"number": self.number}


def test_finished_runs_are_kept_and_not_repeated(tmp_path):
    log = tmp_path / "log"
    tasks = [Counted(str(log), n) for n in (0, 1, 2, 1)]
    with pytest.raises(KeyboardInterrupt):
        run_all([*tasks[:2], Counted(str(log), 9, fails=True)], tmp_path / "runs", jobs=1)
    assert log.read_text().split() == ["0", "1"]
    seen = []
    results = run_all(tasks, tmp_path / "runs", jobs=1, on_result=lambda done, of: seen.append((done, of)))
    assert results == [{"number": n} for n in (0, 1, 2, 1)]
    assert log.read_text().split() == ["0", "1", "2"]
    assert seen == [(2, 3), (3, 3)]


def test_the_error_names_a_damaged_result(tmp_path):
    run_all([Counted(str(tmp_path / "log"), 0)], tmp_path)
    (path,) = tmp_path.glob("*.json")
    path.write_text("{")
    with pytest.raises(ValueError, match=f"{path.name}: is not a result"):
        run_all([Counted(str(tmp_path / "log"), 0)], tmp_path)


def without_times(results):
    return [{name: value for name, value in result.items() if name != "seconds"} for result in results]


def test_results_do_not_depend_on_the_number_of_jobs(tmp_path):
    pytest.importorskip("joblib")
    tasks = [Training(replace(XOR, seed=seed)) for seed in range(3)]
    one, two = (run_all(tasks, tmp_path / str(jobs), jobs=jobs) for jobs in (1, 2))
    assert without_times(one) == without_times(two)
    assert len({result["test_loss"] for result in one}) == 3


def test_a_back_end_may_return_all_results_at_the_end(tmp_path):
    joblib = pytest.importorskip("joblib")
    tasks = [Training(replace(XOR, seed=seed)) for seed in range(2)]

    class AllAtOnce(joblib.parallel.ThreadingBackend):  # like Ray's back end
        supports_return_generator = False

    joblib.register_parallel_backend("all at once", AllAtOnce)
    with joblib.parallel_config("all at once", n_jobs=2):
        assert without_times(run_all(tasks, tmp_path / "a")) == without_times(run_all(tasks, tmp_path / "b", jobs=1))


def test_the_same_runs_on_a_dask_cluster(tmp_path):
    distributed = pytest.importorskip("distributed")
    pytest.importorskip("joblib")
    tasks = [Training(replace(XOR, seed=seed)) for seed in range(3)]
    here = run_all(tasks, tmp_path / "here", jobs=1)
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
    ):
        with on_cluster(cluster.scheduler_address):
            there = run_all(tasks, tmp_path / "there")
        grid = ["data=xor", "n_train=60", "n_test=30", "hidden=3", "epochs=2", "learning_rate=0.5", "seeds=0..2"]
        options = ["--dask", cluster.scheduler_address, "--out", str(tmp_path / "sweep")]
        assert main(["sweep", *grid, *options]) == 0
    assert without_times(here) == without_times(there)
    runs = json.loads((tmp_path / "sweep" / "results.json").read_text())["runs"]
    assert without_times(here) == without_times([run["result"] for run in runs])


def test_a_run_that_diverges_is_a_result(tmp_path):
    for epochs in (1, 2):  # 1: in the last step, so that only the test loss shows it; 2: before
        (result,) = run_all([Training(replace(XOR, activation="relu", learning_rate=1e200, epochs=epochs))], tmp_path)
        assert result["diverged"]
        assert result["test_loss"] is None
    assert "NaN" not in "".join(path.read_text() for path in tmp_path.iterdir())


def test_a_kept_result_is_reused_only_while_its_data_and_tier_files_are_unchanged(tmp_path):
    data, tier = tmp_path / "data", tmp_path / "my_tier.py"
    tier.write_text("from micrograd_tiers.tiers.tensor import *\n")
    tasks = [
        Training(Recipe(data="mnist", hidden=(), n_train=20, n_test=10, epochs=1)),
        Training(replace(XOR, tier=str(tier))),
    ]
    seen = []
    for seed, line in ((0, ""), (0, ""), (1, ""), (1, "# another one")):
        write_set(data / "mnist", seed=seed)
        tier.write_text(tier.read_text() + line)
        done = []
        losses = [
            result["test_loss"]
            for result in run_all(
                tasks,
                tmp_path / "runs",
                data_dir=str(data),
                jobs=1,
                on_result=lambda n, of: done.append(n),  # noqa: B023
            )
        ]
        seen.append((done[0], losses))
    (_, first), (kept, second), (one_kept, third), (one_kept_again, _) = seen
    assert (kept, one_kept, one_kept_again) == (2, 1, 1)
    assert first == second
    assert first[0] != third[0]
    assert first[1] == third[1]


def test_settings_include_defaults_and_leave_out_those_without_effect():
    dense = settings_of(Training(Recipe(optimizer="adamw")))["recipe"]
    assert (dense["learning_rate"], dense["weight_decay"], dense["hidden"]) == (0.001, 0.01, [300])
    assert "layers" not in dense
    assert "hidden" not in settings_of(Training(Recipe(layers="conv:6,5 relu")))["recipe"]


def test_columns_of_a_csv_do_not_collide():
    @dataclass(frozen=True)
    class Task:
        optimizer: str

    result = {"parts": {"optimizer": 3}, "loss": [1.0, 0.5], "images": [[0.0]]}
    assert as_csv([Task("adam")], [result]) == "task,optimizer,parts.optimizer,loss\nTask,adam,3,1 0.5\n"


def test_tables_are_markdown():
    rows = [{"a": 1, "b": 0.123456}, {"a": "x", "c": 12345}]
    assert table(rows) == "| a | b | c |\n| --- | --- | --- |\n| 1 | 0.1235 |  |\n| x |  | 12,345 |"


# sweep.


def test_sweep_trains_the_whole_grid_and_reports_mean_and_deviation(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    grid = ["data=xor", "n_train=60", "n_test=30", "hidden=3,4-2", "learning_rate=0.1,0.5", "epochs=1", "seeds=0..1"]
    assert main(["sweep", *grid, "--jobs", "1"]) == 0
    out = capsys.readouterr().out
    assert "8 runs" in out
    rows = [*csv.DictReader(Path("sweep/results.csv").read_text().splitlines())]
    assert {(row["hidden"], row["learning_rate"], row["seed"]) for row in rows} == {
        (hidden, rate, seed) for hidden in ("3", "4-2") for rate in ("0.1", "0.5") for seed in "01"
    }
    content = json.loads(Path("sweep/results.json").read_text())
    assert [(row["hidden"], row["learning_rate"], row["runs"]) for row in content["summary"]] == [
        ("3", 0.1, 2), ("3", 0.5, 2), ("4-2", 0.1, 2), ("4-2", 0.5, 2),
    ]  # fmt: skip
    losses = [run["result"]["test_loss"] for run in content["runs"][:2]]
    mean, deviation = map(float, content["summary"][0]["test loss"].split(" ± "))
    assert mean == pytest.approx(sum(losses) / 2, abs=1e-4)
    assert deviation == pytest.approx(abs(losses[0] - losses[1]) / 2**0.5, abs=1e-4)
    assert content["runs"][0]["recipe"]["data"] == "xor"


def test_a_sweep_whose_runs_diverge_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    grid = ["data=xor", "n_train=60", "n_test=30", "hidden=3", "activation=relu", "epochs=2", "seeds=0..1"]
    assert main(["sweep", *grid, "learning_rate=1e200,0.1", "--jobs", "1"]) == 0
    lost, fine = json.loads(Path("sweep/results.json").read_text())["summary"]
    assert (lost["test loss"], lost["diverged"], fine["diverged"]) == ("-", 2, 0)
    assert len(Path("sweep/results.csv").read_text().splitlines()) == 5


def test_a_grid_is_parsed_from_words():
    words = ["learning-rate=0.1,1", "seeds=0..2", "hidden=3,4-5,", "exact=true", "layers=conv:6,5 relu | linear:9"]
    assert grid_from_words(words, KINDS) == {
        "learning_rate": [0.1, 1.0],
        "seed": [0, 1, 2],
        "hidden": [(3,), (4, 5), ()],
        "exact": [True],
        "layers": ["conv:6,5 relu", "linear:9"],
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["learning_rate"], "expected SETTING=VALUE"),
        (["speed=3"], "with a setting of train: net, data"),
        (["epochs=2.5"], "epochs is '2.5', expected a whole number"),
        (["momentum=much"], "momentum is 'much', expected a number"),
        (["exact=maybe"], "exact is 'maybe', expected true or false"),
        (["seed=1", "seeds=2"], "seed is given twice"),
        (["optimizer=newton"], "optimizer is 'newton'"),
        (["schedule=zigzag"], "unknown schedule 'zigzag'"),
        (["seeds=4..0"], "seed is '4..0', expected FIRST..LAST"),
        (["hidden=-4"], "hidden is '', expected a whole number"),
        (["data=xor", "activation=relu,nonsense"], "unknown activation 'nonsense'"),
        (["data=xor", "tier=tensor,quantum"], "unknown tier 'quantum'"),
        (["data=xor", "batch_size=64,0"], "batch_size is 0, expected a whole number from 1"),
        (["data=xor", "dropout=0,2"], "dropout is 2.0, expected a number from 0 to 1"),
        (["data=xor", "layers=relu|conv:3,3"], "expected images (C, H, W)"),
        (["data=xor", "layers=relu", "hidden=3"], "leave out --hidden"),
        (["data=xor", "patience=3"], "(in Python, validation=N)"),
    ],
)
def test_a_grid_that_is_misspelled_is_refused(words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["sweep", *words]) == 2
    assert message in capsys.readouterr().err
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("command", [["sweep", "data=xor,mnist"], ["experiment", "two-layer-mnist"]])
def test_missing_data_are_reported_before_any_run(command, cli, folder):
    code, _, err = cli(*command)
    assert code == 1
    assert "mnist: did not find train-images" in err
    assert not [*folder.iterdir()]


# Studies.


@pytest.fixture
def findings_of(folder_of_quick_run):
    return lambda name: json.loads((folder_of_quick_run(name) / "results.json").read_text())["findings"]


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_writes_report_pictures_and_results(folder_of_quick_run, name):
    folder = folder_of_quick_run(name)
    report = (folder / "report.md").read_text()
    assert report.startswith(f"# {STUDIES[name].title}\n\n{STUDIES[name].question}\n")
    assert report.endswith(f"` on {processor()}.\n")
    pictures = [*folder.glob("*.png")]
    assert pictures
    for path in pictures:
        assert f"]({path.name})" in report
        with Image.open(path) as picture:
            assert picture.width > 300
    content = json.loads((folder / "results.json").read_text())
    rows = [*csv.DictReader((folder / "results.csv").read_text().splitlines())]
    assert ("(A quick run" in report) == (STUDIES[name].tasks(True) != STUDIES[name].tasks(False))
    assert len(rows) == len(content["runs"]) == len(STUDIES[name].tasks(True))
    assert len([*(folder / "runs").iterdir()]) == len({str(settings_of(task)) for task in STUDIES[name].tasks(True)})


@pytest.mark.parametrize("name", STUDIES)
def test_every_study_has_tasks_for_the_published_data(name):
    assert STUDIES[name].tasks(False)


def test_experiment_lists_the_studies_and_refuses_others(capsys):
    assert main(["experiment"]) == 0
    assert all(name in capsys.readouterr().out for name in ("two-layer-mnist",))
    assert main(["experiment", "alchemy"]) == 2
    assert "unknown study 'alchemy': expected one of" in capsys.readouterr().err


def test_softmax_overflow(findings_of):
    findings = findings_of("softmax-overflow")
    assert findings["float32"]["overflow"] == pytest.approx(88.7, abs=0.11)  # log of the largest float32
    assert findings["float64"]["overflow"] == pytest.approx(709.8, abs=0.11)
    for dtype in ("float32", "float64"):
        naive, shifted, log_sum_exp = findings[dtype]["breaks"].values()
        assert naive < shifted
        assert log_sum_exp is None


def test_the_vanishing_gradient_is_that_of_the_report(findings_of):
    findings = findings_of("vanishing-gradient")
    assert [f"{p:.6f}" for p in findings["p"].values()] == ["0.731059", "0.999955", "1.000000"]
    assert [f"{slope:.6e}" for slope in findings["dL_dw"].values()] == ["2.874697e-01", "9.082923e-05", "0.000000e+00"]
    assert findings["first_over_last"]["sigmoid"] < 0.01 < 0.1 < findings["first_over_last"]["tanh"]


def test_convolution_by_hand(findings_of):
    findings = findings_of("convolution-by-hand")
    assert (findings["n_parameters"], findings["shape"]) == (608, [8, 28, 28])
    assert findings["average"] == {
        "upper left": [[1, 0.5], [0.5, 0.25]],
        "upper right": [[0.5, 1], [0.25, 0.5]],
        "lower left": [[0.5, 0.25], [1, 0.5]],
        "lower right": [[0.25, 0.5], [0.5, 1]],
    }
    assert findings["maximum"] == {corner: [[1, 1], [1, 1]] for corner in findings["average"]}


def test_initialization_and_learning_rate_hold_the_two_layer_net_back(findings_of):
    accuracy = findings_of("two-layer-mnist")["test_accuracy"]
    assert accuracy["as the report says"] < accuracy["twice the epochs"]
    assert accuracy["as the report says"] < accuracy["learning rate 0.1"]
    assert accuracy["as the report says"] < accuracy["Xavier start"]


def test_small_batches_are_ahead_after_an_epoch(findings_of):
    findings = findings_of("softmax-regression")
    losses = [*findings["first_training_loss_by_batch_size"].values()]
    assert losses == sorted(losses)
    by_rate = findings["validation_loss_by_rate"]
    assert by_rate["0.001"] == max(by_rate.values())


def test_relu_leaves_the_plateau_on_which_sigmoids_stay(findings_of):
    findings = findings_of("lenet")
    sigmoid, relu = (findings["test_accuracy"][name] for name in [*findings["test_accuracy"]][2:4])
    assert sigmoid < 0.3 < 0.7 < relu
    assert findings["first_training_loss"]["relu"] < findings["first_training_loss"]["sigmoid"]


def test_a_larger_budget_of_units_does_better(findings_of):
    ours = [figures["ours"] for figures in findings_of("mnist-budget").values()]
    assert ours == sorted(ours)
    assert ours[0] < ours[2]


def test_strong_dropout_costs_accuracy_in_the_first_epoch_and_p_1_learns_nothing(findings_of):
    findings = findings_of("cnn-regularization")
    by_probability = findings["by_probability"]
    assert by_probability["0.00"] > by_probability["0.44"] > by_probability["1.00"]
    assert findings["loss_at_p_1"] == pytest.approx(2.303, abs=0.03)


def test_a_convolutional_net_matches_the_dense_one_with_a_tenth_of_its_parameters(findings_of):
    findings = findings_of("cnn-search")
    n_parameters, accuracy = findings["nets"][findings["smallest"]]
    assert n_parameters < findings["dense"]["n_parameters"] / 10
    assert accuracy >= findings["dense"]["test_accuracy"]
    best = {
        kind: max(accuracy for name, (_, accuracy) in findings["nets"].items() if name.startswith(kind))
        for kind in ("one", "two")
    }
    assert best["one"] < best["two"]


def test_a_larger_code_reconstructs_better(findings_of):
    findings = findings_of("autoencoder")
    losses = [*findings["test_loss"].values()]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] < findings["mean_image_loss"]


def test_a_code_learned_without_labels_classifies_better_than_a_random_one(findings_of):
    findings = findings_of("frozen-encoder")
    assert (findings["pixels"]["n_learned"], findings["trained"]["n_learned"]) == (7850, 330)
    assert findings["random"]["accuracy"] < findings["trained"]["accuracy"] < findings["tuned"]["accuracy"]


# The documentation's statements about the full runs.

DOCS = Path(__file__).parents[2] / "docs" / "studies"


@pytest.mark.parametrize("name", STUDIES)
def test_the_full_run_is_documented_and_the_index_agrees_with_its_report(name):
    report = (DOCS / name / "report.md").read_text()
    assert report.startswith(f"# {STUDIES[name].title}\n")
    assert re.search(rf"\nMade by `micrograd-tiers experiment {name}`( on .+)?\.\n\Z", report)
    for picture in re.findall(r"\]\((.*?\.png)\)", report):
        assert (DOCS / name / picture).exists()
    assert (DOCS / name / "results.csv").exists()
    (row,) = re.findall(rf"^\| \[{name}\]\({name}/report.md\) \|.*?\| (.*) \|$", (DOCS / "README.md").read_text(), re.M)
    for number in re.findall(r"\d+\.\d+(?:e-\d+)?", row):
        assert number in report


def test_the_documented_conclusions_follow_from_the_full_runs():
    ((written,), (longer,), (faster,), (xavier,), _) = column("two-layer-mnist", "test_accuracy")[9:]
    assert written < longer < 0.91 < min(faster, xavier)

    by_rate = column("softmax-regression", "validation_loss")[1:6]
    assert max(by_rate[0][4:]) - min(by_rate[0][4:]) > 0.1  # at 0.5 the loss jumps
    assert all(losses[-1] < losses[-2] for losses in by_rate[2:])  # below 0.1 the losses are still falling


def column(name, key):
    """Return a column of a study's CSV; a cell may hold several numbers, separated by spaces."""
    rows = csv.DictReader((DOCS / name / "results.csv").read_text().splitlines())
    return [[float(x) for x in row[key].split()] for row in rows]
