"""Pooling: the few places of a window as slices of the array, and where among them its extreme entries are.

``m[i] = max(a[2*i+p], p=0..1)`` folds the slices ``a[p:p+2*n:2]``.  Backwards, max over p and q is taken one
index after the other, so its adjoint is multiplied by the weights ``[p is best]`` and ``[q is best at p]``:
both are read from one comparison of the slices with m.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from symbp.arrays.nodes import (
    Allocate,
    Assign,
    At,
    Elementwise,
    Fold,
    Guard,
    IndexValue,
    Instruction,
    Labels,
    Load,
    Loop,
    Node,
    Normalised,
    Select,
    Slices,
    Span,
    Subscript,
    Take,
    Window,
    Winners,
    below,
    map_below,
)
from symbp.calculus.affine import Affine, Index, Size, affine

Block = tuple[Instruction, ...]

SHORT = range(2, 65)
"""How many slices are folded one by one: up to eight by eight; ties among them are counted in one byte."""

FOLDED = frozenset({"sum", "prod", "max", "min"})


def short(node: Fold) -> bool:
    """Whether a reduction runs over the few offsets of a window, which are known by number."""
    return node.op in FOLDED and bool(node.labels) and _few(node.over) and {*node.over} <= _offsets(node.arg)


def _few(labels: Labels) -> bool:
    extents = [i.extent for i in labels]
    return all(e.is_const for e in extents) and math.prod(e.const for e in extents) in SHORT


def _offsets(node: Node) -> set[Index]:
    """The indices that share an axis with others: where they are in windows."""
    own = set[Index]()
    if isinstance(node, Load):
        own = {i for s in node.subscripts if isinstance(s, Window) for i in s.labels}
    return own.union(*(_offsets(n) for n in below(node)))


def slices(node: Node, over: Labels) -> Slices | None:
    """Windows of a stored array as slices of it, where the door asks whether these are long enough."""
    if not isinstance(node, Load) or any(isinstance(s, Take) for s in node.subscripts):
        return None
    windows = [s for s in node.subscripts if isinstance(s, Window)]
    if not {*over} <= {i for w in windows for i in w.labels} or not all(map(_of_sizes, windows)):
        return None
    return Slices(node, over, node.labels)


def _of_sizes(window: Window) -> bool:
    """Whether sizes alone say where a window begins and ends, and none of a family's."""
    ends = [window.start, *(i.extent for i in window.labels), *map(affine, window.steps)]
    return not any(isinstance(a, Index) or (isinstance(a, Size) and a.at) for e in ends for a in e.atoms())


def placed(load: Load, at: Mapping[Index, Affine]) -> Load:
    """The array read at values of some labels of its windows, which are counted from their first one."""
    parts = tuple(_placed(s, at) if isinstance(s, Window) else s for s in load.subscripts)
    return Load(load.key, parts, tuple(i for i in load.labels if i not in at))


def _placed(window: Window, at: Mapping[Index, Affine]) -> Subscript:
    steps = dict(zip(window.labels, window.steps, strict=True))
    start = window.start + sum((at[i] * s for i, s in steps.items() if i in at), Affine())
    left = {i: s for i, s in steps.items() if i not in at}
    match [*left.items()]:
        case []:
            return At(start)
        case [(label, step)]:
            return Span(label, start, step)
        case _:
            return Window((*left,), start, (*left.values(),))


# ── where the extreme entries are ─────────────────────────────────────────────────────────────────


def pooled(block: Block) -> Block:
    """The instructions with weights of windows joined, and what no other turn writes assigned."""
    return _once(tuple(map(_joined, block)))


def _joined(i: Instruction) -> Instruction:
    match i:
        case Assign():
            return replace(i, value=_weighed(i.value))
        case Loop() | Guard():
            return replace(i, body=tuple(map(_joined, i.body)))
        case _:
            return i


def _weighed(node: Node) -> Node:
    """A value in which the weights that a window's places have together are one factor."""
    factors = [*_factors(node)]
    read = {k: w for k, f in enumerate(factors) if (w := Weighing.of(f)) is not None}
    gone = set[int]()
    for k in sorted(read, key=lambda k: -len(read[k].left)):
        if k not in gone:
            weights, used = _together(k, {n: w for n, w in read.items() if n not in gone})
            if (whole := weights.node()) is not None:
                factors[k] = whole
                gone |= used
    if not isinstance(node, Elementwise) or node.op != "*":
        return factors[0] if read else map_below(node, _weighed)
    kept = tuple(f if k in read else _weighed(f) for k, f in enumerate(factors) if k not in gone)
    if kept == tuple(_factors(node)):
        return node
    return replace(node, args=kept) if len(kept) > 1 else kept[0]


