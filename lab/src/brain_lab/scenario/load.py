"""Reads a scenario file; what is wrong is named by file, line and key."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from brain_common.errors import ConfigError
from brain_common.settings import check_settings, load_yaml
from brain_common.yaml_lines import YamlLines
from brain_lab.scenario.model import Scenario


def load_scenario(path: Path, platforms: Collection[str] = (), faults: Collection[str] = ()) -> Scenario:
    """The scenario in a file.

    Args:
        path: YAML.
        platforms: Names of those there are; empty: not checked.
        faults: Likewise.

    Raises:
        ConfigError: It cannot be read, is no YAML, or a key is wrong; the message has file, line and key.
    """
    data = load_yaml(path)
    lines = YamlLines(path, path.read_text(encoding="utf-8"))
    scenario = check_settings(data, Scenario, str(path), environ={}, lines=lines)
    if platforms and scenario.platform not in platforms:
        raise _unknown(path, lines, ("platform",), scenario.platform, platforms)
    for place, part in enumerate(scenario.faults):
        if faults and part.fault not in faults:
            raise _unknown(path, lines, ("faults", place, "fault"), part.fault, faults)
    return scenario


def load_scenarios(path: Path, platforms: Collection[str] = (), faults: Collection[str] = ()) -> tuple[Scenario, ...]:
    """The scenario in a file, or those in the ``*.yaml`` files of a folder, in the order of their names.

    Raises:
        ConfigError: There is none, or one is wrong.
    """
    files = sorted(path.glob("*.yaml")) if path.is_dir() else [path]
    if not files:
        raise ConfigError(f"{path}: no *.yaml file in this folder")
    return tuple(load_scenario(file, platforms, faults) for file in files)


def _unknown(
    path: Path, lines: YamlLines, location: tuple[str | int, ...], name: str, known: Collection[str]
) -> ConfigError:
    key = ".".join(str(part) for part in location)
    return ConfigError(f"{path}: line {lines.of(location)}: {key}: {name!r} is none of {', '.join(sorted(known))}")
