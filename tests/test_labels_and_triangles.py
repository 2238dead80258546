"""Labels in the position of a sequence, sums over splits of a span, labels that choose one point twice."""

from __future__ import annotations

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

import symbp

SPLITS = """
    index w = 1..T
    param E : T
    b[1,i] = E[i]
    b[w,i] = sum(b[v,i]*b[w-v,i+v], v=1..w-1) for w = 2..T, i = 0..T-w
    cost C = b[T,0]
"""
LABEL = """
    index k = 1..K
    input y in 1..K
    param g[k]
    F[k] = sigmoid(g[k])
    cost C = F[y]^2
"""
EDGES = """
    const a : E in 0..N-1
    const b : E in 0..N-1
    param x : N, D
    d[e] = sqrt(sum((x[a[e],i] - x[b[e],i])^2, i))
    cost C = sum(d[e]^3, e)
"""


# Needleman and Wunsch, A general method applicable to the search for similarities (1970), with a soft maximum
ALIGNMENT = """
index i = 0..N, j = 0..M
input a : N in 0..V-1
input b : M in 0..V-1
param S : V, V
param g
f[0,0] = 0
f[i,0] = g*i for i = 1..N
f[0,j] = g*j for j = 1..M
f[i,j] = logsumexp3(f[i-1,j-1] + S[a[i-1],b[j-1]], f[i-1,j] + g, f[i,j-1] + g) for i = 1..N, j = 1..M
logsumexp3(u, v, w) = log(exp(u) + exp(v) + exp(w))
cost C = -f[N,M]
"""


@pytest.mark.parametrize(
    "text", (SPLITS, LABEL, EDGES, ALIGNMENT), ids=("splits", "label", "edges", "alignment")
)
def test_lines_and_module_agree_with_the_oracle(text: str) -> None:
    report = symbp.parse(text).verify()
    assert report.ok, report


def _inside(E):
    """The chart of a span by its width and its start (Baker 1979), with one symbol."""
    T = len(E)
    b = {(1, i): E[i] for i in range(T)}
    for w in range(2, T + 1):
        for i in range(T - w + 1):
            b[w, i] = sum(b[v, i] * b[w - v, i + v] for v in range(1, w))
    return b[T, 0]


def test_a_sum_over_splits_has_the_gradient_of_another_library() -> None:
    E = np.random.default_rng(0).normal(size=6)
    cost, grads = symbp.parse(SPLITS).compile().value_and_grad(E=E)
    assert cost == pytest.approx(_inside(E), rel=1e-13)
    np.testing.assert_allclose(grads.E, autograd.grad(_inside)(E), rtol=1e-12)


def test_the_cases_of_a_triangle_name_its_elements() -> None:
    text = symbp.parse(SPLITS).derive("b").to_markdown()
    assert "i = 0, \\dots, T - w" in text


def test_a_label_chooses_a_step() -> None:
    y, g = np.array([1, 3, 3]), np.array([0.3, -1.0, 0.7, 2.0])

    def by_hand(g):
        return anp.mean((1 / (1 + anp.exp(-g[y - 1]))) ** 2)

    cost, grads = symbp.parse(LABEL).compile().value_and_grad(y=y, g=g)
    assert cost == pytest.approx(by_hand(g), rel=1e-14)
    np.testing.assert_allclose(grads.g, autograd.grad(by_hand)(g), rtol=1e-12)
