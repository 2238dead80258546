"""What is printed says what is meant: brackets, names, order; and every format accepts it."""

from __future__ import annotations

import math
import os
import random
import re
import subprocess
from collections.abc import Mapping
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from printed import outside, under_numbers, words
from wide import alignment

import symbp
from symbp import models
from symbp.calculus import expr as x
from symbp.calculus.affine import Affine, FloorDiv, Index, Size, affine, fresh
from symbp.calculus.expr import (
    Add,
    Adjoint,
    Call,
    Compare,
    Div,
    Expr,
    Functional,
    Indicator,
    Integer,
    Logic,
    Mul,
    Neg,
    Number,
    Partial,
    Pow,
    Reduce,
    Ref,
    Weights,
    Where,
    Within,
    number,
)
from symbp.calculus.tree import children, walk
from symbp.derive.engine import adjoint_system
from symbp.emit import EMITTERS, Emitter
from symbp.emit import layout as lay
from symbp.emit.arrange import PageRow, _loosened
from symbp.emit.breaking import broken
from symbp.emit.document import DETAILS, Document, check_sentence, document
from symbp.emit.math import Printer
from symbp.emit.notation import NOTATIONS
from symbp.emit.plain import text
from symbp.emit.tex import escape, tex, words_in_math
from symbp.errors import RequestProblem
from symbp.model.core import Array, Function
from symbp.pipeline import load, matrix_views, parse, written

needs_pdflatex = pytest.mark.needs("pdflatex")

# ── a small world of arrays ───────────────────────────────────────────────────────────────────────

LAST = affine(Size("L"))


def width_of(layer: Affine) -> Affine:
    return affine(Size("n", (layer,)))


def layer_axes(count: int) -> tuple[Index, ...]:
    layer = fresh("l", affine(1), LAST, "l")
    widths = (width_of(affine(layer)), width_of(affine(layer) - 1))
    return (layer, *(fresh(c, affine(0), w - 1) for c, w in zip("jk", widths[:count], strict=False)))


ROMAN = r"R^{\mathrm{i}}"
ARRAYS = {
    "w": Array("w", "param", layer_axes(2)),
    "z": Array("z", "variable", layer_axes(1)),
    "a": Array("a", "variable", layer_axes(1)),
    "y": Array("y", "input", (fresh("j", affine(0), width_of(LAST) - 1),)),
    "Wq": Array("Wq", "param", (fresh("i", affine(0), affine(2)), fresh("j", affine(0), affine(2))), "W^{Q}"),
    "Ri": Array("Ri", "param", (fresh("i", affine(0), affine(2)), fresh("j", affine(0), affine(2))), ROMAN),
    "v": Array("v", "param", (fresh("i", affine(0), affine(2)),)),
    "lambda_": Array("lambda_", "const"),
    "C": Array("C", "cost"),
}
FUNCTIONS = {"sigma": Function("sigma", ("u",)), "g": Function("g", ("u", "v"))}
PRINTER = Printer(ARRAYS, FUNCTIONS, {"z": "delta"})

l, j, k = (  # noqa: E741  (a layer is called l)
    fresh(c, affine(0), affine(9), "l" if c == "l" else "") for c in "ljk"
)
m = fresh("j", affine(0), width_of(LAST) - 1)
n = fresh("k", affine(0), width_of(affine(l) - 1) - 1)


def ref(name: str, *at: Affine | Index | int) -> Ref:
    return Ref(name, tuple(map(affine, at)))


def sigma(u: Expr, order: int = 0) -> Call:
    return Call("sigma", (u,), (order,) if order else ())


def shown(node: Expr, printer: Printer = PRINTER) -> str:
    return tex(printer.naming({l: "l", j: "j", k: "k"}).line(node))


Z, A, W = ref("z", l, j), ref("a", l, j), ref("w", l, j, k)
Y = ref("y", m)
BELOW = ref("z", affine(l) - 1, k)
X1, X2 = Ref("x"), Ref("r")

