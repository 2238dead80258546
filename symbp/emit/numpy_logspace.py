"""Products of matrices in the space of logarithms, and their adjoints, as calls of helpers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbp.arrays.logspace import LogProduct, Pulled
from symbp.arrays.nodes import Elementwise, Keep, Labels, Step
from symbp.emit.numpy_index import operand
from symbp.emit.numpy_text import Code, arranged

if TYPE_CHECKING:
    from symbp.emit.numpy_code import Writer

RESCALED = '''\
def rescaled(q):
    """A matrix for log_product: itself, exp(q) over its largest entry, and that entry.

    Where exp(q) would be so small that digits may be lost, the largest entry of each column takes its place.
    """
    top = np.maximum.reduce(q, None)
    f = np.exp(q - top)
    if np.minimum.reduce(f, None) > 1e-19:
        return q, f, top
    top = np.maximum.reduce(q, 0)
    return q, np.exp(q - top), top
'''
PRODUCTS = '''\
class LogProducts:
    """log Σ_j exp(p[..., j] + q[j, k]) for the p of every step of a loop, and its adjoints; see rescaled(q).

    They are products of matrices; what a step computes is kept.  Where a product is so small that digits may
    be lost, the sum is taken as it stands.
    """

    def __init__(self, steps):
        self.steps, self.f, self.e = steps, None, None

    def of(self, q):
        """The same object for a matrix q."""
        self.q, self.f, self.top = rescaled(q)
        # each row of exp(p) has a 1, so that no entry of the product is smaller than all of exp(q)
        self.safe, self.small = not self.top.ndim or np.minimum.reduce(self.f, None) > 1e-19, {}
        if not self.safe:
            self.q = q.copy()
        return self

    def room(self, p):
        """Arrays for all steps, and for each step its parts as arrays and as matrices."""
        steps, rows, (J, K) = self.steps, p.shape[:-1], self.f.shape
        self.e = np.empty((steps, *p.shape), p.dtype)
        self.total, self.share = (np.empty((steps, *rows, K), p.dtype) for _ in range(2))
        self.row, self.pulled = np.empty((*rows, 1), p.dtype), np.empty(p.shape, p.dtype)
        parts = [*self.e], [*self.total], [*self.share]
        flat = [a.reshape(steps, -1, a.shape[-1]) for a in (self.e, self.total, self.share)]
        self.parts, self.flat = [*zip(*parts)], [*zip(*flat)]

    def value(self, t, p, out=None):
        """log Σ_j exp(p[..., j] + q[j, k]) in step t."""
        if self.e is None:
            self.room(p)
        (e, total, _), (flat, product, _) = self.parts[t], self.flat[t]
        row = np.maximum.reduce(p, -1, None, self.row, True)
        np.subtract(p, row, e)
        np.exp(e, e)
        np.dot(flat, self.f, product)
        if not self.safe and np.minimum.reduce(product, None) <= 1e-19:
            self.small[t] = p.copy()
            return _filled(logsumexp(p[..., None] + self.q, axis=-2), out)
        out = np.log(total, out)
        return np.add(out, row + self.top, out)

    def left(self, t, adjoint, out=None):
        """Σ_k adjoint[..., k] w[..., j, k] with w = softmax(p[..., j] + q[j, k]) over j in step t."""
        if t in self.small:
            weights = softmax(self.small[t][..., None] + self.q, axis=-2)
            return _filled((weights @ adjoint[..., None])[..., 0], out)
        (e, total, share), (_, _, flat) = self.parts[t], self.flat[t]
        np.divide(adjoint, total, share)
        np.dot(flat, self.f.T, self.pulled.reshape(-1, e.shape[-1]))
        return np.multiply(e, self.pulled, out)

    def right(self, t, adjoints, out=None):
        """Σ adjoints[i, ..., k] w[..., j, k] over the steps t + i and all other axes in front."""
        if not len(adjoints):
            return _filled(np.zeros_like(self.f), out)
        if self.small:
            parts = (self.one(t + i, adjoint) for i, adjoint in enumerate(adjoints))
            return _filled(sum(parts), out)
        e, total, share = (a[t:t+len(adjoints)] for a in (self.e, self.total, self.share))
        np.divide(adjoints, total, share)
        out = np.dot(e.reshape(-1, e.shape[-1]).T, share.reshape(-1, share.shape[-1]), out)
        return np.multiply(self.f, out, out)

    def one(self, t, adjoint):
        """What step t adds to the sum of right."""
        if t in self.small:
            weights = softmax(self.small[t][..., None] + self.q, axis=-2)*adjoint[..., None, :]
            return weights.reshape(-1, *self.q.shape).sum(axis=0)
        (_, total, share), (flat, _, shares) = self.parts[t], self.flat[t]
        np.divide(adjoint, total, share)
        return self.f*(flat.T @ shares)
'''
FILLED = '''\
def _filled(values, out):
    """The values, in the array out if there is one."""
    if out is None:
        return values
    np.copyto(out, values)
    return out
'''
SCALED = '''\
def _scaled(p, f):
    """exp(p) over the largest entry of each row, its product with f, and those entries.

    The last part tells whether no entry of the product is so small that digits may be lost.
    """
    row = np.maximum.reduce(p, -1, keepdims=True)
    e = np.exp(p - row)
    total = np.dot(e.reshape(-1, f.shape[0]), f).reshape(*p.shape[:-1], f.shape[1])
    return e, total, row, np.minimum.reduce(total, None, initial=1) > 1e-19
'''
VALUE = '''\
def log_product(p, matrix):
    """log Σ_j exp(p[..., j] + q[j, k]), as a product of matrices unless that underflows; see rescaled(q)."""
    q, f, top = matrix
    _, total, row, safe = _scaled(p, f)
    if safe:
        return np.log(total) + (row + top)
    return logsumexp(p[..., None] + q, axis=-2)
'''
LEFT = '''\
def log_product_left(p, matrix, adjoint):
    """Σ_k adjoint[..., k] w[..., j, k] with the weights w = softmax(p[..., j] + q[j, k]) over j."""
    q, f, _ = matrix
    e, total, _, safe = _scaled(p, f)
    if safe:
        return e*((adjoint/total) @ f.T)
    return (softmax(p[..., None] + q, axis=-2) @ adjoint[..., None])[..., 0]
'''
RIGHT = '''\
def log_product_right(p, matrix, adjoint):
    """Σ adjoint[..., k] w[..., j, k] over all axes in front, with w = softmax(p[..., j] + q[j, k]) over j."""
    q, f, _ = matrix
    e, total, _, safe = _scaled(p, f)
    if safe:
        return f*(e.reshape(-1, f.shape[0]).T @ (adjoint/total).reshape(-1, f.shape[1]))
    weights = softmax(p[..., None] + q, axis=-2)*adjoint[..., None, :]
    return weights.reshape(-1, *q.shape).sum(axis=0)
'''


def value(writer: Writer, found: LogProduct, want: Labels) -> Code:
    """log Σ exp of two operands' sum."""
    return arranged(_call(writer, "log_product", found), found.labels, want)


