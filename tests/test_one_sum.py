"""What the first step of a recurrence has in common with all others: one sum, one product, one scatter."""

from __future__ import annotations

import numpy as np
import pytest

from symbp import parse
from symbp.calculus.adjoining import adjoined
from symbp.calculus.expr import Add, Reduce

ELMAN = """\
index t = 1..T
input x[t] : D
input tok[t] in 0..V-1
param U : H, D
param E : V, H
param W : H, H
param b : H
h[1,j] = tanh(sum(U[j,d]*x[1,d], d) + E[tok[1],j] + b[j])
h[t,j] = tanh(sum(W[j,k]*h[t-1,k], k) + sum(U[j,d]*x[t,d], d) + E[tok[t],j] + b[j]) for t = 2..T
cost C = sum(h[T,j]^2, j)
"""


def lines(text: str, variable: str) -> list[str]:
    derivation = parse(text).derive(variable)
    return [line.strip() for line in derivation.to_text().splitlines()]


def test_the_term_of_the_first_step_joins_the_sum_over_the_others() -> None:
    shown = lines(ELMAN, "b")
    assert any(line.endswith("the term by itself is the summand for t = 1") for line in shown)
    assert any("∂C/∂b = Σₜ₌₁^T (∂C/∂hᵗ) ⊙ (1 − (hᵗ)²)" in line for line in shown)


def test_a_term_that_is_another_stays_by_itself() -> None:
    """The first step has a factor 2 that the others have not; and Σ_{t ≥ 3} has no place for t = 1."""
    for old, new in (("+ E[tok[1],j] + b[j]", "+ 2*b[j]"), ("for t = 2..T", "for t = 3..T\nh[2,j] = h[1,j]")):
        shown = lines(ELMAN.replace(old, new), "b")
        assert not any("by itself" in line for line in shown)


def test_only_the_summand_beside_a_range_widens_it() -> None:
    model = parse(ELMAN)
    total = model.derive("b").cases[0].result
    body = total
    assert isinstance(body, Reduce)
    assert adjoined(Add((body, body))) is None, "twice a sum is not a longer sum"


def test_the_code_has_one_product_and_one_scatter_for_all_steps() -> None:
    code = parse(ELMAN).to_numpy().split("def value(")[0]
    assert code.count("U.T") == 1 and "h_input = [None, *(x_turned @ U.T" in code
    assert code.count("_added(") == 1 and "grad_U = d_h_inner[1:].reshape(-1, H).T @ x_turned" in code
    assert "grad_b = d_h_inner[1:].sum(axis=(0, 1))" in code


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_gradients_hold_for_any_number_of_steps(steps: int) -> None:
    rng = np.random.default_rng(steps)
    module = parse(ELMAN).compile()
    shapes = {"U": (4, 3), "E": (6, 4), "W": (4, 4), "b": (4,)}
    given = {n: rng.standard_normal(s) for n, s in shapes.items()}
    given |= {"x": rng.standard_normal((2, steps, 3)), "tok": rng.integers(0, 6, (2, steps))}
    _, grads = module.value_and_grad(**given)
    workspace = module.make_workspace(**given)
    for name, grad in zip(shapes, grads, strict=True):
        direction = rng.standard_normal(grad.shape)
        ends = [module.value(**given | {name: given[name] + s * 1e-6 * direction}) for s in (1, -1)]
        np.testing.assert_allclose(np.vdot(grad, direction), (ends[0] - ends[1]) / 2e-6, rtol=1e-6, atol=1e-9)
    for mine, other in zip(module.value_and_grad(**given, out=workspace)[1], grads, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12, atol=1e-14)
