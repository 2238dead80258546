"""The class of workspaces as generated code has it, and what takes large examples in blocks."""

from __future__ import annotations

IN_BLOCKS = '''\
def _in_blocks(inputs, others):
    """A workspace, with others for blocks of examples where all of them would not stay in the cache.

    One example and two are tried, to see how much room one takes.
    """
    whole, batch, used = _workspace(*inputs, *others), len(inputs[0]), []
    with np.errstate(all="ignore"):
        for count in (1, 2):
            part = [np.array(values[:count]) for values in inputs]
            room = _workspace(*part, *others)
            _, gradients = _value_and_grad_into(room, *part, *others)
            used.append(_bytes(room.room))
    each, rest = used[1] - used[0], 2*used[0] - used[1]
    size = max(1, 2**20//max(1, each))
    if each >= 2**18 and batch*each >= 2**22 and 2*size <= batch and 2*rest <= size*each:
        count = -(-batch//size)
        ends = [batch*k//count for k in range(count + 1)]
        rooms = {n: _workspace(*[values[:n] for values in inputs], *others) for n in {*np.diff(ends)}}
        whole.blocks = [(slice(a, b), rooms[b-a], (b - a)/batch) for a, b in zip(ends, ends[1:])]
        whole.means, whole.spare = ([np.empty_like(g) for g in gradients] for _ in "12")
        whole.room = None
    return whole
'''
OVER_BLOCKS = '''\
def _over_blocks(out, inputs, others):
    """The means over blocks of examples: each stays in the cache while it is worked on."""
    total = 0.0
    for mean in out.means:
        mean.fill(0)
    for block, room, share in out.blocks:
        part, gradients = _value_and_grad_into(room, *[values[block] for values in inputs], *others)
        total += share*part
        for mean, gradient, spare in zip(out.means, gradients, out.spare):
            np.add(mean, np.multiply(gradient, share, spare), mean)
    return total, Gradients(*[mean if mean.ndim else mean[()] for mean in out.means])
'''
BYTES = '''\
def _bytes(room):
    """How much memory the arrays of a workspace take."""
    owners, left = {}, [*room]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left += one
        elif isinstance(one, np.ndarray):
            owner = one if one.base is None else one.base
            owners[id(owner)] = owner.nbytes
    return sum(owners.values())
'''
WORKSPACE = '''\
class Workspace:
    """What value_and_grad(..., out=workspace) computes in; made by make_workspace."""

    look = operator.attrgetter("__class__", "shape", "dtype")

    def __init__(self, sizes, room, *given, **numbers):
        self.sizes, self.room, self.fit = sizes, room, self.looks(*given, **numbers)
        self.shapes = tuple([shape for _, shape, _ in self.fit[0]])
        self.dtypes = tuple([dtype for _, _, dtype in self.fit[0]])

    def looks(self, arrays, families=(), integers=(), numbers=()):
        """Kind, shape and type of each array, also in families; integers; types of numbers."""
        members = [[*map(self.look, family)] for family in families]
        stacked = [*map(self.stacked, members)]
        return [*map(self.look, arrays)], stacked, [*integers], [a.dtype for a in numbers]

    def stacked(self, members):
        """How members of a family look, and how one array of them all does if there may be one."""
        kind, shape, dtype = members[0] if members else (None, (), None)
        alike = kind is np.ndarray and shape and members.count(members[0]) == len(members)
        return members, (kind, (len(members), *shape), dtype) if alike else None

    def told(self, fit):
        """Shapes and types of all arrays, and the integers, as a message says them."""
        looks, families, integers, _ = fit
        every = [*looks, *(one for members, _ in families for one in members)]
        return [(shape, str(dtype)) for _, shape, dtype in every] + integers

    def alike(self, *families):
        """Whether families look as those it was made for, as one array or by members."""
        for family, (members, whole) in zip(families, self.fit[1]):
            if type(family) is np.ndarray:
                if self.look(family) != whole:
                    return False
            elif [*map(self.look, family)] != members:
                return False
        return True

    def takes(self, *numbers):
        """Whether numbers have the types of those it was made for; numbers of Python have any."""
        for a, dtype in zip(numbers, self.fit[3]):
            if type(a) is np.ndarray:
                if a.shape or a.dtype is not dtype:
                    return False
            elif type(a) is not float and type(a) is not dtype.type:
                return False
        return True

    def admit(self, *given, **numbers):
        """Refuse arrays of other shapes or of another type."""
        found = self.looks(*given, **numbers)
        if found != self.fit:
            wanted, got = map(self.told, (self.fit, found))
            raise ValueError(
                f"out: the workspace was made for {wanted}, got {got}: "
                "call make_workspace with these arguments"
            )
'''
