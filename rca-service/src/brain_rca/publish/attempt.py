"""What becomes of one attempt to deliver: state, next time, and the report for the metrics.

Called by ``worker``; pure, so that the policy can be read and tested in one place. Exponential backoff with
jitter up to ``slowest`` seconds. After the deadline a delivery counts as failed, yet a temporary error is
tried on at the slow pace: an outage longer than the deadline is caught up as well, nobody has to press a
button. A permanent error ends it until the incident changes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import msgspec

from brain_common.errors import PermanentError, TemporaryError
from brain_common.logs import mask
from brain_common.retry import pace
from brain_rca.model import Delivery, DeliveryState, IncidentStatus
from brain_rca.publish.sink import Sink, Unfinished
from brain_rca.publish.text import clean
from brain_rca.store.protocol import DeliveryClaim

MAX_ERROR: Final = 500  # characters kept and shown on the page
LONGEST_HINT: Final = 600.0  # seconds; a server that asks for more is asked again anyway


class Outcome(StrEnum):
    """How an attempt ended; a label value of the metrics."""

    DONE = "done"
    RETRY = "retry"  # a temporary error within the deadline
    OVERDUE = "overdue"  # a temporary error after it
    REFUSED = "refused"  # a permanent error


@dataclass(frozen=True, slots=True)
class Attempt:
    """The report of one attempt."""

    sink: str
    incident_id: str
    outcome: Outcome
    seconds: float  # the sink took
    analysed_at: float | None  # when the analysis that it told about was finished; None without one
    error: str  # masked; empty when done


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait after the n-th failure in a row; all in seconds.

    Args:
        first: Upper bound of the first wait; doubled with every further failure.
        slowest: Upper bound of any, and the pace after the deadline.
        deadline: From the first attempt to the moment it counts as failed.
    """

    first: float = 1.0
    slowest: float = 60.0
    deadline: float = 600.0

    def wait(self, attempts: int, jitter: random.Random) -> float:
        """Between half the bound and the bound: spread out, but never at once."""
        return pace(attempts, self.first, self.slowest, jitter.random())


@dataclass(frozen=True, slots=True)
class Next:
    """What to record: the delivery, when it is due again (None: when the incident changes), and the outcome."""

    delivery: Delivery
    due_at: float | None
    outcome: Outcome


def succeeded(claim: DeliveryClaim, sink: Sink, external_id: str, now: float) -> Next:
    """Done; due again after the sink's refresh time while the incident is open."""
    delivery = msgspec.structs.replace(
        claim.delivery,
        state=DeliveryState.DONE,
        external_id=external_id,
        attempts=0,
        error="",
        updated_at=now,
    )
    refresh = sink.refresh_seconds if claim.incident.status is IncidentStatus.OPEN else None
    return Next(delivery, None if refresh is None else now + refresh, Outcome.DONE)


def failed(claim: DeliveryClaim, error: Exception, backoff: Backoff, jitter: random.Random, now: float) -> Next:
    """Not done; an unexpected exception counts as temporary, since the next version of the incident may avoid
    it.
    """
    attempts = claim.delivery.attempts + 1
    outcome = _outcome(claim, error, backoff, now)
    delivery = msgspec.structs.replace(
        claim.delivery,
        state=DeliveryState.PENDING if outcome is Outcome.RETRY else DeliveryState.FAILED,
        external_id=error.external_id if isinstance(error, Unfinished) else claim.delivery.external_id,
        attempts=attempts,
        error=describe(error),
        updated_at=now,
    )
    if outcome is Outcome.REFUSED:
        return Next(delivery, None, outcome)
    wait = backoff.slowest if outcome is Outcome.OVERDUE else backoff.wait(attempts, jitter)
    hint = error.retry_after if isinstance(error, TemporaryError) else None
    return Next(delivery, now + max(wait, min(hint or 0.0, LONGEST_HINT)), outcome)


def describe(error: Exception) -> str:
    """The error in one line, without secrets; foreign exceptions with their type."""
    known = isinstance(error, TemporaryError | PermanentError)
    text = str(error) if known else f"unexpected {type(error).__name__}: {error}"
    return clean(mask(text), MAX_ERROR)


def _outcome(claim: DeliveryClaim, error: Exception, backoff: Backoff, now: float) -> Outcome:
    if isinstance(error, PermanentError):
        return Outcome.REFUSED
    # Failed stays failed until it succeeds, whatever the store does with the start of the deadline
    # afterwards.
    overdue = claim.delivery.state is DeliveryState.FAILED or now - claim.first_attempt_at >= backoff.deadline
    return Outcome.OVERDUE if overdue else Outcome.RETRY
