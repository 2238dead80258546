"""The door of a generated module: sizes from shapes, one dtype, and messages that name the argument."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from symbp.arrays.storage import Storage, sequence_axes
from symbp.calculus.affine import Affine, FloorDiv, Index, Monomial, Size, affine, show
from symbp.calculus.expr import Ref
from symbp.calculus.names import fresh_name
from symbp.errors import ModelProblem, SymbpError
from symbp.model.core import Array, Model
from symbp.model.reach import Reach, narrow, reaches

Lines = list[str]


@dataclass(frozen=True, slots=True)
class Dim:
    """One axis of an argument: ``size + offset`` that the shape may fix, or a value to compare with."""

    size: Size | None
    offset: int
    value: Affine

    @classmethod
    def of(cls, extent: Affine) -> Dim:
        """Look at the extent of an axis."""
        if len(extent.terms) == 1 and extent.terms[0][1] == 1 and isinstance(extent.terms[0][0], Size):
            return cls(extent.terms[0][0], extent.const, extent)
        return cls(None, 0, extent)


@dataclass(frozen=True)
class Door:
    """Writes ``_checked`` for a model; ``names`` are Python names of arrays and sizes."""

    model: Model
    storages: Mapping[str, Storage]
    names: Mapping[str, str]
    family: str = "_family"
    """The helper that makes a value of a family of sizes."""

    @property
    def given(self) -> tuple[Array, ...]:
        """The arguments: inputs, constants, parameters."""
        return tuple(a for kind in ("input", "const", "param") for a in self.model.of_kind(kind))

    @property
    def batch(self) -> str:
        """The symbol of the number of examples in messages."""
        return "batch_" if "batch" in self.model.sizes else "batch"

    def lines(self, returned: Sequence[str], dtype: bool) -> Lines:
        """The body of ``_checked``; ``returned`` are the names of sizes that functions use."""
        out = self.conversions()
        out += [f'_fit({{}}, "{name}", {self.names[name]}.shape)' for name in self.valued()]
        out.append(f"size = _sizes({', '.join(map(self.shape, self.given))}{self.counts()})")
        for array in self.given:
            out += self.stacked(array)
        out += [*self.integers(lambda value: self.text(value, {})), *self.widened()]
        values = [self.names[a.name] for a in self.given] + [self.size_value(s) for s in returned]
        out.append(f"return {', '.join(values + ([self.names['#dtype']] if dtype else []))}")
        return out

    def size_lines(self, returned: Sequence[str]) -> Lines:
        """The body of ``_sizes``, whose arguments are shapes under the names of their arrays."""
        free = (f'"{name}": {self.names[f"size {name}"]}' for name in self.model.free_sizes)
        out = [f"size = {{{', '.join(free)}}}"]
        for array, whole in self.ordered():
            out += self.fit(array) if whole else self.ends(array)
        out += [self.within(reach) for reach in reaches(self.model)]
        out += [self.extent(name, count) for name, count in narrow(self.model)]
        families = filter(self.is_family, returned)
        out += [f'size["{name}"] = {self.family}(size, "{name}")' for name in families]
        return [*out, "return size"]

    def within(self, reach: Reach) -> str:
        """A slice that reaches too far is only shorter: that sizes are large enough is asked here."""
        ends = (self.text(end, {}) for end in (reach.low, reach.high, reach.first, reach.last))
        return f'_within("{reach.name}", {", ".join(ends)})'

    def extent(self, name: str, count: Affine) -> str:
        """An axis with less than no element is a matter of the door too, not of NumPy."""
        return f'_extent("{name}", "{show(count)}", {self.text(count, {})})'

    def size_arguments(self) -> list[str]:
        """The arguments of ``_sizes``: shapes, sizes that are arguments, integers that stand in sizes."""
        sizes = (self.names[f"size {name}"] for name in self.model.free_sizes)
        return [*(self.names[a.name] for a in self.given), *sizes, *map(self.value_name, self.valued())]

    def shape(self, array: Array) -> str:
        """The shape of an argument, or those of its members."""
        name = self.names[array.name]
        return f"tuple([member.shape for member in {name}])" if self.members(array) else f"{name}.shape"

    def counts(self) -> str:
        """The integers with which ``_sizes`` is called besides the shapes."""
        free = [f'_positive("{name}", {self.names[f"size {name}"]})' for name in self.model.free_sizes]
        return "".join(f", {t}" for t in (*free, *(f"int({self.names[n]})" for n in self.valued())))

    def valued(self) -> list[str]:
        """The integer arguments whose value stands in the extent of an axis."""
        extents = (d.value for a in self.given for d in self.dims(a))
        found = dict.fromkeys(r.name for e in extents for r in e.atoms() if isinstance(r, Ref))
        return list(found)

    def value_name(self, name: str) -> str:
        """The name that the value of an integer argument has in ``_sizes``, beside its shape."""
        return fresh_name(f"{self.names[name]}_value", self.names.values())

    def size_value(self, name: str) -> str:
        """A size, or a family of sizes as a dictionary by its index, as ``_sizes`` returns it."""
        if name == "#batch":
            return f'size["{self.batch}"]'
        return f'size["{name}"]'

    def is_family(self, name: str) -> bool:
        """Whether a size is a family n[l]."""
        return any(s.name == name and s.at for a in self.given for s in _sizes(a.axes))

    # ── conversion ────────────────────────────────────────────────────────────────────────────────

    def conversions(self) -> Lines:
        """Everything as arrays of one floating dtype; integer arrays as they are."""
        real = [a for a in self.given if a.integer is None]
        out: Lines = []
        for a in self.given:
            if self.members(a):
                out.append(f'{self.names[a.name]} = _members("{a.name}", {self.names[a.name]})')
        dtype = self.names["#dtype"]
        if not real:
            out.append(f"{dtype} = np.dtype(np.float64)")
        else:
            listed = ", ".join(("*" if self.members(a) else "") + self.names[a.name] for a in real)
            named = ", ".join(f'"{a.name}": {self.listed(a)}' for a in real)
            out += [f"{dtype} = _common({listed})", f"if {dtype} is None:"]
            out += [f"    {dtype} = _dtype({{{named}}})"]
            out += [f"    {self.converted(a, f', {dtype}')}" for a in real]
        return [*out, *(self.converted(a, "") for a in self.given if a.integer is not None)]

    def converted(self, array: Array, kind: str) -> str:
        """The line that makes an array of an argument."""
        name = self.names[array.name]
        if self.members(array):
            return f"{name} = [np.asarray(member{kind}) for member in {name}]"
        return f"{name} = np.asarray({name}{kind})"

    def listed(self, array: Array) -> str:
        """An argument as a list of arrays."""
        name = self.names[array.name]
        return name if self.members(array) else f"[{name}]"

    def members(self, array: Array) -> bool:
        """Whether an argument comes as a sequence of members: a family over one sequence index."""
        storage = self.storages[array.name]
        one = len(sequence_axes(array.axes)) == 1 and bool(array.axes[0].sequence)
        return storage.listed or (one and array.kind != "input")

    def stacked(self, array: Array) -> Lines:
        """A family that the code reads as one array."""
        if self.members(array) and not self.storages[array.name].listed:
            name = self.names[array.name]
            return [f"{name} = np.stack({name})"]
        return []

    # ── shapes ────────────────────────────────────────────────────────────────────────────────────

    def ordered(self) -> list[tuple[Array, bool]]:
        """The arguments in an order in which every axis fixes a size or can be compared.

        Each comes whole; before that only the plain axes at its ends, where two arrays need sizes of each
        other, as x : 2*C, H and y : C, 2*H do.

        Raises:
            ModelProblem: if a size follows from no shape.
        """
        known = {*self.model.free_sizes}
        left, out = list(self.given), list[tuple[Array, bool]]()
        while left:
            array = next((a for a in left if self.ready(a, known)), None)
            whole = array is not None
            array = array or next((a for a in left if self.fixes(a) - known), None)
            if array is None:
                raise _unfixed(left[0], known)
            if whole:
                left.remove(array)
            out.append((array, whole))
            own = {d.size.name for d in self.dims(array) if d.size is not None}
            known |= own if whole else self.fixes(array)
        return out

    def fixes(self, array: Array) -> set[str]:
        """The sizes that the plain axes at the ends of an array say, whatever the others are."""
        if self.members(array):
            return set()
        ends = _plain_ends(self.dims(array))
        return {d.size.name for d in ends if d.size is not None and not d.size.at}

    def ready(self, array: Array, known: set[str]) -> bool:
        dims = self.dims(array)
        here = known | {d.size.name for d in _plain_ends(dims) if d.size is not None}
        inner = (p for d in dims for p in (d.size.at if d.size is not None else (d.value,)))
        return {s.name for p in inner for s in _names(p)} <= here

    def dims(self, array: Array) -> list[Dim]:
        """The axes of an argument in the order of its shape, without the batch."""
        return [Dim.of(i.extent) for i in array.axes]

    def fit(self, array: Array) -> Lines:
        name, dims = self.names[array.name], self.dims(array)
        batch = [f'"{self.batch}"'] if array.kind == "input" else []
        if not self.members(array):
            return self.calls(f'"{array.name}"', name, batch, dims, {})
        index = array.axes[0]
        length = _call(f'"len({array.name})", (len({name}),)', [self.dim(dims[0], {})])
        here = {index: index.name if index.name not in self.names.values() else f"{index.name}_"}
        low = self.text(index.low, {})
        loop = f"for {here[index]}, member in enumerate({name}{'' if low == '0' else f', {low}'}):"
        calls = self.calls(f'f"{array.name}[{{{here[index]}}}]"', "member", batch, dims[1:], here)
        return [length, loop, *(f"    {call}" for call in calls)]

    def calls(
        self, label: str, shape: str, batch: list[str], dims: list[Dim], here: Mapping[Index, str]
    ) -> Lines:
        """One call of ``_fit``; where an axis follows from others (P, N-P+1), those are fitted first."""
        parts = [*batch, *(self.dim(d, here) for d in dims)]
        needed = {s.name for d in dims if d.size is None for s in _names(d.value)}
        head, tail = _plain(dims), len(dims) - _plain(dims[::-1])
        first = head < len(dims) and needed & {d.size.name for d in dims[:head] if d.size is not None}
        last = tail > 0 and needed & {d.size.name for d in dims[tail:] if d.size is not None}
        end, start = len(batch) + head if first else 0, len(batch) + tail if last else 0
        return [*_end_calls(label, shape, parts, end, start), _call(f"{label}, {shape}", parts)]

    def ends(self, array: Array) -> Lines:
        """Calls of ``_fit`` for the plain axes at the ends of an array alone."""
        name, dims = self.names[array.name], self.dims(array)
        batch = [f'"{self.batch}"'] if array.kind == "input" else []
        parts = [*batch, *(self.dim(d, {}) for d in dims)]
        head, tail = _plain(dims), len(dims) - _plain(dims[::-1])
        start = len(batch) + tail if tail < len(dims) else 0
        return _end_calls(f'"{array.name}"', name, parts, len(batch) + head if head else 0, start)

    def dim(self, dim: Dim, here: Mapping[Index, str]) -> str:
        """The axis as an argument of ``_fit``."""
        if dim.size is None:
            if dim.value.is_const:
                return str(dim.value.const)
            return f'({self.text(dim.value, here)}, "{show(dim.value)}")'
        key = self.key(dim.size, here)
        return f"({key}, {dim.offset:+d})" if dim.offset else key

    def key(self, size: Size, here: Mapping[Index, str]) -> str:
        """The name of a size as ``_fit`` knows it: ``"K"``, ``f"n[{l-1}]"``."""
        if not size.at:
            return f'"{size.name}"'
        places = ", ".join(self.place(p, here) for p in size.at)
        return f'{"f" if "{" in places else ""}"{size.name}[{places}]"'

    def place(self, value: Affine, here: Mapping[Index, str]) -> str:
        """The index of a member in an f-string."""
        return str(value.const) if value.is_const else f"{{{self.text(value, here)}}}".replace('"', "'")

    def text(self, value: Affine, here: Mapping[Index, str]) -> str:
        """An integer from sizes that are known already."""
        out = ""
        for atom, factor in value.terms:
            sign = "-" if factor < 0 else "+" if out else ""
            out += f"{sign}{'' if abs(factor) == 1 else f'{abs(factor)}*'}{self.atom(atom, here)}"
        return out + (f"{value.const:+d}" if out else str(value.const)) if value.const or not out else out

    def atom(self, atom: object, here: Mapping[Index, str]) -> str:
        match atom:
            case Index():
                if atom not in here:
                    raise SymbpError(f"the size of an axis depends on {atom.name}, no index of its family")
                return here[atom]
            case Size(_, at) if at:
                return f"size[{self.key(atom, here)}]"
            case Size(name, _):
                return f'size["{name}"]'
            case FloorDiv(value, by):
                return f"(({self.text(value, here)})//({self.text(affine(by), here)}))"
            case Monomial(factors):
                return "*".join(self.atom(f, here) for f in factors)
            case Ref(name, ()):
                return self.value_name(name)
            case _:
                raise SymbpError("an array element stands in a size")

    def integers(self, text: Callable[[Affine], str]) -> Lines:
        """The range of integer values is a matter of the door too; ``text`` writes its ends."""
        out: Lines = []
        for array in self.given:
            if array.integer is None:
                continue
            low, high = array.integer
            inner = next((i for end in (low, high) for i in end.indices()), None)
            if inner is not None:
                raise SymbpError(f"the range of the values of {array.name} depends on {inner.name}")
            name = self.names[array.name]
            listed = self.members(array) and self.storages[array.name].listed
            values = f"np.hstack([member.ravel() for member in {name}])" if listed else name
            out.append(f'_integers("{array.name}", {values}, {text(low)}, {text(high)})')
        return out

    def widened(self) -> Lines:
        """Integers that code computes with in a type that holds what it makes of them."""
        out: Lines = []
        for array in self.given:
            name, storage = self.names[array.name], self.storages[array.name]
            if not storage.counted:
                continue
            wide, listed = "{}.astype(np.intp, copy=False)", self.members(array) and storage.listed
            value = f"[{wide.format('member')} for member in {name}]" if listed else wide.format(name)
            out.append(f"{name} = {value}")
        return out

    def numbers(self) -> list[Array]:
        """The arguments that are one number, which may come as one of Python."""
        return [a for a in self.given if a.kind != "input" and not a.axes and a.integer is None]


def _end_calls(label: str, shape: str, parts: list[str], end: int, start: int) -> Lines:
    """Calls of ``_fit`` for the axes before ``end`` and from ``start`` on, where these are not 0."""
    first = [_call(f"{label}, {shape}[:{end}]", parts[:end])] if end else []
    return first + ([_call(f"{label}, {shape}[{start}:]", parts[start:])] if start else [])


def _unfixed(array: Array, known: set[str]) -> ModelProblem:
    """That a size stands in no shape alone: as 2*S, say, which is no number for every length."""
    open_ = [i.extent for i in array.axes if {s.name for s in _names(i.extent)} - known]
    names = dict.fromkeys(s.name for extent in open_ for s in _names(extent) if s.name not in known)
    return ModelProblem(
        f"no shape fixes {' or '.join(names)}: {array.name} has {' and '.join(map(show, open_))} elements",
        array.span,
        f"make it an argument: size {', '.join(names)}; or let an array have it alone as an axis",
    )


def _call(head: str, dims: Iterable[str]) -> str:
    return f"_fit(size, {', '.join([head, *dims])})"


def _plain(dims: Sequence[Dim]) -> int:
    """How many axes from the first on are sizes that the shape may fix."""
    return next((k for k, d in enumerate(dims) if d.size is None), len(dims))


def _plain_ends(dims: Sequence[Dim]) -> list[Dim]:
    """The axes at both ends that are such sizes."""
    return [*dims[: _plain(dims)], *dims[len(dims) - _plain(dims[::-1]) :]]


def _sizes(axes: Iterable[Index]) -> Iterable[Size]:
    for axis in axes:
        for end in (axis.low, axis.high):
            yield from (a for a in end.atoms() if isinstance(a, Size))


def _names(value: Affine) -> Iterable[Size]:
    return (a for a in value.atoms() if isinstance(a, Size))
