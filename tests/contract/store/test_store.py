"""What every store promises (``brain_rca.store.protocol.Store``)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from brain_common.clock import ManualClock
from brain_common.errors import InputError, TemporaryError
from brain_rca.model import AnalysisState, Delivery, DeliveryState, Incident, IncidentStatus, Severity
from brain_rca.store import audit
from brain_rca.store.merge import GRACE_SECONDS, MAX_ALERTS
from brain_rca.store.protocol import AnalysisClaim, DeliveryClaim, Outcome, Store
from tests.contract.store.conftest import StoreFactory
from tests.contract.store.samples import COOLDOWN, T0, alert, analysis, notification, resolved

pytestmark = pytest.mark.anyio

LEASE = 30.0
FAR = T0 + 1e6


async def stored(store: Store, incident_id: str) -> Incident:
    incident = await store.get(incident_id)
    assert incident is not None
    return incident


async def claim(store: Store, at: float) -> AnalysisClaim:
    claimed = await store.claim_analysis(T0 + at, LEASE)
    assert claimed is not None
    return claimed


async def analyse(store: Store, at: float, sinks: Sequence[str] = ("grafana",), next_due: float | None = None) -> str:
    """Claim what is due at ``T0 + at`` and finish it at once; returns the incident's id."""
    claimed = await claim(store, at)
    next_due_at = None if next_due is None else T0 + next_due
    assert await store.finish_analysis(claimed, analysis(at), T0 + at, sinks, next_due_at)
    return claimed.incident.id


async def claim_delivery(store: Store, at: float, sink: str = "grafana") -> DeliveryClaim:
    claimed = await store.claim_delivery(sink, T0 + at, LEASE)
    assert claimed is not None
    return claimed


async def due_in(store: Store) -> float | None:
    """Seconds after ``T0`` at which the earliest judgement is due."""
    oldest = (await store.depths(FAR)).oldest_due_at
    return None if oldest is None else oldest - T0


def done(claimed: DeliveryClaim, external_id: str = "42") -> Delivery:
    return replace(claimed.delivery, state=DeliveryState.DONE, external_id=external_id, updated_at=T0)


def retrying(claimed: DeliveryClaim) -> Delivery:
    return replace(claimed.delivery, attempts=claimed.delivery.attempts + 1, error="refused")


# Identity


async def test_a_firing_group_opens_an_incident(store: Store) -> None:
    acceptance = await store.accept(notification(alert("a"), alert("b", start=-90), truncated=3))

    incident = await stored(store, acceptance.incident_id)
    assert acceptance.outcome is Outcome.OPENED
    assert (incident.source, incident.receiver, incident.group_key) == ("main", "brain", '{}:{service="a"}')
    assert (incident.episode, incident.status, incident.severity) == (
        1,
        IncidentStatus.OPEN,
        Severity.WARNING,
    )
    assert (incident.opened_at, incident.received_at, incident.closed_at) == (T0 - 90, T0, None)
    assert [item.fingerprint for item in incident.alerts] == ["fp-a", "fp-b"]
    assert (incident.truncated_alerts, incident.notifications, incident.revision) == (3, 1, 1)
    assert (incident.analysis_state, incident.analysis, incident.deliveries) == (
        AnalysisState.PENDING,
        None,
        (),
    )
    assert len(incident.id) == 16
    assert len(incident.group_hash) == 12


@pytest.mark.parametrize(
    "other",
    [
        {"source": "other"},
        {"receiver": "other"},
        {"key": "other"},
        {"source": "mainbrain", "receiver": ""},
        {"source": 'main", "brain', "receiver": ""},
    ],
)
async def test_source_receiver_and_key_each_tell_groups_apart(store: Store, other: dict[str, str]) -> None:
    first = await store.accept(notification())
    second = await store.accept(notification(**other))  # type: ignore[arg-type]

    assert second.outcome is Outcome.OPENED
    assert second.incident_id != first.incident_id
    one, two = await stored(store, first.incident_id), await stored(store, second.incident_id)
    assert one.group_hash != two.group_hash


async def test_a_copy_from_another_peer_is_a_duplicate(store: Store) -> None:
    first = await store.accept(notification())
    second = await store.accept(notification(at=2))

    incident = await stored(store, first.incident_id)
    assert (second.incident_id, second.outcome) == (first.incident_id, Outcome.DUPLICATE)
    assert (incident.notifications, incident.revision) == (2, 1)