GOLDEN: dict[str, tuple[Expr, str]] = {
    "layer above, others below": (W, "w^l_{jk}"),
    "long positions have commas": (ref("x", affine(j) + affine(k), 2), "x_{j+k,2}"),
    "the layer below": (BELOW, "z^{l-1}_k"),
    "a name with a superscript of its own": (ref("Wq", j, k), "W^Q_{jk}"),
    "an upright superscript of its own": (ref("Ri", j, k), r"R^{\mathrm{i}}_{jk}"),
    "a power behind it": (Pow(Ref("Ri"), number(2)), r"(R^{\mathrm{i}})^2"),
    "Greek": (Ref("lambda_"), r"\lambda"),
    "digits": (Ref("W1"), "W_1"),
    "a word": (Ref("rate"), r"\mathit{rate}"),
    "named adjoint": (Adjoint("z", Z.indices), r"\delta^l_j"),
    "adjoint without a name": (Adjoint("a", A.indices), r"\frac{\partial C}{\partial a^l_j}"),
    "derivative of a variable": (Partial(Z, BELOW), r"\frac{\partial z^l_j}{\partial z^{l-1}_k}"),
    "derivative of an expression": (
        Partial(Reduce("sum", (n,), ref("w", l, j, n)) + A, A),
        r"\frac{\partial}{\partial a^l_j}\Bigl(\sum_i w^l_{ji} + a^l_j\Bigr)",
    ),
    "a power of a layer's element": (Pow(Z, number(2)), "(z^l_j)^2"),
    "a power without a layer": (Pow(ref("y", j), number(2)), "y^2_j"),
    "a power of a named adjoint": (Pow(Adjoint("z", Z.indices), number(2)), r"(\delta^l_j)^2"),
    "a power of a call": (Pow(sigma(Z), number(2)), r"\bigl(\sigma(z^l_j)\bigr)^2"),
    "a power of tanh": (1 - Pow(Call("tanh", (Z,)), number(2)), r"1 - \tanh^2(z^l_j)"),
    "a power of a power": (Pow(Pow(X1, number(2)), number(3)), "(x^2)^3"),
    "a power of a negative": (Pow(Neg(X1), number(2)), "(-x)^2"),
    "a power of a quotient": (Pow(X1 / X2, number(2)), r"\Bigl(\frac{x}{r}\Bigr)^2"),
    "first derivative": (sigma(Z, 1), r"\sigma'(z^l_j)"),
    "second derivative": (sigma(Z, 2), r"\sigma''(z^l_j)"),
    "third derivative": (sigma(Z, 3), r"\sigma^{(3)}(z^l_j)"),
    "partial derivative of a function": (Call("g", (X1, X2), (0, 1)), r"\partial_vg(x, r)"),
    "half a sum": (
        Div(Reduce("sum", (m,), Pow(ref("a", LAST, m) - Y, number(2))), number(2)),
        r"\frac{1}{2} \sum_i (a^L_i - y_i)^2",
    ),
    "what stands before the sum goes on the fraction": (
        Div(Mul((Ref("lambda_"), Reduce("sum", (m,), Pow(Y, number(2))))), number(2)),
        r"\frac{\lambda}{2} \sum_i y^2_i",
    ),
    "half a sum of quotients": (
        Div(Neg(Pow(X1, number(2))) / X2 + 1, number(2)), r"\frac{1}{2}\,\Bigl(-\frac{x^2}{r} + 1\Bigr)",
    ),
    "what stands before a sum of quotients goes on the fraction": (
        Div(Mul((X1, 1 - X1 / X2, Y)), Y), r"\frac{x}{y_i}\,\Bigl(1 - \frac{x}{r}\Bigr)\,y_i",
    ),
    "half a sum of letters": (Div(X1 + 1, number(2)), r"\frac{x + 1}{2}"),
    "a quotient of a quotient": (Div(X1 / X2, number(2)), r"\frac{x/r}{2}"),
    "a sum of a sum": (Reduce("sum", (m,), Y + X1), r"\sum_i (y_i + x)"),
    "a sum before a factor": (Mul((Reduce("sum", (m,), Y), X1)), r"\Bigl(\sum_i y_i\Bigr)\,x"),
    "a sum after a factor": (Mul((X1, Reduce("sum", (m,), Y))), r"x \sum_i y_i"),
    "a sum before a term": (Reduce("sum", (m,), Y) + X1, r"\sum_i y_i + x"),
    "a partial range is shown": (
        Reduce("sum", (fresh("p", affine(1), affine(4)),), X1), r"\sum_{p=1}^4 x"
    ),
    "the range of a layer is shown": (
        Reduce("sum", ((s := fresh("l", affine(1), LAST, "l")),), ref("z", s, j)), r"\sum_{m=1}^L z^m_j"
    ),
    "differences": (X1 - X2 - Neg(X1), "x - r - (-x)"),
    "a sum is subtracted": (X1 - (X2 + X1), "x - (r + x)"),
    "nested sums need no brackets": (Add((X1, Add((X2, X1)))), "x + r + x"),
    "signs go to the front": (Mul((Neg(X1), X2)), r"-x\,r"),
    "no factor 1": (Mul((x.ONE, X1)), "x"),
    "negative number": (Mul((number(-2), X1)), "-2x"),
    "a power after a name": (Mul((X1, Pow(Z, number(2)))), r"x\,(z^l_j)^2"),
    "numbers": (Mul((number(2), number(3), X1)), r"2 \cdot 3x"),
    "number after a name": (Mul((X1, number(2))), r"x \cdot 2"),
    "decimals as written": (Mul((Number(Fraction(1, 2), True), X1)), "0.5x"),
    "small decimals": (Number(Fraction(1, 10**8), True), "10^{-8}"),
    "decimals that are counted at a glance": (Number(Fraction(1, 10**4), True), "0.0001"),
    "decimals that are not": (Number(Fraction(1, 10**5), True), "10^{-5}"),
    "an endless decimal": (Number(Fraction(1, 3), True), r"\frac{1}{3}"),
    "factors that are sums": (Mul((X1, 1 - X1)), r"x\,(1 - x)"),
    "quotient of products": (Div(Mul((X1, X2)), X1 + X2), r"\frac{x\,r}{x + r}"),
    "no fraction in a fraction": (Div(ONE_OVER := Div(x.ONE, X1), X2), r"\frac{1/x}{r}"),
    "indicator": (Indicator(affine(j), affine(k)), "[j = k]"),
    "window": (Within(affine(j) - affine(k), affine(0), width_of(LAST) - 1), r"[0 \le j - k < n_L]"),
    "a truth value": (Where(Compare(">", X1, x.ZERO), x.ONE, x.ZERO), "[x > 0]"),
    "cases": (
        Where(Compare(">", X1, x.ZERO), X1, x.ZERO),
        r"\begin{cases} x & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}",
    ),
    "softmax of a vector": (
        Weights("softmax", m, ref("z", LAST, m), affine(j)), r"\operatorname{softmax}(z^L)_j"
    ),
    "softmax of a row": (
        Weights("softmax", (c := fresh("c", affine(0), affine(2))), ref("Wq", j, c), affine(k)),
        r"\operatorname{softmax}(W^Q_{j\bullet})_k",
    ),
    "log-sum-exp": (Reduce("logsumexp", (m,), ref("z", LAST, m)), r"\log \sum_i \exp(z^L_i)"),
    "an undefined cost": (Functional("C", (m,), (ref("a", LAST, m),)), "C(a^L)"),
    "its partial derivative": (
        Functional("C", (m,), (ref("a", LAST, m),), 0, (affine(k),)), r"\frac{\partial C}{\partial a^L_k}"
    ),
    "an inner product": (
        Reduce("dot", (m,), Mul((ref("w", LAST, m, k), Adjoint("z", (LAST, affine(m)))))),
        r"w^L_{\bullet k} \cdot \delta^L",
    ),
    "absolute value and root": (
        Call("abs", (X1,)) + Call("sqrt", (X1 + X2,)), r"\lvert x\rvert + \sqrt{x + r}"
    ),
    "a size": (X1 / Integer(affine(Size("T")) * 2 + 1), r"\frac{x}{2T + 1}"),
    "a rounded quotient": (
        Integer(affine(FloorDiv(affine(Size("T")), 2))), r"\Bigl\lfloor \frac{T}{2}\Bigr\rfloor"
    ),
    "positions that are added": (
        Add((Integer(affine(j) + affine(k) + 1), Neg(Integer(affine(k))))), "j + 1"
    ),
    "a position with one term keeps its place": (Integer(affine(j)) - Integer(affine(k)), "j - k"),
    "a position beside a value": (Integer(affine(j) + 1) - X1, "(j + 1) - x"),
    "names like constants": (Mul((Ref("E"), Ref("I"), Ref("S"))), r"E\,I\,S"),
}  # fmt: skip


