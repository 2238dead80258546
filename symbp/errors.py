"""What can go wrong, told in the user's words: where, what was expected, what to do.

Every error that symbp raises on purpose is a :class:`SymbpError`.  Those that concern a place in a
model carry a :class:`Span`, and print as ``file:line:column``, the line, a caret, and a remedy.
"""

from __future__ import annotations

from dataclasses import dataclass, field

LONGEST = 180
"""So much of a line of the model is shown."""


@dataclass(frozen=True, slots=True)
class Source:
    """The text of a model and the name under which messages show it."""

    name: str
    text: str

    def line(self, number: int) -> str:
        """The line ``number``, counted from 1, without its newline."""
        lines = self.text.splitlines()
        return lines[number - 1] if 0 < number <= len(lines) else ""


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a source: line and column count from 1, ``width`` characters are underlined."""

    source: Source = field(repr=False)
    line: int
    column: int
    width: int = 1

    def __str__(self) -> str:
        return f"{self.source.name}:{self.line}:{self.column}"

    def excerpt(self) -> str:
        """The line and a caret line below it; of a very long line the part around the place."""
        text = self.source.line(self.line)
        start = max(self.column - 1, 0)
        if len(text) > LONGEST:
            first = max(0, start - LONGEST // 2)
            head, tail = "…" * bool(first), "…" * (first + LONGEST < len(text))
            text, start = f"{head}{text[first : first + LONGEST]}{tail}", start - first + len(head)
        before = "".join("\t" if c == "\t" else " " for c in text[:start])
        carets = "^" * max(1, min(self.width, max(len(text) - start, 1)))
        return f"    {text}\n    {before}{carets}"


class SymbpError(Exception):
    """The base of all that symbp refuses: a message, the places it speaks of, and what to do.

    ``notes`` are further places ("first used here"), each with its own line and caret.
    """

    def __init__(
        self,
        message: str,
        span: Span | None = None,
        hint: str = "",
        notes: tuple[tuple[str, Span | None], ...] = (),
    ) -> None:
        super().__init__(message)
        self.message, self.span, self.hint, self.notes = message, span, hint, notes

    def __str__(self) -> str:
        head = f"{self.span}: error: {self.message}" if self.span else f"error: {self.message}"
        lines = [head]
        if self.span:
            lines.append(self.span.excerpt())
        for text, span in self.notes:
            lines.append(f"{span}: note: {text}" if span else f"  note: {text}")
            if span:
                lines.append(span.excerpt())
        if self.hint:
            lines.append(f"  help: {self.hint}")
        return "\n".join(lines)


class SyntaxProblem(SymbpError):
    """The text is not a sentence of the model language."""


class ModelProblem(SymbpError):
    """The equations do not make a model: undefined names, shapes that contradict, cycles."""


class RequestProblem(SymbpError):
    """The model is fine, what was asked of it is not: an unknown variable, no binding, a stale file."""


class VerificationFailed(SymbpError):
    """A printed line or a generated gradient disagrees with the numbers: a defect of symbp itself."""
