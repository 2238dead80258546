"""What makes generated code fast, and that it stays right: windows as matrices, layouts in loops."""

from __future__ import annotations

import functools
import math
import re
from typing import Any

import numpy as np
import pytest

import symbp
from symbp import pipeline
from symbp.derive.engine import adjoint_system
from symbp.emit.numpy import emit_module
from symbp.emit.numpy_helpers import HELPERS
from symbp.verify.report import verify

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
    before, after = text.split("W_T = np.ascontiguousarray(W.T)\n")[:2]
    assert before.rstrip().splitlines()[-1].startswith("    ")
    assert "for t in range" in after and "W.T" not in after.split("def value(")[0]
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
    assert ("np.add.at(" in text or "_added(" in text) == (not looped)


def test_the_derivative_of_relu_reads_relu() -> None:
    text = "input x : D\nparam w : N, D\nh[n] = relu(sum(w[n,d]*x[d], d) - 1)\ncost C = sum(h[n]^2, n)\n"
    body = emit_module(adjoint_system(pipeline.parse(text))).split("def value(")[0]
    assert "h > 0" in body and body.count("@ w.T") == 1


def test_an_adjoint_that_is_the_same_along_an_axis_is_not_spread() -> None:
    text = "input x : D\nparam w : N, D\nz[n] = sum(w[n,d]*x[d], d)\na[n] = sin(z[n])\nm = mean(a[n], n)\n"
    body = emit_module(adjoint_system(pipeline.parse(text + "cost C = m^2\n"))).split("def value(")[0]
    assert "np.full" not in body


RECURRENT = """\
index t = 1..T
input x[t] : D
input y[t] : H
param U : H, D
param W : H, H
param b : H
h[0,i] = 0
h[t,i] = tanh(sum(W[i,j]*h[t-1,j], j) + sum(U[i,k]*x[t,k], k) + b[i])
cost C = sum((h[t,i] - y[t,i])^2, t, i)
"""


def loops_of(body: str) -> str:
    """The lines inside of loops."""
    return "\n".join(line for line in body.splitlines() if line.startswith("        "))


def agrees(text: str) -> str:
    """The module's value_and_grad, once it has been checked."""
    model = pipeline.parse(text)
    system = adjoint_system(model)
    report = verify(model, system, pipeline.module_of(system), precise=False)
    assert report.ok, report
    return emit_module(system).split("def value_and_grad(")[1].split("\ndef ")[0]


def test_a_step_computes_only_what_it_has_to_wait_for() -> None:
    """The products with the inputs are one before the loop; the adjoint inside of tanh is made once."""
    body = agrees(RECURRENT)
    copied = "x_turned = np.ascontiguousarray(x.swapaxes(0, 1))"
    for line in (copied, "h_input = x_turned @ U.T", "h_input += b"):
        assert f"    {line}\n" in re.sub(" *#.*", "", body)
    assert "x[" not in loops_of(body) and "x_turned[" not in loops_of(body)
    assert "grad_U = d_h_inner[1:].reshape(-1, H).T @ x_turned.reshape(-1, D)" in body
    assert body.count("1 - h[") == 1 and "grad_W = d_h_inner[1:].reshape(-1, " in body


def test_an_input_that_one_product_reads_is_not_copied() -> None:
    text = """
        index t = 1..T
        input x[t] : D
        const U : H, D
        param w : H
        h[0,j] = 0
        h[t,j] = tanh(w[j]*h[t-1,j] + sum(U[j,k]*x[t,k], k))
        cost C = sum(h[T,j]^2, j)/2
    """
    assert "(x.swapaxes(0, 1) @ U.T)" in agrees(text)


def test_the_adjoint_inside_of_a_layer_is_computed_once() -> None:
    """Where the weighted input has no name two turns need it: that of the gradients, and the layer before."""
    text = """
        index l = 1..L
        input x : n[0]
        input y : n[L]
        param w[l] : n[l], n[l-1]
        param b[l] : n[l]
        a[0,k] = x[k]
        a[l,j] = tanh(sum(w[l,j,k]*a[l-1,k], k) + b[l,j])
        cost C = sum((a[L,j] - y[j])^2, j)/2
    """
    body = agrees(text)
    assert body.count("1 - a[") == 1 and "da = d_a_inner @ w[l+1]" in body
    skips = text.replace("a[l,j] = ", "a[l,j] = a[l-1,j] + ").replace("n[l-1]", "n").replace("n[l]", "n")
    body = agrees(skips.replace("n[0]", "n").replace("n[L]", "n"))
    assert body.count("**2") == 1 and "da = da + d_a_inner @ w[l+1]" in body


