"""The elements of one value in loops: in which order they run, what adds up, what is computed before them.

Products add up while they run; what depends on fewer indices than the loops around it gets an array of its
own before them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from symbp.arrays.masks import may_be_empty
from symbp.arrays.nodes import (
    BATCH,
    Apply,
    Choice,
    Contract,
    Elementwise,
    Fold,
    IndexValue,
    Labels,
    Load,
    Local,
    LoopSum,
    Node,
    Normalised,
    Num,
    Select,
    Span,
    Take,
    Window,
    below,
    loaded,
    map_below,
)
from symbp.calculus.affine import Affine, Index
from symbp.calculus.names import fresh_name
from symbp.emit.loops_scalar import Scalars
from symbp.emit.numpy_body import Body, Lines, indented
from symbp.emit.numpy_text import SUM, Code
from symbp.errors import SymbpError

Known = tuple[dict[Node, Local], dict[Node, str], dict[str, tuple[str, str]]]

Place = Load | Local
"""What is written to: an element of a stored array, or of one that serves a few lines."""

STARTS = {"sum": "0.0", "prod": "1.0", "max": "-np.inf", "min": "np.inf"}
STEPS = {"sum": "{0} += {1}", "prod": "{0} *= {1}", "max": "{0} = np.maximum({0}, {1})",
         "min": "{0} = np.minimum({0}, {1})"}  # fmt: skip
"""How reductions begin and go on."""


@dataclass
class Nests(Body):
    """Writes loops for values.

    ``unpadded`` are keys of families that the caller made; ``kept`` are values that have an array already.
    """

    unpadded: frozenset[str] = frozenset()
    kept: dict[Node, Local] = field(default_factory=dict)
    sums: dict[Node, str] = field(default_factory=dict)
    """The names of reductions written in the present block."""
    members: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Names for members of lists, by how the member is written, each with the key of the list."""
    lines: Lines = field(default_factory=list)

    # ── what earlier lines have computed ──────────────────────────────────────────────────────────

    def known(self) -> Known:
        """What later lines of the present block may use."""
        return dict(self.kept), dict(self.sums), dict(self.members)

    def only(self, known: Known) -> None:
        """Back to what was known before lines that run only at times, or in a block of their own."""
        self.kept, self.sums, self.members = dict(known[0]), dict(known[1]), dict(known[2])

    def changed(self, key: str) -> None:
        """Values that were made of an array that has others now."""
        self.kept = {n: local for n, local in self.kept.items() if key not in loaded(n)}
        self.sums = {n: name for n, name in self.sums.items() if key not in loaded(n)}

    def renewed(self, key: str) -> None:
        """Members that may be other arrays than before."""
        self.members = {text: found for text, found in self.members.items() if found[0] != key}

    def written_shape(self, ends: Sequence[Affine]) -> str:
        """A shape; where a difference of sizes may be negative, there is nothing."""
        texts = []
        for end in ends:
            text = self.writer().integer(end, True).text
            texts.append(f"max({text}, 0)" if any(factor < 0 for _, factor in end.terms) else text)
        return f"({', '.join(texts)}{',' if len(texts) == 1 else ''})"

    # ── statements ────────────────────────────────────────────────────────────────────────────────

    def store(self, target: Place, value: Node, accumulate: bool, note: str = "") -> None:
        """Loops over the labels of the target that write its elements."""
        choice = _choice(value)
        if choice is not None:
            self.either(choice, target, value, accumulate, note)
            return
        value = self.alone(value, frozenset(target.labels))
        self.bind((target, *_reads(value)))
        best = self.innermost(value, target)
        if best is not None:
            self.added_up(target, value, best, accumulate, note)
            return
        sign = "+=" if accumulate else "="

        def line() -> None:
            text = self.scalars().write(value).text
            self.lines.append(f"{self.scalars().write(target).text} {sign} {text}{note}")

        self.nest(target.labels, line)

    def bind(self, places: Iterable[Place]) -> None:
        """Names for the members of lists that a statement touches: its loops need not look them up."""
        for place in places:
            if isinstance(place, Load) and self.storages[place.key].nested:
                text = self.scalars().member(place)
                if text not in self.members:
                    name = self.unused(re.sub(r"\W+", "_", text).strip("_"))
                    self.lines.append(f"{name} = {text}")
                    self.members[text] = (place.key, name)

    def either(self, choice: Choice, target: Place, value: Node, accumulate: bool, note: str) -> None:
        """A choice that is the same for all elements, made once."""
        known = self.known()
        self.lines.append(f"if {self.scalars().write(choice.cond).text}:")
        for branch in (choice.then, choice.other):
            outer, self.lines = self.lines, []
            self.store(target, _replaced(value, choice, branch), accumulate, note)
            inner, self.lines = self.lines, outer
            self.lines += [*indented(inner), *(["else:"] if branch is choice.then else [])]
            self.only(known)

    # ── what order the loops have ─────────────────────────────────────────────────────────────────

    def innermost(self, value: Node, target: Place) -> Index | None:
        """The axis of the target along which a sum of products runs through memory one by one.

        None if the index of the sum does so at least as well, or if the value is no sum.
        """
        if not isinstance(value, Contract | Fold) or (isinstance(value, Fold) and value.op != "sum"):
            return None
        found = [_along(n) for part in below(value) for n in _reads(part)] + [_along(target)]
        ranks = {i: found.count(i) for i in (*target.labels, *value.over)}
        inside = [i for i in target.labels if ranks[i] > max(ranks[o] for o in value.over)]
        return max(inside, key=lambda i: ranks[i], default=None)

    def added_up(self, target: Place, value: Node, best: Index, accumulate: bool, note: str) -> None:
        """Terms added to the elements of the target, row by row."""
        assert isinstance(value, Contract | Fold)

        def zero() -> None:
            self.lines.append(f"{self.scalars().write(target).text} = 0.0")

        def term() -> None:
            text = self.term(value).text
            self.lines.append(f"{self.scalars().write(target).text} += {text}{note}")

        def row() -> None:
            if not accumulate:
                self.nest((best,), zero)
            self.nest(value.over, lambda: self.nest((best,), term))

        self.nest(tuple(i for i in target.labels if i != best), row)

    def term(self, node: Contract | Fold) -> Code:
        """What a reduction runs over."""
        if isinstance(node, Fold):
            return self.scalars().write(node.arg)
        return self.scalars().write(Elementwise("*", (node.left, node.right), ()))

    def nest(self, labels: Sequence[Index], body: Callable[[], None]) -> None:
        """The lines of ``body`` in a loop for each label."""
        if not labels:
            body()
            return
        first, *rest = labels
        stem = "example" if first is BATCH else first.name
        name = fresh_name(stem, self.indices.values(), self.names.values(), self.taken)
        writer = self.writer()
        low, stop = (writer.integer(e, True).text for e in (first.low, first.high + 1))
        outer, self.lines = self.lines, []
        sums = dict(self.sums)
        self.indices[first] = name
        self.nest(rest, body)
        del self.indices[first]
        inner, self.lines, self.sums = self.lines, outer, sums
        self.lines += [f"for {name} in range({stop if low == '0' else f'{low}, {stop}'}):", *indented(inner)]

    def scalars(self) -> Scalars:
        return Scalars(self.writer(), self, self.unpadded, {t: name for t, (_, name) in self.members.items()})

    # ── reductions ────────────────────────────────────────────────────────────────────────────────

    def reduction(self, node: Contract | Fold) -> Code:
        """The loops of a reduction; they stand before the line that reads it."""
        if node not in self.sums:
            name = self.unused("total")
            if isinstance(node, Fold) and node.op == "logsumexp":
                self.log_sum_exp(name, node)
            else:
                op = node.op if isinstance(node, Fold) else "sum"
                self.run(name, op, node.over, lambda: self.term(node))
            self.sums[node] = name
        return Code(self.sums[node])

    def run(self, name: str, op: str, over: Labels, term: Callable[[], Code]) -> None:
        self.lines.append(f"{name} = {STARTS[op]}")
        self.nest(over, lambda: self.lines.append(STEPS[op].format(name, term().text)))

    def log_sum_exp(self, name: str, node: Fold) -> None:
        """The largest entry is subtracted, so nothing overflows."""
        top = self.unused("top")
        self.run(top, "max", node.over, lambda: self.term(node))
        if may_be_empty(self.origin(node.arg), node.over):
            self.lines.append(_NO_TOP.format(top))
        self.run(name, "sum", node.over, lambda: Code(f"np.exp({self.term(node).at(SUM)} - {top})"))
        self.lines.append(f"{name} = np.log({name}) + {top}")

    # ── values with arrays of their own ───────────────────────────────────────────────────────────

    def settled(self, node: Node, inside: frozenset[Index]) -> Node:
        """The value; what loops over ``inside`` would compute again and again is computed before."""
        match node:
            case Num() | IndexValue() | Local():
                return node
            case Load(_, subscripts):
                taken = tuple(
                    Take(self.settled(s.ids, inside)) if isinstance(s, Take) else s for s in subscripts
                )
                return replace(node, subscripts=taken)
            case LoopSum() | Normalised():
                return self.apart(node)
            case Select(arg, label, ids):
                return Select(self.apart(arg), label, self.settled(ids, inside), node.labels)
            case Contract(left, right, over) if {*node.labels} == inside and not self.turned(node):
                wide = inside | {*over}
                return replace(node, left=self.settled(left, wide), right=self.settled(right, wide))
            case Fold(op, arg, over) if {*node.labels} == inside:
                twice = op == "logsumexp" and not isinstance(arg, Load | Local)
                return replace(node, arg=self.apart(arg) if twice else self.settled(arg, inside | {*over}))
            case Contract() | Fold():
                return self.apart(node)
            case Elementwise(_, args) | Apply(_, args):
                if _costly(node) and {*node.labels} < inside:
                    return self.apart(node)
                return replace(node, args=tuple(self.settled(a, inside) for a in args))
            case _:
                raise SymbpError(f"a loop has no form of {type(node).__name__}")

    def alone(self, node: Node, inside: frozenset[Index]) -> Node:
        """The value of a statement: a sum of products may add up in the target itself."""
        if isinstance(node, Elementwise) and node.op == "spread":
            node = node.args[0]
        if not isinstance(node, Contract) or {*node.labels} != inside:
            return self.settled(node, inside)
        wide = inside | {*node.over}
        return replace(node, left=self.settled(node.left, wide), right=self.settled(node.right, wide))

    def turned(self, node: Contract) -> bool:
        """Whether a product that is only a part of a value is better added up in an array of its own."""
        return bool(node.labels) and self.innermost(node, Local("", node.labels)) is not None

    def apart(self, node: Node) -> Local:
        """An array with the value, which lines that follow may read too."""
        if isinstance(node, Local):
            return node
        if node not in self.kept:
            local = Local(self.unused("part"), node.labels)
            if node.labels:
                shape = self.written_shape([i.extent for i in node.labels])
                self.lines.append(f"{local.name} = np.empty({shape}, np.float64)")
            match node:
                case Normalised():
                    self.normalised(local, node)
                case LoopSum():
                    self.loop_sum(local, node)
                case _:
                    self.store(local, node, False)
            self.kept[node] = local
        return self.kept[node]

    def origin(self, node: Node) -> Node:
        """The value that an array of its own was made for."""
        return next((value for value, local in self.kept.items() if local == node), node)

    def loop_sum(self, local: Local, node: LoopSum) -> None:
        """Terms whose shapes or members depend on the index, one after the other."""
        write = self.scalars().write
        self.nest(local.labels, lambda: self.lines.append(f"{write(local).text} = 0.0"))
        known = self.known()
        self.nest((node.index,), lambda: self.store(local, node.body, True))
        self.only(known)

    def normalised(self, local: Local, node: Normalised) -> None:
        """softmax, or which entries are the largest or the least."""
        source = node.arg if isinstance(node.arg, Load | Local) else self.apart(node.arg)
        arg = self.settled(source, frozenset(node.labels))
        self.bind(_reads(arg))
        top, total = self.unused("top"), self.unused("total")
        over = (node.over,)
        empty = node.op == "softmax" and may_be_empty(self.origin(node.arg), over)

        def entry() -> None:
            here, value = self.scalars().write(local).text, self.scalars().write(arg)
            weight = f"np.exp({value.at(SUM)} - {top})" if node.op == "softmax" else (
                f"1.0 if {value.at(SUM)} == {top} else 0.0")
            self.lines.append(f"{here} = {weight}")
            self.lines.append(f"{total} += {here}")

        def row() -> None:
            self.run(top, "min" if node.op == "argmin" else "max", over, lambda: self.scalars().write(arg))
            if empty:
                self.lines.append(_NO_TOP.format(top))
            self.lines.append(f"{total} = 0.0")
            self.nest(over, entry)
            if empty:
                self.lines.append(f"{total} = max({total}, 1.0)")
            self.nest(over, lambda: self.lines.append(f"{self.scalars().write(local).text} /= {total}"))

        self.nest(tuple(i for i in node.labels if i != node.over), row)


