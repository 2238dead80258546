"""Hypothesis strategies: models drawn over the whole language, well-formed by construction.

A model is built line by line.  Whatever an expression needs is declared when it is needed, so that every
index has a range and every element that is read is defined; arguments of functions are chosen so that
values stay finite and of moderate size.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from hypothesis import strategies as st

T_ = TypeVar("T_")

# Names that mean something to SymPy, NumPy or Python stand among them.
ARRAYS = (
    "x", "y", "w", "v", "u", "A", "W", "E", "I", "S", "N", "O", "Q", "beta", "gamma", "lambda_", "pi_", "z1",
    "s", "e", "theta", "mu", "rho", "np_", "sum_", "V", "B", "h", "a", "c", "b", "r", "q", "g_", "o",
)  # fmt: skip
INDICES = (
    "i", "j", "k", "m", "p", "q_", "d_", "e_", "a_", "b_", "i2", "j2", "k2", "m2", "p2", "r_", "s_", "u_",
)  # fmt: skip
SIZES = ("D", "H", "K", "M", "P", "F")

UNARY = (
    "tanh({0})", "sin({0})", "cos({0})", "sigmoid({0})", "softplus({0})", "gelu({0})", "silu({0})",
    "relu({0})", "abs({0})", "atan({0})", "erf({0})", "exp(tanh({0}))", "sqrt(1 + ({0})^2)",
    "log(1 + ({0})^2)", "log(sigmoid({0}))", "log(1 + exp({0}))", "1/(1 + exp(-({0})))", "1/(1 + ({0})^2)",
    "({0})^2", "({0})^3", "-({0})", "({0})/2", "exp(-({0})^2)", "log1p(({0})^2)", "2^tanh({0})",
)  # fmt: skip
BINARY = (
    "{0} + {1}", "{0} - {1}", "({0})*({1})", "({0})/(1 + ({1})^2)", "maximum({0}, {1})",
    "minimum({0}, {1})", "sigmoid({0})*({1})", "({0} - {1})^2",
)  # fmt: skip
FUNCTIONS = (
    ("f", 1, "f(u) = u*sigmoid(u)"),
    ("f", 1, "f(u) = 1/(1 + exp(-u))"),
    ("f", 1, "f(u) = where(u > 0, u, 0.1*u)"),
    ("f", 1, "f(u) = u*tanh(log(1 + exp(u)))"),
    ("f", 1, "f(t) = sin(t)^2 - t/3"),
    ("phi", 2, "phi(u, v) = u*exp(-v^2) + tanh(u*v)"),
    ("phi", 2, "phi(x, y) = maximum(x, y)*x/(1 + y^2)"),
    ("phi", 2, "phi(a, b) = where(a < b, a*b, b - a)"),
)
REDUCTIONS = ("sum", "sum", "sum", "sum", "mean", "mean", "max", "min", "prod", "logsumexp")


@dataclass(frozen=True)
class Domain:
    """The range of an ordinary index; ``dim`` is what stands in a declaration, "" if nothing can."""

    key: str
    dim: str


@dataclass(frozen=True)
class End:
    """An end of a sequence: ``T-1`` is ``End("T", -1)``, ``1`` is ``End("", 1)``."""

    name: str
    offset: int = 0

    def __str__(self) -> str:
        if not self.name:
            return str(self.offset)
        return f"{self.name}{self.offset:+d}" if self.offset else self.name

    def __add__(self, other: int) -> End:
        return End(self.name, self.offset + other)


@dataclass(frozen=True)
class Sequence_:
    """A declared sequence index."""

    name: str
    lo: End
    hi: End


@dataclass(frozen=True)
class Known:
    """An array that may be read: ``before`` and ``after`` say how far it reaches beyond its sequence."""

    name: str
    kind: str
    dims: tuple[Domain, ...] = ()
    sequence: str = ""
    before: int = 0
    after: int = 0
    last: bool = False
    """Whether the sequence index stands last."""

    def at(self, positions: Sequence[str], time: str = "") -> str:
        """``name[time,positions]``."""
        parts = list(positions)
        if self.sequence:
            parts.insert(len(parts) if self.last else 0, time)
        return f"{self.name}[{','.join(parts)}]" if parts else self.name


@dataclass(frozen=True)
class Integers:
    """An integer array, whose elements stand in positions of ``domain``."""

    name: str
    domain: Domain
    dims: tuple[Domain, ...] = ()
    sequence: str = ""


@dataclass(frozen=True)
class Place:
    """Where an expression stands: its free indices, and the values the sequence index takes there.

    ``room`` is how far the sequence index stays from the two ends of its range; ``own`` are the shifts at
    which arrays that are being defined may be read.
    """

    free: tuple[tuple[str, Domain], ...] = ()
    time: Sequence_ | None = None
    room: tuple[int, int] = (0, 0)
    own: tuple[tuple[Known, tuple[int, ...]], ...] = ()

    def bind(self, name: str, domain: Domain) -> Place:
        """With one more index."""
        return replace(self, free=(*self.free, (name, domain)))


STRIDES = ((1, 1), (1, 1), (2, 1), (1, 2), ("s", 1), (1, "s"))
"""Strides and dilations: numbers, and a size."""


@dataclass
class Writer:
    """A model in the making."""

    draw: Callable[..., Any]
    declared: list[str] = field(default_factory=list)
    equations: list[str] = field(default_factory=list)
    known: list[Known] = field(default_factory=list)
    integers: list[Integers] = field(default_factory=list)
    functions: list[tuple[str, int]] = field(default_factory=list)
    sequences: list[Sequence_] = field(default_factory=list)
    sizes: tuple[Domain, ...] = ()
    derived: list[Domain] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    batched: bool = True

    # ── choices ───────────────────────────────────────────────────────────────────────────────────

    def pick(self, options: Sequence[T_]) -> T_:
        """One of the options; hypothesis shrinks towards the first."""
        return self.draw(st.sampled_from(list(options)))

    def chance(self, percent: int) -> bool:
        """True that often; shrinks towards False."""
        return bool(self.draw(st.integers(0, 99)) >= 100 - percent)

    def name(self, of: Sequence[str] = ARRAYS) -> str:
        """A name that is not taken."""
        options = [n for n in of if n not in self.taken]
        found = self.pick(options[:12]) if options else f"x{len(self.taken)}"
        self.taken.add(found)
        return found

    def index(self, place: Place) -> str:
        """A name for an index that is new in this place."""
        used = {n for n, _ in place.free} | self.taken
        return self.pick([n for n in INDICES if n not in used][:3])

    def domain(self) -> Domain:
        """The domain of a new index."""
        return self.pick((*self.sizes, *(d for d in self.derived if d.dim)))

    # ── arrays ────────────────────────────────────────────────────────────────────────────────────

    def declare(self, dims: tuple[Domain, ...], time: Sequence_ | None = None) -> Known:
        """A new param, input or const."""
        kinds = ("param", "param", "param", "input", "const") if self.batched else ("param", "param", "const")
        made = Known(self.name(), self.pick(kinds), dims, time.name if time else "")
        family = f"[{time.name}]" if time else ""
        shape = " : " + ", ".join(d.dim for d in dims) if dims else ""
        self.declared.append(f"{made.kind} {made.name}{family}{shape}")
        self.known.append(made)
        return made

    def gather(self, domain: Domain, place: Place) -> str | None:
        """An integer element that stands in a position of ``domain``."""
        if not domain.dim or len(domain.dim) > 1:
            return None
        time = place.time if place.time is not None and self.chance(60) else None
        fits = [
            g for g in self.integers if g.domain == domain and g.sequence == (time.name if time else "")
        ]
        if not fits or self.chance(20):
            kind = "input" if self.batched and self.chance(80) else "const"
            dims = (self.pick(place.free)[1],) if place.free and self.chance(30) else ()
            dims = tuple(d for d in dims if d.dim)
            made = Integers(self.name(), domain, dims, time.name if time else "")
            family = f"[{time.name}]" if time else ""
            shape = " : " + ", ".join(d.dim for d in dims) if dims else ""
            self.declared.append(f"{kind} {made.name}{family}{shape} in 0..{domain.dim}-1")
            self.integers.append(made)
            fits = [made]
        chosen = self.pick(fits)
        positions = []
        for d in chosen.dims:
            same = [n for n, other in place.free if other == d]
            if not same:
                return None
            positions.append(self.pick(same))
        if time is not None:
            positions.insert(0, self.shifted(time, -place.room[0], place.room[1]))
        return f"{chosen.name}[{','.join(positions)}]" if positions else chosen.name

    def shifted(self, time: Sequence_, least: int, most: int) -> str:
        """The sequence index, moved by at most this."""
        shifts = sorted((s for s in range(max(least, -2), min(most, 2) + 1)), key=abs)
        shift = self.pick(shifts)
        return f"{time.name}{shift:+d}" if shift else time.name

    def moment(self, array: Known, place: Place) -> str | None:
        """Where a sequence array is read; None if it cannot be."""
        for mine, shifts in place.own:
            if mine == array:
                shift = self.pick(shifts)
                assert place.time is not None
                return f"{place.time.name}{shift:+d}" if shift else place.time.name
        whole = next(s for s in self.sequences if s.name == array.sequence)
        if place.time == whole:
            return self.shifted(whole, -place.room[0] - array.before, place.room[1] + array.after)
        if place.time is not None:
            return None
        ends = (whole.hi, whole.lo, whole.lo + 1, whole.hi + array.after, whole.lo + -array.before)
        return str(self.pick(ends))

    # ── expressions ───────────────────────────────────────────────────────────────────────────────

    def element(self, place: Place, must: tuple[str, Domain] | None = None) -> str:
        """An element of an array, with ``must`` among its indices."""
        options = [*self.known, *(k for k, _ in place.own)]
        options = [a for a in options if self.readable(a, place, must)]
        options = options[-6:][::-1]
        if not options or self.chance(25):
            free = [f for f in place.free if f[1].dim and f != must and self.chance(50)]
            chosen = [*([must] if must else []), *free]
            if all(d.dim for _, d in chosen):
                if len(chosen) > 1 and self.chance(30):
                    chosen.reverse()
                # an index that runs over a square twice makes a diagonal
                dims = tuple(d for _, d in chosen)
                time = place.time if place.time is not None and self.chance(40) else None
                options = [self.declare(dims, time)]
        if not options:
            return self.number()
        return self.read(self.pick(options), place, must)

    def readable(self, array: Known, place: Place, must: tuple[str, Domain] | None) -> bool:
        """Whether the array has an element here."""
        if must is not None and must[1] not in array.dims:
            return False
        if array.sequence and place.time is not None and place.time.name != array.sequence:
            return False
        free = {d for _, d in place.free}
        return all(d in free or d.dim or d in array.dims for d in array.dims)

    def read(self, array: Known, place: Place, must: tuple[str, Domain] | None) -> str:
        """An element of the array; positions that no free index fits are summed, gathered or fixed."""
        positions: list[str] = []
        summed: list[str] = []
        slot = self.pick([k for k, d in enumerate(array.dims) if d == must[1]]) if must else -1
        for k, domain in enumerate(array.dims):
            same = [n for n, d in place.free if d == domain]
            if k == slot and must is not None:
                positions.append(must[0])
            elif same and not self.chance(15):
                positions.append(self.pick(same))
            elif self.chance(30) and (gathered := self.gather(domain, place)) is not None:
                positions.append(gathered)
            elif self.chance(10):
                positions.append("0")
            else:
                fresh = self.index(replace(place, free=(*place.free, *((s, domain) for s in summed))))
                summed.append(fresh)
                positions.append(fresh)
        time = self.moment(array, place) if array.sequence else ""
        assert time is not None
        text = array.at(positions, time)
        return f"{self.pick(REDUCTIONS[:6])}({text}, {', '.join(summed)})" if summed else text

    def number(self) -> str:
        """A number."""
        return self.pick(("1", "2", "0.5", "1/3", "0"))

    def leaf(self, place: Place) -> str:
        """An element, a number, an index or a size as a number."""
        kind = self.draw(st.integers(0, 19))
        plain = [n for n, d in place.free if d.dim]
        match kind:
            case 17:
                return self.number()
            case 18 if plain:
                return f"{self.pick(plain)}/{self.pick(self.sizes).dim}"
            case 19 if place.time is not None:
                return f"{place.time.name}/{place.time.hi.name}"
            case _:
                return self.element(place)

    def expression(self, place: Place, depth: int) -> str:
        """An expression whose free indices are those of ``place``, or fewer."""
        if depth <= 0:
            return self.leaf(place)
        kind = self.draw(st.integers(0, 15))
        match kind:
            case 0 | 1:
                return self.leaf(place)
            case 2 | 3 | 4:
                return self.pick(UNARY).format(self.expression(place, depth - 1))
            case 5 | 6 | 7:
                left, right = (self.expression(place, depth - 1) for _ in range(2))
                return "(" + self.pick(BINARY).format(left, right) + ")"
            case 8 | 9 | 10 | 11:
                return self.reduction(place, depth - 1)
            case 12 if place.time is None and self.sequences:
                return self.over_time(place, depth - 1)
            case 13:
                then, other = (self.expression(place, depth - 1) for _ in range(2))
                return f"where({self.condition(place, depth - 1)}, {then}, {other})"
            case 14 if place.free:
                return self.softmax(place, depth - 1)
            case 15 if self.functions:
                name, arity = self.pick(self.functions)
                return f"{name}({', '.join(self.expression(place, depth - 1) for _ in range(arity))})"
            case _:
                return self.contraction(place)

    def reduction(self, place: Place, depth: int) -> str:
        """A reduction over one new index."""
        domain = self.domain()
        name = self.index(place)
        inside = place.bind(name, domain)
        body = self.element(inside, (name, domain))
        if self.chance(70):
            body = self.pick(BINARY).format(body, self.expression(inside, depth))
        if self.chance(20):
            same = [n for n, d in place.free if d == domain]
            if same:
                mask = f"{name} {self.pick(('<=', '<', '==', '!=', '>='))} {self.pick(same)}"
                return f"sum(where({mask}, {body}, 0), {name})"
        op = self.pick(REDUCTIONS)
        if op == "prod":
            body = f"tanh({body}) + 1"
        return f"{op}({body}, {name})"

    def contraction(self, place: Place) -> str:
        """A sum of a product of two elements."""
        domain = self.domain()
        name = self.index(place)
        inside = place.bind(name, domain)
        left = self.element(inside, (name, domain))
        return f"sum({left}*{self.element(inside, (name, domain))}, {name})"

    def over_time(self, place: Place, depth: int) -> str:
        """A reduction over a sequence."""
        whole = self.pick(self.sequences)
        late = self.chance(30)
        inside = replace(place, time=whole, room=(1, 0) if late else (0, 0))
        body = self.timed(inside)
        if self.chance(60):
            body = self.pick(BINARY).format(body, self.expression(inside, depth))
        limits = f"{whole.name}={whole.lo + 1}..{whole.hi}" if late else whole.name
        return f"{self.pick(('sum', 'sum', 'sum', 'mean', 'max'))}({body}, {limits})"

    def timed(self, place: Place) -> str:
        """An element that surely depends on the sequence index."""
        whole = place.time
        assert whole is not None
        options = [k for k in self.known if k.sequence == whole.name and self.readable(k, place, None)]
        array = self.pick(options[::-1][:4]) if options else self.declare((), whole)
        return self.read(array, place, None)

    def softmax(self, place: Place, depth: int) -> str:
        """Weights over one of the free indices, which stays free."""
        name, domain = self.pick(place.free)
        return f"softmax({self.element(place, (name, domain))} + {self.expression(place, depth)}, {name})"

    def condition(self, place: Place, depth: int) -> str:
        """A comparison of indices or values."""
        sign = self.pick(("<", "<=", ">", ">=", "==", "!="))
        kind = self.draw(st.integers(0, 6))
        pairs = [(a, b) for a, d in place.free for b, e in place.free if a != b and d == e]
        match kind:
            case 1 | 2 if pairs:
                left, right = self.pick(pairs)
                return f"{left} {sign} {right}"
            case 3 if place.free:
                return f"{self.pick(place.free)[0]} {sign} {self.pick(('0', '1'))}"
            case 4 if place.time is not None:
                return f"{place.time.name} {sign} {self.pick((place.time.lo + 1, place.time.hi))}"
            case 5 if depth > 0:
                word = self.pick(("and", "or"))
                return f"{self.condition(place, depth - 1)} {word} {self.condition(place, 0)}"
            case 6 if depth > 0:
                return f"not ({self.condition(place, depth - 1)})"
            case _:
                return f"{self.element(place)} {self.pick(('<', '>', '<=', '>='))} {self.leaf(place)}"

    # ── equations ─────────────────────────────────────────────────────────────────────────────────

    def settled(self, text: str, place: Place) -> str:
        """The right side, with an element for each index whose range nothing else gives."""
        for f in place.free:
            text = f"{text} + {self.element(place, f)}"
        return text

    def lhs_indices(self, most: int = 2) -> Place:
        place = Place()
        for _ in range(self.draw(st.integers(0, most))):
            place = place.bind(self.index(place), self.domain())
        return place

    def define(self, array: Known, place: Place, time: str, body: str, clause: str = "") -> None:
        """Write an equation."""
        left = array.at([n for n, _ in place.free], time)
        self.equations.append(f"{left} = {body}{clause}")

    def variable(self, place: Place, **how: Any) -> Known:
        return Known(self.name(), "variable", tuple(d for _, d in place.free), **how)

    def plain(self) -> None:
        """A variable of no sequence."""
        place = self.lhs_indices()
        body = self.settled(self.expression(place, 2), place)
        array = self.variable(place)
        self.define(array, place, "", body)
        self.known.append(array)

    def pointwise(self) -> None:
        """A variable over a sequence, without a recurrence."""
        whole = self.pick(self.sequences)
        place = replace(self.lhs_indices(1), time=whole)
        body = f"{self.settled(self.expression(place, 2), place)} + {self.timed(place)}"
        array = self.variable(place, sequence=whole.name, last=self.chance(15))
        self.define(array, place, whole.name, body)
        self.known.append(array)

    def boundary(self, array: Known, place: Place, at: End) -> None:
        """The value at one place of the sequence."""
        here = Place(place.free)
        kind = self.draw(st.integers(0, 3))
        if kind == 0:
            body = self.number()
        elif kind == 1 and all(d.dim for _, d in place.free):
            body = self.declare(tuple(d for _, d in place.free)).at([n for n, _ in place.free])
        else:
            body = self.settled(self.expression(here, 1), here)
        self.define(array, here, str(at), body)

    def recurrence(self) -> None:
        """One or two variables that recur over a sequence, forwards or backwards, by one or two."""
        whole = self.pick(self.sequences)
        place = self.lhs_indices(1)
        step, back = self.pick((1, 1, 2)), self.chance(35)
        outside = self.pick((1, 0))
        pair = self.chance(25)
        reach = {"after" if back else "before": outside}
        arrays = [self.variable(place, sequence=whole.name, **reach) for _ in range(2 if pair else 1)]
        inner = step - outside
        sign = 1 if back else -1
        shifts = tuple(sign * s for s in range(1, step + 1))
        room = (0, inner) if back else (inner, 0)
        first = whole.hi + outside if back else whole.lo + -outside
        for array in arrays:
            for s in range(step):
                self.boundary(array, place, first + -sign * s)
        limits = (whole.lo, whole.hi + -inner) if back else (whole.lo + inner, whole.hi)
        clause = f" for {whole.name} = {limits[0]}..{limits[1]}" if inner else ""
        for number, array in enumerate(arrays):
            own = tuple((a, (*shifts, 0) if k < number else shifts) for k, a in enumerate(arrays))
            here = replace(place, time=whole, room=room, own=own)
            drawn = self.settled(self.expression(here, 2), replace(here, own=()))
            body = self.pick(("tanh({0})", "{0}", "sin({0})/2")).format(drawn)
            shift = self.pick(shifts)
            last = array.at([n for n, _ in place.free], f"{whole.name}{shift:+d}")
            body += self.pick((" + {0}/2", " + tanh({0})", " - 0.3*{0}", " + {0}")).format(last)
            self.define(array, place, whole.name, body, clause)
        self.known.extend(arrays)

    def window(self) -> None:
        """A convolution: a new domain, that of the places of a window."""
        # always a later size within an earlier one: then some sizes fit all windows
        first, second = sorted(self.draw(st.permutations(range(len(self.sizes))))[:2])
        whole, part = self.sizes[first], self.sizes[second]
        stride, dilation = self.pick(STRIDES)
        if "s" in (stride, dilation):
            named = self.name(("s", "r", "step"))
            stride, dilation = (named if n == "s" else n for n in (stride, dilation))
            self.declared.insert(0, f"size {named}")
        key = f"window {whole.key} {part.key} {stride} {dilation}"
        dim = f"{whole.dim}-{part.dim}+1" if (stride, dilation) == (1, 1) else ""
        if dilation == 2:
            dim = f"{whole.dim}-2*{part.dim}+2"
        domain = Domain(key, dim)
        other = self.lhs_indices(1)
        i = self.index(other)
        place = other.bind(i, domain)
        p = self.index(place)
        inside = place.bind(p, part)
        kernel = self.element(inside, (p, part))
        data = [a for a in self.known if whole in a.dims and not a.sequence]
        image = self.pick(data[-3:]) if data and self.chance(50) else self.declare((whole,))
        position = f"{i}+{p}" if dilation == 1 else f"{i}+{dilation}*{p}"
        if stride != 1:
            position = f"{stride}*{i}+{p}"
        at = [self.fixed(d, other) for d in image.dims]
        at[image.dims.index(whole)] = position
        body = f"{self.pick(('sum', 'sum', 'max'))}({kernel}*{image.at(at)}, {p})"
        body = self.pick(("{0}", "tanh({0})", "relu({0})")).format(body)
        body = self.settled(body, other)
        array = self.variable(place)
        self.define(array, place, "", body)
        self.known.append(array)
        if domain not in self.derived:
            self.derived.append(domain)

    def fixed(self, domain: Domain, place: Place) -> str:
        same = [n for n, d in place.free if d == domain]
        return self.pick(same) if same else "0"

    def layers(self) -> None:
        """A family whose sizes differ from layer to layer."""
        n, length, at = (self.name((x,)) for x in ("n", "L", "l"))
        self.declared.insert(0, f"index {at} = 1..{length}")
        w, a = self.name(), self.name()
        self.declared.append(f"param {w}[{at}] : {n}[{at}], {n}[{at}-1]")
        j, k = self.index(Place()), "k_"
        first = self.name()
        kind = self.pick(("input", "param")) if self.batched else "param"
        self.declared.append(f"{kind} {first} : {n}[0]")
        body = f"sum({w}[{at},{j},{k}]*{a}[{at}-1,{k}], {k})"
        if self.chance(60):
            b = self.name()
            self.declared.append(f"{self.pick(('param', 'const'))} {b}[{at}] : {n}[{at}]")
            body += f" + {b}[{at},{j}]"
        if self.chance(30):
            skip = self.name()
            self.declared.append(f"param {skip}[{at}] : {n}[{at}], {n}[0]")
            body += f" + sum({skip}[{at},{j},{k}]*{first}[{k}], {k})"
        if self.chance(30):
            body += f"/{n}[{at}-1]" if self.chance(50) else f" + {at}/{length}"
        if self.chance(50):
            z = self.name()
            self.equations.append(f"{a}[0,{k}] = {first}[{k}]")
            self.equations.append(f"{z}[{at},{j}] = {body}")
            body = f"{z}[{at},{j}]"
        else:
            self.equations.append(f"{a}[0,{k}] = {first}[{k}]")
        act = self.pick(("tanh({0})", "sigmoid({0})", "softplus({0})", "{0}", "sin({0})", "silu({0})"))
        self.equations.append(f"{a}[{at},{j}] = {act.format(body)}")
        out = self.name()
        ends = (
            f"sum({a}[{length},{j}]^2, {j})", f"logsumexp({a}[{length},{j}], {j})",
            f"sum({a}[{at},{j}]^2, {at}, {j})", f"max({a}[{length},{j}], {j})",
            f"mean({a}[{length},{j}]*{a}[{length},{j}], {j})", f"sum(mean({a}[{at},{j}], {j}), {at})",
        )  # fmt: skip
        self.equations.append(f"{out} = {self.pick(ends)}")
        self.known.append(Known(out, "variable"))

    def grid(self) -> None:
        """A recurrence over two sequence indices at once."""
        i, j, rows, cols = (self.name((x,)) for x in ("i_", "j_", "N_", "M_"))
        self.declared.insert(0, f"index {i} = 1..{rows}, {j} = 1..{cols}")
        r, a, b = self.name(), self.name(), self.name()
        kind = self.pick(("input", "param")) if self.batched else "param"
        self.declared += [f"{kind} {a}[{i}]", f"param {b}[{j}]"]
        edge = self.pick(("0", f"{a}[1]", "1"))
        self.equations += [f"{r}[0,0] = {edge}", f"{r}[{i},0] = {self.pick((i, '0', f'{a}[{i}]'))}"]
        self.equations.append(f"{r}[0,{j}] = {self.pick((f'{j}/2', '1', f'sin({b}[{j}])'))}")
        reads = (f"{r}[{i}-1,{j}]", f"{r}[{i},{j}-1]", f"{r}[{i}-1,{j}-1]")
        step = self.pick((
            "log(exp(-{0}) + exp(-{1}) + exp(-{2}))", "minimum({0}, minimum({1}, {2}))/2",
            "tanh({0}*{1}) + {2}/3", "sin({0} + {2}) - {1}/3",
        )).format(*reads)  # fmt: skip
        self.equations.append(f"{r}[{i},{j}] = ({a}[{i}] - {b}[{j}])^2 + {step}")
        out = self.name()
        ends = (f"{r}[{rows},{cols}]", f"sum({r}[{i},{cols}], {i})", f"sum({r}[{i},{j}]^2, {i}, {j})/10")
        self.equations.append(f"{out} = {self.pick(ends)}")
        self.known.append(Known(out, "variable"))

    def scalar(self, array: Known) -> str:
        """A scalar that reads all of an array."""
        whole = next((s for s in self.sequences if s.name == array.sequence), None)
        place, indices = Place(time=whole), list[str]()
        for d in array.dims:
            name = self.index(place)
            place = place.bind(name, d)
            indices.append(name)
        if whole is not None and self.chance(40):
            text = array.at(indices, str(whole.lo if array.after else whole.hi))
        else:
            text = array.at(indices, whole.name if whole else "")
            indices += [whole.name] if whole else []
        text = self.pick(("{0}", "{0}^2", "tanh({0})", "sin({0})*{0}")).format(text)
        return f"{self.pick(('sum', 'mean'))}({text}, {', '.join(indices)})" if indices else text

    def finish(self) -> str:
        """The whole text."""
        variables = [k for k in self.known if k.kind == "variable"]
        if not any(line.startswith("param") for line in self.declared):
            self.declare(())
            self.declared[-1] = f"param {self.known[-1].name}"
            self.known[-1] = replace(self.known[-1], kind="param")
        terms = [self.scalar(v) for v in variables if v is variables[-1] or self.chance(70)]
        if not terms or self.chance(40):
            terms.append(self.expression(Place(), 2))
        cost = self.name(("C", "J", "cost_", "O"))
        lets = []
        if variables and self.chance(40):
            lets = [f"let {self.name(('delta', 'epsilon', 'dz'))} = d{cost}/d{self.pick(variables).name}"]
        text = " ".join((*self.equations, *terms))
        shapes = " ".join(line.partition(":")[2] for line in self.declared)
        for size in self.sizes:
            if re.search(rf"\b{size.dim}\b", text) and not re.search(rf"\b{size.dim}\b", shapes):
                self.declared.append(f"size {size.dim}")
        title = ['title "Drawn at random"'] if self.chance(20) else []
        body = [*self.declared, *self.equations, *lets, f"cost {cost} = {' + '.join(terms)}"]
        return "\n".join([*title, *body]) + "\n"


@st.composite
def models(draw: Callable[..., Any]) -> str:
    """The text of a well-formed model."""
    write = Writer(draw)
    write.batched = not write.chance(25)
    count = draw(st.integers(1, 4))
    write.sizes = tuple(Domain(s, s) for s in SIZES[:max(count, 2)])
    write.taken.update(s.dim for s in write.sizes)
    for name, arity, text in draw(st.lists(st.sampled_from(FUNCTIONS), max_size=2, unique_by=lambda f: f[0])):
        write.functions.append((name, arity))
        write.declared.append(text)
        write.taken.add(name)
    if write.chance(60):
        lo, hi = write.pick(((1, 0), (0, -1), (0, 0)))
        write.sequences.append(Sequence_("t", End("", lo), End("T", hi)))
        write.taken.update(("t", "T"))
        write.declared.insert(0, f"index t = {End('', lo)}..{End('T', hi)}")
    blocks: list[Callable[[], None]] = [write.plain, write.plain, write.window]
    if write.sequences:
        blocks += [write.recurrence, write.recurrence, write.recurrence, write.pointwise]
    singles = [write.layers, write.grid]
    for _ in range(draw(st.integers(1, 3))):
        write.pick(blocks)()
    if write.chance(30):
        write.pick(singles)()
    return write.finish()
