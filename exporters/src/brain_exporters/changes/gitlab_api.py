"""GitLab's API, asked for the deployments and pipelines of some projects that were updated since the last time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Generic, TypeVar
from urllib.parse import quote

import msgspec

from brain_common.clock import Clock
from brain_common.errors import PermanentError, TemporaryError
from brain_exporters.changes.client import JsonApi, pause_of
from brain_exporters.changes.model import Change, moment
from brain_exporters.changes.payloads.gitlab import (
    ApiDeployment,
    ApiPipeline,
    ApiProject,
    deployment_change,
    pipeline_change,
)
from brain_exporters.changes.polling import Poll

_PAGE: Final = 100  # entries a page, the most that GitLab gives
_STEP: Final = 0.001  # seconds: the resolution of GitLab's times
_PAGES: Final = 50  # at one time; the rest is read the next time
_MAX_ETAGS: Final = 2000  # answers remembered, by what was asked

T = TypeVar("T", ApiDeployment, ApiPipeline)


@dataclass(frozen=True, slots=True)
class _Listing(Generic[T]):
    """One of the two lists of a project."""

    name: str
    decoder: msgspec.json.Decoder[list[T]]
    change: Callable[[ApiProject, T, float], Change | None]


_PROJECT: Final = msgspec.json.Decoder(ApiProject)
_DEPLOYMENTS: Final = _Listing("deployments", msgspec.json.Decoder(list[ApiDeployment]), deployment_change)
_PIPELINES: Final = _Listing("pipelines", msgspec.json.Decoder(list[ApiPipeline]), pipeline_change)


class GitlabPoll:
    """One kind of ``Poll``: each list in the order of its updates, read on from the last one that was seen."""

    name = "gitlab-api"

    def __init__(self, api: JsonApi, clock: Clock, projects: Sequence[str]) -> None:
        self._api = api
        self._clock = clock
        self._paths = {project: f"/api/v4/projects/{quote(project, safe='')}" for project in projects}
        self._projects: dict[str, ApiProject] = {}
        self._etags: dict[str, str] = {}

    async def ask(self, poll: Poll) -> None:
        """Take what was updated since the last time; a project that is refused does not keep the others from it."""
        refused: PermanentError | None = None
        for project in self._paths:
            try:
                await self._ask(poll, project)
            except PermanentError as error:
                refused = PermanentError(f"project {project}: {error}")
        if refused is not None:
            raise refused

    async def _ask(self, poll: Poll, project: str) -> None:
        path = self._paths[project]
        known = self._projects.get(project)
        if known is None:
            reply = await self._api.get(path, {})
            known = self._projects[project] = self._api.read_as(_PROJECT, reply.body or b"", "project")
        await self._list(poll, path, known, _DEPLOYMENTS)
        await self._list(poll, path, known, _PIPELINES)

    async def _list(self, poll: Poll, path: str, project: ApiProject, listing: _Listing[T]) -> None:
        position = f"gitlab/{project.id}/{listing.name}"
        after, page = poll.since(position, self._clock.now()), 1
        for _ in range(_PAGES):
            query = {
                "updated_after": _iso(after),
                "order_by": "updated_at",
                "sort": "asc",
                "per_page": _PAGE,
                "page": page,
            }
            found, is_last = await self._page(f"{path}/{listing.name}", query, listing)
            now = self._clock.now()
            changes = [change for each in found if (change := listing.change(project, each, now)) is not None]
            newest = max((moment(each.updated_at, now) or 0.0 for each in found), default=0.0)
            if newest:
                await poll.take("gitlab", changes, {position: f"{newest:.3f}"})
            if is_last:
                return
            # On from the last one seen: with pages alone, an entry that is updated meanwhile would move all others up,
            # and the first of the next page would be missed. Pages only where all have the same time.
            after, page = (newest - _STEP, 1) if newest - _STEP > after else (after, page + 1)

    async def _page(self, path: str, query: Mapping[str, Any], listing: _Listing[T]) -> tuple[list[T], bool]:
        asked = f"{path}?{query}"
        reply = await self._api.get(path, query, self._etags.get(asked))
        if reply.body is None:  # not modified: all of it was taken when it came first
            return [], True
        found = self._api.read_as(listing.decoder, reply.body, f"list of {listing.name}")
        following = reply.headers.get("x-next-page")
        is_last = len(found) < _PAGE if following is None else not following
        if is_last and (etag := reply.headers.get("ETag")):
            if len(self._etags) >= _MAX_ETAGS:
                self._etags.clear()
            self._etags[asked] = etag
        if not is_last and (pause := pause_of(reply.headers)):
            raise TemporaryError("GitLab: no more requests for now", retry_after=pause)
        return found, is_last


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
