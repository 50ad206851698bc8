"""How long from an accepted webhook to the annotation in Grafana, and what the judgement costs.

The evidence is an hour at 15 s of 200 services with thirty signals each, in a real Prometheus on the same machine.
Groups come one after another. Alerts of each begin 15 s before those of the group before it, and the judged window ends
where the alerts begin, so no window ends later than one seen before and none can be served from a snapshot: every group
is fetched and scanned anew. The queries that Prometheus counted are in the result to show it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import httpx
import msgspec

from brain_common.errors import PermanentError
from brain_lab.bench import estate
from brain_lab.bench.figures import Bar, Progress, at_most, quantiles
from brain_lab.bench.load import Notification, notification
from brain_lab.bench.service import WEBHOOK, Incident, Service
from brain_lab.bench.sink import AnnotationSink
from brain_lab.bench.usage import cpu_seconds, peak_rss_bytes
from brain_lab.replay.blocks import write_blocks
from brain_lab.servers.prometheus import Prometheus

SECONDS_BAR: Final = 2.0
CPU_BAR: Final = 1.0
RSS_BAR: Final = 300.0 * 2**20

MOST_GROUPS: Final = 80
"""More would not all see the onset in their windows."""

HALF_HOUR: Final = 1800.0
_FAULT_SECONDS: Final = 1500.0
_SPARE_SECONDS: Final = 600.0  # in front of the oldest window: rates and increases look back by ten minutes
_PATIENCE: Final = 60.0  # seconds for one group
_POLL_SECONDS: Final = 0.002
_COUNTED: Final = re.compile(
    r'^prometheus_http_requests_total\{code="200",handler="/api/v1/query_range"\} (\S+)$', re.MULTILINE
)


class AnalysisFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured.

    Attributes:
        seconds: From the notification being sent to its annotation being there: p50, p95 and max.
        cpu_seconds: Of the service for one group, the mean over all groups; idle moments in between included.
        cpu_seconds_max: The most for one group.
        rss_bytes: The most memory the service had at any time.
        first_seconds: As ``seconds``, of the group that warmed up the service and is not among the others.
        groups: How many were timed.
        services: In the system.
        signals: That have a series for each service.
        series: In Prometheus.
        window_seconds: Evidence looked at by each analysis.
        step_seconds: Of that evidence.
        queries: Range queries an analysis.
        prometheus_cpu_seconds: Of Prometheus for one group, on the same machine.
        cause_first: Groups in which the service with the fault was ranked first.
        bars: What is good enough.
    """

    bench: str = "analysis"
    seconds: dict[str, float]
    cpu_seconds: float
    cpu_seconds_max: float
    rss_bytes: int
    first_seconds: float
    groups: int
    services: int
    signals: int
    series: int
    window_seconds: float
    step_seconds: float
    queries: float
    prometheus_cpu_seconds: float
    cause_first: int
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class _Sample:
    """One group."""

    incident: str
    seconds: float
    cpu: float


def run(groups: int, services: int, progress: Progress) -> AnalysisFigures:
    """Measure ``groups`` analyses of a system of ``services`` services.

    Raises:
        ServerMissing: Prometheus or promtool is not on this machine.
        PermanentError: An annotation did not come.
        ValueError: Too many groups or too few services.
    """
    if not 1 <= groups <= MOST_GROUPS or services < estate.LAYERS:
        raise ValueError(f"groups must be 1 to {MOST_GROUPS}, services at least {estate.LAYERS}")
    with TemporaryDirectory(prefix="brain-bench-") as name, AnnotationSink() as sink:
        folder = Path(name)
        end = (time.time() - 2 * estate.SCRAPE_SECONDS) // estate.SCRAPE_SECONDS * estate.SCRAPE_SECONDS
        progress(f"recording of {services} services")
        length = 2 * HALF_HOUR + (groups + 1) * estate.SCRAPE_SECONDS + _SPARE_SECONDS
        system = estate.build(services, end, length, _FAULT_SECONDS)
        (folder / "prometheus" / "tsdb").mkdir(parents=True)
        write_blocks(
            system.series,
            system.times,
            folder / "prometheus" / "tsdb",
            lambda done, of: progress(f"block {done} of {of} into Prometheus"),
        )
        with (
            Prometheus(data_dir=folder / "prometheus") as prometheus,
            Service(data_dir=folder, config=_config(folder, prometheus.url, sink.url)) as service,
        ):
            return _measured(system, _notifications(system, groups + 1, end), prometheus, service, sink, progress)


