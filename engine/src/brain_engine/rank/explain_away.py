"""The built-in ranker: an anomaly that a dependency's anomaly accounts for is a symptom.

Evidence of an entity has two kinds. Resource evidence (its own CPU, memory, disk, restarts …) speaks for itself, and so
does what was found in single requests, net of the calls that they made. Symptom evidence (slow or failing answers)
counts only by the share of the trouble that stays at the entity, when the trouble of what alerts flows down to what
accounts for it (see ``trouble.py`` and ``blame.py``). All of it counts less when it begins at the wrong time
(``timing.py``).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace

import numpy as np

from brain_engine.anomaly.robust_shift import RobustShift
from brain_engine.deviations import Detector
from brain_engine.findings import Finding
from brain_engine.flow.questions import OF_REQUESTS
from brain_engine.rank.blame import (
    Blame,
    blame_of_calls,
    blame_of_machines,
    together,
    with_timeouts,
)
from brain_engine.rank.change import change_before
from brain_engine.rank.demand import blame_of_growth, blame_of_load, rises, without_own
from brain_engine.rank.excess import RATE, SIGNIFICANT, Excess, excesses
from brain_engine.rank.failure import accounted, began_to_fail, blame_of_failures
from brain_engine.rank.ideas import left_out, names_of
from brain_engine.rank.protocol import DISCOUNTS, Candidate, Situation, Weighing, ordered
from brain_engine.rank.start_up import is_start_up, starts_of
from brain_engine.rank.timing import Timing, tolerance_of
from brain_engine.rank.trouble import Shares, walk
from brain_engine.series import EdgeKind, Event, EventKind, Evidence, Family
from brain_engine.ways import DELAY

_SYMPTOMS = frozenset({Family.LATENCY, Family.ERRORS, Family.LOAD})
# Nats at which what alerts is believed to be in trouble, 1 in 12 by chance: a rule has found it unusual before.
_ALARMING = 2.5
_UNCONNECTED = 0.2  # weight of what nothing connects with an alarm: graphs have holes, and much deviates by itself
_UNFELT = 0.05  # of what deviates elsewhere while what alerts is well: an order of suspects, never enough to be named
_MOST_EXCUSED = 0.8  # of an entity's resource evidence that machines, or who asks for too much, account for
_MECHANISM = 1.2  # weight of what says how something broke, over what says that it did
_UNTROUBLED = 0.3  # weight of what deviates where none of the trouble comes by, though it could be seen there
_TOLD = 0.5  # of a message about an error, as evidence of which kind of fault it is: everything complains in errors
_STARTING = 0.25  # of what is seen of pods that start, and is over: a rollout that went well
_NEW = 5.0  # nats, of what alerts and has no past: enough to be named, less than most of what was measured
_WANTED = "autoscaler_desired"
_PLACES = ("first", "second", "third", "fourth")  # of the findings that count


@dataclass(frozen=True, slots=True)
class Ideas:
    """What can be left out, for measurements.

    Attributes:
        explaining_away: Trouble flows down to what accounts for it.
        onset_order: What begins at the wrong time weighs less.
        time_outs: Errors of who waits for a slow callee are mostly the callee's.
        machines: A machine accounts for what runs on it.
        callers_load: What is asked for more than usual is in trouble because of who asks.
        changes: What was changed shortly before weighs more.
        start_up: Pods that start are not ready and busy for a while, which weighs less.
        reachability: What the alarm is known not to depend on weighs less.
        real_alarm: An alarm that does not deviate itself has no cause.
    """

    explaining_away: bool = True
    onset_order: bool = True
    time_outs: bool = True
    machines: bool = True
    callers_load: bool = True
    changes: bool = True
    start_up: bool = True
    reachability: bool = True
    real_alarm: bool = True


class ExplainAway:
    """See the module."""

    name = "explain-away"
    ideas = names_of(Ideas)

    def __init__(self, detector: Detector | None = None, ideas: Ideas | None = None) -> None:
        self._detector = detector or RobustShift()
        self._ideas = ideas or Ideas()

    def without(self, idea: str) -> ExplainAway:
        """The same but for one of ``ideas``."""
        return ExplainAway(self._detector, left_out(self._ideas, idea))

    def rank(self, situation: Situation) -> Sequence[Candidate]:
        excess = excesses(situation, self._detector)
        view = _View(situation, excess, self._detector, self._ideas)
        if not view.alarms:
            # When the alert began to fire tells nothing then.
            anyone = replace(situation, alerting=(), since=None)
            view = _View(anyone, excess, self._detector, self._ideas, alarm_is_well=True)
        candidates = [view.weigh(entity) for entity in sorted(view.findings)]
        known = [candidate for candidate in candidates if candidate.weight > 0]
        return ordered([*known, *_new(situation, {candidate.entity for candidate in known})])


class _View:
    """Everything the weights are made of, computed once for a situation.

    Where what alerts is well, only what requests did may name a cause: no metric sees wrong answers given in time.
    """

    def __init__(
        self,
        situation: Situation,
        excess: Sequence[Excess],
        detector: Detector,
        ideas: Ideas,
        *,
        alarm_is_well: bool = False,
    ) -> None:
        self._situation = situation
        self._detector = detector
        self._ideas = ideas
        self._excess = {one.family: one for one in excess}
        self._measured = {entity for one in excess for entity in one.row}  # whose answers are
        self.findings = _by_entity(situation.findings)
        told = (one for one in situation.findings if one.signal in OF_REQUESTS)
        self._telling = _by_entity(told) if alarm_is_well else self.findings
        self._changes: dict[str, list[Event]] = {}
        for event in situation.evidence.events:
            if event.kind is EventKind.CHANGE:
                self._changes.setdefault(event.entity, []).append(event)
        self._starts = starts_of(situation.evidence.events) if ideas.start_up else {}
        tolerance = tolerance_of(situation.evidence)
        self._firing = Timing(situation.since if ideas.onset_order else None, tolerance)
        self.alarms = self._real_alarms()
        self._timing = Timing(self._trouble() if ideas.onset_order else None, tolerance)
        self._machines = self._blame_of_machines() if ideas.machines else {}
        self._demand = self._blame_of_load() if ideas.callers_load else {}
        self._shares = self._flows() if ideas.explaining_away else {}
        self._failures = self._blame_of_failures() if ideas.explaining_away else {}
        self._failing = {user: self._nats_of_errors(user) for user in self._failures}
        self._reachable = {name for alarm in self.alarms for name in situation.graph.distances(alarm)}

    def weigh(self, entity: str) -> Candidate:
        """A candidate of all findings of an entity that may tell; its weight may be 0."""
        findings = self._telling.get(entity) or self.findings[entity]
        weighed = [(finding.nats * self._weight(finding), finding) for finding in findings]
        parts = _parts(weighed, self._factors)
        if self._ideas.changes and (changed := self._changed(entity, parts)):
            parts.append(changed)
        if told := accounted(entity, self._failures, self._failing, sum(part.nats for part in parts)):
            parts.append(told)
        against = self._against(entity)
        weight = sum(part.nats for part in parts)
        left, words = self._left(entity)
        if words:
            parts.append(Weighing(words, (left - 1.0) * weight, f"{left:g} of the {weight:.3g} nats above is left"))
            weight, against = left * weight, (*against, words)
        return Candidate(entity, weight, against, tuple(parts), _families(weighed))

    def _left(self, entity: str) -> tuple[float, str]:
        """How much counts of what speaks against an entity, for where it stands, and why; no words for all of it."""
        if entity not in self._telling:
            return _UNFELT, "what alerts is well, and no request tells of it"
        words = self._unconnected(entity) if self._ideas.reachability else ""
        return (_UNCONNECTED, words) if words else (1.0, "")

    def _changed(self, entity: str, parts: Sequence[Weighing]) -> Weighing | None:
        """What a change adds to the evidence that there is: as much again at most, and nothing to none."""
        evidence = sum(part.nats for part in parts)
        return change_before(self._changes.get(entity, ()), self._timing, evidence) if evidence > 0 else None

    def _unconnected(self, entity: str) -> str:
        """Why an entity has no connection with an alarm; empty where it has one, and without a graph."""
        graph = self._situation.graph
        if not len(graph) or entity in self._reachable:
            return ""
        if entity in graph and len(self._reachable) > len(self.alarms):
            return "nothing that alerts is known to depend on it"
        return "nothing is known to connect it with what alerts"

    def _weight(self, finding: Finding) -> float:
        return math.prod(value for value, _ in self._factors(finding))

    def _factors(self, finding: Finding) -> tuple[tuple[float, str], ...]:
        """What the evidence of a finding is multiplied by, and why, in words that go after the number."""
        timely = (self._timing.weight(finding.onset, finding.until), "for when it was")
        mechanism = (_MECHANISM, "as it says how something broke")
        if self._is_start_up(finding):
            timely = (min(timely[0], _STARTING), "as pods that start look like that, and it was soon over")
            mechanism = (1.0, "")
        if finding.entity in self._failures and finding.signal.family is Family.ERRORS:
            left = 1.0 - sum(self._failures[finding.entity].values())
            return (timely, (left, "as something that it uses fails as well"))
        if not self._shares or finding.signal in OF_REQUESTS:
            return (timely,)
        if finding.signal.family in _SYMPTOMS:
            return (timely, (self._own(finding.entity, finding.signal.family), "its own share of the trouble"))
        return (timely, mechanism, (self._troubled(finding.entity), "for its part in the trouble"))

    def _own(self, entity: str, family: Family) -> float:
        """Which part of the most that any entity has is this one's own, in [0, 1]."""
        if family is Family.LOAD:
            return max(self._own(entity, one) for one in self._shares)
        if family not in self._shares:
            return 0.0
        shares = self._shares[family]
        if entity not in shares.inflow:
            return _UNTROUBLED
        return shares.own[entity] / max(shares.own.values())

    def _troubled(self, entity: str) -> float:
        """How far resource evidence of an entity has to do with the trouble and is its own, in (0, 1]."""
        return self._comes_by(entity) * (1.0 - min(sum(self._machines.get(entity, {}).values()), _MOST_EXCUSED))

    def _comes_by(self, entity: str) -> float:
        if entity not in self._measured:
            return 1.0 - min(sum(self._demand.get(entity, {}).values()), _MOST_EXCUSED)
        stays = max(one.own.get(entity, 0.0) / max(one.own.values()) for one in self._shares.values())
        return max(stays, _UNTROUBLED)

    def _real_alarms(self) -> tuple[str, ...]:
        """What alerts and deviates itself, or cannot be told to be normal for lack of its own series.

        What was over well before the alert began to fire is not what it fires about. The alarm was not searched for
        among many series, so it need not pay the price of a search. Where the alert names nothing, whatever is in
        trouble and has nobody in trouble above it stands for it.
        """
        if not self._situation.alerting:
            return self._uppermost()
        return tuple(
            alarm
            for alarm in self._situation.alerting
            if self._deviates(alarm) or alarm not in self._measured or not self._ideas.real_alarm
        )

    def _deviates(self, entity: str) -> bool:
        own = any(
            finding.signal.family is not Family.LOAD
            and not self._firing.was_over(finding.until)
            and not self._is_start_up(finding)
            for finding in self._telling.get(entity, ())
        )
        return own or any(
            one.nats_of(entity) >= _ALARMING and not self._firing.was_over(one.until_of(entity))
            for one in self._excess.values()
        )

    def _is_start_up(self, finding: Finding) -> bool:
        return is_start_up(finding, self._starts, self._firing.tolerance)

    def _uppermost(self) -> tuple[str, ...]:
        graph = self._situation.graph
        deviating = sorted(name for name in self._telling if self._deviates(name))
        top = [name for name in deviating if not any(above in self._telling for above in graph.dependents(name))]
        return tuple(top or deviating)

    def _trouble(self) -> float | None:
        """When the trouble of what alerts began; none of what stands for it only because of its requests.

        By most of the evidence, not by the earliest: of many alarms, one wandered off by itself long before.
        """
        found = [
            (float(one.onset[one.row[alarm]]), one.nats_of(alarm))
            for one in self._excess.values()
            for alarm in self.alarms
            if one.nats_of(alarm) >= _ALARMING and (alarm in self._situation.alerting or self._is_measured(alarm))
        ]
        return _weighted_median(found) if found else self._situation.since

    def _is_measured(self, entity: str) -> bool:
        """Whether anything but its requests deviates."""
        return any(finding.signal not in OF_REQUESTS for finding in self._telling.get(entity, ()))

    def _flows(self) -> dict[Family, Shares]:
        """Shares by family of symptoms; empty where no alarm is slow or failing, so that nothing can be explained."""
        blames: dict[Family, Blame] = {}
        flows: dict[Family, Shares] = {}
        for family, one in self._excess.items():
            alarms = [alarm for alarm in self.alarms if one.nats_of(alarm) >= _ALARMING]
            profile = one.profile(alarms)
            if profile is None:
                continue
            if not any(alarm in self._situation.graph for alarm in alarms):
                alarms = [name for name in sorted(one.row) if one.nats_of(name) >= SIGNIFICANT] or alarms
            blames[family] = blame_of_calls(one, profile, self._situation.graph, self._timing, alarms)
            if family is Family.ERRORS and self._ideas.time_outs:
                blames[family] = with_timeouts(blames[family], blames.get(Family.LATENCY, {}))
            downwards = without_own(together(blames[family], self._machines), self._demand)
            flows[family] = walk(alarms, together(downwards, self._demand))
        return flows

    def _blame_of_machines(self) -> Blame:
        """By what is measured: what is counted about a machine, such as killed containers, tells of its tenants.

        Whatever is called or used and whose answers nobody measures is like a machine to who needs it: a cache, or who
        reads a queue.
        """
        edges = self._situation.evidence.edges
        tenancies = [edge for edge in edges if edge.kind is EdgeKind.RUNS_ON or edge.dependency not in self._measured]
        resources = {
            entity: tuple(one for one in found if one.signal.family not in _SYMPTOMS and not one.subject)
            for entity, found in self._telling.items()
        }
        return together(
            blame_of_machines(resources, tenancies, self._timing),
            blame_of_machines(_delays(self._telling), edges, self._timing),
        )

    def _blame_of_load(self) -> Blame:
        evidence = self._situation.evidence
        requests = blame_of_load(rises(evidence, self._detector, RATE), self._situation.graph, self._timing)
        return together(requests, blame_of_growth(rises(evidence, self._detector, _WANTED), evidence))

    def _blame_of_failures(self) -> Blame:
        return blame_of_failures(
            began_to_fail(self._telling), self._situation.evidence.edges, self._measured, self._timing
        )

    def _nats_of_errors(self, entity: str) -> float:
        errors = (one for one in self._telling[entity] if one.signal.family is Family.ERRORS)
        return max(one.nats * self._timing.weight(one.onset, one.until) for one in errors)

    def _against(self, entity: str) -> tuple[str, ...]:
        """What explains the entity's symptoms, in words."""
        blamed = [
            shares.blamed[entity]
            for shares in self._shares.values()
            if entity in shares.blamed and shares.own.get(entity, 0.0) < 0.5 * shares.inflow.get(entity, 0.0)
        ]
        blamed += list(self._failures.get(entity, {}).items())
        if not blamed:
            return ()
        return (f"most of its trouble comes from {max(blamed, key=lambda pair: pair[1])[0]}, which it depends on",)


