"""Rows of the lake's table of events, gathered column by column."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import pyarrow as pa

from brain_exporters.kube_events.entities import Owners
from brain_exporters.kube_events.wire import Event
from brain_lake.schemas import EVENTS

_LONGEST: Final = 4096  # characters of a message; the API takes 1,024
_ZONE: Final = "+00:00"


class EventRows:
    """Rows of one batch."""

    def __init__(self, cluster: str, owners: Owners) -> None:
        self._cluster = cluster
        self._owners = owners
        self._rows: list[tuple[Any, ...]] = []

    def add(self, event: Event, growth: int, total: int, now: float) -> None:
        """One event that has happened ``growth`` times more.

        Args:
            event: It.
            growth: Happenings since the row before.
            total: Happenings so far.
            now: For an event that says no time; seconds since the epoch.
        """
        about = event.regarding
        namespace, kind, name = self._owners.entity(about.kind, about.namespace, about.name)
        first = moment(event.deprecated_first_timestamp or event.event_time or event.metadata.creation_timestamp)
        series = event.series.last_observed_time if event.series else None
        last = moment(series or event.deprecated_last_timestamp or event.event_time) or first
        self._rows.append(
            (
                last or datetime.fromtimestamp(now, UTC),
                self._cluster,
                namespace,
                kind,
                name,
                event.type or "",
                event.reason or "",
                event.note[:_LONGEST],
                "",
                growth,
                first,
                about.kind,
                about.name,
                about.uid,
                event.metadata.uid,
                total,
                event.component,
                event.deprecated_source.host,
                event.action,
            )
        )

    def table(self) -> pa.Table:
        """As the lake takes them."""
        columns = list(zip(*self._rows, strict=True)) or [()] * len(EVENTS.columns)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, EVENTS.columns, strict=True)]
        return pa.Table.from_arrays(arrays, schema=EVENTS.columns)


def moment(text: str | None) -> datetime | None:
    """A time as Kubernetes writes it; None where it is none."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(text.replace("Z", _ZONE) if text.endswith("Z") else text).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
