"""A Grafana that knows annotations: stateful, strict about its API, and able to misbehave.

Used by benches and, with a check of every request against Grafana's OpenAPI document, by tests, since no Grafana
server can be built here. It does what Grafana's source does where a client could trip over it: the time filter needs
both ends, tags must all match, a list holds 100 items unless told otherwise, tags have at most 500 characters as JSON,
an empty text is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

from brain_lab.fakes.http_server import Answer, FakeServer

Check = Callable[[str, str, str, bytes], list[str]]
"""From method, path, query and body to what is wrong with a request."""

DEFAULT_LIMIT = 100  # of GET /api/annotations
MAX_TAGS_JSON = 500  # bytes; Grafana's setting [annotations] tags_length


class FakeGrafana(FakeServer):
    """Grafana's annotation API on a loopback port.

    Args:
        token: The only bearer token that is let in; None lets everybody in.
        dashboards: The uids that exist.
        missing_dashboard: What creating on another dashboard is answered with; 200 creates for the
            organisation without a word, as Grafana 9 does.
        missing_annotation: What changing an absent annotation is answered with; 403 is what Grafana says to a
            service account whose permission it cannot resolve.
        port: To listen on; 0 takes a free one.
        check: Called for every request; one with violations is refused.

    Attributes:
        annotations: By id, as Grafana would list them.
        created: How many were ever created.
        violations: What was wrong with requests.
    """

    def __init__(
        self,
        *,
        token: str | None = None,
        dashboards: Iterable[str] = (),
        missing_dashboard: int = 404,
        missing_annotation: int = 404,
        port: int = 0,
        check: Check | None = None,
    ) -> None:
        super().__init__(self._answer, port)
        self._token = token
        self._dashboards = frozenset(dashboards)
        self._missing_dashboard = missing_dashboard
        self._missing_annotation = missing_annotation
        self._check = check
        self.created = 0
        self.annotations: dict[int, dict[str, Any]] = {}
        self.violations: list[str] = []

    def with_tag(self, tag: str) -> list[dict[str, Any]]:
        """The annotations that carry ``tag``, oldest first."""
        return [annotation for annotation in list(self.annotations.values()) if tag in annotation["tags"]]

    def doubled(self) -> int:
        """How many annotations are one too many: same ``incident=`` tag and same dashboard as an older one."""
        seen = [
            (tag, annotation["dashboardUID"])
            for annotation in list(self.annotations.values())
            for tag in annotation["tags"]
            if tag.startswith("incident=")
        ]
        return len(seen) - len(set(seen))

    def _answer(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        problems = self._check(method, path, query, body) if self._check is not None else []
        self.violations += problems
        if problems:
            return Answer(400, {"message": "; ".join(problems)})
        if self._token is not None and headers.get("authorization") != f"Bearer {self._token}":
            return Answer(401, {"message": "Unauthorized"})
        if path == "/api/annotations":
            return self._find(query) if method == "GET" else self._create(json.loads(body))
        match = re.fullmatch(r"/api/annotations/(\d+)", path)
        if not match:
            return Answer(404, {"message": "Not found"})
        if int(match[1]) not in self.annotations:
            return Answer(self._missing_annotation, {"message": "Annotation not found"})
        return self._change(int(match[1]), method, body)

    def _find(self, query: str) -> Answer:
        wanted = parse_qs(query)
        tags = set(wanted.get("tags", ()))
        begin, end = (int(wanted.get(name, ["0"])[0]) for name in ("from", "to"))
        limit = int(wanted.get("limit", [str(DEFAULT_LIMIT)])[0])
        found = [
            item
            for item in self.annotations.values()
            if tags <= set(item["tags"]) and (not (begin and end) or (item["time"] <= end and item["timeEnd"] >= begin))
        ]
        return Answer(200, sorted(found, key=lambda item: -item["time"])[:limit])

    def _create(self, command: dict[str, Any]) -> Answer:
        uid = command.get("dashboardUID", "")
        if uid and uid not in self._dashboards:
            if self._missing_dashboard != 200:
                return Answer(self._missing_dashboard, {"message": "Dashboard not found"})
            uid = ""
        if problem := _refusal(command):
            return Answer(400, {"message": problem})
        self.created += 1
        self.annotations[self.created] = {
            "id": self.created,
            "dashboardUID": uid,
            "panelId": command.get("panelId", 0),
            "time": command["time"],
            "timeEnd": command["timeEnd"],
            "tags": command["tags"],
            "text": command["text"],
        }
        return Answer(200, {"message": "Annotation added", "id": self.created})

    def _change(self, annotation_id: int, method: str, body: bytes) -> Answer:
        if method == "DELETE":
            del self.annotations[annotation_id]
            return Answer(200, {"message": "Annotation deleted"})
        command = json.loads(body)
        if problem := _refusal({**self.annotations[annotation_id], **command}):
            return Answer(400, {"message": problem})
        changes = {name: command[name] for name in ("time", "timeEnd", "tags", "text") if name in command}
        self.annotations[annotation_id].update(changes)
        return Answer(200, {"message": "Annotation patched"})


def _refusal(command: Mapping[str, Any]) -> str:
    if not command["text"]:
        return "text field should not be empty"
    if len(json.dumps(command["tags"], separators=(",", ":"), ensure_ascii=False).encode()) > MAX_TAGS_JSON:
        return "tags are too long"
    if command["timeEnd"] < command["time"]:
        return "timeEnd before time"
    return ""
