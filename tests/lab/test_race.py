"""The race: gradients are proved equal before timing, contenders take turns, and the report says what was measured."""

import argparse
import json
import os
import platform
import statistics
from itertools import product, starmap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import micrograd_tiers as mt
from micrograd_tiers import nn
from micrograd_tiers.cli import benchmark as command
from micrograd_tiers.cli import main
from micrograd_tiers.errors import ContenderError
from micrograd_tiers.lab.race import CONTENDERS, Case, GPTCase, Race, Row, race, report, sources, targets, worker
from micrograd_tiers.lab.race.cases import LENET, case_of
from micrograd_tiers.lab.race.contenders import MOONS, check_contenders
from micrograd_tiers.lab.race.growth import SERIES, GrowthCurve
from micrograd_tiers.lab.race.process import Process, environment
from micrograd_tiers.lab.race.proof import TOLERANCE, equal_arrays, gradients
from micrograd_tiers.lab.race.race import quartiles
from micrograd_tiers.lab.race.report import growth_table, missing_line, race_table, target_table, time_of
from micrograd_tiers.lab.race.targets import TARGETS, Bar, Target, TargetResult, _result, bars
from micrograd_tiers.pools import MKL, OPENBLAS, Pool, numpys, pools
from micrograd_tiers.summary import size_of
from micrograd_tiers.threads import pinned

ROOT = Path(__file__).parents[2]
TINY = Case((2, 3, 2), 1)
DTYPES = ["float64", "float32"]
QUICK = ["--rounds", "2", "--seconds", "0.001", "--threads", "1"]


def contenders_and_cases():
    """Yield every contender with every case that it takes; one that is not installed appears once and is skipped."""
    for name, contender in CONTENDERS.items():
        sizes = [contender.only] if contender.only else [(5, 4, 3), LENET]
        cases = [*starmap(Case, product(sizes, [1, 3], DTYPES)), *(GPTCase(3, dtype) for dtype in DTYPES)]
        if not contender.installed:
            yield pytest.param(
                name, None, id=name, marks=pytest.mark.skip(reason=f"{contender.needs} is not installed")
            )
        elif contender.held_to:
            yield from (pytest.param(name, case, id=f"{name}: {case}") for case in cases if contender.takes(case))


@pytest.mark.parametrize(("name", "case"), [*contenders_and_cases()])
def test_every_contender_computes_the_same_gradients(name, case):
    _, expected, loss = gradients(CONTENDERS[name].held_to, case_of(case.name, case.batch_size))
    _, got, its_loss = gradients(name, case)
    equal_arrays(got, expected, TOLERANCE[case.dtype])
    assert its_loss == pytest.approx(loss, rel=TOLERANCE[case.dtype])


def of_any_depth():
    """Return the installed contenders, except the tensor tier, that take any number of layers."""
    names = [name for name, contender in CONTENDERS.items() if contender.layers == 0 and contender.installed]
    return [name for name in names if name != "tensor"]


@pytest.mark.parametrize("name", of_any_depth())
def test_contenders_for_any_depth_take_any_depth(name):
    case = Case((4, 3, 5, 2), 2)
    if CONTENDERS[name].only or CONTENDERS[name].classifier is None:
        assert not CONTENDERS[name].takes(case)
        return
    equal_arrays(gradients(name, case)[1], gradients("tensor", case)[1], 1e-12)


ON_MOONS = [name for name in CONTENDERS if CONTENDERS[name].only == MOONS and CONTENDERS[name].installed]


@pytest.mark.parametrize("name", ON_MOONS)
def test_engines_agree_on_the_moons(name):
    (_, got, loss), (_, expected, its_loss) = (gradients(n, Case(MOONS, 20)) for n in (name, "Value on moons"))
    equal_arrays(got, expected, 1e-12)
    assert loss == pytest.approx(its_loss)
    assert nn.Value is mt.Value  # each contender has modules of its own


def test_the_class_with_slots_is_a_contender_on_the_moons_and_in_the_small_nets():
    assert "class with slots on moons" in ON_MOONS
    assert CONTENDERS["class with slots"].takes(TINY)
    case = Case((4, 3, 2), 5)
    equal_arrays(gradients("class with slots", case)[1], gradients("tensor", case)[1], 1e-12)