@pytest.mark.parametrize("name", GOLDEN)
def test_expressions_are_set_as_by_hand(name: str) -> None:
    node, expected = GOLDEN[name]
    assert shown(node) == expected


def test_plain_text_uses_small_letters_where_unicode_has_them() -> None:
    node = Reduce("sum", (n,), Mul((Adjoint("z", Z.indices), ref("w", l, j, n), sigma(BELOW, 1))))
    assert text(PRINTER.line(node)) == "Σᵢ δⱼˡ wⱼᵢˡ σ′(zₖˡ⁻¹)"
    assert text(PRINTER.line(ref("p", fresh("c", None, None)))) == "p_c"


def test_every_node_is_printed_and_an_unknown_one_is_named() -> None:
    samples = [node for node, _ in GOLDEN.values()] + [Logic("and", (Compare("<", X1, X2),) * 2)]
    covered = {type(part).__name__ for node in samples for part in walk(node)}
    assert covered == {c.__name__ for c in Expr.__subclasses__() if c.__module__ == x.__name__}
    assert shown(samples[-1]) == r"x < r\text{ and }x < r"

    class Strange(Expr):
        pass

    with pytest.raises(TypeError, match="Strange"):
        PRINTER.box(Strange())


# ── letters ───────────────────────────────────────────────────────────────────────────────────────


