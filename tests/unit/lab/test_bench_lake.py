"""The bench of the lake, on a small one: all rows are found before and after compaction."""

from __future__ import annotations

from brain_lab.bench import lake


def test_every_row_of_the_last_hour_is_found() -> None:
    told: list[str] = []
    figures = lake.run(100_000, 40, told.append)
    assert (figures.rows, figures.commits) == (100_000, 40)
    assert {bar.figure: bar.met for bar in figures.bars}["found"]
    assert figures.found > 0
    assert figures.query_seconds > 0
    assert told[-1] == "compacting"
