"""value_and_grad(..., out=workspace): the same results as without, in arrays that stay."""

from __future__ import annotations

import gc
import tracemalloc
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import symbp
from symbp import models, pipeline
from symbp.derive.engine import adjoint_system
from symbp.emit.numpy import emit_module
from symbp.verify.gradients import _arguments, _batch
from symbp.verify.sample import samples

CONCRETE = [
    n for n in models.names() if all(f.body is not None for f in pipeline.load(n).functions.values())
]
TOLERANCE = {"float32": 2e-4, "float64": 1e-10}


@cache
def module_of(name: str) -> ModuleType:
    return pipeline.module_of(adjoint_system(pipeline.load(name)))


def drawn(name: str, dtype: str, which: int = 0) -> dict[str, Any]:
    model = pipeline.load(name)
    return _arguments(model, _batch(model, samples(model, 2)[which]), dtype)


def leaves(value: Any) -> list[np.ndarray]:
    if isinstance(value, (list, tuple)):
        return [m for v in value for m in leaves(v)]
    return [np.asarray(value)]


def copied(arguments: dict[str, Any]) -> list[np.ndarray]:
    return [m.copy() for v in arguments.values() for m in leaves(v)]


def scaled(value: Any) -> Any:
    """Other values of the same shapes; integers stay in their range."""
    if isinstance(value, (list, tuple)):
        return [scaled(v) for v in value]
    return value * value.dtype.type(0.75) if getattr(value, "dtype", None) is not None and (
        value.dtype.kind == "f") else value


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", CONCRETE)
def test_a_workspace_changes_no_result(name: str, dtype: str) -> None:
    module, given = module_of(name), drawn(name, dtype)
    other = {k: scaled(v) for k, v in given.items()}
    workspace, before, bits = module.make_workspace(**given), copied(given), []
    for arguments in (given, other, given):
        cost, grads = module.value_and_grad(**arguments)
        found, mine = module.value_and_grad(**arguments, out=workspace)
        pairs = zip([np.asarray(cost), *leaves(grads)], [np.asarray(found), *leaves(mine)], strict=True)
        for a, b in pairs:
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
            np.testing.assert_allclose(b, a, rtol=0, atol=TOLERANCE[dtype] * (abs(a).max() + 1e-6))
        bits.append([m.tobytes() for m in (np.asarray(found), *leaves(mine))])
    assert bits[0] == bits[2]
    assert all((a == b).all() for a, b in zip(before, copied(given), strict=True))


def mlp(dtype: str = "float64", sizes: tuple[int, ...] = (4, 3, 2), batch: int = 5) -> dict[str, Any]:
    rng = np.random.default_rng(0)
    pairs = list(zip(sizes[1:], sizes[:-1], strict=True))
    return {
        "x": rng.random((batch, sizes[0])).astype(dtype), "y": rng.random((batch, sizes[-1])).astype(dtype),
        "w": [rng.standard_normal(p).astype(dtype) for p in pairs],
        "b": [rng.standard_normal(n).astype(dtype) for n, _ in pairs],
    }


@pytest.mark.parametrize(
    "other", [mlp(batch=6), mlp(sizes=(4, 5, 2)), mlp(sizes=(4, 3, 3, 2)), mlp("float32")],
    ids=["batch", "width", "depth", "type"],
)
def test_a_workspace_for_other_arguments_is_refused(other: dict[str, Any]) -> None:
    module = module_of("mlp")
    with pytest.raises(ValueError, match="out: the workspace was made for"):
        module.value_and_grad(**mlp(), out=module.make_workspace(**other))


STRIDED = """
size s
input x : N
param f : P
z[i] = sum(f[p]*x[s*i+p], p)
cost C = sum(z[i]^2, i)/2
"""
BOUNDED = """
const s in 1..N
input x : N
param f : N
z[i] = f[i]*x[i] for i = 0..s-1
cost C = sum(z[i]^2, i)/2
"""


@pytest.mark.parametrize("text", [STRIDED, BOUNDED], ids=["size", "const"])
def test_a_workspace_for_another_size_that_no_shape_tells_is_refused(text: str) -> None:
    module, rng = symbp.parse(text).compile(), np.random.default_rng(0)
    given = {"x": rng.normal(size=(3, 9)), "f": rng.normal(size=3 if text == STRIDED else 9)}
    workspace = module.make_workspace(**given, s=2)
    with pytest.raises(ValueError, match=r"made for .*\('s', 2\).*got .*\('s', 1\)"):
        module.value_and_grad(**given, s=1, out=workspace)
    expected, found = (module.value_and_grad(**given, s=np.int64(2), out=out) for out in (None, workspace))
    assert found[0] == pytest.approx(expected[0], rel=1e-13)


