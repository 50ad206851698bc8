"""Spans and lines of a recorded case as a source of the product: what a store of traces and one of logs would say.

It stands where Tempo and Loki stand: asked about a part of the system, it gives the traces in which that part is met.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from brain_common.entity import Entity, EntityKind
from brain_common.logs import mask
from brain_engine.flow.tables import Lines
from brain_engine.logs.masks import LONGEST_LINE
from brain_engine.logs.severity import severity_of
from brain_engine.logs.templates import TemplateMiner
from brain_lab.recorded.flow import Flow, Written
from brain_rca.evidence.protocol import Focus, Window
from brain_rca.evidence.raw import RawEvidence


class RecordedFlow:
    """Implements ``PartSource``; what was read is kept, so that several judges of a case pay for it once.

    Args:
        flow: Of the case.
        miner: Finds the templates of the lines.
    """

    name = "recorded traces"
    deadline_seconds = 300.0

    def __init__(self, flow: Flow, miner: TemplateMiner) -> None:
        self._flow = flow
        self._miner = miner
        self._known: dict[tuple[Window, Focus | None], RawEvidence] = {}

    async def read(self, window: Window, focus: Focus | None) -> RawEvidence:
        """See ``PartSource``."""
        if (window, focus) not in self._known:
            self._known[window, focus] = await asyncio.to_thread(self._read, window, focus)
        return self._known[window, focus]

    async def aclose(self) -> None:
        """Nothing is held open."""

    def _read(self, window: Window, focus: Focus | None) -> RawEvidence:
        first, last = self._flow.extents()
        seen = (first >= window.baseline_start) & (last <= window.end)
        if focus is not None:
            seen &= _met(self._flow, focus, len(first))
        part = self._flow.moved(seen, np.zeros(len(first)))
        if not len(part.spans.trace):
            return RawEvidence()
        names = tuple(str(Entity("", "", EntityKind.SERVICE, name)) for name in part.spans.entities)
        return RawEvidence(spans=replace(part.spans, entities=names), lines=self._lines(part.lines, names))

    def _lines(self, written: Written, names: Sequence[str]) -> Lines:
        texts = [mask(text[: 2 * LONGEST_LINE]) for text in written.texts]
        mined = self._miner.mine(texts)
        said = (severity_of(text) for text in texts)
        severity = np.array([found.number if found else 0 for found in said], dtype=np.int64)
        return Lines(written.at, written.entity, mined.template, severity, written.span, tuple(names), mined.texts)


def _met(flow: Flow, focus: Focus, traces: int) -> np.ndarray:
    """[N] whether a service of the focus takes part in each trace."""
    wanted = {one.name for one in focus.entities}
    mine = np.array([name in wanted for name in flow.spans.entities], dtype=np.bool_)
    found = np.zeros(traces, dtype=np.bool_)
    found[flow.spans.trace[mine[flow.spans.entity]]] = True
    return found
