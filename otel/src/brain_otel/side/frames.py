"""Messages between worker and side process as they travel: each with its length in front, as MessagePack.

Both are processes of one start and one version, so a message that cannot be read is a bug and ends the connection.
"""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec

LARGEST: Final = 64 << 20  # bytes of a message
_LENGTH: Final = 4


class Hello(msgspec.Struct, frozen=True, tag="hello"):
    """A worker's first words: the snapshots it wants, and how many seconds each looks back."""

    wanted: dict[str, float]


class Rows(msgspec.Struct, frozen=True, tag="rows"):
    """Rows of a table: a list of tuples in the order of its columns, read only where they are written.

    Times are microseconds since the epoch.
    """

    table: str
    count: int
    rows: msgspec.Raw


class Fate(msgspec.Struct, frozen=True, tag="fate"):
    """What became of rows: in the lake where ``reason`` is empty, dropped for it elsewhere."""

    table: str
    count: int
    reason: str = ""


class LakeState(msgspec.Struct, frozen=True, tag="lake"):
    """Whether the lake took rows the last time it was tried."""

    up: bool


class Snapshot(msgspec.Struct, frozen=True, tag="snapshot"):
    """What was read of the lake, as ``brain_otel.side.snapshots.encode`` made it."""

    name: str
    data: bytes


FromWorker = Hello | Rows
FromSide = Fate | LakeState | Snapshot
Message = FromWorker | FromSide

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final[msgspec.msgpack.Decoder[Message]] = msgspec.msgpack.Decoder(Message)


def packed_rows(table: str, rows: list[tuple[object, ...]]) -> bytes:
    """Rows as a frame."""
    return frame(Rows(table, len(rows), msgspec.Raw(_encoder.encode(rows))))


def frame(message: Message) -> bytes:
    """A message with its length."""
    body = _encoder.encode(message)
    return len(body).to_bytes(_LENGTH, "big") + body


async def receive(reader: asyncio.StreamReader) -> Message | None:
    """The next message; None at the end of the stream, in the middle of a message too.

    Raises:
        OSError: The connection broke.
        ValueError: It is no message.
    """
    try:
        length = int.from_bytes(await reader.readexactly(_LENGTH), "big")
        if length > LARGEST:
            raise ValueError(f"a message of {length} bytes")
        return _decoder.decode(await reader.readexactly(length))
    except asyncio.IncompleteReadError:
        return None
