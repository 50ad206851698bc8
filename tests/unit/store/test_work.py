"""When work may be claimed, apart from any database."""

from __future__ import annotations

from msgspec.structs import replace

from brain_rca.model import DeliveryState
from brain_rca.store import work
from brain_rca.store.work import Work

LEASED = work.claim(work.ask(Work(), 1.0), "token", 2.0, 30.0, content=1)


def test_asking_never_moves_it_later() -> None:
    due = work.ask(work.ask(Work(), 5.0), 9.0)
    assert (due.due_at, due.ready_at) == (5.0, 5.0)
    assert work.ask(due, 1.0).ready_at == 1.0


def test_a_lease_hides_it_and_keeps_when_it_was_due() -> None:
    assert (LEASED.due_at, LEASED.ready_at, LEASED.first_attempt_at) == (1.0, 32.0, 2.0)
    asked = work.ask(LEASED, 3.0)
    assert (asked.ready_at, asked.again_at) == (32.0, 3.0)
    assert work.drop(asked) == asked


def test_a_new_lease_takes_over_what_was_asked_under_the_old_one() -> None:
    again = work.claim(work.ask(LEASED, 3.0, urgent=True), "other", 40.0, 30.0, content=2)
    assert (again.again_at, again.urgent, again.token) == (None, False, "other")


def test_the_cooldown_counts_from_the_end_of_the_judgement() -> None:
    asked = work.ask(LEASED, 3.0)
    assert work.after_analysis(asked, 10.0, 60.0, None).due_at == 70.0
    assert work.after_analysis(asked, 10.0, 60.0, 50.0).due_at == 50.0
    assert work.after_analysis(replace(asked, urgent=True), 10.0, 60.0, 50.0).due_at == 3.0
    assert work.after_analysis(LEASED, 10.0, 60.0, None) == replace(LEASED, due_at=None, ready_at=None, token="")


def test_a_failed_judgement_waits_for_its_retry_unless_asked_for_before() -> None:
    assert work.after_failed_analysis(LEASED, 99.0).due_at == 99.0
    assert work.after_failed_analysis(work.ask(LEASED, 50.0), 99.0).due_at == 50.0


def test_the_deadline_of_a_delivery_goes_on_only_while_it_is_retried() -> None:
    retried = work.after_delivery(LEASED, DeliveryState.PENDING, 5.0, 9.0, content=1)
    assert retried.first_attempt_at == 2.0
    assert work.claim(retried, "t", 9.0, 30.0, content=1).first_attempt_at == 2.0
    assert work.claim(retried, "t", 9.0, 30.0, content=2).first_attempt_at == 9.0
    for state in (DeliveryState.DONE, DeliveryState.FAILED):
        assert work.after_delivery(LEASED, state, 5.0, 9.0, content=1).first_attempt_at is None


def test_a_delivery_that_was_overtaken_stays_due() -> None:
    def due_at(state: DeliveryState, next_due_at: float | None) -> float | None:
        return work.after_delivery(LEASED, state, 5.0, next_due_at, content=2).due_at

    assert due_at(DeliveryState.DONE, None) == 5.0
    assert due_at(DeliveryState.DONE, 3.0) == 3.0
    assert due_at(DeliveryState.DONE, 9.0) == 5.0
    assert due_at(DeliveryState.PENDING, 9.0) == 9.0
    assert due_at(DeliveryState.FAILED, None) == 5.0
    assert work.after_delivery(LEASED, DeliveryState.DONE, 5.0, None, content=1).due_at is None
