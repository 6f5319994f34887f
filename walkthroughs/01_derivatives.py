r"""
1. Derivatives
==============

A neural network is full of numbers that can be changed, its *weights*. It learns by asking one question about each of
them: *if this number were a little larger, would the mistake be larger or smaller?* The answer is a derivative. On
this page we take derivatives in three ways, by trying, by rule and by chain, and end with the three formulas that
stand at the end of every classifier: the derivative of softmax, of cross-entropy, and of the two together.

You need school calculus and a little Python. Every number on this page can be checked with pencil and paper.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.tiers import tensor

# %% [markdown]
# By trying
# ---------
#
# Take $f(x) = x^2$ at $x = 3$. Make $x$ a little larger, by $h$, and see by how much $f$ grows for each unit of $h$:
#
# $$
# \frac{f(x + h) - f(x)}{h}
# $$
#
# **Question.** What comes out for $h = 0.1$? Do it by hand: $3.1^2 = 9.61$.


# %%
def f(x):
    return x**2


x, h = 3.0, 0.1
print((f(x + h) - f(x)) / h)

# %% [markdown]
# School says 6, we got 6.1: the step is not *small*. With both sides, $x + h$ and $x - h$, the error of the one side
# makes up for that of the other. Here it does so completely; in general what is left is of the size of $h^2$.

# %%
print((f(x + h) - f(x - h)) / (2 * h))
assert abs((f(x + h) - f(x - h)) / (2 * h) - 6) < 1e-12

# %% [markdown]
# **Question.** So why not take the smallest $h$ there is? Try it, on a function whose derivative we know: $\sin$ at
# 1, with the derivative $\cos 1$.

# %%
steps = 10.0 ** np.arange(-15, 0.5, 0.5)
exact = np.cos(1.0)
one_sided = abs((np.sin(1 + steps) - np.sin(1)) / steps - exact)
two_sided = abs((np.sin(1 + steps) - np.sin(1 - steps)) / (2 * steps) - exact)

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
axes.loglog(steps, one_sided, "o-", label="one side")
axes.loglog(steps, two_sided, "s-", label="both sides")
axes.set(xlabel="step h", ylabel="error of the derivative", title="Too large, and too small")
axes.legend()
plt.show()

best = steps[two_sided.argmin()]
print(f"both sides do best at h = {best:.0e}, off by {two_sided.min():.0e}")
assert 1e-7 < best < 1e-4
assert two_sided.min() < 1e-10 < two_sided[0]

# %% [markdown]
# Read the picture from the right. As $h$ shrinks, the error falls, with both sides twice as steeply as with one. Then
# it rises again: a computer keeps about 16 digits, $f(x + h)$ and $f(x - h)$ have most of them in common, and what is
# left of their difference is rounding. The best step lies in between. The package chooses it for you, and does better
# still where it can (page 8 says how). `mt.numerical_gradient` takes a function and the number, or the array of
# numbers, at which to try it, and gives back one derivative for each number:

# %%
slope = mt.numerical_gradient(np.sin, np.array(1.0))
print(f"{slope:.16f}\n{exact:.16f}")
assert abs(slope - exact) < 1e-14

# %% [markdown]
# By rule
# -------
#
# Trying always works, and costs two evaluations for each number. Rules cost nothing:
#
# - a constant factor stays: $(3x)' = 3$
# - a sum: $(u + v)' = u' + v'$
# - a product: $(uv)' = u'v + uv'$
# - $(x^n)' = n x^{n - 1}$, $\;(e^x)' = e^x$, $\;(\ln x)' = 1 / x$
#
# **Question.** What is the derivative of $g(x) = x^3 e^x$? Write it down before you read on.
#
# The product rule, with $u = x^3$ and $v = e^x$, gives $g'(x) = 3x^2 e^x + x^3 e^x$. Never believe a derivative that
# you have not tried:


# %%
def g(x):
    return x**3 * np.exp(x)


def dg(x):
    return (3 * x**2 + x**3) * np.exp(x)


print(dg(1.0), mt.numerical_gradient(g, np.array(1.0)))
assert abs(dg(1.0) - mt.numerical_gradient(g, np.array(1.0))) < 1e-12

# %% [markdown]
# By chain
# --------
#
# Networks are functions of functions. Their smallest part, a *neuron*, takes a number $x$, makes $z = wx + b$ of it,
# and hands on $y = \sigma(z) = 1 / (1 + e^{-z})$. This curve from 0 to 1 is called the *sigmoid*; $w$ and $b$ are the
# neuron's weights. Suppose that the right answer is $t$, and the mistake, from now on called the *loss*, is
# $L = (y - t)^2$. How does $L$ change with $w$?
#
# If $z$ moves 2 for each step of $w$, and $y$ moves 0.2 for each step of $z$, and $L$ moves $-0.5$ for each step of
# $y$, then $L$ moves $2 \cdot 0.2 \cdot (-0.5)$ for each step of $w$. That is the chain rule: **the derivatives on
# the way are multiplied.**
#
# $$
# \frac{dL}{dw} = \frac{dL}{dy} \cdot \frac{dy}{dz} \cdot \frac{dz}{dw}
#               = 2(y - t) \cdot y(1 - y) \cdot x
# $$
#
# The middle one is worth a line. Write $q$ for $e^{-z}$, which has the derivative $-q$. Then $y = 1 / (1 + q)$, and
#
# $$
# \frac{dy}{dz} = \frac{-1}{(1 + q)^2} \cdot (-q) = \frac{1}{1 + q} \cdot \frac{q}{1 + q} = y (1 - y) ,
# $$
#
# for $q / (1 + q) = 1 - 1 / (1 + q)$.
#
# Each factor is *local*: it asks only about its own step, and needs only numbers that the step has in its hands
# anyway.


# %%
def neuron(w, x=2.0, b=-1.0, t=1.0):
    z = w * x + b
    y = 1 / (1 + np.exp(-z))
    loss = (y - t) ** 2
    return loss, y


w, x, t = 0.5, 2.0, 1.0
loss, y = neuron(w)
dL_dy = 2 * (y - t)
dy_dz = y * (1 - y)
dz_dw = x
print(f"y = {y}, dL/dy = {dL_dy}, dy/dz = {dy_dz}, dz/dw = {dz_dw}: dL/dw = {dL_dy * dy_dz * dz_dw}")

tried = mt.numerical_gradient(lambda w: neuron(w)[0], np.array(w))
print(f"tried: {tried}")
assert abs(dL_dy * dy_dz * dz_dw - tried) < 1e-12
assert (y, dL_dy * dy_dz * dz_dw) == (0.5, -0.5)

# %% [markdown]
# With $w = 0.5$, $x = 2$ and $b = -1$ everything comes out by hand: $z = 0$, $y = \tfrac12$, and
# $dL/dw = -1 \cdot \tfrac14 \cdot 2 = -\tfrac12$. The mistake falls if $w$ grows: so let it grow. That is learning.
#
# Softmax
# -------
#
# A classifier says to which of several classes something belongs. It has a score $z_i$ for each class, also called a
# *logit*, and makes probabilities of them:
#
# $$
# y_i = \frac{e^{z_i}}{\sum_k e^{z_k}}
# $$
#
# All scores are positive after the exponential, and divided by their sum they add up to 1.

# %%
z = np.array([1.0, 2.0, 3.0])
y = np.exp(z) / np.exp(z).sum()
print(y.round(4), "sum", y.sum())

# %% [markdown]
# **Question.** If the second score grows, what becomes of the first probability? And by how much?
#
# It falls, as all share one sum $S = \sum_k e^{z_k}$. There are two cases, and so a whole table of derivatives, the
# *Jacobian*: row $i$, column $j$ says how $y_i$ moves if $z_j$ alone moves. Such a derivative is written with
# $\partial$ in place of $d$. By the quotient rule,
#
# $$
# \frac{\partial y_i}{\partial z_i} = \frac{e^{z_i} S - e^{z_i} e^{z_i}}{S^2} = y_i (1 - y_i),
# \qquad
# \frac{\partial y_i}{\partial z_j} = \frac{0 \cdot S - e^{z_i} e^{z_j}}{S^2} = -y_i y_j \quad (j \neq i) .
# $$
#
# In code: the table of all products $y_i y_j$ is `np.outer(y, y)`, and `np.diag(y)` has $y$ on the diagonal and 0
# elsewhere. Their difference has both cases in it.

# %%
jacobian = np.diag(y) - np.outer(y, y)
print(jacobian.round(4))


def softmax(z):
    return np.exp(z) / np.exp(z).sum()


tried = np.stack([mt.numerical_gradient(lambda z, i=i: softmax(z)[i], z) for i in range(3)])  # row by row
print("largest difference from what trying gives:", abs(jacobian - tried).max())
assert abs(jacobian - tried).max() < 1e-12
assert abs(jacobian.sum(axis=0)).max() < 1e-15

figure, axes = plt.subplots(figsize=(3.6, 3), layout="constrained")
image = axes.imshow(jacobian, cmap="RdBu", vmin=-0.25, vmax=0.25)
for (i, j), slope in np.ndenumerate(jacobian):
    axes.text(j, i, f"{slope:.3f}", ha="center", va="center")
axes.set(xlabel="score j", ylabel="probability i", xticks=range(3), yticks=range(3), title="The Jacobian of softmax")
figure.colorbar(image)
plt.show()

# %% [markdown]
# Each column adds up to 0: what one probability gains, the others lose. They always share 1.
#
# Cross-entropy
# -------------
#
# Let $c$ be the right class. The loss is $L = -\ln y_c$: zero if the net is sure and right, large if it is sure and
# wrong. Only $y_c$ occurs in it, so
#
# $$
# \frac{\partial L}{\partial y_c} = -\frac{1}{y_c}, \qquad \frac{\partial L}{\partial y_j} = 0 \quad (j \neq c) .
# $$

# %%
c = 1
dL_dy = np.zeros(3)
dL_dy[c] = -1 / y[c]
print(dL_dy.round(4))

# %% [markdown]
# The two together
# ----------------
#
# **Question.** How does $L$ change with the *scores*? Each score reaches $L$ through all three probabilities, so we
# multiply along each way and add the ways up: $\partial L / \partial z_j = \sum_i \partial L / \partial y_i \cdot
# \partial y_i / \partial z_j$. Only $i = c$ contributes. Do the two cases.
#
# $$
# j = c: \quad -\frac{1}{y_c} \cdot y_c (1 - y_c) = y_c - 1,
# \qquad
# j \neq c: \quad -\frac{1}{y_c} \cdot (-y_c y_j) = y_j .
# $$
#
# In code the sum over $i$ is `dL_dy @ jacobian`: each column of the table is multiplied with `dL_dy`, number by
# number, and added up. Everything cancels. With the right answer written as a vector that is 1 at $c$ and 0 elsewhere
# ("one-hot"), it is **prediction minus target**:
#
# $$
# \frac{\partial L}{\partial z} = y - \text{onehot}(c) .
# $$

# %%
by_chain = dL_dy @ jacobian
together = y - np.array([0.0, 1.0, 0.0])
print(by_chain.round(4), together.round(4))
assert abs(by_chain - together).max() < 1e-15

# %% [markdown]
# This is what the package's loss does. Like all its operations, it returns the value and a function that carries a
# derivative back through it, here in a tuple of one: `(dlogits,)` unpacks it. Into that function goes $dL/dL = 1$.
# Its arrays hold one case a row, so there is one more pair of brackets, which `z[None]` adds:

# %%
loss, (dlogits,) = tensor.softmax_cross_entropy(z[None], np.array([c]))
print(loss, dlogits(1.0).round(4))
assert abs(loss + np.log(y[c])) < 1e-15
assert abs(dlogits(1.0)[0] - together).max() < 1e-15

# %% [markdown]
# Why local derivatives are enough
# --------------------------------
#
# A net for images of 28 by 28 pixels: 784 inputs, each connected to 300 neurons, the *hidden units*, and these to 10
# scores. With a $b$ for each neuron and score that makes $(784 + 1) \cdot 300 + (300 + 1) \cdot 10 = 238{,}510$
# weights. Trying each of them takes two evaluations of the whole net. **Question.** How many evaluations is that
# until all weights have been asked once?

# %%
net = mt.two_layer_net(784, 300, 10)
print(f"{2 * net.n_parameters:,} evaluations by trying, one there and one back by chain")
assert net.n_parameters == 238_510

# %% [markdown]
# The chain rule needs one walk forward, in which every step notes what it has in its hands, and one walk back, in
# which every step multiplies what arrives by its local derivative and hands it on. No step has to know what comes
# before or behind it: not which net it is in, not what the loss is. That walk back is **backpropagation**, and all
# that the rest of these pages do is to write it in better and better ways.
#
# Exercises
# ---------
#
# 1. The derivative of $\tanh z$ is $1 - \tanh^2 z$. Write `dtanh` and check it:
#    `assert abs(dtanh(0.3) - mt.numerical_gradient(np.tanh, np.array(0.3))) < 1e-12`
# 2. By hand: a neuron with $x = 3$, $w = 1$, $b = -3$, $t = 0$. What are $y$ and $dL/dw$? Then begin with
#    `loss, y = neuron(1.0, x=3.0, b=-3.0, t=0.0)`, multiply the three factors, and `assert dL_dw == ...`
# 3. Two logits, $(z, 0)$. Show that softmax gives the first class the probability $\sigma(z)$:
#    `assert abs(softmax(np.array([z, 0]))[0] - 1 / (1 + np.exp(-z))) < 1e-15` for some $z$.
# 4. The mean squared error of $n$ outputs is $L = \frac1n \sum_i (y_i - t_i)^2$. Derive $\partial L / \partial y_i$,
#    and check it against `mt.numerical_gradient` for three numbers of your own.
#
# Next, on page 2: a machine that does the chain rule by itself, in a few lines.
