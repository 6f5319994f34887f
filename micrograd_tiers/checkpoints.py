"""Saving and loading nets as .npz files of arrays and a JSON header. They hold no pickles, and so never any code."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import layers as layer_types
from .archives import opened
from .arguments import shown
from .errors import DataError
from .files import replacing
from .formats import cut
from .inputs import check_shapes
from .layers import Layer
from .losses import ALL_LOSSES, Loss, get_loss
from .network import Network, check_net
from .tiers import TIERS
from .tokenizer import Tokenizer

FORMAT_VERSION = 1
TRAINING = "training."  # prefix of the names of the arrays of the training state


@dataclass
class Checkpoint:
    """The contents of a saved file.

    Attributes
    ----------
    net : Network
    info : dict
        Values that JSON can hold, such as the data set of the training and the names of the classes.
    training : dict of ndarray
        As from `Trainer.state_dict`; empty if no training state was saved.
    tokenizer : Tokenizer or None
        The tokenizer of a net of documents; None if none was saved.
    """

    net: Network
    info: dict[str, Any] = field(default_factory=dict)
    training: dict[str, NDArray[Any]] = field(default_factory=dict)
    tokenizer: Tokenizer | None = None

    def __repr__(self) -> str:
        info = cut(", ".join(self.info), 200) or "none"
        return f"<Checkpoint: {cut(repr(self.net), 500)}; info: {info}; {len(self.training)} arrays of the training>"


def save(
    net: Network,
    path: str | os.PathLike[str],
    *,
    info: Mapping[str, Any] | None = None,
    training: Mapping[str, NDArray[Any]] | None = None,
    tokenizer: Tokenizer | None = None,
) -> None:
    """Write a net to an .npz file, whole or not at all.

    Parameters
    ----------
    net : Network
    path : path
        File to write. If the process is killed, the path holds either the old file or the complete new one.
    info : mapping, optional
        Additional values to store: anything that JSON can hold; NumPy's arrays and numbers become lists and numbers.
    training : mapping of ndarray, optional
        State of the training from `Trainer.state_dict`, to resume from.
    tokenizer : Tokenizer, optional
        The tokenizer of a net of documents, which `load_checkpoint(path).tokenizer` returns.

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError
        If an argument is not what it should be, or the net takes other tokens than those of the tokenizer.
    """
    check_net(net)
    _check_path(path)
    for name, given in (("info", info), ("training", training)):
        if given is not None and not isinstance(given, Mapping):
            raise ValueError(f"{name} is {shown(given)}, expected a dict")
    if tokenizer is not None:
        if not isinstance(tokenizer, Tokenizer):
            raise ValueError(f"tokenizer is {shown(tokenizer)}, expected an mt.Tokenizer")
        tokenizer.check(net.layers)
    header = {
        "format": "micrograd_tiers",
        "version": FORMAT_VERSION,
        "layers": [{"type": type(layer).__name__, **asdict(layer)} for layer in net.layers],
        "loss": net.loss.name if type(net.loss) is ALL_LOSSES.get(net.loss.name) else type(net.loss).__name__,
        "loss_settings": asdict(net.loss),
        "tier": net.tier_name,
        "dtype": net.dtype,
        "exact": net.exact,
        "frozen": sorted(net.frozen),
        "info": dict(info or {}),
        "characters": None if tokenizer is None else tokenizer.characters,
    }
    arrays: dict[str, Any] = {"header": np.array(json.dumps(header, default=_plain)), **net.state_dict()}
    arrays |= {f"{TRAINING}{name}": array for name, array in (training or {}).items()}
    with replacing(path) as file:
        np.savez(file, **arrays)


def load(path: str | os.PathLike[str], tier: str | None = None) -> Network:
    """Load a net from a file written by `save`.

    Parameters
    ----------
    path : path
    tier : str, optional
        Tier of the net; by default the tier at which it was saved if that is a built-in one, otherwise "tensor". At the
        scalar tier a float32 net becomes float64, with the same weights.

    Returns
    -------
    Network

    Raises
    ------
    DataError
        If the file is truncated, damaged, of another kind, or holds pickled objects (which are never loaded).
    FileNotFoundError
        If there is no such file.
    """
    _check_path(path)
    net = load_checkpoint(path).net
    return net if tier is None else net.to(tier)


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Return the contents of a file written by `save`; raises as `load` does."""
    try:
        with opened(path) as file:
            header = json.loads(str(file.read("header")))
            if header["format"] != "micrograd_tiers" or header["version"] != FORMAT_VERSION:
                raise DataError(
                    f"{path}: format {header['format']} version {header['version']}, expected micrograd_tiers version "
                    f"{FORMAT_VERSION}; a newer micrograd_tiers may read it"
                )
            layers = [_layer(description) for description in header["layers"]]
            of_training = [name for name in file.names if name.startswith(TRAINING)]
            of_net = [name for name in file.names if name not in ("header", *of_training)]
            check_shapes({name: file.shape(name) for name in of_net}, layers)  # the header may claim any size
            arrays = {name: file.read(name) for name in of_net}
            training = {name.removeprefix(TRAINING): file.read(name) for name in of_training}
        tier = header["tier"] if header["tier"] in TIERS else "tensor"  # otherwise a file could name code to run
        net = Network(layers, _loss(header), tier=tier, dtype=header["dtype"], exact=header["exact"], init="zeros")
        net.load_state_dict(arrays)
        net.freeze(*header.get("frozen", ()))
        return Checkpoint(net, dict(header["info"]), training, _tokenizer(header, net))
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file") from None
    except DataError as error:
        raise DataError(str(error) if str(path) in str(error) else f"{path}: {error}") from None
    except Exception as error:  # a damaged file can make zipfile, numpy and json raise almost anything
        if isinstance(error, OSError) and error.filename:
            raise
        raise DataError(
            f"{path}: not a complete net saved by micrograd_tiers: {cut(repr(error), 200)}; save or copy the net again"
        ) from None