def test_embedded_tokens_leave_the_loop_too() -> None:
    """Which row a label chooses differs from step to step, the matrix that multiplies it does not."""
    inputs = "input x[t] in 0..M-1\nparam E : M, D\n"
    text = RECURRENT.replace("input x[t] : D\n", inputs).replace("x[t,k]", "E[x[t],k]")
    body = agrees(text)
    assert "rows = E[x.T]\n" in body and "h_input = rows @ U.T " in body and "h_input += b\n" in body
    assert "E[" not in loops_of(body)


def test_a_factor_that_no_step_waits_for_leaves_the_loop_and_is_read_by_its_adjoints() -> None:
    text = """
        index t = 1..T
        input x[t] : D
        param W : H, D
        param U : H, D
        c[0,k] = 0
        f[t,k] = sigmoid(sum(U[k,d]*x[t,d], d) + c[t-1,k])
        c[t,k] = f[t,k]*c[t-1,k] + (1 - f[t,k])*sum(W[k,d]*x[t,d], d)
        cost C = sum(c[t,k]^2, t, k)
    """
    body = agrees(text)
    assert "c_input = [None, *(x_turned @ W.T)]" in body
    assert "@" not in loops_of(body)
    assert "c[t] = f[t]*c[t-1] + (1 - f[t])*c_input[t]" in body
    assert "(c[t-1] - c_input[t])" in body


def test_layers_with_matrices_of_their_own_stay_in_their_loop() -> None:
    text = """\
index l = 1..L
const x[l] : D
param w[l] : D, D
param u[l] : D, D
a[0,i] = 1
a[l,i] = tanh(sum(w[l,i,j]*a[l-1,j], j) + sum(u[l,i,j]*x[l,j], j))
cost C = sum(a[L,i]^2, i)
"""
    assert "a_input" not in agrees(text)


def test_what_several_lines_multiply_is_multiplied_once() -> None:
    text = """\
input x : D
param w : N, D
param g : N
param b : N
z[n] = sum(w[n,d]*x[d], d)
h[n] = relu(g[n]*z[n] + b[n])
cost C = sum(h[n]^3, n)
"""
    assert agrees(text).count("h > 0") == 1


def test_a_maximum_over_a_window_folds_slices() -> None:
    text = """\
input x : H, W
param f : P, P
z[i,j] = sum(f[p,q]*x[i+p,j+q], p, q)
m[i,j] = max(tanh(z[2*i+p,2*j+q]), p=0..1, q=0..1)
cost C = sum(m[i,j]^2, i, j)
"""
    body = agrees(text)
    assert "folded(np.maximum" in "".join(body.split()) and "np.max(" not in body


def test_silu_shares_its_sigmoid_with_its_derivative() -> None:
    text = "input x : D\nparam w : N, D\nz[n] = sum(w[n,d]*x[d], d)\ncost C = sum(silu(z[n])^2, n)\n"
    body = agrees(text)
    assert body.count("sigmoid(z)") == 1 and "silu(" not in body


def test_terms_that_go_to_the_same_rows_are_added_before() -> None:
    text = """\
input w in 0..V-1
input r : K in 0..V-1
param v : V, D
param u : V, D
s[k] = sum(u[r[k],d]*v[w,d], d)
cost C = sum(softplus(s[k]), k) + sum(v[w,d]^2, d)
"""
    body = agrees(text)
    assert body.count("_added(grad_v") == 1 and body.count("_added(grad_u") == 1


def test_a_label_of_two_positions_is_scattered_at_both() -> None:
    text = "index t = 1..T\ninput y[t] in 0..K-1\nparam A : K, K\ncost C = sum(sin(A[y[t-1],y[t]]), t=2..T)\n"
    assert "(y[:, :-1], y[:, 1:])" in agrees(text).split("_added(")[1]


