"""Generated files: making them, and telling whether those that exist are still what would be made."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symbp import pipeline
from symbp.errors import RequestProblem, SymbpError
from symbp.files import Generated, generated, guard, read_source, stamped, write_whole
from symbp.model.core import Model

Each = Callable[[Iterable[Any]], Iterable[Any]]
"""Goes through items and may show how far it has come."""


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of generated file: its suffix, how its comments begin (``{``: a notebook), and what makes its
    text."""

    name: str
    suffix: str
    comment: str
    text: Callable[[Model, Sequence[str]], str]


def _module(code: str) -> Callable[[Model, Sequence[str]], str]:
    """What makes a Python module: one of NumPy's calls, or one of loops for Numba."""

    def text(model: Model, wrt: Sequence[str]) -> str:
        from symbp.derive.engine import adjoint_system

        params = tuple(a.name for a in model.of_kind("param"))
        extra = tuple(pipeline.variable(model, name) for name in wrt)
        return pipeline.module_text(adjoint_system(model, (*params, *extra)), code)

    return text


def _document(format_: str, flavor: str | None = None) -> Callable[[Model, Sequence[str]], str]:
    """What makes a document of all named adjoints and parameters."""

    def text(model: Model, wrt: Sequence[str]) -> str:
        system, names = pipeline.derive(model)
        extra = (pipeline.variable(model, w) for w in wrt)
        return pipeline.written(system, (*names, *extra), format_, flavor=flavor)

    return text


TARGETS: tuple[Target, ...] = (
    Target("numpy", ".py", "#", _module("numpy")),
    Target("numba", "_numba.py", "#", _module("numba")),
    Target("latex", ".tex", "%", _document("latex")),
    Target("beamer", ".beamer.tex", "%", _document("beamer")),
    Target("markdown", ".md", "<!--", _document("markdown", "github")),
    Target("html", ".html", "<!--", _document("html")),
    Target("notebook", ".ipynb", "{", _document("notebook")),
)


@dataclass(frozen=True, slots=True)
class Made:
    """A generated file, before it is written."""

    name: str
    text: str


def make(model: Model, target: Target, wrt: Sequence[str] = ()) -> Made:
    """The text of one generated file, with its header."""
    body = target.text(model, wrt)
    return Made(model.name + target.suffix, stamped(body, target.comment, model.name, model.text))


def generate(
    models: Sequence[str],
    output: Path | None,
    targets: Sequence[str],
    wrt: Sequence[str],
    bindings: Mapping[str, str],
    force: bool,
    say: Callable[[str], None],
    each: Each = tuple,
) -> None:
    """Write the files of all models, or print the only one where there is no directory.

    Everything is made before anything is written, so that an error leaves the directory as it was.

    Raises:
        SymbpError: if a model is wrong, or a file was edited by hand and ``force`` is not given.
    """
    made = [
        make(model, _target(name), wrt)
        for model in (pipeline.load(m, bindings) for m in each(models))
        for name in targets
    ]
    if output is None:
        say(made[0].text.rstrip("\n"))
        return
    for file in made:
        guard(output / file.name, force)
    for file in made:
        write_whole(output / file.name, file.text)


def _target(name: str) -> Target:
    return next(t for t in TARGETS if t.name == name)


def check(
    models: Sequence[str],
    folder: Path,
    targets: Sequence[str],
    wrt: Sequence[str],
    bindings: Mapping[str, str],
    each: Each = tuple,
) -> str:
    """The differences between the files of ``folder`` and what would be generated; "" if none.

    Without ``models`` every generated file of the folder is compared with what its header names.

    Raises:
        SymbpError: if a model is wrong, or the folder has nothing to compare.
    """
    if models:
        pairs = [
            (folder / made.name, made)
            for model in (pipeline.load(m, bindings) for m in each(models))
            for made in (make(model, _target(t), wrt) for t in targets or ("numpy",))
        ]
    else:
        pairs = list(_existing(folder, wrt, bindings, each))
        if not pairs:
            hint = "name a MODEL, or the directory: -o DIR"
            raise RequestProblem(f"{folder} has no generated files", hint=hint)
    return "".join(_difference(path, made) for path, made in pairs)


def _existing(
    folder: Path, wrt: Sequence[str], bindings: Mapping[str, str], each: Each
) -> Iterator[tuple[Path, Made]]:
    if not folder.is_dir():
        raise SymbpError(f"there is no directory {folder}")
    for path in each(sorted(p for p in folder.iterdir() if p.is_file() and target_of(p.name))):
        about = _header(path)
        target = None if about is None else target_of(path.name, about.model)
        if about is not None and target is not None:
            yield path, make(pipeline.load(about.model, bindings), target, wrt)


def _header(path: Path) -> Generated | None:
    """The header of a file; None for what others keep in the directory, be it large or no text at all."""
    if b"Generated by symbp" not in path.read_bytes():
        return None
    return generated(read_source(path).text)


def target_of(name: str, model: str = "") -> Target | None:
    """The target that makes files of this name for a model, or for some model: that of the longest suffix."""
    found = [t for t in TARGETS if name.endswith(t.suffix) and model in ("", name.removesuffix(t.suffix))]
    return max(found, key=lambda t: len(t.suffix), default=None)


def _difference(path: Path, made: Made) -> str:
    old = read_source(path).text if path.exists() else ""
    if old == made.text:
        return ""
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), made.text.splitlines(keepends=True), str(path), f"{path} (generated)"
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)
