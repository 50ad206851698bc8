"""Verifies digest files as they come, and the log files they name."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable

import msgspec

from brain_common.errors import InputError
from brain_exporters.cloudtrail.client import Absent, Client
from brain_exporters.cloudtrail.digest import Digest, Link, read_digest, result
from brain_exporters.cloudtrail.gunzip import windows
from brain_exporters.cloudtrail.splitter import WINDOW
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.ledger import Ledger

_NOTE = "digest/last"


class Integrity:
    """Goes through digest files in the order of their keys, which is that of time.

    Args:
        client: Reads files and keys.
        bucket: Whose files are verified.
        prefix: Of digest files.
        ledger: Keeps the last one verified, and counts.
        most: Bytes of one log file after inflation.
        now: For the time of the last digest that was right.
    """

    def __init__(
        self, client: Client, bucket: str, prefix: str, ledger: Ledger, most: int, now: Callable[[], float]
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._ledger = ledger
        self._most = most
        self._now = now

    @property
    def last_verified(self) -> float:
        """When a digest was last found right, seconds since the epoch; 0 before."""
        return float(self._ledger.position("digest verified") or 0)

    async def look(self) -> None:
        """Verify those that are new."""
        while True:
            note = self._ledger.notes(_NOTE).get(_NOTE)
            before = msgspec.msgpack.decode(note, type=Link) if note else None
            after = self._ledger.position("digest") or ""
            listed = self._client.listed(self._prefix, after)
            found = await asyncio.to_thread(next, listed, None)
            if found is None:
                return
            batch = await asyncio.to_thread(self._verified, found.key, before)
            batch.positions["digest"] = found.key
            await self._ledger.commit_when_room(batch)

    def _verified(self, key: str, before: Link | None) -> Batch:
        batch = Batch()
        try:
            packed, metadata = self._client.digest(key)
            text = b"".join(windows([packed], WINDOW, self._most))
            digest = read_digest(text)
        except Absent:
            return batch
        except InputError:
            batch.count("cloudtrail_digest_verified", ("malformed",))
            return batch
        signature = metadata.get("signature", "")
        keys = self._client.public_keys(*digest.period)
        found = result(digest, text, signature, (self._bucket, key), before, keys)
        batch.count("cloudtrail_digest_verified", (found,))
        link = Link(key, hashlib.sha256(text).hexdigest(), signature)
        batch.notes[_NOTE] = msgspec.msgpack.encode(link)
        if found in ("valid", "chain_broken", "digest_missing"):  # signed, so that what it says of files is believed
            self._log_files(batch, digest)
        if found == "valid":
            batch.positions["digest verified"] = repr(self._now())
        return batch

    def _log_files(self, batch: Batch, digest: Digest) -> None:
        for file in digest.logFiles:
            if file.s3Bucket in ("", self._bucket):
                batch.count("cloudtrail_digest_log_files", (self._state(file.s3Object, file.hashValue),))

    def _state(self, key: str, wanted: str) -> str:
        found = hashlib.sha256()
        try:
            for window in windows(self._client.parts(key), WINDOW, self._most):
                found.update(window)
        except Absent:
            return "missing"
        except InputError:
            return "modified"
        return "valid" if found.hexdigest() == wanted else "modified"