def test_a_contender_with_different_gradients_is_refused(monkeypatch):
    def wrong(name, case):
        start, expected, loss = gradients(name, case)
        return start, [array * (1 + 1e-9) for array in expected], loss

    monkeypatch.setattr(race, "gradients", wrong)
    message = r"2-3-2, batch 1, float64: scalar does not compute the same as tensor: relative error is 1.0e-09"
    with pytest.raises(ContenderError, match=message):
        Race().run(TINY, ["scalar"])


def test_nan_is_not_equal():
    with pytest.raises(ArithmeticError):
        equal_arrays([np.array([np.nan, 1.0])], [np.array([1.0, 1.0])], 1e-3)


def test_where_the_gradient_is_zero_the_error_is_absolute():
    """The softmax of a single output is 1, whatever the weights."""
    zeros = np.zeros(3)
    assert equal_arrays([zeros], [zeros], 1e-12) == 0
    with pytest.raises(ArithmeticError):
        equal_arrays([zeros + 1e-9], [zeros], 1e-12)
    (row,) = Race(rounds=1, seconds=0.002).run(Case((2, 3, 1), 4), ["scalar"])
    assert row.off == 0


def test_contenders_take_turns_and_ratios_are_computed_within_a_round():
    rows = Race(rounds=3, seconds=0.002).run(TINY, ["scalar", "matrix products", "tensor"], base="scalar")
    assert [row.contender for row in rows] == ["scalar", "matrix products", "tensor"]
    base, products, tensor = rows
    assert base.ratios == [1.0] * 3
    assert tensor.ratios == [b / t for b, t in zip(base.seconds, tensor.seconds, strict=True)]
    assert products.off is None
    assert tensor.off is not None
    assert tensor.off <= 1e-12
    assert tensor.samples_per_second == pytest.approx(1 / statistics.median(tensor.seconds))


def test_a_contender_that_fails_says_why():
    case = Case((2, 2), 1, "float16")
    with (
        Process("scalar", case, 1) as process,
        pytest.raises(ContenderError, match="scalar: ValueError: dtype is float1"),
    ):
        process.ask("time", seconds=0.01)


def test_a_failing_contender_ends_the_command_with_one_line(capsys, monkeypatch):
    def wrong(name, case):
        start, expected, loss = gradients(name, case)
        return start, expected, loss + 1

    monkeypatch.setattr(race, "gradients", wrong)
    assert main(["benchmark", "--net", "2-3-2", "--only", "tensor", *QUICK]) == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("micrograd-tiers: 2-3-2, batch 64, float64: tensor does")


def test_a_process_that_ends_is_noticed():
    with Process("tensor", TINY, 1) as process:
        process.ask("time", seconds=0.01)
        process.process.kill()
        process.process.wait()
        with pytest.raises(ContenderError, match="tensor: ended with code -9"):
            process.ask("time", seconds=0.01)


@pytest.fixture
def started(monkeypatch):
    """Processes that races start, in order."""
    found = []

    class Recorded(Process):
        def __init__(self, name, case, threads):
            super().__init__(name, case, threads)
            found.append(self)

    monkeypatch.setattr(race, "Process", Recorded)
    return found


def test_every_case_has_new_processes_that_end_with_it(started):
    runner = Race(rounds=1, seconds=0.001)
    runner.run(TINY, ["scalar", "tensor"])
    assert [process.name for process in started] == ["tensor", "scalar"]
    runner.run(TINY, ["scalar", "tensor"])
    assert [process.name for process in started] == ["tensor", "scalar"] * 2
    runner.memory(TINY, ["scalar", "vector"])
    assert [process.name for process in started[4:]] == ["scalar", "vector"]
    runner.thread_warning(TINY, ["scalar"])
    assert len(started) == len({process.process.pid for process in started}) == 7
    assert all(process.process.returncode is not None for process in started)


def test_no_process_still_starts_while_another_is_timed(monkeypatch):
    asked, ask = [], Process.ask
    monkeypatch.setattr(
        Process, "ask", lambda process, do, **words: asked.append((process.name, do)) or ask(process, do, **words)
    )
    names = ["tensor", "scalar", "matrix products"]
    Race(rounds=1, seconds=0.001).run(TINY, names)
    assert {name for name, _ in asked[: asked.index(("tensor", "time"))]} == {*names}
    assert [name for name, do in asked if do == "time"] == names


