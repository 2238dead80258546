"""Sums of terms: like terms added, common factors taken out on the left, on the right and in front."""

from __future__ import annotations

from collections.abc import Hashable
from fractions import Fraction
from itertools import combinations
from math import gcd

from symbp.arrays.matrix_common import entry_by_entry, one_diagonal, one_divisor
from symbp.arrays.matrix_identity import with_identity
from symbp.arrays.matrix_nodes import (
    Identity,
    Matrix,
    Minus,
    Ones,
    Plus,
    Product,
    Scalar,
    Trace,
    Transpose,
    shape,
)
from symbp.arrays.matrix_signs import one_spelling
from symbp.arrays.matrix_softmax import log_softmax
from symbp.arrays.matrix_terms import (
    Term,
    alike,
    axis,
    key,
    node_of,
    scalars_key,
    scaled,
    term_of,
    times,
    transposes,
    turned,
)
from symbp.calculus.expr import Integer


def gathered(args: tuple[Matrix, ...]) -> Matrix:
    """The sum with like terms added and common factors taken out."""
    opened = one_spelling([term for arg in args for term in _terms(arg)])
    terms = _with_ones(_same_chains(log_softmax(_merged(_without_ones(opened)))))
    if len(terms) < 2:
        return node_of(terms[0]) if terms else node_of(Term(Fraction(0)))
    front, terms = _common_front(one_divisor(one_diagonal(terms, gathered), gathered))
    terms = _with_one_front(_grouped(with_identity(terms, gathered)))
    return node_of(times(front, term_of(_sum(terms))))


def _with_one_front(terms: list[Term]) -> list[Term]:
    """4 X − 4 Xᵀ + A is 4 (X − Xᵀ) + A: a number that some of the terms share, or a sum of scalars."""
    groups: dict[Hashable, list[Term]] = {}
    for term in terms:
        if term.chain and (abs(term.number) != 1 or any(isinstance(s, Plus) for s, _ in term.scalars)):
            groups.setdefault((abs(term.number), scalars_key(term)), []).append(term)
    out = terms
    for group in groups.values():
        if 1 < len(group) < len(terms):
            first = group[0]
            size = _divisor([t.number for t in group])
            inside = _sum([Term(t.number / size, (), t.chain, t.inner) for t in group])
            whole = Term(size, first.scalars, (inside,))
            out = [whole if t is first else t for t in out if t is first or t not in group]
    return out


def _same_chains(terms: list[Term]) -> list[Term]:
    """a x + b x is (a + b) x."""
    groups: dict[Hashable, list[Term]] = {}
    for term in terms:
        joints = tuple(i is None for i in term.inner)
        group = (tuple(map(key, term.chain)), joints) if term.chain else alike(term)
        groups.setdefault(group, []).append(term)
    return [g[0] if len(g) == 1 else _coefficient(g) for g in groups.values()]


def _coefficient(terms: list[Term]) -> Term:
    factor = gathered(tuple(node_of(Term(t.number, t.scalars)) for t in terms))
    first = terms[0]
    return times(term_of(factor), Term(chain=first.chain, inner=first.inner))


def _with_ones(terms: list[Term]) -> list[Term]:
    """An inner product among columns stands times ones: (aᵀ x) 𝟏 + b."""
    columns = [t for t in terms if t.chain and shape(node_of(t)) == (True, False)]
    along = next((i for t in columns if (i := axis(t.chain[0])) is not None), None)
    if along is None:
        return terms
    ones = Term(chain=(Ones(along),))
    return [times(t, ones) if not t.chain and _has_inner_product(t) else t for t in terms]


def _without_ones(terms: list[Term]) -> list[Term]:
    """c 𝟏 is c where another scalar stands without them, and another term tells the axes."""
    if all(t.chain for t in terms) or all(map(_only_ones, terms)):
        return terms
    return [Term(t.number, t.scalars) if _only_ones(t) else t for t in terms]


def _only_ones(term: Term) -> bool:
    return all(isinstance(f.arg if isinstance(f, Transpose) else f, Ones) for f in term.chain)


def _has_inner_product(term: Term) -> bool:
    return any(isinstance(scalar, (Product, Trace)) for scalar, _ in term.scalars)


def _merged(terms: list[Term]) -> list[Term]:
    """Like terms added; (A − S)ᵀ is Aᵀ − S where that makes more of them alike."""
    opened = [inner for term in terms for inner in _opened(term)]
    merged = _like_terms(opened)
    return merged if len(merged) < len(opened) else _like_terms(terms)


def _opened(term: Term) -> list[Term]:
    match _only(term):
        case Transpose(Plus(args)) if not term.scalars:
            return [scaled(term_of(turned(arg)), term.number) for arg in args]
        case _:
            return [term]


def _terms(node: Matrix) -> list[Term]:
    """The terms of nested sums; a number in front is multiplied out."""
    term = term_of(node)
    inner = _only(term)
    if isinstance(inner, Plus) and (not term.scalars or (term.chain == () and len(term.scalars) == 1)):
        return [scaled(t, term.number) for arg in inner.args for t in _terms(arg)]
    return [term]


