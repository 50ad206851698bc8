"""Log records as JSON lines, for people and for whatever reads lines."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from brain_lab.emit.otlp.values import json_text
from brain_lab.emit.records import Attributes, LogRecord, Origin
from brain_lab.emit.stamps import rfc3339_nanos
from brain_lab.emit.text import clean

FILE: Final = "logs.jsonl"


def write_jsonl(records: Iterable[LogRecord], folder: Path) -> Path:
    """Write `logs.jsonl` into the folder, one object a line; returns its path.

    Keys: `time` (RFC 3339, UTC, nanoseconds), `service`, `namespace`, `pod`, `node`, `container`, `severity`, `body`,
    `attributes`, and `trace_id` and `span_id` where there are any.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    with path.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(_lines(records))
    return path


def _lines(records: Iterable[LogRecord]) -> Iterable[str]:
    origins: dict[int, tuple[Origin, str]] = {}
    tags: dict[int, tuple[object, str]] = {}
    for record in records:
        # Found by identity; the objects are kept, so that their identity is not given to others.
        head = origins.get(id(record.origin))
        if head is None:
            head = origins[id(record.origin)] = (record.origin, _origin(record.origin))
        known = tags.get(id(record.attributes))
        if known is None:
            known = tags[id(record.attributes)] = (record.attributes, _object(record.attributes))
        trace = f',"trace_id":"{record.trace}","span_id":"{record.span}"' if record.trace else ""
        yield (
            f'{{"time":"{rfc3339_nanos(record.time)}",{head[1]},"severity":"{record.severity.name}",'
            f'"body":{json_text(record.body)},"attributes":{known[1]}{trace}}}\n'
        )


def _origin(origin: Origin) -> str:
    names = {
        "service": origin.service,
        "namespace": origin.namespace,
        "pod": origin.pod,
        "node": origin.node,
        "container": origin.container or origin.service,
    }
    return _object(names)[1:-1]


def _object(attributes: Attributes) -> str:
    cleaned = {clean(key): clean(value) if isinstance(value, str) else value for key, value in attributes.items()}
    return msgspec.json.encode(cleaned).decode()
