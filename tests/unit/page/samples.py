"""Incidents as the service would keep them, from rich to hostile; for every test of the page."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

import msgspec

from brain_rca.model import (
    Alert,
    Analysis,
    AnalysisState,
    Cause,
    Change,
    ChangeKind,
    Delivery,
    DeliveryState,
    Feedback,
    FeedbackKind,
    Finding,
    Incident,
    IncidentStatus,
    Look,
    Plot,
    Proposal,
    Severity,
    SharedCause,
    SharedMember,
    SimilarIncident,
    Suspect,
    TimelineEntry,
    Weighing,
)

ONSET = 1_764_040_335.0  # 2025-11-25 03:12:15 UTC
OPENED = ONSET + 105
NOW = ONSET + 12 * 60
START = ONSET - 45 * 60
STEP = 15.0
HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'`{{7*7}}{% raw %}"
    "<svg onload=alert(3)>&lt;b&gt;</style><!--\u202egpj.exe\x00\x1b[31m\u2028javascript:alert(4)"
)

DIFF = """--- a/deploy/payments-db.yaml
+++ b/deploy/payments-db.yaml
@@ -18,7 +18,7 @@ spec:
       containers:
         - name: pgbouncer
           env:
             - name: DEFAULT_POOL_SIZE
-              value: "20"
+              value: "60"
             - name: POOL_MODE
               value: transaction
