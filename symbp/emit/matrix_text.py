"""What a NumPy expression of a matrix form is made of: brackets, conditions in front, rows that repeat."""

from __future__ import annotations

from symbp.arrays import matrix_nodes as mat
from symbp.arrays.matrix_nodes import Matrix, shape
from symbp.calculus.affine import Affine
from symbp.calculus.construct import mul
from symbp.calculus.expr import ONE, ZERO, Expr, Indicator, Mul, Where, Within

CHOICE, SUM, PRODUCT, UNARY, POWER, ATOM = range(6)
"""How closely Python binds, a choice least."""


def repeated(node: Matrix) -> tuple[Matrix, bool] | None:
    """The vector that 1 bᵀ or b 1ᵀ repeats, and whether it stands in every row."""
    match node:
        case mat.Minus(arg):
            return repeated(arg)
        case mat.Product((mat.Ones(), mat.Transpose(vector)), (None,)):
            return vector, True
        case mat.Product((vector, mat.Transpose(mat.Ones())), (None,)):
            return vector, False
        case _:
            return None


NOTHING = mat.Scalar(ONE)
"""What is left where all factors were conditions."""


def is_number(node: Matrix) -> bool:
    """Whether it is a scalar."""
    return shape(node) == (False, False)


def guarded(node: Matrix) -> tuple[list[Expr], Matrix]:
    """The conditions among scalars, without which what follows is not read; the other scalars."""
    match node:
        case mat.Scalar(expression):
            guards, rest = apart(expression.factors if isinstance(expression, Mul) else (expression,))
            return (guards, mat.Scalar(rest)) if guards else ([], node)
        case mat.Scaled(factor, arg) if is_number(arg):
            (one, left), (two, right) = guarded(factor), guarded(arg)
            if NOTHING in (left, right):
                return [*one, *two], right if left == NOTHING else left
            return [*one, *two], mat.Scaled(left, right) if one or two else node
        case _:
            return [], node


def conditions(factor: Expr) -> list[Expr]:
    """The conditions of a factor that is 1 where they hold, else 0; none for another factor."""
    match factor:
        case Where(cond, then, other) if other == ZERO:
            inner = conditions(then)
            return [cond, *inner] if then == ONE or inner else []
        case Within() | Indicator():
            return [factor]
        case _:
            return []


def apart(factors: tuple[Expr, ...]) -> tuple[list[Expr], Expr]:
    """The conditions of a product in their order, and what they stand before."""
    guards = [g for f in factors for g in conditions(f)]
    return guards, mul([f for f in factors if not conditions(f)])


def binding(value: Affine) -> int:
    """How closely a position binds."""
    return ATOM if value.as_atom() is not None or value.is_const else SUM


def enclosed(piece: tuple[str, int], level: int) -> str:
    """The text, in brackets if it binds less than ``level``."""
    text, own = piece
    return f"({text})" if own < level else text
