"""The page: well-formed, self-contained, the same formulas as on paper, and no wider than a telephone."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from tools import CHROMIUM

import symbp
from symbp import models
from symbp.derive.engine import adjoint_system
from symbp.emit import EMITTERS
from symbp.emit.alphabets import letter, name
from symbp.emit.document import Document, check_sentence, document
from symbp.emit.environment import folder
from symbp.emit.html import emit, prose
from symbp.emit.layout import (
    EQUALS,
    PARTIAL,
    PRIME,
    Big,
    Box,
    Cases,
    Fence,
    Frac,
    Product,
    Root,
    Script,
    Sym,
    Terms,
    num,
    rel,
    row,
)
from symbp.emit.mathml import DISPLAY, SMALL, TEXT, elements, math
from symbp.emit.mathml_lines import FINE, cuts, inline, right_side, slim
from symbp.emit.notation import symbol
from symbp.emit.plain import text as plain
from symbp.emit.tex import tex
from symbp.pipeline import documented, load, matrix_views, parse
from symbp.spec.latex import ACCENTS, SYMBOLS

NAMES = models.names()
J, K, U, W, SIGMA = Sym("j", "j"), Sym("k", "k"), Sym("u", "u"), Sym("w", "w"), Sym(r"\sigma", "σ")
SUM = Sym(r"\sum", "Σ")
CORE = {"math", "semantics", "annotation", "mi", "mn", "mo", "mtext", "mrow", "mpadded", "mfrac", "msqrt"}
CORE |= {"mspace", "msub", "msup", "msubsup", "munder", "mover", "munderover", "mtable", "mtr", "mtd"}


def made(model: str, detail: str = "all") -> Document:
    system = adjoint_system(load(model))
    views = matrix_views(system, system.order)
    check = check_sentence(3e-16, (5, 4, 3, 2))
    return document(system, system.order, detail=detail, views=views, check=check)


SCRIPT = (folder() / "html" / "script.js").read_text(encoding="utf-8").strip()
"""The only script of a page, without the marks of CDATA that XML takes away."""
SCRIPT = SCRIPT.replace("<![CDATA[", "").replace("]]>", "")


def script_of(element: Element) -> tuple[dict[str, str], str]:
    return dict(element.attrib), (element.text or "").strip()


@cache
def page(model: str) -> str:
    return emit(made(model))


@cache
def tree(model: str) -> Element:
    return ElementTree.fromstring(page(model).removeprefix("<!DOCTYPE html>\n"))


def seen(*markup: str) -> str:
    """What is read of MathML, without the annotations."""
    root = ElementTree.fromstring(f"<p>{''.join(markup)}</p>")
    for parent in list(root.iter()):
        for child in parent.findall("annotation"):
            parent.remove(child)
    return "".join(root.itertext())


# ── formulas ──────────────────────────────────────────────────────────────────────────────────────

TIGHT = 'lspace="0" rspace="0"'
THIN = '<mo form="infix" lspace="0" rspace="0.1667em">\u2062</mo>'
OPEN = f'<mo form="prefix" fence="true" stretchy="false" {TIGHT}>(</mo>'
CLOSE = f'<mo form="postfix" fence="true" stretchy="false" {TIGHT}>)</mo>'
PRIMED = f"<mrow><mi>𝜎</mi><mo {TIGHT}>′</mo></mrow>"
GOLDEN: list[tuple[Box, str]] = [
    (
        Script(W, row(J, K), Sym("l", "l")),
        "<msubsup><mi>𝑤</mi><mrow><mi>𝑗</mi><mi>𝑘</mi></mrow><mi>𝑙</mi></msubsup>",
    ),
    (
        row(Script(SIGMA, None, PRIME), Fence(U)),
        f"{PRIMED}<mo>\u2061</mo><mrow>{OPEN}<mi>𝑢</mi>{CLOSE}</mrow>",
    ),
    (
        Frac(row(PARTIAL, Sym("C", "C")), row(PARTIAL, W)),
        "<mfrac><mrow><mi>𝜕</mi><mi>𝐶</mi></mrow><mrow><mi>𝜕</mi><mi>𝑤</mi></mrow></mfrac>",
    ),
    (
        row(Big(SUM, J), Product((W, U), ("thin",))),
        f'<munder><mo form="prefix" largeop="true" movablelimits="true" lspace="0" rspace="0.1667em">∑</mo>'
        f"<mi>𝑗</mi></munder><mi>𝑤</mi>{THIN}<mi>𝑢</mi>",
    ),
    (
        Terms((("-", U), ("-", num(1)))),
        f'<mo form="prefix" {TIGHT}>−</mo><mi>𝑢</mi><mo form="infix">−</mo><mn>1</mn>',
    ),
    (
        Script(U, None, Terms((("+", J), ("-", num(1))))),
        f'<msup><mi>𝑢</mi><mrow><mi>𝑗</mi><mo form="infix" {TIGHT}>−</mo><mn>1</mn></mrow></msup>',
    ),
    (Root(row(U, EQUALS, W)), '<msqrt><mi>𝑢</mi><mo form="infix">=</mo><mi>𝑤</mi></msqrt>'),
    (Sym(r"\exp", "exp", "op"), "<mpadded><mi>exp</mi></mpadded>"),
    (Sym(r"\operatorname*{arg\,max}", "argmax", "op"), "<mpadded><mi>arg\u2009max</mi></mpadded>"),
    (Sym(r"\mathit{my\_score}", "my_score"), "<mi>𝑚𝑦_𝑠𝑐𝑜𝑟𝑒</mi>"),
    (rel("<", "<"), '<mo form="infix">&lt;</mo>'),
    (
        Cases(((num(1), row(U, rel(">", ">"), num(0))), (num(0), None))),
        f'<mrow><mo form="prefix" fence="true" stretchy="true" {TIGHT}>{{</mo>'
        '<mtable class="cases" columnalign="left left"><mtr><mtd><mn>1</mn></mtd><mtd><mrow>'
        '<mtext>if\u00a0</mtext><mrow><mi>𝑢</mi><mo form="infix">&gt;</mo><mn>0</mn></mrow></mrow>'
        "</mtd></mtr>"
        "<mtr><mtd><mn>0</mn></mtd><mtd><mtext>otherwise</mtext></mtd></mtr></mtable></mrow>",
    ),
]


@pytest.mark.parametrize(("box", "expected"), GOLDEN, ids=lambda v: tex(v) if not isinstance(v, str) else "")
def test_formulas_are_spelled_in_mathml(box: Box, expected: str) -> None:
    assert "".join(elements(box)) == expected


def test_a_formula_carries_its_latex() -> None:
    assert math(rel("<", "<")) == (
        '<math><semantics><mo form="infix">&lt;</mo>'
        '<annotation encoding="application/x-tex">&lt;</annotation></semantics></math>'
    )
    assert math(Frac(J, K), True).startswith('<math displaystyle="true"><semantics><mfrac>')


def test_brackets_are_as_large_as_on_paper() -> None:
    around_sum = Fence(row(Big(SUM, J), U))
    assert 'minsize="1.8em" maxsize="1.8em"' in math(around_sum, True)
    assert r"\Bigl(" in math(around_sum, True)
    assert 'mathsize="1.2em"' in math(Fence(Fence(U)), True)


def test_fractions_in_a_line_of_text_have_a_slash_and_the_brackets_that_it_needs() -> None:
    quotient = Frac(Terms((("+", J), ("+", K))), U, (False, True))
    assert seen(math(quotient)) == "(𝑗+𝑘)/𝑢"
    assert seen(math(Product((Frac(J, K), U), ("thin",)))) == "(𝑗/𝑘)\u2062𝑢"
    assert "<mfrac>" in math(Frac(num(1), num(2)))


def test_signs_stand_close_in_scripts() -> None:
    below = row(J, EQUALS, num(1))
    assert TIGHT in "".join(elements(below, SMALL)) and TIGHT not in "".join(elements(below))


@pytest.mark.parametrize("wrong", ["x", None, 3])
def test_what_is_not_a_layout_node_is_refused(wrong: object) -> None:
    with pytest.raises(TypeError, match="is not a layout node"):
        elements(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "wrong", [Sym("x", "x", "unknown"), Product((U, W), ("unknown",))], ids=["sign", "gap"]
)
def test_unknown_signs_and_gaps_are_refused(wrong: Box) -> None:
    with pytest.raises(TypeError, match="there is no spelling for"):
        elements(wrong)


# ── names ─────────────────────────────────────────────────────────────────────────────────────────

SPELLED = {
    "w": "<mi>𝑤</mi>",
    "h": "<mi>ℎ</mi>",
    r"\Gamma": '<mi style="text-transform:none">Γ</mi>',
    r"\varepsilon": "<mi>𝜀</mi>",
    r"\mathbf{x}": "<mi>𝐱</mi>",
    r"\mathbf{1}": "<mi>𝟏</mi>",
    r"\boldsymbol\delta": "<mi>𝜹</mi>",
    r"\mathcal{L}": "<mi>ℒ</mi>",
    r"\mathsf{T}": "<mi>𝖳</mi>",
    r"\mathrm{d}": '<mi style="text-transform:none">d</mi>',
    r"\mathrm{out}": "<mi>out</mi>",
    r"\hat{y}": f'<mover accent="true"><mi>𝑦</mi><mo stretchy="false" {TIGHT}>^</mo></mover>',
    r"\underline{x}": f'<munder accentunder="true"><mi>𝑥</mi><mo stretchy="true" {TIGHT}>_</mo></munder>',
    "x_1^{ab}": "<msubsup><mi>𝑥</mi><mn>1</mn><mrow><mi>𝑎</mi><mi>𝑏</mi></mrow></msubsup>",
    r"x_{\max}": "<msub><mi>𝑥</mi><mi>max</mi></msub>",
    "f'": f"<mrow><mi>𝑓</mi><mo {TIGHT}>′</mo></mrow>",
    "^Q": "<msup><mrow></mrow><mi>𝑄</mi></msup>",
    "W^Q": '<msup><mi>𝑊</mi><mrow><mspace class="arm" width="0.2em"/><mi>𝑄</mi></mrow></msup>',
    "W_Q": "<msub><mi>𝑊</mi><mi>𝑄</mi></msub>",
    "12.5": "<mn>12.5</mn>",
}


@pytest.mark.parametrize("latex", SPELLED)
def test_names_are_unicode_letters(latex: str) -> None:
    assert name(latex) == SPELLED[latex]


@pytest.mark.parametrize("command", sorted(SYMBOLS | ACCENTS))
def test_every_command_that_a_name_may_contain_is_known(command: str) -> None:
    argument = "{q}" if command in ACCENTS else ""
    shown = name(rf"\{command}{argument}_{{\{command}{argument}}}")
    assert {e.tag for e in ElementTree.fromstring(shown).iter()} <= CORE
    assert "\\" not in shown


@pytest.mark.parametrize("command", sorted(SYMBOLS - {"prime"}))
def test_every_command_that_a_name_may_contain_has_a_text(command: str) -> None:
    shown = plain(symbol("x", rf"x_{{\{command}}}"))
    assert re.fullmatch(r"x.+", shown) and "\\" not in shown


@pytest.mark.parametrize("sign", "()+*,|/.-{}")
def test_every_sign_that_a_name_may_contain_is_known(sign: str) -> None:
    latex = {"{": "{}", "}": "{a}"}.get(sign, sign)
    ElementTree.fromstring(name(latex))


def test_other_commands_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\\input is not a command"):
        name(r"\input{x}")


def test_letters_of_all_alphabets_are_different() -> None:
    alphabets = ("italic", "bold", "bold-italic", "script", "sans", "typewriter")
    letters = [letter(c, a) for a in alphabets for c in map(chr, (*range(65, 91), *range(97, 123)))]
    assert len(set(letters)) == len(letters) and not any(c.isascii() for c in letters)


# ── long formulas ─────────────────────────────────────────────────────────────────────────────────


def right_sides(model: str) -> Iterator[Box]:
    sheet = made(model)
    yield from (f.rhs for f in (*sheet.equations, *sheet.definitions))
    yield from (s.rhs for section in sheet.sections for p in section.parts for s in p.steps)


@pytest.mark.parametrize("model", NAMES)
def test_pieces_of_a_formula_are_the_formula(model: str) -> None:
    for box in map(slim, right_sides(model)):
        pieces = cuts(box)
        assert seen(*(e for p in pieces for e in p.inside)) == seen(*elements(box))
        together = "".join(p.source for p in pieces)
        assert re.sub(r"\s", "", together) == re.sub(r"\s", "", tex(box))


def test_a_fraction_wider_than_a_phone_leaves_factors_in_front() -> None:
    wide = Terms(tuple(("+", J) for _ in range(12)))
    assert slim(Frac(wide, K)) == Product((Frac(num(1), K), Fence(wide)), ("thin",))
    assert slim(Frac(J, wide)) == Frac(J, wide)
    assert slim(Frac(wide, K, entrywise=True)) == Frac(wide, K, entrywise=True)


def test_a_denominator_wider_than_a_phone_is_parted_between_its_factors() -> None:
    """Between numbers; the factors of a matrix product cannot be parted, and Σ keeps to its body."""
    wide = Terms(tuple(("+", J) for _ in range(6)))
    below = Product((num(2), Fence(wide), Fence(wide)), ("none", "thin"))
    total = row(Big(Sym(r"\sum", "Σ"), J), K)
    first, second = Frac(num(1), Product((num(2), Fence(wide)), ("none",))), Frac(num(1), wide)
    assert slim(Frac(total, below, numbers=True)) == Product((first, second, total), ("dot", "thin"))
    assert slim(Frac(num(1), below, numbers=True)) == Product((first, second), ("dot",))
    behind = slim(Product((Frac(total, below, numbers=True), K), ("thin",)))
    assert behind == Product((Product((first, second, Fence(total)), ("dot", "thin")), K), ("thin",))
    assert slim(Frac(total, below)) == Frac(total, below)


def test_a_hadamard_product_in_front_of_which_a_number_leaves_keeps_together() -> None:
    both = row(Sym("x" * 20, "x" * 20), Sym(r"\odot", "⊙", "bin"), Sym("x" * 20, "x" * 20))
    assert slim(Frac(both, K)) == Product((Frac(num(1), K), Fence(both)), ("thin",))


def test_a_hadamard_product_over_an_array_leaves_factors_in_front_or_behind() -> None:
    """(a ⊙ b)/c is a ⊙ b/c and a/c ⊙ b; brackets that only ⊙ asked for fall."""
    sign, wide = Sym(r"\odot", "⊙", "bin"), Sym("x" * 36, "x" * 36)
    less = Terms((("+", J), ("-", K)))
    front = Frac(less, W, (False, True), entrywise=True)
    assert slim(Frac(row(wide, sign, Fence(less)), W, entrywise=True)) == row(wide, sign, front)
    behind = Frac(J, W, entrywise=True)
    assert slim(Frac(row(J, sign, wide), W, entrywise=True)) == row(behind, sign, wide)
    both = row(Frac(num(1), W, entrywise=True), sign, wide, sign, wide)
    assert slim(Frac(row(wide, sign, wide), W, entrywise=True)) == both


def test_an_indicator_wider_than_a_phone_breaks_in_front_of_what_compares() -> None:
    x = Sym("x" * 16, "x" * 16)
    shown = right_side(Fence(row(Terms((("+", x), ("-", K))), rel(r"\le", "≤"), x), "["))
    assert shown.count(FINE) == 1 and "<wbr/>" not in shown
    assert "<wbr" not in right_side(Fence(row(J, EQUALS, Sym("x" * 12, "x" * 12)), "["))


def test_a_slash_in_front_of_a_hadamard_product_has_brackets() -> None:
    quotient = Frac(J, K)
    assert seen(*elements(row(quotient, Sym(r"\odot", "⊙", "bin"), W), TEXT)) == "(𝑗/𝑘)⊙𝑤"
    assert seen(*elements(row(quotient, Sym(r"\odot", "⊙", "bin"), W), DISPLAY)) == "𝑗𝑘⊙𝑤"


def test_a_long_formula_in_a_line_of_text_breaks_on_a_narrow_screen_only() -> None:
    long = Fence(Terms(tuple(("+", Sym("x" * 9, "x" * 9)) for _ in range(4))))
    shown = inline(row(Sym(r"\tanh", "tanh", "op"), long))
    assert shown.count(FINE) == 3 and "<wbr/>" not in shown and "displaystyle" not in shown


def test_conditions_of_cases_wider_than_a_phone_may_stand_below_their_values() -> None:
    x = Sym("x" * 20, "x" * 20)
    assert 'class="cases wide"' in math(Cases(((x, J), (K, None))), True)
    assert 'class="cases"' in math(Cases(((J, J), (K, None))), True)


def test_a_bracket_with_an_index_breaks_in_it() -> None:
    softmax = Script(Fence(Terms(tuple(("+", J) for _ in range(12)))), K)
    assert right_side(softmax).count("<wbr") > 5 and "<msub>" in right_side(softmax)


def test_long_sums_may_break_and_short_ones_do_not() -> None:
    long = Terms(tuple(("-", Product((W, Sym("x" * 9, "x" * 9)), ("thin",))) for _ in range(4)))
    assert right_side(long).count("<wbr/>") == 3
    assert right_side(Fence(long)).count("<wbr/>") == 3
    assert "<wbr/>" not in right_side(Terms((("+", J), ("+", K))))
    short = Terms(long.terms[:1])
    assert inline(row(short, EQUALS, short)).count("<wbr/>") == 1
    assert inline(row(long, EQUALS, long)).count("<wbr/>") == 7


def test_a_wide_screen_breaks_between_terms_before_it_breaks_in_one() -> None:
    """A term is a block, which goes to the next line before it breaks in itself."""
    x = Sym("x" * 12, "x" * 12)
    bracket = Fence(Terms((("+", x), ("-", x))))
    term = Product((Sym("y", "y"), bracket), ("thin",))
    shown = right_side(Terms((("+", term), ("+", term), ("+", x))))
    assert shown.count('<span class="term">') == 2 and shown.count("<wbr/>") == 4
    # one term alone goes nowhere else
    assert '<span class="term">' not in right_side(term)


def test_a_narrow_screen_breaks_between_factors_and_a_wide_one_does_not() -> None:
    x = Sym("x" * 10, "x" * 10)
    call = row(Sym(r"\tanh", "tanh", "op"), Fence(Product((x, x), ("thin",))))
    shown = right_side(row(call, Sym(r"\odot", "⊙", "bin"), x))
    assert "<wbr/>" not in shown and shown.count(FINE) == 2 and shown.startswith('<span class="run">')


def test_a_bracket_with_a_superscript_breaks_like_one_without() -> None:
    x = Sym("x" * 14, "x" * 14)
    raised = Script(Fence(Terms((("+", x), ("-", x)))), None, Sym("T", "T"))
    assert right_side(raised).count("<wbr/>") == 1
    assert seen(*(e for c in cuts(raised) for e in c.inside)) == seen(*elements(raised))
    assert "".join(c.source for c in cuts(raised)).replace(" ", "") == tex(raised).replace(" ", "")


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("model", NAMES)
def test_pages_are_well_formed_and_self_contained(model: str) -> None:
    text, root = page(model), tree(model)
    assert root.get("lang") == "en" and root.findtext("head/title")
    assert not re.search(r"mathvariant|https?:|<link|<img|@import|url\(|fetch\(|XMLHttp|\bimport\b", text)
    assert [script_of(e) for e in root.iter("script")] == [({}, SCRIPT)]
    words = seen(text[text.index("<article") : text.index("</main>")])
    assert not re.search(r"kronecker|piecewise|sigma\b|\bNone\b|undefined", words, re.I)
    used = {e.tag for m in root.iter("math") for e in m.iter()}
    assert used <= CORE
    assert text == emit(made(model))


@pytest.mark.parametrize("model", NAMES)
def test_every_formula_is_annotated_and_not_empty(model: str) -> None:
    for formula in tree(model).iter("math"):
        (semantics,) = formula
        shown, annotation = semantics
        assert "".join(shown.itertext()).strip()
        assert annotation.get("encoding") == "application/x-tex" and annotation.text


@pytest.mark.parametrize("model", NAMES)
def test_numbers_and_links_lead_somewhere(model: str) -> None:
    root = tree(model)
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(set(ids)) == len(ids)
    assert {(e.get("href") or "")[1:] for e in root.iter("a")} <= set(ids)
    system = adjoint_system(load(model))
    numbers = [e.number for e in system.model.equations]
    numbers += [c.number for n in system.order for c in system.cases[n]]
    assert {f"eq-{n}" for n in numbers} <= set(ids)


def test_nothing_of_the_document_is_left_out() -> None:
    sheet, root = made("mlp"), tree("mlp")
    assert [h.text for h in root.iter("h1")] == [sheet.title]
    assert len(list(root.iter("h2"))) == len(sheet.sections)
    steps = [s for section in sheet.sections for p in section.parts for s in p.steps]
    assert len(root.findall(".//ol[@class='lines derivation']/li")) == len(steps)
    words = " ".join("".join(root.itertext()).split())
    told = ("How does a small change of", "The base case", "In terms of the Jacobian", "Order of evaluation")
    for piece in (*told, "below 10"):
        assert piece in words


STRANGE = r"""
title "50% of <b>x</b> & ]]> --> </title><script>alert(1)</script> 'σ' é"
param Wq "W^{Q}" : E, D
param W_1 "\hat{W}_{1}" : E, E
param lambda_
param kk "\boldsymbol{\kappa}'" : E
param cal "\mathcal{L}_{\mathrm{d}}" : E
input N : D
input S : E
gamma(u, v) = u*v/(1 + u^2)
I[i] = sum(Wq[i,j]*N[j], j)
O[i] = sum(W_1[i,j]*gamma(I[j], lambda_), j) + kk[i]*cal[i]
Q[i] = where(O[i] > 0, O[i], 0.1*O[i])
cost C = sum((sqrt(1 + Q[i]^2) + exp(-abs(I[i])) - S[i])^4, i)/(2*E) + 1e-3*lambda_^2
"""


def strange() -> str:
    system = adjoint_system(parse(STRANGE, "strange"))
    return emit(document(system, system.order, detail="all", views=matrix_views(system, system.order)))


def test_what_a_user_writes_is_text() -> None:
    text = strange()
    root = ElementTree.fromstring(text.removeprefix("<!DOCTYPE html>\n"))
    title = root.findtext("head/title")
    assert title == "50% of <b>x</b> & ]]> --> </title><script>alert(1)</script> 'σ' é"
    assert [script_of(e) for e in root.iter("script")] == [({}, SCRIPT)] and not list(root.iter("b"))
    assert {e.tag for m in root.iter("math") for e in m.iter()} <= CORE


def test_characters_that_a_page_cannot_hold_are_replaced() -> None:
    sheet = Document("m", "a\x00b\x08c\ufffe", (), (), (), ())
    assert (
        ElementTree.fromstring(emit(sheet).removeprefix("<!DOCTYPE html>\n")).findtext("head/title")
        == "a\ufffdb\ufffdc\ufffd"
    )


def test_the_format_is_in_the_table() -> None:
    (emitter,) = (e for e in EMITTERS if e.name == "html")
    assert emitter.suffix == ".html" and emitter.load() is emit


# ── a real browser ────────────────────────────────────────────────────────────────────────────────

BROWSER = next(filter(None, map(shutil.which, CHROMIUM.split("|"))), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom")
QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync")
MEASURE = """<!DOCTYPE html><title>-</title>
<script>addEventListener("load", () => { document.title = [...document.querySelectorAll("iframe")].map(f =>
  f.contentDocument.documentElement.scrollWidth + ":" +
  Math.max(...[...f.contentDocument.querySelectorAll("math")].map(m => m.getBoundingClientRect().height))
).join(" ") })</script>"""


@pytest.mark.needs(CHROMIUM)
def test_no_page_is_wider_than_a_telephone(tmp_path: Path) -> None:
    pages = [*map(page, NAMES), strange()]
    frames = "".join(f'<iframe style="border:0;width:360px" srcdoc="{escape(p)}"></iframe>' for p in pages)
    (tmp_path / "all.html").write_text(MEASURE + frames, encoding="utf-8")
    where = (f"--user-data-dir={tmp_path / 'profile'}", f"file://{tmp_path}/all.html")
    command = [str(BROWSER), *FLAGS, *QUIET, *where]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    found = re.search(r"<title>([^<]*)</title>", done.stdout.decode("utf-8"))
    assert found is not None
    measured = [tuple(map(float, pair.split(":"))) for pair in found[1].split()]
    assert len(measured) == len(pages)
    assert all(wide <= 360 and tall > 10 for wide, tall in measured), measured


# ── lines ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_function_keeps_its_distance_from_the_derivative_before_it() -> None:
    x = Sym("x", "x")
    call = row(Frac(Sym(r"\partial", "∂"), row(Sym(r"\partial", "∂"), x)), Sym("f", "f", "op"), Fence(x))
    assert '</mfrac><mspace width="0.1667em"/>' in math(call, True)
    assert "<mspace" not in math(row(x, Fence(x)), True)


def test_signs_stick_to_the_formula_that_they_touch() -> None:
    x, k = Sym("x", "x"), Sym("k", "k")
    told = prose((x, ", which is row ", k, " (", x, "), ", k))
    kept = re.findall(r'<span class="kept">(.*?)</span>', told)
    assert [re.sub("<math>.*</math>", "x", piece) for piece in kept] == ["x,", "(x),"]
    assert "nowrap" in re.findall(r"[.]kept .*", page("mlp"))[0]


def test_a_large_bracket_keeps_its_depth_under_a_subscript() -> None:
    x = Sym("x", "x")
    tall = Fence(Cases(((x, x), (x, None))))
    assert "mpadded" not in math(Script(tall, x), True) and "mpadded" in math(Script(Fence(x), x), True)


def test_a_product_wider_than_the_page_breaks_between_its_factors() -> None:
    x = Sym("x" * 20, "x" * 20)
    assert right_side(Product((x, x, x), ("thin", "thin"))).count("<wbr/>") == 2
    assert right_side(Product((x, x), ("thin",))).count("<wbr/>") == 0


@pytest.mark.parametrize("name", ["mlp", "lstm"])
def test_no_line_ends_behind_the_bracket_of_a_shape(name: str) -> None:
    """Between ( and a formula a browser may end a line: the bracket is a part of the formula."""
    page = re.sub(r"<[^>]*>", "", re.sub(r"<math.*?</math>", "#", documented(load(name), (), "html")))
    given = page[page.index("Given: ") :].split("Parameters", 1)[0]
    assert "(" not in given


def test_a_page_of_its_own_has_margins_on_paper_and_a_fragment_leaves_them_to_its_host() -> None:
    told = symbp.load("mlp").explain("z").to_html()
    assert "@page { margin:" in documented(load("mlp"), ("z",), "html") and "@page { margin:" in told
    # the line to remember does not stand alone on the next sheet
    assert ".lines > li:last-child { break-before: avoid; }" in told
    fragment = symbp.load("mlp").derive("z")._repr_html_()
    assert "<style>" in fragment and "@page" not in fragment