def test_a_label_is_subtracted_where_it_stands() -> None:
    text = """\
input x : D
input c in 0..K-1
param W : K, D
z[k] = sum(W[k,d]*x[d], d)
cost C = logsumexp(z[k], k) - z[c]
"""
    body = agrees(text)
    assert "[np.arange(batch), c] -= 1/batch" in body and "==" not in body


def test_a_function_under_a_sum_whose_end_moves_stays_there() -> None:
    text = """\
index t = 0..T
input x[t] : D
param A : D, D
param w : D
h[0,i] = x[0,i]
h[t,i] = x[t,i] + sum(w[i]*tanh(sum(A[i,j]*h[s,j], j))*x[t,i], s=0..t-1) for t = 1..T
cost C = sum(h[T,i]^2, i)
"""
    assert "tanh_h" not in agrees(text)


def test_labels_of_a_sequence_are_subtracted_where_they_stand() -> None:
    text = """\
index t = 1..T
input x[t] : D
input y[t] in 0..K-1
param W : K, D
s[t,k] = sum(W[k,d]*x[t,d], d)
cost C = mean(logsumexp(s[t,k], k) - s[t,y[t]], t)
"""
    body = agrees(text)
    assert ", y] -= 1/(T*batch)" in body and "==" not in body


def test_whole_powers_are_products() -> None:
    text = "input x : D\nparam w : N, D\nu[n] = sum(w[n,d]*x[d], d)\ncost C = sum(u[n]^3 + u[n]^4, n)\n"
    body = agrees(text)
    assert "u*u*u" in body and "(u**2)**2" in body and "**3" not in body


def test_gelu_shares_its_error_function_with_its_derivative() -> None:
    text = "input x : D\nparam w : N, D\nz[n] = sum(w[n,d]*x[d], d)\ncost C = sum(gelu(z[n])^2, n)\n"
    body = agrees(text)
    assert body.count("erf(") == 1 and "gelu(" not in body


CELL = """\
index t = 1..T
input x[t] : D
input y : H
param Wz : H, D
param W : H, D
param U : H, H
h[0,i] = 0
z[t,i] = sigmoid(sum(Wz[i,d]*x[t,d], d))
h[t,i] = (1 - z[t,i])*h[t-1,i] + z[t,i]*tanh(sum(W[i,d]*x[t,d], d) + sum(U[i,j]*h[t-1,j], j))
cost C = sum((h[T,i] - y[i])^2, i)/2
"""


def test_a_function_inside_of_a_step_is_computed_once() -> None:
    body = agrees(CELL)
    assert body.count("np.tanh(") == 1 and "1 - tanh_h[t]**2" in body


def test_a_step_that_reads_the_row_of_a_label_is_found_again() -> None:
    text = """\
index t = 1..T
input x[t] in 0..V-1
param E : V, D
param W : H, D
param U : H, H
h[0,i] = 0
h[t,i] = tanh(sum(W[i,d]*E[x[t],d], d) + sum(U[i,j]*h[t-1,j], j))
cost C = sum(h[T,i]^2, i)
"""
    body = agrees(text)
    assert body.count("np.tanh(") == 1 and "1 - h[t]**2" in body


def test_pairs_of_points_with_a_condition_make_no_array_of_four_axes() -> None:
    text = """\
param y : N, D
w[i,j] = where(i == j, 0, 1/(1 + sum((y[i,d] - y[j,d])^2, d)))
cost C = sum(w[i,j], i, j)^2
"""
    body = agrees(text)
    assert "None, :, None" not in body and "tensordot" not in body


def test_differences_of_neighbours_are_added_to_slices() -> None:
    text = """\
const c
param x : H
cost C = c*(sum(tanh(x[i+1] - x[i]), i=0..H-2) + sum(x[i+2]*x[i], i=0..H-3))
"""
    body = agrees(text)
    assert "grad_x[1:] += " in body and "grad_x[:-1] += -" in body and "==" not in body


