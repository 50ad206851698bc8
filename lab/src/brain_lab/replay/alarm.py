"""The notification that a replayed case gives rise to, whether or not a rule fires.

A case without an alert is no question to the product. Where no rule fires at the end, a recorded alert is taken to have
fired since the incident began: its threshold was not recorded. Where none was recorded, somebody who felt that
something is wrong asks about the system as a whole; in a quiet window that is the false alarm of a nervous user.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from brain_lab.replay.documents import about_everything, firing, group_payload, notification
from brain_lab.replay.rules import rules_for
from brain_lab.replay.timeline import Timeline


def alarm(timeline: Timeline) -> dict[str, Any] | None:
    """The webhook payload; None when nothing of the case was recorded."""
    rules = rules_for(timeline)
    fired = group_payload(rules, timeline.times)
    if fired is not None:
        return fired
    in_incident = timeline.incident_rows >= 0
    began = float(timeline.times[int(np.flatnonzero(in_incident)[0])])
    if timeline.case.target is None:
        return notification([about_everything(began)]) if timeline.keys else None
    recorded = [rule for rule in rules if np.isfinite(rule.observed[in_incident]).any()]
    return notification([firing(recorded[0], began)]) if recorded else None
