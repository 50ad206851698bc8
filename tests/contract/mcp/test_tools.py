"""``brain mcp`` as assistants meet it: a real client over standard input and over HTTP, before a running service."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent, TextResourceContents
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
async def assistant(parts: Running, folder: Path) -> AsyncIterator[ClientSession]:
    """A client of ``brain mcp`` as a program of its own."""
    token = folder / "token"
    token.write_text(TOKEN)
    arguments = ["mcp", "--address", f"127.0.0.1:{parts.grpc_port}", "--token-file", str(token)]
    program = StdioServerParameters(command=BRAIN, args=arguments, env=dict(os.environ))
    async with stdio_client(program) as (reading, writing), ClientSession(reading, writing) as session:
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
        assert said.endswith("Trouble began 2025-11-25T03:12:30Z.")
        resource = (await session.read_resource(f"incident://{known}")).contents[0]
        assert isinstance(resource, TextResourceContents)
        assert json.loads(resource.text) == whole


async def test_what_goes_wrong_is_a_sentence(tmp_path: Path) -> None:
    async with service(tmp_path, rich()) as (parts, known), assistant(parts, tmp_path) as session:
        for arguments, said in (
            ({"incident_id": "0" * 16}, "no incident"),
            ({"incident_id": known, "rank": 9}, "none of rank 9"),
        ):
            result = await session.call_tool("get_evidence", arguments)
            assert result.is_error
            assert isinstance(result.content[0], TextContent)
            assert said in result.content[0].text
        assert (await session.call_tool("get_incident", {"incident_id": "' OR 1=1"})).is_error


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
        assert (one["id"], one["score"], one["why"]) == (past, like.score, like.why)
        assert (one["entity"], one["confirmed"], one["fix"]) == (like.entity, True, "more memory")
        assert answer(await session.call_tool("get_incident", {"incident_id": known}))["similar"] == [one]
        words = answer(await session.call_tool("explain", {"incident_id": known}))["text"]
        assert words.endswith(f"{like.why}; mended by: more memory.")

        [told] = answer(await session.call_tool("get_incident", {"incident_id": past}))["said"]
        assert (told["entity"], told["confirmed"], told["fix"]) == (like.entity, True, "more memory")
        words = answer(await session.call_tool("explain", {"incident_id": past}))["text"]
        assert words.startswith(
            f"Confirmed as the cause by a person: {like.entity}, {like.fault_kind}; mended by: more memory."
        )


async def test_what_goes_wrong_with_arguments_is_one_plain_line(tmp_path: Path) -> None:
    async with service(tmp_path, rich()) as (parts, known), assistant(parts, tmp_path) as session:
        for tool, arguments, said in (
            ("list_incidents", {"status": "foo"}, "list_incidents: there is no argument 'status'"),
            ("list_incidents", {"limit": 99}, "list_incidents: limit: Input should be less than or equal to 50"),
            ("search_similar", {}, "search_similar: incident_id: Field required"),
            ("get_evidence", {"incident_id": known, "\u202ex\n": 1}, "get_evidence: there is no argument 'x'"),
        ):
            result = await session.call_tool(tool, arguments)
            assert result.is_error
            assert isinstance(result.content[0], TextContent)
            assert result.content[0].text == said


async def test_a_service_that_refuses_the_credential_is_named(tmp_path: Path) -> None:
    async with service(tmp_path) as (parts, _), assistant(parts, tmp_path) as session:
        (tmp_path / "token").write_text("another-token")  # read for each question
        result = await session.call_tool("list_incidents", {})
        assert result.is_error
        assert isinstance(result.content[0], TextContent)
        assert "UNAUTHENTICATED" in result.content[0].text


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
        assert said == "Judgement failed, it is tried again: Prometheus cannot be reached"


async def test_hostile_text_is_one_line_and_capped(tmp_path: Path) -> None:
    hostile = samples.worst().analysis
    assert hostile is not None
    async with service(tmp_path, hostile) as (parts, known), assistant(parts, tmp_path) as session:
        whole = answer(await session.call_tool("get_incident", {"incident_id": known}))
        evidence = answer(await session.call_tool("get_evidence", {"incident_id": known}))
        assert len(whole["causes"]) == len(evidence["findings"]) == MOST
        for text in texts([whole, evidence]):
            assert text.isprintable()
            assert len(text) <= 1500


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
