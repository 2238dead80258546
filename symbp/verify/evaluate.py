"""The oracle: every element by its defining equation, every adjoint by a numeric derivative.

It shares no code with the derivation, the lowering or the printing of a model: it evaluates the
equations one element at a time with plain loops, and differentiates by moving one element.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from symbp.calculus.affine import Index
from symbp.calculus.expr import Expr
from symbp.errors import SymbpError
from symbp.model.core import Equation, Model
from symbp.verify.arithmetic import FLOAT, Arithmetic, Num, digits
from symbp.verify.compile import Code, Program
from symbp.verify.places import Place, Positions, Values, place
from symbp.verify.sample import Sample

Key = tuple[str, Positions]


class OutsideRange(SymbpError):
    """An element is read that the model does not have: the line reads beyond an array's range."""


@dataclass(frozen=True, slots=True)
class _Definition:
    """One equation, ready to be matched with an element."""

    taken: tuple[tuple[int, int], ...]
    fixed: tuple[tuple[int, Place], ...]
    ranges: tuple[tuple[int, Place, Place], ...]
    body: Code

    def match(self, world: Oracle, at: Positions) -> Values | None:
        """The values of the equation's indices for this element, None if it is not defined by it."""
        values: Values = {}
        for k, uid in self.taken:
            if values.setdefault(uid, at[k]) != at[k]:
                return None
        inside = all(lo(world, values) <= values[u] <= hi(world, values) for u, lo, hi in self.ranges)
        if inside and all(code(world, values) == at[k] for k, code in self.fixed):
            return values
        return None


def _definition(equation: Equation, program: Program) -> _Definition:
    taken, fixed = [], []
    for k, position in enumerate(equation.lhs.indices):
        index = position.as_index()
        if index is not None and index in equation.indices:
            taken.append((k, index.uid))
        else:
            fixed.append((k, place(position)))
    ranges = tuple((i.uid, place(i.low), place(i.high)) for i in equation.indices)
    return _Definition(tuple(taken), tuple(fixed), ranges, program.code(equation.rhs))


