"""What the workspace form does without: each is looked for in the text, and values are compared."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symbp import pipeline
from symbp.derive.engine import adjoint_system
from symbp.emit.numpy import emit_module
from symbp.verify.report import verify

FILTER = """\
index t = 1..T
input x[t] : D
input y[t] : H
param A : H, H
param U : H, D
h[0,i] = 0
h[t,i] = sum(A[i,j]*h[t-1,j], j) + sum(U[i,k]*x[t,k], k)
cost C = sum((h[t,i] - y[t,i])^2, t, i)
"""


def agrees(text: str) -> tuple[str, str]:
    """value_and_grad in its two forms, once the model has been verified with and without a workspace."""
    model = pipeline.parse(text)
    system = adjoint_system(model)
    report = verify(model, system, pipeline.module_of(system), precise=False)
    assert report.ok, report
    code = emit_module(system)
    plain = code.split("def value_and_grad(")[1].split("\ndef ")[0]
    return plain, code.split("def _value_and_grad_into(")[1].split("\ndef ")[0]


def leaves(gradients: Any) -> list[np.ndarray]:
    return [m for g in gradients for m in (g if isinstance(g, list) else [g])]


def same_in_a_workspace(module: ModuleType, *draws: dict[str, Any]) -> None:
    """Two calls in one workspace give what calls without one give, and the same bits when repeated."""
    workspace = module.make_workspace(**draws[0])
    for given in (*draws, *draws):
        before = [np.array(m) for v in given.values() for m in leaves([v])]
        cost, gradients = module.value_and_grad(**given)
        again, its = module.value_and_grad(**given, out=workspace)
        np.testing.assert_allclose(again, cost, rtol=1e-5)
        for a, b in zip(leaves(gradients), leaves(its), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_allclose(b, a, rtol=1e-4, atol=1e-5)
        after = [m for v in given.values() for m in leaves([v])]
        assert all((a == b).all() for a, b in zip(before, after, strict=True))


def test_a_step_is_added_to_in_the_list_of_steps() -> None:
    """``dh[t] += spare`` makes a view of the step, and writes it back into the array afterwards."""
    _, body = agrees(FILTER)
    assert "add(dh_at[t], spare, dh_at[t])" in body and "+=" not in body


def test_no_zeros_are_set_where_none_is_read() -> None:
    """dh[0] is never read, all other rows are written as a whole before anything is added to them."""
    plain, body = agrees(FILTER)
    assert "fill(0)" not in body and "np.zeros" not in plain


@pytest.mark.parametrize("cost", [
    "sum((h[t,i] - y[t,i])^2, t=1..T-1, i)",  # h[T] has no adjoint from the cost
    "sum((h[T,i] - y[T,i])^2, i) + sum(h[2*s,i]^2, s=1..T//2, i)",
    "sum((h[2,i] - y[2,i])^2, i) + sum(h[t,i]^3, t=3..T, i)",
])
def test_zeros_that_something_is_added_to_stay(cost: str) -> None:
    agrees(FILTER.split("cost")[0] + f"cost C = {cost}\n")
