"""The policy: what becomes of one attempt."""

from __future__ import annotations

import random

import pytest

from brain_common.errors import PermanentError, TemporaryError
from brain_rca.model import DeliveryState
from brain_rca.publish.attempt import LONGEST_HINT, MAX_ERROR, Backoff, Outcome, describe, failed, succeeded
from brain_rca.publish.sink import Unfinished
from tests.unit.publish.samples import OPENED, claim, incident, told

NOW = OPENED + 100
BACKOFF = Backoff(first=1.0, slowest=60.0, deadline=600.0)


class Place:
    """A sink that is only asked for its pace."""

    name = "grafana"
    refresh_seconds: float | None = 60.0
    min_interval_seconds = 60.0


def jitter(seed: int = 1) -> random.Random:
    return random.Random(seed)


def test_success_forgets_the_errors_and_plans_the_refresh() -> None:
    after = succeeded(claim(delivery=told(attempts=3, error="refused")), Place(), "7@d", NOW)
    delivery = after.delivery
    assert (delivery.state, delivery.external_id, delivery.attempts, delivery.error, delivery.updated_at) == (
        DeliveryState.DONE,
        "7@d",
        0,
        "",
        NOW,
    )
    assert (after.due_at, after.outcome) == (NOW + 60, Outcome.DONE)


def test_a_closed_incident_is_not_refreshed() -> None:
    assert succeeded(claim(incident(closed_at=NOW)), Place(), "7@d", NOW).due_at is None


def test_a_sink_without_refresh_is_left_alone() -> None:
    place = Place()
    place.refresh_seconds = None
    assert succeeded(claim(), place, "7@d", NOW).due_at is None


@pytest.mark.parametrize(
    ("failures", "bound"), [(0, 1.0), (1, 2.0), (2, 4.0), (5, 32.0), (6, 60.0), (7, 60.0), (10_000, 60.0)]
)
def test_the_wait_doubles_up_to_the_slowest_and_is_spread(failures: int, bound: float) -> None:
    waits = [
        failed(claim(delivery=told(attempts=failures)), TemporaryError("x"), BACKOFF, jitter(seed), OPENED).due_at
        for seed in range(30)
    ]
    assert all(wait is not None and OPENED + bound / 2 <= wait <= OPENED + bound for wait in waits)
    assert len(set(waits)) > 20


def test_a_temporary_error_is_tried_again_and_shown() -> None:
    after = failed(claim(delivery=told(external_id="7@d")), TemporaryError("500"), BACKOFF, jitter(), NOW)
    assert (after.outcome, after.delivery.state) == (Outcome.RETRY, DeliveryState.PENDING)
    assert (after.delivery.external_id, after.delivery.attempts, after.delivery.error) == ("7@d", 1, "500")
    assert after.delivery.updated_at == NOW


def test_the_servers_hint_is_honoured() -> None:
    after = failed(claim(), TemporaryError("429", retry_after=120.0), BACKOFF, jitter(), NOW)
    assert after.due_at == NOW + 120


def test_a_hint_shorter_than_the_backoff_does_not_shorten_it() -> None:
    after = failed(claim(delivery=told(attempts=9)), TemporaryError("429", retry_after=1.0), BACKOFF, jitter(), NOW)
    assert after.due_at is not None
    assert after.due_at >= NOW + 30


@pytest.mark.parametrize("hint", [1e9, float("inf")])
def test_an_absurd_hint_is_capped(hint: float) -> None:
    after = failed(claim(), TemporaryError("429", retry_after=hint), BACKOFF, jitter(), NOW)
    assert after.due_at == NOW + LONGEST_HINT


def test_after_the_deadline_it_counts_as_failed_yet_goes_on_slowly() -> None:
    one = claim(first_attempt_at=NOW - 600)
    after = failed(one, TemporaryError("500"), BACKOFF, jitter(), NOW)
    assert (after.outcome, after.delivery.state, after.due_at) == (Outcome.OVERDUE, DeliveryState.FAILED, NOW + 60)


def test_a_second_before_the_deadline_it_does_not() -> None:
    after = failed(claim(first_attempt_at=NOW - 599), TemporaryError("500"), BACKOFF, jitter(), NOW)
    assert after.delivery.state is DeliveryState.PENDING


def test_failed_stays_failed_although_the_deadline_began_anew() -> None:
    one = claim(delivery=told(state=DeliveryState.FAILED, attempts=20), first_attempt_at=NOW)
    after = failed(one, TemporaryError("500"), BACKOFF, jitter(), NOW)
    assert (after.outcome, after.delivery.state, after.due_at) == (Outcome.OVERDUE, DeliveryState.FAILED, NOW + 60)


def test_a_permanent_error_ends_it_and_is_shown() -> None:
    after = failed(claim(), PermanentError("Grafana answered 401"), BACKOFF, jitter(), NOW)
    assert (after.outcome, after.delivery.state, after.due_at) == (Outcome.REFUSED, DeliveryState.FAILED, None)
    assert after.delivery.error == "Grafana answered 401"


def test_an_unexpected_exception_is_tried_again_and_named() -> None:
    after = failed(claim(), KeyError("id"), BACKOFF, jitter(), NOW)
    assert after.outcome is Outcome.RETRY
    assert after.delivery.error == "unexpected KeyError: 'id'"


def test_what_an_unfinished_attempt_told_is_kept() -> None:
    after = failed(claim(), Unfinished("1 of 2 peers", "alertname=X"), BACKOFF, jitter(), NOW)
    assert (after.outcome, after.delivery.external_id) == (Outcome.RETRY, "alertname=X")


def test_errors_are_short_single_lines_without_secrets() -> None:
    text = "no\nway \u202e " + "x" * 9000
    assert len(describe(TemporaryError(text))) == MAX_ERROR
    assert describe(TemporaryError(text)).startswith("no way x")
    shown = describe(ValueError("https://me:hunter2@host/ Authorization: Bearer abc.def token=s3cret"))
    assert not [secret for secret in ("hunter2", "abc.def", "s3cret") if secret in shown]
