"""The oracle where floats end: log 0 as a large number, exponentials that vanish, digits that cancel."""

from __future__ import annotations

import math

import numpy as np
import pytest

from symbp import models, pipeline
from symbp.derive.engine import adjoint_system
from symbp.errors import SymbpError
from symbp.verify.bundle import Bundle
from symbp.verify.evaluate import Oracle, OutsideDomain
from symbp.verify.gradients import check_module
from symbp.verify.sample import Sample, samples

CTC = """\
index t = 1..T
index s = 0..S
input x[t] : D
param W : K, D
u[t,k] = sum(W[k,d]*x[t,d], d)
p[t,k] = softmax(u[t,k], k)
a[1,0] = log(p[1,0])
a[1,1] = log(p[1,1])
a[1,s] = -{nothing} for s = 2..S
a[t,0] = a[t-1,0] + log(p[t,0]) for t = 2..T
a[t,s] = log(exp(a[t-1,s]) + exp(a[t-1,s-1])) + log(p[t,0]) for t = 2..T, s = 1..S
cost C = -log(exp(a[T,S]) + exp(a[T,S-1]))
"""


@pytest.mark.parametrize("nothing", ["700", "720", "740", "1e4", "1e9"])
def test_a_large_number_may_stand_for_the_logarithm_of_0(nothing: str) -> None:
    report = pipeline.verified(pipeline.parse(CTC.format(nothing=nothing)))
    assert report.ok, str(report)


def oracle_of(text: str, **values: float) -> Oracle:
    model = pipeline.parse(text)
    return Oracle(model, Sample(model, {}, {name: {(): v} for name, v in values.items()}))


PAIR = "param u\nparam v\ncost C = log(exp(u) + exp(v))\n"


@pytest.mark.parametrize("far", [-605.0, -650.0, -710.0, -740.0, -1e4, 800.0, 1e4, 1e9])
def test_a_logarithm_of_exponentials_that_are_no_floats(far: float) -> None:
    """Where the value would still be a float (e^-650), its complex step is not."""
    oracle, share = oracle_of(PAIR, u=far, v=far + 1), 1 / (1 + math.e)
    assert oracle.cost == pytest.approx(far + 1 + math.log1p(math.exp(-1)), rel=1e-15)
    assert oracle.adjoint("u", ()) == pytest.approx(share, rel=1e-13)
    assert oracle.adjoint("v", ()) == pytest.approx(1 - share, rel=1e-13)


def test_values_that_are_no_floats_go_from_equation_to_equation() -> None:
    text = "param u\nparam v\na = exp(u)\nb = exp(v)\np = a/(a + b)\ncost C = log(p) + p^2\n"
    for far in (-2e4, 2e4, 0.25):
        oracle, p = oracle_of(text, u=far, v=far + 1), 1 / (1 + math.e)
        assert oracle.cost == pytest.approx(math.log(p) + p * p, rel=1e-12)
        assert oracle.adjoint("u", ()) == pytest.approx((1 - p) + 2 * p * p * (1 - p), rel=1e-12)


@pytest.mark.parametrize("u", [0.5, 25.0, 300.0, 1e4])
def test_as_many_digits_as_it_takes(u: float) -> None:
    oracle = oracle_of("param u\ncost C = log(1 - tanh(u)^2)\n", u=u)
    if u != 25.0:  # there tanh(u) is 1 - 4e-22, and 1 in floats
        assert oracle.cost == pytest.approx(2 * (math.log(2) - u - math.log1p(math.exp(-2 * u))), rel=1e-9)
    assert oracle.adjoint("u", ()) == pytest.approx(-2 * math.tanh(u), rel=1e-9)


def test_who_reads_whom_is_known_though_the_first_exponential_leaves_the_floats() -> None:
    """A sum that is given up at its first term has not yet read the others."""
    text = "param w : N\nm[i] = 1000 + 3*w[i]\ny = log(sum(exp(m[i]), i))\ncost C = y^2\n"
    model = pipeline.parse(text)
    oracle = Oracle(model, samples(model)[0])
    slopes = [oracle.adjoint("w", at) for at in oracle.sample.values["w"]]
    assert sum(slopes) == pytest.approx(6 * oracle.element("y", ()), rel=1e-12) and all(slopes)


def test_a_value_that_is_not_there_is_told_with_its_place() -> None:
    text = "param u : N\nv[i] = u[i]^2\nw[i] = log(-1 - v[i])\ncost C = sum(w[i], i)\n"
    with pytest.raises(SymbpError) as told:
        pipeline.verified(pipeline.parse(text, "model.symbp"))
    said = str(told.value)
    assert said.startswith("<model.symbp>:3:1: error: ") and "w[0] has no value: log of -" in said
    assert "w[i] = log(-1 - v[i])" in said and "help: " in said and "log(u^2 + 1)" in said
    with pytest.raises(OutsideDomain, match=r"y has no value: a division by zero"):
        _ = oracle_of("param u\ny = 1/(u - u)\ncost C = y\n", u=1.0).cost


def test_digits_that_floats_lose_are_no_error_of_the_module() -> None:
    """1 - σ(u) keeps three digits at u = 30; the module computes it in its stable form."""
    model = pipeline.parse("param u : N\ncost C = sum(log(1 - sigmoid(30 + u[i])), i)\n")
    report = pipeline.verified(model)
    assert report.ok, str(report)
    module = pipeline.module_of(adjoint_system(model))
    assert all(check.ok for check in check_module(model, module, samples(model)[0]))


# ── many directions at once ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", models.names())
def test_many_directions_at_once_give_what_one_at_a_time_gives(name: str) -> None:
    model = pipeline.load(name)
    sample = samples(model)[0]
    together, alone = Oracle(model, sample, many=True), Oracle(model, sample)
    arrays = [a.name for a in model.of_kind("param", "variable")]
    keys = [(n, at) for n in arrays for at in [k[1] for k in _read(together) if k[0] == n][:12]]
    many = [together.adjoint(*key) for key in keys]
    assert many == pytest.approx([alone.adjoint(*key) for key in keys], rel=1e-11, abs=1e-13)


def _read(oracle: Oracle) -> list[tuple[str, tuple[int, ...]]]:
    _ = oracle.cost
    return list(oracle._known)


def test_the_arithmetic_of_bundles() -> None:
    """Against complex steps, and differences for the functions that are not analytic."""
    def step(k: int) -> list[complex]:
        return [complex(x, 1e-40 * (i == k)) for i, x in enumerate((0.7, -1.3))]

    whole = [Bundle(x, row) for x, row in zip((0.7, -1.3), np.eye(2), strict=True)]
    for compute in (
        lambda a, b: a * b + 2 * a - b, lambda a, b: a / b, lambda a, b: 3 / b - a / 4,
        lambda a, b: (1 - a) * (b - 2) / (a + b), lambda a, b: -(a * a * b) + (5 - b) - 1,
    ):  # fmt: skip
        found = compute(*whole)
        assert found.real == pytest.approx(compute(0.7, -1.3))
        assert found.imag == pytest.approx([compute(*step(k)).imag / 1e-40 for k in (0, 1)], rel=1e-14)
    assert whole[0] != 0.7 and Bundle(0.7, np.zeros(2)) == 0.7


def test_what_is_checked_is_told() -> None:
    report = pipeline.verified(pipeline.load("linear_regression"))
    told = "up to 24 elements of its adjoint in float64, and at up to 3 in 60 digits, for each of the sizes"
    assert f"{told}; the module at all of them" in str(report)
