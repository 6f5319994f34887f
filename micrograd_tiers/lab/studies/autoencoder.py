"""Autoencoders on MNIST: reconstruction loss against the size of the code."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ._encoding import FULL, QUICK, Encoding
from .study import Study, StudyReport, table
from .tasks import Result, Task

CODES = (2, 4, 8, 16, 32, 64)
N_SHOWN = 8


@dataclass(frozen=True)
class Autoencoder:
    """Train an autoencoder and reconstruct test images.

    Parameters
    ----------
    encoding : Encoding
    """

    encoding: Encoding

    def run(self, data_dir: str | None) -> Result:
        """Return the losses, the test loss of the mean training image, and some reconstructions."""
        data = self.encoding.load(data_dir)
        start = time.perf_counter()
        net, history = self.encoding.train(data)
        seconds = time.perf_counter() - start
        images = net.forward(data.test_x)
        return {
            "train_loss": history.train_loss,
            "test_loss": float(((images - data.test_x) ** 2).mean()),
            "mean_image_loss": float(((data.train_x.mean(axis=0) - data.test_x) ** 2).mean()),
            "n_parameters": net.n_parameters,
            "shown": data.test_x[:N_SHOWN].round(3).tolist(),
            "reconstructed": np.asarray(images[:N_SHOWN], float).round(3).tolist(),
            "seconds": seconds,
        }


def tasks(quick: bool) -> list[Task]:
    """Return a task for each size of the code."""
    return [Autoencoder(replace(QUICK if quick else FULL, code=code)) for code in (CODES[::2] if quick else CODES)]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report the loss against the size of the code."""
    encodings = [task.encoding for task in tasks if isinstance(task, Autoencoder)]
    codes = [encoding.code for encoding in encodings]
    alone = results[0]["mean_image_loss"]
    rows = [
        {
            "code size": code,
            "parameters": r["n_parameters"],
            "training loss": r["train_loss"][-1],
            "test loss": r["test_loss"],
            "share of the variance lost": r["test_loss"] / alone,
        }
        for code, r in zip(codes, results, strict=True)
    ]
    answer = (
        "An autoencoder compresses an image to a code, the few numbers in its middle layer, and reconstructs the image "
        f"from them. The net with the largest code is {encodings[-1]}. The others differ from it only in the size of "
        "the code. The loss is the mean squared error per pixel. Without a code, the best reconstruction is the same "
        f"for every image: the mean of all training images. Its loss is {alone:.4f}, about the variance of the pixels. "
        f"The last column gives the test loss as a share of it.\n\n{table(rows)}\n\n"
        f"A code of two numbers loses {results[0]['test_loss'] / alone:.0%} of the variance, and a code of {codes[-1]} "
        f"loses {results[-1]['test_loss'] / alone:.0%}. So few numbers are enough because images of digits are only a "
        "small part of all images with 784 pixels. A small code loses rare features first, such as thin strokes and "
        "odd shapes, so its reconstructions look blurred and typical."
    )
    findings = {
        "mean_image_loss": alone,
        "test_loss": {str(c): r["test_loss"] for c, r in zip(codes, results, strict=True)},
    }

    def draw(path: Path) -> None:
        from ... import plots

        losses = {"test loss": (codes, [r["test_loss"] for r in results])}
        plots.panels(
            [plots.Panel("Loss against code size", "numbers in the code", "mean squared error", losses, "x")], path=path
        )

    def draw_images(path: Path) -> None:
        from ... import plots

        side = round(len(results[0]["shown"][0]) ** 0.5)
        rows = [
            ("given", results[0]["shown"]),
            *((f"code {c}", r["reconstructed"]) for c, r in zip(codes, results, strict=True)),
        ]
        images = np.array([image for _, row in rows for image in row]).reshape(-1, side, side)
        captions = [name for name, row in rows for _ in row]
        plots.image_grid(images, captions, title="Test images, and what becomes of them", columns=N_SHOWN, path=path)

    return StudyReport(answer, findings, {"loss": draw, "reconstructions": draw_images})


STUDY = Study(
    "autoencoder",
    "Autoencoders with small codes",
    "How does the reconstruction loss depend on the size of the code, and what do reconstructions look like?",
    tasks,
    report,
)