_NO_TOP = "{0} = 0.0 if {0} == -np.inf else {0}"
"""Where every exponent is −∞ the exponentials are 0, not exp(−∞ + ∞)."""


def _choice(node: Node) -> Choice | None:
    """A choice on the loops around the statement, outermost first."""
    if isinstance(node, Choice):
        return node
    if isinstance(node, LoopSum):
        return None
    return next((c for n in below(node) if (c := _choice(n)) is not None), None)


def _replaced(node: Node, old: Node, new: Node) -> Node:
    """The value with another one in the place of a part; not in sums that run over members of a list."""
    if node == old:
        return new
    return node if isinstance(node, LoopSum) else map_below(node, lambda n: _replaced(n, old, new))


def _costly(node: Node) -> bool:
    """Whether a value takes more than a few additions and products."""
    match node:
        case Apply() | Contract() | Fold() | Normalised() | LoopSum():
            return True
        case Elementwise("**", (base, Num(value))) if value == 2:
            return _costly(base)
        case Elementwise("/" | "**"):
            return True
        case _:
            return any(map(_costly, below(node)))


def _reads(node: Node) -> Iterable[Place]:
    if isinstance(node, Load | Local):
        yield node
    for n in below(node):
        yield from _reads(n)


def _along(place: Place) -> Index | None:
    """The index whose next value is the next element in memory."""
    if isinstance(place, Local):
        return place.labels[-1] if place.labels else None
    match place.subscripts[-1:]:
        case (Span(label, _, 1),):
            return label
        case (Window(labels, _, steps),) if steps[-1] == 1:
            return labels[-1]
        case _:
            return None
