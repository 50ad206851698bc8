"""One analysis without a service: a payload and a Prometheus in, an incident out. Nothing is stored."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from brain_common.clock import Clock, ManualClock, SystemClock
from brain_common.errors import ConfigError, InputError, TemporaryError
from brain_common.settings import check_settings, load_yaml
from brain_engine.rank.protocol import Ranker
from brain_rca.config import RcaSettings
from brain_rca.evidence.build import build_evidence
from brain_rca.evidence.protocol import EvidenceSource
from brain_rca.intake.payload import parse_group
from brain_rca.intake.timing import notification
from brain_rca.model import AnalysisState, Incident
from brain_rca.service import build_analyst
from brain_rca.store.merge import decide, identity

_CONNECT_SECONDS: Final = 5.0
_PORTS: Final = {"http": 80, "https": 443}
# Of the configuration file: what names the service's own files and secrets, which need not be on this machine.
_UNUSED: Final = frozenset({"store", "publish", "audit", "callers", "http", "grpc"})


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
        incident = _incident(body, settings, clock)
        await _connect(prometheus)
        return await _judged(incident, settings, source, clock)
    finally:
        await source.aclose()


async def judge_group(
    body: bytes, settings: RcaSettings, source: EvidenceSource, clock: Clock, ranker: Ranker | None = None
) -> Incident:
    """Judge one group on evidence from wherever; ``source`` is left open.

    ``ranker`` takes the place of the one that the settings name.

    Raises:
        InputError: The payload is none, or nothing in it fires.
        ConfigError: The configuration is wrong.
        TemporaryError: The evidence cannot be reached.
    """
    return await _judged(_incident(body, settings, clock), settings, source, clock, ranker)


async def _connect(url: str) -> None:
    """Make sure that somebody listens: who waits at a terminal need not see all queries retried to learn of a typo.

    Raises:
        TemporaryError: Nobody does, or the host is unknown; what is merely slow is left to the queries.
    """
    server = urlsplit(url)
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            _, writer = await asyncio.open_connection(server.hostname, server.port or _PORTS[server.scheme])
    except TimeoutError:
        return
    except OSError as error:
        refused = isinstance(error, ConnectionRefusedError)
        reason = "the connection is refused" if refused else error.strerror or error
        raise TemporaryError(f"Prometheus {url}: {reason}; check --prometheus") from error
    writer.transport.abort()  # nothing was said, so there is nothing to flush


async def _judged(
    incident: Incident, settings: RcaSettings, source: EvidenceSource, clock: Clock, ranker: Ranker | None = None
) -> Incident:
    analysis = await build_analyst(settings, source, clock, ranker).judge(incident)
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
    where = str(config or "command line")
    data = _mapping(load_yaml(config) if config else {}, where)
    evidence = _mapping(data.get("evidence"), f"{where}: evidence")
    server = _mapping(evidence.get("prometheus"), f"{where}: evidence.prometheus") | {"url": prometheus}
    used = {key: value for key, value in data.items() if key not in _UNUSED}
    used["store"] = {"sqlite": "unused"}
    used["evidence"] = {key: value for key, value in evidence.items() if key != "lake"} | {"prometheus": server}
    return check_settings(used, RcaSettings, where)


def _mapping(value: object, where: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: expected keys and values, found {type(value).__name__}")
    return value
