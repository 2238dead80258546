"""The actions of the grammar: what each rule of grammar.lark makes of its parts.

They run at reductions, innermost first, so that no input can exhaust Python's stack here.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lark import Transformer, v_args

from symbp.errors import Span, SyntaxProblem
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
    Syntax,
    SyntaxLine,
    TitleLine,
    Unary,
)
from symbp.spec.latex import latex, title
from symbp.spec.tokens import MAX_DEPTH, Token

Lines = list[SyntaxLine]
Positions = tuple[tuple[Syntax, ...], Span]
Placed = Token | Syntax | Range | Span

_LETTERS = "µαβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΥΦΨΩ"
_SPELT = """mu alpha beta gamma delta epsilon zeta eta theta iota kappa lambda_ mu nu xi pi rho sigma tau
    upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega"""
_GREEK = dict(zip(_LETTERS, _SPELT.split(), strict=True))

MAX_DIGITS = 60
_LARGEST, _SMALLEST = Fraction(10) ** 300, Fraction(1, 10**300)


def _span(place: Placed) -> Span:
    span = place if isinstance(place, Span) else place.span
    if span is None:
        raise ValueError("a node that was read from text has no place")
    return span


def _join(first: Placed, last: Placed) -> Span:
    """From the first to the last; of several lines the first place only."""
    a, b = _span(first), _span(last)
    return Span(a.source, a.line, a.column, b.column + b.width - a.column) if a.line == b.line else a


def spelt(name: str) -> str:
    """A name with its Greek letter spelt out: δ is another spelling of delta."""
    head = _GREEK.get(name[:1])
    return head + name[1:] if head else name


def _times(factors: list[Syntax]) -> Syntax:
    if len(factors) == 1:
        return factors[0]
    return Chain("*", tuple(factors), _join(factors[0], factors[-1]))


@v_args(inline=True)
class Actions(Transformer[Token, tuple[SyntaxLine, ...]]):
    """What each rule or alias of grammar.lark returns: the method of its name."""

    # ── expressions ───────────────────────────────────────────────────────────────────────────────

    def name(self, token: Token) -> Name:
        """A name; Greek letters are spelt out."""
        return Name(spelt(str(token)), token.span)

    def number(self, token: Token) -> Num:
        """An exact number, if it is one that a float can hold."""
        digits, _, exponent = token.lower().partition("e")
        small = len(digits) <= MAX_DIGITS and len(exponent) <= 4
        value = Fraction(token) if small else Fraction(0)
        if not small or abs(value) > _LARGEST or 0 < abs(value) < _SMALLEST:
            raise SyntaxProblem(
                "this number is too long, too large or too small to compute with", token.span,
                f"write it with at most {MAX_DIGITS} digits, between 1e-300 and 1e300",
            )
        return Num(value, not digits.isdigit() or bool(exponent), token.span)

    def subscript(self, head: Name, positions: Positions) -> Subscript:
        """``a[i,j]``."""
        return Subscript(head.name, positions[0], _join(head, positions[1]))

    def positions(self, *parts: Any) -> Positions:
        """``[i,j]``: the positions, and the place where they end."""
        return parts[:-1], parts[-1].span

    def apply(self, head: Name, *parts: Any) -> Apply:
        """``f(u, v)``."""
        return Apply(head.name, parts[:-1], _join(head, parts[-1]))

    def bracketed(self, opening: Token, inner: Syntax, closing: Token) -> Syntax:
        """``(a + b)``: the node is the inner one, its place includes the brackets."""
        span = _join(opening, closing)
        match inner:
            case Num(value, decimal):
                return Num(value, decimal, span)
            case Name(text):
                return Name(text, span)
            case Subscript(text, at):
                return Subscript(text, at, span)
            case Apply(text, args):
                return Apply(text, args, span)
            case Unary(op, arg):
                return Unary(op, arg, span)
            case Chain(op, args):
                return Chain(op, args, span)
            case Binary(op, left, right):
                return Binary(op, left, right, span)
            case _:
                raise TypeError(f"{type(inner).__name__} is not a node of the syntax")

    def unary(self, op: Token, arg: Syntax) -> Unary:
        """``-a``, ``not a``."""
        return Unary(str(op), arg, _join(op, arg))

    def positive(self, _: Token, arg: Syntax) -> Syntax:
        """``+a`` is ``a``."""
        return arg

    def binary(self, left: Syntax, op: Token, right: Syntax) -> Binary:
        """Comparisons, ``and``, ``or``."""
        return Binary(str(op), left, right, _join(left, right))

    def power(self, base: Syntax, _: Token, exponent: Syntax) -> Binary:
        """``a^b`` and ``a**b`` are one."""
        return Binary("^", base, exponent, _join(base, exponent))

    def chain(self, first: Syntax, *rest: Any) -> Chain:
        """``a + b - c``, flat."""
        pairs = zip(rest[::2], rest[1::2], strict=True)
        terms = (self.unary(op, term) if op.type == "MINUS" else term for op, term in pairs)
        return Chain("+", (first, *terms), _join(first, rest[-1]))

    def product(self, first: Syntax, *rest: Any) -> Syntax:
        """``a*b/c*d``, from the left: a quotient takes all factors before it."""
        factors: list[Syntax] = [first]
        for op, factor in zip(rest[::2], rest[1::2], strict=True):
            if op.type == "STAR":
                factors.append(factor)
            else:
                factors = [Binary(str(op), _times(factors), factor, _join(first, factor))]
        return _times(factors)

    def range(self, head: Name, lo: Syntax, hi: Syntax) -> Range:
        """``p = 0..K-1``."""
        return Range(head.name, lo, hi, _join(head, hi))

    # ── statements ────────────────────────────────────────────────────────────────────────────────

    def index(self, *ranges: Range) -> Lines:
        """``index l = 1..L, t = 0..T-1``."""
        return [IndexLine(r, r.span) for r in ranges]

    def array(
        self,
        kind: Token,
        head: Name,
        label: Token | None,
        family: tuple[Name, ...] | None,
        dims: tuple[Syntax, ...] | None,
        integer: tuple[Syntax, Syntax] | None,
    ) -> Lines:
        """``param w[l] : n[l], n[l-1]``."""
        line = ArrayLine(
            str(kind), head.name, family or (), dims or (), latex(label), integer, head.span
        )
        return [line]

    def size(self, *names: Name) -> Lines:
        """``size s``."""
        return [SizeLine(n.name, n.span) for n in names]

    def labelled(self, head: Name, label: Token | None) -> FunctionLine:
        """One name of ``function sigma "\\sigma"``."""
        return FunctionLine(head.name, latex=latex(label), span=head.span)

    def function(self, head: Name, label: Token | None, *rest: Any) -> Lines:
        """``sigma(u) = …``."""
        return [FunctionLine(head.name, rest[:-1], rest[-1], latex(label), head.span)]

    def equation(
        self,
        head: Name,
        label: Token | None,
        at: Positions | None,
        body: Syntax,
        clause: tuple[Range, ...] | None,
    ) -> Lines:
        """``z[l,j] = … for l = 1..L``."""
        where, span = (at[0], _join(head, at[1])) if at else ((), _span(head))
        return [EquationLine(head.name, where, body, clause or (), latex(label), span)]

    def cost(self, head: Name, label: Token | None, body: Syntax) -> Lines:
        """``cost C = …``."""
        return [CostLine(head.name, body, latex(label), head.span)]

    def let(self, head: Name, label: Token | None, top: Token, bottom: Token) -> Lines:
        """``let delta = dC/dz``."""
        for part in (top, bottom):
            if not part.startswith("d") or len(part) == 1:
                raise SyntaxProblem(
                    f"expected d and a name, found '{part}'", part.span,
                    f"name the derivative of the cost by a variable: let {head.name} = dC/dz",
                )
        return [LetLine(head.name, top[1:], bottom[1:], latex(label), head.span)]

    # ── parts and the whole ───────────────────────────────────────────────────────────────────────

    def _tuple(self, *parts: Any) -> tuple[Any, ...]:
        return parts

    family = dims = integer = clause = _tuple

    def abstract(self, *functions: FunctionLine) -> Lines:
        """``function sigma, phi``."""
        return list(functions)

    def title(self, token: Token) -> Lines:
        """``title "The name of the model"``."""
        return [TitleLine(title(token), token.span)]

    def start(self, *statements: Lines) -> tuple[SyntaxLine, ...]:
        """All lines, none of them too deep."""
        lines = tuple(line for lines in statements for line in lines)
        for line in lines:
            check_depth(line)
        return lines


def check_depth(line: SyntaxLine) -> None:
    """Refuse what later passes, which do recurse, could not walk.

    Raises:
        SyntaxProblem: at the first node that lies deeper than :data:`~symbp.spec.tokens.MAX_DEPTH`.
    """
    pending: list[tuple[Any, int]] = [(line, 0)]
    while pending:
        node, depth = pending.pop()
        if isinstance(node, tuple):
            pending.extend((part, depth) for part in node)
        elif isinstance(node, _NODES):
            if depth > MAX_DEPTH:
                raise SyntaxProblem(
                    f"this expression is nested more than {MAX_DEPTH} deep", node.span,
                    "give its parts names, each on a line of its own",
                )
            pending.extend((getattr(node, part), depth + 1) for part in node.__slots__)


_NODES = (
    Apply, ArrayLine, Binary, Chain, CostLine, EquationLine, FunctionLine, IndexLine, Range,
    Subscript, Unary,
)
