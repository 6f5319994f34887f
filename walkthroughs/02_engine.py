r"""
2. The engine
=============

On page 1 we took derivatives by hand and multiplied them along the path: the chain rule. On this page a small class
does it for us. Each object of the class is a number that remembers how it was computed, so we can ask how a result
changes with it. At the end, the package's own class of this kind, `Value`, trains a network.

You need page 1, and you should have seen a Python class before.
"""

# %%
import gc
import random
import weakref
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np

import micrograd_tiers as mt
from micrograd_tiers import engine, nn

# %% [markdown]
# A number that remembers
# -----------------------
#
# Take $L = v (w x + b)$ with $w = 3$, $x = 2$, $b = -4$ and $v = 5$. A computer evaluates it step by step:
# $p = w x = 6$, $z = p + b = 2$, $L = v z = 10$. An ordinary number forgets where it came from. Ours remembers two
# things: its *operands*, the numbers from which it was computed, and for each operand a *slope*, the derivative of the
# number with respect to that operand. Page 1 called such a derivative local: each step knows its own.
#
# - A sum $u + v$ moves by 1 per unit of $u$, and by 1 per unit of $v$: the slopes are 1 and 1.
# - A product $u v$ moves by $v$ per unit of $u$, and by $u$ per unit of $v$: the slopes are $v$ and $u$.
# - $\operatorname{relu}(u)$ is $u$ if $u$ is positive, and 0 otherwise: the slope is 1 or 0. The network below uses it.
#
# For `u + v` Python calls `u.__add__(v)`, and for `u * v` it calls `u.__mul__(v)`. So our class can define what they
# do.


