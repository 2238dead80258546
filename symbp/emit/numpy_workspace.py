"""make_workspace, and the form of value_and_grad that computes in what it makes."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from symbp.arrays.alternating import alternating
from symbp.arrays.blocks import large_examples
from symbp.arrays.buffers import opened
from symbp.arrays.instructions import Program, assignments, filled_in_parts
from symbp.arrays.nodes import Contract, Load, Node, below
from symbp.arrays.statement import adjoint_key
from symbp.arrays.steps_first import original
from symbp.arrays.zeros import lasting
from symbp.calculus.expr import Ref
from symbp.calculus.tree import bound as bound_by
from symbp.calculus.tree import walk
from symbp.emit.numpy_bound import FUNCTIONS, bound
from symbp.emit.numpy_door import Door
from symbp.emit.numpy_into_body import IntoBody
from symbp.emit.numpy_layout import WIDTH, Written, laid_out, rest_ignored
from symbp.emit.numpy_names import GLOBALS, callables, safe
from symbp.emit.numpy_rooms import NOTHING
from symbp.emit.numpy_steps import with_views
from symbp.model.core import Array, Model

if TYPE_CHECKING:
    from symbp.emit.numpy import Module

Lines = list[str]

IN_BLOCKS = ["Where all examples together would not stay in the cache, they are taken in blocks that do.", ""]
ROOM = ["Room for examples that are computed with together."]
FITTING = ["Whether the arguments look as those that the workspace was made for."]
OVERFLOW = 'np.errstate(over="ignore")  # where exp(-u) is inf, 1/(1 + exp(-u)) is 0'


@dataclass
class Into:
    """Writes the two functions; making it tells the module which sizes they read."""

    module: Module
    program: Program

    def __post_init__(self) -> None:
        m, program = self.module, self.program
        self.door = Door(m.model, program.storages, m.names)
        # copies of inputs are its own, not those of the plain form
        self.names = {key: name for key, name in m.names.items() if original(key) == key}
        known = {*self.names.values(), *GLOBALS, *callables(m.model), *m.arguments()}
        instructions = opened((*program.forward, *program.backward))
        self.turns = alternating(instructions, program.storages, {*map(adjoint_key, m.wanted)})
        body = self.body(known | FUNCTIONS, {})
        lines = body.block(instructions)
        flat = frozenset(_flattened(a.value for a in assignments(instructions)))
        if lying := {key: order for key, order in body.better().items() if key not in flat}:
            body = self.body(known | FUNCTIONS, lying)
            lines = body.block(instructions)
        self.rooms = body.rooms
        result = replace(m.result(program), rows=body.rows_of, rebound=body.rebound, in_workspace=True)
        self.result = result.line
        self.lines, self.bound = bound(self.stepwise(lines, body), known)
        writer = body.writer()
        self.ranges = self.door.integers(lambda value: writer.integer(value, spaced=True).text)
        m.needs.dtype |= bool(self.door.numbers())
        self.cost = m.names[m.model.cost]

    def body(self, taken: set[str], lying: Mapping[str, tuple[int, ...]]) -> IntoBody:
        """What writes the lines, with variables in memory as ``lying`` says."""
        m, program = self.module, self.program
        settled = m.rolled | lasting(program, map(adjoint_key, m.wanted))
        return IntoBody(
            program.storages, self.names, m.needs, frozenset(m.fresh(program)), taken=taken, settled=settled,
            families=m.families(program), parts=filled_in_parts(program), lying=lying,
            turns=self.turns,
        )

    def stepwise(self, lines: Lines, body: IntoBody) -> Lines:
        """The lines with lists of views where loops read the steps of an array."""
        storages, names = self.program.storages, self.module.names
        # the steps of an array with one axis are numbers: a list would have copies of them
        deep = {names[key] for key, storage in storages.items() if len(storage.layout) > 1}
        deep &= {names[key] for key in body.made}
        begins = self.rooms.begins.items()
        blocks = [n for n, text in begins if n in deep and text.startswith(("np.empty(", "np.zeros("))]
        lines, made = with_views(lines, blocks, body.unused)
        for name, views in made.items():
            self.rooms.keep(views, f"[*{name}]")
        return lines

    def functions(self, sizes: Sequence[str]) -> list[Written]:
        """The records of the two functions for the template."""
        m, given, out = self.module, ", ".join(self.module.arguments()), self.module.names["#out"]
        about = [
            f"Room for value_and_grad(..., {out}=workspace) with arguments of these shapes and types.",
            "",
            "The first call with it makes the arrays, later ones compute in them: they return the same",
            "gradients' arrays with new values.", "", *m.shapes(self.door),
        ]
        computing = ["value_and_grad, line by line in the arrays of a workspace."]
        arguments = ", ".join([m.names["#out"], *m.arguments()])
        once = m.hush or (OVERFLOW if m.needs.overflow else "")
        signature, made = f"*, {given}" if given else "", laid_out(self.making(sizes))
        making = [Written("make_workspace", signature, about, made)]
        if self.in_blocks:
            about[-1:-1] = IN_BLOCKS
            call = [f"return _in_blocks({self.apart()})"]
            making = [replace(making[0], body=call), Written("_workspace", given, ROOM, made)]
        return [
            *making,
            Written("_value_and_grad_into", arguments, computing, laid_out(self.computing(sizes)), once),
            *([Written("_fits", arguments, FITTING, self.fitting())] if self.quick() else []),
        ]

    @cached_property
    def in_blocks(self) -> bool:
        """Whether examples may be too large to be in the cache together, each with gradients of its own."""
        arrays = self.module.model.arrays
        inputs = [a for a in self.door.given if a.kind == "input"]
        alone = not any(self.program.storages[a.name].listed for a in inputs)
        wanted = [arrays[name] for name in self.module.wanted]
        means = not any(a.kind == "input" or self.door.members(a) for a in wanted)
        return bool(inputs) and alone and means and large_examples(self.program)

    def apart(self) -> str:
        """The arguments as two lists: what has examples, and everything else."""
        m = self.module
        count = len(m.model.of_kind("input"))
        return ", ".join(f"[{', '.join(part)}]" for part in (m.arguments()[:count], m.arguments()[count:]))

    def values(self, sizes: Sequence[str]) -> list[str]:
        """What the door finds besides the arrays, under its names."""
        m = self.module
        found = [m.names["#batch" if s == "#batch" else f"size {s}"] for s in sizes]
        return [*found, *([m.names["#dtype"]] if m.needs.dtype else [])]

    def given(self) -> tuple[list[str], list[str], list[str]]:
        """The names of what a workspace looks at: arrays, families, numbers."""
        names, numbers = self.module.names, self.door.numbers()
        families = [a for a in self.door.given if self.program.storages[a.name].listed]
        single = [a for a in self.door.given if a not in families and a not in numbers]
        arrays, lists, scalars = ([names[a.name] for a in part] for part in (single, families, numbers))
        return arrays, lists, scalars

    def looks(self) -> str:
        """What the workspace looks at: arrays, families, integers in shapes, numbers."""
        arrays, families, numbers = self.given()
        shown = [f"[{', '.join(part)}]" for part in ([arrays, families] if families else [arrays])]
        if integers := [f'("{name}", int({text}))' for name, text in self.settled()]:
            shown.append(f"integers=[{', '.join(integers)}]")
        if numbers:
            shown.append(f"numbers=[{', '.join(numbers)}]")
        return ", ".join(shown)

    def fitting(self) -> Lines:
        """The look at the arguments, each by its name: in networks of a few numbers a loop would show."""
        out, (arrays, families, numbers) = self.module.names["#out"], self.given()
        asked = []
        if arrays:
            asked.append(" is ".join([*(f"type({a})" for a in arrays), "np.ndarray"]))
            for what in ("shape", "dtype"):
                values = ", ".join(f"{a}.{what}" for a in arrays)
                asked.append(f"({values}{',' * (len(arrays) == 1)}) == {out}.{what}s")
        if families:
            asked.append(f"{out}.alike({', '.join(families)})")
        if numbers:
            asked.append(f"{out}.takes({', '.join(numbers)})")
        rows = [row for k, text in enumerate(asked) for row in _hanging(f"{'and ' * (k > 0)}{text}")]
        returned = [f"    return {rows[0]}"] if len(rows) == 1 else ["    return (", *rows, "    )"]
        return ["try:", *returned, "except (AttributeError, TypeError):", "    return False"]

    def settled(self) -> list[tuple[str, str]]:
        """The integer arguments that the shapes of the room's arrays follow, with their names in the code.

        No shape of an argument tells when they change.
        """
        free = [(name, safe(name)) for name in self.module.model.free_sizes]
        return [*free, *((a.name, self.module.names[a.name]) for a in _bounds(self.module.model))]

    def making(self, sizes: Sequence[str]) -> Lines:
        m = self.module
        begins = [f"{name} = {text}" for name, text in self.rooms.begins.items() if text != NOTHING]
        values = self.values(sizes)
        room = [n if self.rooms.begins[n] != NOTHING else NOTHING for n in self.rooms.begins]
        opening = f"{', '.join([*m.inner_arrays(), *values])} = _checked({', '.join(m.arguments())})"
        made = ["return Workspace(", f"    [{', '.join(values)}],", *_bracketed("    [", room, "],"),
                f"    {self.looks()}", ")"]
        return [opening, *begins, *made]

    def computing(self, sizes: Sequence[str]) -> Lines:
        m, out = self.module, self.module.names["#out"]
        wrong = f"{out}: expected a workspace of this module, got {{type({out}).__name__}}"
        refusal = f'raise TypeError(f"{wrong}")'
        kind = "_Workspace" if "Workspace" in m.arguments() else "Workspace"  # see told_apart
        head = [f"if not isinstance({out}, {kind}):", f"    {refusal}"]
        checks = self.checks() if self.quick() else []
        text = "\n".join([*checks, *self.lines, self.result])
        head += m.kinds([k for k in map(m.kind, m.wanted) if f"_like({k}" in text])
        values = self.values(sizes)
        head += self.entered(values)
        if values:
            found = [v if re.search(rf"\b{v}\b", text) else "_" for v in values]
            read = rest_ignored(found)
            if set(found) != {"_"}:
                head.append(f"{', '.join(read)}{',' if len(read) == 1 else ''} = {out}.sizes")
        head += checks
        if self.in_blocks:
            head += [f'if hasattr({out}, "blocks"):', f"    return _over_blocks({out}, {self.apart()})"]
        head += m.padding(self.program)
        names = list(self.rooms.begins)
        if names:
            head += _bracketed("[", names, f"] = {out}.room")
            kept = _bracketed(f"{out}.room = [", names, "]")
            return [*head, *self.lines, *kept, self.result]
        return [*head, *self.lines, self.result]

    def entered(self, values: Sequence[str]) -> Lines:
        """The door: arrays as they were are let in after a look; anything else is checked and converted."""
        m, out = self.module, self.module.names["#out"]
        inner = m.inner_arrays()
        rest = ", *_" if values else ""
        slow = [
            f"{', '.join(inner)}{rest} = _checked({', '.join(m.arguments())})",
            f"{out}.admit({self.looks()})",
        ]
        if not self.quick():
            return slow
        asked = f"_fits({', '.join([out, *m.arguments()])})"
        return [f"if not {asked}:", *(f"    {line}" for line in slow)]

    def quick(self) -> bool:
        """Whether shapes and types alone decide: no argument has another name inside or stands in a size."""
        m = self.module
        return m.arguments() == m.inner() and not self.settled() and not self.door.valued()

    def checks(self) -> Lines:
        """What shapes and types do not tell: the values of integers, and numbers of Python."""
        dtype = self.module.names["#dtype"]
        numbers = [self.module.names[a.name] for a in self.door.numbers()]
        kinds = (f"{n} = {n} if type({n}) is np.ndarray else np.asarray({n}, {dtype})" for n in numbers)
        return [*kinds, *self.ranges]


def _bounds(model: Model) -> list[Array]:
    """The given integers that bound the range of an index: ``sum(x[i], i=0..n-1)``."""
    nodes = [node for equation in model.equations for node in walk(equation.rhs)]
    indices = [*chain.from_iterable(map(bound_by, nodes)), *(i for e in model.equations for i in e.indices)]
    atoms = {atom for i in indices for end in (i.low, i.high) for atom in end.atoms()}
    names = {atom.name for atom in atoms if isinstance(atom, Ref) and not atom.indices}
    return [a for kind in ("const", "param") for a in model.of_kind(kind) if a.name in names and not a.axes]


def _flattened(values: Iterable[Node]) -> Iterator[str]:
    """The keys of arrays that are read as one vector: one that lies otherwise would be copied."""
    for node in values:
        if isinstance(node, Contract) and not node.labels:
            yield from (n.key for n in (node.left, node.right) if isinstance(n, Load))
        yield from _flattened(below(node))


def _hanging(text: str) -> Lines:
    """A condition among others, over several lines if it is long."""
    rows = textwrap.wrap(text, WIDTH - 12, subsequent_indent="    ", break_on_hyphens=False)
    return [f"        {row}" for row in rows]


def _bracketed(head: str, names: Sequence[str], tail: str) -> Lines:
    """A list in one line, or over several."""
    text = f"{head}{', '.join(names)}{tail}"
    if len(text) <= WIDTH:
        return [text]
    indent = " " * (len(head) - len(head.lstrip()))
    rows = textwrap.wrap(", ".join(names), WIDTH - len(indent) - 4)
    return [head, *(f"{indent}    {row}" for row in rows), f"{indent}{tail}"]
