"""Notifications to the whole service: what is durable when it answers, and what becomes of each kind."""

from __future__ import annotations

import sqlite3
import ssl
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.intake.conftest import PATH, service_config
from tests.e2e.service import service, until
from tests.fakes.authority import Authority
from tests.fakes.http_server import FakeServer
from tests.unit.intake.payloads import alert, payload


def moment(ago: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - ago))


def group(key: str, *labels: dict[str, str], status: str = "firing", ago: float = 60) -> dict[str, Any]:
    """A group of alerts that began a while ago; resolved ones ended half a minute later."""
    members = [
        alert(
            labels={"alertname": "HighLatency", **own},
            fingerprint=...,
            status=status,
            startsAt=moment(ago),
            endsAt=moment(ago - 30) if status == "resolved" else "0001-01-01T00:00:00Z",
        )
        for own in labels or ({"service": "cart"},)
    ]
    return payload(groupKey=key, status=status, alerts=members)


def post(url: str, content: dict[str, Any], path: str = PATH) -> dict[str, Any]:
    answer = httpx.post(url + path, json=content, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()


def read(url: str, incident: str) -> dict[str, Any]:
    return httpx.get(f"{url}/incidents/{incident}.json", timeout=10).json()


def judged(url: str, incident: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = read(url, incident)
        return found if found["analysis_state"] == "done" else None

    return until("the judgement", look, 20)


def test_what_was_answered_200_is_in_the_file(url: str, folder: Path) -> None:
    answer = post(url, group("durable"))
    with sqlite3.connect(f"file:{folder}/incidents.sqlite?mode=ro", uri=True) as reader:
        rows = reader.execute("SELECT core FROM brain_incidents WHERE id = ?", (answer["incident"],)).fetchall()
    reader.close()
    assert len(rows) == 1
    assert b'"group_key":"durable"' in rows[0][0]


def test_a_group_goes_from_opened_to_closed(url: str) -> None:
    started = group("life", ago=120)
    first = post(url, started)
    incident = first["incident"]
    assert first["outcome"] == "opened"
    assert post(url, started) == {"outcome": "duplicate", "incident": incident}
    joined = {**started, "alerts": [*started["alerts"], *group("life", {"service": "cart-db"})["alerts"]]}
    assert post(url, joined) == {"outcome": "joined", "incident": incident}
    assert post(url, joined) == {"outcome": "duplicate", "incident": incident}
    over = group("life", {"service": "cart"}, {"service": "cart-db"}, status="resolved", ago=120)
    assert post(url, over) == {"outcome": "closed", "incident": incident}
    assert post(url, over) == {"outcome": "ignored", "incident": ""}
    kept = read(url, incident)
    assert (kept["status"], len(kept["alerts"]), kept["notifications"]) == ("resolved", 2, 5)


def test_the_end_of_what_never_began_is_ignored(url: str) -> None:
    assert post(url, group("never", status="resolved")) == {"outcome": "ignored", "incident": ""}


def test_peers_of_one_cluster_are_one_source_and_clusters_are_not(url: str) -> None:
    same = group("peers")
    west = post(url, same, f"{PATH}/eu-west")
    assert post(url, same, f"{PATH}/eu-west") == {"outcome": "duplicate", "incident": west["incident"]}
    east = post(url, same, f"{PATH}/us-east")
    assert (east["outcome"], east["incident"] == west["incident"]) == ("opened", False)
    assert read(url, west["incident"])["source"] == "eu-west"


def test_what_is_critical_is_judged_at_once_and_the_rest_after_the_debounce(
    tmp_path: Path, prometheus: FakeServer
) -> None:
    with service(service_config(tmp_path, prometheus, intake={"debounce_seconds": 600})) as running:
        patient = post(running.url, group("warning", {"severity": "warning"}))["incident"]
        urgent = post(running.url, group("critical", {"severity": "page"}))["incident"]
        judged(running.url, urgent)
        assert read(running.url, patient)["analysis_state"] == "pending"
        worse = group("warning", {"severity": "warning"}, {"severity": "critical"})
        assert post(running.url, worse)["outcome"] == "joined"
        assert len(judged(running.url, patient)["alerts"]) == 2


def test_what_was_accepted_before_a_restart_is_judged_after_it(tmp_path: Path, prometheus: FakeServer) -> None:
    with service(service_config(tmp_path, prometheus, intake={"debounce_seconds": 0.5})) as running:
        incident = post(running.url, group("restart"))["incident"]
    with service(service_config(tmp_path, prometheus)) as running:
        assert judged(running.url, incident)["analysis"]["causes"] == []
        assert post(running.url, group("restart"))["outcome"] in ("duplicate", "joined")


HOSTILE = {
    "year 1": {"startsAt": "0001-01-01T00:00:00Z"},
    "year 9999": {"startsAt": "9999-12-31T23:59:59.999999-12:00"},
    "ended in year 9999": {"status": "resolved", "endsAt": "9999-12-31T23:59:59-12:00"},
    "giant labels": {"labels": {f"{n:03d}" + "k" * 5000: "v" * 10_000 for n in range(200)}},
    "control characters": {"labels": {"alertname\x00": "\x1b[31m\r\n\u202e", "\ufeff": "\u2028"}},
    "markup": {"labels": {"alertname": "<script>alert(1)</script>", "service": "{{ 7*7 }}'\"; DROP TABLE--"}},
    "no labels": {"labels": {}},
    "odd unicode": {"labels": {"service": "\U0010ffff\ufffe\u0378"}},
}


@pytest.mark.parametrize("change", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_alert_is_judged_and_shown_like_any_other(url: str, change: dict[str, Any]) -> None:
    content = payload(
        groupKey=repr(change)[:100], truncatedAlerts=1 << 70, alerts=[alert(**{"fingerprint": ..., **change}), alert()]
    )
    incident = post(url, content)["incident"]
    until("the judgement", lambda: read(url, incident)["analysis_state"] != "pending", 20)
    assert read(url, incident)["analysis_state"] == "done"
    page = httpx.get(f"{url}/incidents/{incident}", timeout=10)
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert httpx.get(f"{url}/incidents", timeout=10).status_code == 200


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tls"), "authority")


def test_with_mtls_only_who_shows_a_certificate_can_notify(
    tmp_path: Path, prometheus: FakeServer, authority: Authority
) -> None:
    certificate, key = authority.issue("server")
    tls = {"cert_file": str(certificate), "key_file": str(key), "client_ca_file": str(authority.file)}
    context = ssl.create_default_context(cafile=str(authority.file))
    with service(service_config(tmp_path, prometheus, http={"port": 0, "tls": tls})) as running:
        assert running.url.startswith("https://")
        with pytest.raises(httpx.TransportError), httpx.Client(verify=context) as client:
            client.post(running.url + PATH, json=group("mtls"))
        context.load_cert_chain(*authority.issue("client"))
        with httpx.Client(verify=context) as client:
            assert client.post(running.url + PATH, json=group("mtls")).json()["outcome"] == "opened"
