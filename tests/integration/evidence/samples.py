"""Expositions of exporters as they would be scraped now, as samples of the half hour before.

A file is the text that an exporter shows, of which the first line says where the names are from. A gauge had its level
all the time; what only grows (counters, and the sums and buckets of histograms) began with 0 half an hour ago, so that
its rate is its value over 1,800 s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from brain_lab.replay.series import PromSeries
from tests.integration.evidence.exposition import COUNT

FOLDER = Path(__file__).parent / "expositions"
_SAMPLE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
_LABEL = re.compile(r'(\w+)="([^"]*)"')
_TYPE = re.compile(r"# TYPE (\S+) (\w+)")
_GROW = frozenset({"counter", "histogram", "summary"})
# kafka_exporter calls its offsets gauges.
_GROWING_GAUGES = re.compile(r"kafka_\w+_current_offset")


def samples() -> Iterator[PromSeries]:
    """The series of all files."""
    for path in sorted(FOLDER.glob("*.prom")):
        yield from _of_file(path.read_text(encoding="utf-8"))


def _of_file(text: str) -> Iterator[PromSeries]:
    grows = False
    for line in text.splitlines():
        if kind := _TYPE.fullmatch(line):
            grows = kind[2] in _GROW or bool(_GROWING_GAUGES.fullmatch(kind[1]))
        elif found := _SAMPLE.fullmatch(line):
            labels = dict(_LABEL.findall(found["labels"] or ""))
            yield _series(found["name"], labels, float(found["value"]), grows=grows)


def _series(name: str, labels: dict[str, str], value: float, *, grows: bool) -> PromSeries:
    return PromSeries(name, False, labels, np.linspace(0.0, value, COUNT) if grows else np.full(COUNT, value))