def _only(term: Term) -> Matrix | None:
    if len(term.chain) == 1:
        return term.chain[0]
    if not term.chain and len(term.scalars) == 1 and term.scalars[0][1] == 1:
        return term.scalars[0][0]
    return None


def _like_terms(terms: list[Term]) -> list[Term]:
    found: dict[Hashable, Term] = {}
    for term in terms:
        known = found.get(alike(term))
        whole = term.number + (known.number if known else 0)
        kept = known or term
        found[alike(term)] = Term(whole, kept.scalars, kept.chain, kept.inner)
    return [t for t in found.values() if t.number]


def _common_front(terms: list[Term]) -> tuple[Term, list[Term]]:
    """Numbers and scalars that all terms share: 2(…), λ(…)."""
    share = _divisor([t.number for t in terms])
    front = Term(share)
    terms = [scaled(t, 1 / share) for t in terms]
    shared = _shared_scalars(terms)
    # a scalar alone stays: 1 − h² has no factor in front
    if shared and all(t.chain or len(t.scalars) > len(shared) for t in terms):
        front = times(front, Term(scalars=tuple(terms[0].scalars[n] for n in sorted(shared))))
        terms = [_less(t, front.scalars) for t in terms]
    sizes = _shared_sizes(terms) if any(t.chain for t in terms) else ()
    if sizes:
        over = Term(scalars=tuple((s, -p) for s, p in sizes))
        front, terms = times(front, Term(scalars=sizes)), [times(over, t) for t in terms]
    return front, terms


def _shared_scalars(terms: list[Term]) -> list[int]:
    """The places of those scalars of the first term that all the others have too, to the same power.

    y/(‖x‖ ‖y‖) − (xᵀ y) x/(‖x‖³ ‖y‖) stays: a fraction within a fraction is harder to read.
    """
    whole = len({scalars_key(t) for t in terms}) == 1
    powers = [{key(s): p for s, p in t.scalars} for t in terms]
    return [
        n for n, (scalar, power) in enumerate(terms[0].scalars)
        if whole or (power > 0 and all(known.get(key(scalar)) == power for known in powers))
    ]


def _shared_sizes(terms: list[Term]) -> tuple[tuple[Matrix, Fraction], ...]:
    """The sizes by which all terms are divided: x/N − sum(x) 𝟏/N² is (x − sum(x) 𝟏/N)/N."""
    powers = [{key(s): p for s, p in t.scalars} for t in terms]
    found = [
        (s, max(known.get(key(s), Fraction(0)) for known in powers))
        for s, _ in terms[0].scalars if isinstance(s, Scalar) and isinstance(s.node, Integer)
    ]
    return tuple((s, p) for s, p in found if p < 0)


def _less(term: Term, scalars: tuple[tuple[Matrix, Fraction], ...]) -> Term:
    gone = {key(s) for s, _ in scalars}
    rest = tuple((s, p) for s, p in term.scalars if key(s) not in gone)
    return Term(term.number, rest, term.chain, term.inner)


def _divisor(numbers: list[Fraction]) -> Fraction:
    sign = -1 if all(n < 0 for n in numbers) else 1
    sizes = {abs(n) for n in numbers}
    if len(sizes) == 1:
        return sign * sizes.pop()
    if all(n.denominator == 1 for n in numbers):
        return Fraction(sign * gcd(*(int(n) for n in numbers)))
    return Fraction(sign)


def _sum(terms: list[Term]) -> Matrix:
    if len(terms) == 1:
        return node_of(terms[0])
    nodes = _side_by_side(_plain_first([node_of(t) for t in terms]))
    if isinstance(nodes[0], Minus) and (first := next((n for n in nodes if not isinstance(n, Minus)), None)):
        nodes = _side_by_side([first, *(n for n in nodes if n is not first)])
    return _upright(Plus(tuple(nodes)))


def _plain_first(nodes: list[Matrix]) -> list[Matrix]:
    """B + Bᵀ, not Bᵀ + B."""
    for n, m in combinations(range(len(nodes)), 2):
        if transposes(nodes[m]) < transposes(nodes[n]) and key(turned(nodes[n])) == key(nodes[m]):
            nodes[n], nodes[m] = nodes[m], nodes[n]
    return nodes


def _side_by_side(nodes: list[Matrix]) -> list[Matrix]:
    """B + Bᵀ − C, not B − C + Bᵀ."""
    out: list[Matrix] = []
    for node in nodes:
        twin = key(turned(node))
        place = next((n for n, known in enumerate(out) if key(known) == twin), len(out) - 1)
        out.insert(place + 1, node)
    return out


def _matrices(node: Plus) -> bool:
    """Whether all factors are matrices: a bᵀXᵀ stays, because b a column reads better."""
    terms = [term_of(t) for t in node.args]
    factors = [f for t in terms for f in t.chain]
    if any(t.scalars for t in terms) and all(len(t.chain) == 1 for t in terms):
        # tr(X) Aᵀ + tr(Y) Bᵀ stays
        return False
    return all(shape(f) == (True, True) for f in factors) and shape(node) == (True, True)


