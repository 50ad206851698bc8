"""A Loki that answers as its API is documented: streams by selector, lines by time, limit and direction.

https://grafana.com/docs/loki/latest/reference/loki-http-api/
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

_MATCHER = re.compile(r'(\w+)(=~|=)"((?:[^"\\]|\\.)*)"')
_QUERY = re.compile(r'(\{.*?\}) \| line_format "\{\{ __line__ \| trunc (\d+) \}\}"')


@dataclass(frozen=True)
class Stream:
    """Labels, and pairs of seconds and a text."""

    labels: dict[str, str]
    lines: Sequence[tuple[float, str]]


class FakeLoki:
    """Called with requests; remembers them."""

    def __init__(self, streams: Sequence[Stream]) -> None:
        self._streams = streams
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert request.method == "POST"
        params = httpx.QueryParams(request.content.decode())
        if request.url.path == "/loki/api/v1/series":
            found = [one for one in self._streams if any(_fits(one, text) for text in params.get_list("match[]"))]
            return _json({"status": "success", "data": [one.labels for one in found]})
        assert request.url.path == "/loki/api/v1/query_range"
        assert params["direction"] == "forward"
        parts = _QUERY.fullmatch(params["query"])
        assert parts is not None
        return self._lines(parts[1], int(parts[2]), int(params["start"]), int(params["end"]), int(params["limit"]))

    def _lines(self, selector: str, length: int, start: int, end: int, limit: int) -> httpx.Response:
        chosen = [
            (round(at * 1e9), number, text[:length])
            for number, one in enumerate(self._streams)
            if _fits(one, selector)
            for at, text in one.lines
            if start <= round(at * 1e9) < end
        ]
        first = sorted(chosen, key=lambda line: line[0])[:limit]
        result = [
            {"stream": one.labels, "values": [[str(at), text] for at, of, text in first if of == number]}
            for number, one in enumerate(self._streams)
        ]
        return _json({"status": "success", "data": {"resultType": "streams", "result": result}})


def _fits(stream: Stream, selector: str) -> bool:
    matchers = _MATCHER.findall(selector)
    assert matchers, f"Loki refuses {selector}"
    return all(_match(sign, json.loads(f'"{value}"'), stream.labels.get(name, "")) for name, sign, value in matchers)


def _match(sign: str, wanted: str, value: str) -> bool:
    return value == wanted if sign == "=" else re.fullmatch(wanted, value) is not None


def _json(answer: object) -> httpx.Response:
    return httpx.Response(200, content=json.dumps(answer).encode())
