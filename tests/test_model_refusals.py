"""What is no model: each mistake with the words it is refused with, and the place it points at."""

from __future__ import annotations

from pathlib import Path

import pytest

import symbp
from symbp import pipeline
from symbp.errors import ModelProblem, Source, SymbpError
from symbp.model.build import build
from symbp.spec.reader import read

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
cost C = sum((a[L,j] - y[j])^2, j)/2
"""
V = "param v : N\n"


def problem(text: str) -> ModelProblem:
    with pytest.raises(ModelProblem) as caught:
        build(read(Source("m.symbp", text), "m"))
    return caught.value


def under(found: ModelProblem) -> str:
    """The text that the caret underlines."""
    span = found.span
    assert span is not None
    return span.source.line(span.line)[span.column - 1 : span.column - 1 + span.width]


def mlp(old: str, new: str) -> str:
    assert old in MLP
    return MLP.replace(old, new)


# The text, what is said, what is underlined, what to do.
REFUSALS: list[tuple[str, str, str, str]] = [
    # names
    (mlp("+ b[l,j]", "+ bb[l,j]"), "bb is not defined", "bb[l,j]", "did you mean b?"),
    (mlp("sigma(z", "sigm(z"), "there is no function sigm", "sigm(z[l,j])", "did you mean sigma?"),
    (mlp("+ b[l,j]", "+ q"), "q is not defined", "q", "declare it"),
    (mlp("+ b[l,j]", "+ sum[l,j]"), "sum is a function: it has no elements", "sum[l,j]", "sum(…)"),
    (mlp("*a[l-1,k]", "*a[l-1,exp]"),
     "exp is a function, so it cannot stand in an index position", "exp", "x[l]"),
    ("param w : D\ncost C = sum(w[i], j)\n", "the index i is neither summed nor on the left, in the cost C",
     "i", "sum over it: sum(…, i); a size"),
    (MLP + "x[k] = 1\n", "x is given (input): an equation cannot define it", "x[k]", "another name"),
    (MLP + "param x : n[0]\n", "x is declared twice", "x", "another name"),
    (MLP + "size b\n", "b is declared twice", "b", "another name"),
    (MLP + "z(u) = u\n", "z is declared twice", "z", "another name"),
    (MLP + "param sum : K\n", "sum is reserved", "sum", "another name"),
    (MLP + "param lambda\n", "lambda is reserved: it is a word of Python", "lambda", "write lambda_"),
    (MLP + "exp(u) = u\n", "the function exp is built in", "exp", "leave the line out"),
    (V + "cost C = sum(v[is], is)\n", "is is reserved", "is", "write is_"),
    (V + "cost C = sum(v, v)\n", "v is an array, so sum cannot run over it", "v", "give the index another"),
    (V + "cost C = sum(v[N], N)\n", "N is a size, so sum cannot run over it", "N", "give the index another"),
    (V + "q[v] = v[i]\ncost C = q[0]\n", "v is an array, so it cannot be an index", "v", "another name"),
    (MLP + "param u[m] : K\n", "m is not a declared index", "m", "index m = 1..L"),
    (MLP + "let d = dC/dq\n", "there is no variable q", "d", "name a variable"),
    (MLP + "let d = dE/dz\n", "dE is not the derivative of the cost C", "d", "let d = dC/dz"),
    (MLP + "let w = dC/dz\n", "w is declared twice", "w", "the adjoint another name"),
    (MLP + "let d = dC/dz\nlet e = dC/dz\n", "the adjoint of z has two names", "e", "keep one"),
    # the cost
    (mlp("cost C", "C"), "the model has no cost", "", "add one line: cost C ="),
    (MLP + "cost D = 1\n", "the model has two costs", "D", "add them up"),
    (mlp("j)/2", "j)/a[L,j]"), "j is neither summed nor on the left, in the cost C, which is a scalar",
     "j", "sum over it"),
    (V + "q = C + 1\ncost C = v[0] + q\n", "the cost C cannot be read", "C", "define a variable"),
    # functions
    (mlp("sigma(z[l,j])", "sigma(z[l,j], 2)"), "sigma takes 1 argument, here it is given 2",
     "sigma(z[l,j], 2)", "write sigma(a)"),
    (mlp("sigma(z[l,j])", "maximum(z[l,j])"), "maximum takes 2 arguments, here it is given 1",
     "maximum(z[l,j])", "write maximum(a, b)"),
    ("f(u) = f(u)\nparam v\ncost C = f(v)\n", "the function f is defined by itself", "f", "a recurrence"),
    ("f(u, u) = u\nparam v\ncost C = f(v, v)\n", "the parameter u stands twice", "f", "rename"),
    ("f(u) = v*u\nparam v\ncost C = f(v)\n", "v cannot stand in the elementwise function f", "f",
     "pass it as an argument: f(u, v)"),
    ("function f\nparam v\ncost C = f(v) + f(v, v)\n", "f has 2 numbers as its arguments here", "f(v, v)",
     "in one way"),
    ("function f\n" + V + "cost C = f(v[i], i) + f(v[0])\n", "f has 1 number as its argument here", "f(v[0])",
     "in one way"),
    (V + "f(u[i]) = sum(u[i], i)\ncost C = f(v[i])\n", "f is a function of a whole array", "f(v[i])",
     "f(a[j], j)"),
    (V + "f(u[i]) = sum(u[i], i)\ncost C = f(v[i], i, j)\n", "f takes 1 arrays or numbers and 1 index",
     "f(v[i], i, j)", "write f(…, i)"),
    (V + "cost C = max(v[0], v[1])\n", "max runs over indices", "max(v[0], v[1])", "maximum(a, b)"),
    ("param a\ncost C = max(a, a)\n", "a is an array, so max cannot run over it", "a", "maximum(a, b)"),
    (V + "cost C = sum(v[i])\n", "sum runs over indices", "sum(v[i])", "write sum(a[k], k)"),
    (V + "cost C = sum(v[k], k, k)\n", "the index k stands twice", "k", "once"),
    (V + "cost C = softmax(v[i], i)\n", "the index i of softmax stays free", "i", "on a line of its own"),
    (V + "cost C = exp\n", "exp is a function", "exp", "exp(…)"),
    ("param a\ncost C = a(2)\n", "a is an array, not a function", "a(2)", "[ ]"),
    ("param v\ncost C = v > 0\n", "a comparison is not a value", "v > 0", "where(condition, a, b)"),
    ("param v\ncost C = where(v, 1, 2)\n", "is a condition", "v", "compare something"),
    ("param v\ncost C = where(v > 0, 1)\n", "where takes 3 arguments", "where(v > 0, 1)", "where(a, b, c)"),
    # indices
    (mlp("sigma(z[l,j])", "sigma(z[l,i])"), "the index i is neither summed nor on the left, in a[l, j]", "i",
     "sum over it"),
    (V + "u[i,j] = v[i]\ncost C = sum(u[i,j], i, j)\n", "the index j appears on the left only", "j",
     "for j = 0..N-1"),
    ("param W : H, D\na[h] = sum(W[h,d], d)\nu[h] = sum(a[j], j=0..h)\ncost C = sum(u[h], h)\n",
     "the index h: no array of this equation fixes its range", "h", "for h = 0..H-1"),
    ("param a : D\nparam W : H, D\nu[h] = sum(W[j,0], j=h..H-1)*sum(a[d], d)\ncost C = sum(u[h], h)\n",
     "the index h: no array of this equation fixes its range", "h", "for h = 0..H-1"),
    (mlp("+ b[l,j]", "+ b[l]"), "b has 2 indices, here it is given 1", "b[l]", "write b[…, …]"),
    (V + "cost C = v\n", "v has 1 index, here it is given 0", "v", "write v[…]"),
    (V + "q[i] = v[i]\nq[i,j] = v[i]\ncost C = q[0]\n", "q has 2 indices here, elsewhere 1 index", "q[i,j]",
     "the same number"),
    ("param v : N, N[1]\ncost C = v[0,0]\n", "the size N has 1 index here", "N[1]", "N[l]"),
    (V + "q[i,i] = v[i]\ncost C = q[1,1]\n", "the index i stands twice on the left", "i",
     "where(i == j, …, 0)"),
    (V + "q[i+1] = v[i]\ncost C = q[1]\n", "an index or a fixed position", "i+1", "shift the right side"),
    (V + "q[i] = v[i] for m = 0..3\ncost C = q[0]\n", "m is not an index of q[i]", "m = 0..3", "left side"),
    (V + "const c\ncost C = v[c]\n", "c is an array, so it cannot stand in an index position", "c", "0..K-1"),
    (V + "const c : N\ncost C = sum(v[c[i]], i)\n", "c is not integer valued", "c[i]", "in 0..K-1"),
    (V + "cost C = sum(v[i*i], i)\n", "a product of two indices", "i*i", "as in 2*i+p"),
    (V + "cost C = v[exp(2)]\n", "an integer-affine expression", "exp(2)", "only sums of indices"),
    ("param v : N in 0..3\ncost C = v[0]\n", "the parameter v is integer valued", "v", "an input or a const"),
    # ranges
    ("param A : T, T\nq[t] = sum(softmax(A[t,s], s)*A[s,t], s=0..t)\ncost C = sum(q[t], t)\n",
     "the index s runs over 0..T-1 here and over 0..t there", "s", "use two indices"),
    (V + "param u : M\nz[i] = u[i] + v[i]\ncost C = sum(z[i], i)\n",
     "the index i runs over 0..N-1 here and over 0..M-1 there", "i", "the same size"),
    (V + "param u : M\ny[i] = v[i] + z[i]\nz[i] = u[i]\ncost C = sum(y[i], i)\n",
     "the index i runs over 0..M-1 here and over 0..N-1 there", "i", "the same size"),
    (mlp("param b[l] : n[l]", "param b[l] : n[l-1]"),
     "the index j runs over 0..n[l-1]-1 here and over 0..n[l]-1 there", "j", "the same size"),
    (mlp("input x    : n[0]", "input x    : D"),
     "runs over 0..n[0]-1 here and over 0..D-1 there", "k", "the same size"),
    (V + "cost C = sum(v[i], i, j)\n", "nothing says which values the index j takes", "j", "j=0..N-1"),
    (V + "cost C = sum(v[i], i=0..M)\n", "M is not a size", "M", "size M"),
    (V + "cost C = v[N]\n", "v is read at N, but it is given for 0..N-1 only", "N", "axes count from 0"),
    (V + "cost C = v[-1]\n", "v is read at -1", "-1", "axes count from 0"),
    (V + "const c in 0..N\ncost C = v[c]\n", "v is read at c = N", "c", "axes count from 0"),
    (V + "cost C = sum(v[i], i=0..N)\n", "v is read at i = N", "i", "axes count from 0"),
    ("param v : 0\ncost C = v[0]\n", "a size is at least 1", "0", "positive"),
    # elements
    (mlp("a[0,k] = x[k]\n", ""), "a is read at l-1 = 0, but it is defined for 1..L only", "l-1",
     "define what is missing: a[0, …] ="),
    ("index t = 1..T\nparam g\nr[0] = 1\nr[t] = g*r[t-2]\ncost C = r[T]\n",
     "r is read at t-2 = -1, but it is defined for 0..T only", "t-2", "r[-1] ="),
    ("index i = 1..M, j = 1..N\ninput d[i,j]\nr[i,0] = 0\nr[0,j] = 0\nr[i,j] = d[i,j]*r[i-1,j-1]\n"
     "cost C = r[M,N]\n", "the element r[0, 0] is read, as r[i-1, j-1], but no equation defines it",
     "r[i-1,j-1]", "define the boundary: r[0, 0] ="),
    (MLP + "z[l,j] = 1\n", "z is defined twice", "z[l,j]", "remove one"),
    (MLP + "z[L,j] = 1\n", "z is defined twice, for example z[4, …]", "z[L,j]", "restrict one"),
    (MLP + "a[0,j] = 1\n", "a is defined twice", "a[0,j]", "remove one"),
    (V + "q = v[0]\nq = v[0]\ncost C = q\n", "q is defined twice", "q", "remove one"),
    ("index l = 1..4\nparam v[l]\nr[l] = v[l] for l = 1..2\nr[l] = 2*v[l] for l = 2..4\ncost C = r[4]\n",
     "r is defined twice, for example r[2]", "r[l]", "restrict one"),
    ("index l = 1..4\nparam v[l]\nr[l] = v[l] for l = 1..2\nr[l] = 2*v[l] for l = 4..4\ncost C = r[4]\n",
     "r is defined up to 2 and from 4 on, not in between", "r[l]", "what is missing"),
    ("index l = 1..L\nparam v[l]\nr[l] = v[l] for l = 0..L\ncost C = r[L]\n",
     "v is read at l = 0, but it is given for 1..L only", "l", "for l = 1..L"),
    # order
    ("index l = 1..L\na[l] = tanh(b[l])\nb[l] = tanh(a[l])\ncost C = a[L]\n",
     "a, b need each other, and no sequence index puts the equations in order", "a[l]", "at l-1"),
    ("param w : D\nz[i] = w[i]*z[i]\ncost C = sum(z[i]^2, i)\n",
     "z needs itself, and no sequence index puts the equations in order", "z[i]", "index l = 1..L"),
    ("param w : D\nz[n,i] = w[i]*z[n,i]\ncost C = sum(z[n,i]^2, n, i)\n",
     "z is read in its own equation, and nothing else says what n runs over", "n", "read another array"),
    ("a = tanh(b)\nb = tanh(a)\ncost C = a\n", "a, b need each other", "a", "earlier element"),
    (V + "a[i] = a[i]*v[i]\ncost C = sum(a[i], i)\n", "a needs itself", "a[i]", "earlier element"),
    ("index t = 1..T\nh[0] = 0\nh[t] = tanh(h[t-1]) + h[T]\ncost C = h[T]\n", "h needs itself", "h[t]",
     "earlier element"),
]


@pytest.mark.parametrize(("text", "words", "place", "remedy"), REFUSALS, ids=[r[1][:50] for r in REFUSALS])
def test_refusal(text, words, place, remedy):
    found = problem(text)
    assert words in found.message
    assert remedy in found.hint
    if place:
        assert under(found) == place
        assert f"m.symbp:{found.span.line}:{found.span.column}: error:" in str(found)


BOTH_PLACES = [
    (V + "param u : M\nz[i] = u[i] + v[i]\ncost C = sum(z[i], i)\n", [(3, 17), (3, 10)]),
    (MLP + "z[l,j] = 1\n", [(11, 1), (8, 1)]),
    (MLP + "param x : n[0]\n", [(11, 7), (2, 7)]),
    (MLP + "cost D = 1\n", [(11, 6), (10, 6)]),
    (mlp("+ b[l,j]", "+ b[l]"), [(8, 38), (5, 7)]),
]


@pytest.mark.parametrize(("text", "places"), BOTH_PLACES)
def test_both_places_are_shown(text, places):
    found = problem(text)
    spans = [found.span, *(span for _, span in found.notes)]
    assert [(s.line, s.column) for s in spans if s is not None] == places
    for line, column in places:
        assert f"m.symbp:{line}:{column}" in str(found)


def test_functions_that_double_each_other_are_refused_quickly():
    heads = "".join(f"f{n}(u[i]) = f{n - 1}(u[i], i) + f{n - 1}(u[i], i)\n" for n in range(1, 40))
    text = V + "f0(u[i]) = sum(u[i], i)\n" + heads + "cost C = f39(v[i], i)\n"
    assert "put in too often or too deep" in problem(text).message


def test_long_sequences_of_known_length_are_not_counted_out():
    text = "index l = 1..100000\nparam v\nr[0] = v\nr[l] = tanh(r[l-1])\ncost C = r[100000]\n"
    assert build(read(Source("m", text), "m")).order == ("r",)


def test_of_a_very_long_line_the_part_around_the_place_is_shown() -> None:
    terms = " + ".join(["w[i]^2"] * 900)
    text = f"param w : D\ncost C = sum({terms} + v[i], i)\n"
    found = problem(text)
    line, carets = str(found).splitlines()[1:3]
    assert len(line) < 200
    assert line[carets.index("^") :].startswith("v[i]")


def test_a_root_that_is_0_for_any_values_is_no_defect_of_ours(tmp_path: Path) -> None:
    """The root of the distance of a point from itself has no derivative with respect to that distance."""
    path = tmp_path / "pairs.symbp"
    path.write_text(
        "const X : N, D\nparam w : D\n"
        "s[n,m] = sum((w[d]*X[n,d] - w[d]*X[m,d])^2, d)\ncost C = sum(sqrt(s[n,m]), n, m)\n"
    )
    with pytest.raises(SymbpError, match="has no value at a drawn point: C has no value: sqrt") as caught:
        pipeline.documented(pipeline.load(str(path)), (), "text")
    assert "where(…, …, 0)" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "range_"),
    [
        # the cost reads z beside s, which runs over M
        ("param w : M\nz[i] = sum(where(m >= i, w[m], 0), m)\ncost C = sum(z[i]*w[i], i)\n", "0..M-1"),
        # the base case says it
        ("index t = 0..T\nparam A : K, K\nP[0,i,j] = where(i == j, 1, 0) for i = 0..K-1, j = 0..K-1\n"
         "P[t,i,j] = sum(P[t-1,i,k]*A[k,j], k) for t = 1..T\ncost C = sum(P[T,i,j]^2, i, j)\n", "0..K-1"),
        # nothing does: some size of the model
        ("param w : N\nz[i] = sum(where(m >= i, w[m], 0), m)\ncost C = sum(z[i], i)\n", "0..N-1"),
    ],
)
def test_the_range_that_is_proposed_is_one_of_the_model(text: str, range_: str) -> None:
    with pytest.raises(ModelProblem) as caught:
        build(read(Source("m.symbp", text), "m"))
    assert (caught.value.hint or "").endswith(f"for i = {range_}")


# ── advice works where it is followed as it stands ────────────────────────────────────────────────

PADDED = "param x : N\nparam k : P\nz[i] = sum(k[p]*x[i+p-1], p) for i = 0..N-1\ncost C = sum(z[i]^2, i)\n"
M = "param X : N, N\n"
# The text, what is advised, what is put in the place of what.
ADVICE: list[tuple[str, str, str, str]] = [
    (PADDED, "… for i = 1..N-1,", "for i = 0..N-1", "for i = 1..N-1"),
    (PADDED, "where(0 <= i+p-1 and i+p-1 <= N-1, …, 0)", "k[p]*x[i+p-1]",
     "where(0 <= i+p-1 and i+p-1 <= N-1, k[p]*x[i+p-1], 0)"),
    (V + "cost C = v[-1]^2\n", "write v[N-1]", "v[-1]", "v[N-1]"),
    (M + "cost C = X[0,-2]^2\n", "write X[…, N-2]", "X[0,-2]", "X[0, N-2]"),
    (V + "cost C = v[N]^2\n", "the last entry is v[N-1]", "v[N]", "v[N-1]"),
    (V + "cost C = sum(v[N-i], i=0..N-1)\n", "in the sum: i=1..N-1,", "i=0..N-1", "i=1..N-1"),
    (V + "cost C = sum(v[i+1], i=0..N-1)\n", "in the sum: i=0..N-2,", "i=0..N-1", "i=0..N-2"),
    (V + "cost C = sum(v[i+1]^2, i=0..N-1)\n", "where(0 <= i+1 and i+1 <= N-1, …, 0)", "v[i+1]^2",
     "where(0 <= i+1 and i+1 <= N-1, v[i+1]^2, 0)"),
    (V + "const c : M in 0..N\ncost C = sum(v[c[m]], m)\n",
     "the values of c in 0..N-1", "0..N\n", "0..N-1\n"),
    (V + "const c : M in 0..N-1\ncost C = sum(v[c[m]+1], m)\n", "of c such that c[m]+1 stays in 0..N-1",
     "in 0..N-1", "in 0..N-2"),
    (M + "cost C = trace(X)\n", "write sum(X[i,i], i)", "trace(X)", "sum(X[i,i], i)"),
    (M + "cost C = log(det(X))\n", "function det, and write det(X[i,j], i, j)", M + "cost C = log(det(X))",
     "function det\n" + M + "cost C = log(det(X[i,j], i, j))"),
    (V + "cost C = sum(clip(v[i],0,1), i)\n", "write minimum(maximum(v[i], 0), 1)", "clip(v[i],0,1)",
     "minimum(maximum(v[i], 0), 1)"),
    (V + "cost C = sum(pow(v[i] + 1,2), i)\n", "write (v[i] + 1)^2", "pow(v[i] + 1,2)", "(v[i] + 1)^2"),
    (V + "cost C = atan2(v[0], v[1])\n", "write atan(v[0]/v[1]),", "atan2(v[0], v[1])", "atan(v[0]/v[1])"),
    (V + "cost C = dot(v, v)\n", "write sum(v[i]*v[i], i)", "dot(v, v)", "sum(v[i]*v[i], i)"),
    (V + "cost C = sum(huber(v[i], 2), i)\n", "define it: huber(u, v) = …,", V, "huber(u, v) = u^2/v\n" + V),
    (V + "const y : N\nk = argmax(v[i], i)\ncost C = y[k]\n",
     "write m = max(v[i], i) on a line of its own, then sum(where(v[i] >= m, y[i], 0), i)",
     "k = argmax(v[i], i)\ncost C = y[k]",
     "m = max(v[i], i)\ncost C = sum(where(v[i] >= m, y[i], 0), i)"),
    (V + "const y : N\nk = max(v[i], i)\ncost C = y[k]\n", "sum(where(x[i] >= k, y[i], 0), i)", "y[k]",
     "sum(where(v[i] >= k, y[i], 0), i)"),
    (V + "cost C = sum(v[i]*v[mod(i+1,N)], i)\n", "where(i+1 < N, x[i+1], x[i+1-N])", "v[mod(i+1,N)]",
     "where(i+1 < N, v[i+1], v[i+1-N])"),
    ("param v : T\nz[2*t] = v[t]\ncost C = sum(z[u]^2, u)\n",
     "write z[u] = sum(where(u == 2*t, …, 0), t) for u = 0..N-1, with the length that it has as N",
     "z[2*t] = v[t]", "z[u] = sum(where(u == 2*t, v[t], 0), t) for u = 0..2*T-1"),
    ("param v : T\nparam k : P\nz[t+p] = k[p]*v[t]\ncost C = sum(z[u]^2, u)\n",
     "write z[u] = sum(where(u == t+p, …, 0), t, p)",
     "z[t+p] = k[p]*v[t]", "z[u] = sum(where(u == t+p, k[p]*v[t], 0), t, p) for u = 0..T+P-2"),
    (V + "D[i,i] = v[i]\ncost C = sum(D[i,j]^2, i, j)\n",
     "D[i,j] = where(i == j, …, 0) for i = 0..N-1, j = 0..N-1",
     "D[i,i] = v[i]", "D[i,j] = where(i == j, v[i], 0) for i = 0..N-1, j = 0..N-1"),
    ("index i = 1..N, j = 1..N\n" + V + "I[i,i] = v[i-1]\nI[i,j] = I[i,j-1] + I[i+1,j]\ncost C = I[1,N]\n",
     "index n = 0..N-1 for the length of a span, write I[0,i] = … for the diagonal and I[n,i]",
     "index i = 1..N, j = 1..N\n" + V + "I[i,i] = v[i-1]\nI[i,j] = I[i,j-1] + I[i+1,j]\ncost C = I[1,N]",
     "index n = 0..N-1\n" + V + "I[0,i] = v[i]\nI[n,i] = I[n-1,i] + I[n-1,i+1] for n = 1..N-1, i = 0..N-1-n\n"
     "cost C = I[N-1,0]"),
    ("input x : H\nparam f : P\nparam v : R\nz[i] = sum(f[p]*x[i+p], p)\nm[i] = max(z[2*i+p], p=0..1)\n"
     "cost C = sum(v[i]*m[i], i)^2\n",
     "declare that axis with (H-P+1)//2 in the place of R", "param v : R", "param v : (H-P+1)//2"),
]


@pytest.mark.parametrize(("text", "advice", "old", "new"), ADVICE, ids=[a[1][:40] for a in ADVICE])
def test_advice_works_where_it_is_followed(text: str, advice: str, old: str, new: str) -> None:
    hint = problem(text).hint or ""
    assert advice in hint
    assert old in text
    assert pipeline.verified(pipeline.parse(text.replace(old, new))).ok


def test_an_axis_that_is_longer_from_place_to_place_needs_a_sequence_index() -> None:
    text = """
        const x : T, D
        param A : D, D
        s[t,u] = sum(A[d,e]*x[t,d]*x[u,e], d, e)
        p[t,u] = tanh(s[t,u]) for u = 0..t
        cost C = sum(sum(p[t,u], u=0..t)^2, t)
    """
    with pytest.raises(ModelProblem, match="how many elements p has depends on t") as refused:
        symbp.parse(text).compile()
    assert "index t = 0..T-1" in str(refused.value)
    assert symbp.parse(f"index t = 0..T-1\n{text}").verify().ok
