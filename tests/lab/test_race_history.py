"""The history of the speed targets: one entry per run of `benchmark --all`, and what it shows without a race."""

import json
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from micrograd_tiers import __version__
from micrograd_tiers.cli import benchmark_history, main
from micrograd_tiers.errors import DataError
from micrograd_tiers.lab.race import Case, history, report, targets
from micrograd_tiers.lab.race.history import entry, latest, past_runs, read_history
from micrograd_tiers.lab.race.report import history_table
from micrograd_tiers.lab.race.targets import Bar, Target, TargetResult, bars

ROOT = Path(__file__).parents[2]
QUICK = ["--net", "2-3-2", "--batch-size", "1", "--dtype", "float64", "--only", "tensor"]
QUICK += ["--rounds", "2", "--seconds", "0.001", "--threads", "1"]
FAST, SLOW = "tensor against scalar: 2-3-2, batch 1, float64", "time of a command"
LIMITS = {FAST: Bar(1.4, "x the speed"), SLOW: Bar(60, "ms")}


@pytest.fixture
def two_targets(monkeypatch):
    """Two targets, of which the second is not measured in whole processes, and no other long work."""
    monkeypatch.setattr(targets, "TARGETS", (Target(Case((2, 3, 2), 1), "tensor", "scalar", 1.4),))
    monkeypatch.setattr(targets, "START", {SLOW: LIMITS[SLOW]})
    monkeypatch.setattr(
        targets, "check_start", lambda rounds, report: [TargetResult(SLOW, LIMITS[SLOW], (50.0, 55.0, 61.0))]
    )
    monkeypatch.setattr(
        "micrograd_tiers.lab.race.growth.SERIES", {"hidden units": [(n, Case((4, n, 2), 8)) for n in (2, 4, 8)]}
    )


def run_on(processor, *, day="2026-11-27", kernels=None, **quartiles):
    """Return a run as it is in the file; the names of the targets are given as `fast` and `slow`."""
    measured = [
        {"name": {"fast": FAST, "slow": SLOW}[name], "wanted": "", "quartiles": numbers, "met": True}
        for name, numbers in quartiles.items()
    ]
    about = {"processor": processor, "cores": 2, "threads": 2, "python": "3.11.7", "packages": {}}
    about |= {"kernels": kernels} if kernels else {}  # files of earlier versions have none
    return {"date": day, "version": "0.1.0", "commit": "3981fe1", **about, "targets": measured}


def test_an_entry_says_what_was_measured_where_and_with_which_version():
    bar = Bar(1.4, "x the speed")
    results = [TargetResult("measured", bar, (1.0, 1.23456, 2.0)), TargetResult("not", bar, None, "JAX jit")]
    written = json.loads(json.dumps(entry(report.machine(3), results)))
    assert written["targets"] == [
        {"name": "measured", "wanted": "at least 1.4x the speed", "quartiles": [1.0, 1.235, 2.0], "met": False}
    ]
    assert written["version"] == __version__
    assert written["packages"]["numpy"]
    (run,) = past_runs({"runs": [written]})
    assert (run.processor, run.cores, run.threads) == (written["processor"], written["cores"], 3)
    assert run.kernels == (report.machine(3)["kernels"] or "")
    assert run.quartiles == {"measured": (1.0, 1.235, 2.0)}


