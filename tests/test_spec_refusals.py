"""The model language: what it refuses, in which words, and that nothing else can happen."""

from __future__ import annotations

import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbp import models
from symbp.errors import Source, SyntaxProblem
from symbp.model.syntax import SyntaxModel
from symbp.spec.reader import read
from symbp.spec.scan import STATEMENTS
from symbp.spec.tokens import MAX_DEPTH


def reading(text: str) -> SyntaxModel:
    return read(Source("m.symbp", text), "m")


def only(text: str):
    (line,) = reading(text).lines
    return line


def refused(text: str) -> SyntaxProblem:
    with pytest.raises(SyntaxProblem) as caught:
        reading(text)
    return caught.value


# ── errors ────────────────────────────────────────────────────────────────────────────────────────

MISTAKES = [  # text, line:column, a part of the message, a part of the remedy
    ("parma w : n", "1:1", "'parma'", "param?"),
    ("x = 1\nParam w : n", "2:1", "'Param'", "param?"),
    ('titel "abc"', "1:1", "'titel'", "title?"),
    ("x = 2y", "1:6", "an operator between '2' and 'y'", "2*y"),
    ("x = a b", "1:7", "an operator", "a*b"),
    ("x = sum(a b)", "1:11", "an operator", "a, b"),
    ("x[l] : n[l]", "1:6", "expected '='", "input x : D"),
    ("input y : D param w", "1:13", "middle of a line", "new line"),
    ("x = (a)(b)", "1:8", "an operator", "(…)*(…)"),
    ("x = 2(a)", "1:6", "an operator", "2*(…)"),
    ("x = a if b else c", "1:7", "an operator", "where("),
    ("x = a // a remark", "1:7", "'//' divides one size", "#"),
    ("x = a //", "1:7", "'//' divides one size", "#"),
    ("x == 3", "1:3", "expected '='", "one ="),
    ("x = y = z", "1:7", "second '='", "=="),
    ("x[i] sum(a, k)", "1:6", "expected '='", "z[j] ="),
    ("x[i]", "1:5", "expected '='", "z[j] ="),
    ("let d = z", "1:10", "expected '/'", "dC/dz"),
    ("let d = C/dz", "1:9", "expected d", "dC/dz"),
    ("let d = dC/dz[l]", "1:14", "the end of the line", "without indices"),
    ("index l in 1..L", "1:9", "expected '='", "index l = 1..L"),
    ("index l = 1", "1:12", "expected '..'", "index l = 1..L"),
    ("x = a for l in 1..L", "1:13", "expected '='", "for l = 1..L"),
    ("input c : in 0..3", "1:11", "expected a size", "input c in 0..K-1"),
    ("input size : 3", "1:7", "'size' is a keyword", "size_"),
    ("cost = 3", "1:1", "'cost' is a keyword", "cost_"),
    ("x = a + for", "1:9", "'for' is a keyword", "for_"),
    ("param a, b", "1:8", "found ','", "line of its own"),
    ("x = sum(a,\nk", "1:8", "'(' is never closed", "')'"),
    ("x = (a\nparam w : n", "1:5", "'(' is never closed", "')'"),
    ("x = a)", "1:6", "never opened", "delete"),
    ("x[i) = 3", "1:2", "'[' is closed by ')'", "']'"),
    ("x = a +  # more", "1:8", "an expression, but the line ends", "( )"),
    ("x = f()", "1:6", "nothing in the brackets", ""),
    ("x = (a + b)[i]", "1:12", "found '['", "only a name has indices"),
    ("x = w[j][k]", "1:9", "found '['", "one pair of brackets, as in w[j,k]"),
    ("z = np.tanh(x)", "1:7", "unexpected character '.'", "write tanh(…)"),
    ("z = sum(w[k]*x[k] for k in range(n))", "1:19", "found 'for'", "the index behind a comma, sum(…, k)"),
    ('param G[l] "W^{T}" : D', "1:12", "found '\"W^{T}\"'", 'directly behind the name: param G "W^{T}"[l]'),
    ("z[n] = sum(A.T[n,m]*x[m], m)", "1:13", "unexpected character '.'", "exchanges the indices: A[m,n]"),
    ("z = A.T", "1:6", "unexpected character '.'", "exchanges the indices: A[j,i]"),
    ("z = x[(i+1) % N]", "1:13", "unexpected character '%'", "where(i+1 < N, x[i+1], x[i+1-N])"),
    ("x = where(0 < i < n, 1, 0)", "1:17", "chained", "and"),
    ("1 = x", "1:1", "expected a statement", "equation"),
    ("title “abc”", "1:7", "U+201C", "straight"),
    ('title "abc', "1:7", "never closed", "on the line"),
    ("x = a − b", "1:7", "U+2212", "minus sign -"),
    ("x\u00a0= 3", "1:2", "U+00A0", "space"),
    ("x = a · b", "1:7", "U+00B7", "*"),
    ("x = z'", "1:6", "unexpected character", "let"),
    ("x = 1.", "1:6", "unexpected character", "1..L"),
    ("_x = 1", "1:1", "unexpected character", "begins with a letter"),
    ("x = 1e999999999", "1:5", "number", "1e300"),
    ("x = " + "9"*5000, "1:5", "number", "digits"),
    ("x = 1\n\0", "2:1", "U+0000", "delete"),
    ("# \x1b[31m", "1:3", "U+001B", "delete"),
    ('x "\\input{a}" = 3', "1:4", "\\input", "LaTeX name"),
    ('x "a^b^c" = 3', "1:7", "out of place", "LaTeX name"),
    ('x "{a" = 3', "1:4", "never closed", "LaTeX name"),
    ('x "a$b" = 3', "1:5", "$ is not allowed", "LaTeX name"),
    ('title ""', "1:7", "empty", "title"),
]


