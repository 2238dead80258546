"""The NumPy module of a model: cost, gradients and intermediate values, to be read beside the notes."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from symbp.arrays.instructions import Program, added_to, assignments, filled_in_parts
from symbp.arrays.kept import kept_products
from symbp.arrays.lower import lower
from symbp.arrays.nodes import Allocate, Instruction, Keep
from symbp.arrays.pooling import pooled
from symbp.arrays.program import cost_program, programs
from symbp.arrays.reading import Scope
from symbp.arrays.reuse import Names, computed, unbound
from symbp.arrays.rolling import rolling
from symbp.arrays.rows import row_lists
from symbp.arrays.statement import adjoint_key
from symbp.arrays.steps_first import original, steps_first
from symbp.arrays.storage import ragged
from symbp.arrays.zeros import room_alone
from symbp.calculus.affine import show
from symbp.calculus.expr import Call, Expr, Functional, Ref
from symbp.calculus.names import fresh_name
from symbp.calculus.tree import walk
from symbp.derive import scalar
from symbp.derive.conventions import conventions
from symbp.derive.core import AdjointSystem
from symbp.derive.exponents import steep
from symbp.derive.stable import stable_scalar
from symbp.emit.environment import render
from symbp.emit.numpy_body import Body
from symbp.emit.numpy_bound import imported
from symbp.emit.numpy_code import Needs, Writer
from symbp.emit.numpy_door import Door
from symbp.emit.numpy_helpers import helpers
from symbp.emit.numpy_layout import WIDTH, Written, laid_out, rest_ignored
from symbp.emit.numpy_names import GLOBALS, aliased, callables, parameters, python_names, safe, user_name
from symbp.emit.numpy_result import Result, given_order, kind_name, trimmed
from symbp.emit.numpy_shared import risky
from symbp.emit.numpy_text import Code
from symbp.emit.numpy_workspace import Into
from symbp.model.core import Array, Function, Model


def emit_module(system: AdjointSystem) -> str:
    """The module without the header of the file.

    The gradients are those of the parameters, and of the inputs and constants that ``system`` has.

    Raises:
        RequestProblem: if a function of the model is undefined.
        SymbpError: for what has no array form.
    """
    return Module(system).text()


def _pooled(program: Program) -> Program:
    """The program with the places of windows as slices."""
    return replace(program, backward=pooled(program.backward))


@dataclass(frozen=True)
class _Part:
    """One function of the module before its arguments are checked."""

    lines: list[str]
    doc: list[str]


BRANCHES = 'np.errstate(all="ignore")  # np.where computes both of its branches'
"""The decorator of functions in which the branch that is not taken may overflow."""


STEEP = 'np.errstate(over="ignore")  # where exp(u) is inf, exp(-exp(u)) is 0'
"""The decorator of functions with an exponential in the exponent of another."""


class Module:
    """What the parts of one module have in common."""

    def __init__(self, system: AdjointSystem) -> None:
        self.system, self.model = system, system.steady
        for function in self.model.functions.values():
            if function.body is None and _called(self.model, function.name):
                raise unbound(function.name)
        self.needs = Needs()
        self.wanted = _wanted(system)
        self.gradient_program, self.forward_program = programs(system, self.wanted)
        self.rolled = rolling(self.gradient_program, map(adjoint_key, self.wanted))
        gradient, forward = self.gradient_program.model, self.forward_program.model
        arrays = {**gradient.arrays, **forward.arrays}  # either may have made variables of its own
        self.names = python_names(replace(gradient, arrays=arrays), self.wanted)

    # ── the file ──────────────────────────────────────────────────────────────────────────────────

    def text(self) -> str:
        gradient = room_alone(_pooled(self.gradient_program), map(adjoint_key, self.wanted))
        self.gradient_program = gradient
        plain, forward = steps_first(gradient), steps_first(self.forward_program)
        for key in (*plain.storages, *forward.storages):
            self.name(key, f"{self.names[original(key)]}_turned")
        cost = cost_program(plain, self.model.cost)
        plain, gradient = kept_products(plain), kept_products(gradient)
        for i in (*plain.forward, *gradient.forward):
            if isinstance(i, Keep):
                self.name(i.key, "products")
        parts = [
            ("value_and_grad", plain, self.gradient_part(plain)),
            ("value", cost, self.value_part(cost)),
            ("forward", forward, self.forward_part(forward)),
        ]
        into = Into(self, gradient)
        sizes = self.sizes()
        made = [self.function(name, program, part, sizes) for name, program, part in parts]
        made += into.functions(sizes)
        users = self.user_functions()
        made += self.door(gradient, sizes)
        return self.assembled([*made, *users], into.bound)

    def name(self, key: str, stem: str) -> None:
        """A name for what only code has, if it has none yet."""
        if key not in self.names:
            self.names[key] = fresh_name(stem, self.names.values(), GLOBALS, callables(self.model))

    def assembled(self, made: Sequence[Written], bound: Sequence[str]) -> str:
        own = helpers([_code(made)])
        return self.rendered("numpy/module.py.jinja", made, own, self.about(), bound=imported(bound))

    def rendered(
        self, template: str, made: Sequence[Written], own: Sequence[str], about: Sequence[str], **more: str
    ) -> str:
        """The text of a module of these functions, the helpers ``own`` behind them."""
        text = "\n".join([_code(made), *own])
        clashes = [g for g in (*GLOBALS, *callables(self.model)) if g in self.arguments()]
        module = render(
            template,
            title=sentence(self.model.title or self.model.name),
            about=about,
            math="math." in text,
            erf=re.search(r"(?<![\w.])erf\(", text) is not None,
            fields=[safe(n) for n in self.wanted],
            families=[safe(n) for n in self.wanted if self.is_family(n)],
            functions=[self.told_apart(f, clashes) for f in made],
            helpers=own,
            aliases=[f"_{g} = {g}" for g in clashes if re.search(rf"(?<![\w.]){g}[.(]", text)],
            **more,
        )
        return re.sub(r"\n{4,}", "\n\n\n", module).rstrip("\n") + "\n"

    def told_apart(self, f: Written, clashes: Sequence[str]) -> Written:
        """A function whose arguments hide globals, which it calls by other names."""
        hides = f.signature.startswith("*") or f.name in ("_value_and_grad_into", "_workspace", "_fits")
        return replace(f, body=[aliased(line, clashes) for line in f.body]) if hides else f

    def about(self) -> list[str]:
        """What the comments refer to."""
        said = [f"{c[0].upper()}{c[1:]}." for c in conventions(self.model)]
        lines = ["The numbers in comments are those of the equations in the derivation.", *said]
        return [row for line in lines for row in textwrap.wrap(line, WIDTH, break_long_words=False)]

    def arguments(self) -> list[str]:
        """The names of the arguments, in order: those of the model, but for Python's keywords."""
        arrays = [a for kind in ("input", "const", "param") for a in self.model.of_kind(kind)]
        return [safe(n) for n in (*(a.name for a in arrays), *self.model.free_sizes)]

    def inner(self) -> list[str]:
        """The names that the arguments have inside: no global's."""
        arrays = [a for kind in ("input", "const", "param") for a in self.model.of_kind(kind)]
        return [self.names[a.name] for a in arrays] + [self.names[f"size {s}"] for s in self.model.free_sizes]

    def inner_arrays(self) -> list[str]:
        """The names of arrays among them."""
        return self.inner()[: len(self.inner()) - len(self.model.free_sizes)]

    def sizes(self) -> list[str]:
        """The sizes that some function reads, the batch first."""
        used = self.needs.sizes
        every = dict.fromkeys(("#batch", *self.model.sizes, *self.model.free_sizes))
        return [s for s in every if s in used]

    def is_family(self, name: str) -> bool:
        axes = self.model.arrays[name].axes
        return bool(axes) and bool(axes[0].sequence)

    # ── functions ─────────────────────────────────────────────────────────────────────────────────

    def body(
        self,
        program: Program,
        instructions: Sequence[Instruction],
        fresh: Iterable[str] = (),
        rolled: frozenset[str] = frozenset(),
        rows: frozenset[str] = frozenset(),
    ) -> list[str]:
        keys = frozenset(fresh) | added_to(instructions)
        taken = {*self.names.values(), *GLOBALS, *callables(self.model)}
        families, parts = self.families(program), filled_in_parts(program)
        body = Body(program.storages, self.names, self.needs, keys, rolled, rows, families, parts, taken)
        return body.block(instructions)

    def families(self, program: Program) -> dict[str, str]:
        """The gradients of families whose members have one shape, by key, with the types of the families."""
        door = Door(self.model, program.storages, self.names)
        return {
            key: self.kind(name)
            for name in self.wanted
            if (storage := program.storages[key := adjoint_key(name)]).nested and not storage.parts
            if key not in filled_in_parts(program)
            if door.members(array := self.model.arrays[name]) and not ragged(array)
        }

    def gradient_part(self, program: Program) -> _Part:
        body = (*program.forward, *program.backward)
        rows = row_lists(program, map(adjoint_key, self.wanted))
        lines = self.body(program, body, self.fresh(program), self.rolled, rows)
        lines.append(self.result(program).line)
        names, cost = _listing([safe(n) for n in self.wanted]), self.names[self.model.cost]
        doc = f"The cost {cost}{self.mean()} and its gradients with respect to {names}."
        out = self.names["#out"]
        return _Part(lines, [doc, "", f"{out}: a workspace; its arrays are used again, and the gradients "
                                      "lie in it until the next call."])

    def fresh(self, program: Program) -> set[str]:
        """The arrays that must be the function's own: those of gradients, and what is added to."""
        return {adjoint_key(n) for n in self.wanted} | added_to((*program.forward, *program.backward))

    def result(self, program: Program) -> Result:
        """What a program of the gradients returns."""
        return Result(self.model, self.names, self.wanted, program, self.families(program))

    def mean(self) -> str:
        return ", averaged over the batch," if self.model.of_kind("input") else ""

    def kind(self, name: str) -> str:
        """The name of the type in which a family is given."""
        return kind_name(self.names, name)

    def value_part(self, program: Program) -> _Part:
        rows = row_lists(program, ())
        lines = self.body(program, program.forward, rolled=rolling(program, ()), rows=rows)
        cost = self.names[self.model.cost]
        doc = f"The cost {cost}{self.mean().rstrip(',')}."
        return _Part([*lines, f"return float({cost})"], [doc])

    def forward_part(self, program: Program) -> _Part:
        lines = self.body(program, program.forward)
        zeros = {i.key for i in program.forward if isinstance(i, Allocate) and i.zero}
        items = []
        for array in self.model.of_kind("variable"):
            storage = program.storages[array.name]
            value = given_order(storage, trimmed(storage, self.names[array.name]))
            if storage.listed and not storage.nested and array.name in zeros:
                value = f"list({value})"  # numbers that begin as zeros lie in one array
            items.append(f'"{array.name}": {value}')
        items.append(f'"{self.model.cost}": float({self.names[self.model.cost]})')
        lines.append(f"return {{{', '.join(items)}}}")
        return _Part(lines, ["All intermediate values by name, and the cost."])

    def function(self, name: str, program: Program, part: _Part, sizes: Sequence[str]) -> Written:
        door = Door(self.model, program.storages, self.names)
        text = "\n".join(part.lines)
        kinds = [self.kind(n) for n in self.wanted if f"_like({self.kind(n)}," in text]
        body = []
        out, given = self.names["#out"], ", ".join(self.arguments())
        arguments = f"*, {given}" if given else ""
        if name == "value_and_grad":
            arguments = f"{arguments or '*'}, {out}=None"
            body += [f"if {out} is not None:", f"    return _value_and_grad_into({out}, {given})"]
        body += self.kinds(kinds)
        body += [self.opening(door, text, sizes), *self.padding(program)]
        doc = [*part.doc, "", *self.shapes(door)]
        return Written(name, arguments, doc, laid_out([*body, *part.lines]), self.hush)

    @cached_property
    def hush(self) -> str:
        """What keeps NumPy from warnings about the branch of a ``where`` that is not taken."""
        programs = (self.gradient_program, self.forward_program)
        made = (a for p in programs for a in assignments((*p.forward, *p.backward)))
        if any(risky(a.value) for a in made):
            return BRANCHES
        return STEEP if any(steep(e.rhs) for e in self.model.equations) else ""

    def kinds(self, kinds: Sequence[str]) -> list[str]:
        """The line that keeps how families are given."""
        given = [safe(n) for n in self.wanted if self.kind(n) in kinds]
        return [f"{', '.join(kinds)} = {', '.join(f'type({g})' for g in given)}"] if given else []

    def opening(self, door: Door, text: str, sizes: Sequence[str]) -> str:
        """The call of the door; what this function does not read goes to ``_``."""
        values = [self.names[a.name] for a in door.given]
        for size in sizes:
            name = self.names["#batch" if size == "#batch" else f"size {size}"]
            values.append(name if re.search(rf"\b{name}\b", text) else "_")
        if self.needs.dtype:
            values.append(self.names['#dtype'] if re.search(rf"\b{self.names['#dtype']}\b", text) else "_")
        return f"{', '.join(rest_ignored(values))} = _checked({', '.join(self.arguments())})"

    def padding(self, program: Program) -> list[str]:
        """Lists that count as the notes do."""
        left, right = [], []
        for array in self.model.of_kind("input", "const", "param"):
            storage = program.storages[array.name]
            if storage.listed and (gap := (array.axes[0].low - storage.base[0]).const):
                name = self.names[array.name]
                left.append(name)
                right.append(f"[{'None, '*gap}*{name}]")
        if not left:
            return []
        index = self.model.arrays[next(a.name for a in self.model.of_kind("input", "const", "param")
                                       if self.names[a.name] == left[0])].axes[0].name
        note = f"  # {left[0]}[{index}] as in the notes, which count from {len(right[0].split('None')) - 1}"
        return [f"{', '.join(left)} = {', '.join(right)}{note}"]

    def shapes(self, door: Door) -> list[str]:
        """The shapes of the arguments, several a line."""
        items = [f"{safe(a.name)}{_family(a, door)}: {_shape(a, door)}" for a in door.given]
        items += [f"{safe(s)}: int" for s in self.model.free_sizes]
        out = [""]
        for item in items:
            joined = f"{out[-1]}    {item}" if out[-1] else item
            if len(joined) > 92:
                out.append(item)
            else:
                out[-1] = joined
        return out

    def door(self, program: Program, sizes: Sequence[str]) -> list[Written]:
        return self.doors(Door(self.model, program.storages, self.names), sizes)

    def doors(self, door: Door, sizes: Sequence[str]) -> list[Written]:
        """The functions that check the arguments."""
        lines = door.lines(sizes, self.needs.dtype)
        doc = ["The arguments as arrays of one type, and the sizes that their shapes fix.", "",
               "Raises ValueError where shapes disagree."]
        about = ["The sizes that shapes fix: found and compared once for each combination of shapes."]
        once = door.size_lines(sizes)
        return [
            Written("_checked", ", ".join(self.inner()), doc, laid_out(lines)),
            Written("_sizes", ", ".join(door.size_arguments()), about, laid_out(once), "functools.lru_cache"),
        ]

    # ── the user's functions ──────────────────────────────────────────────────────────────────────

    def user_functions(self) -> list[Written]:
        done: dict[tuple[str, tuple[int, ...]], Written] = {}
        while True:
            todo = [u for u in self.needs.users if u not in done]
            if not todo:
                return list(done.values())
            for user in todo:
                done[user] = self.user_function(*user)

    def user_function(self, name: str, orders: tuple[int, ...]) -> Written:
        function = self.model.functions[name]
        body = derived(function, orders)
        params = parameters(function, self.model)
        closed = computed(body, Names.of(self.model))
        node = lower(closed, Scope({}, locals=params))
        sizes = {f"size {s}": s for s in self.model.sizes}
        arguments = ", ".join(params.values())
        names = {**sizes, "#dtype": f"np.result_type({arguments})", "#batch": "batch"}
        # the function asks its own arguments for their type: the module's door has no part in it
        outer = self.needs.dtype
        code: Code = Writer({}, names, self.needs).write(node, ())
        self.needs.dtype = outer
        doc = self.about_function(name, orders)
        hush = BRANCHES if risky(node) else STEEP if steep(body) else ""
        read = {n.name for n in walk(closed) if isinstance(n, Ref)}
        text = code.text if read >= {*function.params} else _spread(code.text, params.values())
        return Written(user_name(name, orders), arguments, [doc], [f"return {text}"], hush)

    def about_function(self, name: str, orders: tuple[int, ...]) -> str:
        """The docstring of a user's function or of its derivative."""
        primes = "′" * sum(orders) if len(orders) == 1 else ""
        plain = primes or not any(orders)
        return f"{name}{primes}, from its definition." if plain else f"A derivative of {name}."