def test_processes_end_with_a_case_that_fails(started, monkeypatch):
    monkeypatch.setattr(race, "gradients", lambda name, case: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Race().run(TINY, ["scalar", "tensor"])
    assert len(started) == 2
    assert all(process.process.returncode is not None for process in started)


@pytest.mark.skipif(not os.path.exists("/proc/self/environ"), reason="needs /proc")
def test_threads_are_pinned():
    assert pinned(3)["OPENBLAS_NUM_THREADS"] == "3"
    assert "XLA_FLAGS" in environment(1)
    with Process("tensor", TINY, 1) as process:
        process.ask("time", seconds=0.001)
        seen = Path(f"/proc/{process.process.pid}/environ").read_bytes()
    assert b"OMP_NUM_THREADS=1\0" in seen


def test_threads_other_than_those_asked_for_are_reported(started, monkeypatch):
    assert (
        Race().thread_warning(TINY, ["PyTorch eager", "Value on moons"]) is None
    )  # it brings threads of its own; not this net
    assert not started
    asked = []
    monkeypatch.setattr(
        Process, "ask", lambda process, do, **words: asked.append((process.name, do, words)) or {"warning": "two"}
    )
    assert Race(threads=3).thread_warning(TINY, ["PyTorch eager", "scalar", "tensor"]) == "two"
    assert asked == [("scalar", "threads", {"asked": 3})]


def test_a_worker_says_whether_it_has_the_threads_that_were_asked_for(monkeypatch):
    monkeypatch.setattr(worker, "pools", lambda: [Pool("/usr/lib/libopenblas.so", OPENBLAS, 2)])
    of_tensor = worker.Worker("tensor", TINY)
    assert of_tensor.threads(2) == {"warning": None}
    assert "uses 2 of 3 threads" in of_tensor.threads(3)["warning"]


def test_the_command_prints_the_warning_on_standard_error(monkeypatch, capsys):
    monkeypatch.setattr(Race, "thread_warning", lambda runner, case, names: f"Warning: {runner.threads} of {[*names]}")
    assert main(["benchmark", "--net", "2-3-2", "--only", "scalar", *QUICK]) == 0
    out, err = capsys.readouterr()
    assert "Warning: 1 of ['scalar']\n" in err
    assert "Warning: 1 of" not in out


@pytest.mark.parametrize(
    ("options", "warned"),
    [("--only tensor scalar", True), ("--only tensor vector", False), ("--only scalar Value", False),
     ("--growth --only tensor", True)],
)  # fmt: skip
def test_one_line_warns_of_kernels_that_hold_back_some_contenders(options, warned, monkeypatch, capsys):
    monkeypatch.setattr(command, "pools", lambda: [Pool("/usr/lib/libopenblas.so", OPENBLAS, 1)])
    monkeypatch.setattr("micrograd_tiers.lab.race.growth.SERIES", {})
    monkeypatch.setattr(Race, "run", lambda *case: [])
    monkeypatch.setattr(Race, "memory", lambda *case: {})
    monkeypatch.setattr(report, "growth_table", lambda curves: [])
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert main(["benchmark", *options.split(), *QUICK]) == 0
    out, err = capsys.readouterr()
    assert "OPENBLAS_CORETYPE" not in out
    assert err.count("unset OPENBLAS_CORETYPE\n") == warned
    monkeypatch.delenv("OPENBLAS_CORETYPE")
    assert main(["benchmark", *options.split(), *QUICK]) == 0
    assert "OPENBLAS_CORETYPE" not in capsys.readouterr().err


NUMPYS = numpys(pools())
IN_PYTHON = [name for name, contender in CONTENDERS.items() if contender.held_to and not contender.needs]


@pytest.mark.skipif(NUMPYS is None or NUMPYS.kind != OPENBLAS, reason="NumPy has no OpenBLAS")
@pytest.mark.skipif(platform.machine().lower() not in ("x86_64", "amd64"), reason="needs another kind of processor")
@pytest.mark.parametrize("name", [name for name in IN_PYTHON if CONTENDERS[name].takes(Case((784, 5, 3), 1))])
def test_the_contenders_of_numpys_blas_are_those_whose_bits_depend_on_its_kernels(name, monkeypatch, tmp_path):
    weights = []
    for kernels in (None, "Prescott"):  # None for those that this process uses
        if kernels:
            monkeypatch.setenv("OPENBLAS_CORETYPE", kernels)
        with Process(name, Case((784, 5, 3), 1), 1) as process:
            process.ask("prove", path=str(tmp_path / "weights.npz"))
        with np.load(tmp_path / "weights.npz") as arrays:
            weights.append(b"".join(array.tobytes() for array in arrays.values()))
    assert (weights[0] != weights[1]) == CONTENDERS[name].blas


def test_the_line_of_the_machine_names_the_blas_of_numpy_if_it_is_known(monkeypatch):
    found = [Pool("/usr/lib/libopenblas.so", OPENBLAS, 2, "0.3.31", "Haswell")]
    monkeypatch.setattr(report, "pools", lambda: found)
    about = report.machine(1)
    assert (about["blas"], about["kernels"]) == ("OpenBLAS 0.3.31", "Haswell")
    assert ", 1 thread per contender, OpenBLAS 0.3.31 (Haswell kernels), Python 3" in report.machine_line(about)
    for other in ([], [Pool("/usr/lib/libmkl_rt.so", MKL, 2)], [Pool("/usr/lib/libopenblas.so", OPENBLAS, 2)]):
        found[:] = other
        about = report.machine(1)
        assert (about["blas"], about["kernels"]) == (None, None)
        assert "1 thread per contender, Python 3" in report.machine_line(about)


def test_the_operations_of_a_step_are_counted_right():
    case = Case((784, 300, 10), 64)
    assert case.flops == 2 * 64 * (2 * 784 * 300 + 3 * 300 * 10)
    convolutions, dense = (6 * 25 * 28**2, 16 * 6 * 25 * 10**2), (400 * 120, 120 * 84, 84 * 10)
    assert Case(LENET, 64).flops == 2 * 64 * (3 * sum((*convolutions, *dense)) - convolutions[0])


def test_the_operations_of_a_gpt_are_those_of_its_documents():
    case = GPTCase(2)
    dense = 16 * 48 + 16 * 16 + 2 * 16 * 64 + 16 * 27
    lengths = [len(name) + 1 for name in case.names()]
    attention = [2 * 16 * T * (T + 1) // 2 for T in lengths]  # scores and means, C products for each pair of positions
    assert case.flops == 2 * 3 * (sum(lengths) * dense + sum(attention))


def test_the_documents_of_a_gpt_are_the_rows_of_its_mini_batch():
    case = GPTCase(8)
    for document, x, y in zip(case.documents(), *case.batch(), strict=True):
        assert document[:-1] == x[x >= 0].tolist()
        assert document[1:] == y[y >= 0].tolist()


@pytest.mark.parametrize("case", [Case((7, 4, 3), 5), Case(LENET, 1, "float32"), GPTCase(32)], ids=str)
def test_a_case_can_be_made_from_its_name(case):
    assert case_of(case.name, case.batch_size, case.dtype) == case


def test_memory_is_measured_for_the_tiers():
    case = Case((784, 30, 10), 64)
    measured = Race().memory(case, ["tensor", "Value"])
    needed = case.summary.training_bytes
    assert [*measured] == ["tensor"]
    gradients = case.summary.parameter_bytes  # BLAS may add them to the weights without storing them
    assert needed - gradients <= measured["tensor"]["training"] <= 1.3 * needed + 5_000
    assert measured["tensor"]["prediction"] < measured["tensor"]["training"]


def row(contender, seconds, ratios=(), case=TINY, off=0.0):
    return Row(case, contender, "tensor", 2, [*seconds], [*ratios], off)


def test_the_table_says_what_was_measured():
    rows = [row("tensor", [2e-3, 1e-3, 4e-3], [1, 1, 1]), row("scalar", [4e-3] * 3, [0.5, 0.25, 1.0], off=3e-16)]
    title, head, first, second = race_table([*rows, row("matrix products", [1e-3] * 3, off=None)][:2])
    assert title == "2-3-2, batch 1, float64"
    assert "speed vs. tensor" in head
    assert first.split()[:3] == ["tensor", "2", "ms"]
    assert "1.5 ms to 3 ms" in first
    assert "0.50 (0.38 to 0.75)" in second
    assert second.endswith("3e-16")


def test_the_table_shows_rates_below_one():
    assert race_table([row("Value", [2.5], [1])])[2].split()[8] == "0.4"


def test_the_table_shows_the_share_of_the_limit():
    lines = race_table([row("tensor", [4e-3], [1]), row("matrix products", [1e-3], [4], off=None)])
    assert "100%" in lines[2]
    assert lines[2].endswith("(no gradients)")
    assert "25%" in lines[3]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(2.5, "2.5 s"), (0.0123, "12.3 ms"), (4.56e-5, "45.6 µs"), (3e-8, "30 ns"), (1234.0, "1,234 s")],
)
def test_times_have_a_suitable_unit(seconds, text):
    assert time_of(seconds) == text


