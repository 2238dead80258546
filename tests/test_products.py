"""Sums written as products of matrices stay right: distances, sums in the space of logarithms."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from symbp import parse

KERNEL = """\
input x : D
param c : M, D
param w : M
r[j] = sum((x[d] - c[j,d])^2, d)
cost C = sum(w[j]*exp(-r[j]/2), j)
"""
NEAR = """\
const x : N, D
param c : M, D
cost C = sum(sqrt(sum((x[n,d] - c[j,d])^2, d)), n, j)
"""

def drawn(rng: np.random.Generator, **shapes: tuple[int, ...]) -> dict[str, np.ndarray]:
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def both(module: ModuleType, given: dict[str, Any]) -> tuple[float, list[np.ndarray]]:
    """The plain form, which the form with a workspace has to equal."""
    cost, grads = module.value_and_grad(**given)
    workspace = module.make_workspace(**given)
    for _ in range(2):
        again, its = module.value_and_grad(**given, out=workspace)
        np.testing.assert_allclose(again, cost, rtol=1e-12)
        for mine, other in zip(its, grads, strict=True):
            np.testing.assert_allclose(mine, other, rtol=1e-12, atol=1e-12 * np.abs(other).max())
    return cost, list(grads)


@pytest.mark.parametrize("features", [3, 11])
def test_distances_equal_sums_of_squared_differences(features: int) -> None:
    module = parse(KERNEL).compile()
    given = drawn(np.random.default_rng(0), x=(7, features), c=(5, features), w=(5,))
    cost, (grad_c, grad_w) = both(module, given)
    x, c, w = (given[n] for n in "xcw")
    difference = x[:, None] - c
    phi = np.exp(-0.5 * (difference**2).sum(axis=2))
    np.testing.assert_allclose(cost, (phi @ w).mean(), rtol=1e-13)
    np.testing.assert_allclose(grad_w, phi.mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(grad_c, np.einsum("nj,njd->jd", phi * w, difference) / 7, rtol=1e-12)


@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize("offset", [0.0, 1e4])
def test_distances_of_points_that_nearly_coincide_keep_their_digits(distance: float, offset: float) -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((4, 12)) + offset
    c = np.concatenate([x + distance * rng.standard_normal((4, 12)), rng.standard_normal((2, 12)) + offset])
    cost, (grad_c,) = both(parse(NEAR).compile(), {"x": x, "c": c})
    difference = x[:, None] - c
    length = np.sqrt((difference**2).sum(axis=2))
    np.testing.assert_allclose(cost, length.sum(), rtol=1e-13)
    np.testing.assert_allclose(grad_c, -(difference / length[:, :, None]).sum(axis=0), rtol=2e-5, atol=1e-6)


def test_a_point_has_no_distance_from_itself() -> None:
    module = parse(NEAR).compile()
    points = np.random.default_rng(2).standard_normal((6, 9)) * 1e3
    assert np.array_equal(np.diag(module.squared_distances(points, points)), np.zeros(6))
    stacked = module.squared_distances(np.stack([points, points[::-1]]), np.stack([points, points]))
    np.testing.assert_allclose(stacked[1], stacked[0][::-1], rtol=1e-13)


def test_sums_over_a_difference_are_taken_apart() -> None:
    text = parse(KERNEL).to_numpy().split("def value(")[0]
    assert "squared_distances(x, c)" in text and "[:, :, None]" not in text


def test_distances_that_several_terms_need_make_no_array_of_differences() -> None:
    text = """\
const X : N, D
param W : K, D
param g
u[n,k] = sum(W[k,d]*X[n,d], d)
cost C = mean(exp(-g^2*sum((u[n,k] - u[i,k])^2, k)), n, i=0..N-1)
"""
    code = parse(text).to_numpy().split("def value(")[0]
    assert code.count("squared_distances(u, u)") == 1 and "difference" not in code
    given = drawn(np.random.default_rng(4), X=(6, 9), W=(10, 9)) | {"g": np.array(0.3)}
    cost, _ = both(parse(text).compile(), given)
    u = given["X"] @ given["W"].T
    np.testing.assert_allclose(cost, np.exp(-0.09 * ((u[:, None] - u) ** 2).sum(axis=2)).mean(), rtol=1e-12)
