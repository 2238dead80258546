"""Recurrences that reach back through a window, over all steps before, and along triangles."""

from __future__ import annotations

import random
from collections.abc import Mapping

import loops
import outside
import pytest

from symbp import pipeline
from symbp.derive.engine import adjoint_system
from symbp.emit.document import document
from symbp.emit.text import emit
from symbp.errors import SymbpError
from symbp.verify.report import verify

MODELS: Mapping[str, str] = {
    "history_that_a_condition_says": """
        index r = 0..R-1
        param m : R, R
        param b : R, D
        v[r,d] = b[r,d] + tanh(sum(where(s < r and s != 2, m[r,s]*v[s,d], 0), s))
        cost C = sum(v[r,d]^2, r, d)
    """,
    "future_of_another_variable_by_a_condition": """
        index r = 0..R-1
        param m : R, R
        param b : R
        u[r] = sum(where(r < s, 1, 0)*m[r,s]*v[s], s)
        v[r] = tanh(b[r] + u[r])
        cost C = sum(v[r]^2, r)
    """,
    "boundary_before_the_first_step": """
        index t = 1..T
        param w : P
        const e[t]
        param x0 : P
        x[t] = x0[t+P-1] for t = 1-P..0
        x[t] = e[t] + sum(w[p]*x[t-1-p], p) for t = 1..T
        cost C = sum(x[t]^2, t)
    """,
    "boundary_within_the_sequence": """
        index t = 0..T-1
        input y[t]
        param w : P
        param v
        x[t] = y[t] for t = 0..P-1
        x[t] = v*x[t-P] + sum(w[p]*x[t-1-p], p) for t = P..T-1
        cost C = sum((x[t] - y[t])^2, t)/2
    """,
    "guarded": """
        index t = 0..T-1
        param w : P
        const e[t]
        x[t] = e[t] + sum(where(t-1-p >= 0, w[p]*x[t-1-p], 0), p)
        cost C = sum(x[t]^2, t)
    """,
    "two_branches": """
        index t = 0..T-1
        param w : P
        const e[t]
        x[t] = where(t < P, e[t], sum(w[p]*x[t-1-p], p) + e[t])
        cost C = sum(x[t]^2, t)
    """,
    "guarded_steps": """
        index t = 0..T-1
        param w
        param u
        const e[t]
        x[t] = e[t] + where(t > 0, w*x[t-1], 0) + where(t >= 2, u*x[t-2], 0)
        cost C = sum(x[t]^2, t)
    """,
    "backwards_vectors": """
        index t = 1..T
        input e[t] : D
        param W : P, D, D
        x[t,i] = tanh(e[t,i] + sum(where(t+1+p <= T, W[p,i,j]*x[t+1+p,j], 0), p, j))
        cost C = sum(x[1,i]^2, i)
    """,
    # the padding before the first step is read, times 0: it has to be a number
    "through_another_variable": """
        index t = 1..T
        input e[t] : D
        param W : P, D, D
        param V : D, D
        z[t,i] = e[t,i] + sum(where(t-1-p >= 1, W[p,i,j]*a[t-1-p,j], 0), p, j) for t = 1..T
        a[t,i] = tanh(sum(V[i,j]*z[t,j], j))
        let delta = dC/dz
        cost C = sum(a[T,i]^2, i)
    """,
    "dilated": """
        index t = 1..T
        input e[t]
        param w : P
        x[t] = 0 for t = -1-2*P..0
        x[t] = e[t] + tanh(sum(w[p]*x[t-1-2*p], p)) for t = 1..T
        cost C = sum((x[t] - 1)^2, t=1..T)
    """,
    "a_grid": """
        index r = 1..R, c = 1..S
        input e[r,c]
        param u : P
        param w : P
        h[0,c] = 0 for c = 1-P..S
        h[r,c] = 0 for r = 1..R, c = 1-P..0
        h[r,c] = tanh(e[r,c] + sum(u[p]*h[r-1,c-p], p) + sum(w[p]*h[r,c-1-p], p)) for r = 1..R, c = 1..S
        cost C = sum(h[R,c]^2, c=1..S)
    """,
    "segments_in_logarithms": """
        index t = 0..T
        param u : K
        input e : T
        a[0] = 0
        a[t] = logsumexp(where(t-1-k >= 0, a[t-1-k] + u[k] + e[t-1], -10000), k) for t = 1..T
        cost C = a[T]
    """,
    "all_steps_before": """
        index t = 1..T
        param a : D
        input x[t] : D
        h[1] = sum(a[i]*x[1,i], i)
        h[t] = sum(exp(-(t-s)/3)*h[s], s=1..t-1) + tanh(sum(a[i]*x[t,i], i)) for t = 2..T
        cost C = h[T]^2
    """,
    "attention_to_all_steps_before": """
        index t = 0..T
        param h0 : D
        input x[t] : D
        param A : D, D
        h[0,i] = h0[i]
        e[t,s] = exp(sum(x[t,k]*A[k,j]*h[s,j], k, j)) for t = 1..T, s = 0..t-1
        h[t,i] = tanh(x[t,i] + sum(e[t,s]*h[s,i], s=0..t-1)/sum(e[t,s], s=0..t-1)) for t = 1..T
        cost C = sum(h[T,i]^2, i)
    """,
    "maxima_of_all_steps_before": """
        index t = 0..T-1
        input x[t] : D
        param W : D, D
        z[t,i] = tanh(sum(W[i,j]*x[t,j], j))
        m[t,i] = max(z[s,i], s=0..t)
        a[t,i] = logsumexp(z[s,i], s=0..t)
        p[t,i] = prod(z[s,i] + 2, s=0..t)
        cost C = sum(m[t,i]*a[t,i] + p[t,i], t, i)
    """,
    "a_triangle": """
        index n = 0..N
        input u
        param p : N+1
        b[0,i] = p[i] for i = 0..N
        b[n,i] = (1-u)*b[n-1,i] + u*b[n-1,i+1] for n = 1..N, i = 0..N-n
        cost C = b[N,0]^2
    """,
    "a_triangle_that_grows": """
        index n = 0..N
        input u
        param p
        param q : N+1
        b[0,0] = p
        b[n,i] = where(i < n, (1-u)*b[n-1,i], 0) + where(i >= 1, u*sin(b[n-1,i-1]), 0) for n = 1..N, i = 0..n
        cost C = sum(q[i]*b[N,i]^2, i=0..N)
    """,
    "pairs": """
        index t = 1..T
        input x[t] : D
        param A : D, D
        k[t,i] = sum(A[i,j]*x[t,j], j)
        e[t,s] = sum(k[t,i]*k[s,i], i) for t = 1..T, s = t..T
        d[t,s] = sum((k[t,i] - k[s,i])^2, i) for t = 2..T, s = 1..t-1
        o[t,i] = sum(exp(e[t,s])*k[s,i], s=t..T)
        cost C = sum(o[t,i]^2, t, i) + sum(log(1 + d[t,s]), t=2..T, s=1..t-1)
    """,
    "a_grid_without_boundaries": """
        index i = 0..N-1, j = 0..M-1
        input x[i,j] : D
        param W : H, D
        param U : H, H
        h[i,j,k] = tanh(sum(W[k,d]*x[i,j,d], d) + where(i > 0, sum(U[k,l]*h[i-1,j,l], l), 0)
                        + where(j > 0, sum(U[k,l]*h[i,j-1,l], l), 0))
        cost C = sum(h[N-1,M-1,k]^2, k)
    """,
    "labels_with_skips": """
        index t = 1..T, u = 0..U-1
        input e[t] : K
        input l : U in 0..K-1
        param V : K, K
        s[t,k] = sum(V[k,j]*e[t,j], j)
        p[t,k] = s[t,k] - logsumexp(s[t,j], j)
        a[1,u] = where(u <= 1, p[1,l[u]], -50)
        a[t,u] = p[t,l[u]] + log(exp(a[t-1,u]) + where(u >= 1, exp(a[t-1,u-1]), 0)
                                 + where(u >= 2, where(l[u] != l[u-2], exp(a[t-1,u-2]), 0), 0)) for t = 2..T
        cost C = -log(exp(a[T,U-1]) + exp(a[T,U-2]))
    """,
    "spans": """
        index n = 1..N
        input e : N
        param w
        b[1,i] = e[i] for i = 0..N-1
        b[n,i] = log(sum(exp(b[k,i] + b[n-k,i+k] + w), k=1..n-1)) for n = 2..N, i = 0..N-n
        cost C = b[N,0]
    """,
}


