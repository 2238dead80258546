"""Formulas in LaTeX: amsmath only, and nothing that KaTeX or MathJax refuse."""

from __future__ import annotations

import re
from collections.abc import Iterable

from symbp.emit.layout import (
    Big,
    Box,
    Brace,
    Cases,
    Fence,
    Frac,
    Grid,
    Product,
    Root,
    Row,
    Script,
    Stack,
    Strong,
    Sym,
    Terms,
    fence_size,
    first,
    parts,
    slashed,
)
from symbp.emit.notation import GREEK

BRACKETS = {
    "(": ("(", ")"),
    "[": ("[", "]"),
    "{": (r"\{", r"\}"),
    "|": (r"\lvert ", r"\rvert"),
    "⌊": (r"\lfloor ", r"\rfloor"),
    "‖": (r"\lVert ", r"\rVert"),
}
"""How TeX spells brackets."""
SIZES = ("", "big", "Big", "bigg", "Bigg")
GAPS = {"thin": r"\,", "none": "", "dot": r" \cdot ", "op": " "}


def tex(box: Box, display: bool = True) -> str:
    """The formula in LaTeX; ``display`` False sets it for a line of text, with slashes for fractions.

    Raises:
        TypeError: for something that is not a layout node.
    """
    match box:
        case Sym(spelling, _, kind):
            return f" {spelling} " if kind in ("rel", "bin") else spelling + " " * (spelling == ",")
        case Row(items):
            return joined(operand(i, n, display) for i, n in zip(items, (*items[1:], None), strict=True))
        case Product(factors, gaps):
            return _product(factors, gaps, display)
        case Terms(terms):
            return _terms(terms, display)
        case Script():
            return _script(box, display)
        case Frac():
            return _fraction(box, display)
        case Root(body):
            return rf"\sqrt{{{tex(body, False)}}}"
        case Big(sign, below, above):
            return (
                sign.tex + (f"_{group(below)}" if below else "") + (f"^{group(above)}" if above else "") + " "
            )
        case Fence():
            return _fence(box, display)
        case Cases(rows):
            return _cases(rows)
        case Stack(lines):
            return r"\begin{array}{l} " + r" \\ ".join(lines) + r" \end{array}"
        case Grid(lines):
            return _grid(lines)
        case Brace(body, below):
            return rf"\underbrace{{{tex(body, display).strip()}}}_{group(below)}"
        case Strong(body):
            return rf"\mathbf{{{tex(body, display)}}}"
        case _:
            raise TypeError(f"{type(box).__name__} is not a layout node")


def operand(item: Box, following: Box | None, display: bool) -> str:
    """A fraction with a slash before ⊙ gets brackets, because ⊙ has no agreed precedence."""
    before_sign = isinstance(following, Sym) and following.kind == "bin"
    text = tex(item, display)
    slash = isinstance(item, Frac) and not display and not item.upright
    return f"({text})" if slash and before_sign else text


def joined(pieces: Iterable[str]) -> str:
    """The pieces side by side; a space where a command would swallow a letter."""
    out = ""
    for piece in pieces:
        glue = " " if re.search(r"\\[A-Za-z]+$", out) and piece[:1].isalpha() else ""
        out += glue + piece
    return out


def group(box: Box) -> str:
    """A script: without braces if it is one character."""
    text = (
        tex(box, False).strip().replace(" = ", "=").replace(" - ", "-").replace(" + ", "+").replace(", ", ",")
    )
    return text if len(text) == 1 else f"{{{text}}}"


def _product(factors: tuple[Box, ...], gaps: tuple[str, ...], display: bool) -> str:
    last = len(factors) - 1
    spelled = [factor(f, display, n == last) for n, f in enumerate(factors)]
    out = spelled[0]
    for gap, piece in zip(gaps, spelled[1:], strict=True):
        out = joined((out.rstrip(), GAPS[gap], piece))
    return out


def factor(box: Box, display: bool, last: bool) -> str:
    """A fraction with a slash would draw in the factor behind it."""
    text = tex(box, display)
    slash = isinstance(box, Frac) and not display and not box.upright and not _numeric(box)
    return f"({text})" if slash and not last else text


def _numeric(box: Frac) -> bool:
    return all(isinstance(b, Sym) and b.kind == "num" for b in (box.num, box.den))


def _terms(terms: tuple[tuple[str, Box], ...], display: bool) -> str:
    out = ""
    for sign, box in terms:
        lead = (" " + sign + " ") if out else ("-" if sign == "-" else "")
        out = out.rstrip() + lead + tex(box, display).lstrip()
    return out


def _script(box: Script, display: bool) -> str:
    base = tex(box.base, display)
    if isinstance(box.base, (Script, Row)):
        base = f"{{{base}}}"
    above = box.sup
    if isinstance(above, Sym) and set(above.tex) == {"'"}:
        return base + above.tex + (f"_{group(box.sub)}" if box.sub else "")
    up = f"^{group(above)}" if above is not None else ""
    return base + up + (f"_{group(box.sub)}" if box.sub else "")


