"""One file after another into the ledger: each record once, wherever the process was killed.

A file is committed in chunks; a note under its name says how many of its records are taken. A process that begins anew
skips those. A file that was read to its end is remembered for longer than it can come again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from brain_common.errors import InputError
from brain_exporters.cloudtrail.client import File, Storage
from brain_exporters.cloudtrail.records import Inflater, split
from brain_exporters.cloudtrail.tally import Tally
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.counters import CounterSpec
from brain_exporters.runtime.ledger import Ledger

NOTE: Final = "f/"
FILES: Final = CounterSpec("cloudtrail_files", "Files of records by what became of them.", ("result",))
KEPT_DAYS: Final = 8  # a message of SQS lives 14 days at most, but one is delivered twice within minutes or hours
_note: Final = msgspec.msgpack.Decoder(tuple[int, int, bool])  # (seconds since the epoch, records taken, whole file)


class FileReader:
    """Reads files, one at a time; used by several sources.

    Args:
        storage: Where they are.
        ledger: Takes what is in them.
        tally: Makes batches.
        now: Seconds since the epoch.
        notes: Those under ``NOTE``, at start.
    """

    def __init__(
        self, storage: Storage, ledger: Ledger, tally: Tally, now: Callable[[], float], notes: dict[str, bytes]
    ) -> None:
        self._storage = storage
        self._ledger = ledger
        self._tally = tally
        self._now = now
        self._known = {key: _note.decode(value) for key, value in notes.items()}
        self._busy = threading.Lock()

    def take(self, file: File) -> None:
        """All of a file; one that was taken is passed over. Blocking.

        Raises:
            TemporaryError: S3 or the ledger cannot now; call again.
            PermanentError: S3 refuses.
        """
        with self._busy:
            key = f"{NOTE}{file.bucket}/{file.key}#{file.etag}"
            _, done, whole = self._known.get(key, (0, 0, False))
            if whole:
                return
            result, place = "ok", 0
            inflater = Inflater()
            try:
                for raws in split(inflater.pieces(self._storage.read(file))):
                    if place + len(raws) > done:
                        self.commit(raws[max(0, done - place) :], key, place + len(raws))
                    place += len(raws)
                if not inflater.whole:
                    raise InputError("the gzip ends early")
            except InputError:
                result = "damaged"
            self._end(key, place, result)

    def missing(self) -> None:
        """A file that was named is gone."""
        batch = Batch()
        batch.count(FILES.name, ("missing",))
        self._ledger.commit(batch)

    def commit(self, raws: Sequence[bytes | msgspec.Raw], key: str | None = None, place: int = 0) -> None:
        """Some records, of a file or of another source."""
        batch, now = Batch(), self._now()
        noted = self._tally.take(raws, now, batch)
        if key is not None:
            self._note(key, (int(now), place, False), batch)
        self._ledger.commit(batch)
        self._tally.committed(noted)

    def _end(self, key: str, place: int, result: str) -> None:
        batch, now = Batch(), int(self._now())
        batch.count(FILES.name, (result,))
        self._note(key, (now, place, True), batch)
        for old in [name for name, note in self._known.items() if note[0] < now - KEPT_DAYS * 86400]:
            batch.notes[old] = None
            del self._known[old]
        self._ledger.commit(batch)

    def _note(self, key: str, note: tuple[int, int, bool], batch: Batch) -> None:
        self._known[key] = note
        batch.notes[key] = msgspec.msgpack.encode(note)
