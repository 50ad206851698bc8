"""Reads log files into batches, so that each record of a file counts once whatever happens in between."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Final

import msgspec

from brain_common.errors import InputError
from brain_exporters.cloudtrail.client import Absent, Client, Object
from brain_exporters.cloudtrail.envelope import unwrapped
from brain_exporters.cloudtrail.gunzip import Truncated, windows
from brain_exporters.cloudtrail.intake import Intake
from brain_exporters.cloudtrail.seen import Digests, Seen, digests
from brain_exporters.cloudtrail.splitter import WINDOW, Piece, Splitter
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.ledger import Ledger

_PROGRESS: Final = "progress/"


class Files:
    """Takes one file after the other.

    Args:
        client: Reads them.
        intake: Counts their records.
        seen: Files that are done.
        ledger: Where batches go.
        turn: Held while a batch is made and committed: all sources share what was seen.
        most: Bytes of one file after inflation.
    """

    def __init__(
        self, client: Client, intake: Intake, seen: Seen, ledger: Ledger, turn: asyncio.Lock, most: int
    ) -> None:
        self._client = client
        self._intake = intake
        self._seen = seen
        self._ledger = ledger
        self._turn = turn
        self._most = most
        self._reading = asyncio.Lock()  # two sources may be told of the same file at once

    async def take(self, source: str, one: Object, batch: Batch | None = None) -> None:
        """Count a file; one that is done already is a repetition.

        Args:
            source: Of whom told of it.
            one: The file.
            batch: Positions that are to be durable with the end of the file.

        Raises:
            TemporaryError: It could not be read to its end; what was read is kept and not read again.
            PermanentError: It may not be read.
        """
        async with self._reading:
            await self._take(source, one, batch or Batch())

    def known(self, one: Object) -> bool:
        """Whether a file is done."""
        return not bool(self._seen.new(digests([_name(one)]))[0])

    async def reject(self, source: str, message: str) -> None:
        """Count a message that tells of no file, once however often it comes."""
        async with self._reading:
            name = digests([f"message {message}"])
            if bool(self._seen.new(name)[0]):
                await self._end(name, Batch(), source, "no_notification")

    async def _take(self, source: str, one: Object, last: Batch) -> None:
        if self.known(one):
            last.count("cloudtrail_files", (source, "duplicate"))
            await self._ledger.commit_when_room(last)
            return
        result = await self._records(one)
        last.notes[f"{_PROGRESS}{one.key} {one.etag}"] = None
        await self._end(digests([_name(one)]), last, source, result)

    async def _end(self, name: Digests, last: Batch, source: str, result: str) -> None:
        async with self._turn:
            last.count("cloudtrail_files", (source, result))
            added = self._seen.adding(name)
            last.notes.update(added)
            await self._ledger.commit_when_room(last)
            self._seen.added(added)

    async def _records(self, one: Object) -> str:
        """Count its records from where it was left; says how it ended."""
        note = f"{_PROGRESS}{one.key} {one.etag}"
        done = int(self._ledger.notes(note).get(note, b"0"))
        pieces = _Pieces(self._client, one, self._most)
        at = 0
        while (piece := await asyncio.to_thread(pieces.next)) is not None:
            count = len(piece.good) + len(piece.bad)
            skip = min(max(done - at, 0), count)
            at += count
            if skip == count:
                continue
            good, bad = piece.good[skip:], piece.bad[max(0, skip - len(piece.good)) :]
            async with self._turn:
                taken = await asyncio.to_thread(self._intake.take, good, bad, one.key)
                taken.batch.notes[note] = str(at).encode()
                await self._ledger.commit_when_room(taken.batch)
                self._intake.done(taken)
        return pieces.result


class _Pieces:
    """Pieces of one file, pulled one by one from a thread."""

    def __init__(self, client: Client, one: Object, most: int) -> None:
        self._pieces = self._all(client, one, most)
        self.result = "complete"

    def next(self) -> Piece | None:
        """The next piece; None at the end, when ``result`` says how it ended."""
        return next(self._pieces, None)

    def _all(self, client: Client, one: Object, most: int) -> Iterator[Piece]:
        splitter = Splitter()
        try:
            for window in windows(client.parts(one.key, one.etag), WINDOW, most):
                yield from map(_opened, splitter.feed(window))
        except Truncated:
            self.result = "truncated"
        except Absent:
            self.result = "absent"
            return
        except InputError:
            self.result = "malformed"
        yield from map(_opened, splitter.finish())
        if splitter.truncated and self.result == "complete":
            self.result = "truncated"


def _name(one: Object) -> str:
    return f"file {one.key} {one.etag}"


def _opened(piece: Piece) -> Piece:
    """Envelopes of CloudWatch Logs taken off: a file holds them or records, not both."""
    if not piece.good or b'"logEvents"' not in bytes(piece.good[0]):
        return piece
    records: list[msgspec.Raw] = [record for raw in piece.good for record in unwrapped(raw)]
    return Piece(records, piece.bad)