class Oracle:
    """Values of elements, adjoints and expressions of ``model`` at ``sample``.

    ``through`` names the variables that a :class:`~symbp.calculus.expr.Partial` sees through: they
    follow the element that is moved, all others are held fixed.  ``program`` may be shared by the
    oracles of one model and arithmetic.  ``steady`` is the model in stable form: which elements an
    equation reads, and so what ∂y/∂z holds fixed, is what this form says (log y[c] of a softmax y reads
    its argument); values are always those of ``model``.
    """

    def __init__(
        self,
        model: Model,
        sample: Sample,
        arith: Arithmetic = FLOAT,
        through: Collection[str] = (),
        program: Program | None = None,
        steady: Model | None = None,
    ) -> None:
        self.steady = steady or model
        self.model, self.sample, self.arith = model, sample, arith
        self.program = program or Program(model, arith)
        self.through = frozenset(through)
        self._definitions: dict[str, list[_Definition]] = {}
        self._local: dict[str, list[_Definition]] = self._definitions if self.steady is model else {}
        self._known: dict[Key, Num] = {}
        self._adjoints: dict[Key, Num] = {}
        # Who read whom: what follows an element when it is moved.
        self._readers: defaultdict[Key, set[Key]] = defaultdict(set)
        self._reader: Key | None = None
        # While an element is moved: the values of what follows it, None for "not computed yet".
        self._moved: dict[Key, Num] | None = None
        self._following: Collection[Key] = frozenset()
        self.asked: set[Key] = set()
        """The adjoints that were read since this was last cleared."""

    @cached_property
    def fine(self) -> Oracle:
        """The same in 60 digits: its differences notice where a function has no derivative."""
        if self.arith.exact:
            return self
        return Oracle(self.model, self.sample, digits(), self.through, None, self.steady)

    # ── the definition ────────────────────────────────────────────────────────────────────────────

    def size(self, name: str, at: Positions) -> int:
        """A size or a member of a family of sizes."""
        return self.sample.size(name, at)

    def element(self, name: str, at: Positions) -> Num:
        """The value of an element.

        Raises:
            OutsideRange: if nothing gives it a value.
        """
        key, moved = (name, at), self._moved
        if moved is None:
            if self._reader is not None:
                self._readers[key].add(self._reader)
        elif key in self._following:
            if key not in moved:
                moved[key] = self._define(key)
            return moved[key]
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._settle(key)
        return known

    def _settle(self, key: Key) -> Num:
        """The value of an element when nothing is moved."""
        saved, self._moved, self._reader = (self._moved, self._reader), None, key
        try:
            return self._define(key)
        finally:
            self._moved, self._reader = saved

    def _define(self, key: Key) -> Num:
        name, at = key
        if name in self.sample.values:
            value = self.sample.values[name].get(at)
            if value is None:
                raise OutsideRange(f"{_show(key)} is read, which is outside of the range of {name}")
            return value if isinstance(value, int) else self.arith.lift(value)
        code, values = self._equation(key, self.model, self._definitions)
        return code(self, values)

    def _equation(
        self, key: Key, model: Model, known: dict[str, list[_Definition]]
    ) -> tuple[Code, Values]:
        """The right side that defines an element, and the values of the equation's indices."""
        name, at = key
        if name not in known:
            known[name] = [_definition(e, self.program) for e in model.equations_of(name)]
        for definition in known[name]:
            values = definition.match(self, at)
            if values is not None:
                return definition.body, values
        raise OutsideRange(f"{_show(key)} is read, and no equation defines it")

    @property
    def cost(self) -> Num:
        """The cost."""
        return self.element(self.model.cost, ())

    def value(self, node: Expr, at: Mapping[Index, int] | None = None) -> Num:
        """The value of an expression where its free indices have the values ``at``.

        Raises:
            SymbpError: if it reads an element that does not exist or an index that has no value.
        """
        return self.run(node, {index.uid: v for index, v in (at or {}).items()})

    def run(self, node: Expr, values: Values) -> Num:
        """As :meth:`value`, for values by the identity of indices."""
        try:
            return self.program.code(node)(self, dict(values))
        except KeyError as error:
            raise SymbpError("the expression has an index that nothing binds") from error

    def reads(self, key: Key) -> set[Key]:
        """The elements that the equation of an element reads; none if the cost does not need it."""
        _ = self.cost
        return {read for read, readers in self._readers.items() if key in readers}

    def followers(self, key: Key) -> set[Key]:
        """All that is computed from an element on the way to the cost, itself included."""
        _ = self.cost
        return self._followers(key, None)

    # ── derivatives ───────────────────────────────────────────────────────────────────────────────

    def adjoint(self, name: str, at: Positions) -> Num:
        """The derivative of the cost by an element, everything downstream of it recomputed."""
        key = (name, at)
        self.asked.add(key)
        if key not in self._adjoints:
            saved, self._moved = (self._moved, self._following), None
            try:
                # The cost is evaluated first, so that it is known who reads whom.
                _ = self.cost
                self._adjoints[key] = self._move(key, lambda: self.cost, None)
            finally:
                self._moved, self._following = saved
        return self._adjoints[key]

    def partial_of(self, name: str, at: Positions, wrt: Key) -> Num:
        """The derivative of the equation that defines a variable by an element that it reads."""
        code, values = self._equation((name, at), self.steady, self._local)
        return self.partial(code, values, wrt)

    def partial(self, code: Code, values: Values, wrt: Key) -> Num:
        """The derivative of an expression by an element; all others but ``through`` are held fixed.

        Raises:
            SymbpError: inside another derivative: complex steps do not nest.
        """
        if self._moved is not None:
            raise SymbpError("a derivative within a derivative cannot be checked numerically")
        if self.through:  # evaluated once in place, so that it is known who reads whom
            code(self, dict(values))
        return self._move(wrt, lambda: code(self, dict(values)), self.through)

    def nudged(self, name: str, at: Positions, step: Num) -> Num:
        """The cost when one element is moved by ``step``, everything downstream of it recomputed.

        Raises:
            SymbpError: inside a derivative.
        """
        if self._moved is not None:
            raise SymbpError("an element cannot be moved while a derivative is taken")
        _ = self.cost
        return self._shifted((name, at), lambda: self.cost, None)(step)

    def _move(self, wrt: Key, function: Callable[[], Num], names: Collection[str] | None) -> Num:
        """d function/d element; of what follows the element only ``names`` (None: all) do so."""
        return self.arith.derive(self._shifted(wrt, function, names))

    def _shifted(
        self, wrt: Key, function: Callable[[], Num], names: Collection[str] | None
    ) -> Callable[[Num], Num]:
        """The function of a step by which an element is moved."""
        array = self.model.arrays.get(wrt[0])
        if array is None or array.integer is not None:
            raise SymbpError(f"{wrt[0]} has no derivatives: it is not a real-valued array")
        start, following = self.element(*wrt), self._followers(wrt, names)

        def moved(step: Num) -> Num:
            self._moved, self._following = {wrt: start + step}, following
            try:
                return function()
            finally:
                self._moved = None

        return moved

    def _followers(self, start: Key, names: Collection[str] | None) -> set[Key]:
        """The elements (of ``names``) that depend on ``start``, itself included."""
        found, todo = {start}, [start]
        while todo:
            for reader in self._readers.get(todo.pop(), ()):
                if reader not in found and (names is None or reader[0] in names):
                    found.add(reader)
                    todo.append(reader)
        return found


def _show(key: Key) -> str:
    name, at = key
    return f"{name}[{','.join(map(str, at))}]" if at else name
