"""The functions that generated modules bring along, each written out only where it is called."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from symbp import functions
from symbp.emit import numpy_checks, numpy_logspace, numpy_room_class
from symbp.emit.numpy_distance import HELPER as DISTANCES

SOFTMAX = '''\
def softmax(u, axis):
    """exp(u)/Σ exp(u) along an axis; the largest entry is subtracted, so nothing overflows."""
    e = u - u.max(axis=axis, keepdims=True)
    np.exp(e, e)
    e /= e.sum(axis=axis, keepdims=True)
    return e
'''
LOGSUMEXP = '''\
def logsumexp(u, axis):
    """log Σ exp(u) along an axis; the largest entry is subtracted, so nothing overflows."""
    top = u.max(axis=axis, keepdims=True)
    e = u - top
    return np.log(np.exp(e, e).sum(axis=axis)) + np.squeeze(top, axis)
'''
NORMALISED = '''\
def normalised(u, axis):
    """softmax(u) and log Σ exp(u) along an axis, with one exponential for both."""
    top = u.max(axis=axis, keepdims=True)
    e = u - top
    np.exp(e, e)
    total = e.sum(axis=axis, keepdims=True)
    e /= total
    return e, np.squeeze(np.log(total) + top, axis)
'''
MASKED_SOFTMAX = '''\
def masked_softmax(u, axis):
    """softmax(u) along an axis; 0 where all of u is -inf: there is nothing to share in."""
    return masked_normalised(u, axis)[0]
'''
MASKED_LOGSUMEXP = '''\
def masked_logsumexp(u, axis):
    """log Σ exp(u) along an axis, -inf where all of u is."""
    return masked_normalised(u, axis)[1]
'''
MASKED_NORMALISED = '''\
def masked_normalised(u, axis):
    """softmax(u) and log Σ exp(u) along an axis; 0 and -inf where all of u is -inf, or u is empty."""
    top = u.max(axis=axis, keepdims=True, initial=-np.inf)
    top[top == -np.inf] = 0
    e = u - top
    np.exp(e, e)
    total = e.sum(axis=axis, keepdims=True)
    e /= np.maximum(total, 1)  # it is at least exp(0), or 0
    with np.errstate(divide="ignore"):
        return e, np.squeeze(np.log(total) + top, axis)
'''
ARGMAX = '''\
def argmax(u, axis, top=None, out=None):
    """1 where u is largest along an axis, shared equally at a tie, and 0 elsewhere; top: its maximum."""
    return _extreme(np.maximum, u, axis, top, out)
'''
ARGMIN = '''\
def argmin(u, axis, top=None, out=None):
    """1 where u is smallest along an axis, shared equally at a tie, and 0 elsewhere; top: its minimum."""
    return _extreme(np.minimum, u, axis, top, out)
'''
EXTREME = '''\
def _extreme(function, u, axis, top, out):
    """Where u is function.reduce(u, axis), in equal shares; a slice at a time where they are few."""
    axis %= u.ndim
    order = [axis, *range(axis), *range(axis + 1, u.ndim)]
    slices = u.transpose(order)
    few = len(slices) < 8
    if top is None:
        top = functools.reduce(function, slices) if few else function.reduce(slices)
    if not few:
        return _shares(u == np.expand_dims(top, axis), top, axis, u.dtype, out)
    if out is None:
        out = np.empty(slices.shape, u.dtype).transpose(np.argsort(order))
    parts = out.transpose(order)
    for k, values in enumerate(slices):
        parts[k] = values == top
    times = functools.reduce(np.add, parts)
    if not (times == 1).all():
        parts /= times
    return out
'''
SHARES = '''\
def _shares(mask, top, axis, dtype, out=None):
    """A mask of where top stands, as numbers: equal shares where it stands several times along the axis."""
    if out is None:
        out = mask.astype(dtype)
    else:
        np.copyto(out, mask)
    if np.count_nonzero(mask) != top.size or np.isnan(top).any():
        out /= np.add.reduce(out, axis, keepdims=True)
    return out
'''
FOLDED = '''\
def folded(function, parts, out=None):
    """function.reduce over parts in a list: along axes of few elements NumPy itself is slow."""
    first, second, *rest = parts
    out = function(first, second, out=out)
    for part in rest:
        function(out, part, out=out)
    return out
'''
SLICED = '''\
def sliced(u, axes):
    """The slices of an array along axes of few elements, in a list."""
    parts = [u.transpose(*axes, *[k for k in range(u.ndim) if k not in axes])]
    for _ in axes:
        parts = [part for whole in parts for part in whole]
    return parts
'''
WINNERS = '''\
def winners(parts, top, shape, hits=None, out=None):
    """1 for each part where it is top, and 0 elsewhere; equal shares at a tie, axis by axis.

    The parts stand in a list as in an array of this shape, whose axes are the first of the result.
    """
    if hits is None:
        hits = np.empty((*shape, *top.shape), bool)
    if out is None:
        out = np.empty(hits.shape, top.dtype)
    for part, hit in zip(parts, hits.reshape(len(parts), *top.shape)):
        np.equal(part, top, hit)
    if np.count_nonzero(hits) == top.size and not np.isnan(top).any():
        np.copyto(out, hits)
        return out
    held, total = hits, np.int8(1)
    for axis in reversed(range(len(shape))):
        times = np.add.reduce(held.view(np.int8), axis, np.int8, keepdims=True)
        if axis:
            held = times > 0
            np.maximum(times, 1, out=times)
        total = total*times
    return np.divide(hits, total, out, dtype=out.dtype)
'''
WINDOWS = '''\
def windows(x, *axes):
    """A view in which axes have become several: x[start + steps[0]*i + steps[1]*p + …].

    axes: the number of each, its start, the extents and the steps of the axes in its place.
    """
    first, shape, strides = 0, [*x.shape], [*x.strides]
    for axis, start, ends, steps in reversed(axes):
        last = start + sum([(n - 1)*s for n, s in zip(ends, steps)])
        if start < 0 or last >= x.shape[axis]:
            raise IndexError(f"a window reads position {last} of an axis of length {x.shape[axis]}")
        step = strides[axis]
        first += start*step
        shape[axis:axis + 1] = ends
        strides[axis:axis + 1] = [s*step for s in steps]
    if not x.flags.c_contiguous:
        starts = {axis: start for axis, start, *_ in axes}
        x = x[tuple([slice(starts.get(axis, 0), None) for axis in range(x.ndim)])]
        return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)
    view = np.ndarray(shape, x.dtype, x, first, strides)  # as as_strided, in half of the time
    view.flags.writeable = False
    return view
'''
TENSORDOT = '''\
def tensordot(a, b, count):
    """np.tensordot of the last axes of a and the first of b; as a product of matrices it costs less."""
    kept, more = a.shape[:a.ndim - count], b.shape[count:]
    summed = math.prod(b.shape[:count])
    product = np.dot(a.reshape(math.prod(kept), summed), b.reshape(summed, math.prod(more)))
    return product.reshape(kept + more)
'''
LIKE = '''\
def _like(kind, members):
    """Members of a family as one array if its parameter came as one, else as a list."""
    return list(members) if kind is list or not issubclass(kind, np.ndarray) else np.stack(members)
'''
ROWS = '''\
def _rows(kind, shape, dtype):
    """Room for a family's members: rows of one array if its parameter came as one, else a list."""
    listed = kind is list or not issubclass(kind, np.ndarray)
    return [None]*shape[0] if listed else np.empty(shape, dtype)