def test_a_workspace_of_another_module_is_refused() -> None:
    foreign = module_of("mlp_z").make_workspace(**mlp())
    for out in (foreign, {}, 1):
        with pytest.raises(TypeError, match="out: expected a workspace of this module"):
            module_of("mlp").value_and_grad(**mlp(), out=out)


def test_the_gradients_lie_in_the_workspace() -> None:
    module = module_of("mlp")
    workspace = module.make_workspace(**mlp())
    first, second = (module.value_and_grad(**mlp(), out=workspace)[1] for _ in range(2))
    assert all(np.shares_memory(a, b) for a, b in zip(leaves(first), leaves(second), strict=True))


def test_the_second_call_of_mlp_allocates_no_array() -> None:
    module, given = module_of("mlp"), mlp(sizes=(64, 48, 32), batch=512)
    workspace = module.make_workspace(**given)
    fixed = 64 * 1024 + 4000  # NumPy buffers a sum that broadcasts in place, always with this much
    peaks = []
    for out in (workspace, workspace, None):
        gc.collect()
        tracemalloc.start()
        module.value_and_grad(**given, out=out)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < fixed < peaks[2]  # the smallest array with a batch axis takes 128 KB


TEXT = """
input w : T in 0..V-1
input y in 0..K-1
param E : V, D
param f : F, P, D
param b : F
param W : K, F
x[t,d] = E[w[t],d]
z[o,t] = sum(f[o,p,d]*x[t+p,d], p, d) + b[o]
a[o,t] = tanh(z[o,t])
m[o] = max(a[o,t], t)
s[k] = sum(W[k,o]*m[o], o)
cost C = logsumexp(s[k], k) - s[y]
"""


def texts(batch: int = 64, length: int = 40) -> tuple[ModuleType, dict[str, Any]]:
    """A module of words, their rows, a convolution, and maxima over time; and arguments of it."""
    rng = np.random.default_rng(0)
    shapes = {"E": (200, 48), "f": (32, 5, 48), "b": (32,), "W": (4, 32)}
    given: dict[str, Any] = {n: rng.standard_normal(shape) / shape[-1] ** 0.5 for n, shape in shapes.items()}
    given |= {"w": rng.integers(0, 200, (batch, length)), "y": rng.integers(0, 4, batch)}
    return pipeline.module_of(adjoint_system(pipeline.parse(TEXT))), given


def test_rows_windows_and_maxima_allocate_nothing_in_the_second_call() -> None:
    module, given = texts(batch=256)
    workspace = module.make_workspace(**given)
    fixed = 3 * 64 * 1024 + given["w"].nbytes  # NumPy buffers; where each row begins
    peaks = []
    for out in (workspace, workspace, None):
        gc.collect()
        tracemalloc.start()
        module.value_and_grad(**given, out=out)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < fixed < peaks[2]  # the smallest array is the mask of a: 295 KB


def test_words_out_of_range_are_refused_although_rows_are_clipped() -> None:
    module, given = texts(batch=3, length=9)
    workspace = module.make_workspace(**given)
    module.value_and_grad(**given, out=workspace)
    for wrong in (-1, 200):
        words = given["w"].copy()
        words[1, 2] = wrong
        with pytest.raises(ValueError, match="w: expected 0 to 199"):
            module.value_and_grad(**{**given, "w": words}, out=workspace)


