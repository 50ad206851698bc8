"""The HTTP face: addresses, content types, headers, and what happens with wrong ones."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import httpx
import msgspec
import pytest
from starlette.applications import Starlette

from brain_common.clock import ManualClock
from brain_common.errors import ConfigError
from brain_rca.model import Incident
from brain_rca.page.headers import security_headers
from brain_rca.page.routes import page_routes
from tests.unit.page import samples
from tests.unit.page.memory_store import MemoryStore

pytestmark = pytest.mark.anyio
ID = samples.rich().id


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore([samples.rich()])


async def ask(store: MemoryStore, path: str, accept: str = "text/html", **options: Any) -> httpx.Response:
    app = Starlette(routes=page_routes(store, clock=ManualClock(samples.NOW), **options))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://brain") as client:
        return await client.get(path, headers={"Accept": accept})


def crowd(count: int) -> list[Incident]:
    return [
        msgspec.structs.replace(
            samples.resolved() if n % 2 else samples.rich(), id=f"{n:016x}", received_at=1e9 + n / 3
        )
        for n in range(count)
    ]


async def test_home_leads_to_the_list(store: MemoryStore) -> None:
    answer = await ask(store, "/")
    assert (answer.status_code, answer.headers["location"]) == (302, "incidents")


async def test_an_incident_as_page_and_as_json(store: MemoryStore) -> None:
    page = await ask(store, f"/incidents/{ID}")
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Confirmed: <strong" in page.text
    for path, accept in ((f"/incidents/{ID}.json", "text/html"), (f"/incidents/{ID}", "application/json")):
        answer = await ask(store, path, accept)
        assert answer.headers["content-type"] == "application/json"
        assert msgspec.json.decode(answer.content, type=Incident) == samples.rich()


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/html"),
        ("*/*", "text/html"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", "text/html"),
        ("application/json", "application/json"),
        ("text/html;q=0.5, application/json;q=0.9", "application/json"),
        ("application/json;q=0.5,text/html", "text/html"),
        ("application/json;q=x", "text/html"),
    ],
)
async def test_the_accept_header_decides(store: MemoryStore, accept: str, kind: str) -> None:
    answer = await ask(store, f"/incidents/{ID}", accept)
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["vary"] == "Accept"


async def test_every_answer_forbids_what_the_page_does_not_need(store: MemoryStore) -> None:
    paths = (
        "/",
        "/incidents",
        f"/incidents/{ID}",
        f"/incidents/{ID}.json",
        "/incidents/nothing",
        "/incidents.json",
    )
    for path in paths:
        headers = (await ask(store, path)).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


async def test_the_policy_allows_exactly_the_style_of_the_page(store: MemoryStore) -> None:
    answer = await ask(store, f"/incidents/{ID}")
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("wrong", ["nothing", "5F0C2A91D37BE846", "%3Cscript%3Ealert(1)%3C%2Fscript%3E", "0" * 17])
async def test_a_malformed_id_is_not_found_not_looked_up_and_not_repeated(store: MemoryStore, wrong: str) -> None:
    answer = await ask(store, f"/incidents/{wrong}")
    assert answer.status_code == 404
    assert store.calls == []
    assert "alert(1)" not in answer.text
    assert wrong not in answer.text


async def test_an_unknown_incident_is_not_found_in_both_forms(store: MemoryStore) -> None:
    page = await ask(store, "/incidents/" + "0" * 16)
    answer = await ask(store, "/incidents/" + "0" * 16 + ".json")
    assert (page.status_code, answer.status_code) == (404, 404)
    assert "No such incident" in page.text
    assert answer.json()["error"] == "No such incident"


async def test_a_fingerprint_leads_to_its_incident(store: MemoryStore) -> None:
    answer = await ask(store, "/incidents/by-fingerprint/" + samples.alerts()[0].fingerprint)
    assert (answer.status_code, answer.headers["location"]) == (302, f"../{ID}")


async def test_an_unknown_fingerprint_is_asked_for_again_for_a_minute(store: MemoryStore) -> None:
    path, waits = "/incidents/by-fingerprint/feedfeedfeedfeed", 0
    query = ""
    while True:
        answer = await ask(store, path + query)
        assert answer.status_code == 404
        again = re.search(r'http-equiv="refresh" content="(\d+); url=(\?try=\d+)"', answer.text)
        if again is None:
            break
        waits += int(again[1])
        query = again[2]
    assert 50 <= waits <= 60
    assert "set to continue" in answer.text


async def test_a_malformed_fingerprint_is_not_looked_up(store: MemoryStore) -> None:
    answer = await ask(store, "/incidents/by-fingerprint/%3Cb%3E")
    assert answer.status_code == 404
    assert store.calls == []
    assert "refresh" not in answer.text.split("</style>")[1]
    assert "http-equiv" not in answer.text


async def test_paging_shows_every_incident_once_newest_first() -> None:
    store, seen, before = MemoryStore(crowd(60)), list[str](), ""
    while True:
        page = (await ask(store, f"/incidents.json?limit=25{before}")).json()
        seen += [line["id"] for line in page["incidents"]]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert seen == [f"{n:016x}" for n in reversed(range(60))]


async def test_the_pages_link_to_each_other() -> None:
    store = MemoryStore(crowd(30))
    first = await ask(store, "/incidents")
    older = re.search(r'href="(incidents\?before=[^"]+)" rel="next"', first.text)
    assert older is not None
    second = await ask(store, "/" + older[1])
    assert second.text.count('class="go"') == 5
    assert "Newest" in second.text
    assert "http-equiv" not in second.text


async def test_only_open_ones_on_request() -> None:
    lines = (await ask(MemoryStore(crowd(10)), "/incidents.json?open=1")).json()["incidents"]
    assert len(lines) == 5
    assert {line["status"] for line in lines} == {"open"}


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("before=<b>", "before is what the page before it gave as next."),
        ("before=1e999,aa", "before is what the page before it gave as next."),
        ("before=", "before is what the page before it gave as next."),
        ("limit=<b>", "limit is a whole number from 1 to 100."),
        ("limit=", "limit is a whole number from 1 to 100."),
        ("limit=-1", "limit is a whole number from 1 to 100."),
        ("limit=0", "limit is a whole number from 1 to 100."),
        ("limit=101", "limit is a whole number from 1 to 100."),
        ("limit=999999", "limit is a whole number from 1 to 100."),
    ],
)
async def test_malformed_queries_are_refused_with_a_sentence(store: MemoryStore, query: str, text: str) -> None:
    page = await ask(store, "/incidents?" + query)
    assert page.status_code == 400
    assert text in page.text
    assert "<b>" not in page.text.split("</header>")[0]
    answer = await ask(store, "/incidents.json?" + query)
    assert (answer.status_code, answer.json()) == (400, {"error": "The address is not right", "detail": text})


async def test_an_unknown_choice_of_incidents_is_none(store: MemoryStore) -> None:
    answer = await ask(store, "/incidents?open=<b>")
    assert answer.status_code == 200
    assert ID in answer.text
    assert "<b>" not in answer.text.split("</header>")[0]


async def test_refreshing_can_be_switched_off(store: MemoryStore) -> None:
    assert "http-equiv" in (await ask(store, f"/incidents/{ID}")).text
    assert "http-equiv" not in (await ask(store, f"/incidents/{ID}?refresh=off")).text


async def test_an_unreachable_store_is_said_and_tried_again(store: MemoryStore) -> None:
    store.away = True
    for path in ("/incidents", f"/incidents/{ID}", "/incidents/by-fingerprint/feed", "/incidents.json"):
        answer = await ask(store, path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "The store cannot be reached" in (await ask(store, "/incidents")).text


async def test_a_configured_origin_may_frame_the_page(store: MemoryStore) -> None:
    answer = await ask(store, "/incidents", frame_ancestors=("https://grafana.example.org",))
    assert "frame-ancestors https://grafana.example.org" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("origin", ["*", "https://a; script-src *", "grafana", "https://a/b\r\nX: y"])
def test_what_is_no_origin_is_refused(origin: str) -> None:
    with pytest.raises(ConfigError, match="frame_ancestors"):
        security_headers((origin,))
