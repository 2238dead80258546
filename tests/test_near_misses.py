"""Models with one slip of the pen: each is a model, or refused with a place in its text, soon.

Every shipped model is changed in one token: deleted, doubled, swapped with the next, or a name put in the
place of another.  ``SYMBP_EXAMPLES`` is the number of slips tried in all (0: every one there is).
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Iterator

import pytest

from symbp import models, pipeline
from symbp.errors import SymbpError

EXAMPLES = int(os.environ.get("SYMBP_EXAMPLES", "400"))
PATIENCE = 20.0
"""Seconds after which a model counts as one that hangs."""

TOKEN = re.compile(r'#[^\n]*|"[^"\n]*"|\n|[ \t]+|\.\.|\*\*|[<>=!]=|[0-9]+(?:\.[0-9]+)?|\w+|.')
NAME = re.compile(r"[^\W\d]\w*$")


def slips(text: str) -> Iterator[tuple[str, str]]:
    """Every text with one slip, and what it is."""
    tokens = TOKEN.findall(text)
    places = [k for k, t in enumerate(tokens) if t.strip() and not t.startswith("#")]
    names = sorted({tokens[k] for k in places if NAME.match(tokens[k])})
    for k, after in zip(places, [*places[1:], None], strict=True):
        head, here, tail = tokens[:k], tokens[k], tokens[k + 1 :]
        where = f"token {k} {here!r}"
        yield f"{where} deleted", "".join((*head, *tail))
        yield f"{where} doubled", "".join((*head, here, " ", here, *tail))
        if after is not None:
            between, other = tokens[k + 1 : after], tokens[after]
            yield f"{where} swapped", "".join((*head, other, *between, here, *tokens[after + 1 :]))
        if NAME.match(here):
            for name in names:
                if name != here:
                    yield f"{where} renamed {name}", "".join((*head, name, *tail))


def chosen(text: str, seed: str) -> list[tuple[str, str]]:
    """The slips to try: a share of all, the same in every run."""
    everything = list(slips(text))
    count = EXAMPLES // len(models.names())
    if not EXAMPLES or count >= len(everything):
        return everything
    return random.Random(seed).sample(everything, count)


def complaint(text: str) -> str:
    """What is wrong with how a text is received; "" if nothing is."""
    start = time.perf_counter()
    try:
        model = pipeline.parse(text)
    except SymbpError as error:
        missing = "no cost" in error.message or "empty" in error.message
        if error.span is None and not missing:
            return f"refused without a place: {error}"
    except Exception as error:  # any other is a traceback in the user's face
        return f"{type(error).__name__}: {error}"
    else:
        try:
            system, _ = pipeline.derive(model)
            compile(pipeline.module_text(system), "module", "exec")
        except SymbpError:
            pass
        except Exception as error:
            return f"later: {type(error).__name__}: {error}"
    spent = time.perf_counter() - start
    return f"took {spent:.1f} s" if spent > PATIENCE else ""


@pytest.mark.parametrize("name", models.names())
def test_a_slip_is_a_model_or_a_located_error(name: str) -> None:
    text = models.path(name).read_text(encoding="utf-8")
    found = [(slip, complaint(changed)) for slip, changed in chosen(text, name)]
    assert not [f"{slip}: {text}" for slip, text in found if text]
