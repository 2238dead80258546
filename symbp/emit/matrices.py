"""A matrix form by itself: in LaTeX, and as a NumPy expression of one example.

Both print the same tree (:mod:`symbp.arrays.matrix_nodes`), so that they cannot say different things.
"""

from __future__ import annotations

from symbp.arrays import matrix_nodes as mat
from symbp.arrays.matrix_entry import entry
from symbp.arrays.matrix_nodes import Matrix, shape
from symbp.arrays.matrix_terms import axis, turned
from symbp.arrays.views import matrix_view
from symbp.calculus.affine import Index, affine, fresh, show
from symbp.calculus.expr import (
    ONE,
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
from symbp.derive.norms import Norms
from symbp.emit.document import document
from symbp.emit.math import Printer, printer
from symbp.emit.matrix_math import matrix_box, whole
from symbp.emit.matrix_text import (
    ATOM,
    CHOICE,
    NOTHING,
    POWER,
    PRODUCT,
    SUM,
    UNARY,
    apart,
    binding,
    conditions,
    enclosed,
    guarded,
    is_number,
    repeated,
)
from symbp.emit.numpy_names import user_name
from symbp.emit.tex import tex
from symbp.errors import SymbpError
from symbp.functions import BY_NAME
from symbp.model.core import Model


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
        self.norms = Norms(model)

    def text(self, node: Matrix, level: int) -> str:
        """The expression, in brackets if it binds less than ``level``."""
        out, own = self.piece(node)
        return f"({out})" if own < level else out

    def piece(self, node: Matrix) -> tuple[str, int]:
        match node:
            case mat.Leaf(element, axes):
                return self.element(element, axes), ATOM
            case mat.Scalar(expression):
                return self.scalar(expression)
            case mat.Ones(like):
                return f"np.ones({self.extent(like)})", ATOM
            case mat.Zeros(likes):
                sizes = ", ".join(map(self.extent, likes))
                return f"np.zeros({f'({sizes})' if len(likes) > 1 else sizes})", ATOM
            case mat.Unit(at, like):
                return f"np.eye({self.extent(like)})[{show(at)}]", ATOM
            case mat.Identity(like):
                return f"np.eye({self.extent(like)})", ATOM
            case mat.Transpose(arg):
                # an array with one axis is its own transpose
                one = shape(arg) == (True, False)
                return self.piece(arg) if one else (f"{self.text(arg, ATOM)}.T", ATOM)
            case mat.Product(args, inner):
                return self.product(args, inner)
            case mat.Hadamard(args) if any(isinstance(a, mat.Bracket) for a in args):
                return self.where(args)
            case mat.Hadamard(args):
                return "*".join(self.text(a, UNARY) for a in args), PRODUCT
            case mat.Scaled(factor, arg) if (front := guarded(node if is_number(arg) else factor))[0]:
                guards, rest = front
                whole = rest if is_number(arg) else arg if rest == NOTHING else mat.Scaled(rest, arg)
                return self.chosen(guards, self.piece(whole), self.zeros(arg))
            case mat.Scaled(factor, arg):
                return f"{self.text(factor, PRODUCT)}*{self.text(arg, UNARY)}", PRODUCT
            case mat.Quotient(num, den):
                above = self.text(num, PRODUCT if isinstance(num, mat.Scaled) else UNARY)
                return f"{above}/{self.divisor(den)}", PRODUCT
            case mat.Plus(args):
                return self.sum(args), SUM
            case mat.Minus(arg):
                return f"-{self.text(arg, UNARY)}", UNARY
            case _:
                return self.applied(node)

    def divisor(self, node: Matrix) -> str:
        """What divides; a quotient by a norm that is 0, a distance of a point from itself, is 0."""
        text = self.text(node, POWER)
        places = tuple(affine(fresh("i")) if has else None for has in shape(node))
        if any(places) and self.norms.guards:
            one = Div(ONE, entry(node, *places))
            if self.norms.quotient(one) != one:
                return f"np.where({self.text(node, SUM)} == 0, np.inf, {self.text(node, SUM)})"
        return text

    def zeros(self, like: Matrix) -> str:
        """What stands there outside of a range: as many zeros."""
        axes = [axis(like, column=n == 1) for n, has in enumerate(shape(like)) if has]
        known = [i for i in axes if i is not None]
        return self.piece(mat.Zeros(tuple(known)))[0] if known and len(known) == len(axes) else "0"

    def chosen(self, guards: list[Expr], inside: tuple[str, int], outside: str) -> tuple[str, int]:
        """Python's own choice: what is not chosen is not read, so that it may lie outside of an array."""
        holds = " and ".join(map(self.condition, guards))
        return f"{enclosed(inside, SUM)} if {holds} else {outside}", CHOICE

    def product(self, args: tuple[Matrix, ...], inner: tuple[Index | None, ...]) -> tuple[str, int]:
        if None in inner:
            cut = inner.index(None) + 1
            column = turned(mat.Product(args[cut:], inner[cut:]))
            left, right = self.product(args[:cut], inner[: cut - 1]), self.piece(column)
            return f"np.outer({left[0]}, {right[0]})", ATOM
        if len(args) == 1:
            return self.piece(args[0])
        place = next((n for n, a in enumerate(args[:-1]) if isinstance(a, mat.OneHot)), None)
        if place is not None and not isinstance(args[-1], mat.Ones):
            return self.gathered(args, inner, place)
        if isinstance(args[-1], mat.Ones):
            total = self.axis_sum(args[-2])
            return total if len(args) == 2 else (f"{self.chain(args[:-2])} @ {total[0]}", PRODUCT)
        return self.chain(args), PRODUCT

    def gathered(
        self, args: tuple[Matrix, ...], inner: tuple[Index | None, ...], place: int
    ) -> tuple[str, int]:
        """One-hot rows times a matrix choose rows of it."""
        labels = args[place]
        assert isinstance(labels, mat.OneHot)
        rest = self.product(args[place + 1 :], inner[place + 1 :])
        rows = f"{enclosed(rest, ATOM)}[{self.text(labels.arg, SUM)}]"
        return (f"{self.chain(args[:place])} @ {rows}", PRODUCT) if place else (rows, ATOM)

    def where(self, args: tuple[Matrix, ...]) -> tuple[str, int]:
        """Factors behind conditions: where one fails the others need not be finite."""
        brackets = [a for a in args if isinstance(a, mat.Bracket)]
        holds = " & ".join(self.holds(a, POWER if len(brackets) > 1 else SUM) for a in brackets)
        rest = tuple(a for a in args if not isinstance(a, mat.Bracket))
        inside = "1.0" if not rest else self.text(rest[0] if len(rest) == 1 else mat.Hadamard(rest), SUM)
        return f"np.where({holds}, {inside}, {'0' if rest else '0.0'})", ATOM

    def holds(self, node: Matrix, level: int = SUM) -> str:
        """A condition on the entries of arrays, in brackets beside & and |."""
        assert isinstance(node, mat.Bracket)
        match node.op:
            case "not":
                return f"~({self.holds(node.args[0])})"
            case "and" | "or":
                sign = " & " if node.op == "and" else " | "
                out = sign.join(self.holds(a, POWER) for a in node.args)
            case _:
                out = f" {node.op} ".join(self.text(a, SUM) for a in node.args)
        return f"({out})" if level > SUM else out

    def extreme(self, node: mat.Softmax) -> tuple[str, int]:
        """1 at the largest entry, of each row of a matrix, shared equally at a tie."""
        along = ", axis=1, keepdims=True" if shape(node) == (True, True) else ""
        arg = self.text(node.arg, SUM)
        hits = f"{arg} == np.{node.op[3:]}({arg}{along})"
        return f"({hits})/np.sum({hits}{along})", PRODUCT

    def chain(self, args: tuple[Matrix, ...]) -> str:
        return " @ ".join(self.text(a, UNARY) for a in args)

    def axis_sum(self, node: Matrix) -> tuple[str, int]:
        """A matrix times ones: a sum over its columns."""
        if isinstance(node, mat.Transpose):
            return f"np.sum({self.text(node.arg, SUM)}, axis=0)", ATOM
        return f"np.sum({self.text(node, SUM)}, axis=1)", ATOM

    def applied(self, node: Matrix) -> tuple[str, int]:
        match node:
            case mat.Power(mat.Norm(arg, _), Number(value)) if value == 2:
                return f"np.sum({self.text(mat.Power(arg, number(2)), SUM)})", ATOM
            case mat.Power(base, exponent):
                return f"{self.text(base, ATOM)}**{enclosed(self.scalar(exponent), ATOM)}", POWER
            case mat.Raised((base, exponents)):
                return f"{self.text(base, ATOM)}**{self.text(exponents, ATOM)}", POWER
            case mat.Mapped(function, args, orders):
                return self.call(function, orders, [self.text(a, SUM) for a in args]), ATOM
            case mat.Softmax(arg, _, op):
                return (f"softmax({self.text(arg, SUM)})", ATOM) if op == "softmax" else self.extreme(node)
            case mat.OneHot(arg, like):
                return f"np.eye({self.extent(like)})[{self.text(arg, SUM)}]", ATOM
            case mat.Bracket():
                return self.where((node,))
            case mat.Norm(arg, _):
                return f"np.linalg.norm({self.text(arg, SUM)})", ATOM
            case mat.Trace(arg, _):
                return f"np.trace({self.text(arg, SUM)})", ATOM
            case mat.MatrixPower(base, n, _):
                return f"np.linalg.matrix_power({self.text(base, SUM)}, {n})", ATOM
            case mat.Folded("logsumexp", arg, _):
                whole = ", axis=None" if shape(arg) == (True, True) else ""
                return f"np.logaddexp.reduce({self.text(arg, SUM)}{whole})", ATOM
            case mat.Folded(op, arg, _):
                return f"np.{op}({self.text(arg, SUM)})", ATOM
            case mat.Diag(arg) | mat.Diagonal(arg):
                return f"np.diag({self.text(arg, SUM)})", ATOM
            case mat.SequenceSum(indices, arg):
                return f"sum({self.text(arg, SUM)} {self.loops(indices)})", ATOM
            case _:
                raise SymbpError(f"{type(node).__name__} has no NumPy expression")

    def sum(self, args: tuple[Matrix, ...]) -> str:
        full = any(shape(a) == (True, True) and repeated(a) is None for a in args)
        out = ""
        for arg in args:
            minus = isinstance(arg, mat.Minus)
            inner = arg.arg if isinstance(arg, mat.Minus) else arg
            shown = (self.broadcast(inner) if full else None) or self.text(inner, PRODUCT)
            out += f" {'-' if minus else '+'} {shown}" if out else f"{'-' * minus}{shown}"
        return out

    def broadcast(self, node: Matrix) -> str | None:
        """A vector in every row or column of a sum with a matrix: NumPy repeats it by itself."""
        spread = repeated(node)
        if spread is None:
            return None
        vector, by_row = spread
        return self.text(vector, PRODUCT) if by_row else f"{self.text(vector, ATOM)}[:, None]"

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
                    return str(value.numerator), UNARY if value < 0 else ATOM
                return f"{value.numerator}/{value.denominator}", PRODUCT
            case Integer(value):
                return show(value), binding(value)
            case Ref(_, indices) | Adjoint(_, indices):
                at = f"[{', '.join(map(show, indices))}]" if indices else ""
                return self.name(node) + at, ATOM
            case Neg(arg):
                return f"-{enclosed(self.scalar(arg), UNARY)}", UNARY
            case Add(terms):
                first, *rest = map(self.signed, terms)
                signs = (f" {'-' if minus else '+'} {text}" for minus, text in rest)
                return f"{'-' * first[0]}{first[1]}{''.join(signs)}", SUM
            case Mul(factors) if any(map(conditions, factors)):
                guards, kept = apart(factors)
                return self.chosen(guards, self.scalar(kept), "0")
            case Mul(factors):
                return "*".join(enclosed(self.scalar(f), UNARY) for f in factors) or "1", PRODUCT
            case Div(num, den):
                return f"{enclosed(self.scalar(num), UNARY)}/{enclosed(self.scalar(den), POWER)}", PRODUCT
            case Pow(base, exponent):
                raised = enclosed(self.scalar(exponent), ATOM)
                return f"{enclosed(self.scalar(base), ATOM)}**{raised}", POWER
            case Call(function, args, orders):
                return self.call(function, orders, [self.scalar(a)[0] for a in args]), ATOM
            case Where(cond, then, other):
                texts = enclosed(self.scalar(then), SUM), self.scalar(other)[0]
                return f"{texts[0]} if {self.condition(cond)} else {texts[1]}", CHOICE
            case Within() | Indicator():
                return f"1 if {self.condition(node)} else 0", CHOICE
            case _:
                raise SymbpError(f"{type(node).__name__} has no plain NumPy expression")

    def signed(self, term: Expr) -> tuple[bool, str]:
        """Whether a term is subtracted, and what: -1 is, with 1."""
        match term:
            case Neg(arg):
                return True, enclosed(self.scalar(arg), PRODUCT)
            case Number(value, decimal) if value < 0:
                return True, self.scalar(Number(-value, decimal))[0]
            case _:
                return False, enclosed(self.scalar(term), SUM)

    def condition(self, node: Expr) -> str:
        """A condition of the indexed form, on numbers, as Python writes it."""
        match node:
            case Compare(op, left, right):
                return f"{enclosed(self.scalar(left), SUM)} {op} {enclosed(self.scalar(right), SUM)}"
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
