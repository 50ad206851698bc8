"""Whether sources answer, and what is said of it."""

from __future__ import annotations

import logging

import pytest

from brain_common.clock import ManualClock
from brain_common.errors import TemporaryError
from brain_exporters.runtime.health import Health


def samples(health: Health) -> dict[str, float]:
    return {
        f"{sample.name}{sample.labels.get('source', '')}": sample.value
        for family in health.collect()
        for sample in family.samples
    }


def test_one_source_down_is_down() -> None:
    health = Health("x", ["a", "b"], ManualClock(50.0))
    assert samples(health)["x_up"] == 0.0
    health.ok("a")
    assert not health.up
    health.ok("b")
    assert health.up
    assert health.answered
    assert samples(health)["x_up"] == 1.0
    health.failed("b", TemporaryError("gone"))
    found = samples(health)
    assert (found["x_up"], found["x_source_upa"], found["x_source_upb"]) == (0.0, 1.0, 0.0)
    assert found["x_source_last_success_timestamp_secondsb"] == 50.0
    assert found["x_source_failures_totalb"] == 1.0
    assert health.answered
    assert health.reasons() == {"b": "gone"}


def test_a_reason_is_logged_once_until_it_changes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    health = Health("x", ["a"], ManualClock(0.0))
    for text in ("gone", "gone", "forbidden", "forbidden"):
        health.failed("a", TemporaryError(text))
    health.ok("a")
    health.ok("a")
    health.failed("a", TemporaryError("gone"))
    assert [record.getMessage() for record in caplog.records] == [
        "a: gone",
        "a: forbidden",
        "a: works again",
        "a: gone",
    ]
