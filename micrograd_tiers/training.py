"""Training in one call: `fit`."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .arguments import flag
from .history import History
from .network import Network
from .optimizers import Optimizer
from .progress import TrainingProgress
from .schedules import Schedule
from .trainer import Trainer


def fit(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    optimizer: str | Optimizer | None = None,
    batch_size: int = 64,
    epochs: int | None = None,
    steps: int | None = None,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    seed: int | np.random.Generator = 0,
    shuffle: bool = True,
    drop_last: bool = False,
    schedule: str | Schedule | None = None,
    patience: int | None = None,
    keep_best: bool = False,
    sample_weight: ArrayLike | None = None,
    progress: bool = False,
) -> History:
    """Train a net in place.

    Parameters
    ----------
    net : Network
    X : array_like, shape (N, I), (N, C, H, W) or (N, T)
        Samples; all features must be finite. Documents are token numbers; each mini-batch is cut to the longest of its
        documents.
    y : array_like, shape (N,), (N, O) or (N, T)
        Targets as in `Network.loss_and_grads`.
    optimizer : Optimizer or str, optional
        An Optimizer such as ``Adam(0.001)``, or "sgd", "rmsprop", "adam" or "adamw" for the default settings. By
        default, SGD with learning rate 0.1.
    batch_size : int
        Samples per step, at least 1; the last mini-batch of an epoch may be smaller.
    epochs : int, optional
        Number of passes over all samples, at least 1; by default 1.
    steps : int, optional
        Number of steps, at least 1, in place of `epochs`. An epoch that the last step cuts short has no entry in the
        history's losses per epoch.
    validation : tuple of array_like, optional
        Validation set (X, y), evaluated at the end of each epoch.
    seed : int or numpy.random.Generator
        Seed of the order of the samples in each epoch and of the dropout masks, which are the same at every tier.
    shuffle : bool
        If False, take the samples in the given order.
    drop_last : bool
        If True, leave out the last mini-batch of an epoch if it is smaller than the others. With shuffling, these are
        other samples in each epoch. Batch normalization needs this where one sample would be left alone.
    schedule : Schedule or str, optional
        Schedule of the learning rate: a `StepDecay` or `CosineAnnealing`, or in words "step:EVERY", "step:EVERY,BY" or
        "cosine", which falls over all epochs; or a `LinearDecay`, or "linear", which falls over all steps, step by
        step. By default the rate is constant.
    patience : int, optional
        Stop early, after this many epochs without a new lowest validation loss; at least 1.
    keep_best : bool
        If True, end with the weights of the epoch with the lowest validation loss.
    sample_weight : array_like, shape (N,), optional
        Weight of each sample, at least 0. The mean loss of a mini-batch divides by the sum of its weights.
    progress : bool
        If True, show a progress bar (needs tqdm: pip install 'micrograd-tiers[progress]').

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If an argument is not what it should be or out of its range, or patience or keep_best is given without a
        validation set.
    DataError
        If samples, targets or weights do not fit the net.
    DivergedError
        If the loss, a weight or the validation loss becomes NaN or infinite.
    """
    trainer = Trainer(
        net, X, y, optimizer=optimizer, batch_size=batch_size, epochs=epochs, steps=steps, validation=validation,
        seed=seed, shuffle=shuffle, drop_last=drop_last, schedule=schedule, patience=patience, keep_best=keep_best,
        sample_weight=sample_weight,
    )  # fmt: skip
    if flag("progress", progress):
        with TrainingProgress(trainer) as bar:
            trainer.run(bar.step)
    else:
        trainer.run()
    return trainer.history
