"""One analysis without a service: a payload and a Prometheus in, an incident out. Nothing is stored."""

from __future__ import annotations

from pathlib import Path

import msgspec

from brain_common.clock import Clock, ManualClock, SystemClock
from brain_common.errors import InputError
from brain_common.settings import check_settings, load_yaml
from brain_rca.config import RcaSettings
from brain_rca.evidence.build import build_evidence
from brain_rca.evidence.protocol import EvidenceSource
from brain_rca.intake.payload import parse_group
from brain_rca.intake.timing import notification
from brain_rca.model import AnalysisState, Incident
from brain_rca.service import build_analyst
from brain_rca.store.merge import decide, identity


async def analyze_once(body: bytes, prometheus: str, config: Path | None = None, at: float | None = None) -> Incident:
    """Judge one group.

    Args:
        body: Alertmanager's webhook payload.
        prometheus: URL of a Prometheus-compatible server; wins over the configuration's.
        config: Configuration file of the service; its store and sinks are not used.
        at: Judge as of this time, in seconds since the epoch; now when None.

    Raises:
        InputError: The payload is none.
        ConfigError: The configuration is wrong.
        TemporaryError: Prometheus cannot be reached.
    """
    settings = _settings(prometheus, config)
    clock: Clock = SystemClock() if at is None else ManualClock(at)
    source = build_evidence(settings.evidence, settings.cluster, settings.scope.aliases)
    try:
        return await judge_group(body, settings, source, clock)
    finally:
        await source.aclose()


async def judge_group(body: bytes, settings: RcaSettings, source: EvidenceSource, clock: Clock) -> Incident:
    """Judge one group on evidence from wherever; ``source`` is left open.

    Raises:
        InputError: The payload is none, or nothing in it fires.
        ConfigError: The configuration is wrong.
        TemporaryError: The evidence cannot be reached.
    """
    incident = _incident(body, settings, clock)
    analysis = await build_analyst(settings, source, clock).judge(incident)
    return msgspec.structs.replace(incident, analysis=analysis, analysis_state=AnalysisState.DONE)


def _incident(body: bytes, settings: RcaSettings, clock: Clock) -> Incident:
    """The incident that the group would open; also of a resolved one, which is then judged in hindsight."""
    group = parse_group(body, "one-shot")
    firing = tuple(msgspec.structs.replace(alert, status="firing") for alert in group.alerts)
    opening = group if group.status == "firing" else msgspec.structs.replace(group, status="firing", alerts=firing)
    decision = decide(notification(opening, settings.intake, clock), identity(group), 0, None, (), 0.0)
    if decision.record is None:
        raise InputError("no alert of the group fires")
    return decision.record.incident


def _settings(prometheus: str, config: Path | None) -> RcaSettings:
    given = load_yaml(config) if config else {}
    data = dict(given) if isinstance(given, dict) else {}
    data.setdefault("store", {"sqlite": "unused"})
    evidence = dict(data.get("evidence") or {})
    server = dict(evidence.get("prometheus") or {}) | {"url": prometheus}
    data["evidence"] = {key: value for key, value in evidence.items() if key != "lake"} | {"prometheus": server}
    return check_settings(data, RcaSettings, str(config or "command line"))
