"""Recipes: the settings of a training run, as numbers and strings that can be saved, compared and varied."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, get_args, get_type_hints

from . import html
from .arguments import check_name, either, whole_number
from .files import check_file_name
from .initializers import get_initializer
from .layers import Dropout
from .layers.activation import ACTIVATIONS
from .losses import SoftmaxCrossEntropy
from .optimizers import OPTIMIZERS, SGD, Optimizer
from .tiers.protocol import TIERS
from .words import schedule_from_words

# The names in `datasets.DATASETS` and `datasets.TEXTS`, repeated here because recipes and help texts must not import
# NumPy.
DATASETS = (
    "ellipse", "xor", "moons", "circles", "spiral", "blobs", "glyphs", "mnist", "fashion-mnist", "kmnist", "qmnist",
    "emnist-balanced", "emnist-byclass", "emnist-bymerge", "emnist-digits", "emnist-letters", "emnist-mnist",
)  # fmt: skip
TEXTS = ("names", "makemore-names")

# Defaults that depend on the net: those of a course's first nets, and those of microgpt.
DEFAULTS: dict[str, dict[str, Any]] = {
    "mlp": {
        "data": "glyphs", "hidden": (300,), "activation": "sigmoid", "init": "xavier", "optimizer": "sgd",
        "schedule": "", "batch_size": 64, "epochs": 10,
    },
    "gpt": {
        "data": "names", "hidden": (), "activation": "relu", "init": "normal:0.08", "optimizer": "adam",
        "learning_rate": 0.01, "schedule": "linear", "batch_size": 1, "steps": 1000, "length": 16,
    },
}  # fmt: skip


def _setting(
    default: Any, text: str = "", *, unit: str | None = None, shown: str | None = None,
    check: Callable[[Any], object] = lambda value: None,
) -> Any:  # fmt: skip
    """Return a field with the help text, the placeholder and the check of its command-line option.

    The help text names the default. The check raises a ValueError for a value that is wrong with any other settings.
    """
    if shown is None and default is not False and default not in (None, ""):
        shown = f"{default:g}" if isinstance(default, float) else str(default).strip("(,)")
    text = text if shown is None else f"{text} (default: {shown})"
    return field(default=default, metadata={"help": text.strip(), "metavar": unit, "check": check})


def _of_net(name: str, text: str, *, unit: str | None = None, none: str = "", check: Callable[[Any], object]) -> Any:
    """Return a field whose default depends on the net; the help text names both defaults, and `none` for ""."""
    mlp, gpt = (str(DEFAULTS[net].get(name, "")).strip("(,)") or none for net in DEFAULTS)
    shown = "; ".join([*[mlp] * bool(mlp), *[f"{gpt} for gpt"] * bool(gpt)])
    return _setting(None, text, unit=unit, shown=shown, check=check)


def _whole(name: str, at_least: int = 1) -> Callable[[Any], object]:
    return lambda value: whole_number(name, value, at_least)


def _check_seed(seed: Any) -> None:
    if not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed is {seed!r}, expected a whole number of at least 0")


def _one_of(what: str, names: Iterable[str]) -> Callable[[str], object]:
    return lambda name: check_name(what, name, names)


@dataclass(frozen=True)
class Recipe:
    """Settings of a training run: the options of `micrograd-tiers train`, each a field with its help text.

    Settings that are not given have the defaults of the net, in `DEFAULTS`.

    Parameters
    ----------
    net : {"mlp", "gpt"}
        "mlp": a classifier, an `mlp` or the net of `layers`. "gpt": a `gpt`, which learns to predict the next token of
        documents; its defaults are those of microgpt, also the means of Adam (0.85 and 0.99).
    data : str
        Name of the data set, as in `load_dataset`.
    text : str
        Text file with one document per line, as in `load_text`, in place of data; for a gpt.
    length : int
        Number of positions of a gpt. Documents of a text file that are longer are cut off.
    n_train, n_test
        As in `load_dataset`.
    tier, init, dtype, exact, label_smoothing
        As in `Network`.
    layers : str
        The layers on one line, see `words.layers_from_words`. If empty, the net is an `mlp`.
    hidden : tuple of int
        Number of units of each hidden layer of the `mlp`.
    activation, dropout
        As in `mlp`.
    optimizer : {"sgd", "rmsprop", "adam", "adamw"}
        Name of the optimizer.
    learning_rate, weight_decay : float, optional
        As in the class of the optimizer, which also gives the defaults.
    momentum, nesterov
        As in `SGD`; for "sgd" only.
    schedule : str
        Schedule of the learning rate, see `words.schedule_from_words`.
    validation : int
        Number of training samples set aside for validation, which patience and keep_best need; 0 for none.
    batch_size, steps, patience, keep_best, drop_last
        As in `fit`.
    epochs : int
        As in `fit`; None if the length of the run is given in steps.
    no_shuffle : bool
        If True, take the training samples in the same order in every epoch.
    no_standardize : bool
        If True, do not standardize the features; images are never standardized.
    seed : int
        Seed of the data set, the validation split, the initial weights, the order of the samples and the dropout masks.
    """

    net: str = _setting(
        "mlp",
        "mlp, a classifier; or gpt, which reads documents and has the settings of microgpt where its defaults differ",
        check=_one_of("net", DEFAULTS),
    )
    data: str = _of_net(
        "data",
        f"data set: {', '.join(DATASETS)}; for gpt {' or '.join(TEXTS)}",
        unit="SET",
        check=_one_of("data set", (*DATASETS, *TEXTS)),
    )
    text: str = _setting(
        "", "text file with one document per line, in place of --data; for gpt", unit="FILE", check=check_file_name
    )
    length: int | None = _of_net(
        "length",
        "number of positions of a gpt; longer documents of --text are cut off",
        unit="T",
        check=_whole("length"),
    )
    n_train: int | None = _setting(None, "number of training samples", unit="N", check=_whole("n_train"))
    n_test: int | None = _setting(None, "number of test samples", unit="N", check=_whole("n_test"))
    tier: str = _setting("tensor", f"{', '.join(TIERS)}, or your own .py file")
    layers: str = _setting(
        "",
        "all layers except the last, in place of the next three options; for example "
        "'conv:6,5,1,2 relu max:2 linear:120 relu dropout:0.5'. Layers: conv:CHANNELS,KERNEL[,STRIDE[,PADDING]], "
        "max:KERNEL[,STRIDE], avg:KERNEL[,STRIDE], batchnorm, dropout:P, flatten, linear:UNITS, and the activations",
        unit="WORDS",
    )
    hidden: tuple[int, ...] = _of_net("hidden", "hidden units of each hidden layer", unit="H", check=_whole("hidden"))
    activation: str = _of_net("activation", either(ACTIVATIONS), check=_one_of("activation", ACTIVATIONS))
    dropout: float = _setting(
        0.0, "probability that dropout sets an output of a hidden layer to 0", unit="P", check=Dropout
    )
    init: str = _of_net(
        "init",
        "initializer of the weights: standard_normal, normal:DEVIATION, uniform, xavier, kaiming, ...",
        check=get_initializer,
    )
    dtype: str = _setting("float64", "float64 or float32", check=_one_of("dtype", ("float64", "float32")))
    exact: bool = _setting(False, "exact mode: arithmetic that gives equal bits at every tier")
    optimizer: str = _of_net("optimizer", either(OPTIMIZERS), check=_one_of("optimizer", OPTIMIZERS))
    learning_rate: float | None = _setting(
        None, "learning rate", unit="RATE", shown="0.1 for sgd, 0.001 for the others; 0.01 for gpt", check=SGD
    )
    momentum: float = _setting(0.0, "momentum of sgd", check=lambda momentum: SGD(momentum=momentum))
    nesterov: bool = _setting(False, "use Nesterov momentum")
    weight_decay: float | None = _setting(
        None,
        "factor of the L2 penalty; for adamw, decoupled weight decay",
        shown="0; 0.01 for adamw",
        check=lambda decay: SGD(weight_decay=decay),
    )
    label_smoothing: float = _setting(
        0.0, "share of the target that is spread over all classes", unit="S", check=SoftmaxCrossEntropy
    )
    schedule: str = _of_net(
        "schedule",
        "learning rate schedule: constant; cosine; linear, which falls step by step; or step:EVERY[,BY], which "
        "multiplies the rate by BY (0.1) every EVERY epochs",
        none="constant",
        check=lambda words: schedule_from_words(words, epochs=1, steps=1),
    )
    batch_size: int = _of_net("batch_size", "samples per mini-batch", unit="N", check=_whole("batch_size"))
    epochs: int = _of_net("epochs", "number of epochs; with --resume, the total", unit="N", check=_whole("epochs"))
    steps: int | None = _of_net("steps", "number of steps, in place of --epochs", unit="N", check=_whole("steps"))
    validation: int = _setting(
        0, "number of training samples to set aside for validation", unit="N", check=_whole("validation", 0)
    )
    patience: int | None = _setting(
        None,
        "stop after N epochs without a lower validation loss; needs --validation",
        unit="N",
        check=_whole("patience"),
    )
    keep_best: bool = _setting(
        False, "restore the weights of the epoch with the lowest validation loss; needs --validation"
    )
    drop_last: bool = _setting(False, "leave out the last mini-batch of an epoch if it is smaller than the others")
    no_shuffle: bool = _setting(False, "do not shuffle the training samples")
    no_standardize: bool = _setting(False, "do not standardize points in the plane")
    seed: int = _setting(0, "random seed", check=_check_seed)

    def __post_init__(self) -> None:
        check_name("net", self.net, DEFAULTS)
        length = ("epochs", "steps") if self.epochs is not None or self.steps is not None else ()
        for name, default in DEFAULTS[self.net].items():
            if getattr(self, name) is None and name not in length:
                object.__setattr__(self, name, default)

    def _repr_html_(self) -> str:
        given = {name: x for name, x in asdict(self).items() if x is not None and x is not False and x != ""}
        rows = [(name, " ".join(map(str, x)) if isinstance(x, tuple) else x) for name, x in given.items()]
        return html.table(("setting", "value"), rows, "Recipe")

    # Reading and writing.

    def as_json(self) -> dict[str, Any]:
        """Return all settings by name, in JSON's types; a rate or decay that was not given is the optimizer's own."""
        rates = {name: getattr(self.update_rule, name) for name in ("learning_rate", "weight_decay")}
        return asdict(self) | rates | {"hidden": [*self.hidden]}

    @classmethod
    def from_json(cls, settings: Mapping[str, Any]) -> "Recipe":
        """Return the recipe with the given settings, as from `as_json`; missing ones have their defaults.

        Raises
        ------
        ValueError
            If a name is not that of a setting, or a value has the wrong type or is out of its range.
        """
        for name, value in settings.items():
            if name not in KINDS:
                raise ValueError(f"recipe: there is no setting {name!r}, expected one of {', '.join(KINDS)}")
            kinds = [*KINDS[name], *[type(None)] * (value is None and cls.__dataclass_fields__[name].default is None)]
            numbers = isinstance(value, list | tuple) and all(type(n) is int for n in value)
            whole_for_float = float in kinds and type(value) is int
            if not (type(value) in kinds or (tuple in kinds and numbers) or whole_for_float):
                raise ValueError(f"recipe: {name} is {value!r}, expected {either([kind.__name__ for kind in kinds])}")
            try:
                check_setting(name, value)
            except ValueError as error:
                raise ValueError(f"recipe: {name}: {error}") from None
        hidden = {"hidden": tuple(settings["hidden"])} if "hidden" in settings else {}
        return cls(**{**settings, **hidden})

    def settings(self) -> dict[str, Any]:
        """Return the settings in use, by name.

        If `layers` is given, hidden, activation and dropout are left out; otherwise `layers` is left out. Settings that
        only a gpt has are left out for other nets, and steps if the length of the run is given in epochs.
        """
        unused = ["hidden", "activation", "dropout"] if self.layers else ["layers"]
        if self.net == "mlp":
            unused += ["net", "text", "length"]
        if self.steps is None:
            unused.append("steps")
        return {name: value for name, value in self.as_json().items() if name not in unused}

    # The objects that the settings describe.

    @cached_property
    def update_rule(self) -> Optimizer:
        """The optimizer; raises ValueError if it is unknown or does not take the other settings."""
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer is {self.optimizer!r}, expected one of {', '.join(OPTIMIZERS)}")
        settings = {"learning_rate": self.learning_rate, "weight_decay": self.weight_decay}
        given = {name: value for name, value in settings.items() if value is not None}
        if self.optimizer == "sgd":
            if self.nesterov and not self.momentum:
                raise ValueError("--nesterov needs a --momentum above 0, such as 0.9")
            return SGD(momentum=self.momentum, nesterov=self.nesterov, **given)
        if self.momentum or self.nesterov:
            option = "--momentum" if self.momentum else "--nesterov"
            raise ValueError(f"{option} needs --optimizer sgd; {self.optimizer} has its own running means")
        if self.net == "gpt" and self.optimizer in ("adam", "adamw"):
            given |= {"beta1": 0.85, "beta2": 0.99}
        return OPTIMIZERS[self.optimizer](**given)


KINDS: dict[str, list[type]] = {  # the types that the value of a setting may have
    name: [tuple] if name == "hidden" else [*(get_args(hint) or (hint,))]
    for name, hint in get_type_hints(Recipe).items()
}


def check_setting(name: str, value: Any) -> None:
    """Raise a ValueError if the value of a setting is out of its range, whatever the other settings are."""
    check = Recipe.__dataclass_fields__[name].metadata["check"]
    for one in value if isinstance(value, list | tuple) else [value]:
        if one not in (None, ""):  # the default of some settings
            check(one)
