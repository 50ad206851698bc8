"""The webhook payload, version 4, that an Alertmanager would post; for the replay and for the demo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from brain_lab.replay.fingerprint import fingerprint

RECEIVER: Final = "brain"
STILL_FIRING: Final = "0001-01-01T00:00:00Z"
"""Go's zero time: how Alertmanager writes the end of an alert that has none."""


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that fires.

    Attributes:
        labels: All of them, ``alertname`` included.
        annotations: For people.
        since: Seconds since the epoch.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    since: float


def webhook_payload(firing: Sequence[Firing], group_labels: Mapping[str, str]) -> dict[str, Any]:
    """The notification of one group, grouped by the names of ``group_labels``; at least one alert."""
    pairs = ", ".join(f'{name}="{value}"' for name, value in sorted(group_labels.items()))
    return {
        "version": "4",
        "groupKey": f"{{}}:{{{pairs}}}",
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": RECEIVER,
        "groupLabels": dict(group_labels),
        "commonLabels": _common([one.labels for one in firing]),
        "commonAnnotations": _common([one.annotations for one in firing]),
        "externalURL": "",
        "alerts": [_alert(one) for one in firing],
    }


def moment_text(at: float) -> str:
    """Seconds since the epoch as Alertmanager writes a time."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _alert(firing: Firing) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": dict(sorted(firing.labels.items())),
        "annotations": dict(firing.annotations),
        "startsAt": moment_text(firing.since),
        "endsAt": STILL_FIRING,
        "generatorURL": "",
        "fingerprint": fingerprint(firing.labels),
    }


def _common(maps: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = maps
    return {name: value for name, value in first.items() if all(one.get(name) == value for one in others)}
