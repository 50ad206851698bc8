"""The package that a page of the documentation shows, as pip would install it."""

from __future__ import annotations

import contextlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FENCE = re.compile(r"^```(\w+)\n(.*?)^```", re.M | re.S)


def blocks(text: str, language: str, title: str = "") -> list[str]:
    """Fenced blocks; with a title, those whose first line is that comment."""
    found = [block for kind, block in FENCE.findall(text) if kind == language]
    return [block for block in found if not title or block.splitlines()[0] == f"# {title}"]


@contextlib.contextmanager
def installed(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """While the block runs the package is there; yields the ``project`` of its pyproject.

    Args:
        page: With blocks of Python whose first line is ``# src/<package>/<module>.py``, and one ``# pyproject.toml``.
        folder: An empty one.
        monkeypatch: Of the test.
    """
    for block in blocks(page, "python"):
        file = folder / block.splitlines()[0].removeprefix("# src/")
        file.parent.mkdir(exist_ok=True)
        file.write_text(block, encoding="utf-8")
    (toml,) = blocks(page, "toml", "pyproject.toml")
    project: dict[str, Any] = tomllib.loads(toml)["project"]
    package = project["name"].replace("-", "_")
    lines = [
        line
        for group, points in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {target}" for name, target in points.items()))
    ]
    info = folder / f"{package}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    (info / "entry_points.txt").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(str(folder))
    yield project
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[name]
