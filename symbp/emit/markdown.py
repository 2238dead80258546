"""Markdown with formulas that KaTeX in its strict mode and MathJax both set, for several hosts.

Hosts differ in how a formula is marked off and how an equation gets its number; :data:`FLAVORS` says how.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from symbp.emit.arrange import PageRow, stacked
from symbp.emit.breaking import broken
from symbp.emit.document import Document, Formula, Part
from symbp.emit.environment import environment
from symbp.emit.latex import in_math
from symbp.emit.layout import Text, width
from symbp.emit.tex import tex
from symbp.errors import RequestProblem

PAGE = 48.0
"""The usual width of a column on a web page, in em."""

_SPECIAL = str.maketrans({c: "\\" + c for c in "\\`*_{}[]<>#|$"})


@dataclass(frozen=True, slots=True)
class Flavor:
    """How a host wants its formulas.

    ``inline`` stands left and right of a formula in a line, ``display`` above and below one of its own.
    ``labelled`` is the same with ``{label}``, where the host counts equations itself; ``target`` stands
    above a formula that has its number from us.  ``operatorname`` and ``sides`` say whether the host knows
    that command, and \\Bigl beside \\Big.
    """

    name: str
    inline: tuple[str, str] = ("$", "$")
    display: tuple[str, str] = ("$$", "$$")
    labelled: tuple[str, str] | None = None
    target: str = ""
    operatorname: bool = True
    sides: bool = True


FLAVORS = (
    # MathML of pandoc 2 has \bigl and \biggl, but what lies between them as \Big only
    Flavor("pandoc", sides=False),
    # Between dollar signs GitHub reads \\ as an escaped backslash; it leaves code alone.
    Flavor("github", ("$`", "`$"), ("```math", "```"), operatorname=False),
    Flavor(
        "myst",
        display=("```{math}", "```"),
        labelled=("```{math}\n:label: LABEL\n", "```"),
        target="(LABEL)=\n",
    ),
    Flavor("quarto", labelled=("$$", "$$ {#LABEL}"), target="[]{#LABEL}\n\n"),
)


_SIDED = re.compile(r"\\Big([lr])(\\[A-Za-z]+|\\?.)")
_CLASS = {"l": "open", "r": "close"}


@dataclass(frozen=True, slots=True)
class Writer:
    """Spells one document in one flavour; ``counts``: the host arrives at our numbers by itself."""

    flavor: Flavor
    name: str
    page: float
    counts: bool

    def prose(self, text: Text) -> str:
        """Words with formulas in a line of text."""
        left, right = self.flavor.inline
        return "".join(
            escape(t) if isinstance(t, str) else left + self.known(tex(t, False).strip()) + right
            for t in text
        )

    def known(self, formula: str) -> str:
        """The formula with commands that the host knows."""
        if not self.flavor.sides:
            formula = _SIDED.sub(lambda m: rf"\math{_CLASS[m[1]]}{{\Big{m[2]}}}", formula)
        if not (self.flavor.operatorname and self.flavor.sides):
            formula = re.sub(r"\\operatorname\*\{([^{}]*)\}", r"\\mathop{\\mathrm{\1}}", formula)
        if self.flavor.operatorname:
            return formula
        return re.sub(r"\\operatorname\{([^{}]*)\}", r"\\mathop{\\mathrm{\1}}\\nolimits", formula)

    def display(self, rows: Sequence[str], number: int = 0) -> str:
        """Aligned rows in a formula of its own, with its number."""
        body = "\\begin{aligned}\n" + " \\\\\n".join(rows) + "\n\\end{aligned}"
        left, right = self.flavor.display
        labelled = self.flavor.labelled if number else None
        if labelled is not None and self.counts:
            left, right = (side.replace("LABEL", label(self.name, number)) for side in labelled)
            return f"{left}\n{self.known(body)}\n{right}"
        above = self.flavor.target.replace("LABEL", label(self.name, number)) if number else ""
        return f"{above}{left}\n{self.known(body)}\n{right}"

    def derivation(self, part: Part) -> str:
        """The lines of a part; their number stands beside its result.

        A host that counts sets the number beside the middle of a formula: the result is one of its own there.
        """
        if not self.counts or self.flavor.labelled is None:
            return self.display(part_rows(part, self.page), part.number)
        *lines, result = result_apart(part)
        above = [self.display(row_texts(stacked(p, self.page))) for p in lines]
        return "\n\n".join((*above, self.display(row_texts(stacked(result, self.page)), part.number)))

    def equations(self, formulas: tuple[Formula, ...]) -> str:
        """The equations of a model: in one formula, or in one for each where each has a label."""
        if self.flavor.labelled is None:
            return self.display(equation_rows(formulas, self.page))
        blocks = (
            self.display(equation_rows((f,), self.page, numbered=not self.counts), f.number) for f in formulas
        )
        return "\n\n".join(blocks)


def emit(document: Document, *, page: float = PAGE, flavor: str = "pandoc") -> str:
    """The document in Markdown.

    Args:
        document: what to show.
        page: the width of a column in em.
        flavor: the host: ``github``, ``myst``, ``quarto``; ``pandoc`` has formulas between $ and $$.

    Raises:
        RequestProblem: if there is no such flavour.
    """
    write = writer(document, page, flavor)
    return (
        environment()
        .get_template("markdown/document.md.j2")
        .render(
            title=escape(document.title or document.name),
            equations=write.equations(document.equations),
            definitions=definitions(write, document),
            notes=write.prose(document.notes),
            sections=[
                {
                    "heading": write.prose(s.heading),
                    "question": write.prose(s.question),
                    "parts": [part_view(write, p) for p in s.parts],
                    "order": write.prose(s.order),
                }
                for s in document.sections
            ],
            check=write.prose(document.check),
        )
    )


def writer(document: Document, page: float, flavor: str) -> Writer:
    """What spells the document for a host.

    Raises:
        RequestProblem: if there is no such flavour.
    """
    found = next((f for f in FLAVORS if f.name == flavor), None)
    if found is None:
        hint = "choose one of " + ", ".join(f.name for f in FLAVORS)
        raise RequestProblem(f"there is no flavor {flavor!r} of Markdown", hint=hint)
    numbers = [f.number for f in document.equations]
    numbers += [p.number for s in document.sections for p in s.parts]
    return Writer(found, document.name, page, numbers == list(range(1, len(numbers) + 1)))


def definitions(write: Writer, document: Document) -> str:
    """The functions of the model in one formula; "" if it has none."""
    rows = equation_rows(document.definitions, write.page)
    return write.display(rows) if rows else ""


def part_view(write: Writer, part: Part) -> dict[str, str]:
    """What a template shows of a part."""
    return {
        "intro": write.prose(part.intro),
        "lines": write.derivation(part),
        "jacobian": write.prose(part.jacobian),
    }


def escape(text: str) -> str:
    """A user's text, in which nothing is markup."""
    return text.translate(_SPECIAL)


