"""Configuration given to a server: a mapping, ready text, or a file to take the text from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

Document: TypeAlias = Mapping[str, Any] | str | Path


def render(document: Document) -> str:
    """The text of a document. A mapping becomes JSON, which every YAML reader reads."""
    if isinstance(document, Path):
        return document.read_text(encoding="utf-8")
    if isinstance(document, str):
        return document
    return json.dumps(document, indent=2) + "\n"
