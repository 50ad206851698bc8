"""All series of a recording, exporter by exporter."""

from __future__ import annotations

from collections.abc import Iterator

from brain_lab.emit.metrics import (
    argocd,
    aws,
    cadvisor,
    certificates,
    compliance,
    fleet,
    gitlab,
    gpu,
    graph,
    http,
    istio,
    kafka,
    karpenter,
    kube,
    nat,
    nodes,
    redis,
)
from brain_lab.emit.metrics.lives import Lives
from brain_lab.emit.metrics.scrape import Scrape
from brain_lab.replay.series import PromSeries
from brain_lab.simulate.recording import Recording


def series(recording: Recording, *, missing: bool = True) -> Iterator[PromSeries]:
    """Every series that Prometheus would have scraped, those of one metric next to each other.

    Args:
        recording: Of a run.
        missing: Whether some scrapes fail, as they do.

    Yields:
        Series with samples at ``scrape_times(recording)``; NaN where there is none.
    """
    scrape = Scrape(recording, missing=missing)
    lives = Lives(scrape)
    yield from http.series(scrape)
    yield from graph.series(scrape)
    yield from istio.series(scrape)
    yield from cadvisor.series(scrape, lives)
    yield from kube.series(scrape, lives)
    yield from nodes.series(scrape)
    yield from kafka.series(scrape)
    yield from aws.series(scrape)
    yield from redis.series(scrape)
    yield from karpenter.series(scrape)
    yield from gpu.series(scrape, lives)
    yield from fleet.series(scrape)
    yield from certificates.series(scrape, lives)
    yield from compliance.series(scrape)
    yield from nat.series(scrape)
    yield from gitlab.series(scrape)
    yield from argocd.series(scrape)
