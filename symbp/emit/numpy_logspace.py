"""Products of matrices in the space of logarithms, and their adjoints, as calls of helpers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbp.arrays.logspace import LogProduct, Pulled
from symbp.arrays.nodes import Elementwise, Labels
from symbp.emit.numpy_index import operand
from symbp.emit.numpy_text import Code, arranged

if TYPE_CHECKING:
    from symbp.emit.numpy_code import Writer

RESCALED = '''\
def rescaled(q):
    """A matrix for log_product: itself, exp(q) over the largest entry of each column, and those entries."""
    column = np.maximum.reduce(q, 0)
    return q, np.exp(q - column), column
'''
SCALED = '''\
def _scaled(p, f):
    """exp(p) over the largest entry of each row, its product with f, and those entries.

    The last part tells whether no entry of the product is so small that digits may be lost.
    """
    row = np.maximum.reduce(p, -1, keepdims=True)
    e = np.exp(p - row)
    total = e @ f
    return e, total, row, np.minimum.reduce(total, None, initial=1) > 1e-19
'''
VALUE = '''\
def log_product(p, matrix):
    """log Σ_j exp(p[..., j] + q[j, k]), as a product of matrices unless that underflows; see rescaled(q)."""
    q, f, column = matrix
    _, total, row, safe = _scaled(p, f)
    if safe:
        return np.log(total) + row + column
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


def _call(writer: Writer, function: str, product: LogProduct, *more: str) -> Code:
    writer.needs.helpers[function] = None
    rows, columns = product.orders
    # a node of its own, so that a loop finds it does not change, and takes it out
    matrix = Elementwise("rescaled", (product.second,), columns)
    texts = (operand(writer, product.first, rows).text, writer.write(matrix, columns).text)
    return Code(f"{function}({', '.join([*texts, *more])})")
