from __future__ import annotations

import pytest

from brain_lab.emit.cloud.budgets import Budget, message, notifications
from brain_lab.emit.cloud.cost_explorer import Question, amount, answer
from brain_lab.emit.records import NANOS
from tests.unit.lab_emit.samples import cost_rows

DAY = 86400 * NANOS
MIDNIGHT = 1_764_028_800 * NANOS  # 2025-11-25
ROWS = cost_rows()
BY_SERVICE = ("DIMENSION", "SERVICE")


def results(question: Question, settled: int = MIDNIGHT + DAY) -> list[dict]:  # type: ignore[type-arg]
    return list(answer(ROWS, question, settled)["ResultsByTime"])  # type: ignore[call-overload]


def test_days_add_up_and_later_ones_are_estimated() -> None:
    days = results(Question(MIDNIGHT, MIDNIGHT + 2 * DAY))
    assert [day["TimePeriod"] for day in days] == [
        {"Start": "2025-11-25", "End": "2025-11-26"},
        {"Start": "2025-11-26", "End": "2025-11-27"},
    ]
    assert [day["Estimated"] for day in days] == [False, True]
    assert float(days[0]["Total"]["UnblendedCost"]["Amount"]) == pytest.approx(24 * (1.258 * 0.9 + 12.5 * 0.052))
    assert days[0]["Groups"] == []


def test_two_group_bys_make_pairs_of_keys() -> None:
    (day, _) = results(Question(MIDNIGHT, MIDNIGHT + 2 * DAY, group_by=(BY_SERVICE, ("TAG", "team"))))
    assert day["Total"] == {}
    assert day["Groups"][0]["Keys"] == ["Amazon Elastic Compute Cloud - Compute", "team$ml"]


def test_rows_without_the_tag_have_an_empty_value() -> None:
    (day, _) = results(Question(MIDNIGHT, MIDNIGHT + 2 * DAY, group_by=(("TAG", "owner"),)))
    assert [group["Keys"] for group in day["Groups"]] == [["owner$"]]


def test_hours_have_times_of_day_and_quantities_their_unit() -> None:
    question = Question(MIDNIGHT, MIDNIGHT + 3 * 3600 * NANOS, "HOURLY", ("UsageQuantity",), (BY_SERVICE,))
    hours = results(question)
    assert hours[1]["TimePeriod"] == {"Start": "2025-11-25T01:00:00Z", "End": "2025-11-25T02:00:00Z"}
    assert hours[1]["Groups"][0]["Metrics"] == {"UsageQuantity": {"Amount": "1", "Unit": "Hrs"}}
    (hour, *_) = results(Question(MIDNIGHT, MIDNIGHT + 3600 * NANOS, "HOURLY", ("UsageQuantity",)))
    assert hour["Total"]["UsageQuantity"] == {"Amount": "13.5", "Unit": "N/A"}


def test_months_have_their_own_length() -> None:
    november = 1_761_955_200 * NANOS
    months = results(Question(november, november + 31 * DAY, "MONTHLY"))
    assert [month["TimePeriod"]["End"] for month in months] == ["2025-12-01", "2026-01-01"]


def test_a_day_without_cost_is_there_with_zero() -> None:
    days = results(Question(MIDNIGHT - DAY, MIDNIGHT))
    assert days[0]["Total"] == {"UnblendedCost": {"Amount": "0", "Unit": "USD"}}


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (Question(0, DAY, group_by=(BY_SERVICE, BY_SERVICE, BY_SERVICE)), "at most 2"),
        (Question(0, DAY, group_by=(("DIMENSION", "COLOUR"),)), "'COLOUR'"),
        (Question(0, DAY, metrics=("Cheap",)), "'Cheap'"),
    ],
)
def test_what_cost_explorer_refuses_is_refused(question: Question, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        answer([], question, 0)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.0, "0"), (-0.0, "0"), (1.0, "1"), (1e-7, "0.0000001"), (1e-12, "0"), (12.50, "12.5"), (1e9, "1000000000")],
)
def test_amounts_have_no_exponent(number: float, text: str) -> None:
    assert amount(number) == text


def test_a_budget_tells_once_a_month_when_its_threshold_is_exceeded() -> None:
    budget = Budget("gpu", "111122223333", 30.0, 80.0, frozenset({"Amazon Elastic Compute Cloud - Compute"}))
    (one,) = notifications(budget, cost_rows(100))
    # 1.1322 USD an hour: 24 USD are exceeded in hour 22, and noticed at the next look, every 8 hours
    assert one.time == MIDNIGHT + 24 * 3600 * NANOS
    assert one.actual == pytest.approx(24 * 1.1322)
    shown = message(one)
    assert shown["Subject"] == "AWS Budgets: gpu has exceeded your alert threshold"
    assert "Budgeted Amount: $30.00" in shown["Message"]
    assert "Alert Threshold: > $24.00" in shown["Message"]
    assert shown["Timestamp"] == "2025-11-26T00:00:00.000Z"


def test_a_budget_that_is_kept_says_nothing() -> None:
    assert notifications(Budget("all", "111122223333", 1e6), ROWS) == []
    assert notifications(Budget("other", "444455556666", 0.01), ROWS) == []
