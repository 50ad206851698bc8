"""What the process beside the worker reads from the lake, by the name of the snapshot.

The worker imports this module for the rows alone, so what is large is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

if TYPE_CHECKING:
    from brain_lake.reader import LakeReader

CHANGES: Final = "changes"
MOST_CHANGES: Final = 20_000  # states of changes that one reading looks at: the newest
# They prepare a change; what runs is still as it was.
_CHANGES_NOTHING: Final = frozenset({"pipeline", "plan", "push", "merge", "release"})
_COLUMNS: Final = (
    "timestamp",
    "cluster",
    "namespace",
    "kind",
    "name",
    "source",
    "change_id",
    "change_kind",
    "actor",
)


class Read(Protocol):
    """Reads one snapshot; blocking, and safe to be called again at any time."""

    def __call__(self, reader: LakeReader, start: float, end: float) -> Sequence[msgspec.Struct]:
        """Rows of ``start`` to ``end``, in seconds since the epoch; bounded in number.

        Raises:
            TemporaryError: The lake cannot be read now.
            PermanentError: Somebody has to change something first.
        """
        ...


class ChangeRow(msgspec.Struct, frozen=True, array_like=True):
    """The newest change of one entity.

    Attributes:
        cluster: Of the entity; empty where there is only one.
        namespace: Of the entity; empty for what has none.
        kind: Of the entity.
        name: Of the entity.
        at: Seconds since the epoch: when it ended, or began where it has not ended.
        change_id: With the source it names the change: ``source:id``.
        change_kind: ``rollout``, ``config``, ``sync``, …
        actor: Who did it; empty where nobody is known.
    """

    cluster: str
    namespace: str
    kind: str
    name: str
    at: float
    change_id: str
    change_kind: str
    actor: str


def read_changes(reader: LakeReader, start: float, end: float) -> list[ChangeRow]:
    """The newest change of each entity, as ``Read``; of the newest 20,000 states of changes."""
    from brain_lake.schemas import CHANGES as TABLE

    found = reader.rows(TABLE, start, end, columns=_COLUMNS, limit=MOST_CHANGES)
    latest: dict[tuple[str, ...], ChangeRow] = {}
    for row in found.to_pylist():  # oldest first: what comes later is newer
        if row["change_kind"] not in _CHANGES_NOTHING:
            change = _change(row)
            latest[change.cluster, change.namespace, change.kind, change.name] = change
    return list(latest.values())


def _change(row: Mapping[str, Any]) -> ChangeRow:
    return ChangeRow(
        cluster=row["cluster"],
        namespace=row["namespace"],
        kind=row["kind"],
        name=row["name"],
        at=row["timestamp"].timestamp(),
        change_id=f"{row['source']}:{row['change_id']}",
        change_kind=row["change_kind"],
        actor=row["actor"],
    )


READS: Final[Mapping[str, Read]] = {CHANGES: read_changes}