def test_two_indices_with_one_name_get_two_letters() -> None:
    inner = fresh("k", affine(0), width_of(affine(l) - 1) - 1)
    node = Reduce("sum", (inner,), Mul((ref("w", l, j, inner), ref("y", k))))
    assert shown(node) == r"\sum_i w^l_{ji}\,y_k"


def test_sums_side_by_side_may_share_a_letter() -> None:
    one, two = (fresh("i", affine(0), affine(2)) for _ in range(2))
    assert shown(Reduce("sum", (one,), ref("v", one)) + Reduce("sum", (two,), ref("v", two))) == (
        r"\sum_i v_i + \sum_i v_i"
    )


def test_a_renamed_index_does_not_take_the_name_of_an_array() -> None:
    inner = fresh("k", affine(0), affine(2))
    world = Printer({**ARRAYS, "i": Array("i", "const")}, {}, {}).naming({k: "k"})
    assert tex(world.line(Mul((ref("y", k), Reduce("sum", (inner,), ref("v", inner)))))) == r"y_k \sum_j v_j"


# ── the printed form has one reading: it is read back and evaluated ───────────────────────────────

POINT: dict[str, float] = {"x": 0.83, "r": -1.37, "t": 0.41}
VECTOR = (0.7, -0.45, 1.9)
_SUBS = dict(zip("ᵢⱼₖₘₚ", "ijkmp", strict=True))
_DIGITS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
_VULGAR = {"½": 1 / 2, "⅓": 1 / 3, "⅔": 2 / 3, "¼": 1 / 4, "¾": 3 / 4}
_TOKEN = re.compile(r"\s*(\d+(?:\.\d+)?|exp|tanh|v(?:[ᵢⱼₖₘₚ]|_.)|Σ(?:[ᵢⱼₖₘₚ]|_.)|[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+|.)")


class Reader:
    """Reads plain formulas as people do: a/b c is a/(b c), Σ ends at + and −."""

    def __init__(self, line: str) -> None:
        self.tokens = _TOKEN.findall(line)
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self) -> str:
        self.place += 1
        return self.tokens[self.place - 1]

    def sum(self, at: Mapping[str, int]) -> float:
        total = 0.0
        sign = -1.0 if self.peek() == "−" and self.take() else 1.0
        while True:
            total += sign * self.term(at)
            if self.peek() not in ("+", "−"):
                return total
            sign = 1.0 if self.take() == "+" else -1.0

    def term(self, at: Mapping[str, int]) -> float:
        value = self.product(at)
        if self.peek() != "/":
            return value
        self.take()
        value /= self.product(at)
        assert self.peek() != "/", "a/b/c has two readings"
        return value

    def product(self, at: Mapping[str, int]) -> float:
        value = self.power(at)
        while self.peek() and self.peek() not in "+−)/,":
            if self.peek() == "·":
                self.take()
            value *= self.power(at)
        return value

    def power(self, at: Mapping[str, int]) -> float:
        if self.peek() in ("exp", "tanh"):
            return self.call(at)
        value = self.atom(at)
        if self.peek() and self.peek()[0] in _DIGITS:
            value **= self.exponent()
            assert not self.peek() or self.peek()[0] not in _DIGITS
        return value

    def call(self, at: Mapping[str, int]) -> float:
        function = getattr(math, self.take())
        exponent = self.exponent() if self.peek()[0] in _DIGITS else 1
        assert self.peek() == "("
        value: float = function(self.atom(at)) ** exponent
        assert not self.peek() or self.peek()[0] not in _DIGITS, "a power behind a call has two readings"
        return value

    def exponent(self) -> int:
        return int("".join(_DIGITS[c] for c in self.take()))

    def atom(self, at: Mapping[str, int]) -> float:
        token = self.take()
        if token == "(":
            value = self.sum(at)
            assert self.take() == ")"
            return value
        if token[0] == "Σ":
            return self.folded(token, at)
        if token[0] == "v":
            return VECTOR[at[_SUBS.get(token[-1], token[-1])]]
        return POINT[token] if token in POINT else _VULGAR[token] if token in _VULGAR else float(token)

    def folded(self, token: str, at: Mapping[str, int]) -> float:
        start, total = self.place, 0.0
        for value in range(3):
            self.place = start
            total += self.term({**at, _SUBS.get(token[-1], token[-1]): value})
        return total


