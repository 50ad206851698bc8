"""``WatchIncidents``: everything as it is, then what changes, for as long as the client listens."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import grpc
import pytest

from brain_api.rca.v1 import rca_pb2 as pb
from brain_rca.grpc_api import server as server_module
from tests.contract.grpc.conftest import PATIENCE, Api, refused, serving_api, told
from tests.contract.store.samples import alert, notification, resolved

pytestmark = pytest.mark.anyio

CODE = grpc.StatusCode
OPEN, RESOLVED = pb.INCIDENT_STATUS_OPEN, pb.INCIDENT_STATUS_RESOLVED


def watch(api: Api, incident_id: str = "") -> grpc.aio.UnaryStreamCall:
    return api.stub.WatchIncidents(pb.WatchIncidentsRequest(id=incident_id), timeout=PATIENCE)


async def opened(api: Api, key: str) -> str:
    return (await api.store.accept(notification(alert(key), key=key))).incident_id


async def close(api: Api, key: str) -> None:
    await api.store.accept(resolved(alert(key, end=1), at=1, key=key))


async def test_it_begins_with_everything_as_it_is(api: Api) -> None:
    first, second = await opened(api, "a"), await opened(api, "b")
    await close(api, "a")
    stream = watch(api)
    states = {one.id: one.status for one in [await stream.read(), await stream.read()]}
    assert states == {first: RESOLVED, second: OPEN}


async def test_a_client_knows_that_it_is_heard_before_there_is_anything(api: Api) -> None:
    stream = watch(api)
    await stream.wait_for_connection()
    known = await opened(api, "k")
    assert (await stream.read()).id == known


async def test_each_change_comes_until_the_end(api: Api) -> None:
    stream = watch(api)
    known = await opened(api, "k")
    assert (await stream.read()).analysis_state == pb.ANALYSIS_STATE_PENDING
    await api.judge()
    assert (await stream.read()).analysis.causes[0].entity == "c/n/service/a"
    await close(api, "k")
    last = await stream.read()
    assert (last.id, last.status) == (known, RESOLVED)


async def test_revisions_only_grow(api: Api) -> None:
    stream = watch(api)
    await opened(api, "k")
    revisions = [(await stream.read()).revision]
    for n in range(10):
        await api.store.accept(notification(alert("k"), alert(str(n)), key="k"))
        revisions.append((await stream.read()).revision)
    assert revisions == sorted(set(revisions))


async def test_what_says_nothing_new_is_not_sent(api: Api) -> None:
    stream = watch(api)
    first = await opened(api, "k")
    assert (await stream.read()).id == first
    for _ in range(5):
        await opened(api, "k")
    other = await opened(api, "other")
    assert (await stream.read()).id == other


async def test_a_slow_reader_sees_the_latest_state(api: Api) -> None:
    for n in range(20):
        await api.store.accept(notification(*(alert(str(m)) for m in range(n + 1)), key="k"))
    assert len((await watch(api).read()).alerts) == 20


async def test_one_incident_can_be_watched_alone(api: Api) -> None:
    await opened(api, "other")
    known = await opened(api, "k")
    stream = watch(api, known)
    assert (await stream.read()).id == known
    await close(api, "other")
    await close(api, "k")
    assert ((last := await stream.read()).id, last.status) == (known, RESOLVED)


async def test_more_than_a_batch_comes_whole(api: Api) -> None:
    known = {await opened(api, str(n)) for n in range(250)}
    stream = watch(api)
    assert {(await stream.read()).id for _ in range(250)} == known


async def test_who_comes_again_misses_nothing(api: Api) -> None:
    first = await opened(api, "a")
    before = watch(api)
    assert (await before.read()).id == first
    before.cancel()
    await close(api, "a")
    second = await opened(api, "b")
    again = watch(api)
    states = {one.id: one.status for one in [await again.read(), await again.read()]}
    assert states == {first: RESOLVED, second: OPEN}


async def test_many_watch_the_same(api: Api) -> None:
    streams = [watch(api) for _ in range(20)]
    known = await opened(api, "k")
    assert {(await stream.read()).id for stream in streams} == {known}


async def test_who_cancels_leaves_no_trace(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    streams = [watch(api) for _ in range(5)]
    await opened(api, "k")
    for stream in streams:
        await stream.read()
        assert stream.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stream.read()
    assert len((await api.stub.ListIncidents(pb.ListIncidentsRequest())).incidents) == 1
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


async def test_the_deadline_ends_it(api: Api) -> None:
    await opened(api, "k")
    stream = api.stub.WatchIncidents(pb.WatchIncidentsRequest(), timeout=0.8)
    assert (await stream.read()).group_key == "k"
    assert (await refused(stream.read())).code is CODE.DEADLINE_EXCEEDED


async def test_a_store_that_goes_away_ends_it_with_a_hint(api: Api) -> None:
    await opened(api, "k")
    stream = watch(api)
    await stream.read()
    await api.store.close()
    answer = await refused(stream.read())
    assert (answer.code, answer.reason, answer.retry_seconds) == (CODE.UNAVAILABLE, "STORE_UNAVAILABLE", 2.0)


async def test_what_is_no_id_is_refused(api: Api) -> None:
    answer = await refused(watch(api, "x").read())
    assert (answer.code, answer.reason, answer.fields) == (CODE.INVALID_ARGUMENT, "INVALID_ID", ["id"])


async def test_the_end_of_the_service_ends_it_as_something_to_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(server_module, "_GRACE", 0.1)
    async with serving_api(tmp_path) as api:
        await opened(api, "k")
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{api.port}")
        stream = channel.unary_stream("/brain_api.rca.v1.RcaService/WatchIncidents")(b"", timeout=PATIENCE)
        await stream.read()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stream.read()
    await channel.close()
    assert told(caught.value).code in (CODE.UNAVAILABLE, CODE.CANCELLED)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
