"""What each exporter needs in its configuration file, with its source at a given address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

Case = Callable[[Path, str], dict[str, Any]]
"""Folder of the test and URL of the source, to the settings that are the exporter's own."""

CASES: Final[Mapping[str, Case]] = {}
