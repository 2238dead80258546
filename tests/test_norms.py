"""Norms that are 0: distances of points from themselves, groups of weights that are all 0."""

from __future__ import annotations

import warnings
from typing import Any

import loops
import numpy as np
import pytest

import symbp
from symbp import pipeline
from symbp.derive.conventions import conventions
from symbp.derive.engine import adjoint_system

DISTANCES = {
    # Kruskal, Multidimensional scaling by optimizing goodness of fit (1964), with all pairs
    "named": "r[i,j] = norm(X[i,d] - X[j,d], d)\ncost C = sum((r[i,j] - E[i,j])^2, i, j)",
    "unnamed": "cost C = sum((norm(X[i,d] - X[j,d], d) - E[i,j])^2, i, j)",
    "kernel": "cost C = sum(E[i,j]*exp(-sqrt(sum((X[i,d] - X[j,d])^2, d))), i, j)",
    # Szekely and Rizzo, Energy statistics (2013)
    "energy": "cost C = -sum(norm(X[i,d] - X[j,d], d), i, j)/N^2 + sum(E[i,j], i, j)",
    "square_named": "s[i,j] = sum((X[i,d] - X[j,d])^2, d)/D\ncost C = sum(E[i,j]*sqrt(s[i,j]), i, j)",
}
NORM = "a norm has no derivative where it is 0: it is taken to be 0 there"


@pytest.mark.parametrize("name", DISTANCES)
def test_the_distance_of_a_point_from_itself(name: str) -> None:
    model = pipeline.parse("param X : N, D\nconst E : N, N\n" + DISTANCES[name])
    system = adjoint_system(model)
    module = pipeline.module_of(system)
    rng = np.random.default_rng(3)
    X, E = rng.normal(size=(4, 3)), rng.normal(size=(4, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        grad = module.value_and_grad(X=X, E=E)[1].X
        again = module.value_and_grad(X=X, E=E, out=module.make_workspace(X=X, E=E))[1].X
    wanted = np.array([[_slope(module, X, E, i, d) for d in range(3)] for i in range(4)])
    assert grad == pytest.approx(wanted, rel=1e-6, abs=1e-8)
    assert again == pytest.approx(grad, rel=1e-12)
    with np.errstate(all="ignore"):  # the loops are not compiled here
        assert not loops.differences(model, module, loops.interpreted(system))
    if name != "square_named":  # there ∂C/∂s is infinite in truth
        assert pipeline.verified(model).ok


def _slope(module: Any, X: np.ndarray[Any, Any], E: np.ndarray[Any, Any], i: int, d: int) -> float:
    """A central difference."""
    step = np.zeros_like(X)
    step[i, d] = 1e-5
    ends = [module.value(X=X + s * step, E=E) for s in (1, -1)]
    return float(ends[0] - ends[1]) / 2e-5


def test_a_group_of_weights_that_is_0_does_not_move() -> None:
    """Yuan and Lin, Model selection and estimation in regression with grouped variables (2006)."""
    model = pipeline.parse("param W : G, P\nconst l\ncost C = l*sum(norm(W[g,p], p), g)")
    module = pipeline.module_of(adjoint_system(model))
    for dtype in (np.float32, np.float64):
        grad = module.value_and_grad(W=np.array([[0, 0], [3, 4]], dtype), l=dtype(5))[1].W
        assert grad.dtype == dtype
        assert grad == pytest.approx(np.array([[0, 0], [3, 4]]))


def test_the_matrix_form_as_numpy_is_0_there_too() -> None:
    text = "param X : N, D\nconst E : N, N\n" + DISTANCES["named"]
    model, rng = symbp.parse(text), np.random.default_rng(3)
    X, E = rng.normal(size=(4, 3)), rng.normal(size=(4, 4))
    module = model.compile()
    values = module.forward(X=X, E=E)
    form = model.derive("X").matrix
    assert form is not None
    names = {"np": np, "X": X, "r": values["r"], "dr": 2 * (values["r"] - E)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = eval(form.to_numpy(), names)
    np.testing.assert_allclose(found, module.value_and_grad(X=X, E=E)[1].X, rtol=1e-12, atol=1e-12)


def test_the_page_says_what_is_taken() -> None:
    assert conventions(pipeline.parse("param w : P\ncost C = norm(w[p], p)")) == (NORM,)
    assert conventions(pipeline.parse("param w\ncost C = sqrt(w)")) == (
        "the derivative of a square root is infinite where its argument is 0",
    )


@pytest.mark.parametrize(
    "text",
    [
        "param w : P\nu[p] = w[p]/norm(w[q], q)\ncost C = sum(u[p]^3, p)",
        "param w : P\ncost C = sum(w[p], p)/sqrt(sum(w[q]^2, q))",
        "param w : P\ncost C = log(norm(w[p], p))",
        "param w : P\ncost C = sqrt(sum(w[p], p))",
    ],
)
def test_what_the_model_divides_by_is_left_alone(text: str) -> None:
    """0/0 of the model itself is not made 0 in silence."""
    module = pipeline.module_of(adjoint_system(pipeline.parse(text)))
    with np.errstate(all="ignore"):
        cost, grads = module.value_and_grad(w=np.zeros(3))
    assert not np.isfinite(cost) or not np.isfinite(grads.w).all()


def test_no_matrix_form_takes_the_root_of_a_distance_multiplied_out() -> None:
    """(X ⊙ X) 𝟏𝟏ᵀ + … − 2 X Xᵀ has no digit left where it is 0, and may be less."""
    text = "param X : N, D\ncost C = sum(norm(X[i,d] - X[j,d], d), i, j)"
    assert symbp.parse(text).derive("X").matrix is None


@pytest.mark.parametrize(
    "term", ["where(i < j, a[i,j]/(j - i), 0)", "where(i != j, a[i,j]^2*b[i]/(i - j)^2, 0)"]
)
def test_a_condition_keeps_a_divisor_of_indices_from_0(term: str) -> None:
    """0 times 1/0 is nan: what divides by j − i is chosen, not multiplied by the condition."""
    model = symbp.parse(f"param a : N, M\nparam b : N\ncost C = sum({term}, i, j) + sum(b[i], i)")
    assert model.verify().ok
    module, rng = model.compile(), np.random.default_rng(3)
    given = {"a": rng.normal(size=(3, 4)), "b": rng.normal(size=3)}
    room = module.make_workspace(**given)
    for out in (None, room):
        _, grads = module.value_and_grad(**given, out=out)
        assert all(np.isfinite(g).all() for g in grads)
    matrix = model.derive("a").matrix
    assert matrix is None or "nan" not in matrix.to_latex()
