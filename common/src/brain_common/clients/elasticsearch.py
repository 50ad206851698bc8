"""Searches in Elasticsearch and OpenSearch, by the part of the search API that both have.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-search
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from brain_common.clients.fetch import Fetcher, FetchSettings, plain_reason
from brain_common.clients.http import safe_text
from brain_common.clients.lenient_json import decoded
from brain_common.errors import PermanentError, TemporaryError

# An index that is not there yet is not an error: the next day's, or one of several patterns.
_INDICES = {"ignore_unavailable": "true", "allow_no_indices": "true"}
# The first reason of an error is that of its root cause. It is looked for in text, as only the beginning of an error is
# read, and that of many shards is long.
_REASON = re.compile(r'"(?:reason|error)"\s*:\s*("(?:[^"\\]|\\.)*")')


class Hit(msgspec.Struct):
    """One document: what was asked of its source, and the values it is sorted by."""

    source: dict[str, Any] = msgspec.field(name="_source", default_factory=dict)
    sort: list[Any] = []


class _Reason(msgspec.Struct):
    reason: str | None = None


class _Failure(msgspec.Struct):
    index: str | None = None
    reason: _Reason = msgspec.field(default_factory=_Reason)


class _Shards(msgspec.Struct):
    total: int = 0
    successful: int = 0
    failures: list[_Failure] = []


class _Hits(msgspec.Struct):
    hits: list[Hit] = []


class _Answer(msgspec.Struct):
    timed_out: bool = False
    shards: _Shards = msgspec.field(name="_shards", default_factory=_Shards)
    hits: _Hits = msgspec.field(default_factory=_Hits)


class ElasticsearchClient:
    """Asks one cluster."""

    def __init__(self, settings: FetchSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._fetch = Fetcher("Elasticsearch", settings, transport, reason=_reason)

    async def search(self, index: str, body: Mapping[str, Any]) -> list[Hit]:
        """What ``body`` finds in ``index``, a name, a pattern, or several with commas between.

        Raises:
            TemporaryError: No answer, or 5xx, within the deadline; or some of its shards did not.
            PermanentError: The cluster refused, none of the indices is there, or the answer is too large or no search
                result.
        """
        answer = await self._fetch.post_json(f"/{quote(index, safe='*,')}/_search", _INDICES, body)
        found = await asyncio.to_thread(decoded, answer, _Answer, self._fetch.name)
        if not found.shards.total:
            raise PermanentError(f"{self._fetch.name}: no open index is called {index}")
        if trouble := _trouble(found):
            raise TemporaryError(f"{self._fetch.name}: {safe_text(self._settings, trouble)}")
        return found.hits.hits

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._fetch.aclose()


def _trouble(answer: _Answer) -> str:
    """Why the answer is but a part of one; nothing where it is whole. Shards that fail for one reason say the same.

    A shard that no node holds is not among those that failed, but not among the successful ones either.
    """
    shards = answer.shards
    if answer.timed_out:
        return "the search ran out of time in the cluster"
    if shards.successful >= shards.total:
        return ""
    lacking = f"{shards.total - shards.successful} of {shards.total} shards did not answer"
    if not shards.failures:
        return f"{lacking}: no node holds them"
    first = shards.failures[0]
    return f"{lacking}: index {first.index or 'unknown'}: {first.reason.reason or 'no reason is given'}"


def _reason(body: bytes) -> str:
    """Both put their reason into JSON; what guards them, and proxies in front of them, do not."""
    text = plain_reason(body)
    if (found := _REASON.search(text)) is None:
        return text
    try:
        return str(json.loads(found[1])).encode(errors="replace").decode()  # halves of surrogate pairs
    except ValueError:
        return found[1]
