"""Plug-ins by name: built-ins are registered through the same entry points as anybody else's."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TypeVar

from brain_common.errors import ConfigError

Kind = TypeVar("Kind")


def plugin_names(group: str) -> list[str]:
    """Those that are installed.

    Args:
        group: Of entry points, such as ``ai_devops_brain.exporters``.
    """
    return sorted(point.name for point in entry_points(group=group))


def load_plugin(group: str, name: str, kind: type[Kind]) -> Kind:
    """One of them.

    Raises:
        ConfigError: There is none of this name, or it is no ``kind``.
    """
    found = entry_points(group=group, name=name)
    if not found:
        word = group.rpartition(".")[2].removesuffix("s")
        raise ConfigError(f"no {word} {name!r}; there are {', '.join(plugin_names(group))}")
    loaded = next(iter(found)).load()
    if not isinstance(loaded, kind):
        raise ConfigError(f"the entry point {name!r} is no {kind.__name__}")
    return loaded
