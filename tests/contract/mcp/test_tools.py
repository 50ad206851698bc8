"""``brain mcp`` as assistants meet it: a real client over standard input and over HTTP, before a running service."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TextIO

import httpx
import httpx2
import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp_types import INTERNAL_ERROR, INVALID_PARAMS, CallToolResult, TextContent, TextResourceContents
from msgspec.structs import replace
from pydantic import SecretStr

from brain_common.clients.rca import RcaClient, RcaServer
from brain_common.clock import ManualClock
from brain_common.serving.auth import Authenticator
from brain_common.serving.config import CallerSettings
from brain_common.settings import check_settings
from brain_rca.config import RcaSettings
from brain_rca.mcp.http import PATH, serving_tools
from brain_rca.mcp.server import UNTRUSTED, build
from brain_rca.mcp.shapes import MOST
from brain_rca.model import Analysis, Feedback, FeedbackKind
from brain_rca.service import Running, running
from tests.contract.cli.shop import FakePrometheus, group
from tests.contract.store.samples import T0, analysis, notification
from tests.unit.page import samples

pytestmark = pytest.mark.anyio

GOLDEN = Path(__file__).parent / "tools.json"
TOKEN = "an-assistants-token"
BRAIN = str(Path(sys.executable).with_name("brain"))


@asynccontextmanager
async def service(folder: Path, judgement: Analysis | None = None) -> AsyncIterator[tuple[Running, str]]:
    """A service that asks for a credential and holds one incident, judged as ``judgement`` says."""
    with FakePrometheus() as prometheus:
        data: dict[str, Any] = {
            "http": {"port": 0},
            "grpc": {"port": 0},
            "store": {"sqlite": str(folder / "incidents.sqlite")},
            "evidence": {"prometheus": {"url": prometheus.url}},
            "audit": {"anchor_file": str(folder / "anchors")},
            "callers": [{"name": "main", "bearer_token": TOKEN}],
        }
        clock = ManualClock(samples.NOW)
        async with running(check_settings(data, RcaSettings, "test"), clock) as parts:
            async with httpx.AsyncClient(base_url=parts.url, trust_env=False) as alertmanager:
                body = group(folder, severity="warning").read_bytes()
                shown = {"Authorization": f"Bearer {TOKEN}"}
                answer = await alertmanager.post("/api/v1/alertmanager", content=body, headers=shown)
            known = str(answer.json()["incident"])
            if judgement is not None:
                await judge(parts, clock, judgement)
            yield parts, known


async def judge(parts: Running, clock: ManualClock, judgement: Analysis) -> None:
    clock.advance(120.0)
    await finish(parts, clock.now(), judgement)


@asynccontextmanager
async def assistant(parts: Running, folder: Path, errors: TextIO = sys.stderr) -> AsyncIterator[ClientSession]:
    """A client of ``brain mcp`` as a program of its own, whose standard error is ``errors``."""
    token = folder / "token"
    token.write_text(TOKEN)
    arguments = ["mcp", "--address", f"127.0.0.1:{parts.grpc_port}", "--token-file", str(token)]
    program = StdioServerParameters(command=BRAIN, args=arguments, env=dict(os.environ))
    async with stdio_client(program, errlog=errors) as (reading, writing), ClientSession(reading, writing) as session:
        await session.initialize()
        yield session


def answer(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return result.structured_content


def rich() -> Analysis:
    found = samples.rich().analysis
    assert found is not None
    return found


async def test_an_assistant_reads_incidents_causes_and_evidence(tmp_path: Path) -> None:
    async with service(tmp_path, rich()) as (parts, known), assistant(parts, tmp_path) as session:
        [listed] = answer(await session.call_tool("list_incidents", {}))["incidents"]
        assert (listed["id"], listed["first_cause"], listed["fault_kind"]) == (
            known,
            "prod-eu/shop/database/payments-db",
            "saturation",
        )
        whole = answer(await session.call_tool("get_incident", {"incident_id": known}))
        assert [cause["rank"] for cause in whole["causes"]] == [1, 2, 3]
        assert whole["missing"]
        evidence = answer(await session.call_tool("get_evidence", {"incident_id": known, "rank": 1}))
        assert evidence["weight"] == pytest.approx(sum(step["nats"] for step in evidence["weighed"]))
        assert "7.2 nats × 1/2 as its second finding" in [step["how"] for step in evidence["weighed"]]
        assert evidence["findings"][0]["query"].startswith("sum by")
        assert evidence["findings"][0]["until"] == ""
        over = answer(await session.call_tool("get_evidence", {"incident_id": known, "rank": 3}))["findings"][0]
        assert (over["onset"], over["until"]) == ("2025-11-25T03:12:30Z", "2025-11-25T03:16:15Z")
        said = answer(await session.call_tool("explain", {"incident_id": known}))["text"]
        assert "82\N{NO-BREAK SPACE}%, began 2025-11-25T03:12:15Z: Its connection pool was exhausted" in said
        assert "\nTrouble began 2025-11-25T03:12:30Z.\n" in said
        first, *_, last = said.splitlines()
        assert first == f"{listed['title']} (warning, open, opened {listed['opened_at']})"
        missing = "Traces: Tempo did not answer within 5 s; Logs of namespace shop: no access"
        assert last == f"Evidence that is missing: {missing}."
        resource = (await session.read_resource(f"incident://{known}")).contents[0]
        assert isinstance(resource, TextResourceContents)
        assert json.loads(resource.text) == whole


async def test_what_people_said_of_causes_is_told_with_the_incident(tmp_path: Path) -> None:
    judged, other, last = "prod-eu/shop/database/payments-db", "prod-eu/shop/service/payments", "prod-eu//node/n1"
    async with service(tmp_path, rich()) as (parts, known), assistant(parts, tmp_path) as session:
        assert await told(session) == (judged, False, "")
        await say(parts, known, judged, FeedbackKind.REJECTED, 1)
        assert await told(session) == (judged, True, "")
        await say(parts, known, last, FeedbackKind.CONFIRMED, 3)
        await say(parts, known, other, FeedbackKind.CONFIRMED, 2)
        assert await told(session) == (judged, True, last)
        await say(parts, known, judged, FeedbackKind.CONFIRMED, 4)
        assert await told(session) == (judged, False, judged)


async def told(session: ClientSession) -> tuple[str, bool, str]:
    [one] = answer(await session.call_tool("list_incidents", {}))["incidents"]
    return one["first_cause"], one["first_cause_rejected"], one["confirmed"]


async def say(parts: Running, incident: str, entity: str, kind: FeedbackKind, at: float) -> None:
    assert await parts.store.give_feedback(incident, Feedback(entity=entity, kind=kind, actor="ann", at=at))


async def test_what_goes_wrong_is_a_sentence_behind_the_name_of_the_tool(tmp_path: Path) -> None:
    async with service(tmp_path, rich()) as (parts, known), assistant(parts, tmp_path) as session:
        for tool, arguments, said in (
            ("get_evidence", {"incident_id": "0" * 16}, f"get_evidence: no incident {'0' * 16}"),
            (
                "get_evidence",
                {"incident_id": known, "rank": 9},
                "get_evidence: the incident has 3 causes, there is none of rank 9",
            ),
            (
                "get_incident",
                {"incident_id": "' OR 1=1"},
                "get_incident: incident_id: String should match pattern '^[0-9a-f]{16}$'",
            ),
            ("drop\n\u202eall", {}, "drop all: there is no such tool"),
            ("x" * 1000, {}, f"{'x' * 59}…: there is no such tool"),
        ):
            assert refusal(await session.call_tool(tool, arguments)) == said


async def test_a_resource_that_is_not_there_says_so_without_a_traceback(tmp_path: Path) -> None:
    with (tmp_path / "errors").open("w") as errors:
        async with service(tmp_path) as (parts, known), assistant(parts, tmp_path, errors) as session:
            for asked, said in (
                ("f" * 16, f"no incident {'f' * 16}"),
                ("nope", "no incident 'nope': an id has 16 hex digits"),
                ("%0Ax%E2%80%AE", "no incident 'x': an id has 16 hex digits"),
            ):
                with pytest.raises(MCPError) as refused:
                    await session.read_resource(f"incident://{asked}")
                assert (refused.value.code, refused.value.message) == (INVALID_PARAMS, said)
            (tmp_path / "token").write_text("another-token")  # read for each question
            with pytest.raises(MCPError, match=r"^the service cannot be asked now: .*UNAUTHENTICATED") as away:
                await session.read_resource(f"incident://{known}")
            assert away.value.code == INTERNAL_ERROR
    assert (tmp_path / "errors").read_text() == ""


def refusal(result: CallToolResult) -> str:
    assert result.is_error
    [said] = result.content
    assert isinstance(said, TextContent)
    return said.text


async def finish(parts: Running, at: float, judgement: Analysis) -> None:
    claim = await parts.store.claim_analysis(at, 60.0)
    assert claim is not None
    assert await parts.store.finish_analysis(claim, judgement, at, (), None)


async def test_similar_incidents_are_those_of_the_judgement_with_what_mended_them(tmp_path: Path) -> None:
    async with service(tmp_path) as (parts, known), assistant(parts, tmp_path) as session:
        later = samples.NOW + 600 - T0
        past = (await parts.store.accept(notification(key="past", due=later))).incident_id
        [like, _] = samples.similar()
        found = replace(rich(), similar=(replace(like, incident_id=past, confirmed=False, fix=""),))
        await finish(parts, samples.NOW + 60, found)
        await finish(parts, samples.NOW + 700, analysis(entity=like.entity, fault=like.fault_kind))
        said = Feedback(
            entity=like.entity,
            kind=FeedbackKind.CONFIRMED,
            fault_kind=like.fault_kind,
            fix="more memory",
            actor="ann",
            at=1,
        )
        assert await parts.store.give_feedback(past, said)

        [one] = answer(await session.call_tool("search_similar", {"incident_id": known}))["similar"]
        assert (one["id"], one["score"]) == (past, 0.6)
        assert one["why"].startswith(f"the same cause, the same fault ({like.fault_kind}), 0 of ")
        assert (one["entity"], one["confirmed"], one["fix"]) == (like.entity, True, "more memory")
        assert answer(await session.call_tool("get_incident", {"incident_id": known}))["similar"] == [one]
        words = answer(await session.call_tool("explain", {"incident_id": known}))["text"]
        assert f"{one['why']}; mended by: more memory.\n" in words

        [told] = answer(await session.call_tool("get_incident", {"incident_id": past}))["said"]
        assert (told["entity"], told["confirmed"], told["fix"]) == (like.entity, True, "more memory")
        words = answer(await session.call_tool("explain", {"incident_id": past}))["text"]
        assert words.splitlines()[1] == (
            f"Confirmed as the cause by a person: {like.entity}, {like.fault_kind}; mended by: more memory."
        )


async def test_what_goes_wrong_with_arguments_is_one_plain_line(tmp_path: Path) -> None:
    async with service(tmp_path, rich()) as (parts, known), assistant(parts, tmp_path) as session:
        for tool, arguments, said in (
            ("list_incidents", {"status": "foo"}, "list_incidents: there is no argument 'status'"),
            ("list_incidents", {"limit": 99}, "list_incidents: limit: Input should be less than or equal to 50"),
            ("search_similar", {}, "search_similar: incident_id: Field required"),
            ("get_evidence", {"incident_id": known, "\u202ex\n": 1}, "get_evidence: there is no argument 'x'"),
            ("list_incidents", {"limit": True}, "list_incidents: limit: Input should be a valid integer"),
            ("list_incidents", {"limit": "1"}, "list_incidents: limit: Input should be a valid integer"),
            ("list_incidents", {"limit": 1.5}, "list_incidents: limit: Input should be a valid integer"),
            ("list_incidents", {"only_open": "yes"}, "list_incidents: only_open: Input should be a valid boolean"),
            ("list_incidents", {"only_open": 1}, "list_incidents: only_open: Input should be a valid boolean"),
            (
                "get_evidence",
                {"incident_id": known, "rank": "2"},
                "get_evidence: rank: Input should be a valid integer",
            ),
            ("explain", {"incident_id": 1}, "explain: incident_id: Input should be a valid string"),
        ):
            assert refusal(await session.call_tool(tool, arguments)) == said
        assert answer(await session.call_tool("list_incidents", {"limit": 1.0, "only_open": True}))["incidents"]


async def test_a_service_that_refuses_the_credential_is_named(tmp_path: Path) -> None:
    async with service(tmp_path) as (parts, _), assistant(parts, tmp_path) as session:
        (tmp_path / "token").write_text("another-token")  # read for each question
        said = refusal(await session.call_tool("list_incidents", {}))
        assert said.startswith("list_incidents: the service cannot be asked now: ")
        assert "UNAUTHENTICATED" in said


async def test_an_incident_without_a_judgement_says_so(tmp_path: Path) -> None:
    async with service(tmp_path) as (parts, known), assistant(parts, tmp_path) as session:
        whole = answer(await session.call_tool("get_incident", {"incident_id": known}))
        assert (whole["judged"], whole["brief"]["analysis_state"]) == (False, "pending")
        assert "Not judged yet" in answer(await session.call_tool("explain", {"incident_id": known}))["text"]


async def test_a_judgement_that_failed_says_so_and_why(tmp_path: Path) -> None:
    async with service(tmp_path) as (parts, known), assistant(parts, tmp_path) as session:
        claim = await parts.store.claim_analysis(samples.NOW + 120.0, 60.0)
        assert claim is not None
        await parts.store.fail_analysis(claim, "Prometheus cannot be reached", samples.NOW + 3600.0)
        [listed] = answer(await session.call_tool("list_incidents", {}))["incidents"]
        assert (listed["analysis_state"], listed["analysis_error"]) == ("failed", "Prometheus cannot be reached")
        said = answer(await session.call_tool("explain", {"incident_id": known}))["text"]
        title = f"{listed['title']} (warning, open, opened {listed['opened_at']})"
        assert said == f"{title}\nJudgement failed, it is tried again: Prometheus cannot be reached"


async def test_hostile_text_is_one_line_and_capped(tmp_path: Path) -> None:
    hostile = samples.worst().analysis
    assert hostile is not None
    async with service(tmp_path, hostile) as (parts, known), assistant(parts, tmp_path) as session:
        whole = answer(await session.call_tool("get_incident", {"incident_id": known}))
        evidence = answer(await session.call_tool("get_evidence", {"incident_id": known}))
        lines = answer(await session.call_tool("explain", {"incident_id": known}))["text"].splitlines()
        assert lines[-1].count("; ") == MOST
        assert lines[-1].endswith(f"; and {len(hostile.missing) - MOST} more.")
        assert len(whole["causes"]) == len(evidence["findings"]) == MOST
        for text in texts([whole, evidence]):
            assert text.isprintable()
            assert len(text) <= 1500
        assert "".join(lines).replace("\N{NO-BREAK SPACE}", " ").isprintable()


def texts(value: object) -> list[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for one in value for text in texts(one)]
    return [value] if isinstance(value, str) else []


async def test_the_tools_are_these_read_only_and_warn_of_what_they_quote() -> None:
    """``UPDATE_GOLDEN=1 pytest tests/contract/mcp`` writes the list anew."""
    tools = await build(RcaClient(RcaServer("127.0.0.1:1"))).list_tools()
    for tool in tools:
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint
        assert UNTRUSTED in (tool.description or "")
    shown = [
        {"name": tool.name, "input": tool.input_schema, "output": tool.output_schema}
        for tool in sorted(tools, key=lambda tool: tool.name)
    ]
    text = json.dumps(shown, indent=1, sort_keys=True) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


@asynccontextmanager
async def over_http(parts: Running, folder: Path) -> AsyncIterator[str]:
    (folder / "token").write_text(TOKEN)
    caller = CallerSettings(name="assistant", bearer_token=SecretStr("of-the-assistant"))
    server = build(RcaClient(RcaServer(f"127.0.0.1:{parts.grpc_port}", token_file=folder / "token")))
    async with serving_tools(server, Authenticator((caller,)), 0) as port:
        yield f"http://127.0.0.1:{port}{PATH}"


async def test_over_http_with_a_bearer(tmp_path: Path) -> None:
    async with service(tmp_path, rich()) as (parts, known), over_http(parts, tmp_path) as url:
        headers = {"Authorization": "Bearer of-the-assistant"}
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False) as client,
            streamable_http_client(url, http_client=client) as (reading, writing),
            ClientSession(reading, writing) as session,
        ):
            await session.initialize()
            assert answer(await session.call_tool("list_incidents", {}))["incidents"][0]["id"] == known


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer another-one"}, 401),
        ({"Authorization": "Bearer of-the-assistant", "Host": "evil.example.org"}, 421),
        ({"Authorization": "Bearer of-the-assistant", "Origin": "https://evil.example.org"}, 403),
    ],
)
async def test_nobody_else_is_let_through(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    async with service(tmp_path) as (parts, _), over_http(parts, tmp_path) as url:
        wanted = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        async with httpx.AsyncClient(trust_env=False, headers=wanted) as client:
            question = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
            assert (await client.post(url, json=question, headers=headers)).status_code == status
