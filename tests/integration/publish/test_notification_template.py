"""The notification template as the real amtool renders it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from brain_common.clients.alertmanager import AlertmanagerPeer
from brain_common.clients.http import HttpSettings
from brain_common.clock import ManualClock
from brain_rca.publish.alertmanager import AlertmanagerSink
from tests.fakes.alertmanager import FakeAlertmanager
from tests.servers.provide import require
from tests.unit.publish.samples import EXTERNAL_URL, INCIDENT_ID, OPENED, incident, told

pytestmark = pytest.mark.anyio

ADDRESS = '{{ define "brain.external_url" }}'  # what the service's address follows, in the line that is to be edited
LINK = f"{EXTERNAL_URL}/incidents/{INCIDENT_ID}"
OTHER = {
    "status": "firing",
    "labels": {"alertname": "HighLatency", "service": "checkout"},
    "annotations": {"summary": "checkout is slow"},
    "fingerprint": "0123456789abcdef",
}


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "brain.tmpl"
    shipped = (files("brain_rca.publish") / "templates" / "brain.tmpl").read_text(encoding="utf-8")
    path.write_text(shipped.replace(f"{ADDRESS}http://localhost:8088{{{{", f"{ADDRESS}{EXTERNAL_URL}{{{{"))
    return path


@pytest.fixture
async def root_cause() -> Mapping[str, Any]:
    """The alert that the sink posts, as a notification carries it."""
    with FakeAlertmanager() as peer:
        clients = [AlertmanagerPeer(HttpSettings(url=peer.url))]
        sink = AlertmanagerSink(clients, EXTERNAL_URL, ManualClock(OPENED + 60))
        await sink.publish(incident(), told("alertmanager"))
        await sink.aclose()
        return {**peer.posted[0], "status": "firing", "fingerprint": "fedcba9876543210"}


def rendered(template: Path, name: str, *alerts: Mapping[str, Any], status: str = "firing") -> str:
    labels = [set(alert["labels"].items()) for alert in alerts]
    data = {
        "receiver": "people",
        "status": status,
        "alerts": alerts,
        "groupLabels": {},
        "commonLabels": dict(set.intersection(*labels)),
        "commonAnnotations": {},
        "externalURL": "http://alertmanager",
    }
    path = template.with_suffix(".json")
    path.write_text(json.dumps(data))
    command = [
        require("amtool"),
        "template",
        "render",
        f"--template.glob={template}",
        f"--template.data={path}",
        f'--template.text={{{{ template "{name}" . }}}}',
    ]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


async def test_the_root_cause(template: Path, root_cause: Mapping[str, Any]) -> None:
    assert rendered(template, "brain.rootcause.title", root_cause) == "[FIRING] Root cause for checkout"
    assert rendered(template, "brain.rootcause.link", root_cause) == LINK
    assert rendered(template, "brain.rootcause.text", root_cause).splitlines() == [
        "Likely root cause: payments (workload in shop): cpu, 82 %",
        "1. payments (workload in shop): cpu, 82 %",
        "Cause began 2025-11-25 03:13:00 UTC",
        "Proposed fix: Raise the limit of prod/shop/workload/payments (not validated)",
        LINK,
    ]


async def test_the_end_of_it(template: Path, root_cause: Mapping[str, Any]) -> None:
    ended = {**root_cause, "status": "resolved"}
    title = rendered(template, "brain.rootcause.title", ended, status="resolved")
    assert title == "[RESOLVED] Root cause for checkout"


async def test_any_other_alert_links_to_its_incident(template: Path) -> None:
    link = f"{EXTERNAL_URL}/incidents/by-fingerprint/0123456789abcdef"
    assert rendered(template, "brain.rootcause.title", OTHER) == "[FIRING] HighLatency (checkout)"
    assert rendered(template, "brain.rootcause.link", OTHER) == link
    assert rendered(template, "brain.rootcause.text", OTHER).splitlines() == [
        "checkout is slow",
        f"Root cause analysis: {link}",
    ]


async def test_alerts_of_several_names(template: Path, root_cause: Mapping[str, Any]) -> None:
    bare = {"status": "firing", "labels": {"alertname": "Down"}, "annotations": {}, "fingerprint": "aa"}
    alerts = (root_cause, OTHER, bare)
    assert rendered(template, "brain.rootcause.title", *alerts) == "[FIRING] 3 alerts"
    text = rendered(template, "brain.rootcause.text", *alerts)
    assert LINK in text
    assert "checkout is slow" in text
    assert f"Down\nRoot cause analysis: {EXTERNAL_URL}/incidents/by-fingerprint/aa" in text


async def test_a_template_in_an_annotation_is_shown_and_not_carried_out(template: Path) -> None:
    odd = {**OTHER, "annotations": {"summary": '{{ template "brain.external_url" . }} <b>'}}
    assert rendered(template, "brain.rootcause.text", odd).startswith('{{ template "brain.external_url" . }} <b>')
