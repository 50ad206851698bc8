"""JSON as files: whole documents and lines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from brain_lab.emit.text import clean


def write_lines(path: Path, documents: Iterable[Mapping[str, object]]) -> Path:
    """Write one document a line; returns the path. Text that is not UTF-8 is replaced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as out:
        for document in documents:
            out.write(encoded(document))
            out.write(b"\n")
    return path


def encoded(document: object) -> bytes:
    """A document as JSON without spaces."""
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:
        return msgspec.json.encode(_cleaned(document))


def _cleaned(value: object) -> object:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): _cleaned(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(one) for one in value]
    return value
