"""What a terminal shows and a file does not: colours, and how far long work has come."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import click

T = TypeVar("T")

_COLOURS = {"ok": "green", "FAIL": "red", "error:": "red", "help:": "cyan", "note:": "cyan"}
_MARKS = re.compile(r"^(?:ok|FAIL)(?=  )|(?:(?<=^)|(?<=: )|(?<=  ))(?:error|help|note):(?= )", re.MULTILINE)


def say(text: str, err: bool = False, nl: bool = True) -> None:
    """Print to stdout or stderr, with colours where that is a terminal and NO_COLOR is not set."""
    plain = bool(os.environ.get("NO_COLOR"))
    click.echo(text if plain else painted(text), err=err, nl=nl, color=False if plain else None)


def columns() -> int | None:
    """Those of the terminal that stdout is, if it is a narrow one; None: text is as wide as in a file."""
    if not sys.stdout.isatty():
        return None
    found = shutil.get_terminal_size().columns
    return max(found, NARROWEST) if found < WIDE else None


NARROWEST, WIDE = 40, 100


def painted(text: str) -> str:
    """The text with its marks (ok, FAIL, error:) in colours."""
    return _MARKS.sub(lambda m: click.style(m[0], fg=_COLOURS[m[0]], bold=True), text)


def progress(items: Iterable[T]) -> Iterator[T]:
    """The items one by one; a bar on stderr if that is a terminal and there are several."""
    listed: Sequence[T] = tuple(items)
    if len(listed) < 2 or not sys.stderr.isatty():
        yield from listed
        return
    plain = False if os.environ.get("NO_COLOR") else None
    with click.progressbar(listed, file=sys.stderr, color=plain, item_show_func=_shown) as bar:
        yield from bar


def _shown(item: object) -> str:
    return "" if item is None else os.path.basename(str(item))
