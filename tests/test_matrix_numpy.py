"""The NumPy text of a matrix form: conditions, derivatives by argument, differences; and what it computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symbp

Values = dict[str, Any]


def numpy_text(text: str, variable: str) -> str:
    form = symbp.parse(text).derive(variable).matrix
    assert form is not None
    return form.to_numpy()


SMOOTH = """
    index t = 1..T
    param z[t] : D
    const y[t] : D
    const lam
    cost C = sum(sum((z[t,d] - y[t,d])^2, d), t) + lam*sum(sum((z[t,d] - z[t-1,d])^2, d), t=2..T)
"""
LARGEST = """
    index t = 0..T-1
    param a[t]
    const b[t]
    m[0] = a[0]
    m[t] = maximum(m[t-1], a[t]) for t = 1..T-1
    cost C = sum(b[t]*m[t]^2, t=0..T-1)
"""
KNAPSACK = """
    index i = 1..N, j = 0..W
    const wt[i] in 1..W
    param v[i]
    F[0,j] = 0
    F[i,j] = where(j >= wt[i], maximum(F[i-1,j], F[i-1,j-wt[i]] + v[i]), F[i-1,j])
    cost C = F[N,W]
"""
EDIT = """
    index i = 1..N, j = 1..M
    param c : N, M
    param gap
    D[0,j] = gap*j for j = 0..M
    D[i,0] = gap*i
    D[i,j] = minimum(D[i-1,j-1] + c[i-1,j-1], minimum(D[i-1,j] + gap, D[i,j-1] + gap))
    cost C = D[N,M]
"""
LENGTHS = """
    index t = 1..T
    input x[t] : D
    input n in 1..T
    param W : H, D
    h[0,i] = 0
    h[t,i] = where(t <= n, tanh(sum(W[i,d]*x[t,d], d)), h[t-1,i])
    cost C = sum(h[T,i]^2, i)
