"""Log records from some severity on, as rows of the lake's table ``logs``.

The many records below cost one look at their severity. A record without a severity number is not copied: understanding
what a text says is a step's business, which then gives it one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from brain_common.clock import Clock
from brain_otel.attributes import Attributes
from brain_otel.batch import Batch, Group
from brain_otel.lake_copy.config import LogCopySettings
from brain_otel.lake_copy.values import LONGEST_NAME, json_of, place_of, text_of
from brain_otel.side.channel import Row
from brain_otel.signals import Signal

TABLE: Final = "logs"
# The least number of each range: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber
_LEAST: Final = {"TRACE": 1, "DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17, "FATAL": 21}


class LogCopy:
    """Observes batches of logs.

    Args:
        settings: From which severity.
        cluster: For resources that name none.
        clock: For records that have no time.
        put: Takes rows.
    """

    def __init__(
        self, settings: LogCopySettings, cluster: str, clock: Clock, put: Callable[[str, Sequence[Row]], None]
    ) -> None:
        self._least = _LEAST[settings.min_severity]
        self._cluster = cluster
        self._clock = clock
        self._put = put

    def observe(self, batch: Batch) -> None:
        """Hand on what is severe enough."""
        if batch.signal is Signal.LOGS and (rows := [row for group in batch.groups for row in self._rows(group)]):
            self._put(TABLE, rows)

    def _rows(self, group: Group) -> list[Row]:
        severe = [record for record in group.records() if record.severity_number >= self._least]
        if not severe:
            return []
        place = place_of(group, self._cluster)
        return [self._row(record, place) for record in severe]

    def _row(self, record: Any, place: tuple[str, ...]) -> Row:  # noqa: ANN401 - a LogRecord
        attributes = Attributes(record.attributes)
        error = attributes.get("error.type") or attributes.get("exception.type")
        return (
            (record.time_unix_nano or record.observed_time_unix_nano or int(self._clock.now() * 1e9)) // 1000,
            *place,
            record.severity_number,
            record.severity_text[:LONGEST_NAME],
            text_of(record.body),
            record.trace_id.hex() or None,
            record.span_id.hex() or None,
            error[:LONGEST_NAME] or None,
            json_of(record.attributes),
        )
