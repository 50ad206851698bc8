"""What a table is, and the columns that all of them share.

What a column means and its unit are kept with the column, so that docs/lake.md is generated and cannot drift.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pyarrow as pa

PARTITIONS: Final = ("cluster", "date", "hour")
_MEANING, _UNIT = b"meaning", b"unit"


def column(name: str, kind: pa.DataType, meaning: str, *, unit: str = "", nullable: bool = False) -> pa.Field:
    """A column that says what it is.

    Args:
        name: Of the column.
        kind: Its type.
        meaning: One phrase, for docs/lake.md.
        unit: Of numbers and times.
        nullable: A writer may leave it out. What is added later has to be: older tables lack it.
    """
    return pa.field(name, kind, nullable=nullable, metadata={_MEANING: meaning.encode(), _UNIT: unit.encode()})


def text(name: str, meaning: str, *, nullable: bool = False) -> pa.Field:
    """A column of text."""
    return column(name, pa.string(), meaning, nullable=nullable)


def moment(name: str, meaning: str, *, nullable: bool = False) -> pa.Field:
    """A column of times."""
    return column(name, pa.timestamp("us", tz="UTC"), meaning, unit="µs since the epoch, UTC", nullable=nullable)


def at(meaning: str) -> pa.Field:
    """The column ``timestamp``, by which every table is partitioned and asked."""
    return moment("timestamp", meaning)


CLUSTER: Final = text("cluster", "name of the cluster; empty where there is only one")
ENTITY: Final = (
    CLUSTER,
    text("namespace", "Kubernetes namespace; empty for what has none"),
    text("kind", "`service`, `workload`, `pod`, `node`, `database`, `topic` or `cloud-resource`"),
    text("name", "name within cluster, namespace and kind"),
)
_DERIVED: Final = (
    text("date", "of `timestamp`, YYYY-MM-DD; added by the writer"),
    column("hour", pa.int32(), "of `timestamp`, 0 to 23; added by the writer", unit="hours, UTC"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the documentation shows it."""

    name: str
    kind: str
    unit: str
    meaning: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One table.

    Attributes:
        name: Folder below the lake's root.
        columns: What a writer gives, all but the nullable ones; ``date`` and ``hour`` are added.
        about: What a row is, and what makes two rows the same.
        sort_by: Order of the rows in a file, so that most of it is skipped when one thing is asked for; a compacted
            file is ordered by the first.
    """

    name: str
    columns: pa.Schema
    about: str = ""
    sort_by: tuple[str, ...] = ("name", "namespace", "timestamp")

    @property
    def stored(self) -> pa.Schema:
        """With the derived partition columns, and without what is only for people.

        Delta keeps an empty partition value as null, so the column has to allow it; readers make it empty again.
        """
        columns = [field.with_nullable(True) if field.name == "cluster" else field for field in self.columns]
        return pa.schema([field.remove_metadata() for field in (*columns, *_DERIVED)])

    def described(self) -> Iterator[Column]:
        """Every column that is stored, with what it means."""
        for field in (*self.columns, *_DERIVED):
            about = field.metadata or {}
            meaning, unit = (about.get(key, b"").decode() for key in (_MEANING, _UNIT))
            yield Column(field.name, _kind(field.type), unit, meaning, field.nullable)


def _kind(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"list of {_kind(kind.value_type)}"
    return "timestamp" if pa.types.is_timestamp(kind) else str(kind)
