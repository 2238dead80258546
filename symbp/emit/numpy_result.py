"""The line that returns the cost and the gradients, each in the structure of its array."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from symbp.arrays.instructions import Program, assignments
from symbp.arrays.statement import adjoint_key
from symbp.arrays.storage import BATCH_AXIS, Storage
from symbp.emit.numpy_door import Door
from symbp.model.core import Model


@dataclass(frozen=True)
class Result:
    """What a program returns.

    ``families`` are keys of gradients of families whose members have one shape.  In a workspace ``rows``
    names arrays of the members of some, and ``rebound`` are keys of those whose members need not be these
    rows.
    """

    model: Model
    names: Mapping[str, str]
    wanted: Sequence[str]
    program: Program
    families: Collection[str]
    rows: Mapping[str, str] = field(default_factory=dict)
    rebound: Collection[str] = ()
    in_workspace: bool = False

    @property
    def line(self) -> str:
        """The line, without its indentation."""
        gradients = ", ".join(map(self.gradient, self.wanted))
        return f"return float({self.names[self.model.cost]}), Gradients({gradients})"

    @cached_property
    def written(self) -> frozenset[str]:
        """The keys of what the program computes."""
        return frozenset(a.target.key for a in assignments(self.program.backward))

    def gradient(self, name: str) -> str:
        """One field of the result."""
        key, kind = adjoint_key(name), kind_name(self.names, name)
        storage = self.program.storages[key]
        door = Door(self.model, self.program.storages, self.names)
        family = door.members(self.model.arrays[name])
        if key not in self.written:
            zeros = self.zeros(name)
            return f"_like({kind}, {zeros})" if family else zeros
        members = trimmed(storage, self.names[key])
        value = given_order(storage, members)
        if value == members and key in self.rows and key not in self.rebound:
            return f"{self.rows[key]} if {kind} is np.ndarray else _like({kind}, {value})"
        if value == members and key in self.families:
            return f"_rows_like({kind}, {', '.join([value, *filter(None, [self.rows.get(key)])])})"
        like = f"_like({kind}, {value})" if family else value
        if family and self.in_workspace and storage.listed:
            fresh = value if value.endswith("]") else f"[*{value}]"
            return f"{fresh} if {kind} is list else {like}"
        return like

    def zeros(self, name: str) -> str:
        """The gradient of what the cost does not depend on."""
        given = self.program.storages[name]
        value = trimmed(given, self.names[name])
        return f"[np.zeros_like(member) for member in {value}]" if given.listed else f"np.zeros_like({value})"


def kind_name(names: Mapping[str, str], name: str) -> str:
    """The name of the type in which a family is given."""
    return f"{names[name]}_type"


def trimmed(storage: Storage, text: str) -> str:
    """An array without the padding in front."""
    slices = []
    for axis in storage.layout:
        gap = storage.axes[axis].low - storage.base[axis] if axis != BATCH_AXIS else None
        slices.append(f"{gap.const}:" if gap is not None and gap.const else ":")
        if storage.listed:
            break
    while slices and slices[-1] == ":":
        slices.pop()
    return f"{text}[{', '.join(slices)}]" if slices else text


def given_order(storage: Storage, text: str) -> str:
    """The batch first, then the axes in the order of the model; so does each member of a list."""
    layout = storage.member_layout
    member = _reordered(layout, "member" if storage.listed else text)
    if not storage.listed:
        return member
    return text if member == "member" else f"[{member} for member in {text}]"


def _reordered(layout: Sequence[int], text: str) -> str:
    """An array whose axes stand in the order of their numbers."""
    order = tuple(layout.index(a) for a in sorted(layout))
    if order == tuple(range(len(order))):
        return text
    if order[:2] == (1, 0) and order[2:] == tuple(range(2, len(order))):
        return f"{text}.swapaxes(0, 1)" if len(order) > 2 else f"{text}.T"
    return f"{text}.transpose({', '.join(map(str, order))})"
