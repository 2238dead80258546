"""Reductions and weights over ranges that depend on another axis, and norms."""

from __future__ import annotations

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

import symbp

TRIANGLE = "param e : T, S\nparam v : T\n"


def agree(text, cost, names, data, **sizes):
    """The module, plain and compiled, the oracle and another library's gradients of ``cost(data)``."""
    model = symbp.parse(text)
    report = model.verify()
    assert report.ok, report
    params = {n: data[n] for n in names}
    expected = autograd.grad(lambda p: cost({**data, **p}))(params)
    value, gradients = model.compile().value_and_grad(**data, **sizes)
    assert value == pytest.approx(cost(data), rel=1e-12)
    for name in names:
        np.testing.assert_allclose(getattr(gradients, name), expected[name], rtol=1e-9, atol=1e-12)
    return model


def draw(seed=0, **shapes):
    """Normal numbers in these shapes."""
    chance = np.random.default_rng(seed)
    return {name: chance.normal(size=shape) for name, shape in shapes.items()}


def rows(e, count, first=0):
    """The rows of a triangle: e[t, first..t]."""
    return [e[t, first : t + 1] for t in range(first, count)]


REDUCED = {
    "logsumexp": lambda r: anp.log(anp.sum(anp.exp(r))),
    "max": anp.max,
    "min": anp.min,
    "prod": anp.prod,
    "mean": anp.mean,
    "norm": lambda r: anp.sqrt(anp.sum(r**2)),
}


@pytest.mark.parametrize("name", REDUCED)
def test_a_reduction_over_a_triangle(name):
    text = TRIANGLE + f"u[t] = {name}(e[t,s], s=0..t)\ncost C = sum(v[t]*u[t]^2, t)\n"

    def cost(d):
        found = [REDUCED[name](r) for r in rows(d["e"], 4)]
        return sum(v * u**2 for v, u in zip(d["v"], found, strict=True))

    model = agree(text, cost, ("e", "v"), draw(e=(4, 6), v=4))
    body = model.to_numpy().split("def value(")[0]
    assert "for " not in body.replace("for every", ""), "no loop over data"


@pytest.mark.parametrize("name", ["logsumexp", "max", "prod"])
def test_a_range_that_begins_elsewhere(name):
    text = TRIANGLE + f"u[t] = {name}(e[t,s], s=1..t) for t = 1..T-1\ncost C = sum(v[t]*u[t]^3, t=1..T-1)\n"

    def cost(d):
        found = [REDUCED[name](r) for r in rows(d["e"], 5, 1)]
        return sum(v * u**3 for v, u in zip(d["v"][1:], found, strict=True))

    agree(text, cost, ("e", "v"), draw(1, e=(5, 7), v=5))


CAUSAL = """
input x : T, D
input y : T, D
param Q : D, D
e[t,s] = sum(x[t,d]*Q[d,k]*x[s,k], d, k)
a[t,s] = softmax(e[t,s], s=0..t)
o[t,d] = sum(a[t,s]*x[s,d], s)
cost E = sum((o[t,d]-y[t,d])^2, t, d)/2
"""


def causal(d):
    total = 0.0
    for x, y in zip(d["x"], d["y"], strict=True):
        e = anp.dot(anp.dot(x, d["Q"]), x.T)
        for t in range(len(x)):
            w = anp.exp(e[t, : t + 1] - anp.max(e[t, : t + 1]))
            o = anp.dot(w / anp.sum(w), x[: t + 1])
            total = total + anp.sum((o - y[t]) ** 2) / 2
    return total / len(d["x"])


@pytest.mark.parametrize("read", ["s)", "s=0..t)"])
def test_a_softmax_over_what_came_before(read):
    """Outside of its range a weight is 0: a sum may go over all of it, or over the range alone."""
    text = CAUSAL.replace("x[s,d], s)", f"x[s,d], {read}")
    data = draw(2, x=(3, 5, 4), y=(3, 5, 4), Q=(4, 4))
    model = agree(text, causal, ("Q",), data)
    assert "@ x" in model.to_numpy().split("o = ")[1].split("\n")[0]
    weights = model.compile().forward(**data)["a"]
    assert (weights[:, np.triu(np.ones((5, 5), bool), 1)] == 0).all()
    np.testing.assert_allclose(weights.sum(axis=-1), 1)


def test_a_softmax_over_a_range_shows_it():
    model = symbp.parse(CAUSAL)
    assert r"softmax}^t_{s'=0}(e_{ts'})_s" in model.derive("e").to_latex()
    matrix = model.derive("e").matrix
    assert matrix is not None and r"\odot" in matrix.to_latex()