@pytest.mark.parametrize(("n", "text"), [(12, "12 B"), (3400, "3.4 KB"), (1_908_080, "1.91 MB"), (2.5e9, "2.5 GB")])
def test_sizes_have_a_suitable_unit(n, text):
    assert size_of(n) == text


def test_quartiles():
    assert quartiles([3.0]) == (3.0, 3.0)
    assert quartiles([1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 4.0)


def test_slopes_and_the_largest_sensible_size():
    curve = GrowthCurve("hidden units", "scalar", [10, 100, 1000, 10000], [1e-4, 1e-3, 1e-2, 1e-1])
    assert curve.slope == pytest.approx(1)
    assert curve.sensible == 1000  # 60,000 samples in ten minutes are 10 ms each
    flat = GrowthCurve("hidden units", "tensor", [10, 100, 1000], [1e-6] * 3)
    none = GrowthCurve("hidden units", "vector", [10, 100, 1000], [1.0] * 3)
    table = "\n".join(growth_table([curve, flat, none]))
    assert "1.00  1,000\n" in table
    assert "0.00  1,000 and beyond\n" in table
    assert "none of these" in table


def test_the_series_cover_the_required_sizes():
    hidden, batch, depth = ([size for size, _ in points] for points in SERIES.values())
    assert (hidden[0], hidden[-1]) == (10, 3000)
    assert (batch[0], batch[-1]) == (1, 4096)
    assert len(depth) >= 4
    for points in SERIES.values():
        for size, case in points:
            assert size in (case.sizes[1], case.batch_size, len(case.sizes) - 2)


def test_targets_name_contenders_that_take_their_case():
    for target in TARGETS:
        for name in (target.contender, target.base):
            assert CONTENDERS[name].takes(target.case)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", ["2-3-2, batch 64, float64", "784-30-10, batch 64, float64", "784-300-10, batch 64, float64"]),
        ("--net gpt --all --dtype float64", ["GPT, batch 1, float64", "GPT, batch 32, float64"]),
        ("--net gpt 2-3-2 --batch-size 2", ["GPT, batch 2, float64", "2-3-2, batch 2, float64"]),
    ],
)
def test_the_cases_are_those_of_the_options(words, expected):
    assert [*map(str, cases_of(words))] == expected


