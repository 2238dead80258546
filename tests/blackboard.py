"""Models of a few lines evaluated with plain Python loops, and their matrix forms as NumPy text beside them.

Nothing of symbp evaluates here: costs are differentiated by complex step, at sizes that are all different.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import symbp
from symbp.emit.math import printer
from symbp.emit.matrix_math import matrix_box
from symbp.emit.plain import text as plain

SIZES = {"N": 4, "M": 3, "P": 5, "Q": 2, "D": 3, "K": 2, "H": 5}

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh, "sin": np.sin, "cos": np.cos,
    "sigmoid": lambda u: 1 / (1 + np.exp(-u)),
    "softplus": lambda u: np.log(1 + np.exp(u)),
    "relu": lambda u: u * (np.real(u) > 0),
    "abs": lambda u: u * np.sign(np.real(u)),
    "maximum": lambda a, b: a if np.real(a) > np.real(b) else b,
    "minimum": lambda a, b: a if np.real(a) < np.real(b) else b,
    "largest": lambda values: max(values, key=np.real),
    "smallest": lambda values: min(values, key=np.real),
}  # fmt: skip


class _Loops(ast.NodeTransformer):
    """``sum(e, i, j)`` as Python's own sum over two loops; ``softmax(e, i)`` and its kin likewise."""

    def __init__(self, ranges: Mapping[str, int]) -> None:
        self.ranges = ranges

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        assert isinstance(node.func, ast.Name)
        if node.func.id == "where":
            return ast.IfExp(*node.args)
        if node.func.id not in ("sum", "mean", "logsumexp", "softmax", "max", "min"):
            return node
        body, *indices = (ast.unparse(a) for a in node.args)
        loops = " ".join(f"for {i} in range({self.ranges[i]})" for i in indices)
        total = f"sum(({body}) {loops})"
        texts = {
            "sum": total,
            "mean": f"({total})/{np.prod([self.ranges[i] for i in indices])}",
            "logsumexp": f"log(sum(exp({body}) {loops}))",
            "softmax": f"(exp({body})/sum(exp({body}) {loops}))",
            "max": f"largest([{body} {loops}])",
            "min": f"smallest([{body} {loops}])",
        }
        return ast.parse(texts[node.func.id], mode="eval").body


class Plain:
    """A model's text, evaluated with loops."""

    def __init__(self, text: str) -> None:
        self.dims: dict[str, tuple[int, ...]] = {}
        self.kinds: dict[str, str] = {}
        self.labels: dict[str, int] = {}
        self.equations: list[tuple[str, tuple[str, ...], Any]] = []
        for line in text.strip().splitlines():
            self._read(line)

    def _read(self, line: str) -> None:
        if found := re.fullmatch(r"(const|param|input) (\w+)(?: : (.*?))?(?: in 0\.\.(\w+)-1)?", line):
            kind, name, dims, end = found.groups()
            self.dims[name] = tuple(SIZES[d] for d in re.findall(r"\w+", dims or ""))
            self.kinds[name] = kind
            if end:
                self.labels[name] = SIZES[end]
            return
        left, right = line.removeprefix("cost ").split(" = ")
        name, *indices = re.findall(r"\w+", left)
        tree = ast.parse(right.replace("^", "**"), mode="eval")
        ranges = self._ranges(tree)
        self.dims[name] = tuple(ranges[i] for i in indices)
        code = compile(ast.fix_missing_locations(_Loops(ranges).visit(tree)), line, "eval")
        self.equations.append((name, tuple(indices), code))

    def _ranges(self, tree: ast.AST) -> dict[str, int]:
        found: dict[str, int] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
                for place, size in zip(places, self.dims[node.value.id], strict=True):
                    if isinstance(place, ast.Name) and place.id not in self.dims:
                        assert found.setdefault(place.id, size) == size
        return found

    def given(self, seed: int = 1, low: float = 0.3) -> dict[str, Any]:
        rng = np.random.default_rng(seed)
        return {
            name: (rng.integers(self.labels[name], size=self.dims[name]) if name in self.labels
                   else rng.uniform(low, 1.4, self.dims[name])[()])
            for name in self.kinds
        }  # fmt: skip

    def run(self, values: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, Any]:
        """All arrays; those in ``held`` keep that value instead of their equation's."""
        env: dict[str, Any] = {**_FUNCTIONS, **SIZES, **values, **held}
        for name, indices, code in self.equations:
            if name in held:
                continue
            array = np.zeros(self.dims[name], dtype=complex)
            for place in np.ndindex(*self.dims[name]):
                array[place] = eval(code, {**env, **dict(zip(indices, place, strict=True))})
            env[name] = array[()]
        return env

    def gradient(self, values: Mapping[str, Any], name: str) -> Any:
        """∂C/∂name by complex step, the equation of ``name`` set aside."""
        base = np.asarray(self.run(values, {})[name], dtype=complex)
        out = np.zeros(base.shape)
        for place in np.ndindex(*base.shape):
            moved = base.copy()
            moved[place] += 1e-30j
            out[place] = np.imag(self.run(values, {name: moved[()]})["C"]) / 1e-30
        return out


def _softmax(u: Any) -> Any:
    e = np.exp(u - u.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def names(text: str, values: Mapping[str, Any], code: str) -> dict[str, Any]:
    """What a reader of the NumPy text would have at hand."""
    model = Plain(text)
    arrays = {n: np.real(v) for n, v in model.run(values, {}).items() if n in model.dims}
    adjoints = {f"d{n}": model.gradient(values, n) for n in arrays if re.search(rf"\bd{n}\b", code)}
    helpers = {
        "sigmoid": _FUNCTIONS["sigmoid"],
        "softplus": _FUNCTIONS["softplus"],
        "softmax": _softmax,
        "relu_prime": lambda u: (u > 0) * 1.0,
        "logsumexp": lambda u: np.log(np.sum(np.exp(u))),
    }
    return {"np": np, **SIZES, **helpers, **arrays, **adjoints}


def matrix(text: str, variable: str) -> Any:
    """The matrix form, which has to be there."""
    form = symbp.parse(text).derive(variable).matrix
    assert form is not None, "no matrix form was found"
    return form


def shown(text: str, variable: str) -> str:
    """The matrix form as a terminal shows it."""
    form = matrix(text, variable)
    return plain(matrix_box(printer(form.model), form.view.form))


def assert_numpy_is_the_gradient(text: str, variable: str, low: float = 0.3) -> None:
    """The NumPy text against the cost differentiated by complex step, at numbers between low and 1.4."""
    code = matrix(text, variable).to_numpy()
    model = Plain(text)
    values = model.given(low=low)
    computed = eval(code, names(text, values, code))
    assert np.shape(computed) == model.dims[variable]
    np.testing.assert_allclose(computed, model.gradient(values, variable), rtol=1e-11, atol=1e-12)