async def test_changed_annotations_are_kept_and_are_no_news(store: Store) -> None:
    await store.accept(notification(alert(annotations={"value": "1"})))
    again = await store.accept(notification(alert(annotations={"value": "2"}), at=60))

    assert again.outcome is Outcome.DUPLICATE
    assert (await stored(store, again.incident_id)).alerts[0].annotations == {"value": "2"}


async def test_a_late_copy_after_closing_is_ignored(store: Store) -> None:
    await store.accept(notification())
    await store.accept(resolved(at=60))

    late = await store.accept(notification(at=60 + GRACE_SECONDS - 1))

    assert (late.incident_id, late.outcome) == ("", Outcome.IGNORED)
    assert len(await store.list(limit=10)) == 1


@pytest.mark.parametrize(
    ("start", "received"),
    [(90.0, 100.0), (-30.0, 60 + GRACE_SECONDS + 1)],
    ids=["fired anew within the grace", "same instant after the grace"],
)
async def test_firing_again_opens_the_next_episode(store: Store, start: float, received: float) -> None:
    first = await store.accept(notification())
    await store.accept(resolved(at=60))

    second = await store.accept(notification(alert(start=start), at=received))

    assert second.outcome is Outcome.OPENED
    one, two = await stored(store, first.incident_id), await stored(store, second.incident_id)
    assert (two.episode, two.group_hash, two.status) == (2, one.group_hash, IncidentStatus.OPEN)
    assert (one.episode, one.status) == (1, IncidentStatus.RESOLVED)
    assert two.id != one.id


async def test_resolved_without_open_incident_is_ignored(store: Store) -> None:
    assert (await store.accept(resolved(at=0))).outcome is Outcome.IGNORED
    assert await store.list(limit=10) == []


async def test_a_late_copy_of_an_old_end_does_not_close_the_next_episode(store: Store) -> None:
    await store.accept(notification())
    await store.accept(resolved(at=60, end=55))
    await store.accept(notification(alert(start=90), at=100))

    late = await store.accept(resolved(at=110, end=55))

    assert late.outcome is Outcome.DUPLICATE
    assert (await stored(store, late.incident_id)).status is IncidentStatus.OPEN


async def test_closing(store: Store) -> None:
    await store.accept(notification(alert("a"), alert("b")))
    closing = await store.accept(resolved(alert("a", end=50), at=60))

    incident = await stored(store, closing.incident_id)
    assert closing.outcome is Outcome.CLOSED
    assert (incident.status, incident.closed_at) == (IncidentStatus.RESOLVED, T0 + 50)
    assert {item.status for item in incident.alerts} == {"resolved"}
    assert incident.revision == 2


@pytest.mark.parametrize("end", [-1e9, 1e9])
async def test_a_wrong_clock_does_not_move_the_closing_out_of_the_episode(store: Store, end: float) -> None:
    await store.accept(notification())
    closing = await store.accept(resolved(alert("b", start=-2e9, end=end), at=60))

    closed_at = (await stored(store, closing.incident_id)).closed_at
    assert closed_at == T0 + (60 if end > 0 else -30)


# Coalescing


async def test_an_alert_joins_the_open_incident(store: Store) -> None:
    first = await store.accept(notification(alert("a")))
    second = await store.accept(notification(alert("a"), alert("b", start=-300), at=10))

    incident = await stored(store, first.incident_id)
    assert (second.outcome, second.incident_id) == (Outcome.JOINED, first.incident_id)
    assert [item.fingerprint for item in incident.alerts] == ["fp-a", "fp-b"]
    assert (incident.revision, incident.opened_at) == (2, T0 - 300)


async def test_a_pending_judgement_is_never_moved_later(store: Store) -> None:
    await store.accept(notification(alert("a"), due=20))
    await store.accept(notification(alert("b"), at=10, due=30))

    assert await due_in(store) == 20
    assert await store.claim_analysis(T0 + 19, LEASE) is None
    assert [item.fingerprint for item in (await claim(store, 20)).incident.alerts] == ["fp-a", "fp-b"]


async def test_critical_does_not_wait_for_the_debounce(store: Store) -> None:
    await store.accept(notification(due=20))
    raised = await store.accept(notification(at=5, due=5, severity=Severity.CRITICAL))

    assert raised.outcome is Outcome.JOINED
    assert (await claim(store, 5)).incident.severity is Severity.CRITICAL


async def test_severity_is_never_lowered(store: Store) -> None:
    first = await store.accept(notification(severity=Severity.CRITICAL))
    assert (await store.accept(notification(severity=Severity.INFO))).outcome is Outcome.DUPLICATE
    assert (await stored(store, first.incident_id)).severity is Severity.CRITICAL


