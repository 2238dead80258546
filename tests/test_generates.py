"""Models that derive generate: several ranges that depend on each other, families that costs add up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import symbp
from symbp.emit.numpy_names import MODULE

ACTIVITIES = """
index l = 1..L
input x : n[0]
input y : n[L]
param w[l] : n[l], n[l-1]
const c
a[0,k] = x[k]
a[l,j] = tanh(sum(w[l,j,k]*a[l-1,k], k))
cost C = sum((a[L,j] - y[j])^2, j)/2 + c*sum(a[l,j]^2, l, j)
"""
TIED = """
index l = 1..L
input x : n[0]
param w[l] : n[l], n[l-1]
a[0,k] = x[k]
a[l,j] = tanh(sum(w[l,j,k]*a[l-1,k], k))
r[L,j] = a[L,j]
r[l,k] = sum(w[l+1,j,k]*r[l+1,j], j) for l = 0..L-1
cost C = sum((r[0,k] - x[k])^2, k) + sum(sum((r[l,k] - a[l,k])^2, k), l)
"""
TRIPLES = "param x : N\ncost C = sum(x[i]*x[j]^2*x[k], i=0..N-1, j=i+1..N-1, k=j..N-1)\n"
WEIGHED = "param x : N\nconst A : N, N, N\ncost C = sum(x[i]*A[i,j,k], i=0..N-1, j=i+1..N-1, k=j+1..N-1)\n"
LARGEST = "param x : N\ncost C = max(x[i]*x[j] - 3*x[k], i=0..N-1, j=i..N-1, k=j..N-1)\n"
SEGMENTS = "index t = 1..T\nparam c : T+1, T+1\nF[0] = 0\nF[t] = {}(F[s] + c[s,t], s=0..t-1)\ncost C = F[T]\n"
DENSE = """
index l = 1..L
const x : D
param w[l] : D, D
a[0,k] = x[k]
z[l,k] = sum(a[m,k], m=0..l-1)
a[l,j] = tanh(sum(w[l,j,k]*z[l,k], k))
cost C = sum(a[L,j]^2, j)
"""
N, B, WIDTHS = 5, 3, (4, 3, 5, 2)


def _activities(x: Any, y: Any, w: Any, c: Any) -> float:
    total = 0.0
    for m in w:
        x = np.tanh(x @ m.T)
        total += c * np.sum(x**2)
    return (np.sum((x - y) ** 2) / 2 + total) / B


def _tied(x: Any, w: Any) -> float:
    a = [x]
    for m in w:
        a.append(np.tanh(a[-1] @ m.T))
    r, total = a[-1], 0.0
    for layer in range(len(w) - 1, -1, -1):
        r = r @ w[layer]
        total += np.sum((r - a[layer]) ** 2)
    return total / B


def _triples(x: Any) -> float:
    return sum(x[i] * x[j] ** 2 * x[k] for i in range(N) for j in range(i + 1, N) for k in range(j, N))


def _weighed(x: Any, A: Any) -> float:
    return sum(x[i] * A[i, j, k] for i in range(N) for j in range(i + 1, N) for k in range(j + 1, N))


def _largest(x: Any) -> float:
    return max(x[i] * x[j] - 3 * x[k] for i in range(N) for j in range(i, N) for k in range(j, N))


def _segments(best: Callable[[list[float]], float]) -> Callable[..., float]:
    def value(c: Any) -> float:
        f = [0.0]
        for t in range(1, len(c)):
            f.append(best([f[s] + c[s, t] for s in range(t)]))
        return f[-1]

    return value


def _dense(x: Any, w: Any) -> float:
    a = [x]
    for m in w:
        a.append(np.tanh(m @ sum(a)))
    return float(np.sum(a[-1] ** 2))


def _family(r: np.random.Generator) -> list[np.ndarray]:
    return [r.normal(size=ends) for ends in zip(WIDTHS[1:], WIDTHS[:-1], strict=True)]


Draw = Callable[[np.random.Generator], dict[str, Any]]
CASES: tuple[tuple[str, Callable[..., float], Draw], ...] = (
    (ACTIVITIES, _activities, lambda r: {"x": r.normal(size=(B, 4)), "y": r.normal(size=(B, 2)),
                                         "w": _family(r), "c": r.normal()}),
    (TIED, _tied, lambda r: {"x": r.normal(size=(B, 4)), "w": _family(r)}),
    (TRIPLES, _triples, lambda r: {"x": r.normal(size=N)}),
    (WEIGHED, _weighed, lambda r: {"x": r.normal(size=N), "A": r.normal(size=(N, N, N))}),
    (LARGEST, _largest, lambda r: {"x": r.normal(size=N)}),
    (SEGMENTS.format("max"), _segments(max), lambda r: {"c": r.normal(size=(N, N))}),
    (SEGMENTS.format("logsumexp"), _segments(lambda v: float(np.logaddexp.reduce(v))),
     lambda r: {"c": r.normal(size=(N, N))}),
    (DENSE, _dense, lambda r: {"x": r.normal(size=3), "w": r.normal(size=(4, 3, 3))}),
)  # fmt: skip


def _slope(value: Callable[..., float], given: dict[str, Any], name: str) -> list[np.ndarray]:
    """Central differences of a written-out value, for each member of a family."""
    family = isinstance(given[name], list)
    members = given[name] if family else [given[name]]
    out = [np.zeros(np.shape(m)) for m in members]
    for k, m in enumerate(members):
        for at in np.ndindex(m.shape):
            ends = []
            for step in (1e-6, -1e-6):
                moved = m.copy()
                moved[at] += step
                new = [*members[:k], moved, *members[k + 1 :]]
                ends.append(value(**{**given, name: new if family else moved}))
            out[k][at] = (ends[0] - ends[1]) / 2e-6
    return out


@pytest.mark.parametrize(("text", "value", "draw"), CASES)
def test_values_and_slopes_are_those_of_the_equations(
    text: str, value: Callable[..., float], draw: Draw
) -> None:
    module, random = symbp.parse(text).compile(), np.random.default_rng(5)
    room = module.make_workspace(**draw(random))
    for _ in range(2):
        given = draw(random)
        for more in ({}, {"out": room}):
            cost, gradients = module.value_and_grad(**given, **more)
            assert cost == pytest.approx(value(**given))
            for name, found in gradients._asdict().items():
                members = found if isinstance(found, list) else [found]
                for mine, its in zip(members, _slope(value, given, name), strict=True):
                    np.testing.assert_allclose(mine, its, rtol=1e-5, atol=1e-6)


def test_a_range_that_is_empty_for_small_sizes_adds_nothing() -> None:
    """A workspace reshaped nothing to rows of no element, and could not tell how many."""
    module = symbp.parse(WEIGHED).compile()
    for size in (1, 2, 3):
        given = {"x": np.arange(1.0, size + 1), "A": np.ones((size, size, size))}
        room = module.make_workspace(**given)
        for more in ({}, {"out": room}, {"out": room}):
            cost, gradients = module.value_and_grad(**given, **more)
            assert cost == (size == 3)
            assert gradients.x[0] == (size == 3) and not gradients.x[1:].any()


NAMES = sorted({n for n in (*MODULE, "dtype", "batch") if n.isidentifier() and n[0] != "_"} - {"input"})


@pytest.mark.parametrize("name", NAMES)
def test_an_argument_hides_nothing_of_its_module(name: str) -> None:
    try:
        model = symbp.parse(f"input x : D\nparam w : D\nconst {name} : D\n"
                            f"cost C = tanh(sum({name}[d]*w[d]*x[d], d))\n")  # fmt: skip
    except symbp.SymbpError:
        return  # a word of the language
    module, random = model.compile(), np.random.default_rng(1)

    def draw() -> dict[str, Any]:
        word = f"{name}_" if name in ("None", "True", "False") else name
        return {"x": random.normal(size=(2, 3)), "w": random.normal(size=3), word: random.normal(size=3)}

    room = module.make_workspace(**draw())
    for _ in range(2):
        given = draw()
        x, w, c = given.values()
        cost, gradients = module.value_and_grad(**given)
        again, same = module.value_and_grad(**given, **{"out_" if name == "out" else "out": room})
        t = np.tanh(x @ (c * w))
        assert cost == pytest.approx(t.mean()) and again == pytest.approx(cost)
        for found in (gradients.w, same.w):
            np.testing.assert_allclose(found, ((1 - t**2)[:, None] * x * c).mean(0))
