"""Periods, bounds, and what goes to the lake."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from brain_common.errors import ConfigError
from brain_common.settings import check_settings, load_settings
from brain_common.spikes import DAY, last_complete
from brain_exporters.cost.config import CostSettings
from brain_exporters.cost.families import bounded, elapsed
from brain_exporters.cost.lake_rows import changed
from brain_exporters.cost.model import Charge


def _at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def _charge(day: int, amount: float) -> Charge:
    return Charge(day, "1", "r", "s", "unblended", "USD", ("", ""), amount)


@pytest.mark.parametrize(
    ("now", "delay", "day"),
    [
        ("2025-03-12T00:00", 24, "2025-03-10"),
        ("2025-03-11T23:59", 24, "2025-03-09"),
        ("2025-03-12T12:00", 0, "2025-03-11"),
    ],
)
def test_a_day_is_shown_once_its_data_had_time_to_come(now: str, delay: float, day: str) -> None:
    assert last_complete(_at(now), delay) == _at(day)


@pytest.mark.parametrize(
    ("unit", "part"), [("MONTHLY", 0.5), ("QUARTERLY", 15 / 91), ("DAILY", 1.0), ("ANNUALLY", 105 / 365)]
)
def test_how_much_of_a_period_is_gone(unit: str, part: float) -> None:
    assert elapsed(unit, _at("2025-04-16T00:00")) == pytest.approx(part)


def test_what_is_beyond_the_top_is_summed_by_currency() -> None:
    values: dict[tuple[str, ...], float] = {("a", "USD"): 5.0, ("b", "USD"): 2.0, ("c", "USD"): 1.0, ("d", "EUR"): 1.0}
    assert bounded(values, 1, 1) == {("a", "USD"): 5.0, ("other", "USD"): 3.0, ("other", "EUR"): 1.0}


def test_only_other_amounts_are_written_again() -> None:
    before = [_charge(0, 9), _charge(DAY, 1), _charge(2 * DAY, 2), _charge(3 * DAY, 3)]
    now = [_charge(DAY, 1), _charge(2 * DAY, 2.5), _charge(4 * DAY, 4)]
    found = changed(before, now)
    assert found == [_charge(2 * DAY, 2.5), _charge(4 * DAY, 4), _charge(3 * DAY, 0)]
    assert changed(now, now) == []


def test_the_example_is_a_configuration() -> None:
    example = Path(__file__).parents[4] / "examples" / "exporters" / "cost.yaml"
    assert load_settings(example, CostSettings).source_names() == ["files"]


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({}, "nothing to do"),
        ({"cost_explorer": {}, "files": {"folder": "x", "format": "cur"}}, "cost_explorer.usage: false"),
        ({"files": {"folder": "x", "bucket": "reports"}}, "give folder or bucket"),
        ({"budgets": {}, "aws": {"accounts": [{"role_arn": "role"}]}}, "role_arn"),
    ],
)
def test_what_cannot_be_meant_is_refused(own: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_settings({"state": "s", **own}, CostSettings, "test")
