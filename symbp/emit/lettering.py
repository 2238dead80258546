"""The letters of names as a notation wants them: bold, capital, upright, with a d in front."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from symbp.calculus.affine import Affine, Size
from symbp.emit.alphabets import letter
from symbp.emit.layout import Box, Script, Sym, row
from symbp.emit.notation import Notation, symbol
from symbp.model.core import Array, Function

D = Sym(r"\mathrm{d}", "d")


def bold(box: Box, style: str) -> Box:
    """The name in ``bold`` (italic) or ``bold-upright`` letters; its own indices stay as they are."""
    if style == "plain":
        return box
    if isinstance(box, Script):
        return replace(box, base=bold(box.base, style))
    if not isinstance(box, Sym) or box.kind != "ord":
        return box
    alphabet = "bold" if style == "bold-upright" else "bold-italic"
    text = "".join(letter(c, alphabet) for c in box.text)
    if box.tex.startswith(r"\mathit{"):
        return Sym(box.tex.replace(r"\mathit", r"\mathbf", 1), text)
    latin = box.tex.isascii() and box.tex.isalnum()
    command = r"\mathbf" if style == "bold-upright" and latin else r"\boldsymbol"
    return Sym(f"{command}{{{box.tex}}}", text)


def capital(box: Box) -> Box:
    """w as W; what is not a single Latin letter stays."""
    if isinstance(box, Script):
        return replace(box, base=capital(box.base))
    if isinstance(box, Sym) and len(box.tex) == 1 and "a" <= box.tex <= "z":
        return Sym(box.tex.upper(), box.text.upper())
    return box


def upright(box: Box) -> Box:
    """A word as the name of a function: elu and not e·l·u."""
    if isinstance(box, Script):
        return replace(box, base=upright(box.base))
    if isinstance(box, Sym) and box.tex.startswith(r"\mathit{"):
        return Sym(box.tex.replace(r"\mathit", r"\operatorname", 1), box.text, "op")
    return box


def differential(box: Box) -> Box:
    """dz for z, as one name; the indices of the name stay outside."""
    if isinstance(box, Script):
        return replace(box, base=differential(box.base))
    return Sym(rf"\mathrm{{d}}{box.tex}", f"d{box.text}") if isinstance(box, Sym) else row(D, box)


def rank(array: Array | None) -> int:
    """How many axes an array has besides those of layers and time."""
    return 0 if array is None else sum(not axis.sequence for axis in array.axes)


def styled(name: Box, notation: Notation, open_: int) -> Box:
    """A name with ``open_`` axes left out: a vector or a matrix."""
    return bold(name, ("plain", notation.vector, notation.matrix)[min(open_, 2)])


def set_alike(
    arrays: Mapping[str, Array], functions: Mapping[str, Function], adjoints: Mapping[str, str]
) -> frozenset[str]:
    """The names that would be set like another one, which the author's LaTeX or an underscore has made so.

    An array may have the name of an adjoint: they are one and the same then.
    """
    latex = {**{n: a.latex for n, a in arrays.items()}, **{n: f.latex for n, f in functions.items()}}
    sizes = (s for a in arrays.values() for x in a.axes for e in (x.lo, x.hi) if e for s in _sizes(e))
    names = dict.fromkeys((*arrays, *functions, *adjoints.values(), *sizes))
    first: dict[Box, str] = {}
    # those with LaTeX of the author's come first, then s_0: s0 has more of a word
    for name in sorted(names, key=lambda n: (not latex.get(n), "_" not in n)):
        first.setdefault(symbol(name, latex.get(name, "")), name)
    kept = set(first.values())
    return frozenset(n for n in names if n not in kept and not latex.get(n))


def shown_names(
    arrays: Mapping[str, Array], functions: Mapping[str, Function], adjoints: Mapping[str, str]
) -> Iterator[Box]:
    """All names of a model as they are set, sizes among them."""
    yield from array_names(arrays, functions, adjoints)
    for axis in (axis for array in arrays.values() for axis in array.axes):
        yield from (symbol(s) for end in (axis.lo, axis.hi) if end is not None for s in _sizes(end))


def array_names(
    arrays: Mapping[str, Array], functions: Mapping[str, Function], adjoints: Mapping[str, str]
) -> Iterator[Box]:
    """All names of a model but those of its sizes."""
    for name, array in arrays.items():
        yield symbol(name, array.latex)
    for name, function in functions.items():
        yield symbol(name, function.latex)
    yield from (symbol(n) for n in adjoints.values())


def _sizes(value: Affine) -> Iterator[str]:
    for atom in value.atoms():
        if isinstance(atom, Size):
            yield atom.name
