"""Which entities an incident can be about, and which of them somebody may have meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_rca.feedback.known import known_entities, near
from brain_rca.model import Analysis, Cause

KNOWN = ("prod/shop/database/ledger-db", "prod/shop/service/ledger-db", "prod/shop/service/payments", "prod//node/n1")


def test_what_the_judgement_names_and_what_its_evidence_knows_can_be_meant() -> None:
    cause = Cause(
        rank=1, entity="c/n/service/a", fault_kind="cpu", probability=0.9, path=("c/n/service/a", "c/n/pod/b")
    )
    alerting, entities = ("c/n/service/d",), ("c/n/service/e",)
    analysis = Analysis(
        finished_at=0, window_start=0, window_end=0, alerting=alerting, causes=(cause,), entities=entities
    )
    assert known_entities(analysis) == {"c/n/service/a", "c/n/pod/b", "c/n/service/d", "c/n/service/e"}
    assert known_entities(None) == frozenset()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("prod/shop/database/ledgr-db", ("prod/shop/database/ledger-db", "prod/shop/service/ledger-db")),
        ("prod/shop/service/ledger-db2", ("prod/shop/service/ledger-db", "prod/shop/database/ledger-db")),
        ("ledger-db", ("prod/shop/service/ledger-db", "prod/shop/database/ledger-db")),
        ("prod/shpo/service/payments", ("prod/shop/service/payments",)),
        ("zzzz", ()),
        ("", ()),
    ],
)
def test_the_nearest_come_first(typed: str, meant: tuple[str, ...]) -> None:
    assert set(near(typed, KNOWN)) == set(meant)
    assert near(typed, KNOWN)[:1] == meant[:1]


@given(st.text(max_size=2000))
def test_whatever_was_typed_there_are_three_offers_at_most(typed: str) -> None:
    many = [f"c/n/service/{number}" for number in range(50)]
    assert len(near(typed, many)) <= 3
