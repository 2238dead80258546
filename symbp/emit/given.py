"""What a model is given and what is differentiated, with shapes: no letter is left unsaid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from symbp.calculus.affine import Affine, affine
from symbp.calculus.expr import Ref
from symbp.emit.layout import DOTS, SPACE, Box, Fence, Script, Sym, Text, kept, row, separated
from symbp.emit.math import Printer
from symbp.emit.matrix_math import whole
from symbp.emit.pieces import PRODUCT, enclosed
from symbp.model.core import Array, Model

_TIMES, _IN = Sym(r"\times", "×", "bin"), Sym(r"\in", "∈", "rel")

Shape = tuple[tuple[Affine, ...], tuple[Affine, Affine] | None]


def given(setter: Printer, model: Model) -> Text:
    """``Given: x (D), y ∈ {0, …, K − 1}. Parameters: W and V (H × D), b (H).``  A scalar has no shape."""
    kinds = (("Given: ", ("input", "const")), ("Parameters: ", ("param",)))
    out: list[str | Box] = []
    for title, of in kinds:
        found = [a for a in model.arrays.values() if a.kind in of]
        if found:
            out.extend((" " + title if out else title, *_listed(setter, found), "."))
    return tuple(out)


def _listed(setter: Printer, arrays: Iterable[Array]) -> Iterator[str | Box]:
    """The arrays with their shapes; neighbours of one shape have it once."""
    for n, ((sizes, ends), group) in enumerate(groupby(arrays, _shape)):
        names = [_name(setter, a) for a in group]
        for k, name in enumerate(names):
            if n or k:
                yield " and " if k and k == len(names) - 1 else ", "
            if k < len(names) - 1:
                yield name
            elif ends is not None:
                yield row(name, _IN, _values(setter, sizes, ends))
            else:
                # one formula: between two of them, or words and a formula, a line may end
                yield kept(name, SPACE, Fence(_sizes(setter, sizes))) if sizes else name


def _shape(array: Array) -> Shape:
    return tuple(axis.extent for axis in array.axes if not axis.sequence), array.integer


def _name(setter: Printer, array: Array) -> Box:
    """The whole array, of a family the generic one: w^l."""
    place = setter.naming({axis: axis.name for axis in array.axes})
    return whole(place, Ref(array.name, tuple(map(affine, array.axes))))


def _sizes(setter: Printer, sizes: tuple[Affine, ...]) -> Box:
    out: list[Box] = []
    for size in sizes:
        # n − 1 in brackets beside ×
        box = setter.position(size).box if len(sizes) == 1 else enclosed(setter.position(size), PRODUCT)
        out.extend((_TIMES, box) if out else (box,))
    return row(*out)


def _values(setter: Printer, sizes: tuple[Affine, ...], ends: tuple[Affine, Affine]) -> Box:
    """{0, …, K − 1}, for an array with its size above it."""
    low, high = (setter.position(e).box for e in ends)
    values = Fence(separated((low, DOTS, high)), "{")
    return Script(values, None, _sizes(setter, sizes)) if sizes else values
