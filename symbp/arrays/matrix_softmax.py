"""Z − log Σ exp Z, entry by entry or in each row, as log softmax(Z)."""

from __future__ import annotations

from fractions import Fraction

from symbp.arrays.matrix_nodes import Folded, Mapped, Matrix, Ones, Plus, Product, Softmax, Transpose
from symbp.arrays.matrix_terms import Term, alike, scaled, term_of, times, turned
from symbp.calculus.affine import Index


def log_softmax(terms: list[Term]) -> list[Term]:
    """The terms with the logarithm of a sum of exponentials joined with what it normalises."""
    for term in terms:
        found = _normaliser(term)
        if found is None:
            continue
        front, arg, whole = found
        rest = _without(front, arg, [t for t in terms if t is not term])
        if rest is not None:
            return log_softmax([*rest, times(scaled(front, Fraction(-1)), Term(chain=(whole,)))])
    return terms


def _normaliser(term: Term) -> tuple[Term, Matrix, Matrix] | None:
    """log Σ exp of a vector, or of each row, with what stands in front: what it normalises, and to what."""
    match term.chain:
        case () | (Ones(),):
            for n, (scalar, exponent) in enumerate(term.scalars):
                if isinstance(scalar, Folded) and _of_vector(scalar) and exponent == 1:
                    front = Term(term.number, (*term.scalars[:n], *term.scalars[n + 1 :]))
                    return front, scalar.arg, _log(scalar.arg, scalar.like)
            return None
        case (Mapped("log", (Product((Mapped("exp", (arg,)), Ones(like))),)), Transpose(Ones())):
            return Term(term.number, term.scalars), arg, _log(arg, like)
        case (Ones(), Transpose(Mapped("log", (Product((Mapped("exp", (arg,)), Ones(like))),)))):
            return Term(term.number, term.scalars), turned(arg), Transpose(_log(arg, like))
        case _:
            return None


def _of_vector(node: Folded) -> bool:
    return node.op == "logsumexp" and node.across is None


def _log(arg: Matrix, like: Index) -> Matrix:
    return Mapped("log", (Softmax(arg, like),))


def _without(front: Term, arg: Matrix, terms: list[Term]) -> list[Term] | None:
    """The terms without −front · arg; None if that is not among them."""
    left = list(terms)
    for addend in arg.args if isinstance(arg, Plus) else (arg,):
        wanted = times(scaled(front, Fraction(-1)), term_of(addend))
        mine = next((t for t in left if alike(t) == alike(wanted) and t.number == wanted.number), None)
        if mine is None:
            return None
        left = [t for t in left if t is not mine]
    return left
