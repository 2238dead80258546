"""Reading expressions and making new ones of their parts: children, positions, substitution, equality."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import TypeVar

from symbp.calculus.affine import ALONE, Affine, Index, affine, fresh
from symbp.calculus.expr import (
    Add,
    Adjoint,
    Call,
    Compare,
    Div,
    Expr,
    Functional,
    Indicator,
    Integer,
    Logic,
    Mul,
    Neg,
    Number,
    Partial,
    Pow,
    Reduce,
    Ref,
    Weights,
    Where,
    Within,
)

E = TypeVar("E", bound=Expr)


def children(node: Expr) -> tuple[Expr, ...]:
    """The expressions directly below a node."""
    match node:
        case Add(terms):
            return terms
        case Mul(factors):
            return factors
        case Neg(arg):
            return (arg,)
        case Div(num, den):
            return (num, den)
        case Pow(base, exponent):
            return (base, exponent)
        case Call(_, args, _) | Logic(_, args) | Functional(_, _, args, _, _):
            return args
        case Reduce(_, _, body) | Weights(_, _, body, _):
            return (body,)
        case Where(cond, then, other):
            return (cond, then, other)
        case Compare(_, left, right):
            return (left, right)
        case Partial(body, wrt):
            return (body, wrt)
        case Number() | Integer() | Ref() | Adjoint() | Indicator() | Within():
            return ()
        case _:
            raise TypeError(f"{type(node).__name__} is not an expression node")


def rebuild(node: Expr, parts: tuple[Expr, ...]) -> Expr:
    """The same node over other children."""
    if all(a is b for a, b in zip(parts, children(node), strict=True)):
        return node
    match node:
        case Add():
            return Add(parts)
        case Mul():
            return Mul(parts)
        case Neg():
            return Neg(*parts)
        case Div():
            return Div(*parts)
        case Pow():
            return Pow(*parts)
        case Call() | Logic() | Functional():
            return replace(node, args=parts)
        case Reduce() | Weights():
            return replace(node, body=parts[0])
        case Where():
            return Where(*parts)
        case Compare(op):
            return Compare(op, *parts)
        case Partial(_, wrt):
            new = parts[1]
            return Partial(parts[0], new if isinstance(new, Ref) else wrt)
        case _:
            raise TypeError(f"{type(node).__name__} has no children")


def map_children(node: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """``change`` applied to every child."""
    below = children(node)
    return rebuild(node, tuple(change(child) for child in below)) if below else node


def positions(node: Expr) -> tuple[Affine, ...]:
    """The affine expressions that stand in a node itself."""
    match node:
        case Ref(_, indices) | Adjoint(_, indices):
            return indices
        case Integer(value):
            return (value,)
        case Indicator(left, right):
            return (left, right)
        case Within(value, lo, hi):
            return (value, lo, hi)
        case Weights(_, _, _, at):
            return (at,)
        case Functional(_, _, _, _, at):
            return at
        case _:
            return ()


def map_positions(node: E, change: Callable[[Affine], Affine]) -> E:
    """The node with ``change`` applied to the affine expressions that stand in it."""
    match node:
        case Ref(_, indices) | Adjoint(_, indices) if indices:
            return replace(node, indices=tuple(map(change, indices)))
        case Integer(value):
            return replace(node, value=change(value))
        case Indicator(left, right):
            return replace(node, left=change(left), right=change(right))
        case Within(value, lo, hi):
            return replace(node, value=change(value), lo=change(lo), hi=change(hi))
        case Weights(_, _, _, at):
            return replace(node, at=change(at))
        case Functional(_, _, _, _, at) if at:
            return replace(node, at=tuple(map(change, at)))
        case _:
            return node


def bound(node: Expr) -> tuple[Index, ...]:
    """The indices that a node binds."""
    match node:
        case Reduce(_, indices, _) | Functional(_, indices, _, _, _):
            return indices
        case Weights(_, index, _, _):
            return (index,)
        case _:
            return ()


def walk(node: Expr) -> Iterator[Expr]:
    """The node and all below it, outermost and leftmost first; gathered elements too."""
    yield node
    for position in positions(node):
        for atom in position.atoms():
            if isinstance(atom, Ref):
                yield atom
    for child in children(node):
        yield from walk(child)


def free_indices(node: Expr) -> tuple[Index, ...]:
    """The indices on which the value depends, in order of appearance, each once."""
    found: dict[Index, None] = {}
    for position in positions(node):
        found.update(dict.fromkeys(position.indices()))
    inner: dict[Index, None] = {}
    for child in children(node):
        inner.update(dict.fromkeys(free_indices(child)))
    for index in bound(node):
        for end in (index.lo, index.hi):
            if end is not None:
                inner.update(dict.fromkeys(end.indices()))
    # One sum's ranges may depend on its own earlier indices: Σ_l Σ_j, j up to n[l].
    hidden = bound(node)
    found.update((i, None) for i in inner if i not in hidden)
    return tuple(found)


def refs(node: Expr) -> tuple[Ref, ...]:
    """The array elements that occur, in order of appearance, each once."""
    return tuple(dict.fromkeys(n for n in walk(node) if isinstance(n, Ref)))


def size(node: Expr) -> int:
    """The number of nodes: a measure of how long a line is."""
    return 1 + sum(map(size, children(node)))


# ── substitution ──────────────────────────────────────────────────────────────────────────────────


def substitute(node: Expr, mapping: Mapping[Index, Affine]) -> Expr:
    """Replace free indices, without capture.

    A bound index is renewed where its range changes or where a replacement mentions it.
    """
    if not mapping:
        return node
    hidden = bound(node)
    if not hidden:
        moved = map_positions(node, lambda p: p.substitute(mapping))
        return map_children(moved, lambda child: substitute(child, mapping))
    inner = {i: v for i, v in mapping.items() if i not in hidden}
    used = {i for value in inner.values() for i in value.indices()}
    renewed: list[Index] = []
    for index in hidden:
        renewed.append(_moved(index, inner, index in used))
        if renewed[-1] is not index:
            inner[index] = affine(renewed[-1])
    moved = map_positions(node, lambda p: p.substitute(mapping))
    below = tuple(substitute(child, inner) for child in children(node))
    if isinstance(moved, Weights):
        return replace(moved, index=renewed[0], body=below[0])
    return rebuild(replace(moved, indices=tuple(renewed)), below)  # type: ignore[type-var]


def _moved(index: Index, mapping: Mapping[Index, Affine], force: bool) -> Index:
    lo = index.lo.substitute(mapping) if index.lo is not None else None
    hi = index.hi.substitute(mapping) if index.hi is not None else None
    if not force and lo == index.lo and hi == index.hi:
        return index
    return fresh(index.name, lo, hi, index.sequence)


def refresh(node: Expr) -> Expr:
    """A copy in which every bound index is new: needed before an expression is used a second time.

    An index with the ``uid`` ``ALONE`` stays what it is.
    """
    match node:
        case Weights(op, index, body, at):
            new = fresh(index.name, index.lo, index.hi, index.sequence)
            return Weights(op, new, refresh(substitute(body, {index: affine(new)})), at)
        case Reduce() | Functional():
            renewed: dict[Index, Affine] = {}
            indices: list[Index] = []
            for i in node.indices:
                if i.uid == ALONE:
                    indices.append(i)
                    continue
                lo = i.lo.substitute(renewed) if i.lo is not None else None
                hi = i.hi.substitute(renewed) if i.hi is not None else None
                indices.append(fresh(i.name, lo, hi, i.sequence))
                renewed[i] = affine(indices[-1])
            node = replace(node, indices=tuple(indices))
            return map_children(node, lambda child: refresh(substitute(child, renewed)))
        case _:
            return map_children(node, refresh)


def replace_nodes(node: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """Top down: where ``change`` returns something, that stands instead and is not entered."""
    new = change(node)
    if new is not None:
        return new
    return map_children(node, lambda child: replace_nodes(child, change))


def rewrite(node: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """Bottom up, once: ``change`` sees nodes whose children are rewritten already."""
    inner = map_children(node, lambda child: rewrite(child, change))
    new = change(inner)
    return inner if new is None else new


def same(left: Expr, right: Expr) -> bool:
    """Equality up to the names of bound indices."""
    return canonical(left) == canonical(right)


def canonical(node: Expr, depth: int = 0) -> Expr:
    """The node with its bound indices numbered from outside in: equal for expressions that are."""
    indices = bound(node)
    if not indices:
        return map_children(node, lambda child: canonical(child, depth))
    renamed: dict[Index, Affine] = {}
    numbered: list[Index] = []
    for offset, i in enumerate(indices):
        lo = i.lo.substitute(renamed) if i.lo is not None else None
        hi = i.hi.substitute(renamed) if i.hi is not None else None
        numbered.append(Index(i.name, _number(depth + offset, lo, hi), lo, hi, i.sequence))
        renamed[i] = affine(numbered[-1])
    below = tuple(canonical(substitute(c, renamed), depth + len(indices)) for c in children(node))
    if isinstance(node, Weights):
        return replace(node, index=numbered[0], body=below[0])
    return rebuild(replace(node, indices=tuple(numbered)), below)  # type: ignore[type-var]


@cache
def _number(depth: int, lo: Affine | None, hi: Affine | None) -> int:
    """The identity of the bound index at a depth with a range: Σ_{k<K} and Σ_{k<K-1} are not the same."""
    return -next(_numbers)


_numbers = itertools.count(1)
