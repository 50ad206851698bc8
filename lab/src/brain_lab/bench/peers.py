"""Published methods on the very cases that the product is asked about, by the packages of their authors.

fse-baro 0.2.2 has RobustScorer (BARO, FSE 2024) and N-Sigma, RCAEval 1.8.1 has CIRCA (KDD 2022); its RCD needs a
causal-learn changed by its authors, which no package has. They run in an environment of their own (``make peers``).
They need to know when the fault began, so they are told: the incident's first row, or as late as the product was told.
They see every metric, but no graph, log or trace, for they take none, and they always name something: their specificity
is 0 by construction.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from brain_common.errors import InputError
from brain_engine.series import Evidence
from brain_lab.bench import peers_worker
from brain_lab.bench.figures import Progress
from brain_lab.bench.told import LATE, InjectionTime
from brain_lab.evaluate.ranks import Ranks, accuracy, average_of_five
from brain_lab.recorded.model import Array, Measure, RecordedCase, SeriesKey

LIMIT_SECONDS: Final = 60
"""Of one case; a peer that takes longer has not answered it."""

_STARTING = 120.0  # seconds to load a method's libraries

_WORDS = {
    Measure.CPU: "cpu",
    Measure.MEMORY: "mem",
    Measure.REQUEST_RATE: "workload",
    Measure.ERROR_RATIO: "error",
    Measure.LATENCY_MEAN: "latency",
    Measure.LATENCY_P50: "latency-50",
    Measure.LATENCY_P90: "latency-90",
    Measure.LATENCY_P95: "latency-95",
    Measure.LATENCY_P99: "latency-99",
}


class Peer(msgspec.Struct, frozen=True):
    """Of one method; only ``failed`` is known of one that answered no case.

    Attributes:
        top1: AC@1.
        top3: AC@3.
        avg5: Avg@5.
        specificity: Share of quiet windows for which it named nothing; None where the data have none.
        seconds_per_case: The mean, of those that it answered.
        failed: Cases that it did not answer, by an error, within ``LIMIT_SECONDS``, or after one that took longer than
            that; they count as misses.
    """

    top1: float | None
    top3: float | None
    avg5: float | None
    specificity: float | None
    seconds_per_case: float | None
    failed: int


@dataclass(frozen=True, slots=True)
class Table:
    """What a peer is given.

    Attributes:
        names: [columns] of metrics, as the authors' own tables name them: service, underscore, measure.
        services: [columns] whose they are.
        values: [rows, columns].
        times: [rows] seconds.
        began: When the fault began, in seconds.
    """

    names: tuple[str, ...]
    services: tuple[str, ...]
    values: Array
    times: Array
    began: float


@dataclass(frozen=True, slots=True)
class PeerAnswer:
    """Services, best first; empty with an ``error``."""

    services: tuple[str, ...]
    seconds: float
    cpu_seconds: float
    error: str


def table_of(case: RecordedCase, known: InjectionTime) -> Table:
    """The metrics of a case, normal period and incident one after the other whatever the gap between them was."""
    keys = sorted({*case.normal.values, *case.incident.values})
    parts = [
        np.stack([part.values.get(key, np.full(len(part.times), np.nan)) for key in keys], axis=1)
        for part in (case.normal, case.incident)
    ]
    times = case.step * np.arange(len(parts[0]) + len(parts[1]), dtype=np.float64)
    began = min(float(times[len(parts[0])]) + LATE[known], float(times[-1]))
    return Table(tuple(map(_named, keys)), tuple(key.entity for key in keys), np.concatenate(parts), times, began)


def table_of_evidence(evidence: Evidence) -> Table:
    """The same for evidence: the fault begins with the window."""
    columns = [(f"{entity}_{panel.signal.name}", entity) for panel in evidence.panels for entity in panel.entities]
    names, services = zip(*columns, strict=True)
    values = np.concatenate([panel.values for panel in evidence.panels]).T
    return Table(names, services, values, evidence.times, evidence.window_start)


def check(python: Path) -> None:
    """Refuse what is no interpreter of an environment with the peers.

    Raises:
        InputError: It is none.
    """
    command = [str(python), peers_worker.__file__]
    nothing = subprocess.DEVNULL
    try:
        done = subprocess.run(command, stdin=nothing, stdout=nothing, stderr=nothing, timeout=_STARTING, check=False)
        ready = done.returncode == peers_worker.READY
    except (OSError, subprocess.TimeoutExpired):
        ready = False
    if not ready:
        raise InputError(f"--peers {python}: is no Python with the peers' packages; run make peers")


def ask(
    python: Path, tables: Sequence[Table], progress: Progress, peers: Sequence[str] = tuple(peers_worker.METHODS)
) -> Mapping[str, Sequence[PeerAnswer]]:
    """Answers of each peer, in the order of the tables.

    Args:
        python: Interpreter of the environment with the peers.
        tables: What is asked.
        progress: Told which peer is asked.
        peers: Of ``peers_worker.METHODS``.

    Raises:
        InputError: There is no such interpreter, or a peer cannot be loaded in it.
    """
    with tempfile.TemporaryDirectory() as folder:
        for number, table in enumerate(tables):
            _write(Path(folder) / f"{number:06d}.npz", table)
        found = {}
        for peer in peers:
            progress(f"asking {peer}")
            found[peer] = _ask_one(python, peer, Path(folder), tables)
            for complaint in sorted({answer.error for answer in found[peer] if answer.error}):
                progress(f"{peer} did not answer: {complaint}")
        return found


def peer_of(answers: Sequence[PeerAnswer], ranks: Ranks, specificity: float | None) -> Peer:
    """Its figures, of ranks of the true service in its answers."""
    given = [answer.seconds for answer in answers if not answer.error]
    failed = len(answers) - len(given)
    if not given:
        return Peer(None, None, None, None, None, failed)
    mean = sum(given) / len(given)
    return Peer(accuracy(ranks, 1), accuracy(ranks, 3), average_of_five(ranks), specificity, mean, failed)


def _named(key: SeriesKey) -> str:
    return f"{key.entity}_{_WORDS.get(key.measure, key.measure.value)}"


def _write(path: Path, table: Table) -> None:
    np.savez(path, values=table.values, names=np.array(table.names), times=table.times, began=table.began)


def _ask_one(python: Path, peer: str, folder: Path, tables: Sequence[Table]) -> Sequence[PeerAnswer]:
    command = [str(python), peers_worker.__file__, peer, str(folder), str(LIMIT_SECONDS)]
    limit = _STARTING + LIMIT_SECONDS * len(tables)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except FileNotFoundError as error:
        raise InputError(f"--peers {python}: no such interpreter; `make peers` makes one") from error
    except subprocess.TimeoutExpired:
        return _read(folder / f"{peer}.jsonl", tables)
    if done.returncode:
        raise InputError(f"--peers {python}: {peer} ended with: {(done.stderr.strip() or '?').splitlines()[-1]}")
    return _read(folder / f"{peer}.jsonl", tables)


def _read(path: Path, tables: Sequence[Table]) -> Sequence[PeerAnswer]:
    """What was written, and for each further table that it was not answered in time."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []
    answers = [_answer(line, table) for line, table in zip(lines, tables, strict=False)]
    nothing = PeerAnswer((), float("nan"), float("nan"), peers_worker.OVERDUE)
    return answers + [nothing] * (len(tables) - len(answers))


def _answer(said: Mapping[str, object], table: Table) -> PeerAnswer:
    of = dict(zip(table.names, table.services, strict=True))
    ranks = said["ranks"]
    assert isinstance(ranks, list)
    services = tuple(dict.fromkeys(of[name] for name in ranks if name in of))
    error = str(said["error"]) or ("" if services else "it named nothing")
    return PeerAnswer(services, float(str(said["seconds"])), float(str(said["cpu_seconds"])), error)
