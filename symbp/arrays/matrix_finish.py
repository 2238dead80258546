"""Last touches on a form that is simplified already: signs inside of brackets, transposes of products."""

from __future__ import annotations

from symbp.arrays.matrix_nodes import (
    Diagonal,
    Hadamard,
    Matrix,
    Minus,
    Plus,
    Product,
    Quotient,
    Scaled,
    Transpose,
    parts,
    with_parts,
)
from symbp.arrays.matrix_terms import key, turned


def finished(node: Matrix) -> Matrix:
    """The form with −2 (b − A x) as 2 (A x − b), and (B A) ⊙ (Aᵀ Bᵀ) as (B A) ⊙ (B A)ᵀ."""
    below = _within if isinstance(node, Plus) else finished
    node = with_parts(node, tuple(map(below, parts(node))))
    match node:
        case Minus(arg):
            return _negative(arg) or node
        case Hadamard(args):
            return Hadamard(tuple(_mirrored(a, args[:n]) for n, a in enumerate(args)))
        case _:
            return node


def _within(term: Matrix) -> Matrix:
    """A term of a sum keeps its sign: its factors are spelled as in the others."""
    return Minus(finished(term.arg)) if isinstance(term, Minus) else finished(term)


def _mirrored(node: Matrix, before: tuple[Matrix, ...]) -> Matrix:
    if not isinstance(node, Product):
        return node
    return next((Transpose(b) for b in before if key(turned(b)) == key(node)), node)


def _negative(node: Matrix) -> Matrix | None:
    """The negative with no sign in front, where a difference is all that a number stands before.

    −Xᵀ (y − X w) stays: the residual is what its author wrote.
    """
    match node:
        case Plus(args):
            return _turned_round(args)
        case Quotient(num, den):
            inside = _negative(num)
            return None if inside is None else Quotient(inside, den)
        case Scaled(factor, arg):
            inside = _negative(arg)
            return None if inside is None else Scaled(factor, inside)
        case Diagonal(Product(args) as product, like):
            found = ((n, new) for n, a in enumerate(args) if (new := _difference(a)) is not None)
            place, new = next(found, (-1, node))
            inner = with_parts(product, (*args[:place], new, *args[place + 1 :]))
            return None if place < 0 else Diagonal(inner, like)
        case _:
            return None


def _difference(node: Matrix) -> Matrix | None:
    """A factor turned round, transposed or not."""
    if isinstance(node, Transpose):
        inside = _difference(node.arg)
        return None if inside is None else Transpose(inside)
    return _turned_round(node.args) if isinstance(node, Plus) else None


def _turned_round(args: tuple[Matrix, ...]) -> Matrix | None:
    """−(x − a) is a − x; −(x + y − a) stays."""
    taken = [a.arg for a in args if isinstance(a, Minus)]
    if 2 * len(taken) < len(args):
        return None
    return Plus((*taken, *(Minus(a) for a in args if not isinstance(a, Minus))))
