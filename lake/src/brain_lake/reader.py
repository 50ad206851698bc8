"""Reading windows of the lake with DuckDB.

Delta's log says which files a window can be in; DuckDB gets that list instead of the whole table. The Delta
extension of DuckDB would be downloaded at run time, which an air-gapped cluster cannot.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from glob import escape
from pathlib import Path

import duckdb
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError, TableNotFoundError

from brain_common.errors import TemporaryError
from brain_lake.schemas import EDGES, EVENTS, METRICS, PARTITIONS, TableSchema

_METRICS = """
SELECT epoch(time_bucket(to_microseconds($step), timestamp, to_timestamp($start))) AS at,
       coalesce(cluster, '') AS cluster, namespace, kind, name, signal, avg(value) AS value
FROM read_parquet($files, hive_partitioning = true, hive_types_autocast = false)
WHERE timestamp >= to_timestamp($start) AND timestamp < to_timestamp($end)
GROUP BY ALL ORDER BY ALL
"""
_EDGES = """
SELECT DISTINCT dependent, dependency, edge_kind
FROM read_parquet($files, hive_partitioning = true, hive_types_autocast = false)
WHERE timestamp >= to_timestamp($start) AND timestamp < to_timestamp($end)
ORDER BY ALL
"""
_EVENTS = """
SELECT epoch(timestamp) AS at, coalesce(cluster, '') AS cluster, namespace, kind, name, type, reason, message, actor
FROM (FROM read_parquet($files, hive_partitioning = true, hive_types_autocast = false)
      WHERE timestamp >= to_timestamp($start) AND timestamp < to_timestamp($end)
      ORDER BY timestamp DESC, namespace, kind, name, reason, message LIMIT 1000)
ORDER BY ALL
"""

_TOTALS = """
SELECT event_uid, max(total) AS total
FROM read_parquet($files, hive_partitioning = true, hive_types_autocast = false)
WHERE timestamp >= to_timestamp($start) AND timestamp < to_timestamp($end) AND event_uid IS NOT NULL
GROUP BY event_uid
"""


class LakeReader:
    """Reads tables below one folder; blocking, so called in a thread. Times are seconds since the epoch.

    Every method raises ``TemporaryError`` when the table cannot be read; a table nobody has written yet is empty.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def metrics(self, start: float, end: float, step: float) -> pa.Table:
        """Mean per ``step`` seconds: at, cluster, namespace, kind, name, signal, value."""
        return self._query(METRICS, _METRICS, start, end, {"step": int(step * 1e6)})

    def edges(self, start: float, end: float) -> pa.Table:
        """Distinct dependencies seen: dependent, dependency, edge_kind."""
        return self._query(EDGES, _EDGES, start, end, {})

    def events(self, start: float, end: float) -> pa.Table:
        """The latest 1,000 events, oldest first: at, cluster, namespace, kind, name, type, reason, message, actor."""
        return self._query(EVENTS, _EVENTS, start, end, {})

    def event_totals(self, start: float, end: float) -> dict[str, int]:
        """By uid of a Kubernetes event seen in the window: how many of its happenings the lake has."""
        table = self._query(EVENTS, _TOTALS, start, end, {})
        if not table.num_columns:
            return {}
        uids, totals = table.column("event_uid").to_pylist(), table.column("total").to_pylist()
        return dict(zip(uids, totals, strict=True))

    def _query(self, schema: TableSchema, query: str, start: float, end: float, more: dict[str, int]) -> pa.Table:
        files = self._files(schema, start, end)
        if not files:
            return pa.table({})
        try:
            with duckdb.connect() as connection:
                connection.execute("SET TimeZone = 'UTC'")
                parameters = {"files": files, "start": start, "end": end, **more}
                return connection.sql(query, params=parameters).to_arrow_table()
        except (duckdb.Error, OSError) as error:
            raise TemporaryError(f"lake table {schema.name}: {error}") from error

    def _files(self, schema: TableSchema, start: float, end: float) -> list[str]:
        """Files of the dates that the window touches."""
        path = self._root / schema.name
        try:
            table = DeltaTable(str(path))
        except TableNotFoundError:
            return []
        except (DeltaError, OSError, ValueError) as error:  # ValueError: a log that is not as it should be
            raise TemporaryError(f"lake table {schema.name}: {str(error).splitlines()[0]}") from error
        # The folder's own part comes percent-encoded, the rest as it is on disk; and DuckDB takes patterns.
        uris = table.file_uris(file_pruning_predicate=[("date", "in", _dates(start, end))])
        return [escape(str(path.joinpath(*uri.split("/")[-len(PARTITIONS) - 1 :]))) for uri in uris]


def _dates(start: float, end: float) -> list[str]:
    first, last = (datetime.fromtimestamp(at, UTC).date() for at in (start, end))
    return [(first + timedelta(days=day)).isoformat() for day in range((last - first).days + 1)]
