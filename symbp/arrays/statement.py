"""One statement of a program: ``target[positions] (+)= rhs`` over ranged indices."""

from __future__ import annotations

from dataclasses import dataclass

from symbp.calculus.affine import Affine, Index
from symbp.calculus.expr import Adjoint, Expr, Indicator, Ref, Where, Within
from symbp.calculus.tree import walk


@dataclass(frozen=True, slots=True)
class Statement:
    """``target[at] = rhs`` for all values of ``indices``; with ``accumulate`` ``+=``.

    ``target`` is a key: the name of an array, or that of an adjoint (:func:`adjoint_key`).  ``loops`` are
    those of ``indices`` over which the code goes one by one.
    """

    target: str
    at: tuple[Affine, ...]
    indices: tuple[Index, ...]
    rhs: Expr
    numbers: tuple[int, ...] = ()
    accumulate: bool = False
    loops: tuple[Index, ...] = ()

    @property
    def masked(self) -> bool:
        """Whether a condition decides what is added: what it multiplies by 0 may be added at any place."""
        return self.accumulate and any(isinstance(n, (Where, Within, Indicator)) for n in walk(self.rhs))


def adjoint_key(name: str) -> str:
    """The key under which the array of adjoints of ``name`` is stored."""
    return f"∂{name}"


def key_of(node: Ref | Adjoint) -> str:
    """The key of the array that a node reads."""
    return node.name if isinstance(node, Ref) else adjoint_key(node.name)


def reads(node: Expr) -> tuple[Ref | Adjoint, ...]:
    """All array elements that an expression reads, gathered positions too, each once."""
    return tuple(dict.fromkeys(n for n in walk(node) if isinstance(n, (Ref, Adjoint))))


def reads_of(statement: Statement) -> tuple[Ref | Adjoint, ...]:
    """What a statement reads, in the positions of its left side too."""
    left = (a for p in statement.at for a in p.atoms() if isinstance(a, Ref))
    return tuple(dict.fromkeys((*reads(statement.rhs), *left)))
