"""`micrograd-tiers data`: list, download or show the data sets."""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import micrograd_tiers as mt

from ..files import check_outputs
from ..formats import printable
from ..recipe import DATASETS, TEXTS
from . import OneLineParser, options
from .output import drawing, plural, write_json

if TYPE_CHECKING:
    from ..datasets import Dataset

N_DOCUMENTS = 20  # shown by default


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = "List the data sets, download MNIST, Fashion-MNIST or names, or show some samples of a set."
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION", parser_class=OneLineParser)
    listing = actions.add_parser("list", help="list all data sets, and where their files are")
    options.add_data_dir(listing)
    options.add_json(listing)
    download = actions.add_parser(
        "download", help="download MNIST, Fashion-MNIST or names (needs pip install 'micrograd-tiers[data]')"
    )
    download.add_argument(
        "data",
        choices=("mnist", "fashion-mnist", "names"),
        help="data set to download; names are those of makemore, the data set makemore-names",
    )
    download.add_argument("--no-progress", action="store_true", help="show no progress bar")
    options.add_json(download)
    show = actions.add_parser(
        "show", help="write a picture of training samples with their labels; print documents, and figures about them"
    )
    show.add_argument("data", choices=(*DATASETS, *TEXTS), help="data set to show")
    options.add_data_dir(show)
    show.add_argument(
        "--n", type=options.whole(), help="number of samples (default: 40 images, 1,000 points or 20 documents)"
    )
    options.add_file(show, "--picture", "picture to write (default: the name of the set, .png); none of documents")
    options.add_seed(show)
    options.add_json(show)


def run(args: argparse.Namespace) -> int:
    """List, download or show data sets."""
    if args.action == "show" and args.data in DATASETS:
        _show(args)
        return 0
    check_outputs([args.json])
    _write(args, {"list": _list, "download": _download, "show": _show_documents}[args.action](args))
    return 0


def _write(args: argparse.Namespace, result: dict[str, Any]) -> None:
    write_json(args.json, {"command": f"data {args.action}", **result})


def _list(args: argparse.Namespace) -> dict[str, Any]:
    from ..datasets.download import SOURCES
    from ..datasets.mnist import CLASS_NAMES

    places: dict[str, str | None] = {}
    for name in (*DATASETS, *TEXTS):
        if name in CLASS_NAMES:
            place, source = mt.datasets.find_dataset(name, args.data_dir), name
        elif name == "makemore-names":
            place, source = mt.datasets.find_makemore_names(args.data_dir), "names"
        else:
            places[name] = "drawn"
            print(f"{name:15} drawn offline, needs no files")
            continue
        places[name] = None if place is None else str(place)
        download = f"; to download it: micrograd-tiers data download {source}" if source in SOURCES else ""
        print(f"{name:15} {place or f'not found{download}'}")
    return places


def _download(args: argparse.Namespace) -> dict[str, Any]:
    from ..datasets.download import download

    folder = download(args.data, progress=not args.no_progress)
    print(f"{args.data}: {folder}")
    return {args.data: str(folder)}


def _show(args: argparse.Namespace) -> None:
    from ..datasets.mnist import CLASS_NAMES

    picture = args.picture if args.picture is not None else f"{args.data}.png"
    check_outputs([args.json], [picture])
    drawn_in_plane = args.data not in (*CLASS_NAMES, "glyphs")
    n = args.n if args.n is not None else 1_000 if drawn_in_plane else 40
    n_drawn = None if args.data in CLASS_NAMES else n
    data = mt.load_dataset(args.data, data_dir=args.data_dir, n_train=n_drawn, n_test=1, seed=args.seed)
    _check_n(n, data)
    data = replace(data, train_x=data.train_x[:n], train_y=data.train_y[:n])
    title = f"{data.name} ({data.source})"
    _write(args, {"data": data.name, "picture": picture, "labels": data.train_y.tolist()})
    with drawing(picture):
        if data.image_shape is None:
            mt.plots.scatter_2d(data.train_x, data.train_y, data.class_names, title=title, path=picture)
        else:
            captions = [data.class_names[label] for label in data.train_y]
            mt.plots.image_grid(data.train_x.reshape(-1, *data.image_shape), captions, title=title, path=picture)


def _show_documents(args: argparse.Namespace) -> dict[str, Any]:
    """Print the first training documents, their mean length, and how much they repeat each other."""
    if args.picture is not None:
        raise ValueError(f"{args.data} holds documents, which are printed: leave out --picture")
    from ..datasets import Documents

    data = mt.load_dataset(args.data, data_dir=args.data_dir, seed=args.seed)
    assert isinstance(data, Documents)
    n, train = args.n or N_DOCUMENTS, data.train_documents
    _check_n(n, data)
    lengths = [*map(len, train)]
    figures = {
        "mean_length": sum(lengths) / len(train),
        "different": len({*train}) / len(train),
        "test_in_training": sum(map({*train}.__contains__, data.test_documents)) / len(data.test_documents),
        "floor": data.floor,
    }
    print(f"{data.name} ({data.source}): {len(train):,} training and {len(data.test_documents):,} test documents")
    print(f"length: {min(lengths)} to {max(lengths)} characters, mean {figures['mean_length']:.2f}")
    print(f"different: {figures['different']:.1%} of the training documents")
    print(f"in both parts: {figures['test_in_training']:.1%} of the test documents")
    if data.floor is not None:
        print(f"least expected loss of any net: {data.floor:.4f} nats per token")
    print(f"the first {plural(n, 'training document')}:")
    for document in train[:n]:
        print(f"  {printable(document)}")
    return {"data": data.name, **figures, "documents": [*train[:n]]}


def _check_n(n: int, data: Dataset) -> None:
    if n > len(data.train_x):
        raise ValueError(
            f"--n is {n}, expected at most {len(data.train_x)}, the number of training samples of {data.name}"
        )
