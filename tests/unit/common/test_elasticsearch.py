"""What a cluster says of its trouble reaches people in its words, whatever shape they come in."""

from __future__ import annotations

import json
from contextlib import aclosing

import httpx
import pytest

from brain_common.clients.elasticsearch import ElasticsearchClient, Hit
from brain_common.clients.fetch import FetchSettings
from brain_common.errors import PermanentError, TemporaryError

pytestmark = pytest.mark.anyio
NAME = "Elasticsearch http://es.test"
CAUSE = {"type": "query_shard_exception", "reason": 'no "field" [\u00e9]\nhere', "index": "logs"}
FAILED = {"index": "logs-1", "shard": 0, "node": "n", "reason": {"type": "x", "reason": "out of memory"}}


async def search(content: str, status: int = 200) -> list[Hit]:
    settings = FetchSettings.model_validate({"url": "http://es.test", "bearer": {"token": "hunter2"}})
    transport = httpx.MockTransport(lambda request: httpx.Response(status, content=content.encode()))
    async with aclosing(ElasticsearchClient(settings, transport)) as client:
        return await client.search("logs-*", {})


def error(**more: object) -> str:
    return json.dumps({"error": {"root_cause": [CAUSE], "type": "all", "reason": "all shards failed", **more}})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (error(), 'no "field" [\u00e9] here'),
        (error(failed_shards=["x" * 100_000]), 'no "field" [\u00e9] here'),
        (error(root_cause=[]), "all shards failed"),
        (error(root_cause=[{"type": "null_pointer_exception", "reason": None}]), "all shards failed"),
        (
            '{"error":"no handler found for uri [/x] and method [POST]"}',
            "no handler found for uri [/x] and method [POST]",
        ),
        ('{"error":{"reason":"cut in the mid', '{"error":{"reason":"cut in the mid'),
        ('{"error":{"reason":"\\ud800 half"}}', "? half"),
        ('{"error":{"reason":"bad \\x escape"}}', '"bad \\x escape"'),
        ("who are you, hunter2?", "who are you, ***?"),
        ('{"error":{"reason":"who are you, hunter2?"}}', "who are you, ***?"),
        ("", "Bad Request"),
    ],
)
async def test_a_refusal_is_told_by_its_reason(content: str, said: str) -> None:
    with pytest.raises(PermanentError) as refused:
        await search(content, 400)
    assert str(refused.value) == f"{NAME} answered 400: {said}"


def shards(successful: int, *failures: object) -> dict[str, object]:
    return {"_shards": {"total": 3, "successful": successful, "failed": len(failures), "failures": failures}}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (shards(2, FAILED), "1 of 3 shards did not answer: index logs-1: out of memory"),
        (
            shards(1, {**FAILED, "reason": {"reason": None}}),
            "2 of 3 shards did not answer: index logs-1: no reason is given",
        ),
        (shards(2), "1 of 3 shards did not answer: no node holds them"),
        ({**shards(3), "timed_out": True}, "the search ran out of time in the cluster"),
    ],
)
async def test_a_part_of_an_answer_is_none(answer: dict[str, object], said: str) -> None:
    with pytest.raises(TemporaryError) as refused:
        await search(json.dumps({"hits": {"hits": []}, **answer}))
    assert str(refused.value) == f"{NAME}: {said}"


async def test_shards_that_were_skipped_answered() -> None:
    answer = {"_shards": {"total": 3, "successful": 3, "skipped": 2, "failed": 0}, "hits": {"hits": [{"sort": [1]}]}}
    assert await search(json.dumps(answer)) == [Hit(sort=[1])]


async def test_no_index_is_no_answer() -> None:
    with pytest.raises(PermanentError, match=r"no open index is called logs-\*$"):
        await search(json.dumps({"_shards": {"total": 0}, "hits": {"hits": []}}))
