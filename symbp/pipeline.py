"""The whole way of the data, as short functions between frozen values.

    text ──spec──▶ Model ──derive──▶ AdjointSystem ──arrays, emit──▶ .py
                     │                    └───────────────emit──▶ .tex .md .txt
                     └── verify: an independent oracle stands beside every arrow
"""

from __future__ import annotations

import difflib
import linecache
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from symbp.errors import RequestProblem, Source, SymbpError, VerificationFailed

if TYPE_CHECKING:
    from symbp.arrays.views import MatrixView
    from symbp.derive.core import AdjointSystem
    from symbp.emit import Emitter
    from symbp.emit.document import Document
    from symbp.emit.notation import Notation
    from symbp.emit.pictures.drawing import Drawing
    from symbp.model.core import Model
    from symbp.verify.lines import LineCheck
    from symbp.verify.report import Report

    NotationLike = str | Path | Notation


def parse(text: str, name: str = "model", bindings: Mapping[str, str] | None = None) -> Model:
    """The model that a text describes.

    ``bindings`` gives abstract functions a definition: ``{"sigma": "tanh"}``.

    Raises:
        SyntaxProblem: if the text is not in the model language.
        ModelProblem: if its equations do not make a model.
        RequestProblem: if a binding names no abstract function of the model.
    """
    return build_source(Source(f"<{name}>", text), name, bindings)


def build_source(source: Source, name: str, bindings: Mapping[str, str] | None = None) -> Model:
    """Text to model."""
    from symbp.model.build import build
    from symbp.spec.reader import read

    syntax = read(source, name)
    if bindings:
        from symbp.spec.binding import bind

        syntax = bind(syntax, bindings)
    return build(syntax)


def load(model: str | Path, bindings: Mapping[str, str] | None = None) -> Model:
    """A model that comes with symbp, by its name, or one from a file.

    Raises:
        SymbpError: if there is neither; the nearest name is suggested.
    """
    source, name = find(model)
    return build_source(source, name, bindings)


def find(model: str | Path) -> tuple[Source, str]:
    """The text of a model and the name it goes by."""
    from symbp import models
    from symbp.files import read_source

    text = str(model)
    if isinstance(model, str) and text in models.names():
        source = read_source(models.path(text))
        return Source(f"{text}.symbp", source.text), text
    path = Path(text)
    if not path.exists() and not path.suffix and "/" not in text:
        near = difflib.get_close_matches(text, models.names(), 1)
        others = "symbp models lists them; a file is named with its path"
        hint = f"did you mean {near[0]}?" if near else others
        raise SymbpError(f"there is no model {text!r}", hint=hint)
    return read_source(path), _identifier(path.stem)


def _identifier(stem: str) -> str:
    """A name for the model that can also name a Python module."""
    name = re.sub(r"\W", "_", stem, flags=re.ASCII) or "model"
    return f"m_{name}" if name[0].isdigit() else name


def derive(model: Model, variables: Iterable[str] = ()) -> tuple[AdjointSystem, tuple[str, ...]]:
    """The adjoint system that the gradients and ``variables`` need, and the arrays that were meant.

    A variable may be named by the name of its adjoint.  Without any: every parameter, every named
    adjoint, and the adjoints they are made of, in the order in which they can be computed.

    Raises:
        RequestProblem: if the model has no such variable; the nearest name is suggested.
    """
    from symbp.derive.engine import adjoint_system

    asked = tuple(dict.fromkeys(variable(model, v) for v in variables))
    system = adjoint_system(model, wanted(model, asked or tuple(model.adjoints)))
    return system, asked or system.order


