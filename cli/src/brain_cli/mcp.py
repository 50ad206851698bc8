"""``brain mcp``: the incidents of a running service for assistants, read only."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer


def mcp(
    address: Annotated[str, typer.Option(help="gRPC of the RCA service, host:port.")] = "127.0.0.1:50051",
    token_file: Annotated[Path | None, typer.Option(help="File with the bearer token for the service.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="Certificates to trust; speaks TLS to the service.")] = None,
    http_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Serve streamable HTTP on this port of 127.0.0.1, not standard input."),
    ] = None,
    http_token_file: Annotated[
        Path | None, typer.Option(help="File with the bearer token that callers over HTTP must show.")
    ] = None,
) -> None:
    """Serve incidents, causes and evidence to assistants by the Model Context Protocol; nothing can be changed."""
    from brain_cli.rca_server import check_options
    from brain_common.clients.rca import RcaClient, RcaServer, read_token
    from brain_common.errors import ConfigError
    from brain_common.logs import configure_logging
    from brain_rca.mcp.server import build

    configure_logging("WARNING")  # to standard error: standard output is the protocol's
    service = RcaServer(address, ca_file is not None, ca_file, token_file=token_file)
    check_options(service, "--address")
    client = RcaClient(service)
    client.check()  # files are read for each question; a wrong path is better heard of now
    server = build(client)
    if http_port is None:
        asyncio.run(server.run_stdio_async())
        return
    if http_token_file is None:
        raise ConfigError("--http-token-file: is needed with --http-port, so that not every program here may ask")
    asyncio.run(_serve(server, http_port, read_token(http_token_file)))


async def _serve(server: object, port: int, token: str) -> None:
    from mcp.server.mcpserver import MCPServer
    from pydantic import SecretStr

    from brain_common.ending import until_told
    from brain_common.serving.auth import Authenticator
    from brain_common.serving.config import CallerSettings
    from brain_rca.mcp.http import PATH, serving_tools

    assert isinstance(server, MCPServer)
    caller = CallerSettings(name="assistant", bearer_token=SecretStr(token))
    async with serving_tools(server, Authenticator((caller,)), port) as bound:
        typer.echo(f"listening: http://127.0.0.1:{bound}{PATH}", err=True)
        await until_told()
