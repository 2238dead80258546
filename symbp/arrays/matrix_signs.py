"""One spelling for one factor: a − b and b − a, c + X b and X b + c among the terms of one sum."""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction

from symbp.arrays.matrix_nodes import Diag, Hadamard, Matrix, Minus, Plus, Transpose, with_parts
from symbp.arrays.matrix_terms import Term, key


def one_spelling(terms: list[Term]) -> list[Term]:
    """The terms with their sums spelled as where they stand first; a sign goes to the number."""
    known: dict[Hashable, Matrix] = {}
    return [_respelled(term, known) for term in terms]


def _respelled(term: Term, known: dict[Hashable, Matrix]) -> Term:
    found = [_spelled(factor, known) for factor in term.chain]
    value = term.number
    for _, sign in found:
        value *= sign
    return Term(value, term.scalars, tuple(node for node, _ in found), term.inner)


def _spelled(node: Matrix, known: dict[Hashable, Matrix]) -> tuple[Matrix, Fraction]:
    match node:
        case Transpose(arg) | Diag(arg):
            inner, sign = _spelled(arg, known)
            return with_parts(node, (inner,)), sign
        case Hadamard(args):
            found = [_spelled(a, known) for a in args]
            sign = Fraction(1)
            for _, own in found:
                sign *= own
            return Hadamard(tuple(n for n, _ in found)), sign
        case Plus(args):
            return _sum(node, Plus(tuple(map(_negative, args))), known)
        case _:
            return node, Fraction(1)


def _sum(node: Plus, other: Plus, known: dict[Hashable, Matrix]) -> tuple[Matrix, Fraction]:
    for spelling, sign in ((node, 1), (other, -1)):
        if (seen := known.get(key(spelling))) is not None:
            return seen, Fraction(sign)
    known[key(node)] = node
    return node, Fraction(1)


def _negative(node: Matrix) -> Matrix:
    return node.arg if isinstance(node, Minus) else Minus(node)