@pytest.mark.parametrize("name", MODELS)
def test_every_opinion_agrees(name: str) -> None:
    model = pipeline.parse(MODELS[name])
    system = adjoint_system(model)
    module = pipeline.module_of(system)
    report = verify(model, system, module, precise=False)
    assert report.ok, str(report)
    assert not outside.disagreement(model, module, 1)
    assert not loops.differences(model, module, loops.interpreted(system))


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("boundary_before_the_first_step", {"T": 1, "P": 4}),
        ("boundary_within_the_sequence", {"T": 3, "P": 3}),
        ("boundary_within_the_sequence", {"T": 4, "P": 3}),
        ("guarded", {"T": 2, "P": 5}),
        ("guarded_steps", {"T": 1}),
        ("all_steps_before", {"T": 1, "D": 2}),
        ("a_triangle", {"N": 1}),
        ("spans", {"N": 1}),
        ("segments_in_logarithms", {"T": 1, "K": 3}),
    ],
)
def test_short_sequences_and_long_windows(name: str, sizes: Mapping[str, int]) -> None:
    model = pipeline.parse(MODELS[name])
    case = _instance(outside.Sizes(1, frozenset()), sizes, model)
    cost, wanted = outside.value_and_grad(case)
    value, found = pipeline.module_of(adjoint_system(model)).value_and_grad(**outside.arguments(case))
    assert outside.distance(value, cost) < 1e-12
    assert {n: outside.distance(getattr(found, n), g) < 1e-12 for n, g in wanted.items()} == dict.fromkeys(
        wanted, True
    )