def value(node: Expr, at: Mapping[Index, int]) -> float:
    """The value by the tree, with its index ranges 0..2."""
    below = [] if isinstance(node, Reduce) else [value(c, at) for c in children(node)]
    match node:
        case Number(number_):
            return float(number_)
        case Ref(name, ()):
            return POINT[name]
        case Ref(_, (place,)):
            index = place.as_index()
            assert index is not None
            return VECTOR[at[index]]
        case Add():
            return sum(below)
        case Mul():
            return math.prod(below)
        case Neg():
            return -below[0]
        case Div():
            return below[0] / below[1]
        case Pow(_, Number(exponent)):
            return float(below[0] ** int(exponent))
        case Call(function):
            return float(getattr(math, function)(below[0]))
        case Reduce(_, (index,), body):
            return sum(value(body, {**at, index: i}) for i in range(3))
        case _:
            raise TypeError(type(node).__name__)


def random_expression(draw: random.Random, depth: int, indices: tuple[Index, ...] = ()) -> Expr:
    if depth == 0 or draw.random() < 0.12:
        rational = number(Fraction(draw.choice((2, 3, -2)), draw.choice((1, 2))))
        leaves: list[Expr] = [Ref(draw.choice("xrt")), rational]
        leaves.append(Number(Fraction(5, 4), True))
        leaves.extend(ref("v", i) for i in indices)
        return draw.choice(leaves)

    def below() -> Expr:
        return random_expression(draw, depth - 1, indices)

    match draw.randrange(8):
        case 0:
            return Add(tuple(below() for _ in range(draw.choice((2, 3)))))
        case 1 | 2:
            return Mul(tuple(below() for _ in range(draw.choice((2, 3)))))
        case 3:
            return Neg(below())
        case 4:
            return Div(below(), below())
        case 5:
            return Pow(below(), number(draw.choice((2, 3, -1))))
        case 6:
            return Call("tanh", (below(),))
        case _:
            index = fresh("i", affine(0), affine(2))
            inner = random_expression(draw, depth - 1, (*indices, index))
            return Reduce("sum", (index,), Mul((ref("v", index), inner)))


@pytest.mark.parametrize("seed", range(300))
def test_what_is_printed_has_the_value_of_the_tree(seed: int) -> None:
    node = random_expression(random.Random(seed), 4)
    try:
        expected = value(node, {})
    except (ZeroDivisionError, OverflowError):
        pytest.skip("this tree has no value")
    line = text(PRINTER.line(node))
    reader = Reader(line)
    found = reader.sum({})
    assert reader.place == len(reader.tokens), line
    assert math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9), line


MATHML_CORE = frozenset(
    {"math", "mi", "mn", "mo", "mtext", "mspace", "mrow", "mpadded", "mover", "mfrac", "msqrt"}
    | {"mtable", "mtr", "mtd"}
    | {"msub", "msup", "msubsup", "munder", "munderover"}
)


