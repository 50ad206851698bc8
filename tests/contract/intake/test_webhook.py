"""What Alertmanager can rely on: 200 means durable, 4xx means hopeless, 503 means try again."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from brain_common.errors import BrainError, InputError, PermanentError, TemporaryError
from brain_common.serving import body as body_module
from brain_rca.intake.timing import IntakeSettings
from brain_rca.model import Severity
from tests.contract.intake.conftest import NOW, PATH, Listening, eventually, listening
from tests.fakes.raw_client import post, raw_client
from tests.unit.intake.payloads import alert, body

pytestmark = pytest.mark.anyio


async def entered(webhook: Listening, count: int) -> None:
    await eventually("the store was asked", lambda: len(webhook.store.entered) >= count)


# 200


async def test_a_notification_is_answered_with_its_incident(webhook: Listening) -> None:
    answer = await webhook.post()
    assert answer.status_code == 200
    assert answer.json() == {"outcome": "opened", "incident": "00000000c0ffee00"}
    [kept] = webhook.store.durable
    assert (kept.group.receiver, kept.group.alerts[0].labels["service"]) == ("brain", "cart")
    assert webhook.counted("opened") == 1


async def test_the_answer_does_not_come_before_it_is_durable(webhook: Listening) -> None:
    webhook.store.go.clear()
    answer = asyncio.create_task(webhook.post())
    await entered(webhook, 1)
    assert (await webhook.client.get("/-/healthy")).status_code == 200  # the service had its chance to answer
    assert not answer.done()
    webhook.store.go.set()
    assert (await answer).status_code == 200
    assert len(webhook.store.durable) == 1


async def test_the_judgement_is_woken_up_after_it_is_durable(webhook: Listening) -> None:
    await webhook.post(b"{}")
    assert not webhook.wake.analyses.is_set()
    await webhook.post()
    assert webhook.wake.analyses.is_set()


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""])
async def test_the_content_type_does_not_matter(webhook: Listening, content_type: str) -> None:
    assert (await webhook.post(headers={"Content-Type": content_type})).status_code == 200


async def test_a_connection_serves_many_notifications_whatever_becomes_of_them(webhook: Listening) -> None:
    async with raw_client(webhook.port) as client:
        statuses = []
        for content in (body(), b"{", body(), b"x" * (9 << 20), body()):
            await client.send(post(PATH, content))
            statuses.append((await client.answer()).status)
    assert statuses == [200, 400, 200, 413, 200]


async def test_a_chunked_body_is_read(webhook: Listening) -> None:
    async def pieces() -> Any:
        for place in range(0, len(body()), 7):
            yield body()[place : place + 7]

    answer = await webhook.client.post(PATH, content=pieces())
    assert answer.request.headers["transfer-encoding"] == "chunked"
    assert answer.status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_only_post_is_meant(webhook: Listening, method: str) -> None:
    assert (await webhook.client.request(method, PATH)).status_code == 405


# 4xx: what no retry can mend


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a webhook payload"),
        (b"{", "not a webhook payload"),
        (b"\xff\xfe", "not a webhook payload"),
        (b"[" * 100_000, "not a webhook payload"),
        (body(alerts=...), "`alerts`"),
        (body(alerts=[alert(labels={"a": 1})]), "$.alerts[0].labels[...]"),
        (body(alerts=[]), "alerts is empty"),
        (body(version="3"), "version '3' is not supported"),
        (body(status="pending"), "status 'pending' is neither"),
        (body(groupKey=""), "groupKey must have"),
    ],
    ids=range(10),
)
async def test_what_is_no_payload_is_refused_and_said_why(webhook: Listening, content: bytes, reason: str) -> None:
    answer = await webhook.post(content)
    assert answer.status_code == 400
    assert reason in answer.json()["error"]
    assert webhook.counted("refused") == 1
    assert webhook.store.entered == []


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_the_limit_is_refused(chunked: bool) -> None:
    async def pieces() -> Any:
        for _ in range(10):
            yield b" " * 500

    async with listening(IntakeSettings(body_limit_bytes=4096)) as webhook:
        answer = await webhook.client.post(PATH, content=pieces() if chunked else b" " * 5000)
        assert ("content-length" in answer.request.headers) is not chunked
        assert answer.status_code == 413
        assert answer.json()["error"] == "body is larger than 4096 bytes"
        assert webhook.counted("refused") == 1
        exact = body() + b" " * (4096 - len(body()))
        assert (await webhook.post(exact)).status_code == 200


async def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(webhook: Listening) -> None:
    async with raw_client(webhook.port) as client:
        await client.send(f"POST {PATH} HTTP/1.1\r\nHost: brain\r\nContent-Length: 99999999999\r\n\r\n".encode())
        assert (await client.answer()).status == 413


async def test_a_client_that_asks_first_is_told_before_it_sends_too_much(webhook: Listening) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nHost: brain\r\nContent-Length: 99999999\r\nExpect: 100-continue\r\n\r\n"
    async with raw_client(webhook.port) as client:
        await client.send(head.encode())
        assert (await client.answer()).status == 413


# 503: our own trouble


@pytest.mark.parametrize("trouble", [TemporaryError("database away"), PermanentError("database file damaged")], ids=str)
async def test_a_store_that_is_away_is_said_to_be_tried_again(webhook: Listening, trouble: BrainError) -> None:
    webhook.store.trouble = trouble
    answer = await webhook.post()
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "database" not in answer.text
    assert webhook.counted("busy") == 1
    assert not webhook.wake.analyses.is_set()
    webhook.store.trouble = None
    assert (await webhook.post()).status_code == 200


async def test_what_the_store_cannot_take_for_what_it_says_is_refused(webhook: Listening) -> None:
    webhook.store.trouble = InputError("a time is not finite")
    assert (await webhook.post()).status_code == 400


async def test_too_many_at_once_are_asked_to_come_again() -> None:
    async with listening(IntakeSettings(most_waiting=3)) as webhook:
        webhook.store.go.clear()
        waiting = [asyncio.create_task(webhook.post()) for _ in range(3)]
        await entered(webhook, 3)
        answer = await webhook.post()
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        webhook.store.go.set()
        assert {(await one).status_code for one in waiting} == {200}
        assert (await webhook.post()).status_code == 200


async def test_trouble_frees_its_place() -> None:
    async with listening(IntakeSettings(most_waiting=1)) as webhook:
        webhook.store.trouble = TemporaryError("away")
        assert [(await webhook.post()).status_code for _ in range(3)] == [503] * 3
        webhook.store.trouble = None
        assert (await webhook.post()).status_code == 200


async def test_a_client_that_hangs_up_while_it_waits_frees_its_place() -> None:
    async with listening(IntakeSettings(most_waiting=1)) as webhook:
        webhook.store.go.clear()
        async with raw_client(webhook.port) as client:
            await client.send(post(PATH, body()))
            await entered(webhook, 1)
        webhook.store.go.set()
        await eventually("the first one is durable", lambda: webhook.store.durable)
        assert (await webhook.post()).status_code == 200


# What the group means


async def test_its_own_alerts_are_ignored(webhook: Listening) -> None:
    own = alert(labels={"alertname": "BrainRootCause", "severity": "critical"})
    answer = await webhook.post(body(alerts=[own, own]))
    assert (answer.status_code, answer.json()) == (200, {"outcome": "ignored", "incident": ""})
    assert webhook.store.entered == []
    assert webhook.counted("ignored") == 1
    assert (await webhook.post(body(alerts=[own, alert()]))).json()["outcome"] == "opened"


@pytest.mark.parametrize(
    ("label", "severity", "wait"),
    [
        ("critical", Severity.CRITICAL, 0),
        ("page", Severity.CRITICAL, 0),
        ("P1", Severity.CRITICAL, 0),
        ("warning", Severity.WARNING, 7),
        ("whatever", Severity.WARNING, 7),
        ("P4", Severity.INFO, 7),
    ],
)
async def test_what_is_critical_does_not_wait(webhook: Listening, label: str, severity: Severity, wait: float) -> None:
    await webhook.post(body(alerts=[alert(labels={"alertname": "A", "severity": label})]))
    [kept] = webhook.store.durable
    assert (kept.severity, kept.received_at, kept.due_at) == (severity, NOW, NOW + wait)


@pytest.mark.parametrize(
    ("path", "token", "source"),
    [
        (PATH, "token-of-eu-west", "eu-west"),
        (PATH, "token-of-us-east", "us-east"),
        (f"{PATH}/ap-south", "token-of-eu-west", "ap-south"),
        (f"{PATH}/caf%C3%A9", "token-of-eu-west", "caf\u00e9"),
        (f"{PATH}/a%00%1B%5Bb", "token-of-eu-west", "a[b"),
        (f"{PATH}/{'x' * 1000}", "token-of-eu-west", "x" * 64),
    ],
    ids=range(6),
)
async def test_the_path_names_the_source_or_else_the_credential(
    guarded: Listening, path: str, token: str, source: str
) -> None:
    answer = await guarded.post(path=path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert [kept.group.source for kept in guarded.store.durable] == [source]


async def test_without_callers_the_source_is_anonymous(webhook: Listening) -> None:
    await webhook.post()
    assert [kept.group.source for kept in webhook.store.durable] == ["anonymous"]


@pytest.mark.parametrize("path", [f"{PATH}/a/b", f"{PATH}/../x", "/api/v2/alertmanager", "/api/v1/alertmanagers"])
async def test_other_paths_are_not_there(webhook: Listening, path: str) -> None:
    async with raw_client(webhook.port) as client:
        await client.send(post(path, body()))
        assert (await client.answer()).status == 404


# Slow clients


async def test_clients_that_dawdle_hold_up_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(IntakeSettings(most_waiting=1)) as webhook, AsyncExitStack() as stack:
        request = post(PATH, body())
        slow = [await stack.enter_async_context(raw_client(webhook.port)) for _ in range(50)]
        for client in slow:
            await client.send(request[:-20])
        for _ in range(20):
            assert (await webhook.post()).status_code == 200
        await slow[0].send(request[-20:])
        assert (await slow[0].answer()).status == 200
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


async def test_a_client_that_never_ends_is_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_module, "SLOWEST_BODY", 0.05)
    async with listening() as webhook, raw_client(webhook.port) as client:
        await client.send(post(PATH, body())[:-1])
        answer = await client.answer()
        assert (answer.status, answer.headers["retry-after"]) == (503, "5")
        assert webhook.counted("busy") == 1


async def test_a_client_that_hangs_up_in_the_middle_is_no_fault_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    async with listening() as webhook:
        async with raw_client(webhook.port) as client:
            await client.send(post(PATH, body())[:-1])
        await eventually("the request ended", lambda: webhook.counted("busy"))
        assert webhook.store.entered == []
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
