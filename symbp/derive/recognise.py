"""Calling what a variable already names by that name, whole or as a factor of a fraction."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations, permutations

from symbp.calculus.affine import Affine, Index, known_le
from symbp.calculus.construct import div, mul, power
from symbp.calculus.expr import Call, Div, Expr, Integer, Mul, Number, Pow, Ref
from symbp.calculus.match import match
from symbp.calculus.tidy import tidy
from symbp.calculus.tree import replace_nodes, size
from symbp.derive.core import Reason
from symbp.derive.scene import LONG, NAMED, SHORT, Outcome, Scene, joined, signature
from symbp.model.core import Equation, Model
from symbp.model.reach import end


def recognise(node: Expr, scene: Scene) -> Outcome | None:
    """What a variable already names is called by that name.  Terminates: the expression gets smaller."""
    found: dict[Expr, tuple[Expr, Expr]] = {}

    def change(n: Expr) -> Expr | None:
        if not isinstance(n, (*NAMED, Mul)) or size(n) < 2:
            return None
        if isinstance(n, Call) and n.orders:
            return None
        for equation in scene.names.get(signature(n), ()):
            new = _named(equation, n, scene)
            if new is not None:
                found.setdefault(equation.lhs, (n, new))
                return new
        if isinstance(n, Mul):
            for equation, factors in _products(n, scene):
                part = mul(factors)
                new = _named(equation, part, scene)
                if new is not None:
                    found.setdefault(equation.lhs, (part, new))
                    return _with_product(n, factors, new)
        if isinstance(n, Div):
            for equation, over, under in _fractions(n, scene):
                part = div(mul(over), mul(under))
                new = _named(equation, part, scene)
                if new is not None:
                    found.setdefault(equation.lhs, (part, new))
                    return tidy(_with_name(n, over, under, new))
        return None

    new = replace_nodes(node, change)
    if not found:
        return None
    return new, _reason(tuple(found.values()))


def _reason(found: Sequence[tuple[Expr, Expr]]) -> Reason:
    """What was recognised, each equation once: its value if there are at most two and they are short."""
    most = (LONG, SHORT)[len(found) - 1] if len(found) <= 2 else 0
    if all(size(value) <= most for value, _ in found):
        return joined([(value, " is ", name) for value, name in found])
    return ("written with ", *joined([(name,) for _, name in found]))


def _named(equation: Equation, node: Expr, scene: Scene) -> Ref | None:
    """The element whose equation has ``node`` as its right side."""
    values = match(equation.rhs, node, equation.indices)
    if values is None or not _inside(equation, values, scene.model):
        return None
    return Ref(equation.lhs.name, tuple(p.substitute(values) for p in equation.lhs.indices))


def _fractions(node: Div, scene: Scene) -> Iterator[tuple[Equation, tuple[Expr, ...], tuple[Expr, ...]]]:
    """The fractions x/y in x u/(y^2 v) that equations may name: their factors above and below."""
    above, bases, read = _factors(node.num), tuple(_bases(node.den)), signature(node)[1]
    below = (*bases, *(Call("sqrt", (b,)) for b in bases if not _is_root(b)))
    for (kind, names), equations in scene.names.items():
        for equation in equations if kind is Div and names <= read else ():
            assert isinstance(equation.rhs, Div)
            top, bottom = _factors(equation.rhs.num), _factors(equation.rhs.den)
            if all(map(_is_number, top)) or all(map(_is_number, bottom)):
                continue
            for over in _chosen(above, len(top)):
                for under in _chosen(below, len(bottom)):
                    yield equation, over, under


def _products(node: Mul, scene: Scene) -> Iterator[tuple[Equation, tuple[Expr, ...]]]:
    """The products that equations may name among the factors: exp(u) exp(v) in exp(u) x exp(v)."""
    read = signature(node)[1]
    for (kind, names), equations in scene.names.items():
        for equation in equations if kind is Mul and names <= read else ():
            for part in _chosen(node.factors, len(_factors(equation.rhs))):
                yield equation, part


_FEW = 3
"""Of more factors than these the order is taken as it is."""


def _chosen(factors: Sequence[Expr], count: int) -> Iterator[tuple[Expr, ...]]:
    """So many of the factors, few of them in any order."""
    return permutations(factors, count) if count <= _FEW else combinations(factors, count)


def _with_product(node: Mul, part: Sequence[Expr], name: Ref) -> Expr:
    """exp(u) x exp(v) with a name of exp(u) exp(v), in the place of its first factor."""
    mine = set(map(id, part))
    first = next(f for f in node.factors if id(f) in mine)
    return mul(name if f is first else f for f in node.factors if f is first or id(f) not in mine)


def _with_name(node: Div, over: Sequence[Expr], under: Sequence[Expr], name: Ref) -> Expr:
    """x u/(y^2 v) with a name of x/y, in the place of x: name u/(y v)."""
    first, *others = over
    rest = list(_factors(node.num))
    rest[rest.index(first)] = name
    for factor in others:
        rest.remove(factor)
    powers = {base: n - (base in under) for base, n in _bases(node.den).items()}
    for root in under:
        if root not in powers:  # x is √x √x
            assert isinstance(root, Call)
            powers[root.args[0]] -= 1
            powers[root] = 1
    return div(mul(rest), mul(power(base, Number(Fraction(n))) for base, n in powers.items()))


def _factors(node: Expr) -> tuple[Expr, ...]:
    return node.factors if isinstance(node, Mul) else (node,)


def _bases(node: Expr) -> dict[Expr, int]:
    """The factors of a denominator with their powers, if those are whole numbers."""
    out: dict[Expr, int] = {}
    for factor in _factors(node):
        match factor:
            case Pow(base, Number(exponent)) if exponent.denominator == 1 and exponent > 0:
                out[base] = out.get(base, 0) + int(exponent)
            case _:
                out[factor] = out.get(factor, 0) + 1
    return out


def _is_root(node: Expr) -> bool:
    return isinstance(node, Call) and node.function == "sqrt" and not node.orders


def _is_number(node: Expr) -> bool:
    return isinstance(node, Number | Integer)


def _inside(equation: Equation, values: Mapping[Index, Affine], model: Model) -> bool:
    """Whether the matched element exists: each index found, and known to be in its range."""
    for index in equation.indices:
        value = values.get(index)
        if value is None:
            return False
        low, high = index.low.substitute(values), index.high.substitute(values)
        if not _known_between(low, value, high) and not _label_between(low, value, high, model):
            return False
    return True


def _known_between(low: Affine, value: Affine, high: Affine) -> bool:
    return bool(known_le(low, value)) and bool(known_le(value, high))


def _label_between(low: Affine, value: Affine, high: Affine, model: Model) -> bool:
    """Whether the range of the labels in a position says so: of a label c in 0..K-1."""
    least, most = end(model, value, False), end(model, value, True)
    if least is None or most is None:
        return False
    return bool(known_le(low, least)) and bool(known_le(most, high))