def balanced(line: str) -> bool:
    """Whether braces and sized brackets close in order."""
    stack: list[str] = []
    for token in re.findall(r"\\[A-Za-z]+l\(|\\[A-Za-z]+r\)|\\.|[{}]", line):
        if token == "{" or token.endswith("l("):
            stack.append(token)
        elif token == "}" or token.endswith("r)"):
            opened = stack.pop() if stack else ""
            if (token == "}") != (opened == "{") or (token != "}" and opened[:-2] != token[:-2]):
                return False
    return not stack


@pytest.mark.parametrize("seed", range(100))
def test_braces_and_sized_brackets_are_balanced(seed: int) -> None:
    box = PRINTER.line(random_expression(random.Random(1000 + seed), 5))
    for display in (True, False):
        line = tex(box, display)
        assert balanced(line), line
        assert "  " not in line, line


# ── documents ─────────────────────────────────────────────────────────────────────────────────────

NAMES = models.names()
DEEP = bool(os.environ.get("SYMBP_DEEP"))


def made(name: str, detail: str = "all") -> Document:
    system = adjoint_system(load(name))
    return document(
        system,
        system.order,
        detail=detail,
        views=matrix_views(system, system.order),
        check=check_sentence(3e-16, (5, 4, 3, 2)),
    )


@pytest.mark.parametrize("emitter", EMITTERS, ids=lambda e: e.name)
def test_every_format_shows_the_number_of_every_equation(emitter: Emitter) -> None:
    page, model = emitter.emit(made("mlp")), load("mlp")
    system = adjoint_system(model)
    shown_ = [c for name in ("z", "w", "b") for c in system.cases[name]]
    for formula in (*model.equations, *shown_):
        signs = rf"\\tag\{{{formula.number}\}}|(?<!\w)\({formula.number}\)"
        assert len(re.findall(signs, page)) == 1, formula.number
    assert page == emitter.emit(made("mlp"))


def test_formats_have_their_own_names_and_suffixes() -> None:
    assert len({e.name for e in EMITTERS}) == len({e.suffix for e in EMITTERS}) == len(EMITTERS)


@pytest.mark.parametrize("name", NAMES)
def test_markdown_has_only_what_katex_and_mathjax_know(name: str) -> None:
    page = next(e for e in EMITTERS if e.name == "markdown").emit(made(name))
    bad = r"\\(label|ref|eqref|intertext|parbox|rlap|notag|bm|class|DeclareMathOperator|mathrlap|hspace)\b"
    assert not re.search(bad, page)
    for block in re.findall(r"\\begin\{aligned\}.*?\\end\{aligned\}", page, re.DOTALL):
        assert r"\tag" not in block and "$" not in block
    assert page.count("$$") % 2 == 0
    assert balanced(page)


@pytest.mark.parametrize("name", NAMES)
def test_html_is_well_formed_and_loads_nothing(name: str) -> None:
    page = next(e for e in EMITTERS if e.name == "html").emit(made(name))
    body = page[page.index("<article") : page.index("</main>")].replace("&nbsp;", " ")
    root = ElementTree.fromstring(body)
    assert {e.tag for e in root.iter() if e.tag.startswith("m")} <= MATHML_CORE
    assert not re.search(r"mathvariant|<script src|https?:|<link|<img", page)
    assert page.count("<script") == 1


def test_detail_says_how_many_lines() -> None:
    counts = [sum(len(p.steps) for s in made("mlp", d).sections for p in s.parts) for d in DETAILS]
    assert counts == sorted(counts) and counts[0] < counts[1]
    with pytest.raises(RequestProblem, match="no detail"):
        made("mlp", "everything")


LONG_NAMES = ("bidirectional_recurrent_encoder_with_attention_pooling_and_multilabel_outputs", "Long" * 20)


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("name", LONG_NAMES, ids=["underscores", "a word"])
def test_a_long_name_at_the_head_breaks(name: str, tmp_path: Path) -> None:
    system = adjoint_system(parse("input x : n\nparam w : n\ncost C = sum(w[i]*x[i], i)^2\n", name))
    for format_ in ("latex", "beamer"):
        text = written(system, system.order, format_, standalone=True)
        assert "Overfull" not in compile_latex(text, tmp_path)


def test_no_page_ends_between_a_formula_and_its_reason_or_before_the_result() -> None:
    text = LATEX.emit(made("crf"))
    rows = re.findall(r"(?m)^.* \\\\(?:\*)?$", text)
    assert any(r.endswith(r"\\*") for r in rows)
    for row, following in pairwise(text.splitlines()):
        if following.startswith(("&&& ", r"&\quad ")):
            assert row.endswith(r"\\*"), row


