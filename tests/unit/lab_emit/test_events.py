from __future__ import annotations

import pytest

from brain_lab.emit.events.core import core_v1, events_v1
from brain_lab.emit.events.reasons import REASONS, occurrences
from brain_lab.emit.records import NANOS
from tests.unit.lab_emit.samples import START

TIMES = [START, START + 10 * NANOS, START + 40 * NANOS]


def test_repeats_are_one_event_with_a_growing_count() -> None:
    events = occurrences("BackOff", "ledger-1", "shop", TIMES, host="node-1", container="ledger")
    shown = [core_v1(event) for event in events]
    assert len({event.name for event in events}) == 1
    assert [one["count"] for one in shown] == [1, 2, 3]
    assert {one["firstTimestamp"] for one in shown} == {"2025-11-25T02:04:02Z"}
    assert [one["lastTimestamp"] for one in shown][-1] == "2025-11-25T02:04:42Z"
    assert shown[0]["message"] == "Back-off restarting failed container ledger in pod ledger-1"
    assert shown[0]["source"] == {"component": "kubelet", "host": "node-1"}
    assert shown[0]["involvedObject"]["fieldPath"] == "spec.containers{ledger}"  # type: ignore[index]


def test_in_the_new_version_they_have_the_deprecated_count() -> None:
    last = events_v1(occurrences("BackOff", "ledger-1", "shop", TIMES, host="node-1")[-1])
    assert (last["deprecatedCount"], last["eventTime"]) == (3, None)
    assert "series" not in last


def test_the_scheduler_writes_series() -> None:
    first, *_, last = occurrences("FailedScheduling", "ledger-1", "shop", TIMES)
    assert "series" not in events_v1(first)
    assert events_v1(last)["series"] == {"count": 3, "lastObservedTime": "2025-11-25T02:04:42.000000Z"}
    assert events_v1(last)["eventTime"] == "2025-11-25T02:04:02.000000Z"
    old = core_v1(last)
    assert (old["firstTimestamp"], old["lastTimestamp"], old["series"]) == (None, None, events_v1(last)["series"])
    assert "count" not in old


@pytest.mark.parametrize("name", sorted(REASONS))
def test_every_reason_fills_in_and_its_object_has_a_kind(name: str) -> None:
    (event,) = occurrences(name, "thing", "shop", TIMES[:1], host="node-1")
    assert "{" not in event.message.replace("spec.containers{", "")
    assert event.subject.kind == REASONS[name].kind[0]
    assert core_v1(event)["type"] == ("Warning" if REASONS[name].warning else "Normal")


def test_nodes_have_no_namespace_and_their_events_are_in_default() -> None:
    (event,) = occurrences("OOMKilling", "node-1", "shop", TIMES[:1], process="java")
    shown = core_v1(event)
    assert "namespace" not in shown["involvedObject"]  # type: ignore[operator]
    assert shown["metadata"]["namespace"] == "default"  # type: ignore[index]
    assert "(java)" in event.message


def test_image_pulls_fail_under_the_reason_that_the_kubelet_gives() -> None:
    (event,) = occurrences("ErrImagePull", "ledger-1", "shop", TIMES[:1])
    assert (event.reason, event.message) == ("Failed", "Error: ErrImagePull")


def test_an_unknown_reason_is_an_error() -> None:
    with pytest.raises(KeyError):
        occurrences("Nonesuch", "x", "shop", TIMES)


def test_no_times_no_events() -> None:
    assert occurrences("BackOff", "x", "shop", []) == []
