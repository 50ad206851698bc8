"""Sends log records with Fluent's Forward protocol, in message mode, as fluent-logger does.

https://github.com/fluent/fluentd/wiki/Forward-Protocol-Specification-v1; times are EventTime, with nanoseconds. The
record is what Fluent Bit's tail input and Kubernetes filter would have made of the container's line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self

from brain_common.errors import TemporaryError
from brain_lab.emit.records import NANOS, LogRecord, Severity
from brain_lab.emit.stamps import rfc3339_nanos
from brain_lab.emit.text import clean

PORT: Final = 24224


class ForwardSender:
    """A connection to a Forward input, made at the first record.

    Args:
        host: Of the receiver.
        port: Of the receiver.
        timeout: Seconds for connecting and for each send.
    """

    def __init__(self, host: str, port: int = PORT, timeout: float = 3.0) -> None:
        from fluent.sender import FluentSender

        self._where = f"{host}:{port}"
        # It carries no types.
        make: Any = FluentSender
        self._sender: Any = make("kube", host=host, port=port, timeout=timeout, forward_packet_error=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def send(self, records: Iterable[LogRecord]) -> int:
        """Send the records; returns how many. Blocks; call it in a thread from an event loop.

        Raises:
            TemporaryError: The receiver is away or too slow; the records before the one that failed were sent.
        """
        from fluent.sender import EventTime

        at: Any = EventTime
        sent = 0
        for record in records:
            seconds, nanos = divmod(record.time, NANOS)
            if not self._sender.emit_with_time(tag(record), at(seconds, nanos), event(record)):
                self._sender.pendings = None  # it would send it later, and the caller's next try a second time
                raise TemporaryError(f"{self._where}: {self._sender.last_error}")
            sent += 1
        return sent

    def close(self) -> None:
        """Hang up."""
        self._sender.close()


def tag(record: LogRecord) -> str:
    """Fluent Bit's tag of a container's file, below `kube.`; dots separate, so names lose theirs."""
    origin = record.origin
    parts = (
        origin.pod or origin.node or origin.service,
        origin.namespace or "host",
        origin.container or origin.service,
    )
    return "var.log.containers." + "_".join(clean(part).replace(".", "-") for part in parts) + ".log"


def event(record: LogRecord) -> Mapping[str, object]:
    """The record as Fluent Bit would pass it on."""
    origin = record.origin
    return {
        "log": clean(record.body),
        "stream": "stderr" if record.severity >= Severity.ERROR else "stdout",
        "time": rfc3339_nanos(record.time),
        "level": record.severity.name.lower(),
        "kubernetes": {
            "pod_name": clean(origin.pod),
            "namespace_name": clean(origin.namespace),
            "container_name": clean(origin.container or origin.service),
            "host": clean(origin.node),
            "labels": {"app.kubernetes.io/name": clean(origin.service)},
        },
        "attributes": {clean(key): clean(v) if isinstance(v, str) else v for key, v in record.attributes.items()},
        **({"trace_id": record.trace, "span_id": record.span} if record.trace else {}),
    }