async def test_the_cooldown_holds_the_next_judgement_back(store: Store) -> None:
    await store.accept(notification(alert("a")))
    await analyse(store, 10)
    joined = await store.accept(notification(alert("b"), at=20, due=25))

    assert await due_in(store) == 10 + COOLDOWN
    assert (await stored(store, joined.incident_id)).analysis_state is AnalysisState.PENDING


async def test_a_duplicate_makes_nothing_due(store: Store) -> None:
    await store.accept(notification())
    await analyse(store, 0)
    await store.accept(notification(at=20))

    assert await due_in(store) is None


async def test_a_duplicate_that_is_due_now_ends_the_debounce_of_the_first_judgement(store: Store) -> None:
    await store.accept(notification(due=50))
    assert (await store.accept(notification(at=20))).outcome is Outcome.DUPLICATE

    assert await due_in(store) == 20


async def test_a_duplicate_does_not_end_the_cooldown(store: Store) -> None:
    await store.accept(notification(alert("a")))
    await analyse(store, 10)
    await store.accept(notification(alert("a"), alert("b"), at=20))
    await store.accept(notification(alert("a"), alert("b"), at=21))

    assert await due_in(store) == 10 + COOLDOWN


async def test_critical_does_not_wait_for_the_cooldown(store: Store) -> None:
    await store.accept(notification(alert("a")))
    await analyse(store, 10)
    await store.accept(notification(at=20, due=20, severity=Severity.CRITICAL))

    assert await due_in(store) == 20


async def test_an_end_and_a_new_start_of_one_alert_are_news(store: Store) -> None:
    await store.accept(notification(alert("a"), alert("b")))
    await analyse(store, 0)
    ended = await store.accept(notification(alert("a"), alert("b", end=10), at=15))
    stale = await store.accept(notification(alert("a"), alert("b"), at=16))
    anew = await store.accept(notification(alert("a"), alert("b", start=20), at=30))

    assert [item.outcome for item in (ended, stale, anew)] == [
        Outcome.JOINED,
        Outcome.DUPLICATE,
        Outcome.JOINED,
    ]
    assert (await stored(store, anew.incident_id)).alerts[1] == alert("b", start=20)


# The judgement


async def test_a_judgement_is_kept_and_asks_the_sinks(store: Store) -> None:
    await store.accept(notification())
    incident_id = await analyse(store, 5, sinks=["grafana", "webhook:x"])

    incident = await stored(store, incident_id)
    assert (incident.analysis_state, incident.analysis) == (AnalysisState.DONE, analysis(5))
    assert [item.sink for item in incident.deliveries] == ["grafana", "webhook:x"]
    assert {item.state for item in incident.deliveries} == {DeliveryState.PENDING}
    assert (await store.depths(T0 + 5)).deliveries == {"grafana": 1, "webhook:x": 1}
    assert incident.revision == 2


async def test_nobody_gets_leased_work_until_the_lease_ends(store: Store) -> None:
    await store.accept(notification())
    first = await claim(store, 0)

    assert await store.claim_analysis(T0 + LEASE - 1, LEASE) is None
    second = await claim(store, LEASE)
    assert not await store.finish_analysis(first, analysis(entity="stale"), T0 + LEASE, ["grafana"], None)
    await store.fail_analysis(first, "stale", T0)
    assert await store.finish_analysis(second, analysis(), T0 + LEASE, ["grafana"], None)
    assert not await store.finish_analysis(second, analysis(entity="again"), T0 + LEASE, ["x"], None)
    incident = await stored(store, first.incident.id)
    assert (incident.analysis, incident.analysis_error) == (analysis(), "")
    assert [item.sink for item in incident.deliveries] == ["grafana"]


async def test_the_longest_due_comes_first(store: Store) -> None:
    late = await store.accept(notification(key="late", due=3))
    early = await store.accept(notification(key="early", due=1))

    assert [(await claim(store, 9)).incident.id for _ in range(2)] == [early.incident_id, late.incident_id]
    assert await store.claim_analysis(T0 + 9, LEASE) is None


async def test_concurrent_workers_get_different_incidents(store: Store) -> None:
    for number in range(10):
        await store.accept(notification(key=f"group {number}"))

    claims = await asyncio.gather(*(store.claim_analysis(T0, LEASE) for _ in range(20)))

    taken = [item.incident.id for item in claims if item is not None]
    assert len(taken) == len(set(taken)) >= 1
    while (more := await store.claim_analysis(T0, LEASE)) is not None:
        taken.append(more.incident.id)
    assert len(taken) == len(set(taken)) == 10


