"""What only the store in a file promises: nothing acknowledged is lost, and nobody else gets in."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from brain_common.clock import ManualClock
from brain_common.errors import ConfigError
from brain_rca.store.sqlite import SqliteStore
from tests.contract.store.samples import COOLDOWN, T0, analysis, notification

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
LEASE = 120.0
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "brain.db"


def new_store(path: Path) -> SqliteStore:
    return SqliteStore(path, COOLDOWN, ManualClock(T0))


def _fill_and_kill(path: Path, acknowledged: int) -> list[str]:
    """The ids for which the killed process had an answer."""
    command = [sys.executable, "-m", "tests.contract.store.crash_writer", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT, cwd=ROOT) as writer:
        assert writer.stdout is not None
        ids = [writer.stdout.readline().strip() for _ in range(acknowledged)]
        writer.kill()
        ids += [line.strip() for line in writer.stdout if line.endswith("\n")]
    return ids


@pytest.mark.parametrize("acknowledged", [1, 40, 150, 400])
async def test_what_was_acknowledged_survives_kill_9(path: Path, acknowledged: int) -> None:
    ids = _fill_and_kill(path, acknowledged)
    store = new_store(path)
    await store.open()
    try:
        found = [await store.get(name) for name in ids]
        due = (await store.depths(T0 + 1e6)).analyses
    finally:
        await store.close()
    assert len(ids) >= acknowledged
    assert None not in found
    assert due >= len(ids)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_full_disk_is_a_temporary_error_and_loses_nothing(path: Path) -> None:
    command = [sys.executable, "-m", "tests.contract.store.disk_full", str(path)]
    result = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, cwd=ROOT, check=False)

    assert result.returncode == 0, result.stderr
    acknowledged, kept, after = map(int, result.stdout.split())
    assert acknowledged > 0
    assert (kept, after) == (acknowledged, acknowledged + 1)


async def test_a_second_writer_is_refused_until_the_first_is_gone(path: Path) -> None:
    first, second = new_store(path), new_store(path)
    await first.open()
    with pytest.raises(ConfigError, match="in use by another process"):
        await second.open()
    await first.accept(notification())
    await first.close()

    await second.open()
    assert len(await second.list(limit=10)) == 1
    await second.close()


async def test_its_files_are_private(path: Path) -> None:
    store = new_store(path)
    await store.open()
    await store.accept(notification())
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    await store.close()

    assert set(modes) >= {"brain.db", "brain.db-wal", "brain.db.lock"}
    assert set(modes.values()) == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


async def test_a_file_that_is_no_database_is_a_configuration_error(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 1000)
    store = new_store(path)
    with pytest.raises(ConfigError, match="not a database"):
        await store.open()
    path.unlink()
    await store.open()
    await store.close()


async def test_a_folder_in_the_way_is_a_configuration_error(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"brain\.db"):
        await new_store(path).open()


async def test_a_newer_schema_is_refused(path: Path) -> None:
    store = new_store(path)
    await store.open()
    await store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE brain_schema SET version = 99")
    connection.close()

    with pytest.raises(ConfigError, match="version 99"):
        await new_store(path).open()


async def test_a_restart_frees_judgements_but_not_what_a_sink_may_still_be_told(path: Path) -> None:
    first, second = new_store(path), new_store(path)
    await first.open()
    await first.accept(notification())
    judged = await first.claim_analysis(T0, LEASE)
    assert judged is not None
    await first.finish_analysis(judged, analysis(), T0, ["grafana"], None)
    await first.accept(notification(key="another"))
    unfinished = await first.claim_analysis(T0, LEASE)
    told = await first.claim_delivery("grafana", T0, LEASE)
    assert unfinished is not None
    assert told is not None
    await first.close()

    await second.open()
    try:
        again = await second.claim_analysis(T0 + 1, LEASE)
        assert again is not None
        assert again.incident.id == unfinished.incident.id
        assert not await second.finish_analysis(unfinished, analysis(), T0 + 1, [], None)
        assert await second.claim_delivery("grafana", T0 + LEASE - 1, LEASE) is None
        assert await second.claim_delivery("grafana", T0 + LEASE, LEASE) is not None
    finally:
        await second.close()
