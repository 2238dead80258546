"""The calculus by itself: binders that capture nothing, indicators that collapse where they may."""

from __future__ import annotations

from fractions import Fraction

import pytest
import sympy
from symbp.calculus.tree import canonical, free_indices, refresh, same, substitute

from symbp.calculus.affine import Affine, Index, Size, affine, floor_div, fresh, known_le, show
from symbp.calculus.bridge import to_sympy
from symbp.calculus.collapse import collapse, outer_factors
from symbp.calculus.common import common_factor
from symbp.calculus.differentiate import differentiate
from symbp.calculus.expr import (
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Expr,
    Indicator,
    Mul,
    Neg,
    Number,
    Pow,
    Reduce,
    Ref,
    Within,
    number,
)
from symbp.calculus.match import match
from symbp.calculus.tidy import collect, tidy
from symbp.derive.identify import equals_builtin
from symbp.derive.scalar import call_rule, derivative, through_output
from symbp.functions import ELEMENTWISE
from symbp.model.core import Function

K, N = affine(Size("K")), affine(Size("N"))


def axis(name: str, size: Affine = K) -> Index:
    return fresh(name, Affine(0), size - 1)


def at(name: str, *indices: Index | Affine | int) -> Ref:
    return Ref(name, tuple(affine(i) for i in indices))


x, y, z = Ref("x"), Ref("y"), Ref("z")


# ── binders ───────────────────────────────────────────────────────────────────────────────────────


def test_substitution_does_not_capture() -> None:
    j, k = axis("j"), axis("k")
    total = Reduce("sum", (k,), Mul((at("w", j, k), at("x", k))))
    moved = substitute(total, {j: affine(k)})
    assert k in free_indices(moved)
    (bound,) = moved.indices  # type: ignore[attr-defined]
    assert bound != k


def test_sums_that_differ_in_the_bound_name_are_the_same() -> None:
    j, k = axis("j"), axis("k")
    assert same(Reduce("sum", (j,), at("x", j)), Reduce("sum", (k,), at("x", k)))


def test_sums_over_other_ranges_are_not_the_same() -> None:
    j, k = axis("j"), axis("k", K - 1)
    one, two = Reduce("sum", (j,), at("x", j)), Reduce("sum", (k,), at("x", k))
    assert not same(one, two)
    assert tidy(Add((one, Neg(two)))) != ZERO


def test_a_refreshed_copy_is_the_same_with_other_indices() -> None:
    k = axis("k")
    node = Reduce("sum", (k,), at("x", k))
    copy = refresh(node)
    assert copy != node and same(copy, node)
    assert canonical(copy) == canonical(node)


# ── differentiation ───────────────────────────────────────────────────────────────────────────────


def test_the_derivative_of_a_sum_is_not_the_sum() -> None:
    """SymPy's Sum(w[k]*x[k]).diff(x[k]) is Σw: the bound index is captured.  Here it is w_m."""
    k, m = axis("k"), axis("m")
    total = Reduce("sum", (k,), Mul((at("w", k), at("x", k))))
    assert collapse(differentiate(total, at("x", m), call_rule)) == at("w", m)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (x * y, "y"), (x**3, "3*x**2"), (y / x, "-y/x**2"), (x / y, "1/y"), (-x, "-1"),
        (Call("exp", (x * y,)), "y*exp(x*y)"), (Call("tanh", (x,)), "1 - tanh(x)**2"),
        (y**x, "y**x*log(y)"), (x**x, "x**x*(log(x) + 1)"), (Call("sqrt", (x,)), "1/(2*sqrt(x))"),
        (Call("log", (1 + x**2,)), "2*x/(1 + x**2)"), (y * z, "0"),
    ],
    ids=str,
)  # fmt: skip
def test_derivatives_agree_with_sympy(node: Expr, expected: str) -> None:
    result = to_sympy(tidy(differentiate(node, x, call_rule)))
    assert sympy.simplify(result - sympy.sympify(expected)) == 0


UNARY = [f for f in ELEMENTWISE if f.arity == 1 and f.name != "sign"]


