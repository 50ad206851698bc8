"""Worker, store and sink together: what is accepted is shown once, in time, whatever happens in between."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from brain_common.clients.grafana import GrafanaAnnotations
from brain_common.clients.http import HttpSettings
from brain_common.clock import ManualClock
from brain_rca.model import Delivery, DeliveryState
from brain_rca.publish.attempt import Attempt, Outcome
from brain_rca.publish.grafana import GrafanaSink
from brain_rca.publish.worker import DeliveryWorker, Pace
from brain_rca.store.postgres import PostgresStore
from brain_rca.store.protocol import Store
from brain_rca.store.sqlite import SqliteStore
from tests.contract.store.samples import COOLDOWN, T0, alert, analysis, notification, resolved
from tests.fakes.grafana import FakeGrafana

pytestmark = pytest.mark.anyio

LEASE = 60.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with FakeGrafana() as server:
        yield server
        assert server.violations == []
        assert server.doubled() == 0


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    store = SqliteStore(tmp_path / "brain.db", COOLDOWN, clock)
    await store.open()
    yield store
    await store.close()


class Replica:
    """One process of the service as far as publishing goes."""

    def __init__(self, store: Store, grafana: FakeGrafana, clock: ManualClock, pace: Pace | None = None) -> None:
        self.sink = GrafanaSink(
            GrafanaAnnotations(HttpSettings(url=grafana.url, timeout_seconds=1.0)), "https://brain.example", clock
        )
        self.attempts: list[Attempt] = []
        self.worker = DeliveryWorker(store, self.sink, clock, self.attempts.append, pace)

    async def drain(self) -> None:
        """Carry out everything that is due."""
        while await self.worker.step():
            pass


@pytest.fixture
async def replica(store: Store, grafana: FakeGrafana, clock: ManualClock) -> AsyncIterator[Replica]:
    replica = Replica(store, grafana, clock)
    yield replica
    await replica.sink.aclose()


async def open_incident(store: Store, clock: ManualClock, key: str = "a") -> str:
    """Accept a group and judge it."""
    now = clock.now() - T0
    accepted = await store.accept(notification(alert(key), at=now, key=key))
    await judge(store, clock)
    return accepted.incident_id


async def judge(store: Store, clock: ManualClock, entity: str = "c/n/service/a", again: float | None = None) -> None:
    claim = await store.claim_analysis(clock.now(), LEASE)
    assert claim is not None
    done = analysis(clock.now() - T0, entity=entity)
    next_due_at = None if again is None else clock.now() + again
    assert await store.finish_analysis(claim, done, clock.now(), ["grafana"], next_due_at)


async def delivery(store: Store, incident_id: str) -> Delivery:
    incident = await store.get(incident_id)
    assert incident is not None
    [one] = incident.deliveries
    return one


def methods(grafana: FakeGrafana) -> list[str]:
    return [request.method for request in grafana.requests]


async def test_from_opening_to_closing(
    store: Store, replica: Replica, grafana: FakeGrafana, clock: ManualClock
) -> None:
    incident_id = await open_incident(store, clock)
    await replica.drain()
    [annotation] = grafana.with_tag(f"incident={incident_id}")
    assert (annotation["time"], annotation["timeEnd"]) == (1000 * (T0 - 30), 1000 * T0)
    clock.advance(59)
    await replica.drain()
    assert annotation["timeEnd"] == 1000 * T0
    clock.advance(1)
    await replica.drain()
    assert annotation["timeEnd"] == 1000 * (T0 + 60)
    clock.advance(10)
    await store.accept(resolved(alert("a", end=65), at=70, key="a"))
    await replica.drain()
    assert annotation["timeEnd"] == 1000 * (T0 + 65)
    clock.advance(86400)
    await replica.drain()
    assert methods(grafana).count("PATCH") == 2
    assert (await delivery(store, incident_id)).state is DeliveryState.DONE


async def test_in_a_storm_it_changes_once_a_minute_no_more_and_no_less(
    store: Store, replica: Replica, grafana: FakeGrafana, clock: ManualClock
) -> None:
    """Judged anew every 30 s, longer than a minute."""
    await store.accept(notification(alert("a"), key="a"))
    await judge(store, clock, again=30)
    seen = []
    for second in range(600):
        if second and second % 30 == 0:
            await judge(store, clock, entity=f"c/n/service/s{second}", again=30)
        await replica.drain()
        seen += [second] * (len(methods(grafana)) - len(seen))
        clock.advance(1)
    assert methods(grafana) == ["GET", "POST"] + ["PATCH"] * 9
    assert [later - earlier for earlier, later in itertools.pairwise(seen[1:])] == [60] * 9
    assert [attempt.outcome for attempt in replica.attempts] == [Outcome.DONE] * 10


async def test_a_crash_between_creating_and_recording(
    store: Store, replica: Replica, grafana: FakeGrafana, clock: ManualClock
) -> None:
    incident_id = await open_incident(store, clock)
    claim = await store.claim_delivery("grafana", clock.now(), LEASE)
    assert claim is not None
    await replica.sink.publish(claim.incident, claim.delivery)  # and here it dies
    await replica.drain()
    assert methods(grafana) == ["GET", "POST"]
    clock.advance(LEASE)
    await replica.drain()
    assert methods(grafana) == ["GET", "POST", "GET", "PATCH"]
    assert (await delivery(store, incident_id)).external_id == "1@"


async def test_a_paused_process_whose_lease_went_to_another(
    store: Store, replica: Replica, grafana: FakeGrafana, clock: ManualClock
) -> None:
    incident_id = await open_incident(store, clock)
    stale = await store.claim_delivery("grafana", clock.now(), LEASE)
    assert stale is not None
    clock.advance(LEASE)
    await replica.drain()
    known = await replica.sink.publish(stale.incident, stale.delivery)
    assert not await store.finish_delivery(stale, stale.delivery, None)
    assert known == (await delivery(store, incident_id)).external_id
    assert methods(grafana).count("POST") == 1


async def test_a_lost_answer(store: Store, replica: Replica, grafana: FakeGrafana, clock: ManualClock) -> None:
    incident_id = await open_incident(store, clock)
    grafana.lose_answer(method="POST")
    await replica.drain()
    assert (await delivery(store, incident_id)).state is DeliveryState.PENDING
    clock.advance(1)
    await replica.drain()
    assert (await delivery(store, incident_id)).state is DeliveryState.DONE
    assert methods(grafana).count("POST") == 1


async def test_an_outage_longer_than_the_deadline_is_visible_and_caught_up(
    store: Store, replica: Replica, grafana: FakeGrafana, clock: ManualClock
) -> None:
    ids = [await open_incident(store, clock, key) for key in "abc"]
    grafana.fail(503)
    for _ in range(700):
        await replica.drain()
        clock.advance(1)
    states = [await delivery(store, incident_id) for incident_id in ids]
    assert {one.state for one in states} == {DeliveryState.FAILED}
    assert all("503" in one.error for one in states)
    assert 10 < states[0].attempts < 30
    grafana.heal()
    for _ in range(60):
        await replica.drain()
        clock.advance(1)
    states = [await delivery(store, incident_id) for incident_id in ids]
    assert [(one.state, one.error, one.attempts) for one in states] == [(DeliveryState.DONE, "", 0)] * 3
    assert len(grafana.annotations) == 3


async def test_a_refused_credential_is_visible_and_tried_with_the_next_judgement(
    store: Store, replica: Replica, grafana: FakeGrafana, clock: ManualClock
) -> None:
    incident_id = await open_incident(store, clock)
    grafana.fail(401)
    await replica.drain()
    one = await delivery(store, incident_id)
    assert one.state is DeliveryState.FAILED
    assert "find annotations: answered 401: " in one.error
    clock.advance(3600)
    await replica.drain()
    assert len(grafana.requests) == 1
    grafana.heal()
    await store.accept(notification(alert("a"), alert("joined"), at=3600, key="a"))
    clock.advance(COOLDOWN)
    await judge(store, clock)
    await replica.drain()
    assert (await delivery(store, incident_id)).state is DeliveryState.DONE


async def test_replicas_at_once_make_no_second_annotation(
    postgres_url: str, grafana: FakeGrafana, clock: ManualClock
) -> None:
    """Two replicas on PostgreSQL, answers lost now and then."""
    async with AsyncExitStack() as stack:
        replicas = []
        for _ in range(2):
            store = PostgresStore(postgres_url, COOLDOWN, clock)
            stack.push_async_callback(store.close)
            await store.open()
            replicas.append(Replica(store, grafana, clock, Pace(poll=0.02)))
            stack.push_async_callback(replicas[-1].sink.aclose)
        ids = [await open_incident(store, clock, f"k{number}") for number in range(12)]
        grafana.lose_answer(method="POST", times=4)
        tasks = [asyncio.create_task(replica.worker.run()) for replica in replicas]
        async with asyncio.timeout(30):
            while {(await delivery(store, one)).state for one in ids} != {DeliveryState.DONE}:
                clock.advance(1)
                await asyncio.sleep(0.02)
        for replica in replicas:
            replica.worker.stop()
        await asyncio.gather(*tasks)
    assert sorted(len(grafana.with_tag(f"incident={one}")) for one in ids) == [1] * 12
    assert methods(grafana).count("POST") == 12
