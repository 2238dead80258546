"""What stands where on the pages of a PDF, as poppler finds it: for the tests that look at paper."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PAGE = re.compile(r'<page width="([\d.]+)" height="([\d.]+)">(.*?)</page>', re.DOTALL)
_WORD = re.compile(r'<word xMin="([-\d.]+)" yMin="([-\d.]+)" xMax="([-\d.]+)" yMax="([-\d.]+)">(.*?)</word>')


SLACK = 3.0
"""What a letter may stand out, in points: its box is a little wider than what is black."""


@dataclass(frozen=True)
class Word:
    """A piece of text and its place on a page, in points from its upper left corner."""

    page: int
    text: str
    left: float
    top: float
    right: float
    bottom: float


def words(pdf: Path) -> tuple[float, list[Word]]:
    """The width of the pages, and what stands on them."""
    command = ["pdftotext", "-bbox", str(pdf), "-"]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    pages = _PAGE.findall(done.stdout.decode("utf-8", "replace"))
    return float(pages[0][0]), [
        Word(n, text, *map(float, (x, y, right, bottom)))
        for n, (_, _, body) in enumerate(pages, 1)
        for x, y, right, bottom, text in _WORD.findall(body)
    ]


def outside(pdf: Path, textwidth: float, top: float = 0.0, bottom: float = 1000.0) -> list[Word]:
    """What stands beside the text, which is so many points wide and in the middle of the page; above
    ``top`` and below ``bottom`` are headings and the numbers of pages."""
    page, found = words(pdf)
    left, right = (page - textwidth) / 2 - SLACK, (page + textwidth) / 2 + SLACK
    here = (w for w in found if w.top > top and w.bottom < bottom)
    return [w for w in here if w.left < left or w.right > right]


def under_numbers(pdf: Path) -> list[tuple[Word, Word]]:
    """The numbers of equations that something else is printed over, and what that is."""
    _, found = words(pdf)
    edge = max((w.right for w in found if re.fullmatch(r"\(\d+\)", w.text)), default=0.0)
    numbers = [w for w in found if re.fullmatch(r"\(\d+\)", w.text) and edge - w.right < 1]
    return [(n, w) for n in numbers for w in found if w is not n and _over(n, w)]


def _over(number: Word, word: Word) -> bool:
    middle = (number.top + number.bottom) / 2
    beside = word.top < middle < word.bottom and word.page == number.page
    return beside and word.right > number.left - 1 and word.left < number.right