def _together(first: int, read: Mapping[int, Weighing]) -> tuple[Weighing, set[int]]:
    """One of the weights with all that belong to it, and the numbers of these.  Terminates: less is left."""
    weights, used = read[first], set[int]()
    while weights.left:
        found = next(((n, w) for n, o in read.items() if (w := weights.joined(o)) is not None), None)
        if found is None:
            break
        used.add(found[0])
        weights = found[1]
    return weights, used


def _factors(node: Node) -> Iterator[Node]:
    if isinstance(node, Elementwise) and node.op == "*":
        for arg in node.args:
            yield from _factors(arg)
    else:
        yield node


@dataclass(frozen=True, slots=True)
class Weighing:
    """argmax or argmin over the labels ``over`` at ``places``, of what is folded over ``left`` before."""

    op: str
    load: Load
    over: Labels
    places: tuple[IndexValue, ...]
    left: Labels

    @classmethod
    def of(cls, node: Node) -> Weighing | None:
        match node:
            case Select(Normalised(op, arg, over), label, IndexValue(_, ()) as at) if over == label:
                return cls._along(op, arg, over, at)
            case _:
                return None

    @classmethod
    def _along(cls, op: str, arg: Node, over: Index, at: IndexValue) -> Weighing | None:
        match op, arg:
            case ("argmax" | "argmin"), Load():
                return cls(op, arg, (over,), (at,), ())
            case ("argmax" | "argmin"), Fold(fold, Load() as load, left) if op == f"arg{fold}":
                return cls(op, load, (over,), (at,), left)
            case _:
                return None

    def joined(self, other: Weighing) -> Weighing | None:
        """Both together if the other one weighs what this one folds, at the same places."""
        count = len(other.over)
        if other.op != self.op or len(self.left) != count + len(other.left):
            return None
        at = {i: p.value for i, p in zip(self.over, self.places, strict=True)}
        names = dict(zip(self.left, (*other.over, *other.left), strict=True))
        if _renamed(placed(self.load, at), names) != other.load:
            return None
        more, left = self.left[:count], self.left[count:]
        return replace(self, over=(*self.over, *more), places=(*self.places, *other.places), left=left)

    def node(self) -> Node | None:
        """The weights as they are read from one comparison, if the windows are slices."""
        parts = slices(self.load, self.over)
        if self.left or parts is None or not _few(self.over):
            return None
        rest = tuple(i for i in self.load.labels if i not in self.over)
        node: Node = Winners(self.op, parts, (*self.over, *rest))
        for index, place in zip(self.over, self.places, strict=True):
            node = Select(node, index, place, tuple(i for i in node.labels if i != index))
        return node


def _renamed(load: Load, names: Mapping[Index, Index]) -> Load:
    """The reading with other labels."""
    def new(labels: Labels) -> Labels:
        return tuple(names.get(i, i) for i in labels)

    def subscript(s: Subscript) -> Subscript:
        match s:
            case Span(label):
                return replace(s, label=names.get(label, label))
            case Window(labels):
                return replace(s, labels=new(labels))
            case _:
                return s

    return Load(load.key, tuple(map(subscript, load.subscripts)), new(load.labels))


# ── places that one turn of a loop alone writes ───────────────────────────────────────────────────


def _once(block: Block) -> Block:
    """``+=`` as ``=`` where an array of zeros is filled by one statement that goes to each place once."""
    written = [key for i in block for key in _written(i)]
    zeros = {i.key for i in block if isinstance(i, Allocate) and i.zero and written.count(i.key) == 1}
    return tuple(_assigned(i, zeros, ()) for i in block)


def _written(i: Instruction) -> Iterator[str]:
    match i:
        case Assign(target):
            yield target.key
        case Loop() | Guard():
            for inner in i.body:
                yield from _written(inner)
        case _:
            return


def _assigned(i: Instruction, zeros: Iterable[str], loops: Labels) -> Instruction:
    match i:
        case Loop(index):
            return replace(i, body=tuple(_assigned(s, zeros, (*loops, index)) for s in i.body))
        case Assign(target) if i.accumulate and target.key in zeros and loops and _apart(target, loops):
            return replace(i, accumulate=False)
        case _:
            return i


def _apart(target: Load, loops: Labels) -> bool:
    """Whether the turns of loops go to places of their own: each index moves a slice within its step."""
    moved: list[Index] = []
    for s in target.subscripts:
        match s:
            case Span(_, start, step):
                own = [i for i in loops if i in start.indices()]
                if len(own) > 1 or (own and not _within(own[0], start, affine(step))):
                    return False
                moved += own
            case At(position) if not any(i in loops for i in position.indices()):
                pass
            case _:
                return False
    return sorted(i.uid for i in moved) == sorted(i.uid for i in loops)


def _within(index: Index, start: Affine, step: Affine) -> bool:
    fixed = index.extent.is_const and step.is_const
    return fixed and start.coefficient(index) == 1 and index.extent.const <= step.const
