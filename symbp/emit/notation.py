"""Notations as records, and how a name of the model is set.

A notation is data: where a sequence index stands, which signs products and transposes have.  To add
one, add a record to :data:`NOTATIONS`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType

from symbp.emit.layout import Box, Row, Script, Sym, row, separated
from symbp.emit.names import PRIME

ODOT, TRANSPOSE = Sym(r"\odot", "⊙", "bin"), Sym(r"\mathsf{T}", "ᵀ")
CIRC, AST = Sym(r"\circ", "∘", "bin"), Sym(r"\ast", "∗", "bin")
TOP, ROMAN = Sym(r"\top", "ᵀ"), Sym(r"\mathrm{T}", "ᵀ")


@dataclass(frozen=True, slots=True)
class Notation:
    """How the signs of a field are written; what may stand in a field is in :data:`CHOICES`.

    ``sequence`` is where the index of a layer or of time stands: w^l, h^{(l)}, W^{[l]} or w_{l,j}; the
    other indices are subscripts.  ``vector`` and ``matrix`` are the letters of whole arrays, elements are
    never bold; ``matrix_letter`` makes w a W unless the model has a W, ``element_letter`` says whether
    the elements of the matrix follow.  ``jacobian`` is the layout of ∂z/∂x, ``derivative`` σ′ or dσ/du,
    ``indicator`` [i = k] or δ_{ik}, ``fixed`` the letter of the index that is held (δ_k or δ_K),
    ``adjoint`` the names that the model gives or dz, ``vectors`` whether they are columns or rows.
    """

    name: str
    sequence: str = "superscript"
    hadamard: Sym = ODOT
    transpose: Sym = TRANSPOSE
    cost: str = "cost"
    """The word for what is differentiated: cost, loss."""
    vector: str = "plain"
    matrix: str = "plain"
    matrix_letter: str = "given"
    element_letter: str = "matrix"
    jacobian: str = "numerator"
    derivative: str = "prime"
    indicator: str = "bracket"
    fixed: str = "given"
    adjoint: str = "given"
    vectors: str = "columns"


CHOICES: Mapping[str, Mapping[str, str | Sym]] = MappingProxyType(
    {
        "hadamard": {"odot": ODOT, "circ": CIRC, "ast": AST},
        "transpose": {"sans": TRANSPOSE, "top": TOP, "roman": ROMAN},
        **{
            field: {value: value for value in values.split()}
            for field, values in {
                "sequence": "superscript round square subscript",
                "cost": "cost loss error objective",
                "vector": "plain bold bold-upright",
                "matrix": "plain bold bold-upright",
                "matrix_letter": "given capital",
                "element_letter": "matrix given",
                "jacobian": "numerator denominator",
                "derivative": "prime d",
                "indicator": "bracket kronecker",
                "fixed": "given capital",
                "adjoint": "given d",
                "vectors": "columns rows",
            }.items()
        },
    }
)
"""What may stand in each field of a notation, by the word for it in a file."""

NIELSEN = Notation("nielsen")

NOTATIONS: tuple[Notation, ...] = (
    NIELSEN,
    Notation(
        "goodfellow", "round", transpose=TOP, vector="bold", matrix="bold", matrix_letter="capital"
    ),
    Notation("ng", "square", AST, ROMAN, matrix_letter="capital", adjoint="d"),
    Notation(
        "bishop", "round", transpose=ROMAN, cost="error", vector="bold-upright", matrix="bold-upright",
        matrix_letter="capital", element_letter="given",
    ),
    Notation("rows", matrix_letter="capital", vectors="rows"),
)  # fmt: skip

_SPELT = """alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon
    phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"""
GREEK = dict(zip(_SPELT.split(), "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ", strict=True))
_VARIANTS = {"epsilon": r"\varepsilon", "phi": r"\varphi"}
OPERATORS = frozenset(["arg", "deg", "det", "dim", "exp", "inf", "ker", "lim", "ln", "log", "max", "min"])
"""Names of functions that a name may have in it, as in x_{\\max}."""
_COMMANDS = {
    **{"\\" + name: name for name in OPERATORS},
    **{"\\" + name: sign for name, sign in GREEK.items()},
    r"\epsilon": "ϵ",
    r"\varepsilon": "ε",
    r"\phi": "ϕ",
    r"\vartheta": "ϑ",
    r"\varphi": "φ",
    r"\varrho": "ϱ",
    r"\varsigma": "ς",
    r"\varpi": "ϖ",
    r"\ell": "ℓ",
    r"\hbar": "ħ",
    r"\partial": "∂",
    r"\nabla": "∇",
    r"\prime": "′",
    r"\star": "⋆",
    r"\ast": "∗",
    r"\dagger": "†",
    r"\bullet": "•",
    r"\circ": "∘",
    r"\top": "⊤",
    r"\bot": "⊥",
    r"\infty": "∞",
    r"\times": "×",
    r"\cdot": "·",
    r"\pm": "±",
    r"\mp": "∓",
    r"\to": "→",
    r"\leftarrow": "←",
    r"\rightarrow": "→",
    r"\uparrow": "↑",
    r"\downarrow": "↓",
    r"\parallel": "∥",
    r"\perp": "⊥",
    r"\sharp": "♯",
    r"\flat": "♭",
    r"\natural": "♮",
    r"\imath": "ı",
    r"\jmath": "ȷ",
}
_ACCENTS = {
    "hat": "\u0302",
    "widehat": "\u0302",
    "bar": "\u0304",
    "overline": "\u0304",
    "tilde": "\u0303",
    "widetilde": "\u0303",
    "vec": "\u20d7",
    "dot": "\u0307",
    "ddot": "\u0308",
    "check": "\u030c",
    "breve": "\u0306",
    "acute": "\u0301",
    "grave": "\u0300",
    "underline": "\u0332",
}


@lru_cache(maxsize=4096)
def symbol(name: str, latex: str = "") -> Box:
    """A name of the model as it is set: ``alpha`` is α, ``W1`` is W₁, ``lambda_`` is λ.

    ``latex``, what the author gave, wins; its own scripts become scripts, so that indices can join.
    """
    if latex:
        base, sub, sup = _own_scripts(latex)
        return (
            Script(_given(base), _given(sub) if sub else None, _given(sup) if sup else None)
            if sub or sup
            else _given(base)
        )
    if name.endswith(PRIME):
        return _primed(symbol(name[:-1]))
    match = re.fullmatch(r"([A-Za-z]+?)_?(\d+|_[A-Za-z0-9_]+)?_*", name)
    if match is None:
        return _word(name)
    base, tail = match.group(1), (match.group(2) or "").strip("_")
    return Script(_word(base), _tail(tail)) if tail else _word(base)


_PRIMES = PRIME + "″"


def _primed(box: Box) -> Box:
    """i′: the index beside i."""
    if isinstance(box, Script):
        return replace(box, base=_primed(box.base))
    assert isinstance(box, Sym)
    return Sym(box.tex + "'", (box.text + PRIME).replace(2 * PRIME, "″"), box.kind)


def _tail(text: str) -> Box:
    return Sym(text, text, "num") if text.isdigit() else separated(_word(p) for p in text.split("_") if p)


def written_out(name: str) -> Sym:
    """A name that is not made a letter with an index: s0 and not s₀; a letter is that of a typewriter."""
    bare = name.rstrip("_") or name
    command = "mathit" if len(bare) > 1 else "mathtt"
    return Sym(rf"\{command}{{{bare.replace('_', chr(92) + '_')}}}", bare)


def _word(name: str) -> Sym:
    if name in GREEK:
        return Sym(_VARIANTS.get(name, "\\" + name), GREEK[name])
    if len(name) == 1:
        return Sym(name, name)
    return Sym(rf"\mathit{{{name.replace('_', chr(92) + '_')}}}", name)


def _given(tex: str) -> Sym:
    return Sym(tex, plain(tex))


_BRACED = r"\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}"
r"""A group, and groups in it: ^{\mathrm{i}}."""
_SCRIPT = re.compile(rf"(?P<head>.*?)(?P<mark>[_^])(?P<body>{_BRACED}|\\[A-Za-z]+|[^\\{{}}_^])$", re.DOTALL)


def _own_scripts(tex: str) -> tuple[str, str, str]:
    """``W^{Q}`` as base, subscript and superscript; what is not that simple stays in the base."""
    found = {"_": "", "^": ""}
    base = tex.strip()
    while (match := _SCRIPT.fullmatch(base)) and not found[match["mark"]] and match["head"].strip():
        if match["head"].count("{") != match["head"].count("}"):
            break
        found[match["mark"]] = re.sub(r"^\{(.*)\}$", r"\1", match["body"])
        base = match["head"].strip()
    if re.search(r"[_^']", base):
        return f"{{{tex}}}", "", ""
    return base, found["_"], found["^"]


_ATOM = re.compile(
    rf"(?P<mark>[_^]?)\s*(?P<body>\\(?:math[a-z]+|boldsymbol|operatorname|{'|'.join(_ACCENTS)})(?![A-Za-z])"
    rf"\s*(?:{_BRACED}|\\[A-Za-z]+|[A-Za-z0-9])|{_BRACED}|\\[A-Za-z]+|[^\\{{}}_^\s])\s*"
)


def apart(tex: str) -> Box:
    """A LaTeX name with its scripts, and scripts in these, as layout: for what cannot set LaTeX."""
    atoms: list[Box] = []
    place = 0
    while place < len(tex):
        match = _ATOM.match(tex, place)
        if match is None:
            return _given(tex)
        place, body = match.end(), match["body"]
        inner = apart(body[1:-1]) if body[0] == "{" else Sym("'", PRIME) if body == "'" else _given(body)
        if not match["mark"] or not atoms:
            atoms.append(inner)
        else:
            atoms[-1] = _with_script(atoms[-1], match["mark"], inner)
    return row(*atoms)


def _with_script(base: Box, mark: str, script: Box) -> Script:
    if not isinstance(base, Script):
        base = Script(base)
    return replace(base, sub=script) if mark == "_" else replace(base, sup=script)


def plain(tex: str) -> str:
    """A LaTeX name in Unicode, as well as that goes."""
    text = tex
    for accent, mark in _ACCENTS.items():
        text = _accented(text, accent, mark)
    text = re.sub(r"\\[A-Za-z]+", lambda m: _COMMANDS.get(m[0], ""), text)
    return re.sub(r"[{} ]", "", text)


def _accented(text: str, accent: str, mark: str) -> str:
    pattern = rf"\\{accent}\s*(?:\{{([^{{}}]*)\}}|(\\[A-Za-z]+|[A-Za-z]))"
    return re.sub(pattern, lambda m: plain(m[1] or m[2]) + mark, text)


def scripted(name: Box, notation: Notation, sub: tuple[Box, ...], sequence: tuple[Box, ...]) -> Box:
    """A name with its indices; scripts that belong to the name come first."""
    base = name if not isinstance(name, Script) else name.base
    own_sub = name.sub if isinstance(name, Script) else None
    own_sup = name.sup if isinstance(name, Script) else None
    # r^{ij} would be a power to a product; w_{jk} is read as it is meant
    below, above = positions(sub), separated(sequence) if sequence else None
    if notation.sequence == "subscript":
        others = positions(sub)
        below = positions((*sequence, *sub)) if others is None else separated((*sequence, others))
        above = None
    elif above is not None and notation.sequence in ("round", "square"):
        ends = "()" if notation.sequence == "round" else "[]"
        above = row(Sym(ends[0], ends[0], "punct"), above, Sym(ends[1], ends[1], "punct"))
    below, above = _joined(own_sub, below), _joined(own_sup, above)
    return base if below is None and above is None else Script(base, below, above)


def _joined(own: Box | None, other: Box | None) -> Box | None:
    if own is None or other is None:
        return own or other
    return separated((own, other))


def positions(items: tuple[Box, ...]) -> Box | None:
    """Index positions side by side: single letters close up, anything longer is set off by commas."""
    if not items:
        return None
    if all(isinstance(i, Sym) and i.kind == "ord" and len(i.text.rstrip(_PRIMES)) == 1 for i in items):
        return row(*items)
    return separated(items)


def is_scripted_above(box: Box) -> bool:
    """Whether something stands at the upper right, where a power would go."""
    if isinstance(box, Row):
        return is_scripted_above(box.items[-1])
    return (isinstance(box, Script) and box.sup is not None) or (isinstance(box, Sym) and "^" in box.tex)
