"""The store of one process: SQLite in a file, WAL, every commit fsynced.

One thread owns the writing connection. It takes all transactions that wait, runs them in one database
transaction (each in a savepoint of its own), commits once, and then answers all: under a burst the cost of an
fsync is shared. Reads have connections of their own and see what is committed. A second process is refused by
a lock on a side file: two writers would fight for the same leases. Built by the composition root; several
replicas need ``postgres.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from brain_common.clock import Clock
from brain_common.errors import BrainError, ConfigError, PermanentError, TemporaryError
from brain_rca.store import transactions
from brain_rca.store.rows import Row, Script, Statement
from brain_rca.store.schema import SQLITE, VERSION, render
from brain_rca.store.scripted import ScriptedStore

T = TypeVar("T")

_MAX_BATCH = 256
"""Transactions committed together; bounds how long the first of them waits for the last."""

_READERS = 2
_log = logging.getLogger(__name__)


class SqliteStore(ScriptedStore):
    """``Store`` in one file.

    Args:
        path: Of the database; made with mode 0600 if it is not there, and its folder with 0700.
        cooldown_seconds: See ``ScriptedStore``.
        clock: See ``ScriptedStore``.
    """

    def __init__(self, path: Path, cooldown_seconds: float, clock: Clock) -> None:
        super().__init__(cooldown_seconds, clock)
        self._path = path
        self._lock: int | None = None
        self._writer: _Writer | None = None
        self._readers: _Readers | None = None

    async def open(self) -> None:
        """See ``Store.open``.

        Raises:
            ConfigError: The file cannot be made, is no database, is of a newer release, or is in use.
        """
        await asyncio.to_thread(self._open)
        await self._write(transactions.free_analyses())  # the lock shows that whoever held them has ended

    def _open(self) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _lock(self._path)
            _make_private(self._path)
            self._writer = _Writer(self._path)
            self._readers = _Readers(self._path)
        except BaseException as error:
            self._close()
            if isinstance(error, OSError | sqlite3.Error):
                raise ConfigError(f"store {self._path}: {error}") from error
            raise

    async def close(self) -> None:
        """Finish what waits and give the file free; harmless before ``open`` and when repeated."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        writer, readers, lock = self._writer, self._readers, self._lock
        self._writer, self._readers, self._lock = None, None, None
        if readers is not None:
            readers.close()
        if writer is not None:
            writer.close()
        if lock is not None:
            os.close(lock)

    async def _write(self, script: Script[T]) -> T:
        if self._writer is None:
            raise TemporaryError(f"store {self._path} is not open")
        return await self._writer.submit(script)

    async def _read(self, script: Script[T]) -> T:
        if self._readers is None:
            raise TemporaryError(f"store {self._path} is not open")
        return await self._readers.run(script)


class _Job:
    """One transaction that waits for its turn, and where to answer."""

    def __init__(self, script: Script[Any]) -> None:
        self.script = script
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: BaseException | None = None

    def answer(self) -> None:
        """Called in the event loop; the caller may have gone away."""
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class _Writer:
    """The thread that owns the writing connection."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._connection = _connect(path)
        try:
            _migrate(self._connection, path)
        except BaseException:
            self._connection.close()
            raise
        self._closing = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    async def submit(self, script: Script[T]) -> T:
        job = _Job(script)
        with self._closing:
            if self._closed:
                raise TemporaryError(f"store {self._path} is closed")
            self._jobs.put(job)
        result: T = await job.future
        return result

    def close(self) -> None:
        with self._closing:
            self._closed = True
            self._jobs.put(None)
        self._thread.join()
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()

    def _run(self) -> None:
        is_open = True
        while is_open:
            batch, is_open = self._take()
            if batch:
                self._commit(batch)
                _answer(batch)

    def _take(self) -> tuple[list[_Job], bool]:
        """Everything that waits, at least one; and whether to go on."""
        batch: list[_Job] = []
        item = self._jobs.get()
        while item is not None:
            batch.append(item)
            if len(batch) == _MAX_BATCH:
                return batch, True
            try:
                item = self._jobs.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _commit(self, batch: list[_Job]) -> None:
        """Run the batch as one transaction. When the disk fails nothing of it counts, and the file is opened
        anew.
        """
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for job in batch:
                _run_in_savepoint(self._connection, self._path, job)
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            _fail(batch, _translate(error, self._path))
            self._reopen()
        except BaseException as error:  # noqa: BLE001 (the thread must go on, every caller must be answered)
            _log.exception("store: a transaction failed unexpectedly")
            _fail(batch, error)
            self._reopen()

    def _reopen(self) -> None:
        """Drop the connection with whatever state a failed write left; SQLite recovers the file on opening
        it.
        """
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        with contextlib.suppress(sqlite3.Error):
            self._connection = _connect(self._path)


def _run_in_savepoint(connection: sqlite3.Connection, path: Path, job: _Job) -> None:
    """Run one job; what it refuses is its own failure, a disk that refuses is everybody's."""
    connection.execute("SAVEPOINT job")
    try:
        job.result = _run_script(connection, job.script)
    except sqlite3.OperationalError:
        raise
    except Exception as error:  # noqa: BLE001 (answered to the caller)
        job.error = _translate(error, path) if isinstance(error, sqlite3.Error) else error
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def _fail(batch: list[_Job], error: BaseException) -> None:
    for job in batch:
        if job.error is None:
            job.error = error


