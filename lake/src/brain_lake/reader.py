"""Reading windows of the lake.

Who asks for evidence, for what happened to one entity, or for any table gets Arrow tables of bounded length. How the
rows are found is in ``queries.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from brain_common.errors import InputError
from brain_lake.location import LakeLocation
from brain_lake.pruning import Window
from brain_lake.queries import WindowQueries
from brain_lake.schemas import CHANGES, CLOUDTRAIL, COST, EDGES, EVENTS, LOGS, METRICS, SECURITY, TableSchema

MOST_ROWS: Final = 100_000
MOST_EVENTS: Final = 1000
_EVERYTHING: Final[Mapping[str, str]] = {}

_METRICS: Final = """
SELECT epoch(time_bucket(to_microseconds($step), timestamp, to_timestamp($start))) AS at,
       cluster, namespace, kind, name, signal, avg(value) AS value
FROM asked GROUP BY ALL ORDER BY ALL
"""
_EDGES: Final = """
SELECT dependent, dependency, edge_kind, epoch(min(timestamp)) AS first_seen, avg(rate) AS rate
FROM asked GROUP BY dependent, dependency, edge_kind ORDER BY ALL
"""
# Which of the rows of one moment are left out is decided by all columns, so that compaction does not change an answer.
_LATEST: Final = """
SELECT {chosen} FROM (FROM asked ORDER BY timestamp DESC, {order} LIMIT $limit) ORDER BY {order}
"""
_BUCKET: Final = "epoch(time_bucket(to_microseconds($step), timestamp, to_timestamp($start))) AS at"
_WARNINGS: Final = f"""
SELECT {_BUCKET}, cluster, namespace, kind, name, reason, sum(coalesce(count, 1))::DOUBLE AS hits
FROM asked WHERE type = 'Warning' GROUP BY ALL ORDER BY ALL LIMIT $limit
"""  # noqa: S608 - nothing of it comes from outside
_REFUSED: Final = f"""
SELECT {_BUCKET}, cluster, namespace, kind, name, principal_arn, service, operation, error_code,
       count(*)::DOUBLE AS hits
FROM asked WHERE error_code IS NOT NULL GROUP BY ALL ORDER BY ALL LIMIT $limit
"""  # noqa: S608 - nothing of it comes from outside
_FAILED: Final = f"""
SELECT {_BUCKET}, cluster, namespace, kind, name, source, change_kind, count(DISTINCT change_id)::DOUBLE AS hits
FROM asked WHERE result = 'failed' GROUP BY ALL ORDER BY ALL LIMIT $limit
"""  # noqa: S608 - nothing of it comes from outside
_WARNED: Final = ("timestamp", "cluster", "namespace", "kind", "name", "type", "reason", "count")
_TRIED: Final = (*_WARNED[:5], "source", "change_kind", "result", "change_id")
_CALLED: Final = (*_WARNED[:5], "principal_arn", "service", "operation", "error_code")
# As with the latest rows, all columns decide which of one moment are left out.
_LOGS: Final = """
SELECT epoch(timestamp) AS at, cluster, namespace, kind, name, severity_number, left(body, $characters) AS body
FROM asked WHERE list_contains($names, name) ORDER BY ALL LIMIT $limit
"""
_WRITERS: Final = "SELECT DISTINCT cluster, namespace, kind, name FROM asked ORDER BY ALL LIMIT $limit"
_LOGGED: Final = ("timestamp", "cluster", "namespace", "kind", "name", "severity_number", "body")
# A run that began within pipelines of two projects may be either's, and counts for none; one alone may be by chance.
_ENTITY: Final = "{'cluster': cluster, 'namespace': namespace, 'kind': kind, 'name': name}"
_WITHIN: Final = f"""
SELECT any_value(pipeline) AS pipeline, run, count(*) AS runs
FROM (
    SELECT any_value(outer_run.entity) AS pipeline, inner_run.entity AS run, inner_run.change_id
    FROM (
        SELECT {_ENTITY} AS entity, started_at AS begun, timestamp AS ended
        FROM asked WHERE change_kind = 'pipeline' AND started_at IS NOT NULL AND result <> 'started'
    ) AS outer_run
    JOIN (
        SELECT {_ENTITY} AS entity, change_id, min(coalesce(started_at, timestamp)) AS begun
        FROM asked WHERE change_kind = 'apply' GROUP BY ALL
    ) AS inner_run ON inner_run.begun BETWEEN outer_run.begun AND outer_run.ended
    GROUP BY inner_run.entity, inner_run.change_id HAVING count(DISTINCT outer_run.entity) = 1
)
GROUP BY run HAVING count(DISTINCT pipeline) = 1 AND count(*) > 1 ORDER BY ALL LIMIT $limit
"""  # noqa: S608 - nothing of it comes from outside
# Of rows of one line of the bill the last retrieved counts; what was retrieved after the window is not known in it. The
# same money comes again for each tag: without tags it is the account's, by the tag that names an entity the entity's.
_BILL: Final = "timestamp, cluster, namespace, kind, name, account_id, service, cost_type, currency"
_BILLED: Final = f"""
SELECT epoch(timestamp) AS day, * EXCLUDE (timestamp, before, amount, told),
       coalesce(sum(before), 0) AS before, sum(amount) AS amount, epoch(min(told)) AS told
