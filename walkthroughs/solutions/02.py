"""Solutions of the exercises of page 2."""

import math

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers import engine


class MyValue:  # as on the page, with tanh
    def __init__(self, data, _prev=(), slopes=()):
        self.data = data
        self.grad = 0.0
        self._prev = _prev
        self.slopes = slopes

    def __add__(self, other):
        return MyValue(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return MyValue(self.data * other.data, (self, other), (other.data, self.data))

    def tanh(self):
        y = math.tanh(self.data)
        return MyValue(y, (self,), (1 - y**2,))

    def backward(self):
        order = in_order(self)
        for node in order:
            if node._prev:
                node.grad = 0.0
        self.grad = 1.0
        for node in reversed(order):
            for operand, slope in zip(node._prev, node.slopes, strict=True):
                operand.grad += slope * node.grad


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


# 1. L = a**2 + a b, so dL/da = 2 a + b = 5 and dL/db = a = 3.
a, b = MyValue(3.0), MyValue(-1.0)
L = (a + b) * a
L.backward()
assert (a.grad, b.grad) == (5, 3)

# 2. The class above has the method.
u = MyValue(0.3)
u.tanh().backward()
assert abs(u.grad - mt.numerical_gradient(np.tanh, np.array(0.3))) < 1e-12

# 3. Each doubling doubles the number of paths, to 2**50. But there are only 51 nodes, and each takes one turn.
y = a = MyValue(1.0)
for _ in range(50):
    y = y + y
y.backward()
assert a.grad == 2**50
assert len(in_order(y)) == 51

# 4. Softmax in NumPy, as on page 1, and then the loss computed with Values.
y = np.exp([1.0, 2.0, 3.0]) / np.exp([1.0, 2.0, 3.0]).sum()
z = [engine.Value(n) for n in (1.0, 2.0, 3.0)]
e = [zi.exp() for zi in z]
loss = -(e[1] / sum(e)).log()
loss.backward()
assert abs(loss.data + np.log(y[1])) < 1e-12
assert abs(z[0].grad - y[0]) < 1e-12
assert abs(z[1].grad - (y[1] - 1)) < 1e-12
assert abs(z[2].grad - y[2]) < 1e-12
