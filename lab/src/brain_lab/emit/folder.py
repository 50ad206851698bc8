"""Everything that a run emits besides metrics and alerts, written into one folder; for `brain lab run --out`.

Formats are chosen as somebody would find them in production: OTLP for logs and traces as the Collector's file exporter
leaves it, events and changes as lines, CloudTrail as its bucket, cost as an export and as answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from brain_lab.emit.cloud.budgets import Budget, notifications, write_budget_notifications
from brain_lab.emit.cloud.changes.argocd import write_argocd
from brain_lab.emit.cloud.changes.audit import write_audit
from brain_lab.emit.cloud.changes.gitlab import write_gitlab
from brain_lab.emit.cloud.changes.lines import write_changes
from brain_lab.emit.cloud.changes.terraform import write_terraform
from brain_lab.emit.cloud.cloudtrail import write_cloudtrail
from brain_lab.emit.cloud.cost_explorer import Question, write_cost_explorer
from brain_lab.emit.cloud.focus import write_focus_csv, write_focus_parquet
from brain_lab.emit.events.core import write_core_v1, write_events_v1
from brain_lab.emit.health.fhir import Resource, write_fhir
from brain_lab.emit.health.hl7 import write_hl7
from brain_lab.emit.logs import otlp as logs_otlp
from brain_lab.emit.logs.json_lines import write_jsonl
from brain_lab.emit.records import NANOS, AwsCall, Change, CostRow, KubernetesEvent, LogRecord, SpanBatch
from brain_lab.emit.traces import otlp as traces_otlp

_DAY: Final = 86400 * NANOS
_HOUR: Final = 3600 * NANOS
_LAG: Final = 12 * _HOUR
"""Before the end of a run: until then Cost Explorer's figures are settled."""


@dataclass(frozen=True, slots=True)
class Emission:
    """What a run had to tell.

    Attributes:
        logs: In order of time.
        spans: Of sampled traces.
        events: Of Kubernetes.
        calls: Of AWS APIs.
        changes: With their actors.
        costs: For whole hours.
        budgets: That watch the cost.
        hl7: HL7 v2 messages.
        fhir: FHIR resources.
    """

    logs: Sequence[LogRecord] = ()
    spans: SpanBatch | None = None
    events: Sequence[KubernetesEvent] = ()
    calls: Sequence[AwsCall] = ()
    changes: Sequence[Change] = ()
    costs: Sequence[CostRow] = ()
    budgets: Sequence[Budget] = ()
    hl7: Sequence[str] = ()
    fhir: Sequence[Resource] = ()


def write_emission(emission: Emission, folder: Path) -> list[Path]:
    """Write all that there is into `logs`, `traces`, `events`, `changes`, `cloudtrail`, `health` and `cost`.

    Returns the files.

    Kinds of which there is nothing make no file. The bytes depend on the emission alone.
    """
    paths: list[Path] = []
    if emission.logs:
        paths += [write(emission.logs, folder / "logs") for write in (write_jsonl, logs_otlp.write_otlp_json)]
    if emission.spans is not None and len(emission.spans):
        paths.append(traces_otlp.write_otlp_json(emission.spans, folder / "traces"))
    if emission.events:
        paths += [write(emission.events, folder / "events") for write in (write_core_v1, write_events_v1)]
    if emission.changes:
        paths += _write_changes(emission.changes, folder / "changes")
    paths += write_cloudtrail(emission.calls, folder / "cloudtrail")
    if emission.hl7:
        paths.append(write_hl7(emission.hl7, folder / "health"))
    if emission.fhir:
        paths.append(write_fhir(emission.fhir, folder / "health"))
    if emission.costs:
        paths += _write_costs(emission, folder / "cost")
    return paths


def _write_changes(changes: Sequence[Change], folder: Path) -> list[Path]:
    writers = (write_changes, write_argocd, write_gitlab, write_terraform, write_audit)
    paths = [write(changes, folder) for write in writers]
    empty = [path for path in paths if not path.stat().st_size]
    for path in empty:
        path.unlink()
    return [path for path in paths if path not in empty]


def _write_costs(emission: Emission, folder: Path) -> list[Path]:
    rows = emission.costs
    paths = [write_focus_csv(rows, folder), write_focus_parquet(rows, folder)]
    paths += write_cost_explorer(rows, folder, _questions(rows), max(row.hour for row in rows) + _HOUR - _LAG)
    found = [one for budget in emission.budgets for one in notifications(budget, rows)]
    if found:
        paths.append(write_budget_notifications(found, folder))
    return paths


def _questions(rows: Sequence[CostRow]) -> list[Question]:
    """What a cost exporter asks: days by service and usage type, hours by service and by team."""
    first, last = min(row.hour for row in rows), max(row.hour for row in rows)
    days = (first // _DAY * _DAY, (last // _DAY + 1) * _DAY)
    metrics = ("UnblendedCost", "UsageQuantity")
    return [
        Question(*days, "DAILY", metrics, (("DIMENSION", "SERVICE"), ("DIMENSION", "USAGE_TYPE"))),
        Question(*days, "DAILY", metrics[:1], (("DIMENSION", "LINKED_ACCOUNT"), ("TAG", "team"))),
        Question(first, last + _HOUR, "HOURLY", metrics, (("DIMENSION", "SERVICE"), ("TAG", "team"))),
    ]
