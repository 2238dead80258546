"""Text to model: what the ranges and shapes become, and what is refused with which words."""

from __future__ import annotations

import time

import pytest
from symbp.calculus.tree import bound, free_indices, positions, walk

from symbp import models, pipeline
from symbp.calculus.affine import Index, show
from symbp.calculus.expr import Call, Div, Functional, Integer, Mul, Reduce, Ref, Weights
from symbp.errors import Source
from symbp.model.build import build
from symbp.model.core import Model
from symbp.spec.reader import read


def model_of(text: str) -> Model:
    return build(read(Source("m.symbp", text), "m"))


def interval(index: Index) -> str:
    return f"{show(index.low)}..{show(index.high)}"


def shape(model: Model, name: str) -> list[str]:
    return [interval(axis) for axis in model.arrays[name].axes]


def sequences(model: Model, name: str) -> list[str]:
    return [axis.sequence for axis in model.arrays[name].axes]


def left(model: Model, number: int) -> list[str]:
    return [f"{i.name}={interval(i)}" for i in model.equations[number - 1].indices]


def summed(model: Model, number: int) -> list[str]:
    nodes = walk(model.equations[number - 1].rhs)
    return [f"{i.name}={interval(i)}" for node in nodes for i in bound(node)]


MLP = """\
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

# ── the model of the contract ─────────────────────────────────────────────────────────────────────


def test_mlp_shapes():
    model = model_of(MLP)
    assert [(a.name, a.kind) for a in model.arrays.values()] == [
        ("x", "input"), ("y", "input"), ("w", "param"), ("b", "param"),
        ("a", "variable"), ("z", "variable"), ("C", "cost"),
    ]
    assert shape(model, "x") == ["0..n[0]-1"]
    assert shape(model, "w") == ["1..L", "0..n[l]-1", "0..n[l-1]-1"]
    assert sequences(model, "w") == ["l", "", ""]
    assert shape(model, "z") == ["1..L", "0..n[l]-1"]
    assert shape(model, "a") == ["0..L", "0..n[l]-1"]
    assert sequences(model, "a") == ["l", ""]
    assert shape(model, "C") == []


def test_mlp_equations():
    model = model_of(MLP)
    assert [e.number for e in model.equations] == [1, 2, 3, 4]
    assert [e.lhs.name for e in model.equations] == ["a", "z", "a", "C"]
    assert left(model, 1) == ["k=0..n[0]-1"]
    assert left(model, 2) == ["l=1..L", "j=0..n[l]-1"]
    assert summed(model, 2) == ["k=0..n[l-1]-1"]
    assert summed(model, 4) == ["j=0..n[L]-1"]
    assert [p.as_index() for p in model.equations[1].lhs.indices] == list(model.equations[1].indices)


def test_mlp_names():
    model = model_of(MLP)
    assert (model.cost, model.adjoints, sorted(model.sizes)) == ("C", {"z": "delta"}, ["L", "n"])
    assert model.free_sizes == ()
    assert [interval(i) for i in model.sequences] == ["1..L"]
    assert model.sequences[0].sequence == "l"
    assert set(model.order) == {"a", "z"}
    assert list(model.functions) == ["sigma"]
    sigma = model.functions["sigma"]
    assert sigma.params == ("u",)
    assert Ref("u") in set(walk(sigma.body))


def complete(model: Model) -> None:
    """Every index has its range, every bound index is its own, and nothing is free but the left."""
    for array in model.arrays.values():
        assert all(axis.lo is not None and axis.hi is not None for axis in array.axes)
    seen: set[Index] = set()
    for equation in model.equations:
        known = {i.uid: i for i in equation.indices}
        assert set(free_indices(equation.rhs)) <= set(equation.indices)
        for node in walk(equation.rhs):
            for index in bound(node):
                assert index not in seen, f"{index.name} is bound twice"
                seen.add(index)
                known[index.uid] = index
        for node in (equation.lhs, *walk(equation.rhs)):
            for position in positions(node):
                for index in position.indices():
                    same = known[index.uid]
                    assert index.lo is not None
                    assert (index.lo, index.hi, index.sequence) == (same.lo, same.hi, same.sequence)


@pytest.mark.parametrize("name", models.names())
def test_shipped_models_are_complete(name):
    text = models.path(name).read_text(encoding="utf-8")
    complete(build(read(Source(name, text), name)))


def test_the_same_text_gives_the_same_model():
    one, two = model_of(MLP), model_of(MLP)
    assert [e.lhs.name for e in one.equations] == [e.lhs.name for e in two.equations]
    assert one.order == two.order and one.sizes == two.sizes and one.title == two.title


# ── shapes and ranges ─────────────────────────────────────────────────────────────────────────────

CONV = """\
input x : D, H, W
param f : F, D, P, Q
z[o,i,j] = sum(f[o,c,p,q]*x[c,i+p,j+q], c, p, q)
cost C = sum(z[o,i,j]^2, o, i, j)
"""

SHAPES = [
    (CONV, "z", ["0..F-1", "0..H-P", "0..W-Q"]),
    (
        "const x : T\nparam f : P\nz[i] = sum(f[p]*x[2*i+p], p)\ncost C = sum(z[i], i)\n",
        "z", ["0..((T-P)//2)"],
    ),
    (
        "const x : T\nparam f : P\nz[i] = sum(f[p]*x[i+2*p], p)\ncost C = sum(z[i], i)\n",
        "z", ["0..T-2*P+1"],
    ),
    (
        "input x : H, W\nz[i,j] = max(x[2*i+p,2*j+q], p=0..1, q=0..1)\ncost C = sum(z[i,j], i, j)\n",
        "z", ["0..((H)//2)-1", "0..((W)//2)-1"],
    ),
    ("param s : N, N\nd[n] = s[n,n]\ncost C = sum(d[n], n)\n", "d", ["0..N-1"]),
    (
        "input c in 0..K-1\nparam s : K\nv = s[c]\ncost C = v^2\n",
        "v", [],
    ),
    (
        "index t = 0..T-1\ninput tok[t] in 0..V-1\nparam E : V, D\nh[t,d] = E[tok[t],d]\n"
        "cost C = sum(h[t,d]^2, t, d)\n",
        "h", ["0..T-1", "0..D-1"],
    ),
    (
        "const X : N, D\nparam w : D\ny[i] = sum(X[i,d]*w[d], d)\ncost C = mean(y[i]^2, i)\n",
        "y", ["0..N-1"],
    ),
    (
        "param A : n, n\nB[j,i] = A[i,j]\ncost C = sum(B[i,j]*A[i,j], i, j)\n",
        "B", ["0..n-1", "0..n-1"],
    ),
    (
        "const a : N\nr[i] = a[i] for i = 0..N-2\ncost C = sum(r[i], i)\n",
        "r", ["0..N-2"],
    ),
]


@pytest.mark.parametrize(("text", "name", "expected"), SHAPES)
def test_shape(text, name, expected):
    model = model_of(text)
    complete(model)
    assert shape(model, name) == expected


RNN = """\
index t = 1..T
input x[t] : D
param U : H, D
param V : H, H
param h0 : H
h[0,i] = h0[i]
h[t,i] = tanh(sum(U[i,d]*x[t,d], d) + sum(V[i,j]*h[t-1,j], j))
cost C = sum(h[T,i]^2, i)
"""


def test_recurrence_in_time():
    model = model_of(RNN)
    complete(model)
    assert shape(model, "h") == ["0..T", "0..H-1"]
    assert sequences(model, "h") == ["t", ""]
    assert left(model, 2) == ["t=1..T", "i=0..H-1"]
    assert summed(model, 2) == ["d=0..D-1", "j=0..H-1"]


GRID = """\
index i = 1..M, j = 1..N
input d[i,j]
r[0,0] = 0
r[i,0] = i
r[0,j] = j
r[i,j] = d[i,j] + minimum(r[i-1,j], minimum(r[i,j-1], r[i-1,j-1]))
cost C = r[M,N]
"""


def test_grid_with_boundaries():
    model = model_of(GRID)
    complete(model)
    assert shape(model, "r") == ["0..M", "0..N"]
    assert sequences(model, "r") == ["i", "j"]
    assert left(model, 2) == ["i=1..M"]
    assert left(model, 4) == ["i=1..M", "j=1..N"]


def test_the_border_of_a_grid_is_as_long_as_the_grid():
    model = model_of("""
        index n = 0..T
        input f : N, M
        param c
        u[0,i,j] = f[i,j]
        u[n,0,j] = 0 for n = 1..T
        u[n,N-1,j] = 0 for n = 1..T
        u[n,i,0] = 0 for n = 1..T, i = 1..N-2
        u[n,i,M-1] = 0 for n = 1..T, i = 1..N-2
        u[n,i,j] = c*(u[n-1,i+1,j] + u[n-1,i,j-1]) for n = 1..T, i = 1..N-2, j = 1..M-2
        cost C = sum(u[T,i,j]^2, i, j)
    """)
    complete(model)
    assert left(model, 2) == ["n=1..T", "j=0..M-1"]


def test_two_sequences_in_one_equation():
    model = model_of(
        "index l = 1..L, t = 1..T\ninput x[t] : D\nparam W[l] : D, D\nparam U[l] : D, D\n"
        "h[0,t,i] = x[t,i]\nh[l,0,i] = 0\n"
        "h[l,t,i] = tanh(sum(W[l,i,j]*h[l-1,t,j], j) + sum(U[l,i,j]*h[l,t-1,j], j))\n"
        "cost C = sum(h[L,T,i]^2, i)\n"
    )
    complete(model)
    assert shape(model, "h") == ["0..L", "0..T", "0..D-1"]
    assert sequences(model, "h") == ["l", "t", ""]


def test_a_clause_narrows_a_sequence():
    model = model_of(
        "index l = 1..L\ninput x : n[0]\nparam w[l] : n[l], n[l-1]\na[0,k] = x[k]\n"
        "z[l,j] = sum(w[l,j,k]*a[l-1,k], k)\na[l,j] = tanh(z[l,j]) for l = 1..L-1\n"
        "cost C = sum(z[L,j]^2, j)\n"
    )
    complete(model)
    assert left(model, 3) == ["l=1..L-1", "j=0..n[l]-1"]
    assert shape(model, "a") == ["0..L-1", "0..n[l]-1"]


def test_a_backward_recurrence():
    model = model_of(
        "index t = 0..T-1\nconst r[t]\nparam g\nR[T] = 0\nR[t] = r[t] + g*R[t+1]\ncost C = R[0]\n"
    )
    complete(model)
    assert shape(model, "R") == ["0..T"]
    assert sequences(model, "R") == ["t"]


# ── sizes ─────────────────────────────────────────────────────────────────────────────────────────

SIZES = [
    (MLP, ("L", "n"), ()),
    (CONV, ("D", "H", "W", "F", "P", "Q"), ()),
    (
        "size s\nconst x : T\nz[i] = x[i]/s\ncost C = sum(z[i], i)\n", ("s", "T"), ("s",),
    ),
    (
        "index t = 1..T\nparam g\nparam r0\nr[0] = r0\nr[t] = g*r[t-1]\ncost C = r[T]\n", ("T",), ("T",),
    ),
    (
        "const x : A + B\ncost C = sum(x[i], i)\n", ("A", "B"), ("A", "B"),
    ),
    (
        "const x : A + B\nconst y : A\ncost C = sum(x[i], i) + sum(y[i], i)\n", ("A", "B"), (),
    ),
]


@pytest.mark.parametrize(("text", "sizes", "free"), SIZES)
def test_sizes(text, sizes, free):
    model = model_of(text)
    assert sorted(model.sizes) == sorted(sizes)
    assert model.free_sizes == free


# ── expressions ───────────────────────────────────────────────────────────────────────────────────


def cost_of(text: str):
    return model_of(text).equations[-1].rhs


def test_mean_is_a_sum_over_its_extent():
    match cost_of("const x : N, M\ncost C = mean(x[i,j], i, j)\n"):
        case Div(Reduce("sum", (_, _), Ref("x")), Mul((Integer(n), Integer(m)))):
            assert (show(n), show(m)) == ("N", "M")
        case other:
            pytest.fail(str(other))
    match cost_of("const x : N\ncost C = mean(x[i], i)\n"):
        case Div(Reduce("sum", _, Ref("x")), Integer(n)):
            assert show(n) == "N"
        case other:
            pytest.fail(str(other))


def test_softmax_keeps_its_index_outside():
    model = model_of(
        "param s : M, N\np[i,j] = softmax(s[i,j], j)\ncost C = sum(p[i,j]^2, i, j)\n"
    )
    complete(model)
    match model.equations[0].rhs:
        case Weights("softmax", index, Ref("s", (_, inner)), at):
            assert inner.as_index() == index
            assert at.as_index() == model.equations[0].indices[1]
            assert index != at.as_index()
            assert interval(index) == "0..N-1"
        case other:
            pytest.fail(str(other))


def test_maximum_and_max():
    match cost_of("const x : N\nparam u\ncost C = max(x[i], i) + maximum(u, 0)\n"):
        case node:
            first, second = node.terms
            assert isinstance(first, Reduce) and first.op == "max"
            assert isinstance(second, Call) and second.function == "maximum"


def test_undefined_functional():
    model = model_of("param a : N\nfunction C\ncost C = C(a[j], j)\n")
    complete(model)
    match model.equations[0].rhs:
        case Functional("C", (index,), (Ref("a"),)):
            assert interval(index) == "0..N-1"
        case other:
            pytest.fail(str(other))


def test_defined_functional_is_inlined():
    model = model_of(
        "param a : N\nconst y : N\nC(v[j], u[j]) = sum((v[j] - u[j])^2, j)/2\ncost C = C(a[j], y[j], j)\n"
    )
    complete(model)
    match model.equations[0].rhs:
        case Div(Reduce("sum", (index,), _), _):
            assert interval(index) == "0..N-1"
        case other:
            pytest.fail(str(other))


def test_functional_used_twice_has_separate_indices():
    complete(model_of(
        "param a : N\nparam b : M\nnorm(v[j]) = sum(v[j]^2, j)\ncost C = norm(a[j], j)*norm(b[i], i)\n"
    ))


def test_terms_stand_as_written():
    model = model_of("param b\nparam a\ncost C = b + 0*a + a*1 - 2\n")
    assert len(model.equations[0].rhs.terms) == 4


@pytest.mark.parametrize("name", ["E", "I", "S", "N", "O", "Q", "beta", "gamma", "lambda_", "pi", "None_"])
def test_names_that_mean_something_elsewhere(name):
    model = model_of(f"param {name} : K\nD[k] = {name}[k]^2\ncost C = sum(D[k], k)\n")
    complete(model)
    assert shape(model, name) == ["0..K-1"]


# ── the whole ─────────────────────────────────────────────────────────────────────────────────────


def test_order_follows_dependencies():
    model = model_of("param a\nv = u + 1\nu = s*2\ns = a\ncost C = v\n")
    assert model.order == ("s", "u", "v")


def test_a_long_chain_is_no_problem():
    chain = "".join(f"v{n} = tanh(v{n - 1})\n" for n in range(1, 1001))
    start = time.perf_counter()
    model = model_of("param v0\n" + chain + "cost C = v1000\n")
    assert model.order[0] == "v1" and model.order[-1] == "v1000"
    assert time.perf_counter() - start < 8


def test_an_index_that_waits_for_another_runs_over_the_axis_where_it_stands_alone() -> None:
    model = pipeline.parse(
        "param w : M\nconst x : N\nb[t] = sum(w[t+s]*x[N-1-s], s)\ncost C = sum(b[t]^2, t)\n"
    )
    (axis,) = model.arrays["b"].axes
    assert (show(axis.low), show(axis.high)) == ("0", "M-N")


def test_a_size_that_only_a_multiple_fixes_is_an_argument() -> None:
    model = pipeline.parse("index t = 1..2*S\nparam w : 2*S\nconst e[t]\ncost C = sum(w[t-1]*e[t], t)\n")
    assert model.free_sizes == ("S",)
