"""Marks of one run: where the truth stands, what was named rightly, how long it took. Pure; `scores` adds them up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from brain_lab.emit.metrics import SCRAPE_SECONDS
from brain_lab.evaluate.run_result import Judgement, RunResult, RunTruth, SaidCause


class Said(NamedTuple):
    """The first thing that was said, as a forecast.

    Attributes:
        probability: How sure the product was of it.
        right: Whether it was so.
    """

    probability: float
    right: bool


def truth_of(cause: SaidCause, truths: Sequence[RunTruth]) -> RunTruth | None:
    """What of the truth a cause names."""
    return next((truth for truth in truths if truth.names(cause.entity)), None)


def rank(run: RunResult) -> int | None:
    """Place of the truth in the last judgement, from 1; None where it is not listed."""
    return _place(run.last, run.truths) if run.last else None


def kind_is_right(run: RunResult) -> bool | None:
    """Whether the first cause is called what it is; None where it is not the truth."""
    cause, truth = _first(run)
    return None if cause is None or truth is None else not truth.kinds or cause.fault_kind in truth.kinds


def proposal_is_right(run: RunResult) -> bool | None:
    """Whether a proposal for the first cause is of the kind that would help; None where the cause is not the truth."""
    cause, truth = _first(run)
    return None if cause is None or truth is None or not truth.proposal else truth.proposal in cause.proposals


def onset_error(run: RunResult) -> float | None:
    """By how many samples the onset of a right first cause is off, either way; None where there is none."""
    cause, truth = _first(run)
    if cause is None or truth is None or cause.onset is None:
        return None
    return abs(cause.onset - truth.onset) / SCRAPE_SECONDS


def detected_after(run: RunResult) -> float | None:
    """Seconds from the onset to the first alert; None where none fired, or one did before anything was broken."""
    if run.onset is None or run.alert_at is None or run.alert_at < run.onset:
        return None
    return run.alert_at - run.onset


def localised_after(run: RunResult, first: int) -> float | None:
    """Seconds from the onset to the first judgement with the truth among the first so many; None: there was none."""
    if run.onset is None:
        return None
    for judgement in run.judgements:
        place = _place(judgement, run.truths)
        if place is not None and place <= first:
            return judgement.at - run.onset
    return None


def all_said(run: RunResult) -> list[Said]:
    """Every listed cause of the last judgement, and "none of them", each as a forecast of its own."""
    if run.last is None:
        return []
    named = [(cause, truth_of(cause, run.truths)) for cause in run.last.causes]
    said = [Said(cause.probability, right=truth is not None) for cause, truth in named]
    return [*said, Said(run.last.none_probability, right=all(truth is None for _, truth in named))]


def first_said(run: RunResult) -> Said | None:
    """The first cause and whether it is one, or "none" and whether there is none; None where nobody asked."""
    if run.last is None:
        return None
    if not run.last.causes:
        return Said(run.last.none_probability, right=not run.truths)
    return Said(run.last.causes[0].probability, right=truth_of(run.last.causes[0], run.truths) is not None)


def _first(run: RunResult) -> tuple[SaidCause | None, RunTruth | None]:
    if run.last is None or not run.last.causes:
        return None, None
    return run.last.causes[0], truth_of(run.last.causes[0], run.truths)


def _place(judgement: Judgement, truths: Sequence[RunTruth]) -> int | None:
    places = (n for n, cause in enumerate(judgement.causes, start=1) if truth_of(cause, truths) is not None)
    return next(places, None)
