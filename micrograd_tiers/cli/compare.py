"""`micrograd-tiers compare`: train the same nets at every tier and compare them."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import micrograd_tiers as mt

from ..files import check_outputs
from ..formats import loss_text, printable
from ..machine import processor
from ..pools import kernels_warning, pools, warning
from ..recipe import Recipe
from ..tiers import TIERS
from . import options
from .output import drawing, plural, say, warn, write_json

if TYPE_CHECKING:
    from ..datasets import Dataset
    from ..lab.comparison import Comparison
    from ..network import Network

N_IMAGES = 10_000  # default: keeps the epochs of the vector and tensor tiers within half a minute, in exact mode too
N_DOCUMENTS = {"n_train": 400, "n_test": 100}  # default for a GPT: the scalar tier takes 3 seconds, 4 in exact mode


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Train one net at every tier, from the same weights on the same samples, and compare weights, losses and "
        "speed. Without --data, two nets are trained: 2-3-2 on the ellipse, and 784-300-10 on images (MNIST if its "
        "files are found, otherwise glyphs). With --net gpt, a GPT learns names, or the documents of --text, and each "
        "tier draws new ones. Exit code 0 if the tiers agree, 1 if not."
    )
    options.add_data(parser)
    parser.add_argument(
        "--net",
        type=options.of_setting("net"),
        default="mlp",
        metavar="NET",
        help="mlp, or gpt with the settings of microgpt, on 400 documents unless --n-train is given (default: mlp)",
    )
    for name in ("text", "length"):
        options.add_setting(parser, name)
    parser.add_argument(
        "--hidden",
        type=options.of_setting("hidden"),
        nargs="*",
        metavar="H",
        help="hidden units of each hidden layer (default: 3; 300 for images)",
    )
    parser.add_argument(
        "--tiers",
        type=options.tier,
        nargs="+",
        default=list(TIERS),
        metavar="TIER",
        help=f"tiers to compare, or your own .py files; the first is the reference (default: {' '.join(TIERS)})",
    )
    parser.add_argument(
        "--exact", action="store_true", help="exact mode: equal bits at every tier; print hashes of the weights"
    )
    parser.add_argument(
        "--init",
        type=options.of_setting("init"),
        help="initializer: standard_normal, uniform, xavier, kaiming, ... (default: xavier; normal:0.08 for gpt)",
    )
    parser.add_argument(
        "--learning-rate",
        type=options.of_setting("learning_rate"),
        metavar="RATE",
        help="rate of plain SGD (default: 0.5; 0.2 for images); for gpt, of Adam, falling to 0 (default: 0.01)",
    )
    parser.add_argument(
        "--batch-size",
        type=options.whole(),
        metavar="N",
        help="samples per mini-batch (default: 32; 1 for gpt)",
    )
    parser.add_argument(
        "--seconds",
        type=options.real(above=0),
        help="how long the reference tier trains each net at most, in seconds (default: 8; 14 for gpt)",
    )
    options.add_file(parser, "--picture", "picture to write (default: compare.png)", default="compare.png")
    options.add_seed(parser)
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Compare the tiers on one net, or on the two default nets; return 0 if they agree, 1 if not."""
    from ..lab.comparison import compare_tiers

    check_outputs([args.json], [args.picture], inputs=[args.text, *map(options.tier_file, args.tiers)])
    default = ["names"] if args.net == "gpt" else ["ellipse", _image_set(args)]
    seconds = args.seconds or (14.0 if args.net == "gpt" else 8.0)
    cases = [_case(name, args) for name in ([args.data] if args.data else default)]
    comparisons = []
    for net, data, recipe in cases:
        comparison = compare_tiers(
            net, data, tiers=args.tiers, optimizer=recipe.update_rule, batch_size=recipe.batch_size,
            seconds=seconds, seed=args.seed, schedule=recipe.schedule, report=say,
        )  # fmt: skip
        _print(comparison, recipe)
        comparisons.append(comparison)

    found = pools()  # now, as a tier of the user's may have loaded another library
    warn(warning(found, asked=1))
    if not args.exact and {*args.tiers} - {"vector", "tensor"}:  # which need no NumPy, or not its BLAS
        warn(kernels_warning(found))
    machine = processor()
    print(f"Speeds measured on {machine}.")
    write_json(
        args.json,
        {
            "command": "compare",
            "processor": machine,
            "seed": args.seed,
            "init": recipe.init,
            "comparisons": [comparison.as_json() for comparison in comparisons],
        },
    )
    with drawing(args.picture):
        _draw(comparisons, args.picture)
    return 0 if all(comparison.same for comparison in comparisons) else 1


def _image_set(args: argparse.Namespace) -> str:
    # If --data-dir is given but has no MNIST, loading raises an error that explains it.
    return "mnist" if args.data_dir is not None or mt.datasets.find_dataset("mnist") else "glyphs"


