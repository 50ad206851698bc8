"""Evidence from the lake, for embedded mode: signals by their catalogue names, already per entity."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from brain_common.entity import Entity, EntityKind
from brain_engine.series import EdgeKind, Evidence
from brain_lake.reader import LakeReader
from brain_rca.evidence.assemble import RawEdge, RawEvent, RawPanel, assemble, grid
from brain_rca.evidence.catalogue import Catalogue
from brain_rca.evidence.protocol import Window


class LakeEvidence:
    """Implements ``EvidenceSource``; a sample belongs to the grid point at which its step begins."""

    def __init__(self, root: Path, catalogue: Catalogue, aliases: Mapping[str, str]) -> None:
        self._reader = LakeReader(root)
        self._catalogue = catalogue
        self._aliases = aliases

    async def gather(self, window: Window) -> Evidence:
        """See ``EvidenceSource``."""
        return await asyncio.to_thread(self._gather, window)

    async def aclose(self) -> None:
        """Nothing is held open."""

    def _gather(self, window: Window) -> Evidence:
        end = window.end + window.step
        metrics = self._reader.metrics(window.baseline_start, end, window.step)
        edges = self._reader.edges(window.baseline_start, end)
        panels, unknown = self._panels(metrics, window)
        missing = [f"{name}: in the lake, but not in the signal catalogue" for name in unknown]
        if not panels:
            missing.append("the lake has no signal of the catalogue in this window")
        events = _events(self._reader.events(window.baseline_start, end))
        return assemble(window, panels, _edges(edges), {}, self._aliases, missing, events)

    def _panels(self, metrics: pa.Table, window: Window) -> tuple[list[RawPanel], list[str]]:
        if not metrics.num_rows:
            return [], []
        columns = {name: metrics.column(name).to_numpy(zero_copy_only=False) for name in metrics.column_names}
        at = np.rint((columns["at"] - window.baseline_start) / window.step).astype(np.int64)
        panels, unknown = [], []
        for signal in sorted(set(columns["signal"])):
            if signal not in self._catalogue.signals:
                unknown.append(signal)
                continue
            chosen = np.flatnonzero(columns["signal"] == signal)
            panels.append(
                self._panel(signal, {name: column[chosen] for name, column in columns.items()}, at[chosen], window)
            )
        return panels, unknown

    def _panel(self, name: str, columns: Mapping[str, np.ndarray], at: np.ndarray, window: Window) -> RawPanel:
        keys = list(zip(*(columns[part] for part in ("cluster", "namespace", "kind", "name")), strict=True))
        row_of = {key: row for row, key in enumerate(sorted(set(keys)))}
        values = np.full((len(row_of), len(grid(window))), np.nan)
        values[[row_of[key] for key in keys], at] = columns["value"]
        rule = self._catalogue.signals[name]
        entities = [Entity(cluster, namespace, EntityKind(kind), part) for cluster, namespace, kind, part in row_of]
        return RawPanel(rule.signal(name), rule.combine, entities, values)


def _edges(edges: pa.Table) -> list[RawEdge]:
    return [
        RawEdge(Entity.parse(row["dependent"]), Entity.parse(row["dependency"]), EdgeKind(row["edge_kind"]))
        for row in edges.to_pylist()
    ]


def _events(events: pa.Table) -> list[RawEvent]:
    return [
        RawEvent(
            row["at"],
            Entity(row["cluster"], row["namespace"], EntityKind(row["kind"]), row["name"]),
            row["reason"],
            row["message"],
            row["actor"],
        )
        for row in events.to_pylist()
    ]
