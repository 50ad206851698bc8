"""What the lake has counted: warnings of Kubernetes, refused calls of the cloud, changes that failed.

A refused call is about whoever made it. The cloud knows a role; where the role is named after a workload, as roles for
service accounts are, the call is counted for that, else for the resource that it named, or the API where it named none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa

from brain_common.entity import Entity, EntityKind
from brain_engine.series import Direction, Family, Signal
from brain_lake.reader import LakeReader
from brain_rca.evidence.assemble import grid
from brain_rca.evidence.lake_names import entity_of_row
from brain_rca.evidence.protocol import Window
from brain_rca.evidence.raw import RawCounts

Row = dict[str, Any]

WARNINGS: Final = "kubernetes_warnings"
REFUSED: Final = Signal("cloud_call_errors", Family.ERRORS, "calls", Direction.UP)
FAILED: Final = Signal("failed_changes", Family.ERRORS, "changes", Direction.UP)

# What a reason says about its entity; all others: that it is not there as it should be.
# https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/events/event.go
_FAMILIES: Final[Mapping[str, Family]] = {
    "OOMKilling": Family.MEMORY,
    "SystemOOM": Family.MEMORY,
    "BackOff": Family.RESTARTS,
    "FailedScheduling": Family.SATURATION,
    "NotTriggerScaleUp": Family.SATURATION,
    "FailedGetResourceMetric": Family.SATURATION,
    "FreeDiskSpaceFailed": Family.DISK,
    "ImageGCFailed": Family.DISK,
    "FailedMount": Family.DISK,
    "FailedAttachVolume": Family.DISK,
}
_ASSUMED: Final = re.compile(r"^arn:[^:]*:sts::\d*:assumed-role/(?P<role>[^/]+)(/|$)")
_AFFIX: Final = re.compile(r"^(irsa|eks|role|pod)-|-(irsa|role|sa|pod-identity)$")


def counts(reader: LakeReader, window: Window) -> list[RawCounts]:
    """Everything that is counted in a window, a step each."""
    start, end = window.baseline_start, float(grid(window)[-1]) + window.step
    warned = reader.warnings(start, end, window.step).to_pylist()
    families: dict[Family, list[Row]] = {}
    for row in warned:
        families.setdefault(_FAMILIES.get(row["reason"], Family.AVAILABILITY), []).append(row)
    found = [_counted(rows, _warnings(family), _warned, window) for family, rows in sorted(families.items())]
    refused: pa.Table = reader.refused_calls(start, end, window.step)
    found.append(_counted(refused.to_pylist(), REFUSED, _refused, window))
    failed: pa.Table = reader.failed_changes(start, end, window.step)
    found.append(_counted(failed.to_pylist(), FAILED, _failed, window))
    return [one for one in found if len(one.entities)]


def _warnings(family: Family) -> Signal:
    """One signal a family, as a signal tells one thing."""
    name = WARNINGS if family is Family.AVAILABILITY else f"{WARNINGS}_{family.value}"
    return Signal(name, family, "warnings", Direction.UP)


def _counted(rows: list[Row], signal: Signal, named: Callable[[Row], tuple[Entity, str]], window: Window) -> RawCounts:
    """Rows as counts on the grid of a window; those of an unknown kind of entity are left out."""
    cells: dict[tuple[Entity, str], list[tuple[int, float]]] = {}
    for row in rows:
        try:
            key = named(row)
        except ValueError:
            continue
        place = round((row["at"] - window.baseline_start) / window.step)
        cells.setdefault(key, []).append((place, row["hits"]))
    hits = np.zeros((len(cells), len(grid(window))))
    for number, found in enumerate(cells.values()):
        for place, amount in found:
            hits[number, place] += amount
    return RawCounts(signal, [entity for entity, _ in cells], [subject for _, subject in cells], hits)


def _warned(row: Row) -> tuple[Entity, str]:
    return entity_of_row(row), row["reason"]


def _failed(row: Row) -> tuple[Entity, str]:
    return entity_of_row(row), f"{row['source']} {row['change_kind']}"


def _refused(row: Row) -> tuple[Entity, str]:
    api = row["service"].removesuffix(".amazonaws.com")
    # A call that names no resource is filed under the account, which has many things: its API says more.
    named = (
        entity_of_row(row)
        if row["name"] != row["namespace"]
        else Entity(row["cluster"], "", EntityKind.CLOUD_RESOURCE, api)
    )
    return caller(row["principal_arn"], row["cluster"]) or named, f"{api}:{row['operation']} {row['error_code']}"


def caller(principal: str | None, cluster: str) -> Entity | None:
    """The workload whose role called, by the role's name; None where it is nobody's.

    The namespace is unknown; the service of that name is found where there is only one.
    """
    match = _ASSUMED.match(principal or "")
    if match is None or not _AFFIX.search(match["role"]):
        return None
    name = _AFFIX.sub("", match["role"])
    return Entity(cluster, "", EntityKind.SERVICE, name) if name else None