def _answer(batch: list[_Job]) -> None:
    for loop in {job.loop for job in batch}:
        jobs = [job for job in batch if job.loop is loop]
        with contextlib.suppress(RuntimeError):  # the loop has ended; nobody waits any more
            loop.call_soon_threadsafe(_answer_all, jobs)


def _answer_all(jobs: list[_Job]) -> None:
    for job in jobs:
        job.answer()


class _Readers:
    """Connections that only read, each used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="store-reader")
        self._free: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        for _ in range(_READERS):
            connection = _connect(path)
            connection.execute("PRAGMA query_only = ON")
            self._free.put(connection)

    async def run(self, script: Script[T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self._run, script)
        except RuntimeError as error:
            raise TemporaryError(f"store {self._path} is closed") from error

    def _run(self, script: Script[T]) -> T:
        connection = self._free.get()
        try:
            with _snapshot(connection):
                return _run_script(connection, script)
        except sqlite3.Error as error:
            raise _translate(error, self._path) from error
        finally:
            self._free.put(connection)

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        while not self._free.empty():
            self._free.get().close()


@contextlib.contextmanager
def _snapshot(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def _run_script(connection: sqlite3.Connection, script: Script[T]) -> T:
    try:
        statement = next(script)
        while True:
            statement = script.send(_execute(connection, statement))
    except StopIteration as stop:
        result: T = stop.value
        return result


def _execute(connection: sqlite3.Connection, statement: Statement) -> list[Row]:
    sql = render(statement.sql, SQLITE)
    if statement.many:
        connection.executemany(sql, statement.params)
        return []
    return connection.execute(sql, statement.params).fetchall()


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    exists = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'brain_schema'").fetchone()
    if exists is None:
        connection.execute("BEGIN IMMEDIATE")
        for statement in SQLITE.create:
            connection.execute(statement)
        connection.execute("COMMIT")
    [(version,)] = connection.execute("SELECT version FROM brain_schema").fetchall()
    if version > VERSION:
        raise ConfigError(
            f"store {path} has version {version}, this release knows {VERSION}: use the newer release again"
        )
    if version < VERSION:
        connection.execute("BEGIN IMMEDIATE")
        for statement in SQLITE.upgrades_from(version):
            connection.execute(statement)
        connection.execute("COMMIT")


def _make_private(path: Path) -> None:
    """Make the file before SQLite does: alerts are nobody else's business. Its side files take its mode."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)
    folder = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)  # or the name of the file might not survive a power loss
    finally:
        os.close(folder)


def _lock(path: Path) -> int:
    """Hold the side file for as long as the descriptor is open; the kernel frees it when the process dies.

    Raises:
        ConfigError: Another process holds it.
    """
    side_file = path.with_name(path.name + ".lock")
    descriptor = os.open(side_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise ConfigError(
            f"store {path} is in use by another process: stop it or choose another path; replicas need PostgreSQL"
        ) from error
    return descriptor


def _translate(error: sqlite3.Error, path: Path) -> BrainError:
    """A full disk, an I/O error or a busy file may pass; a damaged file will not."""
    is_temporary = isinstance(error, sqlite3.OperationalError | sqlite3.ProgrammingError)
    kind: Callable[[str], BrainError] = TemporaryError if is_temporary else PermanentError
    return kind(f"store {path}: {error}")
