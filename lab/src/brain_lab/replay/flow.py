"""Spans and lines of a case where the replay puts its two periods."""

from __future__ import annotations

from brain_lab.recorded.flow import Flow
from brain_lab.recorded.model import Recording
from brain_lab.replay.timeline import Timeline


def flow_of(timeline: Timeline) -> Flow | None:
    """Everything that was recorded of requests, in seconds since the epoch of the replay; None where nothing was."""
    case = timeline.case
    end = float(timeline.times[-1])
    began = end - (_end(case.incident, case.step) - float(case.incident.times[0]))
    before, after = _ending(case.normal, case.step, began), _ending(case.incident, case.step, end)
    if before is None or after is None:
        return before or after
    return before.and_then(after)


def _ending(recording: Recording, step: float, at: float) -> Flow | None:
    return recording.flow.later(at - _end(recording, step)) if recording.flow is not None else None


def _end(recording: Recording, step: float) -> float:
    return float(recording.times[-1]) + step