async def test_what_joins_under_way_is_judged_after_the_cooldown(store: Store) -> None:
    await store.accept(notification(alert("a")))
    claimed = await claim(store, 0)
    await store.accept(notification(alert("b"), at=1, due=1))
    assert await store.finish_analysis(claimed, analysis(), T0 + 5, ["grafana"], T0 + 500)

    assert await due_in(store) == 5 + COOLDOWN
    assert (await stored(store, claimed.incident.id)).analysis_state is AnalysisState.PENDING


async def test_critical_under_way_is_judged_at_once(store: Store) -> None:
    await store.accept(notification())
    claimed = await claim(store, 0)
    await store.accept(notification(at=1, due=1, severity=Severity.CRITICAL))
    assert await store.finish_analysis(claimed, analysis(), T0 + 5, ["grafana"], None)

    assert await due_in(store) == 1


async def test_the_next_judgement_can_be_planned(store: Store) -> None:
    await store.accept(notification())
    await analyse(store, 0, next_due=120)
    assert await due_in(store) == 120


async def test_closing_drops_a_planned_judgement_but_not_one_still_owed(store: Store) -> None:
    await store.accept(notification(key="judged"))
    await analyse(store, 0, next_due=120)
    await store.accept(notification(key="owed", at=1))
    await store.accept(resolved(at=10, key="judged"))
    owed = await store.accept(resolved(at=10, key="owed"))

    assert (await claim(store, 500)).incident.id == owed.incident_id
    assert await store.claim_analysis(T0 + 500, LEASE) is None


async def test_a_closed_incident_is_not_judged_again_as_planned(store: Store) -> None:
    await store.accept(notification())
    claimed = await claim(store, 0)
    await store.accept(resolved(at=1))
    assert await store.finish_analysis(claimed, analysis(), T0 + 5, ["grafana"], T0 + 120)

    assert await due_in(store) is None


async def test_a_failed_judgement_is_tried_again(store: Store) -> None:
    await store.accept(notification())
    claimed = await claim(store, 0)
    await store.fail_analysis(claimed, "no answer", T0 + 8)

    incident = await stored(store, claimed.incident.id)
    assert (incident.analysis_state, incident.analysis_error) == (AnalysisState.FAILED, "no answer")
    assert await store.claim_analysis(T0 + 7, LEASE) is None
    await analyse(store, 8)
    assert (await stored(store, claimed.incident.id)).analysis_error == ""


async def test_a_judgement_that_could_not_be_read_back_is_refused(store: Store) -> None:
    await store.accept(notification())
    claimed = await claim(store, 0)
    broken = replace(analysis(), none_probability=float("nan"))
    with pytest.raises(InputError, match="analysis"):
        await store.finish_analysis(claimed, broken, T0, ["grafana"], None)

    assert await store.finish_analysis(claimed, analysis(), T0, ["grafana"], None)


# Deliveries


async def test_a_delivery_is_claimed_done_and_refreshed(store: Store) -> None:
    await store.accept(notification())
    incident_id = await analyse(store, 0)
    claimed = await claim_delivery(store, 1)

    assert claimed.incident == await stored(store, incident_id)
    assert (claimed.delivery.state, claimed.first_attempt_at) == (DeliveryState.PENDING, T0 + 1)
    assert await store.claim_delivery("grafana", T0 + 1, LEASE) is None
    assert await store.finish_delivery(claimed, done(claimed), T0 + 100)
    assert (await stored(store, incident_id)).deliveries == (done(claimed),)
    assert await store.claim_delivery("grafana", T0 + 99, LEASE) is None
    refresh = await claim_delivery(store, 100)
    assert (refresh.delivery.external_id, refresh.first_attempt_at) == ("42", T0 + 100)


async def test_a_mere_refresh_is_no_new_revision(store: Store) -> None:
    await store.accept(notification())
    incident_id = await analyse(store, 0)
    for at in (1.0, 101.0):
        claimed = await claim_delivery(store, at)
        assert await store.finish_delivery(claimed, replace(done(claimed), updated_at=T0 + at), T0 + 100)

    assert (await stored(store, incident_id)).revision == 3


