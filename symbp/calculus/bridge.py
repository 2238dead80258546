"""From indexed expressions to SymPy's, for everybody who wants to go on computing with a line.

SymPy orders terms in its own way and needs names that differ, where here identity is enough: two
indices that print alike become ``j`` and ``j_1``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy

from symbp.calculus.affine import Affine, Atom, FloorDiv, Index, Monomial, Size, affine, known_le
from symbp.calculus.expr import (
    Add,
    Adjoint,
    Call,
    Compare,
    Div,
    Expr,
    Functional,
    Indicator,
    Integer,
    Logic,
    Mul,
    Neg,
    Number,
    Partial,
    Pow,
    Reduce,
    Ref,
    Weights,
    Where,
    Within,
)
from symbp.calculus.tree import free_indices, substitute

_BUILTIN: Mapping[str, Any] = {
    "exp": sympy.exp, "log": sympy.log, "sqrt": sympy.sqrt, "abs": sympy.Abs, "sign": sympy.sign,
    "sin": sympy.sin, "cos": sympy.cos, "tan": sympy.tan, "atan": sympy.atan, "sinh": sympy.sinh,
    "cosh": sympy.cosh, "tanh": sympy.tanh, "erf": sympy.erf, "maximum": sympy.Max,
    "minimum": sympy.Min,
    "sigmoid": lambda u: 1 / (1 + sympy.exp(-u)),
    "softplus": lambda u: sympy.log(1 + sympy.exp(u)),
    "logaddexp": lambda a, b: sympy.log(sympy.exp(a) + sympy.exp(b)),
    "relu": lambda u: sympy.Max(u, 0),
    "silu": lambda u: u / (1 + sympy.exp(-u)),
    "gelu": lambda u: u * (1 + sympy.erf(u / sympy.sqrt(2))) / 2,
    "log1p": lambda u: sympy.log(1 + u),
    "expm1": lambda u: sympy.exp(u) - 1,
    "pi": lambda: sympy.pi,
    "infinity": lambda: sympy.oo,
}  # fmt: skip
_RELATION: Mapping[str, Any] = {
    "<": sympy.Lt, "<=": sympy.Le, ">": sympy.Gt, ">=": sympy.Ge, "==": sympy.Eq, "!=": sympy.Ne,
}  # fmt: skip
_LOGIC: Mapping[str, Any] = {"and": sympy.And, "or": sympy.Or, "not": sympy.Not}


class Choice(sympy.Function):  # type: ignore[misc]
    """``Choice(cond, then, other)``: a Piecewise that stays in the sum it stands in.

    SymPy draws a Piecewise that reads the index of an outer sum out of the inner sum, though its
    condition reads that one's index too.
    """

    nargs = 3

    @classmethod
    def eval(cls, cond: Any, then: Any, other: Any) -> Any:
        """The branch, once the condition is decided."""
        return then if cond == True else other if cond == False else None  # noqa: E712


@dataclass
class _Bridge:
    """The names given so far, and what sums bind around a place; one bridge serves one expression."""

    adjoints: Mapping[str, str]
    cost: str
    names: dict[Index, sympy.Symbol] = field(default_factory=dict)
    around: tuple[Index, ...] = ()
    """The indices of all binders around the innermost one."""
    inner: tuple[Index, ...] = ()

    def under(self, indices: tuple[Index, ...], body: Expr) -> Any:
        """The body of a binder."""
        around, inner = self.around, self.inner
        self.around, self.inner = (*around, *inner), indices
        try:
            return _convert(body, self)
        finally:
            self.around, self.inner = around, inner

    def choice(self, node: Expr, cond: Any, then: Any, other: Any) -> Any:
        """A Piecewise, or what SymPy does not draw out of a sum."""
        if any(i in self.around for i in free_indices(node)):
            return Choice(cond, then, other)
        return sympy.Piecewise((then, cond), (other, True))

    def index(self, index: Index) -> sympy.Symbol:
        if index not in self.names:
            taken = {s.name for s in self.names.values()}
            tries = (index.name if n == 0 else f"{index.name}_{n}" for n in range(len(taken) + 1))
            self.names[index] = sympy.Symbol(next(t for t in tries if t not in taken), integer=True)
        return self.names[index]

    def atom(self, atom: Atom) -> Any:
        match atom:
            case Index():
                return self.index(atom)
            case Size(name, at) if at:
                return sympy.IndexedBase(name, integer=True)[tuple(map(self.affine, at))]
            case Size(name):
                return sympy.Symbol(name, integer=True, positive=True)
            case FloorDiv(value, by):
                return sympy.floor(self.affine(value) / self.affine(affine(by)))
            case Monomial(factors):
                return sympy.Mul(*map(self.atom, factors))
            case _:
                return self.element(atom.name, atom.indices)

    def affine(self, value: Affine) -> Any:
        return sympy.Integer(value.const) + sum(c * self.atom(a) for a, c in value.terms)

    def element(self, name: str, indices: tuple[Affine, ...]) -> Any:
        if not indices:
            return sympy.Symbol(name)
        return sympy.IndexedBase(name)[tuple(map(self.affine, indices))]

    def adjoint(self, node: Adjoint) -> Any:
        return self.element(self.adjoints.get(node.name, f"d{self.cost}_d{node.name}"), node.indices)

    def ranges(self, indices: tuple[Index, ...]) -> list[Any]:
        """The limits as SymPy has them: a range may read the indices of those after it."""
        limits = [sympy.Tuple(self.index(i), self.affine(i.low), self.affine(i.high)) for i in indices]
        reads = {j for i in indices for end in (i.low, i.high) for j in end.indices()}
        return limits[::-1] if reads & {*indices} else limits


def to_sympy(node: Expr, adjoints: Mapping[str, str] | None = None, cost: str = "C") -> Any:
    """``node`` as a SymPy expression: Indexed, Sum, KroneckerDelta, Derivative, Function.

    ``adjoints`` names the adjoints (``{"z": "delta"}``); others are called ``dC_dz``.  Reductions
    that SymPy does not have over an index (max, min) become undefined functions of body and range:
    ``max(x[i], (i, 0, N - 1))``; ``argmax(x[i], (i, 0, N - 1), k)`` is 1 where k is the place of the
    maximum, else 0.  A choice whose sum stands in another one is a :class:`Choice`.

    Raises:
        TypeError: on a node of an unknown type.
    """
    bridge = _Bridge(adjoints or {}, cost)
    for index in free_indices(node):
        # free indices first: they keep their letters over all lines of a derivation
        bridge.index(index)
    return _convert(node, bridge)


def _convert(node: Expr, b: _Bridge) -> Any:
    match node:
        case Number(value):
            return sympy.Rational(value.numerator, value.denominator)
        case Integer(value):
            return b.affine(value)
        case Ref(name, indices):
            return b.element(name, indices)
        case Adjoint():
            return b.adjoint(node)
        case Partial(body, wrt):
            return sympy.Derivative(_convert(body, b), _convert(wrt, b), evaluate=False)
        case Add(terms):
            return sympy.Add(*(_convert(t, b) for t in terms))
        case Mul(factors):
            return sympy.Mul(*(_convert(f, b) for f in factors))
        case Neg(arg):
            return -_convert(arg, b)
        case Div(num, den):
            return _convert(num, b) / _convert(den, b)
        case Pow(base, exponent):
            return _convert(base, b) ** _convert(exponent, b)
        case Call():
            return _call(node, b)
        case Reduce() | Weights() | Functional():
            return _binder(node, b)
        case Where(cond, then, other):
            return b.choice(node, *(_convert(part, b) for part in (cond, then, other)))
        case Compare(op, left, right):
            return _RELATION[op](_convert(left, b), _convert(right, b))
        case Logic(op, args):
            return _LOGIC[op](*(_convert(a, b) for a in args))
        case Indicator(left, right):
            return sympy.KroneckerDelta(b.affine(left), b.affine(right))
        case Within():
            return b.choice(node, _inside(node, b), sympy.S.One, sympy.S.Zero)
        case _:
            raise TypeError(f"{type(node).__name__} has no SymPy form")


def _inside(node: Within, b: _Bridge) -> Any:
    value = b.affine(node.value)
    return sympy.And(b.affine(node.lo) <= value, value <= b.affine(node.hi))


def _call(node: Call, b: _Bridge) -> Any:
    args = [_convert(a, b) for a in node.args]
    make = _BUILTIN.get(node.function, sympy.Function(node.function))
    if not any(node.orders):
        return make(*args)
    holders = sympy.symbols(f"u:{len(args)}")
    taken = [(h, n) for h, n in zip(holders, node.orders, strict=True) if n]
    value = sympy.Derivative(make(*holders), *taken)
    if node.function in _BUILTIN:
        return value.doit().subs(dict(zip(holders, args, strict=True)))
    return sympy.Subs(value, holders, args)


def _binder(node: Reduce | Weights | Functional, b: _Bridge) -> Any:
    match node:
        case Reduce("sum" | "dot", indices, body):
            return sympy.Sum(b.under(indices, body), *b.ranges(indices))
        case Reduce("prod", indices, body):
            return sympy.Product(b.under(indices, body), *b.ranges(indices))
        case Reduce("logsumexp", indices, body):
            return sympy.log(sympy.Sum(sympy.exp(b.under(indices, body)), *b.ranges(indices)))
        case Reduce(op, indices, body):
            return sympy.Function(op)(b.under(indices, body), *b.ranges(indices))
        case Weights("softmax", index, body, at):
            here = _convert(substitute(body, {index: at}), b)
            share = sympy.exp(here) / sympy.Sum(sympy.exp(b.under((index,), body)), *b.ranges((index,)))
            if known_le(index.low, at) and known_le(at, index.high):
                return share
            # outside of what it runs over a softmax is 0
            inside = Within(at, index.low, index.high)
            return b.choice(inside, _inside(inside, b), share, sympy.S.Zero)
        case Weights(op, index, body, at):
            return sympy.Function(op)(b.under((index,), body), *b.ranges((index,)), b.affine(at))
        case Functional(name, indices, args, position, at):
            value = sympy.Function(name)(*(b.under(indices, a) for a in args), *map(b.index, indices))
            if position < 0:
                return value
            places = tuple(b.affine(p) for p in at)
            return sympy.Function(f"D{name}_{position}")(*value.args, *places)
