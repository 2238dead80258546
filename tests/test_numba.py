"""Loops for Numba: the same numbers as the NumPy module, with the compiler and without it."""

from __future__ import annotations

import inspect
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import loops
import numpy as np
import outside
import pytest

import symbp
from symbp import models, pipeline
from symbp.derive.engine import adjoint_system
from symbp.emit.loops import LoopBody
from symbp.emit.loops_scalar import Scalars
from symbp.emit.numba import emit_numba
from symbp.errors import RequestProblem

GOLDEN = Path(__file__).parent / "golden" / "mlp_loops.txt"
CONCRETE = [
    n for n in models.names() if all(f.body is not None for f in pipeline.load(n).functions.values())
]

FAMILIES = """\
index l = 1..L
input x : D
param w[l] : D
param u[l] : D
param b[l]
z[0,i] = x[i]
s[l] = tanh(sum(w[l,j]*z[l-1,j], j) + b[l])
z[l,i] = z[l-1,i] + u[l,i]*s[l]
q[l] = log(abs(1 + (1 - s[l]^2)*sum(u[l,j]*w[l,j], j)))
cost C = sum(z[L,i]^2, i)/2 - sum(q[l], l)
"""
"""Numbers in a family stand in one array, and count from 0 there."""

SHORT = """\
index t = 0..T-1
input x[t] : C
input y : C
param f : C, P
z[t,c] = sum(f[c,p]*x[t-p,c], p) for t = P-1..T-1
cost J = sum((z[t,c] - y[c])^2, t=P-1..T-1, c)
"""
"""With T < P there is no z at all."""

RAGGED = """\
index l = 1..L
input x : n[0]
param w[l] : n[l], n[l-1]
param g
h[0,k] = x[k]
h[l,j] = sin(sum(w[l,j,k]*h[l-1,k], k))*exp(-g*sum(w[l,j,k]^2, k))
cost C = mean(h[L,j], j) + g*sum(sum(w[l,j,k]^2, j, k), l)
"""
"""A sum over members of a list, and values that depend on fewer indices than the loops around them."""


def both(text: str) -> list[str]:
    model = pipeline.parse(text)
    system = adjoint_system(model)
    return loops.differences(model, pipeline.module_of(system), loops.interpreted(system))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", CONCRETE)
def test_loops_say_what_numpy_says(name: str, dtype: str) -> None:
    model = pipeline.load(name)
    system = adjoint_system(model)
    plain, made = pipeline.module_of(system), loops.interpreted(system)
    assert loops.differences(model, plain, made, dtype) == []


@pytest.mark.parametrize("text", [FAMILIES, SHORT, RAGGED], ids=["families", "short", "ragged"])
def test_loops_of_models_that_are_hard(text: str) -> None:
    assert both(text) == []


@pytest.mark.parametrize("name", ["mlp", "rnn", "lstm", "conv2d", "transformer_block"])
def test_gradients_of_inputs(name: str) -> None:
    model = pipeline.load(name)
    every = [a.name for kind in ("param", "input", "const") for a in model.of_kind(kind) if a.integer is None]
    system = adjoint_system(model, every)
    assert loops.differences(model, pipeline.module_of(system), loops.interpreted(system)) == []


def test_a_sum_that_does_not_begin_at_zero_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = LoopBody.added_up
    monkeypatch.setattr(LoopBody, "added_up", lambda *a: kept(*a[:4], True, a[5]))
    assert both(SHORT) != []


def test_a_family_counted_wrongly_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Scalars.in_list
    monkeypatch.setattr(Scalars, "in_list", lambda s, node: write(replace(s, unpadded=frozenset()), node))
    with pytest.raises(IndexError):
        both(FAMILIES)


def test_the_loops_of_the_mlp_were_read() -> None:
    text = emit_numba(adjoint_system(pipeline.load("mlp")))
    start = text.index("@_compiled\ndef _value_and_grad(")
    assert text[start : text.index("@_compiled\ndef _value(")].rstrip() + "\n" == GOLDEN.read_text("utf-8")


def test_a_target_that_is_not_there() -> None:
    with pytest.raises(RequestProblem, match="no target 'fortran'"):
        symbp.load("mlp").compile(target="fortran")  # type: ignore[arg-type]


# ── compiled ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["mlp", "matrix_factorisation", "soft_dtw", "lenet"])
def test_compiled_loops_say_what_numpy_says(name: str) -> None:
    pytest.importorskip("numba")
    model = pipeline.load(name)
    system = adjoint_system(model)
    plain, made = pipeline.module_of(system), pipeline.module_of(system, "numba")
    assert loops.differences(model, plain, made) == []
    assert loops.differences(model, plain, made, "float32") == []


def test_arguments_may_lie_in_memory_as_they_like() -> None:
    """Compiled code has one form for each layout; no argument makes it compile again or is changed."""
    pytest.importorskip("numba")
    model = symbp.load("mlp")
    module, case = model.compile(target="numba"), outside.instance(pipeline.load("mlp"), 2)
    given: dict[str, Any] = outside.arguments(case)
    cost, grads = module.value_and_grad(**given)
    forms = len(module._value_and_grad.signatures)
    turned = {
        **given,
        "x": given["x"].tolist(),
        "y": np.repeat(given["y"], 2, axis=1)[:, ::2],
        "w": [np.asfortranarray(w) for w in given["w"]],
    }
    turned["w"][0].flags.writeable = False
    before = [w.copy() for w in turned["w"]]
    again, other = module.value_and_grad(**turned)
    assert again == cost and len(module._value_and_grad.signatures) == forms == 1
    assert all(np.array_equal(a, b) for a, b in zip(before, turned["w"], strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(grads.w, other.w, strict=True))
    with pytest.raises(ValueError, match=r"w\[1\]: expected"):
        module.value(**{**given, "x": given["x"][:, 1:]})


def test_a_file_keeps_what_was_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba")
    from symbp.generating import generate

    generate(["linear_regression"], tmp_path, ["numba"], (), {}, False, print)
    monkeypatch.syspath_prepend(str(tmp_path))
    import linear_regression_numba as module  # type: ignore[import-not-found]

    case = outside.instance(pipeline.load("linear_regression"), 1)
    assert np.isfinite(module.value(**outside.arguments(case)))
    assert list((tmp_path / "__pycache__").glob("*.nbi"))
    assert inspect.getmodule(module) is sys.modules["linear_regression_numba"]
