"""Autoencoders for two studies: train one on images without their labels."""

from dataclasses import dataclass

from ...datasets import Dataset, load_dataset
from ...history import History
from ...models import autoencoder
from ...network import Network
from ...optimizers import Adam
from ...training import fit


@dataclass(frozen=True)
class Encoding:
    """Settings of an autoencoder and its training.

    Parameters
    ----------
    data : str
    n_train, n_test : int or None
        Number of images; None for all.
    hidden, code : int
        Number of units of each hidden layer, and of the code.
    batch_size, epochs : int
    learning_rate : float
        Learning rate of Adam.
    dtype, init, seed
        As in `Network`.
    """

    data: str = "mnist"
    n_train: int | None = None
    n_test: int | None = None
    hidden: int = 128
    code: int = 32
    batch_size: int = 128
    epochs: int = 10
    learning_rate: float = 0.001
    dtype: str = "float32"
    init: str = "kaiming"
    seed: int = 0

    def __str__(self) -> str:
        """Sizes and settings, for the report."""
        return (
            f"784-{self.hidden}-{self.code}-{self.hidden}-784, {self.dtype}, Adam at {self.learning_rate:g}, batches "
            f"of {self.batch_size}, {self.epochs} epochs"
        )

    def load(self, data_dir: str | None) -> Dataset:
        """Load the images."""
        return load_dataset(self.data, data_dir=data_dir, n_train=self.n_train, n_test=self.n_test)

    def train(self, data: Dataset) -> tuple[Network, History]:
        """Return the trained net and its history."""
        sizes = [data.train_x.shape[1], self.hidden, self.code]
        net = autoencoder(sizes, dtype=self.dtype, init=self.init, seed=self.seed)
        optimizer, x = Adam(self.learning_rate), data.train_x
        return net, fit(net, x, x, optimizer=optimizer, batch_size=self.batch_size, epochs=self.epochs)


FULL = Encoding()
QUICK = Encoding(data="glyphs", n_train=1500, n_test=300, hidden=64, batch_size=20, epochs=10)
