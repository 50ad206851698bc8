"""What a replay writes beside the samples: alert rules, a Prometheus configuration, and the webhook payload.

The payload is what an Alertmanager behind that Prometheus would post for the rules that fire at the end,
grouped by cluster and namespace; it serves where no Alertmanager runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import yaml

from brain_lab.recorded.model import Array
from brain_lab.replay.rules import Rule
from brain_lab.replay.series import CLUSTER, NAMESPACE, labels_of
from brain_lab.replay.webhook import Firing, webhook_payload

_PROMETHEUS: Final = f"""\
# Shows the replayed incident, with its alert rules:
#   prometheus --storage.tsdb.path=DIR --config.file=DIR/replay/prometheus.yml
# Start it within minutes of the replay: the rules look at the last minutes.
# To have the alerts delivered, name an Alertmanager:
# alerting:
#   alertmanagers:
#     - static_configs:
#         - targets: ["127.0.0.1:9093"]
global:
  evaluation_interval: 5s
  external_labels:
    cluster: {CLUSTER}
rule_files:
  - rules.yaml
"""


def prometheus_config() -> str:
    """A configuration that loads `rules.yaml` beside it and scrapes nothing."""
    return _PROMETHEUS


def rules_document(rules: Sequence[Rule]) -> str:
    """The rule file, YAML."""
    group = {"name": "replay", "rules": [_rule(rule) for rule in rules]}
    return yaml.safe_dump({"groups": [group]}, sort_keys=False, allow_unicode=True, width=110)


def group_payload(rules: Sequence[Rule], times: Array) -> dict[str, Any] | None:
    """The notification of what fires at the end; None when nothing does."""
    fired = [firing(rule, float(times[since])) for rule in rules if (since := rule.firing_since) is not None]
    return notification(fired) if fired else None


def notification(fired: Sequence[Firing]) -> dict[str, Any]:
    """The notification of the replay's one group; at least one alert."""
    return webhook_payload(fired, {"cluster": CLUSTER, "namespace": NAMESPACE})


def firing(rule: Rule, since: float) -> Firing:
    """The alert of a rule that fires since a moment, in seconds since the epoch."""
    labels = {"alertname": rule.alert, "cluster": CLUSTER, **labels_of(rule.key), **rule.labels}
    return Firing(labels, {"summary": rule.summary}, since)


def about_everything(since: float) -> Firing:
    """The alert of somebody who feels that something is wrong, since a moment in seconds since the epoch."""
    labels = {"alertname": "SystemSuspected", "cluster": CLUSTER, "namespace": NAMESPACE, "severity": "warning"}
    return Firing(labels, {"summary": "something is wrong with the system"}, since)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "alert": rule.alert,
        "expr": rule.expression,
        "labels": {name: _literal(value) for name, value in rule.labels.items()},
        "annotations": {"summary": _literal(rule.summary)},
    }


def _literal(text: str) -> str:
    """Text as itself where Prometheus expands Go templates."""
    return text.replace("{{", '{{ "{{" }}')
