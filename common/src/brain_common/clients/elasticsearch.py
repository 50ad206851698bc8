"""Searches in Elasticsearch and OpenSearch, by the part of the search API that both have.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-search
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import msgspec

from brain_common.clients.fetch import Fetcher, FetchSettings
from brain_common.clients.lenient_json import decoded

# An index that is not there yet is not an error: the next day's, or one of several patterns.
_INDICES = {"ignore_unavailable": "true", "allow_no_indices": "true"}


class Hit(msgspec.Struct):
    """One document: what was asked of its source, and of its fields."""

    source: dict[str, Any] = msgspec.field(name="_source", default_factory=dict)
    fields: dict[str, list[Any]] = {}


@dataclass(frozen=True, slots=True)
class Found:
    """Documents, and whether all shards answered in time."""

    hits: list[Hit]
    whole: bool


class _Shards(msgspec.Struct):
    failed: int = 0


class _Hits(msgspec.Struct):
    hits: list[Hit] = []


class _Answer(msgspec.Struct):
    timed_out: bool = False
    shards: _Shards = msgspec.field(name="_shards", default_factory=_Shards)
    hits: _Hits = msgspec.field(default_factory=_Hits)


class ElasticsearchClient:
    """Asks one cluster."""

    def __init__(self, settings: FetchSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._fetch = Fetcher("Elasticsearch", settings, transport)

    async def search(self, index: str, body: Mapping[str, Any]) -> Found:
        """What ``body`` finds in ``index``, a name, a pattern, or several with commas between.

        Raises:
            TemporaryError: No answer, or 5xx, within the deadline.
            PermanentError: The cluster refused, or the answer is too large or no search result.
        """
        answer = await self._fetch.post_json(f"/{quote(index, safe='*,')}/_search", _INDICES, body)
        found = await asyncio.to_thread(decoded, answer, _Answer, self._fetch.name)
        return Found(found.hits.hits, not found.timed_out and not found.shards.failed)

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._fetch.aclose()
