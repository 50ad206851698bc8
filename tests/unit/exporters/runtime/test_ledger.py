"""Counters, positions and the lake agree, whatever fails in between."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_common.errors import ConfigError, InputError, TemporaryError
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.counters import CounterSpec
from brain_exporters.runtime.ledger import BacklogFull, Ledger
from brain_exporters.runtime.state import State
from brain_lake.schemas import CHANGES, SECURITY, TableSchema
from brain_lake.writer import Batch as LakeBatch

SPECS = [CounterSpec("things", "Things.", ("kind",))]
NOW = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


class Killed(Exception):  # noqa: N818 - what a test does to the process
    """The process ends here."""


class MemoryLake:
    """A lake as Delta gives its promises: rows and the number of their batch come in together, or not at all."""

    def __init__(self) -> None:
        self.rows: dict[str, list[str]] = {}
        self.numbers: dict[tuple[str, str], int] = {}
        self.away = False
        self.die_before = self.die_after = False

    def append(self, schema: TableSchema, rows: pa.Table, batch: LakeBatch | None = None) -> None:
        if self.away:
            raise TemporaryError("the lake is away")
        if self.die_before:
            raise Killed
        assert batch is not None
        self.rows.setdefault(schema.name, []).extend(
            rows.column("title" if schema is CHANGES else "message").to_pylist()
        )
        self.numbers[schema.name, batch.writer] = batch.number
        if self.die_after:
            raise Killed

    def last_batch(self, schema: TableSchema, writer: str) -> int | None:
        if self.away:
            raise TemporaryError("the lake is away")
        return self.numbers.get((schema.name, writer))


class Openings:
    """Opens ledgers; the one before on the same file ends first, as a process that dies: nothing is flushed."""

    def __init__(self) -> None:
        self._states: dict[Path, State] = {}

    def __call__(self, path: Path, lake: MemoryLake | None, *, backlog: int = 1 << 20, series: int = 100) -> Ledger:
        self.die(path)
        self._states[path] = State(path)
        return Ledger(self._states[path], SPECS, lake, max_series=series, backlog_bytes=backlog)  # type: ignore[arg-type]

    def die(self, path: Path) -> None:
        if path in self._states:
            self._states.pop(path).close()

    def die_all(self) -> None:
        for path in list(self._states):
            self.die(path)


@pytest.fixture
def ledger() -> Iterator[Openings]:
    openings = Openings()
    yield openings
    openings.die_all()


def rows(schema: TableSchema, *texts: str) -> pa.Table:
    def column(field: pa.Field) -> pa.Array:
        if field.name == "timestamp":
            return pa.array([NOW] * len(texts), field.type)
        return pa.array([text if field.name in ("title", "message") else "x" for text in texts])

    required = [field for field in schema.columns if not field.nullable]
    return pa.table({field.name: column(field) for field in required})


def batch(number: int, *texts: str, schema: TableSchema = SECURITY) -> Batch:
    made = Batch(positions={"source": str(number)})
    made.count("things", ("a",))
    made.add_rows(schema, rows(schema, *texts))
    return made


def value(of: Ledger, *labels: str) -> float:
    [family] = of.families()
    return sum(sample.value for sample in family.samples if tuple(sample.labels.values()) == labels)


def test_a_batch_is_there_after_a_restart(ledger: Openings, tmp_path: Path) -> None:
    first = ledger(tmp_path / "state", None)
    first.commit(Batch(positions={"source": "7"}, notes={"n/1": b"one", "m/1": b"other"}))
    first.commit(batch(8))
    second = ledger(tmp_path / "state", None)
    assert second.position("source") == "8"
    assert second.position("nowhere") is None
    assert second.notes("n/") == {"n/1": b"one"}
    assert value(second, "a") == 1.0


def test_a_note_can_be_forgotten(ledger: Openings, tmp_path: Path) -> None:
    kept = ledger(tmp_path / "state", None)
    kept.commit(Batch(notes={"n/1": b"one"}))
    kept.commit(Batch(notes={"n/1": None}))
    assert kept.notes("n/") == {}


def test_rows_of_several_tables_come_in_once(ledger: Openings, tmp_path: Path) -> None:
    lake = MemoryLake()
    kept = ledger(tmp_path / "state", lake)
    for number in range(4):
        kept.commit(batch(number, f"s{number}"))
        kept.commit(batch(number, f"c{number}", schema=CHANGES))
    kept.flush()
    kept.flush()
    assert lake.rows == {"security": ["s0", "s1", "s2", "s3"], "changes": ["c0", "c1", "c2", "c3"]}
    assert kept.waiting_bytes == 0


def test_rows_wait_while_the_lake_is_away(ledger: Openings, tmp_path: Path) -> None:
    lake = MemoryLake()
    kept = ledger(tmp_path / "state", lake)
    lake.away = True
    kept.commit(batch(1, "early"))
    with pytest.raises(TemporaryError, match="away"):
        kept.flush()
    lake.away = False
    again = ledger(tmp_path / "state", lake)
    assert again.waiting_bytes > 0
    again.flush()
    assert lake.rows == {"security": ["early"]}


def test_a_full_backlog_refuses_a_batch_whole(ledger: Openings, tmp_path: Path) -> None:
    lake = MemoryLake()
    kept = ledger(tmp_path / "state", lake, backlog=1)
    kept.commit(batch(1, "fits, for nothing waits"))
    with pytest.raises(BacklogFull):
        kept.commit(batch(2, "has to wait"))
    assert (kept.position("source"), value(kept, "a")) == ("1", 1.0)
    kept.flush()
    kept.commit(batch(2, "has to wait"))
    assert value(kept, "a") == 2.0


def test_rows_that_do_not_fit_are_refused_at_once(ledger: Openings, tmp_path: Path) -> None:
    kept = ledger(tmp_path / "state", MemoryLake())
    wrong = batch(1)
    wrong.add_rows(SECURITY, pa.table({"message": ["no other column"]}))
    with pytest.raises(InputError, match="security"):
        kept.commit(wrong)
    assert kept.position("source") is None


@pytest.mark.parametrize("moment", ["die_before", "die_after"])
def test_a_process_that_dies_around_a_commit_of_the_lake_loses_and_repeats_nothing(
    ledger: Openings, tmp_path: Path, moment: str
) -> None:
    lake = MemoryLake()
    kept = ledger(tmp_path / "state", lake)
    kept.commit(batch(1, "one"))
    kept.commit(batch(2, "two", schema=CHANGES))
    setattr(lake, moment, True)
    with pytest.raises(Killed):
        kept.flush()
    setattr(lake, moment, False)
    again = ledger(tmp_path / "state", lake)
    again.flush()
    assert lake.rows == {"security": ["one"], "changes": ["two"]}


@given(
    st.lists(st.sampled_from(["commit", "other", "flush", "away", "back", "before", "after", "restart"]), max_size=40)
)
def test_any_order_of_faults_leaves_each_row_once(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    path = tmp_path_factory.mktemp("ledger") / "state"
    ledger, lake, made = Openings(), MemoryLake(), 0
    kept = ledger(path, lake)
    for step in steps:
        if step in ("commit", "other"):
            kept.commit(batch(made, str(made), schema=CHANGES if step == "other" else SECURITY))
            made += 1
        elif step in ("away", "back"):
            lake.away = step == "away"
        elif step != "restart":
            lake.die_before, lake.die_after = step == "before", step == "after"
            with contextlib.suppress(TemporaryError, Killed):
                kept.flush()
            lake.die_before = lake.die_after = False
        if step in ("restart", "before", "after"):
            kept = ledger(path, lake)
    lake.away = False
    kept.flush()
    assert sorted(int(text) for texts in lake.rows.values() for text in texts) == list(range(made))
    assert value(kept, "a") == made
    ledger.die_all()


def test_series_without_room_are_counted_together(ledger: Openings, tmp_path: Path) -> None:
    kept = ledger(tmp_path / "state", None, series=2)
    for kind in ("a", "b", "c", "d", "a"):
        made = Batch()
        made.count("things", (kind,))
        kept.commit(made)
    assert [value(kept, kind) for kind in ("a", "b", "other")] == [2.0, 1.0, 2.0]
    again = ledger(tmp_path / "state", None, series=2)
    made = Batch()
    for kind in ("c", "e", "b"):
        made.count("things", (kind,))
    again.commit(made)
    assert [value(again, kind) for kind in ("a", "b", "other")] == [2.0, 2.0, 4.0]


def test_one_state_file_serves_one_process(tmp_path: Path) -> None:
    first = State(tmp_path / "state")
    with pytest.raises(ConfigError, match="used by another process"):
        State(tmp_path / "state")
    first.close()
    State(tmp_path / "state").close()


def test_a_file_that_is_no_state_says_so(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_bytes(b"something else, long enough to be looked at " * 30)
    with pytest.raises(ConfigError, match=r"state: .*state: .*move the file away"):
        State(path)


def test_a_full_disk_takes_nothing(ledger: Openings, tmp_path: Path) -> None:
    kept = ledger(tmp_path / "state", None)
    kept._state._database.execute("PRAGMA max_page_count = 1")
    huge = Batch(positions={"source": "9"}, notes={"n": b"x" * 1_000_000})
    huge.count("things", ("a",))
    with pytest.raises(TemporaryError, match="full"):
        kept.commit(huge)
    assert (kept.position("source"), value(kept, "a")) == (None, 0.0)
