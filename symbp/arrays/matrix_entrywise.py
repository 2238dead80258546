"""Products and quotients entry by entry: each factor once, with its exponent; numbers in front."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from fractions import Fraction

from symbp.arrays.matrix_gather import gathered
from symbp.arrays.matrix_nodes import (
    Bracket,
    Diag,
    Diagonal,
    Hadamard,
    Identity,
    Mapped,
    Matrix,
    Minus,
    OneHot,
    Ones,
    Plus,
    Power,
    Product,
    Quotient,
    Scalar,
    Scaled,
    Transpose,
    parts,
    shape,
)
from symbp.arrays.matrix_terms import (
    SCALAR,
    Term,
    axis,
    key,
    node_of,
    raised,
    term_of,
    times,
    transposes,
    turned,
)
from symbp.calculus.affine import Index
from symbp.calculus.expr import ONE, Number, number

_Factors = dict[Hashable, tuple[Matrix, int]]
"""Bases with their exponents, in order."""


def entrywise_product(args: tuple[Matrix, ...]) -> Matrix:
    """u ⊙ v ⊙ …: numbers and scalars in front, what stands above and below cancelled."""
    front, found = Term(), _Factors()
    for arg, sign in (pair for a in args for pair in _factors(a, 1)):
        term = term_of(arg)
        front = times(front, raised(Term(term.number, term.scalars), Fraction(sign)))
        if not term.chain:
            continue
        core = node_of(Term(chain=term.chain, inner=term.inner))
        if isinstance(core, Ones) and len(args) > 1:
            continue
        base, exponent = _raised(core)
        known = found.get(key(base))
        found[key(base)] = (base, sign * exponent + (known[1] if known else 0))
    if not front.number:
        return node_of(front)
    found = _signs_off(found)
    # I ⊙ I is I, and I ⊙ diag(d) is diag(d)
    diag = any(isinstance(b, Diag) and e > 0 for b, e in found.values())
    kept = [(b, 1 if _is_0_or_1(b) else e) for b, e in found.values() if not diag or not _unit(b)]
    above = [_power(b, e) for b, e in kept if e > 0]
    below = [_power(b, -e) for b, e in found.values() if e < 0]
    if not above and not below:
        # all is 1: the axes are those of any factor
        return args[0]
    whole = _fraction(above, below) if below else _opened(above) or _weighed(above) or _upright(above)
    return node_of(times(front, term_of(whole)))


def _signs_off(found: _Factors) -> _Factors:
    """|x| ⊙ sign(x) is x, also at 0."""
    for place, (base, exponent) in found.items():
        match base:
            case Mapped("sign", (arg,), orders) if exponent > 0 and not any(orders):
                size = Mapped("abs", (arg,))
                times_over = found.get(key(size), (size, 0))[1]
                if times_over > 0 and key(arg) not in found:
                    left = {key(size): (size, times_over - 1), place: (base, exponent - 1)}
                    merged = {key(arg): (arg, 1), **found, **left}
                    return {k: v for k, v in merged.items() if v[1]}
    return found


def _unit(node: Matrix) -> bool:
    return isinstance(node, Identity)


def _is_0_or_1(node: Matrix) -> bool:
    return isinstance(node.arg if isinstance(node, Transpose) else node, (Identity, Bracket, OneHot))


def _weighed(args: list[Matrix]) -> Matrix | None:
    """W ⊙ (u 𝟏ᵀ) is diag(u) W: a factor for each row, or for each column."""
    for n, arg in enumerate(args):
        rest = args[:n] + args[n + 1 :]
        match arg:
            case Product((column, Transpose(Ones())), (None,)) if rest:
                matrix = _weighed(rest) or _upright(rest)
                row = axis(matrix)
                return None if row is None else _chained(Diag(column), matrix, row)
            case Product((Ones(), Transpose(column)), (None,)) if rest:
                matrix = _weighed(rest) or _upright(rest)
                col = axis(matrix, column=True)
                return None if col is None else _chained(matrix, Diag(column), col)
    return None


def _chained(left: Matrix, right: Matrix, index: Index) -> Matrix:
    one, two = (term_of(n) for n in (left, right))
    return Product((*one.chain, *two.chain), (*one.inner, index, *two.inner))


def entrywise(args: list[Matrix]) -> Matrix:
    """The product entry by entry of simplified factors."""
    return args[0] if len(args) == 1 else Hadamard(tuple(args))


def _factors(node: Matrix, sign: int) -> Iterator[tuple[Matrix, int]]:
    match node:
        case Hadamard(args):
            for arg in args:
                yield from _factors(arg, sign)
        case Quotient(num, den) if shape(den) != SCALAR and shape(num) in (SCALAR, shape(den)):
            yield from _factors(num, sign)
            yield from _factors(den, -sign)
        case _:
            yield node, sign


def _power(base: Matrix, exponent: int) -> Matrix:
    return base if exponent == 1 else Power(base, number(exponent))


def _raised(node: Matrix) -> tuple[Matrix, int]:
    match node:
        case Power(base, Number(value)) if value.denominator == 1 and value > 0:
            return base, int(value)
        case _:
            return node, 1


def _fraction(above: list[Matrix], below: list[Matrix]) -> Matrix:
    """The quotient behind its conditions: where one of them fails, the divisor may be 0."""
    holds: list[Matrix] = [a for a in above if isinstance(a, Bracket)]
    rest: list[Matrix] = [a for a in above if not isinstance(a, Bracket)]
    quotient = Quotient(entrywise(rest) if rest else Scalar(ONE), entrywise(below))
    return entrywise([*holds, quotient])


def _upright(args: list[Matrix]) -> Matrix:
    """(A ⊙ B)ᵀ where that saves transposes, or leaves none of a factor."""
    other = [turned(a) for a in args]
    mine, saved = (sum(map(transposes, side)) for side in (args, other))
    none_left = not any(isinstance(a, Transpose) for a in other)
    if saved + 1 < mine or (saved + 1 == mine and none_left and len(args) > 1):
        return Transpose(entrywise(other))
    return entrywise(args)


def _opened(args: list[Matrix]) -> Matrix | None:
    """(X − diag(d)) ⊙ I is X ⊙ I − diag(d), and X ⊙ (1 − I) is X − X ⊙ I; None elsewhere."""
    place = next((n for n, a in enumerate(args) if isinstance(a, Plus)), None)
    if place is None or len(args) < 2 or not any(isinstance(a, Identity) for a in _with_addends(args)):
        return None
    terms = args[place]
    assert isinstance(terms, Plus)
    rest = (args[:place], args[place + 1 :])
    return gathered(tuple(entrywise_product((*rest[0], t, *rest[1])) for t in terms.args))


def _with_addends(args: list[Matrix]) -> Iterator[Matrix]:
    for arg in args:
        yield arg
        if isinstance(arg, Plus) and any(shape(a) == SCALAR for a in arg.args):
            yield from (a.arg if isinstance(a, Minus) else a for a in arg.args)


def diagonal(arg: Matrix, like: Index) -> Matrix:
    """The diagonal of a matrix: a for diag(a), ones for I, term by term where that tells more."""
    term = term_of(arg)
    front = Term(term.number, term.scalars)
    if not term.chain:
        return arg
    core = node_of(Term(chain=term.chain, inner=term.inner))
    return node_of(times(front, term_of(_diagonal_of(core, like))))


def diagonal_axis(node: Matrix) -> Index | None:
    """The axis of a matrix that is 0 off its diagonal as it stands: X ⊙ I − diag(d)."""
    match node:
        case Hadamard(args):
            return next((a.like for a in args if isinstance(a, Identity)), None)
        case Plus(args):
            return diagonal_axis(args[0]) if all(_off_zero(a) for a in args) else None
        case Minus(arg) | Transpose(arg) | Scaled(_, arg):
            return diagonal_axis(arg)
        case _:
            return None


def _off_zero(node: Matrix) -> bool:
    match node:
        case Minus(arg) | Scaled(_, arg):
            return _off_zero(arg)
        case _:
            return isinstance(node, (Diag, Identity)) or diagonal_axis(node) is not None


def _diagonal_of(core: Matrix, like: Index) -> Matrix:
    match core:
        case Diag(column):
            return column
        case Identity():
            return Ones(like)
        case Transpose(matrix):
            return _diagonal_of(matrix, like)
        case Product(args, inner) if place := _weights(args, inner):
            return _weighted_rows(args, inner, place)
        case Hadamard(args) if any(isinstance(a, Identity) for a in args):
            return diagonal(entrywise([a for a in args if not isinstance(a, Identity)]), like)
        case Plus(args):
            found = tuple(diagonal(a, like) for a in args)
            told = sum(isinstance(f, Diagonal) for f in found) < len(found)
            return gathered(found) if told else Diagonal(core, like)
        case _:
            return Diagonal(core, like)


def _weights(args: tuple[Matrix, ...], inner: tuple[Index | None, ...]) -> int:
    """The place of the one diagonal matrix between others, else 0."""
    places = [n for n, a in enumerate(args) if isinstance(a, Diag)]
    return places[0] if len(places) == 1 and places[0] < len(args) - 1 and None not in inner else 0


def _weighted_rows(args: tuple[Matrix, ...], inner: tuple[Index | None, ...], place: int) -> Matrix:
    """The diagonal of L diag(x) R is (L ⊙ Rᵀ) x."""
    (weights,) = parts(args[place])
    left = args[0] if place == 1 else Product(args[:place], inner[: place - 1])
    right = args[-1] if place == len(args) - 2 else Product(args[place + 1 :], inner[place + 1 :])
    return Product((entrywise_product((left, turned(right))), weights), (inner[place],))


def diagonal_matrix(arg: Matrix) -> Matrix:
    """diag of the diagonal of X is X ⊙ I, of ones it is I; numbers stand in front."""
    term = term_of(arg)
    front = Term(term.number, term.scalars)
    if not term.chain:
        return Diag(arg)
    core = node_of(Term(chain=term.chain, inner=term.inner))
    match core:
        case Diagonal(matrix, like):
            whole = entrywise_product((matrix, Identity(like)))
        case Ones(like):
            whole = Identity(like)
        case _:
            whole = Diag(core)
    return node_of(times(front, term_of(whole)))