"""


def smooth(v: Values, moved: Callable[[Any, Any], Any]) -> float:
    z, y = v["z"], v["y"]
    steps = z[2:] - z[1:-1]
    return np.sum((z[1:] - y[1:]) ** 2) + v["lam"] * np.sum(steps**2)


def largest(v: Values, moved: Callable[[Any, Any], Any]) -> float:
    m = v["m"] = np.zeros(v["T"])
    for t in range(v["T"]):
        m[t] = moved((t,), v["a"][0] if t == 0 else max(m[t - 1], v["a"][t]))
    return np.sum(v["b"] * m**2)


def knapsack(v: Values, moved: Callable[[Any, Any], Any]) -> float:
    F = v["F"] = np.zeros((v["N"] + 1, v["W"] + 1))
    for i in range(1, v["N"] + 1):
        for j in range(v["W"] + 1):
            w = v["wt"][i]
            value = max(F[i - 1, j], F[i - 1, j - w] + v["v"][i]) if j >= w else F[i - 1, j]
            F[i, j] = moved((i, j), value)
    return F[v["N"], v["W"]]


def edit(v: Values, moved: Callable[[Any, Any], Any]) -> float:
    D, c, gap = np.zeros((v["N"] + 1, v["M"] + 1)), v["c"], v["gap"]
    v["D"] = D
    for i in range(v["N"] + 1):
        for j in range(v["M"] + 1):
            value = gap * max(i, j)
            if i and j:
                value = min(D[i - 1, j - 1] + c[i - 1, j - 1], D[i - 1, j] + gap, D[i, j - 1] + gap)
            D[i, j] = moved((i, j), value)
    return D[v["N"], v["M"]]


RNG = np.random.default_rng(3)
DRAWN: list[tuple[str, str, str, Callable[..., float], Values, list[int]]] = [
    (SMOOTH, "z", "", smooth,
     {"T": 4, "D": 2, "z": RNG.normal(size=(5, 2)), "y": RNG.normal(size=(5, 2)), "lam": 0.7}, [1, 2, 3, 4]),
    (LARGEST, "a", "m", largest,
     {"T": 5, "a": np.array([0.3, -1.0, 0.8, 0.5, 1.1]), "b": RNG.normal(size=5)}, [1, 2, 3, 4]),
    (KNAPSACK, "v", "F", knapsack,
     {"N": 3, "W": 4, "wt": np.array([0, 2, 1, 3]), "v": np.array([0, 1.1, 0.7, 1.6])}, [1, 2, 3]),
    (EDIT, "gap", "D", edit, {"N": 3, "M": 2, "c": RNG.normal(size=(3, 2)) + 0.5, "gap": 0.6}, []),
]


@pytest.mark.parametrize(("text", "variable", "between", "run", "values", "members"), DRAWN,
                         ids=["smooth", "largest", "knapsack", "edit"])
def test_conditions_are_choices_and_what_is_not_chosen_is_not_read(
    text: str, variable: str, between: str, run: Callable[..., float], values: Values, members: list[int]
) -> None:
    code, step = numpy_text(text, variable), 1e-6
    known = dict(values)
    run(known, lambda place, value: value)
    if between:
        adjoint = np.zeros(known[between].shape)
        for place in np.ndindex(*adjoint.shape):
            ends = [run(dict(values), lambda p, u, s=s, q=place: u + s * (p == q)) for s in (step, -step)]
            adjoint[place] = (ends[0] - ends[1]) / (2 * step)
        known[f"d{between}"] = adjoint
    name = next(n for n in ("t", "i") if f"[{n}]" in code or n == "i")
    # the arrays end where they end: a position outside of one raises
    for member in members or [None]:
        found = eval(code, {"np": np, **known, name: member})
        for place in np.ndindex(*np.shape(found)):
            where = place if member is None else (member, *place)
            ends = []
            for s in (step, -step):
                moved = np.array(values[variable], dtype=float)
                moved[where] += s
                ends.append(run({**values, variable: moved}, lambda p, u: u))
            assert np.asarray(found)[place] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-6)


def test_a_condition_in_front_of_an_array_is_a_choice_of_arrays() -> None:
    """Outside of the range there are as many zeros."""
    assert "z[t] - z[t-1] if 2 <= t <= T else np.zeros(D)" in numpy_text(SMOOTH, "z")


def test_the_derivatives_of_a_function_by_either_argument_have_two_names() -> None:
    """Those of the generated module."""
    text = """
        f(u, v) = u^2*v + sin(u*v)
        param x : N
        param y : N
        cost C = sum(f(x[i], y[i])*f(y[i], x[i]), i)
    """
    code = numpy_text(text, "x")
    assert code == "f_d0(x, y)*f(y, x) + f(x, y)*f_d1(y, x)"
    x, y = np.array([0.3, -0.4]), np.array([1.2, 0.7])
    names = {
        "f": lambda u, v: u**2 * v + np.sin(u * v),
        "f_d0": lambda u, v: 2 * u * v + v * np.cos(u * v),
        "f_d1": lambda u, v: u**2 + u * np.cos(u * v),
    }
    _, grads = symbp.parse(text).compile().value_and_grad(x=x, y=y)
    np.testing.assert_allclose(eval(code, {**names, "x": x, "y": y}), grads.x, rtol=1e-12)


def test_a_function_of_the_entries_of_a_grid_has_no_matrix_form() -> None:
    """f(x𝟏ᵀ, 𝟏yᵀ) says less than f(x_i, y_j)."""
    text = """
        f(u, v) = u^2*v + sin(u*v)
        param x : N
        param y : M
        cost C = sum(f(x[i], y[j])*f(y[j], x[i]), i, j)
    """
    derivation = symbp.parse(text).derive("x")
    assert derivation.matrix is None
    assert derivation.to_text(detail="result")


@pytest.mark.parametrize(("text", "variable", "expected"), [
    ("param x : N\nparam p\ncost C = sum(x[i]^p, i)\n", "x", "p*x**(p - 1)"),
    ("param x\nparam y\ncost C = sum(x*y - tanh(x)*2, i=1..3)\n", "x", None),
    ("index t = 1..T\nparam u[t]\nconst r[t]\ncost C = sum(r[t]*tanh(u[t]), t)\n", "u",
     "r[t]*(1 - np.tanh(u[t])**2)"),
])
def test_what_is_subtracted_has_a_minus(text: str, variable: str, expected: str | None) -> None:
    code = numpy_text(text, variable)
    assert "+ -" not in code
    assert expected is None or code == expected
