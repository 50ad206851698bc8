"""Records in columns: the rows of the lake and the counts, for some thousand records at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from brain_exporters.cloudtrail.record import Record, is_read_only
from brain_exporters.cloudtrail.rules import Rules
from brain_exporters.cloudtrail.subject import entity_of, resources
from brain_exporters.runtime.batch import Batch
from brain_lake.schemas import CHANGES, CLOUDTRAIL, SECURITY

_TIME: Final = pa.timestamp("us", tz="UTC")
_TEXTS: Final = pa.list_(pa.string())
_LONGEST: Final = 1024  # characters of a sentence or agent


def times(records: Sequence[Record]) -> pa.Array:
    """eventTime of each; raises ``pa.ArrowInvalid`` when one is no time with a zone."""
    return pa.array([record.time for record in records], pa.string()).cast(_TIME)


class Tabulator:
    """Fills batches.

    Args:
        cluster: First part of every entity.
        rules: For suspicious calls.
    """

    def __init__(self, cluster: str, rules: Rules) -> None:
        self._cluster = cluster
        self._rules = rules

    def fill(self, batch: Batch, records: Sequence[Record], raws: Sequence[msgspec.Raw], moments: pa.Array) -> None:
        """Count the records and add their rows."""
        if not records:
            return
        accounts = [record.account_id for record in records]
        reads = [is_read_only(record) for record in records]
        named = [resources(record) for record in records]
        entities = [entity_of(r.service, a, n) for r, a, n in zip(records, accounts, named, strict=True)]
        hits = self._hits(records, raws)
        _count(batch, records, accounts, reads)
        columns = {
            "timestamp": moments,
            "cluster": pa.repeat(pa.scalar(self._cluster), len(records)),
            "namespace": pa.array(accounts, pa.string()),
            "kind": pa.array([kind for kind, _ in entities], pa.string()),
            "name": pa.array([name for _, name in entities], pa.string()),
        }
        whole = pa.table({**columns, **_columns(records, accounts, reads, named, hits), "record": _joined(raws)})
        batch.add_rows(CLOUDTRAIL, whole)
        changes = [n for n, record in enumerate(records) if not reads[n] and not record.error_code]
        for n in changes:
            record = records[n]
            batch.count("cloudtrail_changes", (accounts[n], record.region, record.service, record.operation))
        shared = pa.table(columns)
        self._changes(batch, shared, changes, records, named)
        self._security(batch, shared, hits, records, accounts, named)

    def _hits(self, records: Sequence[Record], raws: Sequence[msgspec.Raw]) -> dict[int, list[str]]:
        concern = self._rules.concern
        hits = {}
        for n, record in enumerate(records):
            if concern(record.service, record.operation):
                found = self._rules.matching(record.service, record.operation, raws[n])
                if found:
                    hits[n] = found
        return hits

    def _changes(
        self, batch: Batch, shared: pa.Table, which: list[int], records: Sequence[Record], named: Sequence[list[str]]
    ) -> None:
        if not which:
            return
        chosen = [records[n] for n in which]
        rows = shared.take(which)
        for name, values in {
            "source": ["cloudtrail"] * len(which),
            "change_kind": [_kind(record.operation) for record in chosen],
            "result": ["succeeded"] * len(which),
            "change_id": [record.event_id for record in chosen],
            "title": [f"{r.service.removesuffix('.amazonaws.com')}: {r.operation}"[:_LONGEST] for r in chosen],
            "actor": [_principal(record) for record in chosen],
            "details": [_json({"resources": named[n], "source_ip": records[n].source_ip}) for n in which],
        }.items():
            rows = rows.append_column(name, pa.array(values, pa.string()))
        batch.add_rows(CHANGES, rows)

    def _security(
        self,
        batch: Batch,
        shared: pa.Table,
        hits: dict[int, list[str]],
        records: Sequence[Record],
        accounts: Sequence[str],
        named: Sequence[list[str]],
    ) -> None:
        which = [(n, name) for n, names in hits.items() for name in names]
        if not which:
            return
        rules = self._rules.rules
        for n, name in which:
            batch.count("cloudtrail_suspicious", (name, rules[name].severity, accounts[n]))
        rows = shared.take([n for n, _ in which])
        for column, values in {
            "source": ["cloudtrail"] * len(which),
            "rule": [name for _, name in which],
            "severity": [rules[name].severity for _, name in which],
            "message": [rules[name].description for _, name in which],
            "actor": [_principal(records[n]) for n, _ in which],
            "event_id": [records[n].event_id for n, _ in which],
            "details": [_json(_details(records[n], named[n], rules[name].technique)) for n, name in which],
        }.items():
            rows = rows.append_column(column, pa.array(values, pa.string()))
        batch.add_rows(SECURITY, rows)


def _count(batch: Batch, records: Sequence[Record], accounts: Sequence[str], reads: Sequence[bool]) -> None:
    counts = Counter(
        (account, record.region, record.service, record.operation, record.error_code or "", read)
        for record, account, read in zip(records, accounts, reads, strict=True)
    )
    for (*labels, read), amount in counts.items():
        batch.count("cloudtrail_events", (*labels, "true" if read else "false"), amount)


def _columns(
    records: Sequence[Record],
    accounts: Sequence[str],
    reads: Sequence[bool],
    named: Sequence[list[str]],
    hits: dict[int, list[str]],
) -> dict[str, pa.Array]:
    identities = [record.identity for record in records]
    texts = {
        "event_id": [record.event_id for record in records],
        "account_id": accounts,
        "region": [record.region for record in records],
        "service": [record.service for record in records],
        "operation": [record.operation for record in records],
        "event_type": [record.event_type for record in records],
        "error_code": [record.error_code for record in records],
        "error_message": [record.error_message for record in records],
        "principal_arn": [one and (one.arn or one.principalId) for one in identities],
        "principal_type": [one and one.type for one in identities],
        "source_ip": [record.source_ip for record in records],
        "user_agent": [record.user_agent for record in records],
    }
    columns = {name: pa.array(values, pa.string()) for name, values in texts.items()}
    columns["read_only"] = pa.array(reads, pa.bool_())
    columns["resources"] = pa.array([names or None for names in named], _TEXTS)
    columns["rules"] = (
        pa.array([hits.get(n) for n in range(len(records))], _TEXTS) if hits else pa.nulls(len(records), _TEXTS)
    )
    return columns


def _joined(raws: Sequence[msgspec.Raw]) -> pa.Array:
    """The records as text, in one copy: they are known to be UTF-8."""
    offsets = np.zeros(len(raws) + 1, np.int32)
    np.cumsum([len(raw) for raw in raws], out=offsets[1:])
    return pa.StringArray.from_buffers(len(raws), pa.py_buffer(offsets), pa.py_buffer(b"".join(raws)))


def _principal(record: Record) -> str:
    return record.identity.principal if record.identity else ""


def _kind(operation: str) -> str:
    """The verb of a call: create, put, delete…"""
    for place, letter in enumerate(operation):
        if place and letter.isupper():
            return operation[:place].lower()
    return operation.lower()


def _details(record: Record, named: list[str], technique: str) -> dict[str, Any]:
    return {
        "technique": technique,
        "operation": record.operation,
        "error_code": record.error_code,
        "source_ip": record.source_ip,
        "user_agent": record.user_agent,
        "resources": named,
    }


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
