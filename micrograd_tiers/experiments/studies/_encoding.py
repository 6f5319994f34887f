"""What the studies of autoencoders share: training one on images without their labels."""

from dataclasses import dataclass

from ...datasets import Dataset, load_dataset
from ...models import autoencoder
from ...network import Network
from ...optimizers import Adam
from ...training import History, fit


@dataclass(frozen=True)
class Encoding:
    """How an autoencoder is trained.

    Parameters
    ----------
    data : str
    n_train, n_test : int or None
    hidden, code : int
        Units of the hidden layer, and of the code.
    batch_size, epochs : int
    """

    data: str = "mnist"
    n_train: int | None = None
    n_test: int | None = None
    hidden: int = 128
    code: int = 32
    batch_size: int = 128
    epochs: int = 10

    def load(self, data_dir: str | None) -> Dataset:
        """Return the images."""
        return load_dataset(self.data, data_dir=data_dir, n_train=self.n_train, n_test=self.n_test)

    def train(self, data: Dataset) -> tuple[Network, History]:
        """Return the trained net, and its history."""
        sizes = [data.train_x.shape[1], self.hidden, self.code]
        net = autoencoder(sizes, dtype="float32", init="kaiming", seed=0)
        optimizer, x = Adam(0.001), data.train_x
        return net, fit(net, x, x, optimizer=optimizer, batch_size=self.batch_size, epochs=self.epochs)


FULL = Encoding()
QUICK = Encoding(data="glyphs", n_train=1500, n_test=300, hidden=64, batch_size=20, epochs=10)
