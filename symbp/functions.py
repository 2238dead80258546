"""The elementwise functions, one record each: how it prints, what it is, how it differentiates.

To add one, add a record to :data:`ELEMENTWISE`; reading, deriving, printing, generating and verifying
pick it up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from symbp.calculus.construct import add, neg
from symbp.calculus.expr import ONE, ZERO, Call, Compare, Expr, Where, number


@dataclass(frozen=True, slots=True)
class Elementwise:
    """One elementwise function.

    ``derivatives`` has one function per argument; each takes the arguments and returns the partial
    derivative.  ``prime`` prints the derivative as f′(u) instead of writing it out.  ``value`` writes
    the function in simpler ones, None for a primitive.  ``numpy`` is the NumPy expression with
    ``{0}``, ``{1}`` for arguments, ``helper`` the source of the function that it calls, if any, and
    ``scalar`` that of the same for one number where the source for arrays does not serve; with ``opens``
    code computes ``value`` instead, a part of which the derivative needs too.
    ``kinks`` says in words where the derivative jumps and which value it is given there.
    """

    name: str
    latex: str
    derivatives: tuple[Callable[..., Expr], ...]
    numpy: str
    value: Callable[..., Expr] | None = None
    helper: str = ""
    scalar: str = ""
    opens: bool = False
    prime: bool = False
    kinks: str = ""

    @property
    def arity(self) -> int:
        """How many arguments it takes."""
        return len(self.derivatives)


def _c(name: str, *args: Expr) -> Expr:
    return Call(name, args)


def _if(op: str, first: Expr, second: Expr) -> Expr:
    return Where(Compare(op, first, second), ONE, ZERO)


_GELU = "u*(1 + erf(u/sqrt(2)))/2"

_SIGMOID = '''\
@np.errstate(over="ignore")
def sigmoid(u, out=None):
    """1/(1 + exp(-u)); where exp(-u) is too large for a float, the quotient is 0."""
    e = np.asarray(np.negative(u, out))
    np.exp(e, e)
    e += 1
    return np.reciprocal(e, e)
'''
_SIGMOID_OF_ONE = '''\
def sigmoid(u):
    """1/(1 + exp(-u)); where exp(-u) is too large for a float, the quotient is 0."""
    return 1/(1 + np.exp(-u))
'''
_SOFTPLUS = '''\
def softplus(u):
    """log(1 + exp(u)), written so that nothing overflows."""
    return np.maximum(u, 0) + np.log1p(np.exp(-np.abs(u)))
'''

ELEMENTWISE: tuple[Elementwise, ...] = (
    Elementwise("exp", r"\exp", (lambda u: _c("exp", u),), "np.exp({0})"),
    Elementwise("log", r"\log", (lambda u: 1 / u,), "np.log({0})"),
    Elementwise(
        "sqrt", r"\sqrt", (lambda u: 1 / (2 * _c("sqrt", u)),), "np.sqrt({0})",
        kinks="the derivative of a square root is infinite where its argument is 0",
    ),
    Elementwise(
        "abs", r"\operatorname{abs}", (lambda u: _c("sign", u),), "np.abs({0})",
        kinks="the derivative of an absolute value is taken to be 0 at 0",
    ),
    Elementwise(
        "sign", r"\operatorname{sign}", (lambda u: ZERO,), "np.sign({0})",
        kinks="the derivative of sign is taken to be 0 at 0",
    ),
    Elementwise("sin", r"\sin", (lambda u: _c("cos", u),), "np.sin({0})"),
    Elementwise("cos", r"\cos", (lambda u: -_c("sin", u),), "np.cos({0})"),
    Elementwise("tan", r"\tan", (lambda u: 1 + _c("tan", u) ** 2,), "np.tan({0})"),
    Elementwise("atan", r"\arctan", (lambda u: 1 / (1 + u**2),), "np.arctan({0})"),
    Elementwise("sinh", r"\sinh", (lambda u: _c("cosh", u),), "np.sinh({0})"),
    Elementwise("cosh", r"\cosh", (lambda u: _c("sinh", u),), "np.cosh({0})"),
    Elementwise("tanh", r"\tanh", (lambda u: 1 - _c("tanh", u) ** 2,), "np.tanh({0})"),
    Elementwise("log1p", r"\operatorname{log1p}", (lambda u: 1 / (1 + u),), "np.log1p({0})",
                value=lambda u: _c("log", 1 + u)),
    Elementwise("expm1", r"\operatorname{expm1}", (lambda u: _c("exp", u),), "np.expm1({0})",
                value=lambda u: _c("exp", u) - 1),
    Elementwise(
        "sigmoid", r"\operatorname{sigmoid}",
        (lambda u: _c("sigmoid", u) * (1 - _c("sigmoid", u)),),
        "sigmoid({0})",
        value=lambda u: 1 / (1 + _c("exp", -u)),
        helper=_SIGMOID,
        scalar=_SIGMOID_OF_ONE,
    ),
    Elementwise(
        "softplus", r"\operatorname{softplus}", (lambda u: _c("sigmoid", u),), "softplus({0})",
        value=lambda u: _c("log", 1 + _c("exp", u)),
        helper=_SOFTPLUS,
    ),
    Elementwise(
        "logaddexp", r"\operatorname{logaddexp}",
        (lambda a, b: _c("sigmoid", add((a, neg(b)))), lambda a, b: _c("sigmoid", add((b, neg(a))))),
        "np.logaddexp({0}, {1})",
        value=lambda a, b: _c("log", _c("exp", a) + _c("exp", b)),
    ),
    Elementwise(
        "relu", r"\operatorname{relu}", (lambda u: Where(Compare(">", u, ZERO), ONE, ZERO),),
        "np.maximum({0}, 0)",
        value=lambda u: Where(Compare(">", u, ZERO), u, ZERO),
        prime=True,
        kinks="the derivative of relu is taken to be 0 at 0",
    ),
    Elementwise(
        "erf", r"\operatorname{erf}",
        (lambda u: 2 / _c("sqrt", _c("pi")) * _c("exp", -(u**2)),),
        "erf({0})",
    ),
    Elementwise(
        "gelu", r"\operatorname{gelu}",
        (
            lambda u: (1 + _c("erf", u / _c("sqrt", number(2)))) / 2
            + u * _c("exp", -(u**2) / 2) / _c("sqrt", 2 * _c("pi")),
        ),
        "gelu({0})",
        value=lambda u: u * ((1 + _c("erf", u / _c("sqrt", number(2)))) / 2),
        opens=True,
        helper=f'def gelu(u):\n    """{_GELU}."""\n    return 0.5*u*(1 + erf(u*0.5**0.5))\n',
        prime=True,
    ),
    Elementwise(
        "silu", r"\operatorname{silu}",
        (lambda u: _c("sigmoid", u) * (1 + u * (1 - _c("sigmoid", u))),),
        "silu({0})",
        value=lambda u: u * _c("sigmoid", u),
        opens=True,
        helper='def silu(u):\n    """u*sigmoid(u)."""\n    return u*sigmoid(u)\n',
        prime=True,
    ),
    Elementwise(
        "maximum", r"\max", (lambda a, b: _if(">", a, b), lambda a, b: _if(">=", b, a)),
        "np.maximum({0}, {1})",
        value=lambda a, b: Where(Compare(">", a, b), a, b),
        kinks="where the two arguments of max are equal, the derivative is that of the second",
    ),
    Elementwise(
        "minimum", r"\min", (lambda a, b: _if("<", a, b), lambda a, b: _if("<=", b, a)),
        "np.minimum({0}, {1})",
        value=lambda a, b: Where(Compare("<", a, b), a, b),
        kinks="where the two arguments of min are equal, the derivative is that of the second",
    ),
    Elementwise("pi", r"\pi", (), "np.pi"),
    # nobody writes it: the logarithm of 0 in sums of exponentials of which a condition leaves some out
    Elementwise("infinity", r"\infty", (), "np.inf"),
)

CONSTANTS = frozenset({"pi", "infinity"})
"""Those without arguments; a model may use their names."""

BY_NAME: Mapping[str, Elementwise] = MappingProxyType({f.name: f for f in ELEMENTWISE})

REDUCTIONS = ("sum", "max", "min", "prod", "mean")
"""Reductions over indices: ``max(expr, j)``."""

NORM = "norm"
"""``norm(expr, i)`` is sqrt(sum(expr^2, i)), over two indices the Frobenius norm; it has no derivative where
all entries are 0.  A model may use the name for something of its own."""

INDEX_BOUND = ("softmax", "logsumexp")
"""Functions that run over one index, which stays free in ``softmax(s[i,j], j)``."""

if len(BY_NAME) != len(ELEMENTWISE):
    raise AssertionError("two records in ELEMENTWISE have the same name")


def derivative(call: Call, position: int) -> Expr:
    """The partial derivative of a call of a built-in function with respect to one argument."""
    return BY_NAME[call.function].derivatives[position](*call.args)
