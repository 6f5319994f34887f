"""Exact mode: arithmetic that rounds alike at every tier, so that their weights can be compared bit for bit.

Fast tiers differ in the last bits for two reasons: they add sums in different orders, and their exp and log come from
different libraries. Here every sum adds its terms one after the other, in index order, each product rounded before it
is added; and exp, expm1, log1p and tanh are those of Python's math module, number by number. +, -, *, / and sqrt need
no care: IEEE 754 prescribes every bit of them.

`tiers.get_tier(name, exact=True)` runs the tier's own functions with the names in ``ARITHMETIC``, of `exact.lists` for
the scalar tier and of `exact.arrays` for the others, in the place of the fast ones.
"""
