"""What is kept of annotations between publications."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_rca.publish.ledger import Entry, Ledger

UIDS = st.text("abcXYZ019_-", max_size=40)
ENTRIES = st.builds(Entry, st.integers(0, 10**18 - 1), st.booleans(), st.booleans(), st.booleans())


@given(st.dictionaries(UIDS, ENTRIES, max_size=4))
def test_what_is_written_is_read(entries: dict[str, Entry]) -> None:
    assert Ledger.parse(Ledger(entries).text()).entries == entries


@given(st.text())
def test_whatever_is_read_does_no_harm(text: str) -> None:
    assert all(entry.id >= 0 for entry in Ledger.parse(text).entries.values())


@pytest.mark.parametrize("text", ["", "7", "x@y", "-1@d", "7@d d", "7@" + "a" * 41])
def test_what_cannot_be_read_is_forgotten(text: str) -> None:
    assert Ledger.parse(text).entries == {}


def test_doubt_comes_and_goes() -> None:
    ledger = Ledger.parse("7@d")
    ledger.doubt()
    assert ledger.unsure
    assert ledger.text() == "7@d?"
    ledger.settle()
    assert not ledger.unsure


def test_which_one_stands_in_the_organisation() -> None:
    assert Ledger.parse("7@d,8@e").organisation is None
    assert Ledger.parse("7@d,8@e~").organisation == Entry(8, in_organisation=True)
    assert Ledger.parse("7@d,9@").organisation == Entry(9)
    assert Ledger.parse("0@").organisation is None