'''
ROWS_LIKE = '''\
def _rows_like(kind, members, rows=None):
    """As _like; members of one shape may be an array already, or the rows of one."""
    if kind is not list and issubclass(kind, np.ndarray):
        if isinstance(members, np.ndarray):
            return members
        if rows is not None and all([member.base is rows for member in members]):
            return rows
    return _like(kind, members)
'''
COPIED = '''\
def _copied(values, dtype, out):
    """A copy in ``out``, or in a new array if there is none yet."""
    if out is None:
        return np.array(values, dtype, order="C")
    np.copyto(out, values)
    return out
'''
WHERE = '''\
def _where(condition, then, other, out):
    """np.where in ``out``, or in a new array if there is none yet."""
    if out is None:
        return np.where(condition, then, other)
    if out is not other:
        np.copyto(out, other)
    np.copyto(out, then, where=condition)
    return out
'''
ADDED = '''\
def _added(out, ids, values, places=None):
    """out[ids] += values, repeated ids adding up: many number by number, which NumPy does faster.

    ids has a position for each of the first axes of out.  The places of all numbers are returned, and an
    array for them is taken.
    """
    ends, memory = out.shape[len(ids):], out
    if not out.flags.c_contiguous:
        memory = out.transpose(sorted(range(out.ndim), key=lambda k: -out.strides[k]))
    few = np.size(ids[0])*math.prod(ends) < 600
    if few or not memory.flags.c_contiguous:
        values = np.broadcast_to(values, np.broadcast(*ids).shape + ends)
        np.add.at(out, ids, values)
        return places
    steps = [step//out.itemsize for step in out.strides]
    rows = np.asarray(ids[0], np.intp)*steps[0]
    for step, more in zip(steps[1:], ids[1:]):
        rows = rows + np.asarray(more, np.intp)*step
    inner = [np.arange(size)*step for step, size in zip(steps[len(ids):], ends)]
    places = np.add.outer(rows, functools.reduce(np.add.outer, inner, 0), out=places)
    values = np.broadcast_to(values, places.shape)
    np.add.at(memory.reshape(-1), places.reshape(-1), values.reshape(-1))
    return places
'''
PRODUCT = '''\
def _product(a, b, inner, shape, out):
    """a @ b in ``out`` of the shape ``shape``; the product itself has the shape ``inner``."""
    if out is None:
        out = np.empty(shape, np.result_type(a, b))
    if not out.flags.c_contiguous:
        out[...] = (a @ b).reshape(shape)
    else:
        np.matmul(a, b, out.reshape(inner))
    return out
'''
FILTERED = '''\
def _filtered(factor, view, patches, shape, out):
    """factor @ patches in ``out``; patches takes a copy of all windows of a view.

    A large copy is multiplied image by image, while what is copied is still in the cache.
    """
    rows, kernel = factor.shape
    places = patches.size//(len(patches)*kernel)
    if out is None:
        out = np.empty(shape, patches.dtype)
    if patches.nbytes < 8e6 or not out.flags.c_contiguous:
        np.copyto(patches, view)
        return _product(factor, patches.reshape(-1, kernel, places), (-1, rows, places), shape, out)
    for windows, copy, product in zip(view, patches, out):
        np.copyto(copy, windows)
        factor.dot(copy.reshape(kernel, places), product.reshape(rows, places))
    return out
'''
HELPERS: Mapping[str, str] = MappingProxyType(
    {
        **{f.name: f.helper for f in functions.ELEMENTWISE if f.helper},
        "softmax": SOFTMAX,
        "logsumexp": LOGSUMEXP,
        "normalised": NORMALISED,
        "masked_softmax": MASKED_SOFTMAX,
        "masked_logsumexp": MASKED_LOGSUMEXP,
        "masked_normalised": MASKED_NORMALISED,
        "argmax": ARGMAX,
        "argmin": ARGMIN,
        "_extreme": EXTREME,
        "_shares": SHARES,
        "folded": FOLDED,
        "sliced": SLICED,
        "winners": WINNERS,
        "windows": WINDOWS,
        "tensordot": TENSORDOT,
        "_like": LIKE,
        "_rows": ROWS,
        "_rows_like": ROWS_LIKE,
        "_copied": COPIED,
        "_where": WHERE,
        "squared_distances": DISTANCES,
        "log_product": numpy_logspace.VALUE,
        "log_product_left": numpy_logspace.LEFT,
        "log_product_right": numpy_logspace.RIGHT,
        "rescaled": numpy_logspace.RESCALED,
        "_scaled": numpy_logspace.SCALED,
        "LogProducts": numpy_logspace.PRODUCTS,
        "_filled": numpy_logspace.FILLED,
        "_added": ADDED,
        "_filtered": FILTERED,
        "_in_blocks": numpy_room_class.IN_BLOCKS,
        "_over_blocks": numpy_room_class.OVER_BLOCKS,
        "_bytes": numpy_room_class.BYTES,
        "_product": PRODUCT,
        "Workspace": numpy_room_class.WORKSPACE,
        "_common": numpy_checks.COMMON,
        "_dtype": numpy_checks.DTYPE,
        "_members": numpy_checks.MEMBERS,
        "_fit": numpy_checks.FIT,
        "_within": numpy_checks.WITHIN,
        "_extent": numpy_checks.EXTENT,
        "_family": numpy_checks.FAMILY,
        "_ragged": numpy_checks.RAGGED,
        "_ready": numpy_checks.READY,
        "_positive": numpy_checks.POSITIVE,
        "_integers": numpy_checks.INTEGERS,
    }
)


def helpers(texts: Iterable[str]) -> list[str]:
    """The helpers that some code calls, those that they call included, in the order of the table."""
    pending, found = list(texts), dict[str, None]()
    while pending:
        text = pending.pop()
        for name in HELPERS:
            if name not in found and re.search(rf"(?<![\w.]){name}\(", text):
                found[name] = None
                pending.append(HELPERS[name])
    return [source for name, source in HELPERS.items() if name in found]
