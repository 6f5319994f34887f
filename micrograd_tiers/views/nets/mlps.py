"""Outputs of the layers of an MLP of Values, and the gradients that its parameters hold."""

from __future__ import annotations

from typing import Any

from ...arguments import shown
from ...engine import Value
from ...nn import MLP
from .recording import check_sample, check_size
from .snapshot import Nested, Snapshot, Stage


def of_mlp(net: MLP, X: Any, y: Any, sample: int) -> Snapshot:
    """Return the snapshot of an MLP, which is not changed; raise a ValueError if X, y or sample does not fit it."""
    if y is not None:
        raise ValueError(
            "y is given, but an MLP has no loss: call loss.backward(), then draw(model, x); the drawing shows the "
            "gradients of the parameters"
        )
    if not net.layers or not all(layer.neurons and layer.neurons[0].w for layer in net.layers):
        raise ValueError(f"net is {shown(net)}, expected at least one layer, and at least one input and neuron in each")
    check_size(len(net.layers), len(net.parameters()), sum(len(layer.neurons) for layer in net.layers))
    x, about, n = None, "", 1
    if X is not None:
        x = _listed(X)
        if isinstance(x, list) and x and all(isinstance(row, list) for row in x):
            n = len(x)
            x, about = x[check_sample(sample, n)], f"Sample {sample} of {n}."
        if not isinstance(x, list) or not all(isinstance(number, int | float | Value) for number in x):
            raise ValueError(f"X is {shown(X)}, expected one sample of numbers, such as [0.5, -1.0], or a list of them")
    check_sample(sample, n)
    stages = [Stage("input", (len(net.layers[0].neurons[0].w),), _data(x), what="input")]
    has_gradients = any(p.grad for p in net.parameters())
    for i, layer in enumerate(net.layers):
        if x is not None:
            y = layer(x)
            x = [y] if isinstance(y, Value) else y
        first = layer.neurons[0]
        name = f"{i} Layer({len(first.w)}, {len(layer.neurons)}{'' if first.nonlin else ', nonlin=False'})"
        gradients = _parameters(layer, "grad") if has_gradients else {}
        shape = (len(layer.neurons),)
        stages.append(Stage(name, shape, _data(x), None, _parameters(layer, "data"), gradients))
    about_gradients = "L is the Value whose backward() was called; only the parameters keep dL/d(number)."
    return Snapshot(stages, about, about_gradients if has_gradients else "")


def _listed(X: Any) -> Any:
    """Return an array, a DataFrame or a sequence of rows as lists."""
    if hasattr(X, "to_numpy"):
        X = X.to_numpy()
    X = X.tolist() if hasattr(X, "tolist") else X
    return [_listed(row) for row in X] if isinstance(X, list | tuple) else X


def _data(values: Any) -> list[float] | None:
    """Return Values or numbers as floats."""
    return None if values is None else [float(v.data if isinstance(v, Value) else v) for v in values]


def _parameters(layer: Any, attribute: str) -> dict[str, Nested]:
    """Return the data or the gradients of a layer's parameters, named and shaped as those of `layers.Linear`."""
    weight = [[float(getattr(w, attribute)) for w in neuron.w] for neuron in layer.neurons]
    return {"weight": weight, "bias": [float(getattr(neuron.b, attribute)) for neuron in layer.neurons]}
