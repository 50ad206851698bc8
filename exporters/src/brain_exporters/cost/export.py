"""Files of FOCUS and of Cost and Usage Reports to amounts, by DuckDB, which reads them without holding them whole.

The columns tell which it is: FOCUS 1.x (https://focus.finops.org/focus-specification/), CUR 2.0 and its forerunner, as
Parquet with underscores or as CSV with slashes. Amounts are added up by day, account, service and region at once, and
once more for each tag.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import duckdb

from brain_common.errors import InputError
from brain_exporters.cost.amounts import Amount, Key

_MEMORY: Final = "512MB"
_FORMS: Final[Sequence[Mapping[str, Any]]] = (
    {
        "begin": "ChargePeriodStart",
        "account": "SubAccountId",
        "service": "ServiceName",
        "region": "RegionId",
        "currency": "BillingCurrency",
        "costs": {"billed": "BilledCost", "effective": "EffectiveCost"},
        "tags": "Tags",
    },
    {
        "begin": "line_item_usage_start_date",
        "account": "line_item_usage_account_id",
        "service": "line_item_product_code",
        "region": "product_region_code",
        "currency": "line_item_currency_code",
        "costs": {"UnblendedCost": "line_item_unblended_cost"},
        "tags": "resource_tags",
    },
    {
        "begin": "lineItem/UsageStartDate",
        "account": "lineItem/UsageAccountId",
        "service": "lineItem/ProductCode",
        "region": "product/region",
        "currency": "lineItem/CurrencyCode",
        "costs": {"UnblendedCost": "lineItem/UnblendedCost"},
        "tags": None,
    },
)


def read(file: Path, tags: Sequence[str], begin: date) -> Iterator[Amount]:
    """Amounts of one file since a day.

    Args:
        file: CSV, gzipped CSV or Parquet, by its name.
        tags: Keys of tags that amounts are also split by.
        begin: First day.

    Raises:
        InputError: It is none of these, or damaged.
    """
    try:
        with duckdb.connect(config={"memory_limit": _MEMORY, "threads": 1}) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            source = _source(file)
            describe = f"DESCRIBE SELECT * FROM {source}"  # noqa: S608 - one of two texts of ours
            described = connection.execute(describe, [str(file)]).fetchall()
            columns: dict[str, str] = {row[0]: row[1] for row in described}
            form = next((form for form in _FORMS if {form["begin"], form["account"]} <= columns.keys()), None)
            if form is None:
                raise InputError(f"{file.name}: has the columns of neither FOCUS nor CUR")
            for cost_type, column in form["costs"].items():
                if column in columns:
                    yield from _grouped(connection, file, source, form, columns, column, cost_type, None, begin)
                    for tag in tags:
                        yield from _grouped(connection, file, source, form, columns, column, cost_type, tag, begin)
    except duckdb.Error as error:
        raise InputError(f"{file.name}: {str(error).splitlines()[0]}") from error


def _grouped(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    source: str,
    form: Mapping[str, Any],
    columns: Mapping[str, str],
    cost: str,
    cost_type: str,
    tag: str | None,
    begin: date,
) -> Iterator[Amount]:
    value, given = _tag(form, columns, tag) if tag else (None, [])
    if tag and value is None:
        return
    split = [value] if value else [_text(form["service"], columns), _text(form["region"], columns)]
    day = f"CAST(date_trunc('day', CAST(\"{form['begin']}\" AS TIMESTAMPTZ)) AS TIMESTAMPTZ)"
    query = f"""
        SELECT {day} AS day, {_text(form["account"], columns)}, {_text(form["currency"], columns)}, {", ".join(split)},
               sum(CAST("{cost}" AS DOUBLE))
        FROM {source} WHERE {day} >= CAST(? AS TIMESTAMPTZ) AND "{cost}" IS NOT NULL GROUP BY ALL ORDER BY ALL
    """  # noqa: S608 - names of columns are ours, and checked to be the file's
    parameters = [*given, str(file), begin.isoformat()]
    for moment, account, currency, *rest, amount in connection.execute(query, parameters).fetchall():
        assert isinstance(moment, datetime)
        if tag:
            key = Key(account, cost_type, currency or "USD", tag=f"{tag}={rest[0]}")
        else:
            key = Key(account, cost_type, currency or "USD", service=rest[0], region=rest[1])
        yield Amount(moment, moment, key, float(amount))


def _source(file: Path) -> str:
    if file.name.endswith(".parquet"):
        return "read_parquet(?)"
    if file.name.endswith((".csv", ".csv.gz")):
        return "read_csv(?, all_varchar = true, nullstr = ['NULL', ''])"
    raise InputError(f"{file.name}: expected .csv, .csv.gz or .parquet")


def _text(column: str, columns: Mapping[str, str]) -> str:
    return f"coalesce(CAST(\"{column}\" AS VARCHAR), '')" if column in columns else "''"


def _tag(form: Mapping[str, Any], columns: Mapping[str, str], tag: str) -> tuple[str | None, list[str]]:
    """Value of a tag, and its parameters: FOCUS has JSON or a map, CUR 2.0 a map, the older CUR a column for each."""
    column = form["tags"] or f"resourceTags/user:{tag}"
    if column not in columns:
        return None, []
    quoted = column.replace('"', '""')
    if form["tags"] is None:
        return f"coalesce(\"{quoted}\", '')", []
    if columns[column].startswith("MAP"):
        return f"coalesce(CAST(\"{quoted}\"[?] AS VARCHAR), '')", [tag]
    return f"coalesce(json_extract_string(\"{quoted}\", ?), '')", ['$."' + tag.replace('"', "") + '"']