def test_all_races_a_gpt_and_measures_the_memory_of_the_last_case():
    names = [*map(str, cases_of("--all"))]
    assert len(names) == 22
    assert names[:4] == [f"GPT, batch {n}, {dtype}" for n in (1, 32) for dtype in ("float64", "float32")]
    assert names[-1] == "784-300-10, batch 512, float32"
    of_gpt = [target for target in TARGETS if isinstance(target.case, GPTCase)]
    assert {(t.contender, t.base, t.case.batch_size) for t in of_gpt} == {
        ("tensor", "PyTorch eager", 1), ("tensor", "PyTorch eager", 32), ("vector", "scalar", 1)
    }  # fmt: skip


def cases_of(words):
    """Return the cases that the command races with these options."""
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    return command._cases(parser.parse_args(words.split()))


def test_targets_have_different_names():
    assert len(bars()) == len(TARGETS) + len(targets.START)


def test_a_target_is_met_only_if_its_worse_quartile_keeps_the_bar():
    rows = {"tensor": row("tensor", [1.0] * 3, [1.1, 1.3, 1.5]), "scalar": row("scalar", [1.2] * 3, [1, 1, 1])}
    faster = [_result(Target(TINY, "tensor", "scalar", least), rows) for least in (1.2, 1.21)]  # quartiles 1.2 and 1.4
    slower = [_result(Target(TINY, "tensor", "scalar", 1 / most, as_time=True), rows) for most in (0.84, 0.83)]
    assert [result.met for result in [*faster, *slower]] == [True, False, True, False]
    assert (str(faster[0].bar), faster[0].median, faster[0].spread) == (
        "at least 1.2x the speed",
        "1.30",
        "1.20 to 1.40",
    )
    assert (str(slower[0].bar), slower[0].median, slower[0].spread) == (
        "at most 0.84x the time",
        "0.77",
        "0.72 to 0.84",
    )


