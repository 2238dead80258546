"""What d.result and the steps say as SymPy expressions is what the generated module computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import sympy

import symbp
from symbp.calculus.affine import show
from symbp.calculus.bridge import Choice
from symbp.model.core import Array


def value(node: Any, sizes: Mapping[str, int], place: Mapping[str, int], arrays: Mapping[str, Any]) -> float:
    """The number that a SymPy expression is for sizes, positions and arrays."""
    known = {s: {**sizes, **place}[s.name] for s in node.free_symbols if s.name in {**sizes, **place}}
    node = node.subs(known).doit()
    while found := [e for e in node.atoms(sympy.Indexed) if all(i.is_Integer for i in e.indices)]:
        elements = {e: np.asarray(arrays[str(e.base)])[tuple(map(int, e.indices))] for e in found}
        numbers = {e: sympy.Integer(v) if v.dtype.kind in "iu" else sympy.Float(float(v), 17)
                   for e, v in elements.items()}
        node = node.subs(numbers).doit()  # labels are positions of others: s[seg[2]]
    return float(node)


SIZES = {"N": 3, "D": 2, "K": 4, "P": 5}
SYMBOLS = {name: sympy.Symbol(name) for name in SIZES}
CASES = {
    "a condition in a sum within a sum": """
        const seg : N in 0..K-1
        const x : N, D
        const V : K
        param w : D
        s[k] = sum(where(seg[i] == k, sum(x[i,d]*w[d], d), 0), i) for k = 0..K-1
        cost C = sum(s[k]*V[k], k)
    """,
    "an upsampling": """
        const x : N
        const V : 2*N+P-2
        param w : P
        s[t] = sum(where(t == 2*i + p, w[p]*x[i], 0), i, p) for t = 0..2*N+P-3
        cost C = sum(s[t]*V[t], t)
    """,
    "softmax of a prefix": """
        const V : N
        param w : N
        s[i] = logsumexp(w[j], j=0..i) for i = 0..N-1
        cost C = sum(s[i]*V[i], i)
    """,
    "a sum of a prefix": """
        const V : N
        param w : N
        s[i] = sum(w[j]^2, j=0..i) for i = 0..N-1
        cost C = sum(s[i]*V[i], i)
    """,
    "a triangle": """
        const A : N, N
        param w : N
        cost C = sum(A[i,j]*w[i]*w[j], i=0..N-1, j=i..N-1)
    """,
}


def _shape(array: Array) -> tuple[int, ...]:
    return tuple(int(sympy.sympify(show(axis.extent), locals=SYMBOLS).subs(SIZES)) for axis in array.axes)


def _drawn(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return np.array([2, 0, 3]) if name == "seg" else rng.normal(size=shape)


@pytest.mark.parametrize("name", CASES)
def test_the_result_is_the_gradient(name: str) -> None:
    """Conditions stayed in no sum, prefixes lost their ends, and limits stood in the wrong order."""
    model, rng = symbp.parse(CASES[name]), np.random.default_rng(5)
    arrays = {
        a.name: _drawn(a.name, _shape(a), rng)
        for a in model.core.arrays.values() if a.kind in ("const", "param")
    }
    gradient = model.compile().value_and_grad(**arrays)[1].w
    derivation = model.derive("w")
    place = next(s.name for s in derivation.result.free_symbols if s.name in ("d", "p", "j", "i"))
    for node in (derivation.result, derivation.steps[-1].after):
        known = {**arrays, "dC_ds": arrays.get("V")}
        found = [value(node, SIZES, {place: k}, known) for k in range(len(gradient))]
        assert found == pytest.approx(gradient, rel=1e-12)


def test_a_choice_decides_itself() -> None:
    x, y = sympy.symbols("x y")
    open_ = Choice(x < 1, y, 0)
    assert open_.subs(x, 0) == y and open_.subs(x, 2) == 0 and open_.subs(y, 3) == Choice(x < 1, 3, 0)


def test_a_condition_alone_in_its_sum_is_a_piecewise() -> None:
    model = symbp.parse("param w : N\ncost C = sum(where(w[i] > 0, w[i]^3, 0), i)\n")
    assert model.derive("w").result.atoms(sympy.Piecewise)
