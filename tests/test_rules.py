"""The oracle bites: every rule is corrupted in turn, and every corruption is noticed."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from symbp.calculus.construct import add, mul
from symbp.calculus.tree import replace_nodes

from symbp import models, pipeline
from symbp.calculus import collapse, differentiate
from symbp.calculus.affine import Affine
from symbp.calculus.expr import ONE, Add, Adjoint, Call, Expr, Indicator, Mul, Neg, Partial, number
from symbp.derive import engine, local, reduce
from symbp.derive.rules import RULES
from symbp.derive.scene import Outcome, Rule, Scene
from symbp.verify.report import verify

Corruption = Callable[[Expr], Expr]


def negated(node: Expr) -> Expr:
    return Neg(node)


def doubled(node: Expr) -> Expr:
    return mul((number(2), node))


def one_more(node: Expr) -> Expr:
    return add((node, ONE))


def first_factor_dropped(node: Expr) -> Expr:
    def change(n: Expr) -> Expr | None:
        return mul(n.factors[1:]) if isinstance(n, Mul) else None

    return replace_nodes(node, change)


def first_term_dropped(node: Expr) -> Expr:
    def change(n: Expr) -> Expr | None:
        return add(n.terms[1:]) if isinstance(n, Add) else None

    return replace_nodes(node, change)


def prime_forgotten(node: Expr) -> Expr:
    def change(n: Expr) -> Expr | None:
        return replace(n, orders=()) if isinstance(n, Call) and any(n.orders) else None

    return replace_nodes(node, change)


CORRUPTIONS: tuple[Corruption, ...] = (
    negated, doubled, one_more, first_factor_dropped, first_term_dropped, prime_forgotten,
)  # fmt: skip


def corrupted(name: str, corruption: Corruption) -> tuple[Rule, ...]:
    """RULES with one rule's results changed."""

    def apply(rule: Rule) -> Rule:
        if rule.name != name:
            return rule

        def wrong(node: Expr, scene: Scene) -> Outcome | None:
            outcome = rule.apply(node, scene)
            return None if outcome is None else (corruption(outcome[0]), outcome[1])

        return replace(rule, apply=wrong)

    return tuple(apply(r) for r in RULES)


WRITTEN = {
    "whole weights": """
        param w : K
        param b : K
        p[k] = softmax(w[k], k)
        cost C = logsumexp(b[k], k)*sum(p[k], k)
    """,
    "hyperbolic": """
        const x : N, D
        param w : D
        e[n] = sum(x[n,d]*w[d], d)
        cost C = sum(log(cosh(e[n])), n)
    """,
}
"""Models for the rules that no shipped model needs."""


@cache
def fires(name: str, rule: str) -> bool:
    system = engine.adjoint_system(pipeline.load(name))
    return any(line.rule == rule for cases in system.cases.values() for c in cases for line in c.lines)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("rule", [r.name for r in RULES])
def test_a_corrupted_rule_is_noticed(
    rule: str, corruption: Corruption, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = next((m for m in models.names() if fires(m, rule)), None)
    assert name is not None or rule in WRITTEN, f"no shipped model uses the rule {rule}"
    model = pipeline.load(name) if name is not None else pipeline.parse(WRITTEN[rule])
    before = engine.adjoint_system(model)
    monkeypatch.setattr(engine, "RULES", corrupted(rule, corruption))
    try:
        after = engine.adjoint_system(model)
    except Exception:
        return  # so wrong that the next rule falls over: noticed
    if _targets(before) == _targets(after):
        pytest.skip("this corruption changes nothing that the rule makes")
    assert not verify(model, after, precise=False).ok


def _targets(system: object) -> list[str]:
    from symbp.calculus.tree import canonical

    cases = system.cases  # type: ignore[attr-defined]
    lines = (n for group in cases.values() for c in group for n in c.lines)
    return [re.sub(r"uid=-?\d+", "", repr(canonical(n.target))) for n in lines]


def _transposed(indices: tuple[Affine, ...], other: tuple[Affine, ...]) -> Expr:
    return mul(Indicator(a, b) for a, b in zip(indices, reversed(other), strict=True)) if indices else ONE


@pytest.mark.parametrize(
    ("module", "name", "wrong"),
    [
        (differentiate, "same_element", lambda a, b: ONE),
        (differentiate, "same_element", _transposed),
        (differentiate, "_signed", lambda t, d: d(t.arg if isinstance(t, Neg) else t)),
        (collapse, "solve", lambda i, index, f=collapse.solve: (v := f(i, index)) and v + 1),
        (local, "call_rule", lambda call, k: ONE),
        (reduce, "tidy", lambda node, f=reduce.tidy: Neg(f(node))),
    ],
    ids=["no indicator", "transposed", "sign lost", "off by one", "chain rule lost", "sign in tidy"],
)
def test_a_corrupted_calculus_is_noticed(
    module: object, name: str, wrong: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = pipeline.load("softmax_classifier")
    monkeypatch.setattr(module, name, wrong)
    try:
        report = verify(model, engine.adjoint_system(model), precise=False)
    except Exception:
        return  # so wrong that it falls over is noticed, too
    assert not report.ok


@pytest.mark.parametrize("name", models.names())
def test_every_line_of_a_shipped_model_holds(name: str) -> None:
    report = pipeline.verified(pipeline.load(name))
    assert report.ok, str(report)


@pytest.mark.parametrize("name", models.names())
def test_every_line_has_a_reason(name: str) -> None:
    system = engine.adjoint_system(pipeline.load(name))
    for cases in system.cases.values():
        for case in cases:
            assert case.lines
            for line in case.lines:
                assert line.reason and line.rule


def test_lines_follow_from_each_other() -> None:
    for case in engine.adjoint_system(pipeline.load("mlp")).cases["z"]:
        assert isinstance(case.lines[0].source, Adjoint)
        assert isinstance(case.lines[0].target, Partial)
        for above, below in zip(case.lines, case.lines[1:], strict=False):
            assert above.target == below.source


def test_one_character_changes_every_line_that_depends_on_it() -> None:
    text = pipeline.load("mlp").text
    other = text.replace("w[l,j,k]*a[l-1,k]", "w[l,j,k]*a[l-1,k]^2")
    assert other != text
    before, after = (
        pipeline.documented(pipeline.parse(t, "mlp"), ["delta"], "text").splitlines() for t in (text, other)
    )
    assert any("2" in line for line in set(after) - set(before))
