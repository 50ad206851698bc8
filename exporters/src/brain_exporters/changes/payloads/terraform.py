"""HCP Terraform and Terraform Enterprise: run tasks and notifications, which name a run's plan and its apply alike.

Source: HashiCorp documentation, "Run Tasks Integration API" and "Notification configurations". A run task says which
stage comes next, so what it tells is that the stage before went well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from starlette.datastructures import Headers

from brain_common.entity import EntityKind
from brain_exporters.changes.model import MAX_NAME, Change, ChangeKind, Result, clean, details, moment
from brain_exporters.changes.payloads.decode import change, decoded, subject

SOURCE: Final = "terraform"
TASK_HEADER: Final = "x-tfc-task-signature"  # only run tasks have it
_TEST: Final = "test"  # stage of the request that is sent once, when a run task is set up
_STAGES: Final = {
    "pre_plan": (ChangeKind.PLAN, Result.STARTED),
    "post_plan": (ChangeKind.PLAN, Result.SUCCEEDED),
    "pre_apply": (ChangeKind.APPLY, Result.STARTED),
    "post_apply": (ChangeKind.APPLY, Result.SUCCEEDED),
}
_STATUSES: Final = {
    "planning": (ChangeKind.PLAN, Result.STARTED),
    "planned": (ChangeKind.PLAN, Result.SUCCEEDED),
    "cost_estimated": (ChangeKind.PLAN, Result.SUCCEEDED),
    "policy_checked": (ChangeKind.PLAN, Result.SUCCEEDED),
    "planned_and_finished": (ChangeKind.PLAN, Result.SUCCEEDED),
    "planned_and_saved": (ChangeKind.PLAN, Result.SUCCEEDED),
    "applying": (ChangeKind.APPLY, Result.STARTED),
    "applied": (ChangeKind.APPLY, Result.SUCCEEDED),
    # Which of the two it was is not told; an apply that went wrong half-way must not be missed.
    "errored": (ChangeKind.APPLY, Result.FAILED),
    "canceled": (ChangeKind.APPLY, Result.CANCELLED),
    "force_canceled": (ChangeKind.APPLY, Result.CANCELLED),
    "discarded": (ChangeKind.APPLY, Result.CANCELLED),
}
_MOST: Final = 100  # notices of one notification; more than a handful do not come
_CALLBACK: Final = re.compile(r"\S{1,500}/api/v2/task-results/([A-Za-z0-9-]{1,64})/callback")


class _Run(msgspec.Struct):
    """What both kinds have."""

    run_id: str | None = None
    run_message: str | None = None
    run_created_at: str | None = None
    run_created_by: str | None = None
    workspace_id: str | None = None
    workspace_name: str | None = None
    organization_name: str | None = None


class _Task(_Run):
    stage: str | None = None
    is_speculative: bool | None = None
    access_token: str | None = None
    task_result_callback_url: str | None = None
    run_app_url: str | None = None
    vcs_commit_url: str | None = None
    vcs_branch: str | None = None


class _Notice(msgspec.Struct):
    message: str | None = None
    trigger: str | None = None
    run_status: str | None = None
    run_updated_at: str | None = None
    run_updated_by: str | None = None


class _Notification(_Run):
    run_url: str | None = None
    notifications: list[_Notice] | None = None


_TASK: Final = msgspec.json.Decoder(_Task)
_NOTIFICATION: Final = msgspec.json.Decoder(_Notification)


@dataclass(frozen=True, slots=True, repr=False)
class Callback:
    """Where the answer to a run task goes, as the request says it; ``token`` is good for this one answer."""

    url: str
    result_id: str
    token: str


def parse(body: bytes, headers: Headers, now: float) -> Sequence[Change]:
    """See ``Parse``; requests that only verify a set-up tell nothing."""
    if TASK_HEADER in headers:
        return tuple(_asked(decoded(_TASK, body, "a run task request"), now))
    return tuple(_notified(decoded(_NOTIFICATION, body, "a Terraform notification"), now))


def callback(body: bytes, headers: Headers) -> Callback | None:
    """Of a run task's request; None where none is expected or it is not of the documented form."""
    if TASK_HEADER not in headers:
        return None
    task = decoded(_TASK, body, "a run task request")
    match = _CALLBACK.fullmatch(task.task_result_callback_url or "")
    if task.stage == _TEST or match is None or not task.access_token:
        return None
    return Callback(match[0], match[1], task.access_token)


def _asked(task: _Task, now: float) -> Iterator[Change]:
    stage = _STAGES.get(task.stage or "")
    if stage is None or not task.run_id:
        return
    more = {"stage": task.stage, "commit": task.vcs_commit_url, "branch": task.vcs_branch}
    yield _change(task, *stage, now, now, task.run_created_by, task.run_app_url, more)


def _notified(notification: _Notification, now: float) -> Iterator[Change]:
    for notice in (notification.notifications or ())[:_MOST]:
        state = _STATUSES.get(notice.run_status or "")
        if state is None or not notification.run_id:  # waits for somebody, or verifies the set-up
            continue
        at = moment(notice.run_updated_at, now) or now
        by = notice.run_updated_by or notification.run_created_by
        more = {"trigger": notice.trigger, "message": notice.message}
        yield _change(notification, *state, at, now, by, notification.run_url, more)


def _change(
    run: _Run,
    kind: ChangeKind,
    result: Result,
    timestamp: float,
    now: float,
    actor: str | None,
    url: str | None,
    more: Mapping[str, Any],
) -> Change:
    workspace = "/".join(filter(None, (run.organization_name, run.workspace_name or run.workspace_id)))
    name = clean(run.workspace_name or run.workspace_id, MAX_NAME)
    return change(
        SOURCE,
        kind,
        result,
        f"{run.run_id}/{kind.value}",
        subject(workspace, kind=EntityKind.CLOUD_RESOURCE, name=name),
        timestamp,
        f"{workspace}: {kind.value} {result.value}: {run.run_message or run.run_id}",
        # An apply begins when somebody allows it, perhaps days after its run.
        started_at=moment(run.run_created_at, now) if kind is ChangeKind.PLAN else None,
        actor=actor,
        url=url,
        details=details({"run_id": run.run_id, **more}),
    )
