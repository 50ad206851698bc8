"""``brain incident``: a client of a running service; its incidents, and what people say about their causes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from brain_api.rca.v1 import rca_pb2 as pb
    from brain_common.clients.rca import RcaClient
    from brain_rca.model import Incident

app = typer.Typer(no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="The incident: 16 hex digits, as in the address of its page.")]
Cause = Annotated[str, typer.Option("--cause", help="The entity: cluster/namespace/kind/name.")]
FaultKind = Annotated[str, typer.Option("--fault-kind", help="What broke in it; that of the ranking when left out.")]
Unseen = Annotated[
    bool, typer.Option("--unseen", help="The entity is right although the incident's evidence does not know it.")
]
_SECONDS = 15.0  # that a call may take; nobody waits longer for an answer in a terminal
_WRITTEN = {1: "open", 2: "resolved"}


@app.callback()
def _options(
    context: typer.Context,
    server: Annotated[str, typer.Option(envvar="BRAIN_RCA_SERVER", help="HOST:PORT of gRPC.")] = "localhost:50051",
    tls: Annotated[
        bool, typer.Option("--tls", envvar="BRAIN_RCA_TLS", help="Use TLS, with the authorities of the system.")
    ] = False,
    ca_file: Annotated[
        Path | None, typer.Option(envvar="BRAIN_RCA_CA_FILE", help="Use TLS, with the authorities in this PEM file.")
    ] = None,
    cert_file: Annotated[Path | None, typer.Option(help="PEM certificate of the client, for mTLS.")] = None,
    key_file: Annotated[Path | None, typer.Option(help="PEM key of the client, for mTLS.")] = None,
    token_file: Annotated[
        Path | None, typer.Option(envvar="BRAIN_RCA_TOKEN_FILE", help="File with the bearer token.")
    ] = None,
    username: Annotated[str | None, typer.Option(help="User name, for basic auth.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="File with the password, for basic auth.")] = None,
) -> None:
    """Incidents of a running service, and what people say about their causes."""
    from brain_cli.rca_server import check_options
    from brain_common.clients.rca import RcaClient, RcaServer

    secure = tls or ca_file is not None or cert_file is not None
    files = (ca_file, cert_file, key_file, token_file)
    given = RcaServer(server, secure, *files, username, password_file, seconds=_SECONDS)
    check_options(given, "--server")
    context.obj = RcaClient(given)


@app.command("list")
def list_incidents(
    context: typer.Context,
    only_open: Annotated[bool, typer.Option("--open", help="Leave out resolved ones.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many at most.")] = 20,
) -> None:
    """List incidents, newest first."""
    found = asyncio.run(_client(context).incidents(limit, only_open=only_open))
    from brain_rca.grpc_api.received import received
    from brain_rca.unjudged import unjudged

    for incident in found:
        told = received(incident)
        _say(f"{incident.id}  {_time(incident.opened_at)}  {_WRITTEN.get(incident.status, '?'):8}  {incident.title}")
        for line in filter(None, (_headline(told), unjudged(told))):
            _say(f"{'':18}{line}")


@app.command()
def show(context: typer.Context, incident: Id) -> None:
    """Show an incident: its causes with their evidence, what was said about them, and incidents like it."""
    answer = asyncio.run(_client(context).incident(incident))
    from brain_cli.show import print_incident
    from brain_rca.grpc_api.received import received

    print_incident(received(answer))
    if answer.analysis.causes:
        _say(
            f"Which was it? brain incident confirm {answer.id} --cause ENTITY, where ENTITY is one of these or another:"
        )
    for cause in answer.analysis.causes:
        _say(f"  {cause.entity}")


@app.command()
def confirm(
    context: typer.Context,
    incident: Id,
    cause: Cause,
    fault_kind: FaultKind = "",
    fix: Annotated[str, typer.Option(help="What mended it, in a sentence; shown when an incident looks alike.")] = "",
    unseen: Unseen = False,
) -> None:
    """Say that an entity was the cause; it counts when later incidents are judged."""
    from brain_api.rca.v1 import rca_pb2 as pb

    said = pb.FeedbackRequest(id=incident, entity=cause, fault_kind=fault_kind, fix=fix, unseen=unseen)
    _print_said(asyncio.run(_client(context).confirm(said)))


@app.command()
def reject(
    context: typer.Context, incident: Id, cause: Cause, fault_kind: FaultKind = "", unseen: Unseen = False
) -> None:
    """Say that an entity was not the cause; it counts when later incidents are judged."""
    from brain_api.rca.v1 import rca_pb2 as pb

    said = pb.FeedbackRequest(id=incident, entity=cause, fault_kind=fault_kind, unseen=unseen)
    _print_said(asyncio.run(_client(context).reject(said)))


@app.command()
def unconfirm(context: typer.Context, incident: Id, cause: Cause) -> None:
    """Take back what was said about an entity, confirmed or rejected, as if it had never been said."""
    from brain_api.rca.v1 import rca_pb2 as pb

    said = pb.WithdrawFeedbackRequest(id=incident, entity=cause)
    _print_said(asyncio.run(_client(context).withdraw(said)))


def _client(context: typer.Context) -> RcaClient:
    client: RcaClient = context.obj
    return client


def _headline(incident: Incident) -> str:
    """What is the cause, as far as anybody or anything has judged."""
    from brain_rca.page.units import percent

    if incident.confirmed is not None:
        fault = f" ({incident.confirmed.fault_kind})" if incident.confirmed.fault_kind else ""
        return f"confirmed: {incident.confirmed.entity}{fault}"
    if incident.analysis is None:
        return ""
    first = next(iter(incident.analysis.causes), None)
    if first is None:
        return "no cause"
    rejected = ", rejected" if first.entity in incident.rejected else ""
    return f"{first.entity} ({first.fault_kind}, {percent(first.probability)}{rejected})"


def _print_said(answer: pb.Incident) -> None:
    from brain_cli.show import print_said
    from brain_rca.grpc_api.received import received

    print_said(received(answer))


def _say(line: str) -> None:
    from brain_cli.show import plain

    typer.echo(plain(line))


def _time(stamp: object) -> str:
    return f"{datetime.fromtimestamp(stamp.seconds, UTC):%Y-%m-%d %H:%M}"  # type: ignore[attr-defined]
