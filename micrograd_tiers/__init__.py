"""One network, three tiers: backpropagation as Python lists, NumPy vectors and mini-batch matrices."""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_MODULES = ("datasets", "engine", "nn", "plots", "tiers")
_NAMES = {  # keyed by the module that defines them
    "checkpoints": ("load", "save"),
    "datasets": ("load_dataset", "load_fashion_mnist", "load_mnist", "load_text"),
    "derivatives": ("derivative", "gradient"),
    "engine": ("Value",),
    "errors": ("DataError", "DivergedError"),
    "history": ("History",),
    "lab.gradcheck": (
        "assert_gradient", "check", "check_jvp", "check_network", "check_vjps", "numerical_gradient",
    ),
    "layers": (
        "ELU", "Attention", "AvgPool2d", "BatchNorm1d", "BatchNorm2d", "Conv2d", "Dropout", "Embedding", "Flatten",
        "Fork", "Join", "Layer", "LayerNorm", "Linear", "MaxPool2d", "Position", "Project", "RMSNorm", "ReLU",
        "Reshape", "Sigmoid", "SquaredReLU", "Tanh", "residual",
    ),
    "losses": (
        "BinaryCrossEntropy", "Hinge", "Loss", "MeanAbsoluteError", "MeanSquaredError", "NextTokenLoss",
        "SoftmaxCrossEntropy",
    ),
    "metrics": ("accuracy", "confusion_matrix", "evaluate"),
    "models": ("autoencoder", "gpt", "lenet5", "mlp", "softmax_regression", "two_layer_net"),
    "network": ("Network",),
    "nn": ("MLP", "Neuron"),
    "optimizers": ("SGD", "Adam", "AdamW", "RMSprop"),
    "recipe": ("Recipe",),
    "run": ("Run",),
    "schedules": ("CosineAnnealing", "LinearDecay", "StepDecay"),
    "text": ("generate",),
    "tiers": ("Tier", "get_tier"),
    "tokenizer": ("Tokenizer",),
    "trainer": ("Trainer",),
    "training": ("fit",),
    "views.animation.animation": ("animate",),
    "views.draw": ("draw",),
    "views.replay": ("replay",),
    "views.step": ("step_through",),
}  # fmt: skip
_MODULE_OF = {name: module for module, names in _NAMES.items() for name in names}

if TYPE_CHECKING:  # the same for type checkers and editors
    from . import datasets as datasets
    from . import engine as engine
    from . import nn as nn
    from . import plots as plots
    from . import tiers as tiers
    from .checkpoints import load as load
    from .checkpoints import save as save
    from .datasets import load_dataset as load_dataset
    from .datasets import load_fashion_mnist as load_fashion_mnist
    from .datasets import load_mnist as load_mnist
    from .datasets import load_text as load_text
    from .derivatives import derivative as derivative
    from .derivatives import gradient as gradient
    from .engine import Value as Value
    from .errors import DataError as DataError
    from .errors import DivergedError as DivergedError
    from .history import History as History
    from .lab.gradcheck import assert_gradient as assert_gradient
    from .lab.gradcheck import check as check
    from .lab.gradcheck import check_jvp as check_jvp
    from .lab.gradcheck import check_network as check_network
    from .lab.gradcheck import check_vjps as check_vjps
    from .lab.gradcheck import numerical_gradient as numerical_gradient
    from .layers import ELU as ELU
    from .layers import Attention as Attention
    from .layers import AvgPool2d as AvgPool2d
    from .layers import BatchNorm1d as BatchNorm1d
    from .layers import BatchNorm2d as BatchNorm2d
    from .layers import Conv2d as Conv2d
    from .layers import Dropout as Dropout
    from .layers import Embedding as Embedding
    from .layers import Flatten as Flatten
    from .layers import Fork as Fork
    from .layers import Join as Join
    from .layers import Layer as Layer
    from .layers import LayerNorm as LayerNorm
    from .layers import Linear as Linear
    from .layers import MaxPool2d as MaxPool2d
    from .layers import Position as Position
    from .layers import Project as Project
    from .layers import ReLU as ReLU
    from .layers import Reshape as Reshape
    from .layers import RMSNorm as RMSNorm
    from .layers import Sigmoid as Sigmoid
    from .layers import SquaredReLU as SquaredReLU
    from .layers import Tanh as Tanh
    from .layers import residual as residual
    from .losses import BinaryCrossEntropy as BinaryCrossEntropy
    from .losses import Hinge as Hinge
    from .losses import Loss as Loss
    from .losses import MeanAbsoluteError as MeanAbsoluteError
    from .losses import MeanSquaredError as MeanSquaredError
    from .losses import NextTokenLoss as NextTokenLoss
    from .losses import SoftmaxCrossEntropy as SoftmaxCrossEntropy
    from .metrics import accuracy as accuracy
    from .metrics import confusion_matrix as confusion_matrix
    from .metrics import evaluate as evaluate
    from .models import autoencoder as autoencoder
    from .models import gpt as gpt
    from .models import lenet5 as lenet5
    from .models import mlp as mlp
    from .models import softmax_regression as softmax_regression
    from .models import two_layer_net as two_layer_net
    from .network import Network as Network
    from .nn import MLP as MLP
    from .nn import Neuron as Neuron
    from .optimizers import SGD as SGD
    from .optimizers import Adam as Adam
    from .optimizers import AdamW as AdamW
    from .optimizers import RMSprop as RMSprop
    from .recipe import Recipe as Recipe
    from .run import Run as Run
    from .schedules import CosineAnnealing as CosineAnnealing
    from .schedules import LinearDecay as LinearDecay
    from .schedules import StepDecay as StepDecay
    from .text import generate as generate
    from .tiers import Tier as Tier
    from .tiers import get_tier as get_tier
    from .tokenizer import Tokenizer as Tokenizer
    from .trainer import Trainer as Trainer
    from .training import fit as fit
    from .views.animation.animation import animate as animate
    from .views.draw import draw as draw
    from .views.replay import replay as replay
    from .views.step import step_through as step_through
else:
    __all__ = [*_MODULE_OF]  # without modules: a star import does not load matplotlib

    def __getattr__(name: str) -> object:
        """Import a public name or module on first use, so that `import micrograd_tiers` alone takes no time."""
        if name in _MODULES:
            return import_module(f".{name}", __name__)
        if name not in _MODULE_OF:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*_MODULE_OF, *_MODULES, *(name for name in globals() if name.startswith("__"))})
