"""Finding an equation's right side inside an expression, so that its left side can stand there."""

from __future__ import annotations

from symbp.calculus.affine import Affine, Index, affine, divided
from symbp.calculus.expr import Expr, Ref
from symbp.calculus.tree import bound, children, map_children, map_positions, positions

Binding = dict[Index, Affine]


def match(pattern: Expr, node: Expr, variables: tuple[Index, ...]) -> Binding | None:
    """Values of ``variables`` with which ``pattern`` is ``node``, up to bound names; None if none."""
    binding: Binding = {}
    return binding if _match(pattern, node, variables, binding, {}) else None


def _match(
    pattern: Expr, node: Expr, variables: tuple[Index, ...], found: Binding, bound_: Binding
) -> bool:
    if type(pattern) is not type(node) or _head(pattern) != _head(node):
        return False
    inner = dict(bound_)
    for p, n in zip(bound(pattern), bound(node), strict=True):
        inner[p] = affine(n)
    mine, its = positions(pattern), positions(node)
    if len(mine) != len(its):
        return False
    if not all(_match_affine(p, n, variables, found, inner) for p, n in zip(mine, its, strict=True)):
        return False
    below, its_below = children(pattern), children(node)
    return len(below) == len(its_below) and all(
        _match(p, n, variables, found, inner) for p, n in zip(below, its_below, strict=True)
    )


def _match_affine(
    pattern: Affine, node: Affine, variables: tuple[Index, ...], found: Binding, inner: Binding
) -> bool:
    known = pattern.substitute({**found, **inner})
    open_ = [i for i in known.indices() if i in variables and i not in found]
    if not open_:
        return known == node
    index = open_[0]
    factor = known.coefficient(index)
    if not factor:
        return _match_atoms(known, node, variables, found, inner)
    value = divided(node - (known - affine(index) * factor), factor)
    if len(open_) > 1 or value is None:
        return False
    hidden = {i for v in inner.values() for i in v.indices()}
    if index in value.indices() or any(i in hidden for i in value.indices()):
        return False
    found[index] = value
    return True


def _match_atoms(
    pattern: Affine, node: Affine, variables: tuple[Index, ...], found: Binding, inner: Binding
) -> bool:
    """Positions that are elements: x[t] in e[x[t]] is x[t+1] with t+1 for t."""
    if pattern.const != node.const or len(pattern.terms) != len(node.terms):
        return False
    for (mine, factor), (its, other) in zip(pattern.terms, node.terms, strict=True):
        if factor != other or type(mine) is not type(its):
            return False
        if mine == its:
            continue
        if not isinstance(mine, Ref) or not isinstance(its, Ref) or mine.name != its.name:
            return False
        pairs = zip(mine.indices, its.indices, strict=True)
        if not all(_match_affine(p, n, variables, found, inner) for p, n in pairs):
            return False
    return True


def _head(node: Expr) -> object:
    """What is compared as it is: everything in the node but its positions, children and indices."""
    blank = map_positions(map_children(node, lambda _: _BLANK), lambda _: Affine())
    extra = tuple(
        getattr(blank, name, None) for name in ("op", "name", "function", "orders", "position", "value")
    )
    return (len(children(node)), len(bound(node)), extra)


class _Blank(Expr):
    __slots__ = ()


_BLANK = _Blank()