def _weighted_median(weighted: Iterable[tuple[float, float]]) -> float:
    """The lower one of pairs of value and weight."""
    values, weights = np.array(sorted(weighted)).T
    return float(values[np.searchsorted(np.cumsum(weights), weights.sum() / 2.0)])


def _new(situation: Situation, known: Set[str]) -> list[Candidate]:
    """What alerts and was not there before the window: a rule found it unusual, and nothing else can tell."""
    evidence = situation.evidence
    if not _has_past(evidence):
        return []
    since = {alarm: _measured_since(evidence, alarm) for alarm in situation.alerting}
    return [
        Candidate(alarm, _NEW, parts=(Weighing("alerts, and nothing is known of it from before", _NEW),))
        for alarm, first in since.items()
        if alarm not in known and first is not None and first >= evidence.window_start
    ]


def _has_past(evidence: Evidence) -> bool:
    """Whether anything was measured before the window, so that being new says something."""
    split = int(np.searchsorted(evidence.times, evidence.window_start))
    return any(np.isfinite(panel.values[:, : split // 2]).any() for panel in evidence.panels)


def _measured_since(evidence: Evidence, entity: str) -> float | None:
    """When the first sample of any of its signals was taken; None where there is none."""
    first: float | None = None
    for panel in evidence.panels:
        if entity in panel.entities:
            seen = np.flatnonzero(np.isfinite(panel.values[panel.entities.index(entity)]))
            if len(seen):
                at = float(evidence.times[seen[0]])
                first = at if first is None else min(first, at)
    return first


def _by_entity(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.entity, []).append(finding)
    return found


def _parts(
    weighed: Iterable[tuple[float, Finding]], factors: Callable[[Finding], Iterable[tuple[float, str]]]
) -> list[Weighing]:
    """The best findings, as ``combined`` weighs them."""
    best = sorted(weighed, key=lambda pair: -pair[0])
    return [
        Weighing(_named(finding), nats * discount, _how(finding, factors(finding), place))
        for place, (discount, (nats, finding)) in enumerate(zip(DISCOUNTS, best, strict=False))
        if nats > 0
    ]


def _how(finding: Finding, factors: Iterable[tuple[float, str]], place: int) -> str:
    """The evidence and what it was multiplied by; empty where the evidence counts whole."""
    said = [f"{value:.2g} {words}" for value, words in factors if value != 1.0]
    said += [f"1/{1 / DISCOUNTS[place]:g} as its {_PLACES[place]} finding"] if place else []
    return " × ".join([f"{finding.nats:.3g} nats", *said]) if said else ""


def _families(weighed: Iterable[tuple[float, Finding]]) -> dict[Family, float]:
    strongest: dict[Family, float] = {}
    for nats, finding in weighed:
        told = nats * (_TOLD if finding.subject and finding.signal.family is Family.ERRORS else 1.0)
        strongest[finding.signal.family] = max(strongest.get(finding.signal.family, 0.0), told)
    return strongest


def _delays(findings: Mapping[str, Sequence[Finding]]) -> dict[str, tuple[Finding, ...]]:
    """Of whom the way is slow: whoever calls it waits, though it answers as fast as ever."""
    slow = {entity: tuple(one for one in found if one.signal.name == DELAY) for entity, found in findings.items()}
    return {entity: found for entity, found in slow.items() if found}


def _named(finding: Finding) -> str:
    name = finding.signal.name.replace("_", " ")
    return f"{name}: {finding.subject}" if finding.subject else name
