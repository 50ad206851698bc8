"""What to look at next: steps that only read, with names that cannot alter a command."""

from __future__ import annotations

from typing import Any

import pytest

from brain_rca.analysis.look import MOST, look_at
from brain_rca.model import Cause, Change, ChangeKind, Finding
from tests.unit.analysis.samples import CART, ONSET

READING = ("kubectl -n shop get ", "kubectl -n shop logs ", "kubectl -n shop describe ", "kubectl describe node ")
READING_HISTORY = "kubectl -n shop rollout history "


def cause(entity: str = CART, *findings: Finding, **changes: Any) -> Cause:
    return Cause(rank=1, entity=entity, fault_kind="latency", probability=0.9, findings=findings, **changes)


def finding(signal: str = "service_latency_p99", query: str = "up", subject: str = "") -> Finding:
    return Finding(
        entity=CART, signal=signal, score=0.9, onset=ONSET, direction="up", sentence="x", query=query, subject=subject
    )


def test_the_query_the_state_and_the_lines_around_the_onset() -> None:
    steps = look_at(cause(CART, finding()))
    assert [(step.what, step.command) for step in steps] == [
        ("How latency p99 of service shop/cart goes on.", "up"),
        ("What Kubernetes says about service shop/cart.", "kubectl -n shop get pods,endpointslices -o wide"),
        (
            "The log lines from shortly before it began.",
            "kubectl -n shop logs deployment/cart --all-containers --timestamps --since-time=2023-11-14T22:04:00Z",
        ),
    ]


def test_a_change_comes_first_then_the_template() -> None:
    rollout = Change(at=0.0, kind=ChangeKind.ROLLOUT, seconds_before=60, reason="Deployed", message="", actor="")
    steps = look_at(cause(CART, finding(), finding("log_templates", "", "refused <*>"), changes=(rollout,)))
    assert steps[0].command == f"{READING_HISTORY}deployment/cart"
    assert steps[1].what == 'The log lines that read like "refused <*>" from shortly before it began.'
    assert len(steps) <= MOST


def test_the_config_map_that_the_event_tells_is_the_one_to_look_at() -> None:
    said = "ConfigMap cart-config: pool 20 -> 5"
    edit = Change(at=0.0, kind=ChangeKind.CONFIG, seconds_before=9, reason="config", message=said, actor="alex")
    [first, *_] = look_at(cause(CART, changes=(edit,)))
    assert first.what.endswith(f"whether taking it back helps: config: {said} (by alex).")
    assert first.command == "kubectl -n shop get configmap cart-config -o yaml"


@pytest.mark.parametrize(
    "entity", ["lab/shop/pod/cart-7d9f8b6c5-x2x4z", "lab//node/10.0.0.7", "lab/shop/workload/cart", CART]
)
@pytest.mark.parametrize("kind", list(ChangeKind))
def test_every_command_only_reads(entity: str, kind: ChangeKind) -> None:
    done = Change(at=0.0, kind=kind, seconds_before=60, reason="Deployed", message="", actor="")
    for step in look_at(cause(entity, finding(query=""), changes=(done,))):
        assert not step.command or step.command.startswith((*READING, READING_HISTORY))


@pytest.mark.parametrize("name", ["$(reboot)", "a;b", "-o", "", "x" * 300])
def test_a_name_that_kubernetes_would_not_accept_is_in_no_command(name: str) -> None:
    entity = f"lab/shop/pod/{name.replace('/', '%2F')}"
    assert not any(name in step.command for step in look_at(cause(entity, finding(query=""))) if name)
    assert all(not step.command for step in look_at(cause(entity, finding(query=""))))


def test_what_is_no_entity_gives_no_step() -> None:
    assert look_at(cause("nonsense")) == ()
