"""Finds the programs of the servers; called by every server here and by the tests that build them.

Three places, in this order: the file named by `BRAIN_<NAME>_BIN` (`BRAIN_TOXIPROXY_SERVER_BIN` for
`toxiproxy-server`), the cache that `make servers` fills, and PATH. The cache holds
`servers/<server>-<version>/bin/<program>` and lies outside any checkout, so that one build serves all of
them. Where it holds several versions, the newest wins; who needs a certain one names its file.

It never builds or downloads: a program that runs on a user's machine must not start to compile.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from brain_lab.servers.errors import ServerMissing

GO_VERSION: Final = "1.26.7"
"""The oldest Go that compiles every pinned server written in it; Go from 1.21 on fetches a newer one by itself."""

_NEEDS_GO: Final = f"Go >= {GO_VERSION} (or Go >= 1.21, which fetches a newer one by itself)"
_NEEDS: Final[Mapping[str, str]] = {
    "opensearch": "Java >= 11 and Maven (Debian, Ubuntu: `apt-get install default-jdk-headless maven`)"
}
"""What `make servers` needs for programs that are not written in Go."""


def cache_dir(environ: Mapping[str, str] | None = None) -> Path:
    """The folder for what is costly to make and safe to delete."""
    env = os.environ if environ is None else environ
    if own := env.get("BRAIN_CACHE_DIR"):
        return Path(own).expanduser()
    base = env.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "ai-devops-brain"


def servers_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Where `make servers` puts what it has built."""
    return cache_dir(environ) / "servers"


def override_variable(name: str) -> str:
    """The environment variable that names the file of a program."""
    return f"BRAIN_{name.upper().replace('-', '_')}_BIN"


def find(name: str) -> Path:
    """The file of a program such as `prometheus`, `promtool` or `thanos`.

    Raises:
        ServerMissing: It is nowhere, or the override names something that cannot be run.
    """
    if override := os.environ.get(override_variable(name)):
        return _overridden(name, Path(override))
    if cached := _newest_cached(name):
        return cached
    if on_path := shutil.which(name):
        return Path(on_path)
    raise ServerMissing(
        f"{name} is not on this machine: run `make servers` in a checkout of AI DevOps Brain, which needs "
        f"{_NEEDS.get(name, _NEEDS_GO)}; "
        f"or put {name} on PATH; or name its file in {override_variable(name)}"
    )


def runnable(path: Path) -> bool:
    """Whether the path is a file that this user may execute."""
    return path.is_file() and os.access(path, os.X_OK)


def _overridden(name: str, path: Path) -> Path:
    if not runnable(path):
        raise ServerMissing(f"{override_variable(name)} names {path}, which is not an executable file")
    return path


def _newest_cached(name: str) -> Path | None:
    found = [path for path in servers_dir().glob(f"*-v*/bin/{name}") if runnable(path)]
    return max(found, key=_version, default=None)


def _version(path: Path) -> tuple[int, ...]:
    _, _, version = path.parent.parent.name.rpartition("-v")
    return tuple(int(number) for number in re.findall(r"\d+", version))
