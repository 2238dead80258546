"""How lines of generated Python lie on the page: comments in a column, long lines broken at a sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

WIDTH = 96
COLUMN = 72
"""The rightmost column in which a group of comments is lined up."""


@dataclass(frozen=True, slots=True)
class Written:
    """One function of a module, as the template writes it down."""

    name: str
    signature: str
    doc: Sequence[str]
    body: Sequence[str]
    decorator: str = ""


def laid_out(lines: Sequence[str]) -> list[str]:
    """The lines with room for several lists made in one, comments lined up and nothing too long."""
    return list(_columns(_broken(_joined(lines))))


def _joined(lines: Sequence[str]) -> Iterator[str]:
    """``a = [None]*n`` and ``b = [None]*n`` in one line."""
    pending: list[tuple[str, str]] = []
    for line in (*lines, ""):
        name, _, value = line.partition(" = ")
        plain = value.startswith("[None]*") and "#" not in value
        if plain and sum(len(n) + len(v) + 4 for n, v in pending) + len(line) < COLUMN:
            pending.append((name, value))
            continue
        if pending:
            indent = pending[0][0][: len(pending[0][0]) - len(pending[0][0].lstrip())]
            names = ", ".join(n.strip() for n, _ in pending)
            yield f"{indent}{names} = {', '.join(v for _, v in pending)}"
        pending = [(name, value)] if plain else []
        if not plain and line:
            yield line


def _broken(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield from _wrapped(line) if len(line) > WIDTH else (line,)


def _wrapped(line: str) -> list[str]:
    """A long assignment or return over several lines: at sums outside of all brackets, else at commas."""
    code, mark, comment = line.partition("  # ")
    indent = code[: len(code) - len(code.lstrip())]
    head, value = _head(code)
    if not head:
        first, *rest = _opened(code.strip(), indent)
        return [f"{first}{mark}{comment}", *rest]
    if len(parts := _split(value, (" + ", " - "), 0)) > 1:
        hang = indent + "    "
        rows = _filled(parts, WIDTH - len(hang))
        return [f"{head}({mark}{comment}", *_all_opened(rows, hang), f"{indent})"]
    if value.startswith("(") and (close := _closing(value)) > 0:
        rows = _filled(_split(value[1:close], (" + ", " - "), 0), WIDTH - len(indent) - 4)
        tail = f"{indent}){value[close + 1 :]}"
        return [f"{head}({mark}{comment}", *_all_opened(rows, f"{indent}    "), tail]
    if value.startswith("[") and (turns := _first(value[1:-1], " for ")) > 0:
        rows = [value[1 : turns + 1], value[turns + 2 : -1]]
        return [f"{head}[{mark}{comment}", *_all_opened(rows, f"{indent}    "), f"{indent}]"]
    open_ = _last_call(value)
    if open_ > 0:
        inner = [p.strip() for p in _split(value[open_ + 1 : -1], (", ",), 0)]
        rows = _filled([p + ("" if k == len(inner) - 1 else " ") for k, p in enumerate(inner)], WIDTH - 4)
        start = f"{head}{value[: open_ + 1]}"
        if len(start) <= WIDTH:
            return [f"{start}{mark}{comment}", *_all_opened(rows, f"{indent}    "), f"{indent})"]
    if len(parts := _split(value, (", ",), 0)) > 1:
        rows = _filled(parts, WIDTH - len(indent) - 4)
        return [f"{head}({mark}{comment}", *_all_opened(rows, f"{indent}    "), f"{indent})"]
    first, *rest = _opened(f"{head}{value}".strip(), indent)
    return [f"{first}{mark}{comment}", *rest]


def _all_opened(rows: Iterable[str], indent: str) -> list[str]:
    return [line for row in rows for line in _opened(row.rstrip(), indent)]


def _opened(text: str, indent: str) -> list[str]:
    """A text that is still too long with its longest bracket on lines of its own."""
    open_, close = _longest_bracket(text)
    if len(indent) + len(text) <= WIDTH or close - open_ < WIDTH // 4:
        return [indent + text]
    inner, hang = text[open_ + 1 : close], f"{indent}    "
    parts = _split(inner, (", ",), 0)
    if len(parts) == 1:
        parts = _split(inner, (" + ", " - "), 0)
    rows = _filled([p.strip() + (" " if p.endswith(", ") else "") for p in parts], WIDTH - len(hang))
    return [indent + text[: open_ + 1], *_all_opened(rows, hang), *_opened(text[close:], indent)]


def _longest_bracket(text: str) -> tuple[int, int]:
    """Where the longest of the outermost round brackets opens and closes; (0, 0) if there is none."""
    depth, start, best = 0, 0, (0, 0)
    for k, c in enumerate(text):
        if c in "([{":
            start, depth = (k if depth == 0 else start), depth + 1
        elif c in ")]}":
            depth -= 1
            if depth == 0 and text[start] == "(" and k - start > best[1] - best[0]:
                best = start, k
    return best


def _closing(text: str) -> int:
    """Where the bracket closes with which the text begins."""
    depth = 0
    for k, c in enumerate(text):
        depth += (c in "([{") - (c in ")]}")
        if depth == 0:
            return k
    return -1


def _last_call(text: str) -> int:
    """Where the bracket opens that the text ends with; -1 if it ends otherwise."""
    depth = 0
    for k in range(len(text) - 1, -1, -1):
        depth += (text[k] in ")]}") - (text[k] in "([{")
        if depth == 0:
            return k if text.endswith(")") else -1
    return -1


def _head(code: str) -> tuple[str, str]:
    body = code.lstrip()
    indent = code[: len(code) - len(body)]
    if body.startswith("return "):
        return f"{indent}return ", body[7:]
    for sign in (" = ", " += "):
        at = _first(body, sign)
        if at >= 0:
            return indent + body[: at + len(sign)], body[at + len(sign) :]
    return "", ""


def _first(text: str, sign: str) -> int:
    depth = 0
    for k, c in enumerate(text):
        depth += (c in "([{") - (c in ")]}")
        if depth == 0 and text.startswith(sign, k):
            return k
    return -1


def _split(text: str, signs: tuple[str, ...], depth: int) -> list[str]:
    """The text cut before its outer operators, or after its outer commas."""
    out, start = [], 0
    for k, c in enumerate(text):
        depth += (c in "([{") - (c in ")]}")
        found = next((s for s in signs if depth == 0 and text.startswith(s, k)), None)
        if found is not None and k > start:
            cut = k + 1
            out.append(text[start:cut].rstrip() if found != ", " else text[start:cut])
            start = cut
    return [*out, text[start:]]


def _filled(parts: Sequence[str], width: int) -> list[str]:
    rows = [parts[0]]
    for part in parts[1:]:
        gap = "" if rows[-1].endswith(" ") else " "
        if len(rows[-1]) + len(part) + 1 <= width:
            rows[-1] += gap + part.lstrip()
        else:
            rows.append(part.lstrip())
    return rows


def _columns(lines: Iterable[str]) -> Iterator[str]:
    """Comments of neighbouring lines in one column."""
    group: list[tuple[str, str]] = []
    for line in (*lines, ""):
        code, mark, comment = line.partition("  # ")
        depth = len(code) - len(code.lstrip())
        if group and depth != len(group[0][0]) - len(group[0][0].lstrip()):
            yield from _column(group)
            group = []
        if mark and comment.startswith("(") and len(code) <= COLUMN:
            group.append((code, comment))
            continue
        yield from _column(group)
        group = []
        if line:
            yield line


def _column(group: Sequence[tuple[str, str]]) -> Iterator[str]:
    column = max((len(c) for c, _ in group), default=0)
    yield from (f"{c:{column}}  # {t}" for c, t in group)


def rest_ignored(names: list[str]) -> list[str]:
    """The targets of an unpacking; several at the end that nothing reads are one."""
    read = max((k for k, name in enumerate(names, 1) if name != "_"), default=0)
    return names if len(names) - read < 2 else [*names[:read], "*_"]
