"""What was expected, in the user's words: one remedy for each way of going wrong that is common.

Each function of :data:`REMEDIES` recognises one kind of mistake and returns the message, or None; the
first that recognises it wins.  To explain another mistake, write a function and put it into the tuple.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from symbp.errors import Span, SyntaxProblem
from symbp.functions import BY_NAME, CONSTANTS, INDEX_BOUND, REDUCTIONS
from symbp.spec.language import language
from symbp.spec.scan import STATEMENTS, reserved
from symbp.spec.tokens import Token

FORMS = {
    "title": 'title "The name of the model"',
    "index": "index l = 1..L",
    "param": "param w[l] : n[l], n[l-1]",
    "input": "input x : n[0], or for labels: input c in 0..K-1",
    "const": "const X : N, D",
    "size": "size s",
    "function": "function sigma",
    "cost": "cost C = sum((a[j] - y[j])^2, j)",
    "let": "let delta = dC/dz, where C is the cost and z a variable, without indices",
}
_COMPARISONS = frozenset({"LESS", "LESSEQ", "MORE", "MOREEQ", "SAME", "OTHER"})
_OPERATORS = _COMPARISONS | {"PLUS", "MINUS", "STAR", "SLASH", "FLOOR", "CARET", "POWER", "AND", "OR"}
_OPERANDS = frozenset({"NAME", "NUMBER", "LPAR"})
_OPENERS = frozenset(word.upper() for word in STATEMENTS)
_ORDER = ("RPAR", "RSQB", "COMMA", "EQUAL", "COLON", "DOTS", "SLASH", "LSQB", "LPAR", "IN", "FOR",
          "STRING")


@dataclass(frozen=True, slots=True)
class Mistake:
    """A token that cannot stand where it stands: the statement up to it, and what could stand there."""

    before: Sequence[Token]
    token: Token
    accepts: frozenset[str]

    @property
    def first(self) -> Token:
        """The token with which the statement begins."""
        return self.before[0] if self.before else self.token

    @property
    def last(self) -> Token:
        """The token before the mistake."""
        return self.before[-1] if self.before else self.token

    @property
    def in_body(self) -> bool:
        """Whether the statement's = lies before the mistake."""
        return any(t.type == "EQUAL" for t in self.before)

    @property
    def span(self) -> Span:
        """The place to show: behind the last word where the line ended too early."""
        if self.token.type != "_NL":
            return self.token.span
        last = self.last.span
        return Span(last.source, last.line, last.column + last.width)

    @property
    def found(self) -> str:
        """The token in words."""
        ended = self.token.type == "_NL"
        return "but the line ends" if ended else f"found '{self.token}'"

    def problem(self, message: str, hint: str, span: Span | None = None) -> SyntaxProblem:
        """A message at the mistake, or at ``span``."""
        return SyntaxProblem(message, span or self.span, hint)


def explain(tokens: Sequence[Token], position: int, accepts: frozenset[str]) -> SyntaxProblem:
    """The message for the token at ``position``, where only ``accepts`` could stand."""
    start = position
    while start and tokens[start - 1].type != "_NL":
        start -= 1
    mistake = Mistake(tokens[start:position], tokens[position], accepts)
    found = (remedy(mistake) for remedy in REMEDIES)
    return next(problem for problem in found if problem)


# ── remedies, the most particular first ───────────────────────────────────────────────────────────


def _keyword_as_name(m: Mistake) -> SyntaxProblem | None:
    if m.token.type in ("FOR", "IN", "AND", "OR", "NOT") and (
        not m.before or ("NAME" in m.accepts and m.token.type != "IN")
    ):
        return reserved(m.token)
    if m.last.type in _OPENERS and len(m.before) == 1 and m.token.type in ("EQUAL", "LSQB", "LPAR"):
        return reserved(m.last)
    return None


def _misspelt_keyword(m: Mistake) -> SyntaxProblem | None:
    """``parma w``: two words side by side where the first is almost a keyword."""
    words = [*m.before, m.token][:2]
    if m.in_body or len(words) < 2 or words[0].type != "NAME":
        return None
    if words[1].type not in ("NAME", "STRING"):
        return None
    close = get_close_matches(words[0].lower(), STATEMENTS, 1, 0.6)
    if close:
        return m.problem(
            f"unknown statement '{words[0]}'", f"did you mean {close[0]}?", words[0].span
        )
    return None


