"""Where in a YAML file a key stands, for messages about wrong ones.

``yaml.safe_load`` forgets the lines, and of a key that is given twice it silently keeps the last: both are mended here,
for files that people write by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from brain_common.errors import ConfigError

_DEEPEST = 30  # levels; anchors can make a file that contains itself
_MOST = 100_000  # keys

Location = tuple[str | int, ...]
"""Keys and places in lists from the top down, as pydantic gives them."""


class YamlLines:
    """Lines of one file, from 1.

    Args:
        path: Its name, for messages.
        text: Its content.

    Raises:
        ConfigError: It is no YAML, or a key is given twice; the message has the line.
    """

    def __init__(self, path: Path, text: str) -> None:
        self._lines: dict[Location, int] = {(): 1}
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            raise ConfigError(f"{path}: is no YAML: {' '.join(str(error).split())}") from error
        if root is not None:
            self._walk(path, root, ())

    def of(self, location: Sequence[str | int]) -> int:
        """The line of the last part of ``location`` that the file has: of a missing key, its parent's."""
        known = tuple(location)
        while known not in self._lines:
            known = known[:-1]
        return self._lines[known]

    def _walk(self, path: Path, node: yaml.Node, at: Location) -> None:
        if len(at) > _DEEPEST or len(self._lines) > _MOST:
            raise ConfigError(f"{path}, line {node.start_mark.line + 1}: nested too deeply, or too many keys")
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inside = (*at, str(key.value))
                line = key.start_mark.line + 1
                if inside in self._lines:
                    raise ConfigError(f"{path}, line {line}: {_dotted(inside)}: given twice")
                self._lines[inside] = line
                self._walk(path, value, inside)
        elif isinstance(node, yaml.SequenceNode):
            for place, value in enumerate(node.value):
                self._lines[(*at, place)] = value.start_mark.line + 1
                self._walk(path, value, (*at, place))


def _dotted(location: Location) -> str:
    return ".".join(str(part) for part in location)
