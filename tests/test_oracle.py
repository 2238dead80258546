"""The oracle: against gradients written by hand, and against lines that somebody got wrong."""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import islice, pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from symbp import models, pipeline
from symbp.calculus.affine import Affine, FloorDiv, Index, Size, affine, fresh
from symbp.calculus.construct import mul
from symbp.calculus.expr import (
    Adjoint,
    Call,
    Compare,
    Expr,
    Functional,
    Indicator,
    Integer,
    Mul,
    Neg,
    Number,
    Partial,
    Reduce,
    Ref,
    Weights,
    Where,
    Within,
    expr,
    number,
)
from symbp.calculus.tree import refresh, replace_nodes, substitute, walk
from symbp.derive.core import AdjointSystem, Case, Contribution, Jacobian, Line
from symbp.derive.engine import adjoint_system
from symbp.errors import SymbpError
from symbp.functions import ELEMENTWISE, derivative
from symbp.model.core import Array, Equation, Function, Model
from symbp.verify.arithmetic import FLOAT, Kink, digits
from symbp.verify.compile import Program
from symbp.verify.evaluate import Oracle, OutsideRange
from symbp.verify.gradients import check_module
from symbp.verify.lines import check_contributions, check_jacobians, check_lines, oracles
from symbp.verify.places import points
from symbp.verify.report import verify
from symbp.verify.sample import Sample, draw, samples
from symbp.verify.sizes import choose_sizes

ARITHMETICS = [FLOAT, digits()]


def size(name: str, *at: Affine | Index | int) -> Affine:
    return affine(Size(name, tuple(map(affine, at))))


def axis(name: str, extent: Affine | int) -> Index:
    return fresh(name, affine(0), affine(extent) - 1)


def at(name: str, *positions: Affine | Index | int) -> Ref:
    return Ref(name, tuple(map(affine, positions)))


def bar(name: str, *positions: Affine | Index | int) -> Adjoint:
    return Adjoint(name, tuple(map(affine, positions)))


def total(index: Index, body: Expr) -> Expr:
    return Reduce("sum", (index,), body)


def model_of(
    arrays: list[Array],
    equations: list[Equation],
    sizes: tuple[str, ...],
    functions: tuple[Function, ...] = (),
    sequences: tuple[Index, ...] = (),
) -> Model:
    cost = next(a.name for a in arrays if a.kind == "cost")
    order = tuple(a.name for a in arrays if a.kind == "variable")
    numbered = tuple(replace(e, number=k + 1) for k, e in enumerate(equations))
    return Model(
        "model", "", sequences, {a.name: a for a in arrays}, {f.name: f for f in functions},
        numbered, cost, {}, order, sizes, (),
    )


# ── a network in a generic layer l ────────────────────────────────────────────────────────────────

L = size("L")
SIGMOID = Function("sigma", ("u",), 1 / (1 + Call("exp", (Neg(Ref("u")),))))


def layer(lo: int, hi: Affine = L) -> Index:
    return fresh("l", affine(lo), hi, "l")


def unit(ly: Affine | Index | int, name: str = "j") -> Index:
    return axis(name, size("n", ly))


def mlp() -> Model:
    def family(name: str, kind: str, lo: int, *shifts: int) -> Array:
        at_l = layer(lo)
        return Array(name, kind, (at_l, *(unit(affine(at_l) - s) for s in shifts)))

    l1, l2 = layer(1), layer(1)
    j, k, o, r, i = unit(l1), unit(affine(l1) - 1, "k"), unit(0), unit(l2), unit(L)
    weighted = total(k, at("w", l1, j, k) * at("a", affine(l1) - 1, k)) + at("b", l1, j)
    return model_of(
        [
            Array("x", "input", (unit(0),)), Array("y", "input", (unit(L),)),
            family("w", "param", 1, 0, 1), family("b", "param", 1, 0),
            family("a", "variable", 0, 0), family("z", "variable", 1, 0), Array("C", "cost"),
        ],
        [
            Equation(at("a", 0, o), at("x", o), (o,)),
            Equation(at("z", l1, j), weighted, (l1, j)),
            Equation(at("a", l2, r), Call("sigma", (at("z", l2, r),)), (l2, r)),
            Equation(Ref("C"), total(i, (at("a", L, i) - at("y", i)) ** 2) / 2),
        ],
        ("L", "n"), (SIGMOID,), (layer(1),),
    )  # fmt: skip


def mlp_by_hand(sample: Sample) -> dict[str, Any]:
    """Backpropagation as in Nielsen, chapter 2; z and delta are lists that start at layer 1."""
    top = sample.size("L", ())
    n = [sample.size("n", (ly,)) for ly in range(top + 1)]
    w = [np.array([[sample.values["w"][ly, j, k] for k in range(n[ly - 1])] for j in range(n[ly])])
         for ly in range(1, top + 1)]
    b = [np.array([sample.values["b"][ly, j] for j in range(n[ly])]) for ly in range(1, top + 1)]
    a = [np.array([sample.values["x"][j,] for j in range(n[0])])]
    y = np.array([sample.values["y"][j,] for j in range(n[top])])
    for weights, bias in zip(w, b, strict=True):
        a.append(1 / (1 + np.exp(-(weights @ a[-1] + bias))))
    delta = (a[-1] - y) * a[-1] * (1 - a[-1])
    deltas = [delta]
    for ly in range(top - 1, 0, -1):
        delta = (w[ly].T @ delta) * a[ly] * (1 - a[ly])
        deltas.insert(0, delta)
    grads = [np.outer(d, before) for d, before in zip(deltas, a, strict=False)]
    return {"C": 0.5 * ((a[-1] - y) ** 2).sum(), "delta": deltas, "w": grads}


