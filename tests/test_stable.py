"""Values and gradients stay finite, and right, where the true ones are: inputs to ±1e4, float32 too."""

from __future__ import annotations

import numpy as np
import pytest

from symbp import pipeline
from symbp.derive.engine import adjoint_system

COSTS = {
    # the cost of u and v, its value and its two derivatives where u - v is large, or small
    "log(exp(u) + exp(v))": (max, lambda u, v: (u > v, v > u)),
    "log(exp(u) + exp(v) + exp((u + v)/2))": (max, lambda u, v: (u > v, v > u)),
    "logaddexp(u, v)": (max, lambda u, v: (u > v, v > u)),
    "pair(u, v)": (max, lambda u, v: (u > v, v > u)),
    "log(1 + exp(u - v))": (lambda u, v: max(u - v, 0), lambda u, v: (u > v, -1.0 * (u > v))),
    "-log(sigmoid(u - v))": (lambda u, v: max(v - u, 0), lambda u, v: (-1.0 * (v > u), v > u)),
    "-log(1 - sigmoid(u - v))": (lambda u, v: max(u - v, 0), lambda u, v: (u > v, -1.0 * (u > v))),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("u", "v"), [(1e4, -1e4), (-1e4, 1e4), (1e4, 9e3), (-1e4, -9e3), (5e2, 0.0)])
@pytest.mark.parametrize("cost", COSTS)
def test_a_logarithm_of_exponentials(cost: str, u: float, v: float, dtype: str) -> None:
    text = f"pair(a, b) = log(exp(a) + exp(b))\nparam u\nparam v\ncost C = {cost}\n"
    module = pipeline.module_of(adjoint_system(pipeline.parse(text)))
    value, derivatives = COSTS[cost]
    with np.errstate(all="raise", under="ignore"):
        found, grads = module.value_and_grad(u=np.asarray(u, dtype), v=np.asarray(v, dtype))
    assert found == pytest.approx(value(u, v), rel=1e-3, abs=1e-3)
    assert (grads.u, grads.v) == pytest.approx(tuple(map(float, derivatives(u, v))), abs=1e-6)
    assert grads.u.dtype == grads.v.dtype == dtype


def test_equal_exponents_share_the_derivative() -> None:
    text = "param u\nparam v\ncost C = log(exp(u) + exp(v))\n"
    module = pipeline.module_of(adjoint_system(pipeline.parse(text)))
    _, grads = module.value_and_grad(u=np.float64(3.0), v=np.float64(3.0))
    assert grads.u == grads.v == 0.5


def test_a_border_far_away_is_no_path() -> None:
    """Soft-DTW against its recurrence in Python's floats, with a border of 1e9."""
    module = pipeline.module_of(adjoint_system(pipeline.load("soft_dtw")))
    x, y = np.random.default_rng(0).normal(size=(2, 5, 3))
    cost, _ = module.value_and_grad(x=x[None], y=list(y[:4]), gamma=0.5, R=1e9)
    table = np.full((6, 5), np.inf)
    table[0, 0] = 0
    for i in range(1, 6):
        for j in range(1, 5):
            near = np.array([table[i - 1, j - 1], table[i - 1, j], table[i, j - 1]])
            soft = near.min() - 0.5 * np.log(np.exp((near.min() - near) / 0.5).sum())
            table[i, j] = ((x[i - 1] - y[j - 1]) ** 2).sum() + soft
    assert cost == pytest.approx(table[5, 4], rel=1e-12)
