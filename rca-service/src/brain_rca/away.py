"""Which servers of the settings do not answer when the service starts.

They may be back before they are needed, so nothing waits for them; but a wrong address should be told now, not in the
night in which something breaks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import urlsplit

import httpx
from pydantic import BaseModel

from brain_common.clients.http import HttpSettings, build_client, transport_error
from brain_common.errors import BrainError

_log = logging.getLogger(__name__)


async def warn_of_absent(evidence: BaseModel) -> None:
    """Ask every server of the settings ``evidence`` once, and log those that give no answer at all.

    Those to which is published are left out: that they are away is found out, told and tried again when there is
    something to say.
    """
    await asyncio.gather(*(_ask(key, server) for key, server in servers_of(evidence, "evidence")))


def servers_of(value: object, key: str = "") -> Iterator[tuple[str, HttpSettings]]:
    """All servers inside of settings, with the path of their key, such as ``evidence.loki``."""
    if isinstance(value, HttpSettings):
        yield key, value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from servers_of(getattr(value, name), f"{key}.{name}" if key else name)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from servers_of(inner, f"{key}.{name}")
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for place, inner in enumerate(value):
            yield from servers_of(inner, f"{key}.{place}")


async def _ask(key: str, server: HttpSettings) -> None:
    """Any answer will do: what it is asked for comes later."""
    address = urlsplit(server.url)
    try:
        async with build_client(server) as client:
            await client.get("/")
    except httpx.TransportError as error:
        problem = transport_error(f"{key} ({address.scheme}://{address.netloc})", server, error)
        _log.warning("%s; the service runs, and goes on without it until it answers", problem)
    except BrainError as error:
        _log.warning("%s: %s", key, error)
