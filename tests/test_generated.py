"""generated/ is what the models generate: byte for byte, importable, and right."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest

from symbp import generating, models, pipeline
from symbp.files import generated

FOLDER = Path(__file__).parents[1] / "generated"


FILES = sorted(FOLDER.glob("*.tex")) + sorted(FOLDER.glob("[!_]*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.name)
def test_a_file_is_what_its_model_generates(path: Path) -> None:
    about = generated(path.read_text(encoding="utf-8"))
    assert about is not None and not about.edited
    target = next(t for t in generating.TARGETS if t.suffix == path.suffix)
    assert path.read_text(encoding="utf-8") == generating.make(pipeline.load(about.model), target).text


def test_every_model_is_there() -> None:
    assert {p.stem for p in FOLDER.glob("*.tex")} == set(models.names())
    abstract = {n for n in models.names() if any(f.body is None for f in pipeline.load(n).functions.values())}
    assert {p.stem for p in FOLDER.glob("[!_]*.py")} == set(models.names()) - abstract


def test_mlp_against_central_differences() -> None:
    mlp = importlib.import_module("generated.mlp")
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 4)), rng.normal(size=(6, 2))
    w = [rng.normal(size=(3, 4)), rng.normal(size=(5, 3)), rng.normal(size=(2, 5))]
    b = [rng.normal(size=3), rng.normal(size=5), rng.normal(size=2)]
    _, grads = mlp.value_and_grad(x=x, y=y, w=w, b=b)
    for layer in range(3):
        for at in np.ndindex(w[layer].shape):
            moved = [[m.copy() for m in w] for _ in range(2)]
            moved[0][layer][at] += 1e-6
            moved[1][layer][at] -= 1e-6
            up, down = (mlp.value(x=x, y=y, w=m, b=b) for m in moved)
            assert grads.w[layer][at] == pytest.approx((up - down) / 2e-6, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1.0, 1e2, 1e4])
def test_no_overflow_at_large_weighted_inputs(scale: float, dtype: type) -> None:
    module = importlib.import_module("generated.softmax_classifier")
    rng = np.random.default_rng(1)
    x = (scale * rng.normal(size=(5, 3))).astype(dtype)
    w = [rng.normal(size=(4, 3)).astype(dtype), (scale * rng.normal(size=(2, 4))).astype(dtype)]
    b = [np.zeros(4, dtype), np.zeros(2, dtype)]
    with np.errstate(all="raise", under="ignore"):
        cost, grads = module.value_and_grad(x=x, c=np.array([0, 1, 0, 1, 1]), w=w, b=b)
    assert np.isfinite(cost)
    assert all(np.isfinite(g).all() and g.dtype == dtype for g in (*grads.w, *grads.b))


def test_the_binary_classifier_is_stable() -> None:
    module = importlib.import_module("generated.binary_classifier")
    x, y = np.array([[1e4], [-1e4], [1e4]]), np.array([0.0, 1.0, 1.0])
    with np.errstate(all="raise", under="ignore"):
        cost, grads = module.value_and_grad(
            x=x, y=y, w=[np.ones((1, 1))], b=[np.zeros(1)], v=np.array([1e4]), d=0.0, lambda_=0.0
        )
    assert cost == pytest.approx(2e4 / 3)
    assert np.isfinite(grads.v).all()
