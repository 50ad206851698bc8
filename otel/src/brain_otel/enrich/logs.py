"""What log lines say about themselves, written where others look for it: severity, and the class of an error.

Nothing that a record says already is changed, and what a line does not say is not guessed.
"""

from __future__ import annotations

from typing import Any, Final

from brain_common.settings import Settings
from brain_engine.logs.error_class import error_class, has_stack_trace
from brain_engine.logs.levels import ERROR, Severity, named
from brain_engine.logs.severity import severity_of
from brain_otel.batch import Group
from brain_otel.enrich.kind import Context, EnricherKind
from brain_otel.signals import Signal

TYPE: Final = "exception.type"  # https://opentelemetry.io/docs/specs/semconv/registry/attributes/exception/
_STACK: Final = "exception.stacktrace"
_LEVEL_KEYS: Final = frozenset({"level", "severity", "lvl", "log.level", "loglevel", "levelname", "severity_text"})
_MESSAGE_KEYS: Final = frozenset({"message", "msg", "log", "error", "err", _STACK, "stack", "stack_trace"})


class LogsSettings(Settings):
    """There is nothing to set."""


class Logs:
    """Fills in what is absent."""

    def __init__(self, settings: LogsSettings, context: Context) -> None:
        del settings, context

    def enrich(self, group: Group) -> None:
        """Look at each record."""
        for record in group.records():
            text = record.body.string_value
            if record.severity_number == 0:
                _set_severity(record, text)
            if record.severity_number >= ERROR or ("\n" in text and has_stack_trace(text)):
                _set_error_class(record, text)


def _set_severity(record: Any, text: str) -> None:  # noqa: ANN401 - LogRecord
    severity = named(record.severity_text) if record.severity_text else _said(record, text)
    if severity is None:
        return
    record.severity_number = severity.number
    if severity.text and not record.severity_text:
        record.severity_text = severity.text


def _said(record: Any, text: str) -> Severity | None:  # noqa: ANN401 - LogRecord
    if text:
        return severity_of(text)
    for pair in record.body.kvlist_value.values:
        if pair.key.lower() in _LEVEL_KEYS and (severity := named(pair.value.string_value)):
            return severity
    return None


def _set_error_class(record: Any, text: str) -> None:  # noqa: ANN401 - LogRecord
    stack = ""
    for pair in record.attributes:
        if pair.key == TYPE:
            return
        if pair.key == _STACK:
            stack = pair.value.string_value
    found = error_class(stack or text or _message(record))
    if found is not None:
        record.attributes.add(key=TYPE).value.string_value = found


def _message(record: Any) -> str:  # noqa: ANN401 - LogRecord
    """Texts of a structured body that tell of an error."""
    values = record.body.kvlist_value.values
    return "\n".join(pair.value.string_value for pair in values if pair.key.lower() in _MESSAGE_KEYS)


KIND: Final = EnricherKind(name="logs", settings=LogsSettings, build=Logs, signals=(Signal.LOGS,))
