r"""
1. Derivatives
==============

A neural network is full of numbers that can be changed, its *weights*. It learns by asking one question about each of
them: *if this number were a little larger, would the error be larger or smaller?* The answer is a derivative. On this
page you will find derivatives in three ways: by trial, by rule, and by the chain rule. At the end you will derive three
formulas that every classifier needs: the derivatives of softmax, of cross-entropy, and of the two together.

You need school calculus and a little Python. You can check the examples with pencil and paper.
"""

# %%
import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.tiers import tensor

# %% [markdown]
# Derivatives by trial
# --------------------
#
# Take $f(x) = x^2$ at $x = 3$. Increase $x$ by a small step $h$, and see how much $f$ grows per unit of $h$:
#
# $$
# \frac{f(x + h) - f(x)}{h}
# $$
#
# **Question.** What is this quotient for $h = 0.1$? Work it out by hand: $3.1^2 = 9.61$.


# %%
def f(x):
    return x**2


x, h = 3.0, 0.1
print((f(x + h) - f(x)) / h)

# %% [markdown]
# Calculus says 6, and we got 6.1, because the step is not *small*. Now step to both sides, to $x + h$ and to $x - h$.
# The error on one side makes up for the error on the other. For this function the two cancel completely. In general, an
# error of order $h^2$ remains.

# %%
print((f(x + h) - f(x - h)) / (2 * h))
assert abs((f(x + h) - f(x - h)) / (2 * h) - 6) < 1e-12

# %% [markdown]
# **Question.** Then why not take the smallest $h$ there is? Try it on a function whose derivative we know: $\sin$ at 1,
# with the derivative $\cos 1$.

# %%
steps = 10.0 ** np.arange(-15, 0.5, 0.5)
exact = np.cos(1.0)
one_sided = abs((np.sin(1 + steps) - np.sin(1)) / steps - exact)
two_sided = abs((np.sin(1 + steps) - np.sin(1 - steps)) / (2 * steps) - exact)

best = steps[two_sided.argmin()]
print(f"two-sided: best at h = {best:.0e}, with an error of {two_sided.min():.0e}")
assert 1e-7 < best < 1e-4
assert two_sided.min() < 1e-10 < two_sided[0]

errors = {"one-sided": (steps, one_sided), "two-sided": (steps, two_sided)}
mt.plots.panels([mt.plots.Panel("Not too large, not too small", "step h", "error of the derivative", errors, "xy")])

# %% [markdown]
# Read the plot from right to left. As $h$ shrinks, the error falls, twice as steeply for two sides as for one. Then it
# rises again. A computer keeps about 16 digits of a number. $f(x + h)$ and $f(x - h)$ share most of these digits, and
# the subtraction removes them. The few digits that remain are mostly rounding error. The best step lies in between.
#
# The package chooses the step for you, and often does better still (page 8 explains how). `mt.numerical_gradient` takes
# a function and the point at which to differentiate it, a number or an array. It returns one derivative for each
# number:

# %%
slope = mt.numerical_gradient(np.sin, np.array(1.0))
print(f"{slope:.16f}\n{exact:.16f}")
assert abs(slope - exact) < 1e-14

# %% [markdown]
# Derivatives by rule
# -------------------
#
# A trial always works, but it costs two evaluations of the function for each number. Rules cost none:
#
# - a constant factor: $(3x)' = 3$
# - a sum: $(u + v)' = u' + v'$
# - a product: $(uv)' = u'v + uv'$
# - $(x^n)' = n x^{n - 1}$, $\;(e^x)' = e^x$, $\;(\ln x)' = 1 / x$
#
# **Question.** What is the derivative of $g(x) = x^3 e^x$? Write it down before you read on.
#
# The product rule, with $u = x^3$ and $v = e^x$, gives $g'(x) = 3x^2 e^x + x^3 e^x$. Never trust a derivative that you
# have not checked numerically:


# %%
def g(x):
    return x**3 * np.exp(x)


def dg(x):
    return (3 * x**2 + x**3) * np.exp(x)


print(dg(1.0), mt.numerical_gradient(g, np.array(1.0)))
assert abs(dg(1.0) - mt.numerical_gradient(g, np.array(1.0))) < 1e-12

