"""From a snapshot to what is kept and shown: causes, plots, timeline, and reasons where there is no cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from brain_engine.plugins import load_ranker
from brain_engine.rank.prior import Prior, PriorOf, nothing_known
from brain_engine.rank.protocol import Candidate, Ranker, Situation
from brain_engine.series import Event, Evidence, Family, Panel
from brain_rca.analysis.analyse import analyse
from brain_rca.model import Analysis, Cause, Incident, IncidentStatus, Proposal, TimelineEntry
from tests.unit.analysis.samples import (
    CART,
    FRONT,
    IDLE,
    LATENCY,
    MEMORY,
    NOW,
    ONSET,
    OPENED,
    WINDOW,
    alert,
    evidence,
    incident,
    panel,
    snapshot,
)

FIX = Proposal(kind="kubernetes", title="Scale", diff="+1", rationale="", risk="low", rollback="-1")


class Listed:
    """A ranker that names what it was told to, in that order."""

    name = "listed"

    def __init__(
        self, *entities: str, against: str = "", families: Mapping[Family, float] | None = None, weight: float = 10.0
    ) -> None:
        self._candidates = [
            Candidate(entity, weight, (against,) if against else (), families=families or {}) for entity in entities
        ]

    def rank(self, situation: Situation) -> Sequence[Candidate]:
        return self._candidates


def judged(
    known: Evidence | None = None,
    *,
    alerting: tuple[str, ...] = (FRONT,),
    ranker: Ranker | None = None,
    about: Incident | None = None,
    prior_of: PriorOf = nothing_known,
    cluster: str = "",
) -> Analysis:
    return analyse(
        about or incident(),
        snapshot(evidence() if known is None else known),
        alerting,
        ranker or load_ranker("explain-away"),
        lambda _: (FIX,),
        prior_of,
        cluster=cluster,
    )


def quiet(*entities: str) -> Panel:
    """Series that stay where they are."""
    return Panel(LATENCY, entities, np.full((len(entities), len(evidence().times)), 0.02))


def what(analysis: Analysis) -> list[str]:
    return [entry.what for entry in analysis.timeline]


def event(at: float = ONSET, entity: str = CART, message: str = "cache shrunk", actor: str = "") -> Event:
    return Event(at, entity, "ConfigMapUpdated", message, actor)


def test_the_slow_callee_is_the_cause_with_its_evidence() -> None:
    analysis = judged()
    first = analysis.causes[0]
    assert (first.rank, first.entity, first.fault_kind, first.path) == (1, CART, "latency", (CART, FRONT))
    assert [cause.rank for cause in analysis.causes] == list(range(1, len(analysis.causes) + 1))
    assert analysis.no_cause_reason == ""
    assert analysis.none_probability + sum(cause.probability for cause in analysis.causes) == pytest.approx(1.0)
    assert (analysis.window_start, analysis.window_end) == (WINDOW.start, WINDOW.end)
    [finding] = first.findings
    assert (finding.signal, finding.direction, finding.query) == (
        LATENCY.name,
        "up",
        f"query of {LATENCY.name} of {CART}",
    )
    assert finding.onset == pytest.approx(ONSET, abs=60)
    assert finding.sentence in first.explanation


def test_the_explanation_quotes_what_made_the_kind_of_fault_and_the_cause_began_with_the_first_of_its_findings() -> (
    None
):
    lasting = np.repeat(panel(LATENCY, {CART: 10.0, FRONT: 5.0, IDLE: 1.0}, 0.02).values[:, ::4], 4, axis=1)
    slow = Panel(LATENCY, (CART, FRONT, IDLE), lasting[:, : len(evidence().times)])
    full = panel(MEMORY, {CART: 1.0}, 0.02)
    full.values[:, evidence().times >= ONSET - 300] *= 40.0
    analysis = judged(evidence(slow, full), ranker=Listed(CART, families={Family.LATENCY: 9.0}))
    [first, *_] = analysis.causes
    strongest, quoted = first.findings[:2]
    assert (first.fault_kind, strongest.signal, quoted.signal) == ("latency", MEMORY.name, LATENCY.name)
    assert f"slow answers: {quoted.sentence}. " in first.explanation
    assert strongest.onset is not None
    assert quoted.onset is not None
    assert first.began == strongest.onset < quoted.onset
    assert analysis.resolution > 15.0


def test_a_change_between_the_first_finding_and_the_quoted_one_is_not_lost() -> None:
    full = panel(MEMORY, {CART: 1.0}, 0.02)
    full.values[:, evidence().times >= ONSET - 300] *= 40.0
    known = evidence(panel(LATENCY, {CART: 10.0, FRONT: 5.0}, 0.02), full, events=[event(ONSET - 90)])
    [first, *_] = judged(known, ranker=Listed(CART, families={Family.LATENCY: 9.0})).causes
    [change] = first.changes
    assert change.seconds_before < 0
    assert f" {-change.seconds_before:.0f} s after the cause began: ConfigMapUpdated" in first.explanation


def test_the_trouble_began_with_the_first_finding_about_what_alerts() -> None:
    late = panel(LATENCY, {CART: 10.0, FRONT: 1.0}, 0.02)
    late.values[1, evidence().times >= ONSET + 120] *= 8.0
    early = panel(MEMORY, {FRONT: 1.0}, 0.02)
    early.values[:, evidence().times >= ONSET + 60] *= 40.0
    analysis = judged(evidence(late, early), ranker=Listed(CART))
    assert analysis.trouble_began == pytest.approx(ONSET + 60, abs=15)
    assert analysis.causes[0].began == pytest.approx(ONSET, abs=15)
    assert judged(evidence(quiet(FRONT), edges=()), ranker=Listed()).trouble_began is None


def test_what_alerts_begins_when_it_does_as_a_cause() -> None:
    analysis = judged(ranker=Listed(CART, FRONT))
    assert analysis.trouble_began == analysis.causes[1].began


def test_everything_that_the_evidence_knows_is_kept_up_to_a_limit_the_nearest_first() -> None:
    assert judged().entities == (CART, FRONT, IDLE)
    many = quiet(*(f"lab/shop/service/a{number}" for number in range(3000)))
    kept = judged(evidence(panel(MEMORY, {CART: 40.0, FRONT: 1.0}, 0.02), many)).entities
    assert len(kept) == 2000
    assert {CART, FRONT} < set(kept)
    assert list(kept) == sorted(kept)


def test_only_the_first_cause_gets_proposals() -> None:
    analysis = judged(ranker=Listed(CART, FRONT))
    assert [cause.proposals for cause in analysis.causes] == [(FIX,), ()]


def test_what_is_proposed_is_asked_of_the_whole_cause() -> None:
    asked: list[Cause] = []
    analyse(incident(), snapshot(evidence()), (FRONT,), Listed(CART), lambda cause: asked.append(cause) or ())
    assert [(cause.entity, len(cause.findings)) for cause in asked] == [(CART, 1)]


def test_the_same_input_gives_the_same_analysis() -> None:
    assert judged() == judged()


def test_a_plot_begins_half_an_hour_before_the_window_and_has_gaps_where_there_is_no_sample() -> None:
    gap = panel(LATENCY, {CART: 10.0}, 0.02)
    gap.values[:, -6:-1] = np.nan
    plot = judged(evidence(gap)).causes[0].findings[0].plot
    assert plot is not None
    assert plot.times[0] == WINDOW.start - 1800
    assert plot.times[-1] == NOW
    assert len(plot.times) == len(plot.values) <= 241
    assert plot.values[-3:-1] == (None, None)
    assert plot.baseline == pytest.approx(0.02, rel=0.05)
    assert (plot.title, plot.unit) == ("service latency p99", "seconds")


def test_what_comes_nearest_is_told_where_there_is_no_cause() -> None:
    analysis = judged(evidence(panel(LATENCY, {CART: 10.0}, 0.02)), ranker=Listed(CART, FRONT, weight=3.0))
    assert analysis.causes == ()
    assert [(one.entity, one.weight) for one in analysis.suspects] == [(CART, 3.0), (FRONT, 3.0)]
    first, second = (one.finding for one in analysis.suspects)
    assert first is not None
    assert (first.signal, second) == (LATENCY.name, None)
    assert first.plot is not None
    assert first.link.endswith("#suspect-1")


def test_causes_after_the_fifth_are_listed_without_plots() -> None:
    names = [f"lab/shop/service/s{number}" for number in range(7)]
    many = panel(LATENCY, dict.fromkeys(names, 10.0), 0.02)
    analysis = judged(evidence(many), ranker=Listed(*names))
    plotted = [all(finding.plot is not None for finding in cause.findings) for cause in analysis.causes]
    assert plotted == [True] * 5 + [False] * 2
    assert all(cause.findings for cause in analysis.causes)


@pytest.mark.parametrize(
    ("known", "alerting", "reason"),
    [
        (
            evidence(),
            (),
            "what deviates is too little to be told from chance; "
            "no label of the alerts names a service, workload, pod or node",
        ),
        (
            evidence(quiet(IDLE), edges=()),
            ("lab/shop/pod/gone",),
            "nothing deviates from its usual level by more than chance explains; "
            "there is no evidence about pod shop/gone",
        ),
        (
            evidence(quiet(FRONT), edges=()),
            (FRONT,),
            "nothing deviates from its usual level by more than chance explains",
        ),
        (
            evidence(quiet(), edges=()),
            (FRONT,),
            "no evidence: no signal returned any series for this window; there is no evidence about service shop/front",
        ),
    ],
)
def test_where_there_is_no_cause_there_is_a_reason(known: Evidence, alerting: tuple[str, ...], reason: str) -> None:
    analysis = judged(known, alerting=alerting, ranker=Listed())
    assert analysis.causes == ()
    assert analysis.none_probability == 1.0
    assert analysis.no_cause_reason == reason


@pytest.mark.parametrize(("samples", "said"), [(0, "there is no baseline"), (1, "the baseline is only 1 sample")])
def test_without_a_baseline_nobody_is_told_that_nothing_deviates(samples: int, said: str) -> None:
    known = evidence(quiet(FRONT), edges=())
    times = np.flatnonzero(known.times < known.window_start)
    panels = []
    for one in known.panels:
        values = one.values.copy()
        values[:, : times[-1] + 1 - samples] = np.nan
        panels.append(replace(one, values=values))
    analysis = judged(replace(known, panels=tuple(panels)), alerting=(FRONT,), ranker=Listed())
    assert analysis.no_cause_reason == f"{said}, so that nothing tells what is usual and what is not"


def test_causes_of_alerts_that_name_nothing_come_with_the_setting_that_maps_labels() -> None:
    [said] = judged(alerting=()).missing
    assert said == (
        "no label of the alerts names a service, workload, pod or node (scope.labels maps others), "
        "so the causes are of whatever is in trouble anywhere"
    )


@pytest.mark.parametrize("count", [0, 20, 21, 500])
def test_missing_evidence_is_named_and_bounded(count: int) -> None:
    sentences = [f"signal {number}: away" for number in range(count)]
    missing = judged(evidence(missing=sentences)).missing
    assert list(missing[:20]) == sentences[:20]
    assert missing[20:] == ((f"and {count - 20} more",) if count > 20 else ())


def test_names_of_entities_within_reasons_are_short() -> None:
    against = f"{CART}, {FRONT} deviated before"
    [cause] = judged(ranker=Listed(IDLE, against=against)).causes
    assert cause.against == ("service shop/cart, service shop/front deviated before",)


def test_the_timeline_tells_changes_onsets_alerts_and_the_end_in_order() -> None:
    known = evidence(events=[event(ONSET - 90, actor="alex")])
    closed = incident(status=IncidentStatus.RESOLVED, closed_at=NOW)
    analysis = judged(known, about=closed)
    times = [entry.at for entry in analysis.timeline]
    assert times == sorted(times)
    told = what(analysis)
    assert told[0] == "service shop/cart: ConfigMapUpdated: cache shrunk (by alex)"
    assert told[1].startswith("service shop/")
    assert "latency p99 rose" in told[1]
    assert told[-2:] == ["alert Slow began to fire", "the alert group was resolved"]


def test_what_is_over_says_so_in_its_finding_and_in_the_timeline() -> None:
    over = ONSET + 240
    analysis = judged(
        evidence(panel(LATENCY, {CART: 10.0, FRONT: 5.0, IDLE: 1.0}, 0.02, until=over)), ranker=Listed(CART)
    )
    [finding] = analysis.causes[0].findings
    assert finding.until is not None
    assert finding.until == pytest.approx(over, abs=60)
    back = TimelineEntry(at=finding.until, what="service shop/cart: latency p99 is back at its usual level")
    assert back in analysis.timeline


def test_what_lasts_is_not_back() -> None:
    analysis = judged()
    assert analysis.causes[0].findings[0].until is None
    assert not any("usual level" in text for text in what(analysis))


def test_a_change_before_the_onset_is_named_and_goes_to_who_proposes() -> None:
    asked: list[Cause] = []
    known = evidence(events=[event(ONSET - 90, actor="alex"), event(ONSET - 60, FRONT), event(ONSET - 4000)])
    analysis = analyse(incident(), snapshot(known), (FRONT,), Listed(CART), lambda cause: asked.append(cause) or ())
    [change] = asked[0].changes
    assert (change.at, change.reason, change.actor) == (ONSET - 90, "ConfigMapUpdated", "alex")
    assert " the cause began: ConfigMapUpdated: cache shrunk (by alex)." in analysis.causes[0].explanation


def test_the_ranking_does_not_ask_for_changes() -> None:
    with_change, without = judged(evidence(events=[event(ONSET - 90)])), judged()
    assert [(cause.entity, cause.probability) for cause in with_change.causes] == [
        (cause.entity, cause.probability) for cause in without.causes
    ]


def test_a_cause_without_an_onset_has_no_change_before_it() -> None:
    [cause] = judged(evidence(events=[event(ONSET - 90, IDLE)]), ranker=Listed(IDLE)).causes
    assert cause.findings == ()
    assert cause.changes == ()


def test_what_a_hostile_event_says_is_short_and_in_one_line() -> None:
    hostile = "<script>alert(1)</script>\n\x1b[31m\u202e password=hunter2 " + "x" * 100_000
    analysis = judged(evidence(events=[event(ONSET - 90, message=hostile, actor=hostile)]), ranker=Listed(CART))
    [told] = [text for text in what(analysis) if "ConfigMapUpdated" in text]
    for text in (told, analysis.causes[0].explanation):
        assert len(text) < 600
        assert text.isprintable()
        assert "hunter2" not in text


@pytest.mark.parametrize(
    "other",
    [event(entity=IDLE), event(WINDOW.start - 1), event(entity="lab//node/n1")],
    ids=["of another", "before the window", "of a node nobody blames"],
)
def test_what_happened_elsewhere_or_long_before_is_no_part_of_it(other: Event) -> None:
    assert not any("ConfigMapUpdated" in text for text in what(judged(evidence(events=[other]), ranker=Listed(CART))))


def test_a_storm_of_events_and_alerts_does_not_push_the_onsets_out() -> None:
    storm = [event(WINDOW.start + number, message=f"event {number}") for number in range(500)]
    alerts = [alert(str(number), starts_at=OPENED + number) for number in range(500)]
    closed = incident(*alerts, status=IncidentStatus.RESOLVED, closed_at=NOW)
    told = what(judged(evidence(events=storm), about=closed))
    assert len(told) <= 40
    assert told[-1] == "the alert group was resolved"
    assert any("latency p99 rose" in text for text in told)
    assert [text for text in told if "event" in text] == [
        f"service shop/cart: ConfigMapUpdated: event {number}" for number in range(490, 500)
    ]


def test_an_alert_without_a_name_is_told() -> None:
    nameless: Any = incident(alert(alertname="", service="front"))
    assert "alert without a name began to fire" in what(judged(about=nameless))


def test_an_alert_about_something_without_evidence_says_so() -> None:
    analysis = judged(alerting=("c/shop/service/nobody",))
    assert "there is no evidence about service shop/nobody" in analysis.no_cause_reason
    assert analysis.causes == ()
    assert analysis.none_probability >= 0.7


def test_what_was_confirmed_before_is_shown_as_a_finding_and_raises_the_probability() -> None:
    plain = judged().causes[0]
    learnt = judged(prior_of=lambda *_: Prior(1.0, "confirmed as the cause twice before")).causes[0]

    assert learnt.findings[:-1] == plain.findings
    assert (learnt.findings[-1].signal, learnt.findings[-1].sentence) == (
        "feedback",
        "confirmed as the cause twice before (+1.00 nats)",
    )
    assert learnt.probability > plain.probability
    assert learnt.signals == plain.signals


def test_what_was_rejected_before_is_shown_against_it() -> None:
    plain = judged().causes[0]
    learnt = judged(prior_of=lambda *_: Prior(-1.0, "rejected as the cause once before")).causes[0]

    assert learnt.against == (*plain.against, "rejected as the cause once before")
    assert learnt.findings == plain.findings
    assert learnt.probability < plain.probability


@pytest.mark.parametrize("known", [evidence(), evidence(quiet(FRONT), edges=())], ids=["a cause", "none"])
def test_an_alert_that_names_another_cluster_is_told_with_both_names(known: Evidence) -> None:
    ranker = Listed(CART) if known.edges else Listed()
    analysis = judged(known, alerting=("eu/shop/service/front",), ranker=ranker, cluster="lab")
    said = analysis.missing[0] if analysis.causes else analysis.no_cause_reason
    assert bool(analysis.causes) is bool(known.edges)
    assert 'the alerts name the cluster "eu", but the evidence is of "lab"' in said
    assert 'the configuration says `cluster: "lab"`' in said
