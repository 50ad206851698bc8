"""One replay from case to files; the function behind `brain lab replay`.

The folder it fills is a TSDB: Prometheus takes the blocks directly in it and ignores `replay/`, where the
rules, the configuration and the webhook payload are. Nothing written names the case.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from brain_common.errors import ConfigError
from brain_lab.recorded.model import RecordedCase
from brain_lab.replay.blocks import Progress, write_blocks
from brain_lab.replay.documents import group_payload, prometheus_config, rules_document
from brain_lab.replay.rules import rules_for
from brain_lab.replay.series import series_of
from brain_lab.replay.timeline import lay_out, plan_for

FILES: Final = "replay"


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay has made.

    Attributes:
        tsdb: The folder for Prometheus' `--storage.tsdb.path`.
        rules: The rule file.
        config: A Prometheus configuration that loads it.
        group: The webhook payload; None when no rule fires at the end.
        alerts: "name of service" of the alerts in it.
        start: First sample, seconds since the epoch.
        end: Last sample: when the incident ends.
        series: How many.
        samples: How many.
    """

    tsdb: Path
    rules: Path
    config: Path
    group: Path | None
    alerts: tuple[str, ...]
    start: float
    end: float
    series: int
    samples: int


def replay(case: RecordedCase, into: Path, now: float, progress: Progress = lambda _done, _all: None) -> ReplayResult:
    """Write the case into a new TSDB in which its incident ends at ``now``.

    Args:
        case: What happened.
        into: A folder that is missing or empty.
        now: Seconds since the epoch.
        progress: Called with (blocks written, blocks in all).

    Raises:
        ConfigError: It cannot be such a folder, or has something in it: a second replay would mix with it.
        ServerMissing: promtool is not on this machine.
        PermanentError: promtool refused.
    """
    _prepare(into)
    timeline = lay_out(case, now, plan_for(case.step))
    series = series_of(timeline)
    samples = write_blocks(series, timeline.times, into, progress)
    rules = rules_for(timeline)
    payload = group_payload(rules, timeline.times)
    files = into / FILES
    files.mkdir()
    (files / "rules.yaml").write_text(rules_document(rules), encoding="utf-8")
    (files / "prometheus.yml").write_text(prometheus_config(), encoding="utf-8")
    if payload is not None:
        (files / "group.json").write_text(json.dumps(payload, indent=2) + "\n", encoding="utf-8")
    return ReplayResult(
        tsdb=into,
        rules=files / "rules.yaml",
        config=files / "prometheus.yml",
        group=files / "group.json" if payload is not None else None,
        alerts=tuple(f"{rule.alert} of {rule.key.entity}" for rule in rules if rule.firing_since is not None),
        start=float(timeline.times[0]),
        end=float(timeline.times[-1]),
        series=len(series),
        samples=samples,
    )


def _prepare(into: Path) -> None:
    try:
        if not into.exists():
            into.mkdir(parents=True)
        if any(into.iterdir()):
            raise ConfigError(f"{into} is not empty: give --into-prometheus a folder of its own")
    except OSError as error:
        raise ConfigError(f"{into}: {error.strerror}") from error
