"""What the exporters sustain, and what a kill -9 costs them: each is the program as users start it, under load.

kube-events before a load of events, cloudtrail before a file of a hundred megabytes in a bucket; both killed again and
again and compared with the truth; and one entity's last hour among ten million events of the lake.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec

from brain_lab.bench.cloudtrail import RECORDS_BAR, RSS_BAR, run_cloudtrail, run_cloudtrail_kills
from brain_lab.bench.figures import Bar, Progress, at_least, at_most, exactly
from brain_lab.bench.kube_events import run_kube_events, run_kube_events_crash
from brain_lab.bench.lake import QUERY_BAR, ask_each, write_events
from brain_lake.location import LakeLocation
from brain_lake.reader import LakeReader

EVENTS_BAR: Final = 5_000.0
SCRAPE_BAR: Final = 0.5
KUBE_RSS_BAR: Final = 200.0 * 2**20
_LAKE_ROWS: Final = 10_000_000
_LAKE_COMMITS: Final = 200


class ExporterFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured.

    Attributes:
        events_per_second: Kubernetes events handled by one second of CPU time, into counters and lake.
        behind_seconds: How far behind a load of 5,000 events/s kube-events was at its end.
        live_series: That it had then.
        kube_rss_bytes: The most memory it took, with the lake.
        kube_rss_bytes_without_lake: The same without a lake.
        scrape_seconds: Slowest of three scrapes of ``scraped_series`` under that load.
        scraped_series: How many.
        records_per_cpu_second: CloudTrail records from gzip to counters and lake.
        rss_bytes: The most memory cloudtrail took for a file of 100 MB inflated.
        kills: Of each of the two.
        happenings: Events and records that had to be in counters and lake afterwards.
        lost: Of these; the worse of counters and lake.
        repeated: The same.
        query_seconds: One entity's last hour among ten million events, the median of twenty.
        bars: What is good enough.
    """

    bench: str = "exporters"
    events_per_second: float
    behind_seconds: float
    live_series: int
    kube_rss_bytes: int
    kube_rss_bytes_without_lake: int
    scrape_seconds: float
    scraped_series: int
    records_per_cpu_second: float
    rss_bytes: int
    kills: int
    happenings: int
    lost: int
    repeated: int
    query_seconds: float
    bars: list[Bar]


def run(kills: int, seconds: float, progress: Progress) -> ExporterFigures:
    """Measure everything, one after another; some ten minutes.

    Args:
        kills: Of each exporter.
        seconds: Of load for kube-events.
        progress: Told what goes on.

    Raises:
        TemporaryError: kube-events did not keep up.
        PermanentError: The CloudTrail exporter ended, or was not through in time.
    """
    events = run_kube_events(progress, seconds=seconds)
    progress("the same without a lake")
    bare = run_kube_events(progress, seconds=min(seconds, 20.0), with_lake=False)
    events_killed = run_kube_events_crash(progress, kills=kills)
    progress("CloudTrail: 80,000 records")
    trail = run_cloudtrail()
    progress(f"CloudTrail: {kills} kills")
    trail_killed = run_cloudtrail_kills(kills)
    query = _query_seconds(progress)
    lost = int(events_killed["lost"] + trail_killed["lost"])
    repeated = int(events_killed["repeated"] + trail_killed["repeated"])
    return ExporterFigures(
        events_per_second=events["events_per_second"],
        behind_seconds=events["behind_seconds"],
        live_series=events["live_series"],
        kube_rss_bytes=events["kube_rss_bytes"],
        kube_rss_bytes_without_lake=bare["kube_rss_bytes"],
        scrape_seconds=events["scrape_seconds"],
        scraped_series=events["scraped_series"],
        records_per_cpu_second=trail["records_per_cpu_second"],
        rss_bytes=int(trail["rss_bytes"]),
        kills=kills,
        happenings=int(events_killed["happenings"] + trail_killed["records"]),
        lost=lost,
        repeated=repeated,
        query_seconds=query,
        bars=[
            at_least("events_per_second", events["events_per_second"], EVENTS_BAR),
            at_most("kube_rss_bytes", events["kube_rss_bytes"], KUBE_RSS_BAR),
            at_most("scrape_seconds", events["scrape_seconds"], SCRAPE_BAR),
            at_least("records_per_cpu_second", trail["records_per_cpu_second"], RECORDS_BAR),
            at_most("rss_bytes", trail["rss_bytes"], RSS_BAR),
            exactly("lost", lost, 0),
            exactly("repeated", repeated, 0),
            at_most("query_seconds", query, QUERY_BAR),
        ],
    )


def _query_seconds(progress: Progress) -> float:
    with TemporaryDirectory(prefix="brain-bench-") as name:
        location = LakeLocation.local(Path(name))
        written = write_events(location, _LAKE_ROWS, _LAKE_COMMITS, progress)
        asked, _ = ask_each(LakeReader(location), written)
        return statistics.median(asked)
