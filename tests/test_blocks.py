"""Large examples are taken in blocks that stay in the cache: the mean over all is the same."""

from __future__ import annotations

import gc
import tracemalloc
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symbp import pipeline
from symbp.derive.engine import adjoint_system

IMAGES = """
input x : A, H, W
input c in 0..K-1
const r
param f : F, A, P, P
param g
param V : K, F
z[o,i,j] = tanh(g*sum(f[o,a,p,q]*x[a,i+p,j+q], a, p, q))
m[o] = mean(z[o,i,j], i, j)
s[k] = sum(V[k,o]*m[o], o)
cost C = logsumexp(s[k], k) - s[c] + r*sum(f[o,a,p,q]^2, o, a, p, q)/2
"""
HEADS = """
index t = 0..T-1
input x[t] : D
param Q : D, D
param K : D, D
s[t,u] = sum(sum(Q[i,j]*x[t,j], j)*sum(K[i,j]*x[u,j], j), i)/sqrt(D)
p[t,u] = softmax(s[t,u], u)
o[t,i] = sum(p[t,u]*x[u,i], u)
cost C = sum((o[t,i] - x[t,i])^2, t, i)/2
"""


@cache
def module_of(text: str) -> ModuleType:
    return pipeline.module_of(adjoint_system(pipeline.parse(text)))


def images(batch: int, size: int, dtype: str = "float64", seed: int = 0) -> dict[str, Any]:
    """Arguments of the model of images."""
    rng = np.random.default_rng(seed)
    shapes = {"x": (batch, 3, size, size + 2), "f": (5, 3, 4, 4), "V": (6, 5), "g": (), "r": ()}
    given: dict[str, Any] = {n: np.asarray(rng.normal(size=s), dtype) for n, s in shapes.items()}
    return {**given, "c": rng.integers(0, 6, batch)}


def agrees(module: ModuleType, room: Any, given: dict[str, Any], tolerance: float) -> None:
    cost, expected = module.value_and_grad(**given)
    again, found = module.value_and_grad(**given, out=room)
    assert again == pytest.approx(cost, rel=tolerance)
    for mine, its in zip(found, expected, strict=True):
        assert mine.dtype == its.dtype and np.shape(mine) == np.shape(its)
        np.testing.assert_allclose(mine, its, rtol=tolerance, atol=tolerance * np.abs(its).max())


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-11), ("float32", 2e-4)])
def test_large_examples_are_taken_in_blocks(dtype: str, tolerance: float) -> None:
    """Terms without inputs count once, whatever the sizes of the blocks; labels and scalars go along."""
    module, given = module_of(IMAGES), images(19, 40, dtype)
    room = module.make_workspace(**given)
    sizes = [part.stop - part.start for part, *_ in room.blocks]
    assert sum(sizes) == 19 and len(sizes) > 3 and (dtype == "float64" or len({*sizes}) == 2)
    for seed in range(3):
        agrees(module, room, images(19, 40, dtype, seed), tolerance)
    assert room.room is None  # what all examples together would need is not kept


def test_matrices_for_every_example_are_taken_in_blocks() -> None:
    rng = np.random.default_rng(1)
    module = module_of(HEADS)
    shapes = {"x": (9, 130, 24), "Q": (24, 24), "K": (24, 24)}
    given = {name: rng.normal(size=shape) for name, shape in shapes.items()}
    room = module.make_workspace(**given)
    assert len(room.blocks) > 3
    agrees(module, room, given, 1e-11)
    agrees(module, room, {**given, "x": rng.normal(size=(9, 130, 24)).tolist()}, 1e-11)


@pytest.mark.parametrize(("batch", "size"), [(1, 40), (3, 40), (64, 9)])
def test_few_or_small_examples_are_taken_together(batch: int, size: int) -> None:
    module, given = module_of(IMAGES), images(batch, size)
    room = module.make_workspace(**given)
    assert not hasattr(room, "blocks")
    agrees(module, room, given, 1e-11)


def test_vectors_and_large_parameters_are_never_taken_in_blocks() -> None:
    """Each block would read all parameters again."""
    text = "input x : D\nparam W : H, D\ncost C = sum(tanh(sum(W[j,i]*x[i], i))^2, j)"
    assert "blocks(" not in pipeline.module_text(adjoint_system(pipeline.parse(text)))
    dense = "V[k,o,i,j]*z[o,i,j], o, i, j"
    module = module_of(IMAGES.replace("V : K, F", "V : K, F, H-P+1, W-P+1").replace("V[k,o]*m[o], o", dense))
    rng = np.random.default_rng(2)
    given = {**images(19, 40), "V": rng.normal(size=(60, 5, 37, 39))}
    room = module.make_workspace(**given)
    assert not hasattr(room, "blocks")
    agrees(module, room, given, 1e-11)


def test_arguments_of_other_shapes_are_refused() -> None:
    module, given = module_of(IMAGES), images(19, 40)
    room = module.make_workspace(**given)
    with pytest.raises(ValueError, match="the workspace was made for"):
        module.value_and_grad(**{**given, "x": given["x"][:18], "c": given["c"][:18]}, out=room)
    with pytest.raises(ValueError, match="c: expected 0 to 5, got 0 to 9"):
        module.value_and_grad(**{**given, "c": np.r_[given["c"][:18], 9]}, out=room)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_workspace_may_be_made_before_there_are_data(value: float) -> None:
    module, given = module_of(IMAGES), images(19, 40)
    room = module.make_workspace(**{**given, "x": np.full_like(given["x"], value)})
    assert room.blocks
    agrees(module, room, given, 1e-11)


def test_blocks_allocate_nothing_after_the_first_call() -> None:
    module, given = module_of(IMAGES), images(19, 40)
    room = module.make_workspace(**given)
    peaks = []
    for _ in "123":
        gc.collect()
        tracemalloc.start()
        module.value_and_grad(**given, out=room)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 2 * 64 * 1024 < peaks[0], peaks  # buffers of NumPy
