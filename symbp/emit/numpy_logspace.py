"""Products of matrices in the space of logarithms, and their adjoints, as calls of helpers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbp.arrays.logspace import LogProduct, Pulled
from symbp.arrays.nodes import Labels
from symbp.emit.numpy_index import operand, operands
from symbp.emit.numpy_text import Code, arranged

if TYPE_CHECKING:
    from symbp.emit.numpy_code import Writer

SCALED = '''\
def _scaled(p, q):
    """exp(p) and exp(q) over their largest entries, and their product; the logarithms of what was divided by.

    The last part tells whether no entry of the product is so small that digits may be lost.
    """
    row, column = np.maximum.reduce(p, -1, keepdims=True), np.maximum.reduce(q, 0)
    e, f = np.exp(p - row), np.exp(q - column)
    total = e @ f
    return e, f, total, row, column, np.minimum.reduce(total, None) > 1e-19
'''
VALUE = '''\
def log_product(p, q):
    """log Σ_j exp(p[..., j] + q[j, k]), as a product of matrices unless that underflows."""
    _, _, total, row, column, safe = _scaled(p, q)
    if safe:
        return np.log(total) + row + column
    return logsumexp(p[..., None] + q, axis=-2)
'''
LEFT = '''\
def log_product_left(p, q, adjoint):
    """Σ_k adjoint[..., k] w[..., j, k] with the weights w = softmax(p[..., j] + q[j, k]) over j."""
    e, f, total, _, _, safe = _scaled(p, q)
    if safe:
        return e*((adjoint/total) @ f.T)
    return (softmax(p[..., None] + q, axis=-2) @ adjoint[..., None])[..., 0]
'''
RIGHT = '''\
def log_product_right(p, q, adjoint):
    """Σ adjoint[..., k] w[..., j, k] over all axes in front, with w = softmax(p[..., j] + q[j, k]) over j."""
    e, f, total, _, _, safe = _scaled(p, q)
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
    texts = operands(writer, (product.first, product.second), product.orders)
    return Code(f"{function}({', '.join([*texts, *more])})")
