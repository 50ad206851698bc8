"""What a simulated run tells besides metrics, in a lake: as the product's own exporters and processor would write it.

Every row goes through the code that makes it in production, from the form in which its source tells it: events as the
API server shows them, CloudTrail's records, webhooks of Argo CD, GitLab and Terraform, OTLP for logs and spans. Only
what would have to be asked of a cluster by rounds (who owns a pod, which workload was rolled out) is given directly.
The bill is not there: AWS tells of an hour half a day later at the earliest, when a run is long over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import pyarrow as pa
from starlette.datastructures import Headers

from brain_common.clock import ManualClock
from brain_common.entity import Entity, EntityKind
from brain_exporters.changes.entities import EntityMap
from brain_exporters.changes.model import Change, ChangeKind, Result, Subject, clean
from brain_exporters.changes.payloads import argocd, gitlab, terraform
from brain_exporters.changes.table import change_rows
from brain_exporters.cloudtrail.record import decode
from brain_exporters.cloudtrail.rules import load_rules
from brain_exporters.cloudtrail.tabulate import Tabulator, times
from brain_exporters.kube_events.entities import Owners
from brain_exporters.kube_events.rows import EventRows
from brain_exporters.kube_events.wire import EVENT
from brain_exporters.runtime.batch import Batch
from brain_lab.emit import records
from brain_lab.emit.cloud.changes.argocd import application
from brain_lab.emit.cloud.changes.gitlab import pipeline
from brain_lab.emit.cloud.changes.terraform import notification
from brain_lab.emit.cloud.cloudtrail import record
from brain_lab.emit.events.core import events_v1
from brain_lab.emit.logs import otlp as logs_otlp
from brain_lab.emit.records import NANOS
from brain_lab.emit.traces import otlp as traces_otlp
from brain_lab.simulate import Recording
from brain_lab.tell.emission import Amounts, emission_of
from brain_lake.location import LakeLocation
from brain_lake.schemas import CHANGES, EVENTS, LOGS, SPANS, TableSchema
from brain_lake.writer import LakeWriter
from brain_otel.batch import Batch as Export
from brain_otel.lake_copy.config import LogCopySettings, TraceCopySettings
from brain_otel.lake_copy.logs import LogCopy
from brain_otel.lake_copy.traces import TraceCopy
from brain_otel.side.table import as_table
from brain_otel.signals import Signal

if TYPE_CHECKING:
    from brain_otel.side.channel import Row

AMOUNTS: Final = Amounts(spans=8_000, lines=6_000, days=0, messages=0)
"""A sample: of all that a platform writes in an hour, as a sampler in the SDKs would leave it."""

_NO_HEADERS: Final = Headers()
_REQUEST: Final = 8_192  # spans or records of one export request
_EVERY_TRACE: Final = TraceCopySettings(keep_ratio=1.0, buffer_bytes=1 << 30, most_traces=100_000)
_EVERY_LINE: Final = LogCopySettings(min_severity="INFO")


def write_told(recording: Recording, root: Path) -> None:
    """Append all that a recording tells to the lake below ``root``; one commit a table."""
    told = emission_of(recording, AMOUNTS)
    platform, end = recording.platform, float(recording.times[-1])
    batch = Batch()
    batch.add_rows(EVENTS, _events(recording, told.events))
    batch.add_rows(CHANGES, _changes(told.changes, platform.cluster, end))
    _add_calls(batch, told.calls, platform.cluster)
    batch.add_rows(LOGS, as_table(LOGS, _log_rows(told.logs, platform.cluster)))
    if told.spans is not None:
        batch.add_rows(SPANS, as_table(SPANS, _span_rows(told.spans, platform.cluster)))
    writer = LakeWriter(LakeLocation.local(root))
    for schema, rows in _by_table(batch):
        writer.append(schema, rows)


def _by_table(batch: Batch) -> Iterator[tuple[TableSchema, pa.Table]]:
    """Calls that change something are changes, too: they share a commit with what tools told."""
    parts: dict[str, tuple[TableSchema, list[pa.Table]]] = {}
    for schema, rows in batch.rows:
        parts.setdefault(schema.name, (schema, []))[1].append(rows)
    for schema, tables in parts.values():
        yield schema, pa.concat_tables(tables, promote_options="permissive")


def _events(recording: Recording, events: Sequence[records.KubernetesEvent]) -> pa.Table:
    owners = Owners()
    workloads = {
        (recording.platform.service(pod.service).namespace, pod.name): pod.service for pod in recording.pod_list
    }
    owners.replace(workloads, {})
    rows, seen = EventRows(recording.platform.cluster, owners), dict[tuple[str, str], int]()
    for event in sorted(events, key=lambda one: (one.last, one.count)):
        read, key = EVENT.decode(msgspec.json.encode(events_v1(event))), (event.subject.namespace, event.name)
        growth, seen[key] = read.total - seen.get(key, 0), read.total
        rows.add(read, max(growth, 1), read.total, event.last / NANOS)
    return rows.table()


def _add_calls(batch: Batch, calls: Sequence[records.AwsCall], cluster: str) -> None:
    raws = [msgspec.Raw(msgspec.json.encode(record(call, number))) for number, call in enumerate(calls)]
    found = [decode(raw) for raw in raws]
    Tabulator(cluster, load_rules(None)).fill(batch, found, raws, times(found))


def _changes(changes: Iterable[records.Change], cluster: str, now: float) -> pa.Table:
    found = [told for change in changes for told in _states(change, now)]
    return change_rows(found, EntityMap((), cluster))


def _states(change: records.Change, now: float) -> Sequence[Change]:
    """What the exporters get to know of a change, state by state."""
    match change.kind:
        case records.ChangeKind.ARGOCD_SYNC:
            return argocd.parse(msgspec.json.encode(application(change, ())), _NO_HEADERS, now)
        case records.ChangeKind.GITLAB_PIPELINE:
            return gitlab.parse(msgspec.json.encode(pipeline(change)), _NO_HEADERS, now)
        case records.ChangeKind.TERRAFORM_RUN:
            notes = (notification(change, ended=ended) for ended in (False, True))
            return [told for note in notes for told in terraform.parse(msgspec.json.encode(note), _NO_HEADERS, now)]
        case records.ChangeKind.CONFIGMAP_EDIT:
            return [_of_cluster(change, workload, ChangeKind.CONFIG, Result.SUCCEEDED) for workload in change.affected]
        case records.ChangeKind.ROLLOUT:
            ended = Result.SUCCEEDED if change.succeeded else Result.FAILED
            states = (Result.STARTED, ended) if change.end > change.start else (ended,)
            return [_of_cluster(change, change.target, ChangeKind.ROLLOUT, state) for state in states]


def _of_cluster(change: records.Change, workload: str, kind: ChangeKind, result: Result) -> Change:
    """As the rounds of the exporter of Kubernetes' events notice it."""
    start, end = change.start / NANOS, change.end / NANOS
    return Change(
        source="kubernetes",
        kind=kind,
        result=result,
        change_id=f"{change.kind.value}/{change.namespace}/{change.target}/{change.start}",
        title=clean(change.summary, 500),
        subject=Subject("", "", Entity("", change.namespace, EntityKind.WORKLOAD, workload)),
        timestamp=start if result is Result.STARTED else end,
        started_at=start,
        actor=change.actor,
        revision=change.revision or None,
    )


def _log_rows(logs: Sequence[records.LogRecord], cluster: str) -> list[Row]:
    rows: list[Row] = []
    copy = LogCopy(_EVERY_LINE, cluster, ManualClock(0.0), lambda _, some: rows.extend(some))
    for request in logs_otlp.requests(logs, _REQUEST):
        copy.observe(Export.decode(Signal.LOGS, request.SerializeToString()))
    return rows


def _span_rows(spans: records.SpanBatch, cluster: str) -> list[Row]:
    rows: list[Row] = []
    copy = TraceCopy(_EVERY_TRACE, cluster, ManualClock(0.0), lambda _, some: rows.extend(some), lambda: None)
    for request in traces_otlp.requests(spans, _REQUEST):
        export = Export.decode(Signal.TRACES, request.SerializeToString())
        export.encode()  # the copy keeps what was sent on
        copy.observe(export)
    copy.close()
    return rows
