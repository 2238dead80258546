"""Stored arrays read and written at positions: which indices become axes, windows or gathers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from symbp.arrays.nodes import (
    BATCH,
    At,
    Elementwise,
    IndexValue,
    Labels,
    Load,
    Local,
    Node,
    Num,
    Span,
    Subscript,
    Take,
    Window,
    elementwise,
    join,
)
from symbp.arrays.statement import key_of
from symbp.arrays.storage import BATCH_AXIS, Storage
from symbp.calculus.affine import Affine, Index, known_le
from symbp.calculus.expr import Adjoint, Ref
from symbp.errors import SymbpError
from symbp.model.reach import Bounds, extreme


@dataclass(frozen=True)
class Scope:
    """What lowering has to know: where arrays live, which indices loops run over, local names."""

    storages: Mapping[str, Storage]
    loops: frozenset[Index] = frozenset()
    locals: Mapping[str, str] = field(default_factory=dict)
    guarded: bool = False
    """Whether a condition decides what is read: then positions may lie outside of an array."""
    sure: Bounds = frozenset()
    """What the door of a module asks of sizes."""

    def inside(self, *indices: Index) -> Scope:
        """The scope in the body of loops over ``indices``."""
        return replace(self, loops=self.loops | set(indices))

    def values(self, name: str) -> tuple[Affine, Affine] | None:
        """The range of the elements of an integer array."""
        return self.storages[name].integer


def index_value(value: Affine, scope: Scope) -> Node:
    """An integer: sizes and indices as they are, gathered elements loaded; those make it an integer of
    NumPy, so it is a number among others only after a cast."""
    gathered = [(a, c) for a, c in value.terms if isinstance(a, Ref)]
    rest = Affine(value.const, ((a, c) for a, c in value.terms if not isinstance(a, Ref)))
    labels = tuple(i for i in rest.indices() if i not in scope.loops)
    parts: list[Node] = []
    for atom, factor in gathered:
        ids = load(atom, scope, as_integer=True)
        parts.append(ids if factor == 1 else elementwise("*", Num(Fraction(factor)), ids))
    if rest != Affine() or not parts:
        parts.append(IndexValue(rest, labels, bool(gathered)))
    return parts[0] if len(parts) == 1 else elementwise("+", *parts)


def load(node: Ref | Adjoint, scope: Scope, as_integer: bool = False) -> Node:
    """An element over free indices as a view or a gather of the stored array."""
    if isinstance(node, Ref) and node.name in scope.locals:
        return Local(scope.locals[node.name])
    storage = scope.storages.get(key_of(node))
    if storage is None:
        raise SymbpError(f"{node.name} is read, but nothing computes it")
    read = reading(storage, node.indices, scope)
    if storage.integer and not as_integer:
        return Elementwise("cast", (read,), read.labels)
    return read


def reading(
    storage: Storage, at: tuple[Affine, ...], scope: Scope, scatters: bool = False
) -> Load:
    """A stored array read (or written) at positions.

    ``scatters``: it is added to, so windows are positions: in a view they would overlap.
    """
    mixed = _mixed(at, scope)
    subscripts: list[Subscript] = []
    for axis in storage.layout:
        if axis == BATCH_AXIS:
            subscripts.append(Span(BATCH, Affine()))
            continue
        values = dict(zip(storage.axes[:axis], at[:axis], strict=True))
        index = storage.axes[axis]
        ends = (index.low.substitute(values), index.high.substitute(values))
        place = _Place(at[axis], storage.base[axis].substitute(values), *ends)
        subscripts.append(_subscript(place, axis in mixed, scope, scatters))
    return Load(storage.key, tuple(subscripts), _labels(subscripts))


def _mixed(at: tuple[Affine, ...], scope: Scope) -> set[int]:
    """The axes that share an index with another axis: a diagonal has to gather."""
    out: set[int] = set()
    for k, position in enumerate(at):
        mine = {i for i in position.indices() if i not in scope.loops}
        if any(mine & set(other.indices()) for n, other in enumerate(at) if n != k):
            out.add(k)
    return out


@dataclass(frozen=True, slots=True)
class _Place:
    """A position on an axis that runs from ``low`` to ``high`` and is stored from ``base`` on."""

    position: Affine
    base: Affine
    low: Affine
    high: Affine

    def inside(self, scope: Scope) -> bool:
        """Whether the position is known to stay within the axis."""
        low, high = (extreme(scope.values, self.position, up) for up in (False, True))
        if low is None or high is None:
            return False
        return all(pair in scope.sure or known_le(*pair) for pair in ((self.low, low), (high, self.high)))


def _subscript(place: _Place, mixed: bool, scope: Scope, scatters: bool) -> Subscript:
    position = place.position - place.base
    labels = tuple(i for i in position.indices() if i not in scope.loops)
    gathers = any(isinstance(a, Ref) for a in position.atoms())
    if not labels and not gathers:
        return At(position)
    factors = tuple(position.coefficient(i) for i in labels)
    outside = scope.guarded and not place.inside(scope)
    if gathers or mixed or not all(factors) or min(factors) < 1 or outside:
        return Take(_ids(place, position, scope))
    if scatters and len(labels) > 1:
        return Take(_ids(place, position, scope))
    start = position.substitute({i: i.low for i in labels})
    if len(labels) == 1:
        return Span(labels[0], start, factors[0])
    return Window(labels, start, factors)


def _ids(place: _Place, position: Affine, scope: Scope) -> Node:
    """Positions of a gather; those that may lie outside (and are masked then) are moved to the ends."""
    ids = index_value(position, scope)
    if not scope.guarded or place.inside(scope):
        return ids
    # not to the padding before the first position: nothing is ever written there
    return elementwise("clip", ids, *(IndexValue(end - place.base) for end in (place.low, place.high)))


def _labels(subscripts: list[Subscript]) -> Labels:
    """The labels of what is read, in the order in which NumPy leaves the axes."""
    gathered = join(*(s.ids.labels for s in subscripts if isinstance(s, Take)))
    out: list[Index] = []
    placed = False
    for s in subscripts:
        match s:
            case Take():
                out.extend(() if placed else gathered)
                placed = True
            case Span(label):
                out.extend(() if label in gathered else (label,))
            case Window(labels):
                out.extend(labels)
            case At():
                pass
    return tuple(dict.fromkeys(out))