def _instance(drawn: outside.Sizes, sizes: Mapping[str, int], model: outside.Model) -> outside.Instance:
    drawn.known.update({(name, ()): size for name, size in sizes.items()})
    chance = random.Random(1)

    def values(array: outside.Array) -> outside.Elements:
        points = outside._points(array.axes, drawn, {})
        return {at: outside._drawn(array, drawn, chance, -1, 1) for at in points}

    given = {a.name: values(a) for a in model.of_kind("param", "const")}
    inputs = model.of_kind("input")
    examples = tuple({a.name: values(a) for a in inputs} for _ in range(3 if inputs else 1))
    return outside.Instance(model, drawn, given, examples)


def test_the_derivation_speaks_of_later_steps_and_of_no_condition_that_always_holds() -> None:
    system = adjoint_system(pipeline.parse(MODELS["boundary_before_the_first_step"]))
    text = emit(document(system, ("x",)))
    assert "For t = 1, …, T − 1:" in text
    assert "Σₛ₌ₜ₊₁^T (∂C/∂xˢ) ∂xˢ/∂xᵗ" in text
    assert "Σₚ [p + t + 1 ≤ T] (∂C/∂xᵖ⁺ᵗ⁺¹) wₚ + 2xᵗ" in text


def test_a_window_that_reaches_both_ways_is_refused() -> None:
    text = (
        "index t = 0..T-1\nparam w : P\nconst e[t]\n"
        "x[t] = e[t] + sum(where(t+1-p >= 0, w[p]*x[t+1-p], 0), p)\ncost C = sum(x[t]^2, t)\n"
    )
    with pytest.raises(SymbpError) as caught:
        pipeline.parse(text)
    assert caught.value.span is not None


def test_windows_along_two_indices_are_refused_with_a_way_out() -> None:
    text = (
        "index i = 1..n, j = 1..n\nparam w : n, n\nm[i,j] = w[i-1,j-1] for i = 1..n, j = i..i\n"
        "m[i,j] = w[i-1,j-1] + min(m[i,k] + m[k+1,j], k=i..j-1) for i = 1..n-1, j = i+1..n\ncost C = m[1,n]\n"
    )
    with pytest.raises(SymbpError) as caught:
        adjoint_system(pipeline.parse(text))
    assert caught.value.span is not None
    assert "for spans from i to j their length" in str(caught.value)


def test_a_sequence_that_is_read_before_it_begins_is_refused() -> None:
    text = (
        "index t = 0..T-1\nparam w : P\nconst e[t]\n"
        "x[t] = e[t] + sum(where(t-p >= 0, w[p]*x[t-1-p], 0), p)\ncost C = sum(x[t]^2, t)\n"
    )
    with pytest.raises(SymbpError) as caught:
        pipeline.parse(text)
    assert "x is read at t-p-1 = -P, but it is defined for 0..T-1 only" in str(caught.value)
