"""Windows that no product of matrices sums: the code loops over the kernel, and adds shifted arrays.

A convolution is a product of matrices (:mod:`symbp.arrays.unfold`).  With a filter of its own for each
channel (depthwise convolution) it would be a stack of products with one row each, and copying the windows
costs more than the arithmetic.  So ``z[c,i] = Σ_p f[c,p] x[c,i+p]`` is written
``z[c,:] += f[c,p] x[c,p:p+n]`` for every p, and the gradient of f element by element in p.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from symbp.arrays.nodes import BATCH
from symbp.arrays.scatter import Term, mentioned, terms_of
from symbp.arrays.statement import Statement, key_of, reads
from symbp.calculus.affine import Affine, Index
from symbp.calculus.construct import add
from symbp.calculus.expr import ZERO, Expr

Sizes = frozenset[Affine]


def stencils(s: Statement, filters: Sizes, batched: frozenset[str]) -> tuple[Statement, ...]:
    """The statement, with what the code has to loop over.

    ``filters`` are the extents of the axes of parameters, ``batched`` the names of arrays that differ from
    example to example.
    """
    if s.accumulate:
        return (s,)
    summed = [(t, _summed(t, filters, batched)) for t in terms_of(s.rhs)]
    if not any(taps for _, taps in summed):
        taps = _kept(s, filters, batched)
        return (replace(s, loops=taps),) if taps else (s,)
    rest = add(t for t, taps in summed if not taps)
    first = (replace(s, rhs=rest),) if rest != ZERO else ()
    return (*first, *(_added(s, t, taps) for t, taps in summed if taps))


def smallest(indices: Iterable[Index], filters: Sizes) -> Index | None:
    """Which of the indices of a window is the kernel's: that of the smaller extent.

    A convolution derives the other extent (H-P+1) from the kernel's, which is then the simpler one, or a
    number.  Of two symbols the kernel's is the one that is also the size of a parameter's axis.  If that
    is both or neither of them, no extent is known to be small: x[n-m+N-1].
    """
    found = list(indices)
    simplest = min(_rank(i) for i in found)
    alike = [i for i in reversed(found) if _rank(i) == simplest]
    if len(alike) > 1 and not alike[0].extent.is_const:
        alike = [i for i in alike if i.extent in filters]
    if len(alike) == 1 or (alike and alike[0].extent.is_const):
        return alike[0]
    return None


def _rank(index: Index) -> tuple[int, bool]:
    return len(index.extent.terms), not index.extent.is_const


def _added(s: Statement, term: Expr, taps: tuple[Index, ...]) -> Statement:
    """One element of the kernel after the other is added."""
    product = Term.of(term)
    rest = product.over(tuple(i for i in product.binder if i not in taps))
    return replace(s, rhs=rest, indices=(*s.indices, *taps), accumulate=True, loops=taps)


def _summed(term: Expr, filters: Sizes, batched: frozenset[str]) -> tuple[Index, ...]:
    """The indices of the kernel that a term sums over, if no product of matrices does that."""
    product = Term.of(term)
    return _taps(product, frozenset(product.binder), filters, batched)


def _kept(s: Statement, filters: Sizes, batched: frozenset[str]) -> tuple[Index, ...]:
    """The indices of the kernel that stay, with the places summed: the gradient of the filter."""
    if any(p.as_index() is None for p in s.at):
        return ()
    kept = (_taps(Term.of(t), frozenset(s.indices), filters, batched) for t in terms_of(s.rhs))
    return tuple(dict.fromkeys(i for taps in kept for i in taps))


def _taps(
    product: Term, small: frozenset[Index], filters: Sizes, batched: frozenset[str]
) -> tuple[Index, ...]:
    """The kernel's indices in the windows of one factor; they have to be in ``small``."""
    if not product.binder:
        return ()
    for factor in product.factors:
        pairs = _windows(factor)
        taps = tuple(dict.fromkeys(t for p in pairs if (t := smallest(p, filters)) is not None))
        if pairs and len(taps) == len(pairs) and small.issuperset(taps) and not any(i.sequence for i in taps):
            places = {i for p in pairs for i in p if i not in taps}
            others = [f for f in (*product.factors, *product.divisors) if f is not factor]
            if _alone(product, factor, others, places, taps, batched):
                return taps
    return ()


def _windows(factor: Expr) -> list[tuple[Index, ...]]:
    """The indices of the positions that have several."""
    return [p.indices() for r in reads(factor) for p in r.indices if len(p.indices()) > 1]


def _alone(
    product: Term,
    windows: Expr,
    others: Iterable[Expr],
    places: set[Index],
    taps: tuple[Index, ...],
    batched: frozenset[str],
) -> bool:
    """Whether each of several stacks has its own kernel: an index that neither kernel nor places have."""
    mine, beside = _axes(windows, batched), set[Index]().union(*(_axes(f, batched) for f in others))
    bound = {*product.binder}
    filtering = bound.issuperset(taps)
    if not beside or (beside & places if filtering else beside & {*taps}) or any(i.sequence for i in places):
        return False
    if not filtering and not bound >= places:
        return False
    return bool((beside & mine) - bound)


def _axes(node: Expr, batched: frozenset[str]) -> set[Index]:
    """What the value of an expression is a matter of, the example included."""
    names = {key_of(r).removeprefix("∂") for r in reads(node)}
    return mentioned(node) | ({BATCH} if names & batched else set())
