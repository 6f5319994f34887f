"""Layers, losses and optimizers as short calls."""

from collections.abc import Collection
from dataclasses import MISSING, fields
from typing import Any


def call_of(settings: Any, always: Collection[str] = ()) -> str:
    """Return a layer, a loss or an optimizer as a call, such as "Linear(2, 3)".

    Settings that have their default value are left out, except those named in `always`.
    """
    arguments = []
    for setting in fields(settings):
        value = repr(getattr(settings, setting.name))
        if setting.default is MISSING:
            arguments.append(value)
        elif value != repr(setting.default) or setting.name in always:
            arguments.append(f"{setting.name}={value}")
    return f"{type(settings).__name__}({', '.join(arguments)})"
