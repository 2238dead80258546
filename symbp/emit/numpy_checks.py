"""What the door of a generated module calls: types, shapes, ranges, and errors that name the argument."""

COMMON = '''\
def _common(first, *others):
    """The floating type of arrays that all have the same; None if something is to be converted."""
    if type(first) is not np.ndarray:
        return None
    dtype = first.dtype
    for a in others:
        if type(a) is not np.ndarray or a.dtype is not dtype:
            return None
    return dtype if dtype.kind == "f" and dtype.isnative else None
'''
DTYPE = '''\
def _dtype(arguments):
    """The common floating type of lists of arguments by name; numbers of Python adapt to arrays."""
    kinds = []
    for name, values in arguments.items():
        for value in values:
            try:
                kind = value if isinstance(value, (bool, int, float)) else np.asarray(value).dtype
            except ValueError as error:
                raise ValueError(f"{name}: {error}") from None
            if getattr(kind, "kind", "f") not in "biuf":
                raise ValueError(f"{name}: expected real numbers, got {kind}")
            kinds.append(kind)
    dtype = np.result_type(*kinds)
    return dtype if dtype.kind == "f" else np.dtype(np.float64)
'''
MEMBERS = '''\
def _members(name, family):
    """The members of a family in order."""
    if not isinstance(family, (list, tuple)) and np.ndim(family) == 0:
        raise ValueError(f"{name}: expected a sequence of arrays, got {type(family).__name__}")
    return [*family]
'''
WITHIN = '''\
def _within(name, low, high, first, last):
    """Refuse sizes with which an array is read at positions that it does not have."""
    if low <= high and not first <= low <= high <= last:
        raise ValueError(
            f"{name}: it is read from position {low} to {high}; with these sizes it has {first} to {last}"
        )
'''
EXTENT = '''\
def _extent(name, count, value):
    """Refuse sizes with which an axis would be shorter than nothing: a window larger than its array."""
    if value < 0:
        raise ValueError(f"{name}: an axis of {count} elements needs {count} >= 0, got {value}")
'''
FIT = '''\
def _fit(size, name, shape, *dims):
    """Take sizes from a shape, or compare it with those that are known.

    A dim is a size, a size with an offset, or a number, alone or with its symbol.
    """
    expected, symbols = [], []
    for axis, dim in enumerate(dims):
        value, extra = dim if isinstance(dim, tuple) else (dim, 0)
        if isinstance(value, str):
            if len(shape) == len(dims):
                size.setdefault(value, shape[axis] - extra)
            symbols.append(f"{value}{extra:+d}" if extra else value)
            expected.append(size[value] + extra if value in size else value)
        else:
            symbols.append(extra or str(value))
            expected.append(value)
    if list(shape) != expected:
        wanted = f"({', '.join(symbols)}) = ({', '.join(map(str, expected))})"
        raise ValueError(f"{name}: expected {wanted}, got {tuple(shape)}")
    if 0 in shape:
        raise ValueError(f"{name}: no size may be 0, got {tuple(shape)}")
'''
FAMILY = '''\
def _family(size, name):
    """A family of sizes by its index."""
    start = len(name) + 1
    return {int(key[start:-1]): n for key, n in size.items() if key.startswith(f"{name}[")}
'''
RAGGED = '''\
def _ragged(size, name):
    """A family of sizes by its index, as compiled code reads it: an array."""
    members = _family(size, name)
    out = np.zeros(max(members) + 1 - min(0, *members), np.int64)
    for index, n in members.items():
        out[index] = n
    return out
'''
READY = '''\
def _ready(values):
    """The array if it lies in memory as compiled code expects it, else a copy that does."""
    return values if values.flags.carray else np.array(values, order="C")
'''
POSITIVE = '''\
def _positive(name, value):
    """A size that is an argument."""
    if value != int(value) or value < 1:
        raise ValueError(f"{name}: expected a positive integer, got {value!r}")
    return int(value)
'''
INTEGERS = '''\
def _integers(name, values, low, high, kinds=(np.dtype(np.intp), np.dtype(np.uintp))):
    """Values that stand as indices have to be integers in their range."""
    # read without its sign, a negative integer is larger than any place
    if low == 0 and values.dtype is kinds[0]:
        if np.maximum.reduce(values.view(kinds[1]), None) <= high:
            return
    if values.dtype.kind not in "iu":
        raise ValueError(f"{name}: expected integers, got {values.dtype}")
    first, last = np.minimum.reduce(values, None), np.maximum.reduce(values, None)
    if not low <= first <= last <= high:
        raise ValueError(f"{name}: expected {low} to {high}, got {first} to {last}")
'''
