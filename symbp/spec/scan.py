"""Text to tokens: words, numbers, brackets that match, and newlines only where a statement ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lark import UnexpectedCharacters

from symbp.errors import Source, Span, SyntaxProblem
from symbp.spec.language import language
from symbp.spec.tokens import MAX_DEPTH, Token

STATEMENTS = ("title", "index", "param", "input", "const", "size", "function", "cost", "let")
"""The words that open a statement.  As names they are refused, like ``in for and or not``."""

MAX_LENGTH = 1_000_000
"""How many characters a model may have.  One that fits on a slide has a thousand."""

_CLOSING = {"(": ")", "[": "]"}
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)

_SPACE = "put an ordinary space there"
_QUOTE = 'use the straight quotation mark "'
_MINUS = "use the ordinary minus sign -"
_TIMES = "write a product with *"
_POWER = "write a power with ^, as in x^2"
_BRACES = "group with ( ), and put indices in [ ]"
_ATTRIBUTE = re.compile(r"\.([A-Za-z]\w*)\s*\(")
"""The rest of np.tanh(."""
_TRANSPOSE = re.compile(r"\.T\b(?:\s*\[([^],\[]*),([^],\[]*)\])?")
"""The rest of A.T, or of A.T[i,j]."""
_DOTS = 'a range is written with two dots, as in 1..L, and a decimal number as in 0.5'
_HINTS = {
    **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u200a\u200b\u202f\u3000\ufeff", _SPACE),
    **dict.fromkeys("“”„‟″«»", _QUOTE),
    **dict.fromkeys("−–—‐‑‒", _MINUS),
    **dict.fromkeys("×·⋅∙∗⊙", _TIMES),
    **dict.fromkeys("⁰¹²³⁴⁵⁶⁷⁸⁹ᵀ", _POWER),
    **dict.fromkeys("{}", _BRACES),
    **dict.fromkeys(".…", _DOTS),
    **dict.fromkeys("'‘’′", "a name has letters, digits and underscores; give a derivative a name "
                    "with let, and write text in straight double quotes"),
    "÷": "write a quotient with /",
    "≤": "write <=",
    "≥": "write >=",
    "≠": "write !=",
    "∑": "write sum(expression, k)",
    "∂": "write let delta = dC/dz",
    "√": "write sqrt(u)",
    "∞": "there is no infinity in the language; write a bound as a size or a const",
    "!": "write != for 'not equal', and not for a negation",
    "&": "write and",
    "|": "write or between conditions, and abs(u) for an absolute value",
    "@": "write a matrix product as a sum over the shared index: sum(w[j,k]*x[k], k)",
    "%": "a comment begins with #; an index that wraps around is a choice, as in "
         "where(i+1 < N, x[i+1], x[i+1-N])",
    ";": "put each statement on a line of its own",
    "\\": 'LaTeX stands in quotation marks behind a name: param w "\\omega"',
    "_": "a name begins with a letter",
    "~": "write not for a negation",
    "$": 'LaTeX stands in quotation marks behind a name, without $: param w "\\omega"',
}


def scan(source: Source) -> list[Token]:
    """The tokens of a text, with ``_NL`` behind every statement and ``$END`` at the end.

    Raises:
        SyntaxProblem: at a character that the language does not have, an unfinished string, a
            bracket without its partner, brackets nested too deep, or a keyword in the place of a name.
    """
    _refuse_unprintable(source)
    tokens: list[Token] = []
    brackets: list[Token] = []
    for token in _words(source):
        if token in _CLOSING:
            brackets.append(_shallow(token, len(brackets)))
        elif token.type in ("RPAR", "RSQB"):
            _match(brackets, token)
        elif token.type == "_NL" and brackets:
            continue
        tokens.append(_placed(token, tokens, brackets))
    if brackets:
        raise _unclosed(brackets[-1])
    end = tokens[-1].span if tokens else Span(source, 1, 1)
    return [*tokens, Token.at(end, "$END")]


def _refuse_unprintable(source: Source) -> None:
    if len(source.text) > MAX_LENGTH:
        raise SyntaxProblem(
            f"{source.name} has more than {MAX_LENGTH:,} characters",
            hint="a model fits on a slide: is this the file you meant?",
        )
    found = _UNPRINTABLE.search(source.text)
    if found:
        # The message must not send it to a terminal either.
        shown = Source(source.name, _UNPRINTABLE.sub("\ufffd", source.text))
        raise SyntaxProblem(
            f"an unprintable character (U+{ord(found.group()):04X})",
            _span_at(shown, found.start()),
            "delete it; if there are many, the file is not plain UTF-8 text",
        )


def _span_at(source: Source, offset: int) -> Span:
    start = source.text.rfind("\n", 0, offset) + 1
    return Span(source, source.text.count("\n", 0, offset) + 1, offset - start + 1)


def _words(source: Source) -> Iterator[Token]:
    """All tokens in order, blanks and comments left out; the last line gets its newline."""
    text = source.text if source.text.endswith("\n") else source.text + "\n"
    try:
        for word in language().lex(text):
            yield Token.of(source, word)
    except UnexpectedCharacters as found:
        raise _unknown(Span(source, found.line, found.column), found.char) from None


def _unknown(span: Span, char: str) -> SyntaxProblem:
    if char == '"':
        return SyntaxProblem(
            "the quotation mark is never closed", span,
            'text in quotation marks ends on the line where it begins, with another "',
        )
    if char == "." and (called := _ATTRIBUTE.match(span.source.line(span.line), span.column - 1)):
        name = called.group(1)
        return SyntaxProblem(
            f"unexpected character {char!r} (U+{ord(char):04X})", span,
            f"functions have no module in front: write {name}(…)",
        )
    if char == "." and (turned := _TRANSPOSE.match(span.source.line(span.line), span.column - 1)):
        first, second = turned.groups()
        places = f"{second.strip()},{first.strip()}" if first else "j,i"
        return SyntaxProblem(
            f"unexpected character {char!r} (U+{ord(char):04X})", span,
            f"a transpose exchanges the indices: {_word_before(span)}[{places}]",
        )
    hint = _HINTS.get(char, "a model has names, numbers, brackets and + - * / ^ = < > , : ..")
    return SyntaxProblem(f"unexpected character {char!r} (U+{ord(char):04X})", span, hint)


def _word_before(span: Span) -> str:
    found = re.search(r"\w+$", span.source.line(span.line)[: span.column - 1])
    return found.group() if found else "A"


def _shallow(bracket: Token, depth: int) -> Token:
    if depth >= MAX_DEPTH:
        raise SyntaxProblem(
            f"brackets are nested more than {MAX_DEPTH} deep", bracket.span,
            "give the inner expressions names, each on a line of its own",
        )
    return bracket


def _match(brackets: list[Token], token: Token) -> None:
    if not brackets:
        raise SyntaxProblem(
            f"'{token}' closes a bracket that was never opened", token.span,
            f"delete the '{token}', or put the opening bracket where it belongs",
        )
    opened = brackets.pop()
    if _CLOSING[opened] != token:
        raise SyntaxProblem(
            f"'{opened}' is closed by '{token}'", opened.span,
            f"put '{_CLOSING[opened]}' where it belongs before this '{token}', "
            "or make the two of one kind",
            (("closed here", token.span),),
        )


def _unclosed(bracket: Token) -> SyntaxProblem:
    return SyntaxProblem(
        f"'{bracket}' is never closed", bracket.span,
        f"put the '{_CLOSING[bracket]}' where it belongs",
    )


def _placed(token: Token, before: list[Token], brackets: list[Token]) -> Token:
    """The token, unless it is a statement's keyword that does not open a statement."""
    if token not in STATEMENTS or not before or before[-1].type == "_NL":
        return token
    if brackets and before[-1].span.line < token.span.line:
        raise _unclosed(brackets[-1])
    if not brackets and before[-1].type in ("NAME", "NUMBER", "STRING", "RPAR", "RSQB"):
        raise SyntaxProblem(
            f"'{token}' stands in the middle of a line", token.span,
            f"{token} is a keyword: begin a new line before it, or choose another name",
        )
    raise reserved(token)


def reserved(token: Token) -> SyntaxProblem:
    """The refusal of a keyword as a name."""
    return SyntaxProblem(
        f"'{token}' is a keyword and cannot be a name", token.span,
        f"choose another name, such as {token}_",
    )