def test_titles_are_text_not_latex() -> None:
    assert escape(r"50% of \input{x} & $a_b^c$ ~#") == (
        r"50\% of \textbackslash{}input\{x\} \& \$a\_b\textasciicircum{}c\$ \textasciitilde{}\#"
    )
    assert escape("σ and −1") == r"$\sigma$ and $-$1"
    assert words_in_math("log σ(u) = −1") == r"\text{log }\sigma\text{(u) = }-\text{1}"


# ── a real LaTeX ──────────────────────────────────────────────────────────────────────────────────


def compile_latex(source: str, folder: Path) -> str:
    """Compiles, and returns the log."""
    (folder / "paper.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    for _ in range(2):
        done = subprocess.run(command, cwd=folder, capture_output=True, timeout=120, check=False)
    log = done.stdout.decode("utf-8", "replace")
    assert done.returncode == 0, log[-3000:]
    return log


def assert_within(folder: Path, textwidth: float) -> None:
    """Nothing on the pages stands beside the text or over a number, even where TeX does not say so."""
    assert outside(folder / "paper.pdf", textwidth) == []
    assert under_numbers(folder / "paper.pdf") == []


def assert_tidy(log: str) -> None:
    wide = [float(w) for w in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]
    assert not [w for w in wide if w > 1], log[-3000:]
    assert "undefined" not in log and "multiply defined" not in log, log[-3000:]


LATEX = next(e for e in EMITTERS if e.name == "latex")


OWN_TEXT = 420.0
"""The width of the text of ``standalone`` in points, where that of an article is 345."""


@needs_pdflatex
@pytest.mark.needs("pdftotext")
@pytest.mark.parametrize("name", NAMES)
def test_latex_compiles_without_overfull_lines(name: str, tmp_path: Path) -> None:
    assert_tidy(compile_latex(LATEX.emit(made(name), standalone=True), tmp_path))
    assert_within(tmp_path, OWN_TEXT)


@needs_pdflatex
@pytest.mark.needs("pdftotext")
@pytest.mark.parametrize("notation", [n.name for n in NOTATIONS] if DEEP else ["goodfellow"])
@pytest.mark.parametrize("detail", DETAILS)
def test_formulas_wider_than_the_page_stay_on_it(notation: str, detail: str, tmp_path: Path) -> None:
    assert_tidy(compile_latex(LATEX.emit(alignment(notation, detail), standalone=True), tmp_path))
    assert_within(tmp_path, OWN_TEXT)
    head = ARTICLE.replace("{amsmath}", "{amsmath}\\usepackage[textwidth=345pt]{geometry}")
    fragment = head + LATEX.emit(alignment(notation, detail)) + "\\end{document}\n"
    assert_tidy(compile_latex(fragment, tmp_path))
    assert_within(tmp_path, 345.0)


@needs_pdflatex
def test_fragments_of_all_models_can_be_included_in_one_article(tmp_path: Path) -> None:
    head = "\\documentclass{article}\n\\usepackage{amsmath}\n\\begin{document}\n"
    for name in NAMES:
        (tmp_path / f"{name}.tex").write_text(LATEX.emit(made(name)), encoding="utf-8")
    body = "".join(f"\\section{{A model}}\n\\input{{{name}.tex}}\n" for name in NAMES)
    log = compile_latex(head + body + "By \\eqref{eq:mlp:2}.\\end{document}\n", tmp_path)
    assert_tidy(log)


STRANGE = r"""
title "50% of $x_1$ & {more} \ # ~ ^ _ < > σ é"
param Wq "W^{Q}" : E, D
param W_1 "\hat{W}_{1}" : E, E
param lambda_
input N : D
input S : E
gamma(u, v) = u*v/(1 + u^2)
I[i] = sum(Wq[i,j]*N[j], j)
O[i] = sum(W_1[i,j]*gamma(I[j], lambda_), j)
Q[i] = where(O[i] > 0, O[i], 0.1*O[i])
cost C = sum((Q[i] - S[i])^4, i)/(2*E) + 1e-3*lambda_^2
"""


ARTICLE = "\\documentclass{article}\n\\usepackage{amsmath}\n\\begin{document}\n"
LONG = r"""
title "Long lines"
index t = 1..T
input x[t] : D
input tok in 0..E-1
param Wq "W^{Q}" : E, D
param U : E, E
param beta_2
const lambda_
h[0,i] = 0
h[t,i] = tanh(sum(Wq[i,d]*x[t,d], d) + sum(U[i,j]*h[t-1,j], j)) for t = 1..T
s[i] = h[T,i]*exp(-h[T,i]^2/(2*beta_2^2))
q[i] = softmax(s[i]/sqrt(E), i)
r[i] = where(abs(q[i]) < 1, q[i]^2/2, abs(q[i]) - 1/2)
m = max(r[i], i)
cost J = mean(r[i], i)*m + lambda_*sum(Wq[i,d]^2, i, d)/2 + log(sum(exp(s[i]), i)) + U[tok,tok]
"""


@needs_pdflatex
@pytest.mark.parametrize("standalone", [True, False])
@pytest.mark.parametrize("source", [STRANGE, LONG], ids=["strange names", "long lines"])
def test_models_from_nowhere_compile(source: str, standalone: bool, tmp_path: Path) -> None:
    model = parse(source, "from_nowhere")
    wanted = tuple(a.name for a in model.of_kind("param", "variable"))
    system = adjoint_system(model, wanted)
    sheet = document(system, system.order, detail="all", views=matrix_views(system, system.order))
    page = LATEX.emit(sheet, standalone=standalone)
    if not standalone:
        page = ARTICLE + page + "\\end{document}\n"
    assert_tidy(compile_latex(page, tmp_path))


@needs_pdflatex
def test_random_formulas_compile(tmp_path: Path) -> None:
    boxes = [PRINTER.line(random_expression(random.Random(s), 4)) for s in range(40)]
    boxes += [PRINTER.line(node) for node, _ in GOLDEN.values()]
    lines = "".join(f"\\[ {tex(b)} \\] ${tex(b, False)}$\n\n" for b in boxes)
    compile_latex(
        "\\documentclass{article}\\usepackage{amsmath}\\begin{document}" + lines + "\\end{document}", tmp_path
    )


@needs_pdflatex
@pytest.mark.needs("pdftotext")
def test_text_goes_on_before_a_picture_that_does_not_fit(tmp_path: Path) -> None:
    # many functions above, so that the picture finds no room on the first page
    given = "".join(f"f{n}(u) = 1/(1 + exp(-{n}*u))\n" for n in range(2, 12))
    chain = "a = f2(w)\n" + "".join(f"a{n} = f{n}(a{n - 1 if n > 3 else ''})\n" for n in range(3, 12))
    source = f'title "A chain"\nparam w\n{given}{chain}cost C = a11^2\n'
    page = symbp.parse(source).to_latex(standalone=True, detail="result")
    assert_tidy(compile_latex(page, tmp_path))
    _, found = words(tmp_path / "paper.pdf")
    (caption,) = (w for w in found if w.text == "hexagons")
    first = [w for w in found if w.page == 1]
    assert caption.page > 1 and max(w.bottom for w in first if not w.text.isdigit()) > 500


def test_a_page_may_end_within_a_formula_of_many_rows_but_not_near_its_ends() -> None:
    rows = tuple(PageRow(rhs="x", continued=n > 0) for n in range(12))
    free = [n for n, row in enumerate(_loosened(rows)) if not row.stays]
    assert free == [0, 4, 5, 6, 7]
    assert [n for n, row in enumerate(_loosened(rows[:8])) if not row.stays] == [0]


def test_a_transposed_bracket_breaks_like_any_other() -> None:
    word = lay.Sym("x" * 20, "x" * 20)
    body = lay.Terms((("+", word), ("-", word), ("+", word)))
    raised = lay.Script(lay.Fence(body), None, lay.Sym("T", "T"))
    lines = broken(raised, 30.0)
    assert len(lines) > 1 and lines[-1].endswith(")^T")


def test_half_a_sum_of_quotients_is_half_of_a_bracket_in_a_matrix_form_too() -> None:
    model = symbp.parse("input x : D\nparam r : D\ncost C = sum(x[d]^2/exp(r[d]) + r[d], d)/2")
    assert r"\frac{1}{2}\,\Bigl(1 - \frac{x^2}{\exp(r)}\Bigr)" in model.derive("r").to_latex()
