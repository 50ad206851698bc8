"""The store of any number of replicas: PostgreSQL.

Each call is one transaction on a connection of the pool. Rows are held in the order that ``transactions.py``
names; claims pass over held rows, so that two workers never wait for, or get, the same incident. A lost
connection is a ``TemporaryError`` for the calls that were on it, and the pool makes a new one. A server that
has gone silent is noticed by the watch of ``_deadline``: the kernel's keepalives do not see a proxy that
accepts and says nothing. Built by the composition root.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any, TypeVar

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from brain_common.clock import Clock
from brain_common.errors import BrainError, ConfigError, InputError, PermanentError, TemporaryError
from brain_rca.store.rows import Row, Script, Statement
from brain_rca.store.schema import POSTGRES, SCHEMA_LOCK, VERSION, render
from brain_rca.store.scripted import ScriptedStore

T = TypeVar("T")
_Connection = psycopg.AsyncConnection[TupleRow]
_Pool = AsyncConnectionPool[_Connection]

_CALL_SECONDS = 6.0
"""For one call on a connection; together with the wait for one, a silent server is noticed in ten seconds."""

_WAIT_SECONDS = 3.0
"""For a free connection, and for the server to accept a new one."""

_SESSION = {
    "statement_timeout": "5s",  # less than _CALL_SECONDS: the server's own word is more precise
    "lock_timeout": "4s",
    "idle_in_transaction_session_timeout": "10s",  # frees the locks of a replica that has vanished
}

_TRANSPORT: dict[str, Any] = {
    "connect_timeout": int(_WAIT_SECONDS),
    "keepalives": 1,
    "keepalives_idle": 3,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 7_000,  # milliseconds
    "autocommit": True,
    "application_name": "brain-rca",
}

_log = logging.getLogger(__name__)


class PostgresStore(ScriptedStore):
    """``Store`` in a PostgreSQL database.

    Args:
        dsn: A libpq connection string or URL; it may hold a password and is never shown.
        cooldown_seconds: See ``ScriptedStore``.
        clock: See ``ScriptedStore``.
        pool_size: Connections at most.
    """

    def __init__(self, dsn: str, cooldown_seconds: float, clock: Clock, pool_size: int = 8) -> None:
        super().__init__(cooldown_seconds, clock)
        self._dsn = dsn
        self._pool_size = pool_size
        self._pool: _Pool | None = None

    async def open(self) -> None:
        """See ``Store.open``; may be called again after a failure.

        Raises:
            ConfigError: The connection string is malformed, or the tables are of a newer release.
            TemporaryError: The server cannot be reached, or it refuses for now.
        """
        await self.close()
        _check_dsn(self._dsn)
        with _translated():
            async with await psycopg.AsyncConnection.connect(self._dsn, **_TRANSPORT) as connection:
                await _configure(connection)
                with _deadline(connection):
                    await _migrate(connection)
        pool = self._new_pool()
        await pool.open(wait=False)
        self._pool = pool

    def _new_pool(self) -> _Pool:
        return AsyncConnectionPool(
            self._dsn,
            kwargs=_TRANSPORT,
            min_size=min(2, self._pool_size),
            max_size=self._pool_size,
            open=False,
            configure=_configure,
            timeout=_WAIT_SECONDS,
            reconnect_timeout=_WAIT_SECONDS,  # give up soon: the next call starts a new attempt at once
        )

    async def close(self) -> None:
        """Close all connections; harmless before ``open`` and when repeated."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close(timeout=_WAIT_SECONDS)

    async def _write(self, script: Script[T]) -> T:
        async with self._connection() as connection, connection.transaction():
            return await _run_script(connection, script)

    async def _read(self, script: Script[T]) -> T:
        async with self._connection() as connection:
            return await _run_script(connection, script)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[_Connection]:
        pool = self._pool
        if pool is None:
            raise TemporaryError("PostgreSQL store is not open")
        with _translated():
            connection = await _take(pool, self._pool_size)
            try:
                with _deadline(connection):
                    yield connection
            finally:
                await pool.putconn(connection)


async def _take(pool: _Pool, pool_size: int) -> _Connection:
    """A connection whose server has not hung up while it lay idle; after a restart all of them have."""
    for _ in range(pool_size):
        connection = await pool.getconn()
        if _is_quiet(connection):
            return connection
        await connection.close()
        await pool.putconn(connection)
    return await pool.getconn()


def _is_quiet(connection: _Connection) -> bool:
    """Nothing to read: on an idle connection that would be its end. Costs no round trip."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


async def _run_script(connection: _Connection, script: Script[T]) -> T:
    async with connection.cursor() as cursor:
        try:
            statement = next(script)
            while True:
                statement = script.send(await _execute(cursor, statement))
        except StopIteration as stop:
            result: T = stop.value
            return result


async def _execute(cursor: psycopg.AsyncCursor[TupleRow], statement: Statement) -> list[Row]:
    sql = render(statement.sql, POSTGRES).encode()
    if statement.many:
        await cursor.executemany(sql, statement.params)
        return []
    await cursor.execute(sql, statement.params, binary=True)
    return await cursor.fetchall() if cursor.description else []


async def _configure(connection: _Connection) -> None:
    """By statement, not by start-up option: poolers in between pass statements through."""
    with _deadline(connection):
        for name, value in _SESSION.items():
            await connection.execute("SELECT set_config(%s, %s, false)", (name, value))


async def _migrate(connection: _Connection) -> None:
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", (SCHEMA_LOCK,))
        cursor = await connection.execute("SELECT to_regclass('brain_schema') IS NOT NULL")
        if await cursor.fetchone() == (False,):
            for statement in POSTGRES.create:
                await connection.execute(statement.encode())
        cursor = await connection.execute("SELECT max(version) FROM brain_schema")
        row = await cursor.fetchone()
        version = row[0] if row else None
        if version is not None:
            for statement in POSTGRES.upgrades_from(version):
                await connection.execute(statement.encode())
    if version is None or version > VERSION:
        raise ConfigError(
            f"PostgreSQL store has version {version}, this release knows {VERSION}: use the newer release"
        )


@contextlib.contextmanager
def _deadline(connection: _Connection) -> Iterator[None]:
    """Cut the connection when the block takes longer.

    Cancelling would first ask the server, which may be what does not answer.
    """
    timer = asyncio.get_running_loop().call_later(_CALL_SECONDS, _cut, connection)
    try:
        yield
    finally:
        timer.cancel()


def _cut(connection: _Connection) -> None:
    if connection.closed:
        return
    _log.warning("PostgreSQL has not answered in time, cutting the connection")
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def _check_dsn(dsn: str) -> None:
    try:
        psycopg.conninfo.conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:
        raise ConfigError(
            "PostgreSQL store: the connection string is malformed (not shown, it may hold a password)"
        ) from None


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (psycopg.Error, PoolTimeout, PoolClosed, TooManyRequests, OSError) as error:
        raise _translate(error) from error


def _translate(error: Exception) -> BrainError:
    """What is no mistake in the data or the set-up may pass: a failover shows itself in many ways."""
    message = f"PostgreSQL store: {type(error).__name__}: {str(error).strip()[:500]}"
    if isinstance(error, psycopg.DataError):
        return InputError(message)
    if isinstance(error, psycopg.ProgrammingError | psycopg.NotSupportedError):
        return PermanentError(message)
    return TemporaryError(message)