@pytest.mark.parametrize("arith", ARITHMETICS, ids=lambda a: a.label)
def test_network_against_closed_form(arith: Any) -> None:
    model = mlp()
    for sample in samples(model):
        oracle, truth = Oracle(model, sample, arith), mlp_by_hand(sample)
        assert float(oracle.cost) == pytest.approx(truth["C"], rel=1e-14)
        for ly, (delta, grad) in enumerate(zip(truth["delta"], truth["w"], strict=True), 1):
            for j, value in enumerate(delta):
                assert float(oracle.adjoint("z", (ly, j))) == pytest.approx(value, rel=1e-12)
                assert float(oracle.adjoint("b", (ly, j))) == pytest.approx(value, rel=1e-12)
            for (j, k), value in list(np.ndenumerate(grad))[:3]:
                assert float(oracle.adjoint("w", (ly, j, k))) == pytest.approx(value, rel=1e-12)


# ── lines, right and wrong ────────────────────────────────────────────────────────────────────────


def prime(u: Expr) -> Call:
    return Call("sigma", (u,), (1,))


def hidden_error(shape: Callable[..., Expr] | None = None) -> Case:
    """δ^{l-1} from δ^l; ``shape`` makes a last line of its own."""
    ly = layer(2)
    before = affine(ly) - 1
    k, j, i = unit(before, "k"), unit(ly), unit(before, "i")
    target = at("z", before, k)
    inner = total(i, at("w", ly, j, i) * Call("sigma", (at("z", before, i),))) + at("b", ly, j)
    delta, s = bar("z", ly, j), prime(at("z", before, k))
    chain = total(j, delta * Partial(at("z", ly, j), target))
    stages = [
        bar("z", before, k),
        Partial(Ref("C"), target),
        chain,
        total(j, delta * Partial(refresh(inner), target)),
        total(j, delta * total(i, at("w", ly, j, i) * prime(at("z", before, i))
                               * Indicator(affine(i), affine(k)))),
        total(j, delta * at("w", ly, j, k) * s),
        total(j, at("w", ly, j, k) * delta) * s,
    ]
    if shape is not None:
        stages.append(shape(ly, before, j, k, delta, s))
    lines = tuple(Line("rule", (), a, b) for a, b in pairwise(stages))
    assert isinstance(stages[0], Adjoint)
    return Case(stages[0], (ly, k), lines, stages[-1], 5, consumers=("z",))


WRONG: dict[str, Callable[..., Expr]] = {
    "swapped indices": lambda ly, b, j, k, d, s: total(j, at("w", ly, k, j) * d) * s,
    "dropped factor": lambda ly, b, j, k, d, s: total(j, at("w", ly, j, k) * d),
    "sign": lambda ly, b, j, k, d, s: Neg(total(j, at("w", ly, j, k) * d) * s),
    "off by one layer": lambda ly, b, j, k, d, s: total(j, at("w", b, j, k) * d) * s,
    "off by one unit": lambda ly, b, j, k, d, s:
        total(j, at("w", ly, j, k) * bar("z", ly, affine(j) - 1)) * s,
    "sigma for its derivative": lambda ly, b, j, k, d, s:
        total(j, at("w", ly, j, k) * d) * Call("sigma", (at("z", b, k),)),
    "derivative of the wrong layer": lambda ly, b, j, k, d, s:
        total(j, at("w", ly, j, k) * d * prime(at("z", ly, j))),
    "factor of a half": lambda ly, b, j, k, d, s:
        total(j, at("w", ly, j, k) * d) * s * Number(Fraction(1, 2)),
    "a digit": lambda ly, b, j, k, d, s:
        total(j, at("w", ly, j, k) * d) * s * Number(Fraction(100000001, 100000000)),
    "an index that nothing binds": lambda ly, b, j, k, d, s:
        at("w", ly, axis("q", 2), k) * s,
    "a sum without its last term": lambda ly, b, j, k, d, s: (
        lambda i: total(i, at("w", ly, i, k) * bar("z", ly, i)) * s
    )(axis("i", size("n", ly) - 1)),
}  # fmt: skip


@pytest.mark.parametrize("arith", ARITHMETICS, ids=lambda a: a.label)
def test_right_lines_hold(arith: Any) -> None:
    model = mlp()
    group = oracles(model, {"a"}, samples(model), arith)
    check = check_lines(hidden_error(), group, limit=3)
    assert check.ok, check.note
    assert check.points > 0 and check.error < (1e-12 if arith is FLOAT else 1e-30)


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_lines_are_caught(kind: str) -> None:
    model, case = mlp(), hidden_error(WRONG[kind])
    check = check_lines(case, oracles(model, {"a"}, samples(model)))
    assert not check.ok
    assert check.line == len(case.lines) - 1
    assert check.note


def test_an_adjoint_in_terms_of_itself_is_no_derivation() -> None:
    model, case = mlp(), base_error()
    group = oracles(model, {"a"}, samples(model))
    own = case.lhs
    for lines in ((), (Line("rule", (), own, own + 0),)):
        check = check_lines(replace(case, lines=lines, result=own + 0 if lines else own), group)
        assert not check.ok and ("itself" in check.note or "no line" in check.note)
    part = Contribution(own, own + 0, case.indices, 4, "C")
    assert "itself" in check_contributions("z", (part,), group).note


