"""A notation of the user's own, in a TOML file.

    base = "goodfellow"       # what is not said here is as there; without it as in nielsen
    fixed = "capital"         # δ_K
    hadamard = "circ"         # ∘

The fields and what may stand in them are :data:`symbp.emit.notation.CHOICES`.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from symbp.emit.notation import CHOICES, NIELSEN, NOTATIONS, Notation
from symbp.errors import Source, Span, SyntaxProblem

_BY_NAME = {n.name: n for n in NOTATIONS}


def read_notation(source: Source) -> Notation:
    """The notation that a TOML text describes.

    Raises:
        SyntaxProblem: with the place, for what is not TOML, an unknown key or an unknown value.
    """
    try:
        table = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as problem:
        found = re.search(r"line (\d+), column (\d+)", str(problem))
        last = max(1, len(source.text.splitlines()))
        end = len(source.line(last)) + 1
        line, column = (int(found[1]), int(found[2])) if found else (last, end)
        said = str(problem).partition(" (at")[0]
        message = f"this is not TOML: {said[:1].lower()}{said[1:]}"
        raise SyntaxProblem(message, Span(source, line, column), 'write key = "value"') from None
    base = _chosen(source, "base", table.pop("base", NIELSEN.name), _BY_NAME)
    name = table.pop("name", Path(source.name).stem)
    if not isinstance(name, str) or not re.fullmatch(r"[\w .-]{1,60}", name):
        raise SyntaxProblem("the name of a notation is a short word", _place(source, "name"), 'name = "mine"')
    values = {key: _value(source, key, value) for key, value in table.items()}
    return replace(_BY_NAME[base], name=name, **values)


def _value(source: Source, key: str, value: Any) -> Any:
    if key not in CHOICES:
        known = ("base", "name", *CHOICES)
        raise SyntaxProblem(
            f"a notation has no {key!r}", _place(source, key), _help(key, known)
        )
    return CHOICES[key][_chosen(source, key, value, CHOICES[key])]


def _chosen(source: Source, key: str, value: Any, choices: Iterable[str]) -> str:
    if isinstance(value, str) and value in choices:
        return value
    shown = f'"{value}"' if isinstance(value, str) else f"{value}"
    raise SyntaxProblem(f"{key} cannot be {shown}", _place(source, key), _help(value, choices))


def _help(word: Any, choices: Iterable[str]) -> str:
    known = sorted(choices)
    near = difflib.get_close_matches(str(word), known, 1)
    return (f"did you mean {near[0]}? " if near else "") + "it is one of " + ", ".join(known)


def _place(source: Source, key: str) -> Span:
    """The line of a key; the first line if it is not written plainly."""
    for number, line in enumerate(source.text.splitlines(), 1):
        if found := re.match(rf"""\s*\[?(["']?){re.escape(key)}\1\s*(?=[=.\]])""", line):
            start = found[0].index(key)
            return Span(source, number, start + 1, len(key))
    return Span(source, 1, 1)
