"""GitLab's lists of deployments and pipelines on a loopback port, as its API documents them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.fakes.http_server import Answer, FakeServer


class FakeGitlab(FakeServer):
    """``GET /api/v4/projects/:id``, ``…/deployments`` and ``…/pipelines``: filtered, sorted, in pages, with ETags.

    Args:
        token: The only access token that is let in.
        projects: By full path.
    """

    def __init__(self, token: str, projects: Mapping[str, dict[str, Any]]) -> None:
        super().__init__(self._answer)
        self.token = token
        self.projects = projects
        self.entries: dict[tuple[int, str], list[dict[str, Any]]] = {}

    def add(self, project: int, kind: str, *entries: dict[str, Any]) -> None:
        """Put into a list; one with the same id is replaced."""
        there = self.entries.setdefault((project, kind), [])
        for entry in entries:
            there[:] = [each for each in there if each["id"] != entry["id"]] + [entry]

    def _answer(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if headers.get("authorization") != f"Bearer {self.token}":
            return Answer(401, {"message": "401 Unauthorized"})
        match = re.fullmatch(r"/api/v4/projects/([^/]+)(?:/(deployments|pipelines))?", path)
        project = self._project(unquote(match[1])) if match else None
        if match is None or project is None:
            return Answer(404, {"message": "404 Project Not Found"})
        if match[2] is None:
            return Answer(200, project)
        return self._list(project["id"], match[2], {k: v[0] for k, v in parse_qs(query).items()}, headers)

    def _project(self, name: str) -> dict[str, Any] | None:
        return next((each for path, each in self.projects.items() if name in (path, str(each["id"]))), None)

    def _list(self, project: int, kind: str, query: Mapping[str, str], headers: Mapping[str, str]) -> Answer:
        known = {"updated_after", "order_by", "sort", "per_page", "page"}
        if set(query) - known or query["order_by"] != "updated_at":
            return Answer(400, {"message": "400 Bad request"})
        after = datetime.fromisoformat(query["updated_after"])
        found = [
            each for each in self.entries.get((project, kind), []) if datetime.fromisoformat(each["updated_at"]) > after
        ]
        found.sort(key=lambda each: each["updated_at"], reverse=query["sort"] == "desc")
        size, page = min(int(query["per_page"]), 100), int(query["page"])
        shown = found[size * (page - 1) : size * page]
        etag = f'W/"{hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:32]}"'
        if headers.get("if-none-match") == etag:
            return Answer(304, None, {"ETag": etag})
        following = str(page + 1) if len(found) > size * page else ""
        return Answer(200, shown, {"ETag": etag, "x-page": str(page), "x-next-page": following})
