"""LaTeX names are checked against an allow-list: they reach templates and the reader's TeX.

A name is a formula of letters, digits, harmless signs, ``^ _ { }`` and the commands listed here.  It
is also well formed, so that the document compiles in which it stands.
"""

from __future__ import annotations

import re

from symbp.errors import Span, SyntaxProblem
from symbp.spec.tokens import Token

MAX_NAME, MAX_TITLE, MAX_BRACES = 80, 300, 8

_SYMBOLS = """alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi
    varpi rho varrho sigma varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi
    Sigma Upsilon Phi Psi Omega ell hbar imath jmath partial nabla prime star ast dagger bullet circ
    top bot perp parallel pm mp times cdot infty sharp flat natural leftarrow rightarrow uparrow
    downarrow to"""
_WORDS = "arg deg det dim exp inf ker lim ln log max min"
# Only what amsmath, KaTeX and MathJax all know, and no \text: in it ^ and _ are errors.
_ACCENTS = """hat bar tilde vec dot ddot check breve acute grave widehat widetilde overline underline mathbf
    mathrm mathsf mathtt mathit mathcal boldsymbol operatorname"""
WORDS, ACCENTS = frozenset(_WORDS.split()), frozenset(_ACCENTS.split())
SYMBOLS = frozenset(_SYMBOLS.split()) | WORDS
_PIECE = re.compile(r"\\[A-Za-z]+|[A-Za-z0-9^_{}()+*,|'/. -]")


def latex(token: Token | None) -> str:
    """The checked content of a quoted LaTeX name, "" for none.

    Raises:
        SyntaxProblem: with a caret at the piece that is not allowed or out of place.
    """
    return _Checker(token).check() if token else ""


def title(token: Token) -> str:
    """The content of a quoted title.  Emitters escape it: it is text, not LaTeX."""
    text = " ".join(token[1:-1].split())
    if not text or len(text) > MAX_TITLE:
        raise SyntaxProblem(
            "the title is empty" if not text else f"the title has more than {MAX_TITLE} characters",
            token.span, "the title is one line at the head of the documents",
        )
    return text


class _Checker:
    """Walks over the pieces of one name.

    ``scripts`` are those that the last base has already (a second ^ is an error of TeX's), ``pending``
    is the ^, _ or accent that waits for its argument, ``groups`` are the open braces with the scripts
    to go on with behind them.
    """

    def __init__(self, token: Token) -> None:
        self.text, self.span = token[1:-1], token.span
        self.scripts, self.pending = frozenset[str](), ""
        self.groups: list[tuple[int, frozenset[str]]] = []

    def check(self) -> str:
        """The name, if it is well formed."""
        if not self.text.strip() or len(self.text) > MAX_NAME:
            raise self.problem(0, len(self.text), f"a LaTeX name has 1 to {MAX_NAME} characters")
        for offset, piece in self.pieces():
            if piece != " " and not self.follows(offset, piece):
                raise self.problem(
                    offset, len(piece), f"{piece} is out of place in this LaTeX name"
                )
        if self.groups:
            raise self.problem(self.groups[-1][0], 1, "'{' is never closed")
        if self.pending:
            raise self.problem(len(self.text) - 1, 1, f"nothing follows {self.pending}")
        return self.text.strip()

    def follows(self, offset: int, piece: str) -> bool:
        """Whether the piece can stand here; the state moves on behind it."""
        kept = self.scripts if self.pending in ("^", "_") else frozenset[str]()
        free = not self.pending
        match piece:
            case "^" | "_":
                fine = free and piece not in self.scripts
                self.scripts, self.pending = self.scripts | {piece}, piece
            case "{":
                fine = len(self.groups) < MAX_BRACES
                self.groups.append((offset, kept))
                self.scripts, self.pending = frozenset(), ""
            case "}":
                fine = free and bool(self.groups)
                self.scripts = self.groups.pop()[1] if fine else kept
            case "'":
                fine = free and "^" not in self.scripts
            case _:
                accent = piece[1:] in ACCENTS
                fine = free or not accent
                self.scripts, self.pending = kept, piece if accent else ""
        return fine

    def pieces(self) -> list[tuple[int, str]]:
        """The pieces with their places, each one allowed."""
        found, offset = [], 0
        while offset < len(self.text):
            match = _PIECE.match(self.text, offset)
            piece = match.group() if match else self.text[offset]
            known = piece[0] != "\\" or piece[1:] in SYMBOLS | ACCENTS
            if match is None or not known:
                raise self.problem(offset, len(piece), f"{piece} is not allowed in a LaTeX name")
            found.append((offset, piece))
            offset += len(piece)
        return found

    def problem(self, offset: int, width: int, message: str) -> SyntaxProblem:
        place = Span(self.span.source, self.span.line, self.span.column + 1 + offset, width)
        return SyntaxProblem(
            message, place,
            r'a LaTeX name is letters, digits, ^ _ { } and commands for Greek letters, accents and '
            r'fonts, as in "W^{Q}", "\hat{y}", "\mathbf{x}", "x_{\max}", "y_{\mathrm{out}}"',
        )
