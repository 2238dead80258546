"""exp(u) exp(v) is exp(u + v): a product that is 0 times infinity in floating point, and finite in truth.

A rule as :mod:`symbp.derive.rules` describes them.
"""

from __future__ import annotations

from collections.abc import Callable

from symbp.calculus.construct import add, mul
from symbp.calculus.expr import Call, Expr, Mul, Ref
from symbp.calculus.tidy import positive, tidy
from symbp.calculus.tree import rewrite, walk
from symbp.derive.scene import Outcome, Scene

Exponent = Callable[[Expr], Expr | None]
"""The exponent of an exponential; None of anything else."""


def exponents(node: Expr, scene: Scene) -> Outcome | None:
    """exp(−exp u) exp u = exp(u − exp u): see :func:`joined`."""
    new = joined(node, lambda n: scene.context.named(n, "exp"))
    if new is node:
        return None
    u, v = Ref("u"), Ref("v")
    product, whole = Call("exp", (u,)) * Call("exp", (v,)), Call("exp", (u + v,))
    return new, (product, " is ", whole, ", which does not overflow")


def joined(node: Expr, exponent: Exponent) -> Expr:
    """The exponents of a product added, where one of them holds an exponential itself.

    Terminates: every use leaves one exponential less.
    """
    found: list[Expr] = []

    def change(n: Expr) -> Expr | None:
        if not isinstance(n, Mul):
            return None
        parts = {f: u for f in n.factors if (u := exponent(f)) is not None}
        if len(parts) < 2 or not any(steep(f, exponent) for f in parts):
            return None
        first = next(iter(parts))
        found.append(Call("exp", (positive(tidy(add(parts.values()))),)))
        return mul(found[-1] if f is first else f for f in n.factors if f is first or f not in parts)

    new = tidy(rewrite(node, change))
    return new if found else node


def builtin(node: Expr) -> Expr | None:
    """The exponent of ``exp(u)``."""
    return node.args[0] if isinstance(node, Call) and node.function == "exp" and not node.orders else None


def steep(node: Expr, exponent: Exponent = builtin) -> bool:
    """Whether an exponential stands in the exponent of another."""
    powers = (u for n in walk(node) if (u := exponent(n)) is not None)
    return any(exponent(n) is not None for u in powers for n in walk(u))