def test_both_branches_of_a_choice_are_differentiated_at_once() -> None:
    text = """\
input x : D
param w : N, D
z[n] = sum(w[n,d]*x[d], d)
cost C = sum(where(z[n] > 0, z[n], z[n]/5)^2, n)
"""
    system = adjoint_system(pipeline.parse(text))
    document = pipeline.written(system, ("z",), "text")
    assert "{1 if " in document and "{0 if " not in document
    assert "np.where(z > 0, 1, 0.2)" in agrees(text).replace("mask", "z > 0")


def test_a_cell_in_two_lines_has_four_products_a_step() -> None:
    """Each gate is stored once, and no product of a gate and a matrix is an array of three axes."""
    gate = "sum(W{0}[i,d]*x[t,d], d) + sum(U{0}[i,j]*h[t-1,j], j)"
    f, i, o, g = map(gate.format, "fiog")
    params = "".join(f"param W{k} : H, D\nparam U{k} : H, H\n" for k in "fiog")
    text = f"""\
index t = 1..T
input x[t] : D
{params}h[0,i] = 0
c[0,i] = 0
c[t,i] = sigmoid({f})*c[t-1,i] + sigmoid({i})*tanh({g})
h[t,i] = sigmoid({o})*tanh(c[t,i])
cost C = sum(h[t,i]^2, t, i)
"""
    body = agrees(text)
    steps = loops_of(body)
    assert "[:, :, None]" not in body and "x[" not in steps
    assert steps.count(" @ ") == 8 and body.count("tanh(") == 2


def test_the_argument_of_a_cheap_function_inside_of_a_layer_is_computed_once() -> None:
    gate = "sigmoid(sum(T[l,i,j]*h[l-1,j], j))"
    text = f"""\
index l = 1..L
input x : D
param W[l] : D, D
param T[l] : D, D
h[0,i] = x[i]
h[l,i] = {gate}*relu(sum(W[l,i,j]*h[l-1,j], j)) + (1 - {gate})*h[l-1,i]
cost C = sum(h[L,i]^2, i)
"""
    body = agrees(text)
    assert body.count("sigmoid(") == 1 and body.count("@ W[l].T") == 1 and body.count("@ T[l].T") == 1


@pytest.mark.parametrize("function", ["tanh", "relu", "abs", "silu", "gelu", "softplus"])
def test_every_activation_of_a_step_reads_what_is_stored(function: str) -> None:
    text = f"""\
index t = 1..T
input x[t] : D
param W : H, D
param U : H, H
h[0,i] = 0.3
h[t,i] = {function}(sum(W[i,d]*x[t,d], d) + sum(U[i,j]*h[t-1,j], j))
cost C = sum(h[T,i]^2, i)
"""
    body = agrees(text)
    step, back = loops_of(body).split("@ U_T", 1)
    inner = {"silu": "sigmoid", "gelu": "erf", "relu": "np.maximum", "softplus": "softplus"}
    assert body.count(f"{inner.get(function, f'np.{function}')}(") == 1
    assert "x[" not in step + back and back.count("@") == 1


CHOSEN = """\
const X : V, U
param W : V, D
param Z : U, D
param a : V
cost C = sum(where(X[i,j] > 0, X[i,j]^0.75*(sum(W[i,d]*Z[j,d], d) + a[i] - log(X[i,j]))^2, 0), i, j)
"""


def test_a_condition_in_a_sum_masks_a_matrix_and_leaves_the_product() -> None:
    """GloVe: an array over both words and all dimensions was made of three that are matrices."""
    body = agrees(CHOSEN)
    assert "grad_W = 2*(chosen @ Z)" in body and "grad_Z = 2*(chosen.T @ W)" in body


def test_what_a_condition_leaves_out_may_be_missing() -> None:
    """Entries that are NaN where the condition fails do not get into the sums, whatever they multiply."""
    text = "const m : N, K\nconst x : N, K\nconst y : K\nparam w : N\n"
    text += "cost C = sum(w[i]^2*sum(where(m[i,k] > 0, x[i,k]*y[k], 0), k), i)\n"
    module = symbp.parse(text).compile()
    x, m = np.array([[1.0, np.nan], [2.0, np.nan]]), np.array([[1.0, 0.0], [1.0, 0.0]])
    value, (grad_w,) = module.value_and_grad(m=m, x=x, y=np.array([3.0, np.nan]), w=np.array([1.0, 2.0]))
    assert value == 27.0 and (grad_w == [6.0, 24.0]).all()