def test_the_table_of_targets_marks_those_that_are_missed():
    bar = Bar(150, "ms")
    results = [
        TargetResult("help", bar, (80.0, 90.0, 95.0)),
        TargetResult("import", bar, (80.0, 90.0, 151.0)),
        TargetResult("race", Bar(0.75, "x the speed"), None, "JAX jit"),
    ]
    _, met, missed, absent = target_table(results)
    assert met.split() == ["help", "at", "most", "150", "ms", "90.0", "ms", "80.0", "to", "95.0"]
    assert missed.endswith("MISSED")
    assert absent.endswith("at least 0.75x the speed  (JAX jit is not installed)")
    assert results[2].met is None
    assert results[1].as_json() == {
        "name": "import", "wanted": "at most 150 ms", "quartiles": [80.0, 90.0, 151.0], "met": False
    }  # fmt: skip


def test_the_columns_of_the_table_are_aligned_below_long_names():
    _, head, *lines = race_table([row("a contender with a long name", [2.5], [1]), row("Value", [2.5], [1])])
    assert {line.index("2.5 s") + len("2.5 s") for line in lines} == {head.index("step time") + len("step time")}


def test_contenders_that_are_not_installed_are_listed(monkeypatch):
    assert missing_line(["tensor"]) is None
    monkeypatch.setattr(sources, "find_spec", lambda name: None)
    assert missing_line(["tensor", "JAX jit", "PyTorch eager"]) == "Left out, not installed: jax, torch"


def test_the_class_of_the_example_needs_the_repository(monkeypatch, tmp_path):
    slots = CONTENDERS["class with slots"]
    assert slots.installed == (ROOT / "examples").is_dir()
    monkeypatch.setattr(sources, "EXAMPLES", tmp_path)
    assert not slots.installed
    message = "Left out, not installed: gpt_of_values (an example in the repository)"
    assert missing_line(["class with slots"]) == message


