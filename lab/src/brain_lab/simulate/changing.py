"""Records of changes, as deployment tools would leave them; for faults and decoys alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Final

from brain_lab.emit.records import NANOS, Change, ChangeKind

ROBOT: Final = "argocd-application-controller"


def rollout(at: float, namespace: str, service: str, image: str, actor: str = ROBOT, seconds: float = 90.0) -> Change:
    """A Deployment got a new image.

    Args:
        at: Seconds since the epoch at which it began.
        namespace: Of Kubernetes.
        service: Name of the Deployment.
        image: The new one, with its tag.
        actor: Who.
        seconds: How long it took.
    """
    return Change(
        start=round(at * NANOS),
        end=round((at + seconds) * NANOS),
        kind=ChangeKind.ROLLOUT,
        actor=actor,
        target=service,
        namespace=namespace,
        summary=f"Deployment {service} rolled out image {image}",
        revision=commit(f"{service} {image}"),
        affected=(service,),
        details={"image": image},
    )


def config_edit(
    at: float, namespace: str, config_map: str, diff: Mapping[str, tuple[str, str]], affected: str, actor: str
) -> Change:
    """Somebody edited a ConfigMap.

    Args:
        at: Seconds since the epoch.
        namespace: Of Kubernetes.
        config_map: Its name.
        diff: Key → value before and after.
        affected: Who reads it.
        actor: Who edited it.
    """
    words = ", ".join(f"{key} {old} -> {new}" for key, (old, new) in diff.items())
    return Change(
        start=round(at * NANOS),
        end=round(at * NANOS),
        kind=ChangeKind.CONFIGMAP_EDIT,
        actor=actor,
        target=config_map,
        namespace=namespace,
        summary=f"ConfigMap {config_map}: {words}",
        affected=(affected,),
        details={"diff": {key: [old, new] for key, (old, new) in diff.items()}},
    )


def sync(at: float, namespace: str, application: str, words: str, affected: tuple[str, ...] = ()) -> Change:
    """Argo CD synced an application."""
    return Change(
        start=round(at * NANOS),
        end=round((at + 6.0) * NANOS),
        kind=ChangeKind.ARGOCD_SYNC,
        actor=ROBOT,
        target=application,
        namespace=namespace,
        summary=words,
        revision=commit(f"{application} {words} {at}"),
        affected=affected or (application,),
    )


def commit(text: str) -> str:
    """40 hex digits that stand for a commit."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
