"""Exact mode: arithmetic that rounds in the same way at every tier, so that weights can be compared bit for bit.

In fast mode the tiers differ in the last bits for two reasons: they sum in different orders, and their exp and log come
from different libraries. In exact mode every sum adds its terms in index order, and rounds each product before it is
added. exp, expm1, log1p and tanh are those of Python's math module, called for one number at a time. +, -, *, / and
sqrt need no replacement: IEEE 754 prescribes every bit of their results.

`tiers.get_tier(name, exact=True)` runs the tier's own functions, with the fast arithmetic replaced by the functions in
``ARITHMETIC``: that of `exact.lists` for the scalar tier, that of `exact.arrays` for the others.
"""
