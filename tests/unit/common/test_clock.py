"""Clocks: one of the machine, one that moves only when told to."""

from __future__ import annotations

import time

from brain_common.clock import ManualClock, SystemClock


def test_the_machines_clock_is_seconds_since_the_epoch() -> None:
    before = time.time()
    assert before <= SystemClock().now() <= time.time()


def test_a_manual_clock_stands_until_it_is_moved() -> None:
    clock = ManualClock(100.0)
    assert (clock.now(), clock.now()) == (100.0, 100.0)
    clock.advance(2.5)
    assert clock.now() == 102.5
