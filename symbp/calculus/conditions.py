"""Conditions on indices: what they say about integers, and whether the ranges decide them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from symbp.calculus.affine import Affine, affine, known_nonnegative
from symbp.calculus.expr import Add, Compare, Expr, Indicator, Integer, Logic, Mul, Neg, Number, Ref, Where


def settled(cond: Expr) -> bool | None:
    """Whether a comparison of indices always holds, or never does; None where it depends."""
    if not isinstance(cond, Compare):
        return None
    for holds in (True, False):
        known = tuple(gaps(cond, holds))
        if known and all(map(known_nonnegative, known)):
            return holds
    return None


def gaps(cond: Expr, holds: bool = True) -> Iterator[Affine]:
    """What a condition says to be at least 0 if it holds (or does not), an integer for each comparison."""
    match cond:
        case Logic("not", (arg,)):
            yield from gaps(arg, not holds)
        case Logic("and" | "or" as op, args) if (op == "and") == holds:
            for arg in args:
                yield from gaps(arg, holds)
        case Compare(op, left, right):
            low, high = as_integer(left), as_integer(right)
            if low is not None and high is not None:
                yield from compared(op if holds else OPPOSITE[op], high - low)


def indicated(node: Expr, is_label: Callable[[Ref], bool], windows: bool) -> Expr | None:
    """``where(i == y, 1, 0)`` with a label y as the indicator that it is, which a sum over i can use up.

    So is ``where(u == 2*t + p, 1, 0)`` with ``windows``.  That of two indices alone stays: it is the identity
    matrix, of which X (XᵀX − I) is made.
    """
    match node:
        case Where(Compare("==", left, right), Number(1), Number(0)):
            one, other = (
                affine(n) if isinstance(n, Ref) and is_label(n) else as_integer(n) for n in (left, right)
            )
        case _:
            return None
    if one is None or other is None:
        return None
    labels = any(isinstance(n, Ref) for n in (left, right))
    entry = one.as_index() is not None and other.as_index() is not None
    return Indicator(one, other) if labels or (windows and not entry) else None


def apart(cond: Expr, holds: bool = True) -> Iterator[Affine]:
    """What a condition says not to be 0 if it holds (or does not)."""
    match cond:
        case Logic("not", (arg,)):
            yield from apart(arg, not holds)
        case Logic("and" | "or" as op, args) if (op == "and") == holds:
            for arg in args:
                yield from apart(arg, holds)
        case Compare("==" | "!=" as op, left, right) if (op == "!=") == holds:
            low, high = as_integer(left), as_integer(right)
            if low is not None and high is not None:
                yield high - low


OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}


def compared(op: str, gap: Affine) -> Iterator[Affine]:
    """What ``left op right`` says to be at least 0, for ``gap = right - left``; nothing where it is open."""
    match op:
        case "<" | "<=":
            yield gap - (op == "<")
        case ">" | ">=":
            yield -gap - (op == ">")
        case "==":
            yield from (gap, -gap)
        case _:  # what is not 0, and at least 0 by the ranges, is at least 1
            yield from (side - 1 for side in (gap, -gap) if known_nonnegative(side))


def as_integer(node: Expr, labels: Collection[str] = ()) -> Affine | None:
    """The integer that an expression of indices, sizes and whole numbers is; None for any other.

    ``labels`` are arrays of integers whose elements may stand there too.
    """
    match node:
        case Integer(value):
            return value
        case Ref(name) if name in labels:
            return affine(node)
        case Number(value) if value.denominator == 1:
            return Affine(int(value))
        case Neg(arg):
            inner = as_integer(arg, labels)
            return None if inner is None else -inner
        case Add(terms):
            parts = [as_integer(t, labels) for t in terms]
            known = [p for p in parts if p is not None]
            return sum(known, Affine()) if len(known) == len(parts) else None
        case Mul(factors):
            return _product([as_integer(f, labels) for f in factors])
        case _:
            return None


def _product(parts: Sequence[Affine | None]) -> Affine | None:
    """The product of integers, of which all but one are numbers."""
    total = Affine(1)
    for part in parts:
        if part is None or not (part.is_const or total.is_const):
            return None
        total = total * part.const if part.is_const else part * total.const
    return total
