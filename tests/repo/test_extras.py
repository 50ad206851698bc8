"""Whoever installs the extra of a component gets all that the component imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SOURCES = {path.name: path for path in ROOT.glob("*/src/brain_*")}
PROVIDED = packages_distributions()
# The processes that need it are there only with a lake, and `brain otel` says what to install.
WITH_A_LAKE = {"brain_otel.side.process", "brain_otel.side.copier", "brain_otel.side.readings", "brain_otel.side.table"}
WITH_A_LAKE |= {"brain_otel.side.reads"}
# Only `brain mcp` needs it, and says what to install.
FOR_ASSISTANTS = {"brain_rca.mcp.server", "brain_rca.mcp.http"}


@pytest.mark.parametrize(
    ("extra", "package", "apart"),
    [
        ("otel", "brain_otel", WITH_A_LAKE),
        ("exporters", "brain_exporters", set()),
        ("rca", "brain_rca", FOR_ASSISTANTS),
        ("mcp", "brain_rca", set()),
    ],
)
def test_an_extra_holds_what_its_component_imports(extra: str, package: str, apart: set[str]) -> None:
    installed = _closure(extra)
    lacking = {
        f"{module} imports {name}"
        for module in _reached(package, apart)
        for name in _imported(module)
        if _foreign(name) and not _distributions(name) & installed
    }
    assert lacking == set()


def _reached(package: str, apart: set[str]) -> set[str]:
    """Every module of the package, and those of ours that they import."""
    todo = {_name(path) for path in SOURCES[package].rglob("*.py")} - apart
    found: set[str] = set()
    while todo:
        module = todo.pop()
        found.add(module)
        todo |= {name for name in _imported(module) if name.startswith("brain_") and _path(name)} - found - apart
    return found


@cache
def _imported(module: str) -> frozenset[str]:
    path = _path(module)
    assert path is not None
    return frozenset(_names(ast.parse(path.read_text())))


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module.startswith("brain_"))


def _path(module: str) -> Path | None:
    package, _, rest = module.partition(".")
    base = SOURCES[package].joinpath(*rest.split(".")) if rest else SOURCES[package]
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _name(path: Path) -> str:
    parts = path.relative_to(next(base.parent for base in SOURCES.values() if base in path.parents)).with_suffix("")
    return ".".join(parts.parts).removesuffix(".__init__")


def _foreign(name: str) -> bool:
    return not name.startswith("brain_") and name.partition(".")[0] not in sys.stdlib_module_names


def _distributions(name: str) -> set[str]:
    return {_normal(one) for one in PROVIDED.get(name.partition(".")[0], [])}


def _closure(extra: str) -> set[str]:
    """Distributions that come with it."""
    found: set[str] = set()
    todo = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"][extra]]
    while todo:
        need = Requirement(todo.pop())
        name = _normal(need.name)
        if name == PROJECT["name"]:
            todo += [line for one in need.extras for line in PROJECT["optional-dependencies"][one]]
        elif name not in found:
            found.add(name)
            todo += _needs(name, need.extras)
    return found


def _needs(name: str, extras: set[str]) -> list[str]:
    try:
        lines = requires(name) or []
    except PackageNotFoundError:  # for another platform
        return []
    return [line.partition(";")[0] for line in lines if any(_holds(Requirement(line), one) for one in (*extras, ""))]


def _holds(need: Requirement, extra: str) -> bool:
    return need.marker is None or need.marker.evaluate({"extra": extra})


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
