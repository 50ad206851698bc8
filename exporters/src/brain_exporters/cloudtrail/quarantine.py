"""Malformed records, kept aside for people to look at: a file of JSON lines, bounded, no part of any count.

Written before the batch is durable: after a crash in between, a record may be there twice.
"""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

_log = logging.getLogger(__name__)
_LONGEST = 4096  # bytes of one that are kept


class Quarantine:
    """Appends while there is room.

    Args:
        folder: Made at the first record.
        most: Bytes of the file at which it ends.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._file = folder / "cloudtrail.jsonl"
        self._most = most

    def keep(self, text: bytes, origin: str, why: str) -> None:
        """Keep one; a disk that is full or away is a line in the log and no more."""
        line = msgspec.json.encode(
            {
                "origin": origin,
                "reason": why[:200],
                "bytes": len(text),
                "text": text[:_LONGEST].decode("utf-8", "replace"),
            }
        )
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("ab") as file:
                if file.tell() + len(line) < self._most:
                    file.write(line + b"\n")
        except OSError as error:
            _log.warning("quarantine: %s: %s", self._file, error.strerror)
