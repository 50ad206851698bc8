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


def sync(
    at: float,
    namespace: str,
    application: str,
    words: str,
    affected: tuple[str, ...] = (),
    *,
    succeeded: bool = True,
    seconds: float = 6.0,
) -> Change:
    """Argo CD synced an application, or failed to."""
    return Change(
        start=round(at * NANOS),
        end=round((at + seconds) * NANOS),
        kind=ChangeKind.ARGOCD_SYNC,
        actor=ROBOT,
        target=application,
        namespace=namespace,
        succeeded=succeeded,
        summary=words,
        revision=commit(f"{application} {words} {at}"),
        affected=affected or (application,),
    )


def pipeline(
    at: float,
    project: str,
    words: str,
    actor: str,
    affected: tuple[str, ...] = (),
    *,
    failed_stage: str = "",
    seconds: float = 60.0,
) -> Change:
    """A GitLab pipeline ran.

    Args:
        at: Seconds since the epoch at which it began.
        project: Of GitLab.
        words: First line of the commit, or of the job's error.
        actor: Who pushed.
        affected: Workloads that it builds or deploys.
        failed_stage: `build`, `test` or `deploy`; empty: it succeeded.
        seconds: How long it took.
    """
    return Change(
        start=round(at * NANOS),
        end=round((at + seconds) * NANOS),
        kind=ChangeKind.GITLAB_PIPELINE,
        actor=actor,
        target=project,
        succeeded=not failed_stage,
        summary=words,
        revision=commit(f"{project} {at}"),
        affected=affected,
        details={"stage": failed_stage} if failed_stage else {},
    )


def terraform_run(
    at: float,
    workspace: str,
    words: str,
    actor: str,
    affected: tuple[str, ...] = (),
    *,
    succeeded: bool = True,
    seconds: float = 45.0,
    counts: tuple[int, int, int] = (0, 0, 0),
) -> Change:
    """Terraform applied a plan, or failed to.

    Args:
        at: Seconds since the epoch at which it began.
        workspace: Its name.
        words: Message of the run, or of its error.
        actor: Who ran it.
        affected: Names or ARNs of what it touched.
        succeeded: Whether it ended well.
        seconds: How long it took.
        counts: Resources added, changed, destroyed.
    """
    return Change(
        start=round(at * NANOS),
        end=round((at + seconds) * NANOS),
        kind=ChangeKind.TERRAFORM_RUN,
        actor=actor,
        target=workspace,
        succeeded=succeeded,
        summary=words,
        revision=commit(f"{workspace} {at}"),
        affected=affected,
        details=dict(zip(("add", "change", "destroy"), counts, strict=True)),
    )


def commit(text: str) -> str:
    """40 hex digits that stand for a commit."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
