"""Changes of senders that none of the others understands, in the exporter's own JSON; see docs/exporters/changes.md."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from starlette.datastructures import Headers

from brain_common.entity import EntityKind
from brain_common.errors import InputError
from brain_exporters.changes.model import MAX_NAME, Change, ChangeKind, Result, clean, details, moment
from brain_exporters.changes.payloads.decode import change, decoded, subject

SOURCE: Final = "generic"
MOST: Final = 1000  # changes or events in one request


class EntityBody(msgspec.Struct):
    """An entity in a request; the parts that are absent are guessed."""

    cluster: str = ""
    namespace: str = ""
    kind: EntityKind = EntityKind.WORKLOAD
    name: str = ""

    def parts(self) -> dict[str, Any]:
        """For ``subject``."""
        named = {"name": clean(self.name, MAX_NAME)} if self.name else {}
        return {
            "cluster": clean(self.cluster, MAX_NAME),
            "namespace": clean(self.namespace, MAX_NAME),
            "kind": self.kind,
            **named,
        }


class _Body(msgspec.Struct):
    kind: ChangeKind
    title: str
    project: str = ""
    result: Result = Result.SUCCEEDED
    id: str | int | None = None
    environment: str = ""
    time: str | float | None = None
    started_at: str | float | None = None
    actor: str | None = None
    revision: str | None = None
    url: str | None = None
    entity: EntityBody | None = None
    details: dict[str, Any] | None = None


_DECODER: Final = msgspec.json.Decoder(_Body | list[_Body])


def parse(body: bytes, headers: Headers, now: float) -> Sequence[Change]:
    """See ``Parse``: one change, or a list of them."""
    read = decoded(_DECODER, body, "a change")
    found = read if isinstance(read, list) else [read]
    if len(found) > MOST:
        raise InputError(f"more than {MOST} changes in one request")
    return [_change(each, now) for each in found]


def _change(body: _Body, now: float) -> Change:
    entity = body.entity or EntityBody()
    if not (body.project or entity.name):
        raise InputError("a change needs project or entity.name")
    return change(
        SOURCE,
        body.kind,
        body.result,
        _id(body),
        subject(body.project or entity.name, body.environment, **entity.parts()),
        moment(body.time, now) or now,
        body.title,
        started_at=moment(body.started_at, now),
        actor=body.actor,
        revision=body.revision,
        url=body.url,
        details=details(body.details or {}),
    )


def _id(body: _Body) -> str:
    """As given, else made of the content: the same body again is the same change."""
    if body.id is not None and str(body.id):
        return f"{body.project}/{body.id}"
    return hashlib.sha256(msgspec.json.encode(body)).hexdigest()[:32]
