"""The form that a textbook prints: (B + Bᵀ)x for Bx + Bᵀx, ‖x‖² for a sum of squares, tr(AX).

Every rule replaces an expression by an equal one: transposes move to the names, scalars to the front,
inner products of a vector with itself become norms, sums over a diagonal become traces.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from symbp.arrays.matrix_entrywise import (
    diagonal,
    diagonal_axis,
    diagonal_matrix,
    entrywise,
    entrywise_product,
)
from symbp.arrays.matrix_finish import finished
from symbp.arrays.matrix_gather import gathered
from symbp.arrays.matrix_nodes import (
    Bracket,
    Diag,
    Diagonal,
    Folded,
    Hadamard,
    Identity,
    Leaf,
    Mapped,
    Matrix,
    Minus,
    Norm,
    OneHot,
    Ones,
    Plus,
    Power,
    Product,
    Quotient,
    Raised,
    Scalar,
    Scaled,
    Softmax,
    Trace,
    Transpose,
    Zeros,
    outer,
    parts,
    shape,
    with_parts,
)
from symbp.arrays.matrix_signs import one_spelling
from symbp.arrays.matrix_terms import (
    SCALAR,
    Term,
    axis,
    key,
    node_of,
    powers,
    scaled,
    term_of,
    times,
    transposes,
    turned,
)
from symbp.calculus.affine import Index
from symbp.calculus.expr import ONE, Integer, Number, number


def simplify(node: Matrix) -> Matrix:
    """The same value in the form that a textbook prints.

    Terminates: bottom up, each node once; what the rules build is simplified already.
    """
    return powers(finished(_simplified(node)))


def is_zero(node: Matrix) -> bool:
    """Whether nothing is left; a zero has lost its axes."""
    return node == Scalar(number(0))


_ENTRYWISE = (Hadamard, Plus, Minus, Scaled, Transpose, Quotient, Power, Raised, Mapped, Bracket)
"""Where a scalar stands for an array that has it in every entry."""


def with_axes(node: Matrix, like: Matrix) -> Matrix:
    """``node`` with the rows and columns of ``like``, of which it is the simplified form: times ones.

    x − x is 0, and exp(x − x) is 1: what a sum or a product runs over is told by ``like``.
    """
    wanted, given = shape(like), shape(node)
    row, col = axis(like), axis(like, column=True)
    if wanted == given or (row is None and wanted[0]) or (col is None and wanted[1]):
        return node if wanted == given else like
    likes = tuple(i for i in (row, col) if i is not None)
    if is_zero(node):
        return Zeros(likes)
    ones = [Ones(i) for i in likes]
    if given == SCALAR:
        whole = outer(*ones) if len(ones) > 1 else ones[0] if wanted[0] else Transpose(ones[0])
        return Scaled(node, whole)
    return outer(node, ones[1]) if given[0] else Product((ones[0], node), (None,))


def _simplified(node: Matrix) -> Matrix:
    below = tuple(_simplified(p) for p in parts(node))
    if not isinstance(node, _ENTRYWISE):
        below = tuple(with_axes(b, p) for p, b in zip(parts(node), below, strict=True))
    node = with_parts(node, below)
    match node:
        case Transpose(arg):
            return node_of(term_of(turned(arg)))
        case Product():
            return _product(node)
        case Hadamard(args):
            return entrywise_product(args)
        case Quotient(_, den) if shape(den) != SCALAR:
            return entrywise_product((node,))
        case Plus(args):
            return gathered(args)
        case Diag(arg):
            return diagonal_matrix(arg)
        case Folded("sum", arg, like, across):
            return _total(arg, like, across)
        case Diagonal(arg, like):
            return diagonal(arg, like)
        case Minus(Plus(args)) if len(args) == 2 and isinstance(args[1], Minus):
            # −(x − a) is a − x
            return Plus((args[1].arg, Minus(args[0])))
        case _:
            return node_of(term_of(node))


# ── products ──────────────────────────────────────────────────────────────────────────────────────


def _product(node: Product) -> Matrix:
    front, chain, inner = Term(), list[Matrix](), list[Index | None]()
    for n, arg in enumerate(node.args):
        term = term_of(arg)
        front = times(front, Term(term.number, term.scalars))
        inner += [node.inner[n - 1]] if n else []
        chain += term.chain
        inner += term.inner
    chain, inner = _without_identities(chain, inner)
    if not front.number:
        return node_of(front)
    chain, inner = _backwards(*_weighted(chain, inner))
    (spelled,) = one_spelling([Term(chain=tuple(chain))])
    front, chain = scaled(front, spelled.number), list(spelled.chain)
    factors, chain, inner = _inner_products(chain, inner)
    for factor in factors:
        front = times(front, term_of(_closed(*factor)))
    core = _fewer_ones(chain, inner, _closed(chain, inner)) if chain else Scalar(ONE)
    return node_of(times(front, term_of(core)))


_Chain = tuple[list[Matrix], list[Index | None]]


def _inner_products(
    chain: list[Matrix], inner: list[Index | None]
) -> tuple[list[_Chain], list[Matrix], list[Index | None]]:
    """x uᵀv is (uᵀv) x: what is a scalar between outer products stands in front."""
    cuts = [n + 1 for n, i in enumerate(inner) if i is None]
    if not cuts:
        return [], chain, inner
    runs = [(chain[a:b], inner[a : b - 1]) for a, b in pairwise([0, *cuts, len(chain)])]
    scalars = [r for r in runs if _is_scalar(r[0])]
    kept = [r for r in runs if not _is_scalar(r[0])]
    joints = [j for n, (_, i) in enumerate(kept) for j in ([None] if n else []) + i]
    return scalars, [a for args, _ in kept for a in args], joints


def _is_scalar(chain: list[Matrix]) -> bool:
    return (shape(chain[0])[0], shape(chain[-1])[1]) == SCALAR


def _fewer_ones(chain: list[Matrix], inner: list[Index | None], node: Matrix) -> Matrix:
    """(𝟏 xᵀ − A)ᵀ w multiplied out where that saves vectors of ones: sum(w) x − Aᵀ w."""
    for n, arg in enumerate(chain):
        terms = _addends(arg)
        if not terms or len(chain) == 1 or not _ones(arg):
            continue
        products = (Product((*chain[:n], t, *chain[n + 1 :]), tuple(inner)) for t in terms)
        other = gathered(tuple(map(_product, products)))
        if _ones(other) < _ones(node):
            return other
    return node


def _addends(node: Matrix) -> tuple[Matrix, ...]:
    match node:
        case Plus(args) if all(map(any, map(shape, args))):
            return args
        case Transpose(Plus() | Hadamard() as arg):
            return tuple(turned(a) for a in _addends(arg))
        case Hadamard(args):
            # W ⊙ (f 𝟏ᵀ − 𝟏 fᵀ) is diag(f) W − W diag(f)
            place = next((n for n, a in enumerate(args) if isinstance(a, Plus)), 0)
            before, after = args[:place], args[place + 1 :]
            terms = _addends(args[place])
            return tuple(entrywise_product((*before, t, *after)) for t in terms if all(map(_ones, terms)))
        case _:
            return ()


def _ones(node: Matrix) -> int:
    return isinstance(node, Ones) + sum(map(_ones, parts(node)))


def _without_identities(
    chain: list[Matrix], inner: list[Index | None]
) -> tuple[list[Matrix], list[Index | None]]:
    place = next((n for n, a in enumerate(chain) if isinstance(a, Identity)), None)
    if place is None or len(chain) == 1:
        return chain, inner
    cut = place if place < len(inner) and inner[place] is not None else place - 1
    rest = (chain[:place] + chain[place + 1 :], inner[:cut] + inner[cut + 1 :])
    return rest if cut >= 0 and inner[cut] is None else _without_identities(*rest)


def _weighted(chain: list[Matrix], inner: list[Index | None]) -> tuple[list[Matrix], list[Index | None]]:
    """diag(a) x is a ⊙ x; products with ones that have a name of their own."""
    for n in range(len(chain) - 1):
        joined = _pair(chain[n], chain[n + 1]) if inner[n] is not None else None
        if joined is not None:
            return _weighted([*chain[:n], joined, *chain[n + 2 :]], [*inner[:n], *inner[n + 1 :]])
    return chain, inner


def _backwards(chain: list[Matrix], inner: list[Index | None]) -> tuple[list[Matrix], list[Index | None]]:
    """Wᵀ diag(f′(z)) Vᵀ c is Wᵀ (f′(z) ⊙ (Vᵀ c)): what is computed entry by entry meets a column.

    So does a factor of each row of a whole product: diag(f) W 𝟏 is (W 𝟏) ⊙ f.
    """
    for n, arg in enumerate(chain[:-2]):
        behind, joints = chain[n + 1 :], inner[n:]
        column = not shape(chain[-1])[1] and None not in joints
        sums = n == 0 and isinstance(chain[-1], Ones)
        if isinstance(arg, Diag) and (sums or not isinstance(arg.arg, Leaf)) and column:
            rest = _product(Product(tuple(behind), tuple(joints[1:])))
            joined = entrywise_product((rest, arg.arg) if sums else (arg.arg, rest))
            return [*chain[:n], joined], inner[:n]
    return chain, inner


def _pair(left: Matrix, right: Matrix) -> Matrix | None:
    match left, right:
        case Diag(a), _ if shape(right) == (True, False):
            return a if isinstance(right, Ones) else entrywise_product((a, right))
        case Transpose(row), Diag(a) if shape(row) == (True, False):
            return Transpose(a if isinstance(row, Ones) else entrywise_product((row, a)))
        case Softmax() | OneHot(), Ones() if (along := axis(left)) is not None:
            # each row adds up to 1
            return Ones(along)
        case _ if shape(right) == (True, False) and (like := diagonal_axis(left)) is not None:
            # (X ⊙ I) v takes the diagonal of X
            return _pair(Diag(diagonal(left, like)), right)
        case _:
            return None


def _closed(chain: list[Matrix], inner: list[Index | None]) -> Matrix:
    """The product as one expression; a scalar one as a norm, or with the fewest transposes."""
    if len(chain) == 1:
        return chain[0]
    by_row = _row_sums(chain, inner)
    if by_row is not None:
        return by_row
    node = Product(tuple(chain), tuple(inner))
    if shape(node) != SCALAR or None in inner:
        return node
    match chain, inner:
        case [Transpose(Ones(like)), vector], _:
            return _total(vector, like, None)
        case [Transpose(Ones(like)), *between, Ones(across)], [_, *joints, _]:
            return _total(_row(between, joints), like, across)
    half = len(chain) // 2
    if len(chain) % 2 == 0:
        right = _row(chain[half:], inner[half:])
        if key(turned(_row(chain[:half], inner[: half - 1]))) == key(right):
            middle = inner[half - 1]
            assert middle is not None
            return Power(Norm(right, (middle,)), number(2))
    other = turned(node)
    return other if transposes(other) < transposes(node) else node


def _row(chain: list[Matrix], inner: list[Index | None]) -> Matrix:
    return chain[0] if len(chain) == 1 else Product(tuple(chain), tuple(inner))


def _row_sums(chain: list[Matrix], inner: list[Index | None]) -> Matrix | None:
    """(A ⊙ Bᵀ) 1 is the diagonal of A B: shorter where it saves a transpose.

    Not where a factor was computed entry by entry: with f(A) a product is in nobody's mind, and a
    diagonal of it would hide that only these entries are wanted.
    """
    match chain, inner:
        case [Transpose(Hadamard((left, right))) as arg, Ones()], [Index() as index]:
            return _diagonal_of(arg, turned(left), turned(right), index)
        case [Hadamard((left, right)) as arg, Ones()], [Index() as index]:
            return _diagonal_of(arg, left, right, index)
        case _:
            return None


def _diagonal_of(arg: Matrix, left: Matrix, right: Matrix, index: Index) -> Matrix | None:
    if _entry_by_entry(left) or _entry_by_entry(right):
        return None
    whole = _product(Product((left, turned(right)), (index,)))
    # a matrix and its transpose have the same diagonal; Xᵀ (X d − Y) reads better than (X d − Y)ᵀ X
    whole = min(whole, turned(whole), key=lambda n: (transposes(n), _long_transposes(n)))
    row = axis(left)
    saved = transposes(arg) - transposes(whole)
    # the residual of a product: (X diag(d) − Y) ⊙ X, but (δ ⊙ h)ᵀ 𝟏 stays
    residual = isinstance(arg, Transpose) and any(
        isinstance(n, Plus) for m in (left, right) for n in (m, turned(m))
    )
    fewer = saved > 0 or (saved == 0 and residual)
    return diagonal(whole, row) if row is not None and fewer else None


def _long_transposes(node: Matrix) -> int:
    """How many transposes are of more than a name."""
    return (isinstance(node, Transpose) and bool(parts(node.arg))) + sum(map(_long_transposes, parts(node)))


def _entry_by_entry(node: Matrix) -> bool:
    return isinstance(node, (Mapped, Hadamard, Power, Softmax)) or any(map(_entry_by_entry, parts(node)))


# ── sums of all entries ───────────────────────────────────────────────────────────────────────────


def _total(arg: Matrix, like: Index, across: Index | None) -> Matrix:
    """The sum of the entries of a vector or a matrix, by the name that it has."""
    term = term_of(arg)
    front = Term(term.number, term.scalars)
    if not term.chain:
        return Folded("sum", arg, like, across)
    core = node_of(Term(chain=term.chain, inner=term.inner))
    return node_of(times(front, term_of(_sum_of(core, like, across))))


def _sum_of(core: Matrix, like: Index, across: Index | None) -> Matrix:
    likes = (like,) if across is None else (like, across)
    match core:
        case Power(base, Number(value)) if value == Fraction(2):
            return Power(Norm(base, likes), number(2))
        case Transpose(matrix) if across is not None:
            return _sum_of(matrix, across, like)
        case Hadamard((left, *rest)) if across is None:
            return _product(Product((turned(left), entrywise(list(rest))), (like,)))
        case Hadamard((left, right)):
            return _trace(left, right, like, across)
        case Diagonal(matrix):
            return Trace(matrix, like)
        case Softmax() if across is None:
            return Scalar(ONE)
        case Ones() if across is None:
            return Scalar(Integer(like.extent))
        case Product((left, Ones()), (inner,)) if across is None and inner is not None:
            return _total(left, like, inner)
        case _:
            return Folded("sum", core, like, across)


def _trace(left: Matrix, right: Matrix, like: Index, across: Index | None) -> Matrix:
    """Σ A_ij B_ij = tr(AᵀB) = tr(ABᵀ), whichever has fewer transposes."""
    assert across is not None
    first = _product(Product((turned(left), right), (like,)))
    second = _product(Product((left, turned(right)), (across,)))
    if transposes(second) < transposes(first):
        return Trace(second, like)
    return Trace(first, across)


