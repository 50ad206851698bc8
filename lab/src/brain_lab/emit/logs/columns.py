"""What goes into the blanks of log lines: from the simulation where it says so, made up otherwise.

A value that is the same for all lines is a text, a varying one is a list. Everything made up comes from the given
generator, in the order in which templates ask, so that one seed gives one log.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_lab.emit.health.people import clinicians, patient_names, patients
from brain_lab.emit.ids import hex_columns, uuid_columns
from brain_lab.emit.logs.cards import masked_pans
from brain_lab.emit.records import NANOS, Int, Origin
from brain_lab.emit.stamps import rfc3339_micros, rfc3339_millis, second_text

Value = str | int | float
Column = Sequence[Value]
Escape = Callable[[str], str]
Filler = Callable[[np.random.Generator, int], Column]
Stamp = Callable[[int], str]


class Columns:
    """The blanks of N lines of one process.

    Args:
        origin: The process.
        times: [N] nanoseconds since the epoch.
        rng: Source of what is made up.
        known: Blank → column of numbers or ids; wins over what would be made up.
        names: Blank → text, likewise.
        escape: How the program writes foreign text into its lines; applied to `names` and the origin's names.
    """

    def __init__(
        self,
        origin: Origin,
        times: Int,
        rng: np.random.Generator,
        known: Mapping[str, Column],
        names: Mapping[str, str],
        escape: Escape | None = None,
    ) -> None:
        self.count = len(times)
        self._times = times
        self._rng = rng
        texts = {**_of_origin(origin), **names}
        if escape is not None:
            texts = {name: escape(text) for name, text in texts.items()}
        self._known: dict[str, str | Column] = {**known, **texts}

    def get(self, blank: str) -> str | Column:
        """What goes into the blank: one text for all lines, or [N] values.

        Raises:
            KeyError: Nobody knows such a blank.
        """
        if blank not in self._known:
            if blank in STAMPS:
                stamp = STAMPS[blank]
                self._known[blank] = [stamp(time) for time in self._times.tolist()]
            else:
                self._known[blank] = FILLERS[blank](self._rng, self.count)
        return self._known[blank]

    def spread(self, blank: str) -> Column:
        """[N] values, the same one N times where it does not vary."""
        value = self.get(blank)
        return [value] * self.count if isinstance(value, str) else value


def _of_origin(origin: Origin) -> Mapping[str, str]:
    return {
        "service": origin.service,
        "namespace": origin.namespace or "default",
        "pod": origin.pod or origin.service,
        "node": origin.node or "localhost",
        "container": origin.container or origin.service,
    }


def _among(*words: str) -> Filler:
    def fill(rng: np.random.Generator, count: int) -> Column:
        return [words[i] for i in rng.integers(0, len(words), count).tolist()]

    return fill


def _between(low: int, high: int) -> Filler:
    def fill(rng: np.random.Generator, count: int) -> Column:
        numbers: list[int] = rng.integers(low, high, count).tolist()
        return numbers

    return fill


def _addresses(prefix: str) -> Filler:
    def fill(rng: np.random.Generator, count: int) -> Column:
        pairs = rng.integers(1, 254, (count, 2)).tolist()
        return [f"{prefix}.{a}.{b}" for a, b in pairs]

    return fill


def _documentation_addresses(rng: np.random.Generator, count: int) -> Column:
    """Of the ranges that RFC 5737 keeps for examples, so that nobody's address is in a log."""
    ranges = ("192.0.2", "198.51.100", "203.0.113")
    return [f"{ranges[number % 3]}.{number // 3 + 1}" for number in rng.integers(0, 750, count).tolist()]


def _millis(rng: np.random.Generator, count: int) -> Column:
    return _rounded(rng.lognormal(2.5, 0.8, count))


def _seconds(rng: np.random.Generator, count: int) -> Column:
    return _rounded(rng.lognormal(-4.4, 0.8, count))


def _rounded(numbers: NDArray[np.float64]) -> Column:
    values: list[float] = np.round(numbers, 3).tolist()
    return values


def _amounts(rng: np.random.Generator, count: int) -> Column:
    return [f"{amount:.2f}" for amount in rng.lognormal(3.6, 1.1, count).tolist()]


