"""Compaction, retention, vacuum and checkpoints of one lake, each at any time and by any number of processes.

Every step is one commit of Delta's that replaces files by others, or takes them out of the table, so a reader sees the
table before it or after it. Whoever changes the same hour at the same time, be it a late event or another process that
does the same, makes the step fail: that is counted and left to the next round. Appends never fail for it. Only
``vacuum`` removes files, and only those that the table has not had for hours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake

from brain_common.clock import Clock, SystemClock
from brain_lake.config import UpkeepSettings
from brain_lake.foreign import ConflictError, translated
from brain_lake.location import LakeLocation
from brain_lake.pruning import is_cluster, quoted
from brain_lake.queries import DATABASE
from brain_lake.schemas import PARTITIONS, TableSchema
from brain_lake.tables import OpenTables
from brain_lake.writer import FILE_PROPERTIES, ROW_GROUP

LARGE_FILE: Final = 128 << 20
"""Bytes that a compacted file has at most, roughly; one of half the size is left alone."""
SORT_MEMORY: Final = "384MiB"
"""Of DuckDB while an hour is sorted; an hour may be larger."""

_NEVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Partition:
    """An hour of a cluster.

    Attributes:
        cluster: Its name; empty where there is only one.
        date: YYYY-MM-DD, UTC.
        hour: 0 to 23, UTC.
        files: How many there are.
        small: How many of them compaction would join.
        size: Bytes of all.
    """

    cluster: str
    date: str
    hour: int
    files: int
    small: int
    size: int

    @property
    def ended(self) -> datetime:
        """When the hour was over."""
        try:
            return datetime.fromisoformat(self.date).replace(tzinfo=UTC) + timedelta(hours=self.hour + 1)
        except (ValueError, OverflowError):  # another writer's; nothing that is to be waited for
            return _NEVER


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did to one table."""

    table: str
    partitions: int = 0
    files_before: int = 0
    files_after: int = 0
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class Retained:
    """What retention did to one table."""

    table: str
    before: str  # dates before this one are deleted, YYYY-MM-DD
    partitions: int = 0
    files: int = 0
    size: int = 0
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """What a vacuum did to one table."""

    table: str
    files: int = 0
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class TableStatus:
    """How a table is.

    Attributes:
        table: Its name.
        version: Of the last commit.
        rows: All of them; None where the log does not say.
        files: Of the current version.
        size: Bytes of them.
        partitions: Hours of clusters.
        open_partitions: How many of them compaction would touch.
        first: Oldest date.
        last: Youngest date.
    """

    table: str
    version: int
    rows: int | None
    files: int
    size: int
    partitions: int
    open_partitions: int
    first: str
    last: str


