"""Feedback over gRPC and by the command line: who may give it, what it changes, and how it is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from typer.testing import CliRunner, Result

from brain_api.rca.v1 import rca_pb2 as pb
from brain_cli.main import app
from brain_common.errors import BrainError, ConfigError, InputError, PermanentError, TemporaryError
from brain_common.serving.config import CallerSettings
from tests.contract.grpc.conftest import Api, group, refused, serving_api
from tests.contract.store.samples import notification
from tests.fakes.credentials import PASSWORD, TOKEN, callers

pytestmark = pytest.mark.anyio
CAUSE = "c/n/service/a"
BEARER = (("authorization", f"Bearer {TOKEN}"),)


@pytest.fixture
async def named(tmp_path: Path) -> AsyncIterator[Api]:
    async with serving_api(tmp_path, [CallerSettings.model_validate(each) for each in callers()]) as one:
        yield one


async def incident_of(api: Api) -> str:
    asked = api.stub.Analyze(group(), metadata=BEARER, timeout=10)
    answer, _ = await asyncio.gather(asked, api.judge())
    return str(answer.id)


async def test_confirming_and_taking_back(named: Api) -> None:
    incident_id = await incident_of(named)
    request = pb.FeedbackRequest(id=incident_id, entity=CAUSE, fix="rolled  back, password=hunter22 was wrong")
    said = await named.stub.ConfirmCause(request, metadata=BEARER)

    [feedback] = said.feedback
    assert (feedback.kind, feedback.entity, feedback.fault_kind) == (pb.FEEDBACK_KIND_CONFIRMED, CAUSE, "latency")
    assert feedback.fix.startswith("rolled back, password=***")
    assert feedback.actor == callers()[0]["name"]

    asked = pb.WithdrawFeedbackRequest(id=incident_id, entity=CAUSE)
    assert not (await named.stub.WithdrawFeedback(asked, metadata=BEARER)).feedback
    answer = await refused(named.stub.WithdrawFeedback(asked, metadata=BEARER))
    assert (answer.code, answer.reason) == (grpc.StatusCode.NOT_FOUND, "FEEDBACK_NOT_FOUND")

    entries = [entry for entry in await named.store.read_audit() if entry.action != "analysed"]
    assert [(entry.action, entry.actor) for entry in entries] == [
        ("cause confirmed", feedback.actor),
        ("feedback withdrawn", feedback.actor),
    ]
    assert entries[0].detail["entity"] == CAUSE
    assert "hunter22" not in str(entries)


async def test_rejecting(named: Api) -> None:
    incident_id = await incident_of(named)
    said = await named.stub.RejectCause(pb.FeedbackRequest(id=incident_id, entity=CAUSE), metadata=BEARER)
    assert [one.kind for one in said.feedback] == [pb.FEEDBACK_KIND_REJECTED]


async def test_who_has_no_credentials_has_no_say(named: Api) -> None:
    incident_id = await incident_of(named)
    answer = await refused(named.stub.ConfirmCause(pb.FeedbackRequest(id=incident_id, entity=CAUSE)))
    assert answer.code is grpc.StatusCode.UNAUTHENTICATED
    assert not (await named.stub.GetIncident(pb.GetIncidentRequest(id=incident_id), metadata=BEARER)).feedback


async def test_a_service_that_knows_nobody_takes_no_feedback(api: Api) -> None:
    incident = await api.analysed(group())
    for call in (
        api.stub.ConfirmCause(pb.FeedbackRequest(id=incident.id, entity=CAUSE)),
        api.stub.RejectCause(pb.FeedbackRequest(id=incident.id, entity=CAUSE)),
        api.stub.WithdrawFeedback(pb.WithdrawFeedbackRequest(id=incident.id, entity=CAUSE)),
    ):
        answer = await refused(call)
        assert (answer.code, answer.reason) == (grpc.StatusCode.PERMISSION_DENIED, "CREDENTIALS_REQUIRED")


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        ({"id": "x"}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_ID"),
        ({"id": "0" * 16}, grpc.StatusCode.NOT_FOUND, "INCIDENT_NOT_FOUND"),
        ({"entity": "cart"}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        ({"entity": "c/n/service/"}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        ({"entity": "c/n/service/a\x00"}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        ({"entity": "c/n/service/" + "a" * 600}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        ({"fault_kind": "latancy"}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        ({"fault_kind": "<b>"}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
        ({"fix": "x" * 501}, grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST"),
    ],
)
async def test_what_is_malformed_is_refused(
    named: Api, change: dict[str, str], code: grpc.StatusCode, reason: str
) -> None:
    request = {"id": await incident_of(named), "entity": CAUSE} | change
    answer = await refused(named.stub.ConfirmCause(pb.FeedbackRequest(**request), metadata=BEARER))
    assert (answer.code, answer.reason) == (code, reason)


async def test_an_entity_that_the_evidence_does_not_know_is_refused_unless_it_is_said_to_be_unseen(named: Api) -> None:
    request = {"id": await incident_of(named), "entity": "c/n/service/aa"}
    for call in (named.stub.ConfirmCause, named.stub.RejectCause):
        answer = await refused(call(pb.FeedbackRequest(**request), metadata=BEARER))
        assert (answer.code, answer.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "UNKNOWN_ENTITY")
        assert f"did you mean {CAUSE}?" in answer.message
    assert not (await named.stub.GetIncident(pb.GetIncidentRequest(id=request["id"]), metadata=BEARER)).feedback
    said = await named.stub.ConfirmCause(pb.FeedbackRequest(**request, unseen=True), metadata=BEARER)
    assert [one.entity for one in said.feedback] == ["c/n/service/aa"]


async def test_before_the_judgement_nothing_is_known(named: Api) -> None:
    request = pb.FeedbackRequest(id=(await named.store.accept(notification())).incident_id, entity=CAUSE)
    answer = await refused(named.stub.ConfirmCause(request, metadata=BEARER))
    assert (answer.reason, "is not judged yet" in answer.message) == ("UNKNOWN_ENTITY", True)


async def test_a_name_without_its_place_is_refused_with_the_whole_of_it(named: Api) -> None:
    request = pb.FeedbackRequest(id=await incident_of(named), entity="a")
    answer = await refused(named.stub.ConfirmCause(request, metadata=BEARER))
    assert f"expected cluster/namespace/kind/name (did you mean {CAUSE}?)" in answer.message


# The command line


async def run(api: Api, *arguments: str) -> Result:
    command = ["incident", "--server", f"127.0.0.1:{api.port}", *arguments]
    return await asyncio.to_thread(CliRunner().invoke, app, command)


async def test_the_command_line_lists_confirms_shows_and_takes_back(named: Api, tmp_path: Path) -> None:
    incident_id = await incident_of(named)
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    by_token = ("--token-file", str(token))

    listed = await run(named, *by_token, "list", "--open")
    assert f"{incident_id}  " in listed.output
    confirmed = await run(named, *by_token, "confirm", incident_id, "--cause", CAUSE, "--fix", "restarted")
    assert confirmed.exit_code == 0
    shown = await run(named, *by_token, "show", incident_id)
    assert shown.output.splitlines()[1].startswith("confirmed: service n/a, latency (by ")
    assert f"(by {callers()[0]['name']}, " in shown.output
    assert f"--cause ENTITY, where ENTITY is one of these or another:\n  {CAUSE}\n" in shown.output
    assert 'mended by: "restarted"' in shown.output
    rejected = await run(named, *by_token, "reject", incident_id, "--cause", CAUSE)
    assert "rejected: service n/a" in rejected.output
    assert ", rejected)" in (await run(named, *by_token, "list")).output
    other = ("--cause", "c/n/database/aa")
    assert (await run(named, *by_token, "confirm", incident_id, *other)).exit_code == 1
    assert (
        "confirmed: database n/aa" in (await run(named, *by_token, "confirm", incident_id, *other, "--unseen")).output
    )
    await run(named, *by_token, "unconfirm", incident_id, *other)
    undone = await run(named, *by_token, "unconfirm", incident_id, "--cause", CAUSE)
    assert (undone.exit_code, "rejected" in undone.output) == (0, False)


async def test_the_command_line_lists_what_is_not_judged_as_such_and_not_as_without_a_cause(api: Api) -> None:
    incident_id = (await api.store.accept(notification())).incident_id
    assert "not judged yet" in (await run(api, "list")).output
    claim = await api.store.claim_analysis(api.clock.now() + 3600.0, 60.0)
    assert claim is not None
    await api.store.fail_analysis(claim, "Prometheus:\nrefused", api.clock.now())
    for command in (("list",), ("show", incident_id)):
        output = (await run(api, *command)).output
        assert "judgement failed, it is tried again: Prometheus: refused" in output
        assert "no cause" not in output.lower()


async def test_the_command_line_knows_basic_auth(named: Api, tmp_path: Path) -> None:
    incident_id = await incident_of(named)
    known = next(each for each in callers() if "username" in each)
    secret = tmp_path / "password"
    secret.write_text(PASSWORD)
    given = ("--username", known["username"], "--password-file", str(secret))
    assert (await run(named, *given, "show", incident_id)).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        (("show", "0" * 16), PermanentError, "credentials"),
        (("--username", "u", "list"), ConfigError, "--password-file"),
        (("--token-file", "/nowhere", "list"), ConfigError, "cannot be read"),
        (("--server", "127.0.0.1:1", "list"), TemporaryError, "127.0.0.1:1"),
        (("--cert-file", "x", "list"), ConfigError, "--key-file"),
    ],
)
async def test_the_command_line_says_what_is_wrong(
    named: Api, arguments: tuple[str, ...], kind: type[BrainError], words: str
) -> None:
    result = await run(named, *arguments)
    assert isinstance(result.exception, kind)
    assert words in str(result.exception)


async def test_credentials_never_travel_in_plain_text(named: Api, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    result = await run(named, "--server", "rca.example.org:50051", "--token-file", str(token), "list")
    assert isinstance(result.exception, ConfigError)
    assert "plain text" in str(result.exception)


async def test_an_unknown_incident_is_the_callers_mistake(named: Api, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    result = await run(named, "--token-file", str(token), "show", "0" * 16)
    assert isinstance(result.exception, InputError)
