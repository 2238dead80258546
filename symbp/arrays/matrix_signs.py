"""One spelling for one factor: a − b and b − a, c + X b and X b + c, Rᵀ and its terms turned round."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from symbp.arrays.matrix_nodes import Diag, Hadamard, Matrix, Minus, Plus, Transpose, shape, with_parts
from symbp.arrays.matrix_terms import Term, key, transposes, turned


@dataclass(frozen=True, slots=True)
class _Spelling:
    """How a sum is written: ``sign`` times ``node``, or times its transpose."""

    node: Matrix
    sign: int
    turned: bool


def one_spelling(terms: list[Term]) -> list[Term]:
    """The terms with equal sums among their factors spelled alike; a sign goes to the number.

    The spelling with the fewest transposes is taken, of those that one that stands last in its term.
    """
    sums = [s for t in terms for f in reversed((*_single(t), *t.chain)) for s in _sums(f)]
    if len(sums) < 2:
        return terms
    known = sorted(sums, key=transposes)
    return [_respelled(term, known) for term in terms]


def _single(term: Term) -> tuple[Matrix, ...]:
    """The scalars of a term to the first power."""
    return tuple(scalar for scalar, power in term.scalars if power == 1)


def _sums(node: Matrix) -> Iterator[Plus]:
    match node:
        case Transpose(arg) | Diag(arg):
            yield from _sums(arg)
        case Hadamard(args):
            for arg in args:
                yield from _sums(arg)
        case Plus():
            yield node
        case _:
            return


def _respelled(term: Term, known: list[Plus]) -> Term:
    found = [_spelled(factor, known) for factor in term.chain]
    scalars = [(_spelled(s, known) if p == 1 else (s, Fraction(1)), p) for s, p in term.scalars]
    value = term.number
    for _, sign in (*found, *(spelling for spelling, _ in scalars)):
        value *= sign
    whole = tuple((node, power) for (node, _), power in scalars)
    return Term(value, whole, tuple(node for node, _ in found), term.inner)


def _spelled(node: Matrix, known: list[Plus]) -> tuple[Matrix, Fraction]:
    match node:
        case Transpose(arg):
            inner, sign = _spelled(arg, known)
            return turned(inner) if isinstance(inner, Transpose) else Transpose(inner), sign
        case Diag(arg):
            inner, sign = _spelled(arg, known)
            return with_parts(node, (inner,)), sign
        case Hadamard(args):
            found = [_spelled(a, known) for a in args]
            sign = Fraction(1)
            for _, own in found:
                sign *= own
            return Hadamard(tuple(n for n, _ in found)), sign
        case Plus():
            return _sum(node, known)
        case _:
            return node, Fraction(1)


def _sum(node: Plus, known: list[Plus]) -> tuple[Matrix, Fraction]:
    forms = {key(s.node): s for s in reversed(_spellings(node))}
    for seen in known:
        if (mine := forms.get(key(seen))) is not None:
            return Transpose(seen) if mine.turned else seen, Fraction(mine.sign)
    return node, Fraction(1)


def _spellings(node: Plus) -> list[_Spelling]:
    minus = Plus(tuple(map(_negative, node.args)))
    plain = [_Spelling(node, 1, False), _Spelling(minus, -1, False)]
    if shape(node) != (True, True):
        return plain
    round_ = [
        _Spelling(Plus(tuple(map(turned, s.node.args))), s.sign, True)
        for s in plain
        if isinstance(s.node, Plus)
    ]
    return [*plain, *round_]


def _negative(node: Matrix) -> Matrix:
    return node.arg if isinstance(node, Minus) else Minus(node)