def test_a_sum_over_what_came_before_is_a_masked_product() -> None:
    text = """\
param W : D, H
param x : D
param v : H
h[i,k] = tanh(sum(where(j < i, W[j,k]*x[j], 0), j)) for i = 0..D-1
cost C = sum(h[i,k]*v[k], i, k)
"""
    body = agrees(text)
    assert "common.T @ (W*x[:, None])" in body


TRANSLATED = """\
input h in 0..N-1
input r in 0..R-1
input t in 0..N-1
param E : N, D
param W : R, D
cost C = tanh(sum((E[h,d] + W[r,d] - E[t,d])^2, d))
"""


def test_labels_of_several_kinds_are_scattered_one_after_the_other() -> None:
    """A matrix of zeros and ones over all entities took a hundred times as long."""
    body = agrees(TRANSLATED)
    assert "np.arange(N)" not in body and body.count("_added(grad_E, ") == 2


def test_scatters_of_many_numbers_are_those_of_numpy() -> None:
    added: dict[str, Any] = {"np": np, "math": math, "functools": functools}
    exec(HELPERS["_added"], added)
    r = np.random.default_rng(5)
    ids = [r.integers(0, n, (7, 8)) for n in (6, 5, 4)]
    for order in ((0, 1, 2), (1, 0, 2), (2, 0, 1), (2, 1, 0)):
        for count in (1, 2, 3):
            block = r.normal(size=[(6, 5, 40)[k] for k in order])
            whole = np.zeros((*block.shape, 2))[..., 0]  # no block of memory
            for store in (block, whole):
                store[...] = block
                out = store.transpose(np.argsort(order))
                for shape in ((7, 8, *out.shape[count:]), (1, 8, *(1 for _ in out.shape[count:])), ()):
                    places = None
                    for kind in (np.int64, np.uint64):
                        values, wanted = r.normal(size=shape), out.copy()
                        at = tuple(i.astype(kind) for i in ids[:count])
                        np.add.at(wanted, at, np.broadcast_to(values, (7, 8, *out.shape[count:])))
                        places = added["_added"](out, at, values, places)
                        np.testing.assert_allclose(out, wanted, rtol=1e-12)


def test_a_scatter_along_an_inner_axis_has_that_axis_first() -> None:
    text = """
        index t = 1..T
        input y[t] in 0..V-1
        input u[t] : K
        param B : K, V
        b[k,v] = tanh(B[k,v])
        h[0,k] = 0
        h[t,k] = tanh(h[t-1,k] + b[k,y[t]]) for t = 1..T
        cost C = sum(u[t,k]*h[t,k], t, k)"""
    body = agrees(text)
    assert "_added(db.T, (y.T,), " in body and "slice(None)" not in body


def test_a_scatter_along_a_middle_axis_has_that_axis_first() -> None:
    text = """
        input y in 0..V-1
        input u : K, M
        param B : K, V, M
        cost C = sum(u[k,m]*tanh(B[k,y,m]), k, m)"""
    assert ".swapaxes(0, 1), (y,), " in agrees(text)


def test_the_largest_of_the_largest_entries_are_found_once() -> None:
    text = """
        input x : C, H, W
        param w : C
        a[c,i,j] = tanh(w[c]*x[c,i,j])
        m[c,i,j] = max(a[c,2*i+p,2*j+q], p=0..1, q=0..1)
        cost J = sum(m[c,i,j]^2, c, i, j)"""
    body = agrees(text)
    assert "winners(slices,m,(2,2))" in "".join(body.split())