def wanted(model: Model, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The parameters, and what carries no adjoint of its own unless it is asked for.

    A named adjoint is asked for by its name, also that of a variable on which no parameter acts.
    """
    from symbp.derive.engine import planned

    plain = planned(model)
    params = tuple(a.name for a in model.of_kind("param"))
    return tuple(dict.fromkeys((*params, *(a for a in asked if a not in plain.order))))


def variable(model: Model, name: str) -> str:
    """The array that ``name`` means: itself, or the one whose adjoint has that name."""
    from symbp.spec.build import spelt

    name = spelt(name)
    by_adjoint = {adjoint: array for array, adjoint in model.adjoints.items()}
    if name in by_adjoint and name not in model.arrays:
        return by_adjoint[name]
    array = model.arrays.get(name)
    if array is None:
        known = [*(n for n in model.arrays if n != model.cost), *by_adjoint]
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else "it has " + ", ".join(known)
        raise RequestProblem(f"the model {model.name} has no variable {name!r}", hint=hint)
    if array.kind == "cost":
        raise RequestProblem(f"{name} is the cost itself", hint="name what it is differentiated by")
    if array.integer is not None:
        raise RequestProblem(f"{name} is integer valued: the cost has no derivative with respect to it")
    return name


# ── documents ─────────────────────────────────────────────────────────────────────────────────────


def documented(
    model: Model,
    variables: Iterable[str] = (),
    format_: str = "latex",
    detail: str = "key",
    notation: NotationLike = "nielsen",
    standalone: bool | None = None,
    pictures: bool | None = None,
    flavor: str | None = None,
    columns: int | None = None,
) -> str:
    """The derivation of ``variables`` as a document, every line of it checked on the way.

    Raises:
        VerificationFailed: if a line disagrees with the one above it: nothing is printed then.
        RequestProblem: for a variable, format or notation that does not exist.
    """
    system, names = derive(model, variables)
    return written(system, names, format_, detail, notation, standalone, pictures, flavor, columns)


def written(
    system: AdjointSystem,
    names: tuple[str, ...],
    format_: str = "latex",
    detail: str = "key",
    notation: NotationLike = "nielsen",
    standalone: bool | None = None,
    pictures: bool | None = None,
    flavor: str | None = None,
    columns: int | None = None,
) -> str:
    """A document about adjoints that are derived already.

    ``standalone`` None: what the format does by itself.  ``pictures`` None: where they need nothing else,
    in HTML and in what stands alone.  ``flavor`` is that of Markdown, ``columns`` the width of plain text.
    """
    emitter = _emitter(format_)
    own = emitter.standalone if standalone is None else standalone
    if pictures and not emitter.pictures:
        raise RequestProblem(
            f"{format_} has no pictures", hint="write them with symbp show MODEL --format svg -o FILE.svg"
        )
    if standalone is not None and emitter.standalone is None:
        raise RequestProblem(f"{format_} has no standalone form", hint="use --format latex --standalone")
    if flavor is not None and not emitter.flavors:
        raise RequestProblem(f"{format_} has no flavors", hint=f"use --format markdown --flavor {flavor}")
    with_pictures = emitter.name == "html" or bool(own) if pictures is None else pictures
    options: dict[str, object] = {} if own is None else {"standalone": own}
    if flavor is not None:
        options["flavor"] = flavor
    if columns is not None and emitter.name == "text":
        options["page"] = columns
    if emitter.runs:
        from symbp.running import program

        options["program"] = program(system)
    sheet = sheet_of(system, names, detail, notation, emitter.folds, with_pictures)
    return emitter.emit(sheet, **options)


def _emitter(name: str) -> Emitter:
    from symbp.emit import EMITTERS

    found = next((e for e in EMITTERS if e.name == name), None)
    if found is None:
        raise RequestProblem(f"there is no format {name!r}", hint=choices(e.name for e in EMITTERS))
    return found


def sheet_of(
    system: AdjointSystem,
    names: tuple[str, ...],
    detail: str = "key",
    notation: NotationLike = "nielsen",
    fold: bool = False,
    pictures: bool = False,
) -> Document:
    """The document about adjoints, for a host that spells it in its own way; every line is checked.

    Raises:
        VerificationFailed: if a line disagrees with the one above it.
        RequestProblem: for a detail or notation that does not exist.
    """
    from symbp.emit.document import check_sentence, document

    style = notation_of(notation)
    views = matrix_views(system, names)
    worst, sizes = checked(system, names, views)
    return document(
        system,
        names,
        detail=detail,
        notation=style,
        views=views,
        check=check_sentence(worst, sizes),
        pictures=pictures,
        fold=fold,
    )


def notation_of(notation: NotationLike) -> Notation:
    """A notation by its name, from a TOML file, or as it is.

    Raises:
        RequestProblem: if there is none of that name.
        SyntaxProblem: for a file that is wrong.
    """
    from symbp.emit.notation import NOTATIONS, Notation
    from symbp.emit.notation_file import read_notation
    from symbp.files import read_source

    if isinstance(notation, Notation):
        return notation
    if isinstance(notation, Path) or notation.endswith(".toml"):
        return read_notation(read_source(Path(notation)))
    known = {n.name: n for n in NOTATIONS}
    if notation not in known:
        hint = choices((*known, "a file of your own, my.toml"))
        raise RequestProblem(f"there is no notation {notation!r}", hint=hint)
    return known[notation]


def choices(names: Iterable[str]) -> str:
    return "choose one of " + ", ".join(names)


def matrix_views(system: AdjointSystem, names: Iterable[str]) -> dict[int, MatrixView]:
    """The matrix forms of the cases of ``names``, by the numbers of the cases."""
    from symbp.arrays.views import matrix_view

    arrays = system.model.arrays
    return {case.number: matrix_view(arrays, case) for name in names for case in system.cases[name]}


def checked(
    system: AdjointSystem, names: Iterable[str], views: Mapping[int, MatrixView]
) -> tuple[float, tuple[int, ...]]:
    """Check every line and matrix form of ``names``: the worst relative difference, and the sizes.

    Raises:
        VerificationFailed: naming the line that is wrong.
    """
    from symbp.arrays.views import with_matrix_line
    from symbp.verify.lines import check_lines, oracles
    from symbp.verify.report import sequence_domains
    from symbp.verify.sample import samples

    names = tuple(names)
    drawn = samples(system.model, 2, domains=sequence_domains(system.cases[n] for n in names))
    group = oracles(system.model, system.through, drawn, steady=system.steady)
    worst = 0.0
    for name in names:
        for case in system.cases[name]:
            found = check_lines(with_matrix_line(case, views[case.number]), group, limit=4)
            if not found.ok:
                raise _wrong_line(system, found)
            worst = max(worst, found.error)
    return worst, tuple(sorted(set(drawn[0].sizes.values()), reverse=True))


def _wrong_line(system: AdjointSystem, found: LineCheck) -> VerificationFailed:
    from symbp.verify.lines import DIVISION, DOMAIN

    if DIVISION in found.note or DOMAIN in found.note:
        return VerificationFailed(
            f"line {found.line + 1} of the derivation of {found.name} in {system.model.name} "
            f"has no value at a drawn point: {found.note}",
            hint="where a root, a logarithm or a divisor may be 0 (a point and itself, equal labels), write "
            "where(…, …, 0), or add a small number under the root",
        )
    return VerificationFailed(
        f"the derivation of {found.name} in {system.model.name} is wrong "
        f"in line {found.line + 1}: {found.note}",
        hint="this is a defect of symbp, not of the model: nothing was written; please report it",
    )


def verified(model: Model) -> Report:
    """Check every line, every matrix form and the generated module, in two precisions.

    A model with abstract functions has no module; its lines are checked with smooth stand-ins.
    """
    from symbp.arrays.views import with_matrix_line
    from symbp.derive.engine import adjoint_system
    from symbp.verify.report import verify

    system = adjoint_system(model, wanted(model, tuple(model.adjoints)))
    views = matrix_views(system, system.order)
    cases = {
        name: tuple(with_matrix_line(c, views[c.number]) for c in system.cases[name]) for name in system.order
    }
    abstract = any(f.body is None for f in model.functions.values())
    module = None if abstract else module_of(adjoint_system(model))
    return verify(model, replace(system, cases=cases), module)


# ── code ──────────────────────────────────────────────────────────────────────────────────────────


def module_text(system: AdjointSystem, code: str = "numpy") -> str:
    """The module of a model, in calls of NumPy or, with ``code`` "numba", in loops.

    Raises:
        RequestProblem: if a function is abstract: bind it first.
        SymbpError: for what cannot be turned into code.
    """
    if code == "numba":
        from symbp.emit.numba import emit_numba

        return emit_numba(system)
    from symbp.emit.numpy import emit_module

    return emit_module(system)


def module_of(system: AdjointSystem, code: str = "numpy") -> ModuleType:
    """The generated module, imported.

    Raises:
        ImportError: if the module needs Numba and it is not installed.
    """
    name = f"symbp_generated_{system.model.name}"
    module = ModuleType(name)
    text = module_text(system, code)
    module.__file__ = f"<{name}>"
    # with its text in linecache, a traceback into generated code shows its lines
    linecache.cache[module.__file__] = (len(text), None, text.splitlines(True), module.__file__)
    # typing.NamedTuple looks its module up by name
    sys.modules[name] = module
    exec(compile(text, module.__file__, "exec"), module.__dict__)
    return module


def shown(model: Model) -> str:
    """What ``symbp show`` prints: equations, shapes, ranges, order."""
    from symbp.emit.show import show_model

    return show_model(model)


# ── pictures ──────────────────────────────────────────────────────────────────────────────────────


def graph(model: Model, notation: NotationLike = "nielsen") -> Drawing:
    """The dependency graph of a model."""
    from symbp.emit.pictures.dependency import dependency_graph

    return dependency_graph(model, notation_of(notation))


def layer(system: AdjointSystem, name: str, notation: NotationLike = "nielsen") -> Drawing | None:
    """The picture of the layer through which the errors come back to ``name``; None if there is none."""
    from symbp.emit.math import printer
    from symbp.emit.pictures.figures import layers_of

    return next(iter(layers_of(printer(system.model, notation_of(notation)), system, name)), None)


def drawn(
    model: Model, variables: Iterable[str] = (), format_: str = "svg", notation: NotationLike = "nielsen"
) -> str:
    """A picture alone: the dependency graph of a model, or the layer of one of its variables.

    Raises:
        RequestProblem: if there is no picture of a variable.
    """
    from symbp.emit.pictures.svg import svg
    from symbp.emit.pictures.tikz import tikz

    asked = tuple(variables)
    picture: Drawing | None = None
    if asked:
        system, (name, *_) = derive(model, asked[:1])
        picture = layer(system, name, notation)
    else:
        picture = graph(model, notation)
    if picture is None:
        hint = "a variable has one that acts on others through a matrix; symbp show MODEL draws the model"
        raise RequestProblem(f"there is no picture of {asked[0]}", hint=hint)
    return svg(picture) if format_ == "svg" else tikz(picture)
