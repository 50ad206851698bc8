"""Evidence from the lake, for embedded mode: signals by their catalogue names, already per entity."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from brain_common.entity import Entity, EntityKind
from brain_common.errors import InputError
from brain_engine.series import EdgeKind, EventKind
from brain_lake.location import LakeLocation
from brain_lake.reader import LakeReader
from brain_rca.evidence.assemble import grid
from brain_rca.evidence.catalogue import Catalogue
from brain_rca.evidence.lake_bills import bills
from brain_rca.evidence.lake_counts import counts
from brain_rca.evidence.lake_names import entity_of_row, is_known
from brain_rca.evidence.protocol import Focus, Window
from brain_rca.evidence.raw import RawEdge, RawEvent, RawEvidence, RawPanel, merged

Row = dict[str, Any]
T = TypeVar("T")
_EVENT_KINDS = {"change": EventKind.CHANGE, "security": EventKind.SECURITY}


class LakeEvidence:
    """Implements ``PartSource``; a sample belongs to the grid point at which its step begins.

    Args:
        location: Which lake.
        catalogue: Of signals.
        deadline_seconds: After which it is left out.
        has_signals: Whether signals are read here: that there are none is worth a word then.
    """

    name = "lake"

    def __init__(
        self, location: LakeLocation, catalogue: Catalogue, deadline_seconds: float, *, has_signals: bool = True
    ) -> None:
        self._folder = location.folder
        self._has_signals = has_signals
        self._reader = LakeReader(location)
        self._catalogue = catalogue
        self.deadline_seconds = deadline_seconds

    async def read(self, window: Window, focus: Focus | None = None) -> RawEvidence:
        """See ``PartSource``."""
        return await asyncio.to_thread(self._gather, window)

    async def aclose(self) -> None:
        """Nothing is held open."""

    def _gather(self, window: Window) -> RawEvidence:
        start, end = window.baseline_start, float(grid(window)[-1]) + window.step
        missing: list[str] = []
        if not self._has_signals and self._folder is not None and not self._folder.is_dir():
            missing.append(f"lake: there is no folder {self._folder}, nothing was written there yet")
        samples = self._reader.metrics(start, end, window.step)
        panels = self._panels(samples, window, missing) if self._has_signals or samples.num_rows else []
        edges = _edges(self._reader.edges(start, end), window.start, missing)
        edges += _readable("pipelines", _pipeline, self._reader.runs_in_pipelines(start, end), missing)
        events = _readable("events", _event, self._reader.events(start, end), missing)
        counted = counts(self._reader, window)
        found = RawEvidence(panels=panels, counts=counted, edges=edges, events=events, missing=missing)
        # Where only a baseline is asked, of another day, its bills would say nothing that those of today do not.
        return merged([found, bills(self._reader, window)]) if window.end >= window.start else found

    def _panels(self, metrics: pa.Table, window: Window, missing: list[str]) -> list[RawPanel]:
        columns = {name: metrics.column(name).to_numpy(zero_copy_only=False) for name in metrics.column_names}
        panels = []
        for signal in sorted(set(columns.get("signal", ()))):
            if signal not in self._catalogue.signals:
                missing.append(f"{signal}: in the lake, but not in the signal catalogue")
                continue
            chosen = columns["signal"] == signal
            panels.append(self._panel(signal, {name: part[chosen] for name, part in columns.items()}, window, missing))
        if not panels:
            missing.append("the lake has no signal of the catalogue in this window")
        return panels

    def _panel(self, name: str, columns: Mapping[str, np.ndarray], window: Window, missing: list[str]) -> RawPanel:
        keys = list(zip(*(columns[part] for part in ("cluster", "namespace", "kind", "name")), strict=True))
        at = np.rint((columns["at"] - window.baseline_start) / window.step).astype(np.int64)
        row_of = {key: row for row, key in enumerate(sorted(set(keys)))}
        values = np.full((len(row_of), len(grid(window))), np.nan)
        values[[row_of[key] for key in keys], at] = columns["value"]
        named = [key for key in row_of if is_known(key[2])]
        if len(named) < len(row_of):
            missing.append(f"{name}: {len(row_of) - len(named)} series of the lake are of an unknown kind")
        rule = self._catalogue.signals[name]
        entities = [Entity(cluster, namespace, EntityKind(kind), part) for cluster, namespace, kind, part in named]
        return RawPanel(rule.signal(name), rule.combine, entities, values[[row_of[key] for key in named]])


def _readable(what: str, make: Callable[[Row], T], rows: pa.Table, missing: list[str]) -> list[T]:
    """What ``make`` can read of the rows; what it cannot is counted: another writer may know more kinds."""
    found: list[T] = []
    for row in rows.to_pylist():
        with contextlib.suppress(InputError, ValueError):
            found.append(make(row))
    if len(found) < rows.num_rows:
        missing.append(f"{what}: {rows.num_rows - len(found)} of the lake name something of an unknown kind")
    return found


def _edges(rows: pa.Table, start: float, missing: list[str]) -> list[RawEdge]:
    """An edge is new where it was not seen before the window, but others were."""
    first = rows.column("first_seen").to_numpy()
    begun = bool((first < start).any())

    def edge(row: Row) -> RawEdge:
        dependent, dependency = Entity.parse(row["dependent"]), Entity.parse(row["dependency"])
        new = begun and row["first_seen"] >= start
        return RawEdge(dependent, dependency, EdgeKind(row["edge_kind"]), "lake", row["rate"], new=new)

    return _readable("edges", edge, rows, missing)


def _pipeline(row: Row) -> RawEdge:
    """No tool tells which pipeline began a run of Terraform; that it happened again and again while one ran does.

    The pipeline goes by its project, as its metrics and the alerts about it do: what a project builds is another thing.
    """
    project = row["pipeline"]
    pipeline = Entity(project["cluster"], "", EntityKind.CLOUD_RESOURCE, project["name"])
    return RawEdge(pipeline, entity_of_row(row["run"]), EdgeKind.USES, "pipeline")


def _event(row: Row) -> RawEvent:
    kind = _EVENT_KINDS.get(row["type"], EventKind.HAPPENED)
    entity = entity_of_row(row)
    return RawEvent(
        row["at"], entity, row["reason"], row["message"], row["actor"], kind, row["warning"], row["count"] or 1
    )
