"""One network, three tiers: backpropagation as Python lists, NumPy vectors and mini-batch matrices."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:  # what type checkers and editors see
    from .checkpoints import load as load
    from .checkpoints import save as save
    from .datasets import load_dataset as load_dataset
    from .datasets import load_fashion_mnist as load_fashion_mnist
    from .datasets import load_mnist as load_mnist
    from .errors import DataError as DataError
    from .errors import DivergedError as DivergedError
    from .lab.gradcheck import check_network as check_network
    from .lab.gradcheck import check_vjps as check_vjps
    from .lab.gradcheck import numerical_gradient as numerical_gradient
    from .layers import ELU as ELU
    from .layers import AvgPool2d as AvgPool2d
    from .layers import BatchNorm1d as BatchNorm1d
    from .layers import BatchNorm2d as BatchNorm2d
    from .layers import Conv2d as Conv2d
    from .layers import Dropout as Dropout
    from .layers import Flatten as Flatten
    from .layers import Layer as Layer
    from .layers import Linear as Linear
    from .layers import MaxPool2d as MaxPool2d
    from .layers import ReLU as ReLU
    from .layers import Reshape as Reshape
    from .layers import Sigmoid as Sigmoid
    from .layers import Tanh as Tanh
    from .losses import BinaryCrossEntropy as BinaryCrossEntropy
    from .losses import Hinge as Hinge
    from .losses import Loss as Loss
    from .losses import MeanAbsoluteError as MeanAbsoluteError
    from .losses import MeanSquaredError as MeanSquaredError
    from .losses import SoftmaxCrossEntropy as SoftmaxCrossEntropy
    from .metrics import accuracy as accuracy
    from .metrics import confusion_matrix as confusion_matrix
    from .metrics import evaluate as evaluate
    from .models import autoencoder as autoencoder
    from .models import lenet5 as lenet5
    from .models import mlp as mlp
    from .models import softmax_regression as softmax_regression
    from .models import two_layer_net as two_layer_net
    from .network import Network as Network
    from .optimizers import SGD as SGD
    from .optimizers import Adam as Adam
    from .optimizers import AdamW as AdamW
    from .optimizers import RMSprop as RMSprop
    from .schedules import CosineAnnealing as CosineAnnealing
    from .schedules import StepDecay as StepDecay
    from .tiers import Tier as Tier
    from .tiers import get_tier as get_tier
    from .trainer import Trainer as Trainer
    from .training import fit as fit
    from .training_state import History as History

_MODULE_OF = {  # what happens
    "load_dataset": "datasets",
    "load_fashion_mnist": "datasets",
    "load_mnist": "datasets",
    "DataError": "errors",
    "DivergedError": "errors",
    "check_network": "lab.gradcheck",
    "check_vjps": "lab.gradcheck",
    "numerical_gradient": "lab.gradcheck",
    "ELU": "layers",
    "AvgPool2d": "layers",
    "BatchNorm1d": "layers",
    "BatchNorm2d": "layers",
    "Conv2d": "layers",
    "Dropout": "layers",
    "Flatten": "layers",
    "Layer": "layers",
    "Linear": "layers",
    "MaxPool2d": "layers",
    "Reshape": "layers",
    "ReLU": "layers",
    "Sigmoid": "layers",
    "Tanh": "layers",
    "BinaryCrossEntropy": "losses",
    "Hinge": "losses",
    "Loss": "losses",
    "MeanAbsoluteError": "losses",
    "MeanSquaredError": "losses",
    "SoftmaxCrossEntropy": "losses",
    "accuracy": "metrics",
    "confusion_matrix": "metrics",
    "autoencoder": "models",
    "lenet5": "models",
    "mlp": "models",
    "softmax_regression": "models",
    "two_layer_net": "models",
    "Network": "network",
    "SGD": "optimizers",
    "AdamW": "optimizers",
    "RMSprop": "optimizers",
    "Adam": "optimizers",
    "CosineAnnealing": "schedules",
    "StepDecay": "schedules",
    "load": "checkpoints",
    "save": "checkpoints",
    "Tier": "tiers",
    "get_tier": "tiers",
    "History": "training_state",
    "Trainer": "trainer",
    "evaluate": "metrics",
    "fit": "training",
}
__all__ = [*_MODULE_OF]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import micrograd_tiers` alone takes no time."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
