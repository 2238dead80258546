"""The sentences of the contract about the model language, each with a small model for every opinion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import outside
import pytest
from test_random_models import check

from symbp import pipeline
from symbp.errors import ModelProblem

MODELS: Mapping[str, str] = {
    "a_function_reads_a_const": """
        const alpha
        input x : n
        param w : n
        f(u) = maximum(u, alpha*u)
        z[j] = f(w[j]*x[j])
        cost C = sum(z[j]^2, j)
    """,
    "a_function_reads_a_size": """
        input x : n
        param w : n
        f(u) = tanh(u)/n
        z[j] = f(w[j]*x[j])
        cost C = sum(z[j]^2, j)
    """,
    "a_function_reads_a_const_through_another": """
        input x : n
        param w : n
        const alpha
        const beta
        f(u) = maximum(u, alpha*u)
        g(u) = beta*f(u)/n + u
        z[j] = g(w[j]*x[j])
        cost C = sum(z[j]^2, j)
    """,
    "a_named_adjoint_that_no_parameter_acts_on": """
        input x : n
        param w : n
        z[j] = x[j]^2
        let delta = dC/dz
        cost C = sum((z[j]-w[j])^2, j)
    """,
    "a_named_adjoint_above_variables_without_one": """
        input x : n
        param w : n
        z[j] = x[j]^2
        q[j] = z[j]^3
        let delta = dC/dz
        cost C = sum((q[j]-w[j])^2, j)
    """,
    "a_corner_that_no_equation_defines": """
        index l = 1..L, t = 1..T
        input x[t] : D
        param w[l] : D, D
        h[0,t,i] = x[t,i]
        h[l,0,i] = 0
        h[l,t,i] = tanh(sum(w[l,i,j]*h[l-1,t,j], j) + h[l,t-1,i])
        cost C = sum(h[L,T,i]^2, i)
    """,
    "a_fixed_position_wants_a_longer_axis": """
        input x : n
        param w : n
        z[i] = tanh(w[i]*x[i])
        cost C = z[0] + w[2]
    """,
    "labels_compared": """
        input x : D
        input c in 0..K-1
        param W : K, D
        s[k] = sum(W[k,d]*x[d], d)
        cost C = sum(where(k != c, maximum(0, 1 + s[k] - s[c]), 0), k)
    """,
    "labels_compared_with_sums": """
        input x : D
        input c in 0..K-1
        input t : D in 0..K-1
        param W : K, D
        s[k] = sum(W[k,d]*x[d], d)
        h[d] = where(t[d] >= c + 1, x[d]*W[c,d], where(t[d] == 1, W[0,d]^2, x[d]))
        m = sum(where(k != c, maximum(0, 1 + s[k] - s[c]), 0), k)
        cost C = m + sum(where(x[d] < c - 1, h[d], h[d]*x[d]), d)
    """,
    "a_boundary_of_zeros_pads": """
        index u = 0..H+1
        input x : H
        param g : H
        param f : P
        h[i] = tanh(g[i]*x[i])
        hp[0] = 0
        hp[H+1] = 0
        hp[u] = h[u-1] for u = 1..H
        z[i] = sum(f[p]*hp[i+p], p)
        cost C = sum(z[i]^2, i)
    """,
    "a_recurrence_that_runs_backwards": """
        index t = 1..T
        input x[t] : D
        input y : H
        param W : H, H
        param U : H, D
        h[T,i] = tanh(sum(U[i,d]*x[T,d], d))
        h[t,i] = tanh(sum(W[i,j]*h[t+1,j], j) + sum(U[i,d]*x[t,d], d)) for t = 1..T-1
        let delta = dC/dh
        cost C = sum((h[1,i]-y[i])^2, i)
    """,
    "two_steps_back": """
        index t = 0..T
        input y
        param phi1
        param phi2
        param v0
        param v1
        v[0] = v0
        v[1] = v1
        v[t] = phi1*v[t-1] + phi2*v[t-2] for t = 2..T
        cost C = (v[T] - y)^2 + v[2]^2
    """,
    "a_grid": """
        index s = 0..S, t = 0..T
        const x : S+1
        param w : S+1, T+1
        h[0,0] = w[0,0]
        h[s,0] = h[s-1,0] + w[s,0] for s = 1..S
        h[0,t] = h[0,t-1] + w[0,t] for t = 1..T
        h[s,t] = tanh(h[s-1,t] + h[s,t-1] + w[s,t]) for s = 1..S, t = 1..T
        cost C = h[S,T]^2
    """,
    "a_sum_over_a_given_range": """
        size K
        input x : n
        param w : n
        z[i] = sum(w[i]^p * x[i], p=0..K-1)
        cost C = sum(z[i], i)
    """,
    "reductions_over_two_indices": """
        const x : n, m
        param w : n, m
        a = mean(w[i,j]*x[i,j], i, j)
        b = max(w[i,j]*x[i,j], i, j)
        c = min(w[i,j]*x[i,j], i, j)
        d = prod(w[i,j]+x[i,j], i, j)
        cost C = a*b + c^2 + d
    """,
    "a_family_of_inputs_of_any_size": """
        index l = 1..L
        input x[l] : n[l]
        param w[l] : n[l]
        s[l] = sum(w[l,j]*x[l,j], j)
        cost C = sum(s[l]^2, l)
    """,
    "powers_and_signs": """
        input x : n
        param w : n
        z[i] = -w[i]**2 + w[i]^-1 - -x[i] + 2**w[i]
        a[i] = where(z[i] > x[i], z[i], -z[i]) + where(z[i] <= 0, 1, w[i])
        cost C = -sum(a[i]*w[i], i)
    """,
    "softmax_on_the_diagonal": """
        input x : n
        param w : n, n
        s[i,j] = w[i,j]*x[j]
        p[i,j] = softmax(s[i,j], j)
        q[i] = logsumexp(s[i,j], j)
        cost C = sum(p[i,i]*q[i], i)
    """,
    "dilated": """
        size P
        input x : c0, N
        param f : P, c0
        z[t] = sum(f[p,c]*x[c,t+2*p], c, p)
        cost C = sum(z[t]^2, t)/(N - 2*(P-1))
    """,
    "a_gather_of_a_pair": """
        index t = 1..T
        input y[t] in 0..K-1
        param A : K, K
        cost C = sum(A[y[t-1],y[t]], t=2..T)
    """,
    "kinks": """
        input x : n
        param w : n
        z[j] = maximum(w[j], x[j]) + abs(w[j]) + relu(w[j]*x[j]) + minimum(w[j], 2) + sign(w[j])*w[j]
        m = max(z[j], j) + min(z[j], j)
        cost C = m^2
    """,
}


@pytest.mark.parametrize("name", MODELS)
def test_every_opinion_agrees(name: str) -> None:
    check(MODELS[name])


@pytest.mark.parametrize("name", MODELS)
def test_every_line_of_the_document_is_checked(name: str) -> None:
    text = pipeline.documented(pipeline.parse(MODELS[name]), format_="latex", standalone=True)
    assert "\\begin{document}" in text


def test_a_named_adjoint_is_in_the_document_though_no_parameter_acts_on_it() -> None:
    model = pipeline.parse(MODELS["a_named_adjoint_that_no_parameter_acts_on"])
    system, names = pipeline.derive(model)
    assert set(names) == {"z", "w"}
    assert len(system.cases["z"]) == 1
    assert "adjoint of z" in str(pipeline.verified(model))


TWO_INDICES = """
        index l = 1..L, t = 1..T
        param w[l,t] : D
        param v : D
        s[l,t] = sum(w[l,t,i]*v[i], i)
        cost C = sum(s[l,t]^2, l, t)
    """


def test_a_family_of_two_indices_is_one_array_with_two_axes() -> None:
    model = pipeline.parse(TWO_INDICES)
    assert pipeline.verified(model).ok
    module = pipeline.module_of(pipeline.derive(model)[0])
    case = outside.instance(model, 1)
    cost, wanted = outside.value_and_grad(case)
    given = {name: np.array(value) for name, value in outside.arguments(case).items()}
    found, gradients = module.value_and_grad(**given)
    np.testing.assert_allclose(found, cost)
    for name, gradient in wanted.items():
        np.testing.assert_allclose(getattr(gradients, name), np.array(gradient))


def test_labels_are_compared_as_integers() -> None:
    text = """
        input c in 0..K-1
        input x
        param w
        size K
        cost C = where(c == 16777217, w*x, 0)
    """
    module = pipeline.module_of(pipeline.derive(pipeline.parse(text))[0])
    one = np.ones(1, np.float32)
    given = {"x": one, "w": np.float32(1), "K": 20_000_000}
    # float32 cannot tell these two labels apart
    assert module.value(c=np.array([16777217]), **given) == 1
    assert module.value(c=np.array([16777216]), **given) == 0


def test_a_number_that_a_function_reads_is_an_argument_of_every_call() -> None:
    shown = pipeline.shown(pipeline.parse(MODELS["a_function_reads_a_const_through_another"]))
    assert "g(wⱼ xⱼ, β, n, α)" in shown


REFUSED: Mapping[str, tuple[str, str, str]] = {
    "a_hidden_number": (
        """
        const alpha
        param w : n
        f(u) = alpha*u
        g(alpha) = f(alpha)
        cost C = sum(g(w[i]), i)
        """,
        "hides the alpha of the model", "another name",
    ),
    "a_stride_that_is_an_index": (
        """
        input x : W
        param f : P
        z[i] = sum(f[p]*x[p*i+p], p)
        cost C = sum(z[i]^2, i)
        """,
        "a product of two indices", "a size can multiply",
    ),
    "an_index_named_like_labels": (
        """
        const c : n in 0..K-1
        param w : K
        v[c] = w[c]^2
        cost C = sum(v[c], c)
        """,
        "c", "give the index another name",
    ),
    "a_condition_that_pads_nothing": (
        """
        param h : H
        param f : P
        z[i] = sum(where(i+p-1 >= 0 and i+p-1 < H, f[p]*h[i+p-1], 0), p)
        cost C = sum(z[i]^2, i)
        """,
        "a condition stands where an array would fix its range", "give it one: … for i = 0..",
    ),
    "a_condition_that_keeps_nothing_inside": (
        """
        param h : H
        param f : P
        z[i] = sum(where(i+p < 2*H, f[p]*h[i+p], 0), p)
        cost C = sum(z[i]^2, i)
        """,
        "the condition around h at i+p holds everywhere", "to pad h, say how far i runs: … for i = …",
    ),
    "no_order": (
        """
        index i = 1..n, j = 1..n
        param w : n, n
        m[i,j] = w[i-1,j-1] + sin(m[n+1-i,n+1-j])
        cost C = m[1,n]
        """,
        "no sequence index puts the equations in order", "read an earlier element",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_says_what_to_do(name: str) -> None:
    text, message, hint = REFUSED[name]
    with pytest.raises(ModelProblem) as caught:
        pipeline.parse(text)
    assert message in caught.value.message and hint in (caught.value.hint or "")
    assert caught.value.span is not None
