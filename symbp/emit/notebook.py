"""A Jupyter notebook: the derivation in its text, and the generated module in cells that run anywhere.

The source of the module stands in a cell, to be read beside the derivation, changed and run again; all it
needs is NumPy.  The ids of cells and everything else are the same on every run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from symbp.calculus.names import fresh_name
from symbp.emit.document import Document
from symbp.emit.environment import render
from symbp.emit.markdown import PAGE, Writer, definitions, escape, part_view, writer
from symbp.errors import RequestProblem


@dataclass(frozen=True, slots=True)
class Given:
    """An argument: its name, and its value as Python."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Program:
    """A generated module, and small data to call it with; ``rng`` in a value is the name of the generator."""

    source: str
    given: tuple[Given, ...]
    seed: int = 0


_NAMES = (
    "rng", "given", "cost", "gradients", "leaves", "central_differences", "name", "derived", "difference"
)  # fmt: skip


def emit(document: Document, *, program: Program | None = None) -> str:
    """The document as the text of a notebook; without ``program`` it has nothing to run.

    Raises:
        RequestProblem: if nbformat is not installed.
    """
    book = _nbformat().new_notebook(
        cells=[*_text(document), *(_code(program) if program is not None else _unbound())],
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
    )
    import nbformat

    return nbformat.writes(book, version=4).rstrip("\n") + "\n"  # type: ignore[no-any-return]


def _nbformat() -> Any:
    try:
        from nbformat import v4
    except ImportError:
        hint = "pip install 'symbp[notebook]'"
        raise RequestProblem("the notebook format needs the package nbformat", hint=hint) from None
    return v4


def _markdown(name: str, source: str) -> Any:
    return _nbformat().new_markdown_cell(source.strip("\n"), id=name)


def _cell(name: str, source: str) -> Any:
    return _nbformat().new_code_cell(source.strip("\n"), id=name)


def _text(document: Document) -> Iterator[Any]:
    """The cells of the derivation: the model, then one for each variable."""
    write = writer(document, PAGE, "pandoc")
    yield _markdown(
        "model",
        render(
            "notebook/model.md.j2",
            title=escape(document.title or document.name),
            equations=write.equations(document.equations),
            definitions=definitions(write, document),
            notes=write.prose(document.notes),
        ),
    )
    for number, section in enumerate(document.sections, 1):
        safe = re.sub(r"[^A-Za-z0-9]", "-", section.name)[:40]
        yield _markdown(f"of-{safe}-{number}", _section(write, section))
    if document.check:
        yield _markdown("check", write.prose(document.check))


def _section(write: Writer, section: Any) -> str:
    return render(
        "notebook/section.md.j2",
        section={
            "heading": write.prose(section.heading),
            "question": write.prose(section.question),
            "parts": [part_view(write, p) for p in section.parts],
            "order": write.prose(section.order),
        },
    )


def _code(program: Program) -> Iterator[Any]:
    """The cells that run."""
    names = {n: fresh_name(n, _defined(program.source)) for n in _NAMES}
    given = [{"name": g.name, "value": g.value.replace("rng.", names["rng"] + ".")} for g in program.given]
    told = "The numbers in comments are those of the equations above."
    yield _markdown("code", f"## The same in NumPy\n\n{told}")
    yield _cell("module", program.source)
    yield _markdown("example", "Small data, the cost and its gradients:")
    yield _cell("data", render("notebook/data.py.j2", n=names, seed=program.seed, given=given))
    yield _cell("call", render("notebook/call.py.j2", n=names))
    yield _markdown("differences", "The same gradients by central differences, one element at a time:")
    yield _cell("compare", render("notebook/compare.py.j2", n=names))


def _unbound() -> Iterator[Any]:
    text = "The model has a function without a definition, so there is no code to run. `--bind` gives it one."
    yield _markdown("code", text)


def _defined(source: str) -> Iterable[str]:
    """The names that the module has at its top."""
    for node in ast.parse(source).body:
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                yield from (a.asname or a.name.split(".")[0] for a in aliases)
            case ast.Assign(targets=targets):
                yield from (t.id for t in targets if isinstance(t, ast.Name))
            case _:
                continue
