"""A recipe: the settings of a training run, in numbers and words that can be saved, compared and varied."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, get_args, get_type_hints

from .arguments import either
from .layers.activation import ACTIVATIONS
from .optimizers import OPTIMIZERS, SGD, Optimizer
from .schedules import Schedule
from .tiers.protocol import TIERS
from .words import schedule_from_words

# Names of `datasets.DATASETS`: a recipe, and what it makes help texts of, need no NumPy.
DATASETS = ("ellipse", "xor", "moons", "circles", "spiral", "blobs", "glyphs", "mnist", "fashion-mnist")


def _setting(default: Any, text: str = "", *, unit: str | None = None, shown: str | None = None) -> Any:
    """Return a field that knows its command-line option: the help, with the default in words, and the placeholder."""
    if shown is None and default is not False and default not in (None, ""):
        shown = f"{default:g}" if isinstance(default, float) else str(default).strip("(,)")
    text = text if shown is None else f"{text} (default: {shown})"
    return field(default=default, metadata={"help": text.strip(), "metavar": unit})


@dataclass(frozen=True)
class Recipe:
    """Settings of a training run: the options of `micrograd-tiers train`, each a field with its help text.

    Parameters
    ----------
    data, n_train, n_test, tier, init, dtype, exact, batch_size, epochs, seed
        As in `load_dataset`, `Network` and `fit`.
    layers : str
        The net in words, see `words.layers_from_words`; where empty, `mlp` with hidden, activation and dropout.
    optimizer : {"sgd", "rmsprop", "adam", "adamw"}
        With learning_rate and weight_decay (the optimizer's own where not given), momentum, nesterov.
    schedule : str
        In words, see `words.schedule_from_words`; none where empty.
    validation : int
        Number of training samples set aside; patience and keep_best go by them.
    """

    data: str = _setting("glyphs", f"data set: {', '.join(DATASETS)}", unit="SET")
    n_train: int | None = _setting(None, "number of training samples", unit="N")
    n_test: int | None = _setting(None, "number of test samples", unit="N")
    tier: str = _setting("tensor", f"{', '.join(TIERS)}, or your own .py file")
    layers: str = _setting(
        "",
        "all layers except the last, in place of the next three options; for example "
        "'conv:6,5,1,2 relu max:2 linear:120 relu dropout:0.5'. Layers: conv:CHANNELS,KERNEL[,STRIDE[,PADDING]], "
        "max:KERNEL[,STRIDE], avg:KERNEL[,STRIDE], batchnorm, dropout:P, flatten, linear:UNITS, and the activations",
        unit="WORDS",
    )
    hidden: tuple[int, ...] = _setting((300,), "hidden units of each hidden layer", unit="H")
    activation: str = _setting("sigmoid", either(ACTIVATIONS))
    dropout: float = _setting(0.0, "probability that dropout sets an output of a hidden layer to 0", unit="P")
    init: str = _setting("xavier", "initializer of the weights: standard_normal, uniform, xavier, kaiming, ...")
    dtype: str = _setting("float64", "float64 or float32")
    exact: bool = _setting(False, "exact mode: arithmetic that gives equal bits at every tier")
    optimizer: str = _setting("sgd", either(OPTIMIZERS))
    learning_rate: float | None = _setting(
        None, "learning rate", unit="RATE", shown="0.1 for sgd, 0.001 for the others"
    )
    momentum: float = _setting(0.0, "momentum of sgd")
    nesterov: bool = _setting(False, "use Nesterov momentum")
    weight_decay: float | None = _setting(
        None, "factor of the L2 penalty; for adamw, decoupled weight decay", shown="0; 0.01 for adamw"
    )
    label_smoothing: float = _setting(0.0, "share of the target that is spread over all classes", unit="S")
    schedule: str = _setting(
        "",
        "learning rate schedule: cosine, or step:EVERY[,BY], which multiplies the rate by BY (0.1) every EVERY epochs",
        shown="none",
    )
    batch_size: int = _setting(64, "samples per mini-batch", unit="N")
    epochs: int = _setting(10, "number of epochs; with --resume, the total", unit="N")
    validation: int = _setting(0, "number of training samples to set aside for validation", unit="N")
    patience: int | None = _setting(
        None, "stop after N epochs without a lower validation loss; needs --validation", unit="N"
    )
    keep_best: bool = _setting(
        False, "restore the weights of the epoch with the lowest validation loss; needs --validation"
    )
    no_shuffle: bool = _setting(False, "do not shuffle the training samples")
    no_standardize: bool = _setting(False, "do not standardize points in the plane")
    seed: int = _setting(0, "random seed")

    # Reading and writing.

    def as_json(self) -> dict[str, Any]:
        """Return all settings by name, as JSON has them, with the numbers that were left to the optimizer."""
        rates = {name: getattr(self.update_rule, name) for name in ("learning_rate", "weight_decay")}
        return asdict(self) | rates | {"hidden": [*self.hidden]}

    @classmethod
    def from_json(cls, settings: Mapping[str, Any]) -> "Recipe":
        """Return the recipe with these settings, as from `as_json`; those that are missing have their defaults.

        Raises
        ------
        ValueError
            If a name is not that of a setting, or a value is not of its type.
        """
        for name, value in settings.items():
            if name not in KINDS:
                raise ValueError(f"recipe: there is no setting {name!r}, expected one of {', '.join(KINDS)}")
            kinds = KINDS[name]
            numbers = isinstance(value, list | tuple) and all(type(n) is int for n in value)
            whole_for_float = float in kinds and type(value) is int
            if not (type(value) in kinds or (tuple in kinds and numbers) or whole_for_float):
                raise ValueError(f"recipe: {name} is {value!r}, expected {either([kind.__name__ for kind in kinds])}")
        hidden = {"hidden": tuple(settings["hidden"])} if "hidden" in settings else {}
        return cls(**{**settings, **hidden})

    def settings(self) -> dict[str, Any]:
        """Return the settings that count, by name: not those of a net that `layers` replaces, nor empty `layers`."""
        unused = ("hidden", "activation", "dropout") if self.layers else ("layers",)
        return {name: value for name, value in self.as_json().items() if name not in unused}

    # At work.

    @cached_property
    def update_rule(self) -> Optimizer:
        """The optimizer; a ValueError if it is not known, or does not take the other settings."""
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer is {self.optimizer!r}, expected one of {', '.join(OPTIMIZERS)}")
        settings = {"learning_rate": self.learning_rate, "weight_decay": self.weight_decay}
        given = {name: value for name, value in settings.items() if value is not None}
        if self.optimizer == "sgd":
            return SGD(momentum=self.momentum, nesterov=self.nesterov, **given)
        if self.momentum or self.nesterov:
            raise ValueError(f"momentum goes with the optimizer sgd; {self.optimizer} has running means of its own")
        return OPTIMIZERS[self.optimizer](**given)

    @cached_property
    def rate_schedule(self) -> Schedule | None:
        """The schedule of the learning rate, if there is one; a ValueError if its words are not known."""
        return schedule_from_words(self.schedule, self.epochs)


KINDS: dict[str, list[type]] = {  # the classes that a setting's value may have
    name: [tuple] if name == "hidden" else [*(get_args(hint) or (hint,))]
    for name, hint in get_type_hints(Recipe).items()
}
