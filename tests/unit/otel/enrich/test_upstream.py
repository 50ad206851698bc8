"""What was heard holds for a while; how it goes is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import pytest

from brain_common.clock import ManualClock
from brain_common.errors import PermanentError
from brain_otel.enrich.kind import Context
from brain_otel.enrich.upstream import Upstream
from tests.unit.otel.enrich.samples import T0, context

pytestmark = pytest.mark.anyio


def value(of: Context, name: str) -> float | None:
    return of.registry.get_sample_value(f"brain_otel_enricher_{name}", {"enricher": "cost"})


def test_an_answer_holds_until_it_is_stale() -> None:
    clock = ManualClock(T0)
    one = Upstream("cost", context(clock=clock), 60.0, "nothing")
    assert one.known == "nothing"
    one.learn("much")
    clock.advance(60.0)
    assert one.known == "much"
    clock.advance(0.1)
    assert one.known == "nothing"
    one.learn("more")
    assert one.known == "more"


def test_how_it_goes_is_told() -> None:
    given = context()
    one = Upstream("cost", given, 60.0, "nothing")
    assert (value(given, "last_success_timestamp_seconds"), value(given, "failures_total")) == (0.0, 0.0)
    one.learn("much")
    one.failed(PermanentError("no"))
    assert (value(given, "last_success_timestamp_seconds"), value(given, "failures_total")) == (T0, 1.0)
    assert one.known == "much"


def test_a_repeated_error_is_said_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    one = Upstream("cost", context(), 60.0, "nothing")
    for error in ("no", "no", "never"):
        one.failed(PermanentError(error))
    one.learn("much")
    one.learn("more")
    assert [record.getMessage() for record in caplog.records] == [
        "cost: no; what was known holds for 60 s",
        "cost: never; what was known holds for 60 s",
        "cost: its source answers again",
    ]


async def test_it_goes_on_asking_after_an_error() -> None:
    given = context()
    one = Upstream("cost", given, 60.0, "nothing")
    answers: Iterator[str] = iter(["", "much"])
    enough = asyncio.Event()

    async def ask() -> str:
        answer = next(answers, None)
        if answer is None:
            enough.set()
            return "more"
        if not answer:
            raise PermanentError("no")
        return answer

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(one.keep_asking(ask, 0.01))
        await enough.wait()
        asking.cancel()
    assert value(given, "failures_total") == 1.0
    assert one.known in ("much", "more")


async def test_a_fault_of_the_program_is_no_error_of_the_source() -> None:
    async def ask() -> str:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Upstream("cost", context(), 60.0, "nothing").keep_asking(ask, 0.01)
