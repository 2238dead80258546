"""Matrix expressions as formulas: transposes, ⊙, diag."""

from __future__ import annotations

from collections.abc import Iterable

from symbp.arrays import matrix_nodes as mat
from symbp.arrays.matrix_nodes import Matrix
from symbp.calculus.affine import Affine, Index
from symbp.calculus.expr import Adjoint, Call, Expr, Functional, Ref, number
from symbp.emit import layout as lay
from symbp.emit.binders import compared, connected, signs
from symbp.emit.layout import Box, Fence, Frac, Script, Sym, Terms, Text, num, row
from symbp.emit.math import Printer, takes_power
from symbp.emit.pieces import (
    CLOSED,
    LETTER,
    PRODUCT,
    SUM,
    Piece,
    enclosed,
    fraction,
    juxtaposed,
    powered,
    sums_quotients,
)

_DIAG = Sym(r"\operatorname{diag}", "diag", "op")
_SOFTMAX = Sym(r"\operatorname{softmax}", "softmax", "op")
_TRACE = Sym(r"\operatorname{tr}", "tr", "op")
_ONE_HOT = Sym(r"\operatorname{onehot}", "onehot", "op")
_UNIT = Sym(r"\mathbf{e}", "𝐞")
_ONES = Sym(r"\mathbf{1}", "𝟏", "ord")
_ZEROS = Sym(r"\mathbf{0}", "𝟎", "ord")
_ENTRYWISE = CLOSED
"""A quotient or power entry by entry looks like one of scalars; the text says that it is not."""


def matrix_box(printer: Printer, node: Matrix) -> Box:
    """The formula of a matrix expression."""
    return _piece(printer, node).box


def matrix_piece(printer: Printer, node: Matrix) -> Piece:
    """The formula of a matrix expression with its binding."""
    return _piece(printer, node)


def whole(printer: Printer, element: Ref | Adjoint) -> Box:
    """The array of which an element is taken, its ordinary axes left out: δ^{l-1} for δ^{l-1}_k."""
    return _array(
        printer,
        element,
        tuple(i for p in element.indices if (i := p.as_index()) is not None and not i.sequence),
    )


def _array(printer: Printer, element: Ref | Adjoint, axes: tuple[Index, ...]) -> Box:
    at: tuple[Affine | None, ...] = tuple(None if p.as_index() in axes else p for p in element.indices)
    left_out = len(axes)
    if isinstance(element, Ref):
        return printer.element(printer.name(element.name, left_out), element.name, at).box
    named = printer.adjoint_name(element.name, left_out)
    if named is not None:
        return printer.element(named, element.name, at).box
    below = printer.element(printer.name(element.name, left_out), element.name, at).box
    return printer.cost_by(below)


def _leaf(printer: Printer, node: Ref | Adjoint | Functional, axes: tuple[Index, ...]) -> Piece:
    if isinstance(node, Functional):
        return _gradient(printer, node)
    box = _array(printer, node, axes)
    raised = isinstance(box, Frac) or (isinstance(box, Script) and box.sup is not None)
    return Piece(box, CLOSED if raised else LETTER)


def matrix_words(printer: Printer, reason: Iterable[object]) -> Text:
    """The reason of a matrix form: arrays by their names, unit vectors and positions as they stand in it."""
    return tuple(_word(printer, piece) for piece in reason)


def _word(printer: Printer, piece: object) -> str | Box:
    match piece:
        case str():
            return piece
        case Affine():
            return printer.position(piece).box
        case mat.Leaf(element, _) if isinstance(element, (Ref, Adjoint)):
            return whole(printer, element)
        case mat.Leaf() | mat.Unit() | mat.Softmax():
            return matrix_box(printer, piece)
        case _:
            raise TypeError(f"{type(piece).__name__} is no part of a reason")


def _gradient(printer: Printer, node: Functional) -> Piece:
    """∇_a C for the vector of ∂C/∂a_k."""
    argument = node.args[node.position]
    if not isinstance(argument, (Ref, Adjoint)):
        return printer.piece(node)
    name = printer.name(node.name)
    inner = _array(printer, argument, node.indices)
    return Piece(row(Script(Sym(r"\nabla", "∇"), inner), name), CLOSED)


