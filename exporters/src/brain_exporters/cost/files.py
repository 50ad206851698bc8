"""FOCUS and CUR files, from a folder or S3: which ones count, and their sums by day.

A newer export of a month replaces the older: of each billing period the newest manifest names the files, and without
one the newest folder has them. DuckDB reads and sums them with bounded memory; no row comes into Python.
"""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Protocol

from msgspec.structs import replace

from brain_common.errors import PermanentError
from brain_common.spikes import DAY
from brain_exporters.cost.config import FilesSettings
from brain_exporters.cost.model import Charge, Snapshot
from brain_exporters.runtime.aws import AwsAccount, translated

_DATA: Final = (".csv", ".csv.gz", ".parquet")
_PERIOD: Final = re.compile(r"BILLING_PERIOD=(\d{4}-\d{2})|(\d{8}-\d{8})")
_MOST_CHARGES: Final = 200_000
_MOST_NODES: Final = 20_000
_LARGEST_MANIFEST: Final = 4 << 20


@dataclass(frozen=True, slots=True)
class Stored:
    """One file: its path below the root, size in bytes, time of change."""

    path: str
    size: int
    changed: float


class Store(Protocol):
    """Where files are."""

    def list(self) -> Iterable[Stored]: ...

    def read(self, path: str, limit: int) -> bytes: ...

    def local(self, path: str, folder: Path) -> Path:
        """The file on this machine; a copy goes into ``folder``."""
        ...


class Folder:
    """A local folder."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def list(self) -> Iterator[Stored]:
        if not self._root.is_dir():
            raise PermanentError(f"files.folder: {self._root} is no folder")
        for path in sorted(self._root.rglob("*")):
            if path.is_file():
                status = path.stat()
                yield Stored(path.relative_to(self._root).as_posix(), status.st_size, status.st_mtime)

    def read(self, path: str, limit: int) -> bytes:
        with (self._root / path).open("rb") as file:
            return file.read(limit)

    def local(self, path: str, folder: Path) -> Path:
        return self._root / path


class Bucket:
    """Keys of a bucket."""

    def __init__(self, account: AwsAccount, bucket: str, prefix: str) -> None:
        self._account = account
        self._bucket = bucket
        self._prefix = prefix

    def list(self) -> Iterator[Stored]:
        pages = self._account.client("s3").get_paginator("list_objects_v2")
        with translated("s3", "ListObjectsV2", self._account.name):
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                for each in page.get("Contents", []):
                    yield Stored(each["Key"], each["Size"], each["LastModified"].timestamp())

    def read(self, path: str, limit: int) -> bytes:
        with translated("s3", "GetObject", self._account.name):
            return bytes(self._account.client("s3").get_object(Bucket=self._bucket, Key=path)["Body"].read(limit))

    def local(self, path: str, folder: Path) -> Path:
        suffix = next(each for each in _DATA[::-1] if path.endswith(each))
        target = folder / (hashlib.sha256(path.encode()).hexdigest() + suffix)
        with translated("s3", "GetObject", self._account.name), target.open("wb") as file:
            body = self._account.client("s3").get_object(Bucket=self._bucket, Key=path)["Body"]
            for chunk in body.iter_chunks(1 << 20):
                file.write(chunk)
        return target


class Files:
    """Reads what is newest."""

    def __init__(self, store: Store, settings: FilesSettings, days: int) -> None:
        self._store = store
        self._settings = settings
        self._days = days

    def fetch(self, now: float, before: Snapshot | None) -> Snapshot:
        """Sums of the last days; ``before`` with a new time where no file has changed.

        Raises:
            TemporaryError: The bucket does not answer.
            PermanentError: Denied, no file is there, or one is not what it should be.
        """
        chosen = choose(list(self._store.list()), lambda path: self._store.read(path, _LARGEST_MANIFEST))
        if not chosen:
            raise PermanentError("files: no .csv, .csv.gz or .parquet is there")
        for each in chosen:
            if each.size > self._settings.max_file_bytes:
                raise PermanentError(f"files: {each.path} has {each.size} bytes, more than files.max_file_bytes")
        # The days that are kept end today, so a new day is a new version.
        version = hashlib.sha256(repr((chosen, int(now // DAY))).encode()).hexdigest()
        if before is not None and before.version == version:
            before.retrieved_at = now
            return before
        with tempfile.TemporaryDirectory(prefix="brain-cost-") as folder:
            files = {each.path: self._store.local(each.path, Path(folder)) for each in chosen}
            return self._sums(files, Path(folder), now, version)

    def _sums(self, files: Mapping[str, Path], scratch: Path, now: float, version: str) -> Snapshot:
        since = now - self._days * DAY
        charges: dict[tuple[object, ...], Charge] = {}
        nodes: dict[str, tuple[int, float]] = {}
        with _database(self._settings.memory_bytes, scratch) as database:
            for name, path in files.items():
                _check(database, name, path, self._settings.format)
            for table in _tables(list(files.values())):
                rows = [
                    row
                    for select in _selects(database, table, self._settings)
                    for row in database.execute(
                        f"SELECT * FROM ({select}) WHERE day >= ?",  # noqa: S608 - names are quoted
                        [since],
                    ).fetchmany(_MOST_CHARGES)
                ]
                if len(charges) + len(rows) >= _MOST_CHARGES:
                    raise PermanentError(f"files: more than {_MOST_CHARGES} sums by day; keep fewer tags")
                for day, account, region, service, cost_type, currency, key, value, amount in rows:
                    charge = Charge(int(day), account, region, service, cost_type, currency, (key, value), amount)
                    old = charges.get(charge.key)
                    charges[charge.key] = charge if old is None else replace(charge, amount=old.amount + amount)
                _nodes(database, table, self._settings.format, nodes)
        hourly = {name: amount / 24 for name, (_, amount) in nodes.items()}
        return Snapshot(retrieved_at=now, charges=list(charges.values()), nodes=hourly, version=version)


def choose(stored: Sequence[Stored], read: Any) -> list[Stored]:  # noqa: ANN401 - a function
    """The data files that count, of each billing period the newest export's."""
    periods: dict[str, list[Stored]] = defaultdict(list)
    for each in stored:
        found = _PERIOD.search(each.path)
        periods[found[0].split("=")[-1] if found else ""].append(each)
    return [each for _, files in sorted(periods.items()) for each in _newest(files, read)]


