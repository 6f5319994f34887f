"""Arithmetic of convolution and pooling, by hand and with the package."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...layers import Conv2d
from ...tiers import get_tier
from .study import Study, StudyReport, table
from .tasks import Result, Task

IMAGES = {  # a square of 3 x 3 ones in each corner of 4 x 4 zeros
    "upper left": [[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]],
    "upper right": [[0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1], [0, 0, 0, 0]],
    "lower left": [[0, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0]],
    "lower right": [[0, 0, 0, 0], [0, 1, 1, 1], [0, 1, 1, 1], [0, 1, 1, 1]],
}


@dataclass(frozen=True)
class Shapes:
    """A convolutional layer with 8 kernels of 5 x 5 for 3 channels, on images of 32 x 32."""

    def run(self, data_dir: str | None) -> Result:
        """Return the number of parameters and the shape of the output."""
        layer = Conv2d(3, 8, kernel_size=5)
        n_parameters = sum(int(np.prod(shape)) for shape in layer.parameter_shapes().values())
        return {"n_parameters": n_parameters, "shape": layer.shape_out((3, 32, 32))}


@dataclass(frozen=True)
class Pooling:
    """An image of 4 x 4, pooled in windows of 2 x 2.

    Parameters
    ----------
    image : str
        One of `IMAGES`.
    """

    image: str

    def run(self, data_dir: str | None) -> Result:
        """Return the image after average and after maximum pooling, by the scalar tier."""
        scalar = get_tier("scalar")
        x = scalar.asarray([IMAGES[self.image]])
        return {"average": scalar.avg_pool2d(x, 2, 2)[0][0], "maximum": scalar.max_pool2d(x, 2, 2)[0][0]}


def tasks(quick: bool) -> list[Task]:
    """Return a task for the layer, and one for each of the four images."""
    return [Shapes(), *map(Pooling, IMAGES)]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report the counts and the pooled images."""
    shapes, *pooled = results
    rows = [
        {
            "image": name,
            "pixels": _rows(IMAGES[name]),
            "average pooling": _rows(r["average"]),
            "maximum pooling": _rows(r["maximum"]),
        }
        for name, r in zip(IMAGES, pooled, strict=True)
    ]
    O, R, S = shapes["shape"]  # noqa: E741
    answer = (
        "Each of the 8 kernels has 5 x 5 x 3 weights and one bias, so there are (75 + 1) x 8 = "
        f"{shapes['n_parameters']} parameters, for images of any size. A window of 5 pixels fits into 32 pixels at 32 "
        f"- 5 + 1 = 28 positions, so 3 channels of 32 x 32 pixels become {O} channels of {R} x {S}.\n\n"
        "The table shows the four images of the course before and after pooling in windows of 2 x 2: a square of 3 x 3 "
        "ones in each corner of 4 x 4 zeros. Semicolons separate the rows of an image.\n\n"
        f"{table(rows)}\n\n"
        "Average pooling measures how bright a window is; maximum pooling shows whether any pixel in it is bright. So "
        "the averages tell in which corner the square was, and the maxima do not: after maximum pooling, the square "
        "may have moved by one pixel."
    )

    def draw(path: Path) -> None:
        from ... import plots

        images, captions = [], []
        for name, r in zip(IMAGES, pooled, strict=True):
            for what, image in ((name, IMAGES[name]), ("average", r["average"]), ("maximum", r["maximum"])):
                array = np.array(image, float)
                images.append(array if len(array) == 4 else array.repeat(2, axis=0).repeat(2, axis=1))
                captions.append(what)
        plots.image_grid(images, captions, title="Pooling in windows of 2 by 2", columns=6, path=path)

    findings = {
        "n_parameters": shapes["n_parameters"],
        "shape": [O, R, S],
        **{kind: {name: r[kind] for name, r in zip(IMAGES, pooled, strict=True)} for kind in ("average", "maximum")},
    }
    return StudyReport(answer, findings, {"pooling": draw})


def _rows(image: Sequence[Sequence[float]]) -> str:
    return "; ".join(" ".join(f"{x:g}" for x in row) for row in image)


STUDY = Study(
    "convolution-by-hand",
    "Convolution and pooling by hand",
    "How many parameters do 8 kernels of 5 x 5 x 3 have, what shape is their output, and what does pooling do?",
    tasks,
    report,
)
