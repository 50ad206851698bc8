"""The outgoing webhook: called when something changed for a reader, and never giving its address away."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from brain_common.errors import PermanentError, TemporaryError
from brain_rca.model import Cause
from brain_rca.publish.webhook import WebhookSink
from brain_rca.publish.webhook_template import BodyTemplate
from tests.contract.publish.conftest import HOOK_PATH, NOW, TOKEN, settings
from tests.fakes.http_server import FakeServer
from tests.unit.publish.samples import EXTERNAL_URL, HOSTILE, INCIDENT_ID, cause, hostile, incident, told

pytestmark = pytest.mark.anyio


def causes(*names: str, probability: float = 0.5) -> Sequence[Cause]:
    return [
        cause(f"prod/shop/workload/{name}", rank, probability=probability) for rank, name in enumerate(names, start=1)
    ]


def keys(receiver: FakeServer) -> list[str]:
    return [request.headers["idempotency-key"] for request in receiver.requests]


async def test_it_is_called_with_everything(receiver: FakeServer, webhook_sink: WebhookSink) -> None:
    await webhook_sink.publish(incident(), told())
    [request] = receiver.requests
    assert (request.method, request.path) == ("POST", HOOK_PATH)
    assert request.json["incident"]["id"] == INCIDENT_ID
    assert request.json["summary"]["headline"].startswith("Likely root cause: payments")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["x-team"] == "shop"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["idempotency-key"].startswith(f"{INCIDENT_ID}-1-")


async def test_the_body_and_its_type_are_the_users(receiver: FakeServer) -> None:
    template = BodyTemplate("{{ summary.headline }}", "body", "text/plain")
    sink = WebhookSink("own", f"{receiver.url}/x?y=z", template, "text/plain", settings(receiver.url), EXTERNAL_URL)
    await sink.publish(incident(), told())
    await sink.aclose()
    [request] = receiver.requests
    assert (request.path, request.query) == ("/x", "y=z")
    assert request.body.startswith(b"Likely root cause: payments")
    assert request.headers["content-type"] == "text/plain"
    assert sink.name == "webhook:own"


async def test_nothing_is_told_before_the_judgement(receiver: FakeServer, webhook_sink: WebhookSink) -> None:
    assert await webhook_sink.publish(incident(judged=False), told(external_id="1-a")) == "1-a"
    assert receiver.requests == []


async def test_it_is_called_when_causes_change_and_when_it_closes(
    receiver: FakeServer, webhook_sink: WebhookSink
) -> None:
    known = ""
    for one in (
        incident(causes=causes("a", "b", "c", "d")),
        incident(causes=causes("a", "b", "c", "d", probability=0.4)),  # the same
        incident(causes=causes("a", "b", "c", "e")),  # nobody looks that far down
        incident(causes=causes("b", "a", "c", "d")),
        incident(causes=[]),
        incident(causes=[], closed_at=NOW),
        incident(causes=[], closed_at=NOW),  # the same
    ):
        known = await webhook_sink.publish(one, told(external_id=known))
    headlines = [request.json["summary"]["headline"] for request in receiver.requests]
    assert [headline[:25] for headline in headlines] == [
        "Likely root cause: a (wor",
        "Likely root cause: b (wor",
        "No root cause found: noth",
        "No root cause found: noth",
    ]
    assert receiver.requests[-1].json["summary"]["status"] == "resolved"


async def test_a_call_whose_answer_was_lost_is_repeated_under_the_same_key(
    receiver: FakeServer, webhook_sink: WebhookSink
) -> None:
    receiver.lose_answer()
    with pytest.raises(TemporaryError):
        await webhook_sink.publish(incident(), told())
    await webhook_sink.publish(incident(), told(attempts=1))
    first, second = keys(receiver)
    assert first == second


async def test_a_ranking_that_comes_back_is_told_under_a_new_key(
    receiver: FakeServer, webhook_sink: WebhookSink
) -> None:
    known = ""
    for name in ("a", "b", "a", "b"):
        known = await webhook_sink.publish(incident(causes=causes(name)), told(external_id=known))
    assert len(set(keys(receiver))) == 4


async def test_what_it_cannot_read_of_before_makes_a_first_call(
    receiver: FakeServer, webhook_sink: WebhookSink
) -> None:
    assert (await webhook_sink.publish(incident(), told(external_id="garbage"))).startswith("1-")
    assert len(receiver.requests) == 1


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_values_arrive_as_values(receiver: FakeServer, webhook_sink: WebhookSink, text: str) -> None:
    await webhook_sink.publish(hostile(text), told())
    [request] = receiver.requests
    assert set(request.json) == {"version", "link", "summary", "incident"}
    assert set(request.headers) == {
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "user-agent",
        "x-team",
    }


# Errors


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 425, 429])
async def test_what_may_heal_is_temporary(receiver: FakeServer, webhook_sink: WebhookSink, status: int) -> None:
    receiver.fail(status, headers={"Retry-After": "42"})
    with pytest.raises(TemporaryError) as caught:
        await webhook_sink.publish(incident(), told())
    assert caught.value.retry_after == 42.0


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 413, 422])
async def test_what_will_not_is_permanent(receiver: FakeServer, webhook_sink: WebhookSink, status: int) -> None:
    receiver.fail(status, body={"error": "invalid_payload"})
    with pytest.raises(PermanentError, match=f"answered {status}: .*invalid_payload"):
        await webhook_sink.publish(incident(), told())


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(receiver: FakeServer, webhook_sink: WebhookSink, status: int) -> None:
    receiver.fail(status, headers={"Location": f"{receiver.url}/elsewhere"})
    with pytest.raises(PermanentError, match=f"answered {status}"):
        await webhook_sink.publish(incident(), told())
    assert [request.path for request in receiver.requests] == [HOOK_PATH]


@pytest.mark.parametrize("trouble", ["hang", "lose_answer", "stop"])
async def test_no_answer_is_temporary(receiver: FakeServer, webhook_sink: WebhookSink, trouble: str) -> None:
    getattr(receiver, trouble)()
    with pytest.raises(TemporaryError):
        await webhook_sink.publish(incident(), told())
    receiver.heal()


@pytest.mark.parametrize(
    "words",
    [
        f"Cannot POST {HOOK_PATH}",
        f"no hook s3cret-path-of-the-hook, and no {TOKEN}",
        f"<html>{HOOK_PATH}/</html>\n" + "x" * 10_000,
        "y" * 280 + HOOK_PATH,
        quote(HOOK_PATH),
        {"path": HOOK_PATH, "authorization": f"Bearer {TOKEN}"},
    ],
    ids=range(6),
)
@pytest.mark.parametrize("status", [404, 500])
async def test_messages_give_no_secret_away(
    receiver: FakeServer, webhook_sink: WebhookSink, status: int, words: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    receiver.fail(status, body=words)
    with pytest.raises((PermanentError, TemporaryError)) as caught:
        await webhook_sink.publish(incident(), told())
    shown = str(caught.value) + caplog.text
    assert not [secret for secret in (*HOOK_PATH.split("/")[2:], TOKEN) if secret in shown]
    assert len(str(caught.value)) < 400


async def test_a_query_is_as_secret_as_a_path(receiver: FakeServer) -> None:
    template = BodyTemplate("{{ summary.headline }}", "body", "text/plain")
    address = f"{receiver.url}/x?key=s3cret%2Fkey"
    sink = WebhookSink("own", address, template, "text/plain", settings(receiver.url), EXTERNAL_URL)
    receiver.fail(403, body="wrong key s3cret/key or s3cret%2Fkey")
    with pytest.raises(PermanentError) as caught:
        await sink.publish(incident(), told())
    await sink.aclose()
    assert "s3cret" not in str(caught.value)


async def test_an_incident_that_the_template_fails_with_is_permanent(receiver: FakeServer) -> None:
    template = BodyTemplate("{{ 1 / (incident.notifications - 42) }}", "body", "text/plain")
    sink = WebhookSink("own", receiver.url, template, "text/plain", settings(receiver.url), EXTERNAL_URL)
    one = incident()
    with pytest.raises(PermanentError, match="template: ZeroDivisionError"):
        await sink.publish(replace(one, notifications=42), told())
    await sink.aclose()
    assert receiver.requests == []


async def test_a_token_file_that_is_no_line_is_refused_without_being_shown(receiver: FakeServer, tmp_path: Any) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\nX-Other: header")
    http = settings(receiver.url, bearer={"token_file": str(file)})
    sink = WebhookSink("own", receiver.url, BodyTemplate("{}", "body"), "application/json", http, EXTERNAL_URL)
    with pytest.raises(PermanentError, match=r"bearer\.token_file") as caught:
        await sink.publish(incident(), told())
    await sink.aclose()
    assert "s3cret" not in str(caught.value)
    assert receiver.requests == []


async def test_an_endless_answer_is_not_read_to_its_end(receiver: FakeServer, webhook_sink: WebhookSink) -> None:
    receiver.fail(500, body="z" * (8 << 20))
    with pytest.raises(TemporaryError) as caught:
        await webhook_sink.publish(incident(), told())
    assert len(str(caught.value)) < 400
