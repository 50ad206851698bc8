"""Puts a pinned Java server together from published jars; `cache` decides when, and where it goes.

There is nothing to compile but the class that starts it. Maven resolves and checks the jars, from the repositories
and mirrors that this machine's own Maven settings name.
"""

from __future__ import annotations

import collections
import shutil
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.servers.errors import BuildError, ToolMissingError
from tests.servers.pins import MavenPin
from tests.servers.progress import Progress

TOOLS: Final = ("mvn", "javac", "java")
MOST_SECONDS: Final = 900.0
"""For all jars over a slow line; what takes longer has got stuck."""

SHOWN_ERROR_LINES: Final = 20


def find_tools(environ: Mapping[str, str]) -> None:
    """Refuse a machine without Maven or Java.

    Raises:
        ToolMissingError: One of them is not on PATH.
    """
    missing = [tool for tool in TOOLS if shutil.which(tool, path=environ.get("PATH", "")) is None]
    if missing:
        raise ToolMissingError(
            f"{', '.join(missing)} not on PATH. Install Java >= 11 and Maven (Debian, Ubuntu: "
            "`apt-get install default-jdk-headless maven`) and run `make servers`"
        )


def build(pin: MavenPin, staging: Path, environ: Mapping[str, str], progress: Progress) -> None:
    """Fill `staging`, which holds the pin's parts, with `lib`, `classes` and `bin`.

    Raises:
        BuildError: Jars could not be fetched, or the class not be compiled.
    """
    fetch = ["mvn", "--batch-mode", "--strict-checksums", "dependency:copy-dependencies"]
    _run(pin, [*fetch, f"-Drevision={pin.release}", "-DoutputDirectory=lib"], staging, environ, progress)
    progress("compiling")
    _run(pin, ["javac", "-cp", "lib/*", "-d", "classes", pin.main], staging, environ, progress)
    (staging / "bin").mkdir()
    for program in pin.programs:
        shutil.copy(staging / program, staging / "bin" / program)


def _run(pin: MavenPin, command: list[str], folder: Path, environ: Mapping[str, str], progress: Progress) -> None:
    last = collections.deque[str](maxlen=SHOWN_ERROR_LINES)
    with subprocess.Popen(
        command, cwd=folder, env=dict(environ), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace",
    ) as child:  # fmt: skip
        deadline = threading.Timer(MOST_SECONDS, child.kill)
        deadline.start()
        try:
            _follow(child, last, progress)
        finally:
            deadline.cancel()
    if child.returncode != 0:
        raise BuildError(f"{command[0]} could not put {pin.key} together:\n{''.join(last)}")


def _follow(child: subprocess.Popen[str], last: collections.deque[str], progress: Progress) -> None:
    fetched = 0
    for line in child.stdout or ():
        last.append(line)
        fetched += "Downloaded from" in line or "Copying " in line
        progress(f"{fetched} files fetched")
