"""Integer data as an offset in a position: x[j+s], x[j-s] where a condition keeps it inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symbp

N, M = 5, 4
FORWARD = "const s in 0..2\nparam x : N+2\nconst y : N\ncost C = sum(x[j+s]^2*y[j], j)\n"
BACK = """
const s in 0..N-1
param x : N
const y : N
z[j] = where(j >= s, x[j-s], 0) for j = 0..N-1
cost C = sum(z[j]^2*y[j], j)
"""
ROWS = """
const s : M in 0..2
param x : N+2
param W : M, N
z[m] = sum(W[m,j]*x[j+s[m]], j)
cost C = sum(z[m]^2, m)
"""
EXAMPLES = "input s in 0..2\nparam x : N+2\nconst y : N\ncost C = sum(x[j+s]^2*y[j], j)\n"
STEPS = """
index t = 1..T
const s[t] in 0..2
param x : N
param g : N
h[0,j] = x[j]
h[t,j] = where(j >= s[t], h[t-1,j-s[t]]^2*g[j], h[t-1,j])
cost C = sum(h[T,j]^2, j)
"""
LARGEST = """
const s in 0..N-1
param x : N
const y : N
z[j] = where(j >= s, maximum(x[j], x[j-s]), x[j])
cost C = sum(z[j]^2*y[j], j)
"""
KNAPSACK = """
index i = 1..N, j = 0..W
const w[i] in 1..W
param v[i]
F[0,j] = 0
F[i,j] = where(j >= w[i], maximum(F[i-1,j], F[i-1,j-w[i]] + v[i]), F[i-1,j])
cost C = F[N,W]
"""
STRIDES = "const s in 0..2\nparam x : N+140\nconst y : N\ncost C = sum(x[j+70*s]^2*y[j]*(j + 2*s), j)\n"


def _forward(s: Any, x: Any, y: Any) -> float:
    return float(np.mean([sum(x[j + q] ** 2 * y[j] for j in range(N)) for q in np.atleast_1d(s)]))


def _back(s: Any, x: Any, y: Any) -> float:
    return sum(x[j - int(s)] ** 2 * y[j] for j in range(N) if j >= s)


def _rows(s: Any, x: Any, W: Any) -> float:
    return sum(sum(W[m, j] * x[j + s[m]] for j in range(N)) ** 2 for m in range(M))


def _steps(s: Any, x: Any, g: Any) -> float:
    for shift in s:
        x = np.array([x[j - int(shift)] ** 2 * g[j] if j >= shift else x[j] for j in range(N)])
    return float(np.sum(x**2))


def _largest(s: Any, x: Any, y: Any) -> float:
    return sum((max(x[j], x[j - int(s)]) if j >= s else x[j]) ** 2 * y[j] for j in range(N))


def _knapsack(w: Any, v: Any, W: int) -> float:
    best = [0.0] * (W + 1)
    for size, value in zip(w, v, strict=True):
        best = [max(best[j], best[j - int(size)] + value) if j >= size else best[j] for j in range(W + 1)]
    return best[W]


def _strides(s: Any, x: Any, y: Any) -> float:
    return sum(x[j + 70 * int(s)] ** 2 * y[j] * (j + 2 * int(s)) for j in range(3))


Draw = Callable[[np.random.Generator, type], dict[str, Any]]


def _scalar(longer: int, least: int, most: int) -> Draw:
    def draw(r: np.random.Generator, kind: type) -> dict[str, Any]:
        x = r.normal(size=N + longer)
        return {"s": kind(r.integers(least, most + 1)), "x": x, "y": r.normal(size=N)}

    return draw


CASES: tuple[tuple[str, Callable[..., float], Draw], ...] = (
    (FORWARD, _forward, _scalar(2, 0, 2)),
    (BACK, _back, _scalar(0, 1, N - 1)),
    (ROWS, _rows, lambda r, t: {"s": r.integers(0, 3, M).astype(t), "x": r.normal(size=N + 2),
                                "W": r.normal(size=(M, N))}),
    (EXAMPLES, _forward, lambda r, t: {"s": r.integers(0, 3, 3).astype(t), "x": r.normal(size=N + 2),
                                       "y": r.normal(size=N)}),
    (STEPS, _steps, lambda r, t: {"s": r.integers(0, 3, 3).astype(t), "x": r.uniform(-1, 1, N),
                                  "g": r.uniform(-1, 1, N)}),
    (LARGEST, _largest, _scalar(0, 1, N - 1)),
    (KNAPSACK, _knapsack, lambda r, t: {"w": r.integers(1, 8, 6).astype(t), "v": r.normal(size=6) + 1,
                                        "W": 7}),
    (STRIDES, _strides, lambda r, t: {"s": t(2), "x": r.normal(size=143), "y": r.normal(size=3)}),
)  # fmt: skip


def _slope(value: Callable[..., float], given: dict[str, Any], name: str) -> np.ndarray:
    """Central differences of a written-out value."""
    out = np.zeros(np.shape(given[name]))
    for at in np.ndindex(out.shape):
        ends = []
        for step in (1e-6, -1e-6):
            moved = np.array(given[name])
            moved[at] += step
            ends.append(value(**{**given, name: moved}))
        out[at] = (ends[0] - ends[1]) / 2e-6
    return out


@pytest.mark.parametrize("kind", [np.int64, np.uint8, np.int8])
@pytest.mark.parametrize(("text", "value", "draw"), CASES)
def test_values_and_slopes_are_those_of_the_equations(
    text: str, value: Callable[..., float], draw: Draw, kind: type
) -> None:
    module, random = symbp.parse(text).compile(), np.random.default_rng(3)
    room = module.make_workspace(**draw(random, kind))
    for _ in range(3):
        given = draw(random, kind)
        for more in ({}, {"out": room}):
            cost, gradients = module.value_and_grad(**given, **more)
            assert cost == pytest.approx(value(**given))
            for name, found in gradients._asdict().items():
                np.testing.assert_allclose(found, _slope(value, given, name), atol=1e-6)


@pytest.mark.parametrize("text", [BACK, STEPS, LARGEST, KNAPSACK])
def test_what_a_condition_keeps_out_is_not_read_outside_of_its_array(text: str) -> None:
    assert "np.clip(" in symbp.parse(text).to_numpy()


def test_integers_among_numbers_leave_float32_as_it_is() -> None:
    module = symbp.parse(STRIDES).compile()
    x, y = np.ones(143, np.float32), np.ones(3, np.float32)
    _, gradients = module.value_and_grad(s=np.int64(1), x=x, y=y)
    assert gradients.x.dtype == np.float32
