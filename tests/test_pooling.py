"""Pooling over the few places of a window: slices, and the weights of the extreme ones by definition."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symbp import pipeline
from symbp.derive.engine import adjoint_system
from symbp.emit.numpy_helpers import HELPERS
from symbp.verify.sizes import choose_sizes, work_of

POOLED = {
    "images": ("x : C, H, W", "max(a[c,2*i+p,2*j+q], p=0..1, q=0..1)", "m[c,i,j]", 1),
    "overlapping": ("x : C, H, W", "max(a[c,2*i+p,2*j+q], p=0..2, q=0..2)", "m[c,i,j]", 1),
    "smallest, one axis": ("x : C, T", "min(a[c,3*t+p], p=0..2)", "m[c,t]", 1),
    "five by seven": ("x : H, W", "max(a[i+p,j+q], p=0..4, q=0..6)", "m[i,j]", 1),
    "gaps": ("x : C, T", "max(a[c,4*t+2*p], p=0..1)", "m[c,t]", 1),
    "from the second place on": ("x : T", "max(a[3*t+p], p=1..2)", "m[t]", 1),
    "three axes": ("x : D, H, W", "max(a[2*d+r,2*i+p,2*j+q], r=0..1, p=0..1, q=0..1)", "m[d,i,j]", 1),
    "one of two axes": ("x : H, W", "max(a[2*i+p,j], p=0..1)", "m[i,j]", 1),
    "all of a computed value": ("x : T", "max(a[2*t+p]*a[2*t+p], p=0..1)", "m[t]", 0),
    "both of two maxima": ("x : T", "max(a[2*t+p], p=0..1)*min(a[2*t+p], p=0..1)", "m[t]", 2),
    "a window's own order": ("x : H, W", "max(max(a[2*i+p,2*j+q], p=0..1), q=0..1)", "m[i,j]", 1),
}


def model(case: str) -> str:
    given, body, target, _ = POOLED[case]
    axes = given.partition(" : ")[2]
    places = ["ijk"[k] for k in range(axes.count(",") + 1)]
    at = ",".join(places)
    over = ", ".join(target[2:-1].split(","))
    return f"""
        input {given}
        param v : {axes}
        a[{at}] = relu(v[{at}]*x[{at}])
        {target} = {body}
        cost J = sum({target}^2, {over}) + sum({target}, {over})
    """.replace("        ", "")


def module(text: str) -> tuple[Any, ModuleType, str]:
    system = adjoint_system(pipeline.parse(text))
    return system, pipeline.module_of(system), pipeline.module_text(system)


@pytest.mark.parametrize("case", POOLED)
def test_pooling_agrees_with_the_definition(case: str) -> None:
    system, _, code = module(model(case))
    report = pipeline.verified(system.model)
    assert report.ok, report
    assert code.split("def value(")[0].count("winners(") == POOLED[case][3]


@pytest.mark.parametrize("case", POOLED)
def test_pooling_in_a_workspace_is_the_same_at_ties(case: str) -> None:
    _, made, _ = module(model(case))
    rank = POOLED[case][0].count(",") + 1
    rng = np.random.default_rng(3)
    shape = (7, 8, 9)[:rank]
    given = {"x": rng.integers(-2, 3, (4, *shape)).astype(float), "v": np.ones(shape)}
    cost, gradients = made.value_and_grad(**given)
    room = made.make_workspace(**given)
    for _ in "12":
        again, found = made.value_and_grad(**given, out=room)
        assert again == cost
        np.testing.assert_array_equal(found.v, gradients.v)


def test_a_tie_is_shared_index_by_index() -> None:
    """The rows of a window share first, then the largest entries of a row; what overlaps is added."""
    _, made, _ = module(model("overlapping"))
    x = np.random.default_rng(5).integers(-1, 3, (2, 3, 7, 9)).astype(float)
    a = np.maximum(x, 0)
    da = np.zeros_like(a)
    for b, c, i, j in np.ndindex(2, 3, 3, 4):
        window = a[b, c, 2*i:2*i+3, 2*j:2*j+3]
        rows = np.flatnonzero(window.max(1) == window.max())
        for p in rows:
            best = np.flatnonzero(window[p] == window.max())
            da[b, c, 2*i+p, 2*j+best] += (2*window.max() + 1)/len(rows)/len(best)
    expected = (da*(x > 0)*x).sum(0)/2
    _, gradients = made.value_and_grad(x=x, v=np.ones((3, 7, 9)))
    np.testing.assert_allclose(gradients.v, expected, rtol=1e-12)


def test_places_that_no_other_turn_writes_are_assigned() -> None:
    inside, across = (module(model(c))[2].split("def value(")[0] for c in ("images", "overlapping"))
    assert "] = " in next(line for line in inside.splitlines() if line.lstrip().startswith("da["))
    assert "] += " in next(line for line in across.splitlines() if line.lstrip().startswith("da["))


def test_a_window_that_its_array_does_not_have_is_refused() -> None:
    text = """
        input x : T
        param w : T
        param k : 4
        a[t] = w[t]*x[t]
        m[i] = max(a[2*i+p], p=0..2)*k[i]
        cost J = sum(m[i], i)""".replace("        ", "")
    _, made, _ = module(text)
    for size in (9, 10):
        made.value(x=np.ones((2, size)), w=np.ones(size), k=np.ones(4))
    for size in (1, 7, 8):
        with pytest.raises(ValueError, match=r"read from position 0 to 8|expected"):
            made.value(x=np.ones((2, size)), w=np.ones(size), k=np.ones(4))


@pytest.mark.parametrize("shape", [(2,), (3, 2), (2, 2, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_winners_by_definition(shape: tuple[int, ...], dtype: type) -> None:
    made: dict[str, Any] = {"np": np}
    exec(HELPERS["winners"], made)
    u = np.random.default_rng(1).integers(0, 3, (*shape, 6, 5)).astype(dtype)
    u[..., 0, 0], u[..., 0, 1], u[..., 0, 2] = np.inf, -np.inf, 1
    u[(*[0]*len(shape), 1, 1)] = np.nan
    axes = tuple(range(len(shape)))
    parts, top = list(u.reshape(-1, 6, 5)), u.max(axes)
    expected = np.ones_like(u)
    for k in axes:
        best = u.max(axes[k + 1 :], keepdims=True)  # over the axes behind, as max over p of max over q
        hits = best == best.max(k, keepdims=True)
        with np.errstate(invalid="ignore"):
            expected = expected*(hits/hits.sum(k, keepdims=True))
    with np.errstate(all="ignore"):
        for out in (None, np.full(u.shape, 7, dtype)):
            found = made["winners"](parts, top, shape, None, out)
            assert found.dtype == dtype and found.shape == u.shape
            tied = ~np.isnan(top)
            np.testing.assert_allclose(found[..., tied], expected[..., tied], rtol=1e-6)
            assert np.isnan(found[..., ~tied]).all()
    alone = np.arange(12.0).reshape(*([2, 6] if len(shape) == 1 else [2, 2, 3]))
    assert made["winners"](list(alone), alone.max(0), (2,)).sum() == alone[0].size


def test_the_text_of_slices_has_names_of_its_own() -> None:
    """A size called p: the place in the list is another one."""
    text = "input x : p\nparam w : p\na[t] = w[t]*x[t]\nm[t] = max(a[2*t+q], q=0..1)\ncost J = sum(m[t]^2, t)"
    for name in ("q", "p_"):
        assert pipeline.verified(module(text.replace("q", name))[0].model).ok


def test_long_slices_stand_on_lines_of_their_own() -> None:
    code = pipeline.module_text(adjoint_system(pipeline.load("lenet")))
    body = code[: code.index("def _checked")]
    assert "    slices = [\n        relu_u[" in body
    assert "\n        for p in range(2) for q in range(2)\n    ]" in body
    assert max(map(len, body.splitlines()[3:])) < 110
    assert "delta_part, spare" in body  # no name made of all places of a slice


def test_weights_in_a_workspace_have_an_array_for_the_comparison() -> None:
    code = module(model("images"))[2]
    inside = code[code.index("def _value_and_grad_into") :]
    assert "mask = np.empty((2, 2, batch, C, " in code
    assert "winners(slices, m, (2, 2), mask, weights)" in inside
    rounded = np.float32(1)/np.float32(3)  # a share is a quotient in the type of the values
    made: dict[str, Any] = {"np": np}
    exec(HELPERS["winners"], made)
    parts = [np.ones((1, 1), np.float32)]*3
    assert made["winners"](parts, parts[0], (3,))[0, 0, 0] == rounded


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_an_array_shorter_than_a_window_has_none(length: int) -> None:
    lines = ["const x : T", "param w : T", "z[t] = x[t]*w[t]", "m[i] = max(z[2*i+p], p=0..2)"]
    model = pipeline.parse("\n".join([*lines, "cost C = sum(m[i]^2, i)", ""]))
    module = pipeline.module_of(adjoint_system(model))
    given = {"x": np.full(length, 2.0), "w": np.ones(length)}
    workspace = module.make_workspace(**given)
    for found in (module.value_and_grad(**given), module.value_and_grad(**given, out=workspace)):
        assert found[0] == (4.0 if length >= 3 else 0.0)
        assert found[1].w.shape == (length,) and (length >= 3) == bool(found[1].w.any())


POOLED_TWICE = """
input x : A, H, W
param f : F, A, P, P
param g : G, F, Q, Q
param V : G, M, N
z[o,i,j] = sum(f[o,a,p,q]*x[a,i+p,j+q], a, p, q)
h[o,i,j] = max(relu(z[o,2*i+p,2*j+q]), p=0..1, q=0..1)
u[o,i,j] = sum(g[o,a,p,q]*h[a,i+p,j+q], a, p, q)
v[o,i,j] = max(relu(u[o,2*i+p,2*j+q]), p=0..1, q=0..1) for i = 0..M-1, j = 0..N-1
cost C = sum(V[o,i,j]*v[o,i,j], o, i, j)
"""


def test_windows_that_the_door_has_looked_at_are_slices_in_adjoints_too() -> None:
    """No shape says that 2 M rows are there, but the door does: nothing is clipped, or added by numbers."""
    model = pipeline.parse(POOLED_TWICE)
    code = pipeline.module_text(adjoint_system(model))
    assert '_within("u", 0, 2*size["M"]-1, 0, ' in code
    assert "clip(" not in code and "add.at(" not in code and "argmax(" not in code


def test_windows_of_windows_have_sizes_that_can_be_checked() -> None:
    """The first array is made as long as the last window asks for, and all others small."""
    model = pipeline.parse(POOLED_TWICE)
    for variant in range(3):
        sizes = choose_sizes(model, variant)
        assert 2 <= max(n for (name, _), n in sizes.items() if name not in "HW") < 10
        assert work_of(model, sizes) < 20000
