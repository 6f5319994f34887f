"""The smallest convolutional net that is as accurate as a dense one; one convolution against two."""

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
    """Report accuracy against the number of parameters."""
    by_name = dict(zip(NETS, results, strict=True))
    rows = [
        {
            "net": name,
            "hidden layers": NETS[name],
            "parameters": result["n_parameters"],
            "test accuracy": percent(result["test_accuracy"]),
            "seconds per epoch": result["seconds"] / result["epochs_run"],
        }
        for name, result in by_name.items()
    ]
    dense = by_name["dense, 100 units"]
    matching = [name for name in (*ONE, *TWO) if by_name[name]["test_accuracy"] >= dense["test_accuracy"]]
    smallest = min(matching, key=lambda name: by_name[name]["n_parameters"], default=None)
    best_one, best_two = (max(by_name[name]["test_accuracy"] for name in names) for names in (ONE, TWO))
    if smallest is None:
        verdict = "None of these convolutional nets matches the dense one."
    else:
        n = by_name[smallest]["n_parameters"]
        verdict = (
            f"The smallest net that matches the dense one has {smallest}: {n:,} parameters instead of "
            f"{dense['n_parameters']:,}, a factor of {dense['n_parameters'] / n:.0f}."
        )
    answer = (
        f"{table(rows)}\n\nIn the second column, `conv:4,5,2` is a convolution with 4 channels, kernels of 5 x 5 "
        "pixels and stride 2, and `max:2` is maximum pooling in windows of 2 x 2. A convolutional net matches the "
        "dense one if its test accuracy is at least as high.\n\n"
        f"{verdict} The best net with two convolutions reaches {percent(best_two)}, and the best net with one reaches "
        f"{percent(best_one)}.\n\n"
        "A convolution has few parameters, because all positions of the image share its kernels. Most parameters are "
        "in the dense layer behind the convolutions. A second convolution combines corners and curves that the first "
        "one has found. It also passes fewer numbers per channel to the dense layer, which then needs fewer "
        "parameters. But convolution takes more time per parameter, because each parameter of a kernel is used at "
        "every position."
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
        plots.panels([plots.Panel("Error rate against size", "parameters", "error rate", lines, "xy")], path=path)

    return StudyReport(answer, findings, {"errors": draw})


STUDY = Study(
    "cnn-search",
    "The smallest convolutional net that matches a dense one",
    "How small can a convolutional net be and still match a dense net, and are two convolutions better than one?",
    tasks,
    report,
)
