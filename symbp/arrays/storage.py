"""Where arrays live: which axes are members of a list, which are axes of one array, in which order.

A sequence axis on which shapes depend (n[l]) is a list.  So is the one sequence axis of an array that
only loops touch, member by member.  All others are axes; those that a loop runs over stand first, so
that ``h[t]`` is contiguous and reads as in the notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from symbp.arrays.nodes import BATCH_SIZE
from symbp.arrays.statement import Statement, adjoint_key, key_of, reads, reads_of
from symbp.calculus.affine import Affine, Index, affine, show
from symbp.calculus.expr import Adjoint, Expr, Reduce, Ref
from symbp.calculus.tree import positions, walk
from symbp.errors import ModelProblem
from symbp.model.core import Array, Model

BATCH_AXIS = -1


@dataclass(frozen=True, slots=True)
class Storage:
    """How one array is kept.

    ``layout`` lists its axes by number, outermost first, with -1 for the batch.  ``base`` is the
    position that stands at 0 on each axis.  With ``listed`` the first axis of the layout is a list;
    with ``parts`` its members have sequence axes of their own, and are filled part by part.
    """

    key: str
    axes: tuple[Index, ...]
    batched: bool
    listed: bool
    layout: tuple[int, ...]
    base: tuple[Affine, ...]
    integer: tuple[Affine, Affine] | None = None
    """The range of its values if they are integers."""
    given: bool = False
    parts: bool = False
    finite: bool = False
    """Whether no element is missing: a parameter's and an adjoint's are numbers, data may have gaps."""
    counted: bool = False
    """Whether code computes with its integers, which a small or an unsigned type may not hold then."""

    @property
    def member_layout(self) -> tuple[int, ...]:
        """The layout without the axis that is a list."""
        return self.layout[1:] if self.listed else self.layout

    def extent(self, axis: int) -> Affine:
        """How many positions an axis of the layout has."""
        return affine(BATCH_SIZE) if axis == BATCH_AXIS else self.axes[axis].high - self.base[axis] + 1

    @property
    def nested(self) -> bool:
        """Whether it is a list of arrays; a list of numbers can be one array."""
        return self.listed and bool(self.member_layout)


def ragged(array: Array) -> tuple[int, ...]:
    """The numbers of the sequence axes on which the shape of a member depends."""
    on = {i for axis in array.axes for i in (*axis.low.indices(), *axis.high.indices())}
    return tuple(k for k in sequence_axes(array.axes) if array.axes[k] in on)


def sequence_axes(axes: Iterable[Index]) -> tuple[int, ...]:
    """The numbers of the sequence axes."""
    return tuple(k for k, i in enumerate(axes) if i.sequence)


@dataclass(frozen=True, slots=True)
class Use:
    """How the program touches the sequence axes of its arrays: the result of :func:`survey`."""

    looped: frozenset[str]
    stepwise: frozenset[str]
    touched: frozenset[str]
    counted: frozenset[str]


def survey(
    model: Model,
    statements: Sequence[Statement],
    looped: frozenset[str],
    loops: Mapping[int, frozenset[Index]],
) -> Use:
    """``looped``: sequence names that loops run over.  ``stepwise``: keys of arrays of one sequence
    axis whose every access is at a fixed place or at a loop's index, or at that of a sum of members that
    loops read anyway.  ``touched``: keys of arrays that some loop accesses member by member.  ``counted``:
    integer arrays whose elements code computes with.  ``loops`` has the loop indices of each statement, by
    its place in ``statements``."""
    seen: set[str] = set()
    whole: set[str] = set()
    touched: set[str] = set()
    added: set[str] = set()
    for number, s in enumerate(statements):
        own, summed = loops.get(number, frozenset()), _summed_members(model, s)
        for key, at in ((s.target, s.at), *((key_of(r), r.indices) for r in reads_of(s))):
            seen.add(key)
            for axis in sequence_axes(_axes(model, key)):
                mine = set(at[axis].indices())
                if mine and mine <= own:
                    touched.add(key)
                elif mine and mine <= summed:
                    added.add(key)
                elif mine:
                    whole.add(key)
    single = {k for k in seen if len(sequence_axes(_axes(model, k))) == 1}
    stepwise = frozenset(single - whole - (added - touched))
    return Use(looped, stepwise, frozenset(touched), _counted(model, statements))


def _summed_members(model: Model, s: Statement) -> frozenset[Index]:
    """The indices of sums over the members of families of parameters and of nothing else: Σ_l ‖W^l‖².

    As one array, a family that came as a list would have to be copied for such a sum.
    """
    found: set[Index] = set()
    for node in walk(s.rhs):
        if isinstance(node, Reduce) and node.op == "sum":
            found.update(i for i in node.indices if i.sequence and _adds_members(model, i, node.body))
    return frozenset(found)


def _adds_members(model: Model, index: Index, body: Expr) -> bool:
    """Whether what depends on an index are whole members of families of parameters."""
    for read in reads(body):
        if any(index in p.indices() for p in read.indices):
            array = model.arrays[read.name]
            first, *rest = read.indices
            whole = first.as_index() == index and not any(index in p.indices() for p in rest)
            if not (whole and isinstance(read, Ref) and array.kind == "param"):
                return False
    return True


def _counted(model: Model, statements: Iterable[Statement]) -> frozenset[str]:
    """The integer arrays whose elements stand in sums or products of integers, as in x[j-s]."""
    sides = [*(s.rhs for s in statements), *(e.rhs for e in model.equations)]
    nodes = [n for side in sides for n in walk(side)]
    places = [*(p for s in statements for p in s.at), *(p for n in nodes for p in positions(n))]
    return frozenset(a.name for p in places for a in p.atoms() if isinstance(a, Ref) and p != affine(a))


def _axes(model: Model, key: str) -> tuple[Index, ...]:
    return model.arrays[key.removeprefix("∂")].axes


def store(
    model: Model, batched: frozenset[str], use: Use, orders: Mapping[str, tuple[int, ...]]
) -> dict[str, Storage]:
    """The storage of every array and of every adjoint, by key.

    ``orders`` has the order of axes of those that need not lie as the model says.
    """
    out: dict[str, Storage] = {}
    for array in model.arrays.values():
        order = orders.get(array.name, range(len(array.axes)))
        for key in (array.name, adjoint_key(array.name)):
            out[key] = _storage(array, key, array.name in batched, use, order)
    return out


def _storage(array: Array, key: str, batched: bool, use: Use, order: Iterable[int]) -> Storage:
    sequences = sequence_axes(array.axes)
    given = key == array.name and array.kind in ("param", "input", "const")
    lists = _list_axis(array, given)
    listed = bool(lists) or (key in use.stepwise and not (given and array.kind == "input"))
    loops = tuple(k for k in sequences if array.axes[k].sequence in use.looped and not given)
    leading = tuple(dict.fromkeys((*lists, *loops))) if lists else sequences if listed else loops
    rest = tuple(k for k in order if k not in leading)
    layout = (*leading, *((BATCH_AXIS,) if batched else ()), *rest)
    parts = bool(lists) and len(sequences) > 1
    touched = listed or not (given or key not in use.touched)
    base = tuple(_base(i, not touched or (parts and k not in lists)) for k, i in enumerate(array.axes))
    finite = array.kind == "param" or key != array.name
    counted = key in use.counted
    return Storage(
        key, array.axes, batched, listed, layout, base, array.integer, given, parts, finite, counted
    )


def _list_axis(array: Array, given: bool) -> tuple[int, ...]:
    """The sequence axis whose members differ in shape, if there is one.

    Raises:
        ModelProblem: for several, for a family of arguments of which it is not the first index, and where an
            ordinary axis is what others depend on.
    """
    on = [i for axis in array.axes for end in (axis.low, axis.high) for i in end.indices()]
    if (plain := next((i for i in on if i in array.axes and not i.sequence), None)) is not None:
        raise ModelProblem(
            f"how many elements {array.name} has depends on {plain.name}, which is no sequence index: there "
            "is no code for that",
            array.span,
            f"declare it: index {plain.name} = {show(plain.low)}..{show(plain.high)}; or give all of the "
            "axis a value: where(…, …, 0)",
        )
    lists = ragged(array)
    names = [array.axes[k].name for k in lists]
    if len(lists) > 1:
        raise ModelProblem(
            f"the sizes of {array.name} differ along {' and '.join(names)}: there is no code for that",
            array.span, "let its sizes depend on one of the indices",
        )
    if given and lists and lists[0]:
        raise ModelProblem(
            f"the sizes of {array.name} depend on {names[0]}, which is not its first index", array.span,
            f"put it first: {array.name}[{names[0]}, …], since members that differ in size stand in a list",
        )
    return lists


def _base(axis: Index, exact: bool) -> Affine:
    """0 where a little padding lets code count as the notes do, else the first position."""
    low = axis.low
    if exact or not axis.sequence or not low.is_const or not 0 <= low.const <= 2:
        return low
    return affine(0)


def nodes_of(statement: Statement) -> tuple[Ref | Adjoint, ...]:
    """Everything that a statement touches, its target first."""
    left: Ref | Adjoint = Ref(statement.target, statement.at)
    if statement.target.startswith("∂"):
        left = Adjoint(statement.target[1:], statement.at)
    return (left, *reads_of(statement))
