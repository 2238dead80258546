"""The array program: expressions over arrays whose axes have names, and statements on them.

Every expression has ``labels``: one :class:`~symbp.calculus.affine.Index` for each axis, in the order
in which the axes lie when nothing asks for another.  Operations go by label, as on paper: an
elementwise product of (b, j) and (j) is (b, j).  The examples in a batch are one more label,
:data:`BATCH`.  Transposes, inserted axes and the choice between ``@`` and ``sum`` are decided where
the tree is printed; the same tree serves the matrix form and NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from symbp.calculus.affine import ALONE, Affine, Factor, Index, Size, affine

Labels = tuple[Index, ...]

BATCH_SIZE = Size("#batch")
"""The number of examples; the sign keeps it apart from every size that a model can name."""
BATCH = Index("batch", ALONE, Affine(), affine(BATCH_SIZE) - 1)
"""The axis of the examples."""


# ── how an axis of a stored array is read ─────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class At:
    """One position, counted from 0: the axis goes away."""

    position: Affine


@dataclass(frozen=True, slots=True)
class Span:
    """Positions start, start+step, … up to the extent of ``label``; the axis becomes ``label``."""

    label: Index
    start: Affine
    step: Factor = 1


@dataclass(frozen=True, slots=True)
class Window:
    """Positions start + Σ step·label: one axis becomes several (``x[i+p]`` over i and p)."""

    labels: Labels
    start: Affine
    steps: tuple[Factor, ...]


@dataclass(frozen=True, slots=True)
class Take:
    """Positions that are values: a gather.  The labels of ``ids`` stand instead of the axis."""

    ids: Node


Subscript = At | Span | Window | Take


# ── expressions ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Load:
    """A stored array read at ``subscripts``, one for each of its axes in the order of its layout."""

    key: str
    subscripts: tuple[Subscript, ...]
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Local:
    """A name that is in scope as it is: the argument of a user's function."""

    name: str
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Num:
    """A number."""

    value: Fraction
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class IndexValue:
    """The integer ``value``: of sizes and loop indices, and along ``labels`` of array indices.

    ``whole`` if it stays an integer wherever it stands, as beside the elements of an integer array:
    what is made of both may be a position, whatever else it is.
    """

    value: Affine
    labels: Labels = ()
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Elementwise:
    """``op`` element by element: + * neg / **, where, comparisons, and or not.

    ``flag`` is a condition as 1 or 0; ``cast`` an integer array as numbers; ``clip`` positions moved
    into 0 … the second argument; ``spread`` a value over axes on which it does not depend.
    """

    op: str
    args: tuple[Node, ...]
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Apply:
    """An elementwise function by its name in the model; ``orders`` counts derivatives by argument."""

    function: str
    args: tuple[Node, ...]
    orders: tuple[int, ...] = ()
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Contract:
    """Σ over the labels ``over`` of the product of two operands: ``@``, dot, outer products."""

    left: Node
    right: Node
    over: Labels
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Fold:
    """sum, prod, max, min or logsumexp over the labels ``over``."""

    op: str
    arg: Node
    over: Labels
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Normalised:
    """softmax, argmax or argmin weights along ``over``, which stays."""

    op: str
    arg: Node
    over: Index
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Slices:
    """The parts of a stored array at each of the few offsets ``over`` of windows, in a list."""

    arg: Load
    over: Labels
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Winners:
    """argmax or argmin weights over several labels, one after the other: they are the first axes.

    ``[p is best] [q is best at p]`` is read from one comparison with the extreme over both.
    """

    op: str
    slices: Slices
    labels: Labels = ()

    @property
    def top(self) -> Fold:
        """The extreme entries."""
        load, over = self.slices.arg, self.slices.over
        return Fold(self.op.removeprefix("arg"), load, over, self.labels[len(over):])


