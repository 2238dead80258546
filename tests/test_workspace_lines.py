"""What the workspace form does without: each is looked for in the text, and values are compared."""

from __future__ import annotations

import re
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


CELL = """\
index t = 1..T
input x[t] : H
param U : H, H
h[0,i] = 0
c[0,i] = 1
o[t,i] = sigmoid(x[t,i] + sum(U[i,j]*h[t-1,j], j))
c[t,i] = o[t,i]*c[t-1,i] + x[t,i]
h[t,i] = o[t,i]*tanh(c[t,i])
cost C = sum(h[T,i]^2, i)"""


def test_a_stored_value_has_the_steps_at_which_it_is_read() -> None:
    """tanh(c[t]) is read for t > 0 alone: the loop begins with 1, and needs no condition."""
    for body in agrees(CELL):
        assert "for t in range(1, T + 1)" in body and "if t > 0" not in body


def test_a_matrix_is_laid_out_before_a_loop_with_conditions() -> None:
    """A step that not every turn takes reads the matrix turned too."""
    text = CELL.replace("h[t,i] = o", "g[t,i] = tanh(c[t,i]) for t = 0..T\nh[t,i] = o")
    text = text.replace("*tanh(c[t,i])\n", "*g[t,i]\n") + " + sum(g[t,i]^2, t=0..T, i)\n"
    copies = ("np.ascontiguousarray(U.T)", "_copied(U.T, dtype, U_T)")
    for body, name in zip(agrees(text), copies, strict=True):
        before, _, after = body.partition(f"    U_T = {name}\n")
        assert "for t in" not in before and "if t > 0:" in after and "U_T" in after


def test_products_are_methods_of_their_first_factor() -> None:
    text = """\
index l = 1..L
input x : n[0]
param w[l] : n[l], n[l-1]
param b[l] : n[l]
param v : R, R
a[0,k] = x[k]
a[l,j] = tanh(sum(w[l,j,k]*a[l-1,k], k) + b[l,j])
cost C = sum(a[L,j]^2, j) + sum(sum(v[r,s]*v[r,s], s)*sum(v[r,s], s), r)"""
    _, body = agrees(text)
    assert "a[l] = a[l-1].dot(w[l].T, a[l])" in body and ".T.dot(a[l-1], grad_w[l])" in body
    assert " dot(" not in body


def test_members_that_move_from_one_family_to_another_are_refused() -> None:
    text = """\
index l = 1..L
index k = 1..K
input x : H
param W[l] : H, H
param V[k] : H, H
h[0,i] = x[i]
h[l,i] = tanh(sum(W[l,i,j]*h[l-1,j], j))
g[0,i] = h[L,i]
g[k,i] = tanh(sum(V[k,i,j]*g[k-1,j], j))
cost C = sum(g[K,i]^2, i)"""
    module = pipeline.module_of(adjoint_system(pipeline.parse(text)))
    rng = np.random.default_rng(2)
    x, many = rng.normal(size=(3, 4)), [*rng.normal(size=(5, 4, 4))]
    room = module.make_workspace(x=x, W=many[:2], V=many[2:])
    assert module._fits(room, x, many[:2], many[2:]) and not module._fits(room, x, many[:3], many[3:])
    with pytest.raises(ValueError, match="the workspace was made for"):
        module.value_and_grad(x=x, W=many[:3], V=many[3:], out=room)
    assert module._fits(room, x, np.stack(many[:2]), (*many[2:],))


IMAGES = """\
input x : C, H, W
param f : O, C, P, P
param V : O
z[o,i,j] = sum(f[o,c,p,q]*x[c,i+p,j+q], c, p, q)
m[o,i,j] = mean(relu(z[o,2*i+p,2*j+q]), p=0..1, q=0..1)
cost C = sum(V[o]*m[o,i,j]^2, o, i, j)"""


def images(rng: np.random.Generator, batch: int, size: int) -> dict[str, np.ndarray]:
    filters = {"f": rng.normal(size=(4, 3, 3, 3)), "V": rng.normal(size=4)}
    return {"x": rng.normal(size=(batch, 3, size, size)), **filters}


def test_the_adjoint_of_a_mean_is_divided_before_it_is_spread_over_the_window() -> None:
    plain, body = agrees(IMAGES)
    loops = plain.split("for q in range(2):\n")[1].split("\n    grad_f")[0]
    assert "/2**2" not in loops and "quotient = dm/2**2" in plain.split("    for p in")[0]
    assert body.split("for q in range(2):\n")[1].split("\n    grad_f")[0].count("multiply(") == 1


def test_places_that_no_call_writes_keep_their_zeros() -> None:
    """Where H - P + 1 is odd, no window has the last row: the array of the workspace has zeros there."""
    _, body = agrees(IMAGES)
    assert "fill(0)" not in body
    module = pipeline.module_of(adjoint_system(pipeline.parse(IMAGES)))
    rng = np.random.default_rng(5)
    for size in (7, 8):
        same_in_a_workspace(module, *(images(rng, 2, size) for _ in range(2)))


def test_zeros_of_a_gradient_are_set_in_each_call() -> None:
    """Who calls may have written them: they are his."""
    text = "input x : M//2\nparam w : M\nm[i] = mean(relu(w[2*i+p]), p=0..1)\ncost C = sum(x[i]*m[i], i)"
    module = pipeline.module_of(adjoint_system(pipeline.parse(text)))
    rng = np.random.default_rng(6)
    given = {"x": rng.normal(size=(2, 3)), "w": rng.normal(size=7)}
    room = module.make_workspace(**given)
    expected = module.value_and_grad(**given)[1].w
    for _ in range(3):
        found = module.value_and_grad(**given, out=room)[1].w
        np.testing.assert_allclose(found, expected)
        found += 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("batch", [2, 40])
