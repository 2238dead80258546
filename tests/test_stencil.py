"""Windows that no product of matrices sums: loops over the kernel, and over nothing else."""

from __future__ import annotations

import re

import numpy as np
import pytest
from outside import disagreement

from symbp import pipeline
from symbp.derive.engine import adjoint_system

DEPTHWISE = """\
input x : C, H, W
param f : C, P, Q
z[c,i,j] = sum(f[c,p,q]*x[c,i+p,j+q], p, q)
cost J = sum(tanh(z[c,i,j]), c, i, j)
"""
BIAS = DEPTHWISE.replace("param f", "param b : C\nparam f").replace("p, q)\n", "p, q) + b[c]\n")
ONE_FILTER = """\
input x : N
param f : P
z[i] = sum(f[p]*x[i+p], p)
cost J = sum(z[i]^3, i)
"""
GROUPED = """\
input x : G, C, N
param f : G, O, C, P
z[g,o,i] = sum(f[g,o,c,p]*x[g,c,i+p], c, p)
cost J = sum(z[g,o,i]^3, g, o, i)
"""
TWICE = """\
input x : C, N
param f : C, P
param g : C, Q
y[c,i] = sum(f[c,p]*x[c,i+p], p)
z[c,i] = sum(g[c,q]*sin(y[c,i+q]), q)
v[c,i] = sum(g[c,q]*y[c,i+q], q) - z[c,i]
cost J = sum(v[c,i]^2, c, i)
"""
STENCILS = {
    "depthwise": DEPTHWISE,
    "with a bias": BIAS,
    "strided": DEPTHWISE.replace("i+p", "2*i+p"),
    "grouped": GROUPED,
    "of a stencil": TWICE,
}
PRODUCTS = {
    "one filter": ONE_FILTER,
    "many filters": GROUPED.replace("g,", "").replace("G, ", ""),
    "channels mixed": "input x : C, H, W\nparam g : O, C\nz[o,i,j] = sum(g[o,c]*x[c,i,j], c)\n"
    "cost J = sum(z[o,i,j]^3, o, i, j)\n",
}


LAYERS = {
    "residual": "h[l,t] = h[l-1,t] + sum(where(t >= p, h[l-1,t-p], 0)*w[l,p], p)",
    "gated": "h[l,t] = h[l-1,t] + tanh(sum(where(0 > t - p, 0, h[l-1,t-p]*w[l,p]), p))",
    "of the input": "h[l,t] = x[t] + sum(where(t >= p, h[l-1,t-p], 0)*w[l,p], p)",
}
"""Layers of causal windows: what begins as another array is added to."""


@pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS)
@pytest.mark.parametrize("stacked", [True, False])
def test_what_is_added_to_is_no_other_name_of_an_array(layer: str, stacked: bool) -> None:
    text = f"index l = 1..L\ninput x : T\nparam w[l] : P\nh[0,t] = x[t]\n{layer}\ncost C = sum(h[L,t]^2, t)\n"
    model = pipeline.parse(text)
    module = pipeline.module_of(adjoint_system(model))
    assert disagreement(model, module) == ""
    x, w = np.linspace(-1, 1, 10).reshape(2, 5), [np.array([0.5, -0.2, 0.1]), np.array([0.3, 0.2, -0.4])]
    given = {"x": x.copy(), "w": np.stack(w) if stacked else w}
    room = module.make_workspace(**given)
    costs = [module.value(**given), module.value_and_grad(**given)[0], module.forward(**given)["C"]]
    costs += [module.value_and_grad(**given, out=room)[0] for _ in range(3)]
    assert costs == pytest.approx([costs[0]] * 6, rel=1e-12)
    assert np.array_equal(given["x"], x)


def module_text(text: str) -> str:
    return pipeline.module_text(adjoint_system(pipeline.parse(text)))


def loops(text: str) -> set[str]:
    """What the loops of value_and_grad run over."""
    body = module_text(text).split("\ndef value(", 1)[0]
    return set(re.findall(r"for \w+ in range\(([^)]*)\)", body))


@pytest.mark.parametrize("text", [*STENCILS.values(), *PRODUCTS.values()], ids=[*STENCILS, *PRODUCTS])
def test_gradients_agree_with_autograd(text: str) -> None:
    model = pipeline.parse(text)
    module = pipeline.module_of(adjoint_system(model))
    for seed in range(3):
        assert not disagreement(model, module, seed)


@pytest.mark.parametrize("text", STENCILS.values(), ids=STENCILS)
def test_stencils_loop_over_the_kernel_alone(text: str) -> None:
    assert loops(text) and loops(text) <= {"P", "Q"}
    assert "windows(" not in module_text(text)


@pytest.mark.parametrize("text", PRODUCTS.values(), ids=PRODUCTS)
def test_what_a_product_of_matrices_sums_has_no_loop(text: str) -> None:
    assert not loops(text)
    assert " @ " in module_text(text) and "tensordot" not in module_text(text)


def test_a_kernel_of_which_nothing_says_that_it_is_small_is_no_loop() -> None:
    assert not loops("const y : N, M\nparam h : N+M-1\ncost C = sum((tanh(h[n+m]) - y[n,m])^2, n, m)\n")


def test_softmax_and_logsumexp_of_one_array_are_one_exponential() -> None:
    text = "input x : D\ninput c in 0..K-1\nparam W : K, D\ns[k] = sum(W[k,d]*x[d], d)\n"
    module = module_text(text + "cost C = logsumexp(s[k], k) - s[c]\n")
    body = module.split("\ndef value(", 1)[0]
    assert body.count("normalised(s, axis=1)") == 1
    assert "softmax(" not in body and "logsumexp(" not in body
    made = pipeline.module_of(adjoint_system(pipeline.parse(text + "cost C = logsumexp(s[k], k) - s[c]\n")))
    weights = np.array([[1.0, 2.0], [3.0, 1.0], [0.5, -1.0]])
    given = {"x": np.array([[1e4, -1e4]]), "c": np.array([1]), "W": weights}
    value, gradients = made.value_and_grad(**given)
    assert value == made.value(**given) == 0.0
    assert np.isfinite(gradients.W).all()
