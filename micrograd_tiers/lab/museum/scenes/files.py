"""Scene of the data bugs: nets that learn glyphs read from IDX files."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ....tiers import Tier
from ..bug import PACKAGE
from ..trace import Trace
from .figures import figures
from .images import Images
from .samples import N_TEST, glyphs


@dataclass(frozen=True)
class Files(Images):
    """A two-layer net on glyphs of 28 x 28 pixels, which are written to IDX files and loaded from them."""

    settings: Mapping[str, float] = field(default_factory=lambda: {"learning_rate": 0.2})
    split: bool = False

    SIDE: ClassVar[int] = 28

    def task(self, tier: str) -> str:
        """Return a description of the training."""
        where = "tested on held-out training samples" if self.split else "read from IDX files"
        return f"{super().task(tier)}; {where}"

    def train(self, mt: ModuleType, trace: Trace, tier: str | Tier, tier_name: str, seed: int) -> None:
        """Write the files, load them, and train."""
        X, y = glyphs(seed)
        n_train = self.n_samples(tier_name) + self.split * N_TEST
        parts = {"t10k": slice(0, N_TEST), "train": slice(-n_train, None)}
        with tempfile.TemporaryDirectory(prefix="glyphs-") as folder:
            for name, part in parts.items():
                images = np.rint(255 * X[part]).astype(np.uint8).reshape(-1, 28, 28)
                _write_idx(Path(folder, f"{name}-images-idx3-ubyte"), images)
                _write_idx(Path(folder, f"{name}-labels-idx1-ubyte"), y[part].astype(np.uint8))
            train, test = mt.load_mnist(folder, "train"), mt.load_mnist(folder, "test")
        if self.split:
            split = import_module(f"{PACKAGE}.datasets").train_validation_split(*train, N_TEST, seed=seed)
            train, test = split[:2], split[2:]
        trainer = self.trainer(mt, train, test, tier, seed)
        self.follow(mt, trainer, trace, test)
        trace.figures = figures(mt, trainer.net, test)

    def n_samples(self, tier: str) -> int:
        """Return the number of training samples in an epoch."""
        return super().n_samples(tier) - (self.split and tier != "scalar") * N_TEST


def _write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    header = bytes([0, 0, 0x08, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(header + array.tobytes())
