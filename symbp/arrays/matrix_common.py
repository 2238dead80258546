"""What terms have in common entry by entry: u ⊙ d + v ⊙ d, u/d + v/d, diag(u) + diag(v)."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from symbp.arrays.matrix_nodes import Diag, Hadamard, Matrix, Quotient, Scalar, shape
from symbp.arrays.matrix_terms import (
    SCALAR,
    Term,
    front_of,
    key,
    node_of,
    scalars_key,
    scaled,
    term_of,
    times,
)
from symbp.calculus.expr import ONE

Sum = Callable[[tuple[Matrix, ...]], Matrix]


def one_diagonal(terms: list[Term], gathered: Sum) -> list[Term]:
    """diag(W 𝟏) + diag(Wᵀ 𝟏) is diag((W + Wᵀ) 𝟏)."""

    def diagonal(term: Term) -> tuple[Hashable, Matrix] | None:
        (only,) = term.chain if len(term.chain) == 1 else (None,)
        return ("diag", only.arg) if isinstance(only, Diag) else None

    return _joined(terms, gathered, diagonal, lambda _, inside: Diag(inside))


def one_divisor(terms: list[Term], gathered: Sum) -> list[Term]:
    """u/d + v/d is (u + v)/d."""

    def quotient(term: Term) -> tuple[Hashable, Matrix] | None:
        match term.chain:
            case (Quotient(num, den),) if shape(num) == shape(den) != SCALAR:
                return key(den), num
            case _:
                return None

    def over(term: Term, inside: Matrix) -> Matrix:
        (old,) = term.chain
        assert isinstance(old, Quotient)
        return Quotient(inside, old.den)

    return _joined(terms, gathered, quotient, over)


def _joined(
    terms: list[Term],
    gathered: Sum,
    opened: Callable[[Term], tuple[Hashable, Matrix] | None],
    closed: Callable[[Term, Matrix], Matrix],
) -> list[Term]:
    """The terms of one kind, with the same scalars in front, as one of the sum of what is in them."""
    groups: dict[Hashable, list[tuple[Term, Matrix]]] = {}
    for term in terms:
        if (found := opened(term)) is not None:
            groups.setdefault((found[0], scalars_key(term)), []).append((term, found[1]))
    out = terms
    for group in groups.values():
        inside = term_of(gathered(tuple(_weighed(t, arg) for t, arg in group)))
        if len(group) > 1 and inside.chain:
            first = group[0][0]
            core = closed(first, node_of(Term(chain=inside.chain, inner=inside.inner)))
            whole = times(times(Term(scalars=first.scalars), front_of(inside)), Term(chain=(core,)))
            mine = [t for t, _ in group]
            out = [whole if t is first else t for t in out if t is first or not any(t is m for m in mine)]
    return out


def entry_by_entry(left: Term, right: Term, gathered: Sum) -> Term | None:
    """u ⊙ d + v ⊙ d is (u + v) ⊙ d, for all factors that are shared; v ⊙ d ⊙ e + d ⊙ e is (v + 1) ⊙ d ⊙ e."""
    match left.chain, right.chain:
        case (Hadamard(mine),), (Hadamard(other),):
            places = _shared(mine, other)
            if not places:
                return None
            ours, theirs = {n for n, _ in places}, {m for _, m in places}
            rest = (_weighed(left, _without(mine, ours)), _weighed(right, _without(other, theirs)))
            inside = term_of(gathered(rest))
            if not inside.chain:
                return None
            core = node_of(Term(chain=inside.chain, inner=inside.inner))
            common = [mine[n] for n in sorted(ours)]
            # what stood in front stays there
            node = Hadamard((core, *common) if 0 not in ours else (*common, core))
            whole = times(Term(inside.number, left.scalars), Term(scalars=inside.scalars))
            return times(whole, Term(chain=(node,)))
        case _:
            return None


def _shared(mine: tuple[Matrix, ...], other: tuple[Matrix, ...]) -> list[tuple[int, int]]:
    """The places of equal factors, each used once."""
    found: list[tuple[int, int]] = []
    for n, factor in enumerate(mine):
        taken = {m for _, m in found}
        place = next((m for m, f in enumerate(other) if m not in taken and key(f) == key(factor)), None)
        if place is not None:
            found.append((n, place))
    return found


def _without(args: tuple[Matrix, ...], places: set[int]) -> Matrix:
    factors = [f for n, f in enumerate(args) if n not in places]
    if not factors:
        return Scalar(ONE)
    return factors[0] if len(factors) == 1 else Hadamard(tuple(factors))


def _weighed(term: Term, factor: Matrix) -> Matrix:
    return node_of(scaled(term_of(factor), term.number))