def _epoch_seconds(nanos: int) -> str:
    return f"{nanos // NANOS}.{nanos % NANOS // 1000:06d}"


def _klog(nanos: int) -> str:
    return f"{second_text(nanos // NANOS, '%m%d %H:%M:%S')}.{nanos % NANOS // 1000:06d}"


def _with_millis(layout: str, mark: str) -> Stamp:
    return lambda nanos: f"{second_text(nanos // NANOS, layout)}{mark}{nanos % NANOS // 1_000_000:03d}"


STAMPS: Final[Mapping[str, Stamp]] = {
    "iso": rfc3339_millis,
    "micros": rfc3339_micros,
    "epoch": _epoch_seconds,
    "klog": _klog,
    "nginx_time": lambda nanos: second_text(nanos // NANOS, "%d/%b/%Y:%H:%M:%S +0000"),
    "nginx_error_time": lambda nanos: second_text(nanos // NANOS, "%Y/%m/%d %H:%M:%S"),
    "postgres_time": _with_millis("%Y-%m-%d %H:%M:%S", "."),
    "kafka_time": _with_millis("%Y-%m-%d %H:%M:%S", ","),
    "redis_time": _with_millis("%d %b %Y %H:%M:%S", "."),
}
"""Blank → how the time of the line is spelled."""

FILLERS: Final[Mapping[str, Filler]] = {
    "ms": _millis,
    "seconds": _seconds,
    "status": _among("200", "200", "200", "200", "200", "200", "200", "201", "204", "304", "404"),
    "failed_status": _among("500", "502", "503", "503", "504"),
    "method": _among("GET", "GET", "GET", "POST", "POST", "PUT"),
    "path": _among("/api/v1/items", "/api/v1/orders", "/api/v1/accounts", "/api/v1/status", "/api/v1/events"),
    "bytes_in": _between(90, 999),
    "bytes_out": _between(200, 48000),
    "ip": _addresses("10.42"),
    "client_ip": _documentation_addresses,
    "peer_ip": _addresses("10.96"),
    "port": _among("5432", "6379", "8080", "8443", "9092"),
    "high_port": _between(32768, 60999),
    "uuid": uuid_columns,
    "trace": lambda rng, count: hex_columns(rng, count, 16),
    "short_hex": lambda rng, count: hex_columns(rng, count, 4),
    "container_id": lambda rng, count: hex_columns(rng, count, 32),
    "thread": _between(1, 33),
    "pid": _between(40, 4000),
    "other_pid": _between(40, 4000),
    "number": _between(1, 1000),
    "count": _between(1, 60),
    "offset": _between(100_000, 90_000_000),
    "lag": _between(20_000, 900_000),
    "partition": _between(0, 24),
    "transaction": _between(700_000, 9_000_000),
    "relation": _between(16_384, 17_000),
    "table": _among("accounts", "entries", "transfers", "orders", "sessions", "events", "outbox"),
    "user": _among("svc-ledger", "svc-fraud", "svc-recon", "ops-anna", "ops-mehmet", "dba-chen"),
    "amount": _amounts,
    "currency": _among("EUR", "EUR", "USD", "GBP", "CHF"),
    "agent": _among("okhttp/4.12.0", "Go-http-client/2.0", "python-httpx/0.28.1", "Mozilla/5.0 (X11; Linux x86_64)"),
    "database": _among("app"),
    "peer": _among("backend"),
    "host": _among("backend.default.svc.cluster.local"),
    "image": _among("registry.example.com/app:1.4.2"),
    "key": _among("client.timeout"),
    "value": _among("nonsense"),
    "action": _among("dynamodb:PutItem"),
    "resource": _among("arn:aws:dynamodb:eu-central-1:111122223333:table/app"),
    "role": _among("arn:aws:sts::111122223333:assumed-role/app/session"),
    "topic": _among("events"),
    "group": _among("workers"),
    "masked_pan": masked_pans,
    "clinician": clinicians,
    "patient": patients,
    "patient_name": patient_names,
    "record": _among("Observation", "Encounter", "MedicationRequest", "DiagnosticReport", "AllergyIntolerance"),
    "device": lambda rng, count: [f"edge-{number:05d}" for number in rng.integers(1, 20_000, count).tolist()],
}
"""Blank → how values for it are made up."""
