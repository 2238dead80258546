"""The model language: what it reads.  What it refuses is in test_spec_refusals.py."""

from __future__ import annotations

import re
import subprocess
import sys
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbp import models
from symbp.errors import RequestProblem, Source
from symbp.model.syntax import (
    Apply,
    ArrayLine,
    Binary,
    Chain,
    CostLine,
    EquationLine,
    FunctionLine,
    IndexLine,
    LetLine,
    Name,
    Num,
    Range,
    SizeLine,
    Subscript,
    SyntaxModel,
    TitleLine,
    Unary,
)
from symbp.spec.build import Actions
from symbp.spec.language import language
from symbp.spec.reader import read
from symbp.spec.scan import STATEMENTS, scan


def reading(text: str) -> SyntaxModel:
    return read(Source("m.symbp", text), "m")


def only(text: str):
    (line,) = reading(text).lines
    return line


def show(node) -> str:
    """Fully bracketed, to state how an expression was read."""
    match node:
        case Num(value, decimal):
            return f"{value}{'.' if decimal else ''}"
        case Name(name):
            return name
        case Subscript(name, parts):
            return f"{name}[{','.join(map(show, parts))}]"
        case Apply(name, parts):
            return f"{name}<{','.join(map(show, parts))}>"
        case Range(name, lo, hi):
            return f"{name}={show(lo)}..{show(hi)}"
        case Unary(op, arg):
            return f"{op}({show(arg)})"
        case Chain(op, parts):
            return f"({op.join(map(show, parts))})"
        case Binary(op, left, right):
            return f"{{{show(left)} {op} {show(right)}}}"
        case _:
            raise TypeError(type(node).__name__)


# ── the parser ────────────────────────────────────────────────────────────────────────────────────


def test_every_rule_has_its_action():
    for rule in language().rules:
        name = rule.alias or rule.origin.name
        assert hasattr(Actions, name) or name.startswith("_") or rule.options.expand1, rule


def test_keywords_are_those_of_the_grammar():
    words = {t.pattern.value for t in language().terminals if t.pattern.value.isalpha()}
    assert words == {*STATEMENTS, "in", "for", "and", "or", "not"}


