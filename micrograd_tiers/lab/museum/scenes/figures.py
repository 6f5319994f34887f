"""Figures that the package reports about a trained net, in addition to its curves."""

from types import ModuleType
from typing import Any

import numpy as np

from .samples import Samples


def figures(mt: ModuleType, net: Any, test: Samples) -> dict[str, float | str]:
    """Return the mean size of a weight and, for softmax cross-entropy, three figures for the test set.

    These are the test loss, the mean confidence, and the most frequent mistake.
    """
    if net.loss.name != "softmax_cross_entropy":
        return {"mean size of a weight": _mean_size(net)}
    X, y = test
    scores, predicted = mt.evaluate(net, X, y), net.predict(X)
    probabilities = net.predict_proba(X)
    counts = mt.confusion_matrix(predicted, y, probabilities.shape[1])
    np.fill_diagonal(counts, 0)
    true, said = divmod(int(counts.argmax()), len(counts))
    return {
        "test loss": float(scores["loss"]),
        "mean confidence in its answers": float(probabilities.max(axis=1).mean()),
        "mean size of a weight": _mean_size(net),
        "most frequent mistake": f"{true} predicted as {said}, {counts[true, said]} times",
    }


def _mean_size(net: Any) -> float:
    return float(np.mean([np.abs(array).mean() for name, array in net.state_dict().items() if "weight" in name]))
