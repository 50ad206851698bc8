"""What is counted of the steps of requests, and what pays for the search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from brain_engine.flow.counted import Counted, counted

_SPLIT, _WIDTH = 6, 8


def _counted(row: Sequence[int], step: Sequence[int]) -> Counted:
    """All rows are chances of one thing."""
    return counted(
        np.array(row), np.zeros(len(row), np.int64), np.ones(len(row), np.bool_), np.array(step), _WIDTH, _SPLIT
    )


def test_hits_are_counted_in_their_steps_of_all_chances_there() -> None:
    found = _counted(row=[3, 3, 5, 3, 3, 3], step=[0, 1, 1, 6, 7, 7])
    assert found.rows.tolist() == [3]
    assert found.hits.tolist() == [[1, 1, 0, 0, 0, 0, 1, 2]]
    assert found.trials.tolist() == [[1, 2, 0, 0, 0, 0, 1, 2]]


@pytest.mark.parametrize(
    ("row", "step", "tests"),
    [
        ([1, 1, 1, 2, 2], [0, 1, 2, 6, 7], 1),  # what always happened cannot happen more often: only the other can
        ([1, 1, 1, 2], [0, 1, 2, 6], 0),  # once is nothing
        ([1, 1, 1, 1, 2, 2, 1], [0, 1, 2, 3, 4, 5, 6], 1),  # it did not happen again, but could have
        ([1, 1, 2, 2], [0, 1, 2, 3], 0),  # nobody had a chance in the window
    ],
)
def test_only_what_could_deviate_pays(row: Sequence[int], step: Sequence[int], tests: int) -> None:
    assert _counted(row, step).tests == tests
