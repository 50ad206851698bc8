"""Which servers of the settings do not answer when the service starts.

They may be back before they are needed, so nothing waits for them; but a wrong address should be told now, not in the
night in which something breaks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import httpx

from brain_common.clients.http import HttpSettings, build_client, transport_error
from brain_common.errors import BrainError
from brain_rca.evidence.config import EvidenceSettings

_log = logging.getLogger(__name__)
_SIGNALS: Final = "evidence.prometheus"  # where it is set, no judgement can be without it
_NO_SIGNALS: Final = "the service runs, but nothing can be judged until it answers"
_WITHOUT: Final = "the service runs, and goes on without it until it answers"


async def warn_of_absent(evidence: EvidenceSettings) -> None:
    """Ask every server of the settings ``evidence`` once, and log those that give no answer at all.

    Those to which is published are left out: that they are away is found out, told and tried again when there is
    something to say.
    """
    await asyncio.gather(*(_ask(key, server) for key, server in servers_of(evidence)))


def servers_of(evidence: EvidenceSettings) -> Iterator[tuple[str, HttpSettings]]:
    """All servers, with the path of their key, such as ``evidence.loki``."""
    for name in EvidenceSettings.model_fields:
        if isinstance(server := getattr(evidence, name), HttpSettings):
            yield f"evidence.{name}", server


async def _ask(key: str, server: HttpSettings) -> None:
    """Any answer will do, and its body is not read: what it is asked for comes later."""
    address = urlsplit(server.url)
    try:
        async with build_client(server) as client, client.stream("GET", "/"):
            pass
    except httpx.TransportError as error:
        problem = transport_error(f"{key} ({address.scheme}://{address.netloc})", server, error)
        _log.warning("%s; %s", problem, _NO_SIGNALS if key == _SIGNALS else _WITHOUT)
    except BrainError as error:
        _log.warning("%s: %s", key, error)
