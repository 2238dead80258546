"""A matrix form by itself: in LaTeX, and as a NumPy expression of one example.

Both print the same tree (:mod:`symbp.arrays.matrix_nodes`), so that they cannot say different things.
"""

from __future__ import annotations

from symbp.arrays import matrix_nodes as mat
from symbp.arrays.matrix_nodes import Matrix, shape
from symbp.arrays.matrix_terms import axis, turned
from symbp.arrays.views import matrix_view
from symbp.calculus.affine import Affine, Index, show
from symbp.calculus.construct import mul
from symbp.calculus.expr import (
    ONE,
    ZERO,
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
    Pow,
    Ref,
    Where,
    Within,
    number,
)
from symbp.derive.core import AdjointSystem, Case
from symbp.emit.document import document
from symbp.emit.math import Printer, printer
from symbp.emit.matrix_math import matrix_box, whole
from symbp.emit.numpy_names import user_name
from symbp.emit.tex import tex
from symbp.errors import SymbpError
from symbp.functions import BY_NAME
from symbp.model.core import Model

_CHOICE, _SUM, _PRODUCT, _UNARY, _POWER, _ATOM = range(6)


def _named(model: Model, case: Case) -> Printer:
    return printer(model).naming({i: i.name for i in case.indices})


def matrix_latex(model: Model, case: Case, form: Matrix) -> str:
    """The right side of a matrix form: ``((w^l)^T δ^l) ⊙ σ′(z^{l-1})`` in LaTeX."""
    return tex(matrix_box(_named(model, case), form))


def derivation_latex(system: AdjointSystem, variable: str) -> str:
    """All cases of an adjoint for a notebook cell: the last lines, between ``$$``."""
    rows = []
    for case in system.cases[variable]:
        place = _named(system.model, case)
        view = matrix_view(system.model.arrays, case)
        if view.form is not None:
            rows.append(f"{tex(whole(place, case.lhs))} &= {tex(matrix_box(place, view.form))}")
            continue
        sheet = document(system, (variable,), detail="result")
        part = next(p for p in sheet.sections[0].parts if p.number == case.number)
        rows.append(f"{tex(part.lhs)} &= {tex(part.steps[-1].rhs)}")
    body = " \\\\\n".join(rows)
    return f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n$$"


# ── NumPy ─────────────────────────────────────────────────────────────────────────────────────────


def matrix_numpy(model: Model, form: Matrix) -> str:
    """A matrix form as a NumPy expression of one example.

    Arrays have their names, members of a family stand in brackets (``w[l]``), adjoints have the name
    that ``let`` gave them, else ``d`` and the name of the array.

    Raises:
        SymbpError: for an entry that has no plain NumPy expression.
    """
    return _Numpy(model).piece(form)[0]


