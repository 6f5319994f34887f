"""One network, three tiers: backpropagation as Python lists, NumPy vectors and mini-batch matrices."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:  # what type checkers and editors see
    from .datasets import load_dataset as load_dataset
    from .datasets import load_fashion_mnist as load_fashion_mnist
    from .datasets import load_mnist as load_mnist
    from .errors import DataError as DataError
    from .errors import DivergedError as DivergedError
    from .gradcheck import check_network as check_network
    from .gradcheck import check_vjps as check_vjps
    from .gradcheck import numerical_gradient as numerical_gradient
    from .layers import ELU as ELU
    from .layers import Layer as Layer
    from .layers import Linear as Linear
    from .layers import ReLU as ReLU
    from .layers import Sigmoid as Sigmoid
    from .layers import Tanh as Tanh
    from .metrics import accuracy as accuracy
    from .metrics import confusion_matrix as confusion_matrix
    from .models import mlp as mlp
    from .models import two_layer_net as two_layer_net
    from .network import Network as Network
    from .optimizers import SGD as SGD
    from .optimizers import Adam as Adam
    from .serialization import load as load
    from .serialization import save as save
    from .tiers import Tier as Tier
    from .tiers import get_tier as get_tier
    from .training import History as History
    from .training import Trainer as Trainer
    from .training import evaluate as evaluate
    from .training import fit as fit

_MODULE_OF = {  # what happens
    "load_dataset": "datasets",
    "load_fashion_mnist": "datasets",
    "load_mnist": "datasets",
    "DataError": "errors",
    "DivergedError": "errors",
    "check_network": "gradcheck",
    "check_vjps": "gradcheck",
    "numerical_gradient": "gradcheck",
    "ELU": "layers",
    "Layer": "layers",
    "Linear": "layers",
    "ReLU": "layers",
    "Sigmoid": "layers",
    "Tanh": "layers",
    "accuracy": "metrics",
    "confusion_matrix": "metrics",
    "mlp": "models",
    "two_layer_net": "models",
    "Network": "network",
    "SGD": "optimizers",
    "Adam": "optimizers",
    "load": "serialization",
    "save": "serialization",
    "Tier": "tiers",
    "get_tier": "tiers",
    "History": "training",
    "Trainer": "training",
    "evaluate": "training",
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