def _undeclared(m: Mistake) -> SyntaxProblem | None:
    """``x : D``: a shape without the keyword that says what the array is."""
    if m.token.type != "COLON" or m.first.type != "NAME" or m.in_body:
        return None
    return m.problem(
        f"expected '=', {m.found}",
        f"say what it is, param, input or const: input {m.first} : D",
    )


def _comparison_for_equation(m: Mistake) -> SyntaxProblem | None:
    if m.token.type == "SAME" and "EQUAL" in m.accepts:
        return m.problem("expected '=', found '=='", "an equation is written with one =")
    return None


def _second_equation(m: Mistake) -> SyntaxProblem | None:
    if m.token.type == "EQUAL" and m.in_body and "STAR" in m.accepts:
        return m.problem(
            "a second '=' in one statement",
            "write one equation a line; inside where( ) compare with ==",
        )
    return None


def _missing_equals(m: Mistake) -> SyntaxProblem | None:
    starts = m.token.type in _OPERANDS | {"MINUS", "NOT", "_NL"}
    if not starts or "EQUAL" not in m.accepts or "STAR" in m.accepts:
        return None
    form = FORMS.get(m.first, "z[j] = sum(w[j,k]*x[k], k)")
    opened = ", or one of the keywords " + ", ".join(STATEMENTS) if len(m.before) == 1 else ""
    return m.problem(f"expected '=', {m.found}", f"a statement reads, for example, {form}{opened}")


CALLED = frozenset({*BY_NAME, *REDUCTIONS, *INDEX_BOUND, "where"}) - CONSTANTS


def _missing_operator(m: Mistake) -> SyntaxProblem | None:
    if m.token.type not in _OPERANDS or "STAR" not in m.accepts:
        return None
    left = "(…)" if m.last.type == "RPAR" else "a[i]" if m.last.type == "RSQB" else m.last
    right = "(…)" if m.token.type == "LPAR" else m.token
    hint = f"write a product with *: {left}*{right}"
    if m.token == "if":
        hint = "write a choice as where(condition, value, other)"
    elif m.last in CALLED:
        hint = f"write the arguments of {m.last} in parentheses: {m.last}(…)"
    elif "COMMA" in m.accepts:
        hint += f"; or put a comma: {left}, {right}"
    return m.problem(f"expected an operator between '{m.last}' and '{m.token}'", hint)


def _double_slash(m: Mistake) -> SyntaxProblem | None:
    near = (t for t in (*m.before[-2:], m.token) if t.type == "FLOOR")
    for found in near:
        return m.problem(
            "'//' divides one size by another here, as in (N-P)//2",
            "write a quotient of values with one /, and begin a comment with #", found.span,
        )
    return None


def _chained_comparison(m: Mistake) -> SyntaxProblem | None:
    if m.token.type in _COMPARISONS and "AND" in m.accepts:
        return m.problem(
            "comparisons cannot be chained", "join two comparisons: 0 < i and i < n"
        )
    return None


def _loop_clause(m: Mistake) -> SyntaxProblem | None:
    if m.token.type == "IN" and any(t.type == "FOR" for t in m.before):
        return m.problem("expected '=', found 'in'", "a range is written for l = 1..L")
    return None


def _comprehension(m: Mistake) -> SyntaxProblem | None:
    """``sum(w[k]*x[k] for k in range(n))``, as in Python."""
    called = next((t for t in reversed(m.before) if t in REDUCTIONS), None)
    if m.token.type != "FOR" or "RPAR" not in m.accepts or called is None:
        return None
    return m.problem(
        f"expected {_expected(m.accepts)}, {m.found}",
        f"name the index behind a comma, {called}(…, k); its range is inferred, or written k=0..K-1",
    )


def _late_latex(m: Mistake) -> SyntaxProblem | None:
    """``param G[l] "W^{T}"``: the name in LaTeX behind the index of a family."""
    if m.token.type != "STRING" or m.last.type != "RSQB" or m.first.type not in ("PARAM", "INPUT", "CONST"):
        return None
    name = m.before[1]
    return m.problem(
        f"expected {_expected(m.accepts)}, {m.found}",
        f"the name for LaTeX stands directly behind the name: {m.first} {name} {m.token}[l]",
    )


