"""A real browser for the tests that look at pages, or a skip where there is none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tools import CHROMIUM, needs


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium without a window, driven by Playwright."""
    needs("playwright", "axe_playwright_python", CHROMIUM)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=_program(), args=["--no-sandbox"])
        try:
            yield running
        finally:
            running.close()


def _program() -> str | None:
    return next(filter(None, map(shutil.which, CHROMIUM.split("|"))), None)
