"""Settings of publishing: a wrong one stops the start and is named by the user's key, and no secret is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brain_common.clock import ManualClock
from brain_common.errors import ConfigError
from brain_common.settings import Settings, check_settings
from brain_rca.publish.config import PublishConfig, build_sinks

pytestmark = pytest.mark.anyio

URL = "https://hooks.example/services/T000/B000/s3cretpath"
WEBHOOK = {"name": "chat", "url": URL}
GRAFANA = {"http": {"url": "https://grafana.example"}}
PEER = {"url": "http://alertmanager:9093"}


class Whole(Settings):
    """As in the service's file."""

    publish: PublishConfig = PublishConfig()


def load(publish: object) -> PublishConfig:
    return check_settings({"publish": publish}, Whole, "brain.yaml", {}).publish


def webhook(**more: Any) -> dict[str, Any]:
    return {"webhooks": [{**WEBHOOK, **more}]}


def grafana(**more: Any) -> dict[str, Any]:
    return {"grafana": {"http": {**GRAFANA["http"], **more}}}


async def built(publish: object) -> list[str]:
    sinks = build_sinks(load(publish), "https://brain.example", ManualClock(0))
    for sink in sinks:
        await sink.aclose()
    return [sink.name for sink in sinks]


async def test_nothing_is_published_without_settings() -> None:
    assert await built({}) == []


async def test_all_of_them() -> None:
    names = await built(
        {
            "grafana": {**GRAFANA, "organisation_id": 2, "refresh_seconds": 120},
            "alertmanager": {"peers": [PEER, {"url": "http://alertmanager-1:9093/am/"}]},
            "webhooks": [WEBHOOK, {**WEBHOOK, "name": "pager-2", "body": "chat", "headers": {"X-A": "b"}}],
        }
    )
    assert names == ["grafana", "alertmanager", "webhook:chat", "webhook:pager-2"]


@pytest.mark.parametrize(
    ("publish", "key"),
    [
        ({"slack": {}}, "publish.slack"),
        ({"grafana": {}}, "publish.grafana.http"),
        ({"grafana": {**GRAFANA, "token": "x"}}, "publish.grafana.token"),
        ({"grafana": {**GRAFANA, "refresh_seconds": 5}}, "publish.grafana.refresh_seconds"),
        ({"grafana": {**GRAFANA, "organisation_id": 0}}, "publish.grafana.organisation_id"),
        (grafana(url="grafana:3000"), "publish.grafana.http.url"),
        (grafana(url="https://user:hunter2@grafana"), "publish.grafana.http.url"),
        (grafana(url="https://grafana/?orgId=1"), "publish.grafana.http.url"),
        (grafana(url="https://grafana:99999"), "publish.grafana.http.url"),
        (grafana(url="https://[::1"), "publish.grafana.http.url"),
        (grafana(url="https://gra fana"), "publish.grafana.http.url"),
        (grafana(timeout_seconds=26), "publish.grafana.http"),
        (grafana(headers={"X-A\n": "b"}), "publish.grafana.http.headers"),
        (grafana(headers={"X-A": "hunter2\r\nX-B: c"}), "publish.grafana.http.headers"),
        (grafana(headers={"X-A": "hunter2ä"}), "publish.grafana.http.headers"),
        (grafana(bearer={}), "publish.grafana.http.bearer"),
        (grafana(bearer={"token": "hunter2\nx"}), "publish.grafana.http.bearer"),
        (grafana(bearer={"token": "hunter2", "token_file": "/x"}), "publish.grafana.http.bearer"),
        (grafana(basic_auth={"username": "a"}), "publish.grafana.http.basic_auth"),
        (grafana(basic_auth={"username": "a", "password": "hunter2"}, bearer={"token": "b"}), "publish.grafana.http"),
        (grafana(tls={"cert_file": "/x"}), "publish.grafana.http.tls"),
        ({"alertmanager": {"peers": []}}, "publish.alertmanager.peers"),
        ({"alertmanager": {"peers": [PEER, {"url": PEER["url"] + "/"}]}}, "publish.alertmanager.peers"),
        ({"alertmanager": {"peers": [PEER, {"url": "nope"}]}}, "publish.alertmanager.peers.1.url"),
        ({"alertmanager": {"peers": [{**PEER, "timeout_seconds": 60}]}}, "publish.alertmanager.peers.0"),
        ({"webhooks": [WEBHOOK, WEBHOOK]}, "publish"),
        (webhook(name="Chat Room"), "publish.webhooks.0.name"),
        (webhook(url="ftp://hunter2"), "publish.webhooks.0.url"),
        (webhook(url="https://user:hunter2@host/x"), "publish.webhooks.0.url"),
        (webhook(url="https://host:hunter2/x"), "publish.webhooks.0.url"),
        (webhook(url="https://host/hunter2\x7f"), "publish.webhooks.0.url"),
        (webhook(content_type="application/json\r\nX: y"), "publish.webhooks.0.content_type"),
        (webhook(headers={"Bad Name": "x"}), "publish.webhooks.0.headers"),
        (webhook(timeout_seconds=0), "publish.webhooks.0.timeout_seconds"),
        (webhook(timeout_seconds=26), "publish.webhooks.0.timeout_seconds"),
        (webhook(body="x" * 65537), "publish.webhooks.0.body"),
        (webhook(basic_auth={"username": "a", "password": "hunter2"}, bearer={"token": "b"}), "publish.webhooks.0"),
        (webhook(tls={"key_file": "/x"}), "publish.webhooks.0.tls"),
    ],
)
async def test_a_wrong_setting_is_named_and_no_secret_is_shown(publish: object, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await built(publish)
    assert f" {key}: " in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "s3cretpath" not in str(caught.value)


@pytest.mark.parametrize(
    ("publish", "key"),
    [
        (grafana(tls={"ca_file": "/nowhere/ca.pem"}), "publish.grafana.http"),
        (
            {"alertmanager": {"peers": [PEER, {"url": "https://am", "tls": {"ca_file": "/nowhere/ca.pem"}}]}},
            "publish.alertmanager.peers.1",
        ),
        (webhook(tls={"ca_file": "/nowhere/ca.pem"}), "publish.webhooks.0"),
    ],
)
async def test_a_tls_file_that_is_not_there_stops_the_start(publish: object, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        await built(publish)
    assert str(caught.value).startswith(f"{key}: tls of ")
    assert "s3cretpath" not in str(caught.value)


@pytest.mark.parametrize("target", [grafana, webhook])
async def test_a_tls_file_that_is_no_certificate_stops_the_start(tmp_path: Path, target: Any) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("not a certificate")
    with pytest.raises(ConfigError, match="check ca_file"):
        await built(target(tls={"ca_file": str(file)}))


async def test_a_wrong_template_is_named_by_its_place_in_the_file() -> None:
    with pytest.raises(ConfigError, match=r"^publish\.webhooks\.1\.body: the template does not work: .*undefined"):
        await built({"webhooks": [WEBHOOK, {**WEBHOOK, "name": "b", "body": "{{ nope }}"}]})


async def test_what_the_template_makes_must_fit_the_content_type() -> None:
    body = "{{ summary.headline }}"
    with pytest.raises(ConfigError, match="content_type says so"):
        await built(webhook(body=body))
    assert await built(webhook(body=body, content_type="text/plain")) == ["webhook:chat"]


def test_secrets_are_not_in_the_settings_text() -> None:
    config = load({**webhook(bearer={"token": "hunter2"}), **grafana(bearer={"token": "hunter3"})})
    shown = repr(config) + str(config)
    assert not [secret for secret in ("s3cretpath", "hunter2", "hunter3") if secret in shown]
