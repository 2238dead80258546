"""Arrays that filters make lie with what they answer at a place together; the model's order stays outside."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import loops
import numpy as np
import outside
import pytest

from symbp import pipeline
from symbp.derive.engine import adjoint_system
from symbp.verify.report import verify

TEXT = """
input w : T in 0..V-1
input y in 0..K-1
param E : V, D
param f : F, P, D
param b : F
param W : K, F
x[t,d] = E[w[t],d]
z[o,t] = sum(f[o,p,d]*x[t+p,d], p, d) + b[o]
a[o,t] = relu(z[o,t])
m[o] = max(a[o,t], t)
s[k] = sum(W[k,o]*m[o], o)
cost C = logsumexp(s[k], k) - s[y]
"""
TWO_LAYERS = """
input x : T, D
param f : O, D, P
param g : R, O, Q
param W : R, T-P-Q+2
z[o,t] = tanh(sum(f[o,d,p]*x[t+p,d], d, p))
u[r,t] = sum(g[r,o,q]*z[o,t+q], o, q)
v[r,t] = tanh(u[r,t])
cost C = sum(W[r,t]*v[r,t]*u[r,t], r, t)
"""
POINTWISE = """
input x : T, D
param f : O, P, D
param g : R, O
param U : N, R, T-P+1
z[o,t] = sum(f[o,p,d]*x[t+p,d], p, d)
u[r,t] = sum(g[r,o]*tanh(z[o,t]), o)
v[r,t] = tanh(u[r,t])
s[n] = sum(U[n,r,t]*v[r,t], r, t)
cost C = sum(s[n]^2, n)
"""
IMAGES = """
input x : H, W, C
param f : O, P, Q, C
param b : O
z[o,i,j] = sum(f[o,p,q,c]*x[2*i+p,2*j+q,c], p, q, c) + b[o]
a[o,i,j] = tanh(z[o,i,j])
m[o] = mean(a[o,i,j], i, j)
cost C_ = sum(m[o]^3, o)
"""
ONE_FILTER = """
input x : T, D
param f : P, D
z[t] = sum(f[p,d]*x[t+p,d], p, d)
cost C = sum(sin(z[t]), t)
"""
WITHOUT_EXAMPLES = """
param x : T, D
param f : A, B, P, D
z[a,b,t] = sum(f[a,b,p,d]*x[t+p,d], p, d)
cost C = sum(sin(z[a,b,t]*z[a,b,0]), a, b, t)
"""
POOLED = """
input x : T, D
param f : O, P, D
param g : R, O, Q
z[o,t] = sum(f[o,p,d]*x[t+p,d], p, d)
h[o,i] = max(z[o,2*i+e], e=0..1)
u[r,t] = sum(g[r,o,q]*h[o,t+q], o, q)
cost C = sum(tanh(u[r,t]), r, t)
"""
ATTENDED = """
input x : T, D
param f : O, P, D
param g : O, P, D
q[o,t] = sum(f[o,p,d]*x[t+p,d], p, d)
k[o,t] = sum(g[o,p,d]*x[t+p,d], p, d)
e[t,s] = sum(q[o,t]*k[o,s], o)
c[o,t] = sum(softmax(e[t,s], s)*q[o,s], s)
cost C = sum(c[o,t]^2, o, t)
"""
CHANNELS_FIRST = """
input x : C, T
param f : O, C, P
param g : R, O, P
z[o,t] = tanh(sum(f[o,c,p]*x[c,t+p], c, p))
u[r,t] = tanh(sum(g[r,o,p]*z[o,t+p], o, p))
cost J = sum(u[r,t]^2, r, t)
"""
MODELS = {
    "text": TEXT, "two layers": TWO_LAYERS, "pointwise": POINTWISE, "images": IMAGES,
    "one filter": ONE_FILTER,
    "without examples": WITHOUT_EXAMPLES, "pooled": POOLED, "attended": ATTENDED,
    "channels first": CHANNELS_FIRST,
}


def built(text: str) -> tuple[Any, ModuleType]:
    model = pipeline.parse(text)
    return model, pipeline.module_of(adjoint_system(model))


def spelled(text: str, function: str = "value_and_grad") -> str:
    """The code of one function."""
    code = pipeline.module_text(adjoint_system(pipeline.parse(text)))
    return re.search(rf"^def {function}\(.*?(?=^def )", code, re.M | re.S)[0]


def scaled(value: Any, factor: float) -> Any:
    if isinstance(value, list):
        return [scaled(v, factor) for v in value]
    return value if np.asarray(value).dtype.kind == "i" else value * factor


@pytest.mark.parametrize("name", MODELS)
def test_every_opinion_agrees(name: str) -> None:
    model, module = built(MODELS[name])
    system = adjoint_system(model)
    report = verify(model, system, module, precise=False)
    assert report.ok, report
    assert not outside.disagreement(model, module, 1)
    assert not loops.differences(model, module, loops.interpreted(system))


@pytest.mark.parametrize("name", MODELS)
def test_the_workspace_agrees(name: str) -> None:
    workspace_agrees(MODELS[name])


def workspace_agrees(text: str) -> None:
    """Several calls with one workspace give what calls without one give."""
    model, module = built(text)
    workspace = None
    for scale in (1.0, 0.5, -1.3):
        given = outside.arguments(outside.instance(model, 3))
        given = {n: scaled(a, scale) for n, a in given.items()}
        workspace = workspace or module.make_workspace(**given)
        cost, gradients = module.value_and_grad(**given)
        other, found = module.value_and_grad(**given, out=workspace)
        assert other == pytest.approx(cost, rel=1e-12)
        for a, b in zip(map(np.asarray, gradients), map(np.asarray, found), strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-11, atol=1e-13)


def test_forward_has_the_axes_of_the_model() -> None:
    model, module = built(TWO_LAYERS)
    given = outside.arguments(outside.instance(model, 2))
    x, f, g = given["x"], given["f"], given["g"]
    windows = np.lib.stride_tricks.sliding_window_view
    z = np.tanh(np.einsum("btdp,odp->bot", windows(x, f.shape[2], 1), f))
    u = np.einsum("botq,roq->brt", windows(z, g.shape[2], 2), g)
    values = module.forward(**given)
    np.testing.assert_allclose(values["z"], z, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(values["u"], u, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(values["v"], np.tanh(u), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("function", ["value_and_grad", "_value_and_grad_into"])
@pytest.mark.parametrize("text", [TEXT, TWO_LAYERS, IMAGES])
def test_patches_are_the_rows_of_one_matrix(text: str, function: str) -> None:
    code = spelled(text, function)
    assert re.search(r"patches\.reshape\(-1, ", code)
    assert "patches.reshape(batch" not in code
    assert ").sum(axis=0)" not in code  # the gradient of a filter is one product as well


def test_what_is_computed_element_by_element_lies_alike() -> None:
    code = spelled(POINTWISE)
    assert "swapaxes" not in code.partition("    s = ")[0]
    assert "tanh_z @ g.T" in code


def test_images_with_the_channels_first_are_as_they_were() -> None:
    code = spelled(CHANNELS_FIRST)
    assert "patches.reshape(batch, C*P, -1)" in code


def test_a_copy_that_no_turn_changes_is_made_before_the_loop() -> None:
    lines = spelled(CHANNELS_FIRST, "_value_and_grad_into").splitlines()
    copies = [k for k, line in enumerate(lines) if "_copied(product.swapaxes(" in line]
    loops_ = [k for k, line in enumerate(lines) if line.strip().startswith("for p ")]
    assert len(copies) == len(loops_) == 1
    assert copies[0] < loops_[0]


GATED = """
index t = 1..T
input x[t] : D
param A : H, D
param B : H, D
param U : H, H
h[0,i] = 0
f[t,i] = sigmoid(sum(A[i,d]*x[t,d], d) + sum(U[i,j]*h[t-1,j], j))
n[t,i] = tanh(sum(B[i,d]*x[t,d], d))
h[t,i] = (1 - f[t,i])*h[t-1,i] + f[t,i]*n[t,i]
cost C = sum(h[T,i]^2, i)
"""


def test_an_array_is_turned_once() -> None:
    assert spelled(GATED, "_value_and_grad_into").count("x.swapaxes(0, 1)") == 1
    workspace_agrees(GATED)


def test_what_a_loop_changes_is_copied_in_it() -> None:
    """Every step sums a part of an array that it fills, in another order than it lies."""
    text = """
    index t = 1..T
    param x[t] : N, M
    param w : N, M, K
    param V : N, K, M
    h[0,i,m] = w[i,m,0]
    s[t,k] = sum(w[i,m,k]*h[t-1,i,m], i, m)
    h[t,i,m] = x[t,i,m] + tanh(sum(V[i,k,m]*s[t,k], k))
    cost C = sum(h[T,i,m]^2, i, m)
    """
    workspace_agrees(text)


def test_a_copy_that_a_hoisted_value_needs_stands_before_it() -> None:
    """The copy went to the lines right before the loop, behind the value that leaves the loop as well."""
    text = """\
index t = 1..T
param N : D
input I : D, H
param Q[t] : H
O[T+1,j] = N[0]
O[t,j] = minimum(gelu(O[t+1,j]), sum(N[k]*I[k,j], k)) + Q[t,j]
cost C = sum(O[1,i], i)
"""
    report = pipeline.verified(pipeline.parse(text))
    assert report.ok, report
