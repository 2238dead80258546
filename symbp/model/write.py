"""Syntax back to text in the model language: what a Python builder made, as a file would say it."""

from __future__ import annotations

from collections.abc import Iterable

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

_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _FACTOR, _ATOM = range(8)
"""How tightly a piece of text holds together, loosest first."""


def line_text(line: SyntaxLine) -> str:
    """One line of a model."""
    match line:
        case TitleLine(heading):
            return f'title "{heading}"'
        case IndexLine(range_):
            return f"index {range_.name} = {text(range_.lo, _SUM)}..{text(range_.hi, _SUM)}"
        case ArrayLine(kind, name, family, dims, label, integer):
            head = f"{kind} {name}{_label(label)}{_at(family)}"
            shape = f" : {_listed(dims)}" if dims else ""
            return head + shape + (f" in {text(integer[0])}..{text(integer[1])}" if integer else "")
        case SizeLine(name):
            return f"size {name}"
        case FunctionLine(name, params, None, label):
            return f"function {name}{_label(label)}"
        case FunctionLine(name, params, body, label):
            return f"{name}{_label(label)}({_listed(params)}) = {text(body) if body else ''}"
        case EquationLine(name, positions, body, ranges, label):
            clause = f" for {', '.join(map(_range, ranges))}" if ranges else ""
            return f"{name}{_label(label)}{_at(positions)} = {text(body)}{clause}"
        case CostLine(name, body, label):
            return f"cost {name}{_label(label)} = {text(body)}"
        case LetLine(name, top, bottom, label):
            return f"let {name}{_label(label)} = d{top}/d{bottom}"
        case _:
            raise TypeError(f"{type(line).__name__} is not a line of a model")


def text(node: Syntax, around: int = _OR) -> str:
    """An expression, in brackets where it stands in something that holds together more tightly."""
    out, own = _text(node)
    return f"({out})" if own < around else out


def _text(node: Syntax) -> tuple[str, int]:
    match node:
        case Num(value, decimal):
            return (repr(float(value)) if decimal else str(value)), _ATOM
        case Name(name):
            return name, _ATOM
        case Subscript(name, positions):
            return name + _at(positions), _ATOM
        case Apply(name, args):
            parts = (_range(a) if isinstance(a, Range) else text(a) for a in args)
            return f"{name}({', '.join(parts)})", _ATOM
        case Unary("not", arg):
            return f"not {text(arg, _NOT)}", _NOT
        case Unary(op, arg):
            return f"{op}{text(arg, _PRODUCT)}", _SUM
        case Chain("+", args):
            return _sum(args), _SUM
        case Chain(_, args):
            return "*".join(text(a, _FACTOR) for a in args), _PRODUCT
        case Binary():
            return _binary(node)
        case _:
            raise TypeError(f"{type(node).__name__} is not an expression of the model language")


def _sum(args: tuple[Syntax, ...]) -> str:
    first = args[0]
    out = text(first, _SUM if isinstance(first, Unary) else _PRODUCT)
    for arg in args[1:]:
        if isinstance(arg, Unary) and arg.op == "-":
            out += f" - {text(arg.arg, _PRODUCT)}"
        else:
            out += f" + {text(arg, _PRODUCT)}"
    return out


def _binary(node: Binary) -> tuple[str, int]:
    match node.op:
        case "/" | "//":
            return f"{text(node.left, _PRODUCT)}{node.op}{text(node.right, _FACTOR)}", _PRODUCT
        case "^":
            return f"{text(node.left, _ATOM)}^{text(node.right, _ATOM)}", _FACTOR
        case "and":
            return f"{text(node.left, _AND)} and {text(node.right, _NOT)}", _AND
        case "or":
            return f"{text(node.left, _OR)} or {text(node.right, _AND)}", _OR
        case op:
            return f"{text(node.left, _SUM)} {op} {text(node.right, _SUM)}", _COMPARE


def _range(node: Range) -> str:
    return f"{node.name}={text(node.lo, _SUM)}..{text(node.hi, _SUM)}"


def _listed(nodes: Iterable[Syntax]) -> str:
    return ", ".join(map(text, nodes))


def _at(nodes: Iterable[Syntax]) -> str:
    inside = ",".join(text(n).replace(" ", "") for n in nodes)
    return f"[{inside}]" if inside else ""


def _label(label: str) -> str:
    return f' "{label}"' if label else ""
