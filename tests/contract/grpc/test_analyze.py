"""``Analyze``: the webhook's intake, and an answer that waits for the judgement as long as the client does."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from brain_api.rca.v1 import rca_pb2 as pb
from brain_common.serving.config import CallerSettings
from brain_rca.grpc_api import servicer as servicer_module
from brain_rca.intake.payload import parse_group
from brain_rca.intake.timing import IntakeSettings, notification
from tests.contract.grpc.conftest import PATIENCE, Api, group, member, refused, serving_api
from tests.contract.store.samples import T0
from tests.unit.intake.payloads import alert, body

pytestmark = pytest.mark.anyio

CODE = grpc.StatusCode


async def accepted(api: Api) -> None:
    """Until there is an incident."""
    async with asyncio.timeout(PATIENCE):
        while not (await api.stub.ListIncidents(pb.ListIncidentsRequest())).incidents:
            pass


async def test_the_answer_is_the_judged_incident(api: Api) -> None:
    answer = await api.analysed(group("k", "cart", "cart-db", group_labels={"namespace": "shop"}, truncated_alerts=3))
    assert (answer.receiver, answer.group_key, answer.source) == ("brain", "k", "anonymous")
    assert (answer.status, answer.analysis_state) == (pb.INCIDENT_STATUS_OPEN, pb.ANALYSIS_STATE_DONE)
    assert (answer.episode, answer.notifications, answer.truncated_alerts) == (1, 1, 3)
    assert [one.labels["service"] for one in answer.alerts] == ["cart", "cart-db"]
    assert answer.opened_at.seconds == T0 - 60
    assert answer.title == "HighLatency (namespace=shop)"
    [cause] = answer.analysis.causes
    assert (cause.entity, cause.probability) == ("c/n/service/a", pytest.approx(0.8))


async def test_it_does_not_wait_for_the_debounce(api: Api) -> None:
    asked = asyncio.create_task(api.analysed(group()))
    assert (await asked).analysis_state == pb.ANALYSIS_STATE_DONE
    assert api.clock.now() == T0


async def test_it_does_not_answer_before_the_judgement(api: Api) -> None:
    asked = asyncio.ensure_future(api.stub.Analyze(group(), timeout=PATIENCE))
    await accepted(api)
    assert not asked.done()
    await api.judge()
    assert (await asked).analysis_state == pb.ANALYSIS_STATE_DONE


async def test_a_group_that_is_judged_already_is_answered_at_once(api: Api) -> None:
    first = await api.analysed(group())
    second = await api.stub.Analyze(group(), timeout=PATIENCE)
    assert (second.id, second.notifications) == (first.id, 2)


async def test_many_may_wait_for_one_judgement(api: Api) -> None:
    waiting = [api.stub.Analyze(group(), timeout=PATIENCE) for _ in range(10)]
    answers, _ = await asyncio.gather(asyncio.gather(*waiting), api.judge())
    assert len({answer.id for answer in answers}) == 1


async def test_the_webhook_and_this_are_one_intake(api: Api) -> None:
    """The same notification by either way is the same incident, and the same alerts."""
    raw = body(alerts=[alert(fingerprint=..., startsAt="2023-11-14T22:12:20Z")])
    taken = notification(parse_group(raw, "main"), IntakeSettings(debounce_seconds=0), api.clock)
    accepted = await api.store.accept(taken)
    await api.judge()
    one = taken.group.alerts[0]
    again = group(
        '{}:{namespace="shop"}',
        source="main",
        alerts=[
            member(labels=one.labels, annotations=one.annotations, starts_at=Timestamp(seconds=int(one.starts_at)))
        ],
    )
    answer = await api.stub.Analyze(again, timeout=PATIENCE)
    assert (answer.id, answer.notifications, len(answer.alerts)) == (accepted.incident_id, 2, 1)
    assert answer.alerts[0].fingerprint == one.fingerprint


async def test_the_source_is_the_callers_name_unless_it_says_another(tmp_path: Path) -> None:
    caller = CallerSettings.model_validate({"name": "eu-west", "bearer_token": "token-of-eu-west"})
    metadata = (("authorization", "Bearer token-of-eu-west"),)
    async with serving_api(tmp_path, [caller]) as api:
        for source, expected in (("", "eu-west"), ("us-east", "us-east")):
            call = api.stub.Analyze(group(source=source), metadata=metadata, timeout=PATIENCE)
            answer, _ = await asyncio.gather(call, api.judge())
            assert answer.source == expected


async def test_a_resolved_group_answers_at_once_with_what_it_closed(api: Api) -> None:
    opened = await api.analysed(group())
    closed = await api.stub.Analyze(group(status="resolved"), timeout=PATIENCE)
    assert (closed.id, closed.status) == (opened.id, pb.INCIDENT_STATUS_RESOLVED)
    assert closed.closed_at.seconds == T0 - 30
    again = await refused(api.stub.Analyze(group(status="resolved"), timeout=PATIENCE))
    assert (again.code, again.reason) == (CODE.NOT_FOUND, "NO_OPEN_INCIDENT")


async def test_the_end_of_a_firing_alert_is_no_end(api: Api) -> None:
    answer = await api.analysed(group(alerts=[member(ends_at=Timestamp(seconds=int(T0 + 300)))]))
    assert not answer.alerts[0].HasField("ends_at")


# Deadlines


async def test_a_deadline_leaves_the_group_accepted_and_says_where_the_answer_will_be(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servicer_module, "_DEADLINE_MARGIN", PATIENCE - 0.1)
    late = await refused(api.stub.Analyze(group(), timeout=PATIENCE))
    assert (late.code, late.reason) == (CODE.DEADLINE_EXCEEDED, "ANALYSIS_UNFINISHED")
    judged = await api.judge()
    assert late.metadata == {"incident_id": judged}
    answer = await api.stub.GetIncident(pb.GetIncidentRequest(id=judged))
    assert answer.analysis_state == pb.ANALYSIS_STATE_DONE


async def test_a_client_without_deadline_is_not_kept_for_ever(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servicer_module, "_DEFAULT_WAIT", 0.05)
    late = await refused(api.stub.Analyze(group()))
    assert (late.code, late.reason) == (CODE.DEADLINE_EXCEEDED, "ANALYSIS_UNFINISHED")


@pytest.mark.parametrize("seconds", [0.0, 0.0001, 0.02])
async def test_a_deadline_too_short_for_anything_is_a_deadline(api: Api, seconds: float) -> None:
    assert (await refused(api.stub.Analyze(group(), timeout=seconds))).code is CODE.DEADLINE_EXCEEDED
    assert (await api.analysed(group())).analysis_state == pb.ANALYSIS_STATE_DONE


async def test_a_client_that_cancels_leaves_the_group_accepted(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    call = api.stub.Analyze(group(), timeout=PATIENCE)
    await accepted(api)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    judged = await api.judge()
    assert (await api.stub.GetIncident(pb.GetIncidentRequest(id=judged))).notifications == 1
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


# Refusals

YEAR_10000 = Timestamp(seconds=253402300800)

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no receiver": ({"receiver": ""}, "receiver"),
    "no key": ({"group_key": ""}, "group_key"),
    "long key": ({"group_key": "k" * 4097}, "group_key"),
    "no status": ({"status": ""}, "status"),
    "another status": ({"status": "pending"}, "status"),
    "no alerts": ({"alerts": []}, "alerts"),
    "too many alerts": ({"alerts": [member()] * 5001}, "alerts"),
    "long source": ({"source": "s" * 65}, "source"),
    "status of an alert": ({"alerts": [member(), member(status="x")]}, "alerts[1].status"),
    "no start": ({"alerts": [member(), member(starts_at=None)]}, "alerts[1].starts_at"),
    "start too late": ({"alerts": [member(starts_at=YEAR_10000)]}, "alerts[0].starts_at"),
    "start too early": ({"alerts": [member(starts_at=Timestamp(seconds=-(1 << 60)))]}, "alerts[0].starts_at"),
    "negative part": ({"alerts": [member(starts_at=Timestamp(seconds=1, nanos=-1))]}, "alerts[0].starts_at"),
    "large part": ({"alerts": [member(starts_at=Timestamp(seconds=1, nanos=10**9))]}, "alerts[0].starts_at"),
    "end too late": ({"alerts": [member(status="resolved", ends_at=YEAR_10000)]}, "alerts[0].ends_at"),
}


@pytest.mark.parametrize(("change", "field"), BAD.values(), ids=BAD)
async def test_what_is_wrong_is_named_by_its_field(api: Api, change: dict[str, Any], field: str) -> None:
    answer = await refused(api.stub.Analyze(group(**change), timeout=PATIENCE))
    assert (answer.code, answer.reason, answer.domain) == (CODE.INVALID_ARGUMENT, "INVALID_GROUP", "brain_api.rca.v1")
    assert answer.fields == [field]
    assert answer.message.startswith(field)
    assert await api.store.list(limit=1) == []


async def test_its_own_alerts_are_not_judged(api: Api) -> None:
    own = member(labels={"alertname": "BrainRootCause"})
    answer = await refused(api.stub.Analyze(group(alerts=[own])))
    assert (answer.code, answer.reason, answer.fields) == (CODE.INVALID_ARGUMENT, "OWN_ALERT", ["alerts"])


async def test_a_store_that_is_away_accepts_nothing_and_says_when_to_come_again(api: Api) -> None:
    await api.store.close()
    answer = await refused(api.stub.Analyze(group()))
    assert (answer.code, answer.reason, answer.retry_seconds) == (CODE.UNAVAILABLE, "STORE_UNAVAILABLE", 2.0)
    assert "sqlite" not in answer.message
    await api.store.open()
    assert (await api.analysed(group())).notifications == 1


EDGES = {
    "year 1": {"starts_at": Timestamp(seconds=-62135596800)},
    "year 9999": {"starts_at": Timestamp(seconds=253402300799, nanos=999_999_999)},
    "ended in year 9999": {"status": "resolved", "ends_at": Timestamp(seconds=253402300799, nanos=999_999_999)},
    "ended in year 1": {"status": "resolved", "ends_at": Timestamp(seconds=-62135596800)},
    "no labels": {"labels": {}},
    "many labels": {"labels": {f"l{n}": "v" for n in range(1000)}},
    "giant label": {"labels": {"k" * 10_000: "v" * 1_000_000}},
    "control characters": {"labels": {"a\x00": "\x1b[31m"}},
    "odd fingerprint": {"fingerprint": "../../etc/passwd"},
    "no characters": {"labels": {"service": "\ufffe\U0010ffff"}},
}


@pytest.mark.parametrize("change", EDGES.values(), ids=EDGES)
async def test_what_is_at_the_edge_can_be_read_by_everybody_afterwards(api: Api, change: dict[str, Any]) -> None:
    answer = await api.analysed(group(alerts=[member(**change), member("other")], truncated_alerts=(1 << 32) - 1))
    [listed] = (await api.stub.ListIncidents(pb.ListIncidentsRequest())).incidents
    assert listed == answer
    assert answer == await api.stub.GetIncident(pb.GetIncidentRequest(id=answer.id))
    for one in answer.alerts:
        assert len(one.fingerprint) == 16
        assert len(one.labels) <= 128
        assert all(len(name) <= 256 and len(value) <= 4096 for name, value in one.labels.items())
        assert not any(ord(letter) < 32 for text in (*one.labels, *one.labels.values()) for letter in text)
