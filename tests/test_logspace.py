"""Products of matrices in the space of logarithms, and the steps of recurrences that keep what they need."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symbp import parse

CHAIN = """\
index t = 1..T
input u[t] : K
param A : K, K
alpha[1,k] = u[1,k]
alpha[t,k] = u[t,k] + logsumexp(alpha[t-1,j] + A[j,k], j) for t = 2..T
cost C = logsumexp(alpha[T,k], k)
"""
SECTIONS = """\
index t = 1..T
const u[t] : N, K
param A : K, K
param g : K
alpha[1,n,k] = g[k]*u[1,n,k]
alpha[t,n,k] = u[t,n,k] + logsumexp(alpha[t-1,n,j] + u[t-1,n,j] + A[j,k], j) for t = 2..T
cost C = sum(logsumexp(alpha[T,n,k], k)^2, n)
"""
READOUT = """\
input x : D
param W : J, D
param A : J, K
param v : K
z[k] = logsumexp(sum(W[j,d]*x[d], d) + A[j,k], j)
cost C = sum(v[k]*z[k], k)
"""


def twice(module: ModuleType, given: dict[str, Any]) -> tuple[float, list[np.ndarray]]:
    """The plain form, which the form with a workspace has to equal, also after other values."""
    cost, grads = module.value_and_grad(**given)
    workspace = module.make_workspace(**given)
    shuffled = {n: a[::-1] * 0.5 for n, a in given.items()}
    for values in (given, shuffled, given):
        again, its = module.value_and_grad(**values, out=workspace)
    np.testing.assert_allclose(again, cost, rtol=1e-12)
    for mine, other in zip(its, grads, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12, atol=1e-12 * np.abs(other).max())
    np.testing.assert_allclose(module.value(**given), cost, rtol=0)
    return cost, list(grads)


def chained(u: np.ndarray, A: np.ndarray) -> float:
    alpha = u[:, 0]
    for t in range(1, u.shape[1]):
        s = alpha[:, :, None] + A
        top = s.max(axis=1)
        alpha = u[:, t] + top + np.log(np.exp(s - top[:, None]).sum(axis=1))
    top = alpha.max(axis=1)
    return float((top + np.log(np.exp(alpha - top[:, None]).sum(axis=1))).mean())


@pytest.mark.parametrize("scale", [1.0, 30.0, 1e4])
def test_sums_in_the_space_of_logarithms_hold_at_any_scale(scale: float) -> None:
    module = parse(CHAIN).compile()
    rng = np.random.default_rng(3)
    u, A = rng.standard_normal((5, 7, 4)), scale * rng.standard_normal((4, 4))
    cost, (grad_A,) = twice(module, {"u": u, "A": A})
    np.testing.assert_allclose(cost, chained(u, A), rtol=1e-12)
    np.testing.assert_allclose(grad_A.sum(), 6, rtol=1e-12)  # one transition a step
    step = 1e-5
    for place in np.ndindex(*A.shape):
        moved = np.zeros_like(A)
        moved[place] = step
        slope = (chained(u, A + moved) - chained(u, A - moved)) / (2 * step)
        assert abs(grad_A[place] - slope) < 1e-6 * max(1, scale)




P, Q = np.array([[0.0, -500.0]]), np.array([[-900.0, 0.0], [0.0, 0.0]])


def test_a_product_that_underflows_is_summed_in_logarithms() -> None:
    module = parse(READOUT).compile()
    matrix = module.rescaled(Q)
    np.testing.assert_allclose(module.log_product(P, matrix), [[-500.0, 0.0]], rtol=1e-12)
    left = module.log_product_left(P, matrix, np.array([[2.0, 3.0]]))
    np.testing.assert_allclose(left, [[3.0, 2.0]], rtol=1e-12)
    right = module.log_product_right(P, matrix, np.array([[2.0, 3.0]]))
    np.testing.assert_allclose(right, [[0.0, 3.0], [2.0, 0.0]], atol=1e-12)
    assert not module._scaled(P, matrix[1])[-1]


def test_steps_that_underflow_are_summed_in_logarithms_beside_others() -> None:
    module = parse(CHAIN).compile()
    near = np.array([[0.0, -1.0]])
    products = module.LogProducts(3).of(Q)
    np.testing.assert_allclose(products.value(1, P), [[-500.0, 0.0]], rtol=1e-12)
    np.testing.assert_allclose(products.value(2, near), [[-1.0, np.logaddexp(0, -1)]], rtol=1e-12)
    assert list(products.small) == [1], "the product of the second step is taken as it is"
    ahead = np.array([[2.0, 3.0]])
    np.testing.assert_allclose(products.left(1, ahead), [[3.0, 2.0]], rtol=1e-12)
    share = 1 / (1 + np.exp(-1))
    np.testing.assert_allclose(products.left(2, ahead), [[3 * share, 2 + 3 * (1 - share)]], rtol=1e-12)
    both = products.right(1, np.stack([ahead, ahead]))
    np.testing.assert_allclose(both, [[0, 3 + 3 * share], [4, 3 * (1 - share)]], atol=1e-12)
    products.of(np.zeros((2, 2)))
    assert products.safe and not products.small, "another matrix begins anew"


def test_a_matrix_of_very_different_columns_is_rescaled_column_by_column() -> None:
    module = parse(CHAIN).compile()
    q = np.array([[0.0, -800.0], [-1.0, -801.0]])
    assert module.rescaled(q)[2].shape == (2,) and module.rescaled(q / 100)[2].shape == ()
    products = module.LogProducts(1).of(q)
    assert products.safe
    expected = np.logaddexp(np.array([0.0, -800.0]), np.array([0.0, -800.0]))
    np.testing.assert_allclose(products.value(0, np.array([[0.0, 1.0]])), [expected], rtol=1e-12)


@pytest.mark.parametrize("scale", [1.0, 300.0])
def test_steps_of_several_chains_without_a_batch(scale: float) -> None:
    rng = np.random.default_rng(7)
    module = parse(SECTIONS).compile()
    given = {n: rng.standard_normal(s) for n, s in (("u", (5, 3, 4)), ("A", (4, 4)), ("g", (4,)))}
    given["A"] *= scale
    _, grads = twice(module, given)
    step = 1e-6
    for name, grad in zip(("A", "g"), grads, strict=True):
        direction = rng.standard_normal(grad.shape)
        ends = [module.value(**given | {name: given[name] + s * step * direction}) for s in (1, -1)]
        np.testing.assert_allclose(np.vdot(grad, direction), (ends[0] - ends[1]) / (2 * step), rtol=1e-5)
    assert "products.value(t - 1, alpha[t-1] + u[t-2])" in parse(SECTIONS).to_numpy()


def test_the_exponentials_of_a_transition_are_taken_once() -> None:
    text = parse(CHAIN).to_numpy().split("def value(")[0]
    for call in ("LogProducts(T).of(A)", "products.value(t - 1, alpha[t-1])",
                 "products.left(t, d_alpha[t+1])", "products.right(1, d_alpha[2:])"):
        assert text.count(call) == 1, call


@pytest.mark.parametrize("steps", [1, 2])
def test_one_step_has_no_product(steps: int) -> None:
    rng = np.random.default_rng(steps)
    given = {"u": rng.standard_normal((3, steps, 4)), "A": rng.standard_normal((4, 4))}
    cost, (grad_A,) = twice(parse(CHAIN).compile(), given)
    np.testing.assert_allclose(cost, chained(given["u"], given["A"]), rtol=1e-12)
    np.testing.assert_allclose(grad_A.sum(), steps - 1, rtol=1e-12, atol=1e-15)


def test_weights_of_a_step_that_no_product_made_are_computed() -> None:
    """The cost reads the weights of the last step too, from which no step goes on."""
    weights = "w[t,k,j] = softmax(alpha[t,j] + A[j,k], j)\ncost C = "
    read = CHAIN.replace("cost C = ", weights + "sum(w[t,k,j]*alpha[t,j]*u[t,k], j, k, t) + ")
    module = parse(read).compile()
    rng = np.random.default_rng(9)
    given = {"u": rng.standard_normal((2, 5, 3)), "A": rng.standard_normal((3, 3))}
    _, (grad_A,) = twice(module, given)
    direction, step = rng.standard_normal((3, 3)), 1e-6
    ends = [module.value(u=given["u"], A=given["A"] + s * step * direction) for s in (1, -1)]
    np.testing.assert_allclose(np.vdot(grad_A, direction), (ends[0] - ends[1]) / (2 * step), rtol=1e-6)
