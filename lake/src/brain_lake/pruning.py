"""Which files a question can be about, as a predicate on Delta's log: by partition exactly, by statistics at least.

Delta parses the predicate as SQL, so every value is quoted here, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import pyarrow as pa

from brain_common.errors import InputError
from brain_lake.schemas import TableSchema

_LATEST: Final = 253402300799.0  # end of the year 9999: what a date can hold


@dataclass(frozen=True, slots=True)
class Window:
    """What is asked for.

    Attributes:
        start: Seconds since the epoch, included.
        end: Seconds since the epoch, not included.
        where: Values that columns of text must have, such as ``{"namespace": "shop", "name": "cart"}``.
    """

    start: float
    end: float
    where: Mapping[str, str] = field(default_factory=dict)

    def checked(self, schema: TableSchema) -> Window:
        """Itself.

        Raises:
            InputError: There is no such column of text, or the times are no times.
        """
        for name in self.where:
            if name not in schema.columns.names or schema.columns.field(name).type != pa.string():
                raise InputError(f"lake table {schema.name} has no column of text named {name}")
        if not 0 <= self.start <= _LATEST or not 0 <= self.end <= _LATEST:
            raise InputError(f"lake table {schema.name}: times are seconds since the epoch: {self.start}, {self.end}")
        return self


def of_files(window: Window) -> str:
    """Keeps every file that can hold a row of the window."""
    conditions = [f"({_hours(window.start, window.end)})"]
    conditions += [f"timestamp {sign} {_moment(at)}" for sign, at in ((">=", window.start), ("<", window.end))]
    conditions += [_equal(name, value) for name, value in window.where.items()]
    return " AND ".join(conditions)


def _equal(name: str, value: str) -> str:
    return is_cluster(value) if name == "cluster" else f"{name} = {quoted(value)}"


def is_cluster(name: str) -> str:
    """Delta keeps an empty partition value as null."""
    return f"cluster = {quoted(name)}" if name else "(cluster IS NULL OR cluster = '')"


def quoted(value: str) -> str:
    """As text in SQL."""
    return "'" + value.replace("'", "''") + "'"


def _moment(at: float) -> str:
    return f"arrow_cast({round(at * 1e6)}, 'Timestamp(Microsecond, Some(\"UTC\"))')"


def _hours(start: float, end: float) -> str:
    """The hours that the window touches: those of the first and the last date, and every date in between."""
    first, last = (datetime.fromtimestamp(at, UTC) for at in (start, end))
    if first.date() == last.date():
        return f"date = '{first.date()}' AND hour >= {first.hour} AND hour <= {last.hour}"
    parts = [f"date = '{first.date()}' AND hour >= {first.hour}", f"date = '{last.date()}' AND hour <= {last.hour}"]
    if first.date() + timedelta(days=1) < last.date():
        parts.append(f"date > '{first.date()}' AND date < '{last.date()}'")
    return " OR ".join(f"({part})" for part in parts)
