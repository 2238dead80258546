"""Formulas in MathML Core: Unicode letters, explicit sizes and spaces, the TeX source beside them.

Sizes of brackets and the places of limits are TeX's, so that a page looks like the paper: a bracket
around a sum is as large as the sum, not as large as the sum with its limits.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from symbp.emit.alphabets import TIGHT, attached, grouped, identifier, name, sign, tagged
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
    Strong,
    Sym,
    Terms,
    fence_size,
    first,
    slashed,
    width,
)
from symbp.emit.tex import tex

_BRACKETS = {"(": "()", "[": "[]", "{": "{}", "|": "||", "⌊": "⌊⌋", "‖": "‖‖"}
_HEIGHTS = ("", "1.2em", "1.8em", "2.4em", "3em")
_APPLIED, _TIMES, _THIN = "<mo>\u2061</mo>", "\u2062", "0.1667em"
_PRIMES = "′″‴⁗"
_LARGE = {"Σ": "∑", "Π": "∏"}

TEXT, DISPLAY, SMALL = "text", "display", "small"
"""Styles: in a line of text, on a line of its own, in a script (where signs stand close)."""
PHONE = 15.5
"""The width of a line on a phone, in em: conditions of wider cases stand below their values there."""


def math(box: Box, display: bool = False) -> str:
    """A ``math`` element with the TeX source as its annotation.

    Raises:
        TypeError: for something that is not a layout node.
    """
    return element(elements(box, DISPLAY if display else TEXT), tex(box, display), display)


def element(inside: list[str], source: str, display: bool) -> str:
    """The ``math`` element around a row of elements."""
    style = ' displaystyle="true"' if display else ""
    annotation = f'<annotation encoding="application/x-tex">{escape(source.strip(), False)}</annotation>'
    return f"<math{style}><semantics>{grouped(inside)}{annotation}</semantics></math>"


def elements(box: Box, style: str = DISPLAY) -> list[str]:
    """The formula as MathML elements side by side.

    Raises:
        TypeError: for something that is not a layout node.
    """
    match box:
        case Sym():
            return [_sign(box, style)]
        case Row(items):
            return _row(items, style)
        case Product(factors, gaps):
            return _product(factors, gaps, style)
        case Terms(terms):
            return _terms(terms, style)
        case Script():
            return [_script(box, style)]
        case Frac():
            return _fraction(box, style)
        case Root(body):
            return [f"<msqrt>{''.join(elements(body, _inner(style)))}</msqrt>"]
        case Big():
            return [_big(box, style)]
        case Fence():
            return [_fence(box, style)]
        case Cases(rows):
            return [_cases(rows)]
        case Grid(lines):
            return [_grid(lines)]
        case Brace(body, below):
            # a bracket that is drawn: fonts have braces of a few widths only
            inside = f'<mrow class="braced">{"".join(elements(body, style))}</mrow>'
            shape = f'<mrow class="shape">{"".join(elements(below, SMALL))}</mrow>'
            return [f"<munder>{inside}{shape}</munder>"]
        case Strong(body):
            return [f'<mrow class="strong">{"".join(elements(body, style))}</mrow>']
        case _:
            raise TypeError(f"{type(box).__name__} is not a layout node")


def _one(box: Box, style: str) -> str:
    return grouped(elements(box, style))


def _inner(style: str) -> str:
    return SMALL if style == SMALL else TEXT


# ── signs and rows ────────────────────────────────────────────────────────────────────────────────


def _sign(box: Sym, style: str) -> str:
    loose = style != SMALL
    match box.kind:
        case "num":
            return f"<mn>{escape(box.text)}</mn>"
        case "op":
            # Firefox puts a space of its own between an upright name and a bracket, but for padded ones
            return f"<mpadded>{tagged(identifier(_spaced(box), 'upright'), box.key)}</mpadded>"
        case "rel" | "bin":
            return sign({"-": "−"}.get(box.text, box.text), "infix", loose)
        case "punct":
            return sign(box.text, "infix", loose) if box.text == "," else sign(box.text, spaced=False)
        case "words":
            return f"<mtext>{escape(box.text.replace(' ', chr(0xA0)))}</mtext>"
        case "ord":
            return tagged(name(box.tex), box.key)
        case _:
            raise TypeError(f"there is no spelling for signs of the kind {box.kind}")


def _spaced(box: Sym) -> str:
    """arg max, where TeX writes a thin space into a name."""
    thin = box.tex.partition(r"\,")
    return thin[0].rpartition("{")[2] + "\u2009" + thin[2].rstrip("}") if thin[1] else box.text


def _row(items: tuple[Box, ...], style: str) -> list[str]:
    out: list[str] = []
    for n, (item, following) in enumerate(zip(items, (*items[1:], None), strict=True)):
        out += [*applied(items[:n], item), *operand(item, following, style)]
    return out


def operand(item: Box, following: Box | None, style: str) -> list[str]:
    """A fraction with a slash before ⊙ gets brackets, because ⊙ has no agreed precedence."""
    inside = elements(item, style)
    slash = isinstance(item, Frac) and style != DISPLAY and not _numeric(item)
    before_sign = isinstance(following, Sym) and following.kind == "bin"
    return [_bracketed(inside, "(", 0)] if slash and before_sign else inside


def joint(before: Sequence[Box], box: Box) -> list[str]:
    """What TeX leaves between a quotient and the name of a function: ∂/∂z relu."""
    start = first(box)
    named = before and isinstance(before[-1], Frac) and start is not None and start.kind == "op"
    return [f'<mspace width="{_THIN}"/>'] if named else []


def applied(before: Sequence[Box], box: Box) -> list[str]:
    """The sign that is heard and not seen, where a bracket holds the arguments of a function; else the space
    before the name of one."""
    call = before and isinstance(box, Fence) and box.kind == "(" and _named(before[-1])
    return [_APPLIED] if call else joint(before, box)


def _named(box: Box) -> bool:
    match box:
        case Sym(_, _, kind):
            return kind in ("ord", "op")
        case Script(base, _, _):
            return _named(base)
        case _:
            return False


def space(gap: str) -> list[str]:
    """What stands between two factors; multiplication is there also where it is not seen."""
    match gap:
        case "dot":
            return [sign("⋅", "infix")]
        case "none":
            return [sign(_TIMES, "infix", False)]
        case "thin" | "op":
            return [f'<mo form="infix" lspace="0" rspace="{_THIN}">{_TIMES}</mo>']
        case _:
            raise TypeError(f"there is no spelling for the gap {gap}")


def _product(factors: tuple[Box, ...], gaps: tuple[str, ...], style: str) -> list[str]:
    out = factor(factors[0], style, len(factors) == 1)
    for n, gap in enumerate(gaps, 1):
        out += between(gap, factors[n - 1], style) + factor(factors[n], style, n == len(gaps))
    return out


def between(gap: str, left: Box, style: str) -> list[str]:
    """The gap behind a factor; behind the name of a function (log Σ) nothing is multiplied."""
    if gap == "op" and isinstance(left, Sym) and left.kind == "op":
        return [f'<mo form="infix" lspace="0" rspace="{_THIN}">\u2061</mo>']
    return space("none" if style == SMALL and gap == "thin" else gap)


def factor(box: Box, style: str, last: bool) -> list[str]:
    """A fraction with a slash would draw in the factor behind it: it gets brackets."""
    inside = elements(box, style)
    if isinstance(box, Frac) and style != DISPLAY and not last and not _numeric(box):
        return [_bracketed(inside, "(", 0)]
    return inside


def _terms(terms: tuple[tuple[str, Box], ...], style: str) -> list[str]:
    out: list[str] = []
    for mark, box in terms:
        out += lead(mark, not out, style) + elements(box, style)
    return out


def lead(mark: str, begins: bool, style: str) -> list[str]:
    """The sign in front of a term."""
    shown = "−" if mark == "-" else "+"
    if begins:
        return [sign(shown, "prefix", False)] if mark == "-" else []
    return [sign(shown, "infix", style != SMALL)]


# ── scripts, quotients, limits ────────────────────────────────────────────────────────────────────


def _script(box: Script, style: str) -> str:
    base = _level(box.base, style) if box.sub is not None else _one(box.base, style)
    sub = _one(box.sub, SMALL) if box.sub is not None else ""
    if isinstance(box.sup, Sym) and set(box.sup.tex) == {"'"}:
        # fonts have raised the prime already
        return attached(grouped([base, sign(_PRIMES[len(box.sup.tex) - 1], spaced=False)]), sub, "")
    return attached(base, sub, _one(box.sup, SMALL) if box.sup is not None else "")


def _level(box: Box, style: str) -> str:
    """What a subscript stands at: as in TeX it does not sink with the tail of a y or a bracket."""
    inside = _one(box, style)
    # a large bracket is no letter: what is said to have no depth would be cut off where a line scrolls
    small = isinstance(box, Fence) and fence_size(box, style == DISPLAY) < 2
    tail = small or (isinstance(box, Sym) and box.text in _TAILS)
    return f'<mpadded depth="0">{inside}</mpadded>' if tail else inside


_TAILS = frozenset("gjpqyQJβγζηµμξρςφχψ")


def _numeric(box: Frac) -> bool:
    return all(isinstance(b, Sym) and b.kind == "num" for b in (box.num, box.den))


def _fraction(box: Frac, style: str) -> list[str]:
    if style == DISPLAY or _numeric(box):
        return [f"<mfrac>{_one(box.num, _inner(style))}{_one(box.den, _inner(style))}</mfrac>"]
    top, bottom = (
        _beside_slash(b, bare, style) for b, bare in zip((box.num, box.den), box.bare, strict=True)
    )
    return [*top, sign("/", "infix", False), *bottom]


def _beside_slash(box: Box, bare: bool, style: str) -> list[str]:
    inside = elements(box, style)
    return inside if bare and not slashed(box) else [_bracketed(inside, "(", 0)]


def _big(box: Big, style: str) -> str:
    text = _LARGE.get(box.sign.text, _spaced(box.sign))
    own = 'largeop="true" ' if box.sign.text in _LARGE else ""
    mark = f'<mo form="prefix" {own}movablelimits="true" lspace="0" rspace="{_THIN}">{escape(text)}</mo>'
    below = _one(box.below, SMALL) if box.below is not None else ""
    above = _one(box.above, SMALL) if box.above is not None else ""
    tag = {(True, True): "munderover", (True, False): "munder", (False, True): "mover"}.get(
        (bool(below), bool(above))
    )
    return f"<{tag}>{mark}{below}{above}</{tag}>" if tag else mark


# ── brackets and cases ────────────────────────────────────────────────────────────────────────────


def bracket(kind: str, size: int, opens: bool) -> str:
    """One bracket, exactly as large as TeX's \\big, \\Big, \\bigg or \\Bigg."""
    text, form = _BRACKETS[kind][not opens], "prefix" if opens else "postfix"
    height = _HEIGHTS[size]
    if size > 1:
        how = f'stretchy="true" symmetric="true" minsize="{height}" maxsize="{height}"'
    else:
        # a bracket that stretches is given the room of the largest one, so a little one only grows
        how = 'stretchy="false"' + (f' mathsize="{height}"' if size else "")
    return f'<mo form="{form}" fence="true" {how}{TIGHT}>{text}</mo>'


