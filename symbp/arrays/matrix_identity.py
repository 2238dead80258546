"""r − Aᵀ r, where r is a sum itself, as (I − Aᵀ) r."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symbp.arrays.matrix_nodes import Identity, Matrix, Plus, Transpose, shape
from symbp.arrays.matrix_terms import Term, alike, axis, node_of, term_of, turned

Sum = Callable[[tuple[Matrix, ...]], Matrix]


def with_identity(terms: list[Term], gathered: Sum) -> list[Term]:
    """The terms that add up to a factor of another one joined with it.

    Terminates: each joining leaves fewer terms.
    """
    for term in terms:
        for last in (True, False):
            joined = _joined(term, [t for t in terms if t is not term], gathered, last)
            if joined is not None:
                return with_identity(joined, gathered)
    return terms


def _joined(term: Term, others: list[Term], gathered: Sum, last: bool) -> list[Term] | None:
    """With the factor P at the end of M P, or at the start of P M."""
    cut = len(term.chain) - 1 if last else 0
    if len(term.chain) < 2 or (term.inner[-1 if last else 0]) is None:
        return None
    factor = term.chain[cut]
    found = _found(_addends(factor), others)
    like = axis(term.chain[0]) if last else axis(term.chain[-1], column=True)
    rest, between = (term.chain[:-1], term.inner[:-1]) if last else (term.chain[1:], term.inner[1:])
    square = shape(rest[0])[0] and shape(rest[-1])[1]
    if found is None or like is None or not square:
        return None
    share, left = found
    matrix = node_of(Term(term.number, term.scalars, rest, between))
    inside = term_of(gathered((node_of(Term(share, (), (Identity(like),))), matrix)))
    joint = term.inner[-1 if last else 0]
    chain = (*inside.chain, factor) if last else (factor, *inside.chain)
    inner = (*inside.inner, joint) if last else (joint, *inside.inner)
    return [*left, Term(inside.number, inside.scalars, chain, inner)]


def _addends(node: Matrix) -> list[Term]:
    match node:
        case Plus(args):
            return [term_of(a) for a in args]
        case Transpose(Plus(args)):
            return [term_of(turned(a)) for a in args]
        case _:
            return []


def _found(addends: list[Term], others: list[Term]) -> tuple[Fraction, list[Term]] | None:
    """The number that all addends have among the other terms, and what is left of those."""
    if len(addends) < 2:
        return None
    left, share = list(others), None
    for addend in addends:
        mine = next((t for t in left if alike(t) == alike(addend)), None)
        if mine is None or share not in (None, mine.number / addend.number):
            return None
        share = mine.number / addend.number
        left = [t for t in left if t is not mine]
    assert share is not None
    return share, left
