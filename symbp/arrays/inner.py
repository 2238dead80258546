"""The adjoint of what stands inside of a function, where steps and sums over steps need it.

In ``h[t] = tanh(W h[t-1] + b)`` the adjoint of the argument, ``∂h[t] (1 - h[t]²)``, is a factor of the step
back to t-1 and of the gradients of W and b, which sum over all t.  It is computed once, in the loop.  So is
that of ``h[l] = tanh(W[l] h[l-1] + b[l])``: the turn after that of the gradients of W[l] and b[l] reads it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from symbp.arrays.scatter import mentioned
from symbp.arrays.statement import Statement, adjoint_key
from symbp.calculus.affine import Affine, Index, affine, fresh, known_nonnegative
from symbp.calculus.construct import mul
from symbp.calculus.expr import Adjoint, Expr, Mul, Reduce, Ref
from symbp.calculus.names import fresh_name
from symbp.calculus.tree import canonical, free_indices, refresh, replace_nodes, substitute, walk
from symbp.model.core import Array

Axes = Callable[[str], tuple[Index, ...]]
Turn = tuple[Affine, ...]


@dataclass(frozen=True, slots=True)
class Inner:
    """A product of an adjoint and what is local to its element, over ``indices``."""

    name: str
    indices: tuple[Index, ...]
    local: Expr

    @property
    def value(self) -> Expr:
        """The product."""
        return mul((Adjoint(self.name, tuple(map(affine, self.indices))), self.local))


@dataclass(frozen=True, slots=True)
class Joined:
    """The statements with new adjoints, their arrays, and whose adjoint each is a part of."""

    statements: tuple[Statement, ...]
    arrays: Mapping[str, Array]
    of: Mapping[str, str]


def joined(statements: Sequence[Statement], arrays: Mapping[str, Array], axes: Axes) -> Joined:
    """A statement for every such product that a recurrence and sums over its steps have in common.

    ``axes`` gives the axes of an adjoint without elements that nobody needs.
    """
    found = _common(statements, arrays, axes)
    parts = (Part(i.name, i.indices, i.value, partial(_read, inner=i)) for i in found)
    return with_adjoints(statements, arrays, parts, "inner")


@dataclass(frozen=True, slots=True)
class Part:
    """A value at the generic element ``indices`` that is to be an adjoint beside that of ``name``."""

    name: str
    indices: tuple[Index, ...]
    value: Expr
    read: Callable[[Statement, str], Statement]
    """A statement with the new adjoint, by its name, in place of the value."""


def with_adjoints(
    statements: Sequence[Statement], arrays: Mapping[str, Array], parts: Iterable[Part], suffix: str
) -> Joined:
    """The statements with one more for each part, behind those of the adjoint that it is a part of."""
    new: dict[str, Array] = {}
    of: dict[str, str] = {}
    done = tuple(statements)
    for part in parts:
        name = fresh_name(f"{part.name}_{suffix}", arrays, new)
        new[name] = replace(arrays[part.name], name=name, latex="", axes=part.indices)
        of[name] = part.name
        made = Statement(adjoint_key(name), tuple(map(affine, part.indices)), part.indices, part.value)
        done = tuple(part.read(s, name) for s in done)
        last = max(k for k, s in enumerate(done) if s.target == adjoint_key(part.name))
        done = (*done[: last + 1], made, *done[last + 1 :])
    return Joined(done, new, of)


def _common(
    statements: Sequence[Statement], arrays: Mapping[str, Array], axes: Axes
) -> Iterator[Inner]:
    """The products that deserve a variable, at most one for an adjoint: two turns of a loop need them."""
    found: dict[tuple[str, Expr], tuple[Inner, list[Turn | None]]] = {}
    for s in statements:
        mine: dict[tuple[str, Expr], tuple[Inner, Turn | None]] = {}
        for adjoint, factor in _pairs(s.rhs):
            inner = _inner(adjoint, factor, axes)
            if inner is not None and exists(inner.local, arrays):
                key = (inner.name, canonical(_anonymous(inner)))
                mine.setdefault(key, (inner, _turn(s, adjoint)))
        for key, (inner, turn) in mine.items():
            found.setdefault(key, (inner, []))[1].append(turn)
    names: set[str] = set()
    for (name, _), (inner, turns) in found.items():
        own = {t for t in turns if t is not None}
        summed = len(turns) > 2 and len(own) > 0 and None in turns
        if (summed or len(own) > 1) and name not in names:
            names.add(name)
            yield inner


def _turn(s: Statement, adjoint: Adjoint) -> Turn | None:
    """How many turns before its own a statement reads a step of an adjoint; None if it sums over steps."""
    out: list[Affine] = []
    for position in adjoint.indices:
        for index in (i for i in position.indices() if i.sequence):
            if index not in s.indices:
                return None
            out += [position - at for at in s.at if index in at.indices()]
    return tuple(out)


def exists(node: Expr, arrays: Mapping[str, Array]) -> bool:
    """Whether all that an expression reads is there, also where no product of its own needs it."""
    for ref in (n for n in walk(node) if isinstance(n, Ref)):
        values: dict[Index, Affine] = {}
        for position, axis in zip(ref.indices, arrays[ref.name].axes, strict=True):
            low, high = axis.low.substitute(values), axis.high.substitute(values)
            if not (known_nonnegative(position - low) and known_nonnegative(high - position)):
                return False
            values[axis] = position
    return True


def _anonymous(inner: Inner) -> Expr:
    """The local factor with its indices as sums would bind them: equal for equal products."""
    return Reduce("sum", inner.indices, inner.local)


def _pairs(node: Expr) -> Iterator[tuple[Adjoint, Expr]]:
    """Each adjoint with all that is local to its element, then with each factor alone."""
    for n in walk(node):
        if isinstance(n, Mul):
            for adjoint in (f for f in n.factors if isinstance(f, Adjoint)):
                own = set(free_indices(adjoint))
                others = [f for f in n.factors if f is not adjoint]
                local = [f for f in others if mentioned(f) == own and not _has_sums(f)]
                if len(local) > 1 and not all(isinstance(f, Ref) for f in local):
                    yield adjoint, mul(local)
                yield from ((adjoint, f) for f in others)


def _has_sums(factor: Expr) -> bool:
    return any(isinstance(n, Reduce | Adjoint) for n in walk(factor))


def _inner(adjoint: Adjoint, factor: Expr, axes: Axes) -> Inner | None:
    """The product at a generic element, if the factor is local to the element and costs something."""
    shifts: dict[Index, int] = {}
    for position in adjoint.indices:
        index = position.indices()[0] if len(position.indices()) == 1 else None
        if index is None or index in shifts or not (position - index).is_const:
            return None
        shifts[index] = (position - index).const
    if isinstance(factor, Ref) or mentioned(factor) != set(shifts) or not any(i.sequence for i in shifts):
        return None
    if _has_sums(factor):
        return None
    indices: list[Index] = []
    moved: dict[Index, Affine] = {}
    here: dict[Index, Affine] = {}
    for axis, (old, shift) in zip(axes(adjoint.name), shifts.items(), strict=True):
        ends = axis.low.substitute(here), axis.high.substitute(here)
        if not old.sequence and (old.low + shift, old.high + shift) != ends:
            return None  # the product is one of a part of the elements
        indices.append(
            fresh(axis.name, axis.low.substitute(moved), axis.high.substitute(moved), axis.sequence)
        )
        moved[axis], here[axis] = affine(indices[-1]), affine(old) + shift
    values = {old: affine(i) - shift for (old, shift), i in zip(shifts.items(), indices, strict=True)}
    return Inner(adjoint.name, tuple(indices), substitute(refresh(factor), values))


def without(factors: Sequence[Expr], taken: Counter[Expr]) -> list[Expr] | None:
    """The factors but for those whose canonical forms are ``taken``; None if one of these is missing."""
    left, rest = Counter(taken), list[Expr]()
    for factor in factors:
        key = canonical(factor)
        if left[key] > 0:
            left[key] -= 1
        else:
            rest.append(factor)
    return None if +left else rest


def _read(s: Statement, name: str, inner: Inner) -> Statement:
    """The statement with the new adjoint in place of the product."""

    def change(node: Expr) -> Expr | None:
        if not isinstance(node, Mul):
            return None
        for adjoint in (f for f in node.factors if isinstance(f, Adjoint) and f.name == inner.name):
            values = dict(zip(inner.indices, adjoint.indices, strict=True))
            local = substitute(inner.local, values)
            wanted = Counter(map(canonical, local.factors if isinstance(local, Mul) else (local,)))
            rest = without([f for f in node.factors if f is not adjoint], wanted)
            if rest is not None:
                return mul((Adjoint(name, adjoint.indices), *rest))
        return None

    return replace(s, rhs=replace_nodes(s.rhs, change))