def _config(folder: Path, prometheus: str, grafana: str) -> dict[str, Any]:
    """Windows of an hour at 15 s, half of it baseline, that end where the alerts begin."""
    window = {
        "lookback_seconds": HALF_HOUR,
        "longest_seconds": HALF_HOUR,
        "baseline_seconds": HALF_HOUR,
        "scrape_interval_seconds": estate.SCRAPE_SECONDS,
    }
    return {
        "store": {"sqlite": str(folder / "incidents.sqlite")},
        "evidence": {"prometheus": {"url": prometheus}},
        "analysis": {"window": window},
        "publish": {"grafana": {"http": {"url": grafana}}},
        "log_level": "WARNING",
    }


def _notifications(system: estate.Estate, count: int, end: float) -> list[Notification]:
    """Critical, as nothing else is judged at once; about the victims in turn."""
    names = system.victims or (system.cause,)
    return [
        notification(
            f"{n}",
            1,
            {"namespace": estate.NAMESPACE, "service": names[n % len(names)]},
            "critical",
            end - n * estate.SCRAPE_SECONDS,
        )
        for n in range(count)
    ]


def _measured(
    system: estate.Estate,
    notifications: Sequence[Notification],
    prometheus: Prometheus,
    service: Service,
    sink: AnnotationSink,
    progress: Progress,
) -> AnalysisFigures:
    first, *others = notifications
    warm = _one(first, service, sink)
    progress(f"first group: {warm.seconds:.2f} s")
    assert prometheus.process.pid is not None
    queries, busy = _queries(prometheus), cpu_seconds(prometheus.process.pid)
    samples = []
    for number, each in enumerate(others, start=1):
        samples.append(_one(each, service, sink))
        progress(f"group {number} of {len(others)}: {samples[-1].seconds:.2f} s, CPU {samples[-1].cpu:.2f} s")
    known = service.incidents([sample.incident for sample in samples])
    seconds = quantiles([sample.seconds for sample in samples], (50, 95, 100))
    cpu = sum(sample.cpu for sample in samples) / len(samples)
    rss = peak_rss_bytes(service.pid)
    return AnalysisFigures(
        seconds={"p50": seconds["p50"], "p95": seconds["p95"], "max": seconds["p100"]},
        cpu_seconds=cpu,
        cpu_seconds_max=max(sample.cpu for sample in samples),
        rss_bytes=rss,
        first_seconds=warm.seconds,
        groups=len(samples),
        services=len({one.labels["service"] for one in system.series if "service" in one.labels}),
        signals=estate.SIGNALS,
        series=len(system.series),
        window_seconds=2 * HALF_HOUR,
        step_seconds=estate.SCRAPE_SECONDS,
        queries=(_queries(prometheus) - queries) / len(samples),
        prometheus_cpu_seconds=(cpu_seconds(prometheus.process.pid) - busy) / len(samples),
        cause_first=sum(_names_first(incident, system.cause) for incident in known),
        bars=[
            at_most("seconds.p95", seconds["p95"], SECONDS_BAR),
            at_most("cpu_seconds", cpu, CPU_BAR),
            at_most("rss_bytes", rss, RSS_BAR),
        ],
    )


def _one(told: Notification, service: Service, sink: AnnotationSink) -> _Sample:
    """Post one notification and wait for its annotation, and for the CPU that is spent after it."""
    used = cpu_seconds(service.pid)
    with service.client() as client:
        began = time.perf_counter()
        answer = client.post(WEBHOOK, content=told.body)
        incident = str(answer.raise_for_status().json()["incident"])
        while incident not in sink.arrived:
            if time.perf_counter() - began > _PATIENCE:
                raise PermanentError(f"no annotation within {_PATIENCE:.0f} s; {service.process.output()[-2000:]}")
            time.sleep(_POLL_SECONDS)
    time.sleep(0.1)  # the delivery is written down, the audit log as well
    return _Sample(incident, sink.arrived[incident] - began, cpu_seconds(service.pid) - used)


def _queries(prometheus: Prometheus) -> float:
    answer = httpx.get(f"{prometheus.url}/metrics", trust_env=False, timeout=10).raise_for_status()
    found = _COUNTED.search(answer.text)
    return float(found[1]) if found else 0.0


class _Cause(msgspec.Struct):
    entity: str


class _Causes(msgspec.Struct):
    causes: list[_Cause]


def _names_first(incident: Incident, service: str) -> bool:
    causes = msgspec.json.decode(incident.analysis, type=_Causes).causes
    return bool(causes) and causes[0].entity.rpartition("/")[2] == service
