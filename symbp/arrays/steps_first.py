"""Inputs of (batch, T, D) that products for all steps read: copied once, with the steps in front.

``x.swapaxes(0, 1) @ U.T`` multiplies small matrices, and the gradient of U would copy both of its operands
to sum over steps and examples at once; of the copy both are one product of matrices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from symbp.arrays.instructions import Program
from symbp.arrays.nodes import (
    Assign,
    Contract,
    Elementwise,
    Instruction,
    Labels,
    Load,
    Node,
    Span,
    Subscript,
    map_below,
)
from symbp.arrays.storage import BATCH_AXIS, Storage
from symbp.calculus.affine import Affine

TURNED = " turned"
"""What the key of a copy has behind that of its input: no name of a model has a space."""


def turned_key(key: str) -> str:
    """The key of the copy of an input."""
    return f"{key}{TURNED}"


def original(key: str) -> str:
    """The key of the input of which ``key`` is the copy."""
    return key.removesuffix(TURNED)


def steps_first(program: Program) -> Program:
    """The program with such copies of inputs, where two products or more want one and none does not."""
    votes: dict[str, list[bool]] = {}
    read: dict[str, Load] = {}
    for a in _outside(program):
        for node, want in _products(a.value, a.target.labels):
            for load, other in ((node.left, node.right), (node.right, node.left)):
                if isinstance(load, Load) and _is_whole(load, program.storages[load.key]):
                    votes.setdefault(load.key, []).append(_wants_steps(load, other, node.over, want))
                    read.setdefault(load.key, load)
    keys = {key for key, found in votes.items() if len(found) > 1 and all(found)}
    if not keys:
        return program
    storages = {**program.storages, **{turned_key(k): _turned(program.storages[k]) for k in keys}}
    copies = tuple(_copy(load) for key, load in read.items() if key in keys)

    def change(body: tuple[Instruction, ...]) -> tuple[Instruction, ...]:
        return tuple(
            replace(i, value=_read(i.value, lambda n: _reads_copy(n, keys, program))) if isinstance(i, Assign)
            else i
            for i in body
        )

    forward, backward = change(program.forward), change(program.backward)
    return replace(program, forward=(*copies, *forward), backward=backward, storages=storages)


def _outside(program: Program) -> Iterator[Assign]:
    """The assignments that no loop is around."""
    return (i for i in (*program.forward, *program.backward) if isinstance(i, Assign))


def _products(node: Node, want: Labels) -> Iterator[tuple[Contract, Labels]]:
    """The products that a value is a sum of, with the order of axes that it is computed for."""
    match node:
        case Contract():
            yield node, want
        case Elementwise("+" | "neg", args):
            for arg in args:
                yield from _products(arg, want)


def _is_whole(load: Load, storage: Storage) -> bool:
    """Whether all of an input is read that has the batch, then the steps, then the axes of each step."""
    if not storage.given or storage.listed or storage.integer is not None or len(storage.layout) < 3:
        return False
    first, second, *_ = storage.layout
    steps = first == BATCH_AXIS and bool(storage.axes[second].sequence)
    return steps and all(map(_all_of_axis, load.subscripts, map(storage.extent, storage.layout)))


def _all_of_axis(subscript: Subscript, extent: Affine) -> bool:
    match subscript:
        case Span(label, start, 1):
            return start == Affine() and label.extent == extent
        case _:
            return False


def _wants_steps(load: Load, other: Node, over: Labels, want: Labels) -> bool:
    """Whether a product has the steps before the examples: in its result, or in what it sums over."""
    batch, step = load.labels[:2]
    order = want if batch in want else other.labels if {batch, step} <= {*over} else ()
    return batch in order and step in order and order.index(step) < order.index(batch)


def _turned(storage: Storage) -> Storage:
    first, second, *rest = storage.layout
    return replace(storage, key=turned_key(storage.key), layout=(second, first, *rest), given=False)


def _copy(load: Load) -> Assign:
    """The line that copies an input, of which ``load`` reads everything."""
    target = _steps_before(load)
    return Assign(target, Elementwise("copy", (load,), target.labels))


def _steps_before(load: Load) -> Load:
    """What reads of the copy what ``load`` reads of the input."""
    first, second, *places = load.subscripts
    batch, step, *rest = load.labels
    return Load(turned_key(load.key), (second, first, *places), (step, batch, *rest))


def _reads_copy(node: Node, keys: set[str], program: Program) -> Node:
    """A reading of an input as one of its copy."""
    if isinstance(node, Load) and node.key in keys and _is_whole(node, program.storages[node.key]):
        return _steps_before(node)
    return node


def _read(node: Node, change: Callable[[Node], Node]) -> Node:
    """A value with the operands of its products changed."""
    match node:
        case Contract(left, right):
            return replace(node, left=change(left), right=change(right))
        case Elementwise("+" | "neg", _):
            return map_below(node, lambda n: _read(n, change))
        case _:
            return node
