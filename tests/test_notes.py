"""What a teacher would not write in the notes: sums that are 1, roots that cancel, signs before cases."""

from __future__ import annotations

import re

import numpy as np
import pytest

import symbp
from symbp.calculus.expr import Call, Div, Expr, Mul, Pow, Ref, number
from symbp.calculus.tidy import tidy
from symbp.emit.plain import text
from symbp.pipeline import documented, parse

X, Y = Ref("x"), Ref("y")
ROOT = Call("sqrt", (X,))


@pytest.mark.parametrize(
    ("node", "shown"),
    [
        (Div(X, Pow(ROOT, number(3))), "1/√x"),
        (Div(ROOT, X), "1/√x"),
        (Div(X, ROOT), "√x"),
        (Pow(ROOT, number(2)) * Y, "x y"),
        (Div(Pow(X, number(2)), Pow(ROOT, number(3))), "√x"),
        (Mul((X, ROOT)), "x √x"),
        (Div(Y, Pow(ROOT, number(3))), "y/(√x)³"),
        (Div(Y, ROOT), "y/√x"),
        (Div(X, Call("sqrt", (X + Y,))), "x/√(x + y)"),
        (Div(Mul((Y, Call("sign", (X,)))), Call("abs", (X,))), "y/x"),
        (Div(Call("sign", (X,)), Call("abs", (Y,))), "sign(x)/|y|"),
    ],
)
def test_roots_cancel_with_what_stands_under_them(node: Expr, shown: str) -> None:
    from symbp.emit.math import Printer

    assert text(Printer().line(tidy(node))) == shown


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("-10^9", "−10⁹"),
        ("-1e9", "−10⁹"),
        ("1000000000", "10⁹"),
        ("2500000000", "2.5 · 10⁹"),
        ("123456789", "123456789"),
    ],
)
def test_large_round_numbers_are_powers_of_ten(written: str, shown: str) -> None:
    model = parse(
        f"param a : N\nconst g : N\nr[n] = where(g[n] > 0, a[n], {written})\ncost C = sum(r[n]^2, n)"
    )
    assert shown in documented(model, (), "text", "all").replace("(", "").replace(")", "")
    model = parse(
        f"param a : N\nconst g : N\ncost C = sum(softmax(where(g[n] > 0, a[n], {written}), n)*g[n], n)"
    )
    *_, result = documented(model, ("a",), "text", "all").split("∂C/∂aₙ =")[1].split("each indicator")
    assert "000000000" not in result


def test_a_sign_goes_into_the_cases() -> None:
    model = parse("param a : N\nconst g : N\ncost C = -sum(where(g[n] > 0, a[n]^2, 3*a[n] - g[n]), n)")
    shown = documented(model, (), "text", "all")
    assert "−{" not in shown.split("(2)")[1]
    assert "{−2aₙ if gₙ > 0; −3 otherwise}" in shown


# ── the entries of a softmax add up to 1 ──────────────────────────────────────────────────────────

SUMMED = """
param w : K
param b : N, K
const c : K
const d : N
p[n,k] = softmax(b[n,k], k)
cost C = sum(w[k]*c[k], k)*sum(p[n,k]*d[n], n, k) + sum(w[k]^2, k)
"""


def gradients(source: str) -> tuple[object, object]:
    """∂C/∂w of the generated module, and by differences."""
    module = symbp.parse(source).compile()
    rng = np.random.default_rng(5)
    values = {
        "w": rng.normal(size=4),
        "b": rng.normal(size=(3, 4)),
        "c": rng.normal(size=4),
        "d": rng.normal(size=3),
    }
    _, grads = module.value_and_grad(**values)
    out = np.zeros(4)
    for n in range(4):
        for step in (1e-6, -1e-6):
            moved = {**values, "w": values["w"] + step * (np.arange(4) == n)}
            out[n] += module.value(**moved) / (2 * step)
    return grads.w, out


def test_the_sum_of_a_softmax_is_one() -> None:
    shown = documented(parse(SUMMED), ("w",), "text", "all")
    assert "= 1: the entries of a softmax add up to 1" in shown
    found, wanted = gradients(SUMMED)
    np.testing.assert_allclose(found, wanted, rtol=1e-7)


@pytest.mark.parametrize(
    "term", ["sum(p[n,j]*c[j], n, j)", "sum(p[n,j]^2, n, j)", "sum(p[n,j], n, j=1..K-1)", "sum(p[n,k], n)"]
)
def test_other_sums_of_a_softmax_are_not(term: str) -> None:
    source = SUMMED.replace(
        "sum(w[k]*c[k], k)*sum(p[n,k]*d[n], n, k)", f"sum(w[k]*c[k]*{term}, k) + sum(d[n], n)"
    )
    assert "add up to 1" not in documented(parse(source), ("w",), "text", "all")
    found, wanted = gradients(source)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_sizes_from_which_on_the_cases_hold_are_one_sentence() -> None:
    shown = documented(parse(WAVE), ("u",), "text", "result").replace("\n", " ")
    assert "written for T of at least" in shown and shown.count("no two share an element") == 1
    assert "sequence with" not in shown


