"""Families along one index whose sizes differ, beside another sequence index: layers over time."""

from __future__ import annotations

from collections.abc import Mapping

import loops
import numpy as np
import outside
import pytest

from symbp import pipeline
from symbp.derive.engine import adjoint_system
from symbp.errors import SymbpError
from symbp.verify.report import verify

STACKED = """\
index l = 1..L, t = 1..T
input x[t] : n[0]
input y : n[L]
param W[l] : n[l], n[l-1]
param U[l] : n[l], n[l]
param b[l] : n[l]
h[0,t,i] = x[t,i]
h[l,0,i] = 0 for l = 1..L
h[l,t,i] = tanh(sum(W[l,i,k]*h[l-1,t,k], k) + sum(U[l,i,j]*h[l,t-1,j], j) + b[l,i]) for t = 1..T
cost C = sum((h[L,T,i] - y[i])^2, i)/2
"""

MODELS: Mapping[str, str] = {
    "stacked": STACKED,
    "time_before_layers": """
        index l = 1..L, t = 1..T
        input x[t] : n[0]
        input y : n[L]
        const m[t]
        param W[l] : n[l], n[l-1]
        param U[l] : n[l], n[l]
        param h0[l] : n[l]
        h[t,0,i] = x[t,i]
        h[0,l,i] = h0[l,i] for l = 1..L
        z[t,l,i] = sum(W[l,i,k]*h[t,l-1,k], k) + sum(U[l,i,j]*h[t-1,l,j], j) for t = 1..T
        h[t,l,i] = m[t]*tanh(z[t,l,i]) + (1-m[t])*h[t-1,l,i] for t = 1..T
        let delta = dC/dz
        s[i] = sum(h[t,L,i], t=1..T)/T
        cost C = sum((s[i] - y[i])^2, i)/2 + sum(W[l,i,k]^2, i, k, l)
    """,
    "bidirectional": """
        index l = 1..L, t = 1..T
        input x[t] : n[0]
        input y : n[L]
        param Wf[l] : n[l], n[l-1]
        param Wb[l] : n[l], n[l-1]
        param U[l] : n[l], n[l]
        h[0,t,i] = x[t,i]
        f[l,0,i] = 0
        f[l,t,i] = tanh(sum(Wf[l,i,k]*h[l-1,t,k], k) + sum(U[l,i,j]*f[l,t-1,j], j)) for t = 1..T
        g[l,T+1,i] = 0
        g[l,t,i] = tanh(sum(Wb[l,i,k]*h[l-1,t,k], k) + sum(U[l,i,j]*g[l,t+1,j], j)) for t = 1..T
        h[l,t,i] = f[l,t,i] + g[l,t,i] for l = 1..L
        cost C = sum((h[L,t,i] - y[i])^2, i, t)/2
    """,
    "attention_in_every_layer": """
        index l = 1..L, t = 1..T
        input x[t] : n[0]
        input y : n[L]
        param W[l] : n[l], n[l-1]
        a[0,t,i] = x[t,i]
        e[l,t,s] = sum(a[l-1,t,k]*a[l-1,s,k], k) for l = 1..L, t = 1..T, s = 1..T
        a[l,t,i] = relu(sum(W[l,i,k]*sum(softmax(e[l,t,s], s)*a[l-1,s,k], s), k)) for l = 1..L
        cost C = sum((a[L,t,i] - y[i])^2, i, t)/2
    """,
    "arguments_over_both": """
        index l = 1..L, t = 1..T
        input x[l,t] : n[l]
        param w[l,t] : n[l], n[l]
        z[l,t,i] = tanh(sum(w[l,t,i,j]*x[l,t,j], j))
        cost C = sum(z[l,t,i]^2, i, l, t)
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


def test_the_values_of_a_layer_come_with_the_batch_first() -> None:
    model = pipeline.parse(STACKED)
    case = outside.instance(model, 1)
    arguments = outside.arguments(case)
    batch, steps, _ = arguments["x"].shape
    h = pipeline.module_of(adjoint_system(model)).forward(**arguments)["h"]
    widths = [arguments["W"][0].shape[1], *(b.shape[0] for b in arguments["b"])]
    assert [m.shape for m in h] == [(batch, steps + 1, n) for n in widths]
    np.testing.assert_array_equal(h[0][:, 1:], arguments["x"])


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "index l = 1..L, t = 1..T\n"
            "input x[t,l] : n[l]\n"
            "param w[l] : n[l]\n"
            "cost C = sum(w[l,i]*x[t,l,i], i, l, t)\n",
            "put it first: x[l, …]",
        ),
        (
            "index l = 1..L, t = 1..T\n"
            "param w[l,t] : n[l], m[t]\n"
            "cost C = sum(w[l,t,i,j]^2, i, j, l, t)\n",
            "let its sizes depend on one of the indices",
        ),
    ],
)
def test_what_no_list_along_one_index_holds_is_refused(text: str, wanted: str) -> None:
    with pytest.raises(SymbpError) as caught:
        pipeline.module_of(adjoint_system(pipeline.parse(text)))
    assert caught.value.span is not None
    assert wanted in str(caught.value)
