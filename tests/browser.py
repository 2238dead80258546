"""A real browser for the tests that look at pages, or a skip where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
REQUIRED = bool(os.environ.get("SYMBP_REQUIRE_TOOLS"))


@contextmanager
def browser() -> Iterator[Any]:
    """Chromium without a window, driven by Playwright."""
    if not REQUIRED:
        pytest.importorskip("playwright")
        pytest.importorskip("axe_playwright_python")
        if CHROMIUM is None:
            pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield running
        finally:
            running.close()