def test_the_command_writes_table_picture_and_json_and_compares(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    race_of = ["benchmark", "--net", "2-3-2", "4-3-3-2", "--batch-size", "1", "--only", "tensor", "scalar", *QUICK]
    assert main([*race_of, "--json", "old.json", "--picture", "race.png"]) == 0
    out = capsys.readouterr().out
    for words in ("1 thread per contender", "2-3-2, batch 1, float64", "4-3-3-2, batch 1, float64", "Memory, 4-3-3-2"):
        assert words in out
    content = json.loads((tmp_path / "old.json").read_text())
    assert [entry["contender"] for entry in content["rows"]] == ["tensor", "scalar"] * 2
    assert content["machine"]["threads"] == 1
    assert content["machine"]["kernels"] == report.machine(1)["kernels"]
    assert len(content["rows"][0]["seconds"]) == 2
    with Image.open("race.png") as image:
        assert image.width > 600

    for entry in content["rows"][:2]:
        entry["sizes"] = [*map(int, entry.pop("net").split("-"))]  # as earlier versions wrote it
    (tmp_path / "old.json").write_text(json.dumps(content))
    assert main([*race_of, "--compare", "old.json"]) == 0
    out = capsys.readouterr().out
    assert "before" in out
    assert out.count("x  ") >= 4
    assert {path.name for path in tmp_path.iterdir()} == {"old.json", "race.png"}


def test_the_command_races_a_gpt(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    race_of = ["benchmark", "--net", "gpt", "--batch-size", "1", "2", "--only", "tensor", "vector", "naive NumPy"]
    assert main([*race_of, *QUICK, "--json", "gpt.json", "--picture", "gpt.png"]) == 0
    out = capsys.readouterr().out
    for words in ("GPT, batch 1, float64", "GPT, batch 2, float64", "documents/s", "Memory, GPT, batch 2"):
        assert words in out
    assert "% of limit" not in out
    rows = json.loads((tmp_path / "gpt.json").read_text())["rows"]
    assert [(row["net"], row["contender"]) for row in rows] == [("GPT", "tensor"), ("GPT", "vector")] * 2
    assert main([*race_of, *QUICK, "--compare", "gpt.json"]) == 0
    assert "vector, GPT, batch 2, float64" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--only", "tensorflow"], "unknown contender 'tensorflow': expected one of scalar, vector"),
        (["--base", "numpy"], "unknown contender 'numpy'"),
        (["--net", "784x300"], "--net: net is '784x300', expected numbers of units such as 784-300-10"),
        (["--net", "gpt2"], "such as 784-300-10, or gpt, or lenet"),
        (["--net", "784-0-10"], "--net: net is '784-0-10'"),
        (["--batch-size", "0"], "--batch-size: the value is 0, expected a whole number from 1"),
        (["--dtype", "float16"], "--dtype: unknown dtype 'float16': expected one of float64, float32"),
        (["--rounds", "0"], "--rounds: the value is 0, expected a whole number from 1"),
        (["--threads", "0"], "--threads: the value is 0, expected a whole number from 1"),
        (["--seconds", "nan"], "--seconds: the value is nan, expected a number above 0"),
    ],
)
def test_bad_options_are_named(options, message, capsys):
    assert main(["benchmark", *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"command": "compare", "rows": []}', '{"rows": [1]}'])
def test_a_file_that_is_not_an_earlier_benchmark_is_refused(content, tmp_path, capsys):
    (tmp_path / "old.json").write_text(content)
    assert main(["benchmark", "--compare", str(tmp_path / "old.json")]) == 1
    assert "is not a file that benchmark --json has written" in capsys.readouterr().err


def test_one_line_warns_of_a_busy_machine(monkeypatch):
    monkeypatch.setattr(command.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(command, "LOOP", "print(0.97)")
    assert command._busy() is None
    monkeypatch.setattr(command, "LOOP", "print(0.6)")
    warning = "Warning: the machine is busy (a loop on each core got 60%, 60% of its time): times and ratios may be off"
    assert command._busy() == warning


def test_check_contenders_accepts_all_of_them():
    check_contenders([*CONTENDERS])


def test_growth_prints_the_table_and_draws_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = {"hidden units": [(size, Case((4, size, 2), 8)) for size in (2, 4, 8)]}
    monkeypatch.setattr("micrograd_tiers.lab.race.growth.SERIES", small)
    assert main(["benchmark", "--growth", *QUICK, "--picture", "growth.png", "--json", "growth.json"]) == 0
    out = capsys.readouterr().out
    assert "Time per sample against hidden units" in out
    assert [line.split()[0] for line in out.splitlines() if "µs" in line or " ms" in line] == [
        "scalar",
        "vector",
        "tensor",
    ]
    curves = json.loads((tmp_path / "growth.json").read_text())["growth"]
    assert [curve["tier"] for curve in curves] == ["scalar", "vector", "tensor"]
    assert all(curve["sizes"] == [2, 4, 8] for curve in curves)
    with Image.open("growth.png") as image:
        assert image.width > 500


def test_the_start_is_timed_in_separate_processes(monkeypatch):
    seconds = {"import numpy": 0.1, "import numpy, micrograd_tiers as mt; mt.Network, mt.fit, mt.SGD": 0.15}
    monkeypatch.setattr(targets, "_process_time", lambda arguments: seconds.get(arguments[1], 20.0))
    importing, helping, comparing = targets.check_start(rounds=3)
    assert (importing.median, importing.met) == ("50.0 ms", True)
    assert (helping.median, helping.met) == ("20000.0 ms", False)
    assert (comparing.median, str(comparing.bar), comparing.met) == ("20.0 s", "at most 45 s", True)


def test_each_target_is_raced_with_its_own_number_of_threads(monkeypatch):
    monkeypatch.setattr(
        targets, "TARGETS", (Target(TINY, "tensor", "scalar", 0.001), Target(TINY, "tensor", "scalar", 1e3, 1))
    )
    (kept, missed), rows = targets.check_targets(Race(2, 1, 0.001))
    assert (kept.met, missed.met) == (True, False)
    assert [row.threads for row in rows] == [2, 2, 1, 1]
    assert missed.name == "tensor against scalar: 2-3-2, batch 1, float64, 1 thread"
