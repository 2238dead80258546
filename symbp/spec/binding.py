"""Giving an abstract function a definition: ``--bind sigma=tanh``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from symbp.errors import RequestProblem, Source
from symbp.model.syntax import FunctionLine, SyntaxLine, SyntaxModel
from symbp.spec.reader import read


def bind(syntax: SyntaxModel, bindings: Mapping[str, str]) -> SyntaxModel:
    """The model with abstract functions defined.

    ``{"sigma": "tanh"}`` names another function; ``{"sigma(u)": "u/(1 + abs(u))"}`` and
    ``{"C(v[j])": "sum(v[j]^2, j)/2"}`` give a definition in the model language.

    Raises:
        RequestProblem: if a name is no abstract function of the model.
        SyntaxProblem: if a definition is not in the model language.
    """
    lines = syntax.lines
    for left, right in bindings.items():
        name = left.split("(")[0].strip()
        lines = tuple(_defined(line, name, left, right) for line in lines)
        if not any(isinstance(n, FunctionLine) and n.name == name and n.body for n in lines):
            abstract = [n.name for n in syntax.lines if isinstance(n, FunctionLine) and n.body is None]
            hint = f"its abstract functions: {', '.join(abstract)}" if abstract else "it has none"
            raise RequestProblem(f"{name} is not an abstract function of the model {syntax.name}", hint=hint)
    return replace(syntax, lines=lines)


def _defined(line: SyntaxLine, name: str, left: str, right: str) -> SyntaxLine:
    if not isinstance(line, FunctionLine) or line.name != name or line.body is not None:
        return line
    text = f"{left} = {right}" if "(" in left else f"{name}(u) = {right}(u)"
    (definition,) = read(Source(f"--bind {left}={right}", text), "binding").lines
    if not isinstance(definition, FunctionLine):
        raise RequestProblem(f"--bind {left}={right} is not the definition of a function",
                             hint="write --bind sigma=tanh or --bind 'sigma(u)=u/(1 + abs(u))'")
    return replace(definition, latex=line.latex)
