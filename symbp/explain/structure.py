"""What a sum over paths is made of: several readers, labels that gather, windows that overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from symbp.calculus.affine import Affine, Index
from symbp.calculus.expr import Adjoint, Ref
from symbp.calculus.tree import walk
from symbp.explain.core import Line, Lines, Section, Whole, Words, say, side
from symbp.explain.numerals import shown, summed
from symbp.explain.paths import Path, cost_reads
from symbp.explain.spot import LARGEST, Spot
from symbp.model.core import Equation
from symbp.verify.evaluate import Key

Group = tuple[str, tuple[int, ...]]
"""A reader: the name of a variable, and the layer or the time of its element."""


def ways_section(spot: Spot, found: Sequence[Path]) -> Section | None:
    """Several readers, or one at several times: what each of them contributes."""
    groups: dict[Group, list[Path]] = {}
    for path in found:
        groups.setdefault(_group(spot, path.end), []).append(path)
    if not 1 < len(groups) <= 2 * LARGEST:
        return None
    element = spot.element
    lines = tuple(_group_line(spot, key, paths) for key, paths in groups.items())
    parts = [sum(p.term for p in paths) for paths in groups.values()]
    spot.same(sum(parts), spot.adjoint(spot.key), "the sum over those that read the element")
    written, sign, value = summed(parts)
    total = Line(
        Adjoint(element.name, element.indices), "=", side(written, sign, value),
        ("a move goes all of these ways at once, and small effects add up",),
    )  # fmt: skip
    names = {name for name, _ in groups}
    intro: Words
    if len(names) == 1:
        intro = (element, f" is read in {len(groups)} places of a sequence. It is one and the same number "
                 "in all of them, so a move of it is felt in each.")  # fmt: skip
    else:
        intro = (element, f" has {len(groups)} ways into what follows, one for each that reads it.")
    heading: Words = ("Why is there a sum of several terms?",)
    if all(len(paths) == 1 for paths in groups.values()):
        # each is a path that stands above already
        tail = " A move goes all of these ways at once, and small effects add up."
        return Section("ways", heading, (say(*intro, tail),))
    return Section("ways", heading, (say(*intro, " Together:"), Lines((*lines, total))))


def _group(spot: Spot, end: Key) -> Group:
    axes = spot.system.model.arrays[end[0]].axes
    return end[0], tuple(v for v, axis in zip(end[1], axes, strict=True) if axis.sequence)


def _group_line(spot: Spot, group: Group, found: Sequence[Path]) -> Line:
    name, _ = group
    part = shown(sum(p.term for p in found))
    if name == spot.system.model.cost:
        return Line(side(spot.element, "→", Ref(name)), ":", part, cost_reads(spot))
    count = "1 path" if len(found) == 1 else f"{len(found)} paths"
    return Line(side(spot.element, "→", Whole(_open_end(spot, found[0]))), ":", part, (count,))


def _open_end(spot: Spot, path: Path) -> Ref:
    """The reader's array, with numbers for layers and times."""
    axes = spot.system.model.arrays[path.end[0]].axes
    pairs = zip(path.end[1], axes, strict=True)
    return Ref(path.end[0], tuple(Affine(v) if i.sequence else _index(i) for v, i in pairs))


def _index(index: Index) -> Affine:
    return Affine(0, ((index, 1),))


# ── how the readers find it ───────────────────────────────────────────────────────────────────────


def reads_of(spot: Spot) -> Iterator[tuple[Equation, Ref]]:
    """Where the equations of the readers read the variable."""
    for name in spot.case.consumers:
        for equation in spot.system.model.equations_of(name):
            for node in walk(equation.rhs):
                if isinstance(node, Ref) and node.name == spot.key[0]:
                    yield equation, node


def gather_section(spot: Spot, found: Sequence[Path]) -> Section | None:
    """Integer data says which elements are read: the adjoint is scattered back to them."""
    gathered = [
        (k, atom) for _, read in reads_of(spot) for k, p in enumerate(read.indices)
        for atom in p.atoms() if isinstance(atom, Ref)
    ]  # fmt: skip
    if not gathered:
        return None
    place, label = gathered[0]
    values = {at: int(v) for at, v in spot.oracle.sample.values.get(label.name, {}).items()}
    if not 0 < len(values) <= 2 * LARGEST:
        return None
    own = spot.key[1][place]
    times = sum(v == own for v in values.values())
    all_ = Lines(tuple(_label_line(label.name, at, v) for at, v in values.items()))
    ends = "1 path begins" if len(found) == 1 else f"{len(found)} paths begin"
    return Section("gather", ("Which labels lead to ", spot.element, "?"), (
        say("What reads ", Whole(spot.array), " looks up the position that ", Ref(label.name, label.indices),
            " names. Here"),
        all_,
        say(f"so position {own} is named {_times(times)}, and {ends} at ", spot.element, ". Going back, "
            "each adjoint is added at the position that its label names (a scatter); what is named several "
            "times gets several terms, and what is named nowhere gets 0."),
    ))  # fmt: skip


def _label_line(name: str, at: tuple[int, ...], value: int) -> Line:
    from symbp.explain.core import Value

    return Line(Ref(name, tuple(map(Affine, at))), "=", Value(value, 0))


def _times(count: int) -> str:
    return {0: "by none of them", 1: "once", 2: "twice"}.get(count, f"{count} times")
