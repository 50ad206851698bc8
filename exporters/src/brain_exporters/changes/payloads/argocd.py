"""Argo CD: the ``Application`` object, which a notification sends (``{{toJson .app}}``) and the API lists.

Source: the CustomResourceDefinition of ``applications.argoproj.io``. An operation has no id: its application and the
second it began name it, in ``operationState`` as well as in ``history``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
from starlette.datastructures import Headers

from brain_common.errors import InputError
from brain_exporters.changes.model import MAX_NAME, Change, ChangeKind, Result, Subject, clean, details, moment
from brain_exporters.changes.payloads.decode import change, decoded, subject

SOURCE: Final = "argocd"
_PHASES: Final = {
    "Running": Result.STARTED,
    "Succeeded": Result.SUCCEEDED,
    "Failed": Result.FAILED,
    "Error": Result.FAILED,
}
_TERMINATED: Final = "Operation terminated"  # how the message of an operation begins that somebody has stopped
_IN_CLUSTER: Final = ("", "in-cluster")  # the cluster that Argo CD runs in
_AUTOMATED: Final = "argocd (automated sync)"


class _Metadata(msgspec.Struct):
    name: str
    namespace: str | None = None


class _Destination(msgspec.Struct):
    name: str | None = None
    namespace: str | None = None
    server: str | None = None


class _Origin(msgspec.Struct):
    repoURL: str | None = None  # noqa: N815 - Argo CD's name
    path: str | None = None
    chart: str | None = None


class _Spec(msgspec.Struct):
    destination: _Destination | None = None
    project: str | None = None
    source: _Origin | None = None


class _Initiator(msgspec.Struct):
    username: str | None = None
    automated: bool | None = None


class _Operation(msgspec.Struct, rename="camel"):
    initiated_by: _Initiator | None = None


class _SyncResult(msgspec.Struct):
    revision: str | None = None
    revisions: list[str] | None = None


class _State(msgspec.Struct, rename="camel"):
    phase: str = ""
    message: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    operation: _Operation | None = None
    sync_result: _SyncResult | None = None


class _Past(msgspec.Struct, rename="camel"):
    id: int | None = None
    revision: str | None = None
    revisions: list[str] | None = None
    deploy_started_at: str | None = None
    deployed_at: str | None = None
    initiated_by: _Initiator | None = None


class _Status(msgspec.Struct, rename="camel"):
    operation_state: _State | None = None
    history: list[_Past] | None = None


class Application(msgspec.Struct):
    """What is read of one."""

    metadata: _Metadata
    spec: _Spec | None = None
    status: _Status | None = None


class Applications(msgspec.Struct):
    """``GET /api/v1/applications``; ``items`` is null when there is none."""

    items: list[Application] | None = None


class _Wrapped(msgspec.Struct):
    app: Application


_DECODER: Final = msgspec.json.Decoder(Application)
_WRAPPED: Final = msgspec.json.Decoder(_Wrapped)
FIELDS: Final = ",".join(
    f"items.{field}"
    for field in (
        "metadata.name",
        "metadata.namespace",
        "spec.destination",
        "spec.project",
        "spec.source.repoURL",
        "spec.source.path",
        "spec.source.chart",
        "status.operationState.phase",
        "status.operationState.message",
        "status.operationState.startedAt",
        "status.operationState.finishedAt",
        "status.operationState.operation.initiatedBy",
        "status.operationState.syncResult.revision",
        "status.operationState.syncResult.revisions",
        "status.history",
    )
)
"""What the API is asked for: a whole application may be a megabyte."""


def parse(body: bytes, headers: Headers, now: float) -> Sequence[Change]:
    """See ``Parse``: an application, or one below ``app``; its operation is told, its history is known."""
    try:
        application = decoded(_DECODER, body, "an Argo CD application")
    except InputError as error:
        try:
            application = decoded(_WRAPPED, body, "an Argo CD application").app
        except InputError:
            raise error from None
    found = _operation(application, now)
    return () if found is None else (found,)


def changes(application: Application, now: float, since: float) -> Iterator[Change]:
    """What an application of the API tells of the time from ``since`` on: of its history, then its last operation."""
    status = application.status or _Status()
    state = status.operation_state or _State()
    for past in status.history or ():
        ended = moment(past.deployed_at, now)
        if ended is not None and ended >= since and past.deploy_started_at not in (None, state.started_at):
            yield _deployed(application, past, past.deploy_started_at or "", ended, now)
    at = moment(state.finished_at or state.started_at, now)
    current = _operation(application, now) if at is not None and at >= since else None
    if current is not None:
        yield current


def _operation(application: Application, now: float) -> Change | None:
    state = (application.status or _Status()).operation_state
    if state is None or state.started_at is None:
        return None
    result = _PHASES.get(state.phase)
    if result is None:  # Terminating: it ends soon
        return None
    if result is Result.FAILED and (state.message or "").startswith(_TERMINATED):
        result = Result.CANCELLED
    started = moment(state.started_at, now)
    synced = state.sync_result or _SyncResult()
    return change(
        SOURCE,
        ChangeKind.SYNC,
        result,
        _id(application, state.started_at),
        _about(application),
        (started if result is Result.STARTED else moment(state.finished_at, now)) or now,
        f"{application.metadata.name}: sync {result.value}: {state.message or state.phase}",
        started_at=started,
        actor=_who(state.operation.initiated_by if state.operation else None),
        revision=synced.revision or ",".join(synced.revisions or ()),
        details=_details(application),
    )


def _deployed(application: Application, past: _Past, started_at: str, ended: float, now: float) -> Change:
    """An entry of the history of which it is known when it began; without that, it cannot be told from others."""
    return change(
        SOURCE,
        ChangeKind.SYNC,
        Result.SUCCEEDED,
        _id(application, started_at),
        _about(application),
        ended,
        f"{application.metadata.name}: sync succeeded: revision {past.revision or ''}",
        started_at=moment(started_at, now),
        actor=_who(past.initiated_by),
        revision=past.revision or ",".join(past.revisions or ()),
        details=_details(application),
    )


def _id(application: Application, started_at: str) -> str:
    metadata = application.metadata
    return f"{metadata.namespace or ''}/{metadata.name}/{started_at}"


def _about(application: Application) -> Subject:
    destination = (application.spec or _Spec()).destination or _Destination()
    cluster = clean(destination.name, MAX_NAME)
    namespace = clean(destination.namespace, MAX_NAME)
    return subject(
        application.metadata.name,
        namespace,
        cluster="" if cluster in _IN_CLUSTER else cluster,
        namespace=namespace,
        name=clean(application.metadata.name, MAX_NAME),
    )


def _who(initiator: _Initiator | None) -> str:
    if initiator is None:
        return ""
    return initiator.username or (_AUTOMATED if initiator.automated else "")


def _details(application: Application) -> str | None:
    spec = application.spec or _Spec()
    origin = spec.source or _Origin()
    return details(
        {
            "project": spec.project,
            "server": spec.destination.server if spec.destination else None,
            "repository": origin.repoURL,
            "path": origin.path,
            "chart": origin.chart,
        }
    )
