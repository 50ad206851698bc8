"""A live run from its past to its end; the function behind `brain lab run --live`.

Nobody outside can turn a run's course, so all of it is played beforehand, which takes seconds, and then told at the
pace of the clock. That keeps it the same for the same seed, and the clock is never late because of the simulation.

The Prometheus is one of its own, with a data folder that is made here: no running server takes blocks.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from brain_lab.live.metrics import MetricsFeed
from brain_lab.live.remote_write import RemoteWrite
from brain_lab.live.story import Addresses, Story
from brain_lab.run.documents import prometheus_config, rules_text
from brain_lab.run.folder import PROMETHEUS, Progress, prepare, write_truth
from brain_lab.run.request import Request, played
from brain_lab.run.samples import Samples, samples_of, write_tsdb
from brain_lab.servers.prometheus import Prometheus
from brain_lab.simulate import Recording
from brain_lab.tell.emission import Amounts, emission_of

_TOLD_LATE: Final = 0.2
"""Seconds after a scrape at which it is sent: as long as a scrape takes."""

_LITTLE: Final = Amounts(spans=1_000, lines=1_000, messages=1)
"""Told when nobody listens to logs and traces."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a run is shown live.

    Attributes:
        into: A folder that is missing or empty.
        now: Seconds since the epoch at which the past ends; the request goes beyond it.
        alertmanager: URL of who is told of alerts; empty: nobody.
        port: Of Prometheus; 0: a free one.
        addresses: For logs and traces.
    """

    into: Path
    now: float
    alertmanager: str = ""
    port: int = 0
    addresses: Addresses = field(default_factory=Addresses)


def live(request: Request, options: Options, progress: Progress, ready: Callable[[str], None]) -> None:
    """Show the run until it is over or somebody presses Ctrl-C.

    Args:
        request: From the beginning of its past to its end.
        options: How.
        progress: Told what goes on.
        ready: Called with the URL of Prometheus when it has the past and its rules watch.

    Raises:
        ConfigError: The request or an option makes no sense.
        ServerMissing: There is no prometheus or promtool.
        PermanentError: Prometheus or a receiver refuses.
        TemporaryError: One of them was away for too long.
    """
    _be_interruptible()
    prepare(options.into)
    recording = played(request)
    samples = samples_of(recording)
    progress(f"{len(samples.series):,} series of {request.platform}")
    past = samples.until(options.now)
    write_tsdb(past, options.into / PROMETHEUS / "tsdb", lambda done, of: progress(f"metrics: block {done} of {of}"))
    write_truth(request, recording, options.into)
    amounts = None if options.addresses.any else _LITTLE
    emission = emission_of(recording, amounts)
    story = Story(emission, options.now, options.into, options.addresses)
    with _prometheus(recording, options) as server:
        ready(server.url)
        asyncio.run(_play(samples, story, server.url, options.now, progress))


def _prometheus(recording: Recording, options: Options) -> Prometheus:
    return Prometheus(
        data_dir=options.into / PROMETHEUS,
        config=prometheus_config(recording.platform, options.alertmanager).replace("rules.yml", "rules/*.yml"),
        rules=[rules_text(recording.platform)],
        flags=["--web.enable-remote-write-receiver"],
        port=options.port or None,
    )


async def _play(samples: Samples, story: Story, url: str, since: float, progress: Progress) -> None:
    target = RemoteWrite(url)
    feed = MetricsFeed(samples, since, target)
    stop = _told_to_stop()
    try:
        while feed.due is not None and not await _passed(stop, feed.due + _TOLD_LATE - time.time()):
            now = time.time() - _TOLD_LATE
            scrapes, lines = await feed.send(now), await story.tell(now)
            words = f"{scrapes} scrape(s)" + (f", {lines} log lines" if story.heard else "")
            progress(f"{time.strftime('%H:%M:%S', time.gmtime(now))} UTC: {words}")
    finally:
        await story.close()
        await target.close()


def _be_interruptible() -> None:
    """Until the run goes on by itself, SIGTERM ends it like Ctrl-C, and so does SIGINT where a shell has masked it."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def _told_to_stop() -> asyncio.Event:
    """Set on SIGINT and SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    return stop


async def _passed(stop: asyncio.Event, seconds: float) -> bool:
    """Wait; whether the event came in between."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), max(seconds, 0.0))
    return stop.is_set()
