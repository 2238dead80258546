"""Models from SymPy objects: the same lines as a text, and so the same model."""

from __future__ import annotations

import pytest
import sympy
from symbp.calculus.tree import canonical, rewrite, substitute
from sympy import Function, IndexedBase, Piecewise, Product, Rational, Sum, exp, symbols

from symbp.calculus.affine import Affine, affine, show
from symbp.calculus.expr import Add, Expr, Mul
from symbp.errors import ModelProblem, Source
from symbp.model.build import build
from symbp.model.builder import Builder
from symbp.model.core import Equation, Model
from symbp.model.from_sympy import from_sympy
from symbp.model.write import line_text, text
from symbp.spec.reader import read

i, j, k, t, u, v, K, L, N, M = symbols("i j k t u v K L N M")
a, x, y, z, w, n = (IndexedBase(name) for name in "axyzwn")


def sorted_terms(node: Expr) -> Expr:
    match node:
        case Add(terms):
            return Add(tuple(sorted(terms, key=repr)))
        case Mul(factors):
            return Mul(tuple(sorted(factors, key=repr)))
        case _:
            return node


def normal(equation: Equation) -> tuple[str, ...]:
    """An equation up to the identity of its indices and the order of terms."""
    names = {i: affine(type(i)(f"i{k}", -1000 - k)) for k, i in enumerate(equation.indices)}
    ranges = [show(end.substitute(names)) for i in equation.indices for end in (i.low, i.high)]
    right = rewrite(canonical(substitute(equation.rhs, names)), sorted_terms)
    return (repr(substitute(equation.lhs, names)), *ranges, repr(right))


def signature(model: Model) -> list[object]:
    arrays = [
        (x.name, x.kind, [(show(i.low), show(i.high), i.sequence) for i in x.axes])
        for x in model.arrays.values()
    ]
    return [arrays, model.order, model.cost, dict(model.adjoints), model.sizes, model.free_sizes,
            [normal(e) for e in model.equations]]


def mlp() -> Builder:
    m = Builder("mlp", title="Multilayer perceptron")
    l = m.index("l", 1, L)  # noqa: E741
    x, y = m.input("x", n[0]), m.input("y", n[L])
    w, b = m.param("w", n[l], n[l - 1], over=l), m.param("b", n[l], over=l)
    sigma = m.function("sigma", u, 1/(1 + exp(-u)))
    m.define(a[0, k], x[k])
    m.define(z[l, j], m.sum(w[l, j, k]*a[l - 1, k], k) + b[l, j])
    m.define(a[l, j], sigma(z[l, j]))
    m.let("delta", z)
    m.cost("C", m.sum((a[L, j] - y[j])**2, j)/2)
    return m


MLP = """\
title "Multilayer perceptron"
index l = 1..L
input x    : n[0]
input y    : n[L]
param w[l] : n[l], n[l-1]
param b[l] : n[l]
sigma(u) = 1/(1 + exp(-u))
a[0,k] = x[k]
z[l,j] = sum(w[l,j,k]*a[l-1,k], k) + b[l,j]
a[l,j] = sigma(z[l,j])
let delta = dC/dz
cost C = sum((a[L,j] - y[j])^2, j)/2
"""


def test_both_ways_make_the_same_model():
    assert signature(mlp().build()) == signature(build(read(Source("m", MLP), "mlp")))


def test_the_text_of_a_built_model_reads_as_the_same_lines():
    syntax = mlp().syntax()
    assert read(Source("m", syntax.text), "mlp").lines == syntax.lines


def test_limits_and_ranges():
    m = Builder()
    l = m.index("l", 1, L)  # noqa: E741
    v = m.param("v", N, over=l)
    r = IndexedBase("r")
    m.define(r[l, i], v[l, i], (l, 1, L - 1))
    m.cost("C", Sum(r[l, i], (i, 0, N - 1), (l, 1, L - 1)))
    model = m.build()
    assert [show(e) for e in (model.arrays["r"].axes[0].low, model.arrays["r"].axes[0].high)] == ["1", "L-1"]


def test_scalars_sizes_and_integers():
    m = Builder()
    s = m.size("s")
    c = m.input("c", integer=(0, K - 1))
    E, g = m.param("E", K), m.param("g")
    q = symbols("q")
    m.define(q, E[c]*g/s)
    m.cost("C", q**2)
    model = m.build()
    assert model.arrays["c"].integer == (Affine(0), affine(model.arrays["E"].axes[0].extent) - 1)
    assert model.free_sizes == ("s",)


