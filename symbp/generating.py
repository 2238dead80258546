"""Generated files: making them, and telling whether those that exist are still what would be made."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symbp import pipeline
from symbp.errors import RequestProblem, SymbpError
from symbp.files import generated, guard, read_source, stamped, write_whole
from symbp.model.core import Model

Each = Callable[[Iterable[Any]], Iterable[Any]]
"""Goes through items and may show how far it has come."""


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of generated file: its suffix, how its comments begin, and what makes its text."""

    name: str
    suffix: str
    comment: str
    text: Callable[[Model, Sequence[str]], str]


def _numpy(model: Model, wrt: Sequence[str]) -> str:
    from symbp.derive.engine import adjoint_system

    params = tuple(a.name for a in model.of_kind("param"))
    extra = tuple(pipeline.variable(model, name) for name in wrt)
    return pipeline.module_text(adjoint_system(model, (*params, *extra)))


def _latex(model: Model, wrt: Sequence[str]) -> str:
    system, names = pipeline.derive(model)
    return pipeline.written(system, (*names, *(pipeline.variable(model, w) for w in wrt)))


TARGETS: tuple[Target, ...] = (
    Target("numpy", ".py", "#", _numpy),
    Target("latex", ".tex", "%", _latex),
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
    by_suffix = {t.suffix: t for t in TARGETS}
    for path in each(sorted(p for p in folder.iterdir() if p.suffix in by_suffix)):
        target, about = by_suffix[path.suffix], generated(read_source(path).text)
        if about is not None:
            yield path, make(pipeline.load(about.model, bindings), target, wrt)


def _difference(path: Path, made: Made) -> str:
    old = read_source(path).text if path.exists() else ""
    if old == made.text:
        return ""
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), made.text.splitlines(keepends=True), str(path), f"{path} (generated)"
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)
