"""Programs and packages that some tests need besides Python: a test is skipped where one is missing.

With SYMBP_REQUIRE_TOOLS set, as in ``.ci/run``, a missing one is a failure, but for Node's.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess

import pytest

REQUIRED = bool(os.environ.get("SYMBP_REQUIRE_TOOLS"))
CHROMIUM = "chromium|chromium-browser|google-chrome"


def needs(*tools: str) -> None:
    """Skip the test, or fail it, without these programs and Python packages.

    ``node:NAME`` is a package of Node; ``a|b`` is one of several programs.
    """
    missing = [tool for tool in tools if not any(map(_found, tool.split("|")))]
    if not missing:
        return
    told = f"there is no {', '.join(missing)}"
    # packages of Node are not Debian's and not Python's: a machine may be unable to get them
    if REQUIRED and not all(tool.startswith("node") for tool in missing):
        pytest.fail(f"{told}, and SYMBP_REQUIRE_TOOLS is set")
    pytest.skip(told)


def _found(tool: str) -> bool:
    kind, _, name = tool.rpartition(":")
    if kind == "node":
        return _node_has(name)
    return shutil.which(tool) is not None or importlib.util.find_spec(tool) is not None


def _node_has(name: str) -> bool:
    if shutil.which("node") is None:
        return False
    asked = ["node", "-e", f"require.resolve({name!r})"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0
