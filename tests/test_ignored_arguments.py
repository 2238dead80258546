"""User's functions of two arguments whose value or derivative ignores one of them: sums count both."""

from __future__ import annotations

import numpy as np
import pytest

import symbp

SIN = "g(u, v) = u^2 + sin(v)\n"
X, S = np.array([0.3, -1.0, 2.0]), 0.7


@pytest.mark.parametrize("target", ["numpy", "numba"])
@pytest.mark.parametrize("call", ["g(x[i], s)", "h(s, x[i])"])
def test_each_element_counts(call: str, target: str) -> None:
    """Σ_i (x_i² + sin s) has the derivative N cos(s), which was cos(s)."""
    text = f"param x : N\nparam s\n{SIN}h(v, u) = u^2 + sin(v)\ncost C = sum({call}, i)\n"
    model = symbp.parse(text)
    module = model.compile(target=target)
    value, gradients = module.value_and_grad(x=X, s=np.array(S))
    assert value == pytest.approx(np.sum(X**2 + np.sin(S)))
    np.testing.assert_allclose(gradients.x, 2 * X)
    assert gradients.s == pytest.approx(3 * np.cos(S))
    assert model.verify().ok


OTHERS = {
    "squared": SIN + "cost C = sum(g(x[i], s)^2, i)\n",
    "a matrix": SIN + "p[i,j] = g(x[i]*y[j], s)\ncost C = sum(p[i,j]*p[j,i], i, j)\n",
    "two vectors": SIN + "cost C = sum(g(x[i], y[j])*y[j], i, j)^2\n",
    "the value too": "k(u, v) = exp(v)\ncost C = sum(k(x[i], s), i)*s + sum(k(x[i], y[j]), i, j)\n",
    "a number": "c(u) = 3\ncost C = sum(c(x[i])*y[i], i) + sum(c(y[i]), i)*s\n",
    "in a batch": "input z : N\n" + SIN + "cost C = sum(g(z[i], s), i) + g(z[0], y[0])\n",
    "through another": "f(u, v) = u*sin(v)\nq(u, v) = u + f(v, v)\n"
    "cost C = sum(q(x[i], s)^2 + q(s, y[i]), i)\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_module_is_the_oracle(name: str) -> None:
    report = symbp.parse("param x : N\nparam y : N\nparam s\n" + OTHERS[name]).verify()
    assert report.ok, report
