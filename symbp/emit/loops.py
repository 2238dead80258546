"""Instructions as loops over single elements: the form that a compiler of loops makes fast.

Where NumPy has one call for a whole array, this has a loop for each axis and one line in the innermost
(:mod:`symbp.emit.loops_nest`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from symbp.arrays.nodes import Allocate, Assign, Guard, Instruction, Keep, Load, Loop
from symbp.arrays.storage import Storage
from symbp.calculus.affine import affine
from symbp.calculus.names import fresh_name
from symbp.emit.loops_nest import Nests
from symbp.emit.numpy_body import Lines, branches, comment
from symbp.emit.numpy_text import SUM


@dataclass
class LoopBody(Nests):
    """Writes the body of a function as loops."""

    zeroed: set[str] = field(default_factory=set)
    """The lists whose members were made at once, of zeros: what nothing is assigned to stays 0."""

    def block(self, instructions: Sequence[Instruction]) -> Lines:
        outer, self.lines = self.lines, []
        before = self.known()
        for group in branches(instructions):
            if isinstance(group, Assign):
                self.assign(group)
            else:
                self.forget(group)
                self.lines += self.compound(group)
        self.only(before)
        made, self.lines = self.lines, outer
        return made

    def hoist(self, loop: Loop, alone: bool) -> Lines:
        """Nothing: the compiler takes out of a loop what does not change in it."""
        return []

    def forget(self, group: Allocate | Keep | Loop | tuple[Guard, ...]) -> None:
        """Values made of arrays that a loop or a condition may change."""
        inner = group if isinstance(group, tuple) else (group,)
        for key in _written(inner):
            self.changed(key)
            self.renewed(key)

    def allocate(self, node: Allocate) -> str:
        self.made.add(node.key)
        storage, name = self.storages[node.key], self.names[node.key]
        if node.key in self.unpadded:
            return ""
        self.needs.dtype = True
        kind = self.names["#dtype"]
        if not storage.nested:
            return f"{name} = np.{'zeros' if node.zero else 'empty'}({self.shape(storage)}, {kind})"
        axis, base = storage.axes[storage.layout[0]], storage.base[storage.layout[0]]
        count = self.writer().integer(axis.high - base + 1, True).at(SUM)
        self.lines.append(f"{name} = [np.empty({_empty(len(storage.member_layout))}, {kind})]*({count})")
        if not node.zero and not storage.parts:
            return ""
        index = fresh_name(axis.name, self.indices.values(), self.names.values(), self.taken)
        self.indices[axis] = index
        low, high = (self.writer().integer(e, True).text for e in (axis.low, axis.high + 1))
        place = self.writer().integer(affine(axis) - base).text
        self.lines.append(f"for {index} in range({low}, {high}):")
        make = "zeros" if node.zero else "empty"
        self.zeroed |= {node.key} if node.zero else set()
        self.lines.append(f"    {name}[{place}] = np.{make}({self.member_shape(storage)}, {kind})")
        del self.indices[axis]
        return ""

    def member_shape(self, storage: Storage) -> str:
        """The shape of a member at the present indices."""
        return self.shape(replace(storage, layout=storage.member_layout, listed=False))

    def assign(self, a: Assign) -> None:
        """Room for the target if it has none, then its elements."""
        self.room_for(a)
        self.store(a.target, a.value, a.accumulate, comment(a.numbers))
        self.changed(a.target.key)

    def room_for(self, a: Assign) -> None:
        key, storage = a.target.key, self.storages[a.target.key]
        if a.accumulate or key in self.unpadded or not storage.layout:
            return
        kind = self.names["#dtype"]
        if storage.parts or key in self.zeroed:
            return  # its members were made at once: this is a part of one
        if storage.nested:
            self.needs.dtype = True
            self.renewed(key)
            shape = self.member_at(storage, a.target)
            self.lines.append(f"{self.scalars().member(a.target)} = np.empty({shape}, {kind})")
        elif key not in self.made:
            self.needs.dtype = True
            self.made.add(key)
            self.lines.append(f"{self.names[key]} = np.empty({self.shape(storage)}, {kind})")

    def member_at(self, storage: Storage, target: Load) -> str:
        """The shape of the member that is assigned: its sizes may depend on which one it is."""
        first = storage.layout[0]
        axis, base = storage.axes[first], storage.base[first]
        head = target.subscripts[0]
        position = getattr(head, "position", None)
        assert position is not None
        place = {axis: position + base}
        axes = tuple(
            replace(i, lo=i.low.substitute(place), hi=i.high.substitute(place)) for i in storage.axes
        )
        bases = tuple(b.substitute(place) for b in storage.base)
        return self.member_shape(replace(storage, axes=axes, base=bases))


def _written(instructions: Iterable[Instruction]) -> Iterable[str]:
    for i in instructions:
        match i:
            case Assign(target):
                yield target.key
            case Allocate(key):
                yield key
            case Loop() | Guard():
                yield from _written(i.body)


def _empty(rank: int) -> str:
    """The shape of an array without elements, with this many axes."""
    return f"({', '.join(['0']*rank)}{',' if rank == 1 else ''})"