def test_jacobians_are_checked_entry_by_entry() -> None:
    model, case = mlp(), hidden_error()
    ly, k = case.indices
    j, element = unit(ly), Ref("z", case.lhs.indices)
    entry = at("w", ly, j, k) * prime(element)
    group = oracles(model, {"a"}, samples(model))
    for value, holds in ((entry, True), (at("w", ly, j, k), False), (2 * entry, False)):
        jacobian = Jacobian(at("z", ly, j), element, (j,), (k,), value)
        check = check_jacobians(replace(case, jacobians=(jacobian,)), group)
        assert check is not None and check.ok is holds
    assert check_jacobians(case, group) is None


def test_a_case_that_never_holds_is_not_verified() -> None:
    model, ly = mlp(), fresh("l", L + 1, L, "l")
    case = replace(hidden_error(), indices=(ly, axis("k", 2)))
    check = check_lines(case, oracles(model, {"a"}, samples(model)))
    assert not check.ok and "no element" in check.note


def test_variables_are_held_fixed_unless_seen_through() -> None:
    model = mlp()
    sample = samples(model)[0]
    chain = Partial(at("z", 2, 1), at("z", 1, 0))
    assert Oracle(model, sample).value(chain) == 0
    seen = Oracle(model, sample, through={"a"}).value(chain)
    z = Oracle(model, sample).element("z", (1, 0))
    s = 1 / (1 + math.exp(-z))
    assert seen == pytest.approx(sample.values["w"][2, 1, 0] * s * (1 - s), rel=1e-13)


def base_error() -> Case:
    k = unit(L, "k")
    lhs = bar("z", L, k)
    result = (at("a", L, k) - at("y", k)) * prime(at("z", L, k))
    return Case(lhs, (k,), (Line("rule", (), lhs, result),), result, 4, True, ("C",))


def system(case: Case, model: Model) -> AdjointSystem:
    ly = layer(2)
    k, j, q = unit(affine(ly) - 1, "k"), unit(ly), unit(L, "k")
    hidden = total(j, at("w", ly, j, k) * bar("z", ly, j)) * prime(at("z", affine(ly) - 1, k))
    top = (at("a", L, q) - at("y", q)) * prime(at("z", L, q))
    parts = (
        Contribution(bar("z", affine(ly) - 1, k), hidden, (ly, k), 5, "z"),
        Contribution(bar("z", L, q), top, (q,), 4, "C"),
    )
    cases = {"z": (base_error(), case)}
    return AdjointSystem(model, model, ("z",), cases, {"z": parts}, frozenset({"a"}))


def test_report_of_a_right_derivation() -> None:
    model = mlp()
    report = verify(model, system(hidden_error(), model))
    assert report.ok, str(report)
    assert {row.precision for row in report.rows} >= {a.label for a in ARITHMETICS}
    assert "all hold" in str(report) and "(5)" in str(report)
    assert report.worst < 1e-9


def test_report_of_a_wrong_derivation() -> None:
    model = mlp()
    report = verify(model, system(hidden_error(WRONG["sign"]), model), precise=False)
    assert not report.ok
    assert "FAIL" in str(report) and "line 7" in str(report)


def test_a_case_left_out_is_noticed() -> None:
    model = mlp()
    whole = system(hidden_error(), model)
    report = verify(model, replace(whole, cases={"z": (base_error(),)}), precise=False)
    assert [r.what for r in report.rows if not r.ok] == ["adjoint of z: cases cover it once"]


def test_a_contribution_left_out_is_noticed() -> None:
    model = mlp()
    parts = system(hidden_error(), model).contributions["z"]
    group = oracles(model, {"a"}, samples(model))
    assert check_contributions("z", parts, group).ok
    assert not check_contributions("z", parts[:1], group).ok
    assert not check_contributions("z", (*parts, parts[1]), group).ok


# ── one variable, one cost: expressions against closed forms ──────────────────────────────────────

K = size("K")


def plain(cost: Callable[[Index], Expr], *functions: Function) -> Model:
    """``C = cost(k)`` of the parameter v[k], the integer c in 0..K-1, and a variable s[k] = 2v[k]."""
    k, q = axis("k", K), axis("k", K)
    return model_of(
        [
            Array("v", "param", (axis("k", K),)),
            Array("c", "input", (), integer=(affine(0), K - 1)),
            Array("s", "variable", (axis("k", K),)), Array("C", "cost"),
        ],
        [Equation(at("s", q), 2 * at("v", q), (q,)), Equation(Ref("C"), cost(k))],
        ("K",), functions,
    )  # fmt: skip


def gradient(model: Model, v: list[float], c: int = 0, arith: Any = FLOAT) -> list[float]:
    values = {"v": {(k,): u for k, u in enumerate(v)}, "c": {(): c}}
    oracle = Oracle(model, Sample(model, {("K", ()): len(v)}, values), arith)
    return [float(oracle.adjoint("v", (k,))) for k in range(len(v))]


