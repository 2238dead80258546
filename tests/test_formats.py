"""All formats show the same lines, with the same reasons and the same equation numbers."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from html import unescape

import pytest
from tools import needs

import symbp
from symbp.emit import EMITTERS
from symbp.emit.document import Document
from symbp.emit.markdown import FLAVORS
from symbp.pipeline import derive, sheet_of, written

Lines = list[tuple[int, str]]
"""The reasons of all lines in order, each with the number of its equation; 0 but for the last line."""

WORDS = re.compile(r"[a-z]{3,}")
NAMES = ("mlp", "lstm", "self_attention", "crf", "conv2d", "gaussian_mixture")


def words(reason: str) -> str:
    """The words of a reason without its formulas, which formats spell in their own ways."""
    reason = re.sub(r"\\text\{([^{}]*)\}", r"\1", re.sub(r"\$[^$]*\$", " ", reason))
    commands = "begin|end|operatorname\\*?|mathop|mathrm|mathbf|mathit|mathsf"
    reason = re.sub(rf"\\(?:{commands})\{{[^{{}}]*\}}", " ", reason)
    reason = re.sub(r"\\[A-Za-z]+", " ", re.sub(r"[_^]\{[^{}]*\}", " ", reason))
    return " ".join(w for w in WORDS.findall(reason) if w not in SPELT)


SPELT = {
    "exp",
    "log",
    "softmax",
    "tanh",
    "sigmoid",
    "relu",
    "max",
    "min",
    "diag",
    "arg",
    "sum",
    "prod",
    "mean",
}


def expected(sheet: Document) -> Lines:
    found = []
    for section in sheet.sections:
        for part in section.parts:
            for n, step in enumerate(part.steps):
                last = n == len(part.steps) - 1
                told = "".join(p if isinstance(p, str) else " " for p in step.reason)
                found.append((part.number if last else 0, words(told)))
    return found


# ── reading the formats back ──────────────────────────────────────────────────────────────────────


def from_rows(rows: list[str], number: int) -> Iterator[tuple[int, str]]:
    """Rows of an alignment: a line begins with its relation sign, and has its reason there or below."""
    lines: list[list[str]] = []
    for row in rows:
        cells = re.split(r"(?<!\\)&", row)
        if len(cells) > 1 and cells[1].lstrip().startswith("="):
            lines.append([])
        if lines and reason_of(cells):
            lines[-1].append(reason_of(cells))
    for n, reasons in enumerate(lines):
        yield (number if n == len(lines) - 1 else 0), words(" ".join(reasons))


def reason_of(cells: list[str]) -> str:
    """The reason in a row: in its own column, or in that of the formulas where no formula is."""
    if len(cells) > 3:
        return cells[3]
    told = (
        len(cells) == 2 and re.match(r"\s*\{?\\quad", cells[1]) and re.search(r"\\text\{|\\parbox", cells[1])
    )
    return cells[1] if told else ""


def cells_of(body: str) -> list[str]:
    """The rows of an alignment; what stands in cases is no row of it."""
    flat = re.sub(r"\\begin\{cases\}.*?\\end\{cases\}", "", body, flags=re.DOTALL)
    return [re.sub(r"\\(notag|label\{[^}]*\})", "", row) for row in re.split(r" \\\\\*?\n", flat)]


def latex(text: str) -> Lines:
    body = text[text.index(r"\paragraph") :]
    found: Lines = []
    for block in re.findall(r"\\begin\{align\}\n(.*?)\n\\end\{align\}", body, re.DOTALL):
        number = re.search(r"\\tag\{(\d+)\}", block)
        assert number is not None
        found.extend(from_rows(cells_of(re.sub(r"\\tag\{\d+\}", "", block)), int(number[1])))
    return found


def beamer(text: str) -> Lines:
    """A repeated line has no reason, so it is left out; a part ends where its number is."""
    rows: list[str] = []
    found: Lines = []
    for block in re.findall(r"\\begin\{align\*\}\n(.*?)\n\\end\{align\*\}", text, re.DOTALL):
        plain = re.sub(r"\\uncover<\d+->\{", "{", block)
        number = re.search(r" \\tag\*\{\{?\((\d+)\)\}?\}", plain)
        goes_on = bool(rows)
        lines = cells_of(re.sub(r" \\tag\*\{.*?\}+$", "", plain))
        lines = [re.sub(r"^(.*?)& \{=", r"\1& =", row) for row in lines]
        rows += lines[_repeated(lines) :] if goes_on else lines
        if number is not None:
            found.extend(from_rows(rows, int(number[1])))
            rows = []
    assert not rows
    return found


def _repeated(rows: list[str]) -> int:
    """How many rows at the top are the line of the frame before: all before the second relation sign."""
    starts = [n for n, row in enumerate(rows) if re.match(r".*?(?<!\\)& =", row)]
    first = rows[: starts[1]] if len(starts) > 1 else []
    return len(first) if first and not any(reason_of(re.split(r"(?<!\\)&", r)) for r in first) else 0


def markdown(text: str) -> Lines:
    """Where the page counts, the result is a formula of its own, with the number of the whole."""
    body = text[text.index("\n## ") :]
    found: Lines = []
    rows: list[str] = []
    formula = r"\n?\\begin\{aligned\}\n(.*?)\n\\end\{aligned\}"
    pattern = rf"(?:-(\d+)\n)?{formula}\n\S+(?: \{{#eq-\S*-(\d+)\}})?"
    for block in re.finditer(pattern, body, re.DOTALL):
        own = re.search(r"\\text\{\((\d+)\)\}", block[2])
        number = own[1] if own is not None else block[1] or block[3]
        rows += cells_of(block[2])
        if number is not None:
            found.extend(from_rows(rows, int(number)))
            rows = []
    assert not rows
    return found


def notebook(text: str) -> Lines:
    needs("nbformat")
    cells = json.loads(text)["cells"]
    return markdown("\n".join("\n" + "".join(c["source"]) for c in cells if c["cell_type"] == "markdown"))


def html(text: str) -> Lines:
    found: Lines = []
    body = text[text.index("<h2") : text.index("</article>")]
    for row in re.findall(r"<li(?! class=\"fold\")[^>]*>.*?</li>", body, re.DOTALL):
        reason = re.search(r'<span class="why">(.*?)</span>\n', row, re.DOTALL)
        number = re.search(r'<a class="number"[^>]*>\((\d+)\)', row)
        told = re.sub(r"<math.*?</math>", " ", reason[1] if reason else "", flags=re.DOTALL)
        found.append((int(number[1]) if number else 0, words(unescape(re.sub(r"<[^>]*>", " ", told)))))
    return found


def plain(text: str) -> Lines:
    """A line has its relation sign in the column of those above; what begins behind it is a reason."""
    found: Lines = []
    for block in text[text.index("\n---") :].split("\n\n"):
        rows = block.splitlines()
        if not re.match(r" {5} .* = ", rows[0]) and not re.match(r" *\(\d+\) .* = ", rows[0]):
            continue
        column = rows[0].index(" = ") + 1
        for row in rows:
            number, rest = re.match(r" *\((\d+)\)", row), row[column:]
            if row[column : column + 2] == "= ":
                found.append((int(number[1]) if number else 0, words(" ".join(re.split(r" {3,}", rest)[1:]))))
            else:
                found[-1] = (found[-1][0], f"{found[-1][1]} {words(row)}".strip())
    return found


READERS: dict[str, Callable[[str], Lines]] = {
    "latex": latex, "beamer": beamer, "markdown": markdown, "notebook": notebook,
    "html": html, "text": plain,
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("format_", READERS)
def test_lines_reasons_and_numbers_are_the_same(name: str, format_: str) -> None:
    system, names = derive(symbp.load(name).core)
    lines = expected(sheet_of(system, names, fold=format_ == "html"))
    assert len(lines) > 10 and any(number for number, _ in lines)
    for flavor in (f.name for f in FLAVORS) if format_ == "markdown" else (None,):
        assert READERS[format_](written(system, names, format_, flavor=flavor)) == lines


def test_every_format_is_read_back() -> None:
    assert set(READERS) == {e.name for e in EMITTERS}


def test_a_missing_line_is_noticed() -> None:
    system, names = derive(symbp.load("mlp").core)
    text = written(system, names, "beamer")
    lines = expected(sheet_of(system, names))
    assert beamer(text.replace("definition of", "")) != lines == beamer(text)
