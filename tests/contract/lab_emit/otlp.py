"""An independent reading of OTLP files: protobuf's own JSON parser, after hex ids became the base64 that it knows."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any, TypeVar

from google.protobuf import json_format
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)


def json_requests(path: Path, kind: type[M]) -> list[M]:
    """Requests of a file of lines. Unknown fields and wrong types are errors."""
    return [json_format.ParseDict(_with_base64(json.loads(line)), kind()) for line in path.read_bytes().splitlines()]


def framed_requests(path: Path, kind: type[M]) -> list[M]:
    """Requests of a file of frames."""
    raw, found = path.read_bytes(), []
    while raw:
        size = int.from_bytes(raw[:4], "big")
        found.append(kind.FromString(raw[4 : 4 + size]))
        raw = raw[4 + size :]
    return found


def attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def _with_base64(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_base64(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: _base64(one) if key in IDS else _with_base64(one) for key, one in value.items()}


def _base64(hexed: str) -> str:
    assert hexed == hexed.lower()
    return base64.b64encode(bytes.fromhex(hexed)).decode()


IDS = frozenset({"traceId", "spanId", "parentSpanId"})