class _Numpy:
    def __init__(self, model: Model) -> None:
        self.model = model

    def text(self, node: Matrix, level: int) -> str:
        """The expression, in brackets if it binds less than ``level``."""
        out, own = self.piece(node)
        return f"({out})" if own < level else out

    def piece(self, node: Matrix) -> tuple[str, int]:
        match node:
            case mat.Leaf(element, axes):
                return self.element(element, axes), _ATOM
            case mat.Scalar(expression):
                return self.scalar(expression)
            case mat.Ones(like):
                return f"np.ones({self.extent(like)})", _ATOM
            case mat.Zeros(likes):
                sizes = ", ".join(map(self.extent, likes))
                return f"np.zeros({f'({sizes})' if len(likes) > 1 else sizes})", _ATOM
            case mat.Unit(at, like):
                return f"np.eye({self.extent(like)})[{show(at)}]", _ATOM
            case mat.Identity(like):
                return f"np.eye({self.extent(like)})", _ATOM
            case mat.Transpose(arg):
                # an array with one axis is its own transpose
                one = shape(arg) == (True, False)
                return self.piece(arg) if one else (f"{self.text(arg, _ATOM)}.T", _ATOM)
            case mat.Product(args, inner):
                return self.product(args, inner)
            case mat.Hadamard(args):
                return "*".join(self.text(a, _UNARY) for a in args), _PRODUCT
            case mat.Scaled(factor, arg) if (front := _guarded(node if _number(arg) else factor))[0]:
                guards, rest = front
                whole = rest if _number(arg) else arg if rest == _NOTHING else mat.Scaled(rest, arg)
                return self.chosen(guards, self.piece(whole), self.zeros(arg))
            case mat.Scaled(factor, arg):
                return f"{self.text(factor, _PRODUCT)}*{self.text(arg, _UNARY)}", _PRODUCT
            case mat.Quotient(num, den):
                above = self.text(num, _PRODUCT if isinstance(num, mat.Scaled) else _UNARY)
                return f"{above}/{self.text(den, _POWER)}", _PRODUCT
            case mat.Plus(args):
                return self.sum(args), _SUM
            case mat.Minus(arg):
                return f"-{self.text(arg, _UNARY)}", _UNARY
            case _:
                return self.applied(node)

    def zeros(self, like: Matrix) -> str:
        """What stands there outside of a range: as many zeros."""
        axes = [axis(like, column=n == 1) for n, has in enumerate(shape(like)) if has]
        known = [i for i in axes if i is not None]
        return self.piece(mat.Zeros(tuple(known)))[0] if known and len(known) == len(axes) else "0"

    def chosen(self, guards: list[Expr], inside: tuple[str, int], outside: str) -> tuple[str, int]:
        """Python's own choice: what is not chosen is not read, so that it may lie outside of an array."""
        holds = " and ".join(map(self.condition, guards))
        return f"{_bracket(inside, _SUM)} if {holds} else {outside}", _CHOICE

    def product(self, args: tuple[Matrix, ...], inner: tuple[Index | None, ...]) -> tuple[str, int]:
        if None in inner:
            cut = inner.index(None) + 1
            column = turned(mat.Product(args[cut:], inner[cut:]))
            left, right = self.product(args[:cut], inner[: cut - 1]), self.piece(column)
            return f"np.outer({left[0]}, {right[0]})", _ATOM
        if len(args) == 1:
            return self.piece(args[0])
        if isinstance(args[-1], mat.Ones):
            total = self.axis_sum(args[-2])
            return total if len(args) == 2 else (f"{self.chain(args[:-2])} @ {total[0]}", _PRODUCT)
        return self.chain(args), _PRODUCT

    def chain(self, args: tuple[Matrix, ...]) -> str:
        return " @ ".join(self.text(a, _UNARY) for a in args)

    def axis_sum(self, node: Matrix) -> tuple[str, int]:
        """A matrix times ones: a sum over its columns."""
        if isinstance(node, mat.Transpose):
            return f"np.sum({self.text(node.arg, _SUM)}, axis=0)", _ATOM
        return f"np.sum({self.text(node, _SUM)}, axis=1)", _ATOM

    def applied(self, node: Matrix) -> tuple[str, int]:
        match node:
            case mat.Power(mat.Norm(arg, _), Number(value)) if value == 2:
                return f"np.sum({self.text(mat.Power(arg, number(2)), _SUM)})", _ATOM
            case mat.Power(base, exponent):
                return f"{self.text(base, _ATOM)}**{_bracket(self.scalar(exponent), _ATOM)}", _POWER
            case mat.Mapped(function, args, orders):
                return self.call(function, orders, [self.text(a, _SUM) for a in args]), _ATOM
            case mat.Softmax(arg, _):
                return f"softmax({self.text(arg, _SUM)})", _ATOM
            case mat.Norm(arg, _):
                return f"np.linalg.norm({self.text(arg, _SUM)})", _ATOM
            case mat.Trace(arg, _):
                return f"np.trace({self.text(arg, _SUM)})", _ATOM
            case mat.MatrixPower(base, n, _):
                return f"np.linalg.matrix_power({self.text(base, _SUM)}, {n})", _ATOM
            case mat.Folded(op, arg, _):
                inner = self.text(arg, _SUM)
                return f"np.{'logaddexp.reduce' if op == 'logsumexp' else op}({inner})", _ATOM
            case mat.Diag(arg) | mat.Diagonal(arg):
                return f"np.diag({self.text(arg, _SUM)})", _ATOM
            case mat.SequenceSum(indices, arg):
                return f"sum({self.text(arg, _SUM)} {self.loops(indices)})", _ATOM
            case _:
                raise SymbpError(f"{type(node).__name__} has no NumPy expression")

    def sum(self, args: tuple[Matrix, ...]) -> str:
        full = any(shape(a) == (True, True) and _repeated(a) is None for a in args)
        out = ""
        for arg in args:
            minus = isinstance(arg, mat.Minus)
            inner = arg.arg if isinstance(arg, mat.Minus) else arg
            shown = (self.broadcast(inner) if full else None) or self.text(inner, _PRODUCT)
            out += f" {'-' if minus else '+'} {shown}" if out else f"{'-' * minus}{shown}"
        return out

    def broadcast(self, node: Matrix) -> str | None:
        """A vector in every row or column of a sum with a matrix: NumPy repeats it by itself."""
        spread = _repeated(node)
        if spread is None:
            return None
        vector, by_row = spread
        return self.text(vector, _PRODUCT) if by_row else f"{self.text(vector, _ATOM)}[:, None]"

    def loops(self, indices: tuple[Index, ...]) -> str:
        return " ".join(f"for {i.name} in range({show(i.low)}, {show(i.high + 1)})" for i in indices)

    def extent(self, index: Index) -> str:
        return show(index.extent)

    def call(self, function: str, orders: tuple[int, ...], args: list[str]) -> str:
        if any(orders):
            return f"{user_name(function, orders)}({', '.join(args)})"
        record = BY_NAME.get(function) if function not in self.model.functions else None
        return record.numpy.format(*args) if record is not None else f"{function}({', '.join(args)})"

    def element(self, node: Ref | Adjoint | Functional, axes: tuple[Index, ...]) -> str:
        if isinstance(node, Functional):
            return f"grad_{node.name}"
        kept = [p for p in node.indices if p.as_index() not in axes]
        return self.name(node) + (f"[{', '.join(map(show, kept))}]" if kept else "")

    def name(self, node: Ref | Adjoint) -> str:
        if isinstance(node, Ref):
            return node.name
        return self.model.adjoints.get(node.name, f"d{node.name}")

    def scalar(self, node: Expr) -> tuple[str, int]:
        """A scalar of the indexed form as a Python expression."""
        match node:
            case Number(value):
                if value.denominator == 1:
                    return str(value.numerator), _UNARY if value < 0 else _ATOM
                return f"{value.numerator}/{value.denominator}", _PRODUCT
            case Integer(value):
                return show(value), _level(value)
            case Ref(_, indices) | Adjoint(_, indices):
                at = f"[{', '.join(map(show, indices))}]" if indices else ""
                return self.name(node) + at, _ATOM
            case Neg(arg):
                return f"-{_bracket(self.scalar(arg), _UNARY)}", _UNARY
            case Add(terms):
                first, *rest = map(self.signed, terms)
                signs = (f" {'-' if minus else '+'} {text}" for minus, text in rest)
                return f"{'-' * first[0]}{first[1]}{''.join(signs)}", _SUM
            case Mul(factors) if any(map(_guards, factors)):
                guards, kept = _apart(factors)
                return self.chosen(guards, self.scalar(kept), "0")
            case Mul(factors):
                return "*".join(_bracket(self.scalar(f), _UNARY) for f in factors) or "1", _PRODUCT
            case Div(num, den):
                return f"{_bracket(self.scalar(num), _UNARY)}/{_bracket(self.scalar(den), _POWER)}", _PRODUCT
            case Pow(base, exponent):
                raised = _bracket(self.scalar(exponent), _ATOM)
                return f"{_bracket(self.scalar(base), _ATOM)}**{raised}", _POWER
            case Call(function, args, orders):
                return self.call(function, orders, [self.scalar(a)[0] for a in args]), _ATOM
            case Where(cond, then, other):
                texts = _bracket(self.scalar(then), _SUM), self.scalar(other)[0]
                return f"{texts[0]} if {self.condition(cond)} else {texts[1]}", _CHOICE
            case Within() | Indicator():
                return f"1 if {self.condition(node)} else 0", _CHOICE
            case _:
                raise SymbpError(f"{type(node).__name__} has no plain NumPy expression")

    def signed(self, term: Expr) -> tuple[bool, str]:
        """Whether a term is subtracted, and what: -1 is, with 1."""
        match term:
            case Neg(arg):
                return True, _bracket(self.scalar(arg), _PRODUCT)
            case Number(value, decimal) if value < 0:
                return True, self.scalar(Number(-value, decimal))[0]
            case _:
                return False, _bracket(self.scalar(term), _SUM)

    def condition(self, node: Expr) -> str:
        """A condition of the indexed form, on numbers, as Python writes it."""
        match node:
            case Compare(op, left, right):
                return f"{_bracket(self.scalar(left), _SUM)} {op} {_bracket(self.scalar(right), _SUM)}"
            case Logic("not", (arg,)):
                return f"not ({self.condition(arg)})"
            case Logic(op, args):
                return f" {op} ".join(f"({self.condition(a)})" for a in args)
            case Indicator(left, right):
                return f"{show(left)} == {show(right)}"
            case Within(value, lo, hi):
                return f"{show(lo)} <= {show(value)} <= {show(hi)}"
            case _:
                raise SymbpError(f"{type(node).__name__} is no condition with a plain NumPy expression")


