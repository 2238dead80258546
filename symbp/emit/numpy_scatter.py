"""Sums into elements that labels choose: as one addition, row by row, or number by number."""

from __future__ import annotations

from symbp.arrays.nodes import Assign, Elementwise, IndexValue, Labels, Load, Span, Take, Window
from symbp.calculus.affine import Affine, fresh
from symbp.emit.numpy_code import Writer
from symbp.emit.numpy_text import Code, arranged, expanded


def apart(target: Load) -> bool:
    """Whether a scatter goes to each place once: every label of the ids is an axis of the array as well."""
    taken = [s.ids for s in target.subscripts if isinstance(s, Take)]
    own = {s.label for s in target.subscripts if isinstance(s, Span)}
    own |= {n.labels[0] for n in taken if isinstance(n, IndexValue) and len(n.labels) == 1}
    ids = {i for n in taken for i in n.labels}
    return bool(ids) and ids <= own


def taken_first(a: Assign, view: str, entries: list[str], have: Labels) -> tuple[str, list[str], Labels]:
    """The place of a scatter along one axis with that axis first, and its ids in the order of the values."""
    ids = [s.ids for s in a.target.subscripts if isinstance(s, Take)]
    windows = any(isinstance(s, Window) for s in a.target.subscripts)
    if len(ids) != 1 or not isinstance(ids[0], Load) or windows or sum(e != ":" for e in entries) != 1:
        return view, entries, have
    at, count = next(k for k, e in enumerate(entries) if e != ":"), len(ids[0].labels)
    taken, rest = have[at : at + count], (*have[:at], *have[at + count :])
    axis = fresh("taken", Affine(), Affine())
    first = arranged(Code(view), (*rest[:at], axis, *rest[at:]), (axis, *rest)).text
    order = tuple(i for i in a.value.labels if i in taken)
    order = order if len(order) == len(taken) else taken
    return first, [arranged(Code(entries[at]), taken, order).text], (*order, *rest)


def by_number(
    writer: Writer, a: Assign, view: str, entries: list[str], have: Labels, places: str
) -> str:
    """The call that scatters into a whole array: NumPy adds numbers faster than rows."""
    writer.needs.helpers["_added"] = None
    ids = f"({', '.join(entries)}{',' if len(entries) == 1 else ''})"
    args = f"{view}, {ids}, {scattered(writer, a, have)}"
    return f"{places} = _added({args}, {places})" if places else f"_added({args})"


def scattered(writer: Writer, a: Assign, have: Labels) -> str:
    """The values that a scatter adds."""
    value = a.value.args[0] if isinstance(a.value, Elementwise) and a.value.op == "spread" else a.value
    return expanded(writer.write(value, have), tuple(i for i in have if i in value.labels), have).text


def scatter(writer: Writer, a: Assign, view: str, entries: list[str], have: Labels) -> str:
    places = [e if e != ":" else "slice(None)" for e in entries]
    where = places[0] if len(places) == 1 else f"({', '.join(places)})"
    return f"{view}, {where}, {scattered(writer, a, have)}"
