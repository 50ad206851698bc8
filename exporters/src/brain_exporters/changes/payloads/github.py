"""GitHub's webhooks: deployments, workflow runs, pushes to the default branch, merged pull requests, releases.

Source: GitHub documentation, "Webhook events and payloads". The name of the event is in ``X-GitHub-Event``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from starlette.datastructures import Headers

from brain_common.errors import InputError
from brain_exporters.changes.model import MAX_NAME, Change, ChangeKind, Result, clean, details, moment
from brain_exporters.changes.payloads.decode import change, decoded, subject

SOURCE: Final = "github"
_STATES: Final = {
    "pending": Result.STARTED,
    "queued": Result.STARTED,
    "in_progress": Result.STARTED,
    "success": Result.SUCCEEDED,
    "failure": Result.FAILED,
    "error": Result.FAILED,
}
_CONCLUSIONS: Final = {
    "success": Result.SUCCEEDED,
    "failure": Result.FAILED,
    "timed_out": Result.FAILED,
    "startup_failure": Result.FAILED,
    "cancelled": Result.CANCELLED,
}


class _User(msgspec.Struct):
    login: str | None = None


class _Repository(msgspec.Struct):
    full_name: str = ""
    id: int = 0
    default_branch: str | None = None


class _Deployment(msgspec.Struct):
    id: int = 0
    sha: str | None = None
    ref: str | None = None
    task: str | None = None
    environment: str | None = None
    description: str | None = None
    created_at: str | None = None
    creator: _User | None = None


class _Status(msgspec.Struct):
    state: str = ""
    description: str | None = None
    environment: str | None = None
    target_url: str | None = None
    log_url: str | None = None
    created_at: str | None = None
    updated_at: str | None = None


class _Run(msgspec.Struct):
    id: int = 0
    run_attempt: int | None = None
    name: str | None = None
    display_title: str | None = None
    head_branch: str | None = None
    head_sha: str | None = None
    event: str | None = None
    status: str | None = None
    conclusion: str | None = None
    html_url: str | None = None
    run_started_at: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    actor: _User | None = None
    triggering_actor: _User | None = None


class _Branch(msgspec.Struct):
    ref: str | None = None


class _PullRequest(msgspec.Struct):
    number: int = 0
    title: str | None = None
    html_url: str | None = None
    merged: bool | None = None
    merged_at: str | None = None
    merge_commit_sha: str | None = None
    merged_by: _User | None = None
    base: _Branch | None = None


class _Release(msgspec.Struct):
    id: int = 0
    tag_name: str | None = None
    name: str | None = None
    html_url: str | None = None
    published_at: str | None = None
    author: _User | None = None


class _Commit(msgspec.Struct):
    message: str | None = None
    timestamp: str | None = None


class _Event(msgspec.Struct):
    action: str | None = None
    repository: _Repository | None = None
    sender: _User | None = None
    deployment: _Deployment | None = None
    deployment_status: _Status | None = None
    workflow_run: _Run | None = None
    pull_request: _PullRequest | None = None
    release: _Release | None = None
    ref: str | None = None
    after: str | None = None
    compare: str | None = None
    deleted: bool | None = None
    head_commit: _Commit | None = None


_DECODER: Final = msgspec.json.Decoder(_Event)


def parse(body: bytes, headers: Headers, now: float) -> Sequence[Change]:
    """See ``Parse``; an event that is none of those above tells nothing."""
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise InputError("set the webhook's content type to application/json")
    event = decoded(_DECODER, body, "a GitHub event")
    reader = _READERS.get(headers.get("x-github-event", ""))
    if reader is None:
        return ()
    if event.repository is None or not event.repository.full_name:
        raise InputError("not a GitHub event: it names no repository")
    found = reader(event, event.repository, now)
    return () if found is None else (found,)


def _deployment(event: _Event, repository: _Repository, now: float) -> Change | None:
    deployment = event.deployment
    if deployment is None:
        raise InputError("not a deployment event: it has no deployment")
    status = event.deployment_status or _Status(state="pending", created_at=deployment.created_at)
    result = _STATES.get(status.state)
    if result is None:  # "inactive": a later deployment has taken its place
        return None
    environment = clean(status.environment or deployment.environment, MAX_NAME)
    started = moment(deployment.created_at, now)
    return change(
        SOURCE,
        ChangeKind.DEPLOYMENT,
        result,
        f"deployment/{repository.id}/{deployment.id}",
        subject(repository.full_name, environment, str(repository.id), namespace=environment),
        moment(status.updated_at or status.created_at, now) or now,
        f"{repository.full_name}: deployment of {deployment.ref or deployment.sha} to {environment}: {status.state}",
        started_at=started,
        actor=_login(deployment.creator, event.sender),
        revision=deployment.sha,
        url=status.log_url or status.target_url,
        details=details(
            {
                "task": deployment.task,
                "ref": deployment.ref,
                "description": status.description or deployment.description,
            }
        ),
    )


def _workflow_run(event: _Event, repository: _Repository, now: float) -> Change | None:
    run = event.workflow_run
    if run is None:
        raise InputError("not a workflow_run event: it has no workflow_run")
    result = Result.STARTED if event.action != "completed" else _CONCLUSIONS.get(run.conclusion or "")
    if result is None:  # skipped, neutral, stale, action_required
        return None
    started = moment(run.run_started_at or run.created_at, now)
    ended = moment(run.updated_at, now) or now
    return change(
        SOURCE,
        ChangeKind.PIPELINE,
        result,
        f"run/{repository.id}/{run.id}/{run.run_attempt or 1}",
        subject(repository.full_name, "", str(repository.id)),
        (started or now) if result is Result.STARTED else ended,
        f"{repository.full_name}: {run.name or 'workflow'} on {run.head_branch}: {run.display_title or run.event}",
        started_at=started,
        actor=_login(run.triggering_actor, run.actor, event.sender),
        revision=run.head_sha,
        url=run.html_url,
        details=details({"branch": run.head_branch, "event": run.event, "conclusion": run.conclusion}),
    )


def _push(event: _Event, repository: _Repository, now: float) -> Change | None:
    if event.deleted or not repository.default_branch or event.ref != f"refs/heads/{repository.default_branch}":
        return None
    commit = event.head_commit or _Commit()
    return change(
        SOURCE,
        ChangeKind.PUSH,
        Result.SUCCEEDED,
        f"push/{repository.id}/{event.after}",
        subject(repository.full_name, "", str(repository.id)),
        now,  # a commit may be much older than its push
        f"{repository.full_name}: {_first_line(commit.message) or 'push'}",
        actor=_login(event.sender),
        revision=event.after,
        url=event.compare,
        details=details({"branch": repository.default_branch}),
    )


def _pull_request(event: _Event, repository: _Repository, now: float) -> Change | None:
    request = event.pull_request
    if request is None:
        raise InputError("not a pull_request event: it has no pull_request")
    if event.action != "closed" or not request.merged:
        return None
    return change(
        SOURCE,
        ChangeKind.MERGE,
        Result.SUCCEEDED,
        f"merge/{repository.id}/{request.number}",
        subject(repository.full_name, "", str(repository.id)),
        moment(request.merged_at, now) or now,
        f"{repository.full_name}#{request.number}: {request.title or 'merged'}",
        actor=_login(request.merged_by, event.sender),
        revision=request.merge_commit_sha,
        url=request.html_url,
        details=details({"branch": request.base.ref if request.base else None}),
    )


def _release(event: _Event, repository: _Repository, now: float) -> Change | None:
    release = event.release
    if release is None:
        raise InputError("not a release event: it has no release")
    if event.action != "published":
        return None
    return change(
        SOURCE,
        ChangeKind.RELEASE,
        Result.SUCCEEDED,
        f"release/{repository.id}/{release.id}",
        subject(repository.full_name, "", str(repository.id)),
        moment(release.published_at, now) or now,
        f"{repository.full_name}: release {release.name or release.tag_name}",
        actor=_login(release.author, event.sender),
        revision=release.tag_name,
        url=release.html_url,
    )


def _login(*users: _User | None) -> str:
    return next((user.login for user in users if user is not None and user.login), "")


def _first_line(text: str | None) -> str:
    return (text or "").partition("\n")[0]


_READERS: Final[dict[str, Callable[[_Event, _Repository, float], Change | None]]] = {
    "deployment": _deployment,
    "deployment_status": _deployment,
    "workflow_run": _workflow_run,
    "push": _push,
    "pull_request": _pull_request,
    "release": _release,
}
