"""The demo incident into the lake, so that the service finds it like any other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from brain_common.entity import Entity
from brain_lab.demo.incident import DemoIncident
from brain_lake.location import LakeLocation
from brain_lake.schemas import EDGES, EVENTS, METRICS
from brain_lake.writer import LakeWriter


def write(incident: DemoIncident, root: Path) -> None:
    """Append samples, call graph and events to the lake below ``root``; one commit a table."""
    writer = LakeWriter(LakeLocation.local(root))
    writer.append(METRICS, _metrics(incident))
    writer.append(EDGES, _edges(incident))
    writer.append(EVENTS, _events(incident))


def _metrics(incident: DemoIncident) -> pa.Table:
    count, series = len(incident.times), list(incident.samples)
    columns = _columns([entity for entity, _ in series])
    columns["signal"] = [signal for _, signal in series]
    repeated = {name: np.repeat(np.array(values, dtype=object), count) for name, values in columns.items()}
    moments = np.tile(incident.times, len(series))
    return pa.table(
        {name: pa.array(values, pa.string()) for name, values in repeated.items()}
        | {"timestamp": _moments(moments), "value": np.concatenate(list(incident.samples.values()))}
    )


def _edges(incident: DemoIncident) -> pa.Table:
    rows = [
        (at, caller, callee)
        for at in incident.times[:: max(len(incident.times) // 36, 1)]
        for caller, callee in incident.edges
    ]
    return pa.table(
        {
            "timestamp": _moments(np.array([at for at, _, _ in rows])),
            "cluster": [caller.cluster for _, caller, _ in rows],
            "dependent": [str(caller) for _, caller, _ in rows],
            "dependency": [str(callee) for _, _, callee in rows],
            "edge_kind": ["calls"] * len(rows),
        }
    )


def _events(incident: DemoIncident) -> pa.Table:
    events = incident.events
    return pa.table(
        _columns([event.entity for event in events])
        | {
            "timestamp": _moments(np.array([event.at for event in events])),
            "type": [event.kind for event in events],
            "reason": [event.reason for event in events],
            "message": [event.message for event in events],
            "actor": [event.actor for event in events],
        }
    )


def _columns(entities: Sequence[Entity]) -> dict[str, list[str]]:
    return {
        "cluster": [entity.cluster for entity in entities],
        "namespace": [entity.namespace for entity in entities],
        "kind": [entity.kind.value for entity in entities],
        "name": [entity.name for entity in entities],
    }


def _moments(seconds: np.ndarray) -> pa.Array:
    return pa.array((seconds * 1e6).astype(np.int64), pa.timestamp("us", tz="UTC"))
