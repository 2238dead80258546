"""A user's functions may have any name: those of Python, of NumPy, of the module and of derivatives too."""

import numpy as np
import pytest

import symbp

MODELS = {
    "of the module": """
        value(np) = np*exp(np)
        forward(len) = len^2*sin(len)
        Gradients(math, erf) = math*erf^2
        cost C = sum(value(w[i]*x[i]) + forward(w[i]) + Gradients(w[i], x[i]), i)
    """,
    "of what it imports": """
        np(u) = u^3
        operator(u) = u*exp(u)
        functools(u) = u^2*sin(u)
        zip(u) = u^4
        out(u) = u^5
        cost C = sum(np(w[i]) + operator(w[i]*x[i]) + functools(w[i]) + zip(w[i]) + out(w[i]*x[i]), i)
    """,
    "of a derivative": """
        param f_prime : n
        f(u) = u^3*sin(u)
        g(u) = u^3
        g_prime(u) = u^4
        g_prime_(u) = u^5
        cost C = sum(f(w[i])*f_prime[i] + g(w[i])*g_prime(w[i]*x[i]) + g_prime_(w[i]), i)
    """,
}


@pytest.mark.parametrize("name", MODELS)
def test_a_function_gives_way_to_a_name_that_the_module_needs(name: str) -> None:
    report = symbp.parse(f"input x : n\nparam w : n\n{MODELS[name]}").verify()
    assert report.ok, report


def test_an_argument_keeps_its_name_where_a_derivative_has_the_same() -> None:
    module = symbp.parse(f"input x : n\nparam w : n\n{MODELS['of a derivative']}").compile()
    x, w, f_prime = np.array([[0.5, -1.0]]), np.array([0.3, 2.0]), np.array([1.0, -0.7])
    cost, grads = module.value_and_grad(x=x, w=w, f_prime=f_prime)
    p = (w * x)[0]
    by_hand = np.sum(w**3 * np.sin(w) * f_prime + w**3 * p**4 + w**5)
    slope = (3 * w**2 * np.sin(w) + w**3 * np.cos(w)) * f_prime + 7 * w**6 * x[0] ** 4 + 5 * w**4
    assert cost == pytest.approx(by_hand, rel=1e-14)
    np.testing.assert_allclose(grads.w, slope, rtol=1e-13)
    np.testing.assert_allclose(grads.f_prime, w**3 * np.sin(w), rtol=1e-14)