def adjoint(writer: Writer, found: Pulled, want: Labels) -> Code:
    """A cotangent pulled back to one of the two operands."""
    product = found.product
    cotangent = operand(writer, found.cotangent, product.labels).text
    code = _call(writer, f"log_product_{found.side}", product, cotangent)
    return arranged(code, product.orders[0 if found.side == "left" else 1], want)


def step(writer: Writer, node: Step, want: Labels) -> Code:
    """A call of the object that keeps the steps."""
    return arranged(Code(f"{called(writer, node)}({', '.join(arguments(writer, node))})"), node.labels, want)


def called(writer: Writer, node: Step) -> str:
    """The method of a step."""
    return f"{writer.names[node.key]}.{node.method}"


def arguments(writer: Writer, node: Step) -> list[str]:
    """The arguments of a step's method: which step, and what it is given."""
    return [writer.integer(node.at, True).text, operand(writer, node.arg, node.order).text]


def keeper(writer: Writer, node: Keep) -> tuple[str, str, str]:
    """The name of an object, how it begins, and how it takes its matrix."""
    writer.needs.helpers["LogProducts"] = None
    begins = f"LogProducts({writer.integer(node.steps, True).text})"
    return writer.names[node.key], begins, f"of({operand(writer, node.matrix, node.order).text})"


def _call(writer: Writer, function: str, product: LogProduct, *more: str) -> Code:
    writer.needs.helpers[function] = None
    rows, columns = product.orders
    # a node of its own, so that a loop finds it does not change, and takes it out
    matrix = Elementwise("rescaled", (product.second,), columns)
    texts = (operand(writer, product.first, rows).text, writer.write(matrix, columns).text)
    return Code(f"{function}({', '.join([*texts, *more])})")