def label(name: str, number: int) -> str:
    """The label of an equation, unique among documents: eq-mlp-5."""
    return "eq-" + re.sub(r"[^A-Za-z0-9]", "-", name) + f"-{number}"


def equation_rows(formulas: Iterable[Formula], page: float, numbered: bool = True) -> list[str]:
    """Rows of ``aligned``, each equation with its range and number."""
    rows: list[str] = []
    formulas = tuple(formulas)
    left = max((width(f.lhs) for f in formulas), default=0.0)
    for formula in formulas:
        number = formula.number if numbered else 0
        lines = broken(formula.rhs, page - left - 12.0)
        rows.append(f"{tex(formula.lhs)} &= {lines[0]}")
        rows.extend(rf"&\quad {line}" for line in lines[1:])
        where = in_math(formula.where)
        rows[-1] += f" && {where}" if where or number else ""
        rows[-1] += rf" && \text{{({number})}}" if number else ""
    return rows


def part_rows(part: Part, page: float) -> list[str]:
    """Rows of ``aligned``: the lines of a derivation with their reasons, and its number beside the last."""
    return row_texts(stacked(part, page), numbered=True)


def row_texts(rows: Sequence[PageRow], numbered: bool = False) -> list[str]:
    """Rows of ``aligned``; the column of numbers is there if they are ours."""
    beside = any(r.reason and not r.below for r in rows)
    return [_row(r, beside, r.number if numbered else 0) for r in rows]


def result_apart(part: Part) -> tuple[Part, ...]:
    """All lines but the last, if there are any, and the last one with its left side."""
    *lines, last = part.steps
    if not lines:
        return (part,)
    left = next((s.lhs for s in reversed(part.steps) if s.lhs is not None), part.lhs)
    return replace(part, steps=tuple(lines)), replace(part, lhs=left, steps=(replace(last, lhs=None),))


def _row(row: PageRow, beside: bool, number: int) -> str:
    words = in_math(row.reason)
    if row.below:
        return rf"&\quad {words}"
    cells = [words] if beside and (words or number) else []
    cells += [rf"\text{{({number})}}"] if number else []
    lead = r"&\quad " if row.continued else f"{row.lhs} &= "
    return (lead.lstrip() + row.rhs + "".join(f" && {cell}".rstrip() for cell in cells))
