"""The worker between the store's queue and one sink. Time stands still but where a test moves it."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

import pytest

from brain_common.clock import ManualClock
from brain_common.errors import PermanentError, TemporaryError
from brain_rca.model import Delivery, DeliveryState, Incident
from brain_rca.publish.attempt import Attempt, Backoff, Outcome
from brain_rca.publish.worker import DeliveryWorker, Pace
from brain_rca.store.protocol import DeliveryClaim
from tests.unit.publish.samples import OPENED, RECEIVED, claim, incident, told

pytestmark = pytest.mark.anyio

NOW = OPENED + 100
QUICK = Pace(publish_timeout=0.02, lease=60.0, poll=0.01, lanes=2)


class Queue:
    """The part of a store that the worker uses."""

    def __init__(self, *claims: DeliveryClaim) -> None:
        self.claims = list(claims)
        self.finished: list[tuple[DeliveryClaim, Delivery, float | None]] = []
        self.asked = 0
        self.leases: list[float] = []
        self.lost = False
        self.away: Exception | None = None

    async def claim_delivery(self, sink: str, now: float, lease_seconds: float) -> DeliveryClaim | None:
        self.asked += 1
        self.leases.append(lease_seconds)
        if self.away is not None:
            raise self.away
        return self.claims.pop(0) if self.claims else None

    async def finish_delivery(self, claim: DeliveryClaim, delivery: Delivery, next_due_at: float | None) -> bool:
        if self.away is not None:
            raise self.away
        self.finished.append((claim, delivery, next_due_at))
        return not self.lost


class Place:
    """A sink that does as the test says."""

    def __init__(self, do: Callable[[Incident], Awaitable[str]], name: str = "grafana") -> None:
        self.name = name
        self.refresh_seconds: float | None = 60.0
        self.min_interval_seconds = 60.0
        self._do = do
        self.told: list[tuple[Incident, Delivery]] = []

    async def publish(self, incident: Incident, delivery: Delivery) -> str:
        self.told.append((incident, delivery))
        return await self._do(incident)

    async def aclose(self) -> None: ...


def answering(external_id: str = "7@d") -> Place:
    async def do(_: Incident) -> str:
        return external_id

    return Place(do)


def raising(error: BaseException) -> Place:
    async def do(_: Incident) -> str:
        raise error

    return Place(do)


def hanging(name: str = "grafana") -> Place:
    async def do(_: Incident) -> str:
        await asyncio.Event().wait()
        return "never"

    return Place(do, name)


class Harness:
    """A worker with what it needs."""

    def __init__(self, place: Place, *claims: DeliveryClaim, pace: Pace = QUICK) -> None:
        self.queue = Queue(*claims)
        self.clock = ManualClock(NOW)
        self.attempts: list[Attempt] = []
        self.worker = DeliveryWorker(self.queue, place, self.clock, self.attempts.append, pace, random.Random(1))

    @property
    def result(self) -> tuple[Delivery, float | None]:
        [(_, delivery, due_at)] = self.queue.finished
        return delivery, due_at


# One step


async def test_nothing_due() -> None:
    harness = Harness(answering())
    assert await harness.worker.step() is False
    assert harness.attempts == []


async def test_a_delivery_is_carried_out_and_recorded() -> None:
    place = answering()
    harness = Harness(place, claim())
    assert await harness.worker.step() is True
    delivery, due_at = harness.result
    assert (delivery.state, delivery.external_id, due_at) == (DeliveryState.DONE, "7@d", NOW + 60)
    assert place.told == [(incident(), told())]
    assert harness.queue.leases == [60.0]


async def test_the_attempt_is_reported_with_when_its_analysis_was_ready() -> None:
    harness = Harness(answering(), claim())
    await harness.worker.step()
    [attempt] = harness.attempts
    assert (attempt.sink, attempt.incident_id, attempt.outcome) == ("grafana", incident().id, Outcome.DONE)
    assert attempt.analysed_at == RECEIVED + 2
    assert attempt.error == ""
    assert 0 <= attempt.seconds < 5


async def test_a_temporary_error_is_recorded_for_a_retry() -> None:
    harness = Harness(raising(TemporaryError("503", retry_after=30.0)), claim(first_attempt_at=NOW))
    await harness.worker.step()
    delivery, due_at = harness.result
    assert (delivery.state, delivery.attempts, delivery.error, due_at) == (DeliveryState.PENDING, 1, "503", NOW + 30)
    assert harness.attempts[0].outcome is Outcome.RETRY


async def test_a_permanent_error_is_recorded_for_people() -> None:
    harness = Harness(raising(PermanentError("401")), claim())
    await harness.worker.step()
    delivery, due_at = harness.result
    assert (delivery.state, delivery.error, due_at) == (DeliveryState.FAILED, "401", None)
    assert harness.attempts[0].outcome is Outcome.REFUSED


async def test_an_outage_past_the_deadline_fails_visibly_and_then_heals() -> None:
    pace = Pace(backoff=Backoff(first=1.0, slowest=60.0, deadline=600.0))
    place = raising(TemporaryError("503"))
    harness = Harness(place, claim(first_attempt_at=NOW), pace=pace)
    delivery = told()
    for _ in range(30):
        harness.queue.claims = [claim(delivery=delivery, first_attempt_at=NOW)]
        harness.queue.finished.clear()
        await harness.worker.step()
        delivery, due_at = harness.result
        assert due_at is not None
        harness.clock.advance(due_at - harness.clock.now())
    assert harness.clock.now() > NOW + 600
    assert (delivery.state, delivery.attempts) == (DeliveryState.FAILED, 30)
    assert due_at == pytest.approx(harness.clock.now())
    assert [attempt.outcome for attempt in harness.attempts].count(Outcome.OVERDUE) > 5

    async def heal(_: Incident) -> str:
        return "7@d"

    place._do = heal
    harness.queue.claims = [claim(delivery=delivery, first_attempt_at=NOW)]
    harness.queue.finished.clear()
    await harness.worker.step()
    assert (harness.result[0].state, harness.result[0].attempts) == (DeliveryState.DONE, 0)


async def test_a_sink_that_raises_anything_is_tried_again() -> None:
    harness = Harness(raising(ZeroDivisionError("oops token=abc")), claim(first_attempt_at=NOW))
    await harness.worker.step()
    delivery, due_at = harness.result
    assert delivery.error == "unexpected ZeroDivisionError: oops token=***"
    assert due_at is not None


async def test_a_sink_that_hangs_is_cut_off_before_its_lease_ends() -> None:
    harness = Harness(hanging(), claim(first_attempt_at=NOW))
    await harness.worker.step()
    assert harness.result[0].error == "grafana: no answer within 0.02 s"
    assert harness.attempts[0].outcome is Outcome.RETRY


def test_a_pace_whose_publications_outlast_their_lease_is_refused() -> None:
    with pytest.raises(ValueError, match="shorter than lease"):
        Pace(publish_timeout=60.0, lease=60.0)


async def test_a_lost_lease_is_logged_and_does_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    harness = Harness(answering(), claim())
    harness.queue.lost = True
    assert await harness.worker.step() is True
    assert f"the lease of incident {incident().id} was lost" in caplog.text


async def test_the_same_error_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    harness = Harness(raising(TemporaryError("503")), claim(first_attempt_at=NOW))
    await harness.worker.step()
    harness.queue.claims = [claim(delivery=harness.result[0], first_attempt_at=NOW)]
    await harness.worker.step()
    assert caplog.text.count("503") == 1


# The least interval


async def test_a_change_too_soon_after_the_last_one_waits_for_the_rest_of_the_minute() -> None:
    place = answering()
    harness = Harness(place, claim(delivery=told(external_id="7@d", updated_at=NOW - 20)))
    assert await harness.worker.step() is True
    assert place.told == []
    assert harness.attempts == []
    assert harness.result == (told(external_id="7@d", updated_at=NOW - 20), NOW + 40)


async def test_a_change_a_minute_later_is_told_at_once() -> None:
    place = answering()
    await Harness(place, claim(delivery=told(external_id="7@d", updated_at=NOW - 60))).worker.step()
    assert len(place.told) == 1


@pytest.mark.parametrize(
    "due",
    [
        claim(delivery=told(updated_at=NOW - 1)),
        claim(incident(closed_at=NOW - 1), told(external_id="7@d", updated_at=NOW - 1)),
        claim(delivery=told(external_id="7@d", attempts=1, updated_at=NOW - 1)),
    ],
    ids=["first", "closing", "retry"],
)
async def test_what_never_waits(due: DeliveryClaim) -> None:
    place = answering()
    await Harness(place, due).worker.step()
    assert len(place.told) == 1


# Running


async def finish(worker: DeliveryWorker, task: asyncio.Task[None]) -> None:
    worker.stop()
    await asyncio.wait_for(task, 5)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the fakes know nothing of events
            await asyncio.sleep(0)


async def test_it_delivers_until_stopped() -> None:
    harness = Harness(answering(), claim(), claim(), claim())
    task = asyncio.create_task(harness.worker.run())
    await until(lambda: len(harness.queue.finished) == 3)
    await finish(harness.worker, task)


async def test_waking_it_makes_it_look_at_once() -> None:
    pace = Pace(poll=3600.0, lanes=2)
    harness = Harness(answering(), pace=pace)
    task = asyncio.create_task(harness.worker.run())
    await until(lambda: harness.queue.asked == 2)
    harness.queue.claims.append(claim())
    harness.worker.wake()
    await until(lambda: len(harness.queue.finished) == 1)
    await finish(harness.worker, task)


async def test_stopping_it_lets_a_publication_end() -> None:
    released = asyncio.Event()

    async def slow(_: Incident) -> str:
        await released.wait()
        return "7@d"

    place = Place(slow)
    harness = Harness(place, claim(), pace=Pace(poll=3600.0))
    task = asyncio.create_task(harness.worker.run())
    await until(lambda: len(place.told) == 1)
    harness.worker.stop()
    released.set()
    await asyncio.wait_for(task, 5)
    assert harness.result[0].external_id == "7@d"


async def test_cancelling_it_records_nothing() -> None:
    place = hanging()
    harness = Harness(place, claim(), pace=Pace())
    task = asyncio.create_task(harness.worker.run())
    await until(lambda: len(place.told) == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert harness.queue.finished == []


async def test_one_hanging_publication_does_not_hold_up_the_others() -> None:
    hung: list[Incident] = []

    async def first_hangs(one: Incident) -> str:
        if not hung:
            hung.append(one)
            await asyncio.Event().wait()
        return "7@d"

    harness = Harness(Place(first_hangs), claim(), claim(), claim(), pace=Pace(poll=0.01, lanes=2))
    task = asyncio.create_task(harness.worker.run())
    await until(lambda: len(harness.queue.finished) == 2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_hanging_sink_does_not_stop_another() -> None:
    stuck = Harness(hanging("webhook:chat"), *[claim() for _ in range(8)], pace=Pace())
    fine = Harness(answering(), *[claim() for _ in range(8)], pace=Pace())
    tasks = [asyncio.create_task(harness.worker.run()) for harness in (stuck, fine)]
    await until(lambda: len(fine.queue.finished) == 8)
    assert stuck.queue.finished == []
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("error", [TemporaryError("no route password=x"), RuntimeError("bug")])
async def test_a_store_that_is_away_is_waited_for_and_logged_once(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    harness = Harness(answering())
    harness.queue.away = error
    task = asyncio.create_task(harness.worker.run())
    await until(lambda: harness.queue.asked > 6)
    harness.queue.claims.append(claim())
    harness.queue.away = None
    await until(lambda: len(harness.queue.finished) == 1)
    await finish(harness.worker, task)
    assert caplog.text.count("store: ") == 1
    assert caplog.text.count("the store answers again") == 1
    assert "password=x" not in caplog.text


def going_away(harness: Harness) -> Callable[[Incident], Awaitable[str]]:
    async def do(_: Incident) -> str:
        harness.queue.away = TemporaryError("gone")
        return "7@d"

    return do


async def test_what_was_told_is_noted_once_the_store_is_back() -> None:
    harness = Harness(place := answering(), claim())
    place._do = going_away(harness)
    step = asyncio.create_task(harness.worker.step())
    await until(lambda: harness.queue.away is not None)
    harness.queue.away = None
    assert await step
    assert harness.result[0].external_id == "7@d"
    assert len(place.told) == 1


async def test_a_store_that_stays_away_leaves_the_delivery_to_its_lease() -> None:
    harness = Harness(place := answering(), claim(), pace=Pace(publish_timeout=0.1, lease=0.3))
    place._do = going_away(harness)
    with pytest.raises(TemporaryError, match="gone"):
        await harness.worker.step()
    assert harness.queue.finished == []