def _piece(printer: Printer, node: Matrix) -> Piece:
    match node:
        case mat.Leaf(element, axes):
            return _leaf(printer, element, axes)
        case mat.Scalar(expression):
            return printer.piece(expression)
        case mat.Ones():
            return Piece(_ONES, LETTER)
        case mat.Zeros():
            return Piece(_ZEROS, LETTER)
        case mat.Unit(at):
            return Piece(Script(_UNIT, printer.position(at).box), LETTER)
        case mat.Identity():
            return Piece(Sym("I", "I"), LETTER)
        case mat.Transpose(arg):
            return _raised(_piece(printer, arg), printer.notation.transpose)
        case mat.Product(args, _):
            return juxtaposed([_closed(printer, a) for a in args])
        case mat.MatrixPower(base, n):
            return powered(_piece(printer, base), num(n))
        case mat.Hadamard(args):
            return _hadamard(printer, args)
        case mat.Plus(args):
            return _plus(printer, args)
        case mat.Minus(arg):
            inner = _piece(printer, arg)
            return Piece(Terms((("-", enclosed(inner, PRODUCT)),)), SUM, inner.open)
        case mat.Scaled(factor, arg):
            return juxtaposed([*_scalars(printer, factor), _piece(printer, arg)])
        case mat.Quotient(top, bottom):
            many = any(mat.shape(bottom))
            upper, lower = _piece(printer, top), _piece(printer, bottom)
            if not many and sums_quotients(upper.box) and upper.level == SUM and lower.level >= CLOSED:
                return juxtaposed([Piece(fraction(Piece(num(1), LETTER), lower), CLOSED), upper])
            return Piece(fraction(upper, lower, many), _ENTRYWISE)
        case mat.Raised((base, exponents)):
            above = _piece(printer, exponents)
            if mat.shape(base) != (True, True):
                return powered(_piece(printer, base), above.box)
            return powered(_piece(printer, base), row(printer.notation.hadamard, enclosed(above, CLOSED)))
        case mat.Power(base, exponent):
            return _power(printer, base, exponent)
        case _:
            return _applied(printer, node)


def _applied(printer: Printer, node: Matrix) -> Piece:
    match node:
        case mat.Mapped(function, args, orders):
            return _mapped(printer, function, args, orders)
        case mat.Softmax(arg, _, op):
            return _weights(printer, op, arg, mat.shape(node))
        case mat.OneHot(arg):
            return Piece(row(_ONE_HOT, Fence(matrix_box(printer, arg))), CLOSED)
        case mat.Bracket():
            return Piece(Fence(_condition(printer, node).box, "["), LETTER)
        case mat.Diag(arg) | mat.Diagonal(arg):
            return Piece(row(_DIAG, Fence(matrix_box(printer, arg))), CLOSED)
        case mat.Trace(arg, _):
            return Piece(row(_TRACE, Fence(matrix_box(printer, arg))), CLOSED)
        case mat.Norm(arg, likes):
            which = num(2) if len(likes) == 1 else Sym("F", "F")
            return Piece(Script(Fence(matrix_box(printer, arg), "‖"), which), LETTER)
        case mat.Folded(op, arg, _):
            sign = Sym(rf"\operatorname{{{op}}}", op, "op")
            return Piece(row(sign, Fence(matrix_box(printer, arg))), CLOSED)
        case mat.SequenceSum(indices, arg):
            body = _piece(printer, arg)
            return Piece(row(*signs(printer, indices), enclosed(body, PRODUCT)), PRODUCT, "sum")
        case _:
            raise TypeError(f"{type(node).__name__} is not a matrix node that can be printed")


def _weights(printer: Printer, op: str, arg: Matrix, shape: mat.Shape) -> Piece:
    """softmax(z), and the unit vector of the largest entry."""
    if op == "softmax":
        return Piece(row(_SOFTMAX, Fence(matrix_box(printer, arg))), CLOSED)
    place = row(Sym(rf"\operatorname{{arg\,{op[3:]}}}", op, "op"), Fence(matrix_box(printer, arg)))
    if shape == (True, True):
        return Piece(row(_ONE_HOT, Fence(place)), CLOSED)
    return Piece(Script(_UNIT, place), LETTER)


def _condition(printer: Printer, node: mat.Bracket) -> Piece:
    if node.op not in ("and", "or", "not"):
        left, right = (enclosed(_piece(printer, a), SUM) for a in node.args)
        return compared(left, node.op, right)
    inner = [a for a in node.args if isinstance(a, mat.Bracket)]
    return connected(
        node.op, [_condition(printer, a).box for a in inner], [a.op in ("and", "or") for a in inner]
    )


