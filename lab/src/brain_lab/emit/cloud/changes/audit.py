"""ConfigMap edits and rollouts as the Kubernetes API server's audit log shows them.

https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/: one event at stage ResponseComplete for each
patch, at level Request, as an audit policy that follows changes would have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from brain_lab.emit.ids import uuid_of
from brain_lab.emit.json_files import write_lines
from brain_lab.emit.records import Change, ChangeKind
from brain_lab.emit.stamps import rfc3339, rfc3339_micros

FILE: Final = "kubernetes-audit.jsonl"
_ROBOT: Final = "argocd-application-controller"
_KUBECTL: Final = "kubectl/v1.34.2 (linux/amd64) kubernetes/8cc511e"
_PLURALS: Final = {ChangeKind.CONFIGMAP_EDIT: ("", "configmaps"), ChangeKind.ROLLOUT: ("apps", "deployments")}


def write_audit(changes: Iterable[Change], folder: Path) -> Path:
    """Write `kubernetes-audit.jsonl` from the ConfigMap edits and rollouts among the changes; returns its path."""
    found = sorted((one for one in changes if one.kind in _PLURALS), key=lambda one: one.start)
    return write_lines(folder / FILE, (event(one) for one in found))


def event(change: Change) -> Mapping[str, object]:
    """The audit event.

    `details` has `diff` (key → [old, new]) for a ConfigMap, and `image` for a rollout; without it the rollout is a
    restart.
    """
    group, plural = _PLURALS[change.kind]
    path = f"/apis/{group}/v1" if group else "/api/v1"
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Request",
        "auditID": uuid_of("audit", change.kind, change.namespace, change.target, change.start),
        "stage": "ResponseComplete",
        "requestURI": f"{path}/namespaces/{change.namespace}/{plural}/{change.target}?fieldManager={_manager(change)}",
        "verb": "patch",
        "user": {"username": _user(change), "groups": ["system:authenticated"]},
        "sourceIPs": ["10.0.0.10"],
        "userAgent": f"{_ROBOT}/v0.0.0 (linux/amd64)" if change.actor == _ROBOT else _KUBECTL,
        "objectRef": {
            "resource": plural,
            "namespace": change.namespace,
            "name": change.target,
            **({"apiGroup": group} if group else {}),
            "apiVersion": "v1",
        },
        "responseStatus": {"metadata": {}, "code": 200 if change.succeeded else 422},
        "requestObject": _patch(change),
        "requestReceivedTimestamp": rfc3339_micros(change.start),
        "stageTimestamp": rfc3339_micros(change.start),
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
    }


def _user(change: Change) -> str:
    return f"system:serviceaccount:argocd:{_ROBOT}" if change.actor == _ROBOT else change.actor


def _manager(change: Change) -> str:
    return "argocd-controller" if change.actor == _ROBOT else "kubectl-edit"


def _patch(change: Change) -> Mapping[str, object]:
    if change.kind is ChangeKind.CONFIGMAP_EDIT:
        diff = change.details.get("diff", {})
        assert isinstance(diff, Mapping)
        return {"data": {key: pair[1] for key, pair in diff.items()}}
    image = change.details.get("image")
    if image is None:
        stamp = {"kubectl.kubernetes.io/restartedAt": rfc3339(change.start)}
        return {"spec": {"template": {"metadata": {"annotations": stamp}}}}
    return {"spec": {"template": {"spec": {"containers": [{"name": change.target, "image": image}]}}}}
