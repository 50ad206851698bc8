"""The processor under a steady load of logs and spans for long: its memory, minute by minute, must not grow."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec
import numpy as np

from brain_lab.bench.figures import Bar, Progress, at_most, exactly
from brain_lab.bench.otel.chains import Chain, chain
from brain_lab.bench.otel.cluster import cluster
from brain_lab.bench.otel.course import settle
from brain_lab.bench.otel.generator import Order
from brain_lab.bench.otel.processor_config import processor_config
from brain_lab.bench.otel.programs import Load
from brain_lab.bench.otel.requests import PER_REQUEST, Kind
from brain_lab.bench.otel.run import RATE_BARS, RSS_BAR
from brain_lab.bench.usage import family, rss_bytes

SLOPE_BAR: Final = 2.0**20
"""Bytes a minute: less than a tenth of a worker's memory in ten."""

_SHARE: Final = 0.25  # of the rate that is asked for, of each kind: others need the cores, too
_SAMPLES: Final = 12  # a minute
_WARM_UP: Final = 0.2  # of the time
_PATIENCE: Final = 120.0  # seconds for the end of a load


class SoakFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured.

    Attributes:
        minutes: Of load.
        rss_bytes_by_minute: Of the greatest process of the processor, the median of each minute.
        rss_bytes: The last of these.
        slope_bytes_per_minute: Of the least-squares line through all samples after the warm-up, a fifth of the time.
        accepted: Records that the sender was told are accepted.
        lost: Of these, how many did not arrive.
        bars: What is good enough.
    """

    bench: str = "otel-soak"
    minutes: float
    rss_bytes_by_minute: list[int]
    rss_bytes: int
    slope_bytes_per_minute: float
    accepted: int
    lost: int
    bars: list[Bar]


def run(minutes: float, progress: Progress) -> SoakFigures:
    """Load it for so long.

    Raises:
        PermanentError: A server is missing on this machine, or failed.
        TemporaryError: The cluster did not come up.
    """
    with TemporaryDirectory(prefix="brain-bench-") as name, cluster(Path(name) / "cluster") as kubeconfig:
        folder = Path(name)
        requests = {kind: round(bar * _SHARE * minutes * 60 / PER_REQUEST) for kind, bar in RATE_BARS.items()}
        capacity = sum(requests.values()) * PER_REQUEST
        with chain("ours", folder / "chain", capacity, kubeconfig, processor_config(kubeconfig)) as running:
            loads = _loads(running, requests, folder)
            samples = _sampled(running, loads, progress)
            sent = [request for load in loads for request in load.wait(_PATIENCE).requests]
            left = settle(sent, running.sink.arrivals)
    return _figures(minutes, samples, left.accepted, left.lost)


def _loads(running: Chain, requests: Mapping[Kind, int], folder: Path) -> list[Load]:
    loads, first = [], 0
    for kind, count in requests.items():
        rate = RATE_BARS[kind] * _SHARE
        order = Order(address=running.intake, kind=kind, requests=count, rate=rate, first=first)
        loads.append(Load(order, folder / kind))
        first += count * PER_REQUEST
    return loads


def _sampled(running: Chain, loads: Sequence[Load], progress: Progress) -> list[tuple[float, int]]:
    """Minutes since the start and bytes, while the loads run."""
    began, samples = time.monotonic(), []
    while all(load.runs for load in loads):
        rss = max(rss_bytes(pid) for processor in running.processors for pid in family(processor.pid))
        samples.append(((time.monotonic() - began) / 60, rss))
        if len(samples) % _SAMPLES == 1:
            progress(f"minute {samples[-1][0]:.0f}: {rss / 2**20:.1f} MiB")
        time.sleep(60 / _SAMPLES)
    return samples


def _figures(minutes: float, samples: Sequence[tuple[float, int]], accepted: int, lost: int) -> SoakFigures:
    at, rss = np.array(samples).T
    by_minute = [int(np.median(rss[at // 1 == minute])) for minute in range(int(at[-1]) + 1)]
    warm = at >= minutes * _WARM_UP
    slope = float(np.polyfit(at[warm], rss[warm], 1)[0])
    return SoakFigures(
        minutes=minutes,
        rss_bytes_by_minute=by_minute,
        rss_bytes=by_minute[-1],
        slope_bytes_per_minute=slope,
        accepted=accepted,
        lost=lost,
        bars=[
            at_most("slope_bytes_per_minute", slope, SLOPE_BAR),
            at_most("rss_bytes", by_minute[-1], RSS_BAR),
            exactly("lost", lost, 0),
        ],
    )
