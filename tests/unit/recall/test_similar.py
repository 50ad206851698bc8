"""Which past incident looks like this one."""

from __future__ import annotations

from typing import Any

from brain_rca.model import Cause, Finding
from brain_rca.recall.similar import MOST, most_similar
from brain_rca.store.protocol import PastIncident

A, B, NODE = "c/n/service/a", "c/n/service/b", "c//node/x"


def cause(*signals: str) -> Cause:
    findings = tuple(
        Finding(entity=A, signal=signal, score=0.9, onset=0.0, direction="up", sentence="") for signal in signals
    )
    return Cause(rank=1, entity=A, fault_kind="cpu", probability=0.8, findings=findings)


def past(name: str = "p", **changes: Any) -> PastIncident:
    known: dict[str, Any] = {
        "incident_id": name,
        "title": name,
        "entity": A,
        "fault_kind": "cpu",
        "opened_at": 1000.0,
        "closed_at": 1600.0,
        "signals": ("cpu", "latency"),
        "confirmed": False,
        "fix": "",
    }
    return PastIncident(**(known | changes))


def test_the_same_in_everything_scores_one() -> None:
    [found] = most_similar(cause("cpu", "latency"), [past(fix="restarted", confirmed=True)])
    assert found.score == 1.0
    assert found.why == "the same cause, the same fault (cpu), 2 of 2 signals in common"
    assert (found.lasted, found.fix, found.confirmed) == (600.0, "restarted", True)


def test_the_score_says_what_differs() -> None:
    [found] = most_similar(cause("cpu", "latency"), [past(entity=B, signals=("cpu", "disk"))])
    assert found.score == 0.533
    assert found.why == "another service, the same fault (cpu), 1 of 3 signals in common"


def test_what_has_little_in_common_is_left_out() -> None:
    assert most_similar(cause("cpu"), [past(entity=B, signals=("disk",)), past(entity=NODE, signals=("cpu",))]) != ()
    assert most_similar(cause("cpu"), [past(entity=B, fault_kind="disk", signals=("disk",))]) == ()


def test_the_most_alike_come_first_then_the_newest_and_not_all() -> None:
    many = [past(f"p{place}", opened_at=float(place)) for place in range(MOST + 2)]
    alike = past("alike", signals=("cpu",), opened_at=-1.0)
    found = most_similar(cause("cpu"), [*many, alike])
    assert [one.incident_id for one in found] == ["alike", "p6", "p5", "p4", "p3"]


def test_one_that_goes_on_has_no_length_and_a_clock_that_went_back_no_negative_one() -> None:
    [goes_on] = most_similar(cause("cpu"), [past(closed_at=None)])
    [odd] = most_similar(cause("cpu"), [past(closed_at=900.0)])
    assert (goes_on.lasted, odd.lasted) == (None, 0.0)


def test_feedback_is_no_signal() -> None:
    [found] = most_similar(cause("cpu", "feedback"), [past(signals=("cpu",))])
    assert found.score == 1.0
