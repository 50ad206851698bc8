"""What was changed shortly before the trouble: most incidents follow a change, and most changes do no harm.

So a change is no evidence by itself; it adds to what speaks against an entity already, as much again at most, and the
more, the shorter before.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from brain_engine.rank.protocol import Weighing
from brain_engine.rank.timing import Timing
from brain_engine.series import Event

_MOST = 6.0  # nats, for a change at the very moment
_FADES = 600.0  # seconds after which a change counts for 1/e of that: rollouts take minutes to reach all instances
_LONGEST = 1800.0  # seconds before the trouble; older ones have proved themselves


def change_before(changes: Iterable[Event], timing: Timing, evidence: float) -> Weighing | None:
    """The step that the latest of an entity's changes before the trouble adds to its weight; None without one.

    Args:
        changes: Of the entity.
        timing: When the trouble began.
        evidence: What speaks against the entity without them, in nats; a change adds as much again at most.
    """
    if timing.trouble is None:
        return None
    times = [event.at for event in changes if event.at <= timing.trouble + timing.tolerance]
    since = max(timing.trouble - max(times, default=-math.inf), 0.0)
    if since > _LONGEST:
        return None
    fades = math.exp(-since / _FADES)
    how = f"{_MOST:g} nats × {fades:.2g} for how shortly before the trouble, at most what else speaks against it"
    return Weighing("changed shortly before", min(_MOST * fades, evidence), how)