V = [0.3, -0.7, 1.1]
SOFT = [math.exp(u) / sum(map(math.exp, V)) for u in V]
CLOSED: dict[str, tuple[Callable[[Index], Expr], list[float]]] = {
    "sum": (lambda k: total(k, at("v", k) ** 3), [3 * u * u for u in V]),
    "negative power": (lambda k: total(k, at("v", k) ** -2), [-2 / u**3 for u in V]),
    "exponent that varies": (lambda k: total(k, number(2) ** at("v", k)),
                             [math.log(2) * 2**u for u in V]),
    "prod": (lambda k: Reduce("prod", (k,), at("v", k)), [-0.77, 0.33, -0.21]),
    "max": (lambda k: Reduce("max", (k,), at("v", k)), [0, 0, 1]),
    "min": (lambda k: Reduce("min", (k,), at("v", k)), [0, 1, 0]),
    "logsumexp": (lambda k: Reduce("logsumexp", (k,), at("v", k)), SOFT),
    "softmax at a label": (
        lambda k: Weights("softmax", k, at("v", k), affine(Ref("c"))),
        [SOFT[2] * ((k == 2) - SOFT[k]) for k in range(3)],
    ),
    "gather": (lambda k: at("s", Affine(0, ((Ref("c"), 1),))) ** 2, [0, 0, 8 * V[2]]),
    "quotient": (lambda k: expr(1) / total(k, at("v", k)), [-1 / 0.49] * 3),
    "mean": (lambda k: total(k, at("v", k)) / Integer(K), [1 / 3] * 3),
    "index as number": (lambda k: total(k, Integer(affine(k)) * at("v", k)), [0, 1, 2]),
    "shifted window": (
        lambda k: total(k, Within(affine(k) - 1, affine(0), K - 1) * at("v", affine(k) - 1)
                        * at("v", k)),
        [-0.7, 1.4, -0.7],
    ),
    "where": (
        lambda k: total(k, Where(Compare(">", at("v", k), expr(0)), Call("log", (at("v", k),)),
                                 at("v", k))),
        [1 / 0.3, 1, 1 / 1.1],
    ),
    "condition on indices": (
        lambda k: total(k, Where(Compare("<", Integer(affine(k)), Integer(Affine(1))),
                                 at("v", k), expr(0))),
        [1, 0, 0],
    ),
    "through a variable": (lambda k: total(k, at("s", k) * at("v", k)), [4 * u for u in V]),
}  # fmt: skip


@pytest.mark.parametrize("arith", ARITHMETICS, ids=lambda a: a.label)
@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms(name: str, arith: Any) -> None:
    cost, truth = CLOSED[name]
    assert gradient(plain(cost), V, 2, arith) == pytest.approx(truth, rel=1e-13, abs=1e-15)


def test_ties_are_shared_equally() -> None:
    largest = plain(lambda k: Reduce("max", (k,), at("v", k)))
    smallest = plain(lambda k: Reduce("min", (k,), at("v", k)))
    pair = plain(lambda k: Call("maximum", (at("v", 0), at("v", 1))))
    assert gradient(largest, [2.0, 1.0, 2.0]) == [0.5, 0, 0.5]
    assert gradient(smallest, [2.0, 1.0, 1.0]) == [0, 0.5, 0.5]
    assert gradient(pair, [2.0, 2.0]) == [0.5, 0.5]
    weights = plain(lambda k: Weights("argmax", k, at("v", k), Affine(2)))
    tied = Sample(weights, {("K", ()): 3}, {"v": {(0,): 2.0, (1,): 1.0, (2,): 2.0}, "c": {(): 0}})
    assert Oracle(weights, tied).cost == 0.5


KINKS = {"abs": 0.0, "sign": 0.0, "relu": 0.0}


@pytest.mark.parametrize("name", KINKS)
def test_kinks_have_the_value_by_convention(name: str) -> None:
    model = plain(lambda k: total(k, Call(name, (at("v", k),))))
    slope = 0.0 if name == "sign" else 1.0
    assert gradient(model, [0.0, 0.5]) == [KINKS[name], slope]


def test_differences_notice_a_kink() -> None:
    model = plain(lambda k: total(k, Call("relu", (at("v", k),))))
    with pytest.raises(Kink):
        gradient(model, [0.0, 0.5], arith=digits())


def test_a_kink_is_skipped_and_counted() -> None:
    model, k = plain(lambda k: total(k, Call("abs", (at("v", k) - at("v", k),)))), axis("k", K)
    case = Case(bar("v", k), (k,), (Line("rule", (), bar("v", k), number(0)),), number(0), 1)
    sample = samples(model)[:1]
    assert check_lines(case, oracles(model, (), sample)).ok
    relu = plain(lambda k: Call("relu", (0 * at("v", 0) * at("v", 1),)))
    assert check_lines(case, oracles(relu, (), sample, digits())).ok


# ── functions ─────────────────────────────────────────────────────────────────────────────────────

POINT = {1: [0.37], 2: [0.37, -0.81], 0: []}


@pytest.mark.parametrize("record", ELEMENTWISE, ids=lambda r: r.name)
@pytest.mark.parametrize("arith", ARITHMETICS, ids=lambda a: a.label)
def test_every_elementwise_function(record: Any, arith: Any) -> None:
    model = plain(lambda k: total(k, at("v", k)))
    program, lift = Program(model, arith), arith.lift
    args = [lift(a) for a in POINT[record.arity]]
    value = program.apply(record.name, args)
    assert value == math.inf if record.name == "infinity" else math.isfinite(value)
    oracle = Oracle(model, samples(model)[0], arith, program=program)
    for position in range(record.arity):
        orders = tuple(int(k == position) for k in range(record.arity))
        nodes = tuple(Number(Fraction(*a.as_integer_ratio())) for a in POINT[record.arity])
        symbolic = oracle.value(derivative(Call(record.name, nodes), position))
        numeric = program.derivative(record.name, args, orders)
        assert abs(numeric - symbolic) < (1e-14 if arith is FLOAT else 1e-35)


@pytest.mark.parametrize("u", [-7.0, -3.0, -0.2, 1e-8, 0.5, 2.0, 4.0, 5.9, 8.0])
def test_erf_with_a_step(u: float) -> None:
    value = FLOAT.table["erf"](complex(u, 1e-40))
    assert value.real == pytest.approx(math.erf(u), rel=1e-14)
    slope = 2 / math.sqrt(math.pi) * math.exp(-u * u)
    assert value.imag / 1e-40 == pytest.approx(slope, abs=3e-15)