def _fraction(box: Frac, display: bool) -> str:
    if display or box.upright:
        return rf"\frac{{{tex(box.num, False)}}}{{{tex(box.den, False)}}}"
    if _numeric(box):
        return rf"\frac{{{tex(box.num)}}}{{{tex(box.den)}}}"
    sides = [_beside_slash(b, bare) for b, bare in zip((box.num, box.den), box.bare, strict=True)]
    return "/".join(sides)


def _beside_slash(box: Box, bare: bool) -> str:
    text = tex(box, False)
    return text if bare and not slashed(box) else f"({text})"


def _fence(box: Fence, display: bool) -> str:
    body = tex(box.body, display).strip()
    left, right = BRACKETS[box.kind]
    size = SIZES[fence_size(box, display)] if box.kind != "[" or fence_size(box, display) else ""
    if not size:
        return left + body + right
    if _high(box.body):
        return rf"\left{left}{body}\right{right}"
    return f"\\{size}l{left}{body}\\{size}r{right}"


def _high(box: Box) -> bool:
    """Whether something in the box has more lines than the largest bracket of a fixed size."""
    match box:
        case Cases(rows):
            own = sum(len(v.lines) if isinstance(v, Stack) else 1 for v, _ in rows)
        case Stack(lines):
            own = len(lines)
        case _:
            own = 0
    return own > 2 or any(map(_high, parts(box)))


def _cases(rows: tuple[tuple[Box, Box | None], ...]) -> str:
    lines: list[str] = []
    for value, cond in rows:
        spelled = value.lines if isinstance(value, Stack) else (tex(value, False).strip(),)
        lines += (rf"{line} &" for line in spelled[:-1])
        said = tex(cond, False).strip() if cond is not None else ""
        said = r"\text{otherwise}" if cond is None else rf"\text{{if }} {said}" if said else ""
        lines.append(f"{spelled[-1]} & {said}")
    return r"\begin{cases} " + r" \\ ".join(lines) + r" \end{cases}"


def _grid(lines: tuple[tuple[Box, ...], ...]) -> str:
    """A matrix in brackets; where a column has a minus sign, the other entries leave room for one."""
    signed = [any(_negative(b) for b in column) for column in zip(*lines, strict=True)]
    spelled = (
        " & ".join(
            (r"\phantom{-}" if room and not _negative(b) else "") + tex(b, False).strip()
            for b, room in zip(line, signed, strict=True)
        )
        for line in lines
    )
    return r"\begin{bmatrix} " + r" \\ ".join(spelled) + r" \end{bmatrix}"


def _negative(box: Box) -> bool:
    sign = first(box)
    return sign is not None and sign.kind == "bin"


_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
}


_SIGNS = {
    **{sign: "\\" + name for name, sign in GREEK.items()},
    "−": "-", "′": "^{\\prime}", "·": "\\cdot ", "×": "\\times ", "⊙": "\\odot ", "≤": "\\le ", "≥": "\\ge ",
    "≠": "\\ne ", "∂": "\\partial ", "√": "\\surd ", "∞": "\\infty ", "→": "\\to ", "∈": "\\in ",
}
_SIGN = re.compile("([" + "".join(_SIGNS) + "])")


def escape(text: str) -> str:
    """A text for LaTeX; what its default fonts cannot show becomes a question mark."""
    return "".join(f"${_SIGNS[c]}$" if c in _SIGNS else _ESCAPES.get(c) or _known(c) for c in text)


def headline(text: str) -> str:
    """A title for LaTeX, in which a word longer than a line may break: behind _, or by a hyphen."""
    return " ".join(map(_wrapping, text.split(" ")))


LONGEST, SYLLABLE = 24, 8
"""From how many characters on a word of a title may break anywhere, and behind how many of them."""


def _wrapping(word: str) -> str:
    if len(word) <= LONGEST:
        return escape(word)
    *pieces, last = (p for part in re.split("(?<=_)", word) for p in _syllables(part))
    broken = (escape(p) + (r"\allowbreak{}" if p.endswith("_") else r"\-") for p in pieces)
    return "".join((*broken, escape(last)))


def _syllables(text: str) -> list[str]:
    if len(text) <= LONGEST:
        return [text]
    return [text[n : n + SYLLABLE] for n in range(0, len(text), SYLLABLE)]


def words_in_math(text: str) -> str:
    """Words within a formula; the mathematical signs among them stand outside of \\text."""
    pieces = (p for p in _SIGN.split(text) if p)
    return "".join(_SIGNS[p] if p in _SIGNS else rf"\text{{{escape(p)}}}" for p in pieces)


def _known(char: str) -> str:
    """A character that pdfTeX knows: Latin letters and common punctuation."""
    if ord(char) < 0x180 or char in "–—‘’“”…":
        return {"…": r"\dots{}"}.get(char, char) if char.isprintable() else " "
    return "?"