def test_a_large_copy_of_windows_is_multiplied_image_by_image(batch: int, dtype: str) -> None:
    """Both ways are right, the whole in one product and one product an image."""
    _, body = agrees(IMAGES)
    assert "z = _filtered(" in body and "_copied(" not in body
    module = pipeline.module_of(adjoint_system(pipeline.parse(IMAGES)))
    rng = np.random.default_rng(batch)
    draws = [images(rng, batch, 50) for _ in range(2)]
    same_in_a_workspace(module, *({k: v.astype(dtype) for k, v in draw.items()} for draw in draws))


def test_numbers_beside_arrays_are_arrays_that_stay() -> None:
    """Of a number of Python NumPy makes an array in each call; a quotient is faster than reciprocal."""
    text = """\
index l = 1..L
input x : n[0]
param w[l] : n[l], n[l-1]
a[0,k] = x[k]
a[l,j] = relu(sum(w[l,j,k]*a[l-1,k], k))
cost C = sum(sigmoid(a[L,j]), j)"""
    _, body = agrees(text)
    assert "zero, out=a[l])" in body and "zero, " in body.partition("greater(")[2].partition(")")[0]
    assert "divide(one, " in body and "reciprocal" not in body
    module = pipeline.module_of(adjoint_system(pipeline.parse(text)))
    rng = np.random.default_rng(8)
    for dtype in ("float32", "float64"):
        x, y, *w = (rng.normal(size=s).astype(dtype) for s in ((5, 3), (5, 3), (4, 3), (2, 4)))
        same_in_a_workspace(module, {"x": x, "w": w}, {"x": y, "w": [2*m for m in w]})


NORMED = """\
index l = 1..L
input x : H
param w[l] : H, H
param g[l] : H
h[0,j] = x[j]
z[l,j] = sum(w[l,j,k]*h[l-1,k], k)
m[l] = mean(z[l,j], j)
h[l,j] = h[l-1,j] + tanh(g[l,j]*(z[l,j] - m[l]))
cost C = sum(h[L,j]^2, j)/2"""
CHOSEN = """\
index l = 1..L
input x : H
param w[l] : H, H
h[0,j] = x[j]
z[l,j] = sum(w[l,j,k]*h[l-1,k], k)
h[l,j] = where(l > 2, z[l,j], tanh(z[l,j]))
cost C = sum(h[L,j]^2, j)/2"""
RENAMED = """\
index l = 1..L
input x : H
param w[l] : H, H
param b[l] : H
h[0,j] = x[j]
z[l,j] = sum(w[l,j,k]*h[l-1,k], k)
a[l,j] = z[l,j]
h[l,j] = h[l-1,j] + z[l,j] + a[l,j]*b[l,j]
cost C = sum(h[L,j]^2, j)/2"""
WIDTHS = """\
index l = 1..L
input x : n[0]
param w[l] : n[l], n[l-1]
h[0,j] = x[j]
h[l,j] = tanh(sum(w[l,j,k]*h[l-1,k], k))
cost C = sum(h[L,j]^2, j)/2"""
BEFORE_LAST = """\
index t = 2..T
input x : D
param A : D, D
param B : D, D
h[0,i] = x[i]
h[1,i] = x[i]
h[t,i] = tanh(sum(A[i,j]*h[t-1,j], j)) + sum(B[i,j]*h[t-2,j], j)
cost C = sum(h[T,i]^2, i)/2"""


@pytest.mark.parametrize(
    ("text", "few", "many"),
    [
        (NORMED, {"dz": 1, "dh": 2}, ("h",)),
        (CHOSEN, {"dz": 1, "dh": 1}, ("z", "h")),  # h[l] is the array of z[l] itself in some layers
        (RENAMED, {"dz": 1, "dh": 2}, ("z", "h")),
        (WIDTHS, {}, ("h", "dh")),
        (BEFORE_LAST, {}, ("h",)),
    ],
)
def test_members_of_which_one_or_two_matter_at_a_time_take_turns(
    text: str, few: dict[str, int], many: tuple[str, ...]
) -> None:
    """What a workspace computes in stays in the cache; what the backward pass reads has its own array."""
    module = pipeline.module_of(adjoint_system(pipeline.parse(text)))
    code = pipeline.module_text(adjoint_system(pipeline.parse(text)))
    made = dict(re.findall(r"^    (\w+) = (\[.*)$", code, re.MULTILINE))
    assert {n: 2 if t.startswith("[*np.empty((2, ") else 1 for n, t in made.items() if n in few} == few
    assert not any("np.empty" in made.get(name, "") for name in many)
    rng = np.random.default_rng(7)
    steps = 6
    given = {
        a.name: rng.normal(size=(3, 4) if a.kind == "input" else (steps, 4, 4)[: len(a.axes)])
        for a in pipeline.parse(text).arrays.values() if a.kind in ("input", "param")
    }  # fmt: skip
    if text == BEFORE_LAST:
        given |= {"A": rng.normal(size=(4, 4)), "B": rng.normal(size=(4, 4)), "T": steps}
    room = module.make_workspace(**given)
    for _ in range(3):
        given["x"] = rng.normal(size=(3, 4))
        cost, expected = module.value_and_grad(**given)
        again, found = module.value_and_grad(**given, out=room)
        assert again == pytest.approx(cost, rel=1e-13)
        for mine, its in zip(found, expected, strict=True):
            np.testing.assert_allclose(np.asarray(mine), np.asarray(its), rtol=1e-11)