"""


def series(
    title: str,
    unit: str,
    usual: float,
    after: float,
    *,
    points: int = 240,
    seed: int = 1,
    ramp: float = 120.0,
    until: float = math.inf,
) -> Plot:
    """A noisy level that moves from ``usual`` to ``after`` at the onset, within ``ramp`` seconds, and back."""
    noise = random.Random(seed)
    times = tuple(START + index * STEP * 240 / points for index in range(points))
    values = []
    for at in times:
        share = min(max((at - ONSET) / ramp, 0.0), 1.0) if at < until else 0.0
        level = usual + (after - usual) * share
        value = level * (1 + noise.gauss(0, 0.05)) + 0.03 * usual * math.sin(at / 200)
        values.append(min(value, 1.0) if unit == "ratio" else value)
    return Plot(title=title, unit=unit, times=times, values=tuple(values), baseline=usual)


def finding(
    entity: str,
    signal: str,
    unit: str,
    levels: tuple[float, float],
    sentence: str,
    score: float,
    seed: int,
    until: float | None = None,
) -> Finding:
    usual, after = levels
    ends = math.inf if until is None else until
    return Finding(
        entity=entity,
        signal=signal,
        score=score,
        onset=ONSET + 5 * (seed % 4),
        direction="up" if after > usual else "down",
        sentence=sentence,
        nats=-math.log1p(-score),
        usual=usual,
        extreme=after,
        unit=unit,
        subject="timed out waiting for <*>" if unit == "seconds" else "",
        query=f'sum by (service) (rate({signal}{{namespace="shop",service="x"}}[1m]))',
        link="https://grafana.example.org/explore?left=%7B%7D",
        plot=series(signal.replace("_", " "), unit, usual, after, seed=seed, until=ends),
        until=until,
    )


def entity(name: str, kind: str = "service") -> str:
    return f"prod-eu/shop/{kind}/{name}"


def proposal() -> Proposal:
    return Proposal(
        kind="kubernetes",
        title="Raise the connection pool of payments-db from 20 to 60",
        diff=DIFF,
        rationale="Every pooled connection was in use from 03:12:15 on, and clients queued for one; the "
        "database itself ran at 31 % CPU and has room for 200 connections.",
        risk="Low: one rolling restart of pgbouncer. More connections use about 10 MiB of memory each.",
        rollback="kubectl -n shop rollout undo deployment/payments-db-pgbouncer",
    )


def causes() -> tuple[Cause, ...]:
    database, payments, checkout = entity("payments-db", "database"), entity("payments"), entity("checkout")
    first = Cause(
        rank=1,
        entity=database,
        fault_kind="saturation",
        probability=0.82,
        path=(database, payments, checkout),
        explanation="Its connection pool was exhausted 90 s before the first alert. What payments and "
        "checkout show is explained by waiting for it.",
        against=("CPU of payments-db stayed at its usual 31 %.",),
        weight=11.19,
        weighed=(
            Weighing(what="db pool used ratio", nats=9.2),
            Weighing(
                what="db wait seconds",
                nats=3.6,
                how="7.2 nats × 1/2 as its second finding",
            ),
            Weighing(what="share that is its own (87 %)", nats=-1.61),
        ),
        temperature=4.0,
        changes=(
            Change(
                at=ONSET - 300,
                kind=ChangeKind.CONFIG,
                seconds_before=300.0,
                reason="ConfigMapUpdated",
                message="pool 60 -> 20",
                actor="alex",
            ),
        ),
        look=(
            Look(
                what="How db pool used ratio of database shop/payments-db goes on.", command="max(db_pool_used_ratio)"
            ),
            Look(what='The log lines that read like "timed out waiting for <*>" from shortly before it began.'),
        ),
        proposals=(proposal(),),
        findings=(
            finding(
                database,
                "db_pool_used_ratio",
                "ratio",
                (0.34, 1.0),
                "All pooled connections in use, usually a third",
                0.99,
                3,
            ),
            finding(
                database,
                "db_wait_seconds",
                "seconds",
                (0.004, 1.83),
                "Clients wait 1.8 s for a connection, usually 4 ms",
                0.98,
                4,
            ),
            finding(
                payments,
                "request_duration_p95",
                "seconds",
                (0.12, 2.1),
                "payments answers in 2.1 s (p95), usually 120 ms",
                0.93,
                5,
            ),
        ),
    )
    second = Cause(
        rank=2,
        entity=payments,
        fault_kind="latency",
        probability=0.09,
        path=(payments, checkout),
        explanation="Slow as well, but not before payments-db.",
        against=(
            "Its own time per request is unchanged.",
            "It deviates 15 s after payments-db, which it calls.",
        ),
        findings=(
            finding(
                payments,
                "container_memory_working_set_bytes",
                "bytes",
                (3.1e8, 4.9e8),
                "Memory grew to 467 MiB, usually 296 MiB",
                0.71,
                6,
            ),
        ),
    )
    third = Cause(
        rank=3,
        entity="prod-eu//node/ip-10-0-3-17",
        fault_kind="cpu",
        probability=0.04,
        path=("prod-eu//node/ip-10-0-3-17", entity("checkout-7d9f", "pod"), checkout),
        findings=(
            finding(
                "prod-eu//node/ip-10-0-3-17",
                "node_cpu_ratio",
                "ratio",
                (0.41, 0.63),
                "CPU at 63 %, usually 41 %",
                0.48,
                7,
                ONSET + 240,
            ),
        ),
    )
    return first, second, third


def alerts() -> tuple[Alert, ...]:
    names = (
        ("ServiceLatencyHigh", "checkout", 0.0),
        ("ServiceErrorsHigh", "checkout", 45.0),
        ("ServiceLatencyHigh", "payments", 60.0),
    )
    return tuple(
        Alert(
            fingerprint=f"{index:016x}",
            status="firing",
            labels={
                "alertname": name,
                "severity": "critical",
                "service": service,
                "namespace": "shop",
                "cluster": "prod-eu",
            },
            annotations={
                "summary": f"{service} is not answering as it should",
                "runbook_url": "https://runbooks.example.org/" + name,
            },
            starts_at=OPENED + later,
            generator_url="https://prometheus.example.org/graph?g0.expr=up",
        )
        for index, (name, service, later) in enumerate(names)
    )


def analysis(found: Sequence[Cause]) -> Analysis:
    return Analysis(
        finished_at=OPENED + 32,
        window_start=ONSET - 600,
        window_end=START + 239 * STEP,
        alerting=(entity("checkout"),),
        causes=tuple(found),
        none_probability=0.05,
        missing=("Traces: Tempo did not answer within 5 s.", "Logs of namespace shop: no access."),
        timeline=(
            TimelineEntry(at=ONSET, what="payments-db: all pooled connections in use."),
            TimelineEntry(at=ONSET + 15, what="payments: latency begins to rise."),
            TimelineEntry(at=OPENED, what="ServiceLatencyHigh fires for checkout."),
            TimelineEntry(at=OPENED + 31, what="Alertmanager notified this service."),
            TimelineEntry(at=OPENED + 32, what="Analysis finished: payments-db, saturation, 82 %."),
        ),
        seconds=0.74,
        similar=similar() if found else (),
        trouble_began=ONSET + 15,
        resolution=15.0,
        entities=(entity("checkout"), entity("payments")),
    )


def rich() -> Incident:
    """What a good day of the product looks like: three causes, evidence, a proposal, everybody told."""
    return Incident(
        id="5f0c2a91d37be846",
        source="main",
        receiver="brain",
        group_key='{}:{namespace="shop"}',
        group_hash="a1b2c3d4e5f6",
        episode=2,
        status=IncidentStatus.OPEN,
        severity=Severity.CRITICAL,
        opened_at=OPENED,
        received_at=OPENED + 31,
        alerts=alerts(),
        group_labels={"namespace": "shop", "cluster": "prod-eu"},
        notifications=4,
        revision=7,
        analysis_state=AnalysisState.DONE,
        analysis=analysis(causes()),
        deliveries=(
            Delivery(sink="grafana", state=DeliveryState.DONE, external_id="42", updated_at=OPENED + 33, attempts=1),
            Delivery(sink="alertmanager", state=DeliveryState.DONE, updated_at=OPENED + 33, attempts=1),
            Delivery(sink="webhook:chat", state=DeliveryState.PENDING, updated_at=OPENED + 40, attempts=1),
        ),
        feedback=feedback(),
        shared=shared(),
    )


def feedback() -> tuple[Feedback, ...]:
    """Somebody knew."""
    cause, other = causes()[0], causes()[1]
    return (
        Feedback(
            entity=cause.entity,
            kind=FeedbackKind.CONFIRMED,
            fault_kind=cause.fault_kind,
            fix="raised the memory limit to 1 GiB",
            actor="ann",
            at=NOW - 90,
        ),
        Feedback(entity=other.entity, kind=FeedbackKind.REJECTED, fault_kind="latency", actor="ann", at=NOW - 80),
    )


def shared() -> SharedCause:
    """Three groups, of which this one leads."""
    return SharedCause(
        id="0c1d2e3f4a5b6c7d",
        entity=causes()[0].entity,
        total=3,
        members=(
            SharedMember(incident_id="5f0c2a91d37be846", title="this incident", received_at=OPENED + 31, open=True),
            SharedMember(
                incident_id="1111222233334444", title="HighErrorRate (service=web)", received_at=OPENED + 60, open=True
            ),
            SharedMember(
                incident_id="5555666677778888", title="QueueGrows (service=mail)", received_at=OPENED + 70, open=False
            ),
        ),
    )


def similar() -> tuple[SimilarIncident, ...]:
    """It happened before, and once somebody said what helped."""
    first = SimilarIncident(
        incident_id="9999aaaabbbbcccc",
        title="HighLatency (namespace=shop)",
        entity=causes()[0].entity,
        fault_kind=causes()[0].fault_kind,
        opened_at=OPENED - 40 * 86400,
        lasted=1500.0,
        score=0.93,
        why="the same cause, the same fault (memory), 5 of 6 signals in common",
        confirmed=True,
        fix="raised the memory limit",
    )
    other = msgspec.structs.replace(
        first, incident_id="ddddeeeeffff0000", opened_at=OPENED - 90 * 86400, score=0.6, confirmed=False, fix=""
    )
    return first, other


def failed_sink() -> Incident:
    failed = Delivery(
        sink="grafana",
        state=DeliveryState.FAILED,
        attempts=9,
        error="POST /api/annotations: 401 Unauthorized: the service account token was refused",
        updated_at=NOW - 30,
    )
    return msgspec.structs.replace(rich(), deliveries=(failed, *rich().deliveries[1:]))


def pending() -> Incident:
    return msgspec.structs.replace(
        rich(), analysis_state=AnalysisState.PENDING, analysis=None, deliveries=(), received_at=NOW - 4
    )


def analysis_failed() -> Incident:
    return msgspec.structs.replace(
        rich(),
        analysis_state=AnalysisState.FAILED,
        analysis_error="Prometheus did not answer within 30 s",
        analysis=None,
    )


def judged_anew() -> Incident:
    return msgspec.structs.replace(rich(), analysis_state=AnalysisState.PENDING)


def no_cause() -> Incident:
    empty = msgspec.structs.replace(
        analysis(()),
        no_cause_reason="Of 412 series around checkout none deviates from its usual level.",
        suspects=(
            Suspect(
                entity=entity("payments-db", "database"),
                weight=2.3,
                finding=finding(
                    entity("payments-db", "database"),
                    "db_wait_seconds",
                    "seconds",
                    (0.02, 0.05),
                    "db wait rose from 20 ms to typically 50 ms",
                    0.87,
                    1,
                ),
            ),
            Suspect(entity="prod//node/gpu-7", weight=1.0),
        ),
        timeline=(),
    )
    return msgspec.structs.replace(rich(), analysis=empty)


def resolved() -> Incident:
    over = tuple(msgspec.structs.replace(a, status="resolved", ends_at=NOW - 60) for a in alerts())
    return msgspec.structs.replace(rich(), status=IncidentStatus.RESOLVED, closed_at=NOW - 60, alerts=over)


def many_alerts() -> Incident:
    template = alerts()[0]
    crowd = tuple(
        msgspec.structs.replace(
            template,
            fingerprint=f"{index:016x}",
            labels=template.labels | {"pod": f"checkout-{index:05d}"},
            status="firing" if index % 3 else "resolved",
            starts_at=OPENED + index,
        )
        for index in range(200)
    )
    return msgspec.structs.replace(rich(), alerts=crowd, truncated_alerts=37)


def long_names() -> Incident:
    """Names as long as label values get, without a place to break."""
    return _every_text(rich(), lambda text: text + "-" + "averylongnamewithoutanybreak" * 9)


def hostile() -> Incident:
    """Markup in every text field."""
    return _every_text(rich(), lambda text: HOSTILE + text)


def worst() -> Incident:
    """More hostile text in every list than any page shows."""
    template = hostile()
    assert template.analysis is not None
    cause = template.analysis.causes[0]
    cause = msgspec.structs.replace(cause, findings=cause.findings * 4, proposals=cause.proposals * 9)
    return msgspec.structs.replace(
        template,
        alerts=template.alerts * 80,
        analysis=msgspec.structs.replace(
            template.analysis,
            causes=(cause,) * 12,
            missing=template.analysis.missing * 99,
            timeline=template.analysis.timeline * 99,
        ),
    )


def big() -> Incident:
    """Five causes of six findings with 240 points each."""
    template = causes()[0]
    one = template.findings[1]
    many = tuple(
        msgspec.structs.replace(one, plot=series("wait", "seconds", 0.004, 1.8, seed=seed), until=ONSET + 240)
        for seed in range(6)
    )
    return msgspec.structs.replace(
        rich(),
        analysis=analysis(
            [
                msgspec.structs.replace(template, rank=rank, findings=many, probability=0.3 / rank)
                for rank in range(1, 6)
            ]
        ),
    )


# Not texts of others: chosen by the service itself.
_OWN = {"id", "group_hash", "severity", "state", "analysis_state", "direction", "incident_id", "kind"}


def _every_text(incident: Incident, change: Callable[[str], str]) -> Incident:
    """``incident`` with every text changed, label names included."""

    def walk(value: object, key: str = "") -> object:
        if isinstance(value, dict):
            renamed = change if key in ("labels", "group_labels") else str
            return {renamed(name): walk(member, name) for name, member in value.items()}
        if isinstance(value, list | tuple):
            return [walk(member, key) for member in value]
        own = key in _OWN and value not in ("terraform", "kubernetes", "config")
        own = own or value in ("open", "firing") or (key == "kind" and value in list(ChangeKind))
        return change(value) if isinstance(value, str) and not own else value

    return msgspec.convert(walk(msgspec.to_builtins(incident)), Incident)
