"""What steps are told from outside the worker: whole snapshots, each in the place of the one before.

Reading the lake takes 50 MiB of libraries that the worker has no room for, so a process beside it reads, and sends what
it found. Whole snapshots rather than differences: one that is lost costs its freshness, and a worker that has just
started needs nothing but the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from brain_common.errors import InputError

Row = TypeVar("Row", bound=msgspec.Struct)


class Snapshots:
    """Who wants which snapshot; handed to steps as ``Context.snapshots``. Used in the event loop alone."""

    def __init__(self) -> None:
        self._wanted: dict[str, float] = {}
        self._receivers: dict[str, list[Callable[[bytes], None]]] = {}

    @property
    def wanted(self) -> Mapping[str, float]:
        """Name of each snapshot that somebody subscribed to, and how many seconds it looks back; a key of ``READS``."""
        return self._wanted

    def subscribe(self, name: str, row: type[Row], seconds: float, receive: Callable[[list[Row]], None]) -> None:
        """Ask for a snapshot while building.

        Args:
            name: A key of ``brain_otel.side.reads.READS``.
            row: What it is made of.
            seconds: How far back it has to look; the farthest of all subscribers counts.
            receive: Called with each snapshot, in the event loop; no I/O, no waiting.
        """
        decoder: msgspec.msgpack.Decoder[Any] = msgspec.msgpack.Decoder(list[row])  # type: ignore[valid-type]
        self._wanted[name] = max(seconds, self._wanted.get(name, 0.0))
        self._receivers.setdefault(name, []).append(lambda data: receive(decoder.decode(data)))

    def deliver(self, name: str, data: bytes) -> None:
        """Hand a snapshot to those who want it; nobody may.

        Args:
            name: Which.
            data: As ``encode`` made it.

        Raises:
            InputError: It is no such snapshot; whoever came before keeps the previous one.
        """
        try:
            for receive in self._receivers.get(name, ()):
                receive(data)
        except msgspec.DecodeError as error:
            raise InputError(f"snapshot {name}: {error}") from error


def encode(rows: Sequence[msgspec.Struct]) -> bytes:
    """A snapshot as it travels: MessagePack."""
    return msgspec.msgpack.encode(rows)
