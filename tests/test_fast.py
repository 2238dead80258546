"""What makes generated code fast, and that it stays right: windows as matrices, layouts in loops."""

from __future__ import annotations

import pytest

from symbp import pipeline
from symbp.derive.engine import adjoint_system
from symbp.emit.numpy import emit_module

CONVOLUTIONS = {
    "two layers, so that the inner one needs a gradient of its own": """
        input x : C, T
        param f : O, C, P
        param g : R, O, Q
        z[o,t] = sum(f[o,c,p]*x[c,t+p], c, p)
        u[r,t] = sum(g[r,o,q]*tanh(z[o,t+q]), o, q)
        cost J = sum(u[r,t]^2, r, t)""",
    "no batch, no channels": """
        const x : T
        param f : P
        z[t] = sum(f[p]*x[t+p], p)
        cost J = sum(tanh(z[t]), t)""",
    "strides, two axes of filters": """
        input x : C, H, W
        param f : A, B, C, P, Q
        z[a,b,i,j] = sum(f[a,b,c,p,q]*x[c,2*i+p,2*j+q], c, p, q)
        cost J = sum(tanh(z[a,b,i,j]), a, b, i, j)""",
    "a filter for each example": """
        input x : C, T
        input f : O, C, P
        param w : O
        z[o,t] = sum(f[o,c,p]*x[c,t+p], c, p)
        cost J = sum(w[o]*tanh(z[o,t]), o, t)""",
    "a window at every step of a sequence": """
        index t = 1..T
        input x[t] : C, N
        param f : O, C, P
        z[t,o,n] = sum(f[o,c,p]*x[t,c,n+p], c, p)
        cost J = sum(tanh(z[t,o,n]), t, o, n)""",
}


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_contracted_windows_are_products_of_matrices(case: str) -> None:
    system = adjoint_system(pipeline.parse("\n".join(map(str.strip, CONVOLUTIONS[case].splitlines()))))
    report = pipeline.verified(system.model)
    assert report.ok, report
    if "example" not in case and "sequence" not in case:
        text = emit_module(system).split("def value(")[0]
        assert "np.ascontiguousarray(" in text
        assert "tensordot" not in text.split("patches.reshape")[0]


def test_a_matrix_that_a_loop_reads_transposed_is_laid_out_once_before_it() -> None:
    text = emit_module(adjoint_system(pipeline.load("rnn")))
    for name in ("W", "U"):
        before, after = text.split(f"{name}_T = np.ascontiguousarray({name}.T)\n")[:2]
        assert before.rstrip().splitlines()[-1].startswith("    ")
        assert "for t in range" in after and f"{name}.T" not in after.split("def value(")[0]
    layers = emit_module(adjoint_system(pipeline.load("mlp")))
    assert "ascontiguousarray" not in layers  # each layer has its own matrix: nothing to lay out once


@pytest.mark.parametrize("model, looped", [
    ("input x : N, D\nparam R : 2*N-1\n"
     "a[n,m] = softmax(sum(x[n,d]*x[m,d], d) + R[n-m+N-1], m)\ncost C = sum(a[n,m]^2, n, m)", ""),
    ("const y : N, M\nparam h : N+M-1\ncost C = sum((tanh(h[n+m]) - y[n,m])^2, n, m)", ""),
    ("const y : T, P\nparam v : T+P-1\nparam f : P\n"
     "cost C = sum((f[p]*tanh(v[t+p]) - y[t,p])^2, t, p)", "for p in range(P):"),
    ("input x : T\nparam w\nh[t] = tanh(w*x[t])\nm[t] = max(h[2*t+r], r=0..2)\n"
     "cost C = sum(m[t]^2, t)", "for r in range(3):"),
])
def test_scatters_loop_over_kernels_alone(model: str, looped: str) -> None:
    text = pipeline.module_text(adjoint_system(pipeline.parse(model)))
    text = text.partition("def value_and_grad(")[2].partition("\ndef ")[0]
    loops = {line.strip() for line in text.splitlines() if line.strip().startswith("for ")}
    assert loops == ({looped} if looped else set())
    assert ("np.add.at(" in text) == (not looped)


def test_the_derivative_of_relu_reads_relu() -> None:
    text = "input x : D\nparam w : N, D\nh[n] = relu(sum(w[n,d]*x[d], d) - 1)\ncost C = sum(h[n]^2, n)\n"
    body = emit_module(adjoint_system(pipeline.parse(text))).split("def value(")[0]
    assert "h > 0" in body and body.count("@ w.T") == 1


def test_an_adjoint_that_is_the_same_along_an_axis_is_not_spread() -> None:
    text = "input x : D\nparam w : N, D\nz[n] = sum(w[n,d]*x[d], d)\na[n] = sin(z[n])\nm = mean(a[n], n)\n"
    body = emit_module(adjoint_system(pipeline.parse(text + "cost C = m^2\n"))).split("def value(")[0]
    assert "np.full" not in body
