"""What the steps of a recurrence in the space of logarithms compute and their adjoints need again.

``α[t] = log_product(α[t-1], …)`` takes exponentials and a product of matrices, and so do its two adjoints: an
object made before the loop keeps them, step by step (the scaled forward and backward variables of Rabiner,
*A tutorial on hidden Markov models*, 1989, section V.A).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace

from symbp.arrays.instructions import Program
from symbp.arrays.logspace import LogProduct, log_product, pulled
from symbp.arrays.nodes import (
    Assign,
    At,
    Contract,
    Guard,
    Instruction,
    Keep,
    Load,
    Loop,
    Node,
    Span,
    Step,
    below,
    map_below,
)
from symbp.arrays.turns import changes
from symbp.calculus.affine import Affine, Index, affine, fresh, known_le

STEP = fresh("step")
"""Stands for the step in the key of a product."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a product stands: at one step ``at`` of a loop, or at as many as ``along`` has from ``at`` on."""

    key: object
    at: Affine
    low: Affine
    high: Affine
    along: Index | None = None


@dataclass(frozen=True, slots=True)
class _Made:
    """A product that a loop computes, and the name of the object that keeps its steps."""

    name: str
    place: _Place


def kept_products(program: Program) -> Program:
    """The program with an object for every product in log space that a loop makes and adjoints pull back."""
    wanted = {
        place.key
        for inside, a in _assignments(program.backward)
        for node in _walk(a.value)
        if isinstance(node, Contract) and (found := pulled(node)) is not None
        and (place := _place(found.product, inside)) is not None
    }
    forward: list[Instruction] = []
    made: dict[object, _Made] = {}
    for i in program.forward:
        if isinstance(i, Loop):
            for product, place in _made_in(i):
                if place.key in wanted and place.key not in made:
                    made[place.key] = new = _Made(f"#products {len(made)}", place)
                    forward.append(Keep(new.name, product.second, product.orders[1], place.high + 1))
            i = replace(i, body=tuple(_valued(b, i, made) for b in i.body))
        forward.append(i)
    if not made:
        return program
    backward = tuple(_pulled(i, None, made) for i in program.backward)
    return replace(program, forward=tuple(forward), backward=backward)


def _made_in(loop: Loop) -> Iterator[tuple[LogProduct, _Place]]:
    """The products that every turn of a loop computes, with a matrix that no turn changes."""
    for a in loop.body:
        for node in _walk(a.value) if isinstance(a, Assign) else ():
            found = log_product(node)
            if found is not None and not changes(found.second, loop):
                place = _place(found, loop)
                if place is not None and place.along is None:
                    yield found, place


def _valued(i: Instruction, loop: Loop, made: Mapping[object, _Made]) -> Instruction:
    """An instruction of a forward loop that asks the object for the product of its step."""

    def change(node: Node) -> Node:
        found = log_product(node)
        place = None if found is None else _place(found, loop)
        known = None if place is None else made.get(place.key)
        if found is None or place is None or known is None or place.along is not None:
            return map_below(node, change)
        return Step(known.name, "value", place.at, found.first, found.orders[0], found.labels)

    return replace(i, value=change(i.value)) if isinstance(i, Assign) else i


def _pulled(i: Instruction, loop: Loop | None, made: Mapping[object, _Made]) -> Instruction:
    """A backward instruction that reads what the steps have kept, where all of them surely have."""

    def change(node: Node) -> Node:
        found = pulled(node) if isinstance(node, Contract) else None
        place = None if found is None else _place(found.product, loop)
        known = None if place is None else made.get(place.key)
        if found is None or place is None or known is None or not _within(place, known.place):
            return map_below(node, change)
        if (found.side == "right") != (place.along is not None):
            return map_below(node, change)
        order = found.product.orders[0 if found.side == "left" else 1]
        return Step(known.name, found.side, place.at, found.cotangent, found.product.labels, order)

    match i:
        case Assign():
            return replace(i, value=change(i.value))
        case Loop():
            return replace(i, body=tuple(_pulled(b, i if loop is None else None, made) for b in i.body))
        case Guard():
            return replace(i, body=tuple(_pulled(b, loop, made) for b in i.body))
        case _:
            return i


def _within(place: _Place, made: _Place) -> bool:
    return bool(known_le(made.low, place.low)) and bool(known_le(place.high, made.high))


# ── products that are the same at corresponding steps ─────────────────────────────────────────────


def _place(product: LogProduct, loop: Loop | None) -> _Place | None:
    """Where a product stands; None if it is not the same in shape at each step of one loop."""
    read = next((n for n in _walk(product.first) if isinstance(n, Load) and _step(n, loop)), None)
    found = None if read is None else _step(read, loop)
    if found is None:
        return None
    at, along = found
    if along is None:
        assert loop is not None
        index = loop.index
        if len(loop.lows) > 1 or len(loop.highs) > 1 or (at - index).indices():
            return None
        shift = at - index
        low, high = loop.lows[0] + shift, loop.highs[0] + shift
        values = {index: affine(STEP) - shift}
    else:
        low, high = at, at + along.extent - 1
        values = {along: affine(STEP) - at + along.low}
    seen: dict[Index, int] = {}
    rows = tuple(i for i in product.rows if i != along)
    parts = (product.first, rows, product.over, product.column, product.second)
    key = tuple(_key(p, values, along, at, seen) for p in parts)
    return _Place(key, at, low, high, along)


def _step(node: Load, loop: Loop | None) -> tuple[Affine, Index | None] | None:
    """The step that an array is read at: that of the loop, or the first of several in a row."""
    for s in node.subscripts[:1]:
        if isinstance(s, At) and loop is not None and loop.index in s.position.indices():
            return s.position, None
        if isinstance(s, Span) and s.label.sequence and s.step == 1:
            return s.start, s.label
    return None


def _key(
    part: object, values: Mapping[Index, Affine], along: Index | None, at: Affine, seen: dict[Index, int]
) -> object:
    """A part of a product as a text without the names of its axes and with the step as :data:`STEP`."""
    match part:
        case Index():
            number = seen.setdefault(part, len(seen))
            return number, part.low.substitute(values), part.high.substitute(values)
        case Affine():
            return part.substitute(values)
        case Span(label, start) if label == along:
            return "At", affine(STEP) + start - at
        case At(position):
            return "At", position.substitute(values)
        case tuple():
            return tuple(_key(p, values, along, at, seen) for p in part if p != along)
        case _ if is_dataclass(part):
            inner = (getattr(part, f.name) for f in fields(part))
            return type(part).__name__, *(_key(p, values, along, at, seen) for p in inner)
        case _:
            return part


def _walk(node: Node) -> Iterator[Node]:
    yield node
    for inner in below(node):
        yield from _walk(inner)


def _assignments(
    body: tuple[Instruction, ...], loop: Loop | None = None
) -> Iterator[tuple[Loop | None, Assign]]:
    for i in body:
        match i:
            case Assign():
                yield loop, i
            case Loop():
                yield from _assignments(i.body, i if loop is None else None)
            case Guard():
                yield from _assignments(i.body, loop)
            case _:
                continue
