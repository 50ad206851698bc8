"""Findings and causes in plain words, by templates; the same input always gives the same sentence."""

from __future__ import annotations

import math

from brain_common.entity import Entity
from brain_engine.findings import Finding
from brain_engine.judge import RankedCause
from brain_rca.analysis.changes import lead, told
from brain_rca.model import FEEDBACK_SIGNAL, Change, ChangeKind
from brain_rca.model import Finding as ShownFinding

_NAMES = {
    "latency": "slow answers",
    "errors": "failing requests",
    "load": "a change of traffic",
    "cpu": "CPU use",
    "memory": "memory use",
    "disk": "disk use",
    "network": "the network",
    "saturation": "a resource at its limit",
    "restarts": "restarting containers",
    "availability": "unavailable instances",
}
_CHANGED = {
    ChangeKind.CONFIG: "Its configuration was changed",
    ChangeKind.ROLLOUT: "It was rolled out",
    ChangeKind.SYNC: "It was synced",
    ChangeKind.INFRASTRUCTURE: "Its infrastructure was changed",
}
_STEPS = {
    "seconds": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")),
    "bytes": ((1024.0**3, "GiB"), (1024.0**2, "MiB"), (1024.0, "KiB"), (1.0, "B")),
}

_LONGEST_SUBJECT = 200  # characters; templates of log lines may be long


def short(entity: str) -> str:
    """Kind and name, with the namespace when there is one: ``service shop/cart``."""
    parsed = Entity.parse(entity)
    return f"{parsed.kind} {parsed.namespace + '/' if parsed.namespace else ''}{parsed.name}"


def amount(value: float, unit: str) -> str:
    """A value for people: 0.0042 seconds is ``4.2 ms``."""
    if not math.isfinite(value):
        return "unknown"
    if unit == "ratio":
        return f"{value * 100:.3g} %"
    base, _, per = unit.partition("/")
    for size, name in _STEPS.get(base, ()):
        if abs(value) >= size or size == _STEPS[base][-1][0]:
            return f"{value / size:.3g} {name}" + (f"/{per}" if per else "")
    return f"{value:.3g}" + (f" {unit}" if unit not in ("", "1") else "")


def sentence(finding: Finding) -> str:
    """What deviates from what: ``latency p99 rose from 20 ms to 2.1 s (x 105)``."""
    signal = finding.signal
    verb = "rose" if finding.direction.value == "up" else "fell"
    name = signal.name.removeprefix("service_").replace("_", " ")
    text = f"{name} {verb} from {amount(finding.usual, signal.unit)} to {amount(finding.extreme, signal.unit)}"
    ratio = finding.extreme / finding.usual if finding.usual and math.isfinite(finding.usual) else math.nan
    if finding.direction.value == "up" and math.isfinite(ratio) and ratio >= 1.5:
        text += f" (x {ratio:.3g})"
    if signal.saturation is not None and finding.extreme >= 0.95 * signal.saturation:
        text += f", at its limit of {amount(signal.saturation, signal.unit)}"
    subject = " ".join(finding.subject.split())
    return f"{text}: {subject[:_LONGEST_SUBJECT]}" if subject else text


def learnt(cause: RankedCause) -> tuple[ShownFinding, ...]:
    """What people said of it in earlier incidents, where that speaks for it."""
    if cause.prior.nats <= 0:
        return ()
    score = -math.expm1(-cause.prior.nats)
    said = f"{cause.prior.words} (+{cause.prior.nats:.2f} nats)"
    return (
        ShownFinding(
            entity=cause.entity, signal=FEEDBACK_SIGNAL, score=score, onset=None, direction="up", sentence=said
        ),
    )


def explanation(cause: RankedCause, alerting: tuple[str, ...], changes: tuple[Change, ...] = ()) -> str:
    """Why this one, in two or three sentences, and one for each change that came before it."""
    kind = _NAMES.get(cause.fault_kind, cause.fault_kind)
    text = f"{short(cause.entity)} stands out by {kind}"
    if cause.findings:
        text += f": {sentence(cause.findings[0])}"
    text += "." + "".join(f" {_changed(change)}" for change in changes)
    if len(cause.path) > 1:
        text += f" It reaches what alerts over {' → '.join(short(step) for step in cause.path)}."
    elif cause.entity in alerting:
        text += " It is itself what alerts."
    return text


def _changed(change: Change) -> str:
    return f"{_CHANGED[change.kind]} {lead(change)} the onset: {told(change)}."