@pytest.mark.parametrize("record", UNARY, ids=lambda f: f.name)
def test_the_derivative_of_every_function_agrees_with_sympy(record: object) -> None:
    name = record.name  # type: ignore[attr-defined]
    u = sympy.Symbol("u", positive=True)
    own = to_sympy(record.derivatives[0](Ref("u"))).subs(sympy.Symbol("u"), u)  # type: ignore[attr-defined]
    other = to_sympy(Call(name, (Ref("u"),))).subs(sympy.Symbol("u"), u).diff(u)
    for value in (sympy.Rational(3, 7), sympy.Rational(9, 4)):
        assert abs(sympy.N((own - other).subs(u, value), 30)) < 1e-25


def test_an_unknown_node_is_named() -> None:
    class Strange(Expr):
        pass

    with pytest.raises(TypeError, match="Strange"):
        differentiate(Strange(), x, call_rule)


# ── collapsing ────────────────────────────────────────────────────────────────────────────────────


def test_an_indicator_leaves_one_term() -> None:
    j, k = axis("j"), axis("k")
    assert collapse(Reduce("sum", (j,), Mul((at("a", j), Indicator(affine(j), affine(k)))))) == at("a", k)


def test_a_window_keeps_its_condition() -> None:
    i, p, u = axis("i", N), axis("p"), axis("u", N + K - 1)
    total = Reduce("sum", (i, p), Mul((at("z", i), at("f", p), Indicator(affine(i) + p, affine(u)))))
    result = collapse(total)
    assert isinstance(result, Reduce) and any(isinstance(f, Within) for f in result.body.factors)  # type: ignore[attr-defined]
    assert collapse(total, partial=False) == total


def test_an_indicator_outside_of_the_range_is_nothing() -> None:
    j = axis("j")
    assert collapse(Reduce("sum", (j,), Mul((at("a", j), Indicator(affine(j), K))))) == ZERO


def test_sums_distribute_where_an_indicator_asks_for_it() -> None:
    j, k = axis("j"), axis("k")
    body = Add((Mul((at("a", j), Indicator(affine(j), affine(k)))), Neg(at("b", j))))
    result = collapse(Reduce("sum", (j,), body))
    assert isinstance(result, Add) and result.terms[0] == at("a", k)


def test_factors_leave_the_sum() -> None:
    j, k = axis("j"), axis("k")
    total = Reduce("sum", (j,), Mul((at("a", j), at("w", j, k), at("s", k))))
    result = outer_factors(total)
    assert isinstance(result, Mul) and result.factors[1] == at("s", k)


# ── arithmetic ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "node",
    [
        Mul((number(2), x, y)) / 2, x * x, x / x, Add((x, x)), Add((x, Neg(x))), Mul((x, Neg(y))),
        (x + y) / 2 * 4, 1 / (1 / x), Pow(number(2), number(3)) * x, Number(Fraction(1, 2), True) * x * 4,
        -(y * (1 - x)) + (1 - y) * x, x * (y - z) + x * z, (x + y) ** 2 - x**2 - 2 * x * y,
    ],
    ids=str,
)  # fmt: skip
def test_tidying_and_collecting_keep_the_value(node: Expr) -> None:
    before = to_sympy(node)
    for new in (tidy(node), collect(tidy(node))):
        assert sympy.simplify(to_sympy(new) - before) == 0
        assert tidy(tidy(new)) == tidy(new)


def test_the_author_s_order_stays() -> None:
    assert tidy(Add((z, y, x))) == Add((z, y, x))
    assert tidy(Mul((z, y, x))) == Mul((z, y, x))


def test_collecting_is_done_only_where_it_is_shorter() -> None:
    product = (x + y) * (y + z)
    assert collect(product) == product
    assert collect(-(y * (1 - x)) + (1 - y) * x) == Add((x, Neg(y)))


# ── affine expressions ────────────────────────────────────────────────────────────────────────────


def test_affine_equality_ignores_order_and_printing_keeps_it() -> None:
    i, p = axis("i"), axis("p")
    assert affine(i) + p == affine(p) + i
    assert show(affine(p) + i) == "p+i"
    assert show(affine(i) * 2 - 1) == "2*i-1"


