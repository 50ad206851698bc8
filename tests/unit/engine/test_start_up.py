"""Pods that start are not ready and busy for a while; what lasts, or is seen elsewhere, tells of a failed rollout."""

from __future__ import annotations

import pytest

from brain_engine.findings import Finding
from brain_engine.rank.start_up import is_start_up, starts_of
from brain_engine.series import Direction, Event, EventKind, Family, Signal

ROLLOUT = 10_000.0
STARTS = {"cart": (ROLLOUT,)}


def finding(
    onset: float | None, until: float | None, family: Family = Family.AVAILABILITY, entity: str = "cart"
) -> Finding:
    signal = Signal("any", family, "1", Direction.UP)
    return Finding(entity, signal, 0, 9.0, 1.0, onset, Direction.UP, 0.0, 1.0, until=until)


@pytest.mark.parametrize("family", [Family.AVAILABILITY, Family.CPU, Family.MEMORY])
def test_what_begins_with_the_start_and_is_over_soon_is_part_of_it(family: Family) -> None:
    assert is_start_up(finding(ROLLOUT + 20.0, ROLLOUT + 150.0, family), STARTS, 30.0)
    assert is_start_up(finding(ROLLOUT - 30.0, ROLLOUT + 600.0, family), STARTS, 30.0)


@pytest.mark.parametrize(
    "other",
    [
        finding(ROLLOUT + 20.0, None),
        finding(None, ROLLOUT + 150.0),
        finding(ROLLOUT - 31.0, ROLLOUT + 150.0),
        finding(ROLLOUT + 20.0, ROLLOUT + 601.0),
        finding(ROLLOUT + 20.0, ROLLOUT + 150.0, Family.ERRORS),
        finding(ROLLOUT + 20.0, ROLLOUT + 150.0, Family.RESTARTS),
        finding(ROLLOUT + 20.0, ROLLOUT + 150.0, Family.LATENCY),
        finding(ROLLOUT + 20.0, ROLLOUT + 150.0, entity="front"),
    ],
    ids=["lasts", "undated", "before", "too long", "errors", "restarts", "slow", "somebody else"],
)
def test_everything_else_is_not(other: Finding) -> None:
    assert not is_start_up(other, STARTS, 30.0)


def test_of_a_replica_set_that_only_shrinks_no_pod_starts() -> None:
    down, up = (
        Event(
            at,
            "cart",
            "ScalingReplicaSet",
            f"Scaled {way} replica set cart-7d4f to 3 from {old}",
            "",
            EventKind.HAPPENED,
        )
        for at, way, old in ((1.0, "down", 5), (2.0, "up", 1))
    )
    assert starts_of([down, up]) == {"cart": (2.0,)}


def test_rollouts_and_scaling_start_pods_and_other_news_does_not() -> None:
    def event(at: float, reason: str, kind: EventKind = EventKind.HAPPENED) -> Event:
        return Event(at, "cart", reason, "", "", kind)

    news = (event(1.0, "rollout", EventKind.CHANGE), event(2.0, "ScalingReplicaSet"), event(3.0, "BackOff"))
    assert starts_of(news) == {"cart": (1.0, 2.0)}