def _newest(files: Sequence[Stored], read: Any) -> list[Stored]:  # noqa: ANN401
    data = [each for each in files if each.path.endswith(_DATA)]
    manifests = sorted((each for each in files if each.path.endswith("Manifest.json")), key=lambda each: each.changed)
    if manifests:
        named = _named(read(manifests[-1].path))
        if kept := [each for each in data if any(key.endswith(each.path) or each.path.endswith(key) for key in named)]:
            return kept
    if not data or not _PERIOD.search(data[0].path):
        return data
    last = max(data, key=lambda each: each.changed)
    return [each for each in data if PurePosixPath(each.path).parent == PurePosixPath(last.path).parent]


def _named(manifest: bytes) -> list[str]:
    """Keys of the data files: ``reportKeys`` of CUR, ``dataFiles`` of Data Exports."""
    try:
        content = json.loads(manifest)
        names = content.get("reportKeys") or content.get("dataFiles") or []
        return [re.sub(r"^s3://[^/]+/", "", str(name)) for name in names]
    except (ValueError, AttributeError) as error:
        raise PermanentError(f"files: a manifest is no JSON object: {error}") from error


@contextmanager
def _database(memory: int, scratch: Path) -> Iterator[Any]:
    import duckdb

    database = duckdb.connect(":memory:", config={"memory_limit": f"{memory >> 20}MB", "threads": "1"})
    try:
        database.execute("SET temp_directory = ?", [str(scratch)])
        database.execute("SET TimeZone = 'UTC'")
        database.execute("SET preserve_insertion_order = false")  # order would be bought with memory
        yield database
    except duckdb.Error as error:
        raise PermanentError(f"files: {' '.join(str(error).split())[:300]}") from error
    finally:
        database.close()


def _tables(paths: Sequence[Path]) -> Iterator[str]:
    """One expression for all files of one kind."""
    for parquet in (False, True):
        kind = [path for path in paths if (path.suffix == ".parquet") is parquet]
        if kind:
            names = ", ".join("'" + str(path).replace("'", "''") + "'" for path in kind)
            options = "union_by_name = true" + ("" if parquet else ", all_varchar = true, nullstr = ['NULL', '']")
            yield f"{'read_parquet' if parquet else 'read_csv'}([{names}], {options})"


def _check(database: Any, name: str, path: Path, form: str) -> None:  # noqa: ANN401
    """Read together, a file of something else would only add nothing, unnoticed."""
    text = _FOCUS if form == "focus" else _CUR
    columns = _columns(database, next(_tables([path])))
    for needed in ("start", "billed"):
        if _pick(columns, text[needed]) == "NULL":
            raise PermanentError(f"files: {name} has no column {text[needed][0]}; is files.format {form} right?")


