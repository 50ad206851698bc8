"""Counted findings in plain words: log templates that are new, vanished or exploded, warnings, refused calls.

What was counted is text from anybody: it is masked, made one line and capped here, and escaped by whoever shows it.
Numbers are told as they were counted, not as the detector weighed them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_engine.findings import Finding
from brain_engine.series import CountPanel, Direction, Evidence
from brain_rca.analysis.changes import one_line
from brain_rca.analysis.words import amount, signal_name

MAX_SUBJECT: Final = 160  # characters: a log template's beginning tells which it is
# What a subject is, by signal; of others the signal's own name is said.
_THINGS: Final = {
    "log_templates": 'line "{}"',
    "kubernetes_warnings": "Kubernetes warning {}",
    "cloud_call_errors": "cloud call error {}",
    "trace_transition": 'step "{}" of requests',
    "span_self_time": 'slow work in "{}"',
    "edge_network_time": 'slow way of "{}"',
    "span_error_origin": 'errors that began in "{}"',
}


@dataclass(frozen=True, slots=True)
class Tally:
    """How often one thing happened before its onset and since.

    Attributes:
        before, since: Happenings.
        seconds_before: How long was looked at before; gaps are not counted.
        ratio: Of the rate since to the rate before; NaN where it cannot be told.
    """

    before: int
    since: int
    seconds_before: float
    ratio: float


def tally(evidence: Evidence, panel: CountPanel, row: int, onset: float | None) -> Tally:
    """Count a row of a panel before and since ``onset``; since the start of the window where no onset is known."""
    split = int(np.searchsorted(evidence.times, evidence.window_start if onset is None else onset))
    hits = panel.hits[row]
    looked = np.isfinite(hits)
    before, since = float(np.nansum(hits[:split])), float(np.nansum(hits[split:]))
    return Tally(
        before=round(before),
        since=round(since),
        seconds_before=evidence.step * int(looked[:split].sum()),
        ratio=_ratio(before, since, looked, split),
    )


def _ratio(before: float, since: float, looked: NDArray[np.bool_], split: int) -> float:
    earlier, later = float(looked[:split].sum()), float(looked[split:].sum())
    if before <= 0 or earlier <= 0 or later <= 0:
        return float("nan")
    return (since / later) / (before / earlier)


def counted(finding: Finding, found: Tally) -> str:
    """How often it happened: ``line "connection refused to <*>" came 42 times, never in the 90 min before``."""
    thing = subject_words(finding)
    if found.before == 0 and found.since == 0:
        return f"{thing} deviates"  # the counts do not say how: nothing is made up
    if found.before == 0:
        return f"{thing} came {_times(found.since)}, never in the {_span(found.seconds_before)} before"
    if found.since == 0:
        return (
            f"{thing} vanished: it came {_times(found.before)} in the {_span(found.seconds_before)} before, not since"
        )
    often = "more often" if finding.direction is Direction.UP else "less often"
    return f"{thing} came {often}: {_times(found.since)} since{_factor(found.ratio)}"


def shared(finding: Finding) -> str:
    """Of how many chances it happened: ``errors that began in "GET /cart": 45 % of cases, usually 1 %``."""
    extreme, usual = (amount(value, "ratio") for value in (finding.extreme, finding.usual))
    return f"{subject_words(finding)}: {extreme} of cases, usually {usual}"


def subject_words(finding: Finding) -> str:
    """What was counted, without secrets, capped."""
    subject = one_line(finding.subject, MAX_SUBJECT)
    name = finding.signal.name
    return _THINGS[name].format(subject) if name in _THINGS else f'{signal_name(name)} "{subject}"'


def _times(count: int) -> str:
    return {0: "not once", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.3g} h"


def _factor(ratio: float) -> str:
    return f" (x {ratio:.3g} as often as before)" if np.isfinite(ratio) else ""