def _bare_integer(m: Mistake) -> SyntaxProblem | None:
    if m.token.type == "IN" and m.last.type == "COLON":
        return m.problem(
            "expected a size, found 'in'", "a scalar has no ':', as in input c in 0..K-1"
        )
    return None


def _several_names(m: Mistake) -> SyntaxProblem | None:
    if m.token.type == "COMMA" and m.first.type in ("PARAM", "INPUT", "CONST", "COST", "LET"):
        return m.problem(
            f"expected {_expected(m.accepts)}, found ','",
            f"give every {m.first} a line of its own",
        ) if not any(t.type in ("COLON", "IN", "EQUAL") for t in m.before) else None
    return None


def _indexed_expression(m: Mistake) -> SyntaxProblem | None:
    if m.token.type == "LSQB" and m.last.type in ("RPAR", "RSQB", "NUMBER"):
        return m.problem(
            f"expected {_expected(m.accepts)}, found '['",
            "put all indices into one pair of brackets, as in w[j,k]" if m.last.type == "RSQB" else
            "only a name has indices, all in one pair of brackets: name the expression on a line of "
            "its own, z[i] = …",
        )
    return None


def _empty_brackets(m: Mistake) -> SyntaxProblem | None:
    closes = {"LPAR": "RPAR", "LSQB": "RSQB"}.get(m.last.type)
    if m.token.type == closes:
        return m.problem(
            f"there is nothing in the brackets '{m.last}{m.token}'",
            "write what belongs there, or leave the brackets out", m.last.span,
        )
    return None


def _unfinished(m: Mistake) -> SyntaxProblem | None:
    if m.token.type == "_NL" and "NUMBER" in m.accepts and m.in_body:
        return m.problem(
            f"expected {_expected(m.accepts)}, but the line ends",
            "finish the line; to continue on the next one, put the expression in ( )",
        )
    return None


def _plain(m: Mistake) -> SyntaxProblem:
    form = FORMS.get(m.first, "") if not (m.first.type == "COST" and m.in_body) else ""
    if not m.before:
        hint = "a line is an equation, z[j] = …, or begins with " + ", ".join(STATEMENTS)
        return m.problem(f"expected a statement, {m.found}", hint)
    hint = f"the statement reads, for example, {form}" if form else _advice(m)
    return m.problem(f"expected {_expected(m.accepts)}, {m.found}", hint)


def _advice(m: Mistake) -> str:
    if not m.token.strip():
        return "finish the statement"
    if "NAME" in m.accepts and "NUMBER" not in m.accepts:
        return "a name begins with a letter and has letters, digits and underscores"
    return f"look for something missing before '{m.token}', or delete it"


REMEDIES: tuple[Callable[[Mistake], SyntaxProblem | None], ...] = (
    _misspelt_keyword,
    _undeclared,
    _bare_integer,
    _loop_clause,
    _comprehension,
    _late_latex,
    _keyword_as_name,
    _comparison_for_equation,
    _second_equation,
    _missing_equals,
    _double_slash,
    _missing_operator,
    _chained_comparison,
    _several_names,
    _indexed_expression,
    _empty_brackets,
    _unfinished,
    _plain,
)


# ── words for terminals ───────────────────────────────────────────────────────────────────────────


def _expected(accepts: frozenset[str]) -> str:
    """At most four alternatives, in words."""
    expression, operator = "NUMBER" in accepts, "STAR" in accepts
    words = ["an expression"] if expression else ["a name"] if "NAME" in accepts else []
    plain = [kind for kind in _ORDER if kind in accepts]
    if expression:
        plain = [kind for kind in plain if kind not in ("LPAR",)]
    if operator:
        plain = [kind for kind in plain if kind not in ("LPAR", "LSQB", "SLASH")]
    words += [_word(kind) for kind in plain]
    if operator:
        words.append("an operator")
    if "_NL" in accepts and "TITLE" not in accepts:
        words.append("the end of the line")
    words = words[:4] or ["something else"]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _word(kind: str) -> str:
    if kind == "STRING":
        return "text in quotation marks"
    return f"'{language().get_terminal(kind).pattern.value}'"
