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


@pytest.mark.parametrize(
    ("functions", "cost"),
    [
        ("g(u, v) = u^2 + sin(v)", "sum(g(x[i], s), i)"),  # ∂g/∂v is cos v, whatever x is
        ("g(u, v) = u^2 + sin(v)", "sum(g(x[i], s)*x[i], i)"),
        ("f(u) = 3", "sum(f(x[i]*s)*x[i], i) + sum(f(x[i]), i)*s"),
        ("f(u, v) = sin(u)", "mean(f(s, x[i]), i) + sum(f(s, x[i])^2, i) + max(f(s, x[i]), i)"),
    ],
)
def test_a_function_that_does_not_depend_on_all_of_its_arguments(functions: str, cost: str) -> None:
    """Its value has the shape of all of them: a sum over x[i] has as many terms as x."""
    model = symbp.parse(f"{functions}\nparam x : N\nparam s\ncost C = {cost}")
    assert model.verify().ok
    module = model.compile()
    given = {"x": np.asarray([0.4, 1.3, -0.7], np.float32), "s": np.float32(0.3)}
    assert all(np.asarray(g).dtype == np.float32 for g in module.value_and_grad(**given)[1])
