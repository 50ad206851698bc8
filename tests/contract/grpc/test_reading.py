"""``GetIncident`` and ``ListIncidents``."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import grpc
import msgspec
import pytest
from google.protobuf.message import Message

from brain_api.rca.v1 import rca_pb2 as pb
from brain_common.errors import PermanentError
from brain_rca.grpc_api.convert import incident_to
from tests.contract.grpc.conftest import Api, refused
from tests.contract.store.samples import T0, alert, notification, resolved
from tests.unit.page import samples

pytestmark = pytest.mark.anyio

CODE = grpc.StatusCode


async def fill(api: Api, count: int, first: int = 0) -> list[str]:
    """Incidents, two of each second, every third one resolved; their ids, oldest first."""
    ids = []
    for n in range(first, first + count):
        at = n // 2
        accepted = await api.store.accept(notification(alert(str(n)), at=at, key=str(n)))
        if n % 3 == 0:
            await api.store.accept(resolved(alert(str(n), end=at), at=at, key=str(n)))
        ids.append(accepted.incident_id)
    return ids


async def pages(api: Api, **request: Any) -> list[list[str]]:
    """The ids of every page until the last."""
    found, token = [], ""
    while True:
        page = await api.stub.ListIncidents(pb.ListIncidentsRequest(page_token=token, **request))
        found.append([one.id for one in page.incidents])
        token = page.next_page_token
        if not token:
            return found


# GetIncident


async def test_an_incident_is_read_by_its_id(api: Api) -> None:
    [known] = await fill(api, 1)
    answer = await api.stub.GetIncident(pb.GetIncidentRequest(id=known))
    assert (answer.id, answer.analysis_state) == (known, pb.ANALYSIS_STATE_PENDING)
    assert not answer.HasField("analysis")


async def test_an_unknown_incident_is_not_found(api: Api) -> None:
    answer = await refused(api.stub.GetIncident(pb.GetIncidentRequest(id="0" * 16)))
    assert (answer.code, answer.reason) == (CODE.NOT_FOUND, "INCIDENT_NOT_FOUND")


@pytest.mark.parametrize(
    "wrong",
    ["", "x", "0" * 15, "0" * 17, "0" * 16 + "\n", "C0FFEE0000000000", "\u0660" * 16, "' OR 1=1 --", "\x00" * 16],
)
async def test_what_is_no_id_is_refused(api: Api, wrong: str) -> None:
    answer = await refused(api.stub.GetIncident(pb.GetIncidentRequest(id=wrong)))
    assert (answer.code, answer.reason, answer.fields) == (CODE.INVALID_ARGUMENT, "INVALID_ID", ["id"])


def test_no_field_of_an_incident_is_forgotten() -> None:
    """Of a sample that has everything, everything arrives; but for what the sample itself leaves empty."""
    whole = msgspec.structs.replace(
        samples.rich(),
        closed_at=T0,
        truncated_alerts=1,
        analysis_error="e",
        alerts=tuple(
            msgspec.structs.replace(one, ends_at=T0, generator_url="u", annotations={"a": "b"})
            for one in samples.rich().alerts
        ),
    )
    assert whole.analysis is not None
    suspects = samples.no_cause().analysis.suspects
    whole = msgspec.structs.replace(whole, analysis=msgspec.structs.replace(whole.analysis, suspects=suspects))
    missing = set(empty_fields(incident_to(whole)))
    assert missing <= {"analysis.no_cause_reason", "analysis.seconds", "deliveries.error", "deliveries.external_id"}


def empty_fields(message: Message, path: str = "") -> list[str]:
    """Fields that are not set in a message, nor in any of its parts."""
    found = []
    for descriptor in message.DESCRIPTOR.fields:
        name = path + descriptor.name
        value = getattr(message, descriptor.name)
        is_map = descriptor.message_type is not None and descriptor.message_type.GetOptions().map_entry
        parts = list(value) if descriptor.is_repeated and not is_map else [value]
        if not value and not isinstance(value, Message):
            found.append(name)
        elif descriptor.message_type is not None and not is_map and "Timestamp" not in descriptor.message_type.name:
            gaps = [set(empty_fields(part, f"{name}.")) for part in parts]
            found += set.intersection(*gaps)
    return found


# ListIncidents


async def test_there_may_be_none(api: Api) -> None:
    assert await pages(api) == [[]]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 24, 25, 200])
async def test_every_incident_is_on_one_page_newest_first(api: Api, size: int) -> None:
    known = await fill(api, 25)
    found = await pages(api, page_size=size)
    assert [len(page) for page in found[:-1]] == [size] * (len(found) - 1)
    assert 1 <= len(found[-1]) <= size
    listed = [one for page in found for one in page]
    assert sorted(listed) == sorted(known)
    by_time = {one: n // 2 for n, one in enumerate(known)}
    assert listed == sorted(known, key=lambda one: (by_time[one], one), reverse=True)


async def test_a_page_has_fifty_unless_it_is_said_otherwise(api: Api) -> None:
    await fill(api, 51)
    assert [len(page) for page in await pages(api)] == [50, 1]


async def test_resolved_ones_can_be_left_out(api: Api) -> None:
    known = await fill(api, 20)
    found = [one for page in await pages(api, page_size=3, only_open=True) for one in page]
    assert sorted(found) == sorted(one for n, one in enumerate(known) if n % 3)


async def test_what_opens_between_two_pages_shifts_nothing(api: Api) -> None:
    known = await fill(api, 6)
    first = await api.stub.ListIncidents(pb.ListIncidentsRequest(page_size=3))
    await fill(api, 6, first=100)
    second = await api.stub.ListIncidents(pb.ListIncidentsRequest(page_size=3, page_token=first.next_page_token))
    assert sorted(one.id for page in (first, second) for one in page.incidents) == sorted(known)


@pytest.mark.parametrize("size", [-1, 201, -(1 << 31), (1 << 31) - 1])
async def test_a_page_of_another_size_is_refused(api: Api, size: int) -> None:
    answer = await refused(api.stub.ListIncidents(pb.ListIncidentsRequest(page_size=size)))
    assert (answer.code, answer.reason, answer.fields) == (CODE.INVALID_ARGUMENT, "INVALID_PAGE_SIZE", ["page_size"])


def token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "wrong",
    [
        "x",
        " ",
        "!!!!",
        "\u00e9",
        "\x00",
        "a" * 100_000,
        "////",
        token("null"),
        token("[]"),
        token("[1]"),
        token('["x", "0000000000000000"]'),
        token('[null, "0000000000000000"]'),
        token('[1e999, "0000000000000000"]'),
        token('[NaN, "0000000000000000"]'),
        token(f'[1{"0" * 400}, "0000000000000000"]'),
        token("[1, 2]"),
        token('[1, ""]'),
        token('[1, "\\u0000"]'),
        token('[1, "x"]'),
        token('[1, "0000000000000000", 2]'),
        token("[" * 100_000),
        token('{"a": 1}'),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
    ids=range(23),
)
async def test_a_token_it_never_gave_is_refused(api: Api, wrong: str) -> None:
    answer = await refused(api.stub.ListIncidents(pb.ListIncidentsRequest(page_token=wrong)))
    assert (answer.code, answer.reason, answer.fields) == (CODE.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN", ["page_token"])


# Trouble

CALLS: dict[str, Callable[[Api], Any]] = {
    "GetIncident": lambda api: api.stub.GetIncident(pb.GetIncidentRequest(id="0" * 16)),
    "ListIncidents": lambda api: api.stub.ListIncidents(pb.ListIncidentsRequest()),
    "WatchIncidents": lambda api: api.stub.WatchIncidents(pb.WatchIncidentsRequest()).read(),
}
every_reader = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@every_reader
async def test_a_store_that_is_away_is_to_be_tried_again(api: Api, call: Callable[[Api], Any]) -> None:
    await api.store.close()
    answer = await refused(call(api))
    assert (answer.code, answer.reason, answer.retry_seconds) == (CODE.UNAVAILABLE, "STORE_UNAVAILABLE", 2.0)


@every_reader
@pytest.mark.parametrize(
    ("trouble", "code", "reason"),
    [
        (PermanentError("file /s3cret is damaged"), CODE.UNAVAILABLE, "STORE_UNAVAILABLE"),
        (ZeroDivisionError("s3cret"), CODE.INTERNAL, "INTERNAL_ERROR"),
    ],
    ids=["damaged", "bug"],
)
async def test_trouble_of_ours_is_typed_and_its_text_stays_in_the_log(
    api: Api,
    call: Callable[[Api], Any],
    trouble: Exception,
    code: grpc.StatusCode,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise trouble

    for method in ("get", "list", "changed_since"):
        monkeypatch.setattr(api.store, method, fail)
    answer = await refused(call(api))
    assert (answer.code, answer.reason) == (code, reason)
    assert "s3cret" not in answer.message
    assert "s3cret" in caplog.text