def test_higher_derivatives_of_a_users_function() -> None:
    model = plain(lambda k: total(k, at("v", k)), SIGMOID)
    s = 1 / (1 + math.exp(-0.3))
    second, third = s * (1 - s) * (1 - 2 * s), s * (1 - s) * (1 - 6 * s + 6 * s * s)
    program = Program(model, FLOAT)
    assert program.derivative("sigma", [0.3], (2,)) == pytest.approx(second, rel=1e-14)
    assert program.derivative("sigma", [0.3], (3,)) == pytest.approx(third, rel=1e-14)
    step = program.derivative("sigma", [complex(0.3, 1e-40)], (1,))
    assert step.imag / 1e-40 == pytest.approx(second, rel=1e-14)


def test_abstract_functions_differ_by_name_and_have_derivatives() -> None:
    functions = (Function("f"), Function("g"))
    program = Program(plain(lambda k: total(k, at("v", k)), *functions), FLOAT)
    values = {name: program.apply(name, [0.4]) for name in "fg"}
    slopes = {name: program.derivative(name, [0.4], (1,)) for name in "fg"}
    assert values["f"] != values["g"] and slopes["f"] != slopes["g"]
    assert all(abs(slope) > 1e-3 for slope in slopes.values())


@pytest.mark.parametrize("arith", ARITHMETICS, ids=lambda a: a.label)
def test_an_undefined_cost_of_a_vector(arith: Any) -> None:
    """dC/dv_k = 2 (∇C)_k, because s = 2v; and a gradient at a wrong place is caught."""
    model = plain(lambda k: Functional("F", (k,), (at("s", k), at("v", k) ** 2)))
    k, i, j = axis("k", K), axis("i", K), axis("j", K)

    def slope(position: int, place: Affine, bound: Index) -> Expr:
        return Functional("F", (bound,), (at("s", bound), at("v", bound) ** 2), position, (place,))

    right = 2 * slope(0, affine(k), i) + 2 * at("v", k) * slope(1, affine(k), j)
    wrong = 2 * slope(0, Affine(0), i) + 2 * at("v", k) * slope(1, affine(k), j)
    for result, holds in ((right, True), (wrong, False)):
        case = Case(bar("v", k), (k,), (Line("rule", (), bar("v", k), result),), result, 1)
        assert check_lines(case, oracles(model, (), samples(model), arith), 3).ok is holds


# ── what cannot be evaluated is refused ───────────────────────────────────────────────────────────


def test_reading_outside_of_an_array_is_an_error() -> None:
    model = plain(lambda k: total(k, at("v", k)))
    oracle = Oracle(model, samples(model)[0])
    for element in (at("v", -1), at("s", 99)):
        with pytest.raises(OutsideRange):
            oracle.value(element)
    guarded = Indicator(Affine(0), Affine(1)) * at("v", -1)
    assert oracle.value(guarded) == 0


def test_what_the_oracle_does_not_know_is_named() -> None:
    model = plain(lambda k: total(k, at("v", k)))
    oracle = Oracle(model, samples(model)[0])
    for node, word in (
        (Ref("nowhere"), "nowhere"),
        (Call("nofunction", (expr(1),)), "nofunction"),
        (Partial(expr(1), Ref("c")), "c has no derivatives"),
        (Partial(Partial(at("v", 0) ** 2, at("v", 0)), at("v", 0)), "within a derivative"),
    ):
        with pytest.raises(SymbpError, match=word):
            oracle.value(node)


# ── samples ───────────────────────────────────────────────────────────────────────────────────────


def test_sizes_are_pairwise_different_and_so_are_variants() -> None:
    model = mlp()
    first, second = choose_sizes(model, 0), choose_sizes(model, 1)
    assert first == choose_sizes(model, 0)
    for sizes in (first, second):
        members = [v for (name, _), v in sizes.items() if name == "n"]
        assert len(members) == len(set(members)) == sizes["L", ()] + 1
    assert first != second


def test_windows_and_strides_have_places() -> None:
    """H - P + 1 places, and (H - P)//2 + 1 of them with a stride."""
    H, P = size("H"), size("P")
    places, strided = H - P + 1, affine(FloorDiv(H - P, 2)) + 1
    i, p, q = axis("i", places), axis("p", P), axis("i", strided)
    k = axis("i", places)
    model = model_of(
        [
            Array("x", "input", (axis("h", H),)), Array("f", "param", (axis("p", P),)),
            Array("z", "variable", (axis("i", places),)), Array("C", "cost"),
        ],
        [
            Equation(at("z", i), total(p, at("f", p) * at("x", affine(i) + p)), (i,)),
            Equation(Ref("C"), total(k, at("z", k) ** 2) + total(q, at("z", affine(q) * 2))),
        ],
        ("H", "P"),
    )  # fmt: skip
    for sample in samples(model):
        assert sample.size("H", ()) > sample.size("P", ())
        assert Oracle(model, sample).adjoint("f", (0,)) != 0


def test_samples_are_the_same_every_time_and_stay_in_the_domain() -> None:
    model = plain(lambda k: total(k, Call("log", (at("v", k),))))
    sample = samples(model)[0]
    assert sample.mode != "signed" and all(u > 0 for u in sample.values["v"].values())
    assert sample == samples(model)[0]
    assert draw(model, choose_sizes(model), 0) != draw(model, choose_sizes(model), 1)


def test_no_values_are_found_for_a_cost_without_any() -> None:
    model = plain(lambda k: Call("log", (-(total(k, at("v", k) ** 2)),)))
    with pytest.raises(SymbpError, match="finite"):
        samples(model)


# ── generated modules ─────────────────────────────────────────────────────────────────────────────

Gradients = namedtuple("Gradients", "w b")


