"""Headless Chromium for the tests of the page, and the little they need to know about what it did."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
HELP = "no Chromium: apt-get install chromium, or set BRAIN_CHROMIUM_BIN"
THEMES = {"dark": "0", "light": "1"}


@dataclass(frozen=True, slots=True)
class Visit:
    """What one run left behind: the DOM after load, console lines, and the log of the network stack."""

    dom: str
    console: tuple[str, ...]
    network: str


def find_chromium() -> str:
    """The program; without one the test is skipped, in CI it fails."""
    path = os.environ.get("BRAIN_CHROMIUM_BIN") or next(filter(None, map(shutil.which, NAMES)), None)
    if path:
        return path
    if os.environ.get("CI") == "true":
        pytest.fail(HELP)
    pytest.skip(HELP)


@dataclass(frozen=True, slots=True)
class Browser:
    """Runs the program once a call, each time with a profile of its own."""

    program: str
    folder: Path

    def visit(self, url: str) -> Visit:
        log = self.folder / "network.json"
        done = self._run(url, "--dump-dom", "--virtual-time-budget=3000", f"--log-net-log={log}")
        console = tuple(line for line in done.stderr.splitlines() if ":CONSOLE" in line)
        return Visit(done.stdout, console, log.read_text(encoding="utf-8", errors="replace"))

    def screenshot(self, url: str, theme: str, width: int, height: int) -> bytes:
        picture = self.folder / "picture.png"
        self._run(
            url,
            f"--screenshot={picture}",
            f"--window-size={width},{height}",
            f"--blink-settings=preferredColorScheme={THEMES[theme]}",
        )
        return picture.read_bytes()

    def _run(self, url: str, *flags: str) -> subprocess.CompletedProcess[str]:
        profile = self.folder / "profile"
        shutil.rmtree(profile, ignore_errors=True)
        command = [self.program, *FLAGS, *flags, f"--user-data-dir={profile}", url]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)


@dataclass(frozen=True, slots=True)
class Picture:
    """What can be told of a PNG without a picture library."""

    width: int
    height: int
    corner: tuple[int, int, int]  # the first pixel: no filter of the format changes it
    different_rows: int  # of filtered scan lines: a blank picture has two or three


def read_picture(png: bytes) -> Picture:
    """Parse an eight-bit RGB or RGBA PNG."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height, depth, colour = struct.unpack(">IIBB", png[16:26])
    assert (depth, colour) in {(8, 2), (8, 6)}
    data, at = b"", 8
    while at < len(png):
        size, kind = struct.unpack(">I4s", png[at : at + 8])
        data += png[at + 8 : at + 8 + size] if kind == b"IDAT" else b""
        at += size + 12
    raw = zlib.decompress(data)
    stride = 1 + width * (3 if colour == 2 else 4)
    rows = {raw[start : start + stride] for start in range(0, len(raw), stride)}
    return Picture(width, height, (raw[1], raw[2], raw[3]), len(rows))
