"""Argo CD's list of applications on a loopback port, as its API documents it."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs

from tests.fakes.http_server import Answer, FakeServer


class FakeArgoCd(FakeServer):
    """``GET /api/v1/applications``, which gives only the fields that were asked for.

    Args:
        token: The only bearer token that is let in.
        policy: Lines of an RBAC policy; who has the token is ``brain-changes``. None: it may see all.
    """

    def __init__(self, token: str, policy: str | None = None) -> None:
        super().__init__(self._answer)
        self.token = token
        self._policy = policy
        self.applications: list[dict[str, Any]] = []

    def _answer(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        if headers.get("authorization") != f"Bearer {self.token}":
            return Answer(401, {"error": "invalid session: token is expired", "code": 16})
        if (method, path) != ("GET", "/api/v1/applications"):
            return Answer(403, {"error": "permission denied", "code": 7})
        fields = parse_qs(query)["fields"][0].split(",")
        seen = [each for each in self.applications if self._may_get(each)]  # the others are left out, without a word
        items = [_picked(each, [field.removeprefix("items.") for field in fields]) for each in seen]
        return Answer(200, {"items": items or None})

    def _may_get(self, application: Mapping[str, Any]) -> bool:
        if self._policy is None:
            return True
        rules = [[part.strip() for part in line.split(",")] for line in self._policy.splitlines()]
        roles = {"brain-changes"} | {rule[2] for rule in rules if rule[:2] == ["g", "brain-changes"]}
        name = f"{application['spec']['project']}/{application['metadata']['name']}"
        return any(
            rule[0] == "p"
            and rule[1] in roles
            and rule[2:4] == ["applications", "get"]
            and fnmatchcase(name, rule[4])
            and rule[5] == "allow"
            for rule in rules
        )


def _picked(data: Any, fields: list[str]) -> Any:
    if "" in fields or not isinstance(data, dict):
        return data
    below: dict[str, list[str]] = {}
    for field in fields:
        name, _, rest = field.partition(".")
        below.setdefault(name, []).append(rest)
    return {name: _picked(data[name], rest) for name, rest in below.items() if name in data}
