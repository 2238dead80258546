"""The body of a function that computes in the arrays of a workspace."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from symbp.arrays.buffers import Kind, may_hold_parts, moving
from symbp.arrays.nodes import (
    Allocate,
    Assign,
    Choice,
    Elementwise,
    Keep,
    Labels,
    Load,
    Loop,
    Node,
    Select,
    Span,
)
from symbp.arrays.storage import Storage
from symbp.arrays.turns import changes
from symbp.calculus.affine import Affine
from symbp.emit.numpy_body import Body, Lines, comment, line
from symbp.emit.numpy_index import place
from symbp.emit.numpy_into import IntoWriter
from symbp.emit.numpy_into_index import takes
from symbp.emit.numpy_logspace import keeper
from symbp.emit.numpy_rooms import NOTHING, TARGET, Room, Rooms
from symbp.emit.numpy_text import ATOM, PRODUCT, Code, arranged, expanded


@dataclass
class IntoBody(Body):
    """Writes the lines; ``rooms`` are the arrays that they need from call to call."""

    rooms: Rooms = field(default_factory=Rooms)
    zeroed: set[str] = field(default_factory=set)
    """Lists whose members are set to zero in each call: none of them may be another array."""
    settled: frozenset[str] = frozenset()
    """Lists of which no member is read before it is written, and arrays that keep their zeros."""

    turns: Mapping[str, int] = field(default_factory=dict)
    """How many arrays the members of a list take turns in, by key (:mod:`symbp.arrays.alternating`)."""
    rows_of: dict[str, str] = field(default_factory=dict)
    """The names of arrays whose rows are the members of lists, by key."""
    rebound: set[str] = field(default_factory=set)
    """The keys of lists of which a member may become another array."""
    lying: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """In which order the axes of variables lie in memory, if not in that of their storage."""
    orders: dict[str, frozenset[tuple[int, ...]]] = field(default_factory=dict)
    """The orders in which variables that are read as matrices would need no copy, by key."""
    stacks: set[str] = field(default_factory=set)
    """The keys of variables that stacks of products are written into, which may lie in any order."""
    copies: dict[str, str] = field(default_factory=dict)
    """The names of copies in another order of what has a name itself, by how they would be written."""
    around: Loop | None = None
    """The outermost loop around this place."""
    ahead: Lines = field(default_factory=list)
    """Lines that go before it."""
    outside: frozenset[str] = frozenset()
    """The names of values that are computed before it."""

    def writer(self) -> IntoWriter:
        return IntoWriter(self.storages, self.names, self.needs, self.indices, owner=self)

    @property
    def repeated(self) -> bool:
        """Whether loops are around this place."""
        return bool(self.indices)

    # ── rooms ─────────────────────────────────────────────────────────────────────────────────────

    def spare(self, groups: Sequence[Labels], what: Kind, whole: bool = False) -> Room:
        """An array with an axis for each group of labels: one for each turn where its shape moves."""
        shape = self.shape_key(groups, what)
        return self.rooms.take(shape, whole, lambda: self.new_room(groups, shape, whole))

    def new_room(self, groups: Sequence[Labels], shape: str, whole: bool) -> Room:
        name = self.unused("spare")
        loops = moving(tuple(i for g in groups for i in g), self.indices)
        if not loops:
            return Room(self.rooms.keep(name), shape, whole=whole)
        index = loops[0]
        if len(loops) > 1 or not index.low.is_const or index.low.const < 0 or moving((index,), self.indices):
            return Room(name, shape, kept=False, whole=whole)
        count = self.plain().integer(index.high + 1, spaced=True).at(ATOM)
        self.rooms.keep(name, f"[None]*{count}")
        return Room(f"{name}[{self.indices[index]}]", shape, whole=whole)

    def shape_key(self, groups: Sequence[Labels], what: Kind) -> str:
        """Shape and kind as text; what is of unknown kind shares nothing with anything."""
        if what == "other":
            return ""
        plain = self.plain()
        ends = ["*".join(plain.integer(i.extent).text for i in g) or "1" for g in groups]
        # the same text means the same numbers only inside of the same loops
        loops = moving(tuple(i for g in groups for i in g), self.indices)
        ends_of = [(plain.integer(i.low).text, plain.integer(i.high).text) for i in loops]
        turns = [f"{self.indices[i]}={a}..{b}" for i, (a, b) in zip(loops, ends_of, strict=True)]
        return f"{what} ({', '.join(ends)}) {' '.join(turns)}".strip()

    def allocate(self, node: Allocate) -> str:
        """The workspace has the array already; where zeros are added to, they are set again."""
        name = self.names[node.key]
        if node.key in self.families:
            self.rooms.keep(name, self.members(node))
        else:
            begins = super().allocate(node).partition(" = ")[2]
            shared = node.key in self.turns and node.key not in self.lying and begins.startswith("[None]*")
            self.rooms.keep(name, self.in_turns(self.storages[node.key]) if shared else begins)
        if not node.zero:
            return ""
        storage = self.storages[node.key]
        if not self.rooms.begins[name].startswith("np."):
            first = storage.layout[0]
            gap = storage.axes[first].low - storage.base[first]
            self.zeroed.add(node.key)
            if node.key in self.settled:
                return ""
            members = name if gap == Affine() else f"{name}[{self.plain().integer(gap).text}:]"
            return f"for member in {members}: member.fill(0)"
        return "" if node.key in self.settled else f"{name}.fill(0)"

    def keep(self, node: Keep) -> Lines:
        """The workspace has the object already; it takes its matrix."""
        writer = self.writer()
        name, begins, given = keeper(writer, node)
        writer.done()
        return [*writer.lines, f"{self.rooms.keep(name, begins)}.{given}"]

    def members(self, node: Allocate) -> str:
        """The members of a family as rows of one array: it need not be put together in each call."""
        storage = self.storages[node.key]
        self.needs.dtype = True
        first = storage.layout[0]
        ends = [storage.axes[a].high - storage.base[a] + 1 for a in storage.layout]
        gap = storage.axes[first].low - storage.base[first]
        shape = self.written_shape([ends[0] - gap, *ends[1:]])
        how = "zeros" if node.zero else "empty"
        rows = self.unused(f"{self.names[node.key]}_rows")
        self.rows_of[node.key] = self.rooms.keep(rows, f"np.{how}({shape}, {self.names['#dtype']})")
        return f"[{'None, '*gap.const}*{rows}]"

    def in_turns(self, storage: Storage) -> str:
        """A list of few arrays that come again and again."""
        self.needs.dtype = True
        first, count = storage.layout[0], self.turns[storage.key]
        members = storage.axes[first].high - storage.base[first] + 1
        shape = self.shape(replace(storage, layout=storage.member_layout, listed=False))
        if count == 1:
            text = self.plain().integer(members, spaced=True).at(ATOM)
            return f"[np.empty({shape}, {self.names['#dtype']})]*{text}"
        rounds = self.plain().integer(members - 1, spaced=True).at(PRODUCT)
        return f"[*np.empty(({count}, {shape[1:]}, {self.names['#dtype']})]*({rounds}//{count} + 1)"

    # ── how variables lie in memory ───────────────────────────────────────────────────────────────

    def lies(self, node: Node) -> Labels:
        """The axes of a value in the order in which they lie in memory."""
        if isinstance(node, Load) and node.key in self.lying and self.whole(node):
            return tuple(node.labels[k] for k in self.lying[node.key])
        return node.labels

    def whole(self, node: Load) -> bool:
        """Whether a reading is of all axes of an array."""
        return node.labels == tuple(s.label if isinstance(s, Span) else None for s in node.subscripts)

    def read_as_matrix(self, node: Node, first: Labels, second: Labels) -> None:
        """Take notice that a variable is read as a matrix with several axes as one."""
        if isinstance(node, Load) and self.whole(node) and {*first, *second} == {*node.labels}:
            both = ((*first, *second), (*second, *first))
            fit = frozenset(tuple(map(node.labels.index, order)) for order in both)
            self.orders[node.key] = self.orders.get(node.key, fit) & fit

    def better(self) -> dict[str, tuple[int, ...]]:
        """The orders in which variables would rather lie: the last axis stays, which products run along."""
        found: dict[str, tuple[int, ...]] = {}
        for key in self.stacks & self.orders.keys():
            axes = len(self.storages[key].layout)
            if tuple(range(axes)) not in (fit := self.orders[key]):
                found.update((key, order) for order in fit if order[-1] == axes - 1)
        return found

    def turned_room(self, key: str, have: Labels, writer: IntoWriter) -> str:
        """How an array begins that lies in an order of its own."""
        self.needs.dtype = True
        order = tuple(have[k] for k in self.lying[key])
        return arranged(Code(f"np.empty({writer.shape(order)}, {self.names['#dtype']})"), order, have).text

    # ── values with names ─────────────────────────────────────────────────────────────────────────

    def named(self, writer: IntoWriter, stem: str, node: Node, want: Labels) -> str:  # type: ignore[override]
        kept, before = (writer.target, writer.own), len(writer.lines)
        writer.target, writer.own = None, {}
        old = set(self.rooms.begins)
        code = writer.write(node, want)
        room = writer.own.pop(code.text, None)
        if room is not None:
            writer.done()
        writer.target, writer.own = kept
        name = re.match(r"\w+", code.text)
        if room is None or name is None:
            fixed = self.unused(stem)
            writer.lines.append(f"{fixed} = {code.text}")
            return fixed
        if name[0] in old or not room.kept:
            return code.text
        fixed = self.unused(stem)
        self.taken.discard(name[0])
        self.rooms.begins[fixed] = self.rooms.begins.pop(name[0])
        for k in range(before, len(writer.lines)):
            writer.lines[k] = re.sub(rf"\b{name[0]}\b", fixed, writer.lines[k])
        return fixed + code.text[len(name[0]) :]

    def in_order(self, writer: IntoWriter, stem: str, node: Node, want: Labels) -> str:  # type: ignore[override]
        text = writer.write(node, want).text
        name = self.unused(stem)
        if moving(want, self.indices):
            writer.lines.append(f"{name} = np.ascontiguousarray({text})")
            return name
        self.copy(writer, self.rooms.keep(name), text)
        return name

    def copy(self, writer: IntoWriter, name: str, text: str) -> None:
        writer.lines.append(self.copying(name, text))

    def copying(self, name: str, text: str) -> str:
        """The line that copies a value into an array that stays."""
        self.needs.helpers["_copied"] = None
        self.needs.dtype = True
        return f"{name} = _copied({text}, {self.names['#dtype']}, {name})"

    def turned(self, lines: Lines, node: Node, text: str, order: Labels) -> str:
        """The name of the copy of a value that stays, in the order of ``order``; "" if a loop changes it.

        It is made once, by one of ``lines`` or before the loops around this place, and serves to the end: an
        array is read when all of it is there.
        """
        if self.around is not None:
            if isinstance(node, Load):
                text = self.plain().write(node, order).text
            elif first_name(text) not in self.outside:
                return ""
            if changes(node, self.around):
                return ""
            lines = self.ahead
        if text not in self.copies:
            self.copies[text] = self.rooms.keep(self.unused(f"{first_name(text)}_turned"))
            lines.append(self.copying(self.copies[text], text))
        return self.copies[text]

    def mask(self, labels: Labels) -> str:
        if moving(labels, self.indices):
            return NOTHING
        return self.rooms.keep(self.unused("mask"), f"np.empty({self.writer().shape(labels)}, bool)")

    def places(self, labels: Labels) -> str:
        return "" if moving(labels, self.indices) else self.rooms.keep(self.unused("places"))

    def loop(self, loop: Loop) -> Lines:
        if self.around is not None:
            return super().loop(loop)
        self.around, self.ahead = loop, []
        lines = super().loop(loop)
        place = next(k for k, text in enumerate(lines) if text.startswith("for "))
        self.around = None
        return [*lines[:place], *self.ahead, *lines[place:]]

    def hoist(self, loop: Loop, alone: bool) -> Lines:
        if loop is not self.around:
            return super().hoist(loop, alone)
        self.around = None  # these lines go before the loop themselves, each copy before its line
        lines = super().hoist(loop, alone)
        self.around = loop
        self.outside = frozenset(map(first_name, self.hoisted.values()))
        return lines

    # ── assignments ───────────────────────────────────────────────────────────────────────────────

    def assignment(self, writer: IntoWriter, a: Assign) -> Lines:  # type: ignore[override]
        """The lines of an assignment."""
        lines = self.filled(writer, a)
        if any(_rebinds(text, self.names[a.target.key]) for text in lines):
            self.rebound.add(a.target.key)
        lines[0] += comment(a.numbers)
        return lines

    def filled(self, writer: IntoWriter, a: Assign) -> Lines:
        view, entries, have = place(writer, a.target)
        key, name = a.target.key, self.names[a.target.key]
        bound = (view == name and key not in self.made) or (
            self.storages[key].listed and "[" not in view.removeprefix(f"{name}[")
        )
        value = a.value
        if isinstance(value, Elementwise) and value.op == "spread" and not bound:
            value = value.args[0]
        gathered = isinstance(value, Load) and takes(writer, value)
        stored = isinstance(value, (Load, Choice, Select)) and not gathered
        stored = stored or writer.named_already(value, have)
        kept = bound and key in self.fresh | self.zeroed
        if a.accumulate or entries or not have or (stored and not kept):
            last = line(self, writer, Assign(a.target, a.value, (), a.accumulate))
            writer.done()
            return [*writer.lines, *(map(added, last) if have and not entries else last)]
        if stored:
            self.copy(writer, self.rooms.keep(name) if view == name else view, writer.write(value, have).text)
            return writer.lines
        writer.target = have if may_hold_parts(a) else None
        writer.target_in_one_piece = bound or _in_one_piece(view)
        writer.target_name = name if bound and view == name and not self.indices else ""
        if key in self.lying:
            self.rooms.keep(name, self.turned_room(key, have, writer))
            writer.target_in_one_piece, writer.target_name = False, ""
        code = writer.write(value, have)
        if writer.target_is_stack and writer.target_name:
            self.stacks.add(key)
        code = expanded(code, tuple(i for i in have if i in value.labels), have)
        return self.finished(writer, view, bound, code)

    def finished(self, writer: IntoWriter, view: str, bound: bool, code: Code) -> Lines:
        """The lines with the target in its place, and the value in the target."""
        lines = writer.lines
        used = any(TARGET in text for text in lines)
        if used and code.text != TARGET:
            lines.append(f"np.copyto({TARGET}, {code.text})")
        if not used and bound and not view.isidentifier() and self.holds(code):
            self.copy(writer, view, code.text)
            writer.done()
            return lines
        if not used and bound:
            return [*lines, f"{view} = {code.text}"]
        writer.done()
        if not used:
            target = view if view.endswith("]") else f"{view}[...]"
            return [*lines, f"{target} = {code.text}"]
        if bound:
            if view.isidentifier():
                self.rooms.keep(view)
            return [text.replace(TARGET, view) for text in lines]
        return self.part(lines, view)

    def holds(self, code: Code) -> bool:
        """Whether a value lies in an array of the workspace, which the next turn of a loop writes again."""
        return first_name(code.text) in self.rooms.begins

    def part(self, lines: Lines, view: str) -> Lines:
        """A part of an array gets a name if more than one line works on it."""
        places = [k for k, text in enumerate(lines) if TARGET in text]
        first = lines[places[0]].removeprefix(f"{TARGET} = ").replace(TARGET, view)
        if len(places) == 1:
            return [*lines[: places[0]], first, *lines[places[0] + 1 :]]
        name = self.unused(part_name(view))
        rest = [text.replace(TARGET, name) for text in lines[places[0] + 1 :]]
        return [*lines[: places[0]], f"{name} = {first}", *rest]


def added(line: str) -> str:
    """``h[t] += value`` as a call: of the steps of an array there is a list, which takes no assignment."""
    found = re.fullmatch(r"(\w+\[[\w +-]+\]) \+= (.*)", line)
    return f"np.add({found[1]}, {found[2]}, {found[1]})" if found else line


def part_name(view: str) -> str:
    """A name for a part of an array: ``da_1`` for ``da[1]``, ``da_part`` where the places are long."""
    name = re.sub(r"\W+", "_", view).strip("_")
    return name if len(name) <= 24 else f"{first_name(view)}_part"


def first_name(text: str) -> str:
    """The name with which a text begins."""
    name = re.match(r"\w+", text)
    return name[0] if name else ""


def _rebinds(line: str, name: str) -> bool:
    """Whether a line puts another array in the place of a member than the one it computes in."""
    target, _, call = line.partition(" = ")
    return target.startswith(f"{name}[") and not call.endswith((f" {target})", f"out={target})"))


def _in_one_piece(view: str) -> bool:
    """Whether a part of an array is one run of memory: positions, then at most one slice."""
    entries = view.partition("[")[2].rstrip("]").split(", ")
    return ":" not in "".join(entries[:-1]) and entries[-1].count(":") < 2
