"""The runs that went most wrong, with what was said instead; the surest mistakes first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from brain_lab.evaluate.marks import first_said, rank
from brain_lab.evaluate.report.words import clip, percent, short
from brain_lab.evaluate.run_result import RunResult

SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Mistake:
    """One run."""

    platform: str
    fault: str
    seed: int
    truth: str
    said: str
    place: str


def worst(runs: Sequence[RunResult]) -> tuple[Mistake, ...]:
    """Runs whose first answer was wrong, or that had none, by how sure the product was."""
    wrong = [run for run in runs if not run.error and not run.unreadable and _is_wrong(run)]
    return tuple(_mistake(run) for run in sorted(wrong, key=lambda run: (-_sureness(run), run.title))[:SHOWN])


def count_wrong(runs: Sequence[RunResult]) -> int:
    """How many there are to choose from."""
    return sum(not run.error and not run.unreadable and _is_wrong(run) for run in runs)


def _is_wrong(run: RunResult) -> bool:
    return not run.no_cause if run.fault is None else rank(run) != 1


def _sureness(run: RunResult) -> float:
    said = first_said(run)
    return said.probability if said and not run.no_cause else 0.0


def _mistake(run: RunResult) -> Mistake:
    return Mistake(
        platform=clip(run.platform),
        fault=clip(run.fault or "no fault"),
        seed=run.seed,
        truth=", ".join(short(truth.entity) for truth in run.truths) or "nothing was broken",
        said=_said(run),
        place=_place(run),
    )


def _said(run: RunResult) -> str:
    if run.last is None:
        return "nothing: no alert fired" if run.alert_at is None else "nothing"
    if not run.last.causes:
        return "no cause found"
    first = run.last.causes[0]
    return f"{short(first.entity)}, {clip(first.fault_kind)}, {percent(first.probability)}"


def _place(run: RunResult) -> str:
    if run.fault is None:
        return "false alarm"
    place = rank(run)
    return "not listed" if place is None else f"place {place}"
