"""Products as fractions: what stands above and below the line, and the number in front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from symbp.arrays.nodes import Choice, Elementwise, Local, LoopSum, Node, Num, elementwise
from symbp.emit.numpy_text import COMPARISONS, is_constant

Kept = Callable[[Node], bool]
"""Whether a product inside of another one stays as it is: it has a name."""


def fraction(node: Node, kept: Kept = lambda _: False) -> tuple[list[Node], list[Node], Fraction]:
    """Factors above and below the line, and the number in front."""

    def inner(part: Node) -> tuple[list[Node], list[Node], Fraction]:
        product = isinstance(part, Elementwise) and part.op in ("*", "/")
        return ([part], [], Fraction(1)) if product and kept(part) else fraction(part, kept)

    match node:
        case Num(value):
            return [], [], value
        case Elementwise("neg", (arg,)):
            above, under, value = inner(arg)
            return above, under, -value
        case Elementwise("*", args):
            parts = [inner(a) for a in args]
            value = Fraction(1)
            for part in parts:
                value *= part[2]
            return [n for p in parts for n in p[0]], [n for p in parts for n in p[1]], value
        case Elementwise("/", (num, den)):
            above, under, value = inner(num)
            # Numbers below the line are gathered; a product there stays in its brackets.
            its_above, its_under, its_value = inner(den)
            if not its_value or its_under:
                return above, [*under, den], value
            return above, [*under, *its_above], value / its_value
        case _:
            return [node], [], Fraction(1)


def quotient(node: Node, kept: Kept = lambda _: False) -> tuple[list[Node], list[Node], bool, bool]:
    """The factors above and below the line as they are written, whether a sign stands in front, and
    whether a factor above is an array of the arguments' type."""
    above, under, value = fraction(node, kept)
    if value < 0 and len(above) == 1 and (turned := flipped(above[0])) is not None:
        above, value = [turned], -value
    if value.denominator in (2, 4, 8) and (under or not above):
        pass
    elif value.denominator in (2, 4, 8, 10, 100, 1000, 5, 20, 50):
        above, value = [Num(abs(value)), *above], Fraction(-1 if value < 0 else 1)
    top: list[Node] = [Num(Fraction(abs(value.numerator)))] if abs(value.numerator) != 1 else []
    bottom: list[Node] = [Num(Fraction(value.denominator))] if value.denominator != 1 else []
    top, bottom = [*top, *above], [*bottom, *under]
    real = any(typed(n) for n in top)
    return (conditions_last(top, value < 0) if real else top), bottom, value < 0, real


def typed(node: Node) -> bool:
    """Whether a factor surely is an array of the arguments' type, which a condition may multiply."""
    if isinstance(node, Elementwise):
        return node.op != "flag" and any(map(typed, node.args))
    return not is_constant(node) and not isinstance(node, (Choice, Local))


def untyped(node: Node) -> bool:
    """Whether a value may be a number of Python: a choice may take one, an empty sum is one."""
    match node:
        case Choice():
            return untyped(node.then) or untyped(node.other)
        case LoopSum():
            return True
        case Elementwise("+" | "*" | "/" | "neg" | "**", args):
            return all(map(untyped, args))
        case _:
            return is_constant(node)


def conditions_last(factors: Sequence[Node], negative: bool) -> list[Node]:
    """The factors, conditions behind the others where a number or a sign may meet one first.

    2*(u > 0) and (u > 0)*n are of integers, and widen float32; -(u > 0) is refused by NumPy.
    """
    if not (negative or any(map(is_constant, factors))):
        return list(factors)
    return sorted(factors, key=lambda n: isinstance(n, Elementwise) and n.op == "flag")


def flipped(node: Node) -> Node | None:
    """-(a - b) as b - a; None if the node is no sum in which that is shorter."""
    if not isinstance(node, Elementwise) or node.op != "+":
        return None
    negative = [a for a in node.args if isinstance(a, Elementwise) and a.op == "neg"]
    if not negative:
        return None
    rest = [a for a in node.args if a not in negative]
    turned = tuple(Elementwise("neg", (a,), a.labels) for a in rest)
    terms = (*(a.args[0] for a in negative), *turned)
    return Elementwise("+", terms, node.labels)


def bare(term: Node) -> Node:
    """A condition needs no type of its own behind a term that has one."""
    match term:
        case Elementwise("flag", (cond,)):
            return cond
        case Elementwise("neg", (Elementwise("flag", (cond,)),), labels):
            return Elementwise("neg", (cond,), labels)
        case _:
            return term


def signed(term: Node) -> tuple[str, Node]:
    """The sign of a term, and the term without it."""
    if not isinstance(term, Elementwise):
        return "+", term
    if term.op == "neg":
        return "-", term.args[0]
    negative = term.op in ("*", "/") and term.labels and quotient(term)[2]
    return ("-", Elementwise("neg", (term,), term.labels)) if negative else ("+", term)


def thin(factors: Sequence[Node]) -> list[Node]:
    """The arrays among factors that have the fewest axes, the same ones, if another has more."""
    arrays = [n for n in factors if n.labels]
    least = min((len(n.labels) for n in arrays), default=0)
    found = [n for n in arrays if len(n.labels) == least and typed(n) and not is_truth(n)]
    alike = [n for n in found if {*n.labels} == {*found[0].labels}]
    return alike if any(len(n.labels) > least for n in arrays) else []


def thin_first(top: Sequence[Node], bottom: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """What has the fewest axes is multiplied first: (2*u*v/D)[:, None]*x, not 2*u[:, None]*x*v[:, None]/D."""
    found = thin(top)
    divides = bool(bottom) and not any(n.labels for n in bottom)
    if not found or not (divides or len(found) > 1):
        return list(top), list(bottom)
    numbers = [n for n in top if not n.labels] if divides else []
    small = elementwise("*", *numbers, *found) if len(numbers) + len(found) > 1 else found[0]
    if divides:
        small = elementwise("/", small, elementwise("*", *bottom) if len(bottom) > 1 else bottom[0])
    rest = [small if n is found[0] else n for n in top if n is found[0] or n not in (*numbers, *found)]
    return rest, [] if divides else list(bottom)


def is_truth(node: Node) -> bool:
    return isinstance(node, Elementwise) and (node.op in COMPARISONS or node.op in ("and", "or", "not"))


def bare_flag(node: Node, real: bool) -> Node:
    """A condition needs no type of its own beside a factor that has one."""
    return node.args[0] if real and isinstance(node, Elementwise) and node.op == "flag" else node