# %%
class MyValue:
    def __init__(self, data, _prev=(), slopes=()):
        self.data = data  # the number
        self.grad = 0.0  # how a result changes with this number: not known yet
        self._prev = _prev  # the operands; the package uses the same name
        self.slopes = slopes  # the derivative with respect to each operand

    def __add__(self, other):
        return MyValue(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return MyValue(self.data * other.data, (self, other), (other.data, self.data))

    def relu(self):
        return MyValue(max(self.data, 0.0), (self,), (1.0 if self.data > 0 else 0.0,))


w, x, b, v = MyValue(3.0), MyValue(2.0), MyValue(-4.0), MyValue(5.0)
p = w * x
z = p + b
L = v * z
print(L.data, [operand.data for operand in L._prev], L.slopes)
assert (L.data, L._prev, L.slopes) == (10, (v, z), (2, 5))

# %% [markdown]
# Numbers and their operands form a *graph*, and each number in it is a *node*. Nodes that were not computed from others
# are the *leaves*: here $w$, $x$, $b$ and $v$.
#
# The backward pass, by hand
# --------------------------
#
# **Question.** How does $L$ change with $z$? With $p$? With each leaf? Start at $L$ and work backward.
#
# We call $dL/du$ the *gradient* of the node $u$. The gradient of $L$ itself is 1. Each node passes its gradient to its
# operands, multiplied by the slope:

# %%
L.grad = 1.0
v.grad = z.data * L.grad  # L = v z
z.grad = v.data * L.grad
p.grad = 1.0 * z.grad  # z = p + b
b.grad = 1.0 * z.grad
w.grad = x.data * p.grad  # p = w x
x.grad = w.data * p.grad
assert (v.grad, z.grad, p.grad, b.grad, w.grad, x.grad) == (2, 5, 5, 5, 10, 15)

tried = mt.numerical_gradient(lambda a: a[3] * (a[0] * a[1] + a[2]), np.array([3.0, 2.0, -4.0, 5.0]))
print("numerical, for w, x, b, v:", tried.round(6))
assert abs(tried - [w.grad, x.grad, b.grad, v.grad]).max() < 1e-9

# %% [markdown]
# The last lines check the gradients numerically, as on page 1, and all of them agree. Now for a picture. `mt.draw`
# takes a node of any class with `data`, `grad` and `_prev`, and draws its graph: the result on the right, and each
# operand to the left of the node that was computed from it. A box shows a node's value and its gradient, a line shows
# a slope. (The `f` stands for an operation: our class does not store its name.)

# %%
mt.draw(L, names={"w": w, "x": x, "p = w x": p, "b": b, "z = p + b": z, "v": v, "L = v z": L})

# %% [markdown]
# Read it from right to left, against the arrows. A sum passes its gradient on unchanged. A product passes to each
# operand its own gradient times the *other* operand's value.
#
# In which order?
# ---------------
#
# Passing the gradient on takes the same line of code for every node, because the slopes are stored already. The line
# says `+=`. A number that is used in several places reaches the result along several paths, and the gradients that come
# back along these paths are summed. With $b = a + a$, the node $a$ is an operand twice and receives 1 twice, so
# $db/da = 2$.
#
# Now add a step: $b = a + a$, $c = b + b$. Then $c = 4a$, and $dc/da = 4$. In which order should the nodes take their
# turns? The first idea that comes to mind is a queue. Take the first node, let it pass its gradient on, and let its
# operands join the end of the queue.
#
# **Question.** What does the queue find for $a$?


# %%
def hand_on(node):
    for operand, slope in zip(node._prev, node.slopes, strict=True):
        operand.grad += slope * node.grad


def walk(root, only_once=False):
    queue, done = [root], set()
    while queue:
        node = queue.pop(0)
        if not (only_once and node in done):
            done.add(node)
            hand_on(node)
            queue.extend(node._prev)


a = MyValue(3.0)
b = a + a
c = b + b
c.grad = 1.0
walk(c)
print(a.grad)
assert a.grad == 8

# %% [markdown]
# It finds 8. The node $b$ gets two turns, because it is an operand twice. In each turn, $b$ passes its *whole*
# gradient, which is 2, to each of its two operands: $2 \cdot (2 + 2) = 8$.
#
# So no node may take two turns. **Question.** Is that enough? Add one more node, $d = b + c = 2a + 4a = 6a$.

# %%
d = b + c
a.grad, b.grad, c.grad, d.grad = 0.0, 0.0, 0.0, 1.0
walk(d, only_once=True)
print(a.grad, b.grad)
assert (a.grad, b.grad) == (2, 3)

# %% [markdown]
# The result should be 6, and it is 2. The turns were $d$, $b$, $c$, $a$. When $b$ took its turn, it had received a
# gradient from $d$ alone, and so it passed on 1. Then $c$ gave it 2 more, too late. In the end $b$ holds the right
# gradient, 3, but $a$ never receives its share of it.
#
# So this is the rule: **a node takes its turn after all the nodes that were computed from it.** A list in which every
# node comes after all of its operands is in *topological order*. The backward pass reads such a list from the end. The
# list is easy to make: list the operands first and then the node, and list no node twice.


# %%
def in_order(root):
    order, listed = [], set()

    def visit(node):
        if node not in listed:
            listed.add(node)
            for operand in node._prev:
                visit(operand)
            order.append(node)

    visit(root)
    return order


def backward(self):
    order = in_order(self)
    for node in order:
        if node._prev:
            node.grad = 0.0  # computed nodes start from zero; leaves keep theirs
    self.grad = 1.0
    for node in reversed(order):
        hand_on(node)


MyValue.backward = backward  # from now on, a method of the class

assert in_order(d) == [a, b, c, d]
a.grad = 0.0
d.backward()
assert (a.grad, b.grad, c.grad, d.grad) == (6, 3, 1, 1)

# %% [markdown]
# Here is the whole of it, step by step. Use the buttons or the arrow keys. The switch plays the backward pass in the
# order of the queue, and shows which gradient arrives too late.

# %%
mt.replay(d, names={"a": a, "b": b, "c": c, "d": d})

# %% [markdown]
# The engine is complete. It consists of a class with three operations (sum, product and relu) and of the functions
# `hand_on`, `in_order` and `backward`. Six paths lead from $d$ back to $a$, and yet each of the four nodes takes a
# single turn.
#
# Why gradients are set to zero
# -----------------------------
#
# **Question.** Call `backward` again. What is the gradient of $a$ now?

# %%
d.backward()
print(a.grad)
assert a.grad == 12

# %% [markdown]
# It has doubled, because a leaf adds each new gradient to the one that it holds. This is useful. If the loss is a sum
# over many samples, you can take the samples one by one, call `backward` for each, and end up with the gradient of the
# sum. But once a weight has moved, its old gradient belongs to a place that the weight has left. So before the next
# step, the gradient is set to 0.
#
# **Question.** What happens if you forget? Let one weight look for the minimum of $L = (w - 3)^2$. Each step goes
# downhill by a tenth of the gradient, $w \leftarrow w - 0.1 \cdot dL/dw$.


# %%
def descend(zeroing):
    w, path = MyValue(0.0), []
    for _ in range(60):
        path.append(w.data)
        difference = w + MyValue(-3.0)
        L = difference * difference
        if zeroing:
            w.grad = 0.0
        L.backward()
        w.data -= 0.1 * w.grad
    return np.array(path)


with_zeroing, without = descend(True), descend(False)
assert abs(with_zeroing[-1] - 3) < 1e-4
assert abs(without[-20:] - 3).max() > 2.5

steps = [*range(60)]
paths = {"set to zero before each step": (steps, with_zeroing), "forgotten": (steps, without)}
mt.plots.panels([mt.plots.Panel("Gradients set to zero, or not", "step", "w", paths)])

# %% [markdown]
# With zeroing, $w$ settles at 3. Without it, $w$ swings past 3 and back. It is driven by the sum of all the slopes that
# it has ever met, like a ball in a bowl without friction.
#
# The package's Value
# -------------------
#
# `micrograd_tiers.engine.Value` is such a class. It works like ours, and can do more: subtraction, division, powers,
# functions from `exp` and `sin` to `softplus`, `maximum` and `clip`. You can mix in ordinary numbers and NumPy arrays,
# and give each number a name, its `label`. Here is one expression computed by both classes, its value and its four
# gradients, for a hundred random draws:


# %%
def expression(Number, numbers):
    a, b, c, d = leaves = [Number(n) for n in numbers]
    h = (a * b + c).relu()
    y = h * h + h * d + a * d
    y.backward()
    return [y.data, *(leaf.grad for leaf in leaves)]


draws = np.random.default_rng(0).uniform(-2, 2, size=(100, 4)).tolist()
mine = np.array([expression(MyValue, numbers) for numbers in draws])
package = np.array([expression(engine.Value, numbers) for numbers in draws])
print("largest difference:", abs(mine - package).max())
assert abs(mine - package).max() < 1e-12

# %% [markdown]
# Two moons
# ---------
#
# An engine this small is Andrej Karpathy's idea: his *micrograd* has about a hundred lines. Here is its demonstration,
# run on `Value`. The points lie on two interlocking half circles. One half circle is the class $y = 1$, the other is
# $y = -1$. The network gives each point a *score*, and predicts 1 if the score is positive. It has two inputs, two
# layers of 16 neurons with relu, and one output. `nn.MLP` contains all of that. Each neuron is the $w x + b$ from
# above, with one $w$ for each of its inputs. We call every $w$ and every $b$ a *weight*.
#
# The loss of a point is $\max(0, 1 - y \cdot \text{score})$. It is zero if the score is right by a margin of 1, and
# otherwise it is the amount that is missing. This is the *hinge loss*. We take the mean over all points, and add
# $0.0001 \sum w^2$ over all weights. This small penalty keeps the weights from growing large.
#
# One pass over all points is an *epoch*; here it makes one step. The factor of the step, 0.1 in the example above, is
# the *learning rate*; here it falls from 1 toward 0.1. The original has 100 points and 100 epochs. We use 50 points and
# 30 epochs, so that the page runs in seconds.

# %%
data = mt.load_dataset("moons", n_train=50, n_test=100)
points, classes = data.train_x.tolist(), (2 * data.train_y - 1).tolist()  # classes 0 and 1 become -1 and 1
model = nn.MLP(2, [16, 16, 1], rng=random.Random(1))
print(len(model.parameters()), "weights")

epochs = 30
losses, accuracies = [], []
for epoch in range(epochs):
    scores = [model(point) for point in points]  # the forward pass
    hinge = [(1 + -y * score).relu() for y, score in zip(classes, scores, strict=True)]
    loss = sum(hinge) * (1 / len(hinge)) + 0.0001 * sum(w * w for w in model.parameters())

    model.zero_grad()  # for all weights
    loss.backward()  # the backward pass
    learning_rate = 1 - 0.9 * epoch / epochs
    for w in model.parameters():
        w.data -= learning_rate * w.grad

    losses.append(loss.data)
    accuracies.append(np.mean([(score.data > 0) == (y > 0) for y, score in zip(classes, scores, strict=True)]))

print(f"loss {losses[0]:.3f} in the first epoch, {losses[-1]:.3f} in the last")
print(f"{accuracies[-1]:.0%} of the points are classified correctly")
assert losses[-1] < losses[0] / 5
assert accuracies[-1] > 0.9

# %% [markdown]
# Look at what the network has learned: the sign of the score on a grid of points.

# %%
across, up = np.linspace(-1.5, 2.5, 25), np.linspace(-1, 1.5, 17)
score = [[model([float(i), float(j)]).data for i in across] for j in up]

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
left.plot(losses, "o-", markersize=3, label="loss")
left.plot(accuracies, "s-", markersize=3, label="share classified correctly")
left.set(xlabel="epoch", ylim=(0, 1.05), title="Training")
left.legend(loc="center right")
right.contourf(across, up, score, levels=[-1000, 0, 1000], colors=["C3", "C0"], alpha=0.25)
for y, marker, color in ((-1, "o", "C3"), (1, "^", "C0")):
    right.scatter(*data.train_x[np.equal(classes, y)].T, marker=marker, color=color, label=f"y = {y}")
right.set(xlabel="first input", ylabel="second input", title="The sign of the score")
right.legend(loc="upper right")
plt.show()

unseen = [(model(point).data > 0) == (y > 0) for point, y in zip(data.test_x.tolist(), data.test_y, strict=True)]
print(f"{sum(unseen)} of {len(unseen)} unseen points are classified correctly")
assert sum(unseen) > 85

# %% [markdown]
# Faster than micrograd
# ---------------------
#
# `Value` is a drop-in replacement for micrograd's class; only the import changes. **Question.** Both build the same
# graph. How can one be faster than the other?
#
# In micrograd, every operation creates a *function* that will later pass the gradient on, and a set of its operands.
# Each of these is one more object to create. It is also one more object for Python's garbage collector, which searches
# memory again and again for objects that are no longer needed. In this package an operation stores only its operands
# and the slopes, which are plain numbers, and not even a tuple around them. The node of a plain number, such as an
# input of a net or the 0 from which `sum` starts, is made only when you look at `_prev`. A single loop in `backward`
# passes the gradients on for all nodes, as our `hand_on` does.
#
# To measure this on your machine, install micrograd and run
# `micrograd-tiers benchmark --net 2-16-16-1 --batch-size 100 --only "Value on moons" "micrograd on moons"`. The command
# first proves that both find the same gradients. Then the two take turns, and it times one epoch of the demonstration
# in each turn.
#
# The garbage collector
# ---------------------
#
# Python frees an object as soon as nothing refers to it any more. That never happens to objects that refer to each
# other in a circle, a *cycle*. For these there is the garbage collector: whenever enough new objects have been
# added, it searches the new ones for cycles, and now and then all of them. While a graph grows to many thousands of
# nodes, that is a lot of searching. In this package it is also in vain: a node refers to its operands, and no operand
# refers back. (A node of micrograd stores a function that refers to the node, so each node is a cycle.)
#
# What does it cost? `examples/gpt_of_values.py`, in the package's repository, is a small language model on a class like
# ours, and it takes `Value` in place of its class. `python benchmarks/engine.py` times its training step with both
# classes, and prints the share of the time that the collector takes; the page on benchmarks shows the result. So pause
# the collector while you train:


# %%
@contextmanager
def collector_paused():
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


with collector_paused():
    penalty = sum(w * w for w in model.parameters())
    penalty.backward()
    graph = weakref.ref(penalty)  # tells whether the node is still in memory, and does not keep it there
    del penalty
    print("freed without the collector:", graph() is None)
    assert graph() is None

# %% [markdown]
# **Question.** Is that always safe? No: cycles of your own are no longer freed, such as those of nodes to which you
# assign a `_backward` function, or those that other libraries make. In a long run, call `gc.collect()` from time to
# time. And Python has `gc.freeze()`, which takes all objects that exist now out of the search: call it once the weights
# exist. It does not help against the search through new nodes.
#
# Still, one object per number is a heavy way to compute. The next page keeps the chain rule and drops the objects.
#
# Exercises
# ---------
#
# 1. By hand: $L = (a + b) \cdot a$ with $a = 3$ and $b = -1$. What are $dL/da$ and $dL/db$? Then let `MyValue` do it:
#    `assert (a.grad, b.grad) == ...`
# 2. Give `MyValue` a method `tanh`; its slope is $1 - \tanh^2 u$. With `u = MyValue(0.3)` and `u.tanh().backward()`,
#    `assert abs(u.grad - mt.numerical_gradient(np.tanh, np.array(0.3))) < 1e-12`
# 3. Start with `y = a = MyValue(1.0)`, and double it 50 times, `y = y + y`. How many paths lead from $y$ back to $a$,
#    and how many turns does `backward` take? `assert a.grad == 2**50`, `assert len(in_order(y)) == ...`
# 4. Compute the cross-entropy of page 1 with the package's class. Let `z = [engine.Value(n) for n in (1.0, 2.0, 3.0)]`,
#    and build $-\ln(e^{z_1} / \sum_k e^{z_k})$ with the methods `exp` and `log`. Counting from 0, the right class is 1.
#    The gradients are prediction minus target: with `y = np.exp([1, 2, 3]) / np.exp([1, 2, 3]).sum()`,
#    `assert abs(z[1].grad - (y[1] - 1)) < 1e-12`.
#
# Next, on page 3: the forward pass and the backward pass of a whole network, in plain lists of floats.
