"""How long it takes to hear what happened to one entity in the last hour, in a lake of many events.

Events of two thousand workloads come in commits of the same size, twenty an hour, and nothing is compacted. Then twenty
workloads are asked for, each for the first time, and once more when all is compacted.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from brain_common.clock import ManualClock
from brain_lab.bench.figures import Bar, Progress, at_most, exactly
from brain_lake.config import UpkeepSettings
from brain_lake.location import LakeLocation
from brain_lake.maintenance import Maintenance
from brain_lake.reader import MOST_ROWS, LakeReader
from brain_lake.schemas import EVENTS
from brain_lake.writer import LakeWriter

QUERY_BAR: Final = 0.1
WORKLOADS: Final = 2000
ASKED: Final = 20
HOUR: Final = 3600.0
COMMITS_AN_HOUR: Final = 20
START: Final = 1_789_376_400.0
"""Monday 14 September 2026, 09:00 UTC: the same work at each call."""


class LakeFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured.

    Attributes:
        rows: Events in the lake.
        commits: That they came in.
        lake_bytes: Of all files together.
        commit_seconds: Of one commit, the median.
        commit_seconds_max: Of the slowest.
        query_seconds: From asking for an entity's last hour to its rows, the median of twenty entities.
        query_seconds_first: Of the very first, which opens the table.
        query_seconds_compacted: The median when everything is compacted.
        compact_seconds: For compacting everything.
        found: Rows in the twenty answers.
        rss_bytes: The most memory that writing and asking took.
        compact_rss_bytes: The most that compacting took as well.
        bars: What is good enough.
    """

    bench: str = "lake"
    rows: int
    commits: int
    lake_bytes: int
    commit_seconds: float
    commit_seconds_max: float
    query_seconds: float
    query_seconds_first: float
    query_seconds_compacted: float
    compact_seconds: float
    found: int
    rss_bytes: int
    compact_rss_bytes: int
    bars: list[Bar]


@dataclass(frozen=True, slots=True)
class Written:
    """What ``write_events`` did.

    Attributes:
        end: When the last event came, in seconds since the epoch.
        expected: Rows in the last hour of each workload that will be asked for.
        commit_seconds: Of each commit.
    """

    end: float
    expected: dict[int, int] = field(default_factory=dict)
    commit_seconds: list[float] = field(default_factory=list)


def run(rows: int, commits: int, progress: Progress, seed: int = 7) -> LakeFigures:
    """Fill a lake and ask it."""
    with TemporaryDirectory(prefix="brain-bench-lake-") as name:
        location = LakeLocation.local(Path(name))
        written = write_events(location, rows, commits, progress, seed)
        size = sum(path.stat().st_size for path in Path(name).rglob("*.parquet"))
        progress(f"asking for the last hour of {ASKED} workloads")
        reader = LakeReader(location)
        seconds, found = ask_each(reader, written)
        rss = _rss_bytes()
        progress("compacting")
        began = time.perf_counter()
        Maintenance(location, UpkeepSettings(), ManualClock(written.end + HOUR)).compact(EVENTS, every=True)
        compact_seconds = time.perf_counter() - began
        compacted, found_again = ask_each(reader, written)
    query = statistics.median(seconds)
    return LakeFigures(
        rows=rows // commits * commits,
        commits=commits,
        lake_bytes=size,
        commit_seconds=statistics.median(written.commit_seconds),
        commit_seconds_max=max(written.commit_seconds),
        query_seconds=query,
        query_seconds_first=seconds[0],
        query_seconds_compacted=statistics.median(compacted),
        compact_seconds=compact_seconds,
        found=found,
        rss_bytes=rss,
        compact_rss_bytes=_rss_bytes(),
        bars=[
            at_most("query_seconds", query, QUERY_BAR),
            exactly("found", min(found, found_again), sum(written.expected.values())),
        ],
    )


def write_events(location: LakeLocation, rows: int, commits: int, progress: Progress, seed: int = 7) -> Written:
    """Write ``rows`` events in ``commits`` commits, no more than one of them in memory."""
    rng, writer, each = np.random.default_rng(seed), LakeWriter(location), rows // commits
    step = HOUR / COMMITS_AN_HOUR
    written = Written(START + commits * step, dict.fromkeys(_asked(), 0))
    for number in range(commits):
        if number % max(commits // 10, 1) == 0:
            progress(f"{number * each:,} of {rows:,} events written")
        at = START + (number + np.sort(rng.random(each))) * step
        who = rng.integers(0, WORKLOADS, each)
        for workload in written.expected:
            written.expected[workload] += int(((who == workload) & (at >= written.end - HOUR)).sum())
        table = _events(at, who, rng)
        began = time.perf_counter()
        writer.append(EVENTS, table)
        written.commit_seconds.append(time.perf_counter() - began)
    return written


def ask_each(reader: LakeReader, written: Written) -> tuple[list[float], int]:
    """Seconds of each answer, and rows in all of them."""
    seconds, found = [], 0
    for workload in written.expected:
        began = time.perf_counter()
        answer = reader.rows(EVENTS, written.end - HOUR, written.end, _entity(workload), limit=MOST_ROWS)
        seconds.append(time.perf_counter() - began)
        found += answer.num_rows
    return seconds, found


def _rss_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _asked() -> Sequence[int]:
    return range(WORKLOADS // ASKED // 2, WORKLOADS, WORKLOADS // ASKED)


def _entity(workload: int) -> dict[str, str]:
    return {
        "cluster": "bench",
        "namespace": f"team-{workload % 40:02d}",
        "kind": "workload",
        "name": f"service-{workload:04d}",
    }


_ENTITIES: Final = [_entity(workload) for workload in range(WORKLOADS)]
_REASONS: Final = ("BackOff", "Unhealthy", "Pulled", "Scheduled", "FailedMount", "Killing", "Created", "Started")


def _events(at: np.ndarray, who: np.ndarray, rng: np.random.Generator) -> pa.Table:
    """As the exporter of Kubernetes events writes them: uids and counts differ in every row."""
    moments = pa.array((at * 1e6).astype(np.int64), pa.timestamp("us", tz="UTC"))
    columns = {name: pa.array([one[name] for one in _ENTITIES]).take(pa.array(who)) for name in _ENTITIES[0]}
    reasons = pa.array(_REASONS).take(pa.array(rng.integers(0, len(_REASONS), len(who))))
    numbers = rng.integers(0, 1 << 48, len(who))
    uids = pa.array([f"{number:012x}" for number in numbers])
    return pa.table(
        columns
        | {
            "timestamp": moments,
            "type": pa.array(["Warning"] * len(who)),
            "reason": reasons,
            "message": pa.array([f"Back-off restarting failed container app in pod {number:x}" for number in numbers]),
            "actor": pa.array([""] * len(who)),
            "count": pa.array(rng.integers(1, 10, len(who))),
            "first_seen": moments,
            "event_uid": uids,
            "total": pa.array(rng.integers(1, 1000, len(who))),
            "component": pa.array(["kubelet"] * len(who)),
        }
    )
