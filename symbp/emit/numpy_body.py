"""Instructions as lines of Python; what a block computes twice gets a name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from symbp.arrays.nodes import (
    Allocate,
    Assign,
    Choice,
    Contract,
    Elementwise,
    Fold,
    Guard,
    Instruction,
    Keep,
    Labels,
    Load,
    Loop,
    Node,
    Select,
    Span,
    elementwise,
    loaded,
)
from symbp.arrays.storage import BATCH_AXIS, Storage
from symbp.calculus.affine import Affine, Index
from symbp.calculus.names import fresh_name
from symbp.emit.numpy_code import Needs, Writer
from symbp.emit.numpy_index import place
from symbp.emit.numpy_logspace import keeper
from symbp.emit.numpy_named import Shared, hoistable, target_order
from symbp.emit.numpy_scatter import apart, by_number, scatter, scattered, taken_first
from symbp.emit.numpy_shared import invariants, loops, stem, turned
from symbp.emit.numpy_text import ATOM, Code, expanded, is_constant

Lines = list[str]
@dataclass
class Body:
    """Writes the body of one generated function.

    ``fresh`` are keys whose arrays must be the function's own: they are added to, or returned.  ``rolled``
    are keys of lists that are one variable (:mod:`symbp.arrays.rolling`), ``rows`` those of arrays that are
    lists of rows (:mod:`symbp.arrays.rows`).  ``families`` are keys of gradients of families, with the name
    of the type in which each family came.  ``parts`` are keys of lists whose members lines fill part by part.
    """

    storages: Mapping[str, Storage]
    names: Mapping[str, str]
    needs: Needs
    fresh: frozenset[str] = frozenset()
    rolled: frozenset[str] = frozenset()
    rows: frozenset[str] = frozenset()
    families: Mapping[str, str] = field(default_factory=dict)
    parts: frozenset[str] = frozenset()
    taken: set[str] = field(default_factory=set)
    indices: dict[Index, str] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)
    hoisted: dict[str, str] = field(default_factory=dict)
    """The names of values computed before this place, by how they would be written."""
    lasting: set[str] = field(default_factory=set)
    """Those among them that are so in all lines that follow."""

    def block(self, instructions: Sequence[Instruction]) -> Lines:
        """The lines of consecutive instructions."""
        shared = Shared(self, instructions)
        out: Lines = []
        for group in branches(instructions):
            if isinstance(group, Assign):
                out += shared.assign(group)
            else:
                out += self.compound(group)
        return out

    def compound(self, group: Allocate | Keep | Loop | tuple[Guard, ...]) -> Lines:
        match group:
            case Keep():
                return self.keep(group)
            case Allocate():
                return [text] if (text := self.allocate(group)) else []
            case Loop():
                return self.loop(group)
            case _:
                return self.guards(group)

    def plain(self) -> Writer:
        """A writer that only looks: what it writes is compared, and nothing is needed for it.

        It writes the members of all lists, also where one variable holds first this and then that.
        """
        return Writer(self.storages, self.names, Needs(), self.indices)

    def writer(self) -> Writer:
        """A writer that knows the loops around this place."""
        return Writer(self.storages, self.names, self.needs, self.indices, rolled=self.rolled)

    def named(self, writer: Writer, stem: str, node: Node, want: Labels) -> str:
        """A name for a value that several lines read; its line goes to those of the writer."""
        code = writer.write(node, want)
        name = self.unused(stem)
        writer.lines.append(f"{name} = {code.text}")
        return name

    def in_order(self, writer: Writer, stem: str, node: Node, want: Labels) -> str:
        """A name for a matrix laid out in memory in the order of ``want``."""
        name = self.unused(stem)
        writer.lines.append(f"{name} = np.ascontiguousarray({writer.write(node, want).text})")
        return name

    def unused(self, stem: str) -> str:
        """The stem, with a number where something else has that name."""
        name = stem
        for number in range(2, 1000):
            if name not in self.taken and name not in self.names.values():
                break
            name = f"{stem}{number}"
        self.taken.add(name)
        return name

    def assignment(self, writer: Writer, a: Assign) -> Lines:
        """The lines of an assignment."""
        rows = a.target.key in self.rows and not a.accumulate
        product, thin = _product_and_thin(a.value) if rows else (None, a.value)
        if product is None:
            last = line(self, writer, a)
            return [*writer.lines, *([self.listed(text, a.target) for text in last] if rows else last)]
        # their sum would be one more array for all steps
        _, _, have = place(writer, a.target)
        name, added = self.names[a.target.key], writer.write(thin, have)
        added = expanded(added, tuple(i for i in have if i in thin.labels), have)
        first = f"{name} = {writer.write(product, have).text}{comment(a.numbers)}"
        split = f"{name} = {_rows(name, a.target)}"
        return [*writer.lines, first, f"{name} += {added.text}", split]

    def listed(self, text: str, target: Load) -> str:
        """``a[1:] = value`` as the list of the rows of the value, with None where there are none."""
        view, _, rest = text.partition(" = ")
        value, mark, numbers = rest.partition("  # ")
        # rows that are added to have to be the list's own
        whole = f"{value}.copy()" if value.isidentifier() else f"({value})" if " " in value else value
        return f"{view.partition('[')[0]} = {_rows(whole, target)}{mark}{numbers}"

    # ── loops, guards, room ───────────────────────────────────────────────────────────────────────

    def loop(self, loop: Loop) -> Lines:
        index = loop.index
        name = fresh_name(index.name, self.indices.values(), self.names.values(), self.taken)
        low, high = self.end("min", loop.lows), self.end("max", loop.highs)
        if loop.down:
            stop = self.end("min", tuple(a - 1 for a in loop.lows))
            limits = f"{high}, {stop}, -1"
        else:
            stop = self.end("max", tuple(a + 1 for a in loop.highs))
            limits = stop if low == "0" else f"{low}, {stop}"
        outer, alone = set(self.hoisted), not self.indices
        self.indices[index] = name
        before = self.hoist(loop, alone)
        inner = self.block(loop.body)
        del self.indices[index]
        self.hoisted = {t: n for t, n in self.hoisted.items() if t in outer | self.lasting}
        return [*before, f"for {name} in range({limits}):", *indented(inner)]

    def hoist(self, loop: Loop, alone: bool) -> Lines:
        """Lines before a loop for what is the same in all of its turns; ``alone``: no loop is around it."""
        plain, writer = self.plain(), self.writer()
        inside = [n.index for n in loops(loop) if n.index not in self.indices]
        # what is written here does not depend on the inner loops: any name serves
        self.indices.update((i, i.name) for i in inside)
        values = invariants(loop, plain, lambda a: target_order(plain, a))
        found = [(node, want) for node, want in values if not self.counts(node)]
        for i in inside:
            del self.indices[i]
        def known(node: Node, want: Labels) -> Code | None:
            name = self.hoisted.get(plain.write(node, want).text) if hoistable(node, want) else None
            return None if name is None else Code(name)

        writer.shortcut = known
        for node, want in found:
            text = plain.write(node, want).text
            if text not in self.hoisted:
                if isinstance(node, Load) and turned(node, want):
                    name = self.in_order(writer, f"{self.names[node.key]}_T", node, want)
                else:
                    name = self.named(writer, stem(node), node, want)
                self.hoisted[text] = name
                if alone:
                    self.last(text, node, name)
        return writer.lines

    def counts(self, node: Node) -> bool:
        """Whether a value is labels as they are: no product is faster on a copy of them."""
        return isinstance(node, Load) and self.storages[node.key].integer is not None

    def last(self, text: str, node: Node, name: str) -> None:
        """A name outside of all loops serves to the end, if nothing that its value is made of changes."""
        if not loaded(node) & self.fresh:
            self.hoisted[text] = name
            self.lasting.add(text)

    def extremes(self, a: Assign) -> str:
        """What a line says if its variable is the largest or smallest entries of an array, else ""."""
        whole = a.target.key not in self.made | self.fresh and not self.storages[a.target.key].listed
        if self.indices or not whole or not isinstance(a.value, Fold) or a.value.op not in ("max", "min"):
            return ""
        plain = self.plain()
        return plain.write(a.value, target_order(plain, a)).text

    def places(self, labels: Labels) -> str:
        """The name of an array for the places of a scatter; "" if there is none."""
        return ""

    def end(self, choose: str, ends: tuple[Affine, ...]) -> str:
        texts = [self.writer().integer(e, spaced=True).text for e in ends]
        return texts[0] if len(texts) == 1 else f"{choose}({', '.join(texts)})"

    def guards(self, guards: tuple[Guard, ...]) -> Lines:
        """``if`` and, where the second condition is the opposite of the first, ``else``."""
        out: Lines = []
        for k, guard in enumerate(guards):
            head = "else:" if k else f"if {self.condition(guard)}:"
            out += [head, *indented(self.block(guard.body))]
        return out

    def condition(self, guard: Guard) -> str:
        name, write = self.indices[guard.index], self.writer()
        low, high = guard.low, guard.high
        index = guard.index
        if high is not None and (low == high or (low is None and high == index.low)):
            return f"{name} == {write.integer(high, True).text}"
        if low is not None and high is None and low == index.high:
            return f"{name} == {write.integer(low, True).text}"
        if low is None and high is not None:
            return f"{name} < {write.integer(high + 1, True).text}"
        if low is not None and high is None:
            return f"{name} > {write.integer(low - 1, True).text}"
        assert low is not None and high is not None
        return f"{write.integer(low, True).text} <= {name} <= {write.integer(high, True).text}"

    def allocate(self, node: Allocate) -> str:
        if node.key in self.rolled | self.rows:
            return ""
        storage, name, write = self.storages[node.key], self.names[node.key], self.writer()
        self.made.add(node.key)
        if node.key in self.families:
            return f"{name} = {self.family(node)}"
        if storage.listed and (node.zero or storage.parts or node.key in self.parts) and storage.nested:
            return f"{name} = {self.list_of(storage, 'zeros' if node.zero else 'empty')}"
        if storage.listed and not node.zero:
            first = storage.layout[0]
            count = storage.axes[first].high - storage.base[first] + 1
            return f"{name} = [None]*{write.integer(count, True).at(ATOM)}"
        self.needs.dtype = True
        shape = self.shape(storage)
        return f"{name} = np.{'zeros' if node.zero else 'empty'}({shape}, {self.names['#dtype']})"

    def keep(self, node: Keep) -> Lines:
        """The line that makes an object for the steps of the loop that follows."""
        writer = self.writer()
        name, begins, given = keeper(writer, node)
        return [*writer.lines, f"{name} = {begins}.{given}"]

    def family(self, node: Allocate) -> str:
        """Room for the members of a family of one size: rows of an array if the family came as one."""
        self.needs.dtype = True
        shape, dtype = self.shape(self.storages[node.key]), self.names["#dtype"]
        if node.zero:
            return f"np.zeros({shape}, {dtype})"
        self.needs.helpers["_rows"] = None
        return f"_rows({self.families[node.key]}, {shape}, {dtype})"

    def list_of(self, storage: Storage, how: str) -> str:
        """A list of arrays, ``zeros`` or ``empty``, with None where the list is padded."""
        first = storage.layout[0]
        axis, base = storage.axes[first], storage.base[first]
        name = fresh_name(axis.name, self.indices.values(), self.names.values(), self.taken)
        write = self.writer()
        self.indices[axis] = name
        self.needs.dtype = True
        ends = [
            self.names["#batch"] if a == BATCH_AXIS
            else write.integer(storage.axes[a].high - storage.base[a] + 1, True).text
            for a in storage.member_layout
        ]
        if BATCH_AXIS in storage.member_layout:
            self.needs.sizes["#batch"] = None
        shape = f"({', '.join(ends)}{',' if len(ends) == 1 else ''})"
        del self.indices[axis]
        limits = f"range({write.integer(axis.low, True).text}, {write.integer(axis.high + 1, True).text})"
        padding = axis.low - base
        pad = "" if padding == Affine() else f"[None]*{write.integer(padding).at(ATOM)} + "
        return f"{pad}[np.{how}({shape}, {self.names['#dtype']}) for {name} in {limits}]"

    def shape(self, storage: Storage) -> str:
        return self.written_shape([*map(storage.extent, storage.layout)])

    def written_shape(self, ends: Sequence[Affine]) -> str:
        """A tuple of integers."""
        texts = [self.writer().integer(end, True).text for end in ends]
        return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"


# ── assignments ───────────────────────────────────────────────────────────────────────────────────


def line(body: Body, writer: Writer, a: Assign) -> Lines:
    """The line of an assignment."""
    view, entries, have = place(writer, a.target)
    if a.accumulate and entries and apart(a.target):
        text = f"{view}[{', '.join(entries)}] += {scattered(writer, a, have)}"
        return [re.sub(r"\+= -(?=[\w*/()]+$)", "-= ", text) + comment(a.numbers)]
    if a.accumulate and entries:
        view, entries, have = taken_first(a, view, entries, have)
        # of one axis, np.add.at is fast; of positions in several it reads values that are not there
        if ":" not in entries and len(have) > 1:
            return [f"{by_number(writer, a, view, entries, have, body.places(have))}{comment(a.numbers)}"]
        return [f"np.add.at({scatter(writer, a, view, entries, have)}){comment(a.numbers)}"]
    storage = body.storages[a.target.key]
    member = storage.listed and "[" not in view.removeprefix(f"{body.names[a.target.key]}[")
    value = a.value
    whole = view == body.names[a.target.key] and a.target.key not in body.made
    if isinstance(value, Elementwise) and value.op == "spread" and not (
        (whole or member) and not a.accumulate
    ):
        value = value.args[0]
    code = writer.write(value, have)
    code = expanded(code, tuple(i for i in have if i in value.labels), have)
    text = code.text
    own = a.target.key in body.fresh and not a.accumulate and (whole or member)
    number = is_constant(value) and not a.accumulate and (whole or member)
    if not have and (number or (own and isinstance(value, (Load, Choice, Select, Elementwise)))):
        # a number, of Python or in an array of the caller's, becomes a scalar of the right type
        body.needs.dtype = True
        text = f"{body.names['#dtype']}.type({text})"
    elif own and (isinstance(value, (Load, Choice, Select)) or writer.named_already(value, have)):
        text = f"{code.at(ATOM)}.copy()"
    if not whole and not member and not a.accumulate and view == body.names[a.target.key]:
        view += "[...]"
    sign = "+=" if a.accumulate else "="
    text = f"{view} {sign} {text}{comment(a.numbers)}"
    return [text]


def comment(numbers: Iterable[int]) -> str:
    text = ", ".join(f"({n})" for n in sorted(numbers))
    return f"  # {text}" if text else ""


def _rows(text: str, target: Load) -> str:
    """The list of the rows of a value, with None where ``target`` has none."""
    first = target.subscripts[0]
    assert isinstance(first, Span)
    return f"[{'None, ' * first.start.const}*{text}]"


def _product_and_thin(value: Node) -> tuple[Contract | None, Node]:
    """A product that has all axes, and the sum of what is added to it with fewer; None if it is not that."""
    if isinstance(value, Elementwise) and value.op == "+":
        full = [n for n in value.args if {*n.labels} == {*value.labels}]
        rest = tuple(n for n in value.args if n not in full)
        if len(full) == 1 and isinstance(full[0], Contract):
            return full[0], elementwise("+", *rest) if len(rest) > 1 else rest[0]
    return None, value


def branches(
    instructions: Iterable[Instruction],
) -> Iterator[Assign | Allocate | Keep | Loop | tuple[Guard, ...]]:
    """Guards with the same condition joined, opposite ones paired."""
    pending: list[Guard] = []
    for instruction in instructions:
        if isinstance(instruction, Guard):
            if pending and _same_condition(pending[-1], instruction):
                last = pending[-1]
                pending[-1] = Guard(last.index, last.low, last.high, (*last.body, *instruction.body))
                continue
            if pending and not (len(pending) == 1 and _opposite(pending[0], instruction)):
                yield tuple(pending)
                pending = []
            pending.append(instruction)
            continue
        if pending:
            yield tuple(pending)
            pending = []
        yield instruction
    if pending:
        yield tuple(pending)


def _same_condition(a: Guard, b: Guard) -> bool:
    return a.index == b.index and (a.low, a.high) == (b.low, b.high)


def _opposite(a: Guard, b: Guard) -> bool:
    if a.index != b.index:
        return False
    upper = a.low is None and a.high is not None and b.high is None and b.low == a.high + 1
    lower = b.low is None and b.high is not None and a.high is None and a.low == b.high + 1
    return upper or lower


def indented(lines: Iterable[str]) -> Lines:
    return [f"    {line}" if line else line for line in lines]