def _case(name: str, args: argparse.Namespace) -> tuple[Network, Dataset, Recipe]:
    """Return a net, its data set, and the recipe that describes the net and its training."""
    from ..building import load_data, make_net
    from ..datasets.mnist import CLASS_NAMES

    settings = (
        *("net", "text", "length", "n_train", "n_test", "hidden"),
        *("init", "learning_rate", "batch_size", "exact", "seed"),
    )
    given = {key: value for key in settings if (value := getattr(args, key)) is not None} | {"data": name}
    if "hidden" in given:
        given["hidden"] = tuple(given["hidden"])
    if args.net == "gpt":
        defaults: dict[str, object] = {} if args.text else {**N_DOCUMENTS}
    elif name in (*CLASS_NAMES, "glyphs"):
        defaults = {"hidden": (300,), "learning_rate": 0.2, "batch_size": 32}
    else:
        defaults = {"hidden": (3,), "learning_rate": 0.5, "batch_size": 32}
    recipe = Recipe(**{**defaults, **given})
    data, _ = load_data(recipe, args.data_dir)
    most = N_DOCUMENTS if args.text else {"n_train": N_IMAGES} if data.image_shape is not None else {}
    for part, n in most.items():
        if getattr(args, part) is None:
            data = _first(data, part.removeprefix("n_"), n)
    return make_net(recipe, data), data, recipe


def _first(data: Dataset, part: str, n: int) -> Dataset:
    """Return the data set with the first n samples of a part, "train" or "test"."""
    names = [f"{part}_{kind}" for kind in ("x", "y", "documents") if hasattr(data, f"{part}_{kind}")]
    shorter: dict[str, Any] = {name: getattr(data, name)[:n] for name in names}
    return replace(data, **shorter)


def _print(comparison: Comparison, recipe: Recipe) -> None:
    print(f"{comparison.net} on {comparison.data}: {comparison.n_samples:,} samples,")
    print(
        f"batch {comparison.batch_size}, learning rate {comparison.learning_rate:g}, {recipe.init} initialization, "
        f"seed {recipe.seed}, {'exact' if comparison.exact else 'fast'} arithmetic"
    )
    if any(result.epoch_loss is None for result in comparison.tiers):
        print(f"(test samples: {comparison.n_scored:,} after the steps, all after the epoch)")
    width = max(8, *(len(result.tier) for result in comparison.tiers))
    after = f"after {plural(comparison.steps, 'step')}"
    epoch = f"after 1 epoch ({plural(comparison.steps_per_epoch, 'step')})"
    print(f"{'':{width}}{'':>12}{'':>10}   {after:-^35}   {epoch:-^32}")
    in_steps = recipe.net == "gpt"
    speed = "ms/step" if in_steps else "samples/s"
    head = f"{'tier':{width}}{speed:>12}{'speed-up':>10}   {'loss':>9}{'accuracy':>10}{'weights off by':>16}"
    print(f"{head}   {'test loss':>16}{'accuracy':>16}")
    for result in comparison.tiers:
        speed_up = result.samples_per_second / comparison.tiers[0].samples_per_second
        difference = "(reference)" if result is comparison.tiers[0] else f"{result.weight_difference:.1e}"
        scores = (
            f"{'(out of time)':>32}"
            if result.epoch_loss is None or result.epoch_accuracy is None
            else f"{loss_text(result.epoch_loss):>16}{result.epoch_accuracy:>14.2%}  "
        )
        step = 1e3 * comparison.batch_size / result.samples_per_second
        speed = f"{step:>12.2f}" if in_steps else f"{result.samples_per_second:>12,.0f}"
        print(
            f"{result.tier:{width}}{speed}{speed_up:>9,.1f}x   {loss_text(result.loss):>9}"
            f"{result.accuracy:>10.2%}{difference:>16}   {scores}".rstrip()
        )
    if comparison.exact:
        for result in comparison.tiers:
            print(f"SHA-256 of the weights, {result.tier:{width}} {result.sha256}")
    print(comparison.verdict)
    _print_documents(comparison)
    print()


def _print_documents(comparison: Comparison) -> None:
    """Print the documents that the tiers have drawn, a column for each tier."""
    columns = [[result.tier, *map(printable, result.documents)] for result in comparison.tiers]
    rows = [*zip(*columns, strict=True)]
    if len(rows) == 1:
        return
    equal = sum(len({*row}) == 1 for row in rows[1:])
    print(f"New documents, drawn after these steps at each tier: {equal} of {len(rows) - 1} are equal at all tiers.")
    width = 2 + max(len(text) for row in rows for text in row)
    for row in rows:
        print(f"  {''.join(f'{text:{width}}' for text in row)}".rstrip())


def _draw(comparisons: list[Comparison], picture: str) -> None:
    import numpy as np

    cases = []
    for comparison in comparisons:
        curves = []
        for result in comparison.tiers:
            seen = np.minimum(np.arange(1, len(result.batch_loss) + 1) * comparison.batch_size, comparison.n_samples)
            curves.append(mt.plots.Curve(result.tier, seen, np.array(result.batch_loss), result.samples_per_second))
        title = f"{comparison.net} on {comparison.data_name}"
        cases.append(mt.plots.ComparisonCase(title, curves, comparison.verdict))
    mt.plots.comparison(cases, path=picture)