def _raised(piece: Piece, above: Box) -> Piece:
    """A superscript on all of it; the brackets of a function carry it: tr(X)², softmax(Z)ᵀ."""
    match piece.box:
        case lay.Row((*head, Fence() as last)) if piece.level >= CLOSED:
            return Piece(row(*head, Script(last, None, above)), CLOSED)
        case _:
            return Piece(Script(enclosed(piece, LETTER), None, above), CLOSED)


def _power(printer: Printer, base: Matrix, exponent: Expr) -> Piece:
    """A power entry by entry; of a matrix it is marked, because X² is the product X X."""
    if isinstance(base, mat.Mapped) and takes_power(
        Call(base.function, (), base.orders), exponent, printer.functions
    ):
        name = printer.derived(base.function, base.orders, len(base.args))
        head = Script(name, None, printer.box(exponent))
        arguments = lay.separated(matrix_box(printer, a) for a in base.args)
        return Piece(row(head, Fence(arguments)), CLOSED)
    if isinstance(base, (mat.Trace, mat.Folded)):
        return _raised(_piece(printer, base), printer.box(exponent))
    if mat.shape(base) != (True, True):
        return powered(_piece(printer, base), printer.box(exponent))
    if _squared(mat.Power(base, exponent)):
        return _hadamard(printer, (base, base))
    return powered(_piece(printer, base), row(printer.notation.hadamard, printer.box(exponent)))


def _mapped(printer: Printer, function: str, args: tuple[Matrix, ...], orders: tuple[int, ...]) -> Piece:
    if function == "sqrt" and not orders and function not in printer.functions:
        return Piece(lay.Root(matrix_box(printer, args[0])), CLOSED)
    if function == "abs" and not orders and function not in printer.functions:
        return Piece(Fence(matrix_box(printer, args[0]), "|"), LETTER)
    head = printer.derived(function, orders, len(args))
    if not args:
        return Piece(head, LETTER)
    return Piece(row(head, Fence(lay.separated(matrix_box(printer, a) for a in args))), CLOSED)


def _scalars(printer: Printer, node: Matrix) -> list[Piece]:
    """Factors in front of a matrix: an inner product among them stays together in brackets."""
    if isinstance(node, mat.Scaled):
        return [*_scalars(printer, node.factor), *_scalars(printer, node.arg)]
    piece = _piece(printer, node)
    inner = isinstance(node, mat.Product) and not isinstance(piece.box, Fence)
    return [Piece(Fence(piece.box), CLOSED) if inner else piece]


def _closed(printer: Printer, node: Matrix) -> Piece:
    """A factor of a matrix product: entrywise products in it need brackets."""
    piece = _piece(printer, node)
    entrywise = isinstance(node, (mat.Hadamard, mat.Scaled)) or _squared(node)
    return Piece(Fence(piece.box), CLOSED) if entrywise else piece


def _squared(node: Matrix) -> bool:
    """Whether a power is written X ⊙ X."""
    if not isinstance(node, mat.Power) or not isinstance(node.base, mat.Leaf):
        return False
    return node.exponent == number(2) and mat.shape(node) == (True, True)


def _twice(node: Matrix) -> tuple[Matrix, ...]:
    """X ⊙ X among other factors needs no brackets."""
    return (node.base, node.base) if isinstance(node, mat.Power) and _squared(node) else (node,)


def _hadamard(printer: Printer, args: tuple[Matrix, ...]) -> Piece:
    """Factors around ⊙; matrix products get brackets, because ⊙ has no agreed precedence."""
    boxes: list[Box] = []
    for arg in (factor for a in args for factor in _twice(a)):
        piece = _piece(printer, arg)
        box = enclosed(piece, CLOSED, bool(piece.open))
        boxes.extend((printer.notation.hadamard, box) if boxes else (box,))
    return Piece(row(*boxes), PRODUCT)


def _plus(printer: Printer, args: tuple[Matrix, ...]) -> Piece:
    terms: list[tuple[str, Box]] = []
    for arg in args:
        minus = isinstance(arg, mat.Minus)
        piece = _piece(printer, arg.arg if isinstance(arg, mat.Minus) else arg)
        terms.append(("-" if minus else "+", enclosed(piece, PRODUCT)))
    return Piece(Terms(tuple(terms)), SUM, piece.open)
