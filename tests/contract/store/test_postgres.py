"""What only the shared store promises: replicas agree, and a lost server is noticed and found again."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from brain_common.clock import ManualClock
from brain_common.errors import ConfigError, PermanentError, TemporaryError
from brain_rca.store import postgres
from brain_rca.store.postgres import PostgresStore
from brain_rca.store.protocol import Outcome
from brain_rca.store.schema import CHANGE_LOCK
from tests.contract.store.samples import COOLDOWN, T0, alert, notification

pytestmark = pytest.mark.anyio

Replicas = tuple[PostgresStore, PostgresStore]


def new_store(url: str) -> PostgresStore:
    return PostgresStore(url, COOLDOWN, ManualClock(T0))


class Line:
    """A proxy in front of the server that can be made to swallow everything, or to hang up on everybody."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._swallows = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def swallow(self) -> None:
        self._swallows = True

    def restore(self) -> None:
        """Let new connections through; what hung stays lost."""
        self._swallows = False
        for writer in self._writers:
            writer.close()

    async def aclose(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        remote_reader, remote_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, remote_writer}
        with contextlib.suppress(ConnectionError):
            await asyncio.gather(self._pump(reader, remote_writer), self._pump(remote_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if not self._swallows:
                writer.write(data)
        writer.close()


@contextlib.asynccontextmanager
async def line_to(url: str) -> AsyncIterator[tuple[Line, str]]:
    """A ``Line`` to the server of ``url``, and the URL that goes through it."""
    parts = urlsplit(url)
    line = Line((parts.hostname or "127.0.0.1", parts.port or 5432))
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    account, at, _ = parts.netloc.rpartition("@")
    try:
        yield line, urlunsplit(parts._replace(netloc=f"{account}{at}127.0.0.1:{port}"))
    finally:
        server.close()
        line.restore()
        await line.aclose()


async def test_racing_replicas_make_one_incident_a_group(replicas: Replicas) -> None:
    calls = [
        replicas[number % 2].accept(notification(alert(str(number)), key=f"group {number // 2 % 20}"))
        for number in range(200)
    ]
    answers = await asyncio.gather(*calls)

    incidents = await replicas[0].list(limit=100)
    assert len(incidents) == 20
    assert sum(answer.outcome is Outcome.OPENED for answer in answers) == 20
    assert {incident.notifications for incident in incidents} == {10}
    assert {len(incident.alerts) for incident in incidents} == {10}
    assert {incident.episode for incident in incidents} == {1}


async def test_workers_of_two_replicas_get_different_incidents(replicas: Replicas) -> None:
    for number in range(10):
        await replicas[0].accept(notification(key=f"group {number}"))

    taken: list[str] = []

    async def work(replica: PostgresStore) -> None:
        while (claim := await replica.claim_analysis(T0, 30)) is not None:
            taken.append(claim.incident.id)

    await asyncio.gather(*(work(replica) for replica in replicas * 4))
    assert len(taken) == len(set(taken)) == 10


async def test_replicas_close_a_silent_incident_once_while_others_are_heard_of(replicas: Replicas) -> None:
    for number in range(60):
        await replicas[0].accept(notification(key=f"group {number}"))
    closing = [replica.close_silent(T0 + 1, T0 + 500) for replica in replicas * 2]
    hearing = [replicas[number % 2].accept(notification(key=f"group {number}", at=400)) for number in range(60)]
    closed, _ = await asyncio.gather(asyncio.gather(*closing), asyncio.gather(*hearing))

    incidents = await replicas[0].list(limit=200)
    assert sum(closed) == sum(incident.closed_for_silence for incident in incidents)
    assert sum(incident.closed_at is None for incident in incidents) == 60


async def test_replicas_that_start_together_make_the_tables_once(postgres_url: str) -> None:
    stores = [new_store(postgres_url) for _ in range(4)]
    try:
        await asyncio.gather(*(store.open() for store in stores))
        await asyncio.gather(*(store.ping() for store in stores))
    finally:
        for store in stores:
            await store.close()


async def test_no_change_becomes_visible_after_a_later_one(replicas: Replicas, postgres_url: str) -> None:
    """A slow transaction that has its change number holds every later one back, until it commits."""
    async with await psycopg.AsyncConnection.connect(postgres_url) as slow:
        await slow.execute("SELECT nextval('brain_changes') FROM pg_advisory_xact_lock(%s)", (CHANGE_LOCK,))
        later = asyncio.create_task(replicas[0].accept(notification()))
        while not await _is_blocked(postgres_url):
            pass
        assert await replicas[1].changed_since(0, 10) == ([], 0)
        await slow.commit()
    await later
    changed, cursor = await replicas[1].changed_since(0, 10)
    assert (len(changed), cursor) == (1, 2)


async def _is_blocked(url: str) -> bool:
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await connection.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return await cursor.fetchone() != (0,)


async def test_connections_that_the_server_ended_are_replaced_unnoticed(replicas: Replicas, postgres_url: str) -> None:
    store = replicas[0]
    await asyncio.gather(*(store.ping() for _ in range(30)))
    async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as connection:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'brain-rca' AND datname = current_database()"
        )
        while await _count(connection) > 0:
            pass
    assert (await store.accept(notification())).outcome is Outcome.OPENED


async def _count(connection: psycopg.AsyncConnection) -> int:
    cursor = await connection.execute(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE application_name = 'brain-rca' AND datname = current_database() AND state IS NOT NULL"
    )
    row = await cursor.fetchone()
    assert row is not None
    return int(row[0])


async def test_a_silent_server_is_noticed_and_found_again(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert postgres._CALL_SECONDS + postgres._WAIT_SECONDS < 10
    monkeypatch.setattr(postgres, "_CALL_SECONDS", 0.2)
    monkeypatch.setattr(postgres, "_WAIT_SECONDS", 0.2)
    async with line_to(postgres_url) as (line, url):
        store = new_store(url)
        await store.open()
        await store.accept(notification())
        line.swallow()
        for _ in range(2):
            with pytest.raises(TemporaryError):
                await store.accept(notification(alert("b")))
        line.restore()
        await _until_it_answers(store)
        answer = await store.accept(notification(alert("b")))
        await store.close()
    assert answer.outcome is Outcome.JOINED


async def _until_it_answers(store: PostgresStore) -> None:
    while True:
        with contextlib.suppress(TemporaryError):
            return await store.ping()


async def test_a_server_that_is_not_there_is_a_temporary_error(postgres_url: str) -> None:
    async with line_to(postgres_url) as (_, url):
        pass
    store = new_store(url)
    with pytest.raises(TemporaryError, match="PostgreSQL store"):
        await store.open()
    with pytest.raises(TemporaryError, match="not open"):
        await store.ping()


async def test_a_malformed_connection_string_is_not_shown() -> None:
    with pytest.raises(ConfigError) as caught:
        await new_store("postgresql://brain:s3cret@[::1/x y=z").open()
    assert "s3cret" not in str(caught.value)


async def test_a_newer_schema_is_refused(replicas: Replicas, postgres_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
        await connection.execute("UPDATE brain_schema SET version = 99")
    with pytest.raises(ConfigError, match="version 99"):
        await new_store(postgres_url).open()


async def test_missing_tables_are_a_permanent_error(replicas: Replicas, postgres_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(postgres_url) as connection:
        await connection.execute("DROP TABLE brain_audit")
    with pytest.raises(PermanentError, match="brain_audit"):
        await replicas[0].read_audit()
    await replicas[0].ping()
