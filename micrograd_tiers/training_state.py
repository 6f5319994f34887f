"""The state of a training run: everything needed to resume, except weights, data and settings."""

import json
import sys
import zlib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .arguments import number, whole_number
from .errors import DataError
from .formats import cut, reason
from .history import History
from .inputs import check_state
from .network import Network
from .optimizers import Optimizer
from .weights import parameter_shapes

Arrays = Mapping[str, NDArray[Any]]


@dataclass
class TrainingState:
    """Progress of a training run.

    Attributes
    ----------
    epoch, position : int
        Epochs completed; samples seen in the current one.
    loss_sum : float
        Sum of the losses of the samples seen in the current epoch.
    history : History
    memory : dict
        Memory of the optimizer, by parameter.
    rng_state : dict
        State of the generator, from which the order of the current epoch can be drawn again.
    mask_seed : int or None
        Seed of the dropout masks.
    best_weights, last_weights : dict of ndarray
        Weights of the best epoch. If the run ended with these, the weights of the last epoch are stored too, to resume
        from. Each is empty while it is not needed.
    """

    epoch: int = 0
    position: int = 0
    loss_sum: float = 0.0
    history: History = field(default_factory=History)
    memory: dict[str, Any] = field(default_factory=dict)
    rng_state: Mapping[str, Any] = field(default_factory=dict)
    mask_seed: int | None = None
    best_weights: Arrays = field(default_factory=dict)
    last_weights: Arrays = field(default_factory=dict)

    __copy__ = deepcopy  # a copy shares nothing

    def to_arrays(self, net: Network, optimizer: Optimizer, settings: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        """Return the state, with the settings of the run, as arrays to save.

        Raises
        ------
        ValueError
            If the optimizer stores arrays that its `slots` do not name.
        """
        arrays = {f"history.{name}": np.array(values, "float64") for name, values in vars(self.history).items()}
        counts = {}
        for name in net.parameters:  # the net's order does not depend on the optimizer's steps
            memory = self.memory.get(name, {})
            undeclared = {*memory} - {*optimizer.slots, "count"}
            if undeclared:
                names = ", ".join(sorted(undeclared))
                raise ValueError(
                    f"{optimizer} stores {names}, but its slots are {optimizer.slots}: add {names} to slots"
                )
            for slot, value in memory.items():
                if isinstance(value, int):
                    counts[f"{slot}.{name}"] = value
                else:
                    arrays[f"optimizer.{slot}.{name}"] = np.array(net.tier.tolist(value), net.dtype)
        for kind, weights in (("best", self.best_weights), ("last", self.last_weights)):
            arrays |= {f"{kind}.{name}": array for name, array in weights.items()}
        state = {
            "parts": [*arrays, *counts],
            "epoch": self.epoch,
            "position": self.position,
            "loss_sum": self.loss_sum,
            "rng_state": self.rng_state,
            "mask_seed": self.mask_seed,
            "optimizer_counts": counts,
            "run": dict(settings),
        }
        return {"state": np.array(json.dumps(state, default=np.ndarray.tolist)), **arrays}

    @classmethod
    def from_arrays(
        cls, arrays: Arrays, net: Network, optimizer: Optimizer, settings: Mapping[str, Any], mask_seed: int | None
    ) -> "TrainingState":
        """Return the state stored in arrays from `to_arrays`, for a run of the same settings.

        Parameters
        ----------
        arrays : mapping of ndarray
        net : Network
        optimizer : Optimizer
        settings : mapping
            Settings of the run that will continue.
        mask_seed : int or None
            Used for files of older versions, which did not save it.

        Raises
        ------
        DataError
            If that run had other data or settings, or the arrays are damaged or incomplete.
        """
        try:
            state = json.loads(_text(arrays["state"]))
            _check_settings(state["run"], settings)
            if not isinstance(state["optimizer_counts"], dict | list):  # an empty list in files of older versions
                raise ValueError(f"optimizer_counts is {state['optimizer_counts']!r}, expected a dict")
            for name in state.get("parts", ()):  # files of older versions do not list them
                if name not in arrays and name not in state["optimizer_counts"]:
                    raise ValueError(f"{name} is missing")
            return cls._from_json(state, arrays, net, optimizer, settings, mask_seed)
        except DataError:
            raise
        except Exception as error:  # a damaged file can make json and NumPy raise almost anything
            raise damaged(error) from None

    @classmethod
    def _from_json(
        cls,
        state: dict[str, Any],
        arrays: Arrays,
        net: Network,
        optimizer: Optimizer,
        settings: Mapping[str, Any],
        mask_seed: int | None,
    ) -> "TrainingState":
        n_samples, batch_size = settings["n_samples"], settings["batch_size"]
        epoch, position = whole_number("epoch", state["epoch"], 0), whole_number("position", state["position"], 0)
        if position >= n_samples or position % batch_size:
            raise ValueError(f"position is {position}, expected a multiple of {batch_size} below {n_samples}")
        history = History(**{name: _losses(f"history.{name}", arrays) for name in vars(History())})
        steps = epoch * -(-n_samples // batch_size) + position // batch_size
        expected = {"batch_loss": steps, "train_loss": epoch}
        expected |= {name: epoch for name, values in vars(history).items() if name not in expected and values}
        for name, n in expected.items():
            if len(getattr(history, name)) != n:
                raise ValueError(f"history.{name} has {len(getattr(history, name))} values, expected {n}")
        best, last = (_weights(kind, arrays, net) for kind in ("best.", "last."))
        if settings["keep_best"] and epoch and not best:
            raise ValueError("the weights of the best epoch are missing")
        seed = state.get("mask_seed", mask_seed)
        return cls(
            epoch=epoch,
            position=position,
            loss_sum=number("loss_sum", state["loss_sum"], at_most=sys.float_info.max),
            history=history,
            memory={
                name: _memory_of(name, shape, arrays, state["optimizer_counts"], net, optimizer)
                for name, shape in parameter_shapes(net.layers).items()
            },
            rng_state=state["rng_state"],
            mask_seed=None if seed is None and mask_seed is None else _seed(seed),
            best_weights=best,
            last_weights=last,
        )


def damaged(error: Exception) -> DataError:
    """Return the error for a saved state in which something is wrong."""
    what = cut(reason(error), 200)
    return DataError(f"cannot resume: the saved training state is damaged or incomplete ({what}); start a new run")


def _text(array: NDArray[Any]) -> str:
    if array.shape or array.dtype.kind != "U":
        raise ValueError(f"state is an array of {array.dtype} of shape {array.shape}, expected text")
    return str(array)


def _seed(seed: Any) -> int:
    if type(seed) is not int or seed < 0:
        raise ValueError(f"mask_seed is {seed!r}, expected a whole number of at least 0")
    return seed


def _finite(name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Return an array; raise ValueError unless it holds finite floats."""
    if array.dtype.kind != "f":
        raise ValueError(f"{name} holds {array.dtype}, expected floats")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds {array[~np.isfinite(array)].flat[0]}, expected finite numbers")
    return array


def _losses(name: str, arrays: Arrays) -> list[float]:
    array = arrays[name]
    if array.ndim != 1:
        raise ValueError(f"{name} has shape {array.shape}, expected one dimension")
    losses: list[float] = _finite(name, array).tolist()
    return losses


def _weights(kind: str, arrays: Arrays, net: Network) -> Arrays:
    """Return the saved weights of one kind, "best." or "last."; empty if there are none."""
    weights = {name.removeprefix(kind): _finite(name, array) for name, array in arrays.items() if name.startswith(kind)}
    return check_state(weights, net.layers) if weights else {}


def _check_settings(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    theirs = {"drop_last": False, **theirs}  # files of earlier versions do not have it
    for name, value in ours.items():
        if name == "data_checksum" and theirs[name] != value:
            raise DataError("cannot resume: the samples are not those of the saved run; pass the same ones")
        if theirs[name] != value:
            raise DataError(f"cannot resume: {name} was {theirs[name]}, now it is {value}; use the saved value")


def _memory_of(
    name: str, shape: tuple[int, ...], arrays: Arrays, counts: Mapping[str, int], net: Network, optimizer: Optimizer
) -> dict[str, Any]:
    """Return the optimizer's memory of one parameter; empty if it was frozen or has not been updated yet."""
    kept = {slot: arrays.get(f"optimizer.{slot}.{name}") for slot in optimizer.slots}
    counted = f"count.{name}"
    if counted not in counts and all(array is None for array in kept.values()):
        return {}
    memory: dict[str, Any] = {"count": whole_number(counted, counts[counted])} if counted in counts else {}
    for slot, array in kept.items():
        key = f"optimizer.{slot}.{name}"
        if array is None or array.shape != shape:
            got = "is missing" if array is None else f"has shape {array.shape}"
            raise ValueError(f"{key} {got}, expected shape {shape}")
        memory[slot] = net.tier.asarray(np.array(_finite(key, array)), net.dtype)
    return memory


def checksum(*arrays: NDArray[Any]) -> int:
    """Return the CRC-32 of the concatenated bytes of the arrays."""
    crc = 0
    for array in arrays:
        crc = zlib.crc32(np.ascontiguousarray(array).data, crc)
    return crc
