"""Expressions as Python closures over an arithmetic: plain loops over the definition.

Nothing here knows a derivative.  A closure takes the oracle (for elements, adjoints and sizes) and
the values of the indices.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from symbp.calculus import expr as x
from symbp.calculus.affine import Size
from symbp.calculus.conditions import as_integer
from symbp.calculus.tree import free_indices, walk
from symbp.derive.norms import Norms
from symbp.errors import SymbpError
from symbp.functions import BY_NAME
from symbp.model.core import Model
from symbp.verify.arithmetic import Arithmetic, Num, differentiate, largest, power, smallest
from symbp.verify.places import Positions, Values, loop, place, places

if TYPE_CHECKING:
    from symbp.verify.evaluate import Oracle

Code = Callable[[Any, Values], Num]

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


class Program:
    """The compiled expressions of one model in one arithmetic; shared by all its samples."""

    def __init__(self, model: Model, arith: Arithmetic) -> None:
        self.model, self.arith = model, arith
        self._codes: dict[int, tuple[x.Expr, Code]] = {}
        self._functions: dict[str, Callable[[Sequence[Num]], Num]] = {}
        self.norms = Norms(model)
        self.labels = [name for name, array in model.arrays.items() if array.integer is not None]
        self._finer: dict[str, Program] = {arith.label: self}

    def code(self, node: x.Expr) -> Code:
        """The closure of an expression, compiled once."""
        if id(node) not in self._codes:
            self._codes[id(node)] = (node, self.compile(node))
        return self._codes[id(node)][1]

    def compile(self, node: x.Expr, scope: frozenset[str] = frozenset()) -> Code:
        """The closure of an expression; ``scope`` holds the parameters of a function's body.

        Raises:
            TypeError: for a node outside the closed set.
        """
        handler = _HANDLERS.get(type(node))
        if handler is None:
            raise TypeError(f"the oracle has no rule for {type(node).__name__}")
        return handler(self, node, scope)

    def apply(self, name: str, args: Sequence[Num]) -> Num:
        """A function of the model, or a built-in one, of numbers."""
        if name not in self._functions:
            self._functions[name] = self._function(name)
        return self._functions[name](args)

    def _function(self, name: str) -> Callable[[Sequence[Num]], Num]:
        user = self.model.functions.get(name)
        if user is not None and user.body is None:
            return _stand_in(self.arith, name)
        if user is not None and user.body is not None:
            return self._body(user.params, user.body)
        if name in self.arith.table:
            primitive = self.arith.table[name]
            return lambda args: primitive(*args)
        return self._built_in(name)

    def _built_in(self, name: str) -> Callable[[Sequence[Num]], Num]:
        record = BY_NAME.get(name)
        if record is None or record.value is None:
            raise SymbpError(f"the oracle does not know the function {name}")
        params = tuple(f"u{k}" for k in range(record.arity))
        # Compiled where no function of the model can take the place of a built-in one.
        alone = Program(replace(self.model, functions={}), self.arith)
        return alone._body(params, record.value(*map(x.Ref, params)))

    def _body(self, params: Sequence[str], body: x.Expr) -> Callable[[Sequence[Num]], Num]:
        code = self.compile(body, frozenset(params))

        def run(args: Sequence[Num]) -> Num:
            return code(None, dict(zip(params, args, strict=True)))

        return run

    def derivative(self, name: str, args: Sequence[Num], orders: Sequence[int]) -> Num:
        """A derivative of a function, numerically."""
        return differentiate(self.arith, lambda a, v: self.at(a).apply(name, v), args, orders)

    def at(self, arith: Arithmetic) -> Program:
        """The same model in another arithmetic."""
        if arith.label not in self._finer:
            self._finer[arith.label] = Program(self.model, arith)
        return self._finer[arith.label]


# ── what stands for undefined functions ───────────────────────────────────────────────────────────


def _weight(*key: object) -> int:
    """A number from 1 to 97 that differs from key to key, the same on every machine."""
    value = 7
    for char in repr(key):
        value = (value * 131 + ord(char)) % 1_000_003
    return value % 97 + 1


def _stand_in(arith: Arithmetic, name: str) -> Callable[[Sequence[Num]], Num]:
    """A smooth function that no two names share, with derivatives that do not vanish."""
    sin, hundred = arith.table["sin"], arith.lift(100)

    def run(args: Sequence[Num]) -> Num:
        mixed = sum((1 + _weight(name, k) / hundred) * a for k, a in enumerate(args))
        squares = sum((k + 1) * a * a for k, a in enumerate(args))
        return sin(mixed) + squares * (_weight(name) / hundred + 1) / 4 + mixed / 3

    return run


def functional(
    arith: Arithmetic, name: str, keys: Sequence[tuple[int, Positions]], elements: Sequence[Num]
) -> Num:
    """A smooth function of all ``elements`` that is no sum over them; stands for an undefined one."""
    hundred, sin = arith.lift(100), arith.table["sin"]
    weights = [_weight(name, key) / hundred for key in keys]
    mixed = sum((w + 1) * e for w, e in zip(weights, elements, strict=True))
    squares = sum((2 - w) * e * e for w, e in zip(weights, elements, strict=True))
    return sin(mixed) + squares * (1 + mixed / 7) / 3


# ── one handler a node ────────────────────────────────────────────────────────────────────────────


def _number(p: Program, node: x.Number, scope: frozenset[str]) -> Code:
    value = p.arith.lift(node.value)
    return lambda o, v: value


def _integer(p: Program, node: x.Integer, scope: frozenset[str]) -> Code:
    at, lift = place(node.value), p.arith.lift
    return lambda o, v: lift(at(o, v))


def _ref(p: Program, node: x.Ref, scope: frozenset[str]) -> Code:
    name, at = node.name, places(node.indices)
    if name in scope and not node.indices:
        return lambda o, v: v[name]
    array = p.model.arrays.get(name)
    if array is None:
        raise SymbpError(f"a line reads {name}, which the model does not have")
    if array.integer is not None:
        lift = p.arith.lift
        return lambda o, v: lift(o.element(name, at(o, v)))
    return lambda o, v: o.element(name, at(o, v))


def _adjoint(p: Program, node: x.Adjoint, scope: frozenset[str]) -> Code:
    name, at = node.name, places(node.indices)
    return lambda o, v: o.adjoint(name, at(o, v))


def _partial(p: Program, node: x.Partial, scope: frozenset[str]) -> Code:
    body, name, at = node.body, node.wrt.name, places(node.wrt.indices)
    if isinstance(body, x.Ref) and body.name in p.model.arrays:
        top, where = body.name, places(body.indices)
        if top == p.model.cost:
            return lambda o, v: o.adjoint(name, at(o, v))
        if p.model.arrays[top].kind == "variable":
            # an element by itself is 1, whatever its own equation says
            return lambda o, v: (
                o.arith.lift(1)
                if top == name and where(o, v) == at(o, v)
                else o.partial_of(top, where(o, v), (name, at(o, v)))
            )
    code = p.compile(body, scope)
    return lambda o, v: o.partial(code, v, (name, at(o, v)))


def _add(p: Program, node: x.Add, scope: frozenset[str]) -> Code:
    codes = [p.compile(t, scope) for t in node.terms]
    return lambda o, v: sum([code(o, v) for code in codes])


def _mul(p: Program, node: x.Mul, scope: frozenset[str]) -> Code:
    # What follows a condition that fails may not even exist, so conditions come first.
    conditions = [p.compile(f, scope) for f in node.factors if _is_condition(f, p.labels)]
    rest = [p.compile(f, scope) for f in node.factors if not _is_condition(f, p.labels)]
    zero, one = p.arith.lift(0), p.arith.lift(1)
    if not conditions and len(rest) == 2:
        left, right = rest
        return lambda o, v: left(o, v) * right(o, v)

    def run(o: Oracle, v: Values) -> Num:
        product = one
        for condition in conditions:
            if not (value := condition(o, v)):
                return zero
            product = product * value
        for code in rest:
            product = product * code(o, v)
        return product

    return run


def _is_condition(node: x.Expr, labels: Sequence[str]) -> bool:
    """Whether a factor is 1 or 0, or the exponent of p u^(p-1), which is 0 at p = 0 for every u."""
    chosen = isinstance(node, x.Where) and (node.then, node.other) == (x.ONE, x.ZERO)
    whole = as_integer(node, labels)
    exponent = whole is not None and not all(isinstance(a, Size) for a in whole.atoms())
    return chosen or exponent or isinstance(node, x.Indicator | x.Within)


def _neg(p: Program, node: x.Neg, scope: frozenset[str]) -> Code:
    code = p.compile(node.arg, scope)
    return lambda o, v: -code(o, v)


def _div(p: Program, node: x.Div, scope: frozenset[str]) -> Code:
    # Below what a condition leaves out, too, there may be nothing to read.
    conditions = [p.compile(c, scope) for c in _conditions(node.num)]
    node = p.norms.quotient(node)
    num, den, zero = p.compile(node.num, scope), p.compile(node.den, scope), p.arith.lift(0)

    def run(o: Oracle, v: Values) -> Num:
        if not all(condition(o, v) for condition in conditions):
            return zero
        return num(o, v) / den(o, v)

    return run


def _conditions(node: x.Expr) -> Iterator[x.Expr]:
    """The conditions that an expression has as factors."""
    match node:
        case x.Indicator() | x.Within():
            yield node
        case x.Neg(arg) | x.Div(arg):
            yield from _conditions(arg)
        case x.Mul(factors):
            for factor in factors:
                yield from _conditions(factor)


def _pow(p: Program, node: x.Pow, scope: frozenset[str]) -> Code:
    base, exponent, arith = p.compile(node.base, scope), p.compile(node.exponent, scope), p.arith
    return lambda o, v: power(arith, base(o, v), exponent(o, v))


def _call(p: Program, node: x.Call, scope: frozenset[str]) -> Code:
    name, orders = node.function, node.orders
    codes = [p.compile(a, scope) for a in node.args]
    if any(orders):
        return lambda o, v: p.derivative(name, [code(o, v) for code in codes], orders)
    return lambda o, v: p.apply(name, [code(o, v) for code in codes])


def logsumexp(arith: Arithmetic, values: Sequence[Num]) -> Num:
    """log Σ exp, shifted by the largest value; −∞ where every term is exp(−∞)."""
    top = max((v.real for v in values), default=-math.inf)
    if top == -math.inf:
        return arith.lift(0) + top
    share, log = arith.table["share"], arith.table["log"]
    return top + log(sum([share(v - top) for v in values]))


def _reduce(p: Program, node: x.Reduce, scope: frozenset[str]) -> Code:
    run, code, fold = loop(node.indices), p.compile(node.body, scope), _fold(p.arith, node.op)
    # what an adjoint reads is watched: a line must not be made of what it is to be
    if scope or any(isinstance(n, x.Adjoint | x.Partial) for n in walk(node)):
        return lambda o, v: fold([code(o, v) for _ in run(o, v)])
    uids, mark = tuple(i.uid for i in free_indices(node)), object()

    def remembered(o: Oracle, v: Values) -> Num:
        if not o.at_rest:
            return fold([code(o, v) for _ in run(o, v)])
        key = (mark, *[v[uid] for uid in uids])
        if key not in o.sums:
            o.sums[key] = fold([code(o, v) for _ in run(o, v)])
        return o.sums[key]

    return remembered


def _fold(arith: Arithmetic, op: str) -> Callable[[list[Num]], Num]:
    zero, one = arith.lift(0), arith.lift(1)
    match op:
        case "sum" | "dot":
            return lambda values: sum(values, zero)
        case "prod":
            return lambda values: math.prod(values, start=one)
        case "max":
            return largest
        case "min":
            return smallest
        case "logsumexp":
            return lambda values: logsumexp(arith, values)
        case _:
            raise SymbpError(f"the oracle does not know the reduction {op}")


def _weights(p: Program, node: x.Weights, scope: frozenset[str]) -> Code:
    run, code, at = loop((node.index,)), p.compile(node.body, scope), place(node.at)
    uid, weigh = node.index.uid, _weigh(p.arith, node.op)

    def weights(o: Oracle, v: Values) -> Num:
        # The position is outside of what the index binds, so it is read first.
        chosen = at(o, v)
        pairs = [(v[uid], code(o, v)) for _ in run(o, v)]
        values = dict(pairs)
        if chosen not in values:
            return p.arith.lift(0)  # the weight of what is left out
        return weigh(list(values.values()), values[chosen])

    return weights


def _weigh(arith: Arithmetic, op: str) -> Callable[[list[Num], Num], Num]:
    exp, zero, one = arith.table["share"], arith.lift(0), arith.lift(1)

    def softmax(values: list[Num], chosen: Num) -> Num:
        top = max(v.real for v in values)
        if top == -math.inf:
            return zero  # no term has a share
        return exp(chosen - top) / sum([exp(v - top) for v in values])

    def share(values: list[Num], chosen: Num) -> Num:
        best = max(v.real for v in values) if op == "argmax" else min(v.real for v in values)
        return one / sum(v.real == best for v in values) if chosen.real == best else zero

    if op not in ("softmax", "argmax", "argmin"):
        raise SymbpError(f"the oracle does not know the weights {op}")
    return softmax if op == "softmax" else share


def _functional(p: Program, node: x.Functional, scope: frozenset[str]) -> Code:
    name, position, at, uids = node.name, node.position, places(node.at), [
        i.uid for i in node.indices
    ]
    run, codes = loop(node.indices), [p.compile(a, scope) for a in node.args]

    def value(o: Oracle, v: Values) -> Num:
        chosen = (position, at(o, v))
        elements = {
            (k, tuple(v[u] for u in uids)): code(o, v)
            for _ in run(o, v)
            for k, code in enumerate(codes)
        }
        keys = list(elements)
        if position >= 0 and chosen not in elements:
            raise SymbpError(f"{name} is differentiated by an element that it does not have")
        orders = [int(position >= 0 and key == chosen) for key in keys]
        return differentiate(
            p.arith, lambda a, e: functional(a, name, keys, e), list(elements.values()), orders
        )

    return value


def _where(p: Program, node: x.Where, scope: frozenset[str]) -> Code:
    cond, then, other = (p.compile(c, scope) for c in (node.cond, node.then, node.other))
    return lambda o, v: then(o, v) if cond(o, v) else other(o, v)


def _compare(p: Program, node: x.Compare, scope: frozenset[str]) -> Code:
    left, right, op = p.compile(node.left, scope), p.compile(node.right, scope), _COMPARE[node.op]
    return lambda o, v: op(left(o, v).real, right(o, v).real)


def _logic(p: Program, node: x.Logic, scope: frozenset[str]) -> Code:
    codes = [p.compile(a, scope) for a in node.args]
    match node.op:
        case "and":
            return lambda o, v: all(code(o, v) for code in codes)
        case "or":
            return lambda o, v: any(code(o, v) for code in codes)
        case "not":
            return lambda o, v: not codes[0](o, v)
        case _:
            raise SymbpError(f"the oracle does not know the connective {node.op}")


def _indicator(p: Program, node: x.Indicator, scope: frozenset[str]) -> Code:
    left, right, lift = place(node.left), place(node.right), p.arith.lift
    return lambda o, v: lift(int(left(o, v) == right(o, v)))


def _within(p: Program, node: x.Within, scope: frozenset[str]) -> Code:
    value, lo, hi, lift = place(node.value), place(node.lo), place(node.hi), p.arith.lift
    return lambda o, v: lift(int(lo(o, v) <= value(o, v) <= hi(o, v)))


_HANDLERS: Mapping[type[x.Expr], Callable[[Program, Any, frozenset[str]], Code]] = {
    x.Number: _number, x.Integer: _integer, x.Ref: _ref, x.Adjoint: _adjoint,
    x.Partial: _partial, x.Add: _add, x.Mul: _mul, x.Neg: _neg, x.Div: _div, x.Pow: _pow,
    x.Call: _call, x.Reduce: _reduce, x.Weights: _weights, x.Functional: _functional,
    x.Where: _where, x.Compare: _compare, x.Logic: _logic, x.Indicator: _indicator,
    x.Within: _within,
}  # fmt: skip
