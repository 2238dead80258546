"""exp(u) − 1 and log(1 + u) by the functions that keep the digits of a small u.

Higham, Accuracy and Stability of Numerical Algorithms (2002), section 1.14.1.
"""

from __future__ import annotations

from symbp.calculus.construct import neg
from symbp.calculus.expr import ONE, Add, Call, Expr, Neg, Ref
from symbp.calculus.tree import walk
from symbp.model.core import Model

Small = frozenset[frozenset[str]]
"""What exponents read, by names."""

_NAMES = frozenset({"exp", "log", "expm1", "log1p"})


def small_exponents(model: Model) -> Small | None:
    """Of which exponents u the model itself computes exp(u) − 1; None if it uses these functions' names.

    Where differentiation alone subtracts 1, exp(u) is computed already, and there is nothing to divide by.
    """
    if _NAMES & model.functions.keys():
        return None
    bodies = [f.body for f in model.functions.values() if f.body is not None]
    nodes = (n for body in (*(e.rhs for e in model.equations), *bodies) for n in walk(body))
    return frozenset(_reads(found[0]) for n in nodes if (found := _less_one(n)) is not None)


def precise(node: Expr, small: Small | None) -> Expr | None:
    """The node by expm1 or log1p; None where it is no such sum."""
    if small is None:
        return None
    if (found := _less_one(node)) is not None and _reads(found[0]) in small:
        value = Call("expm1", (found[0],))
        return neg(value) if found[1] else value
    match node:
        case Call("log", (Add((one, u)) | Add((u, one)),), ()) if one == ONE:
            return Call("log1p", (u,))
        case _:
            return None


def _less_one(node: Expr) -> tuple[Expr, bool] | None:
    """u of exp(u) − 1, and whether it is 1 − exp(u)."""
    match node:
        case Add((Call("exp", (u,), ()), Neg(one))) | Add((Neg(one), Call("exp", (u,), ()))) if one == ONE:
            return u, False
        case Add((one, Neg(Call("exp", (u,), ())))) | Add((Neg(Call("exp", (u,), ())), one)) if one == ONE:
            return u, True
        case _:
            return None


def _reads(node: Expr) -> frozenset[str]:
    return frozenset(n.name for n in walk(node) if isinstance(n, Ref))
