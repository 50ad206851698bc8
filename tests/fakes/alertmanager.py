"""An Alertmanager peer that takes alerts, checks them as the real one does, and can misbehave."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tests.fakes.http_server import Answer, FakeServer
from tests.fakes.openapi import Contract


class FakeAlertmanager(FakeServer):
    """One peer.

    Attributes:
        posted: Every alert in the order it came.
        violations: What was wrong with requests, by Alertmanager's own OpenAPI document if it is there.
    """

    def __init__(self) -> None:
        super().__init__(self._answer)
        self._contract = Contract.load("alertmanager-v2.yaml", "/api/v2")
        self.posted: list[dict[str, Any]] = []
        self.violations: list[str] = []

    def _answer(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if self._contract is not None:
            self.violations += self._contract.violations(method, path, query, body)
        if (method, path) != ("POST", "/api/v2/alerts"):
            return Answer(404, "not found")
        alerts = json.loads(body)
        problems = [problem for alert in alerts if (problem := _problem(alert))]
        if problems:
            return Answer(400, problems)
        self.posted += alerts
        return Answer(200)


def _problem(alert: Mapping[str, Any]) -> str:
    """As ``types.Alert.Validate`` of Alertmanager has it."""
    begin, end = (datetime.fromisoformat(alert[name]) for name in ("startsAt", "endsAt"))
    if end < begin:
        return "start time must be before end time"
    if not alert["labels"] or not all(alert["labels"].values()):
        return "at least one label pair required, none empty"
    return ""
