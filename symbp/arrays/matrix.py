"""From indices to matrices: Σ_j w_jk δ_j is wᵀδ, because the sum runs over the first index of w.

Each summed index joins the factors that carry it.  Factors with that index alone are vectors, factors
with one more are matrices; two matrices that share it are a product, with a diagonal matrix between
them for a vector on it.  Where an index joins more than two matrices, or a factor carries three
indices, there is no matrix form, and None says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from symbp.arrays.matrix_elements import Scope, element, indicator
from symbp.arrays.matrix_factors import (
    depends,
    flat,
    has_reduction,
    is_link,
    multiplied_out,
    one_number,
    one_sum,
    vector,
)
from symbp.arrays.matrix_forms import is_zero, simplify
from symbp.arrays.matrix_join import (
    Axis,
    Factor,
    NoMatrixForm,
    assemble,
    eliminate,
    elimination_order,
    hadamard,
    join_scalars,
    present,
)
from symbp.arrays.matrix_nodes import (
    Diag,
    Folded,
    Identity,
    Leaf,
    Mapped,
    Matrix,
    Minus,
    Ones,
    Plus,
    Power,
    Product,
    Quotient,
    Raised,
    Scalar,
    Scaled,
    SequenceSum,
    Softmax,
    Transpose,
    Zeros,
    outer,
    shape,
    transposed,
)
from symbp.arrays.matrix_where import bracketed, chosen, comparisons
from symbp.calculus.affine import Affine, Index
from symbp.calculus.expr import (
    ONE,
    Add,
    Adjoint,
    Call,
    Div,
    Expr,
    Functional,
    Indicator,
    Mul,
    Neg,
    Pow,
    Reduce,
    Ref,
    Weights,
    Where,
)
from symbp.calculus.tree import free_indices
from symbp.model.core import Array


def matrix_form(
    arrays: Mapping[str, Array], node: Expr, row: Axis = None, col: Axis = None
) -> Matrix | None:
    """``node`` as a matrix with rows along ``row`` and columns along ``col``; None if it has none."""
    try:
        built = _spread(_build(Scope(arrays), bracketed(node), row, col), row, col)
    except NoMatrixForm:
        return None
    # a vector whose entries are all one scalar is that scalar times ones
    out = simplify(built)
    likes = tuple(i for i in (row, col) if i is not None)
    if is_zero(out) and likes:
        return Zeros(likes)
    return _spread(out, row, col)


def _spread(built: Matrix, row: Axis, col: Axis) -> Matrix:
    """A scalar in every entry, a column in every column, a row in every row: times ones."""
    has_row, has_col = shape(built)
    missing_row, missing_col = row is not None and not has_row, col is not None and not has_col
    if missing_row and missing_col:
        return Scaled(built, outer(Ones(present(row)), Ones(present(col))))
    if missing_row:
        ones = Ones(present(row))
        return Product((ones, built), (None,)) if has_col else Scaled(built, ones)
    return outer(built, Ones(present(col))) if missing_col else built


def _filled(built: Matrix, row: Axis, col: Axis) -> Matrix:
    """A column or a row among matrices as a matrix; a scalar in every entry stays one."""
    return _spread(built, row, col) if any(shape(built)) else built


def _build(scope: Scope, node: Expr, row: Axis, col: Axis) -> Matrix:
    own = [i for i in (row, col) if i is not None and i in free_indices(node)]
    if not own:
        return _scalar(scope, node)
    if row is not None and col is not None and len(own) == 1:
        alone = _build(scope, node, own[0], None)
        return _spread(alone if own[0] == row else transposed(alone), row, col)
    match node:
        case Ref() | Adjoint():
            return element(scope, node, row, col)
        case Functional(_, _, _, position, _) if position >= 0:
            return Leaf(node, _open(node.at, own))
        case Neg(arg):
            return Minus(_build(scope, arg, row, col))
        case Add(terms):
            return Plus(tuple(_build(scope, t, row, col) for t in terms))
        case Mul(factors):
            return _multiply(scope, factors, row, col)
        case Div(num, den):
            return _divide(scope, num, den, row, col)
        case Pow(base, exponent) if not depends(exponent, own) and not has_reduction(exponent):
            return Power(_build(scope, base, row, col), one_number(exponent))
        case Pow(base, exponent) if not _grid((base, exponent), own):
            return Raised((_build(scope, base, row, col), _build(scope, exponent, row, col)))
        case Call(function, args, orders) if not _grid(args, own):
            forms = tuple(_build(scope, a, row, col) for a in args)
            if function == "sqrt" and has_reduction(args[0]) and _subtracts(forms[0]):
                raise NoMatrixForm  # a distance multiplied out is no norm, and loses its digits near 0
            return Mapped(function, forms, orders)
        case Reduce("sum" | "dot"):
            return _sum(scope, node, row, col)
        case Reduce("logsumexp", (index,), body) if len(own) == 1:
            return _logsumexp(scope, index, body, row, col)
        case Weights():
            return _softmax(scope, node, row, col)
        case Indicator(left, right):
            return indicator(left, right, row, col)
        case Where() if not any(_grid((c.left, c.right), own) for c in comparisons(node.cond)):
            return chosen(node, lambda part: _build(scope, part, row, col))
        case _:
            raise NoMatrixForm


def _subtracts(node: Matrix) -> bool:
    return isinstance(node, Plus) and any(isinstance(a, Minus) for a in node.args)


def _grid(args: tuple[Expr, ...], own: list[Index]) -> bool:
    """Whether the arguments are a column and a row: f(x𝟏ᵀ, 𝟏yᵀ) says less than f(x_i, y_j)."""
    return len(args) > 1 and len(own) > 1 and not any(all(depends(a, [i]) for i in own) for a in args)


def _scalar(scope: Scope, node: Expr) -> Matrix:
    """What depends on neither axis: sums inside it may be inner products."""
    match node:
        case Reduce("sum" | "dot"):
            return _sum(scope, node, None, None)
        case Reduce(op, (index,), body) if not index.sequence:
            return Folded(op, _build(scope, body, index, None), index)
        case Reduce(op, (index, across), body) if not (index.sequence or across.sequence):
            return Folded(op, _filled(_build(scope, body, index, across), index, across), index, across)
        case Mul(factors) if any(map(has_reduction, factors)):
            return _multiply(scope, factors, None, None)
        case Neg(arg):
            return Minus(_scalar(scope, arg))
        case Add(terms):
            return Plus(tuple(_scalar(scope, t) for t in terms))
        case Div(num, den):
            return Quotient(_scalar(scope, num), _scalar(scope, den))
        case Pow(base, exponent) if not has_reduction(exponent):
            return Power(_scalar(scope, base), one_number(exponent))
        case Call(function, args, orders):
            return Mapped(function, tuple(_scalar(scope, a) for a in args), orders)
        case Ref() | Adjoint():
            if any(i for p in node.indices for i in p.indices() if not i.sequence):
                raise NoMatrixForm
            return Scalar(node)
        case _:
            if any(not i.sequence for i in free_indices(node)) or has_reduction(node):
                raise NoMatrixForm
            return Scalar(node)


def _open(at: tuple[Affine, ...], own: list[Index]) -> tuple[Index, ...]:
    if len(at) != 1 or at[0].as_index() not in own:
        raise NoMatrixForm
    (only,) = at[0].indices()
    return (only,)


# ── products ──────────────────────────────────────────────────────────────────────────────────────


def _multiply(scope: Scope, factors: tuple[Expr, ...], row: Axis, col: Axis) -> Matrix:
    """Factors sorted by the axes they carry: scalars, columns, rows, matrices."""
    both, rows, cols, plain, links = (list[Expr]() for _ in range(5))
    for factor in factors:
        by_row, by_col = depends(factor, [row] if row else []), depends(factor, [col] if col else [])
        if by_row and by_col:
            (links if is_link(factor, row, col) else both).append(factor)
        else:
            (rows if by_row else cols if by_col else plain).append(factor)
    core = _core(scope, both, rows, cols, links, row, col)
    if not plain:
        return core
    front = join_scalars([_scalar(scope, f) for f in plain])
    return front if isinstance(core, Scalar) and core.node == _ONE else Scaled(front, core)


_ONE = Mul(())


def _core(
    scope: Scope,
    both: list[Expr],
    rows: list[Expr],
    cols: list[Expr],
    links: list[Expr],
    row: Axis,
    col: Axis,
) -> Matrix:
    u = [_build(scope, f, row, None) for f in rows]
    if links and not both:
        u += [_build(scope, f, col, None) for f in cols]
        return Diag(hadamard(u)) if u else Identity(present(row))
    v = [_build(scope, f, col, None) for f in cols]
    if both:
        middle = hadamard([_build(scope, f, row, col) for f in (*both, *links)])
        left = (Diag(hadamard(u)), middle) if u else (middle,)
        all_ = (*left, Diag(hadamard(v))) if v else left
        inner = ((present(row),) if u else ()) + ((present(col),) if v else ())
        return Product(all_, inner) if len(all_) > 1 else middle
    if u and v:
        return outer(hadamard(u), hadamard(v))
    if v:
        return Transpose(hadamard(v))
    return hadamard(u) if u else Scalar(_ONE)


def _divide(scope: Scope, num: Expr, den: Expr, row: Axis, col: Axis) -> Matrix:
    if not depends(den, [i for i in (row, col) if i is not None]):
        return Quotient(_build(scope, num, row, col), _scalar(scope, den))
    own = [i for i in (row, col) if i is not None]
    if len(own) == 2 and not all(depends(den, [i]) for i in own):
        return _multiply(scope, (*flat(num, own), Div(ONE, den)), row, col)
    return Quotient(_build(scope, num, row, col), _build(scope, den, row, col))


def _softmax(scope: Scope, node: Weights, row: Axis, col: Axis) -> Matrix:
    index, body, place = node.index, node.body, node.at.as_index()
    if place is None or depends(body, [place]):
        raise NoMatrixForm
    if any(i not in free_indices(body) for end in (index.low, index.high) for i in end.indices()):
        raise NoMatrixForm  # every row has the same entries, and fewer of them than the one before
    if place == row and not depends(body, [col] if col else []):
        return Softmax(_build(scope, body, index, None), index, node.op)
    if place == row and col is not None:
        return Transpose(Softmax(_build(scope, body, col, index), index, node.op))
    if place == col and row is not None:
        return Softmax(_build(scope, body, row, index), index, node.op)
    raise NoMatrixForm


def _logsumexp(scope: Scope, index: Index, body: Expr, row: Axis, col: Axis) -> Matrix:
    """Of each row: log(exp(Z) 𝟏)."""
    exponents = Mapped("exp", (_build(scope, body, row if row is not None else col, index),))
    column = Mapped("log", (Product((exponents, Ones(index)), (index,)),))
    return column if row is not None else Transpose(column)


# ── sums ──────────────────────────────────────────────────────────────────────────────────────────


def _sum(scope: Scope, node: Reduce, row: Axis, col: Axis) -> Matrix:
    sequence = tuple(i for i in node.indices if i.sequence)
    plain = tuple(i for i in node.indices if not i.sequence)
    _fixed(plain)
    body = _contract(scope, node.body, plain, row, col)
    return SequenceSum(sequence, body) if sequence else body


def _fixed(indices: Iterable[Index]) -> None:
    """That a sum has the same terms in every row and column.

    Raises:
        NoMatrixForm: for one like Σ_{j ≥ i} v_j, which is no product.
    """
    if any(not m.sequence for i in indices for end in (i.low, i.high) for m in end.indices()):
        raise NoMatrixForm


def _contract(scope: Scope, body: Expr, over: tuple[Index, ...], row: Axis, col: Axis) -> Matrix:
    match body:
        case Neg(arg):
            return Minus(_contract(scope, arg, over, row, col))
        case Add(terms) if over:
            if len(over) == 1 and vector(body, over[0], row, col):
                return _join(scope, body, over, row, col)
            return Plus(tuple(_filled(_contract(scope, t, over, row, col), row, col) for t in terms))
        case Div(num, den) if not depends(den, over):
            if depends(den, [i for i in (row, col) if i is not None]):
                return _join(scope, body, over, row, col)
            return Quotient(_contract(scope, num, over, row, col), _scalar(scope, den))
        case Reduce("sum", inner, deeper) if not any(i.sequence for i in inner):
            _fixed(inner)
            return _contract(scope, deeper, (*over, *inner), row, col)
        case _:
            if not over:
                return _build(scope, body, row, col)
            return _join(scope, body, over, row, col)


def _join(scope: Scope, body: Expr, over: tuple[Index, ...], row: Axis, col: Axis) -> Matrix:
    axes = tuple(i for i in (*over, row, col) if i is not None)
    try:
        factors = [_factor(scope, f, axes) for f in flat(body, axes)]
        for index in elimination_order(over, factors):
            factors = eliminate(factors, index)
        return assemble(factors, row, col)
    except NoMatrixForm:
        # Σ_d R_nd (Σ_h W_hd S_nh W_he): the inner sum alone has three indices
        nested = one_sum(body, axes)
        if nested is not None:
            return _contract(scope, nested[1], (*over, *nested[0]), row, col)
        # (A_pn B_mq + C_pn D_mq) R_pq: each term is a product, the bracket is none
        terms = multiplied_out(body, axes)
        if terms is None:
            raise
        return Plus(tuple(_filled(_contract(scope, t, over, row, col), row, col) for t in terms))


def _factor(scope: Scope, node: Expr, axes: tuple[Index, ...]) -> Factor:
    own = tuple(i for i in axes if i in free_indices(node))
    if len(own) > 2:
        raise NoMatrixForm
    if not own:
        return Factor(_scalar(scope, node), ())
    first = own[0]
    second = own[1] if len(own) > 1 else None
    if isinstance(node, (Ref, Adjoint)) and second is not None:
        stored = [p.as_index() for p in node.indices if p.as_index() in own]
        if stored == [second, first]:
            first, second = second, first
            own = (first, second)
    return Factor(_build(scope, node, first, second), own)
