"""A matrix expression as a number times powers of scalars times a chain of factors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, fields
from fractions import Fraction

from symbp.arrays.matrix_nodes import (
    Bracket,
    Diag,
    Diagonal,
    Hadamard,
    Identity,
    Leaf,
    Mapped,
    Matrix,
    MatrixPower,
    Minus,
    Norm,
    OneHot,
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
    Unit,
    Zeros,
    parts,
    shape,
    with_parts,
)
from symbp.calculus.affine import Index, affine, fresh
from symbp.calculus.expr import ONE, Adjoint, Div, Expr, Mul, Neg, Number, Pow, number
from symbp.calculus.tree import canonical, substitute

SCALAR = (False, False)
_ROW, _COLUMN = fresh("row"), fresh("column")


@dataclass(frozen=True, slots=True)
class Term:
    """``number`` · Π scalar^exponent · chain; ``inner`` are the indices summed along the chain."""

    number: Fraction = Fraction(1)
    scalars: tuple[tuple[Matrix, Fraction], ...] = ()
    chain: tuple[Matrix, ...] = ()
    inner: tuple[Index | None, ...] = ()


def key(node: Matrix) -> Hashable:
    """Equal for expressions that say the same, whatever their axes are called."""
    match node:
        case Leaf(element, axes):
            places = dict(zip(axes, (affine(_ROW), affine(_COLUMN)), strict=False))
            return ("leaf", canonical(substitute(element, places)), len(axes))
        case Scalar(expression):
            return ("scalar", canonical(expression))
        case Ones(like) | Identity(like):
            return (type(node).__name__, like.extent)
        case Plus(args) | Hadamard(args):
            # X b + c is c + X b
            return (type(node).__name__, frozenset(Counter(map(key, args)).items()))
        case _:
            return (type(node).__name__, _fixed(node), tuple(key(p) for p in parts(node)))


def _fixed(node: Matrix) -> tuple[Hashable, ...]:
    """What a node carries besides its parts and the names of its axes."""
    if isinstance(node, SequenceSum):
        return node.indices
    free = ("base", "arg", "args", "inner", "like", "likes", "across", "num", "den", "factor")
    return tuple(getattr(node, f.name) for f in fields(node) if f.name not in free)


def term_of(node: Matrix) -> Term:
    """The term that a simplified expression is."""
    match node:
        case Minus(arg):
            return scaled(term_of(arg), Fraction(-1))
        case Scaled(factor, arg):
            return times(term_of(factor), term_of(arg))
        case Quotient(num, den) if shape(den) == SCALAR:
            return times(term_of(num), raised(term_of(den), Fraction(-1)))
        case Quotient(num, den) if shape(num) in (SCALAR, shape(den)):
            return _fraction(term_of(num), term_of(den))
        case Power(base, Number(value)) if shape(base) == SCALAR:
            return raised(term_of(base), value)
        case Mapped("sqrt", (arg,), orders) if not any(orders) and shape(arg) == SCALAR:
            return _root(term_of(arg), node)
        case Scalar(expression):
            return _number_of(expression)
        case Zeros():
            return Term(Fraction(0))
        case Product(args, inner) if shape(node) != SCALAR:
            return Term(chain=args, inner=inner)
        case _:
            return Term(scalars=((node, Fraction(1)),)) if shape(node) == SCALAR else Term(chain=(node,))


def _fraction(above: Term, below: Term) -> Term:
    """Entry by entry, with what is a scalar in front."""
    core = Quotient(chain_of(above) or Scalar(ONE), chain_of(below) or Scalar(ONE))
    front = times(front_of(above), raised(front_of(below), Fraction(-1)))
    return times(front, Term(chain=(core,)))


def front_of(term: Term) -> Term:
    """What stands in front of the chain."""
    return Term(term.number, term.scalars)


def _number_of(node: Expr) -> Term:
    match node:
        case Number(value, False):
            return Term(value)
        case Neg(arg):
            return scaled(_number_of(arg), Fraction(-1))
        case Mul(factors):
            out = Term()
            for factor in factors:
                out = times(out, _number_of(factor))
            return out
        case Div(num, den):
            return times(_number_of(num), raised(_number_of(den), Fraction(-1)))
        case Pow(base, Number(value, False)) if value.denominator == 1 and value > 0:
            return raised(_number_of(base), value)
        case _:
            return Term(scalars=((Scalar(node), Fraction(1)),))


def _root(inner: Term, node: Matrix) -> Term:
    """The root of the square of a norm is the norm, beside other factors too."""
    norms, rest = _norms(inner, Fraction(1, 2))
    if not norms.scalars:
        return Term(scalars=((node, Fraction(1)),))
    return norms if rest == Term() else times(norms, Term(scalars=((_rooted(rest), Fraction(1)),)))


def _rooted(term: Term) -> Matrix:
    return Mapped("sqrt", (_scalar_of(term),))


def _norms(term: Term, exponent: Fraction) -> tuple[Term, Term]:
    """The norms of a scalar term raised, and the rest as it is.

    A norm is not negative, so that it may leave a root; what is divided by stays with its numerator.
    """
    norms = tuple((n, e * exponent) for n, e in term.scalars if isinstance(n, Norm))
    rest = Term(term.number, tuple((n, e) for n, e in term.scalars if not isinstance(n, Norm)))
    if term.chain or not norms or rest.number != 1 or any(e < 0 for _, e in rest.scalars):
        return Term(), term
    return Term(scalars=norms), rest


def scaled(term: Term, factor: Fraction) -> Term:
    """A number times a term."""
    return Term(term.number * factor, term.scalars, term.chain, term.inner)


def raised(term: Term, exponent: Fraction) -> Term:
    """A whole power of a scalar term; another power is a scalar of its own."""
    whole = exponent.denominator == 1
    if not whole or (term.number == 0 and exponent < 0):
        norms, rest = _norms(term, exponent)
        if rest == Term():
            return norms
        sign = Fraction(-1 if exponent < 0 else 1)
        return times(norms, Term(scalars=((Power(_scalar_of(rest), number(abs(exponent))), sign),)))
    return Term(term.number ** int(exponent), tuple((s, e * exponent) for s, e in term.scalars))


def times(left: Term, right: Term) -> Term:
    """The product of two terms, of which at most one has a chain."""
    assert not (left.chain and right.chain)
    gathered: dict[Hashable, tuple[Matrix, Fraction]] = {}
    for node, exponent in (*left.scalars, *right.scalars):
        known = gathered.get(key(node))
        gathered[key(node)] = (node, exponent + (known[1] if known else 0))
    kept = tuple((n, e) for n, e in gathered.values() if e)
    return Term(left.number * right.number, kept, left.chain or right.chain, left.inner or right.inner)


def axis(node: Matrix, *, column: bool = False) -> Index | None:
    """The index of the rows, or of the columns, as far as the parts tell it."""
    match node:
        case Leaf(_, axes):
            return axes[1 if column else 0] if len(axes) > column else None
        case Zeros(axes):
            return axes[1 if column else 0] if len(axes) > column else None
        case Ones(like) | Unit(_, like) | Identity(like):
            return None if column and not isinstance(node, Identity) else like
        case OneHot(_, like) if column:
            return like
        case Transpose(arg):
            return axis(arg, column=not column)
        case Product(args):
            return axis(args[-1 if column else 0], column=column)
        case MatrixPower(base) | Diag(base):
            return axis(base)
        case Diagonal(arg):
            return None if column else axis(arg)
        case _ if shape(node)[column]:
            found = (axis(p, column=column) for p in parts(node) if shape(p)[column])
            return next((i for i in found if i is not None), None)
        case _:
            return None


def alike(term: Term) -> Hashable:
    """Equal for terms that differ in their numbers alone."""
    return (scalars_key(term), tuple(key(a) for a in term.chain), tuple(i is None for i in term.inner))


def scalars_key(term: Term) -> Hashable:
    """Equal for terms with the same scalars in front."""
    return frozenset((key(n), e) for n, e in term.scalars)


# ── back to a tree ────────────────────────────────────────────────────────────────────────────────


def node_of(term: Term) -> Matrix:
    """The expression: the sign, what stands in front, the chain, all over what it is divided by."""
    if term.number == 0:
        return Scalar(number(0))
    above, below = _numerator(term), _denominator(term)
    core = chain_of(term)
    if isinstance(core, Quotient) and (below or core.num == Scalar(ONE)):
        num = [] if core.num == Scalar(ONE) and above else [core.num]
        out: Matrix = Quotient(_whole([*above, *num]), _whole([*below, core.den]))
    elif core is not None and below and _plain(below) and (above or isinstance(core, Product)):
        # a fraction of numbers reads better in front than under all of it
        lead = [a for a in above if _plain([a])] or [a for a in above if isinstance(a, Scalar)]
        rest = [a for a in above if a not in lead]
        out = _whole([Quotient(_whole(lead), _joined(below)), *rest, core])
    else:
        whole = _whole([*above, *([core] if core is not None else [])])
        out = Quotient(whole, _joined(below)) if below else whole
    return Minus(out) if term.number < 0 else out


def _whole(args: list[Matrix]) -> Matrix:
    """Scalars, and perhaps a chain behind them."""
    if len(args) < 2 or shape(args[-1]) == SCALAR:
        return _joined(args) if args else Scalar(ONE)
    return Scaled(_joined(args[:-1]), args[-1])


def _plain(below: list[Matrix]) -> bool:
    """Whether all are numbers and letters, or powers of them."""
    bases = [b.base if isinstance(b, Power) else b for b in below]
    return all(isinstance(b, Scalar) and not isinstance(b.node, Adjoint) for b in bases)


def chain_of(term: Term) -> Matrix | None:
    """The factors of the chain as one expression."""
    if not term.chain:
        return None
    return term.chain[0] if len(term.chain) == 1 else Product(term.chain, term.inner)


def _numerator(term: Term) -> list[Matrix]:
    value = abs(term.number)
    lead: list[Matrix] = [Scalar(number(value.numerator))] if value.numerator != 1 else []
    found = [_power(n, e) for n, e in term.scalars if e > 0]
    # N sum(c), not sum(c) N
    return [*lead, *sorted(found, key=lambda n: not isinstance(n, Scalar))]


def _denominator(term: Term) -> list[Matrix]:
    value = abs(term.number)
    lead: list[Matrix] = [Scalar(number(value.denominator))] if value.denominator != 1 else []
    return [*lead, *(_power(n, -e) for n, e in term.scalars if e < 0)]


def _power(node: Matrix, exponent: Fraction) -> Matrix:
    return node if exponent == 1 else Power(node, number(exponent))


def _joined(args: list[Matrix]) -> Matrix:
    return args[0] if len(args) == 1 else Scaled(args[0], _joined(args[1:]))


def _scalar_of(term: Term) -> Matrix:
    return node_of(Term(term.number, term.scalars))


# ── transposes ────────────────────────────────────────────────────────────────────────────────────


def turned(node: Matrix) -> Matrix:
    """The transpose, written with as few transposes as possible; products are turned round."""
    match node:
        case Transpose(arg):
            return arg
        case Product(args, inner):
            return Product(tuple(turned(a) for a in reversed(args)), inner[::-1])
        case Diag() | Identity():
            return node
        case Minus() | SequenceSum():
            return with_parts(node, (turned(node.arg),))
        case Scaled(factor, arg):
            return Scaled(factor, turned(arg))
        case Quotient(num, den) if shape(den) == SCALAR:
            return Quotient(turned(num), den)
        case Plus(args) | Hadamard(args) if _same_parts(args, tuple(map(turned, args))):
            return node
        case Plus() | Hadamard() | Mapped() | Bracket() | Power() | Raised() | Quotient():
            inside = with_parts(node, tuple(map(turned, parts(node))))
            return inside if transposes(inside) <= transposes(node) else Transpose(node)
        case _:
            return node if shape(node) == SCALAR else Transpose(node)


def _same_parts(left: tuple[Matrix, ...], right: tuple[Matrix, ...]) -> bool:
    """Whether a sum has the same terms in another order: B + Bᵀ is symmetric."""
    return Counter(map(key, left)) == Counter(map(key, right))


def transposes(node: Matrix) -> int:
    """How many transposes a reader sees."""
    return isinstance(node, Transpose) + sum(map(transposes, parts(node)))


def powers(node: Matrix) -> Matrix:
    """X X written X², last of all: everything else reads products."""
    node = with_parts(node, tuple(map(powers, parts(node))))
    if not isinstance(node, Product):
        return node
    args: list[Matrix] = []
    inner: list[Index | None] = []
    for n, arg in enumerate(node.args):
        like = node.inner[n - 1] if n else None
        if args and like is not None and shape(arg) == (True, True) and _same_base(args[-1], arg):
            args[-1] = _one_more(args[-1], like)
            continue
        inner += [like] if n else []
        args.append(arg)
    return args[0] if len(args) == 1 else Product(tuple(args), tuple(inner))


def _base(node: Matrix) -> Matrix:
    match node:
        case Transpose(MatrixPower(base)):
            return Transpose(base)
        case MatrixPower(base):
            return base
        case _:
            return node


def _same_base(left: Matrix, right: Matrix) -> bool:
    return not isinstance(right, (Diag, Softmax)) and key(_base(left)) == key(right)


def _one_more(node: Matrix, like: Index) -> Matrix:
    match node:
        case Transpose(arg):
            return Transpose(_one_more(arg, like))
        case MatrixPower(base, exponent):
            return MatrixPower(base, exponent + 1, like)
        case _:
            return MatrixPower(node, 2, like)

