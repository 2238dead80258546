"""Models whose true values are finite far out, though an equation on the way names something that is not."""

from __future__ import annotations

import numpy as np
import pytest

import symbp

SOFTMAX = """
    param x : N
    const q : N
    z = sum(exp(x[i]), i)
    p[i] = exp(x[i])/z
    cost C = sum(q[i]*p[i], i)
"""
FOCAL = """
    const y : N in 0..1
    param x : N
    p[i] = sigmoid(x[i])
    q[i] = where(y[i] == 1, p[i], 1 - p[i])
    cost C = -sum((1 - q[i])^2*log(q[i]), i)
"""
ZERO_INFLATED = """
    const l : N
    param x : N
    r[i] = sigmoid(x[i])
    cost C = -sum(log(r[i] + (1 - r[i])*exp(-l[i]^2)), i)
"""
GUMBEL = "param x : N\ncost C = sum(exp(-exp(-x[i])), i)\n"
NAMED = "g(u) = exp(-exp(-u))\nparam x : N\na[i] = g(x[i])\ncost C = sum(a[i], i)\n"
UNLIKELY = """
    const y in 0..N-1
    param x : N
    p[i] = softmax(x[i], i)
    cost C = -log(1 - p[y])
"""
TWO_SHARES = """
    const q : N
    param x : N
    a[i] = softmax(x[i], i)
    b[i] = softmax(q[i], i)
    cost C = -log(sum(a[i]*b[i], i))
"""
SOME = "param x : N\np[i] = softmax(x[i], i)\ncost C = -log(p[0] + p[1])\n"
THIRD = 1 / 3

# the model, what is given, x, the cost, and its gradient
FAR = {
    "a softmax whose total has a name": (SOFTMAX, {"q": [1.0, 2.0, 3.0]}, [1e4, -1e4, 3.0], 1, [0, 0, 0]),
    "a chosen probability": (FOCAL, {"y": [1, 1, 0, 0]}, [1e4, -1e4, 1e4, -1e4], 2e4, [0, -1, 1, 0]),
    "a share of zeros": (ZERO_INFLATED, {"l": [1e2, 1e2, 5e2]}, [1e4, -1e3, -1e4], 1.1e4, [0, -1, -1]),
    "all classes but one": (UNLIKELY, {"y": 0}, [1e4, -1e4, 3.0], 9997, [1, 0, -1]),
    "a sum of products of shares": (
        TWO_SHARES, {"q": [-1e4, 0.0, 1e4]}, [1e4, 0.0, -1e4], 2e4 - np.log(3), [1 - THIRD, -THIRD, -THIRD]
    ),
    "some of the shares": (SOME, {}, [-1e4, -1e4, 1e4], 2e4 - np.log(2), [-0.5, -0.5, 1]),
    "a steep exponential": (GUMBEL, {}, [1e4, -1e4], 1, [0, 0]),
    "a steep function": (NAMED, {}, [1e4, -1e4], 1, [0, 0]),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FAR)
def test_finite_values_are_finite_far_out(name: str, dtype: str) -> None:
    text, given, x, cost, gradient = FAR[name]
    module = symbp.parse(text).compile()
    arrays = {n: np.array(v) if n == "y" else np.array(v, dtype) for n, v in given.items()}
    arrays["x"] = np.array(x, dtype)
    workspace = module.make_workspace(**{n: a * 0 if n != "y" else a for n, a in arrays.items()})
    for out in (None, workspace, workspace):
        with np.errstate(all="raise", under="ignore"):
            found, grads = module.value_and_grad(**arrays, out=out)
        assert found == pytest.approx(cost, rel=1e-6)
        np.testing.assert_allclose(grads.x, gradient, atol=1e-6)


@pytest.mark.parametrize("name", FAR)
def test_they_hold_at_ordinary_values(name: str) -> None:
    report = symbp.parse(FAR[name][0]).verify()
    assert report.ok, str(report)


def test_a_total_that_is_asked_for_stays() -> None:
    """∂C/∂z is wanted: z is no name that the softmax may do without."""
    derivation = symbp.parse(SOFTMAX).derive("z")
    assert derivation.result != 0


def test_an_exponent_without_an_exponential_stays_a_factor() -> None:
    """exp(−x²/2) exp(x) is as good as written; only exponents that may leave the range are added."""
    text = "param x\ncost C = exp(-x^2/2)*exp(x)\n"
    shown = symbp.parse(text).derive("x")
    assert not any(step.rule == "exponents" for step in shown.steps)
    assert any(step.rule == "exponents" for step in symbp.parse(GUMBEL).derive("x").steps)


def test_attention_written_out_in_a_recurrence() -> None:
    """A softmax reads its scores once, the quotient twice: e was taken for a name that is lost."""
    text = """
        index t = 1..T, u = 1..U
        input x[t] : H
        param B : H, H
        s[0,i] = x[T,i]
        e[u,t] = sum(s[u-1,i]*x[t,i], i)
        a[u,t] = exp(e[u,t])/sum(exp(e[u,r]), r=1..T)
        g[u,i] = sum(a[u,t]*x[t,i], t)
        s[u,i] = tanh(sum(B[i,j]*g[u,j], j))
        cost C = sum(s[U,i]^2, i)
    """
    report = symbp.parse(text).verify()
    assert report.ok, str(report)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (UNLIKELY, "1 less one share is the sum of all others"),
        ("param x\nm = tanh(x)\ncost C = -(1 + m)/2*log((1 + m)/2)\n", "1 + tanh(u) is twice the sigmoid"),
        ("param x\ncost C = tanh(x)*log(1 + tanh(x))\n", "1 + tanh(u) is twice the sigmoid"),
    ],
)
def test_the_reason_says_what_the_stable_form_makes_use_of(text: str, reason: str) -> None:
    steps = symbp.parse(text).derive("x").steps
    (stable,) = (step.reason for step in steps if step.rule == "stable form")
    assert stable.startswith(reason)
