"""The words of a model as Lark's tokens that know their place."""

from __future__ import annotations

import lark

from symbp.errors import Source, Span

MAX_DEPTH = 100
"""How deep brackets and expressions may nest: the passes over a model go down by recursion."""


class Token(lark.Token):
    """A string whose ``type`` is the name of its terminal and whose ``span`` is its place."""

    __slots__ = ("span",)
    span: Span

    @classmethod
    def at(cls, span: Span, kind: str, text: str = "") -> Token:
        """A token at a place."""
        token = cls(kind, text)
        token.span = span
        return token

    @classmethod
    def of(cls, source: Source, word: lark.Token) -> Token:
        """A token of Lark's lexer, in the source from which it was read."""
        return cls.at(Span(source, word.line or 1, word.column or 1, len(word)), word.type, str(word))