async def test_sinks_do_not_wait_for_each_other(store: Store) -> None:
    await store.accept(notification())
    await analyse(store, 0, sinks=["grafana", "alertmanager"])
    await claim_delivery(store, 0, "grafana")

    assert (await claim_delivery(store, 0, "alertmanager")).sink == "alertmanager"
    assert await store.claim_delivery("unknown", FAR, LEASE) is None


async def test_the_deadline_of_a_retried_delivery_goes_on(store: Store) -> None:
    await store.accept(notification())
    await analyse(store, 0)
    first = await claim_delivery(store, 1)
    assert await store.finish_delivery(first, retrying(first), T0 + 10)

    second = await claim_delivery(store, 10)
    assert (second.first_attempt_at, second.delivery.attempts) == (T0 + 1, 1)
    assert second.delivery.error == "refused"


async def test_a_new_judgement_starts_a_new_deadline(store: Store) -> None:
    await store.accept(notification())
    await analyse(store, 0, next_due=50)
    first = await claim_delivery(store, 1)
    gave_up = replace(retrying(first), state=DeliveryState.FAILED)
    assert await store.finish_delivery(first, gave_up, None)
    assert await store.claim_delivery("grafana", FAR, LEASE) is None
    await analyse(store, 50)

    second = await claim_delivery(store, 51)
    assert (second.delivery.state, second.first_attempt_at) == (DeliveryState.PENDING, T0 + 51)


async def test_a_lost_lease_of_a_delivery_is_refused(store: Store) -> None:
    await store.accept(notification())
    await analyse(store, 0)
    first = await claim_delivery(store, 0)
    second = await claim_delivery(store, LEASE)

    assert not await store.finish_delivery(first, done(first, "old"), None)
    assert await store.finish_delivery(second, done(second, "new"), None)
    assert (await stored(store, first.incident.id)).deliveries[0].external_id == "new"


@pytest.mark.parametrize("how", ["joined", "judged", "closed"])
async def test_done_but_changed_meanwhile_is_due_at_once(store: Store, clock: ManualClock, how: str) -> None:
    await store.accept(notification())
    await analyse(store, 0, next_due=1)
    claimed = await claim_delivery(store, 0)
    await _change(store, how)
    clock.advance(5)
    assert await store.finish_delivery(claimed, done(claimed), T0 + 500)

    again = await claim_delivery(store, 5)
    assert (again.delivery.external_id, again.delivery.state) == ("42", DeliveryState.PENDING)
    assert again.first_attempt_at == T0 + 5


@pytest.mark.parametrize("how", ["joined", "judged", "closed"])
async def test_failed_and_changed_meanwhile_keeps_its_backoff(store: Store, how: str) -> None:
    await store.accept(notification())
    await analyse(store, 0, next_due=1)
    claimed = await claim_delivery(store, 0)
    await _change(store, how)
    assert await store.finish_delivery(claimed, retrying(claimed), T0 + 60)

    assert await store.claim_delivery("grafana", T0 + 59, LEASE) is None
    assert (await claim_delivery(store, 60)).first_attempt_at == T0 + 60


async def test_given_up_but_changed_meanwhile_is_tried_anew(store: Store) -> None:
    await store.accept(notification())
    await analyse(store, 0)
    claimed = await claim_delivery(store, 0)
    await _change(store, "joined")
    assert await store.finish_delivery(claimed, replace(claimed.delivery, state=DeliveryState.FAILED), None)

    assert (await claim_delivery(store, 0)).sink == "grafana"


async def _change(store: Store, how: str) -> None:
    if how == "joined":
        await store.accept(notification(alert("b"), at=1))
    elif how == "judged":
        await analyse(store, 1)
    else:
        await store.accept(resolved(at=1))


async def test_closing_is_published_at_once_to_every_sink_that_was_told(store: Store) -> None:
    await store.accept(notification())
    await analyse(store, 0, sinks=["grafana", "alertmanager"])
    for sink in ("grafana", "alertmanager"):
        claimed = await claim_delivery(store, 0, sink)
        assert await store.finish_delivery(claimed, done(claimed), T0 + 1000)
    await store.accept(resolved(at=20))

    for sink in ("grafana", "alertmanager"):
        claimed = await claim_delivery(store, 20, sink)
        assert claimed.incident.status is IncidentStatus.RESOLVED
        assert claimed.delivery.external_id == "42"
        assert await store.finish_delivery(claimed, done(claimed), None)
        assert await store.claim_delivery(sink, FAR, LEASE) is None