def test_large_values_stay_finite_in_a_masked_softmax():
    module = symbp.parse(CAUSAL).compile()
    data = {n: a.astype("f4") for n, a in draw(3, x=(2, 3, 2), y=(2, 3, 2), Q=(2, 2)).items()}
    data["x"] *= 1e4
    value, gradients = module.value_and_grad(**data)
    assert np.isfinite(value) and np.isfinite(gradients.Q).all() and gradients.Q.dtype == np.float32


def test_norms():
    text = """
    input x : D
    param W : K, D
    param v : K
    z[k] = sum(W[k,d]*x[d], d)
    cost E = norm(z[k] - v[k], k) + 0.1*norm(W[i,j], i, j)^2 + norm(v[k], k=1..K-1)
    """

    def cost(d):
        errors = anp.sqrt(anp.sum((anp.dot(d["x"], d["W"].T) - d["v"]) ** 2, axis=1))
        return anp.mean(errors) + 0.1 * anp.sum(d["W"] ** 2) + anp.sqrt(anp.sum(d["v"][1:] ** 2))

    agree(text, cost, ("W", "v"), draw(4, x=(5, 3), W=(4, 3), v=4))


def test_compiled_loops_know_ranges_that_move():
    pytest.importorskip("numba")
    model = symbp.parse(TRIANGLE + "u[t] = logsumexp(e[t,s], s=0..t)\ncost C = sum(v[t]*u[t], t)\n")
    data = draw(5, e=(4, 6), v=4)
    plain, compiled = model.compile(), model.compile(target="numba")
    for one, other in zip(plain.value_and_grad(**data)[1], compiled.value_and_grad(**data)[1], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


@pytest.mark.parametrize(
    "text",
    [
        "param a : N\nnorm(v[j]) = sum(v[j]^2, j)\ncost C = norm(a[j], j)\n",
        "param a : N\nnorm = sqrt(sum(a[j]^2, j))\ncost C = norm^2\n",
        "param a : N\nparam norm\ncost C = norm*sum(a[i]^2, i)\n",
    ],
)
def test_a_model_may_have_a_norm_of_its_own(text):
    assert symbp.parse(text).verify().ok


HISTORY = """\
index t = 1..T
param x : D
param q : D
h[0,d] = x[d]
e[t,s] = softmax(sum(q[d]*h[s,d], d), s=0..t-1)
h[t,d] = tanh(sum(e[t,s]*h[s,d], s=0..t-1) + t/5)
cost C = sum(h[T,d]^2, d)
"""


def test_weights_over_the_steps_before_beside_the_recurrence_that_reads_them():
    """The same as with the weights inside of the equation of h, which needs no e."""

    def cost(data):
        h = [data["x"]]
        for t in range(1, 5):
            past = anp.stack(h)
            scores = past @ data["q"]
            weights = anp.exp(scores - anp.max(scores))
            h.append(anp.tanh(weights @ past / anp.sum(weights) + t / 5))
        return anp.sum(h[-1] ** 2)

    model = agree(HISTORY, cost, "xq", draw(x=(3,), q=(3,)), T=4)
    code = model.to_numpy()
    assert "e[t, :t] = softmax(h[:t] @ q, axis=0)" in code, "no step is read that is still to come"
    shown = model.derive("h").to_text()
    assert "Σ_{t′=t+1}^T" in shown and "Σ_{t′=1}^T" not in shown


def test_a_sum_over_a_part_is_not_called_by_the_name_of_the_whole():
    text = "param x : N\nS = sum(x[i], i)\ncost C = S^2 + exp(sum(x[i], i=1..N-1))\n"
    model = agree(text, lambda d: anp.sum(d["x"]) ** 2 + anp.exp(anp.sum(d["x"][1:])), "x", draw(x=(4,)))
    assert "exp(S)" not in model.derive("x").to_text()


def test_a_softmax_over_what_is_left_of_a_ranking_has_no_matrix_form():
    """Every row would have the same entries, and fewer of them than the one before."""
    text = """
        input x : N, D
        input r : N in 0..N-1
        param w : D
        s[n] = sum(w[d]*x[n,d], d)
        cost C = -sum(s[r[i]] - log(sum(exp(s[r[j]]), j=i..N-1)), i)
    """
    d = symbp.parse(text).derive("s")
    assert d.matrix is None and "softmax" in d.to_text()


RANKED = """
input r : N in 0..N-1
param s : N
cost C = sum(log(sum(exp(s[r[j]]), j=i..N-1)) - s[r[i]], i)
"""


def test_a_sum_of_labelled_entries_over_a_triangle_is_no_product() -> None:
    """Plackett and Luce: each choice is among those that are left, so that every row has other terms."""
    model = symbp.parse(RANKED)
    derivation = model.derive("s")
    assert derivation.matrix is None
    assert "softmax" in derivation.to_text()
    assert model.verify().ok
