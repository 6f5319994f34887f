"""
Gallery
=======

Everything here shows itself: in a notebook, on this site, or in a file that opens without a network. Each picture is
the result of the lines above it, and ``.save("page.html")`` writes it to a file. Red is negative and blue is positive,
everywhere.
"""

# %%
import random

import micrograd_tiers as mt

# %%
# The graph of an expression
# --------------------------
#
# ``mt.draw`` lays out the graph of any ``Value``: each number and its gradient in a box, the local derivative on each
# edge. No other program is needed.

x = [mt.Value(2.0, label="x1"), mt.Value(0.0, label="x2")]
w = [mt.Value(-3.0, label="w1"), mt.Value(1.0, label="w2")]
b = mt.Value(6.8813735870195432, label="b")
o = (x[0] * w[0] + x[1] * w[1] + b).tanh()
o.backward()
mt.draw(o, names=locals())

# %%
# ``mt.replay`` plays a graph: forward node by node, then backward edge by edge. Use the buttons, or the arrow keys. The
# switch plays the backward pass in another order, in which a node passes its gradient on too early.

a = mt.Value(3.0, label="a")
b = a + a
c = b + b
d = b + c
mt.replay(d, names=locals())

# %%
# Neurons of an ``MLP`` fold into boxes. Click one to look inside.

model = mt.MLP(3, [4, 4, 1], rng=random.Random(1))
score = model([2.0, 3.0, -1.0])
loss = (score - 1.0) ** 2
loss.backward()
mt.draw(loss, fold=model, names={"score": score, "loss": loss})

# %%
# A net
# -----
#
# Units with their outputs, lines with their weights, and below them the gradients of all these.

moons = mt.load_dataset("moons", n_train=200)
net = mt.two_layer_net(2, 3, 2, seed=1)
mt.draw(net, moons.train_x[:4], moons.train_y[:4])

# %%
# Layers of more than 60 units are pictures. Each hidden unit of a net for digits shows its weights as an image.

glyphs = mt.load_dataset("glyphs", n_train=500, n_test=10)
digits = mt.two_layer_net(784, 30, 10)
mt.fit(digits, glyphs.train_x, glyphs.train_y, optimizer=mt.Adam(0.003), epochs=10)
mt.draw(digits, glyphs.test_x[:2], glyphs.test_y[:2])

# %%
# One training step, number by number
# -----------------------------------
#
# Forward pass, loss, backward pass and update: for each op its source at the three tiers, the arrays, the formula, and
# the formula with the numbers plugged in. Click any number to see which numbers made it, and which gradient comes back
# to it. ``micrograd-tiers step`` writes such a page, also with a planted bug.

mt.step_through(net, moons.train_x[:4], moons.train_y[:4], mt.SGD(0.5))

# %%
# Learning in motion
# ------------------
#
# The decision regions and the loss of a net while it learns; ``.save("learning.gif")`` writes a moving picture.

mt.animate(mt.mlp([2, 8, 2], "tanh"), moons, optimizer=mt.Adam(0.02), epochs=100)

# %%
# The same run at the three tiers, each at its own speed:

mt.animate(mt.mlp([2, 8, 2], "tanh"), moons, optimizer=mt.Adam(0.02), epochs=30, tiers=("scalar", "vector", "tensor"))

# %%
# In a notebook
# -------------
#
# Data sets, summaries, histories and checks show themselves as well.

moons

# %%

net.summary()

# %%

history = mt.fit(net, moons.train_x, moons.train_y, epochs=20, validation=(moons.test_x, moons.test_y))
history

# %%

mt.check_network(net, moons.train_x[:4], moons.train_y[:4])

# %%
# Pictures by Matplotlib are in ``mt.plots``, each with a picture in the :doc:`reference </reference>`. They return the
# ``Figure``, draw into ``axes=`` of your own, and write a file if you give a ``path=``.

mt.plots.scatter_2d(moons.train_x, moons.train_y, moons.class_names, title="2-3-2 on moons", predict=net.predict)
