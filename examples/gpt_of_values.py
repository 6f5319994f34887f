"""A GPT of 4,192 parameters, made of single numbers: the whole of it in one file, without a library.

    python examples/gpt_of_values.py names.txt       train on the lines of a file for 1,000 steps, print 20 new lines
    python examples/gpt_of_values.py names.txt 100   stop after 100 steps

Architecture and settings are those of Andrej Karpathy's microgpt (https://karpathy.github.io/2026/02/12/microgpt/), and
so are the losses and the names. With the class replaced by one statement, `from micrograd_tiers import Value`, every
number stays the same to the last bit.
"""

import argparse
import math
import random
from itertools import pairwise
from pathlib import Path

WIDTH, HEADS, LAYERS, LENGTH = 16, 4, 1, 16  # numbers per position; attention heads; layers; positions at most
STEPS = 1000
NAMES = ["ada", "alan", "barbara", "blaise", "carl", "emmy", "grace", "john", "kurt", "leonhard", "sofia", "tony"]


class Value:
    """A number that records how it was computed, so that it can be differentiated."""

    __slots__ = ("_prev", "data", "grad", "slopes")

    def __init__(self, data, _prev=(), slopes=()):
        self.data = data  # the number
        self.grad = 0.0  # the derivative of the loss with respect to it
        self._prev = _prev  # the operands from which it was computed
        self.slopes = slopes  # its derivative with respect to each of them

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, k):
        return Value(self.data**k, (self,), (k * self.data ** (k - 1),))

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -other

    def __truediv__(self, other):
        return self * other**-1

    __radd__, __rmul__ = __add__, __mul__

    def exp(self):
        """Return e**x."""
        y = math.exp(self.data)
        return Value(y, (self,), (y,))

    def log(self):
        """Return the natural logarithm."""
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def relu(self):
        """Return the number, or 0 if it is negative."""
        return Value(max(self.data, 0.0), (self,), (1.0 if self.data > 0 else 0.0,))

    def backward(self):
        """Apply the chain rule: add the derivative with respect to each number below this one to its `grad`."""
        order = []
        self.visit(order, set())
        self.grad = 1.0
        for value in reversed(order):  # each comes after all numbers that were computed from it
            for operand, slope in zip(value._prev, value.slopes):  # noqa: B905  # strict=True would be slow here
                operand.grad += slope * value.grad

    def visit(self, order, seen):
        """Append this number to `order`, after its operands."""
        if self not in seen:
            seen.add(self)
            for operand in self._prev:
                operand.visit(order, seen)
            order.append(self)


class GPT:
    """A transformer that predicts the next token from those before it."""

    def __init__(self, n_tokens, rng):
        self.parameters = []

        def matrix(outputs, inputs):
            rows = [[Value(rng.gauss(0, 0.08)) for _ in range(inputs)] for _ in range(outputs)]
            self.parameters += [weight for row in rows for weight in row]
            return rows

        self.tokens, self.positions, self.head = [matrix(n, WIDTH) for n in (n_tokens, LENGTH, n_tokens)]
        shapes = [*[(WIDTH, WIDTH)] * 4, (4 * WIDTH, WIDTH), (WIDTH, 4 * WIDTH)]  # query, key, value, mix; MLP
        self.layers = [[matrix(*shape) for shape in shapes] for _ in range(LAYERS)]

    def logits(self, token, past):
        """Return the logits of the next token, and append the keys and values of this one to `past`, layer by layer."""
        x = normalized(added(self.tokens[token], self.positions[len(past[0])]))
        for (query, key, value, mix, up, down), seen in zip(self.layers, past, strict=True):
            h = normalized(x)
            seen.append((linear(key, h), linear(value, h)))
            x = added(x, linear(mix, attention(linear(query, h), seen)))
            h = [a.relu() for a in linear(up, normalized(x))]
            x = added(x, linear(down, h))
        return linear(self.head, x)

    def loss(self, tokens):
        """Return the mean of -log(probability) of the tokens of a document, each predicted from those before it."""
        past, pairs = [[] for _ in self.layers], [*pairwise(tokens)][:LENGTH]
        return sum(-softmax(self.logits(token, past))[target].log() for token, target in pairs) / len(pairs)

    def backprop(self, tokens):
        """Compute the gradients of all weights, and return the loss, a plain number: the graph is freed."""
        for p in self.parameters:
            p.grad = 0.0
        loss = self.loss(tokens)
        loss.backward()
        return loss.data

    def sample(self, end, rng, temperature=0.5):
        """Return a new document; each token is drawn with the probability that the net gives it."""
        past, tokens = [[] for _ in self.layers], [end]
        while len(tokens) <= LENGTH:
            p = softmax([logit / temperature for logit in self.logits(tokens[-1], past)])
            tokens += rng.choices(range(len(p)), weights=[pi.data for pi in p])
            if tokens[-1] == end:
                return tokens[1:-1]
        return tokens[1:]


