"""Notifications as Alertmanager 0.28 posts them, to be spoilt by tests."""

from __future__ import annotations

import json
from typing import Any

STARTED = "2024-03-01T12:00:00.25Z"
STARTED_AT = 1709294400.25


def alert(**changes: Any) -> dict[str, Any]:
    """A firing alert; a change to ``...`` leaves the field out."""
    return _changed(
        {
            "status": "firing",
            "labels": {"alertname": "HighLatency", "service": "cart", "severity": "warning"},
            "annotations": {"summary": "cart is slow"},
            "startsAt": STARTED,
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://prometheus:9090/graph?g0.expr=up",
            "fingerprint": "c0ffee5eed15600d",
        },
        changes,
    )


def payload(**changes: Any) -> dict[str, Any]:
    """A group with one alert; a change to ``...`` leaves the field out."""
    return _changed(
        {
            "version": "4",
            "groupKey": '{}:{namespace="shop"}',
            "truncatedAlerts": 0,
            "status": "firing",
            "receiver": "brain",
            "groupLabels": {"namespace": "shop"},
            "commonLabels": {"alertname": "HighLatency"},
            "commonAnnotations": {"summary": "cart is slow"},
            "externalURL": "http://alertmanager:9093",
            "alerts": [alert()],
        },
        changes,
    )


def body(**changes: Any) -> bytes:
    """The same as it goes over the wire."""
    return json.dumps(payload(**changes)).encode()


def _changed(whole: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**whole, **changes}.items() if value is not ...}
