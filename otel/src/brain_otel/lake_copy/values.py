"""Values of OpenTelemetry as columns of tables: text of bounded length."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from brain_otel.batch import Group
from brain_otel.entity import entity_of

_LONGEST_VALUE: Final = 1024  # characters
_MOST_ITEMS: Final = 32
_DEEPEST: Final = 4
LONGEST_NAME: Final = 256  # characters
MOST_TEXT: Final = 8192  # characters of all attributes as JSON
LONGEST_BODY: Final = 4096  # characters


def place_of(group: Group, cluster: str) -> tuple[str, str, str, str]:
    """Cluster, namespace, kind and name of whoever sent a group, as columns of a table.

    Args:
        group: Of any signal.
        cluster: Where the resource names none.
    """
    entity = entity_of(group.resource, cluster)
    return entity.cluster, entity.namespace, str(entity.kind), entity.name


def text_of(value: Any) -> str:  # noqa: ANN401 - an AnyValue
    """A body: its text as it is, what has a structure as JSON; the first 4,096 characters."""
    if value.WhichOneof("value") == "string_value":
        return str(value.string_value)[:LONGEST_BODY]
    plain = _plain(value, _DEEPEST)
    return "" if plain is None else msgspec.json.encode(plain).decode()[:LONGEST_BODY]


def json_of(pairs: Iterable[Any]) -> str | None:
    """Attributes as a JSON object, the first of them that fit 8,192 characters; None where there are none."""
    room, parts = MOST_TEXT, []
    for pair in pairs:
        part = msgspec.json.encode({pair.key[:_LONGEST_VALUE]: _plain(pair.value, _DEEPEST)})[1:-1].decode()
        room -= len(part) + 1
        if room < 0:
            break
        parts.append(part)
    return f"{{{','.join(parts)}}}" if parts else None


def _plain(value: Any, depth: int) -> Any:  # noqa: ANN401 - an AnyValue in, anything JSON has out
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value[:_LONGEST_VALUE]
    if kind in ("int_value", "bool_value", "double_value"):
        return getattr(value, kind)
    if depth and kind == "array_value":
        return [_plain(item, depth - 1) for item in value.array_value.values[:_MOST_ITEMS]]
    if depth and kind == "kvlist_value":
        return {item.key: _plain(item.value, depth - 1) for item in value.kvlist_value.values[:_MOST_ITEMS]}
    return None  # bytes are for programs, and what is nested deeper for nobody
