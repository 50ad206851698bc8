"""What a notification does, apart from any database."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from brain_rca.model import Alert, IncidentStatus
from brain_rca.store import merge
from brain_rca.store.merge import GRACE_SECONDS, Decision, Record
from brain_rca.store.protocol import Notification, Outcome
from tests.contract.store.samples import COOLDOWN, T0, alert, notification, resolved

GROUP = merge.identity(notification().group)


def decide(item: Notification, current: Record | None = None, *recent: Record) -> Decision:
    last_episode = max((record.incident.episode for record in (current, *recent) if record), default=0)
    closed = [record.incident for record in recent]
    return merge.decide(item, GROUP, last_episode, current, closed, COOLDOWN)


def opened(*alerts: Alert) -> Record:
    record = decide(notification(*alerts)).record
    assert record is not None
    return record


def test_the_same_group_has_the_same_ids_everywhere() -> None:
    """They are in the tags of annotations that outlive an upgrade, so they must not change."""
    assert GROUP == "ed7dd2a8f9b131af5c4c1db5c063d4dfc9f323f94b5fa881319dace8717399a5"
    assert opened().incident.id == "50c489269dc43e9d"


@given(st.tuples(st.text(), st.text(), st.text()), st.tuples(st.text(), st.text(), st.text()))
def test_identities_differ_when_any_part_does(one: tuple[str, str, str], two: tuple[str, str, str]) -> None:
    first, second = (
        merge.identity(notification(source=source, receiver=receiver, key=key).group)
        for source, receiver, key in (one, two)
    )
    assert (first == second) == (one == two)


def test_a_firing_group_without_a_firing_alert_opens_nothing() -> None:
    assert decide(notification(alert(end=-1))).outcome is Outcome.IGNORED


def test_one_unknown_alert_makes_it_no_late_copy() -> None:
    closed = opened(alert("a"))
    assert decide(notification(alert("a"), at=9), None, closed).outcome is Outcome.IGNORED
    assert decide(notification(alert("a"), alert("b"), at=9), None, closed).outcome is Outcome.OPENED


def test_a_repeated_fingerprint_in_one_notification_counts_once() -> None:
    assert [item.starts_at for item in opened(alert(start=-9), alert(start=-5)).incident.alerts] == [T0 - 5]


def test_an_alert_dated_as_nothing_can_be_does_not_say_when_the_incident_opened() -> None:
    year_1, ahead = -62135596800 - T0, 1e9
    assert opened(alert("a", start=year_1)).incident.opened_at == T0
    assert opened(alert("a", start=ahead)).incident.opened_at == T0
    current = opened(alert("a", start=-60), alert("b", start=year_1))
    assert current.incident.opened_at == T0 - 60
    joined = decide(notification(alert("a", start=-60), alert("c", start=year_1), at=30), current).record
    assert joined is not None
    assert joined.incident.opened_at == T0 - 60
    assert joined.incident.alerts[-1].starts_at == T0 + year_1  # it tells a repeat from news


def test_firing_again_since_the_same_instant_is_news_only_after_the_grace() -> None:
    current = opened(alert("a"), alert("b", end=-1))
    early = decide(notification(alert("a"), alert("b"), at=GRACE_SECONDS - 1), current)
    late = decide(notification(alert("a"), alert("b"), at=GRACE_SECONDS), current)
    assert (early.outcome, late.outcome) == (Outcome.DUPLICATE, Outcome.JOINED)


def test_a_resolved_group_about_unknown_alerts_closes() -> None:
    """Their firing notification was lost; without this the incident would stay open for ever."""
    decision = decide(resolved(alert("z", end=50), at=60), opened(alert("a")))
    assert decision.outcome is Outcome.CLOSED
    assert decision.record is not None
    assert decision.record.incident.alerts == (
        replace(alert("a"), status="resolved", ends_at=T0 + 50),
        alert("z", end=50),
    )


def test_an_end_without_a_time_closes_now() -> None:
    item = resolved(replace(alert(), status="resolved"), at=60)
    record = decide(item, opened()).record
    assert record is not None
    assert (record.incident.closed_at, record.closing_received_at) == (T0 + 60, T0 + 60)


STATES = st.builds(
    lambda name, start, length: alert(name, start=start, end=None if length is None else start + length),
    st.sampled_from("abc"),
    st.integers(-100, -1),
    st.none() | st.integers(0, 50),
)


@given(st.lists(st.lists(STATES, min_size=1, max_size=4), min_size=1, max_size=8))
def test_any_order_of_copies_keeps_the_invariants(groups: list[list[Alert]]) -> None:
    current: Record | None = None
    for alerts in groups:
        status = "firing" if any(item.status == "firing" for item in alerts) else "resolved"
        item = notification(*alerts, status=status)
        current = decide(item, current).record or current
        if current is None:
            continue
        again = decide(item, current)
        if current.incident.status is IncidentStatus.RESOLVED:
            assert {member.status for member in current.incident.alerts} == {"resolved"}
            return
        assert again.outcome in {Outcome.DUPLICATE, Outcome.CLOSED}
        assert len({member.fingerprint for member in current.incident.alerts}) == len(current.incident.alerts)


@given(st.lists(STATES, min_size=1, max_size=6))
def test_a_repeated_notification_is_a_duplicate(alerts: list[Alert]) -> None:
    current = opened(alert("always"))
    item = notification(alert("always"), *alerts, at=10)
    joined = decide(item, current).record
    assert joined is not None
    assert decide(item, joined).outcome is Outcome.DUPLICATE
