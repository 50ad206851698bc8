"""GitLab: its webhooks, and the deployments and pipelines of its API, which name a change alike.

Source: GitLab documentation, "Webhook events", "Deployments API" and "Pipelines API". ``X-Gitlab-Event`` repeats what
``object_kind`` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from starlette.datastructures import Headers

from brain_common.errors import InputError
from brain_exporters.changes.model import MAX_NAME, Change, ChangeKind, Result, clean, details, moment
from brain_exporters.changes.payloads.decode import change, decoded, subject

SOURCE: Final = "gitlab"
_STATUSES: Final = {
    "created": Result.STARTED,
    "waiting_for_resource": Result.STARTED,
    "preparing": Result.STARTED,
    "pending": Result.STARTED,
    "running": Result.STARTED,
    "success": Result.SUCCEEDED,
    "failed": Result.FAILED,
    "canceled": Result.CANCELLED,
}


class _User(msgspec.Struct):
    username: str | None = None
    name: str | None = None


class _Project(msgspec.Struct):
    id: int = 0
    path_with_namespace: str = ""
    default_branch: str | None = None
    web_url: str | None = None


class _Attributes(msgspec.Struct):
    """Of pipelines and merge requests."""

    id: int = 0
    iid: int | None = None
    ref: str | None = None
    sha: str | None = None
    status: str | None = None
    source: str | None = None
    url: str | None = None
    created_at: str | None = None
    finished_at: str | None = None
    title: str | None = None
    action: str | None = None
    merge_commit_sha: str | None = None
    updated_at: str | None = None
    target_branch: str | None = None


class _Commit(msgspec.Struct):
    title: str | None = None


class _Event(msgspec.Struct):
    object_kind: str
    project: _Project | None = None
    user: _User | str | None = None
    user_username: str | None = None
    object_attributes: _Attributes | None = None
    # of deployments
    status: str | None = None
    status_changed_at: str | None = None
    deployment_id: int | None = None
    deployable_url: str | None = None
    environment: str | None = None
    environment_slug: str | None = None
    ref: str | None = None
    short_sha: str | None = None
    commit_title: str | None = None
    # of pushes
    checkout_sha: str | None = None
    commits: list[_Commit] | None = None
    # of releases
    id: int | None = None
    action: str | None = None
    name: str | None = None
    tag: str | None = None
    url: str | None = None
    released_at: str | None = None


_DECODER: Final = msgspec.json.Decoder(_Event)


def parse(body: bytes, headers: Headers, now: float) -> Sequence[Change]:
    """See ``Parse``; an event of another kind tells nothing."""
    event = decoded(_DECODER, body, "a GitLab event")
    reader = _READERS.get(event.object_kind)
    if reader is None:
        return ()
    if event.project is None or not event.project.path_with_namespace:
        raise InputError("not a GitLab event: it names no project")
    found = reader(event, event.project, now)
    return () if found is None else (found,)


def _deployment(event: _Event, project: _Project, now: float) -> Change | None:
    result = _STATUSES.get(event.status or "")
    if event.deployment_id is None:
        raise InputError("not a deployment event: it has no deployment_id")
    if result is None:  # blocked, skipped
        return None
    return _deployed(
        project,
        result,
        event.deployment_id,
        event.environment or "",
        event.environment_slug or "",
        moment(event.status_changed_at, now) or now,
        title=event.commit_title,
        ref=event.ref,
        revision=event.short_sha,
        actor=_username(event.user),
        url=event.deployable_url,
    )


def _deployed(
    project: _Project,
    result: Result,
    deployment_id: int,
    environment: str,
    slug: str,
    timestamp: float,
    *,
    title: str | None,
    ref: str | None,
    revision: str | None,
    actor: str,
    url: str | None,
    started_at: float | None = None,
) -> Change:
    return change(
        SOURCE,
        ChangeKind.DEPLOYMENT,
        result,
        f"deployment/{project.id}/{deployment_id}",
        subject(
            project.path_with_namespace,
            environment,
            str(project.id),
            namespace=clean(slug or environment, MAX_NAME),
        ),
        timestamp,
        f"{project.path_with_namespace}: deployment to {environment}: {title or ref or ''}",
        started_at=started_at,
        actor=actor,
        revision=revision,
        url=url,
        details=details({"ref": ref, "environment": environment}),
    )


def _pipeline(event: _Event, project: _Project, now: float) -> Change | None:
    attributes = event.object_attributes
    if attributes is None:
        raise InputError("not a pipeline event: it has no object_attributes")
    result = _STATUSES.get(attributes.status or "")
    if result is None:  # skipped, manual, scheduled
        return None
    started = moment(attributes.created_at, now)
    ended = moment(attributes.finished_at, now)
    return _ran(
        project,
        result,
        attributes.id,
        (started if result is Result.STARTED else ended) or now,
        started_at=started,
        ref=attributes.ref,
        sha=attributes.sha,
        trigger=attributes.source,
        actor=_username(event.user),
        url=attributes.url or (f"{project.web_url}/-/pipelines/{attributes.id}" if project.web_url else None),
    )


def _ran(
    project: _Project,
    result: Result,
    pipeline_id: int,
    timestamp: float,
    *,
    started_at: float | None,
    ref: str | None,
    sha: str | None,
    trigger: str | None,
    actor: str,
    url: str | None,
) -> Change:
    return change(
        SOURCE,
        ChangeKind.PIPELINE,
        result,
        f"pipeline/{project.id}/{pipeline_id}",
        subject(project.path_with_namespace, "", str(project.id)),
        timestamp,
        f"{project.path_with_namespace}: pipeline {pipeline_id} on {ref}",
        started_at=started_at,
        actor=actor,
        revision=sha,
        url=url,
        details=details({"ref": ref, "trigger": trigger}),
    )


def _push(event: _Event, project: _Project, now: float) -> Change | None:
    is_default = project.default_branch and event.ref == f"refs/heads/{project.default_branch}"
    if not is_default or event.checkout_sha is None:  # the latter: the branch was deleted
        return None
    title = event.commits[-1].title if event.commits else None
    return change(
        SOURCE,
        ChangeKind.PUSH,
        Result.SUCCEEDED,
        f"push/{project.id}/{event.checkout_sha}",
        subject(project.path_with_namespace, "", str(project.id)),
        now,  # a commit may be much older than its push
        f"{project.path_with_namespace}: {title or 'push'}",
        actor=event.user_username,
        revision=event.checkout_sha,
        url=f"{project.web_url}/-/commit/{event.checkout_sha}" if project.web_url else None,
        details=details({"branch": project.default_branch}),
    )


def _merge(event: _Event, project: _Project, now: float) -> Change | None:
    attributes = event.object_attributes
    if attributes is None:
        raise InputError("not a merge request event: it has no object_attributes")
    if attributes.action != "merge":
        return None
    return change(
        SOURCE,
        ChangeKind.MERGE,
        Result.SUCCEEDED,
        f"merge/{project.id}/{attributes.iid}",
        subject(project.path_with_namespace, "", str(project.id)),
        moment(attributes.updated_at, now) or now,
        f"{project.path_with_namespace}!{attributes.iid}: {attributes.title or 'merged'}",
        actor=_username(event.user),
        revision=attributes.merge_commit_sha,
        url=attributes.url,
        details=details({"branch": attributes.target_branch}),
    )


def _release(event: _Event, project: _Project, now: float) -> Change | None:
    if event.action != "create":
        return None
    return change(
        SOURCE,
        ChangeKind.RELEASE,
        Result.SUCCEEDED,
        f"release/{project.id}/{event.id or event.tag}",
        subject(project.path_with_namespace, "", str(project.id)),
        moment(event.released_at, now) or now,
        f"{project.path_with_namespace}: release {event.name or event.tag}",
        revision=event.tag,
        url=event.url,
    )


def _username(user: _User | str | None) -> str:
    if isinstance(user, _User):
        return user.username or user.name or ""
    return user or ""


_READERS: Final[dict[str, Callable[[_Event, _Project, float], Change | None]]] = {
    "deployment": _deployment,
    "pipeline": _pipeline,
    "push": _push,
    "merge_request": _merge,
    "release": _release,
}


class ApiProject(_Project):
    """``GET /projects/:id``."""


class _Environment(msgspec.Struct):
    name: str | None = None
    slug: str | None = None


class _Pipeline(msgspec.Struct):
    web_url: str | None = None


class _Deployable(msgspec.Struct):
    started_at: str | None = None
    finished_at: str | None = None
    web_url: str | None = None
    commit: _Commit | None = None
    pipeline: _Pipeline | None = None


class ApiDeployment(msgspec.Struct):
    """An entry of ``GET /projects/:id/deployments``."""

    id: int
    status: str = ""
    ref: str | None = None
    sha: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    user: _User | None = None
    environment: _Environment | None = None
    deployable: _Deployable | None = None


class ApiPipeline(msgspec.Struct):
    """An entry of ``GET /projects/:id/pipelines``."""

    id: int
    status: str = ""
    ref: str | None = None
    sha: str | None = None
    source: str | None = None
    web_url: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


def deployment_change(project: ApiProject, found: ApiDeployment, now: float) -> Change | None:
    """The change a deployment of the API is; None for one that waits to be allowed."""
    result = _STATUSES.get(found.status)
    if result is None:
        return None
    job, environment = found.deployable or _Deployable(), found.environment or _Environment()
    started = moment(job.started_at or found.created_at, now)
    ended = moment(job.finished_at or found.updated_at, now)
    return _deployed(
        project,
        result,
        found.id,
        environment.name or "",
        environment.slug or "",
        (started if result is Result.STARTED else ended) or now,
        title=job.commit.title if job.commit else None,
        ref=found.ref,
        revision=found.sha,
        actor=_username(found.user),
        url=job.web_url or (job.pipeline.web_url if job.pipeline else None),
        started_at=started,
    )


def pipeline_change(project: ApiProject, found: ApiPipeline, now: float) -> Change | None:
    """The change a pipeline of the API is; None for one that was skipped or waits for somebody."""
    result = _STATUSES.get(found.status)
    if result is None:
        return None
    started = moment(found.created_at, now)
    return _ran(
        project,
        result,
        found.id,
        (started if result is Result.STARTED else moment(found.updated_at, now)) or now,
        started_at=started,
        ref=found.ref,
        sha=found.sha,
        trigger=found.source,
        actor="",
        url=found.web_url,
    )
