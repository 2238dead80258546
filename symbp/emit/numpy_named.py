"""The names that values of a block have in common: what two lines need is computed once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from symbp.arrays.nodes import Assign, Elementwise, Fold, Instruction, Labels, Node, Normalised, Slices
from symbp.emit.numpy_code import Writer
from symbp.emit.numpy_fold import MASKED
from symbp.emit.numpy_index import place
from symbp.emit.numpy_shared import costly, parts, stem, turned
from symbp.emit.numpy_text import Code

if TYPE_CHECKING:
    from symbp.emit.numpy_body import Body, Lines


@dataclass
class Shared:
    """The assignments of one block, and the names of values that they have in common."""

    body: Body
    instructions: Sequence[Instruction]
    chosen: dict[str, str] = field(default_factory=dict)
    pairs: dict[str, str] = field(default_factory=dict)
    """softmax(u) and logsumexp(u) of the same u, each by its text with the text of the other."""
    defined: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        counts: dict[str, int] = {}
        kinds: dict[str, Node] = {}
        plain = self.body.plain()
        for a in self.instructions:
            if isinstance(a, Assign):
                for node, want in parts(plain, a.value, target_order(plain, a)):
                    text = plain.write(node, want).text
                    counts[text] = counts.get(text, 0) + 1
                    kinds.setdefault(text, node)
        for text, node in kinds.items():
            other = text.replace("softmax(", "logsumexp(", 1)
            same = isinstance(node, Normalised) and isinstance(kinds.get(other), Fold)
            if same and text.startswith(("softmax(", f"{MASKED}softmax(")):
                self.pairs |= {text: other, other: text}
        for a in self.instructions:
            if isinstance(a, Assign):
                counts.pop(self.body.extremes(a), None)  # its variable is the name
                if _is_copy(a.value):
                    counts.pop(plain.write(a.value, target_order(plain, a)).text, None)
        inside: dict[str, int] = {}
        # windows laid out as matrices have a name also where one line reads them: it would be too long
        often = [t for t, n in counts.items() if n > 1 or _is_copy(kinds[t])]
        for text in sorted(often, key=lambda t: (-len(t), t)):
            hidden = sum(t.count(text) * (n - 1) for t, n in inside.items())
            if counts[text] - hidden > 1 or _is_copy(kinds[text]):
                inside[text] = counts[text] - hidden
                self.chosen[text] = stem(kinds[text])

    def assign(self, a: Assign) -> Lines:
        """The lines of one assignment, those that name shared values first."""
        plain, writer = self.body.plain(), self.body.writer()

        def shortcut(node: Node, want: Labels) -> Code | None:
            if not hoistable(node, want) or not (self.chosen or self.pairs or self.body.hoisted):
                return None
            text = plain.write(node, want).text
            if text in self.body.hoisted:
                return Code(self.body.hoisted[text])
            if text in self.pairs:
                return Code(self.both(writer, node, want, text))
            if text not in self.chosen:
                return None
            if text not in self.defined:
                name_ = self.chosen.pop(text)
                self.defined[text] = self.body.named(writer, name_, node, want)
                self.chosen[text] = name_
                if not self.body.indices:
                    self.body.last(text, node, self.defined[text])
            return Code(self.defined[text])

        if self.chosen or self.pairs or self.body.hoisted:
            writer.shortcut = shortcut
        lines = self.body.assignment(writer, a)
        if text := self.body.extremes(a):
            self.body.last(text, a.value, self.body.names[a.target.key])
        return lines

    def both(self, writer: Writer, node: Node, want: Labels, text: str) -> str:
        """The name of softmax(u) or of logsumexp(u), which are computed at once."""
        if text not in self.defined:
            call = writer.spell(node, want).text
            logsumexp, softmax = sorted((text, self.pairs[text]))
            self.defined[softmax] = self.body.unused("softmax_value")
            self.defined[logsumexp] = self.body.unused("logsumexp_value")
            names = f"{self.defined[softmax]}, {self.defined[logsumexp]}"
            masked = MASKED if text.startswith(MASKED) else ""
            writer.lines.append(f"{names} = {masked}normalised{call[call.index('(') :]}")
            for one in (softmax, logsumexp) if not self.body.indices else ():
                self.body.last(one, node, self.defined[one])
        return self.defined[text]


def _is_copy(node: Node) -> bool:
    return isinstance(node, Slices) or (isinstance(node, Elementwise) and node.op == "copy")


def hoistable(node: Node, want: Labels) -> bool:
    """Whether a value may have a name of its own."""
    return costly(node) or turned(node, want)


def target_order(writer: Writer, a: Assign) -> Labels:
    """The order of the axes of what is assigned to."""
    return place(writer, a.target)[2]
