"""SQL about one window of one table, by DuckDB.

Delta's log says which files a window can be in; DuckDB gets that list instead of the whole table. The Delta
extension of DuckDB would be downloaded at run time, which an air-gapped cluster cannot, and so would the one that
reads S3. So the files of a bucket come through deltalake, already filtered, as a stream of Arrow batches and with the
same credentials as everything else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from glob import escape
from pathlib import Path
from threading import Lock
from typing import Any, Final

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from brain_common.errors import TemporaryError
from brain_lake.foreign import is_gone, translated
from brain_lake.location import LakeLocation
from brain_lake.pruning import Window, of_files
from brain_lake.schemas import PARTITIONS, TableSchema
from brain_lake.tables import OpenTables

# ``nothing`` is empty, but has all columns: what older files lack is null, and without any file the answer is empty.
_ASKED: Final = """
WITH asked AS (
    SELECT * REPLACE (coalesce(cluster, '') AS cluster)
    FROM (SELECT * FROM nothing{files})
    WHERE {conditions}
)
{query}
"""
# The cluster is in the name of the file; a folder of the lake's own path may look like a partition, too.
_LOCAL: Final = r"""(
    SELECT *, url_decode(regexp_extract(filename, '/cluster=([^/]*)/date=[^/]*/hour=[^/]*/[^/]*$', 1)) AS cluster
    FROM read_parquet($files, hive_partitioning = false, filename = true, union_by_name = true)
)"""
DATABASE: Final[Mapping[str, bool]] = {"autoinstall_known_extensions": False, "autoload_known_extensions": False}
_NOTHING: Final[Mapping[str, Any]] = {}


class WindowQueries:
    """Asks the tables of one lake; may be used by several threads."""

    def __init__(self, location: LakeLocation, threads: int | None = None) -> None:
        self._folder = location.folder
        self._tables = OpenTables(location)
        self._threads = threads or min(len(os.sched_getaffinity(0)), 4)
        self._lock = Lock()
        self._database: duckdb.DuckDBPyConnection | None = None

    def run(
        self,
        schema: TableSchema,
        query: str,
        window: Window,
        columns: Sequence[str] = (),
        parameters: Mapping[str, Any] = _NOTHING,
    ) -> pa.Table:
        """What ``query`` says of ``asked``: the rows of a window.

        Args:
            schema: Which table.
            query: A SELECT from ``asked``.
            window: Which rows.
            columns: That the query needs; all when left out.
            parameters: By their names in the query.

        Raises:
            InputError: The window is none, or asks for a column that is not there.
            TemporaryError: The table cannot be read now.
            PermanentError: It cannot be read until somebody changes something.
        """
        needed = {*(columns or schema.columns.names), "timestamp", "cluster", *window.checked(schema).where}
        asked = pa.schema([field for field in schema.columns if field.name in needed])
        try:
            return self._once(schema, query, window, asked, parameters)
        except TemporaryError as error:
            if not is_gone(error):
                raise
        with self._tables.lock:
            self._tables.forget(schema)  # the table was made anew, or a file is kept for less long than a query takes
        return self._once(schema, query, window, asked, parameters)

    def _once(
        self, schema: TableSchema, query: str, window: Window, asked: pa.Schema, parameters: Mapping[str, Any]
    ) -> pa.Table:
        values = {"from": window.start, "until": window.end, **parameters}
        conditions = ["timestamp >= to_timestamp($from)", "timestamp < to_timestamp($until)"]
        for number, (name, value) in enumerate(window.where.items()):
            conditions.append(f"{name} = $where{number}")
            values[f"where{number}"] = value
        with translated(schema), self._cursor() as cursor:
            cursor.register("nothing", asked.empty_table())
            files = self._files(schema, window, asked, cursor, values)
            text = _ASKED.format(files=files, conditions=" AND ".join(conditions), query=query)
            return cursor.sql(text, params=values).to_arrow_table()

    def _files(
        self,
        schema: TableSchema,
        window: Window,
        asked: pa.Schema,
        cursor: duckdb.DuckDBPyConnection,
        values: dict[str, Any],
    ) -> str:
        """The rest of the FROM clause; what it needs is put into ``cursor`` and ``values``."""
        with self._tables.lock:
            table = self._tables.newest(schema)
            if table is None:
                return ""
            there = {field.name for field in table.schema().fields}
            columns = [name for name in asked.names if name in there]
            known = {name: value for name, value in window.where.items() if name in there}
            predicate = of_files(replace(window, where=known))
            if self._folder is None:
                cursor.register("streamed", table.scan(columns=columns, predicate=predicate))
                source = "streamed"
            else:
                files = _paths(table, self._folder / schema.name, predicate)
                if not files:
                    return ""
                values["files"], source = files, _LOCAL
        return f" UNION ALL BY NAME SELECT {', '.join(columns)} FROM {source}"  # noqa: S608 - names of the schema

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection of its own to one database that stays: making one costs more than most queries."""
        with self._lock:
            if self._database is None:
                self._database = duckdb.connect(config={**DATABASE, "threads": self._threads})
            cursor = self._database.cursor()
        try:
            cursor.execute("SET TimeZone = 'UTC'")
            yield cursor
        finally:
            cursor.close()


def _paths(table: DeltaTable, folder: Path, predicate: str) -> list[str]:
    """Files on disk: of a URI the folder's own part is percent-encoded, the rest is not; and DuckDB takes patterns."""
    uris = table.file_uris(file_pruning_predicate=predicate)
    return [escape(str(folder.joinpath(*uri.split("/")[-len(PARTITIONS) - 1 :]))) for uri in uris]