def _bracketed(inside: list[str], kind: str, size: int) -> str:
    return grouped([bracket(kind, size, True), *inside, bracket(kind, size, False)])


def _fence(box: Fence, style: str) -> str:
    return _bracketed(elements(box.body, style), box.kind, fence_size(box, style == DISPLAY))


def _cases(rows: tuple[tuple[Box, Box | None], ...]) -> str:
    lines = "".join(
        f"<mtr><mtd>{_one(value, TEXT)}</mtd><mtd>{_condition(cond)}</mtd></mtr>"
        for value, cond in rows
    )
    wide = " wide" if width(Cases(rows)) > PHONE else ""
    table = f'<mtable class="cases{wide}" columnalign="left left">{lines}</mtable>'
    return f'<mrow><mo form="prefix" fence="true" stretchy="true"{TIGHT}>{{</mo>{table}</mrow>'


def _grid(lines: tuple[tuple[Box, ...], ...]) -> str:
    cells = "".join(
        "<mtr>" + "".join(f"<mtd>{_one(b, TEXT)}</mtd>" for b in line) + "</mtr>" for line in lines
    )
    opened, closed = (
        f'<mo form="{form}" fence="true" stretchy="true" symmetric="true"{TIGHT}>{mark}</mo>'
        for form, mark in (("prefix", "["), ("postfix", "]"))
    )
    return f'<mrow>{opened}<mtable class="numbers">{cells}</mtable>{closed}</mrow>'


def _condition(cond: Box | None) -> str:
    """One element, so that it is one row where the cell is a block."""
    said = ["<mtext>if\u00a0</mtext>", _one(cond, TEXT)] if cond is not None else ["<mtext>otherwise</mtext>"]
    return grouped(said)