WAVE = """
index n = 0..T, i = 0..I
param c
param g[i]
input y[i]
u[0,i] = g[i]
u[1,i] = g[i]
u[n,0] = 0 for n = 2..T
u[n,I] = 0 for n = 2..T
u[n,i] = 2*u[n-1,i] - u[n-2,i] + c*(u[n-1,i+1] - 2*u[n-1,i] + u[n-1,i-1]) for n = 2..T, i = 1..I-1
cost C = sum((u[T,i] - y[i])^2, i=1..I-1)/2
"""


def test_every_adjoint_that_a_gradient_asks_for_is_there() -> None:
    """u at a corner of the grid acts on nothing, and ∂C/∂g names its adjoint."""
    shown = documented(parse(WAVE), ("u", "g"), "text", "result")
    for corner in ("0", "I"):
        assert f"For u^{{0,{corner}}}, on which nothing depends:" in shown
        assert f"∂C/∂u^{{0,{corner}}} = 0" in shown
    assert symbp.parse(WAVE).verify().ok


def test_parts_of_a_border_with_one_formula_are_one_case() -> None:
    shown = documented(parse(WAVE), ("u",), "text", "result")
    assert "At the border u^{0,i} for i = 1, …, I − 1:" in shown
    assert "The base case u^{T,i} for i = 1, …, I − 1, on which no other u depends:" in shown
    assert "[1 <" not in shown and "[1 ≤" not in shown


def test_what_is_last_and_asked_for_by_nothing_is_not_shown() -> None:
    assert "u^{T,0}" not in documented(parse(WAVE), ("u",), "text", "result")


def test_plain_text_breaks_in_no_condition() -> None:
    lines = documented(parse(GUARDED), (), "text", "all").splitlines()
    for line in lines:
        assert line.count("[") == line.count("]"), line
        assert not re.search(r"\bif [^;}]*$", line.split("   ")[0]) or "}" in line, line


GUARDED = """
index t = 0..T
input x[t] : D
param W : K, D
param A : K, K
param V : K, P
u[t,k] = sum(W[k,e]*x[t,e], e)
a[0,k] = 0
a[t,k] = logsumexp(where(t > d, a[t-d-1,j] + A[j,k] + u[t,k] - u[t-d-1,k] + V[k,d], -1e9), j, d) for t = 1..T
cost C = logsumexp(a[T,k], k)
"""


# ── a name for a part of a fraction ───────────────────────────────────────────────────────────────

NORMED = """
const c : N
param x : N
u[i] = x[i]/sqrt(sum(x[j]^2, j))
cost C = sum((u[i] - c[i])^3, i)
"""


def test_a_vector_on_the_sphere_has_its_textbook_gradient() -> None:
    shown = documented(parse(NORMED), ("x",), "text", "all")
    assert "xⱼ/√(Σₖ xₖ²) is uⱼ" in shown
    assert "√(Σⱼ xⱼ²) divides every term" in shown
    assert "(∂C/∂u − ((∂C/∂u)ᵀ u) u)/‖x‖₂" in shown


@pytest.mark.parametrize(
    ("equation", "named"),
    [
        ("h[i] = (x[i] - m)/sqrt(v)", True),  # under a power of the root
        ("h[i] = (x[i] - m)/v", True),
        ("h[i] = 1/(v + x[i]^2)", False),  # a number stands above: nothing is saved
        ("h[i] = (x[i] - m)/3", False),
    ],
)
def test_a_factor_of_a_fraction_gets_the_name_that_an_equation_gave_it(equation: str, named: bool) -> None:
    source = f"const x : N\nparam m\nparam v\n{equation}\ncost C = sum(h[i]^3, i)\n"
    if "v" not in equation:
        source = source.replace("param v\n", "").replace("cost C = ", "k = m^2*m\ncost C = k + ")
    name = "v" if "v" in equation else "m"
    steps = model_steps(source, name)
    assert ("recognise" in steps) == named, steps
    report = symbp.parse(source).verify()
    assert report.ok, report


def test_a_sum_of_equal_terms_counts_them() -> None:
    """Label smoothing: Σ_k p_i over K values of k is K p_i."""
    source = "const c in 0..K-1\nconst e\nparam z : K\np[k] = softmax(z[k], k)\n"
    source += "cost C = -(1 - e)*log(p[c]) - e/K*sum(log(p[k]), k)\n"
    shown = documented(parse(source), ("z",), "text", "all")
    assert "a sum of equal terms counts them" in shown and "(1 − K pᵢ)" in shown
    assert symbp.parse(source).verify().ok


def model_steps(source: str, name: str) -> list[str]:
    """The rules of a derivation, in order."""
    return [step.rule for step in symbp.parse(source).derive(name).steps]
