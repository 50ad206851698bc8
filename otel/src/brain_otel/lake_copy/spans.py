"""Spans as rows of the lake's table ``spans``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from brain_otel.batch import Group
from brain_otel.lake_copy.values import LONGEST_NAME, json_of, place_of
from brain_otel.side.channel import Row

_KINDS: Final = ("", "internal", "server", "client", "producer", "consumer")
_STATUS: Final = ("unset", "ok", "error")
_LONGEST_MESSAGE: Final = 1024
# Whom it talked to and how: the rest stays where traces are kept.
_ABOUT: Final = (
    "peer.",
    "server.",
    "net.",
    "network.",
    "db.",
    "http.",
    "url.",
    "rpc.",
    "messaging.",
    "error.",
    "exception.",
)


def span_rows(group: Group, wanted: Mapping[bytes, str], cluster: str) -> list[Row]:
    """The spans of wanted traces.

    Args:
        group: Of traces.
        wanted: Trace ids, each with the reason why.
        cluster: Where the resource names none.
    """
    spans = [span for span in group.records() if span.trace_id in wanted]
    if not spans:
        return []
    place = place_of(group, cluster)
    return [_row(span, place, wanted[span.trace_id]) for span in spans]


def _row(span: Any, place: tuple[str, ...], reason: str) -> Row:  # noqa: ANN401 - a Span
    return (
        span.start_time_unix_nano // 1000,
        *place,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex() or None,
        span.name[:LONGEST_NAME],
        _name(_KINDS, span.kind),
        max(span.end_time_unix_nano - span.start_time_unix_nano, 0) / 1e9,
        _name(_STATUS, span.status.code) or _STATUS[0],
        span.status.message[:_LONGEST_MESSAGE] or None,
        reason,
        json_of(pair for pair in span.attributes if pair.key.startswith(_ABOUT)),
    )


def _name(names: tuple[str, ...], number: int) -> str:
    """A sender may be of a later version, or lie: enumerations of proto3 are open."""
    return names[number] if 0 <= number < len(names) else ""
