"""What each exporter needs in its configuration file, with its source at a given address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

Case = Callable[[Path, str], dict[str, Any]]
"""Folder of the test and URL of the source, to the settings that are the exporter's own."""


def _changes(folder: Path, url: str) -> dict[str, Any]:
    polled = {"url": url, "bearer": {"token": "a token"}, "period_seconds": 1}
    sent = {"secret_files": [str(folder / "secret")]}
    return {
        "argocd": {"poll": polled},
        "gitlab": {"poll": {**polled, "projects": ["shop/checkout"]}},
        "grafana": {"url": url},
        "terraform": sent,
        "github": sent,
        "falco": sent,
    }


CASES: Final[Mapping[str, Case]] = {"changes": _changes}
