"""What requests did on their way that they did not do before: findings from spans and the lines written inside them.

The questions (``questions.py``) are all answered in counts with trials, so that all are weighed alike
(``anomaly/share_shift.py``). Each may be wrong by chance equally often, so that the few lines that tell of errors do
not pay for the many steps of other kinds (Bonferroni's correction with weights; Genovese, Roeder & Wasserman,
Biometrika 2006). An instance does not count against an entity if a visit that it had made before was conspicuous
itself: what a callee broke, its callers cannot be blamed for. So everything is counted twice, the second time without
what is excused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_engine.anomaly.share_shift import share_deviations
from brain_engine.deviations import Deviations
from brain_engine.findings import Finding, of_panel, strongest_first
from brain_engine.flow.counted import Counted, counted, steps_at
from brain_engine.flow.questions import Question, questions_of
from brain_engine.flow.tables import NOWHERE, Spans
from brain_engine.flow.visits import Visits, visits_of
from brain_engine.series import CountPanel, Evidence

_GENERATIONS: Final = 64  # of visits through which a conspicuous one excuses its callers; deeper ones are circles

_Mask = NDArray[np.bool_]


def find_in_flow(evidence: Evidence) -> tuple[Finding, ...]:
    """All that deviates by more than the search for it is worth, strongest first; nothing where there are no spans."""
    spans = evidence.spans
    if spans is None or not len(spans.start) or not len(evidence.times):
        return ()
    visits = visits_of(spans)
    questions = questions_of(evidence, spans, visits)
    guilty = [_Counting(evidence, one, np.ones(len(one.row), dtype=np.bool_)) for one in questions]
    prices = _prices(guilty)
    excused = _excused(spans, visits, [one.conspicuous(price) for one, price in zip(guilty, prices, strict=True)])
    own = [_Counting(evidence, one, ~(one.at > excused[one.visit])) for one in questions]
    return strongest_first(found for one, price in zip(own, prices, strict=True) for found in one.findings(price))


def _prices(counts: Sequence[_Counting]) -> list[float]:
    """Of each question; one that nothing could answer is not asked."""
    asked = sum(one.counts.tests > 0 for one in counts)
    return [float(np.log(max(asked * one.counts.tests, 1))) for one in counts]


class _Counting:
    """One question, counted on the grid and weighed."""

    def __init__(self, evidence: Evidence, question: Question, counts: _Mask) -> None:
        self._evidence, self._question = evidence, question
        times = evidence.times
        step = steps_at(times, question.at)
        self._used = np.flatnonzero(counts & (step >= 0))
        split = int(np.searchsorted(times, evidence.window_start))
        used = self._used
        self.counts: Counted = counted(
            question.row[used], question.chance[used], question.hit[used], step[used], len(times), split
        )
        self._deviations: Deviations = share_deviations(self.counts.hits, self.counts.trials, split)

    def conspicuous(self, price: float) -> NDArray[np.int64]:
        """The visits of all hits of rows that deviate."""
        rows = self.counts.rows[self._deviations.nats > price]
        question = self._question
        hits = self._used[question.hit[self._used] & np.isin(question.row[self._used], rows)]
        late = question.at[hits] >= self._evidence.window_start
        return np.unique(question.visit[hits[late]])

    def findings(self, price: float) -> list[Finding]:
        """One for each row that deviates."""
        question, rows = self._question, self.counts.rows
        _, first = np.unique(question.row, return_index=True)
        place = first[np.searchsorted(question.row[first], rows)]
        panel = CountPanel(
            question.signal,
            tuple(question.entities[number] for number in question.entity[place]),
            tuple(question.subject(int(instance)) for instance in place),
            self.counts.hits,
        )
        return of_panel(self._evidence, panel, self._deviations, price)


def _excused(spans: Spans, visits: Visits, conspicuous: Sequence[NDArray[np.int64]]) -> NDArray[np.float64]:
    """[S], for rows that name visits: from when on the visit has the excuse of a conspicuous callee; else infinity."""
    made = np.flatnonzero(visits.caller != NOWHERE)
    began, caller = spans.start[visits.parent[made]], visits.caller[made]
    since = np.full(len(spans.start), np.inf)
    bad = np.zeros(len(since), dtype=np.bool_)
    for rows in conspicuous:
        bad[rows] = True
    fresh = bad[made]
    for _ in range(_GENERATIONS):
        if not fresh.any():
            break
        np.minimum.at(since, caller[fresh], began[fresh])
        before = bad.copy()
        bad[caller[fresh]] = True
        fresh = bad[made] & ~before[made]
    return since
