"""Names that nothing else has."""

from __future__ import annotations

import itertools
from collections.abc import Iterable


def fresh_name(name: str, *taken: Iterable[str]) -> str:
    """The name, with underscores until nothing else has it."""
    used = {t for group in taken for t in group}
    for tail in itertools.count():
        candidate = name + "_" * tail
        if candidate not in used:
            break
    return candidate
