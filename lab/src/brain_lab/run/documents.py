"""What a run writes beside the signals: Prometheus' configuration, the rules, the alerts, and the truth."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import yaml

from brain_lab.emit import alerts
from brain_lab.platforms.model import Platform
from brain_lab.replay.webhook import STILL_FIRING
from brain_lab.run.request import Request
from brain_lab.simulate import Recording, Truth

RULES: Final = "rules.yml"
EVALUATION: Final = "15s"
"""Between two evaluations, as the scrape interval."""

_HEAD: Final = """\
# Shows the simulated platform {name}, with the alert rules of its promises:
#   prometheus --storage.tsdb.path=DIR/prometheus/tsdb --config.file=DIR/prometheus/prometheus.yml
# Start it within minutes of the end of the run: rules look at the last minutes.
# To have the alerts delivered, name an Alertmanager:
# alerting:
#   alertmanagers:
#     - static_configs:
#         - targets: ["127.0.0.1:9093"]
"""


def prometheus_config(platform: Platform, alertmanager: str = "") -> str:
    """A configuration that loads the rules beside it, scrapes nothing, and tells the Alertmanager if there is one.

    Args:
        platform: Whose cluster the alerts are labelled with.
        alertmanager: Its URL; empty for none.
    """
    config: dict[str, Any] = {
        "global": {"evaluation_interval": EVALUATION, "external_labels": {"cluster": platform.cluster}},
        "rule_files": [RULES],
    }
    if alertmanager:
        scheme, _, rest = alertmanager.rpartition("://")
        host, _, path = rest.partition("/")
        target: dict[str, Any] = {"scheme": scheme or "http", "static_configs": [{"targets": [host]}]}
        if path.strip("/"):
            target["path_prefix"] = "/" + path.strip("/")
        config["alerting"] = {"alertmanagers": [target]}
    return _HEAD.format(name=platform.name) + yaml.safe_dump(config, sort_keys=False)


def rules_text(platform: Platform) -> str:
    """The rule file."""
    return yaml.safe_dump(alerts.rules_document(platform), sort_keys=False, allow_unicode=True, width=110)


def alert_history(recording: Recording) -> list[dict[str, Any]]:
    """Every alert with its beginning and end, as Prometheus posts them to Alertmanager."""
    return [
        {
            "labels": dict(sorted(one.firing.labels.items())),
            "annotations": dict(one.firing.annotations),
            "startsAt": _stamp(one.firing.since),
            "endsAt": STILL_FIRING if one.until is None else _stamp(one.until),
        }
        for one in alerts.episodes(recording)
    ]


def truth_document(request: Request, recording: Recording) -> Mapping[str, Any]:
    """What was played and what was broken: for those who score, never for the product."""
    return {
        "platform": request.platform,
        "cluster": recording.platform.cluster,
        "fault": request.fault,
        "seed": request.seed,
        "start": _stamp(request.start),
        "end": _stamp(request.start + request.seconds),
        "truth": [_truth(one) for one in recording.truth],
    }


def _truth(truth: Truth) -> Mapping[str, Any]:
    return {
        "fault": truth.fault,
        "entity": str(truth.entity),
        "accepted": [str(one) for one in truth.accepted],
        "kinds": list(truth.kinds),
        "onset": _stamp(truth.onset),
        "onset_seconds": truth.onset,
        "proposal": truth.proposal,
        "fix": truth.fix,
        "victims": list(truth.victims),
        "silent": truth.silent,
        "evidence": list(truth.evidence),
    }


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
