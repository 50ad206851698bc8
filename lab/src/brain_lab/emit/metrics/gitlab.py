"""gitlab-ci-pipelines-exporter: the latest pipeline of the main branch of each project.

https://github.com/mvisonneau/gitlab-ci-pipelines-exporter/blob/main/docs/metrics.md. Of the status only the current
one is exported, the exporter's default.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from brain_lab.emit.metrics.scrape import Scrape, scrape_times
from brain_lab.emit.records import NANOS, Change, ChangeKind
from brain_lab.platforms.delivery import projects
from brain_lab.replay.series import PromSeries
from brain_lab.simulate.recording import Array

_EXPORTER: Final = "gitlab-ci-pipelines-exporter"
_STATES: Final = ("success", "running", "failed")


def series(scrape: Scrape) -> Iterator[PromSeries]:
    """Status, duration, start and number of pipelines."""
    runs: dict[str, list[Change]] = {name: [] for name in projects(scrape.recording.platform)}
    for change in scrape.recording.changes:
        if change.kind is ChangeKind.GITLAB_PIPELINE:
            runs.setdefault(change.target, []).append(change)
    times = scrape_times(scrape.recording)
    sorts = [sorted(own, key=lambda run: run.start) for own in runs.values()]
    courses = [_course(times, own) for own in sorts]
    state, latest, count = (np.stack([course[n] for course in courses], axis=1) for n in range(3))
    ages = scrape.rng("gitlab ages").uniform(1800.0, 86400.0, len(runs))
    usual = scrape.rng("gitlab").uniform(70.0, 400.0, len(runs))
    labels = [_labels(project) for project in runs]
    for number, status in enumerate(_STATES):
        columns = np.flatnonzero(np.any(state == number, axis=0))
        shown = np.where(state[:, columns] == number, 1.0, np.nan)
        own = [{**labels[n], "status": status} for n in columns]
        yield from _write(scrape, "status", shown, own)
    begun = [[*(run.start / NANOS for run in own), float(times[0]) - age] for own, age in zip(sorts, ages, strict=True)]
    took = [[*((run.end - run.start) / NANOS for run in own), old] for own, old in zip(sorts, usual, strict=True)]
    yield from _write(scrape, "duration_seconds", _picked(took, latest), labels)
    yield from _write(scrape, "timestamp", _picked(begun, latest), labels)
    yield from _write(scrape, "run_count", count + np.floor(ages / 600.0), labels, counter=True)


def _write(
    scrape: Scrape, name: str, values: Array, labels: list[dict[str, str]], *, counter: bool = False
) -> Iterator[PromSeries]:
    metric, targets = f"gitlab_ci_pipeline_{name}", [_EXPORTER] * len(labels)
    yield from scrape.series(metric, np.asarray(values, np.float64), labels, counter=counter, targets=targets)


def _labels(project: str) -> dict[str, str]:
    path = f"platform/{project}"
    return {"project": path, "topics": "", "kind": "branch", "ref": "main", "source": "push", "variables": ""}


def _course(times: Array, runs: list[Change]) -> tuple[Array, Array, Array]:
    """[R] index of the status, number of the latest pipeline that has ended (-1: none), and pipelines begun."""
    state, latest = np.zeros(len(times)), np.full(len(times), -1.0)
    for number, run in enumerate(runs):
        ended = times >= run.end / NANOS
        state[times >= run.start / NANOS] = _STATES.index("running")
        state[ended] = _STATES.index("success" if run.succeeded else "failed")
        latest[ended] = number
    begun = np.sum([times >= run.start / NANOS for run in runs], axis=0) if runs else np.zeros(len(times))
    return state, latest, np.asarray(begun, np.float64)


def _picked(values: list[list[float]], latest: Array) -> Array:
    """[R, projects] each project's value of the latest pipeline; its last value stands for what was before."""
    columns = [np.round(np.array(own))[latest[:, n].astype(np.int64)] for n, own in enumerate(values)]
    return np.stack(columns, axis=1)
