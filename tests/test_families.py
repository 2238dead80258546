"""Families whose members have one shape: given as a list or as one array, and returned as they were given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import symbp
from symbp import pipeline
from symbp.derive.engine import adjoint_system
from symbp.emit.numpy import emit_module

MODELS = {
    "decay": """
        index l = 1..L
        input x : H
        const lam
        param W[l] : H, H
        param b[l] : H
        h[0,i] = x[i]
        h[l,j] = tanh(sum(W[l,j,i]*h[l-1,i], i) + b[l,j])
        cost C = sum(h[L,i]^2, i)/2 + lam/2*sum(W[l,j,i]^2, l, j, i)""",
    "two terms with members next to each other": """
        index l = 1..L
        input x : H
        const lam
        param W[l] : H, H
        param b[l] : H
        h[0,i] = x[i]
        h[l,j] = tanh(sum(W[l,j,i]*h[l-1,i], i) + b[l,j])
        cost C = sum(h[L,i]^2, i)/2 + lam*sum((W[l,j,i] - W[l-1,j,i])^2, l=2..L, j, i)""",
    "a member is added to": """
        index l = 1..L
        input x : H
        input k in 0..V-1
        const lam
        param W[l] : H, H
        param b[l] : V, H
        h[0,i] = x[i]
        h[l,j] = tanh(sum(W[l,j,i]*h[l-1,i], i) + b[l,k,j])
        cost C = lam*sum(h[L,i]^2, i)/2""",
}


def drawn(name: str, seed: int) -> dict[str, Any]:
    """Arguments with the families as arrays."""
    r = np.random.default_rng(seed)
    b = (3, 6, 5) if "added" in name else (3, 5)
    given = {"x": r.normal(size=(4, 5)), "W": r.normal(size=(3, 5, 5)), "b": r.normal(size=b)}
    if "added" in name:
        given["k"] = r.integers(0, 6, 4)
    return given | {"lam": np.asarray(r.normal())}


def as_lists(given: dict[str, Any]) -> dict[str, Any]:
    return {k: list(v) if k in ("W", "b") else v for k, v in given.items()}


@pytest.mark.parametrize("name", MODELS)
def test_a_family_comes_back_as_it_was_given(name: str) -> None:
    module = symbp.parse(MODELS[name]).compile()
    workspaces = [module.make_workspace(**f(drawn(name, 1))) for f in (dict, as_lists)]
    for seed in (1, 2, 3):
        given = drawn(name, seed)
        cost, whole = module.value_and_grad(**given)
        found = [module.value_and_grad(**as_lists(given))]
        found += [module.value_and_grad(**f(given), out=w) for f in (dict, as_lists) for w in workspaces]
        for k, (value, gradients) in enumerate(found):
            assert value == pytest.approx(cost, rel=1e-12)
            for one, other in zip(whole, gradients, strict=True):
                assert isinstance(one, np.ndarray)
                assert isinstance(other, np.ndarray if k in (1, 2) else list)
                np.testing.assert_allclose(np.stack(other) if k not in (1, 2) else other, one, rtol=1e-11)


@pytest.mark.parametrize("name", MODELS)
def test_the_gradients_of_a_workspace_need_not_be_put_together(name: str) -> None:
    module = symbp.parse(MODELS[name]).compile()
    workspace = module.make_workspace(**drawn(name, 1))
    first, second = (module.value_and_grad(**drawn(name, k), out=workspace)[1] for k in (1, 2))
    for one, other in zip(first, second, strict=True):
        assert one is other


def test_members_that_are_only_summed_and_read_step_by_step_stay_a_list() -> None:
    code = emit_module(adjoint_system(pipeline.parse(MODELS["decay"])))
    assert "np.stack(W)" not in code
    assert "sum(np.vdot(W[l], W[l]) for l in range(1, L + 1))" in code


def test_rows_that_were_made_anew_are_put_together() -> None:
    module = symbp.parse(MODELS["decay"]).compile()
    rows = np.zeros((2, 3))
    members = [*rows]
    assert module._rows_like(np.ndarray, members, rows) is rows
    members[1] = np.ones(3)
    assert module._rows_like(np.ndarray, members, rows).tolist() == [[0, 0, 0], [1, 1, 1]]