def _selects(database: Any, table: str, settings: FilesSettings) -> list[str]:  # noqa: ANN401
    """A query for each cost type and tag: one after the other they need the memory of one."""
    columns = _columns(database, table)
    text = _FOCUS if settings.format == "focus" else _CUR
    take = {name: _pick(columns, names) for name, names in text.items()}
    kinds = ("billed", "effective") if settings.format == "focus" else ("unblended", "amortized")
    amounts = [(kinds[0], take["billed"])]
    if take["effective"] != "NULL":
        amounts.append((kinds[1], take["effective"]))
    tags = [("", "''")] + [(tag, _tag(columns, tag)) for tag in settings.tags]
    return [
        f"SELECT epoch(date_trunc('day', CAST({take['start']} AS TIMESTAMP))) AS day,"  # noqa: S608 - names are quoted
        f" coalesce({take['account']}::VARCHAR, '') AS account, coalesce({take['region']}::VARCHAR, '') AS region,"
        f" coalesce({take['service']}::VARCHAR, '') AS service, '{kind}' AS cost_type,"
        f" coalesce({take['currency']}::VARCHAR, 'USD') AS currency, {_quoted(tag)} AS key,"
        f" coalesce({value}, '') AS value, sum(CAST({amount} AS DOUBLE)) AS amount"
        f" FROM {table} GROUP BY ALL HAVING sum(CAST({amount} AS DOUBLE)) <> 0"
        for kind, amount in amounts
        for tag, value in tags
    ]


_FOCUS: Final = {
    "start": ("ChargePeriodStart",),
    "account": ("SubAccountId", "BillingAccountId"),
    "region": ("RegionId", "Region"),
    "service": ("ServiceName",),
    "currency": ("BillingCurrency",),
    "billed": ("BilledCost",),
    "effective": ("EffectiveCost",),
    "resource": ("ResourceId",),
}
_CUR: Final = {
    "start": ("line_item_usage_start_date", "lineItem/UsageStartDate"),
    "account": ("line_item_usage_account_id", "lineItem/UsageAccountId"),
    "region": ("product_region_code", "product_region", "product/region"),
    "service": ("line_item_product_code", "lineItem/ProductCode"),
    "currency": ("line_item_currency_code", "lineItem/CurrencyCode"),
    "billed": ("line_item_unblended_cost", "lineItem/UnblendedCost"),
    "effective": (),
    "resource": ("line_item_resource_id", "lineItem/ResourceId"),
}


def _columns(database: Any, table: str) -> dict[str, str]:  # noqa: ANN401
    rows = database.execute(f"DESCRIBE SELECT * FROM {table}").fetchall()  # noqa: S608 - names are quoted
    return {row[0]: row[1] for row in rows}


def _pick(columns: dict[str, str], names: Sequence[str]) -> str:
    """The columns there are, the first that is not null; FOCUS writes absent as null."""
    found = ['"' + name.replace('"', '""') + '"' for name in names if name in columns]
    return f"coalesce({', '.join(found)})" if found else "NULL"


def _tag(columns: dict[str, str], tag: str) -> str:
    """A tag's value: of FOCUS' JSON, of a CUR column of its own, or of CUR 2.0's map."""
    if "Tags" in columns:
        return _of_map("Tags", columns["Tags"], tag)
    flat = "resource_tags_user_" + re.sub(r"\W", "_", tag).lower()
    for name in (f"resourceTags/user:{tag}", flat):
        if name in columns:
            return f'"{name}"'
    if "resource_tags" in columns:
        return _of_map("resource_tags", columns["resource_tags"], "user_" + re.sub(r"\W", "_", tag).lower())
    return "NULL"


def _of_map(column: str, kind: str, key: str) -> str:
    if kind.startswith("MAP"):
        return f"map_extract({column}, {_quoted(key)})[1]"
    path = _quoted('$."' + key.replace('"', "") + '"')
    return f"CASE WHEN json_valid({column}) THEN json_extract_string({column}, {path}) END"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _nodes(database: Any, table: str, kind: str, nodes: dict[str, tuple[int, float]]) -> None:  # noqa: ANN401
    """Cost of each EC2 instance on its last full day, so that a node has its own price."""
    columns, names = _columns(database, table), _FOCUS if kind == "focus" else _CUR
    resource, start = _pick(columns, names["resource"]), _pick(columns, names["start"])
    amount = _pick(columns, (*names["effective"], *names["billed"]))
    if resource == "NULL":
        return
    hourly = database.execute(f"SELECT max(hour(CAST({start} AS TIMESTAMP))) FROM {table}").fetchone()[0]  # noqa: S608
    rows = database.execute(
        f"SELECT regexp_extract({resource}, '(i-[0-9a-f]+)$', 1) AS node,"  # noqa: S608 - names are quoted
        f" epoch(date_trunc('day', CAST({start} AS TIMESTAMP))) AS day, sum(CAST({amount} AS DOUBLE)) AS amount"
        f" FROM {table} WHERE regexp_matches({resource}, '(^|/)i-[0-9a-f]+$') GROUP BY node, day"
        f" HAVING count(DISTINCT CAST({start} AS TIMESTAMP)) = {24 if hourly else 1} ORDER BY day DESC"
    ).fetchmany(_MOST_NODES)
    for node, day, value in rows:
        if node not in nodes or nodes[node][0] < day:
            nodes[node] = (int(day), value)
