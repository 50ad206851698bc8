"""An Elasticsearch that knows the part of the search API that is used here, and refuses everything else.

https://www.elastic.co/docs/reference/query-languages/query-dsl/
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx

_KNOWN = {"size", "track_total_hits", "sort", "query", "_source"}
_EARLIEST = {"order": "asc", "unmapped_type": "date", "numeric_type": "date"}


class FakeElasticsearch:
    """Called with requests; documents have ``@timestamp`` in milliseconds."""

    def __init__(self, documents: Sequence[Mapping[str, Any]]) -> None:
        self._documents = sorted(documents, key=lambda one: one["@timestamp"])
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert request.url.path.endswith("/_search")
        body = json.loads(request.content)
        assert set(body) <= _KNOWN
        assert body["sort"] == [{"@timestamp": _EARLIEST}]
        limits, *whose = body["query"]["bool"]["filter"]
        hits = [one for one in self._documents if _in_range(one, limits["range"]) and _all(one, whose)]
        found = [_hit(one, body["_source"]) for one in hits[: body["size"]]]
        answer = {
            "took": 1,
            "timed_out": False,
            "_shards": {"total": 1, "successful": 1, "failed": 0},
            "hits": {"hits": found},
        }
        return httpx.Response(200, content=json.dumps(answer).encode())


def _in_range(document: Mapping[str, Any], limits: Mapping[str, Any]) -> bool:
    [(field, span)] = limits.items()
    assert span["format"] == "epoch_millis"
    return bool(span["gte"] <= document[field] < span["lt"])


def _all(document: Mapping[str, Any], clauses: Sequence[Mapping[str, Any]]) -> bool:
    fields = dict(_flat(document))
    return all(_clause(fields, clause) for clause in clauses)


def _clause(fields: Mapping[str, Any], clause: Mapping[str, Any]) -> bool:
    [(kind, about)] = clause.items()
    if kind == "bool":
        return _bool(fields, **about)
    [(name, wanted)] = about.items()
    if kind == "exists":
        return wanted in fields
    value = fields.get(name.removesuffix(".keyword"))
    return value in wanted if kind == "terms" else str(value or "").startswith(wanted)


def _bool(
    fields: Mapping[str, Any],
    should: Sequence[Mapping[str, Any]] = (),
    must_not: Sequence[Mapping[str, Any]] = (),
    minimum_should_match: int = 0,
) -> bool:
    matching = sum(_clause(fields, one) for one in should)
    return matching >= minimum_should_match and not any(_clause(fields, one) for one in must_not)


def _hit(document: Mapping[str, Any], source: Sequence[str]) -> dict[str, Any]:
    return {"_source": _kept(document, source), "sort": [document["@timestamp"]]}


def _kept(document: Mapping[str, Any], source: Sequence[str], prefix: str = "") -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, value in document.items():
        path = f"{prefix}{name}"
        if any(path == one or path.startswith(f"{one}.") for one in source):
            kept[name] = value
        elif isinstance(value, Mapping) and (inner := _kept(value, source, f"{path}.")):
            kept[name] = inner
    return kept


def _flat(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
