"""The mark ``needs``: ``@pytest.mark.needs("pdflatex")`` above a test that runs a tool."""

from __future__ import annotations

import pytest
from tools import needs


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*tools): programs and packages; see tests/tools.py")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        needs(*mark.args)
