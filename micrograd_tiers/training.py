"""Training in one call: `fit`."""

import numpy as np
from numpy.typing import ArrayLike

from .network import Network
from .optimizers import Optimizer
from .progress import TrainingProgress
from .schedules import Schedule
from .trainer import Trainer
from .training_state import History


def fit(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    optimizer: Optimizer | None = None,
    batch_size: int = 64,
    epochs: int = 1,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    seed: int | np.random.Generator = 0,
    shuffle: bool = True,
    schedule: Schedule | None = None,
    patience: int | None = None,
    keep_best: bool = False,
    sample_weight: ArrayLike | None = None,
    progress: bool = False,
) -> History:
    """Train a net in place.

    Parameters
    ----------
    net : Network
    X : array_like, shape (N, I) or (N, C, H, W)
        Finite features.
    y : array_like, shape (N,) or (N, O)
        Targets as in `Network.loss_and_grads`.
    optimizer : Optimizer, optional
        SGD with learning rate 0.1 where not given.
    batch_size : int
        Samples a step, at least 1; the last batch of an epoch may be short.
    epochs : int
        How often every sample is seen, at least 1.
    validation : tuple of array_like, optional
        (X, y) that is evaluated at the end of each epoch.
    seed : int or numpy.random.Generator
        From which the order of the samples is drawn, anew for each epoch, and what dropout drops at each step; the
        same at every tier.
    shuffle : bool
        False: the order in which the samples are given.
    schedule : Schedule, optional
        How the learning rate falls: `StepDecay` or `CosineAnnealing`.
    patience : int, optional
        Stop early, when the validation loss has been above its lowest for so many epochs.
    keep_best : bool
        End with the weights of the epoch that had the lowest validation loss.
    sample_weight : array_like, shape (N,), optional
        Weight of each sample, at least 0: the mean loss of a batch divides by their sum.
    progress : bool
        Show a progress bar (needs tqdm: pip install 'micrograd-tiers[progress]').

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If a setting is out of its range, or patience or keep_best has no validation set to go by.
    DataError
        If samples or targets are not what the net expects.
    DivergedError
        If the loss, a weight or the validation loss becomes NaN or infinite.
    """
    trainer = Trainer(
        net, X, y, optimizer=optimizer, batch_size=batch_size, epochs=epochs, validation=validation, seed=seed,
        shuffle=shuffle, schedule=schedule, patience=patience, keep_best=keep_best, sample_weight=sample_weight,
    )  # fmt: skip
    if progress:
        with TrainingProgress(trainer) as bar:
            trainer.run(bar.step)
    else:
        trainer.run()
    return trainer.history
