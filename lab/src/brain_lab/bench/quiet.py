"""Windows in which nothing was broken, cut from the normal periods of recorded cases.

Each looks like an incident of its data set: as long, after a normal period of the same recording, with an alarm about
the same service. The right answer is "no cause found". Spans and lines are left out: where they are known of a part of
the normal period only, a window would have nothing to compare them with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from brain_lab.recorded.model import RecordedCase, Recording

WANTED: Final = 40
"""Windows of a data set."""

LARGEST_SHARE: Final = 1 / 3
"""Of a normal period; what is in front of a window has to be longer than the window."""


def quiet_cases(cases: Sequence[RecordedCase], wanted: int = WANTED) -> Iterator[RecordedCase]:
    """At least ``wanted`` windows where the data allow it, the same number of each normal period and alarm.

    A window is shorter than an incident only where the normal period is shorter than three incidents.
    """
    kinds = _distinct(cases)
    recordings = {_fingerprint(case.normal) for case in kinds}
    each = math.ceil(wanted / max(len(recordings), 1))
    for case in kinds:
        yield from _windows(case, each)


def moment_of(case: RecordedCase) -> tuple[int, float, float]:
    """What windows of one moment have in common, whatever alerts in them."""
    return _fingerprint(case.incident)


def _distinct(cases: Iterable[RecordedCase]) -> list[RecordedCase]:
    """One case for each normal period and target: cases may share their normal period."""
    return list({(_fingerprint(case.normal), case.target): case for case in cases}.values())


def _fingerprint(recording: Recording) -> tuple[int, float, float]:
    """Tells recordings apart."""
    known = [float(np.nansum(recording.values[key])) for key in sorted(recording.values)]
    return len(recording.times), float(recording.times[0]), math.fsum(known)


def _windows(case: RecordedCase, count: int) -> Iterator[RecordedCase]:
    rows = len(case.normal.times)
    length = min(len(case.incident.times), int(rows * LARGEST_SHARE))
    if length < 1:
        return
    last = rows - length
    first = max(length, min(rows // 2, rows - count * length))
    for start in sorted({round(at) for at in np.linspace(last, first, count)}):
        window = _cut(case.normal, start, start + length)
        if window.times[-1] - window.times[0] < 1.5 * length * case.step:  # or it spans a gap
            yield replace(case, normal=_cut(case.normal, 0, start), incident=window)


def _cut(recording: Recording, start: int, end: int) -> Recording:
    return Recording(
        recording.times[start:end],
        {key: part[start:end] for key, part in recording.values.items()},
        {key: part[start:end] for key, part in recording.calls.items()},
    )