def value_and_grad(*, x: Any, y: Any, w: Any, b: Any) -> tuple[float, Any]:
    a = [x]
    for weights, bias in zip(w, b, strict=True):
        a.append(1 / (1 + np.exp(-(a[-1] @ weights.T + bias))))
    error, count = a[-1] - y, x.dtype.type(len(x))
    delta = error * a[-1] * (1 - a[-1]) / count
    grad_w, grad_b = [], []
    for ly in range(len(w) - 1, -1, -1):
        grad_w.insert(0, delta.T @ a[ly])
        grad_b.insert(0, delta.sum(axis=0))
        delta = (delta @ w[ly]) * a[ly] * (1 - a[ly])
    return float(0.5 * np.vdot(error, error) / count), Gradients(grad_w, grad_b)


def broken(change: Callable[[float, Any, dict[str, Any]], tuple[float, Any]]) -> SimpleNamespace:
    def run(**arguments: Any) -> tuple[float, Any]:
        cost, grads = value_and_grad(**arguments)
        return change(cost, grads, arguments)

    return SimpleNamespace(value_and_grad=run)


def test_a_right_module_passes() -> None:
    model = mlp()
    for sample in samples(model):
        checks = check_module(model, SimpleNamespace(value_and_grad=value_and_grad), sample)
        assert all(check.ok for check in checks), checks
        assert {check.precision for check in checks} == {"float64", "float32"}


def _modified(cost: float, grads: Any, arguments: dict[str, Any]) -> tuple[float, Any]:
    arguments["x"] += 1
    return cost, grads


