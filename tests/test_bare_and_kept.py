"""What a workspace calls and keeps: bare names, views of steps, arrays; and what loops keep."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

import numpy as np
import pytest

import symbp
from symbp import pipeline
from symbp.derive.engine import adjoint_system
from symbp.emit.numpy import emit_module
from symbp.emit.numpy_bound import FUNCTIONS, bound
from symbp.emit.numpy_steps import with_views
from symbp.verify.report import verify

GATED = """\
index t = 1..T
input x[t] : D
param Wf : H, D
param Uf : H, H
param Wh : H, D
param Uh : H, H
h[0,i] = 0
f[t,i] = sigmoid(sum(Wf[i,d]*x[t,d], d) + sum(Uf[i,j]*h[t-1,j], j))
n[t,i] = tanh(sum(Wh[i,d]*x[t,d], d) + sum(Uh[i,j]*f[t,j]*h[t-1,j], j))
h[t,i] = (1 - f[t,i])*h[t-1,i] + f[t,i]*n[t,i]
cost C = sum(h[t,i]^2, t, i)/2
"""
NORMED = """\
index l = 1..L
input x : D
param W[l] : D, D
param g[l] : D
h[0,i] = x[i]
z[l,i] = sum(W[l,i,j]*h[l-1,j], j)
m[l] = mean(z[l,i], i)
v[l] = mean((z[l,i] - m[l])^2, i)
n[l,i] = (z[l,i] - m[l])/sqrt(v[l] + 0.001)
h[l,i] = tanh(g[l,i]*n[l,i])
cost C = sum(h[L,i]^2, i)
"""


def functions(text: str) -> tuple[str, str]:
    """value_and_grad in its plain form and in the form with a workspace, of a model that verifies."""
    model = pipeline.parse(text)
    system = adjoint_system(model)
    report = verify(model, system, pipeline.module_of(system), precise=False)
    assert report.ok, report
    source = emit_module(system)
    plain = source.split("def value_and_grad(")[1].split("\ndef ")[0]
    return plain, source.split("def _value_and_grad_into(")[1].split("\ndef ")[0]


# ── steps ─────────────────────────────────────────────────────────────────────────────────────────


def test_what_comes_back_through_a_product_is_computed_once_for_both_steps_that_read_it() -> None:
    for body in functions(GATED):
        assert len(re.findall(r"@ Uh\b|\.dot\(Uh,", body)) == 1
        assert "d_n_inner_back" in body


def test_all_that_is_local_to_an_element_belongs_to_its_inner_adjoint() -> None:
    plain, _ = functions(GATED)
    assert "d_f_inner[t] = df*f[t]*(1 - f[t])" in plain
    assert "d_f_inner[t+1] @ Uf" in plain and "product" not in plain


def test_a_numerator_is_recovered_from_the_quotient_that_a_loop_keeps() -> None:
    plain, _ = functions(NORMED)
    assert "z = h[l-1] @ W[l].T" in plain and "z[l]" not in plain and "m[l]" not in plain
    assert "*sqrt_n[l]/D)[:, None]*n[l]" in plain


def test_a_numerator_stays_where_the_array_is_needed_anyway() -> None:
    plain, _ = functions(NORMED.replace("tanh(g[l,i]*n[l,i])", "tanh(g[l,i]*n[l,i]) + sin(z[l,i])"))
    assert "z[l]" in plain and "difference" in plain


def test_steps_are_looked_up_in_lists_of_views() -> None:
    lines = ["for t in range(1, T + 1):", "    h[t] = a", "    add(h[t-1], b[t], h[t])  # h[t]", "c = h[t]"]
    names = iter(("h_at", "spare"))
    found, made = with_views(lines, {"h"}, lambda _: next(names))
    assert found == [lines[0], lines[1], "    add(h_at[t-1], b[t], h_at[t])  # h[t]", lines[3]]
    assert made == {"h": "h_at"}


def test_steps_that_are_numbers_are_not_kept_in_a_list() -> None:
    """[*h] of one axis would hold copies, which the next call does not see."""
    text = "index t = 1..T\nparam a\nconst x[t]\nh[0] = 0\nh[t] = tanh(a*h[t-1] + x[t])\n"
    text += "cost C = sum(h[t]^2, t)\n"
    _, into = functions(text)
    assert "_at" not in into and "for t in range" in into


def test_rows_that_a_loop_reads_one_by_one_are_not_copied_into_an_array() -> None:
    plain, into = functions(GATED)
    assert "f_input = [None, *(x_turned @ Wf.T)]" in plain
    assert "f_input[1:]" not in plain and "f_input[1:]" in into


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (GATED.replace("tanh(sum(Wh", "tanh(sum(f[t,j]^2, j) + sum(Wh"), "the rows alone are no array"),
        ("""
        index t = 1..T
        input c[t] in 0..9
        param u
        param v
        h[0] = 0
        h[t] = tanh(u*h[t-1] + c[t]*2 + v)
        cost C = sum(h[t]^2, t)
        """, "integers stay integers"),
        ("""
        index t = 1..T
        input x[t] : D
        param U : D, D
        param V : D
        h[0,i] = 0
        z[t,i] = sum(U[i,j]*x[t,j], j)
        h[t,i] = tanh(z[t,i] + V[i]*h[t-1,i])
        cost C = sum(h[t,i]^2, t, i) + sum(z[t,i]^2, t, i)
        """, "it is read as a whole as well"),
    ],
)
def test_other_arrays_of_steps_are_right_too(text: str, why: str) -> None:
    functions("\n".join(line.strip() for line in text.strip().splitlines()) + "\n")


# ── one value, one computation ────────────────────────────────────────────────────────────────────


def test_the_scores_of_a_softmax_are_multiplied_once() -> None:
    text = "input x : D\ninput y : K\nparam W : K, D\n"
    text += "p[k] = softmax(sum(W[k,d]*x[d], d), k)\ncost C = sum((p[k] - y[k])^2, k)\n"
    _, into = functions(text)
    assert into.count("W.T") == 1 and "W.dot(x.T" not in into and into.count("exp(") == 1


@pytest.mark.parametrize("column", [True, False])
def test_so_they_are_along_the_other_axis(column: bool) -> None:
    along = "n" if column else "k"
    text = f"const X : N, D\nparam W : K, D\np[n,k] = softmax(sum(W[k,d]*X[n,d], d), {along})\n"
    text += "cost C = sum(p[n,k]^2, n, k)\n"
    _, into = functions(text)
    assert len(re.findall(r"\b[XW](\.T)?\.dot\(|matmul\([XW]", into)) == 1 and into.count("exp(") == 1


def test_the_share_that_gelu_lets_through_is_computed_once() -> None:
    text = "input x : D\nparam W : K, D\nz[k] = sum(W[k,d]*x[d], d)\ncost C = sum(gelu(z[k])^2, k)\n"
    for body in functions(text):
        assert body.count("erf(") == 1 and len(re.findall(r"add\(one, quotient|0\.5\*\(1 \+", body)) == 1


def test_softplus_takes_no_arrays_but_those_of_the_workspace() -> None:
    text = "input x : D\ninput y\nparam w : D\nz = sum(w[d]*x[d], d)\n"
    text += "cost C = y*softplus(-z) + (1 - y)*softplus(z)\n"
    _, into = functions(text)
    assert "softplus(" not in into
    assert into.count("log1p(") == 1  # log(1 + exp(-|z|)) is part of both


def test_an_array_that_a_number_is_made_of_is_taken_by_nothing_else() -> None:
    """The sum stood in a line below one that had overwritten its array."""
    text = "param N : H\nO[j] = sum(N[m]/(1 + N[j]^2), m) + N[j]\ncost C = sum(sin(O[j]), j)\n"
    functions(text)


def test_what_has_few_axes_is_multiplied_first() -> None:
    text = "const X : N, D\nconst a : N\nparam b : N\nparam W : N, D\n"
    text += "cost C = sum(a[n]*W[n,d]^2*b[n]*X[n,d], n, d)/N\n"
    plain, _ = functions(text)
    assert "(2*a*b/N)[:, None]*W*X" in plain


# ── names ─────────────────────────────────────────────────────────────────────────────────────────

HIDDEN = """\
input dot : n
input exp : m
param add : m, n
param square : m
multiply(u) = u^2/(1 + u^2)
z[i] = sum(add[i,j]*dot[j], j) + square[i]
cost C = sum((multiply(z[i]) - exp[i])^2, i)/2 + exp(sum(add[i,j]^2, i, j)/100)
"""


def test_a_name_of_the_model_is_no_function_of_numpy() -> None:
    _, into = functions(HIDDEN)
    assert "np.vdot(" not in into and "np.add(" in into and "np.multiply(" in into and "np.exp(" in into
    assert re.search(r"(?<![\w.])subtract\(", into)


def test_bare_names_are_functions_that_hide_nothing_of_python() -> None:
    import builtins

    assert not FUNCTIONS & set(dir(builtins))
    assert all(callable(getattr(np, name)) for name in FUNCTIONS)


def test_comments_and_other_attributes_keep_theirs() -> None:
    lines = ["np.add(a, b, a)  # np.add(", "np.add.reduce(a, 0, None, b)", "x = np.linalg.norm(np.pi)"]
    found, names = bound(lines, {"linalg"})
    assert found == ["add(a, b, a)  # np.add(", "add.reduce(a, 0, None, b)", "x = np.linalg.norm(np.pi)"]
    assert names == ["add"]


# ── the check bites ───────────────────────────────────────────────────────────────────────────────


def test_a_workspace_that_answers_with_what_it_had_before_does_not_verify() -> None:
    model = pipeline.parse(GATED)
    system = adjoint_system(model)
    module = pipeline.module_of(system)
    honest, first = module._value_and_grad_into, dict[int, Any]()

    def stale(out: Any, *given: Any) -> Any:
        if id(out) not in first:
            first[id(out)] = deepcopy(honest(out, *given))
        return first[id(out)]

    module._value_and_grad_into = stale  # type: ignore[attr-defined]
    report = verify(model, system, module, precise=False)
    wrong = [c.what.removeprefix("module: ") for c in report.rows if not c.ok]
    assert "workspace: cost" in wrong and any("workspace: gradient" in what for what in wrong)


@pytest.mark.parametrize(("scale", "asked"), [("3", True), ("45", False)])
def test_float32_is_asked_for_where_it_holds_the_values(scale: str, asked: bool) -> None:
    text = f"param w : N\nz[i] = exp({scale} + tanh(w[i]))^2\ncost C = log(sum(z[i], i))\n"
    report = symbp.parse(text).verify()
    assert report.ok, report
    assert any(c.precision == "float32" for c in report.rows) == asked
