"""The notification that a replayed case gives rise to, whether or not a rule fires.

A case without an alert is no question to the product. Where no rule fires at the end, the one nearest to its threshold
is taken to have fired since the incident began: somebody with a lower threshold would have got it. For a quiet window
that is a false alarm, and the one that is hardest to tell from a true one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from brain_lab.replay.documents import firing, group_payload, notification
from brain_lab.replay.rules import Rule, rules_for
from brain_lab.replay.timeline import Timeline

_LEAST: Final = 1e-9
"""Of a threshold: a recorded alert may have one of zero."""


def alarm(timeline: Timeline) -> dict[str, Any] | None:
    """The webhook payload; None when nothing of the case can be watched by a rule."""
    rules = rules_for(timeline)
    fired = group_payload(rules, timeline.times)
    if fired is not None:
        return fired
    in_incident = timeline.incident_rows >= 0
    nearest = _nearest(rules, in_incident)
    if nearest is None:
        return None
    began = float(timeline.times[int(np.flatnonzero(in_incident)[0])])
    return notification([firing(nearest, began)])


def _nearest(rules: Sequence[Rule], in_incident: np.ndarray) -> Rule | None:
    """Of the rules that saw anything in the incident, the one whose course came nearest to its threshold."""
    seen = [(rule, np.nanmax(rule.observed[in_incident], initial=-np.inf)) for rule in rules]
    known = [(highest / max(rule.threshold, _LEAST), rule) for rule, highest in seen if np.isfinite(highest)]
    return min(known, key=lambda pair: (-pair[0], pair[1].key))[1] if known else None