async def test_depths(store: Store) -> None:
    await store.accept(notification(key="running"))
    await store.accept(notification(key="due", due=1))
    await store.accept(notification(key="later", due=100))
    await analyse(store, 0)
    await claim(store, 1)
    retried = await claim_delivery(store, 1)
    await store.finish_delivery(retried, retrying(retried), T0 + 500)

    depths = await store.depths(T0 + 2)
    assert (depths.analyses, depths.oldest_due_at, depths.open_incidents) == (1, T0 + 1, 3)
    assert depths.deliveries == {"grafana": 1}


# Reading


async def test_what_is_not_there_is_none(store: Store) -> None:
    for name in ("0" * 16, "", "x\x00", "\ud800", "' OR 1=1"):
        assert await store.get(name) is None
    assert await store.by_fingerprint("nobody\x00") is None


async def test_by_fingerprint_gives_the_newest(store: Store) -> None:
    await store.accept(notification(alert("a"), alert("b")))
    await store.accept(resolved(alert("a", end=50), at=60))
    newest = await store.accept(notification(alert("a", start=90), at=100))
    joined = await store.accept(notification(alert("c"), at=110))

    found = [await store.by_fingerprint(f"fp-{name}") for name in "abc"]
    assert [item.episode if item else None for item in found] == [2, 1, 2]
    assert newest.incident_id == joined.incident_id


