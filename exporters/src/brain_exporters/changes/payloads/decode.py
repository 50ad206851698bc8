"""From bytes to a struct, with one sentence when they are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from starlette.datastructures import Headers

from brain_common.entity import Entity, EntityKind
from brain_common.errors import InputError
from brain_exporters.changes.entities import last_part
from brain_exporters.changes.model import (
    MAX_NAME,
    MAX_TITLE,
    Change,
    ChangeKind,
    Item,
    Result,
    Subject,
    clean,
    http_url,
)

T = TypeVar("T")

Parse = Callable[[bytes, Headers, float], Sequence[Item]]
"""Body, headers and the time now (seconds since the epoch) to what it tells; nothing when it tells nothing of interest.

Raises ``InputError``.
"""


def decoded(decoder: msgspec.json.Decoder[T], body: bytes, what: str) -> T:
    """The struct of a body.

    Raises:
        InputError: It is none; the message says which field is wrong and how.
    """
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise InputError(f"not {what}: {str(error)[:300]}") from error


def subject(project: str, environment: str = "", project_id: str = "", **entity: Any) -> Subject:  # noqa: ANN401
    """What a change of a repository or application is about: a workload of its name, unless ``entity`` says more."""
    project = clean(project, MAX_NAME)
    guess: dict[str, Any] = {"cluster": "", "namespace": "", "kind": EntityKind.WORKLOAD, "name": last_part(project)}
    return Subject(
        project=project,
        environment=clean(environment, MAX_NAME),
        entity=Entity(**(guess | entity)),
        project_id=clean(project_id, MAX_NAME),
    )


def change(
    source: str,
    kind: ChangeKind,
    result: Result,
    change_id: str,
    about: Subject,
    timestamp: float,
    title: str,
    *,
    started_at: float | None = None,
    actor: str | None = None,
    revision: str | None = None,
    url: str | None = None,
    details: str | None = None,
) -> Change:
    """One, with every text made fit."""
    return Change(
        source=source,
        kind=kind,
        result=result,
        change_id=clean(change_id, 2 * MAX_NAME),
        title=clean(title, MAX_TITLE),
        subject=about,
        timestamp=timestamp,
        started_at=started_at,
        actor=clean(actor, MAX_NAME),
        revision=clean(revision, MAX_NAME) or None,
        url=http_url(url),
        details=details,
    )


def lookup(data: Mapping[str, Any], path: str) -> object:
    """The value at a dotted path; a key that has dots itself is found as well. None where there is none."""
    if path in data:
        return data[path]
    name, dot, rest = path.partition(".")
    inner = data.get(name)
    return lookup(inner, rest) if dot and isinstance(inner, Mapping) else None
