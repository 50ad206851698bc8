"""Both stores, each on an empty database of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from brain_common.clock import ManualClock
from brain_rca.store.postgres import PostgresStore
from brain_rca.store.protocol import Store
from brain_rca.store.sqlite import SqliteStore
from tests.contract.store.samples import COOLDOWN, T0

StoreFactory = Callable[[], Store]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


@pytest.fixture(params=["sqlite", "postgres"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> StoreFactory:
    """Makes stores, not yet open, that all stand for the same database."""
    if request.param == "sqlite":
        return lambda: SqliteStore(tmp_path / "brain.db", COOLDOWN, clock)
    url = request.getfixturevalue("postgres_url")
    return lambda: PostgresStore(url, COOLDOWN, clock)


@pytest.fixture
async def store(new_store: StoreFactory) -> AsyncIterator[Store]:
    store = new_store()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        await store.open()
        yield store


@pytest.fixture
async def replicas(postgres_url: str, clock: ManualClock) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    """Two replicas on one database."""
    first, second = (PostgresStore(postgres_url, COOLDOWN, clock) for _ in range(2))
    async with AsyncExitStack() as stack:
        for replica in (first, second):
            stack.push_async_callback(replica.close)
            await replica.open()
        yield first, second