def _repeated(node: Matrix) -> tuple[Matrix, bool] | None:
    """The vector that 1 bᵀ or b 1ᵀ repeats, and whether it stands in every row."""
    match node:
        case mat.Minus(arg):
            return _repeated(arg)
        case mat.Product((mat.Ones(), mat.Transpose(vector)), (None,)):
            return vector, True
        case mat.Product((vector, mat.Transpose(mat.Ones())), (None,)):
            return vector, False
        case _:
            return None


_NOTHING = mat.Scalar(ONE)


def _number(node: Matrix) -> bool:
    return shape(node) == (False, False)


def _guarded(node: Matrix) -> tuple[list[Expr], Matrix]:
    """The conditions among scalars, without which what follows is not read; the other scalars."""
    match node:
        case mat.Scalar(expression):
            guards, rest = _apart(expression.factors if isinstance(expression, Mul) else (expression,))
            return (guards, mat.Scalar(rest)) if guards else ([], node)
        case mat.Scaled(factor, arg) if _number(arg):
            (one, left), (two, right) = _guarded(factor), _guarded(arg)
            if _NOTHING in (left, right):
                return [*one, *two], right if left == _NOTHING else left
            return [*one, *two], mat.Scaled(left, right) if one or two else node
        case _:
            return [], node


def _guards(factor: Expr) -> list[Expr]:
    """The conditions of a factor that is 1 where they hold, else 0; none for another factor."""
    match factor:
        case Where(cond, then, other) if other == ZERO:
            inner = _guards(then)
            return [cond, *inner] if then == ONE or inner else []
        case Within() | Indicator():
            return [factor]
        case _:
            return []


def _apart(factors: tuple[Expr, ...]) -> tuple[list[Expr], Expr]:
    """The conditions of a product in their order, and what they stand before."""
    guards = [g for f in factors for g in _guards(f)]
    return guards, mul([f for f in factors if not _guards(f)])


def _level(value: Affine) -> int:
    return _ATOM if value.as_atom() is not None or value.is_const else _SUM


def _bracket(piece: tuple[str, int], level: int) -> str:
    text, own = piece
    return f"({text})" if own < level else text