async def test_pages(store: Store) -> None:
    for number in range(7):
        await store.accept(notification(key=f"group {number}", at=number // 2))
    await store.accept(resolved(at=10, key="group 3"))

    seen: list[Incident] = []
    before = None
    while page := await store.list(limit=3, before=before):
        seen += page
        before = (page[-1].received_at, page[-1].id)
    order = [(item.received_at, item.id) for item in seen]
    assert len(order) == 7
    assert order == sorted(order, reverse=True)
    still_open = await store.list(limit=10, only_open=True)
    assert len(still_open) == 6
    assert {item.status for item in still_open} == {IncidentStatus.OPEN}
    with pytest.raises(InputError):
        await store.list(limit=3, before=(T0, "x\x00"))


async def test_changes_come_in_order_and_once(store: Store) -> None:
    first = await store.accept(notification(key="one"))
    second = await store.accept(notification(key="two"))
    await store.accept(notification(key="two"))
    page, cursor = await store.changed_since(0, 1)
    rest, end = await store.changed_since(cursor, 10)

    assert [item.id for item in (*page, *rest)] == [first.incident_id, second.incident_id]
    assert await store.changed_since(end, 10) == ([], end)
    await store.accept(notification(alert("new"), key="one"))
    changed, _ = await store.changed_since(end, 10)
    assert [(item.id, item.revision) for item in changed] == [(first.incident_id, 2)]
    assert await store.changed_since(2**70, 10) == ([], 2**63 - 1)


async def test_a_watcher_misses_no_change_of_concurrent_writers(store: Store) -> None:
    groups = [f"group {number % 12}" for number in range(120)]

    async def write() -> None:
        await asyncio.gather(*(store.accept(notification(alert(str(n)), key=key)) for n, key in enumerate(groups)))

    seen: dict[str, int] = {}
    cursor = 0
    writing = asyncio.create_task(write())
    is_over = False
    while not is_over:
        is_over = writing.done()
        changed, cursor = await store.changed_since(cursor, 5)
        is_over = is_over and not changed
        seen |= {item.id: item.revision for item in changed}
    await writing
    assert seen == {item.id: item.revision for item in await store.list(limit=100)}
    assert sorted(seen.values()) == [10] * 12


async def test_prune_deletes_what_closed_before_and_keeps_the_audit_log(store: Store) -> None:
    for number, closing in enumerate((10, 20, None)):
        await store.accept(notification(alert(str(number)), key=f"group {number}"))
        await analyse(store, 0)
        if closing is not None:
            await store.accept(resolved(alert(str(number), end=closing), at=closing, key=f"group {number}"))
    await store.append_audit("w", T0, "brain", "closed", "", {})

    assert await store.prune(T0 + 20) == 1
    assert await store.by_fingerprint("fp-0") is None
    assert (await store.depths(FAR)).deliveries == {"grafana": 2}
    assert len(await store.list(limit=10)) == 2
    assert await store.prune(T0 + 21) == 1
    assert len(await store.read_audit()) == 1
    again = await store.accept(notification(alert("0", start=900), key="group 0", at=1000))
    assert (await stored(store, again.incident_id)).episode == 2


async def test_prune_goes_on_until_all_are_gone(store: Store) -> None:
    names = [f"group {number}" for number in range(250)]
    await asyncio.gather(*(store.accept(notification(key=name)) for name in names))
    await asyncio.gather(*(store.accept(resolved(at=1, key=name)) for name in names))

    assert await store.prune(T0 + 2) == 250
    assert await store.list(limit=10) == []


# The audit log


async def test_the_audit_log_is_one_chain_a_writer(store: Store) -> None:
    writers = ["replica-1", "replica-2"]
    await asyncio.gather(
        *(
            store.append_audit(writers[number % 2], T0 + number / 7, "brain", "judged", "id", {"n": str(number)})
            for number in range(40)
        )
    )

    entries = await store.read_audit()
    assert [(item.writer, item.sequence) for item in entries] == [(w, n) for w in writers for n in range(1, 21)]
    assert audit.verify(entries, audit.heads(entries)) == []
    assert await store.read_audit("replica-2") == entries[20:]
    assert await store.read_audit("nobody") == []


# Hostile input


async def test_hostile_text_comes_back_unchanged(store: Store) -> None:
    text = "\x00 '; DROP TABLE brain_incidents; -- <script> \u202e 😀 %s ? {lock} " + "x" * 5000
    hostile = replace(alert(), fingerprint=text, labels={text: text}, annotations={text: text})
    accepted = await store.accept(notification(hostile, key=text, source=text, receiver=text))
    claimed = await claim(store, 0)
    assert await store.finish_analysis(claimed, analysis(entity=text), T0, [text], None)
    sent = await claim_delivery(store, 0, text)
    assert await store.finish_delivery(sent, done(sent, text), None)
    entry = await store.append_audit(text, T0, text, text, text, {text: text})

    incident = await stored(store, accepted.incident_id)
    assert incident.alerts == (hostile,)
    assert (incident.source, incident.receiver, incident.group_key) == (text, text, text)
    assert incident.analysis == analysis(entity=text)
    assert incident.deliveries[0].external_id == text
    assert await store.by_fingerprint(text) == incident
    assert (await store.depths(FAR)).deliveries == {}
    assert await store.read_audit(text) == [entry]
    assert audit.verify([entry]) == []


async def test_what_cannot_be_stored_is_refused_and_harms_nobody(store: Store) -> None:
    bad = [
        notification(replace(alert(), labels={"a": "\ud800"})),
        notification(key="\ud800"),
        notification(replace(alert(), starts_at=float("inf"))),
        replace(notification(), due_at=float("nan")),
    ]
    good = [notification(key=f"group {number}") for number in range(4)]
    mixed = [item for pair in zip(bad, good, strict=True) for item in pair]

    answers = await asyncio.gather(*map(store.accept, mixed), return_exceptions=True)

    assert all(isinstance(answer, InputError) for answer in answers[::2])
    assert len(await store.list(limit=10)) == 4


async def test_an_incident_has_a_bounded_number_of_alerts(store: Store) -> None:
    crowd = [alert(str(number)) for number in range(MAX_ALERTS + 10)]
    first = await store.accept(notification(*crowd, truncated=5))
    same = await store.accept(notification(*crowd, truncated=5))

    incident = await stored(store, first.incident_id)
    assert (len(incident.alerts), incident.truncated_alerts) == (MAX_ALERTS, 15)
    assert same.outcome is Outcome.DUPLICATE
    assert await store.by_fingerprint(f"fp-{MAX_ALERTS - 1}") is not None
    assert await store.by_fingerprint(f"fp-{MAX_ALERTS}") is None
    more = await store.accept(notification(*crowd, alert("more"), truncated=5))
    assert more.outcome is Outcome.JOINED
    assert (await stored(store, first.incident_id)).truncated_alerts == 16


# Life cycle


async def test_reopening_shows_everything(new_store: StoreFactory) -> None:
    store = new_store()
    await store.open()
    await store.accept(notification())
    await analyse(store, 0)
    claimed = await claim_delivery(store, 0)
    await store.append_audit("w", T0, "brain", "judged", "", {})
    before = await store.list(limit=10), await store.read_audit(), await store.changed_since(0, 10)
    await store.close()

    again = new_store()
    await again.open()
    try:
        assert (
            await again.list(limit=10),
            await again.read_audit(),
            await again.changed_since(0, 10),
        ) == before
        assert await again.finish_delivery(claimed, done(claimed), None)
        assert (await again.accept(notification(at=1))).outcome is Outcome.DUPLICATE
    finally:
        await again.close()


async def test_closing_twice_and_before_opening_is_harmless(new_store: StoreFactory) -> None:
    store = new_store()
    await store.close()
    await store.open()
    await store.ping()
    await store.close()
    await store.close()
    with pytest.raises(TemporaryError):
        await store.ping()
    with pytest.raises(TemporaryError):
        await store.list(limit=1)


async def test_concurrent_copies_of_a_new_group_make_one_incident(store: Store) -> None:
    answers = await asyncio.gather(*(store.accept(notification(at=number / 100)) for number in range(50)))

    assert sorted(answer.outcome for answer in answers) == [Outcome.DUPLICATE] * 49 + [Outcome.OPENED]
    [incident] = await store.list(limit=10)
    assert incident.notifications == 50


async def test_a_caller_that_gives_up_disturbs_nobody(store: Store) -> None:
    waiting = [asyncio.create_task(store.accept(notification(key=f"group {number}"))) for number in range(20)]
    await asyncio.sleep(0)
    for task in waiting[::2]:
        task.cancel()
    answers = await asyncio.gather(*waiting, return_exceptions=True)

    assert [type(answer).__name__ for answer in answers[1::2]] == ["Acceptance"] * 10
    assert len(await store.list(limit=100)) >= 10
    assert (await store.accept(notification(key="one more"))).outcome is Outcome.OPENED


# Silence


async def test_an_incident_nobody_speaks_of_any_more_is_closed_and_every_sink_is_told(store: Store) -> None:
    opened = await store.accept(notification())
    await analyse(store, 1, sinks=("grafana", "alertmanager"))
    for sink in ("grafana", "alertmanager"):
        told = await claim_delivery(store, 2, sink)
        assert await store.finish_delivery(told, done(told), None)

    assert await store.close_silent(T0, T0 + 500) == 0
    assert await store.close_silent(T0 + 1, T0 + 501) == 1

    incident = await stored(store, opened.incident_id)
    assert (incident.status, incident.closed_at) == (IncidentStatus.RESOLVED, T0 + 501)
    assert incident.closed_for_silence
    assert {(alert.status, alert.ends_at) for alert in incident.alerts} == {("resolved", T0 + 501)}
    for sink in ("grafana", "alertmanager"):
        assert (await claim_delivery(store, 501, sink)).incident.status is IncidentStatus.RESOLVED
    assert (await store.depths(FAR)).open_incidents == 0


async def test_a_duplicate_is_a_sign_of_life(store: Store) -> None:
    await store.accept(notification())
    assert (await store.accept(notification(at=400))).outcome is Outcome.DUPLICATE
    assert await store.close_silent(T0 + 400, T0 + 500) == 0
    assert await store.close_silent(T0 + 401, T0 + 501) == 1


async def test_a_judgement_still_owed_to_a_silent_incident_is_made(store: Store) -> None:
    await store.accept(notification())
    await store.close_silent(T0 + 1, T0 + 500)
    assert (await claim(store, 501)).incident.status is IncidentStatus.RESOLVED


async def test_alerts_that_fire_on_after_a_silence_open_the_next_episode_at_once(store: Store) -> None:
    first = await store.accept(notification())
    await store.close_silent(T0 + 1, T0 + 500)
    second = await store.accept(notification(at=501))
    assert second.outcome is Outcome.OPENED
    assert second.incident_id != first.incident_id
    assert (await store.accept(resolved(at=600))).outcome is Outcome.CLOSED
    assert not (await stored(store, second.incident_id)).closed_for_silence


async def test_an_incident_of_a_release_that_kept_no_time_counts_as_heard_of_now(store: Store) -> None:
    opened = await store.accept(notification(at=-T0))
    assert (await stored(store, opened.incident_id)).last_heard_at == 0
    assert await store.close_silent(T0, T0 + 500) == 0
    assert await store.close_silent(T0 + 500, T0 + 1000) == 0
    assert await store.close_silent(T0 + 501, T0 + 1001) == 1


async def test_silent_incidents_are_closed_in_batches_and_once(store: Store) -> None:
    for number in range(120):
        await store.accept(notification(key=f"group {number}", at=number % 3))
    closed = await asyncio.gather(*(store.close_silent(T0 + 2, T0 + 500) for _ in range(3)))
    closed.append(await store.close_silent(T0 + 2, T0 + 500))
    assert sum(closed) == 80
    assert {incident.received_at for incident in await store.list(limit=200, only_open=True)} == {T0 + 2}