def linear(matrix, x):
    """Return the product of a matrix (O, I) and a vector (I,)."""
    return [sum(w * xi for w, xi in zip(row, x, strict=True)) for row in matrix]


def added(x, y):
    """Return the sum of two vectors."""
    return [xi + yi for xi, yi in zip(x, y, strict=True)]


def normalized(x):
    """Return x divided by the root of its mean square (RMSNorm)."""
    factor = (sum(xi * xi for xi in x) / len(x) + 1e-5) ** -0.5
    return [xi * factor for xi in x]


def softmax(z):
    """Return the probabilities of logits."""
    top = max(zi.data for zi in z)  # without it, exp could overflow
    e = [(zi - top).exp() for zi in z]
    total = sum(e)
    return [ei / total for ei in e]


def attention(query, seen):
    """Return, head by head, the mean of the values seen so far, weighted by how well their keys match the query."""
    y, size = [], WIDTH // HEADS
    for head in [slice(start, start + size) for start in range(0, WIDTH, size)]:
        scores = [sum(q * k for q, k in zip(query[head], key[head], strict=True)) / size**0.5 for key, _ in seen]
        weights = softmax(scores)
        columns = zip(*(value[head] for _, value in seen), strict=True)
        y += [sum(w * v for w, v in zip(weights, column, strict=True)) for column in columns]
    return y


def train(net, documents):
    """Take STEPS steps with Adam, each on one document, at a rate that falls to 0; yield the losses."""
    means, squares = [[0.0] * len(net.parameters) for _ in range(2)]  # running means of gradients and their squares
    for step in range(STEPS):
        loss = net.backprop(documents[step % len(documents)])
        for i, p in enumerate(net.parameters):
            means[i] = 0.85 * means[i] + (1 - 0.85) * p.grad
            squares[i] = 0.99 * squares[i] + (1 - 0.99) * p.grad**2
            mean, square = means[i] / (1 - 0.85 ** (step + 1)), squares[i] / (1 - 0.99 ** (step + 1))
            p.data -= 0.01 * (1 - step / STEPS) * mean / (square**0.5 + 1e-8)
        yield loss


def main():
    """Train, and print the losses and 20 new names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, help="text file with a name on each line (default: a few names)")
    parser.add_argument("steps", nargs="?", type=int, default=STEPS, help="steps to take (default and limit: 1000)")
    arguments = parser.parse_args()
    try:
        lines = arguments.file.read_text(encoding="utf-8").splitlines() if arguments.file else NAMES
    except (OSError, UnicodeError) as error:
        parser.error(f"cannot read the names: {error}")
    names = [line.strip() for line in lines if line.strip()]
    if not names:
        parser.error(f"{arguments.file} is empty, expected a name on each line")

    rng = random.Random(42)
    rng.shuffle(names)
    characters = sorted({*"".join(names)})
    end = len(characters)  # the token that begins and ends a document
    net = GPT(end + 1, rng)
    print(f"{len(names)} names, {len(net.parameters)} parameters")
    losses = train(net, [[end, *map(characters.index, name), end] for name in names])
    for step, loss in zip(range(arguments.steps), losses, strict=False):
        print(f"step {step + 1:4} of {STEPS}: loss {loss:.4f}", flush=True)
    for _ in range(20):
        print("".join(characters[token] for token in net.sample(end, rng)))


if __name__ == "__main__":
    main()