def test_reading_loads_nothing_heavy():
    code = (
        "import sys; from symbp.errors import Source; from symbp.spec.reader import read\n"
        "from symbp import models\n"
        "read(Source('m', models.path('mlp').read_text(encoding='utf-8')), 'm')\n"
        "print([m for m in ('sympy', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ── expressions ───────────────────────────────────────────────────────────────────────────────────

EXPRESSIONS = [
    ("a + b - c", "(a+b+-(c))"),
    ("a - b + c", "(a+-(b)+c)"),
    ("(a + b) + c", "((a+b)+c)"),
    ("-a*b", "-((a*b))"),
    ("-a/b", "-({a / b})"),
    ("a*-b*c", "(a*-(b)*c)"),
    ("- -a", "-(-(a))"),
    ("+a", "a"),
    ("a - -b", "(a+-(-(b)))"),
    ("-x^2", "-({x ^ 2})"),
    ("2^-x", "{2 ^ -(x)}"),
    ("2^-x^2", "{2 ^ -({x ^ 2})}"),
    ("a^b^c", "{a ^ {b ^ c}}"),
    ("a**b", "{a ^ b}"),
    ("(a^b)^c", "{{a ^ b} ^ c}"),
    ("a*b/c*d", "({(a*b) / c}*d)"),
    ("a/b/c", "{{a / b} / c}"),
    ("a/(b*c)", "{a / (b*c)}"),
    ("1/2", "{1 / 2}"),
    ("0.5", "1/2."),
    (".5", "1/2."),
    ("1e-5", "1/100000."),
    ("2.50", "5/2."),
    ("1E3", "1000."),
    ("w[l,j,k]*a[l-1,k]", "(w[l,j,k]*a[(l+-(1)),k])"),
    ("x[c,2*i+p]", "x[c,((2*i)+p)]"),
    ("A[y[t-1],y[t]]", "A[y[(t+-(1))],y[t]]"),
    ("sum(x[k], k)", "sum<x[k],k>"),
    ("sum(x[j,k], j, k)", "sum<x[j,k],j,k>"),
    ("sum(x[p], p=0..K-1)", "sum<x[p],p=0..(K+-(1))>"),
    ("where(i < j, a, b)", "where<{i < j},a,b>"),
    ("where(i >= j and not a == b or c != d, 1, 0)",
     "where<{{{i >= j} and not({a == b})} or {c != d}},1,0>"),
    ("f(u, g(v))", "f<u,g<v>>"),
    ("σ(u_1)", "sigma<u_1>"),
    ("λ*β_1", "(lambda_*beta_1)"),
    ("E*I*S*N*beta", "(E*I*S*N*beta)"),
    ("in_ + index_1 + forx", "(in_+index_1+forx)"),
]


@pytest.mark.parametrize(("text", "tree"), EXPRESSIONS)
def test_expression(text, tree):
    assert show(only(f"v = {text}").body) == tree


def value(node) -> Fraction:
    match node:
        case Num(number):
            return number
        case Unary("-", arg):
            return -value(arg)
        case Chain("+", parts):
            return sum(map(value, parts), Fraction(0))
        case Chain("*", parts):
            result = Fraction(1)
            for part in parts:
                result *= value(part)
            return result
        case Binary("/", left, right):
            return value(left)/value(right)
        case Binary("^", left, right):
            return value(left)**value(right)
        case _:
            raise TypeError(show(node))


@st.composite
def formulas(draw, depth=3):
    if depth == 0:
        return draw(st.sampled_from(["1", "2", "3"]))
    left, right = draw(formulas(depth - 1)), draw(formulas(depth - 1))
    shape = draw(st.sampled_from(["{0}+{1}", "{0}-{1}", "{0}*{1}", "{0}/{1}", "-{0}", "({0})", "({0})**2",
                                  "{0}*-{1}", "2**-{0}", "{0}", "-{0}**2", "{0} - +{1}"]))
    return shape.format(left, right)


@given(formulas())
@settings(max_examples=150, deadline=None)
def test_precedence_is_that_of_python(text):
    numbers = re.sub(r"\d+", r"Fraction(\g<0>)", text)
    try:
        expected = eval(numbers, {"Fraction": Fraction})
    except (ZeroDivisionError, OverflowError, TypeError):
        return  # TypeError: comparing or dividing what a root of a negative number gave
    if isinstance(expected, Fraction):
        assert value(only("v = " + text).body) == expected


# ── statements ────────────────────────────────────────────────────────────────────────────────────

L, J, ONE = Name("l"), Name("j"), Num(Fraction(1))
STATEMENT_LINES = [
    ('title "A  b"', [TitleLine("A b")]),
    ("index l = 1..L, t = 0..T-1", [
        IndexLine(Range("l", ONE, Name("L"))),
        IndexLine(Range("t", Num(Fraction(0)), Chain("+", (Name("T"), Unary("-", ONE))))),
    ]),
    ("param d", [ArrayLine("param", "d")]),
    ('param Wq "W^{Q}" : E, D', [ArrayLine("param", "Wq", (), (Name("E"), Name("D")), "W^{Q}")]),
    ("param w[l] : n[l]", [ArrayLine("param", "w", (L,), (Subscript("n", (L,)),))]),
    ("input tok[t] in 0..V", [
        ArrayLine("input", "tok", (Name("t"),), integer=(Num(Fraction(0)), Name("V")))]),
    ("const A : 2*K in 0..1", [
        ArrayLine("const", "A", (), (Chain("*", (Num(Fraction(2)), Name("K"))),),
                  integer=(Num(Fraction(0)), ONE))]),
    ("size s, t", [SizeLine("s"), SizeLine("t")]),
    (r'function sigma, phi "\varphi"', [
        FunctionLine("sigma"), FunctionLine("phi", latex=r"\varphi")]),
    ("f(u, v) = u", [FunctionLine("f", (Name("u"), Name("v")), Name("u"))]),
    (r's "\sigma"(u) = 1', [FunctionLine("s", (Name("u"),), ONE, r"\sigma")]),
    ("C(v[j]) = sum(v[j], j)", [
        FunctionLine("C", (Subscript("v", (J,)),), Apply("sum", (Subscript("v", (J,)), J)))]),
    ("e = 1", [EquationLine("e", (), ONE)]),
    (r'z "\zeta"[l,j] = 1 for l = 1..L, j = 1..1', [
        EquationLine("z", (L, J), ONE, (Range("l", ONE, Name("L")), Range("j", ONE, ONE)), r"\zeta")]),
    ("cost C = C(a[j], j)", [CostLine("C", Apply("C", (Subscript("a", (J,)), J)))]),
    (r'let delta "\delta" = dC/dz', [LetLine("delta", "C", "z", r"\delta")]),
    ("let g = dC/ddz", [LetLine("g", "C", "dz")]),
    ("", []),
    ("  # nothing\n\n", []),
]


@pytest.mark.parametrize(("text", "lines"), STATEMENT_LINES)
def test_statement(text, lines):
    assert list(reading(text).lines) == lines


def test_newlines_of_every_kind_and_the_windows_mark():
    assert len(reading("\ufeffx = 1\r\ny = 2\rz = 3").lines) == 3


def test_brackets_continue_a_statement():
    text = "z[l,\n  j] = sum(  # a comment (\n  w[j]\n  + b, j)  # done\ny = 1"
    assert [line.name for line in reading(text).lines] == ["z", "y"]


def test_spans_point_at_their_text():
    text = "x = 1\nzeta[l,j] = sum(w[l,j]*a, j) + (b + c)*2"
    line = reading(text).lines[1]

    def under(node):
        span = node.span
        return text.splitlines()[span.line - 1][span.column - 1:span.column - 1 + span.width]

    assert under(line) == "zeta[l,j]"
    total, product = line.body.args
    assert under(line.body) == "sum(w[l,j]*a, j) + (b + c)*2"
    assert under(total) == "sum(w[l,j]*a, j)"
    assert under(total.args[0]) == "w[l,j]*a"
    assert under(product.args[0]) == "(b + c)"


def test_the_scanner_keeps_words_apart():
    kinds = [t.type for t in scan(Source("m", "sum(a, p=0..K-1)"))]
    assert kinds == ["NAME", "LPAR", "NAME", "COMMA", "NAME", "EQUAL", "NUMBER", "DOTS", "NAME", "MINUS",
                     "NUMBER", "RPAR", "_NL", "$END"]


# ── the models that come with symbp ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", models.names())
def test_shipped_model(name):
    text = models.path(name).read_text(encoding="utf-8")
    lines = read(Source(name, text), name).lines
    assert sum(isinstance(line, CostLine) for line in lines) == 1
    assert [line.text for line in lines if isinstance(line, TitleLine)] == [models.title(name)]
    # a slide: the most that any recurrent net or transformer block needs here
    assert text.startswith("# ") and text.count("\n") <= 30
    assert max(map(len, text.splitlines())) <= 110


def test_unknown_shipped_model():
    with pytest.raises(RequestProblem, match="no model named 'nn'"):
        models.path("nn")