FROM (
    SELECT {_BILL},
           arg_max(amount, retrieved_at) FILTER (retrieved_at <= to_timestamp($known)) AS before,
           arg_max(amount, retrieved_at) AS amount,
           min(retrieved_at) FILTER (retrieved_at > to_timestamp($known)) AS told
    FROM asked
    WHERE retrieved_at <= to_timestamp($until) AND (name <> account_id OR tags IS NULL)
    GROUP BY {_BILL}, source, region, usage_type, usage_unit, tags
)
GROUP BY ALL ORDER BY ALL LIMIT $limit
"""  # noqa: S608 - nothing of it comes from outside
_TOTALS: Final = "SELECT event_uid, max(total) AS total FROM asked WHERE event_uid IS NOT NULL GROUP BY event_uid"
_HAPPENED: Final = ("timestamp", "cluster", "namespace", "kind", "name", "type", "reason", "message", "actor", "count")
_EVENTS: Final = (*_HAPPENED, "warning")
# What an event says, of a change: the reason is its kind, the message its title; likewise of what a rule found.
_CHANGED: Final = (*_HAPPENED[:5], "change_kind", "title", "actor", "result")
_SUSPECTED: Final = (*_HAPPENED[:5], "rule", "message", "actor", "severity")
_AS_EVENT: Final = {"change_kind": "reason", "title": "message", "rule": "reason"}
_GRAVE: Final = pa.array(["critical", "high"])
_WORTH_TELLING: Final = pa.array(["critical", "high", "medium"])


class LakeReader:
    """Reads the tables of one lake; blocking, so called in a thread. Times are seconds since the epoch.

    Every method raises ``TemporaryError`` when the table cannot be read now, ``PermanentError`` when somebody has to
    change something first, and ``InputError`` for times and columns that cannot be; a table nobody has written yet is
    empty. One reader may be used by several threads.

    Args:
        location: Which lake.
        threads: Of DuckDB; as many as the process has processors, but no more than four.
    """

    def __init__(self, location: LakeLocation, *, threads: int | None = None) -> None:
        self._queries = WindowQueries(location, threads)

    def metrics(self, start: float, end: float, step: float) -> pa.Table:
        """Mean per ``step`` seconds: at, cluster, namespace, kind, name, signal, value."""
        return self._queries.run(
            METRICS, _METRICS, Window(start, end), parameters={"step": int(step * 1e6), "start": start}
        )

    def edges(self, start: float, end: float) -> pa.Table:
        """Distinct dependencies seen: dependent, dependency, edge_kind, first_seen (seconds), rate (calls a second)."""
        return self._queries.run(EDGES, _EDGES, Window(start, end))

    def events(self, start: float, end: float) -> pa.Table:
        """The latest 1,000 events, changes and findings of security rules, oldest first.

        Columns: at, cluster, namespace, kind, name, type, reason, message, actor, count, warning. A change is of the
        type ``change`` and a warning when it failed; what a rule found of the type ``security`` and a warning when it
        is grave.
        """
        happened = self.rows(EVENTS, start, end, columns=_HAPPENED, limit=MOST_EVENTS)
        changed = self.rows(CHANGES, start, end, columns=_CHANGED, limit=MOST_EVENTS)
        suspected = self.rows(SECURITY, start, end, columns=_SUSPECTED, limit=MOST_EVENTS)
        suspected = suspected.filter(pc.is_in(suspected.column("severity"), _WORTH_TELLING))
        parts = (
            happened.append_column("warning", pc.equal(happened.column("type"), "Warning")),
            _as_events(changed, "change", pc.equal(changed.column("result"), "failed")),
            _as_events(suspected, "security", pc.is_in(suspected.column("severity"), _GRAVE)),
        )
        every = pa.concat_tables([part.select(_EVENTS) for part in parts])
        every = every.sort_by([(name, "ascending") for name in _EVENTS])
        latest = every.slice(max(every.num_rows - MOST_EVENTS, 0))
        seconds = pc.divide(latest.column("timestamp").cast(pa.int64()).cast(pa.float64()), 1e6)
        return latest.set_column(0, "at", seconds)

    def warnings(self, start: float, end: float, step: float) -> pa.Table:
        """Warnings of Kubernetes per ``step`` seconds: at, cluster, namespace, kind, name, reason, hits."""
        return self._counted(EVENTS, _WARNINGS, _WARNED, start, end, step)

    def failed_changes(self, start: float, end: float, step: float) -> pa.Table:
        """Changes that failed, per ``step`` seconds: at, cluster, namespace, kind, name, source, change_kind, hits."""
        return self._counted(CHANGES, _FAILED, _TRIED, start, end, step)

    def refused_calls(self, start: float, end: float, step: float) -> pa.Table:
        """Calls of the AWS API that ended in an error, per ``step`` seconds.

        Columns: at, cluster, namespace, kind, name, principal_arn, service, operation, error_code, hits.
        """
        return self._counted(CLOUDTRAIL, _REFUSED, _CALLED, start, end, step)

    def runs_in_pipelines(self, start: float, end: float) -> pa.Table:
        """Whose runs (of Terraform) began, twice or more, while a pipeline of one project ran: pipeline, run, runs.

        The first two are structs of cluster, namespace, kind and name; ``runs`` is how many did.
        """
        columns = (
            "timestamp",
            "cluster",
            "namespace",
            "kind",
            "name",
            "change_kind",
            "change_id",
            "result",
            "started_at",
        )
        return self._queries.run(CHANGES, _WITHIN, Window(start, end), columns, {"limit": MOST_ROWS})

    def bills(self, start: float, end: float, known: float) -> pa.Table:
        """What was charged per day by what the bill names, as it is known at ``end``.

        Columns: day (its begin), cluster, namespace, kind, name, account_id, service, cost_type, currency, before (the
        amount as it was known at ``known``), amount, told (when a line of it was first read after that; or null).
        """
        return self._queries.run(COST, _BILLED, Window(start, end), parameters={"known": known, "limit": MOST_ROWS})

    def log_writers(self, start: float, end: float) -> pa.Table:
        """Whose log records there are: cluster, namespace, kind, name."""
        return self._queries.run(
            LOGS, _WRITERS, Window(start, end), ("cluster", "namespace", "kind", "name"), {"limit": MOST_ROWS}
        )

    def logs(self, start: float, end: float, names: Sequence[str], limit: int, characters: int) -> pa.Table:
        """The earliest ``limit`` log records of things of one of ``names``, oldest first.

        Columns: at, cluster, namespace, kind, name, severity_number, body (its first ``characters``).
        """
        parameters = {"names": list(names), "limit": limit, "characters": characters}
        return self._queries.run(LOGS, _LOGS, Window(start, end), _LOGGED, parameters)

    def event_totals(self, start: float, end: float) -> dict[str, int]:
        """By uid of a Kubernetes event seen in the window: how many of its happenings the lake has."""
        found = self._queries.run(EVENTS, _TOTALS, Window(start, end), ("event_uid", "total"))
        return dict(zip(found.column("event_uid").to_pylist(), found.column("total").to_pylist(), strict=True))

    def rows(
        self,
        schema: TableSchema,
        start: float,
        end: float,
        where: Mapping[str, str] = _EVERYTHING,
        *,
        columns: Sequence[str] | None = None,
        limit: int = MOST_EVENTS,
    ) -> pa.Table:
        """The latest rows of any table, oldest first.

        Args:
            schema: Which table.
            start: From when, included.
            end: Until when, not included.
            where: Values that columns of text must have: ``{"cluster": "c1", "namespace": "shop", "name": "cart"}``
                asks for one thing. The fewer files and row groups this leaves, the quicker.
            columns: Which, in this order; all that a writer gives when left out.
            limit: How many rows at most, up to 100,000.
        """
        chosen = tuple(schema.columns.names if columns is None else columns)
        if unknown := sorted(set(chosen) - set(schema.columns.names)):
            raise InputError(f"lake table {schema.name} has no columns {', '.join(unknown)}")
        if not 1 <= limit <= MOST_ROWS:
            raise InputError(f"between 1 and {MOST_ROWS} rows can be asked for, not {limit}")
        order = ", ".join(dict.fromkeys(("timestamp", *chosen)))
        query = _LATEST.format(chosen=", ".join(chosen), order=order)
        return self._queries.run(schema, query, Window(start, end, where), chosen, {"limit": limit})

    def _counted(
        self, schema: TableSchema, query: str, columns: Sequence[str], start: float, end: float, step: float
    ) -> pa.Table:
        values = {"step": int(step * 1e6), "start": start, "limit": MOST_ROWS}
        return self._queries.run(schema, query, Window(start, end), columns, values)


def _as_events(rows: pa.Table, kind: str, warning: pa.ChunkedArray) -> pa.Table:
    named = rows.rename_columns([_AS_EVENT.get(name, name) for name in rows.column_names])
    named = named.append_column("type", pa.array([kind] * rows.num_rows, pa.string()))
    return named.append_column("count", pa.array([1] * rows.num_rows, pa.int64())).append_column("warning", warning)