@pytest.mark.parametrize(("text", "place", "message", "remedy"), MISTAKES)
def test_mistake(text, place, message, remedy):
    problem = refused(text)
    assert str(problem.span) == f"m.symbp:{place}"
    assert message in problem.message and remedy in problem.hint
    assert problem.hint and "^" in str(problem)


def test_the_message_shows_no_control_characters():
    assert "\x1b" not in str(refused("x = \x1b[31m"))


@pytest.mark.parametrize("word", [*STATEMENTS, "for", "in", "and", "or", "not"])
@pytest.mark.parametrize("text", ["{} = 1", "x = 2*{}", "param {}", "f({}) = 1", "z[{}] = 1"])
def test_keywords_are_no_names(word, text):
    assert refused(text.format(word)).span.line == 1


@pytest.mark.parametrize("name", [
    r"\delta", "W^{Q}", r"\hat{y}", r"\mathbf{x}_{i,j}", "x'", r"\tilde{\mathcal{L}}^{(1)}", "a_1^2",
    r"x_{\max}", r"c_{\log}^{\min}"])
def test_latex_name(name):
    assert only(f'x "{name}" = 1').latex == name


@pytest.mark.parametrize("name", [
    "", " ", "#", "a%b", "a&b", "~", r"\write18", r"\def\a", r"\catcode", r"\csname x", "^", "a_", "a__b",
    "a^b'", "}", "{", "a}{", r"\hat", r"\hat^2", r"\\", "é", "a"*81, "{"*20 + "}"*20, r"\text{a}",
    r"{\hat}", "{a^}", r"x^\hat{y}"])
def test_refused_latex_name(name):
    assert "LaTeX name" in refused(f'x "{name}" = 1').hint


# ── size ──────────────────────────────────────────────────────────────────────────────────────────

MANY = 10_000


@pytest.mark.parametrize("text", [
    "x = " + "("*MANY + "1" + ")"*MANY,
    "x = " + "("*MANY,
    "x = " + "a["*MANY + "1" + "]"*MANY,
    "x = " + "-"*MANY + "1",
    "x = 1" + "^2"*MANY,
    "x = 1" + "/2"*MANY,
    "x = 2^" + "-"*MANY + "1",
    "x = " + "not "*MANY + "1",
    "x = 1" + " and 1"*MANY,
    "x = 1" + " or 1"*MANY,
    "x = 1"*MANY,
    "x"*1_000_001,
])
def test_what_is_too_deep_or_too_long_is_refused_quickly(text):
    begin = time.perf_counter()
    problem = refused(text)
    assert problem.hint and time.perf_counter() - begin < 60, "no hang"


@pytest.mark.parametrize("text", ["1" + " + 1"*MANY, "1" + " - a[i]"*MANY, "1" + "*a"*MANY,
                                  "f(1" + ", 1"*MANY + ")"])
def test_long_flat_expressions_are_read(text):
    assert len(only("x = " + text).body.args) == MANY + 1


def test_a_model_as_deep_as_allowed():
    half = MAX_DEPTH - 2
    assert only("x = " + "-("*half + "1" + ")"*half)


# ── broken models and arbitrary text ─────────────────────────────────────────────────────────────


def broken(text: str, rng: random.Random) -> str:
    """The text with one token deleted, doubled, exchanged with another, or with a sign thrown in."""
    words = re.findall(r'"[^"\n]*"|#[^\n]*|\w+|\s+|.', text)
    i, j = rng.randrange(len(words)), rng.randrange(len(words))
    match rng.randrange(5):
        case 0:
            del words[i]
        case 1:
            words.insert(i, words[j])
        case 2:
            words[i], words[j] = words[j], words[i]
        case 3:
            words[i] = rng.choice('()[]+-*/^=<>!,.:"\n\'\t\\#;0e') + words[i]
        case _:
            del words[min(i, j):min(i, j) + rng.randrange(20)]
    return "".join(words)


@pytest.mark.parametrize("name", models.names())
def test_broken_models_end_in_one_message(name):
    rng, text = random.Random(f"broken {name}"), models.path(name).read_text(encoding="utf-8")
    for _ in range(250):
        attempt = broken(text, rng)
        if rng.random() < 0.3:
            attempt = broken(attempt, rng)
        accepted_or_explained(attempt)


def accepted_or_explained(text: str) -> None:
    try:
        assert isinstance(reading(text), SyntaxModel)
    except SyntaxProblem as problem:
        span = problem.span
        assert span is not None and problem.hint and problem.message
        assert 1 <= span.column <= len(span.source.line(span.line)) + 1, text
        for terminal in ("_NL", "LSQB", "__ANON"):
            assert terminal in text or terminal not in str(problem)


@given(st.text(alphabet=st.characters(codec=None), max_size=40))
@settings(max_examples=150, deadline=None)
def test_any_text_ends_in_one_message(text):
    accepted_or_explained(text)


OTHER_WORDS = 'for in and or not sum x y l 1 2.5 .. ( ) [ ] + - * / ^ = == < , : "a"'
WORDS = [*STATEMENTS, *OTHER_WORDS.split(), "\n"]


@given(st.lists(st.sampled_from(WORDS), max_size=14))
@settings(max_examples=400, deadline=None)
def test_any_words_end_in_one_message(words):
    accepted_or_explained(" ".join(words))
