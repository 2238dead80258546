"""Numerators recovered from stored quotients, so that fewer arrays are kept for the way back.

A loop keeps whatever its adjoints read.  Where a step stores n = (z - m)/s, and its adjoints read n and s
anyway, z - m is n s there: z and m need not be kept.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace

from symbp.arrays.reuse import binding
from symbp.arrays.statement import Statement, key_of, reads_of
from symbp.calculus.construct import mul
from symbp.calculus.expr import Add, Div, Expr, Ref
from symbp.calculus.tree import refs, replace_nodes, substitute
from symbp.model.core import Equation


def recovered(
    backward: Sequence[Statement], equations: Iterable[Equation], stepwise: Container[str]
) -> tuple[Statement, ...]:
    """The statements with n s for z - m, where nothing on the way back reads z then."""
    out = tuple(backward)
    for e in equations:
        if e.lhs.name in stepwise and isinstance(e.rhs, Div) and isinstance(e.rhs.num, Add):
            out = _through(e, e.rhs, out)
    return out


def _through(equation: Equation, quotient: Div, backward: tuple[Statement, ...]) -> tuple[Statement, ...]:
    lhs, below = equation.lhs, quotient.den
    if not isinstance(below, Ref) or not {lhs.name, below.name} <= _read(backward):
        return backward

    def change(node: Expr) -> Expr | None:
        found = binding(quotient.num, node, equation.indices) if isinstance(node, Add) else None
        return None if found is None else mul((substitute(lhs, found), substitute(below, found)))

    changed = tuple(replace(s, rhs=replace_nodes(s.rhs, change)) for s in backward)
    needless = {r.name for r in refs(quotient.num)} - _read(changed)
    return changed if needless & _read(backward) else backward


def _read(statements: Iterable[Statement]) -> set[str]:
    return {key_of(r) for s in statements for r in reads_of(s)}
