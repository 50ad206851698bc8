"""All changes as JSON lines of one shape, for people and the lab's own reports."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from brain_lab.emit.json_files import write_lines
from brain_lab.emit.records import Change
from brain_lab.emit.stamps import rfc3339_millis

FILE: Final = "changes.jsonl"


def write_changes(changes: Iterable[Change], folder: Path) -> Path:
    """Write `changes.jsonl` in order of time; returns its path."""
    return write_lines(folder / FILE, (_document(change) for change in sorted(changes, key=lambda one: one.start)))


def _document(change: Change) -> dict[str, object]:
    return {
        "start": rfc3339_millis(change.start),
        "end": rfc3339_millis(change.end),
        "kind": change.kind.value,
        "actor": change.actor,
        "target": change.target,
        "namespace": change.namespace,
        "succeeded": change.succeeded,
        "summary": change.summary,
        "revision": change.revision,
        "affected": list(change.affected),
        "details": dict(change.details),
    }
