"""`micrograd-tiers predict`: apply a saved net to a test set or to image files."""

from __future__ import annotations

import argparse
import math
import sys
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import micrograd_tiers as mt

from ..arguments import whole_number
from ..errors import DataError
from ..files import check_outputs
from ..formats import loss_text, reason
from . import options
from .output import about_perfect, drawing, write_json

if TYPE_CHECKING:
    import numpy as np

    from ..checkpoints import Checkpoint
    from ..datasets import Dataset
    from ..datasets.digits import PreparedDigit
    from ..network import Network

N_SHOWN = 20  # correct predictions in the picture, and as many wrong ones
RIGHT, WRONG = "#009E73", "#D55E00"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Apply a saved net to image files (--image) or to the test part of a data set (--data, by default the set that "
        "the net was trained on)."
    )
    parser.add_argument("net", type=options.file_name, metavar="NET", help="net saved by train")
    options.add_data(parser, train=False)
    options.add_file(parser, "--image", "image files to classify", nargs="+", default=[])
    parser.add_argument(
        "--invert",
        action="store_true",
        help="invert the images: for dark figures on a light background; prepared digits do not need it",
    )
    parser.add_argument(
        "--as-is",
        action="store_true",
        help="only scale the images; by default, a net of digits gets them prepared as MNIST's are",
    )
    parser.add_argument("--tier", type=options.tier, help="tier to compute with (default: the tier of the saved net)")
    options.add_file(parser, "--picture", "write a picture of right and wrong predictions")
    options.add_seed(parser, default=None, text="random seed of the data set (default: that of the training run)")
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Classify image files, or the test part of a data set."""
    from ..checkpoints import load_usable

    check_outputs([args.json], [args.picture], inputs=[args.net, *args.image, options.tier_file(args.tier)])
    saved = load_usable(args.net)
    if args.picture and saved.net.loss.targets == "tokens":
        raise ValueError("--picture shows images or points, but the net reads documents: leave it out")
    net = saved.net if args.tier is None else saved.net.to(args.tier)
    result, draw = _of_images(args, net, saved.info) if args.image else _of_set(args, net, saved)
    write_json(args.json, {"command": "predict", "net": args.net, **result})
    if args.picture:
        with drawing(args.picture):
            draw()
    return 0


def _of_images(
    args: argparse.Namespace, net: Network, info: dict[str, Any]
) -> tuple[dict[str, Any], Callable[[], None]]:
    """Print the classes of the image files; return them, and a function that draws the picture."""
    import numpy as np

    from ..datasets.images import read_image
    from ..datasets.mnist import CLASS_NAMES, IMAGE_SHAPE

    if not info.get("image_shape"):
        raise DataError(
            f"{args.net}: the net was not trained on images, so it cannot classify image files; use --data instead"
        )
    names, shape = _image_classes(args.net, net, info)
    found = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if tuple(names) == CLASS_NAMES["mnist"] and shape == IMAGE_SHAPE and not args.as_is:
            found = [_digit(path) for path in args.image]
            images = np.stack([digit.image for _, digit in found])
        else:
            images = np.stack([read_image(path, shape, invert=args.invert) for path in args.image])
    for warning in caught:
        print(f"micrograd-tiers: {warning.message}", file=sys.stderr)
    probabilities = net.predict_proba(images.reshape(len(images), -1))
    if not np.isfinite(probabilities).all():
        raise DataError(f"{args.net}: the probabilities are not finite: the weights are too large; train again")
    captions = []
    for path, p in zip(args.image, probabilities, strict=True):
        best = np.argsort(-p, kind="stable")[:3]
        captions.append(f"{names[best[0]]}: {p[best[0]]:.1%}")
        print(f"{path}: {', '.join(f'{names[c]} ({p[c]:.1%})' for c in best)}")
    result = {
        "images": args.image,
        "boxes": [digit.box for _, digit in found] if found else None,
        "predicted": [names[c] for c in probabilities.argmax(axis=1)],
        "probabilities": probabilities.tolist(),
    }

    def draw() -> None:
        if found:
            pictures, boxes = [picture for picture, _ in found], [digit.box for _, digit in found]
            mt.plots.prepared_images(pictures, boxes, images, captions, title="Predictions", path=args.picture)
        else:
            mt.plots.image_grid(images, captions, title="Predictions", path=args.picture)

    return result, draw


def _image_classes(path: str, net: Network, info: dict[str, Any]) -> tuple[list[str], tuple[int, int]]:
    """Return the names of the classes, and the height and width of the images, that a net was trained on."""
    try:
        height, width = (whole_number("image_shape", size) for size in info["image_shape"])
        (n_classes,) = net.shapes((height * width,))[-1] or ()
        names = info["class_names"]
        if not (isinstance(names, list) and len(names) == n_classes and all(isinstance(name, str) for name in names)):
            raise ValueError(f"class_names is {names!r}, expected {n_classes} names")
    except (KeyError, TypeError, ValueError) as error:
        what = reason(error)
        raise DataError(f"{path}: its classes or the size of its images are damaged ({what}); train again") from None
    return names, (height, width)


def _digit(path: str) -> tuple[np.ndarray[Any, Any], PreparedDigit]:
    """Return the picture in a file, and the digit in it."""
    from ..datasets.digits import prepare_digit
    from ..datasets.images import read_image

    picture = read_image(path)
    try:
        return picture, prepare_digit(picture)
    except DataError as error:
        raise DataError(f"{path}: {error}; --as-is takes the picture unprepared") from None


def _of_set(args: argparse.Namespace, net: Network, saved: Checkpoint) -> tuple[dict[str, Any], Callable[[], None]]:
    """Print the scores on a test set; return them, and a function that draws the picture."""
    from ..run import confusion_of, load_test_set, score_test_set

    data = load_test_set(args.net, saved, args.data, args.data_dir, n_test=args.n_test, seed=args.seed)
    scores = score_test_set(net, data, name=args.net)
    if not math.isfinite(scores.loss):
        raise DataError(f"{args.net}: the loss on {data.name} is {scores.loss}: the weights are too large; train again")
    predicted = scores.predicted
    counts = confusion_of(scores, data)
    print(f"{data.name} ({data.source}), {len(data.test_x):,} test samples")
    print(f"loss {loss_text(scores.loss)}, accuracy {scores.accuracy:.2%}")
    perfect = about_perfect(data)
    for c, name in enumerate(data.class_names):
        total = counts[c].sum()
        share = f"{counts[c, c] / total:.2%}" if total else "-"
        print(f"  {name:16} {counts[c, c]:>6,} of {total:>6,} right  {share:>8}")
    result = {
        "data": data.name,
        "source": data.source,
        "loss": scores.loss,
        "accuracy": scores.accuracy,
        **perfect,
        "confusion_matrix": counts.tolist(),
        "class_names": data.class_names,
        "predicted": predicted.tolist(),
    }
    return result, lambda: _draw(args.picture, net, data, predicted)


def _draw(path: str, net: Network, data: Dataset, predicted: np.ndarray[Any, Any]) -> None:
    import numpy as np

    if data.image_shape is None:
        title = f"{data.name}: test samples, and the net's decision regions"
        mt.plots.scatter_2d(data.test_x, data.test_y, data.class_names, title=title, predict=net.predict, path=path)
        return
    right, wrong = np.flatnonzero(predicted == data.test_y), np.flatnonzero(predicted != data.test_y)
    shown = np.concatenate([right[:N_SHOWN], wrong[:N_SHOWN]])
    captions, colors = [], []
    for n in shown:
        is_right = predicted[n] == data.test_y[n]
        said, is_ = data.class_names[predicted[n]], data.class_names[data.test_y[n]]
        captions.append(said if is_right else f"{said}, is {is_}")
        colors.append(RIGHT if is_right else WRONG)
    images = data.test_x[shown].reshape(-1, *data.image_shape)
    title = f"{data.name}: {len(right):,} right, {len(wrong):,} wrong; the first of each"
    mt.plots.image_grid(images, captions, title=title, colors=colors, path=path)
