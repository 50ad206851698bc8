"""Records to a batch: counted by what they are, changes and suspicious ones marked, all of them as rows.

Column by column and not row by row: a file has tens of thousands of records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from brain_common.errors import InputError
from brain_exporters.cloudtrail import subject
from brain_exporters.cloudtrail.records import Record, decode
from brain_exporters.cloudtrail.rules import Rule, Rules
from brain_exporters.cloudtrail.seen import Ids, Seen
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.counters import CounterSpec
from brain_lake.schemas import CHANGES, CLOUDTRAIL, SECURITY, TableSchema

EVENTS: Final = CounterSpec(
    "cloudtrail_events",
    "Calls of the AWS API by what CloudTrail recorded of them.",
    ("account_id", "region", "service", "operation", "error_code", "read_only"),
)
CHANGES_TOTAL: Final = CounterSpec(
    "cloudtrail_changes", "Calls that went well and may have changed something.", ("account_id", "region", "service")
)
SUSPICIOUS: Final = CounterSpec(
    "cloudtrail_suspicious", "Calls that a rule matched.", ("account_id", "rule", "severity")
)
DUPLICATES: Final = CounterSpec("cloudtrail_duplicate_records", "Records that had come before.", ())
MALFORMED: Final = CounterSpec("cloudtrail_malformed_records", "Records that are none; they are kept aside.", ())
_LONGEST_RECORD: Final = 64 * 1024  # bytes of a record that are kept whole in the lake
_json: Final = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Marked:
    """A record that is more than a row, with all that is in it."""

    place: int
    record: Record
    whole: dict[str, Any]
    rules: Sequence[Rule]


class Tally:
    """Makes batches of raw records.

    Args:
        cluster: First part of entities.
        rules: For suspicious calls.
        seen: Ids of records that were taken.
        keep_records: Whether rows hold the whole record.
        aside: Called with what is no record.
    """

    def __init__(
        self, cluster: str, rules: Rules, seen: Seen, keep_records: bool, aside: Callable[[bytes], None]
    ) -> None:
        self._cluster = cluster
        self._rules = rules
        self._seen = seen
        self._keep_records = keep_records
        self._aside = aside

    def take(self, raws: Sequence[bytes | msgspec.Raw], now: float, batch: Batch) -> tuple[int, Ids, str] | None:
        """Add records to ``batch``; hand what is returned to ``committed`` after its commit."""
        pairs = self._decoded(raws, batch)
        if not pairs:
            return None
        fresh = self._seen.fresh([record.id for record, _ in pairs])
        if not fresh.all():
            batch.count(DUPLICATES.name, (), float(len(pairs) - int(fresh.sum())))
            pairs = [pair for pair, new in zip(pairs, fresh, strict=True) if new]
        if not pairs:
            return None
        records = [record for record, _ in pairs]
        marked = self._marked(pairs)
        self._count(records, marked, batch)
        self._add_rows(pairs, marked, batch)
        return self._seen.note([record.id for record in records], now, batch)

    def committed(self, noted: tuple[int, Ids, str] | None) -> None:
        """The batch is durable."""
        if noted is not None:
            self._seen.add(noted)

    def _decoded(self, raws: Sequence[bytes | msgspec.Raw], batch: Batch) -> list[tuple[Record, bytes | msgspec.Raw]]:
        pairs = []
        for raw in raws:
            try:
                record = decode(raw)
                if len(record.time) != _TIME or not record.id:
                    raise InputError("no time or no id")
                pairs.append((record, raw))
            except InputError:
                batch.count(MALFORMED.name, ())
                self._aside(bytes(raw))
        return pairs

    def _marked(self, pairs: Sequence[tuple[Record, bytes | msgspec.Raw]]) -> list[Marked]:
        """Changes, and what a rule matches; only these are decoded whole."""
        found = []
        for place, (record, raw) in enumerate(pairs):
            candidates = self._rules.possible(record)
            changes = not record.reads and record.error_code is None
            if not candidates and not changes:
                continue
            whole = _json.decode(raw)
            rules = self._rules.matching(candidates, whole) if candidates else []
            if rules or changes:
                found.append(Marked(place, record, whole, rules))
        return found

    def _count(self, records: Sequence[Record], marked: Sequence[Marked], batch: Batch) -> None:
        series = Counter(
            (_account(r), r.region, r.service, r.operation, r.error_code or "", "true" if r.reads else "false")
            for r in records
        )
        for labels, count in series.items():
            batch.count(EVENTS.name, labels, float(count))
        for each in marked:
            account = _account(each.record)
            if _changes(each.record):
                batch.count(CHANGES_TOTAL.name, (account, each.record.region, each.record.service))
            for rule in each.rules:
                batch.count(SUSPICIOUS.name, (account, rule.name, rule.severity))

    def _add_rows(
        self, pairs: Sequence[tuple[Record, bytes | msgspec.Raw]], marked: Sequence[Marked], batch: Batch
    ) -> None:
        records = [record for record, _ in pairs]
        times = _times([record.time for record in records])
        accounts = [_account(record) for record in records]
        ids: dict[int, list[tuple[str, str]]] = {each.place: list(subject.parameters(each.whole)) for each in marked}
        entities = [
            subject.entity(record, ids.get(place, []), account)
            for place, (record, account) in enumerate(zip(records, accounts, strict=True))
        ]
        matched = {each.place: [rule.name for rule in each.rules] for each in marked if each.rules}
        columns: dict[str, Any] = {
            "timestamp": times,
            "cluster": [self._cluster] * len(records),
            "namespace": [""] * len(records),
            "kind": [kind.value for kind, _ in entities],
            "name": [name for _, name in entities],
            "event_id": [record.id for record in records],
            "account_id": accounts,
            "region": [record.region for record in records],
            "service": [record.service for record in records],
            "operation": [record.operation for record in records],
            "event_type": [record.type for record in records],
            "read_only": [record.reads for record in records],
            "error_code": [record.error_code for record in records],
            "error_message": [record.error_message and record.error_message[:1024] for record in records],
            "principal_arn": [subject.principal(record) for record in records],
            "principal_type": [record.identity.type if record.identity else None for record in records],
            "source_ip": [record.source_ip for record in records],
            "user_agent": [record.user_agent and record.user_agent[:512] for record in records],
            "resources": [
                [*subject.named(record), *(value for _, value in ids.get(place, ()))]
                for place, record in enumerate(records)
            ],
            "rules": [matched.get(place) for place in range(len(records))],
        }
        if self._keep_records:
            columns["record"] = [_kept(raw) for _, raw in pairs]
        batch.add_rows(CLOUDTRAIL, table(CLOUDTRAIL, columns))
        chosen = [each for each in marked if _changes(each.record)]
        if chosen:
            batch.add_rows(CHANGES, self._changes(chosen, columns))
        hits = [(each, rule) for each in marked for rule in each.rules]
        if hits:
            batch.add_rows(SECURITY, self._suspicious(hits, columns))

    def _changes(self, chosen: Sequence[Marked], columns: dict[str, Any]) -> pa.Table:
        places = [each.place for each in chosen]
        made = {name: [columns[name][place] for place in places] for name in ("cluster", "namespace", "kind", "name")}
        made |= {
            "timestamp": columns["timestamp"].take(pa.array(places)),
            "source": ["cloudtrail"] * len(chosen),
            "change_kind": ["api-call"] * len(chosen),
            "result": ["succeeded"] * len(chosen),
            "change_id": [each.record.id for each in chosen],
            "title": [_title(each.record, columns["name"][each.place]) for each in chosen],
            "actor": [columns["principal_arn"][place] for place in places],
            "details": [msgspec.json.encode(each.whole.get("requestParameters")).decode()[:16384] for each in chosen],
        }
        return table(CHANGES, made)

    def _suspicious(self, hits: Sequence[tuple[Marked, Rule]], columns: dict[str, Any]) -> pa.Table:
        places = [each.place for each, _ in hits]
        made = {name: [columns[name][place] for place in places] for name in ("cluster", "namespace", "kind", "name")}
        made |= {
            "timestamp": columns["timestamp"].take(pa.array(places)),
            "source": ["cloudtrail"] * len(hits),
            "rule": [rule.name for _, rule in hits],
            "severity": [rule.severity for _, rule in hits],
            "message": [f"{rule.description}: {_title(each.record, '')}" for each, rule in hits],
            "actor": [columns["principal_arn"][place] for place in places],
            "event_id": [each.record.id for each, _ in hits],
            "details": [f'{{"technique":"{rule.technique}"}}' for _, rule in hits],
        }
        return table(SECURITY, made)


_TIME: Final = len("2026-01-02T03:04:05Z")


def table(schema: TableSchema, columns: dict[str, Any]) -> pa.Table:
    """Columns with the types of a table of the lake."""
    arrays = [
        column if isinstance(column, pa.Array) else pa.array(column, schema.columns.field(name).type)
        for name, column in columns.items()
    ]
    return pa.table(arrays, names=list(columns))


def _times(texts: Sequence[str]) -> pa.Array:
    """Of the form 2026-01-02T03:04:05Z; what is none is the beginning of the epoch."""
    parsed = pc.strptime(pa.array(texts), format="%Y-%m-%dT%H:%M:%SZ", unit="us", error_is_null=True)
    return parsed.fill_null(datetime.fromtimestamp(0, UTC).replace(tzinfo=None)).cast(pa.timestamp("us", tz="UTC"))


def _account(record: Record) -> str:
    return record.account or (record.identity.account if record.identity else "") or ""


def _changes(record: Record) -> bool:
    return not record.reads and record.error_code is None


def _title(record: Record, name: str) -> str:
    about = f" of {name}" if name else ""
    service = record.service.partition(".")[0]
    return f"{service} {record.operation}{about} by {subject.principal(record) or 'somebody unnamed'}"


def _kept(raw: bytes | msgspec.Raw) -> str | None:
    data = bytes(raw)
    return data.decode(errors="replace") if len(data) <= _LONGEST_RECORD else None