_calls = iter(range(1000))
W, B = "gradient with respect to w", "gradient with respect to b"
BROKEN: dict[str, tuple[Callable[..., Any], str]] = {
    "not averaged": (lambda c, g, a: (3 * c, g), "cost"),
    "no number": (lambda c, g, a: (c * math.nan, g), "cost"),
    "a gradient that is no number": (lambda c, g, a: (c, g._replace(b=[*g.b[:-1], g.b[-1] * math.nan])), B),
    "one gradient": (lambda c, g, a: (c, g._replace(b=[2 * b for b in g.b])), B),
    "slightly": (lambda c, g, a: (c, g._replace(w=[w * (1 + 1e-3) for w in g.w])), W),
    "transposed": (lambda c, g, a: (c, g._replace(w=[w.T for w in g.w])), W),
    "one too few": (lambda c, g, a: (c, g._replace(b=g.b[1:])), B),
    "no gradient": (lambda c, g, a: (c, namedtuple("G", "w")(g.w)), B),
    "nan": (lambda c, g, a: (c, g._replace(b=[b * math.nan for b in g.b])), B),
    "not deterministic": (lambda c, g, a: (c + 1e-13 * next(_calls), g), "same bits twice"),
    "modified": (_modified, "arguments are not modified"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BROKEN)
def test_a_wrong_module_is_caught(kind: str) -> None:
    model, (change, what) = mlp(), BROKEN[kind]
    checks = check_module(model, broken(change), samples(model)[0])
    assert what in {check.what for check in checks if not check.ok}


@pytest.mark.parametrize(("off", "ok"), [(0.0, True), (1e-6, False), (math.nan, False)])
def test_the_value_alone_is_the_cost(off: float, ok: bool) -> None:
    model = mlp()
    both = SimpleNamespace(
        value_and_grad=value_and_grad, value=lambda **given: value_and_grad(**given)[0] + off
    )
    checks = check_module(model, both, samples(model)[0])
    found = [c.ok for c in checks if c.what == "value is the cost" and c.precision == "float64"]
    assert found == [ok]


def test_a_value_may_be_rounded_in_another_order() -> None:
    """Where gradients read Σ e²/exp(2s) too, it is divided by 2 later than in the cost alone."""
    text = "index t = 1..T\ninput x[t]\nparam s\nparam a\ne[t] = x[t] - a\n"
    report = pipeline.verified(pipeline.parse(text + "cost C = sum(e[t]^2/exp(2*s)/2 + s, t)\n"))
    assert report.ok, report


def test_a_module_that_loses_float32_is_caught() -> None:
    def widen(cost: float, grads: Any, arguments: Any) -> tuple[float, Any]:
        return cost, grads._replace(w=[w.astype("float64") for w in grads.w])

    model = mlp()
    checks = check_module(model, broken(widen), samples(model)[0])
    bad = [check for check in checks if not check.ok]
    assert [(c.what, c.precision) for c in bad] == [(W, "float32")]
    assert "float64 instead of float32" in bad[0].note


# ── recurrences, gathers, and costs that read a variable directly ─────────────────────────────────


def recurrent() -> Model:
    """h_t = tanh(u h_{t-1} + v E_{tok_t}), h_0 = 0; the cost is Σ_t h_t² + v²."""
    T = size("T")

    def time(lo: int) -> Index:
        return fresh("t", affine(lo), T, "t")

    t, s = time(1), time(1)
    token = Affine(0, ((at("tok", t), 1),))
    state = Call("tanh", (Ref("u") * at("h", affine(t) - 1) + Ref("v") * at("E", token),))
    return model_of(
        [
            Array("tok", "input", (time(1),), integer=(affine(0), K - 1)),
            Array("E", "param", (axis("k", K),)), Array("u", "param"), Array("v", "param"),
            Array("h", "variable", (time(0),)), Array("C", "cost"),
        ],
        [
            Equation(at("h", 0), expr(0)),
            Equation(at("h", t), state, (t,)),
            Equation(Ref("C"), total(s, at("h", s) ** 2) + Ref("v") ** 2),
        ],
        ("T", "K"), sequences=(time(1),),
    )  # fmt: skip


@pytest.mark.parametrize("arith", ARITHMETICS, ids=lambda a: a.label)
def test_recurrence_against_backpropagation_through_time(arith: Any) -> None:
    model = recurrent()
    for sample in samples(model):
        steps, given = sample.size("T", ()), sample.values
        u, v, tokens = given["u"][()], given["v"][()], given["tok"]
        h = [0.0]
        for t in range(1, steps + 1):
            h.append(math.tanh(u * h[-1] + v * given["E"][(int(tokens[(t,)]),)]))
        bars, grad_u, grad_v = [0.0] * (steps + 2), 0.0, 2 * v
        grad_e = [0.0] * sample.size("K", ())
        for t in range(steps, 0, -1):
            later = bars[t + 1] * (1 - h[t + 1] ** 2) * u if t < steps else 0.0
            bars[t] = 2 * h[t] + later
            inner = bars[t] * (1 - h[t] ** 2)
            grad_u += inner * h[t - 1]
            grad_v += inner * given["E"][(int(tokens[(t,)]),)]
            grad_e[int(tokens[(t,)])] += inner * v
        oracle = Oracle(model, sample, arith)
        close = lambda value: pytest.approx(value, rel=1e-12, abs=1e-15)  # noqa: E731
        assert [float(oracle.adjoint("h", (t,))) for t in range(1, steps + 1)] == close(bars[1:-1])
        assert float(oracle.adjoint("u", ())) == close(grad_u)
        assert float(oracle.adjoint("v", ())) == close(grad_v)
        assert [float(oracle.adjoint("E", (k,))) for k in range(len(grad_e))] == close(grad_e)


def recurrent_error(reads_directly: bool = True) -> Case:
    """∂C/∂h_t = ∂C/∂h_t + h̄_{t+1} ∂h_{t+1}/∂h_t: the first term is what C reads of h_t itself."""
    t = fresh("t", affine(1), size("T") - 1, "t")
    here, later = at("h", t), affine(t) + 1
    own = Partial(Ref("C"), here)
    step = bar("h", later) * Partial(at("h", later), here)
    slope = bar("h", later) * (1 - at("h", later) ** 2) * Ref("u")
    stages = [bar("h", t), own, own + step if reads_directly else step, 2 * here + slope]
    lines = tuple(Line("rule", (), a, b) for a, b in pairwise(stages))
    return Case(bar("h", t), (t,), lines, stages[-1], 4, consumers=("C", "h"))


def test_a_cost_that_also_reads_the_variable_directly() -> None:
    model = recurrent()
    group = oracles(model, (), samples(model))
    assert check_lines(recurrent_error(), group).ok
    check = check_lines(recurrent_error(False), group)
    assert not check.ok and check.line == 1


def test_a_users_function_may_have_the_name_that_a_built_in_one_uses() -> None:
    model = plain(lambda k: total(k, at("v", k)), Function("exp", ("u",), Ref("u")))
    program = Program(model, FLOAT)
    assert program.apply("exp", [0.3]) == 0.3
    assert program.apply("sigmoid", [0.3]) == pytest.approx(1 / (1 + math.exp(-0.3)), rel=1e-15)


# ── every line, corrupted in every way ────────────────────────────────────────────────────────────


def corruptions(node: Expr) -> Iterator[tuple[str, Expr]]:
    """The expression with one thing wrong in one place; none of them has the same value."""
    yield "sign", Neg(node)
    yield "a part in a million", node * Number(Fraction(1000001, 1000000))
    for part in dict.fromkeys(walk(node)):
        for kind, wrong in _wrong(part):
            yield f"{kind} of {type(part).__name__}", _instead(node, part, wrong)


def _instead(node: Expr, part: Expr, wrong: Expr) -> Expr:
    return replace_nodes(node, lambda n: wrong if n == part else None)


def _wrong(part: Expr) -> Iterator[tuple[str, Expr]]:
    match part:
        case Ref(name, (first, second, third)):
            yield "transpose", Ref(name, (first, third, second))
            yield "another layer", Ref(name, (first - 1, second, third))
        case Adjoint(name, (first, *rest)):
            yield "another layer", Adjoint(name, (first - 1, *rest))
        case Call(name, args, (1,)):
            yield "function for its derivative", Call(name, args)
        case Mul(factors):
            for k in range(len(factors)):
                yield f"factor {k}", mul(f for i, f in enumerate(factors) if i != k)
        case Reduce("sum", (index,), body):
            shorter = fresh(index.name, index.low, index.high - 1)
            yield "last term", total(shorter, substitute(body, {index: affine(shorter)}))
        case _:
            return


STAGES = range(1, 6)


@pytest.mark.parametrize("stage", STAGES)
def test_every_corruption_of_every_line_is_caught(stage: int) -> None:
    model, case = mlp(), hidden_error()
    sample = samples(model)
    line = case.lines[stage]
    count = 0
    for kind, wrong in corruptions(line.target):
        lines = [*case.lines]
        lines[stage] = replace(line, target=wrong)
        if stage + 1 < len(lines):
            lines[stage + 1] = replace(lines[stage + 1], source=wrong)
        check = check_lines(replace(case, lines=tuple(lines)), oracles(model, {"a"}, sample))
        assert not check.ok and check.line == stage, kind
        count += 1
    assert count >= 6


LOG_OF_SOFTMAX = """
const X : N, K
param a : K
w[k] = softmax(a[k], k)
s[n,k] = log(w[k]) + X[n,k]
cost C = sum(s[n,k]^2, n, k){more}
"""


@pytest.mark.parametrize("more", ["", " + sum(w[k]^2, k)"])
def test_an_equation_in_stable_form_reads_what_that_form_reads(more: str) -> None:
    report = pipeline.verified(pipeline.parse(LOG_OF_SOFTMAX.format(more=more)))
    assert report.ok, str(report)


@pytest.mark.parametrize("cost", ["-log(p) + p^2", "-p*log(p) - (1 - p)*log(1 - p)"])
def test_a_variable_that_a_stable_form_drops_in_one_place_is_seen_through_everywhere(cost: str) -> None:
    text = f"input x : D\nparam w : D\np = sigmoid(sum(w[d]*x[d], d))\ncost C = {cost}"
    report = pipeline.verified(pipeline.parse(text))
    assert report.ok, str(report)


def test_a_variable_asked_for_keeps_its_adjoint_though_the_stable_form_drops_it() -> None:
    system = adjoint_system(pipeline.parse(LOG_OF_SOFTMAX.format(more="")), ("a", "w"))
    group = oracles(system.model, system.through, samples(system.model), steady=system.steady)
    for name in ("w", "a"):
        assert all(check_lines(case, group).ok for case in system.cases[name])
        assert not any(line.rule == "no use" for case in system.cases[name] for line in case.lines)


# ── the models that come with symbp ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", models.names())
def test_two_precisions_agree_on_every_shipped_model(name: str) -> None:
    """Complex step and differences in 60 digits share neither method nor functions."""
    model = pipeline.load(name)
    sample = samples(model)[0]
    fine, coarse = Oracle(model, sample, digits()), Oracle(model, sample)
    assert float(fine.cost) == pytest.approx(coarse.cost, rel=1e-13)
    for array in model.of_kind("param", "variable"):
        for where in points(array.axes, coarse)[:3]:
            value, step = fine.adjoint(array.name, where), coarse.adjoint(array.name, where)
            assert float(value) == pytest.approx(step, rel=1e-10, abs=1e-13)


@pytest.mark.parametrize("name", models.names())
def test_corrupted_lines_of_every_shipped_model_are_caught(name: str) -> None:
    model = pipeline.load(name)
    derived, chosen = adjoint_system(model), samples(model)
    tried = 0
    for case in (c for cases in derived.cases.values() for c in cases if c.lines):
        last = case.lines[-1]
        for kind, wrong in islice(corruptions(last.target), 2):
            lines = (*case.lines[:-1], replace(last, target=wrong))
            group = oracles(model, derived.through, chosen)
            check = check_lines(replace(case, lines=lines, result=wrong), group, limit=4)
            assert not check.ok, f"{kind} in the adjoint of {case.lhs.name}"
            tried += 1
    assert tried >= 2


EDIT_DISTANCE = """
    index i = 1..N, j = 1..M
    const a[i] in 0..K-1
    const b[j] in 0..K-1
    param S : K, K
    param gap
    D[0,0] = 0
    D[i,0] = i*gap
    D[0,j] = j*gap
    D[i,j] = minimum(minimum(D[i-1,j] + gap, D[i,j-1] + gap), D[i-1,j-1] + S[a[i],b[j]])
    cost C = D[N,M]
"""


def test_ways_that_always_tie_are_left_out() -> None:
    """Two ways into D[1,1] cost 2*gap whatever gap is: no derivative to compare with, and no failure."""
    report = pipeline.verified(pipeline.parse(EDIT_DISTANCE))
    assert report.ok, str(report)


def test_a_corner_that_nothing_defines_or_reads_is_no_gap() -> None:
    report = pipeline.verified(pipeline.parse("""
        index l = 1..L, t = 1..T
        input x[t] : N
        param w[l]
        h[0,t,i] = x[t,i]
        h[l,0,i] = 0
        h[l,t,i] = tanh(w[l]*h[l-1,t,i] + h[l,t-1,i])
        cost C = sum(h[L,T,i]^2, i)
    """))
    assert report.ok, str(report)


def test_the_sizes_are_the_smallest_of_several_that_serve() -> None:
    model = pipeline.parse("""
        const T : I, J, K
        param G : P, Q
        param A : I, P
        param B : J, Q
        cost L = sum((T[i,j,k] - sum(G[p,q]*A[i,p]*B[j,q], p, q))^2, i, j, k)
    """)
    sizes = choose_sizes(model)
    assert sizes["I", ()] * sizes["J", ()] * sizes["K", ()] <= 60


BORDER = """
index i = 0..N, j = 0..M
input x : N
param y : M
d[i,j] = (x[i-1] - y[j-1])^2 for i = 1..N, j = 1..M
r[0,0] = 0
r[i,0] = 100000 for i = 1..N
r[0,j] = 100000 for j = 1..M
r[i,j] = d[i,j] - log(exp(-r[i-1,j]) + exp(-r[i,j-1]) + exp(-r[i-1,j-1])) for i = 1..N, j = 1..M
cost C = r[N,M]
"""


def test_beside_a_border_that_no_path_crosses_no_logarithm_of_zero_is_taken() -> None:
    model = pipeline.parse(BORDER)
    system = adjoint_system(model)
    assert verify(model, system, precise=False).ok


STANDARDISED = """
const x : 2, D
param W : E, D
param b : E
u[n,e] = sum(W[e,d]*x[n,d], d) + b[e]
a[n,e] = (u[n,e] - mean(u[m,e], m))/sqrt(mean((u[m,e] - mean(u[k,e], k))^2, m))
cost C = sum(a[n,e]^4, n, e)
"""


@pytest.mark.parametrize("seed", range(4))
def test_a_gradient_that_vanishes_is_no_error_for_its_roundings(seed: int) -> None:
    model = pipeline.parse(STANDARDISED)
    system = adjoint_system(model)
    report = verify(model, system, pipeline.module_of(system), precise=False, seed=seed)
    assert report.ok, str(report)