def test_what_is_known_of_sizes() -> None:
    assert known_le(Affine(1), K) is True
    assert known_le(K, K - 1) is False
    assert known_le(K, N) is None
    assert known_le(floor_div(K, 2) * 2, K) is True and known_le(K, floor_div(K, 2) * 2) is None
    assert known_le(K - 1, floor_div(K, 2) * 2) is True
    i = axis("i")
    assert known_le(affine(i), K - 1) is True and known_le(Affine(0), affine(i)) is True


def test_floor_division() -> None:
    assert floor_div(K * 2, 2) == K
    assert show(floor_div(K - 3, 2)) == "((K+1)//2)-2"


# ── matching and scalar functions ─────────────────────────────────────────────────────────────────


def test_matching_binds_the_indices_of_an_equation() -> None:
    j, k = axis("j"), axis("k")
    found = match(Call("tanh", (at("z", j),)), Call("tanh", (at("z", affine(k) - 1),)), (j,))
    assert found == {j: affine(k) - 1}
    assert match(Call("tanh", (at("z", j),)), Call("tanh", (at("a", k),)), (j,)) is None


def _function(body: Expr) -> Function:
    return Function("f", ("u",), body)


u = Ref("u")
EXP, MINUS = Call("exp", (u,)), Call("exp", (Neg(u),))


@pytest.mark.parametrize(
    ("body", "builtin", "own"),
    [
        (1 / (1 + MINUS), "sigmoid", "f*(1 - f)"),
        (EXP / (1 + EXP), "sigmoid", "f*(1 - f)"),
        ((EXP - MINUS) / (EXP + MINUS), "tanh", "1 - f**2"),
        (EXP, "exp", "f"),
        (Call("log", (1 + EXP,)), "softplus", None),
        (u / (1 + MINUS), "silu", None),
        (u**2, None, None),
        (2 * u + 1, None, "2"),
        (1 - 2 / (1 + MINUS), None, "(f**2 - 1)/2"),
    ],
    ids=str,
)
def test_functions_are_known_by_their_values(body: Expr, builtin: str | None, own: str | None) -> None:
    function = _function(body)
    assert equals_builtin(function) == builtin
    found = through_output(function)
    assert (found is None) == (own is None)
    if found is not None and own is not None:
        assert sympy.simplify(to_sympy(found) - sympy.sympify(own, {"f": sympy.Symbol("f")})) == 0
    own_derivative, v = to_sympy(derivative(function)), sympy.Symbol("u")
    assert sympy.simplify(own_derivative - to_sympy(body).diff(v)) == 0


# ── a common factor ───────────────────────────────────────────────────────────────────────────────


def test_a_factor_of_every_term_is_taken_out_once() -> None:
    node = Add((Mul((x, y, x)), Neg(Mul((z, x)))))
    found = common_factor(node)
    assert found == (x, ONE, Mul((x, Add((Mul((y, x)), Neg(z))))))


def test_a_factor_that_stood_last_stays_last() -> None:
    found = common_factor(Add((Mul((y, x)), Div(Mul((z, x)), number(3)))))
    assert found is not None and found[2] == Mul((Add((y, Div(z, number(3)))), x))


def test_a_denominator_of_every_term_is_taken_out() -> None:
    found = common_factor(Add((Div(x, z), Neg(Div(Mul((y, x)), Mul((number(2), z)))))))
    assert found == (ONE, z, Div(Add((x, Neg(Div(Mul((y, x)), number(2))))), z))


def test_what_is_shared_above_and_below_is_taken_out_at_once() -> None:
    found = common_factor(Add((Div(Mul((x, y)), z), Neg(Div(Mul((x, z)), z)))))
    assert found == (x, z, Div(Mul((x, Add((y, Neg(z))))), z))


def test_no_fraction_is_put_into_a_fraction() -> None:
    assert common_factor(Add((Div(x, z), Div(y, Mul((z, y)))))) is None


@pytest.mark.parametrize(
    "node",
    [
        Add((Mul((x, y)), x)),
        Add((Mul((x, y)), Div(z, x))),
        Add((Mul((number(2), x)), Mul((number(2), y)))),
        Add((Mul((x, Indicator(affine(1), K))), Mul((x, y)))),
        Mul((x, y)),
    ],
    ids=["nothing is left", "a denominator", "a number", "a condition", "no sum"],
)
def test_no_factor_is_taken_out(node: Expr) -> None:
    assert common_factor(node) is None
