"""Names from data, made fit for a manifest and for a shell.

Entity names come from labels, and labels from anybody: a name is either one that Kubernetes itself would
accept, or it is left out and a placeholder says so. Called when a proposal is drawn up; it looks nothing up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from brain_common.entity import Entity, EntityKind
from brain_common.errors import InputError
from brain_rca.model import Cause

_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_NAMESPACE = re.compile(_LABEL)  # RFC 1123 label
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")  # RFC 1123 subdomain
# A subdomain may have 253 characters; some are kept for what templates put around it.
_LONGEST_NAME = 200
# What people may read in a title, though Kubernetes would not accept it: ip_10_0_0_7, ledger/db, prod:orders.
_HARMLESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/@-]{0,59}")
# The ends that Kubernetes gives to pods: of a Deployment "-<pod template hash>-<5 characters>", of a
# stateful set "-<n>".
_POD_OF_DEPLOYMENT = re.compile(r"(?P<workload>.+)-[a-z0-9]{5,10}-[bcdfghjklmnpqrstvwxz2456789]{5}")
_POD_OF_STATEFUL_SET = re.compile(r"(?P<workload>.+)-\d{1,4}")


@dataclass(frozen=True, slots=True)
class SafeNames:
    """What templates may use.

    Attributes:
        name: Of the entity; of its workload, if it is a pod.
        namespace: Of the entity.
        caller: Of what depends on the entity, next on the path to the alert.
        shown: The entity's own name in a title, as people know it where it is harmless to read; not fit for a command.
        notes: What had to be left out or guessed, by the variable it concerns; one sentence each.
    """

    name: str
    namespace: str
    caller: str
    shown: str
    notes: dict[str, str]


def safe_names(cause: Cause, entity: Entity) -> SafeNames:
    """Names of a cause's entity and of what depends on it; never empty, never able to alter a template."""
    notes: dict[str, str] = {}
    name, namespace, caller = entity.name, entity.namespace, _caller(cause)
    if not _is_name(name):
        name, notes["name"] = (
            "<name>",
            f"The {entity.kind} has no name Kubernetes would accept; put it for <name>.",
        )
    elif entity.kind is EntityKind.POD and (workload := _workload(name)) != name:
        notes["name"] = f"Taken from the pod's name {name}: its workload is {workload}."
        name = workload
    if not (len(namespace) <= _LONGEST_NAME and _NAMESPACE.fullmatch(namespace)):
        namespace, notes["namespace"] = "<namespace>", "The namespace is not known; put it for <namespace>."
    if not _is_name(caller):
        caller, notes["caller"] = "<caller>", "The caller is not known; put it for <caller>."
    return SafeNames(name=name, namespace=namespace, caller=caller, shown=_shown(name, entity), notes=notes)


def _shown(name: str, entity: Entity) -> str:
    if name != "<name>":
        return name
    return entity.name if _HARMLESS.fullmatch(entity.name) else f"this {entity.kind}"


def _is_name(text: str) -> bool:
    return len(text) <= _LONGEST_NAME and _NAME.fullmatch(text) is not None


def _workload(pod: str) -> str:
    for pattern in (_POD_OF_DEPLOYMENT, _POD_OF_STATEFUL_SET):
        if found := pattern.fullmatch(pod):
            return found["workload"]
    return pod


def _caller(cause: Cause) -> str:
    """The path leads from the cause to the alerting entity, so the second on it is the first to suffer."""
    if len(cause.path) < 2:
        return ""
    try:
        return Entity.parse(cause.path[1]).name
    except InputError:
        return ""
