"""The smallest convolutional net that does what a dense one does; one convolution against two."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...recipe import Recipe
from .study import Study, StudyReport, on_glyphs, percent, table
from .tasks import Result, Task, Training

BASE = Recipe(
    data="mnist", init="kaiming", dtype="float32", optimizer="adam", learning_rate=0.003, schedule="cosine", epochs=6
)
DENSE = "linear:100 relu"
ONE = {f"one convolution, {c} channels": f"conv:{c},5,2 relu max:2" for c in (2, 4, 8, 16)}
TWO = {
    f"two convolutions, {c} and {2 * c} channels": f"conv:{c},5 relu max:2 conv:{2 * c},3 relu max:2" for c in (2, 4, 8)
}
NETS = {"dense, 100 units": DENSE, **ONE, **TWO}


def tasks(quick: bool) -> list[Task]:
    """Return the dense net and the convolutional ones."""
    recipes = [replace(BASE, layers=words) for words in NETS.values()]
    if quick:
        recipes = [on_glyphs(recipe, n_train=1000, n_test=500, batch_size=10, epochs=4) for recipe in recipes]
    return [*map(Training, recipes)]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Return accuracy against size."""
    by_name = dict(zip(NETS, results, strict=True))
    rows = [
        {
            "net": name,
            "in words": NETS[name],
            "parameters": result["n_parameters"],
            "test accuracy": percent(result["test_accuracy"]),
            "seconds an epoch": result["seconds"] / result["epochs_run"],
        }
        for name, result in by_name.items()
    ]
    dense = by_name["dense, 100 units"]
    matching = [name for name in (*ONE, *TWO) if by_name[name]["test_accuracy"] >= dense["test_accuracy"]]
    smallest = min(matching, key=lambda name: by_name[name]["n_parameters"], default=None)
    best_one, best_two = (max(by_name[name]["test_accuracy"] for name in names) for names in (ONE, TWO))
    if smallest is None:
        verdict = "None of these convolutional nets matches the dense one yet."
    else:
        n = by_name[smallest]["n_parameters"]
        verdict = (
            f"The smallest that matches the dense net is the one with {smallest}: {n:,} parameters instead of "
            f"{dense['n_parameters']:,}, {dense['n_parameters'] / n:.0f} times fewer."
        )
    answer = (
        f"{table(rows)}\n\n{verdict} The best net with two convolutions reaches {percent(best_two)}, with one "
        f"{percent(best_one)}. Kernels are shared by all places of the image, so a convolution needs few numbers; "
        "the second one sees corners and bows that the first has found, and leaves fewer numbers to the dense layer, "
        "which holds most of the parameters. Each of these few numbers is used at every place: per parameter, "
        "convolution takes longer."
    )
    findings = {
        "dense": {"n_parameters": dense["n_parameters"], "test_accuracy": dense["test_accuracy"]},
        "smallest": smallest,
        "nets": {name: [r["n_parameters"], r["test_accuracy"]] for name, r in by_name.items()},
    }

    def draw(path: Path) -> None:
        from ... import plots

        lines = {
            what: ([by_name[n]["n_parameters"] for n in names], [1 - by_name[n]["test_accuracy"] for n in names])
            for what, names in (("dense", ["dense, 100 units"]), ("one convolution", ONE), ("two convolutions", TWO))
        }
        plots.panels(path, [plots.Panel("Errors against size", "parameters", "share of errors", lines, "xy")])

    return StudyReport(answer, findings, {"errors": draw})


STUDY = Study(
    "cnn-search",
    "The smallest convolutional net that matches a dense one",
    "How small can a convolutional net be that does as well as 100 hidden units, and are two convolutions better "
    "than one?",
    tasks,
    report,
)
