"""What every store promises of feedback, of incidents with one cause, and of similar ones in the past."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from brain_common.clock import ManualClock
from brain_common.errors import InputError
from brain_rca.model import Analysis, DeliveryState, Feedback, FeedbackKind, Incident, SimilarIncident
from brain_rca.store.feedback import MOST_PER_INCIDENT
from brain_rca.store.postgres import PostgresStore
from brain_rca.store.protocol import Experience, Store
from brain_rca.store.rows import SHARED_SHOWN
from tests.contract.store.conftest import StoreFactory
from tests.contract.store.samples import T0, alert, analysis, notification, resolved

pytestmark = pytest.mark.anyio

A, B = "c/n/service/a", "c/n/service/b"


async def judged(store: Store, key: str, at: float = 0, sinks: Sequence[str] = (), **said: Any) -> str:
    """An incident of the group ``key``, received and judged at ``T0 + at``."""
    accepted = await store.accept(notification(alert(key), key=key, at=at, due=-1))
    await rejudged(store, at, sinks, **said)
    return accepted.incident_id


async def rejudged(store: Store, at: float, sinks: Sequence[str] = (), **said: Any) -> str:
    claim = await store.claim_analysis(T0 + at, 30.0)
    assert claim is not None
    assert await store.finish_analysis(claim, analysis(at, **said), T0 + at, sinks, T0 + at)
    return claim.incident.id


async def stored(store: Store, incident_id: str) -> Incident:
    incident = await store.get(incident_id)
    assert incident is not None
    return incident


def said(entity: str = A, kind: FeedbackKind = FeedbackKind.CONFIRMED, at: float = 100, **rest: str) -> Feedback:
    return Feedback(entity=entity, kind=kind, at=T0 + at, **({"actor": "ann", "fault_kind": "latency"} | rest))


# Feedback


async def test_feedback_is_on_the_incident_and_survives_a_restart(store: Store, new_store: StoreFactory) -> None:
    incident_id = await judged(store, "one")
    before = await stored(store, incident_id)
    assert await store.give_feedback(incident_id, said(fix="restarted \x00 it"))
    await store.close()

    again = new_store()
    await again.open()
    try:
        after = await stored(again, incident_id)
    finally:
        await again.close()
    assert after.feedback == (said(fix="restarted \x00 it"),)
    assert after.confirmed == after.feedback[0]
    assert after.revision > before.revision


async def test_what_is_said_of_the_same_entity_again_takes_the_place_of_the_former(store: Store) -> None:
    incident_id = await judged(store, "one")
    await store.give_feedback(incident_id, said())
    await store.give_feedback(incident_id, said(kind=FeedbackKind.REJECTED, at=101))
    await store.give_feedback(incident_id, said(B, at=102))

    incident = await stored(store, incident_id)
    assert [(one.entity, one.kind) for one in incident.feedback] == [
        (A, FeedbackKind.REJECTED),
        (B, FeedbackKind.CONFIRMED),
    ]


async def test_feedback_about_an_unknown_incident_is_refused(store: Store) -> None:
    assert not await store.give_feedback("0" * 16, said())
    assert not await store.give_feedback("no id", said())
    assert await store.withdraw_feedback("0" * 16, A, T0) is None


async def test_feedback_about_an_incident_is_bounded(store: Store) -> None:
    incident_id = await judged(store, "one")
    for place in range(MOST_PER_INCIDENT):
        await store.give_feedback(incident_id, said(f"c/n/service/{place}"))
    with pytest.raises(InputError, match="take some of it back"):
        await store.give_feedback(incident_id, said("c/n/service/more"))
    assert await store.give_feedback(incident_id, said("c/n/service/0", at=200))


async def test_sinks_that_were_told_of_an_open_incident_are_told_again(store: Store) -> None:
    incident_id = await judged(store, "one", sinks=("grafana",))
    claim = await store.claim_delivery("grafana", T0 + 1, 30.0)
    assert claim is not None
    done = type(claim.delivery)(sink="grafana", state=DeliveryState.DONE, external_id="42", updated_at=T0 + 1)
    await store.finish_delivery(claim, done, None)
    assert await store.claim_delivery("grafana", T0 + 50, 30.0) is None

    await store.give_feedback(incident_id, said(at=60))

    told = await store.claim_delivery("grafana", T0 + 60, 30.0)
    assert told is not None
    assert told.delivery.external_id == "42"
    assert told.incident.confirmed is not None


async def test_experience_counts_confirmations_and_rejections_of_other_incidents(store: Store) -> None:
    first, second, third = [await judged(store, key, at * 1e4, onset=at * 1e4) for at, key in enumerate("abc")]
    await store.give_feedback(first, said(at=1))
    await store.give_feedback(second, said(at=2))
    await store.give_feedback(second, said(B, FeedbackKind.REJECTED, at=3))

    assert await store.experience(third, T0, 100) == [
        Experience(entity=B, fault_kind="latency", confirmed=0, rejected=1, last_at=T0 + 3),
        Experience(entity=A, fault_kind="latency", confirmed=2, rejected=0, last_at=T0 + 2),
    ]
    assert [one.confirmed for one in await store.experience(first, T0, 100)] == [0, 1]
    assert len(await store.experience(third, T0, 1)) == 1


async def test_taking_feedback_back_leaves_nothing_of_it(store: Store) -> None:
    first, second = await judged(store, "one"), await judged(store, "two", 1e4, onset=1e4)
    untouched = await store.experience(second, T0, 100)
    before = await store.past_with_cause(
        B, "errors", except_for=second, onset=T0 + 9e5, after=0, before=T0 + 1e6, limit=5
    )
    await store.give_feedback(first, said(B, fault_kind="errors"))
    assert (
        await store.past_with_cause(B, "errors", except_for=second, onset=T0 + 9e5, after=0, before=T0 + 1e6, limit=5)
        != before
    )

    assert await store.withdraw_feedback(first, B, T0 + 200) == said(B, fault_kind="errors")

    assert await store.withdraw_feedback(first, B, T0 + 201) is None
    assert await store.experience(second, T0, 100) == untouched == []
    assert (
        await store.past_with_cause(B, "errors", except_for=second, onset=T0 + 9e5, after=0, before=T0 + 1e6, limit=5)
        == before
    )
    assert (await stored(store, first)).feedback == ()


async def test_incidents_that_share_a_cause_count_once_and_not_for_each_other(store: Store) -> None:
    first, second = await judged(store, "one"), await judged(store, "two", 60)
    third = await judged(store, "three", 1e4, onset=1e4)
    for incident_id in (first, second):
        await store.give_feedback(incident_id, said())

    assert [one.confirmed for one in await store.experience(third, T0, 100)] == [1]
    assert await store.experience(first, T0, 100) == []


async def test_before_its_first_judgement_nothing_of_its_own_outage_counts_for_an_incident(store: Store) -> None:
    earlier = await judged(store, "one")
    await store.accept(resolved(alert("one", end=100), at=100, key="one"))
    first = await judged(store, "two", 1e4, onset=1e4)
    for incident_id in (earlier, first):
        await store.give_feedback(incident_id, said())
    new = (await store.accept(notification(alert("new"), key="new", at=10600))).incident_id

    assert [one.confirmed for one in await store.experience(new, T0 + 10600, 100)] == [1]
    assert [one.confirmed for one in await store.experience(new, T0 + 1e5, 100)] == [2]
    found = await store.past_with_cause(
        A, "latency", except_for=new, onset=T0 + 10500, after=0, before=T0 + 10600, limit=5
    )
    assert [past.incident_id for past in found] == [earlier]


async def test_an_incident_whose_first_cause_was_rejected_is_kept_under_the_next(store: Store) -> None:
    first = await judged(store, "one")
    await store.give_feedback(first, said(kind=FeedbackKind.REJECTED))
    now = await judged(store, "now", 3e4, onset=3e4)
    found = await store.past_with_cause(A, "latency", except_for=now, onset=T0 + 3e4, after=0, before=T0 + 3e4, limit=5)
    assert found == []
    await store.withdraw_feedback(first, A, T0 + 200)
    found = await store.past_with_cause(A, "latency", except_for=now, onset=T0 + 3e4, after=0, before=T0 + 3e4, limit=5)
    assert [past.incident_id for past in found] == [first]


async def test_feedback_is_deleted_with_its_incident(store: Store) -> None:
    first, second = await judged(store, "one"), await judged(store, "two", 1e4, onset=1e4)
    await store.give_feedback(first, said())
    await store.accept(resolved(alert("one", end=100), at=100, key="one"))

    assert await store.prune(T0 + 200) == 1
    assert await store.experience(second, T0, 100) == []
    assert (
        await store.past_with_cause(A, "latency", except_for=second, onset=T0 + 9e5, after=0, before=T0 + 1e6, limit=5)
        == []
    )


# One cause, several groups


def members(incident: Incident) -> list[str]:
    return [] if incident.shared is None else [member.incident_id for member in incident.shared.members]


async def test_an_incident_alone_shares_no_cause(store: Store) -> None:
    incident = await stored(store, await judged(store, "one"))
    assert incident.shared is None
    assert len(incident.cause_id) == 16


async def test_groups_with_the_same_cause_share_it_and_the_oldest_leads(store: Store) -> None:
    first, second, other = [
        await judged(store, "one"),
        await judged(store, "two", 60),
        await judged(store, "x", 61, entity=B),
    ]

    shared = (await stored(store, second)).shared
    assert shared is not None
    assert shared == (await stored(store, first)).shared
    assert (shared.entity, shared.total, shared.lead.incident_id) == (A, 2, first)
    assert members(await stored(store, second)) == [first, second]
    assert {(await stored(store, one)).cause_id for one in (first, second)} == {shared.id}
    assert [(await stored(store, one)).is_led for one in (first, second)] == [False, True]
    assert shared.members[1].title == "HighLatency (service=a)"
    assert (await stored(store, other)).shared is None
    listed = {one.id: one.shared for one in await store.list(limit=10)}
    assert listed == {first: shared, second: shared, other: None}


@pytest.mark.parametrize("unlike", [{"onset": 1801.0}, {"entity": B}, {"probability": 0.49}])
async def test_what_is_not_the_same_or_not_sure_is_kept_apart(store: Store, unlike: dict[str, Any]) -> None:
    first, second = await judged(store, "one"), await judged(store, "two", 60, **unlike)
    assert (await stored(store, first)).shared is None
    assert (await stored(store, second)).shared is None


async def test_one_that_was_over_before_the_other_began_is_kept_apart(store: Store) -> None:
    first = await judged(store, "one")
    await store.accept(resolved(alert("one", end=100), at=100, key="one"))
    second = await judged(store, "two", 400, onset=350)
    assert (await stored(store, second)).shared is None
    assert (await stored(store, first)).shared is None


async def test_when_the_ranking_changes_membership_does_and_the_id_stays(store: Store) -> None:
    first, second, third = [await judged(store, key, at * 60) for at, key in enumerate(("one", "two", "three"))]
    before = (await stored(store, third)).shared
    assert before is not None

    assert await rejudged(store, 500, entity=B) == first

    assert (await stored(store, first)).shared is None
    after = (await stored(store, third)).shared
    assert after is not None
    assert (after.id, after.lead.incident_id, after.total) == (before.id, second, 2)

    for _ in range(2):
        await rejudged(store, 501)
    assert await rejudged(store, 502) == first
    assert (await stored(store, first)).shared == before


async def test_the_oldest_that_is_open_leads(store: Store) -> None:
    first, second = await judged(store, "one"), await judged(store, "two", 60)
    await store.accept(resolved(alert("one", end=100), at=100, key="one"))

    shared = (await stored(store, first)).shared
    assert shared is not None
    assert [(one.incident_id, one.open) for one in shared.members] == [(second, True), (first, False)]


async def test_a_confirmed_cause_outweighs_the_ranking(store: Store) -> None:
    first, second = await judged(store, "one"), await judged(store, "two", 60, entity=B)
    await store.give_feedback(first, said(B))
    assert members(await stored(store, second)) == [first, second]
    await store.withdraw_feedback(first, B, T0 + 100)
    assert (await stored(store, second)).shared is None


async def test_members_shown_are_bounded_and_all_are_counted(store: Store) -> None:
    ids = [await judged(store, f"g{place}", place) for place in range(SHARED_SHOWN + 3)]
    shared = (await stored(store, ids[-1])).shared
    assert shared is not None
    assert (shared.total, len(shared.members), shared.lead.incident_id) == (SHARED_SHOWN + 3, SHARED_SHOWN, ids[0])


async def test_replicas_that_finish_at_the_same_time_agree_on_one_cause(
    replicas: tuple[PostgresStore, PostgresStore],
) -> None:
    ids = [
        (await replicas[0].accept(notification(alert(f"g{n}"), key=f"g{n}", at=n, due=-1))).incident_id
        for n in range(12)
    ]
    claims = [await replicas[n % 2].claim_analysis(T0 + 20, 30.0) for n in range(12)]

    async def finish(place: int) -> None:
        claim = claims[place]
        assert claim is not None
        assert await replicas[place % 2].finish_analysis(claim, analysis(20), T0 + 20, ["grafana"], None)

    await asyncio.gather(*(finish(place) for place in range(12)))

    shared = {one.shared for one in await replicas[0].list(limit=20)}
    assert len(shared) == 1
    [one] = shared
    assert one is not None
    assert (one.total, one.lead.incident_id) == (12, ids[0])


# The past


async def test_past_incidents_are_found_by_entity_and_by_kind_with_fault(store: Store) -> None:
    same = await judged(store, "one")
    await store.accept(resolved(alert("one", end=100), at=100, key="one"))
    alike = await judged(store, "two", 1e4, onset=1e4, entity=B)
    await judged(store, "three", 2e4, onset=2e4, entity=B, fault="errors")
    now = await judged(store, "now", 3e4, onset=3e4)

    found = await store.past_with_cause(A, "latency", except_for=now, onset=T0 + 9e5, after=0, before=T0 + 3e4, limit=5)

    assert [past.incident_id for past in found] == [same, alike]
    assert (found[0].entity, found[0].fault_kind, found[0].signals) == (A, "latency", ("latency",))
    assert (found[0].title, found[0].opened_at, found[0].closed_at) == ("HighLatency (service=a)", T0 - 30, T0 + 100)
    assert (found[1].closed_at, found[1].confirmed, found[1].fix) == (None, False, "")


async def test_the_past_is_bounded_in_time_and_number(store: Store) -> None:
    ids = [await judged(store, f"g{n}", n * 1e4, onset=n * 1e4) for n in range(6)]
    found = await store.past_with_cause(
        A, "latency", except_for=ids[5], onset=T0 + 9e5, after=T0 + 1e4, before=T0 + 5e4, limit=2
    )
    assert [past.incident_id for past in found] == [ids[4], ids[3]]


async def test_what_shares_the_cause_is_no_past(store: Store) -> None:
    await judged(store, "one")
    second = await judged(store, "two", 60)
    assert (
        await store.past_with_cause(A, "latency", except_for=second, onset=T0 + 9e5, after=0, before=T0 + 60, limit=5)
        == []
    )


async def test_what_fixed_a_past_incident_is_told(store: Store) -> None:
    first = await judged(store, "one")
    await store.give_feedback(first, said(B, fault_kind="disk", fix="freed the disk"))
    now = await judged(store, "now", 3e4, onset=3e4)
    [past] = await store.past_with_cause(B, "disk", except_for=now, onset=T0 + 9e5, after=0, before=T0 + 1e5, limit=5)
    assert (past.incident_id, past.confirmed, past.fix) == (first, True, "freed the disk")


async def judged_like(store: Store, past_id: str) -> str:
    """An incident that was found similar to another while its cause was confirmed, whoever confirmed it."""
    now = (await store.accept(notification(alert("now"), key="now", at=3e4, due=-1))).incident_id
    claim = await store.claim_analysis(T0 + 3e4, 30.0)
    assert claim is not None
    similar = SimilarIncident(
        incident_id=past_id,
        title="one",
        entity=A,
        fault_kind="latency",
        opened_at=T0,
        lasted=None,
        score=1.0,
        why="the same cause",
        confirmed=True,
        fix="restarted",
    )
    found = replace(analysis(3e4, onset=3e4), similar=(similar,))
    assert await store.finish_analysis(claim, found, T0 + 3e4, (), None)
    return now


async def similar_to(store: Store, incident_id: str) -> list[tuple[bool, str]]:
    """What every way of reading an incident tells of those that are similar."""
    listed, (changed, _) = await store.list(limit=9), await store.changed_since(0, 9)
    by_alert = await store.by_fingerprint("fp-now")
    read = [one for one in (await stored(store, incident_id), *listed, *changed, by_alert) if one is not None]
    told = [
        [(similar.confirmed, similar.fix) for similar in one.analysis.similar]
        for one in read
        if one.id == incident_id and one.analysis
    ]
    assert len(told) == 4
    assert all(one == told[0] for one in told)
    return told[0]


async def test_what_was_said_of_a_similar_incident_is_told_as_long_as_it_holds(store: Store) -> None:
    first = await judged(store, "one")
    await store.give_feedback(first, said(fix="restarted"))
    now = await judged_like(store, first)
    assert await similar_to(store, now) == [(True, "restarted")]
    await store.withdraw_feedback(first, A, T0 + 4e4)
    assert await similar_to(store, now) == [(False, "")]
    await store.give_feedback(first, said(at=5e4, fault_kind="certificate", fix="renewed it"))
    assert await similar_to(store, now) == [(True, "renewed it")]
    await store.give_feedback(first, said(kind=FeedbackKind.REJECTED, at=6e4))
    assert await similar_to(store, now) == []


async def test_a_similar_incident_that_ends_is_told_with_how_long_it_lasted(store: Store) -> None:
    first = await judged(store, "one")
    now = await judged_like(store, first)
    [similar] = (await judgement(store, now)).similar
    assert similar.lasted is None
    await store.accept(resolved(alert("one", end=100), at=9e4, key="one"))
    [similar] = (await judgement(store, now)).similar
    assert similar.lasted == 130


async def judgement(store: Store, incident_id: str) -> Analysis:
    found = (await stored(store, incident_id)).analysis
    assert found is not None
    return found


async def test_a_similar_incident_with_another_cause_by_now_or_none_left_is_not_told(store: Store) -> None:
    first = await judged(store, "one")
    now = await judged_like(store, first)
    await store.give_feedback(first, said(B, fault_kind="disk"))
    assert await similar_to(store, now) == []
    await store.withdraw_feedback(first, B, T0 + 4e4)
    assert await similar_to(store, now) == [(False, "")]
    await store.accept(resolved(alert("one", end=100), at=100, key="one"))
    assert await store.prune(T0 + 200) == 1
    assert await similar_to(store, now) == []


# Older tables


async def test_tables_of_an_older_release_are_brought_up_to_date(new_store: StoreFactory, clock: ManualClock) -> None:
    store = new_store()
    await store.open()
    try:
        incident_id = await judged(store, "one")
        await _go_back(store)
    finally:
        await store.close()

    again = new_store()
    await again.open()
    try:
        assert await again.give_feedback(incident_id, said())
    finally:
        await again.close()


async def _go_back(store: Any) -> None:
    """What a release before feedback left behind."""
    from brain_rca.store.rows import Script, Statement

    def script() -> Script[None]:
        yield Statement("DROP TABLE brain_feedback")
        yield Statement("DROP TABLE brain_causes")
        yield Statement("UPDATE brain_schema SET version = 1")

    await store._write(script())
