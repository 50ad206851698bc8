"""From counts of what people said to nats, and to words."""

from __future__ import annotations

import math

import pytest

from brain_engine.rank.prior import MOST_NATS, UNKNOWN, nothing_known
from brain_rca.recall.priors import priors
from brain_rca.store.protocol import Experience

A = "c/n/service/a"
DAY = 1_772_323_200.0  # 2026-03-01


def said(confirmed: int = 0, rejected: int = 0, fault_kind: str = "cpu", at: float = DAY) -> Experience:
    return Experience(entity=A, fault_kind=fault_kind, confirmed=confirmed, rejected=rejected, last_at=at)


@pytest.mark.parametrize(
    ("experience", "odds"),
    [
        ([said(1)], 2.0),
        ([said(2, 1)], 1.5),
        ([said(0, 1)], 0.5),
        ([said(1, fault_kind="disk")], 1.5),
        ([said(1), said(2, fault_kind="disk")], 3.0),
        ([said(1, fault_kind="")], 1.5),
        ([said(1, 1)], 1.0),
    ],
)
def test_odds_are_those_of_the_counts_with_one_imaginary_case_on_either_side(
    experience: list[Experience], odds: float
) -> None:
    assert priors(experience)(A, "cpu").nats == pytest.approx(math.log(odds))


def test_no_number_of_confirmations_is_worth_more_than_the_cap() -> None:
    assert priors([said(10_000)])(A, "cpu").nats == MOST_NATS
    assert priors([said(0, 10_000)])(A, "cpu").nats == -MOST_NATS


def test_nothing_is_known_of_others() -> None:
    assert priors([said(3)])("c/n/service/b", "cpu") == UNKNOWN
    assert priors([]) is nothing_known


@pytest.mark.parametrize(
    ("experience", "words"),
    [
        ([said(3)], "confirmed as the cause 3 times before, lastly on 2026-03-01"),
        ([said(1, 2)], "confirmed as the cause once before, rejected twice, lastly on 2026-03-01"),
        ([said(0, 1)], "rejected as the cause once before, lastly on 2026-03-01"),
        (
            [said(1), said(1, fault_kind="disk", at=DAY + 86400)],
            "confirmed as the cause twice before, once of them with another fault, lastly on 2026-03-02",
        ),
    ],
)
def test_words(experience: list[Experience], words: str) -> None:
    assert priors(experience)(A, "cpu").words == words
