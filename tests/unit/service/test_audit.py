"""The audit log of one writer: an entry in the store first, then its digest in the anchor file."""

from __future__ import annotations

import logging
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from brain_common.clock import ManualClock
from brain_common.errors import ConfigError, InputError, TemporaryError
from brain_rca.audit import AuditLog, AuditReport, check_audit
from brain_rca.store.audit import heads, parse_anchors
from brain_rca.store.protocol import Store
from brain_rca.store.sqlite import SqliteStore

pytestmark = pytest.mark.anyio
T0 = 1_700_000_000.0


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    kept = SqliteStore(tmp_path / "brain.sqlite", 0.0, ManualClock(T0))
    await kept.open()
    yield kept
    await kept.close()


@pytest.fixture
def anchors(tmp_path: Path) -> Path:
    return tmp_path / "anchors"


def log(store: Store, anchors: Path | None, writer: str = "a") -> AuditLog:
    return AuditLog(store, writer, ManualClock(T0), anchors)


async def test_an_entry_says_who_what_and_when(store: Store) -> None:
    await log(store, None).record("analysed", "0011", {"first": "lab/shop/service/cart"})
    [entry] = await store.read_audit()
    assert (entry.writer, entry.sequence, entry.at, entry.actor) == ("a", 1, T0, "brain-rca")
    assert (entry.action, entry.incident_id) == ("analysed", "0011")
    assert entry.detail == {"first": "lab/shop/service/cart"}


async def test_each_entry_is_anchored_outside_and_in_the_log(
    store: Store, anchors: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "brain_rca.audit")
    for writer in ("a", "b", "a"):
        await log(store, anchors, writer).record("analysed", "0011", {})
    kept = parse_anchors(anchors.read_text())
    assert [(anchor.writer, anchor.sequence) for anchor in kept] == [("a", 1), ("b", 1), ("a", 2)]
    assert kept[1:] == sorted(heads(await store.read_audit()), key=lambda anchor: -ord(anchor.writer))
    assert all(anchor.digest in caplog.text for anchor in kept)
    assert stat.S_IMODE(anchors.stat().st_mode) == 0o600
    assert await check_audit(store, anchors) == AuditReport([], 3, 2, 3)


async def test_what_is_in_the_anchor_file_already_stays(store: Store, anchors: Path) -> None:
    await log(store, anchors).record("analysed", "0011", {})
    before = anchors.read_text()
    await log(store, anchors).record("analysed", "0011", {})
    assert anchors.read_text().startswith(before)


@pytest.mark.parametrize("place", ["gone/anchors", "."])
async def test_an_anchor_file_that_cannot_be_written_is_told_and_the_entry_is_kept(
    store: Store, tmp_path: Path, place: str
) -> None:
    path = tmp_path / place
    with pytest.raises(TemporaryError, match=r"audit\.anchor_file .*: cannot be written: "):
        await log(store, path).record("analysed", "0011", {})
    assert len(await store.read_audit()) == 1


async def test_what_is_not_in_the_store_is_not_anchored(store: Store, anchors: Path) -> None:
    await store.close()
    with pytest.raises(TemporaryError):
        await log(store, anchors).record("analysed", "0011", {})
    assert not anchors.exists()


async def test_an_empty_log_is_intact(store: Store) -> None:
    assert await check_audit(store, None) == AuditReport([], 0, 0, 0)


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (None, ConfigError, "cannot be read: No such file"),
        (b"\xff", ConfigError, "is no text"),
        (b"{}\n", InputError, "anchors, line 1: "),
    ],
)
async def test_anchors_that_cannot_be_read_are_told(
    store: Store, anchors: Path, content: bytes | None, error: type[Exception], message: str
) -> None:
    if content is not None:
        anchors.write_bytes(content)
    with pytest.raises(error, match=message):
        await check_audit(store, anchors)
