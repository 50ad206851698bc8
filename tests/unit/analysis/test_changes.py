"""Which events are changes that came to a cause shortly before it began, and what is said of them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_engine.series import Event
from brain_rca.analysis.changes import KINDS, MAX_ACTOR, MAX_MESSAGE, SHORTLY, changes_before, lead, one_line, told
from brain_rca.model import Change, ChangeKind
from tests.unit.analysis.samples import CART, FRONT, ONSET, STEP

WORKLOAD = "lab/shop/workload/cart"


def event(before: float = 90.0, reason: str = "ConfigMapUpdated", message: str = "pool 20 -> 5", **of: str) -> Event:
    """Something that happened ``before`` the onset, in seconds."""
    return Event(ONSET - before, of.get("entity", CART), reason, message, of.get("actor", ""))


def found(*events: Event, entity: str = CART, path: tuple[str, ...] = (CART, FRONT)) -> list[Change]:
    return list(changes_before(ONSET, ONSET, STEP, entity, path, events))


def change(seconds_before: float = 90.0, message: str = "pool 20 -> 5", actor: str = "alex") -> Change:
    return Change(
        at=ONSET - seconds_before,
        kind=ChangeKind.CONFIG,
        seconds_before=seconds_before,
        reason="ConfigMapUpdated",
        message=message,
        actor=actor,
    )


def test_a_change_is_found_with_who_and_how_long_before() -> None:
    assert found(event(actor="alex")) == [change()]


@pytest.mark.parametrize("reason", KINDS)
def test_every_reason_of_a_change_is_known(reason: str) -> None:
    assert [one.kind for one in found(event(reason=reason))] == [KINDS[reason]]


@pytest.mark.parametrize("reason", ["Unhealthy", "BackOff", "Pulled", "", "configmapupdated"])
def test_what_merely_happens_is_no_change(reason: str) -> None:
    assert found(event(reason=reason)) == []


@pytest.mark.parametrize(
    ("message", "is_rollout"),
    [
        ("Scaled up replica set cart-7d4f9c6b8 to 1 from 0", True),
        ("Scaled up replica set cart-7d4f9c6b8 to 1", True),
        ("Scaled up replica set cart-7d4f9c6b8 to 10 from 3", False),
        ("Scaled down replica set cart-7d4f9c6b8 to 2 from 10", False),
    ],
)
def test_an_autoscaler_at_work_is_no_rollout(message: str, is_rollout: bool) -> None:
    assert bool(found(event(reason="ScalingReplicaSet", message=message))) == is_rollout


@pytest.mark.parametrize(
    ("before", "near"),
    [
        (SHORTLY, True),
        (SHORTLY + 1, False),
        (0.0, True),
        (-STEP, True),
        (-STEP - 1, False),
        (math.nan, False),
        (math.inf, False),
    ],
)
def test_only_shortly_before_the_onset_counts_with_a_step_of_slack(before: float, near: bool) -> None:
    assert bool(found(event(before))) == near


def test_a_change_that_seems_to_come_after_the_onset_came_together_with_it() -> None:
    [one] = found(event(-STEP))
    assert one.seconds_before == 0.0
    assert lead(one) == "when the cause began"


def test_a_change_between_the_first_finding_and_the_one_that_is_quoted_came_after_the_cause_began() -> None:
    one, *none = changes_before(ONSET - 300, ONSET, STEP, CART, (CART,), [event(90.0)])
    assert (one.seconds_before, lead(one), none) == (-210.0, "210 s after the cause began", [])


@pytest.mark.parametrize(
    ("entity", "path", "of", "same"),
    [
        (CART, (CART, FRONT), FRONT, False),
        (CART, (CART, WORKLOAD, FRONT), WORKLOAD, True),
        (CART, (CART, FRONT), WORKLOAD, False),
        (CART, (CART, "lab/other/workload/cart"), "lab/other/workload/cart", False),
        ("lab/shop/database/cart", ("lab/shop/database/cart", CART), CART, False),
        (CART, (CART, "lab/shop/topic/cart"), "lab/shop/topic/cart", False),
    ],
    ids=["a caller", "its workload", "not on the path", "a namesake elsewhere", "who uses it", "its topic"],
)
def test_the_same_thing_on_the_path_is_meant_too(entity: str, path: tuple[str, ...], of: str, same: bool) -> None:
    assert bool(found(event(entity=of), entity=entity, path=path)) == same


def test_of_each_kind_the_last_one_is_named_the_latest_first() -> None:
    storm = [event(1000.0 - number, "Synced", f"sync {number}") for number in range(900)]
    told_of = found(*reversed(storm), event(1500.0, message="old"), event(1200.0, message="new"))
    assert [(one.kind, one.message) for one in told_of] == [
        (ChangeKind.SYNC, "sync 899"),
        (ChangeKind.CONFIG, "new"),
    ]


def test_the_order_of_events_does_not_decide() -> None:
    events = [event(message="a"), event(message="b"), event(reason="Synced"), event(reason="Deployed")]
    assert found(*events) == found(*reversed(events))


@pytest.mark.parametrize(
    ("one", "text"),
    [
        (change(), "ConfigMapUpdated: pool 20 -> 5 (by alex)"),
        (change(actor=""), "ConfigMapUpdated: pool 20 -> 5"),
        (change(message="", actor=""), "ConfigMapUpdated"),
    ],
)
def test_what_is_not_known_is_not_told(one: Change, text: str) -> None:
    assert told(one) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "when the cause began"),
        (1.0, "1 s before the cause began"),
        (90.0, "90 s before the cause began"),
        (299.0, "299 s before the cause began"),
        (330.0, "6 min before the cause began"),
        (1800, "30 min before the cause began"),
        (-330.0, "6 min after the cause began"),
    ],
)
def test_how_long_before(seconds: float, text: str) -> None:
    assert lead(change(seconds)) == text


def test_a_secret_in_a_message_is_masked_and_a_full_stop_is_left_to_the_sentence() -> None:
    [one] = found(event(message="DB_PASSWORD: hunter2 -> DB_PASSWORD: hunter3."))
    assert "hunter" not in one.message
    assert not one.message.endswith(".")


@given(message=st.text(max_size=2000), actor=st.text(max_size=500))
def test_whatever_an_event_says_is_one_short_line(message: str, actor: str) -> None:
    [one] = found(event(message=message, actor=actor))
    assert len(one.message) <= MAX_MESSAGE
    assert len(one.actor) <= MAX_ACTOR
    assert (one.message + one.actor).isprintable()


def test_a_megabyte_is_cut() -> None:
    line = one_line("a\u202eb\nc\x1b[31m " * 100_000, 40)
    assert len(line) <= 40
    assert line.startswith("a b c [31m")
    assert line.endswith("…")
