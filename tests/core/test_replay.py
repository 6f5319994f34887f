"""The replay of a graph: its numbers are those of `Value.backward`, and a wrong order does the harm that it shows."""

import json
import math
import random
import re
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from profiles import examples

import micrograd_tiers as mt
from micrograd_tiers import Value
from micrograd_tiers._engine import in_order
from micrograd_tiers.html import number
from micrograd_tiers.views.graph.boxes import nodes_of
from micrograd_tiers.views.graph.passes import backward, first_reached, wrong_gradients


@st.composite
def expressions(draw):
    """Random expressions, with shared operands, operands used twice, and nodes with a `_backward` made by hand."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    nodes = [Value(rng.uniform(-2, 2)) for _ in range(draw(st.integers(1, 4)))]
    for _ in range(draw(st.integers(0, 15))):
        a, b = rng.choices(nodes, k=2)
        ways = [a + b, a * b, a - b, a.tanh(), a * a, -a, doubled(a), difference(a, b)]
        nodes.append(rng.choice(ways))
    return nodes[-1]


def doubled(x):
    out = Value(2 * x.data, (x,), "doubled")

    def push():
        x.grad += 2 * out.grad

    out._backward = push
    return out


def difference(x, y):
    out = Value(x.data - y.data, (x, y), "difference")

    def push():
        x.grad += out.grad
        y.grad += -out.grad

    out._backward = push
    return out


def data_of(page):
    return json.loads(re.search(r"^const data = (.*);$", page.html(), re.MULTILINE)[1])


@given(expressions())
@examples(60)
def test_the_gradients_are_those_of_backward_and_the_values_keep_theirs(value):
    nodes = nodes_of(value)
    for i, node in enumerate(nodes):
        node.grad = i + 0.5
    passed = backward(in_order(value, reset=False)[0] or [value])
    data = data_of(mt.replay(value))
    assert [node.grad for node in nodes] == [i + 0.5 for i in range(len(nodes))]
    for node in nodes:
        node.grad = 0
    value.backward()
    assert [passed.grads[node] for node in nodes] == [node.grad for node in nodes]  # to the last bit
    shown = {}
    for step in data["right"]:
        if "grad" in step:
            shown[step["grad"][0]] = step["grad"][1]
    assert shown == {i: number(node.grad) for i, node in enumerate(nodes)}
    assert {step["box"]: step["data"] for step in data["forward"][1:]} == {
        i: number(node.data) for i, node in enumerate(nodes)
    }


@given(expressions())
@examples(60)
def test_every_sum_on_the_page_adds_up(value):
    data = data_of(mt.replay(value))
    for order in ("right", "other"):
        grads = {0: 1.0}
        for step in data[order][1:-1]:
            target, text = step["grad"]
            before, product, after = re.fullmatch(r".*: (\S+) \+ (.*) = (\S+)", step["formula"]).groups()
            assert float(before) == grads.get(target, 0)
            assert after == text
            assert step["added"].startswith("+= ")
            factors = [float(factor.strip("()")) for factor in product.split(" * ")]
            assert math.isclose(math.prod(factors), float(step["added"][3:]), rel_tol=2e-3, abs_tol=1e-300)
            grads[target] = float(text)


@given(expressions())
@examples(60)
def test_both_orders_take_every_step_once_and_only_the_other_is_ever_late(value):
    data = data_of(mt.replay(value))
    steps = [[step["edge"] for step in data[order][1:-1]] for order in ("right", "other")]
    assert sorted(steps[0]) == sorted(steps[1])
    assert len({*steps[0]}) == len(steps[0])
    assert not any(step["late"] for step in data["right"][1:-1])
    if data["wrong"]:
        assert any(step["late"] for step in data["other"][1:-1])


@given(expressions())
@examples(60)
def test_an_order_does_harm_only_if_a_node_with_operands_has_two_users(value):
    nodes = nodes_of(value)
    users = {node: {id(other) for other in nodes if any(x is node for x in other._prev)} for node in nodes}
    assume(all(len(users[node]) < 2 for node in nodes if node._prev))
    page = mt.replay(value).html()
    assert "no wrong gradient in this graph" in page
    assert "is used by one other node only" in page


def diamond():
    """Return a graph in which n passes its gradient on too early if nodes take turns breadth-first."""
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    n = a * b
    n.label = "n"
    e = n * 0.5
    e.label = "e"
    L = n * 3.0 + e * e
    L.label = "L"
    return L, a, b, n


def test_a_wrong_order_shows_what_came_too_late_and_which_gradients_are_wrong():
    L, a, b, n = diamond()
    page = mt.replay(L)
    data = data_of(page)
    L.backward()
    named = dict(zip(data["names"], range(99), strict=False))
    assert sorted(data["wrong"]) == sorted([named["a"], named["b"]])
    (late,) = [step for step in data["other"] if step.get("late")]
    assert late["grad"] == [named["n"], number(n.grad)]
    assert "Too late: n has passed its gradient on already" in late["why"]
    assert "which had already passed its gradient on to a and b" in page.html()
    early = b.data * 3.0  # dL/da without what comes through e
    assert f"a.grad is {number(early)} instead of {number(a.grad)}" in data["other"][-1]["why"]
    assert "yet to contribute" in " ".join(step["why"] for step in data["other"])


def test_depth_first_is_tried_where_breadth_first_does_no_harm():
    n = Value(2.0) * 3.0
    L = n * 2.0 + n * 5.0  # all paths are equally long
    values = nodes_of(L)
    right = backward([v for v in values if v._prev])
    assert not wrong_gradients(values, right, backward(first_reached(L, depth_first=False)))
    assert wrong_gradients(values, right, backward(first_reached(L, depth_first=True)))
    assert "another order of the backward pass: depth-first" in mt.replay(L).html()


def test_a_late_zero_does_no_harm():
    n = Value(-2.0).relu()
    L = n * 2.0 + (n * 3.0) * 4.0
    assert "What came too late is 0" in mt.replay(L).html()


def test_the_formula_has_the_numbers_plugged_in():
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    e = a * b
    y = (e**2).tanh() - b
    data = data_of(mt.replay(y, names={"e": e, "y": y}))
    formulas = [step["formula"] for step in data["forward"] + data["right"]]
    for expected in [
        "a = 2",
        "e = a * b = 2 * (-3) = -6",
        "v1 = e**2 = (-6)**2 = 36",
        "v2 = tanh(v1) = tanh(36) = 1",
        "y = v2 - b = 1 - (-3) = 4",
        "y.grad = 1",
        "b.grad += dy/db * y.grad: 0 + (-1) * 1 = -1",
    ]:
        assert expected in formulas
    whys = " ".join(step["why"] for step in data["right"])
    assert "is complete, because the only node computed from v1 (v2) came before." in whys


def test_names_that_are_taken_are_not_given_again():
    v1 = Value(1.0, label="v1")
    assert data_of(mt.replay(v1 + 1.0))["names"].count("v1") == 1


def test_infinite_numbers_are_text_on_the_page():
    x = Value(math.inf, label="x")
    page = mt.replay(x - x + math.nan)
    assert '"inf"' in page.html()


@pytest.mark.parametrize("thing", [3.0, None, [Value(1.0)]])
def test_other_things_are_refused(thing):
    with pytest.raises(TypeError, match=r"value is .*, expected a Value"):
        mt.replay(thing)


def test_too_large_a_graph_is_refused():
    value = Value(1.0)
    for _ in range(300):
        value = -value
    with pytest.raises(ValueError, match=r"the graph of value has 301 nodes; at most 300 .*mt\.draw\(value, fold="):
        mt.replay(value)
    assert data_of(mt.replay(value._prev[0]))["names"][0] == "v300"


@pytest.mark.parametrize("huge", [10**400, Fraction(10**400, 3)])
def test_integers_and_fractions_beyond_all_floats_are_replayed(huge):
    a = Value(huge)
    b = a * a
    c = b * a + b * 2
    assert "right" in mt.replay(c * b + a * c).data


def test_nodes_of_one_name_are_told_apart():
    a, b = Value(1.0, label="a"), Value(2.0, label="a")
    long, longer = Value(1.0, label="x" * 40 + "1"), Value(1.0, label="x" * 40 + "2")
    names = mt.replay((a + b) * (long + longer)).data["names"]
    assert len({*names}) == len(names)
    assert {"a", "a (2)"} <= {*names}