class Maintenance:
    """Keeps the tables of one lake quick and small; blocking, so called in a thread.

    Every method takes one table and answers None where nobody has written it yet. Raises ``TemporaryError`` or
    ``PermanentError`` as ``LakeReader`` does.

    Args:
        location: Which lake.
        settings: What is old, and what is over.
        clock: Says what time it is.
    """

    def __init__(self, location: LakeLocation, settings: UpkeepSettings, clock: Clock | None = None) -> None:
        self._location = location
        self._settings = settings
        self._clock = clock or SystemClock()
        self._tables = OpenTables(location)

    def status(self, schema: TableSchema) -> TableStatus | None:
        """How a table is."""
        with translated(schema), self._tables.lock:
            table = self._tables.newest(schema)
            if table is None:
                return None
            files = _files(table)
            parts = list(_partitions(files))
            counts = files.column("num_records").to_pylist()
            return TableStatus(
                table=schema.name,
                version=table.version(),
                rows=None if None in counts else sum(counts),
                files=files.num_rows,
                size=sum(part.size for part in parts),
                partitions=len(parts),
                open_partitions=len(self._due(parts, every=True)),
                first=min((part.date for part in parts), default=""),
                last=max((part.date for part in parts), default=""),
            )

    def compact(self, schema: TableSchema, *, every: bool = False) -> Compacted | None:
        """Join the small files of each hour that is over, ordered by entity.

        Args:
            schema: Which table.
            every: Also of hours that are older than ``compact_days``.
        """
        with translated(schema), self._tables.lock:
            table = self._tables.newest(schema)
            if table is None:
                return None
            due = self._due(list(_partitions(_files(table))), every=every)
        done, before, after, conflicts = 0, 0, 0, 0
        for part in due:
            try:
                files, joined = self._join(schema, part)
            except ConflictError:
                conflicts += 1
                continue
            done, before, after = done + bool(files), before + files, after + joined
        return Compacted(schema.name, done, before, after, conflicts)

    def retain(self, schema: TableSchema, *, dry_run: bool = False) -> Retained | None:
        """Take whole dates out of the table that are older than its retention; their files stay until a vacuum."""
        days = self._settings.days_of(schema.name)
        before = (self._now() - timedelta(days=days)).date().isoformat()
        with translated(schema), self._tables.lock:
            table = self._tables.newest(schema)
            if table is None:
                return None
            old = [part for part in _partitions(_files(table)) if part.date < before]
            if old and not dry_run:
                try:
                    with translated(schema):
                        table.delete(f"date < {quoted(before)}")
                except ConflictError:
                    self._tables.forget(schema)
                    return Retained(schema.name, before, conflicts=1)
        files, size = sum(part.files for part in old), sum(part.size for part in old)
        return Retained(schema.name, before, len(old), files, size)

    def vacuum(self, schema: TableSchema, *, dry_run: bool = False) -> Vacuumed | None:
        """Remove files that the table has not had for ``keep_files_hours``, among them those of writers that died."""
        hours = max(round(self._settings.keep_files_hours), 1)
        with translated(schema), self._tables.lock:
            table = self._tables.newest(schema)
            if table is None:
                return None
            try:
                with translated(schema):
                    files = table.vacuum(hours, dry_run=dry_run, enforce_retention_duration=False, full=True)
            except ConflictError:
                self._tables.forget(schema)
                return Vacuumed(schema.name, conflicts=1)
        if self._location.folder is not None and not dry_run:
            _remove_empty(self._location.folder / schema.name, before=self._now().timestamp() - hours * 3600)
        return Vacuumed(schema.name, len(files))

    def checkpoint(self, schema: TableSchema) -> bool:
        """Sum up the log, and delete the parts of it that are older than a day; False where there is no table."""
        with translated(schema), self._tables.lock:
            table = self._tables.newest(schema)
            if table is None:
                return False
            table.create_checkpoint()
            table.cleanup_metadata()
            return True

    def _join(self, schema: TableSchema, part: Partition) -> tuple[int, int]:
        """Files before and after.

        deltalake's own optimize does not notice that another one has taken the same files meanwhile, and then has all
        rows twice. So the hour is overwritten with itself, which is refused whenever anything of it has changed since.
        """
        hour = f"date = {quoted(part.date)} AND hour = {part.hour} AND {is_cluster(part.cluster)}"
        with self._tables.lock, translated(schema), _database() as database:
            table = self._tables.newest(schema)
            if table is None:
                return 0, 0
            before = len(table.file_uris(file_pruning_predicate=hour))
            if before < 2:  # another process was quicker
                return 0, 0
            database.register("rows", table.scan(predicate=hour))
            ordered = database.sql(f"FROM rows ORDER BY {', '.join(schema.sort_by)}")
            try:
                write_deltalake(
                    table,
                    ordered.to_arrow_reader(ROW_GROUP),
                    mode="overwrite",
                    predicate=hour,
                    partition_by=list(PARTITIONS),
                    target_file_size=LARGE_FILE,
                    writer_properties=FILE_PROPERTIES,
                )
            except BaseException:
                self._tables.forget(schema)
                raise
            return before, len(table.file_uris(file_pruning_predicate=hour))

    def _due(self, parts: Sequence[Partition], *, every: bool) -> list[Partition]:
        """Those worth the work, oldest first."""
        now = self._now()
        closed = now - timedelta(seconds=self._settings.closed_after_seconds)
        young = _NEVER if every else now - timedelta(days=self._settings.compact_days)
        due = [part for part in parts if part.small >= 2 and young <= part.ended <= closed]
        return sorted(due, key=lambda part: (part.date, part.hour, part.cluster))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now(), UTC)


@contextmanager
def _database() -> Iterator[duckdb.DuckDBPyConnection]:
    """For one sort: what does not fit into its share of memory goes into a temporary folder."""
    with TemporaryDirectory(prefix="brain-lake-") as folder, duckdb.connect(config=dict(DATABASE)) as database:
        database.execute("SET TimeZone = 'UTC'")
        database.execute(f"SET memory_limit = '{SORT_MEMORY}'")
        database.execute("SET temp_directory = $folder", {"folder": folder})
        yield database


def _files(table: DeltaTable) -> pa.Table:
    return pa.table(table.get_add_actions(flatten=True))


def _partitions(files: pa.Table) -> Iterator[Partition]:
    sizes: dict[tuple[str, str, int], list[int]] = defaultdict(list)
    columns: list[list[Any]] = [
        files.column(name).to_pylist()
        for name in ("partition.cluster", "partition.date", "partition.hour", "size_bytes")
    ]
    for cluster, date, hour, size in zip(*columns, strict=True):
        sizes[cluster or "", date or "", int(hour or 0)].append(size)
    for (cluster, date, hour), each in sizes.items():
        small = sum(size < LARGE_FILE // 2 for size in each)
        yield Partition(cluster, date, hour, len(each), small, sum(each))


def _remove_empty(folder: Path, before: float) -> None:
    """Folders of hours, dates and clusters that nothing is in any more; a writer that needs one makes it again."""
    for path in sorted(folder.glob("cluster=*/**/"), key=lambda path: -len(path.parts)):
        try:
            if path.stat().st_mtime < before:
                path.rmdir()
        except OSError:  # not empty, or somebody else was quicker
            continue