def test_undefined_functions():
    m = Builder()
    v = m.param("v", N)
    C, f = m.function("C"), m.function("f")
    m.define(z[i], f(v[i]))
    m.cost("C", C(z[i], i))
    assert list(m.build().functions) == ["C", "f"]


EXPRESSIONS = [
    (u - v, "u - v"),
    (-u, "-u"),
    (-u*v, "-u*v"),
    (u/(2*v), "u/(2*v)"),
    (-u/3, "-u/3"),
    (Rational(2, 3)*u, "2*u/3"),
    (0.5*u, "0.5*u"),
    (u**-2, "1/u^2"),
    (sympy.sqrt(u), "sqrt(u)"),
    (u/sympy.sqrt(v), "u/sqrt(v)"),
    (exp(-u), "exp(-u)"),
    (sympy.E*u, "exp(1)*u"),
    (sympy.pi*u, "pi*u"),
    ((u + v)**2, "(u + v)^2"),
    (sympy.Max(u, v, 0), "maximum(maximum(0, u), v)"),
    (sympy.Abs(u), "abs(u)"),
    (Function("relu")(u), "relu(u)"),
    (Function("softmax")(x[i, j], j), "softmax(x[i,j], j)"),
    (Sum(x[k], (k, 0, K - 1)), "sum(x[k], k=0..K - 1)"),
    (Product(x[k], (k, 0, 3)), "prod(x[k], k=0..3)"),
    (Sum(x[i, k], (i, 0, 1), (k, 0, 2)), "sum(x[i,k], i=0..1, k=0..2)"),
    (x[2*i + k - 1], "x[2*i+k-1]"),
    (Piecewise((u, u > 0), (v, True)), "where(u > 0, u, v)"),
    (Piecewise((u, (u > 0) & (v < 1)), (v, sympy.Eq(u, v)), (1, True)),
     "where(u > 0 and v < 1, u, where(u == v, v, 1))"),
    (sympy.KroneckerDelta(i, j), "where(i == j, 1, 0)"),
    (2, "2"),
    (-1.5, "-1.5"),
]


@pytest.mark.parametrize(("given", "expected"), EXPRESSIONS, ids=[e[1] for e in EXPRESSIONS])
def test_expression(given, expected):
    node = from_sympy(given)
    assert text(node) == expected
    assert read(Source("m", f"q = {expected}"), "m").lines[0].body == node


REFUSALS = [
    (lambda m: m.param("w w", K), "'w w' is not a name"),
    (lambda m: m.param("lambda"), "lambda is reserved"),
    (lambda m: m.cost("C", sympy.gamma(u)), "SymPy's gamma has no form"),
    (lambda m: m.cost("C", "__import__('os')"), "is not a SymPy expression"),
    (lambda m: m.define(u + v, 1), "u + v cannot be defined"),
    (lambda m: m.function("f", u), "the function f needs parameters and a body"),
    (lambda m: m.define(z[i], x[i]), "x is not defined"),
    (lambda m: m.cost("C", Piecewise((u, u > 0))), "nothing is said about the rest"),
]


@pytest.mark.parametrize(("call", "words"), REFUSALS, ids=[r[1] for r in REFUSALS])
def test_refusal(call, words):
    m = Builder()
    with pytest.raises(ModelProblem) as caught:
        call(m)
        m.cost("D", 1)
        m.build()
    assert words in caught.value.message


def test_messages_show_the_line():
    m = Builder("tiny")
    m.param("v", N)
    m.cost("C", IndexedBase("v")[i])
    with pytest.raises(ModelProblem) as caught:
        m.build()
    assert "<tiny, built in Python>:2:1: error: the index i is neither summed" in str(caught.value)
    assert "cost C = v[i]" in str(caught.value)


@pytest.mark.parametrize("line", [
    "f(u) = (-u + 1)*u/(u/2)^2",
    "a[0,i] = -x[i] - (y[i] - 1) for i = 0..N-2",
    "index l = 1..L - 1",
    'param w "W^{Q}"[l] : n[l], 2*K - 1',
    "q = where(not (u > 1 or u < 2) and u == 3, 2^-u, (2^u)^u)",
    "input c in 0..K - 1",
    "q = 1e-05*u",
    "function f",
])  # fmt: skip
def test_written_lines_read_as_the_same(line):
    (first,) = read(Source("m", line), "m").lines
    (second,) = read(Source("m", line_text(first)), "m").lines
    assert first == second
