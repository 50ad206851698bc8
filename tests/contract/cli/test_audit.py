"""``brain audit verify``: says whether the log is as it was written, and whether its end is still there."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from brain_common.clock import ManualClock
from brain_rca.audit import AuditLog
from brain_rca.store.sqlite import SqliteStore
from tests.contract.cli.conftest import Brain, one_line

ENTRIES = 4


class Log:
    """A store whose log of two writers has been written and closed, and the configuration that names it."""

    def __init__(self, folder: Path, *, anchored: bool) -> None:
        self.store = folder / "incidents.sqlite"
        self.anchors = folder / "anchors"
        self.config = folder / "rca.yaml"
        data = {"store": {"sqlite": str(self.store)}, "evidence": {"lake": {"path": str(folder)}}}
        if anchored:
            data["audit"] = {"anchor_file": str(self.anchors)}
        self.config.write_text(yaml.safe_dump(data))
        asyncio.run(self._write(anchored=anchored))

    async def _write(self, *, anchored: bool) -> None:
        clock = ManualClock(1_700_000_000.0)
        store = SqliteStore(self.store, 0.0, clock)
        await store.open()
        for writer in ("a", "b"):
            log = AuditLog(store, writer, clock, self.anchors if anchored else None)
            for number in range(ENTRIES // 2):
                await log.record("analysed", f"incident-{number}", {"first": "lab/shop/service/cart"})
        await store.close()

    def change(self, statement: str) -> None:
        with closing(sqlite3.connect(self.store)) as connection:
            assert connection.execute(statement).rowcount > 0
            connection.commit()


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path, anchored=True)


def test_an_intact_log_is_said_to_be(brain: Brain, log: Log) -> None:
    result = brain("audit", "verify", "--config", log.config)
    assert (result.code, result.err) == (0, "")
    assert result.out == f"intact: {ENTRIES} entries of 2 writers, {ENTRIES} anchors\n"


def test_without_anchors_it_says_what_would_not_show(brain: Brain, tmp_path: Path) -> None:
    log = Log(tmp_path, anchored=False)
    log.change("DELETE FROM brain_audit WHERE sequence = 2")
    result = brain("audit", "verify", "--config", log.config)
    assert result.code == 0
    assert result.out == "intact: 2 entries of 2 writers, no anchor file: a cut-off end would not show\n"


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM brain_audit WHERE sequence = 2", "b entry 2: the anchored entry is missing: the log was cut off"),
        ("DELETE FROM brain_audit WHERE sequence = 1", "a entry 2: expected entry 1 here: entries are missing"),
        ("DELETE FROM brain_audit", "a entry 1: the anchored entry is missing"),
    ],
)
def test_a_log_of_which_something_is_gone_is_told_entry_by_entry(
    brain: Brain, log: Log, statement: str, problem: str
) -> None:
    log.change(statement)
    result = brain("audit", "verify", "--config", log.config)
    assert (result.code, result.out) == (1, "")
    assert problem in result.err


def test_an_edited_entry_is_told(brain: Brain, log: Log) -> None:
    edited = "CAST(replace(CAST(entry AS TEXT), 'service/cart', 'service/front') AS BLOB)"
    log.change(f"UPDATE brain_audit SET entry = {edited} WHERE sequence = 1")
    result = brain("audit", "verify", "--config", log.config)
    assert result.code == 1
    assert "a entry 1: the content does not match its digest: the entry was edited" in result.err.splitlines()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "audit.anchor_file .*anchors: cannot be read: No such file"),
        (b"nonsense\n", "anchors, line 1: "),
        (b"\xff\xfe", "audit.anchor_file .*anchors: is no text"),
    ],
)
def test_an_anchor_file_that_cannot_be_read_is_one_line(
    brain: Brain, log: Log, content: bytes | None, message: str
) -> None:
    log.anchors.unlink()
    if content is not None:
        log.anchors.write_bytes(content)
    assert re.search(message, one_line(brain("audit", "verify", "--config", log.config)))


def test_a_store_that_is_not_there_is_told_and_not_made(brain: Brain, log: Log) -> None:
    for file in log.store.parent.glob("incidents.sqlite*"):
        file.unlink()
    assert one_line(brain("audit", "verify", "--config", log.config)) == f"store.sqlite {log.store}: no such file"
    assert not log.store.exists()


def test_a_store_that_is_in_use_is_told(brain: Brain, log: Log) -> None:
    async def while_it_is_open() -> str:
        store = SqliteStore(log.store, 0.0, ManualClock(0.0))
        await store.open()
        try:
            return one_line(await asyncio.to_thread(brain, "audit", "verify", "--config", log.config))
        finally:
            await store.close()

    assert str(log.store) in asyncio.run(while_it_is_open())


def test_a_file_that_is_no_store_is_told(brain: Brain, log: Log) -> None:
    log.store.write_bytes(b"no database at all" * 100)
    assert str(log.store) in one_line(brain("audit", "verify", "--config", log.config))
