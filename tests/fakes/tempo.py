"""Tempo's search and traces by id, as its HTTP API documents them, over traces that are given.

https://grafana.com/docs/tempo/latest/api_docs/ - no real Tempo can be built from the module proxy. Of TraceQL it knows
what the product asks, and refuses everything else as Tempo does: with 400 and a sentence.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

import httpx

_NAMED = re.compile(r'resource\.service\.name = ("(?:[^"\\]|\\.)*")')
_QUERY = re.compile(r"\{ \((?P<named>.+?)\)(?P<failed> && status = error)?(?: && traceDuration > (?P<ms>\d+)ms)? \}")


class FakeTempo:
    """Answers by ``httpx.MockTransport(fake)``; what it was asked is in ``searches``."""

    def __init__(self, traces: Mapping[str, dict[str, Any]]) -> None:
        self._traces = traces
        self.searches: list[dict[str, str]] = []
        self.gone: set[str] = set()  # traces that a search finds, but nobody has any more

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/search":
            return self._search(dict(request.url.params))
        name = request.url.path.removeprefix("/api/traces/")
        if name not in self._traces or name in self.gone:
            return httpx.Response(404, text="trace not found")
        return httpx.Response(200, json=_as_tempo_writes(self._traces[name]))

    def _search(self, asked: dict[str, str]) -> httpx.Response:
        self.searches.append(asked)
        query = _QUERY.fullmatch(asked["q"])
        if query is None:
            return httpx.Response(400, text=f"invalid TraceQL query: parse error at line 1: {asked['q']}")
        named = {json.loads(name) for name in _NAMED.findall(query["named"])}
        found = []
        for name, trace in self._traces.items():
            spans = [
                (_service(batch), span)
                for batch in trace["resourceSpans"]
                for scope in batch["scopeSpans"]
                for span in scope["spans"]
            ]
            starts = [int(span["startTimeUnixNano"]) for _, span in spans]
            length = max(int(span["endTimeUnixNano"]) for _, span in spans) - min(starts)
            fits = any(
                service in named and (not query["failed"] or span["status"].get("code") == 2) for service, span in spans
            )
            fits = fits and length > int(query["ms"] or 0) * 1e6
            if fits and int(asked["start"]) <= min(starts) / 1e9 < int(asked["end"]):
                found.append({"traceID": name, "startTimeUnixNano": str(min(starts)), "durationMs": length // 10**6})
        return httpx.Response(200, json={"traces": found[: int(asked["limit"])], "metrics": {"totalBlocks": 1}})


def _service(batch: dict[str, Any]) -> str:
    named = {one["key"]: one["value"]["stringValue"] for one in batch["resource"]["attributes"]}
    return str(named["service.name"])


def _as_tempo_writes(trace: dict[str, Any]) -> dict[str, Any]:
    """Ids in base64, kinds and codes by name, ``batches``: as gogo/protobuf's jsonpb writes its messages."""
    kinds = ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
    copy: dict[str, Any] = json.loads(json.dumps(trace))
    for batch in copy["resourceSpans"]:
        for scope in batch["scopeSpans"]:
            for span in scope["spans"]:
                for key in ("traceId", "spanId", "parentSpanId"):
                    span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
                span["kind"] = f"SPAN_KIND_{kinds[span['kind']]}"
                if span["status"]:
                    span["status"] = {"code": "STATUS_CODE_ERROR"}
    return {"batches": copy["resourceSpans"]}
