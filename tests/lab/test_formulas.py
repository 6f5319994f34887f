"""The judge's formulas: each value is checked against the tiers, each gradient against the value."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from op_cases import COMPLEX, OP_CASES, complex_step
from profiles import examples

from micrograd_tiers.lab.judge import Search, judge_op
from micrograd_tiers.lab.judge.cases import CASE_OF, EXAMPLES
from micrograd_tiers.lab.judge.formulas import FORMULAS
from micrograd_tiers.lab.museum import get_bug
from micrograd_tiers.tiers import CORE, SUPPORT, Tier, get_tier, registry

every_op = pytest.mark.parametrize("case", OP_CASES, ids=lambda case: case.name)


def test_registry_formulas_examples_and_protocol_name_the_same_ops():
    names = {row.name for row in registry.OPS}
    methods = {name for name, member in vars(Tier).items() if inspect.isfunction(member) and name[0] != "_"}
    assert names == {*FORMULAS} == {*EXAMPLES}
    assert (
        {*CORE, "moments", *SUPPORT} <= methods <= {*names, "moments", *SUPPORT}
    )  # the protocol need not list every op


@every_op
def test_a_formula_has_a_gradient_for_each_differentiable_argument(case):
    assert len(FORMULAS[case.name].gradients) == case.n_differentiable


@every_op
@examples(20)
@given(data=st.data())
def test_each_gradient_is_the_complex_step_of_the_value(case, data):
    inputs, dy = data.draw(case.examples.ordinary.strategy)
    value, gradients = FORMULAS[case.name]
    np.testing.assert_allclose(value(*inputs), COMPLEX[case.name](*inputs), rtol=1e-12, atol=1e-13)
    for k, gradient in enumerate(gradients):
        expected = complex_step(COMPLEX[case.name], inputs, k, dy)
        # Relative to the largest term: where terms cancel, the formulas lose digits.
        scale = max(np.abs(expected).max(), np.abs(dy).max())
        np.testing.assert_allclose(
            gradient(*inputs, dy), expected, rtol=1e-12, atol=1e-12 * scale, err_msg=case.parts[k + 1]
        )


@pytest.mark.parametrize("name", ["linear_dx_averaged", "sigmoid_overflows", "max_pool2d_ties_all"])
def test_a_bug_in_the_built_in_tensor_tier_itself_is_found(name, monkeypatch):
    bug, tier = get_bug(name), get_tier("tensor")
    monkeypatch.setattr(tier, bug.op, getattr(bug.tier("tensor"), bug.op))
    findings = judge_op(CASE_OF[bug.op], tier, Search(shrink=False))
    assert [finding.part for finding in findings] == [bug.part]
