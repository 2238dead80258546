"""r − Aᵀ r, where r is a sum itself, as (I − A)ᵀ r; diag(u) X − X as diag(u − 1) X."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from symbp.arrays.matrix_nodes import Diag, Identity, Matrix, Plus, Transpose, shape
from symbp.arrays.matrix_signs import one_spelling
from symbp.arrays.matrix_terms import Term, alike, axis, node_of, scaled, term_of, times, turned

Sum = Callable[[tuple[Matrix, ...]], Matrix]


def with_identity(terms: list[Term], gathered: Sum) -> list[Term]:
    """The terms that add up to a factor of another one joined with it.

    Terminates: each joining leaves fewer terms.
    """
    for term in terms:
        others = [t for t in terms if t is not term]
        for join in (_after, _before, _weighed):
            joined = join(term, others, gathered)
            if joined is not None:
                return with_identity(joined, gathered)
    return terms


def _after(term: Term, others: list[Term], gathered: Sum) -> list[Term] | None:
    return _joined(term, others, gathered, last=True)


def _before(term: Term, others: list[Term], gathered: Sum) -> list[Term] | None:
    return _joined(term, others, gathered, last=False)


def _weighed(term: Term, others: list[Term], gathered: Sum) -> list[Term] | None:
    """diag(u) X − X is diag(u − 1) X."""
    for place in {0, len(term.chain) - 1} if len(term.chain) > 1 else ():
        column, cut = term.chain[place], place or 1
        chain = term.chain[:place] + term.chain[place + 1 :]
        plain = Term(term.number, term.scalars, chain, term.inner[: cut - 1] + term.inner[cut:])
        mine = next((t for t in others if alike(t) == alike(plain)), None)
        if isinstance(column, Diag) and mine is not None:
            weight = node_of(scaled(term_of(column.arg), term.number))
            inside = term_of(gathered((weight, node_of(Term(mine.number)))))
            core = Diag(node_of(Term(chain=inside.chain, inner=inside.inner)))
            front = times(Term(inside.number, term.scalars), Term(scalars=inside.scalars))
            whole = Term(chain=(*chain[:place], core, *chain[place:]), inner=term.inner)
            return [times(front, whole), *(t for t in others if t is not mine)]
    return None


def _joined(term: Term, others: list[Term], gathered: Sum, *, last: bool) -> list[Term] | None:
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
    spelled = one_spelling([*addends, *others])
    addends, left, share = spelled[: len(addends)], spelled[len(addends) :], None
    for addend in addends:
        mine = next((t for t in left if alike(t) == alike(addend)), None)
        if mine is None or share not in (None, mine.number / addend.number):
            return None
        share = mine.number / addend.number
        left = [t for t in left if t is not mine]
    assert share is not None
    return share, left
