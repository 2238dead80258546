"""The layout shows the architecture: who may import whom, held against the imports themselves."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "symbp"

# Each room with the rooms that it may import.
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "version": set(),
    "calculus": {"errors"},
    "functions": {"calculus", "errors"},
    "model": {"functions", "calculus", "errors"},
    "spec": {"model", "functions", "calculus", "errors"},
    "derive": {"model", "functions", "calculus", "errors"},
    "arrays": {"derive", "model", "functions", "calculus", "errors"},
    "emit": {"explain", "arrays", "derive", "model", "functions", "calculus", "errors", "version"},
    "verify": {"derive", "model", "functions", "calculus", "errors"},
    "explain": {"verify", "arrays", "derive", "model", "functions", "calculus", "errors"},
    "models": {"errors"},
    "files": {"errors", "version"},
}
OPEN = {
    "api", "cli", "explaining", "generating", "pipeline", "running", "terminal", "sphinx",
    "jupyter", "__init__", "__main__",
}
"""The outer ring: it puts the rooms together and may import all of them."""


def _room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("symbp"):
            parts = node.module.split(".")
            found |= {parts[1]} if len(parts) > 1 else {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("symbp.")}
    return found


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_a_room_imports_only_what_the_design_allows(path: Path) -> None:
    room = _room(path)
    if room in OPEN:
        return
    assert room in ALLOWED, f"{room} is a new room: say in this table what it may import"
    forbidden = _imports(path) - ALLOWED[room] - {room}
    assert not forbidden, f"{room} must not import {sorted(forbidden)}"


def test_the_table_names_only_rooms_that_exist() -> None:
    rooms = {_room(p) for p in PACKAGE.rglob("*.py")}
    assert set(ALLOWED) <= rooms
