"""Text to syntax: the whole way in one function.  Nothing in the text is evaluated."""

from __future__ import annotations

from collections.abc import Sequence

from lark import UnexpectedToken

from symbp.errors import Source
from symbp.model.syntax import SyntaxLine, SyntaxModel
from symbp.spec.language import language
from symbp.spec.messages import explain
from symbp.spec.scan import scan
from symbp.spec.tokens import Token


def read(source: Source, name: str) -> SyntaxModel:
    """The statements of a model, in order; ``name`` is the model's.

    Raises:
        SyntaxProblem: at the first place where the text is not a sentence of the language.
    """
    clean = Source(source.name, _plain(source.text))
    return SyntaxModel(name, _parse(scan(clean)), clean.text)


def _parse(tokens: Sequence[Token]) -> tuple[SyntaxLine, ...]:
    parser = language().parse_interactive()
    lines: tuple[SyntaxLine, ...] = ()
    for position, token in enumerate(tokens):
        try:
            lines = parser.feed_token(token)  # None up to the last token, which ends the parse
        except UnexpectedToken:
            accepts = frozenset(parser.accepts())  # type: ignore[no-untyped-call]
            raise explain(tokens, position, accepts) from None
    return lines


def _plain(text: str) -> str:
    """Without the mark that Windows puts before UTF-8, and with ``\\n`` for every kind of newline."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