def test_the_commit_is_that_of_the_repository_if_the_package_is_in_one(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "ROOT", tmp_path)
    assert history.commit() is None
    (tmp_path / ".git").mkdir()  # damaged
    assert history.commit() is None
    (tmp_path / ".git").rmdir()
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "a").write_text("1")
    subprocess.run([*git, "add", "a"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    clean = history.commit()
    (tmp_path / "a").write_text("2")
    assert len(clean) >= 7
    assert history.commit() == f"{clean}-dirty"


def test_the_latest_run_of_each_processor_counts():
    runs = past_runs({"runs": [run_on("A", day="2026-11-01"), run_on("B"), run_on("A", day="2026-11-02")]})
    assert [(run.processor, run.date) for run in latest(runs)] == [("A", "2026-11-02"), ("B", "2026-11-27")]


def test_one_processor_with_other_kernels_is_another_machine(two_targets, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    fast, slow = run_on("A", kernels="SkylakeX", fast=[1.5, 2, 3]), run_on("A", kernels="Haswell", fast=[1.2, 1.3, 1.5])
    content = {"runs": [run_on("A", fast=[1.4, 2, 3]), fast, slow, fast | {"date": "2026-11-28"}]}
    Path("h.json").write_text(json.dumps(content))
    drawn = []
    monkeypatch.setattr("micrograd_tiers.plots.targets", lambda panels, *rest, path: drawn.extend(panels))
    assert main(["benchmark", "--history", "h.json", "--picture", "h.png"]) == 0
    out = capsys.readouterr().out
    assert "machine 1: A, 2 cores, 2 threads; version 0.1.0 (3981fe1), 2026-11-27\n" in out
    assert "machine 2: A, SkylakeX kernels, 2 cores, 2 threads; version 0.1.0 (3981fe1), 2026-11-28\n" in out
    assert "machine 3: A, Haswell kernels, 2 cores" in out
    assert "machine 4" not in out
    assert "MISSED on 3\n" in out
    (panel,) = drawn
    assert [[*line] for line in panel.lines.values()] == [[0], [1, 3], [2]]


def test_a_target_is_met_only_where_it_is_met_on_each_machine(two_targets):
    def verdicts(*runs):
        lines = history_table(past_runs({"runs": runs}))
        assert lines[0].startswith("machine 1: A, 2 cores, 2 threads; version 0.1.0 (3981fe1), ")
        return [line.split("   ")[-1] for line in lines[-2:]], lines[-2:]

    good, bad = (
        run_on("A", fast=[1.4, 2.0, 3.0], slow=[10, 20, 60]),
        run_on("B", fast=[1.3, 1.6, 3.0], slow=[9, 40, 61]),
    )
    assert verdicts(good)[0] == ["met", "met"]
    got, (fast, slow) = verdicts(good, bad)
    assert got == ["MISSED on 2", "MISSED on 2"]
    assert "2.00        1.60    1.25x" in fast
    assert "20.0 ms     40.0 ms    2.00x" in slow
    assert verdicts(good, bad, good | {"processor": "B"})[0] == ["met", "met"]
    got, (fast, _) = verdicts(good, run_on("B", slow=[1, 2, 3]))
    assert got == ["not measured on 2", "met"]
    assert "2.00           -  " in fast


def test_all_adds_its_run_to_the_history_and_shows_every_machine(tmp_path, monkeypatch, capsys, two_targets):
    monkeypatch.chdir(tmp_path)
    Path("h.json").write_text(json.dumps({"runs": [run_on("another machine", fast=[1.0, 2.0, 3.0])]}))
    assert main(["benchmark", "--all", *QUICK, "--history", "h.json", "--picture", "h.png"]) == 0
    first, second = json.loads(Path("h.json").read_text())["runs"]
    assert first == run_on("another machine", fast=[1.0, 2.0, 3.0])
    assert second["processor"] == report.machine(1)["processor"]
    assert [target["name"] for target in second["targets"]] == [FAST, SLOW]
    out = capsys.readouterr().out
    assert "machine 1: another machine" in out
    assert f"machine 2: {second['processor']}" in out
    assert out.rstrip().endswith("Picture: h.png")
    assert main(["benchmark", "--all", *QUICK, "--history", "new.json"]) == 0
    assert len(read_history("new.json")["runs"]) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"h.json", "h.png", "new.json"}


def test_a_history_is_shown_and_drawn_without_a_race(tmp_path, monkeypatch, capsys, two_targets):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("micrograd_tiers.lab.race.Race.__init__", lambda *args: pytest.fail("a race began"))
    content = json.dumps({"runs": [run_on("A", fast=[1, 2, 3]), run_on("B", fast=[1, 2, 3], slow=[1, 2, 3])]})
    Path("h.json").write_text(content)
    assert main(["benchmark", "--history", "h.json", "--picture", "h.png"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Picture: h.png"
    with Image.open("h.png") as image:
        assert image.width > 600
    assert Path("h.json").read_text() == content


BROKEN = {
    "empty": "",
    "cut off": '{"runs": [{"date": "2026-',
    "a list": "[]",
    "another file": '{"command": "benchmark", "rows": []}',
    "runs of another kind": '{"runs": {"a": 1}}',
    "no processor": json.dumps({"runs": [{**run_on("A"), "processor": None}]}),
    "a number for the kernels": json.dumps({"runs": [run_on("A", kernels=8)]}),
    "no commit": json.dumps({"runs": [{key: value for key, value in run_on("A").items() if key != "commit"}]}),
    "two quartiles": json.dumps({"runs": [run_on("A", fast=[1, 2])]}),
    "quartiles in disorder": json.dumps({"runs": [run_on("A", fast=[2, 1, 3])]}),
    "NaN": json.dumps({"runs": [run_on("A", fast=[1, float("nan"), 3])]}),
    "infinite": json.dumps({"runs": [run_on("A", fast=[1, 2, float("inf")])]}),
    "a word for a number": json.dumps({"runs": [run_on("A", fast=[1, "two", 3])]}),
    "a name for a target": json.dumps({"runs": [{**run_on("A"), "targets": ["fast"]}]}),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("options", [[], ["--all", *QUICK]], ids=["alone", "with --all"])
def test_a_damaged_history_is_refused_before_the_work_begins(content, options, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("micrograd_tiers.lab.race.Race.__init__", lambda *args: pytest.fail("a race began"))
    path = tmp_path / "h.json"
    path.write_text(content)
    assert main(["benchmark", *options, "--history", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"micrograd-tiers: {path} is not a history of benchmark --all (")
    assert err.endswith("restore it from version control, or name a file that does not exist\n")
    assert path.read_text() == content


def test_bytes_that_are_no_text_are_refused(tmp_path):
    (tmp_path / "h.json").write_bytes(b"\xff\xfe{}")
    with pytest.raises(DataError, match="is not a history"):
        read_history(tmp_path / "h.json")


def test_a_history_without_runs_says_how_to_get_one(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["benchmark", "--history", "h.json"]) == 1
    assert "there is no file h.json: benchmark --all --history h.json makes it" in capsys.readouterr().err
    Path("h.json").write_text('{"runs": []}')
    assert main(["benchmark", "--history", "h.json"]) == 1
    assert "h.json holds no run: benchmark --all --history h.json adds one" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [["--net", "gpt"], ["--batch-size", "1"], ["--dtype", "float32"], ["--only", "tensor"], ["--growth"],
     ["--compare", "a.json"], ["--json", "a.json"]],
    ids=" ".join,
)  # fmt: skip
def test_options_of_a_race_are_refused_without_one(options, capsys):
    assert main(["benchmark", "--history", str(ROOT / "benchmarks" / "history.json"), *options]) == 2
    message = f"--history without --all times nothing: leave out {options[0]}, or add --all"
    assert message in capsys.readouterr().err


def test_a_run_is_added_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "h.json"
    path.write_text(json.dumps({"runs": [run_on("A")]}))
    before = path.read_bytes()

    def full(file):
        raise OSError("no space left on device")

    monkeypatch.setattr("micrograd_tiers.files.os.fsync", full)
    with pytest.raises(OSError, match="no space left"):
        benchmark_history.add(str(path), run_on("B"))
    assert path.read_bytes() == before
    assert [*tmp_path.iterdir()] == [path]


def test_the_repository_has_a_history_of_targets_that_exist():
    runs = past_runs(read_history(ROOT / "benchmarks" / "history.json"))
    assert runs
    for run in runs:
        assert run.quartiles.keys() <= bars().keys()
