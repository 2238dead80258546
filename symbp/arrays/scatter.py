"""Scatters: Σ_t [tok[t] = v] f(t) into v is written as ``target[tok[t]] += f(t)``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeGuard

from symbp.arrays.nodes import BATCH
from symbp.arrays.statement import Statement
from symbp.calculus.affine import Affine, Index, affine, fresh, known_le, span
from symbp.calculus.collapse import weighed
from symbp.calculus.construct import add, div, mul, neg, reduce_sum
from symbp.calculus.expr import ZERO, Add, Div, Expr, Indicator, Mul, Neg, Number, Reduce, Ref, Within
from symbp.calculus.tree import free_indices, positions, refresh, substitute, walk


@dataclass(frozen=True, slots=True)
class Term:
    """A term ±Σ_binder Π factors / Π divisors."""

    binder: tuple[Index, ...]
    factors: tuple[Expr, ...]
    divisors: tuple[Expr, ...]

    @classmethod
    def of(cls, node: Expr, outer: bool = True) -> Term:
        """The node as one sum of products; nested sums are joined where they have an indicator."""
        match node:
            case Reduce("sum", indices, body) if outer or _indicates(body):
                inner = cls.of(body)
                return cls((*indices, *inner.binder), inner.factors, inner.divisors)
            case Mul(factors):
                parts = [cls.of(f, False) for f in factors]
                return cls(
                    tuple(i for p in parts for i in p.binder),
                    tuple(f for p in parts for f in p.factors),
                    tuple(d for p in parts for d in p.divisors),
                )
            case Neg(arg):
                inner = cls.of(arg, outer)
                return cls(inner.binder, (Number(Fraction(-1)), *inner.factors), inner.divisors)
            case Div(num, den):
                inner = cls.of(num, outer)
                return cls(inner.binder, inner.factors, (*inner.divisors, den))
            case _:
                return cls((), (node,), ())

    def without(self, factor: Expr, kept: tuple[Index, ...]) -> Expr:
        """The term with one factor less, summed over ``kept`` only."""
        return replace(self, factors=tuple(f for f in self.factors if f is not factor)).over(kept)

    def over(self, kept: tuple[Index, ...]) -> Expr:
        """The term, summed over ``kept`` only."""
        product = mul(self.factors)
        return reduce_sum(kept, div(product, mul(self.divisors)) if self.divisors else product)


def _indicates(node: Expr) -> bool:
    return any(isinstance(n, Indicator) for n in walk(node))


def solved(s: Statement, batched: frozenset[str], table: bool) -> tuple[Statement, ...]:
    """Scatter instead of searching: Σ_t [tok[t] = v] f(t) into v is ``target[tok[t]] += f(t)``.

    ``batched`` are the arrays that differ from example to example; ``table``: the target is one array that
    no recurrence runs through.  Terminates: every step uses up an indicator.
    """
    terms = terms_of(s.rhs)
    found = [_scatter(replace(s, rhs=t), batched, table and len(terms) > 1) for t in terms]
    if not any(found):
        return (s,)
    rest = add(t for t, f in zip(terms, found, strict=True) if f is None)
    first = (replace(s, rhs=rest),) if rest != ZERO else ()
    return (*first, *(inner for f in found if f is not None for inner in solved(f, batched, table)))


def merged(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    """What goes to the same places, repeated ones too, is added before it is scattered."""
    out: list[Statement] = []
    for s in statements:
        alike = ((k, _renamed(s, o)) for k, o in enumerate(out) if s.accumulate and o.accumulate)
        same = next(((k, r) for k, r in alike if r is not None), None)
        if same is None:
            out.append(s)
        else:
            place, renamed = same
            first = out[place]
            numbers = tuple(dict.fromkeys((*first.numbers, *renamed.numbers)))
            out[place] = replace(first, rhs=add((first.rhs, renamed.rhs)), numbers=numbers)
    return tuple(out)


def _renamed(s: Statement, like: Statement) -> Statement | None:
    """The statement in the indices of another one that goes to the same places; None if it does not."""
    if len(s.indices) != len(like.indices) or s.target != like.target or s.loops != like.loops:
        return None
    values = {mine: affine(its) for mine, its in zip(s.indices, like.indices, strict=True)}
    ends = [(i.low.substitute(values), i.high.substitute(values)) for i in s.indices]
    at = tuple(p.substitute(values) for p in s.at)
    if at != like.at or ends != [(i.low, i.high) for i in like.indices]:
        return None
    return replace(s, at=at, indices=like.indices, rhs=substitute(s.rhs, values))


def terms_of(node: Expr) -> tuple[Expr, ...]:
    """The terms of a sum, also below a sign, a divisor or a Σ."""
    match node:
        case Add(terms):
            return tuple(inner for t in terms for inner in terms_of(t))
        case Neg(arg):
            return tuple(neg(t) for t in terms_of(arg))
        case Div(num, den):
            return tuple(div(t, den) for t in terms_of(num))
        case Mul(factors) if (wide := next(filter(_chooses_places, factors), None)) is not None:
            rest = [f for f in factors if f is not wide]
            return tuple(inner for t in wide.terms for inner in terms_of(refresh(mul((*rest, t)))))
        case Reduce("sum", indices, Add(terms)):
            return tuple(inner for t in terms for inner in terms_of(refresh(reduce_sum(indices, t))))
        case Reduce("sum", indices, Mul(factors)) if any(map(_chooses_places, factors)):
            return tuple(refresh(reduce_sum(indices, t)) for t in terms_of(node.body))
        case _:
            return (node,)


def _chooses_places(factor: Expr) -> TypeGuard[Add]:
    """Whether a factor is a sum whose terms go to places of their own."""
    return isinstance(factor, Add) and _indicates(factor)


def _scatter(s: Statement, batched: frozenset[str], beside: bool) -> Statement | None:
    """One term without one of its indicators that say where it goes; None if there is none.

    ``beside``: other terms fill the array, which is in one piece, to which this one adds.
    """
    term = Term.of(s.rhs)
    for factor in term.factors:
        found = _target_of(factor, s.indices) if isinstance(factor, Indicator) else None
        if found is not None:
            index, value = found
            new = _scattered(s, index, value, term, factor, batched, beside)
            new = new or _collapsed(s, index, value, term, factor)
            if new is not None:
                return new
    return None


def _target_of(indicator: Indicator, indices: tuple[Index, ...]) -> tuple[Index, Affine] | None:
    """The index of the target that the indicator fixes, and its value."""
    gap = indicator.left - indicator.right
    for index in indices:
        factor = gap.coefficient(index)
        rest = (gap - affine(index) * factor) * -factor
        if abs(factor) == 1 and index not in rest.indices():
            return index, rest
    return None


def _scattered(
    s: Statement, index: Index, value: Affine, term: Term, factor: Expr, batched: frozenset[str],
    beside: bool,
) -> Statement | None:
    binder = term.binder
    gathered = [a for a in value.atoms() if isinstance(a, Ref)]
    each = BATCH in binder and any(a.name in batched for a in gathered)
    used = [i for i in binder if i in value.indices()]
    if index in mentioned(term.without(factor, ())) or not _inside(value, index):
        return None
    ranges = {m for i in used for m in (*i.low.indices(), *i.high.indices())}
    if ranges & set(binder) or any(not m.sequence for m in ranges):
        return None  # Σ_{j≤i}: the places depend on an index that is summed over, or on another axis.
    if gathered and not used and not each and not s.accumulate and not (beside and _is_whole(s)):
        return None  # One place for each example: a comparison with the label says that better.
    # Labels of each example are scattered together with it, not summed before.
    spread = [i for i in binder if i is BATCH and each and i not in used]
    kept = tuple(i for i in binder if i not in used and i not in spread)
    places = {index: value}
    left = _left(s.indices, index, places)
    at = tuple(p.substitute(places) for p in s.at)
    return Statement(
        s.target,
        at,
        (*left, *used, *spread),
        _without_sure(term, factor, places).over(kept),
        s.numbers,
        accumulate=s.accumulate or not _once(at, value),
    )


def _left(indices: tuple[Index, ...], gone: Index, places: dict[Index, Affine]) -> tuple[Index, ...]:
    """The other indices, where ``gone`` has its place: the k of n[l] runs up to n[L] at l = L.

    ``places`` takes what stands for those whose ranges have changed.
    """
    out: list[Index] = []
    for i in indices:
        if i == gone:
            continue
        low, high = i.low.substitute(places), i.high.substitute(places)
        if (low, high) != (i.low, i.high):
            out.append(fresh(i.name, low, high, i.sequence))
            places[i] = affine(out[-1])
        else:
            out.append(i)
    return tuple(out)


def _without_sure(term: Term, used_up: Expr, places: Mapping[Index, Affine]) -> Term:
    """The term with indices at their places, without conditions that hold everywhere there."""
    moved = [substitute(f, places) for f in term.factors if f is not used_up]
    return replace(
        term,
        factors=tuple(f for f in moved if not (isinstance(f, Within) and _sure(f))),
        divisors=tuple(substitute(d, places) for d in term.divisors),
    )


def _sure(node: Within) -> bool:
    low, high = span(node.value, False), span(node.value, True)
    return bool(known_le(node.lo, low)) and bool(known_le(high, node.hi))


def _is_whole(s: Statement) -> bool:
    """Whether a statement fills a whole array."""
    return not s.loops and all(p.as_index() is not None for p in s.at)


def _once(at: tuple[Affine, ...], value: Affine) -> bool:
    """Whether every place is written at most once, by plain indices."""
    mine = value.indices()
    if len(mine) > 1 or any(isinstance(a, Ref) for a in value.atoms()):
        return False
    return all(abs(value.coefficient(i)) == 1 and sum(i in p.indices() for p in at) == 1 for i in mine)


def _collapsed(
    s: Statement, index: Index, value: Affine, term: Term, factor: Expr
) -> Statement | None:
    """Σ_{j≤i} [j = u] f(j) is f(u) where u ≤ i: the summed index goes instead of the target's."""
    for old in term.binder:
        scale = value.coefficient(old)
        place = (affine(index) - (value - affine(old) * scale)) * scale
        if abs(scale) != 1 or old in place.indices() or any(isinstance(a, Ref) for a in place.atoms()):
            continue
        inside = Within(place, old.low, old.high)
        kept = tuple(i for i in term.binder if i != old)
        if any(old in (*i.low.indices(), *i.high.indices()) for i in kept):
            continue  # Σ_t Σ_{s≤t}: t says how far s goes; s can go, t cannot.
        open_ = term.without(factor, ())
        rest = substitute(open_, {old: place})
        return replace(s, rhs=reduce_sum(kept, rest if weighed(open_, old) else mul((inside, rest))))
    return None


def mentioned(node: Expr) -> set[Index]:
    """The free indices of an expression, those in its positions too."""
    found = set(free_indices(node))
    for inner in walk(node):
        for position in positions(inner):
            found.update(position.indices())
    return found


def _inside(value: Affine, index: Index) -> bool:
    """Whether the value stays in the range of the index.

    Gathered values are checked at the door; windows read elements that exist, or there is no model.
    """
    gathered = [a for a in value.atoms() if isinstance(a, Ref)]
    if gathered:
        return value.as_atom() in gathered
    if not index.sequence and len(value.indices()) > 1:
        return True
    low, high = span(value, False), span(value, True)
    return bool(known_le(index.low, low)) and bool(known_le(high, index.high))
