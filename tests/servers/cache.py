"""Keeps each pinned server built once; asked by `build.py` and by the test fixtures.

A build goes to a staging folder and is moved into place whole, under a lock per server: whoever looks sees
all programs of a version or none, however many callers there are and whenever one is killed. What it was put
together from, beyond its version, is kept beside the programs: when that changes, it is another build.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from brain_lab.servers.binaries import runnable, servers_dir
from tests.servers import builder, maven
from tests.servers.pins import GoPin, Pin
from tests.servers.progress import Progress, silent


def is_built(pin: Pin, environ: Mapping[str, str]) -> bool:
    """Whether the cache holds every program of the pin, put together as it says now."""
    home = _home(pin, environ)
    return all(runnable(home / "bin" / program) for program in pin.programs) and _follows_parts(pin, home)


def ensure(pin: Pin, environ: Mapping[str, str], progress: Progress = silent) -> Path:
    """The folder with the pin's programs, built now if need be.

    Args:
        pin: What to build.
        environ: The environment for the tools, and what says where the cache is.
        progress: Told of every step.

    Raises:
        ToolMissingError: It is not built, and what would build it is not on this machine.
        BuildError: It could not be fetched or compiled.
    """
    home = _home(pin, environ)
    if not is_built(pin, environ):
        _find_tools(pin, environ)
        home.parent.mkdir(parents=True, exist_ok=True)
        with _lock(home.with_name(f".{pin.key}.lock"), progress):
            if not is_built(pin, environ):
                _build(pin, home, environ, progress)
    return home / "bin"


def _home(pin: Pin, environ: Mapping[str, str]) -> Path:
    return servers_dir(environ) / pin.key


def _follows_parts(pin: Pin, home: Path) -> bool:
    kept = ((home / name, part) for name, part in pin.parts.items())
    return all(copy.is_file() and copy.read_bytes() == part.read_bytes() for copy, part in kept)


def _find_tools(pin: Pin, environ: Mapping[str, str]) -> None:
    if isinstance(pin, GoPin):
        builder.find_go(environ)
    else:
        maven.find_tools(environ)


@contextlib.contextmanager
def _lock(path: Path, progress: Progress) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another build of it")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(pin: Pin, home: Path, environ: Mapping[str, str], progress: Progress) -> None:
    prefix = f".{pin.key}-"
    for abandoned in home.parent.glob(f"{prefix}*"):
        shutil.rmtree(abandoned)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=home.parent) as scratch:
        staging = Path(scratch) / pin.key
        staging.mkdir()
        for name, part in pin.parts.items():
            shutil.copy(part, staging / name)
        if isinstance(pin, GoPin):
            builder.build(pin, staging, environ, progress)
        else:
            maven.build(pin, staging, environ, progress)
        if home.exists():
            shutil.rmtree(home)
        staging.rename(home)
