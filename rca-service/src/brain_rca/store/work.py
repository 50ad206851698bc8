"""When a piece of work may be claimed, and by whom; pure, so that every store decides alike.

A piece of work is the judgement of one incident, or telling one sink about it. It is due at a time, leased to
one worker under a token, and given back. What is asked for while a worker is at it is kept apart
(``again_at``) and looked at when the lease ends. A lease that runs out makes the work claimable again; nobody
has to notice.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from brain_rca.model import DeliveryState


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the work table; all times in seconds since the epoch.

    Attributes:
        due_at: When it is or was due; kept while leased. None: nothing to do.
        ready_at: When it may be claimed: ``due_at``, or the end of the lease.
        token: Of the lease; empty when there is none.
        again_at: Asked for while leased.
        urgent: What was asked for while leased ignores the cooldown.
        claimed_content: ``Record.content`` at the last claim.
        first_attempt_at: Of a delivery: start of the deadline; None when the next attempt is the first.
    """

    due_at: float | None = None
    ready_at: float | None = None
    token: str = ""
    again_at: float | None = None
    urgent: bool = False
    claimed_content: int = 0
    first_attempt_at: float | None = None


def ask(work: Work, at: float, *, urgent: bool = False) -> Work:
    """Make it due at ``at``, never later than it is already."""
    if work.token:
        return replace(work, again_at=earliest(work.again_at, at), urgent=work.urgent or urgent)
    due_at = earliest(work.due_at, at)
    return replace(work, due_at=due_at, ready_at=due_at)


def ask_anew(work: Work, at: float) -> Work:
    """As ``ask``, for a delivery of a newer revision: its deadline starts again."""
    asked = ask(work, at)
    return asked if work.token else replace(asked, first_attempt_at=None)


def drop(work: Work) -> Work:
    """Forget what is due; a worker that is at it may finish."""
    return work if work.token else replace(work, due_at=None, ready_at=None)


def claim(work: Work, token: str, now: float, lease_seconds: float, content: int) -> Work:
    """Lease it. What was asked for under a lease that ran out is part of this one."""
    is_first = work.first_attempt_at is None or work.claimed_content != content
    return replace(
        work,
        ready_at=now + lease_seconds,
        token=token,
        again_at=None,
        urgent=False,
        claimed_content=content,
        first_attempt_at=now if is_first else work.first_attempt_at,
    )


def after_analysis(work: Work, now: float, cooldown_seconds: float, planned_at: float | None) -> Work:
    """The judgement is done; due next when planned, or when something was asked for meanwhile."""
    again_at = work.again_at
    if again_at is not None and not work.urgent:
        again_at = max(again_at, now + cooldown_seconds)
    return _release(work, earliest(again_at, planned_at))


def after_failed_analysis(work: Work, retry_at: float) -> Work:
    """The judgement failed; due next at ``retry_at``, or when something was asked for meanwhile."""
    return _release(work, earliest(work.again_at, retry_at))


def is_outdated(work: Work, content: int) -> bool:
    """Whether the incident changed since the claim."""
    return work.again_at is not None or work.claimed_content != content


def after_delivery(work: Work, state: DeliveryState, now: float, next_due_at: float | None, content: int) -> Work:
    """The attempt is over. If the incident changed meanwhile it stays due; a retry keeps its backoff even
    then.
    """
    outdated = is_outdated(work, content)
    released = _release(work, _next_delivery(state, now, next_due_at) if outdated else next_due_at)
    keeps_deadline = state is DeliveryState.PENDING and work.again_at is None
    return released if keeps_deadline else replace(released, first_attempt_at=None)


def earliest(*times: float | None) -> float | None:
    """The least of those that are set."""
    return min((time for time in times if time is not None), default=None)


def _next_delivery(state: DeliveryState, now: float, next_due_at: float | None) -> float:
    if next_due_at is None:
        return now
    return min(now, next_due_at) if state is DeliveryState.DONE else next_due_at


def _release(work: Work, due_at: float | None) -> Work:
    return replace(work, due_at=due_at, ready_at=due_at, token="", again_at=None, urgent=False)