@pytest.mark.parametrize("op", ("maximum", "minimum"))
@pytest.mark.parametrize("size", (2, 3, 9))
def test_where_the_extremes_are_in_few_slices_and_in_many(op: str, size: int) -> None:
    made: dict[str, Any] = {"np": np, "functools": functools}
    exec("\n".join(HELPERS[n] for n in ("_extreme", "_shares", "folded", "sliced")), made)
    u = np.random.default_rng(2).integers(0, 4, (4, size, 5, 3)).astype(float)
    function = getattr(np, op)
    top = function.reduce(u, 1, keepdims=True)
    wanted = (u == top)/(u == top).sum(1, keepdims=True)
    for out in (None, np.full(u.shape, 7.0), np.full((5, 4, 3, size), 7.0).transpose(1, 3, 0, 2)):
        for axis, best in ((1, None), (-3, top[:, 0])):
            found = made["_extreme"](function, u, axis, best, out)
            np.testing.assert_array_equal(found, wanted)
            assert out is None or found is out
    parts = made["sliced"](u, (1, 3))
    np.testing.assert_array_equal(made["folded"](function, parts), function.reduce(u, (1, 3)))


def test_a_sum_over_an_outer_product_makes_no_matrix_of_it() -> None:
    """Σ_f (S_ef − z_e o_f) ∂o_f is S ∂o − (oᵀ ∂o) z: the Jacobian of linear attention is not formed."""
    text = """
        index n = 1..N
        input x[n] : D
        input y[n] : F
        param Wq : E, D
        param Wv : F, D
        q[n,e] = exp(sum(Wq[e,d]*x[n,d], d))
        v[n,f] = sum(Wv[f,d]*x[n,d], d)
        S[0,e,f] = 1
        S[n,e,f] = S[n-1,e,f] + q[n,e]*v[n,f]
        z[0,e] = 1
        z[n,e] = z[n-1,e] + q[n,e]
        o[n,f] = sum(q[n,e]*S[n,e,f], e)/sum(q[n,e]*z[n,e], e)
        cost C = sum((o[n,f] - y[n,f])^2, n, f)/2
    """
    model = symbp.parse(text)
    gradient = model.to_numpy().split("def value(")[0].partition("dq =")[2]
    assert "z[1:][:, :, :, None]" not in gradient and "o[:, :, None]" not in gradient
    assert model.verify().ok


def test_what_a_label_chooses_from_an_adjoint_is_gathered() -> None:
    """Sums over segments: each row reads the adjoint of its segment, and no matrix says which that is."""
    text = """
        const seg : N in 0..K-1
        const x : N, D
        param V : K
        param w : D
        s[k] = sum(where(seg[i] == k, sum(x[i,d]*w[d], d), 0), i) for k = 0..K-1
        cost C = sum(s[k]^2*V[k], k)
    """
    model = symbp.parse(text)
    assert "grad_w = x.T @ ds[seg]" in model.to_numpy()
    assert model.verify().ok


CONTRACTED = {
    "matrices by reshaping": ("A, B, C", "A, B, D", "sum(x[a,b,c]*w[a,b,d], a, b)", "c, d", 0),
    "a vector": ("A, B", "A, B, D", "sum(x[a,b]*w[a,b,d], a, b)", "d", 0),
    "the summed axes in front and behind": ("B, C, A", "D, B, C", "sum(x[b,c,a]*w[d,b,c], b, c)", "a, d", 1),
    "several axes stay": ("A, B, C", "D, C", "sum(x[a,b,c]*w[d,c], c)", "a, b, d", 0),
    "more stay on both sides": ("A, B, C", "C, D, E", "sum(x[a,b,c]*w[c,d,e], c)", "a, b, d, e", 2),
    "axes between": ("A, B, C", "D, B, E", "sum(x[a,b,c]*w[d,b,e], b)", "a, c, d, e", 2),
    "axes in another order": ("A, B, C", "B, A, D", "sum(x[a,b,c]*w[b,a,d], a, b)", "c, d", 1),
    "a triangle": ("A, B, C", "A, B, D", "sum(x[a,b,c]*w[a,b,d]*where(a < b, 1, 0), a, b)", "c, d", 0),
}


@pytest.mark.parametrize("case", CONTRACTED)
def test_sums_over_several_axes_are_products_of_matrices(case: str) -> None:
    first, second, body, free, count = CONTRACTED[case]
    at = free.replace(" ", "")
    text = f"""\
const x : {first}
param w : {second}
z[{at}] = {body}
cost J = sum(tanh(z[{at}]), {free})
"""
    code = agrees(text)
    assert "np.tensordot(" not in code and code.count("tensordot(") == count
