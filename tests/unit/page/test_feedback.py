"""The form in which people say whether a cause was it: who may send it, from where, and what it says of itself."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from html import unescape
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from msgspec.structs import replace
from starlette.applications import Starlette

from brain_common.clock import ManualClock
from brain_common.serving.config import CallerSettings
from brain_rca.audit import AuditLog
from brain_rca.feedback.desk import FeedbackDesk
from brain_rca.feedback.fault_kinds import KINDS
from brain_rca.model import FeedbackKind
from brain_rca.page.feedback import FeedbackForms
from brain_rca.page.forgery import COOKIE
from brain_rca.page.routes import page_routes
from brain_rca.store.sqlite import SqliteStore
from brain_rca.wake import Wake
from tests.contract.store.samples import COOLDOWN, T0, analysis, notification
from tests.fakes.credentials import PASSWORD, TOKEN, callers

pytestmark = pytest.mark.anyio
CAUSE = "c/n/service/a"
CALLERS = [CallerSettings.model_validate(each) for each in callers()]
NAMED = next(caller for caller in CALLERS if caller.username is not None)
BASIC = httpx.BasicAuth(NAMED.username or "", PASSWORD)
OURS = {"Sec-Fetch-Site": "same-origin"}


def token_in(page: str) -> str:
    found = re.search(r'name="token" value="([0-9a-f]{64})"', page)
    assert found is not None
    return found[1]


class Site:
    """The pages over a real store with one judged incident, and a browser before them."""

    def __init__(self, store: SqliteStore, known: list[CallerSettings]) -> None:
        self.store = store
        self.clock = clock = ManualClock(T0 + 60)
        desk = FeedbackDesk(store, AuditLog(store, "writer", clock, None), clock, Wake())
        routes = page_routes(store, clock=clock, forms=FeedbackForms(desk, known, "rca.example.org"))
        transport = httpx.ASGITransport(app=Starlette(routes=routes))
        self.browser = httpx.AsyncClient(transport=transport, base_url="http://brain")
        self.incident = ""

    @property
    def path(self) -> str:
        return f"/incidents/{self.incident}/feedback"

    async def token(self) -> str:
        """Open the form; the browser keeps its cookie."""
        return token_in((await self.browser.get(self.path)).text)

    async def send(
        self, fields: Mapping[str, str], headers: Mapping[str, str] = OURS, auth: httpx.Auth | None = BASIC
    ) -> httpx.Response:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(fields, errors="surrogatepass")
        return await self.browser.post(self.path, content=body, headers=kind | dict(headers), auth=auth)

    async def said(self) -> list[tuple[str, FeedbackKind, str]]:
        incident = await self.store.get(self.incident)
        assert incident is not None
        return [(one.entity, one.kind, one.actor) for one in incident.feedback]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    store = SqliteStore(tmp_path / "brain.db", COOLDOWN, ManualClock(T0))
    await store.open()
    one = Site(store, CALLERS)
    one.incident = (await store.accept(notification())).incident_id
    claim = await store.claim_analysis(T0, 60.0)
    assert claim is not None
    await store.finish_analysis(claim, analysis(), T0, (), T0)
    try:
        async with one.browser:
            yield one
    finally:
        await store.close()


async def test_a_cause_is_confirmed_and_taken_back(site: Site) -> None:
    token = await site.token()
    answer = await site.send({"token": token, "say": "confirmed", "entity": CAUSE, "fix": "restarted"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"../{site.incident}")
    assert await site.said() == [(CAUSE, FeedbackKind.CONFIRMED, NAMED.name)]
    page = (await site.browser.get(f"/incidents/{site.incident}")).text
    assert "mended by: restarted" in page
    assert f'href="{site.incident}/feedback"' in page

    await site.send({"token": token, "say": "withdraw", "entity": CAUSE})
    assert await site.said() == []
    assert (await site.send({"token": token, "say": "withdraw", "entity": CAUSE})).status_code == 303
    actions = [(entry.action, entry.actor) for entry in await site.store.read_audit()]
    assert actions == [("cause confirmed", NAMED.name), ("feedback withdrawn", NAMED.name)]


async def test_the_form_suggests_the_words_that_the_engine_has_for_what_breaks(site: Site) -> None:
    page = (await site.browser.get(site.path)).text
    assert 'name="fault" value="" maxlength="40"' in page
    assert 'list="kinds"' in page
    options = page.partition('<datalist id="kinds">')[2].partition("</datalist>")[0]
    assert re.findall(r'<option value="([a-z_-]+)">', options) == list(KINDS)


async def test_another_entity_can_be_named_and_has_to_be_known_or_said_to_be_unseen(site: Site) -> None:
    fields = {"token": await site.token(), "say": "confirmed", "entity": "", "other": "c//node/n1", "fault": "disk"}
    refused = await site.send(fields | {"other": "c/n/service/aa"})
    assert (refused.status_code, await site.said()) == (400, [])
    assert f"did you mean {CAUSE}?" in refused.text
    assert "“It is unseen” ticked" in refused.text
    assert "--unseen" not in refused.text
    fields["unseen"] = "yes"
    assert (await site.send(fields)).status_code == 303
    assert await site.said() == [("c//node/n1", FeedbackKind.CONFIRMED, NAMED.name)]


async def test_one_that_is_chosen_and_another_that_is_written_are_refused_together(site: Site) -> None:
    fields = {"token": await site.token(), "say": "confirmed", "entity": CAUSE, "other": "c//node/n1", "unseen": "yes"}
    refused = await site.send(fields)
    assert (refused.status_code, await site.said()) == (400, [])
    assert "two entities are named" in refused.text
    neither = await site.send(fields | {"entity": "", "other": " "})
    assert (neither.status_code, await site.said()) == (400, [])
    assert "no entity is named" in neither.text


async def test_one_that_is_chosen_and_also_written_is_one(site: Site) -> None:
    fields = {"token": await site.token(), "say": "confirmed", "entity": CAUSE, "other": f" {CAUSE} "}
    assert (await site.send(fields)).status_code == 303
    assert await site.said() == [(CAUSE, FeedbackKind.CONFIRMED, NAMED.name)]


async def test_a_form_that_says_something_wrong_comes_back_with_what_was_typed(site: Site) -> None:
    wrong = {"other": 'c/n/"><b>/n1', "unseen": "yes", "fault": "latancy", "fix": 'more "memory" <&>'}
    refused = await site.send(wrong | {"token": await site.token(), "say": "confirmed", "entity": CAUSE})
    assert (refused.status_code, await site.said()) == (400, [])
    assert refused.text.index("Not taken: two entities are named") < refused.text.index("<form")
    assert "<b>/n1" not in refused.text
    assert "form-action 'self'" in refused.headers["content-security-policy"]
    assert typed(refused.text) == wrong | {"entity": ""}

    again = typed(refused.text) | {"token": token_in(refused.text), "say": "confirmed"}
    refused = await site.send(again | {"other": "c//node/n1"})
    assert "did you mean" in refused.text
    again = typed(refused.text) | {"token": token_in(refused.text), "say": "confirmed"}
    assert (await site.send(again | {"fault": "latency"})).status_code == 303
    assert await site.said() == [("c//node/n1", FeedbackKind.CONFIRMED, NAMED.name)]


async def test_programs_are_told_what_is_wrong_as_json(site: Site) -> None:
    fields = {"token": await site.token(), "say": "confirmed", "entity": CAUSE, "fix": "x" * 501}
    refused = await site.send(fields, OURS | {"Accept": "application/json"})
    assert refused.status_code == 400
    assert refused.json() == {"error": "The form cannot be taken", "detail": "fix: at most 500 characters."}


async def test_what_is_not_wrong_in_the_form_is_said_on_a_page_of_its_own(site: Site) -> None:
    fields = {"token": await site.token(), "say": "confirmed", "entity": CAUSE, "fix": "typed"}
    for refused in (await site.send(fields, auth=None), await site.send(fields | {"token": "0" * 64})):
        assert "typed" not in refused.text
        assert '<a class="button" href="feedback">Back to the form</a>' in refused.text


def typed(page: str) -> dict[str, str]:
    """What a browser would send of the form as it stands there."""
    form = page.partition('class="feedback">')[2].partition("</form>")[0]
    texts = re.findall(r'<input type="text" name="(\w+)" value="([^"]*)"', form)
    ticked = re.findall(r'<input type="(?:radio|checkbox)" name="(\w+)" value="([^"]*)" checked>', form)
    return {name: unescape(value) for name, value in texts + ticked}


async def test_the_form_suggests_what_the_evidence_knows_but_for_what_it_offers(site: Site) -> None:
    claim = await site.store.claim_analysis(T0 + COOLDOWN, 60.0)
    assert claim is not None
    known = replace(analysis(), alerting=("c/n/service/front", CAUSE), entities=("c//node/n1", "c/n/service/front"))
    await site.store.finish_analysis(claim, known, T0 + COOLDOWN, (), None)
    page = (await site.browser.get(site.path)).text
    options = page.partition('<datalist id="suggested">')[2].partition("</datalist>")[0]
    assert re.findall(r'<option value="([^"]+)">', options) == ["c/n/service/front", "c//node/n1"]


async def test_what_was_confirmed_before_is_named_below_what_was_confirmed_last(site: Site) -> None:
    fields = {"token": await site.token(), "say": "confirmed"}
    await site.send(fields | {"entity": CAUSE})
    site.clock.advance(1)
    await site.send(fields | {"other": "c//node/n1", "unseen": "yes"})
    page = (await site.browser.get(f"/incidents/{site.incident}")).text
    assert 'Confirmed: <strong title="c//node/n1">n1</strong>' in page
    assert f'Confirmed before it, and not taken back: <strong title="{CAUSE}">a</strong>.' in page


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://brain"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://brain.evil.example"},
        {"Origin": "http://[brain"},
        {},
    ],
)
async def test_a_form_from_elsewhere_is_refused(site: Site, headers: dict[str, str]) -> None:
    answer = await site.send({"token": await site.token(), "say": "confirmed", "entity": CAUSE}, headers)
    assert answer.status_code == 403
    assert await site.said() == []


@pytest.mark.parametrize("headers", [{"Origin": "http://brain"}, {"Origin": "https://rca.example.org"}])
async def test_a_browser_that_only_names_the_origin_is_believed(site: Site, headers: dict[str, str]) -> None:
    answer = await site.send({"token": await site.token(), "say": "confirmed", "entity": CAUSE}, headers)
    assert answer.status_code == 303


async def test_a_form_without_the_browsers_own_token_is_refused(site: Site) -> None:
    token = await site.token()
    good = {"say": "confirmed", "entity": CAUSE}
    for wrong in ("", "0" * 64, "é", token[:-1]):
        assert (await site.send(good | {"token": wrong})).status_code == 403
    site.browser.cookies.clear()
    assert (await site.send(good | {"token": token})).status_code == 403
    assert (await site.send(good | {"token": token}, OURS | {"Cookie": f"{COOKIE}=x"})).status_code == 403
    await site.token()
    assert (await site.send(good | {"token": token})).status_code == 403
    assert await site.said() == []


async def test_a_token_is_for_one_incident(site: Site) -> None:
    token = await site.token()
    other = await site.store.accept(notification(key="other"))
    site.incident = other.incident_id
    assert (await site.send({"token": token, "say": "confirmed", "entity": CAUSE})).status_code == 403


async def test_the_browser_is_asked_who_it_is(site: Site) -> None:
    fields = {"token": await site.token(), "say": "confirmed", "entity": CAUSE}
    for auth in (None, httpx.BasicAuth(NAMED.username or "", "wrong")):
        answer = await site.send(fields, auth=auth)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Basic ")
    assert await site.said() == []
    assert (await site.send(fields, OURS | {"Authorization": f"Bearer {TOKEN}"}, auth=None)).status_code == 303


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"say": "maybe"}, 400),
        ({"entity": "cart"}, 400),
        ({"entity": ""}, 400),
        ({"fault": "<script>"}, 400),
        ({"fix": "x" * 501}, 400),
        ({"fix": "x" * 20_000}, 413),
        ({str(n): "x" for n in range(20)}, 400),
    ],
)
async def test_what_is_malformed_is_refused(site: Site, change: dict[str, str], status: int) -> None:
    fields = {"token": await site.token(), "say": "confirmed", "entity": CAUSE} | change
    assert (await site.send(fields)).status_code == status
    assert await site.said() == []


async def test_what_is_no_form_is_refused(site: Site) -> None:
    await site.token()
    answer = await site.browser.post(site.path, json={"say": "confirmed"}, headers=OURS, auth=BASIC)
    assert answer.status_code == 415


async def test_the_form_may_be_sent_to_its_own_origin_only_and_framed_by_nobody(site: Site) -> None:
    answer = await site.browser.get(site.path)
    policy = answer.headers["content-security-policy"]
    assert "form-action 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["referrer-policy"] == "same-origin"
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "refresh" not in answer.text.split("<body>")[0]
    plain = await site.browser.get(f"/incidents/{site.incident}")
    assert "form-action 'none'" in plain.headers["content-security-policy"]
    assert "set-cookie" not in plain.headers


@pytest.mark.parametrize("known", [[], [caller for caller in CALLERS if caller.username is None]])
async def test_where_nobody_has_a_name_there_is_no_form_and_the_page_says_why(
    site: Site, known: list[CallerSettings]
) -> None:
    open_site = Site(site.store, known)
    open_site.incident = site.incident
    async with open_site.browser:
        form = await open_site.browser.get(open_site.path)
        page = await open_site.browser.get(f"/incidents/{site.incident}")
        sent = await open_site.send({"say": "confirmed", "entity": CAUSE})
    for text in (form.text, page.text):
        assert "no callers with a user name" in text
        assert "<form" not in text
    assert f"{site.incident}/feedback" not in page.text
    assert sent.status_code == 403
    assert await site.said() == []


async def test_an_unknown_incident_has_no_form(site: Site) -> None:
    for incident in ("0" * 16, "x"):
        site.incident = incident
        assert (await site.browser.get(site.path)).status_code == 404
