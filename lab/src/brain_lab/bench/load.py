"""Notifications, and the posting of them as Alertmanager does: over kept connections, again after 5xx and lost answers.

Written on bare streams: a general HTTP client would cost more CPU than the service's answer, on the same machine, and
the time measured would be its own.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import msgspec

from brain_lab.bench.service import WEBHOOK
from brain_lab.replay.webhook import Firing, webhook_payload

NO_ANSWER: Final = 0
_LONGEST_HEAD = 65536  # bytes
_ANSWER_SECONDS = 30.0  # then a connection counts as dead


@dataclass(frozen=True, slots=True)
class Notification:
    """One request's body, and what it tells.

    Attributes:
        body: JSON, payload version 4.
        fingerprints: Of the alerts in it.
    """

    body: bytes
    fingerprints: frozenset[str]


class Accepted(msgspec.Struct):
    """The service's answer to a notification it took."""

    incident: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request; ``status`` is ``NO_ANSWER`` when the connection broke."""

    status: int
    body: bytes
    seconds: float

    @property
    def incident(self) -> str:
        """Which incident it went into."""
        return msgspec.json.decode(self.body, type=Accepted).incident


def notification(group: str, alerts: int, about: Mapping[str, str], severity: str, since: float) -> Notification:
    """A group of ``alerts`` firing alerts with the labels ``about``; groups of another name are other groups."""
    shared = {"alertname": f"Bench{group}", "severity": severity, **about}
    firing = [Firing({**shared, "instance": f"{n}"}, {"summary": "made by a bench"}, since) for n in range(alerts)]
    payload = webhook_payload(firing, {"alertname": shared["alertname"]})
    return Notification(json.dumps(payload).encode(), frozenset(alert["fingerprint"] for alert in payload["alerts"]))


class Connection:
    """One kept connection to ``host:port``; made anew after it broke."""

    def __init__(self, address: str) -> None:
        self._host, _, port = address.rpartition(":")
        self._port = int(port)
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, body: bytes) -> Answer:
        """Post one notification; a broken or silent connection is an answer, too."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                status, content = await self._exchange(body)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):  # OSError: time-out, too
            await self.aclose()
            status, content = NO_ANSWER, b""
        return Answer(status, content, time.perf_counter() - began)

    async def aclose(self) -> None:
        """Hang up."""
        streams, self._streams = self._streams, None
        if streams is not None:
            streams[1].transport.abort()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _exchange(self, body: bytes) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port, limit=_LONGEST_HEAD)
        reader, writer = self._streams
        head = (
            f"POST {WEBHOOK} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        await writer.drain()
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        content = await reader.readexactly(int(fields["content-length"]))
        if fields.get("connection", "").lower() == "close":
            await self.aclose()
        return int(first.split(" ")[1]), content


async def burst(address: str, bodies: Sequence[bytes], connections: int) -> list[Answer]:
    """Post all ``bodies``, in order, each connection taking the next as soon as it is free; answers in any order."""
    waiting = iter(bodies)
    answers: list[Answer] = []

    async def drain() -> None:
        async with Connection(address) as connection:
            for body in waiting:
                answers.append(await connection.post(body))  # noqa: PERF401 - the connections take turns

    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(drain())
    return answers