# %% [markdown]
# The chain rule
# --------------
#
# Networks are functions of functions. The smallest part of a network is a *neuron*. It takes a number $x$, computes
# $z = wx + b$, and outputs $y = \sigma(z) = 1 / (1 + e^{-z})$. This curve from 0 to 1 is called the *sigmoid*; $w$ and
# $b$ are the neuron's weights. Suppose that the right answer is $t$. We measure the error by $L = (y - t)^2$ and call
# it the *loss*. How does $L$ change with $w$?
#
# Think of rates. If $z$ moves by 2 per unit of $w$, and $y$ moves by 0.2 per unit of $z$, and $L$ moves by $-0.5$ per
# unit of $y$, then $L$ moves by $2 \cdot 0.2 \cdot (-0.5)$ per unit of $w$. That is the chain rule: **multiply the
# derivatives along the path.**
#
# $$
# \begin{aligned}
# \frac{dL}{dw} &= \frac{dL}{dy} \cdot \frac{dy}{dz} \cdot \frac{dz}{dw} \\
#               &= 2(y - t) \cdot y(1 - y) \cdot x
# \end{aligned}
# $$
#
# The middle factor deserves a short derivation. Write $q$ for $e^{-z}$, which has the derivative $-q$. Then
# $y = 1 / (1 + q)$, and
#
# $$
# \begin{aligned}
# \frac{dy}{dz} &= \frac{-1}{(1 + q)^2} \cdot (-q) \\
#               &= \frac{1}{1 + q} \cdot \frac{q}{1 + q} = y (1 - y) ,
# \end{aligned}
# $$
#
# because $q / (1 + q) = 1 - 1 / (1 + q)$.
#
# Each factor is *local*. It concerns a single step of the computation, and it needs only numbers that this step has
# computed anyway.


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
print(f"numerical: {tried}")
assert abs(dL_dy * dy_dz * dz_dw - tried) < 1e-12
assert (y, dL_dy * dy_dz * dz_dw) == (0.5, -0.5)

# %% [markdown]
# With $w = 0.5$, $x = 2$ and $b = -1$ you can do all of it by hand: $z = 0$, $y = \tfrac12$, and
# $dL/dw = -1 \cdot \tfrac14 \cdot 2 = -\tfrac12$. The loss falls if $w$ grows, so let $w$ grow. That is learning.
#
# Softmax
# -------
#
# A classifier decides which of several classes something belongs to. It computes a score $z_i$ for each class, also
# called a *logit*, and turns the scores into probabilities:
#
# $$
# y_i = \frac{e^{z_i}}{\sum_k e^{z_k}}
# $$
#
# The exponential makes every score positive. Dividing by the sum makes them sum to 1.

# %%
z = np.array([1.0, 2.0, 3.0])
y = np.exp(z) / np.exp(z).sum()
print(y.round(4), "sum", y.sum())

# %% [markdown]
# **Question.** If the second score grows, what happens to the first probability? How much does it change?
#
# It falls, because all probabilities share one denominator, $S = \sum_k e^{z_k}$. Every probability depends on every
# score, so there is a whole table of derivatives, the *Jacobian*. The entry in row $i$ and column $j$ says how $y_i$
# moves if $z_j$ alone moves. Such a derivative is written with $\partial$ in place of $d$. There are two cases, and the
# quotient rule gives both:
#
# $$
# \begin{aligned}
# \frac{\partial y_i}{\partial z_i} &= \frac{e^{z_i} S - e^{z_i} e^{z_i}}{S^2} = y_i (1 - y_i), \\
# \frac{\partial y_i}{\partial z_j} &= \frac{0 \cdot S - e^{z_i} e^{z_j}}{S^2} = -y_i y_j \quad (j \neq i) .
# \end{aligned}
# $$
#
# In code, `np.outer(y, y)` is the table of all products $y_i y_j$, and `np.diag(y)` has $y$ on its diagonal and 0
# elsewhere. Their difference covers both cases.

# %%
jacobian = np.diag(y) - np.outer(y, y)
print(jacobian.round(4))


def softmax(z):
    return np.exp(z) / np.exp(z).sum()


tried = np.stack([mt.numerical_gradient(lambda z, i=i: softmax(z)[i], z) for i in range(3)])  # row by row
print("largest difference from the numerical Jacobian:", abs(jacobian - tried).max())
assert abs(jacobian - tried).max() < 1e-12
assert abs(jacobian.sum(axis=0)).max() < 1e-15