def _code(made: Sequence[Written]) -> str:
    """The lines of all functions."""
    return "\n".join(line for f in made for line in (*f.body, ""))


def derived(function: Function, orders: tuple[int, ...]) -> Expr:
    """The definition of a function, or of its derivative with these orders by argument."""
    body = function.body
    if body is None:
        raise unbound(function.name)
    for position, order in enumerate(orders):
        for _ in range(order):
            body = scalar.derivative(replace(function, body=body), position)
    return stable_scalar(body)


def _called(model: Model, name: str) -> bool:
    return any(
        (isinstance(n, Call) and n.function == name) or (isinstance(n, Functional) and n.name == name)
        for e in model.equations
        for n in walk(e.rhs)
    )


def _wanted(system: AdjointSystem) -> list[str]:
    params = [a.name for a in system.model.of_kind("param")]
    others = [a.name for a in system.model.of_kind("input", "const") if a.name in system.order]
    return params + others


def _listing(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "nothing"


def sentence(title: str) -> str:
    """A title without what cannot stand in a docstring."""
    return title.replace("\\", "\\\\").replace('"', "'").rstrip(".")


def _family(array: Array, door: Door) -> str:
    return f"[{array.axes[0].name}]" if door.members(array) else ""


def _shape(array: Array, door: Door) -> str:
    axes = array.axes[1:] if door.members(array) else array.axes
    ends = [show(i.extent) for i in axes]
    if array.kind == "input":
        ends.insert(0, "batch")
    kind = f" integers {show(array.integer[0])}..{show(array.integer[1])}" if array.integer else ""
    return f"({', '.join(ends)}{',' if len(ends) == 1 else ''}){kind}"


def _spread(text: str, params: Collection[str]) -> str:
    """The value of a function that does not depend on all of its arguments, in the shape of all of them."""
    shapes = ", ".join(f"np.shape({p})" for p in params)
    return f"np.full(np.broadcast_shapes({shapes}), {text}, np.result_type({', '.join(params)}))"
