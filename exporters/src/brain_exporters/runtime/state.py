"""The state file: counters, positions, notes, and rows on their way to the lake, in one SQLite database.

One transaction a batch, flushed to disk before it counts as taken: whatever moment a process is killed at, either all
of a batch is there or nothing. The file belongs to one process; a second one is refused.
"""

from __future__ import annotations

import fcntl
import sqlite3
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from brain_common.errors import ConfigError, TemporaryError
from brain_exporters.runtime.batch import Labels

_SCHEMA = """
CREATE TABLE IF NOT EXISTS counters (name TEXT, labels BLOB, value REAL, PRIMARY KEY (name, labels)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (source TEXT PRIMARY KEY, position TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending (number INTEGER PRIMARY KEY AUTOINCREMENT, lake_table TEXT, rows BLOB, size INTEGER);
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""


_PENDING_BYTES = 8 << 20  # in memory, not as they are compressed; a commit of that is worth its while


@dataclass(frozen=True, slots=True)
class Pending:
    """Rows that the lake has not confirmed: number of their batch, table, Arrow IPC stream, bytes in memory."""

    number: int
    table: str
    rows: bytes
    size: int


class State:
    """Opened once; every method may be called from any thread, one at a time.

    Raises:
        ConfigError: The file cannot be opened, is no such database, or another process has it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = _lock(path)
        try:
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.executescript(_SCHEMA)
            # Names this writer in the lake: a new file is a new writer, whose numbers begin anew.
            self._database.execute("INSERT OR IGNORE INTO about VALUES ('writer', lower(hex(randomblob(16))))")
            row = self._database.execute("SELECT value FROM about WHERE key = 'writer'").fetchone()
        except sqlite3.Error as error:
            self._lock.close()
            raise ConfigError(f"state: {path}: {error}; move the file away to begin anew") from error
        self.writer: str = row[0]

    def counters(self) -> Iterable[tuple[str, Labels, float]]:
        """Every series as it was last committed."""
        for name, labels, value in self._database.execute("SELECT name, labels, value FROM counters"):
            values = msgspec.msgpack.decode(labels, type=list[str])
            yield name, tuple(map(sys.intern, values)), value  # few texts, many series

    def position(self, source: str) -> str | None:
        """From where a source is read on; None: from its beginning."""
        row = self._database.execute("SELECT position FROM positions WHERE source = ?", (source,)).fetchone()
        return row[0] if row else None

    def notes(self, prefix: str) -> Iterable[tuple[str, bytes]]:
        """What a collector remembers, by key."""
        query = "SELECT key, value FROM notes WHERE key >= ? AND key < ? ORDER BY key"
        yield from self._database.execute(query, (prefix, prefix + "\U0010ffff"))

    def pending(self) -> list[Pending]:
        """Rows not confirmed by the lake, oldest first; some 8 MiB at once."""
        found, size = [], 0
        for row in self._database.execute("SELECT number, lake_table, rows, size FROM pending ORDER BY number"):
            found.append(Pending(*row))
            size += found[-1].size
            if size >= _PENDING_BYTES:
                break
        return found

    def pending_bytes(self) -> int:
        """How much waits for the lake."""
        row = self._database.execute("SELECT coalesce(sum(length(rows)), 0) FROM pending").fetchone()
        return int(row[0])

    def commit(
        self,
        counters: Mapping[str, Mapping[Labels, float]],
        positions: Mapping[str, str],
        notes: Mapping[str, bytes | None],
        rows: Iterable[tuple[str, bytes, int]],
    ) -> None:
        """Take a batch: new values of series, positions, notes; name of the table, rows and their bytes in memory.

        Raises:
            TemporaryError: The disk is full or fails; nothing was taken.
        """
        encode = msgspec.msgpack.encode
        try:
            self._database.execute("BEGIN IMMEDIATE")
            self._database.executemany(
                "INSERT OR REPLACE INTO counters VALUES (?, ?, ?)",
                ((name, encode(key), value) for name, series in counters.items() for key, value in series.items()),
            )
            self._database.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?)", positions.items())
            kept = [(key, value) for key, value in notes.items() if value is not None]
            self._database.executemany("INSERT OR REPLACE INTO notes VALUES (?, ?)", kept)
            self._database.executemany("DELETE FROM notes WHERE key = ?", [(k,) for k, v in notes.items() if v is None])
            self._database.executemany("INSERT INTO pending (lake_table, rows, size) VALUES (?, ?, ?)", rows)
            self._database.execute("COMMIT")
        except sqlite3.Error as error:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise TemporaryError(f"state: {self._path}: {error}") from error

    def confirmed(self, number: int) -> None:
        """The lake has the rows up to this number.

        Raises:
            TemporaryError: The disk fails; the lake is asked again later what it has.
        """
        try:
            self._database.execute("DELETE FROM pending WHERE number <= ?", (number,))
        except sqlite3.Error as error:
            raise TemporaryError(f"state: {self._path}: {error}") from error

    def close(self) -> None:
        """Let another process have the file."""
        self._database.close()
        self._lock.close()


def _lock(path: Path) -> IO[bytes]:
    """The claim on the state file, held as long as the process lives."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.with_name(f"{path.name}.lock").open("ab")
    except OSError as error:
        raise ConfigError(f"state: {path} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise ConfigError(f"state: {path} is used by another process; give each exporter its own file") from error
    return file
