"""What somebody should look at next: the query, the lines of the log, the command that shows more.

Every command only reads. Names come from labels, and labels from anybody: a command holds only names that Kubernetes
itself would accept; where there is none, the sentence stands alone. Nothing is run here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from brain_common.entity import Entity, EntityKind
from brain_common.errors import InputError
from brain_rca.analysis.changes import told
from brain_rca.analysis.words import short, signal_name
from brain_rca.fix.config_map import config_map_edit
from brain_rca.fix.names import SafeNames, safe_names
from brain_rca.model import Cause, Change, ChangeKind, Finding, Look

MOST: Final = 4  # more is a manual, not a next step
_EARLIER: Final = 60.0  # seconds before the beginning from which lines are read
_OF_ONE: Final = frozenset({EntityKind.SERVICE, EntityKind.WORKLOAD, EntityKind.POD})
_STATE: Final = {
    EntityKind.SERVICE: "kubectl -n {namespace} get pods,endpointslices -o wide",
    EntityKind.WORKLOAD: "kubectl -n {namespace} get events --sort-by=.lastTimestamp",
    EntityKind.POD: "kubectl -n {namespace} describe pod {pod}",
    EntityKind.NODE: "kubectl describe node {pod}",
}
_HISTORY: Final = {
    ChangeKind.ROLLOUT: "kubectl -n {namespace} rollout history deployment/{name}",
    ChangeKind.SYNC: "kubectl -n {namespace} rollout history deployment/{name}",
    ChangeKind.CONFIG: "kubectl -n {namespace} get configmaps --sort-by=.metadata.creationTimestamp",
}


def look_at(cause: Cause) -> tuple[Look, ...]:
    """At most ``MOST`` steps, the most telling first; the same cause gives the same steps."""
    try:
        entity = Entity.parse(cause.entity)
    except InputError:
        return ()
    names = safe_names(cause, entity)
    return tuple(_steps(cause, entity, names))[:MOST]


def _steps(cause: Cause, entity: Entity, names: SafeNames) -> Iterator[Look]:
    who = short(cause.entity)
    for change in cause.changes[:1]:
        command = _filled(_history(change), entity, names)
        yield Look(
            what=f"What was changed at {who}, and whether taking it back helps: {told(change)}.", command=command
        )
    lines = next((finding for finding in cause.findings if finding.signal == "log_templates"), None)
    if lines is not None:
        yield _logs(lines, entity, names)
    measured = next((finding for finding in cause.findings if finding.query), None)
    if measured is not None:
        yield Look(what=f"How {signal_name(measured.signal)} of {who} goes on.", command=measured.query)
    if command := _filled(_STATE.get(entity.kind, ""), entity, names):
        yield Look(what=f"What Kubernetes says about {who}.", command=command)
    if lines is None and entity.kind in _OF_ONE:
        yield _logs(None, entity, names, cause.began)


def _history(change: Change) -> str:
    edited = config_map_edit(change).name
    return f"kubectl -n {{namespace}} get configmap {edited} -o yaml" if edited else _HISTORY.get(change.kind, "")


def _logs(lines: Finding | None, entity: Entity, names: SafeNames, began: float | None = None) -> Look:
    said = f' that read like "{lines.subject}"' if lines is not None else ""
    began = lines.onset if lines is not None else began
    since = f" --since-time={datetime.fromtimestamp(began - _EARLIER, UTC):%Y-%m-%dT%H:%M:%SZ}" if began else ""
    owner = "{pod}" if entity.kind is EntityKind.POD else "deployment/{name}"
    command = f"kubectl -n {{namespace}} logs {owner} --all-containers --timestamps{since}"
    return Look(what=f"The log lines{said} from shortly before it began.", command=_filled(command, entity, names))


def _filled(template: str, entity: Entity, names: SafeNames) -> str:
    """The command; empty where a name it needs is not one of Kubernetes."""
    needed = {part for part in ("namespace", "name") if f"{{{part}}}" in template}
    own = "{pod}" in template
    placeholders = {"namespace": names.namespace, "name": names.name}
    if not template or any(placeholders[part].startswith("<") for part in needed) or (own and names.name == "<name>"):
        return ""
    return template.format(namespace=names.namespace, name=names.name, pod=entity.name)
