"""Mathematical letters of Unicode, and names of the model in MathML.

MathML Core has no ``mathvariant``: an italic x is the character 𝑥.  The alphabets lie in one block of
Unicode, apart from a few letters that had a place before it was made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from symbp.emit.notation import GREEK, OPERATORS

# Where A, a, Α, α and 0 of each alphabet stand; 0 for an alphabet that has none.
_STARTS: Mapping[str, tuple[int, int, int, int, int]] = {
    "italic": (0x1D434, 0x1D44E, 0x1D6E2, 0x1D6FC, 0),
    "bold": (0x1D400, 0x1D41A, 0x1D6A8, 0x1D6C2, 0x1D7CE),
    "bold-italic": (0x1D468, 0x1D482, 0x1D71C, 0x1D736, 0x1D7CE),
    "script": (0x1D49C, 0x1D4B6, 0, 0, 0),
    "sans": (0x1D5A0, 0x1D5BA, 0, 0, 0x1D7E2),
    "typewriter": (0x1D670, 0x1D68A, 0, 0, 0x1D7F6),
    "upright": (0, 0, 0, 0, 0),
}
_ENDS = (("A", "Z"), ("a", "z"), ("Α", "Ω"), ("α", "ω"), ("0", "9"))
_ELSEWHERE: Mapping[str, Mapping[str, str]] = {
    "italic": {"h": "ℎ", "∂": "𝜕", "ϵ": "𝜖", "ϑ": "𝜗", "ϕ": "𝜙", "ϱ": "𝜚", "ϖ": "𝜛", "ı": "𝚤", "ȷ": "𝚥"},
    "bold": {"∂": "𝛛", "∇": "𝛁", "ϵ": "𝛜", "ϑ": "𝛝", "ϕ": "𝛟", "ϱ": "𝛠", "ϖ": "𝛡"},
    "bold-italic": {"∂": "𝝏", "∇": "𝜵", "ϵ": "𝝐", "ϑ": "𝝑", "ϕ": "𝝓", "ϱ": "𝝔", "ϖ": "𝝕"},
    "script": dict(zip("BEFHILMRego", "ℬℰℱℋℐℒℳℛℯℊℴ", strict=True)),
}
_UPRIGHT_CAPITALS = frozenset("ΓΔΘΛΞΠΣΥΦΨΩ∇")
"""TeX sets these upright where letters are italic."""


def letter(char: str, alphabet: str = "italic") -> str:
    """The character in an alphabet; itself if the alphabet does not have it."""
    if alphabet == "italic" and char in _UPRIGHT_CAPITALS:
        return char
    special = _ELSEWHERE.get(alphabet, {}).get(char)
    if special is not None:
        return special
    for start, (low, high) in zip(_STARTS[alphabet], _ENDS, strict=True):
        if start and low <= char <= high:
            return chr(start + ord(char) - ord(low))
    return char


def identifier(text: str, alphabet: str = "italic") -> str:
    """``mi``.  A single letter would be made italic by the browser: upright ones say that they are."""
    shown = "".join(letter(c, alphabet) for c in text)
    style = ' style="text-transform:none"' if len(shown) == 1 and _turned(shown) else ""
    return f"<mi{style}>{escape(shown)}</mi>"


def _turned(char: str) -> bool:
    return (char.isascii() and char.isalpha()) or "Α" <= char <= "ϖ" or char in "∂∇ıȷ"


TIGHT, APART = ' lspace="0" rspace="0"', ' lspace="0.2778em" rspace="0.2778em"'


def sign(text: str, form: str = "", spaced: bool = True) -> str:
    """``mo`` of its own size; ``form`` is infix, prefix or postfix where the row does not tell."""
    how = f' form="{form}"' if form else ""
    size = ' stretchy="false"' if text in _STRETCHY else ""
    # a colon between two things is a relation here; browsers set it as punctuation
    space = TIGHT if not spaced else APART if text == ":" else ""
    return f"<mo{how}{size}{space}>{escape(text)}</mo>"


_STRETCHY = frozenset("()[]{}|∥↑↓←→⌊⌋")


# ── names as the author gave them, in LaTeX ───────────────────────────────────────────────────────

_FONTS = {
    "mathbf": "bold", "boldsymbol": "bold-italic", "mathrm": "upright", "mathsf": "sans",
    "mathtt": "typewriter", "mathit": "italic", "mathcal": "script", "operatorname": "upright",
}  # fmt: skip
_ACCENTS = {
    "hat": "^", "widehat": "^", "bar": "¯", "overline": "¯", "tilde": "~", "widetilde": "~", "vec": "→",
    "dot": "˙", "ddot": "¨", "check": "ˇ", "breve": "˘", "acute": "´", "grave": "`", "underline": "_",
}  # fmt: skip
_WIDE = frozenset({"widehat", "overline", "widetilde", "underline"})
_LETTERS = {
    **GREEK, "epsilon": "ϵ", "varepsilon": "ε", "vartheta": "ϑ", "phi": "ϕ", "varphi": "φ", "varrho": "ϱ",
    "varsigma": "ς", "varpi": "ϖ", "ell": "ℓ", "hbar": "ℏ", "imath": "ı", "jmath": "ȷ", "partial": "∂",
    "nabla": "∇", "infty": "∞", "top": "⊤", "bot": "⊥", "sharp": "♯", "flat": "♭", "natural": "♮",
}  # fmt: skip
_SIGNS = {
    "prime": "′", "star": "⋆", "ast": "∗", "dagger": "†", "bullet": "•", "circ": "∘", "parallel": "∥",
    "perp": "⊥", "pm": "±", "mp": "∓", "times": "×", "cdot": "⋅", "leftarrow": "←", "rightarrow": "→",
    "to": "→", "uparrow": "↑", "downarrow": "↓", "dots": "…", "lnot": "¬", "-": "−", "*": "∗", "_": "_",
    ",": "\u2009",
}  # fmt: skip
_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[0-9]+(?:\.[0-9]+)?|\S", re.DOTALL)


def name(tex: str) -> str:
    """A name in LaTeX, of the commands that models may use, as one MathML element.

    Raises:
        ValueError: for a command that no name of a model may contain.
    """
    return _Reader(_TOKEN.findall(tex)).whole()


@dataclass
class _Reader:
    """Reads LaTeX from left to right: atoms with their scripts, fonts and accents with an argument."""

    tokens: list[str]
    place: int = 0

    def whole(self) -> str:
        """Everything, as one element."""
        return grouped(self.row("italic"))

    def row(self, alphabet: str) -> list[str]:
        """Atoms up to the closing brace or the end."""
        out: list[str] = []
        while self.place < len(self.tokens) and self.tokens[self.place] != "}":
            bare = self.tokens[self.place] in ("^", "_", "'")
            base = "<mrow></mrow>" if bare else self.atom(alphabet)
            out.append(self.scripted(base, alphabet))
        return out

    def scripted(self, base: str, alphabet: str) -> str:
        """The atom with the scripts that follow it; fonts have raised primes already."""
        primes: list[str] = []
        found = {"_": "", "^": ""}
        while self.place < len(self.tokens) and self.tokens[self.place] in ("^", "_", "'"):
            mark = self.next()
            if mark == "'":
                primes.append(sign("′", spaced=False))
            else:
                found[mark] = self.atom(alphabet)
        return attached(grouped([base, *primes]), found["_"], found["^"])

    def next(self) -> str:
        """The token here; the place moves on."""
        self.place += 1
        return self.tokens[self.place - 1]

    def atom(self, alphabet: str) -> str:
        """A letter, a group, or a command with its argument."""
        token = self.next()
        command = token[1:].rstrip("*") if token[0] == "\\" else ""
        if token == "{":
            out = self.row(alphabet)
            self.next()
            return grouped(out)
        if command in _FONTS:
            return self.lettered(_FONTS[command])
        if command in _ACCENTS:
            return self.accented(command, alphabet)
        return _single(token, command, alphabet)

    def lettered(self, alphabet: str) -> str:
        """The argument of a font: letters in a row are one word."""
        ahead = self.tokens[self.place :]
        end = ahead.index("}") if ahead[:1] == ["{"] and "}" in ahead else 0
        word = ahead[1:end]
        if end and all((t.isalnum() and t.isascii()) or t in (r"\_", r"\,") for t in word):
            self.place += end + 1
            return identifier("".join({r"\_": "_", r"\,": "\u2009"}.get(t, t) for t in word), alphabet)
        return self.atom(alphabet)

    def accented(self, command: str, alphabet: str) -> str:
        """A letter with a mark above or below."""
        tag = "munder" if command == "underline" else "mover"
        how = "accentunder" if command == "underline" else "accent"
        wide = "true" if command in _WIDE else "false"
        mark = f'<mo stretchy="{wide}"{TIGHT}>{_ACCENTS[command]}</mo>'
        return f'<{tag} {how}="true">{self.atom(alphabet)}{mark}</{tag}>'


def _single(token: str, command: str, alphabet: str) -> str:
    if command in OPERATORS:
        return identifier(command, "upright")
    if command in _LETTERS:
        return identifier(_LETTERS[command], alphabet)
    if token[0] == "\\" and command not in _SIGNS:
        raise ValueError(f"{token} is not a command for names")
    if command in _SIGNS or token in _SIGNS:
        return sign(_SIGNS[command or token], spaced=False)
    if token[0].isdigit():
        return f"<mn>{''.join(letter(c, alphabet) for c in token)}</mn>"
    if token.isalpha():
        return identifier(token, alphabet)
    return sign(token, spaced=False)


def tagged(element: str, key: str) -> str:
    """The element with what it stands for, by which a page finds it again; "" for nothing."""
    if not key:
        return element
    return re.sub(r"<\w+", lambda m: f'{m[0]} data-name="{escape(key)}"', element, count=1)


def grouped(elements: list[str]) -> str:
    """One element: the only one, or a row."""
    return elements[0] if len(elements) == 1 else f"<mrow>{''.join(elements)}</mrow>"


_LEANING = {
    **dict.fromkeys("𝐹𝑃𝑇𝑊𝑭𝑷𝑻𝑾", "0.2em"),
    **dict.fromkeys("𝐽𝑀𝑁𝑈𝑓𝜏𝑱𝑴𝑵𝑼𝒇𝝉", "0.15em"),
    **dict.fromkeys("𝑉𝑌𝑽𝒀", "0.3em"),
}
"""The italic correction of TeX's letters, in em of a script (which is 0.7 em)."""


def arm(base: str) -> str:
    """Room for the arm of a letter that leans to the right, in front of what is raised behind it.

    MathML Core corrects large operators only, so Chromium lets a superscript touch the arm of a W.  Firefox
    corrects letters too: the style sheet hides the room there.
    """
    found = re.search(r">(.)</mi>(</mpadded>)?$", base)
    room = _LEANING.get(found[1]) if found else None
    return f'<mspace class="arm" width="{room}"/>' if room else ""


def attached(base: str, below: str, above: str) -> str:
    """A base with its scripts, "" for none."""
    room = arm(base) if above else ""
    above = f"<mrow>{room}{above}</mrow>" if room else above
    tag = {(True, True): "msubsup", (True, False): "msub", (False, True): "msup"}.get(
        (bool(below), bool(above))
    )
    return f"<{tag}>{base}{below}{above}</{tag}>" if tag else base
