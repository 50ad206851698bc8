"""Decides, for one test session, where each server's program comes from, or why its tests do not run.

An override by `BRAIN_<NAME>_BIN` wins; then the pinned version, built if there is what builds it; then whatever
else this machine has. What is missing skips its tests with a line that says how to get it, and fails them
where `CI=true`: there, a test that did not run must not look like one that passed. A build that breaks
always fails.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from brain_lab.servers import binaries
from brain_lab.servers.errors import ServerMissing
from brain_lab.servers.postgres import find_postgres
from tests.servers.cache import ensure, is_built
from tests.servers.errors import BuildError, ToolMissingError
from tests.servers.pins import pin_of
from tests.servers.progress import ConsoleProgress

AMBIENT: Final[Mapping[str, str]] = dict(os.environ)
"""The environment before the tests scrub it: Go may need its proxies to reach the module proxy."""


@dataclass(frozen=True)
class Missing:
    """Why a program is not there, and whether that is a failure by itself."""

    reason: str
    broken: bool = False


@functools.cache
def locate(program: str) -> Path | Missing:
    """The program's file, or why there is none; compiled at most once a session."""
    try:
        return find_postgres() if program == "postgres" else _pinned(program)
    except ServerMissing as error:
        return Missing(str(error))
    except BuildError as error:
        return Missing(str(error), broken=True)


def require(program: str) -> Path:
    """The program's file; without it, the test is skipped, or fails where it must not be skipped."""
    found = locate(program)
    if isinstance(found, Path):
        return found
    if found.broken or AMBIENT.get("CI") == "true":
        pytest.fail(found.reason, pytrace=False)
    pytest.skip(found.reason)


def _pinned(program: str) -> Path:
    if os.environ.get(binaries.override_variable(program)):
        return binaries.find(program)
    pin = pin_of(program)
    progress = ConsoleProgress(f"{pin.name} {pin.version}", 0, 1)
    built_before = is_built(pin, AMBIENT)
    try:
        folder = ensure(pin, AMBIENT, progress)
    except ToolMissingError:
        return binaries.find(program)
    if not built_before:
        progress.finish("built")
    return folder / program