mt.plots.matrices([jacobian], ["The Jacobian of softmax"], x_label="score j", y_label="probability i")

# %% [markdown]
# Each column sums to 0: what one probability gains, the others lose. Their total is always 1.
#
# Cross-entropy
# -------------
#
# Let $c$ be the right class. The loss is $L = -\ln y_c$. It is zero if the net is certain and right, and large if the
# net is certain and wrong. Only $y_c$ occurs in it, so
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
# Softmax and cross-entropy together
# ----------------------------------
#
# **Question.** How does $L$ change with the *scores*? Each score reaches $L$ through all three probabilities. So we
# multiply the derivatives along each path, and sum over the paths:
# $\partial L / \partial z_j = \sum_i \partial L / \partial y_i \cdot \partial y_i / \partial z_j$. Only the term with
# $i = c$ contributes. Work out the two cases.
#
# $$
# \begin{aligned}
# j = c: \quad    & -\frac{1}{y_c} \cdot y_c (1 - y_c) = y_c - 1, \\
# j \neq c: \quad & -\frac{1}{y_c} \cdot (-y_c y_j) = y_j .
# \end{aligned}
# $$
#
# In code, the sum over $i$ is `dL_dy @ jacobian`, which multiplies each column of the table elementwise by `dL_dy` and
# sums the products. Almost everything cancels. Write the right answer as a vector that is 1 at $c$ and 0 elsewhere
# ("one-hot"). Then the gradient is **prediction minus target**:
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
# The package's loss does exactly this. Like all operations of the package, it returns a value and a function that
# carries a derivative back through the operation. The function comes in a tuple of one, and `(dlogits,)` unpacks it.
# Its argument is $dL/dL = 1$. The package's arrays have one sample per row, so `z[None]` adds one more pair of
# brackets:

# %%
loss, (dlogits,) = tensor.softmax_cross_entropy(z[None], np.array([c]))
print(loss, dlogits(1.0).round(4))
assert abs(loss + np.log(y[c])) < 1e-15
assert abs(dlogits(1.0)[0] - together).max() < 1e-15

# %% [markdown]
# Why local derivatives are enough
# --------------------------------
#
# Take a net for images of 28 by 28 pixels. Its 784 inputs are all connected to 300 neurons, the *hidden units*, and
# these are all connected to 10 scores. With a $b$ for each neuron and each score, that makes
# $(784 + 1) \cdot 300 + (300 + 1) \cdot 10 = 238{,}510$ weights. To try one of them takes two evaluations of the whole
# net. **Question.** How many evaluations does it take to try all of them once?

# %%
net = mt.two_layer_net(784, 300, 10)
print(f"{2 * net.n_parameters:,} evaluations by trial; two passes by the chain rule")
assert net.n_parameters == 238_510

# %% [markdown]
# The chain rule needs two passes over the net. In the *forward pass*, each step computes its output and remembers the
# numbers that its derivative will need. In the *backward pass*, each step multiplies the derivative that arrives by its
# own local derivative, and passes the product on. No step has to know what comes before it or after it: not which net
# it is part of, and not what the loss is. The backward pass is **backpropagation**, and the pages that follow write it
# in better and better ways.
#
# Exercises
# ---------
#
# 1. The derivative of $\tanh z$ is $1 - \tanh^2 z$. Write `dtanh` and check it:
#    `assert abs(dtanh(0.3) - mt.numerical_gradient(np.tanh, np.array(0.3))) < 1e-12`
# 2. By hand: take a neuron with $x = 3$, $w = 1$, $b = -3$, $t = 0$. What are $y$ and $dL/dw$? Then start from
#    `loss, y = neuron(1.0, x=3.0, b=-3.0, t=0.0)`, multiply the three factors, and `assert dL_dw == ...`
# 3. Take two logits, $(z, 0)$. Show that softmax gives the first class the probability $\sigma(z)$:
#    `assert abs(softmax(np.array([z, 0]))[0] - 1 / (1 + np.exp(-z))) < 1e-15` for a few values of $z$.
# 4. The mean squared error of $n$ outputs is $L = \frac1n \sum_i (y_i - t_i)^2$. Derive $\partial L / \partial y_i$,
#    and check it against `mt.numerical_gradient` for three numbers of your choice.
#
# Next, on page 2: a small class that applies the chain rule for you.
