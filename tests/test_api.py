"""The Python face: what the README and a notebook use."""

from __future__ import annotations

import numpy as np
import pytest
import sympy

import symbp

MODEL = """\
input x : D
input y
param w : D
param b
s = sum(w[d]*x[d], d) + b
cost C = (s - y)^2/2
"""


def test_steps_carry_rule_reason_and_sympy_expressions() -> None:
    d = symbp.load("mlp").derive("delta")
    assert [s.rule for s in d.steps][:3] == ["definition", "chain rule", "name"]
    for step in d.steps:
        assert step.rule and step.reason
        assert isinstance(step.before, sympy.Basic) and isinstance(step.after, sympy.Basic)
    assert d.steps[-1].after.has(sympy.Sum)


def test_the_result_is_the_recurrence_in_sympy() -> None:
    d = symbp.load("mlp").derive("delta")
    layer, j, k, length = (sympy.Symbol(n, integer=True) for n in ("l", "j", "k", "L"))
    delta, w, z = (sympy.IndexedBase(n) for n in ("delta", "w", "z"))
    n = sympy.IndexedBase("n", integer=True)
    u = sympy.Symbol("u0")
    prime = sympy.Subs(sympy.Derivative(sympy.Function("sigma")(u), u), u, z[layer - 1, k])
    expected = sympy.Sum(delta[layer, j] * w[layer, j, k], (j, 0, n[layer] - 1)) * prime
    assert d.result == expected
    assert length not in d.result.free_symbols


def test_the_matrix_form_in_latex_and_numpy() -> None:
    matrix = symbp.load("mlp").derive("delta").matrix
    assert matrix is not None
    assert matrix.to_numpy() == "(w[l].T @ delta[l])*sigma_prime(z[l-1])"
    assert r"\odot" in matrix.to_latex() and r"\mathsf{T}" in matrix.to_latex()


def test_the_numpy_text_of_a_matrix_form_computes() -> None:
    model = symbp.load("autoencoder")
    matrix = model.derive("W").matrix
    assert matrix is not None
    rng = np.random.default_rng(0)
    x, weights = rng.normal(size=3), rng.normal(size=(2, 3))
    b, c = rng.normal(size=2), rng.normal(size=3)
    values = model.compile().forward(x=x[None], W=weights, b=b, c=c)
    _, grads = model.compile().value_and_grad(x=x[None], W=weights, b=b, c=c)
    h, r = values["h"][0], values["r"][0]
    epsilon = r - x
    delta = (weights @ epsilon) * h * (1 - h)
    names = {"np": np, "x": x, "h": h, "delta": delta, "epsilon": epsilon}
    np.testing.assert_allclose(eval(matrix.to_numpy(), names), grads.W, rtol=1e-12)


def test_a_derivation_shows_itself() -> None:
    d = symbp.load("mlp").derive("delta")
    assert d._repr_latex_().startswith("$$") and d._repr_latex_().endswith("$$")
    assert "<math" in d._repr_html_() and "<script src" not in d._repr_html_()
    assert "δ" in str(d)
    assert r"\documentclass" in d.to_latex(standalone=True)
    assert r"\documentclass" not in d.to_latex()
    assert "$$" in d.to_markdown()


def test_parse_compile_and_verify() -> None:
    model = symbp.parse(MODEL)
    module = model.compile(wrt=["x"])
    x, y, w = np.ones((4, 3)), np.zeros(4), np.arange(3.0)
    cost, grads = module.value_and_grad(x=x, y=y, w=w, b=1.0)
    assert cost == pytest.approx(8.0)
    np.testing.assert_allclose(grads.w, np.full(3, 4.0))
    np.testing.assert_allclose(grads.x, np.tile(w, (4, 1)) * 4 / 4)
    assert model.verify().ok


def test_an_error_is_a_symbp_error() -> None:
    with pytest.raises(symbp.SymbpError, match="did you mean"):
        symbp.load("mlp").derive("detla")
    with pytest.raises(symbp.SyntaxProblem):
        symbp.parse("cost C = (1")
    with pytest.raises(symbp.ModelProblem):
        symbp.parse("cost C = q")


def test_the_module_knows_its_names() -> None:
    assert set(symbp.__all__) <= set(dir(symbp))
    for name in symbp.__all__:
        assert getattr(symbp, name) is not None
    with pytest.raises(AttributeError):
        symbp.nothing  # noqa: B018


def test_importing_symbp_is_light() -> None:
    import subprocess
    import sys

    code = "import sys, symbp; sys.exit(bool({'sympy', 'numpy', 'lark'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