def test_a_tie_shares_the_derivative_also_in_a_workspace() -> None:
    """The same word everywhere, in whole numbers: all places are the largest, and each has its share."""
    module, given = texts(batch=3, length=9)
    mean = pipeline.module_of(adjoint_system(pipeline.parse(TEXT.replace("max(", "mean("))))
    given = {n: a if a.dtype.kind == "i" else np.round(3 * a) / 8 for n, a in given.items()}
    given["w"][:] = [[5], [7], [7]]
    workspace = module.make_workspace(**given)
    expected = mean.value_and_grad(**given)
    for out in (None, workspace, workspace):
        found = module.value_and_grad(**given, out=out)
        assert found[0] == pytest.approx(expected[0], rel=1e-12)
        for a, b in zip(found[1], expected[1], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("n", [3, 12])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_where_the_largest_entries_are(n: int, axis: int) -> None:
    """Shares by definition: ties, infinities, and not a number where one is, whatever ties elsewhere."""
    argmax, rng = texts()[0].argmax, np.random.default_rng(n)
    shape = [4, 4, 4]
    shape[axis] = n
    u = rng.integers(0, 3, shape).astype(float)
    u[0, 0, 0], u[1, 1, 1], u[2, 2, 2] = np.nan, np.inf, -np.inf
    top = u.max(axis, keepdims=True)
    hits = (u == top).astype(float)
    with np.errstate(invalid="ignore"):
        expected = hits / hits.sum(axis, keepdims=True)
        for known in (None, np.squeeze(top, axis)):
            for out in (None, np.full(shape, 7.0)):
                found = argmax(u, axis, known, out)
                np.testing.assert_array_equal(found, expected)
                assert out is None or np.shares_memory(found, out)
        alone = np.zeros((2, n))
        alone[0, 1], alone[1, :2] = np.nan, 1.0  # one row has no largest entry, and the other one two
        found = argmax(alone, 1)
        assert np.isnan(found[0]).all()
        np.testing.assert_array_equal(found[1, :3], [0.5, 0.5, 0])
    row = np.arange(n) % 3
    np.testing.assert_array_equal(argmax(row * 1.0, 0), (row == 2) / np.sum(row == 2))


def test_the_largest_entry_of_one_row_in_a_workspace() -> None:
    text = """
    param v : N
    param u : N, M
    m = max(v[i], i)
    k[i] = min(u[i,j], j)
    cost C = m^2 + sum(k[i]^2, i)*m
    """
    module = pipeline.module_of(adjoint_system(pipeline.parse(text)))
    given = {"v": np.array([0.5, 2.0, -1.0, 2.0]), "u": np.random.default_rng(1).standard_normal((4, 3))}
    cost, gradients = module.value_and_grad(**given)
    assert gradients.v.tolist() == [0, gradients.v[1], 0, gradients.v[1]]
    workspace = module.make_workspace(**given)
    for _ in "12":
        again, found = module.value_and_grad(**given, out=workspace)
        assert again == pytest.approx(cost)
        for a, b in zip(gradients, found, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-12)


def test_the_maximum_of_the_forward_pass_is_read_again() -> None:
    code = pipeline.module_text(adjoint_system(pipeline.parse(TEXT)))
    assert "argmax(a, axis=1, top=m)" in code
    body = code[code.index("def _value_and_grad_into") :]
    assert body.count(" maximum.reduce(a, 1,") == 1
    assert " equal(a, m[:, None]," in body


def test_the_look_at_many_arguments_is_set_on_several_lines() -> None:
    """Each argument is asked for by its name: its class, its shape, its type."""
    module = module_of("lstm")
    given = drawn("lstm", "float64")
    room = module.make_workspace(**given)
    assert module._fits(room, **given)
    for name, value in given.items():
        wrong = (value.astype("f4"), value[..., None], value.tolist(), np.ma.asarray(value), None)
        assert not any(module._fits(room, **{**given, name: v}) for v in wrong)


def test_a_number_of_python_needs_no_conversion_at_the_door() -> None:
    module = module_of("batch_norm")
    given = drawn("batch_norm", "float32")
    given["epsilon"] = np.float32(1e-3)
    workspace = module.make_workspace(**given)
    expected = module.value_and_grad(**given)
    for epsilon in (1e-3, np.float32(1e-3), np.asarray(1e-3, np.float32)):
        arguments = {**given, "epsilon": epsilon}
        assert workspace.takes(epsilon)
        cost, grads = module.value_and_grad(**arguments, out=workspace)
        assert all(g.dtype == np.float32 for g in grads)
        np.testing.assert_allclose(cost, expected[0], rtol=1e-6)


def test_labels_are_checked_in_every_call() -> None:
    module = module_of("softmax_regression")
    given = drawn("softmax_regression", "float64")
    workspace = module.make_workspace(**given)
    module.value_and_grad(**given, out=workspace)
    for wrong in (-1, len(given["W"])):
        labels = given["c"].copy()
        labels[0] = wrong
        with pytest.raises(ValueError, match="c: expected 0 to"):
            module.value_and_grad(**{**given, "c": labels}, out=workspace)


POSITIONS = """
    input x : N, D
    input y : N, H
    param W : H, D
    param b : H
    param V : A, H, D
    z[n,h] = tanh(sum(W[h,d]*x[n,d], d) + b[h])
    u[n,a,h] = sum(V[a,h,d]*x[n,d], d)
    cost C = sum((z[n,h] - y[n,h])^2, n, h)/(N - 1) + sum(sin(u[n,a,h]*z[n,h]), n, a, h)/N"""


def positions(seed: int, n: int = 4) -> dict[str, Any]:
    r = np.random.default_rng(seed)
    shapes = {"x": (3, n, 5), "y": (3, n, 2), "W": (2, 5), "b": (2,), "V": (6, 2, 5)}
    return {k: r.normal(size=s) for k, s in shapes.items()}


def test_a_product_of_matrices_with_several_axes_stays_a_matrix() -> None:
    module = symbp.parse(POSITIONS).compile()
    workspace = module.make_workspace(**positions(0))
    found = []
    for seed in (1, 2, 1):
        cost, grads = module.value_and_grad(**positions(seed))
        again, others = module.value_and_grad(**positions(seed), out=workspace)
        assert again == pytest.approx(cost, rel=1e-12)
        for one, other in zip(grads, others, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-11, atol=1e-13)
        found.append(others)
    assert all(np.shares_memory(a, b) for a, b in zip(found[0], found[1], strict=True))
    assert "_product(" not in emit_module(adjoint_system(pipeline.parse(POSITIONS)))


def test_a_number_that_stays_multiplies() -> None:
    text = emit_module(adjoint_system(pipeline.parse(POSITIONS)))
    assert "inverse_N = np.asarray(1/dtype.type(N))" in text and "divide(" not in text
    module, given = symbp.parse(POSITIONS).compile(), positions(3, n=1)  # N - 1 is 0
    with np.errstate(all="ignore"):
        cost, grads = module.value_and_grad(**given)
        again, others = module.value_and_grad(**given, out=module.make_workspace(**given))
    np.testing.assert_allclose(again, cost)
    for one, other in zip(grads, others, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-11)


HEADS = """
    input x : N, D
    input y : N, D
    param Q : A, D, E
    param W : A, E, D
    q[a,n,e] = sum(x[n,d]*Q[a,d,e], d)
    p[a,n,m] = softmax(sum(q[a,n,e]*q[a,m,e], e), m)
    r[a,n,e] = sum(p[a,n,m]*q[a,m,e], m)
    o[n,d] = sum(r[a,n,e]*W[a,e,d], a, e)
    cost C = sum((o[n,d] - y[n,d])^2, n, d)/2"""


def heads(seed: int) -> dict[str, Any]:
    r = np.random.default_rng(seed)
    shapes = {"x": (3, 4, 5), "y": (3, 4, 5), "Q": (2, 5, 6), "W": (2, 6, 5)}
    return {k: r.normal(size=s) for k, s in shapes.items()}


@pytest.mark.parametrize("flat", (False, True))
def test_stacks_of_products_lie_as_matrices_that_read_them_want(flat: bool) -> None:
    """The heads stand inside of the positions; not where the whole is read as one vector too."""
    text = HEADS + (" + sum(r[a,n,e]^2, a, n, e)" if flat else "")
    code = emit_module(adjoint_system(pipeline.parse(text)))
    assert ("    r = np.empty((batch, N, A, E), dtype).swapaxes(1, 2)" in code) == (not flat)
    assert ("r_turned" in code) == flat
    module = symbp.parse(text).compile()
    workspace = module.make_workspace(**heads(0))
    for seed in (1, 2, 1):
        cost, grads = module.value_and_grad(**heads(seed))
        again, others = module.value_and_grad(**heads(seed), out=workspace)
        assert again == pytest.approx(cost, rel=1e-12)
        for one, other in zip(grads, others, strict=True):
            np.testing.assert_allclose(other, one, rtol=1e-10, atol=1e-12)


def test_a_family_comes_as_one_array_or_as_its_members() -> None:
    """The door looks at the array itself; what a workspace was made for is let in either way."""
    text = """
        index l = 1..L
        input x : H
        param W[l] : H, H
        param b[l] : H
        h[0,i] = x[i]
        h[l,i] = tanh(sum(W[l,i,j]*h[l-1,j], j) + b[l,i])
        cost C = sum(h[L,i]^2, i)""".replace("        ", "")
    module = pipeline.module_of(adjoint_system(pipeline.parse(text)))
    rng = np.random.default_rng(4)
    x, W, b = rng.normal(size=(3, 5)), rng.normal(size=(4, 5, 5)), rng.normal(size=(4, 5))
    cost, expected = module.value_and_grad(x=x, W=W, b=b)
    for made in ({"W": W, "b": b}, {"W": [*W], "b": (*b,)}):
        room = module.make_workspace(x=x, **made)
        assert module._fits(room, x, W, b) and module._fits(room, x, [*W], (*b,))
        for given in ({"W": W, "b": b}, {"W": [*W], "b": (*b,)}, {"W": W.tolist(), "b": b}):
            again, found = module.value_and_grad(x=x, **given, out=room)
            assert again == pytest.approx(cost, rel=1e-14)
            assert isinstance(found.W, np.ndarray) == isinstance(given["W"], np.ndarray)
            for mine, its in zip(found, expected, strict=True):
                np.testing.assert_allclose(np.asarray(mine), its, rtol=1e-12)
        one, two = (module.value_and_grad(x=x, W=W, b=b, out=room)[1].W for _ in "12")
        assert one is two
        others = ((W[:3], b), (W[:, :4], b), (W.astype("f4"), b), (b, b))
        assert not any(module._fits(room, x, w, c) for w, c in others)
        for wrong in ({"W": W[:3], "b": b[:3]}, {"W": [*W, W[0]], "b": [*b, b[0]]}):
            with pytest.raises(ValueError, match="the workspace was made for"):
                module.value_and_grad(x=x, **wrong, out=room)