def _upright(node: Plus) -> Matrix:
    """(XB + BX)ᵀ and (I − A)ᵀ where each factor had a transpose, and none is left; (a − b)ᵀ of columns."""
    other = turned(node)
    if shape(node) == (False, True) and not isinstance(other, Transpose):
        return Transpose(other)
    saved = transposes(node) - transposes(other)
    few = 1 if any(isinstance(a, Identity) for a in node.args) else 2
    if not _matrices(node) or saved < few or _turned_factors(other):
        return node
    return Transpose(other) if not isinstance(other, Transpose) else node


def _turned_factors(node: Matrix) -> bool:
    args = node.args if isinstance(node, Plus) else ()
    return any(isinstance(f, Transpose) for a in args for f in term_of(a).chain)


# ── common factors of chains ──────────────────────────────────────────────────────────────────────


def _grouped(terms: list[Term]) -> list[Term]:
    """Common factors on the left and on the right taken out; the terms keep their order."""
    chains = [t for t in terms if t.chain]
    if len(chains) > 1 and len(chains) == len(terms):
        before, after = _shared(chains)
        one_scale = len({scalars_key(t) for t in chains}) == 1
        if before + after and (one_scale or all(_column_left(t, before, after) for t in chains)):
            return [_taken_out(chains, before, after)]
    for pair in combinations(range(len(terms)), 2):
        mine = [terms[n] for n in pair]
        if not all(t.chain for t in mine) or len({scalars_key(t) for t in mine}) > 1:
            continue
        before, after = _shared(mine)
        if before + after and all(_short(t, before, after) for t in mine):
            group = [t for t in terms if _fits(t, mine[0], before, after)]
            out = _taken_out(group, before, after)
            rest = [out if t is mine[0] else t for t in terms if t is mine[0] or t not in group]
            return _grouped(rest)
        joined = entry_by_entry(mine[0], mine[1], gathered)
        if joined is not None:
            return _grouped([joined if t is mine[0] else t for t in terms if t is not mine[1]])
    return terms


def _shared(terms: list[Term]) -> tuple[int, int]:
    """How many factors all terms have in common on the left, and on the right; one stays between."""
    shortest = min(len(t.chain) for t in terms)
    keys = [[(key(a), n and t.inner[n - 1] is None) for n, a in enumerate(t.chain)] for t in terms]
    ends = [
        [(key(a), n and t.inner[-n] is None) for n, a in enumerate(reversed(t.chain))] for t in terms
    ]
    before = after = 0
    while before < shortest - 1 and len({k[before] for k in keys}) == 1:
        before += 1
    while before + after < shortest - 1 and len({e[after] for e in ends}) == 1:
        after += 1
    # the place where the factor is cut off is the same kind of product in all terms
    if before and len({t.inner[before - 1] is None for t in terms}) > 1:
        before -= 1
    if after and len({t.inner[-after] is None for t in terms}) > 1:
        after -= 1
    return before, after


def _short(term: Term, before: int, after: int) -> bool:
    """What is left is one factor, or an outer product: a partial group has to read better."""
    left = len(term.chain) - before - after
    return left == 1 or (left == 2 and term.inner[before] is None)


def _column_left(term: Term, before: int, after: int) -> bool:
    """Whether one column is left, which a scalar may weigh in brackets: (a − (aᵀ b) b) xᵀ."""
    end = len(term.chain) - after
    middle, joints = term.chain[before:end], term.inner[before : end - 1]
    return shape(middle[0])[0] and not shape(middle[-1])[1] and None not in joints


def _fits(term: Term, model: Term, before: int, after: int) -> bool:
    """Whether a term begins and ends like the model, with something short between."""
    if len(term.chain) <= before + after or scalars_key(term) != scalars_key(model):
        return False
    return _ends(term, before, after) == _ends(model, before, after) and _short(term, before, after)


def _ends(term: Term, before: int, after: int) -> Hashable:
    end, joints = len(term.chain) - after, [i is None for i in term.inner]
    left, right = term.chain[:before], term.chain[end:]
    outside = (joints[:before], joints[end - 1 :] if after else [])
    return (tuple(map(key, left)), tuple(map(key, right)), tuple(map(tuple, outside)))


def _taken_out(terms: list[Term], before: int, after: int) -> Term:
    """A B D + A C D = A (B + C) D; scalars that are not shared go into the brackets."""
    first = terms[0]
    same = len({scalars_key(t) for t in terms}) == 1
    share = _divisor([t.number for t in terms])
    middles = []
    for t in terms:
        end = len(t.chain) - after
        middles.append(
            Term(t.number / share, () if same else t.scalars, t.chain[before:end], t.inner[before : end - 1])
        )
    inside = term_of(gathered(tuple(node_of(m) for m in middles)))
    end = len(first.chain) - after
    left, right = first.chain[:before], first.chain[end:]
    behind = first.inner[end - 1 :] if right else ()
    chain = Term(chain=(*left, *inside.chain, *right), inner=(*first.inner[:before], *inside.inner, *behind))
    front = times(Term(share, first.scalars if same else ()), Term(inside.number, inside.scalars))
    return times(front, chain)
