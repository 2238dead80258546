"""Why a stable form is the same value, as documents print it."""

from __future__ import annotations

from symbp.calculus.expr import ONE, Add, Call, Div, Expr, Mul, Neg, Reduce, Ref, Weights
from symbp.calculus.tree import walk
from symbp.derive.scaled import LOG_2, both_ways
from symbp.derive.stable import NOTHING


def reason(before: Expr, after: Expr) -> tuple[str | Expr, ...]:
    """Why the stable form is the same value: the identity that was used, for an argument u."""
    new = _kinds(after) - _kinds(before)
    u = Ref("u")
    zero = Call("exp", (NOTHING,))
    if "Call infinity" in new and any(map(_is_log_of_others, walk(before))):
        return ("1 less one share is the sum of all others; the one that is left out is ", zero)
    if "Call infinity" in new:
        return ("summed exponentials, written so that nothing overflows; what is left out is ", zero)
    if "Reduce logsumexp" in new and any(map(_is_log_of_mean, walk(after))):
        return ("exponentials with factors: the logarithm of the sum of the exponentials, and that of the "
                "mean of the factors with the softmax as weights; nothing overflows",)
    if _tanh_in_logarithms(before) > _tanh_in_logarithms(after) or {"Call tanh", "Call softplus"} <= new:
        square = Call("log", (1 - Call("tanh", (u,)) ** 2,))
        if "Call logaddexp" in new:
            return (square, " is ", 2 * (LOG_2 - both_ways(u)), ", since 1 − tanh² is 1/cosh²")
        return ("1 + tanh(u) is twice the sigmoid of 2u, written so that nothing overflows",)
    if "Reduce logsumexp" in new:
        parted = _quotients(after) < _quotients(before)
        what = "a quotient of exponentials" if parted else "summed exponentials"
        return (f"the logarithm of {what}, written so that nothing overflows",)
    if "Call logaddexp" in new:
        v = Ref("v")
        logarithm = Call("log", (Call("exp", (u,)) + Call("exp", (v,)),))
        more = "; of more terms two at a time" if any(map(_is_nested, walk(after))) else ""
        return (logarithm, " is ", Call("logaddexp", (u, v)), f", written so that nothing overflows{more}")
    softplus, meaning = Call("softplus", (u,)), Call("log", (1 + Call("exp", (u,)),))
    if "Call softplus" in new and any(map(_is_log_of_difference, walk(before))):
        v = Ref("v")
        logarithm = Call("log", (Call("sigmoid", (u,)) - Call("sigmoid", (v,)),))
        rest = Call("log", (1 - Call("exp", (v - u,)),))
        parts = rest - Call("softplus", (Neg(u),)) - Call("softplus", (v,))
        return (logarithm, " is ", parts, ", which does not overflow; ", softplus, " is ", meaning)
    if "Call softplus" in new and any(map(_is_log_of_one_and_exp, walk(before))):
        return (meaning, " is ", softplus, ", written so that nothing overflows")
    if "Call softplus" in new:
        logarithm = Call("log", (Call("sigmoid", (u,)),))
        negative = Neg(Call("softplus", (Neg(u),)))
        return (logarithm, " is ", negative, ", which does not overflow; ", softplus, " is ", meaning)
    if "Weights softmax" in new:
        return ("an exponential divided by the sum of all is a softmax, which does not overflow",)
    if _count(after, "log") < _count(before, "log"):
        return (Call("log", (Call("exp", (u,)),)), " is ", u)
    return ("the same value, in a form that does not overflow",)


def _is_nested(node: Expr) -> bool:
    """log(exp u + exp v + exp w) by two terms and one."""
    match node:
        case Call("logaddexp", args):
            return any(isinstance(a, Call) and a.function == "logaddexp" for a in args)
        case _:
            return False


def _count(node: Expr, name: str) -> int:
    return sum(isinstance(n, Call) and n.function == name for n in walk(node))


def _tanh_in_logarithms(node: Expr) -> int:
    return sum(_count(n, "tanh") for n in walk(node) if isinstance(n, Call) and n.function.startswith("log"))


def _is_log_of_others(node: Expr) -> bool:
    """Whether a node is log(1 − softmax(z)_c)."""
    match node:
        case Call("log", (Add(terms),), ()):
            return ONE in terms and any(isinstance(t, Neg) and isinstance(t.arg, Weights) for t in terms)
        case _:
            return False


def _is_log_of_one_and_exp(node: Expr) -> bool:
    """Whether a node is log(1 + exp u)."""
    match node:
        case Call("log", (Add((first, second)),), ()):
            others = [t for t in (first, second) if t != ONE]
            return len(others) == 1 and isinstance(others[0], Call) and others[0].function == "exp"
        case Call("log1p", (Call("exp", _, ()),), ()):
            return True
        case _:
            return False


def _is_log_of_difference(node: Expr) -> bool:
    """Whether a node is log(f(u) − f(v))."""
    match node:
        case Call("log", (Add((Call(first, _, ()), Neg(Call(second, _, ())))),), ()):
            return first == second
        case Call("log", (Add((Neg(Call(first, _, ())), Call(second, _, ()))),), ()):
            return first == second
        case _:
            return False


def _is_log_of_mean(node: Expr) -> bool:
    """Whether a node is log Σ m softmax(u)."""
    match node:
        case Call("log", (Reduce("sum", _, Mul(factors)),), ()):
            return any(isinstance(f, Weights) for f in factors)
        case _:
            return False


def _quotients(node: Expr) -> int:
    """How many quotients stand in an expression, softmaxes among them."""
    return sum(isinstance(n, (Div, Weights)) for n in walk(node))


def _kinds(node: Expr) -> set[str]:
    return {f"{type(n).__name__} {getattr(n, 'op', getattr(n, 'function', ''))}" for n in walk(node)}
