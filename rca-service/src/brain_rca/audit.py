"""Anchoring the audit log: the heads of its chains are written where the store's owner cannot rewrite them.

A hash chain shows edits, deletions and reordering, but not that its end was cut off. So the newest digest of this
writer is appended to a file outside (another volume, a write-once mount) and to the process's log;
``brain audit verify`` compares.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from brain_common.clock import Clock
from brain_common.errors import ConfigError, TemporaryError
from brain_rca.store.audit import Anchor, Problem, format_anchor, parse_anchors, verify
from brain_rca.store.protocol import AuditEntry, Store

_log = logging.getLogger("brain_rca.audit")


class AuditLog:
    """Appends decisions of one writer."""

    def __init__(self, store: Store, writer: str, clock: Clock, anchor_file: Path | None) -> None:
        self._store = store
        self._writer = writer
        self._clock = clock
        self._anchor_file = anchor_file

    async def record(self, action: str, incident_id: str, detail: Mapping[str, str], actor: str = "brain-rca") -> None:
        """Add an entry and anchor it; ``actor`` is the service itself, or the caller who decided.

        Raises:
            TemporaryError: The store is away, or the entry is there and could not be anchored.
        """
        entry = await self._store.append_audit(self._writer, self._clock.now(), actor, action, incident_id, detail)
        _log.info("audit head %s %d %s", entry.writer, entry.sequence, entry.digest)
        if self._anchor_file is not None:
            await asyncio.to_thread(_append, self._anchor_file, entry)


def _append(path: Path, entry: AuditEntry) -> None:
    anchor = Anchor(writer=entry.writer, sequence=entry.sequence, digest=entry.digest)
    try:
        _append_line(path, f"{format_anchor(anchor)}\n".encode())
    except OSError as error:
        raise TemporaryError(f"audit.anchor_file {path}: cannot be written: {error.strerror}") from error


def _append_line(path: Path, line: bytes) -> None:
    """Durable on return."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, line)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What ``brain audit verify`` found."""

    problems: Sequence[Problem]
    entries: int
    writers: int
    anchors: int


async def check_audit(store: Store, anchor_file: Path | None) -> AuditReport:
    """Check the whole log of a store, and the ends of its chains against the anchors.

    Raises:
        ConfigError: The anchor file cannot be read.
    """
    entries = await store.read_audit()
    anchors = await asyncio.to_thread(_read_anchors, anchor_file) if anchor_file else []
    return AuditReport(verify(entries, anchors), len(entries), len({entry.writer for entry in entries}), len(anchors))


def _read_anchors(path: Path) -> list[Anchor]:
    try:
        return parse_anchors(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"audit.anchor_file {path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"audit.anchor_file {path}: is no text") from error
