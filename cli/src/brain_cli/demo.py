"""``brain demo``: the main job on embedded storage, with an incident the product makes itself."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shlex
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from brain_lab.demo import DemoIncident
    from brain_rca.model import Incident
    from brain_rca.service import Running

_USER: Final = "demo"  # may say on the page, or by gRPC, what the cause was
_PATIENCE = 60.0  # seconds until the demo gives up on its own service


def demo(
    once: Annotated[bool, typer.Option("--once", help="Exit when the result is printed.")] = False,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another incident of the same kind.")] = 7,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the incident page; 0 takes a free one.")] = 8088,
) -> None:
    """Generate an incident, send its alerts to the service, print what it found, show its page."""
    from brain_common.logs import configure_logging
    from brain_lab.demo import generate
    from brain_lab.demo.into_lake import write

    configure_logging("WARNING")
    with tempfile.TemporaryDirectory(prefix="brain-demo-") as folder:
        typer.echo(f"1. generating three hours of a small shop that ends in an incident (seed {seed}) …")
        incident = generate(seed, time.time())
        write(incident, Path(folder) / "lake")
        asyncio.run(_show(incident, Path(folder), 0 if once else port, once=once))


async def _show(generated: DemoIncident, folder: Path, port: int, *, once: bool) -> None:
    import httpx

    from brain_cli.show import print_incident
    from brain_common.ending import until_told
    from brain_common.errors import ConfigError
    from brain_common.serving.http import CannotListenError
    from brain_common.settings import check_settings
    from brain_rca.config import RcaSettings
    from brain_rca.service import running

    password = secrets.token_urlsafe(9)
    data = {
        "store": {"sqlite": str(folder / "incidents.sqlite")},
        "evidence": {"lake": {"path": str(folder / "lake")}},
        "http": {"port": port},
        "grpc": {"port": 0},
        "callers": [{"name": _USER, "username": _USER, "password_bcrypt": _hashed(password)}],
    }
    async with contextlib.AsyncExitStack() as stack:
        try:
            service = await stack.enter_async_context(running(check_settings(data, RcaSettings, "demo")))
        except CannotListenError as error:  # its key is that of a configuration file, which the demo has not
            raise ConfigError(f"{error.problem}; give another with --port, or --port 0 for any free one") from error
        typer.echo(f"2. sending its alerts to the service at {service.url} as Alertmanager would …")
        async with httpx.AsyncClient(base_url=service.url, auth=(_USER, password), trust_env=False) as client:
            answer = await client.post("/api/v1/alertmanager", json=generated.payload)
            answer.raise_for_status()
            found = await _judged(client, answer.json()["incident"])
        typer.echo("3. the service found:\n")
        print_incident(found)
        typer.echo(f"\nwhat was broken on purpose: {generated.cause}")
        if not once:
            typer.echo(f"\nincident page: {service.url}/incidents/{found.id}    (Ctrl-C ends the demo)")
            typer.echo(_invitation(found, service, folder, password))
            await until_told()


def _hashed(password: str) -> str:
    """Quick to check: it guards a page on loopback for as long as somebody looks at it."""
    import bcrypt

    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4)).decode()


def _invitation(found: Incident, service: Running, folder: Path, password: str) -> str:
    """How to say what the cause was: on the page, or by a command that can be pasted into another terminal."""
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password)
    cause = found.analysis.causes[0].entity if found.analysis and found.analysis.causes else "ENTITY"
    command = [sys.argv[0], "incident", "--server", f"127.0.0.1:{service.grpc_port}", "--username", _USER]
    command += ["--password-file", str(secret), "confirm", found.id, "--cause", cause]
    on_page = f"on the page, as user {_USER} with password {password}"
    return f"say whether it was the cause: {on_page}, or\n  {shlex.join(command)}"


async def _judged(client: object, incident_id: str) -> Incident:
    """The incident once its analysis is done."""
    import httpx
    import msgspec

    from brain_common.errors import TemporaryError
    from brain_rca.model import AnalysisState, Incident

    assert isinstance(client, httpx.AsyncClient)
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        answer = await client.get(f"/incidents/{incident_id}.json")
        incident = msgspec.json.decode(answer.content, type=Incident)
        if incident.analysis_state is AnalysisState.DONE:
            return incident
        await asyncio.sleep(0.1)
    raise TemporaryError(
        f"the analysis was not done within {_PATIENCE:.0f} s: {incident.analysis_error or 'still pending'}"
    )
