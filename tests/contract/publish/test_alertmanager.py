"""The alert ``BrainRootCause``: at every peer, under labels that never change, until the incident closes."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from msgspec.structs import replace

from brain_common.clients.alertmanager import AlertmanagerPeer, rfc3339
from brain_common.clock import ManualClock
from brain_common.errors import PermanentError, TemporaryError
from brain_rca.model import Feedback, FeedbackKind, Incident, IncidentStatus, Severity, SharedCause, SharedMember
from brain_rca.publish.alertmanager import FIRES_ON, REFRESH, AlertmanagerSink
from brain_rca.publish.sink import Unfinished
from tests.contract.publish.conftest import NOW, TOKEN, settings
from tests.fakes.alertmanager import FakeAlertmanager
from tests.unit.publish.samples import (
    EXTERNAL_URL,
    GROUP,
    HOSTILE,
    INCIDENT_ID,
    OPENED,
    alert,
    cause,
    hostile,
    incident,
    told,
)

pytestmark = pytest.mark.anyio

Peers = tuple[FakeAlertmanager, FakeAlertmanager]
LABELS = {
    "alertname": "BrainRootCause",
    "cluster": "prod",
    "namespace": "shop",
    "service": "checkout",
    "group": GROUP,
    "severity": "critical",
}


def times(posted: dict[str, Any]) -> tuple[float, float]:
    begin, end = (datetime.fromisoformat(posted[name]).timestamp() for name in ("startsAt", "endsAt"))
    return begin, end


async def test_every_peer_gets_the_alert(peers: Peers, alertmanager_sink: AlertmanagerSink) -> None:
    await alertmanager_sink.publish(incident(), told())
    link = f"{EXTERNAL_URL}/incidents/{INCIDENT_ID}"
    for peer in peers:
        [posted] = peer.posted
        assert posted["labels"] == LABELS
        assert posted["annotations"] == {
            "summary": "Likely root cause: payments (workload in shop): cpu, 82 %",
            "causes": "1. payments (workload in shop): cpu, 82 %",
            "began": "Cause began 2025-11-25 03:13:00 UTC",
            "fix": "Raise the limit of prod/shop/workload/payments (not validated)",
            "link": link,
        }
        assert posted["generatorURL"] == link
        assert times(posted) == (OPENED, NOW + FIRES_ON)
        assert peer.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


async def test_three_causes_at_most(peers: Peers, alertmanager_sink: AlertmanagerSink) -> None:
    causes = [cause(rank=rank) for rank in range(1, 6)]
    await alertmanager_sink.publish(incident(causes=causes), told())
    assert peers[0].posted[0]["annotations"]["causes"].count("\n") == 2


async def test_no_cause_is_told_as_well(peers: Peers, alertmanager_sink: AlertmanagerSink) -> None:
    await alertmanager_sink.publish(incident(causes=[]), told())
    annotations = peers[0].posted[0]["annotations"]
    assert annotations["summary"] == "No root cause found: nothing deviates enough"
    assert set(annotations) == {"summary", "link"}


async def test_nothing_is_told_before_the_judgement(peers: Peers, alertmanager_sink: AlertmanagerSink) -> None:
    assert await alertmanager_sink.publish(incident(judged=False), told(external_id="a=b")) == "a=b"
    assert peers[0].posted == peers[1].posted == []


async def test_a_refresh_comes_well_before_the_alert_ends(
    peers: Peers, alertmanager_sink: AlertmanagerSink, clock: ManualClock
) -> None:
    assert 2 * REFRESH < FIRES_ON
    known = await alertmanager_sink.publish(incident(), told())
    clock.advance(REFRESH)
    assert await alertmanager_sink.publish(incident(), told(external_id=known)) == known
    assert [times(posted) for posted in peers[1].posted] == [
        (OPENED, NOW + FIRES_ON),
        (OPENED, NOW + REFRESH + FIRES_ON),
    ]


async def test_labels_stay_while_everything_else_changes(peers: Peers, alertmanager_sink: AlertmanagerSink) -> None:
    known = await alertmanager_sink.publish(incident(severity=Severity.WARNING), told())
    joined = alert("b", labels={"namespace": "other", "service": "cart", "cluster": "west"})
    changed = incident(alert(), joined, causes=[cause("prod/shop/database/ledger")], severity=Severity.CRITICAL)
    await alertmanager_sink.publish(changed, told(external_id=known))
    await alertmanager_sink.publish(replace(changed, closed_at=NOW), told(external_id=known))
    labels = [posted["labels"] for posted in peers[0].posted]
    assert labels == [{**LABELS, "severity": "warning"}] * 3
    assert "ledger" in peers[0].posted[1]["annotations"]["summary"]


async def test_labels_stay_even_if_the_first_attempt_failed(peers: Peers, alertmanager_sink: AlertmanagerSink) -> None:
    peers[1].fail(500)
    with pytest.raises(Unfinished) as caught:
        await alertmanager_sink.publish(incident(severity=Severity.WARNING), told())
    peers[1].heal()
    raised = incident(severity=Severity.CRITICAL)
    known = await alertmanager_sink.publish(raised, told(external_id=caught.value.external_id, attempts=1))
    assert known == caught.value.external_id
    assert {posted["labels"]["severity"] for peer in peers for posted in peer.posted} == {"warning"}


async def test_closing_resolves_it_at_every_peer(
    peers: Peers, alertmanager_sink: AlertmanagerSink, clock: ManualClock
) -> None:
    known = await alertmanager_sink.publish(incident(), told())
    clock.advance(300)
    await alertmanager_sink.publish(incident(closed_at=NOW + 200), told(external_id=known))
    for peer in peers:
        assert times(peer.posted[-1]) == (OPENED, NOW + 200)


@pytest.mark.parametrize(
    ("opened_at", "closed_at"),
    [(NOW + 7200, None), (NOW + 7200, NOW + 9000), (OPENED, OPENED), (OPENED, OPENED - 5), (0.0, None), (0.0, 0.0)],
)
async def test_odd_clocks_make_an_alert_that_is_taken(
    peers: Peers, alertmanager_sink: AlertmanagerSink, opened_at: float, closed_at: float | None
) -> None:
    await alertmanager_sink.publish(incident(opened_at=opened_at, closed_at=closed_at), told())
    begin, end = times(peers[0].posted[0])
    assert begin <= min(end, NOW)
    assert (end > NOW) is (closed_at is None)


async def test_the_configured_cluster_is_the_label_of_groups_without(peers: Peers, clock: ManualClock) -> None:
    sink = AlertmanagerSink([AlertmanagerPeer(settings(peers[0].url))], EXTERNAL_URL, clock, cluster="west")
    await sink.publish(incident(alert(labels={"alertname": "A"}), group_labels={}), told())
    await sink.aclose()
    assert peers[0].posted[0]["labels"] == {
        "alertname": "BrainRootCause",
        "cluster": "west",
        "group": GROUP,
        "severity": "critical",
    }


# One peer fails


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("status", [500, 503, 400, 401])
async def test_the_others_are_told_even_when_one_fails(
    peers: Peers, alertmanager_sink: AlertmanagerSink, place: int, status: int
) -> None:
    peers[place].fail(status)
    with pytest.raises(TemporaryError, match="1 of 2 peers: ") as caught:
        await alertmanager_sink.publish(incident(), told())
    assert peers[place].url.removeprefix("http://") in str(caught.value)
    assert len(peers[1 - place].posted) == 1


async def test_a_peer_that_hangs_does_not_keep_the_other_from_being_told(
    peers: Peers, alertmanager_sink: AlertmanagerSink
) -> None:
    peers[0].hang()
    with pytest.raises(TemporaryError, match="no answer within"):
        await alertmanager_sink.publish(incident(), told())
    assert len(peers[1].posted) == 1
    peers[0].heal()


async def test_a_peer_that_is_away_is_temporary(peers: Peers, alertmanager_sink: AlertmanagerSink) -> None:
    peers[0].stop()
    with pytest.raises(TemporaryError):
        await alertmanager_sink.publish(incident(), told())
    assert len(peers[1].posted) == 1


async def test_refused_by_all_is_permanent(peers: Peers, alertmanager_sink: AlertmanagerSink) -> None:
    for peer in peers:
        peer.fail(403, body=f"no entry for {TOKEN}")
    with pytest.raises(PermanentError, match=r"2 of 2 peers: .*answered 403") as caught:
        await alertmanager_sink.publish(incident(), told())
    assert TOKEN not in str(caught.value)


async def test_the_longest_hint_is_passed_on(peers: Peers, alertmanager_sink: AlertmanagerSink) -> None:
    for peer, hint in zip(peers, ("7", "70"), strict=True):
        peer.fail(503, headers={"Retry-After": hint})
    with pytest.raises(TemporaryError) as caught:
        await alertmanager_sink.publish(incident(), told())
    assert caught.value.retry_after == 70.0


async def test_no_redirect_is_followed(peers: Peers, alertmanager_sink: AlertmanagerSink) -> None:
    peers[0].fail(307, headers={"Location": f"{peers[1].url}/api/v2/alerts"})
    with pytest.raises(TemporaryError, match="answered 307"):
        await alertmanager_sink.publish(incident(), told())
    assert len(peers[1].requests) == 1


# Data


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_values_make_an_alert_that_is_taken(
    peers: Peers, alertmanager_sink: AlertmanagerSink, text: str
) -> None:
    known = await alertmanager_sink.publish(hostile(text), told())
    await alertmanager_sink.publish(replace(hostile(text), closed_at=NOW), told(external_id=known))
    first, last = peers[0].posted
    assert first["labels"] == last["labels"]
    assert first["labels"]["alertname"] == "BrainRootCause"
    assert set(first["labels"]) <= set(LABELS)
    assert all(len(value) <= 200 for value in first["labels"].values())
    assert all(len(value) <= 2000 for value in first["annotations"].values())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000+00:00"),
        (-62135596800.0, "1970-01-01T00:00:00.000+00:00"),
        (OPENED, "2025-11-25T03:14:00.250+00:00"),
        (1e15, "9999-12-31T23:59:59.000+00:00"),
    ],
)
def test_moments_are_written_as_alertmanager_reads_them(seconds: float, text: str) -> None:
    assert rfc3339(seconds) == text


# One cause, several groups

LEAD = SharedMember(incident_id="f" * 16, title="HighLatency (service=web)", received_at=OPENED - 60, open=True)
SELF = SharedMember(incident_id=INCIDENT_ID, title="checkout", received_at=OPENED, open=True)
CAUSE_ID = "0123456789abcdef"
AS_MEMBER = LABELS | {"cause": CAUSE_ID, "role": "member"}
AS_LEAD = LABELS | {"cause": CAUSE_ID, "role": "lead"}


def sharing(*members: SharedMember, cause_id: str = CAUSE_ID) -> Incident:
    shared = SharedCause(id=cause_id, entity="c/n/service/a", total=len(members), members=members) if members else None
    return replace(incident(), cause_id=cause_id, shared=shared)


async def test_a_member_is_marked_and_names_the_lead(peers: Peers, alertmanager_sink: AlertmanagerSink) -> None:
    await alertmanager_sink.publish(sharing(LEAD, SELF), told())
    [posted] = peers[0].posted
    assert posted["labels"] == AS_MEMBER
    assert posted["annotations"]["shared"] == (
        f"One cause, 2 groups; the first is HighLatency (service=web): {EXTERNAL_URL}/incidents/{'f' * 16}"
    )


@pytest.mark.parametrize("members", [(), (SELF, LEAD)])
async def test_what_leads_or_is_alone_is_a_lead(
    peers: Peers, alertmanager_sink: AlertmanagerSink, members: tuple[SharedMember, ...]
) -> None:
    await alertmanager_sink.publish(sharing(*members), told())
    assert peers[0].posted[0]["labels"] == AS_LEAD


async def test_a_lead_that_becomes_a_member_keeps_its_labels(peers: Peers, alertmanager_sink: AlertmanagerSink) -> None:
    await alertmanager_sink.publish(sharing(LEAD, SELF), told(external_id=urlencode(AS_LEAD)))
    assert [posted["labels"] for posted in peers[0].posted] == [AS_LEAD]


@pytest.mark.parametrize(
    ("now", "labels"),
    [
        (sharing(SELF, LEAD), AS_LEAD),
        (sharing(), AS_LEAD),
        (sharing(cause_id=""), LABELS),
        (sharing(LEAD, SELF, cause_id="b" * 16), AS_MEMBER | {"cause": "b" * 16}),
    ],
    ids=["leads", "is alone", "is not sure", "has another cause"],
)
async def test_a_member_that_is_none_any_more_is_not_left_muted(
    peers: Peers, alertmanager_sink: AlertmanagerSink, now: Incident, labels: dict[str, str]
) -> None:
    told_as = await alertmanager_sink.publish(now, told(external_id=urlencode(AS_MEMBER)))
    for peer in peers:
        ended, begun = peer.posted
        assert (ended["labels"], times(ended)[1]) == (AS_MEMBER, NOW)
        assert (begun["labels"], times(begun)[1]) == (labels, NOW + FIRES_ON)
    assert dict(parse_qsl(told_as)) == labels


async def test_a_member_that_stays_one_and_one_that_closes_keep_their_labels(
    peers: Peers, alertmanager_sink: AlertmanagerSink
) -> None:
    await alertmanager_sink.publish(sharing(LEAD, SELF), told(external_id=urlencode(AS_MEMBER)))
    closed = replace(sharing(SELF, LEAD), status=IncidentStatus.RESOLVED, closed_at=NOW - 5)
    await alertmanager_sink.publish(closed, told(external_id=urlencode(AS_MEMBER)))
    assert [posted["labels"] for posted in peers[0].posted] == [AS_MEMBER, AS_MEMBER]


async def test_a_confirmed_cause_is_the_headline(peers: Peers, alertmanager_sink: AlertmanagerSink) -> None:
    said = Feedback(entity="prod/shop/node/n1", kind=FeedbackKind.CONFIRMED, fault_kind="disk", actor="ann", at=NOW)
    await alertmanager_sink.publish(replace(incident(), feedback=(said,)), told())
    assert peers[0].posted[0]["annotations"]["summary"] == "Confirmed root cause: n1 (node in shop): disk"
