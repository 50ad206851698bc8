"""Writes a whole run into a folder; the function behind `brain lab run --out`.

DIR/prometheus/tsdb, prometheus.yml, rules.yml      metrics and rules, for a Prometheus
DIR/alerts/group.json                               the webhook payload of what fires at the end
DIR/alerts/history.json                             every alert with its beginning and end
DIR/logs, traces, events, changes, cloudtrail, cost, health
DIR/truth.json                                      what was broken; the product never reads it
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from brain_common.errors import ConfigError
from brain_lab.emit import alerts
from brain_lab.emit.folder import write_emission
from brain_lab.run.documents import RULES, alert_history, prometheus_config, rules_text, truth_document
from brain_lab.run.request import Request
from brain_lab.run.samples import Samples, has_promtool, samples_of, write_text, write_tsdb
from brain_lab.simulate import Recording
from brain_lab.tell.emission import Amounts, emission_of

Progress = Callable[[str], None]
"""Called with one line of what goes on."""

PROMETHEUS: Final = "prometheus"
TRUTH: Final = "truth.json"


@dataclass(frozen=True, slots=True)
class Written:
    """What is in the folder.

    Attributes:
        tsdb: For Prometheus' `--storage.tsdb.path`; None: no promtool, so there is text.
        text: OpenMetrics; None when there are blocks.
        config: For Prometheus' `--config.file`.
        group: The webhook payload; None when nothing fires at the end.
        alerts: "name of service" of the alerts in it.
        truth: Where the truth is.
        end: Seconds since the epoch of the last sample.
        series: How many.
        samples: How many.
        lines: Of log.
        spans: Of traces.
    """

    tsdb: Path | None
    text: Path | None
    config: Path
    group: Path | None
    alerts: tuple[str, ...]
    truth: Path
    end: float
    series: int
    samples: int
    lines: int
    spans: int


def write_run(
    request: Request, recording: Recording, into: Path, progress: Progress, amounts: Amounts | None = None
) -> Written:
    """Write everything.

    Args:
        request: What was played.
        recording: What came of it.
        into: A folder that is missing or empty.
        progress: Told what is being written.
        amounts: How many log lines and spans; the usual ones when None.

    Raises:
        ConfigError: The folder has something in it.
        PermanentError: promtool refused.
    """
    prepare(into)
    samples = samples_of(recording)
    count, tsdb, text = _write_metrics(samples, into, progress)
    progress("logs, traces, events, changes, cloud and cost")
    emission = emission_of(recording, amounts)
    write_emission(emission, into)
    config = write_configuration(recording, into)
    firing = alerts.firing(recording)
    group = _write_alerts(recording, into)
    return Written(
        tsdb=tsdb,
        text=text,
        config=config,
        group=group,
        alerts=tuple(f"{one.labels['alertname']} of {one.labels['service']}" for one in firing),
        truth=write_truth(request, recording, into),
        end=float(samples.times[-1]),
        series=len(samples.series),
        samples=count,
        lines=len(emission.logs),
        spans=0 if emission.spans is None else len(emission.spans),
    )


def prepare(into: Path) -> None:
    """Make the folder.

    Raises:
        ConfigError: It has something in it: a second run would mix with it.
    """
    try:
        into.mkdir(parents=True, exist_ok=True)
        if any(into.iterdir()):
            raise ConfigError(f"{into} is not empty: give --out a folder of its own")
    except OSError as error:
        raise ConfigError(f"{into}: {error.strerror}") from error


def write_configuration(recording: Recording, into: Path, alertmanager: str = "") -> Path:
    """Write Prometheus' configuration and the rules; returns the path of the configuration."""
    folder = into / PROMETHEUS
    folder.mkdir(exist_ok=True)
    (folder / RULES).write_text(rules_text(recording.platform), encoding="utf-8")
    config = folder / "prometheus.yml"
    config.write_text(prometheus_config(recording.platform, alertmanager), encoding="utf-8")
    return config


def write_truth(request: Request, recording: Recording, into: Path) -> Path:
    """Write what was broken; returns the path."""
    return _write_json(truth_document(request, recording), into / TRUTH)


def _write_metrics(samples: Samples, into: Path, progress: Progress) -> tuple[int, Path | None, Path | None]:
    """How many samples, and where they are: blocks or text."""
    if has_promtool():
        tsdb = into / PROMETHEUS / "tsdb"
        count = write_tsdb(samples, tsdb, lambda done, of: progress(f"metrics: block {done} of {of}"))
        return count, tsdb, None
    progress("metrics as text, since there is no promtool to make blocks of it")
    text = into / PROMETHEUS / "openmetrics.txt"
    return write_text(samples, text), None, text


def _write_alerts(recording: Recording, into: Path) -> Path | None:
    folder = into / "alerts"
    folder.mkdir()
    _write_json(alert_history(recording), folder / "history.json")
    firing = alerts.firing(recording)
    return _write_json(alerts.payload(recording.platform, firing), folder / "group.json") if firing else None


def _write_json(document: Any, path: Path) -> Path:  # noqa: ANN401 - whatever JSON takes
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return path
