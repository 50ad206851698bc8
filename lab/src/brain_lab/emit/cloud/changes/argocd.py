"""Argo CD syncs as Application objects with their operation state, as its API and the Kubernetes API show them.

https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml and the CRD `applications.argoproj.io`.
One line per sync: the Application as it stands after it, with the history until then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from brain_lab.emit.ids import uuid_of
from brain_lab.emit.json_files import write_lines
from brain_lab.emit.records import Change, ChangeKind
from brain_lab.emit.stamps import rfc3339

FILE: Final = "argocd-applications.jsonl"
_CONTROLLER: Final = "argocd-application-controller"
"""Actor of an automated sync."""
_LONGEST_HISTORY: Final = 10
"""Argo CD's revisionHistoryLimit."""


def write_argocd(changes: Iterable[Change], folder: Path) -> Path:
    """Write `argocd-applications.jsonl` from the syncs among the changes; returns its path."""
    syncs = sorted((one for one in changes if one.kind is ChangeKind.ARGOCD_SYNC), key=lambda one: one.end)
    histories: dict[str, list[Mapping[str, object]]] = {}
    documents = []
    for sync in syncs:
        history = histories.setdefault(sync.target, [])
        if sync.succeeded:
            history.append(_entry(sync, len(history)))
        documents.append(application(sync, history[-_LONGEST_HISTORY:]))
    return write_lines(folder / FILE, documents)


def application(sync: Change, history: Iterable[Mapping[str, object]]) -> Mapping[str, object]:
    """The Application after the sync; its name is the target, and what it deploys to the namespace of the change."""
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": sync.target, "namespace": "argocd", "uid": uuid_of("application", sync.target)},
        "spec": {
            "project": "default",
            "source": _source(sync),
            "destination": {"server": "https://kubernetes.default.svc", "namespace": sync.namespace},
            "syncPolicy": {"automated": {"prune": True, "selfHeal": True}},
        },
        "status": {
            "health": {"status": "Healthy" if sync.succeeded else "Degraded"},
            "history": list(history),
            "operationState": _operation(sync),
            "reconciledAt": rfc3339(sync.end),
            "sync": {"status": "Synced" if sync.succeeded else "OutOfSync", "revision": sync.revision},
        },
    }


def _operation(sync: Change) -> Mapping[str, object]:
    return {
        "operation": {"initiatedBy": _initiated(sync), "sync": {"revision": sync.revision, "prune": True}},
        "phase": "Succeeded" if sync.succeeded else "Failed",
        "message": sync.summary or "successfully synced (all tasks run)",
        "startedAt": rfc3339(sync.start),
        "finishedAt": rfc3339(sync.end),
        "syncResult": {
            "revision": sync.revision,
            "source": _source(sync),
            "resources": [_resource(sync, name) for name in sync.affected],
        },
    }


def _entry(sync: Change, number: int) -> Mapping[str, object]:
    return {
        "id": number,
        "revision": sync.revision,
        "deployStartedAt": rfc3339(sync.start),
        "deployedAt": rfc3339(sync.end),
        "initiatedBy": _initiated(sync),
        "source": _source(sync),
    }


def _resource(sync: Change, name: str) -> Mapping[str, object]:
    return {
        "group": "apps",
        "version": "v1",
        "kind": "Deployment",
        "namespace": sync.namespace,
        "name": name,
        "status": "Synced" if sync.succeeded else "SyncFailed",
        "message": f"deployment.apps/{name} configured" if sync.succeeded else sync.summary,
        "hookPhase": "Running" if sync.succeeded else "Failed",
        "syncPhase": "Sync",
    }


def _initiated(sync: Change) -> Mapping[str, object]:
    return {"automated": True} if sync.actor == _CONTROLLER else {"username": sync.actor}


def _source(sync: Change) -> Mapping[str, str]:
    return {
        "repoURL": "https://gitlab.example.com/platform/deploy.git",
        "path": f"apps/{sync.target}",
        "targetRevision": "main",
    }
