"""Words for what broke: known ones and own ones are taken, misspelt ones are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from brain_common.errors import InputError
from brain_rca.feedback.fault_kinds import KINDS, checked_fault_kind


@pytest.mark.parametrize(
    "word", ["", *KINDS, "certificate", "host", "memory-leak", "latency-tail", "dns", "throttling"]
)
def test_known_words_and_own_ones_are_taken(word: str) -> None:
    assert checked_fault_kind(word) == word


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("latancy", "latency"),
        ("error", "errors"),
        ("laod", "load"),
        ("cup", "cpu"),
        ("Latency", "latency"),
        ("CPU", "cpu"),
        ("restart", "restarts"),
    ],
)
def test_what_is_nearly_a_known_word_is_refused_with_it(word: str, meant: str) -> None:
    with pytest.raises(
        InputError, match=rf"fault kind '{word}' \(did you mean {meant}\?\): expected latency, errors, "
    ):
        checked_fault_kind(word)


def test_what_is_no_word_is_refused_in_short() -> None:
    with pytest.raises(InputError, match="expected latency, errors, ") as refused:
        checked_fault_kind("<" * 10_000)
    assert len(str(refused.value)) < 300


def test_the_words_of_the_ranking_are_known() -> None:
    assert checked_fault_kind("latencies", {"latencies"}) == "latencies"
    with pytest.raises(InputError, match="did you mean gc-pauses"):
        checked_fault_kind("gc-pause", {"gc-pauses"})


def test_the_documents_name_them_all() -> None:
    page = (Path(__file__).parents[3] / "docs" / "rca" / "feedback.md").read_text()
    assert [kind for kind in KINDS if f"`{kind}`" not in page] == []
