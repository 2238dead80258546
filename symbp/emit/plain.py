"""Formulas in plain Unicode text, for a terminal: δₖˡ⁻¹ = Σⱼ wⱼₖˡ δⱼˡ σ′(zₖˡ⁻¹)."""

from __future__ import annotations

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
    slashed,
)

_BELOW = dict(
    zip("0123456789+−=()aehijklmnoprstuvxβγρφχ", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ", strict=True)
)
# No T: a raised T is the sign of transposition.
_ABOVE = dict(
    zip(
        "0123456789+−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRUVW",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵁⱽᵂ",
        strict=True,
    )
)
_KEPT_ABOVE = frozenset("′″ᵀ")
_BRACKETS = {"(": "()", "[": "[]", "{": "{}", "|": "||", "⌊": "⌊⌋", "‖": "‖‖"}
GAPS = {"thin": " ", "none": "", "dot": " · ", "op": " "}
_VULGAR = {(1, 2): "½", (1, 3): "⅓", (2, 3): "⅔", (1, 4): "¼", (3, 4): "¾"}


def text(box: Box) -> str:
    """The formula on one line.

    Raises:
        TypeError: for something that is not a layout node.
    """
    match box:
        case Sym(_, spelling, kind):
            return (
                f" {spelling} "
                if kind in ("rel", "bin")
                else ", "
                if kind == "punct" and spelling == ","
                else spelling
            )
        case Row(items):
            return _row(items)
        case Product(factors, gaps):
            return _product(factors, gaps)
        case Terms(terms):
            return _terms(terms)
        case Script(base, sub, sup):
            return _script(base, sub, sup)
        case Frac():
            return _fraction(box)
        case Root(body):
            return f"√{text(body)}" if isinstance(body, (Sym, Script)) else f"√({text(body)})"
        case Big(sign, below, above):
            return _script(sign, below, above) + " "
        case Fence(body, kind):
            left, right = tuple(_BRACKETS[kind])
            return left + text(body).strip() + right
        case Cases(rows):
            return "{" + "; ".join(_case(v, c) for v, c in rows) + "}"
        case Grid(lines):
            return "[" + "; ".join(", ".join(map(text, line)) for line in lines) + "]"
        case Brace(body) | Strong(body):
            return text(body)
        case _:
            raise TypeError(f"{type(box).__name__} is not a layout node")


def _row(items: tuple[Box, ...]) -> str:
    out = ""
    for item, following in zip(items, (*items[1:], None), strict=True):
        before_argument = isinstance(item, Frac) and isinstance(following, (Fence, Row))
        before_sign = isinstance(item, Frac) and isinstance(following, Sym) and following.kind == "bin"
        spelled = text(item)
        out += f"({spelled})" if before_sign else spelled + " " * before_argument
    return out


def _case(value: Box, cond: Box | None) -> str:
    return f"{text(value)} if {text(cond)}" if cond is not None else f"{text(value)} otherwise"


def _product(factors: tuple[Box, ...], gaps: tuple[str, ...]) -> str:
    last = len(factors) - 1
    out = _factor(factors[0], last == 0)
    for n, gap in enumerate(gaps, 1):
        factor = factors[n]
        # A (x ⊙ y/z) is not A (x ⊙ y)/z
        entries = isinstance(factor, Frac) and factor.entrywise and not all(map(_is_number, factors[:n]))
        out = out.rstrip() + GAPS[gap] + _factor(factor, n == last and not entries)
    return out


def _is_number(box: Box) -> bool:
    return isinstance(box, Sym) and box.kind == "num"


def _factor(box: Box, last: bool) -> str:
    spelled = text(box)
    return f"({spelled})" if isinstance(box, Frac) and not last and len(spelled) > 1 else spelled


def _terms(terms: tuple[tuple[str, Box], ...]) -> str:
    out = ""
    for sign, box in terms:
        mark = "−" if sign == "-" else "+"
        out = out.rstrip() + (f" {mark} " if out else "−" if sign == "-" else "") + text(box)
    return out


def _fraction(box: Frac) -> str:
    sides = (text(box.num), text(box.den))
    if all(s.isdecimal() for s in sides) and (int(sides[0]), int(sides[1])) in _VULGAR:
        return _VULGAR[int(sides[0]), int(sides[1])]
    shown = [
        s if bare and not slashed(b) else f"({s})"
        for s, b, bare in zip(sides, (box.num, box.den), box.bare, strict=True)
    ]
    return "/".join(shown)


def _script(base: Box, sub: Box | None, sup: Box | None) -> str:
    body = text(base)
    if isinstance(base, (Script, Row)) and (sub is not None or sup is not None):
        body = f"({body})"
    low = _raised(sub, _BELOW, "_") if sub is not None else ""
    high = _raised(sup, _ABOVE, "^") if sup is not None else ""
    return body + low + high


def _raised(box: Box, signs: dict[str, str], mark: str) -> str:
    """The script in small letters if Unicode has all of them, else with a mark."""
    spelled = text(box).replace(" ", "")
    if mark == "^" and set(spelled) <= _KEPT_ABOVE:
        return spelled
    if all(c in signs for c in spelled):
        return "".join(signs[c] for c in spelled)
    closed = len(spelled) == 1 or (spelled[0] == "[" and spelled.find("]") == len(spelled) - 1)
    return f"{mark}{spelled}" if closed else f"{mark}{{{spelled}}}"
