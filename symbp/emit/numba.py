"""The module of a model as loops that Numba compiles: for small networks, where calls are what costs.

The door, the names and the order of computation are those of the NumPy module; only what stands behind the
door is written as loops (:mod:`symbp.emit.loops`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from symbp import functions
from symbp.arrays.instructions import Program, assignments
from symbp.arrays.lower import lower
from symbp.arrays.nodes import Instruction
from symbp.arrays.program import cost_program
from symbp.arrays.reading import Scope
from symbp.arrays.reuse import Names, computed
from symbp.arrays.statement import adjoint_key
from symbp.calculus.affine import Index, affine
from symbp.derive.core import AdjointSystem
from symbp.emit.loops import LoopBody
from symbp.emit.loops_scalar import Scalars
from symbp.emit.numpy import Module, derived
from symbp.emit.numpy_code import Writer
from symbp.emit.numpy_door import Door
from symbp.emit.numpy_helpers import helpers
from symbp.emit.numpy_layout import Written, laid_out
from symbp.emit.numpy_names import GLOBALS, callables, parameters, user_name
from symbp.emit.numpy_result import given_order, trimmed
from symbp.model.core import Array

DECORATOR = "_compiled"
COMPILED = (
    "Loops compiled by Numba; the first call with arguments of new types or families of a new length "
    "compiles."
)


def emit_numba(system: AdjointSystem) -> str:
    """The module without the header of the file.

    Raises:
        RequestProblem: if a function of the model is undefined.
        SymbpError: for what has no form as loops.
    """
    return LoopModule(system).text()


class LoopModule(Module):
    """Each public function checks its arguments and calls one that is compiled."""

    def __init__(self, system: AdjointSystem) -> None:
        super().__init__(system)
        self.checked = Door(self.model, self.gradient_program.storages, self.names, "_ragged")

    def text(self) -> str:
        """The file."""
        gradient, forward = self.gradient_program, self.forward_program
        cost = cost_program(gradient, self.model.cost)
        whole = (*gradient.forward, *gradient.backward)
        bodies = {
            "_value_and_grad": self.loops(gradient, whole, self.made()),
            "_value": self.loops(cost, cost.forward),
            "_forward": self.loops(forward, forward.forward),
        }
        users = self.user_functions()
        calls = [self.gradients(bodies), self.value(bodies), self.forward(bodies)]
        compiled = [self.compiled(name, body) for name, body in bodies.items()]
        return self.assembled([*calls, *compiled, *users, *self.door(gradient, self.sizes())])

    def assembled(self, made: Sequence[Written], bound: Sequence[str] = ()) -> str:
        ours = [f for f in functions.ELEMENTWISE if f.helper]
        of_one = {f.helper: f"@{DECORATOR}\n{f.scalar or f.helper}" for f in ours}
        own = [of_one.get(h, h) for h in helpers(["\n".join(line for f in made for line in f.body)])]
        return self.rendered(
            "numba/module.py.jinja", made, own, [COMPILED, *self.about()], decorator=DECORATOR
        )

    # ── what is compiled ──────────────────────────────────────────────────────────────────────────

    def loops(
        self, program: Program, instructions: Sequence[Instruction], made: Sequence[str] = ()
    ) -> list[str]:
        """The lines of a compiled function but for what it returns."""
        given = [a.name for a in self.checked.given if program.storages[a.name].listed]
        unpadded = frozenset([*given, *map(adjoint_key, made)])
        taken = {*self.names.values(), *GLOBALS, *callables(self.model)}
        body = LoopBody(program.storages, self.names, self.needs, taken=taken, unpadded=unpadded)
        return body.block(instructions)

    def made(self) -> list[str]:
        """The families of gradients that are made before the compiled function is called."""
        storages, written = self.gradient_program.storages, self.written()
        lists = [n for n in self.wanted if adjoint_key(n) in written and storages[adjoint_key(n)].nested]
        return [n for n in lists if self.checked.members(self.model.arrays[n])]

    def written(self) -> set[str]:
        """The keys of the adjoints that something is written to."""
        return {a.target.key for a in assignments(self.gradient_program.backward)}

    def compiled(self, name: str, body: Sequence[str]) -> Written:
        """The record of a compiled function."""
        values = self.returned(name)
        lines = [*self.kind_of_numbers(body), *body, f"return {', '.join(values)}"]
        doc = {
            "_value_and_grad": "The cost and the gradients; families of gradients are filled in place.",
            "_value": "The cost.",
            "_forward": "All intermediate values and the cost.",
        }
        about = [doc[name], *(["", note] if (note := self.counting()) else [])]
        return Written(name, ", ".join(self.parameters(name, body)), about, laid_out(lines), DECORATOR)

    def counting(self) -> str:
        """How the families of the caller count, where that is not as in the notes."""
        for array in self.checked.given:
            storage, name = self.gradient_program.storages[array.name], self.names[array.name]
            index = array.axes[0] if array.axes else None
            if storage.listed and index is not None and index.low.is_const and index.low.const:
                place = self.writer(index).integer(affine(index) - index.low).text
                return f"Families begin at 0 here: {name}[{place}] is {name}[{index.name}] of the notes."
        return ""

    def writer(self, index: Index) -> Writer:
        return Writer({}, {}, self.needs, {index: index.name})

    def kind_of_numbers(self, body: Sequence[str]) -> list[str]:
        """The line that tells the type of the arguments, where arrays are made."""
        dtype = self.names["#dtype"]
        if not _mentions(body, dtype):
            return []
        array = self.typed()
        if array is None:
            return [f"{dtype} = like.dtype"]
        member = "[0]" if self.gradient_program.storages[array.name].nested else ""
        return [f"{dtype} = {self.names[array.name]}{member}.dtype"]

    def typed(self) -> Array | None:
        """An argument that is an array of the type of all of them."""
        storages = self.gradient_program.storages
        arrays = (a for a in self.checked.given if a.integer is None)
        return next((a for a in arrays if storages[a.name].layout), None)

    def parameters(self, name: str, body: Sequence[str]) -> list[str]:
        """The arguments of a compiled function: arrays, gradients to fill, sizes."""
        sizes = [self.names["#batch" if s == "#batch" else f"size {s}"] for s in self.sizes()]
        made = self.made() if name == "_value_and_grad" else []
        like = ["like"] if _mentions(body, self.names["#dtype"]) and self.typed() is None else []
        return [
            *self.inner_arrays(),
            *(self.names[adjoint_key(n)] for n in made),
            *(s for s in sizes if _mentions(body, s)),
            *like,
        ]

    def returned(self, name: str) -> list[str]:
        """The names that a compiled function returns."""
        cost = self.names[self.model.cost]
        if name == "_value":
            return [cost]
        if name == "_forward":
            return [*(self.names[a.name] for a in self.model.of_kind("variable")), cost]
        keys = [adjoint_key(n) for n in self.wanted if n not in self.made()]
        return [cost, *(self.names[k] for k in keys if k in self.written())]

    # ── who calls it ──────────────────────────────────────────────────────────────────────────────

    def gradients(self, bodies: dict[str, list[str]]) -> Written:
        values = [self.field(n) for n in self.wanted]
        kinds = [self.kind(n) for n in self.wanted if any(f"_like({self.kind(n)}," in v for v in values)]
        dtype, names = self.names["#dtype"], self.names
        zero = f"np.zeros(member.shape, {dtype})"
        zeros = [f"{names[adjoint_key(n)]} = tuple([{zero} for member in {names[n]}])" for n in self.made()]
        self.needs.dtype = True
        last = f"return float({names[self.model.cost]}), Gradients({', '.join(values)})"
        doc = f"The cost {names[self.model.cost]}{self.mean()} and its gradients."
        return self.calling("value_and_grad", bodies, zeros, last, doc, self.kinds(kinds))

    def field(self, name: str) -> str:
        """One field of the result, in the structure of its array."""
        key, dtype = adjoint_key(name), self.names["#dtype"]
        storage, family = self.gradient_program.storages[key], self.checked.members(self.model.arrays[name])
        if name in self.made():
            return f"_like({self.kind(name)}, {self.names[key]})"
        if self.names[key] not in self.returned("_value_and_grad"):
            given = self.names[name]
            zero = f"[np.zeros_like(member) for member in {given}]" if family else f"np.zeros_like({given})"
            return f"_like({self.kind(name)}, {zero})" if family else zero
        if not storage.layout:
            return f"{dtype}.type({self.names[key]})"
        value = given_order(storage, trimmed(storage, self.names[key]))
        return f"_like({self.kind(name)}, {value})" if family else value

    def value(self, bodies: dict[str, list[str]]) -> Written:
        cost = self.names[self.model.cost]
        doc = f"The cost {cost}{self.mean().rstrip(',')}."
        return self.calling("value", bodies, [], f"return float({cost})", doc)

    def forward(self, bodies: dict[str, list[str]]) -> Written:
        items = []
        for array in self.model.of_kind("variable"):
            storage = self.forward_program.storages[array.name]
            value = given_order(storage, trimmed(storage, self.names[array.name]))
            if storage.listed and not storage.nested:
                value = f"list({value})"
            if not storage.layout:
                value = f"{self.names['#dtype']}.type({value})"
            items.append(f'"{array.name}": {value}')
        items.append(f'"{self.model.cost}": float({self.names[self.model.cost]})')
        return self.calling("forward", bodies, [], f"return {{{', '.join(items)}}}",
                            "All intermediate values by name, and the cost.")

    def calling(
        self, name: str, bodies: dict[str, list[str]], before: list[str], last: str, doc: str,
        kinds: Sequence[str] = (),
    ) -> Written:
        """A function that users call: the door, the compiled function, the result."""
        body = bodies[f"_{name}"]
        given = [self.passed(a) for a in self.checked.given]
        rest = self.parameters(f"_{name}", body)[len(given) :]
        dtype = self.names["#dtype"]
        rest = [f"np.empty(0, {dtype})" if r == "like" else r for r in rest]
        call = f"{', '.join(self.returned(f'_{name}'))} = _{name}({', '.join([*given, *rest])})"
        lines = [*before, call, last]
        text = "\n".join(lines)
        arguments = ", ".join(self.arguments())
        opening = self.opening(self.checked, text, self.sizes())
        about = [doc, "", *self.shapes(self.checked)]
        body = laid_out([*kinds, opening, *lines])
        return Written(name, f"*, {arguments}" if arguments else "", about, body)

    def passed(self, array: Array) -> str:
        """An argument as compiled code takes it."""
        storage, name = self.gradient_program.storages[array.name], self.names[array.name]
        if storage.nested:
            return f"tuple([_ready(member) for member in {name}])"
        if storage.listed:
            return f"np.array({name})"
        if not storage.layout:
            return f"int({name})" if array.integer else f"{name}[()]"
        return f"_ready({name})"

    def door(self, program: Program, sizes: Sequence[str]) -> list[Written]:
        return self.doors(self.checked, sizes)

    def user_function(self, name: str, orders: tuple[int, ...]) -> Written:
        function = self.model.functions[name]
        params = parameters(function, self.model)
        node = lower(computed(derived(function, orders), Names.of(self.model)), Scope({}, locals=params))
        names = {f"size {s}": s for s in self.model.sizes} | {"#batch": "batch"}
        text = Scalars(Writer({}, names, self.needs)).write(node).text
        doc, given = self.about_function(name, orders), ", ".join(params.values())
        return Written(user_name(name, orders), given, [doc], [f"return {text}"], DECORATOR)


def _mentions(lines: Sequence[str], name: str) -> bool:
    return any(re.search(rf"\b{re.escape(name)}\b", line) for line in lines)
