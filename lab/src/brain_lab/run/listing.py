"""The platforms and faults with a line each, for `--list` and the documentation.

The lines are the first sentences of the modules that they are made in, so that a new fault has its line at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from brain_lab.faults import registry as faults
from brain_lab.platforms import registry as platforms

Line = tuple[str, str]
"""A name and what it is."""


def platform_lines() -> Iterator[Line]:
    """Of all platforms."""
    return ((name, _sentence(f"brain_lab.platforms.{name}")) for name in platforms.names())


def fault_lines() -> Iterator[Line]:
    """Of all faults."""
    return ((name, _sentence(faults.module(name))) for name in faults.names())


def _sentence(module: str) -> str:
    """The first sentence of the module's docstring, which may go over several lines."""
    words = (import_module(module).__doc__ or "").split("\n\n")[0]
    return " ".join(words.split()).partition(". ")[0].rstrip(".")
