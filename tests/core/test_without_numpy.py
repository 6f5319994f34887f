"""The scalar tier without NumPy: pure Python gives the same bits."""

import json
import subprocess
import sys

import numpy as np
import pytest

import micrograd_tiers as mt

NETS = {
    "2-3-2": ("Linear(2, 3); Sigmoid(); Linear(3, 2)", "SoftmaxCrossEntropy()", 2),
    "6 x 6 convolution": (
        "Reshape((1, 6, 6)); Conv2d(1, 2, 3, padding=1); ReLU(); MaxPool2d(2); Conv2d(2, 2, 2); Tanh(); Flatten(); "
        "Linear(8, 3)",
        "SoftmaxCrossEntropy(smoothing=0.1)",
        36,
    ),
    "one output": ("Linear(2, 4); ELU(0.5); Linear(4, 1)", "BinaryCrossEntropy()", 2),
    "GPT": (
        "Embedding(5, 4); Position(3, 4); LayerNorm(4); Fork(); RMSNorm(); Project(4, 12); Attention(2); "
        "Project(4, 4); Join(); Fork(); RMSNorm(); Project(4, 8); SquaredReLU(); Project(8, 4); Join(); Project(4, 5)",
        "NextTokenLoss()",
        3,
    ),
}
OPTIMIZERS = ["SGD(0.3)", "SGD(0.1, momentum=0.9, nesterov=True)", "Adam(0.02)"]
N, BATCH_SIZE, EPOCHS = 11, 4, 3

SCRIPT = """
import json, sys
for name in ("numpy", "matplotlib", "hypothesis", "scipy", "PIL"):
    sys.modules[name] = None  # importing it fails
import micrograd_tiers.engine, micrograd_tiers.nn, micrograd_tiers.initializers
from micrograd_tiers.backprop import Step, backprop, forward
from micrograd_tiers.layers import *
from micrograd_tiers.losses import *
from micrograd_tiers.optimizers import *
from micrograd_tiers.schedules import StepDecay
from micrograd_tiers.tiers import get_tier

task = json.load(sys.stdin)
tier = get_tier("scalar", exact=task["exact"])
loss, optimizer, X, y = eval(task["loss"]), eval(task["optimizer"]), task["X"], task["y"]
parameters, memories, steps = task["parameters"], {}, []
for i, layer in enumerate(map(eval, task["layers"])):
    names = tuple(f"{i}.{name}" for name in layer.parameter_shapes())
    steps.append(Step(layer, names, parameters, layer.buffers(), training=True))
for epoch in range(task["epochs"]):
    for start in range(0, len(X), task["batch_size"]):
        batch = slice(start, start + task["batch_size"])
        dloss = optimizer.gradient_factor / len(X[batch])
        _, gradients, _ = backprop(tier.functions, steps, loss, X[batch], (y[batch],), dloss)
        for name, gradient in gradients.items():
            change = optimizer.update(tier, gradient.value(), parameters[name], memories.setdefault(name, {}))
            tier.add_scaled(parameters[name], change, 1.0)
outputs = [forward(tier.functions, steps, x)[0] for x in X]
json.dump({"parameters": parameters, "outputs": outputs, "factor": StepDecay(1).factor(1)}, sys.stdout)
"""


@pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("net_name", NETS)
def test_training_without_numpy_gives_the_same_bits(net_name, optimizer, exact):
    words, loss, n_inputs = NETS[net_name]
    layers = words.split("; ")
    rng = np.random.default_rng(0)
    names = {**vars(mt), **{name: getattr(mt, name) for name in mt.__all__}}
    net = mt.Network([eval(layer, names) for layer in layers], eval(loss, names), tier="scalar", exact=exact, seed=1)
    n_outputs = net.shapes()[-1][0]
    if net.loss.targets == "tokens":  # the first document is as long as any, so none is cut
        X, y = rng.integers(0, 5, (N, n_inputs)), rng.integers(-1, 5, (N, n_inputs))
        X[1::2, 2:] = y[1::2, 2:] = -1
        y[:, 0] = rng.integers(0, 5, N)
    else:
        X, y = rng.standard_normal((N, n_inputs)), rng.integers(0, max(2, n_outputs), N)
    task = {
        **{"layers": layers, "loss": loss, "optimizer": optimizer, "exact": exact, "X": X.tolist()},
        "y": [[float(label)] for label in y] if n_outputs == 1 else y.tolist(),
        "parameters": {name: array.tolist() for name, array in net.state_dict().items()},
        **{"epochs": EPOCHS, "batch_size": BATCH_SIZE},
    }
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=json.dumps(task), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    without = json.loads(result.stdout)
    mt.fit(net, X, y, optimizer=eval(optimizer, names), batch_size=BATCH_SIZE, epochs=EPOCHS, shuffle=False)
    assert without["parameters"] == {name: array.tolist() for name, array in net.state_dict().items()}
    assert without["outputs"] == net.forward(X).tolist()


def test_graphs_are_drawn_and_replayed_without_numpy(tmp_path):
    script = (
        "import sys\n"
        "for name in ('numpy', 'matplotlib', 'hypothesis'): sys.modules[name] = None\n"
        "import micrograd_tiers as mt\n"
        "model = mt.MLP(2, [3, 1])\n"
        "loss = (model([1.0, 2.0]) - 1.0) ** 2\n"
        "loss.backward()\n"
        "drawing = mt.draw(loss, names=globals(), fold=model)\n"
        "drawing.save('graph.svg'); drawing.save('graph.html'); mt.replay(loss).save('replay.html')\n"
        "print(drawing._repr_html_().count('<details>'), mt.replay(loss)._repr_html_()[:7])\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert result.stdout == "4 <iframe\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["graph.html", "graph.svg", "replay.html"]


def test_weights_are_drawn_by_the_callers_generator():
    script = (
        "import sys; sys.modules['numpy'] = None\n"
        "from micrograd_tiers.initializers import INITIALIZERS\n"
        "class Mine:\n"
        "    def uniform(self, low, high, shape): return (low, high, shape)\n"
        "print(INITIALIZERS['uniform']((3, 4), Mine()), INITIALIZERS['zeros']((2, 1), None))\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "(-0.5, 0.5, (3, 4)) [[0.0], [0.0]]\n"


def test_values_compute_without_numpy():
    script = (
        "import sys; sys.modules['numpy'] = None\n"
        "import pickle\n"
        "from micrograd_tiers.derivatives import derivative\n"
        "from micrograd_tiers.engine import Value\n"
        "x = Value(0.5, label='x')\n"
        "y = (1 - x / 3).sin().maximum(x ** 2).clip(0, True).softplus() + round(x, 1) - abs(x).leaky_relu()\n"
        "y.backward()\n"
        "x2, y2 = pickle.loads(pickle.dumps((x, y)))\n"
        "print(x2.label, y2.data == y.data, x2.grad == x.grad != 0, f'{y:.2f}', x == 0.5, x != 'x')\n"
        "try: x * [1.0]\n"
        "except TypeError: print(derivative(derivative(Value.exp))(0.0))\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "x True True 1.13 True True\n1.0\n"
