"""Pages in Firefox, which sets MathML with an engine of its own: they are no wider than a telephone there."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from html import escape
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from tools import needs

from symbp import explaining, pipeline

FIREFOX = "firefox-esr|firefox"
PAGES = (("mlp", ""), ("lstm", ""), ("mlp", "delta"), ("softmax_classifier", "z"))
"""Models with the variable to explain; none: the derivation."""

PAPER = {False: "rgb(255, 254, 251)", True: "rgb(23, 24, 27)"}

MEASURE = """<!DOCTYPE html><title>-</title><script>
addEventListener("load", () => {
  const pages = [...document.querySelectorAll("iframe")].map(f => f.contentDocument);
  fetch("/told", {method: "POST", body: JSON.stringify(pages.map(d => ({
    wide: d.documentElement.scrollWidth,
    paper: getComputedStyle(d.querySelector(".symbp")).backgroundColor,
    formulas: d.querySelectorAll("math").length,
    arms: [...d.querySelectorAll("mspace.arm")].map(m => getComputedStyle(m).display),
    flat: [...d.querySelectorAll("math")].filter(seen => seen.checkVisibility())
      .filter(seen => seen.getBoundingClientRect().height < 5).length
  })))});
});
</script>"""


def page(model: str, variable: str) -> str:
    read = pipeline.load(model)
    if not variable:
        return pipeline.documented(read, (), "html")
    return explaining.explanation_text(read, explaining.explained(read, variable), "html")


def told(markup: str, profile: Path, dark: bool) -> list[dict[str, object]]:
    """What the page at ``/`` posts to ``/told`` when Firefox has opened it."""
    found: list[str] = []
    done = threading.Event()

    class Served(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(markup.encode() if self.path == "/" else b"")

        def do_POST(self) -> None:
            found.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
            self.send_response(204)
            self.end_headers()
            done.set()

        def log_message(self, *args: object) -> None:
            return

    profile.mkdir()
    (profile / "user.js").write_text(f'user_pref("ui.systemUsesDarkTheme", {int(dark)});\n', encoding="utf-8")
    server = HTTPServer(("127.0.0.1", 0), Served)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    program = next(filter(None, map(shutil.which, FIREFOX.split("|"))))
    address = f"http://127.0.0.1:{server.server_port}/"
    command = [program, "--headless", "--no-remote", "--profile", str(profile), address]
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        assert done.wait(120), "Firefox did not open the page"
    finally:
        running.terminate()
        running.wait(30)
        server.shutdown()
        server.server_close()
    return list(json.loads(found[0]))


@pytest.mark.needs(FIREFOX)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pages_fit_a_telephone_and_follow_the_colours_of_the_system(dark: bool, tmp_path: Path) -> None:
    needs(FIREFOX)
    frames = (f'<iframe style="width:360px;border:0" srcdoc="{escape(page(*p))}"></iframe>' for p in PAGES)
    measured = told(MEASURE + "".join(frames), tmp_path / "profile", dark)
    assert len(measured) == len(PAGES)
    for which, seen in zip(PAGES, measured, strict=True):
        assert int(str(seen["wide"])) <= 360 and seen["paper"] == PAPER[dark], (which, seen)
        assert int(str(seen["formulas"])) > 20 and not seen["flat"], (which, seen)
    shown = {str(how) for seen in measured for how in list(seen["arms"])}  # type: ignore[call-overload]
    assert shown == {"none"}, "Firefox makes room for the arm of a W itself"