@dataclass(frozen=True, slots=True)
class Select:
    """The axis ``label`` of a computed array read at ``ids``: a gather of values just computed."""

    arg: Node
    label: Index
    ids: Node
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class LoopSum:
    """Σ over an index whose members lie in a list: the terms are added one by one."""

    index: Index
    body: Node
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """``then`` or ``other`` as a condition on loop indices says: only the chosen one is computed."""

    cond: Node
    then: Node
    other: Node
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What a method of the object ``key`` makes of ``arg``, with the axes ``order``, at one of its steps."""

    key: str
    method: str
    at: Affine
    arg: Node
    order: Labels
    labels: Labels = ()


Node = (
    Load | Local | Num | IndexValue | Elementwise | Apply | Contract | Fold | Normalised | Slices
    | Winners | Select | LoopSum | Choice | Step
)


# ── statements ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Assign:
    """``target = value``, ``+=`` with ``accumulate``; ``numbers`` are equation numbers."""

    target: Load
    value: Node
    numbers: tuple[int, ...] = ()
    accumulate: bool = False


@dataclass(frozen=True, slots=True)
class Allocate:
    """Room for an array that is filled part by part; ``zero`` if parts are added to it."""

    key: str
    zero: bool = False


@dataclass(frozen=True, slots=True)
class Loop:
    """``body`` for every value of ``index`` between the least of ``lows`` and the greatest of
    ``highs``, downwards if ``down``."""

    index: Index
    lows: tuple[Affine, ...]
    highs: tuple[Affine, ...]
    down: bool
    body: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class Guard:
    """``body`` only where ``low <= index <= high`` (an end that is None is open)."""

    index: Index
    low: Affine | None
    high: Affine | None
    body: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class Keep:
    """An object that keeps what ``steps`` steps make of ``matrix``, with the axes ``order``."""

    key: str
    matrix: Node
    order: Labels
    steps: Affine


Instruction = Assign | Allocate | Loop | Guard | Keep


def join(*parts: Labels) -> Labels:
    """The labels of a broadcast: those of the widest operand first, then what the others add.

    The batch stays in front of what is added around it.
    """
    widest = max(parts, key=len, default=())
    found = dict.fromkeys(widest)
    for part in parts:
        found.update(dict.fromkeys(part))
    if BATCH in found and BATCH not in widest:
        del found[BATCH]
        return (BATCH, *found)
    return tuple(found)


def elementwise(op: str, *args: Node) -> Node:
    """An elementwise operation; its labels are those of its arguments together."""
    return Elementwise(op, args, join(*(a.labels for a in args)))


def below(node: Node) -> tuple[Node, ...]:
    """The expressions directly below a node, those in its subscripts too."""
    match node:
        case Load(_, subscripts):
            return tuple(s.ids for s in subscripts if isinstance(s, Take))
        case Elementwise(_, args) | Apply(_, args):
            return args
        case Contract(left, right):
            return (left, right)
        case Fold(_, arg) | Normalised(_, arg) | LoopSum(_, arg) | Slices(arg) | Winners(_, arg):
            return (arg,)
        case Step(_, _, _, arg):
            return (arg,)
        case Select(arg, _, ids):
            return (arg, ids)
        case Choice(cond, then, other):
            return (cond, then, other)
        case Local() | Num() | IndexValue():
            return ()
        case _:
            raise TypeError(f"{type(node).__name__} is not an array node")


def map_below(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with every expression directly below it changed; itself if none is."""
    match node:
        case Load(_, subscripts):
            taken = tuple(Take(change(s.ids)) if isinstance(s, Take) else s for s in subscripts)
            new: Node = replace(node, subscripts=taken)
        case Elementwise(_, args) | Apply(_, args):
            new = replace(node, args=tuple(change(a) for a in args))
        case Contract(left, right):
            new = replace(node, left=change(left), right=change(right))
        case Fold(_, arg) | Normalised(_, arg) | Step(_, _, _, arg):
            new = replace(node, arg=change(arg))
        case Slices() | Winners():
            return node
        case LoopSum(_, body):
            new = replace(node, body=change(body))
        case Select(arg, _, ids):
            new = replace(node, arg=change(arg), ids=change(ids))
        case Choice(cond, then, other):
            new = replace(node, cond=change(cond), then=change(then), other=change(other))
        case Local() | Num() | IndexValue():
            return node
        case _:
            raise TypeError(f"{type(node).__name__} is not an array node")
    return node if new == node else new


def loaded(node: Node) -> set[str]:
    """The keys of the arrays that a value is made of."""
    found = {node.key} if isinstance(node, Load) else set()
    return found.union(*(loaded(n) for n in below(node)))
