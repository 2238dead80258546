"""Why a matrix form says what the indices say: the words beside the last line."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import pairwise

from symbp.arrays.matrix_nodes import (
    Bracket,
    Diag,
    Diagonal,
    Folded,
    Hadamard,
    Leaf,
    Matrix,
    MatrixPower,
    Minus,
    Norm,
    OneHot,
    Ones,
    Plus,
    Power,
    Product,
    Quotient,
    Scalar,
    Scaled,
    Softmax,
    Trace,
    Transpose,
    Unit,
    parts,
    shape,
)
from symbp.arrays.matrix_terms import key, turned
from symbp.calculus.expr import number

Words = tuple[object, ...]
"""Text with the arrays, unit vectors and positions that it names."""

_CLAUSES = 3
"""What a reader takes in beside one line."""


def matrix_reason(node: Matrix) -> Words:
    """Why the matrix form is the indexed one, for the reason beside the last line.

    One clause for each kind of step, naming all arrays that it is taken on: the sums first, because
    the transpose is what the reader asks about.
    """
    nodes = list(_walk(node))
    sums = _sums(nodes)
    clauses = (*sums, *_others(nodes), *_exchanged(node, bool(sums)))
    if not clauses:
        return _of_scalars(nodes)
    return _joined("; ", clauses[:_CLAUSES])


def _of_scalars(nodes: list[Matrix]) -> Words:
    if any(isinstance(n, Product) and shape(n) == (False, False) for n in nodes):
        return ("a sum of products of entries: an inner product",)
    if any(isinstance(n, Folded) and n.op == "sum" for n in nodes):
        return ("the sum of all entries",)
    return ("all entries at once",)


# ── sums between neighbours of a product ──────────────────────────────────────────────────────────

_TURNED = ("a product with its transpose", "products with their transposes")
_ADDED = ("products with it and its transpose, added", "products with them and their transposes, added")
_PLAIN = ("a matrix product", "matrix products")
"""What a sum is, for one array and for several."""


def _sums(nodes: list[Matrix]) -> tuple[Words, ...]:
    """Products with transposes, products, and products with a matrix and its transpose added."""
    first, second, both = (dict[Hashable, Matrix]() for _ in range(3))
    for product in (n for n in nodes if isinstance(n, Product)):
        for pair, index in zip(pairwise(product.args), product.inner, strict=True):
            if index is not None and not any(isinstance(a, Diag) for a in pair):
                _note(pair, first, second, both)
    for power in (n for n in nodes if isinstance(n, MatrixPower) and _is_matrix(n.base)):
        second.setdefault((key(power.base), False), power.base)
    turned_round = (*_named(first, transposed=True), *_named(second, transposed=True), *both.values())
    known = {key(m) for m in turned_round}
    by_second = [m for m in _named(second, transposed=False) if key(m) not in known]
    by_first = [m for m in _named(first, transposed=False) if key(m) not in known]
    found = (
        ("first ", _named(first, transposed=True), _TURNED),
        ("second ", _named(second, transposed=True), _TURNED),
        ("either ", list(both.values()), _ADDED),
        ("second ", by_second, _PLAIN),
        # where a matrix product is named already, this one says nothing new
        ("first ", [] if by_second else by_first, _PLAIN),
    )
    clauses = [_clause(*f) for f in found if f[1]]
    if not clauses and any(_turned_round(n) for n in nodes if isinstance(n, Product)):
        return (("the sum runs over a first index: a product with the transpose",),)
    return _one_sentence(clauses, next((len(f[1]) for f in found if f[1]), 0))


def _turned_round(product: Product) -> bool:
    """Whether it has a transpose of something without a name, a matrix, in a sum: softmax(…)ᵀ δ."""
    pairs = zip(pairwise(product.args), product.inner, strict=True)
    return any(
        isinstance(m, Transpose) and all(shape(m.arg)) and i is not None and not isinstance(right, Diag)
        for (m, right), i in pairs
    )


def _note(
    pair: tuple[Matrix, Matrix],
    first: dict[Hashable, Matrix],
    second: dict[Hashable, Matrix],
    both: dict[Hashable, Matrix],
) -> None:
    """Files the sum under the array whose index it runs over; the transposed one comes first."""
    left, right = pair
    if (added := _symmetric(left) or _symmetric(right)) is not None:
        both.setdefault(key(added), added)
    for factor, turned_index in ((left, first), (right, second)):
        if isinstance(factor, Transpose) and _is_matrix(factor.arg):
            turned_index.setdefault((key(factor.arg), True), factor.arg)
            return
    if added is not None:
        return
    for factor, plain in ((left, second), (right, first)):
        if _is_matrix(factor):
            plain.setdefault((key(factor), False), factor)
            return


def _named(found: dict[Hashable, Matrix], *, transposed: bool) -> list[Matrix]:
    return [m for k, m in found.items() if k == (key(m), transposed)]


def _clause(place: str, names: list[Matrix], what: tuple[str, str]) -> Words:
    """All arrays that are summed over one of their indices, in one clause."""
    several = len(names) > 1
    index = ("index of " if place == "either " else "indices of ") if several else "index of "
    over = "" if place == "either " else "the "
    return (f"over {over}{place}{index}", *_listed([(m,) for m in names]), f": {what[several]}")


def _one_sentence(clauses: list[Words], names: int) -> tuple[Words, ...]:
    """The verb stands once, in front."""
    if not clauses:
        return ()
    (start, *rest), *others = clauses
    verb = "the sums run" if names > 1 else "the sum runs"
    return ((f"{verb} {start}", *rest), *others)


def _symmetric(node: Matrix) -> Matrix | None:
    """The matrix B of a sum with B and Bᵀ in it."""
    args = node.args if isinstance(node, Plus) else ()
    alone = (a for a in args if _is_matrix(a))
    return next((a for a in alone if any(key(turned(a)) == key(b) for b in args)), None)


# ── the other kinds ───────────────────────────────────────────────────────────────────────────────


def _exchanged(node: Matrix, summed: bool) -> tuple[Words, ...]:
    """A transpose that no product explains: that of a term, or of all of it."""
    apart = (n for above, n in _places(node) if not isinstance(above, Product))
    found = [n.arg for n in apart if isinstance(n, Transpose) and all(shape(n.arg))]
    if any(isinstance(arg, (MatrixPower, Product)) for arg in found):
        return (("with rows and columns exchanged: the transpose",),)
    return (("indices exchanged: a transpose",),) if found and not summed else ()


def _places(node: Matrix, above: Matrix | None = None) -> Iterable[tuple[Matrix | None, Matrix]]:
    """Every node with the one above it."""
    yield above, node
    for part in parts(node):
        yield from _places(part, node)


def _others(nodes: list[Matrix]) -> tuple[Words, ...]:
    products = [n for n in nodes if isinstance(n, Product)]
    pairs = [
        pair for p in products for pair, i in zip(pairwise(p.args), p.inner, strict=True) if i is not None
    ]
    hadamard = [n for n in nodes if isinstance(n, Hadamard)]
    found: tuple[tuple[bool, Words], ...] = (
        (any(map(_scales_rows, products)), ("a factor for each row: a diagonal matrix",)),
        (
            any(isinstance(b, Diag) and not isinstance(a, Diag) for a, b in pairs),
            ("a factor for each column: a diagonal matrix",),
        ),
        (_any(nodes, Diagonal), ("the entries at equal indices: a diagonal, as a vector",)),
        (any(not ones for ones in _outer(products)), ("column times row: an outer product",)),
        (_any(nodes, Norm), (_norm(nodes),)),
        (_any(nodes, Trace), ("the sum of a diagonal: a trace",)),
        (_any(nodes, Unit), _unit(nodes)),
        (_any(nodes, OneHot), ("onehot: a row for each label, with a 1 in its place and 0 elsewhere",)),
        (any(map(_extreme, nodes)), _largest(nodes)),
        (_any(nodes, Bracket), ("a condition on each entry: 1 where it holds, 0 elsewhere",)),
        (_joins(products, pairs), (_ones(products, pairs),)),
        (any(map(_constant, nodes)), ("the same in every entry: a multiple of a vector of ones",)),
        (any(map(_one_everywhere, nodes)), ("1 in every entry: a vector of ones",)),
        (
            any(not all(isinstance(a, Scalar) for a in n.args) for n in hadamard),
            ("entry by entry: a Hadamard product",),
        ),
    )
    return tuple(words for holds, words in found if holds)


def _outer(products: list[Product]) -> list[bool]:
    """The outer products; whether one of the two is a vector of ones, which only repeats the other."""
    return [
        any(map(_all_ones, pair))
        for p in products
        for pair, index in zip(pairwise(p.args), p.inner, strict=True)
        if index is None
    ]


def _scales_rows(product: Product) -> bool:
    """Whether a diagonal matrix begins a product: behind another factor it is one for each of its columns."""
    before = (None, *product.inner)
    return any(
        isinstance(arg, Diag) and first is None and last is not None
        for arg, first, last in zip(product.args, before, product.inner, strict=False)
    )


def _constant(node: Matrix) -> bool:
    match node:
        case Scaled(_, arg) | Quotient(arg, _):
            return _all_ones(arg)
        case _:
            return False


def _one_everywhere(node: Matrix) -> bool:
    match node:
        case Plus(args):
            return any(_all_ones(a.arg if isinstance(a, Minus) else a) for a in args)
        case _:
            return False


def _joins(products: list[Product], pairs: list[tuple[Matrix, Matrix]]) -> bool:
    """Whether a vector of ones is a factor of a product."""
    return any(_outer(products)) or any(_all_ones(m) for pair in pairs for m in pair)


def _ones(products: list[Product], pairs: list[tuple[Matrix, Matrix]]) -> str:
    """What a vector of ones does: in an inner product it adds up, in an outer one it repeats."""
    repeats = any(_outer(products))
    adds = any(_all_ones(m) for pair in pairs for m in pair)
    if repeats and adds:
        return "vectors of ones repeat what they meet, or add it up"
    return f"a vector of ones {'repeats' if repeats else 'adds up'} what it meets"


def _all_ones(node: Matrix) -> bool:
    return isinstance(node.arg if isinstance(node, Transpose) else node, Ones)


def _norm(nodes: list[Matrix]) -> str:
    """Whether norms stand there squared, or as roots."""
    powers = [n for n in nodes if isinstance(n, Power) and isinstance(n.base, Norm)]
    squared = any(n.exponent == number(2) for n in powers)
    return f"{'a' if squared else 'the root of a'} sum of squares: a {'squared ' if squared else ''}norm"


def _unit(nodes: list[Matrix]) -> Words:
    """What e_c is."""
    unit = next((n for n in nodes if isinstance(n, Unit)), None)
    return () if unit is None else (unit, " has a 1 in place ", unit.at, " and 0 elsewhere")


def _extreme(node: Matrix) -> bool:
    return isinstance(node, Softmax) and node.op != "softmax"


def _largest(nodes: list[Matrix]) -> Words:
    """What stands where an entry is the largest."""
    node = next((n for n in nodes if isinstance(n, Softmax) and n.op != "softmax"), None)
    if node is None:
        return ()
    which = "largest" if node.op == "argmax" else "smallest"
    if shape(node) == (True, True):
        return (f"onehot: a 1 at the {which} entry of each row, 0 elsewhere",)
    return (node, f" has a 1 at the {which} entry and 0 elsewhere")


def _any(nodes: list[Matrix], kind: type) -> bool:
    return any(isinstance(n, kind) for n in nodes)


def _is_matrix(node: Matrix) -> bool:
    return isinstance(node, Leaf) and len(node.axes) == 2


def _listed(names: list[Words]) -> Words:
    """A, B and C."""
    if len(names) == 1:
        return names[0]
    return (*_joined(", ", tuple(names[:-1])), " and ", *names[-1])


def _joined(mark: str, clauses: tuple[Words, ...]) -> Words:
    return tuple(p for n, clause in enumerate(clauses) for p in (((mark,) if n else ()) + clause))


def _walk(node: Matrix) -> Iterable[Matrix]:
    yield node
    for part in parts(node):
        yield from _walk(part)