def load_usable(path: str | os.PathLike[str]) -> Checkpoint:
    """Return the contents of a file, as `load_checkpoint` does, but refuse a net whose weights are not all finite."""
    saved = load_checkpoint(path)
    for name, array in saved.net.state_dict().items():
        wrong = array[~np.isfinite(array)]
        if wrong.size:
            raise DataError(
                f"{path}: {name} holds {wrong.flat[0]} ({wrong.size:,} of {array.size:,} numbers are not finite), so "
                "the net cannot be used: its training diverged. Train again, with a lower learning rate"
            )
    return saved


def _check_path(path: Any) -> None:
    if not isinstance(path, str | bytes | os.PathLike):
        raise ValueError(f"path is {shown(path)}, expected the name of a file")


def _plain(value: Any) -> Any:
    """Return NumPy's arrays and numbers in Python's types."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise ValueError(f"info holds {shown(value)}, expected what JSON can hold: numbers, texts, lists and dicts")


def _loss(header: dict[str, Any]) -> Loss:
    if "loss_settings" not in header:  # a file of an earlier version
        return get_loss(header["loss"], header.get("label_smoothing", 0.0))
    if header["loss"] not in ALL_LOSSES:
        raise DataError(f"unknown loss {header['loss']!r}, expected one of {', '.join(ALL_LOSSES)}")
    return ALL_LOSSES[header["loss"]](**header["loss_settings"])


def _tokenizer(header: dict[str, Any], net: Network) -> Tokenizer | None:
    if header.get("characters") is None:  # a net without one, or a file of an earlier version
        return None
    tokenizer = Tokenizer(header["characters"])
    tokenizer.check(net.layers)
    return tokenizer


def _layer(description: dict[str, Any]) -> Layer:
    settings = dict(description)
    name = settings.pop("type")
    if name not in layer_types.__all__ or name in ("Layer", "residual"):
        raise DataError(f"unknown layer {name!r}; a newer micrograd_tiers may know it")
    layer: Layer = getattr(layer_types, name)(**settings)
    return layer
