"""An incident on a terminal."""

from __future__ import annotations

import io
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console

from brain_cli.show import print_incident
from brain_common.entity import Entity, EntityKind
from brain_rca.model import (
    Analysis,
    AnalysisState,
    Cause,
    Finding,
    Incident,
    IncidentStatus,
    Look,
    Proposal,
    Suspect,
    Weighing,
)
from tests.unit.analysis.samples import CART, FRONT, NOW, ONSET, alert, incident

FIX = Proposal(
    kind="kubernetes",
    title="Scale [cart]",
    diff="--- a\n+++ b\n-  replicas: 2\n+  replicas: [4]",
    rationale="",
    risk="low",
    rollback="scale back",
)


FAILED: Any = {"analysis_state": AnalysisState.FAILED, "analysis_error": "Prometheus [b]\nrefused"}


def finding(sentence: str = "latency rose [fast]", onset: float | None = ONSET) -> Finding:
    return Finding(entity=CART, signal="latency", score=0.9, onset=onset, direction="up", sentence=sentence)


def cause(rank: int = 1, **changes: Any) -> Cause:
    given: dict[str, Any] = {
        "entity": CART,
        "fault_kind": "latency",
        "probability": 0.82,
        "findings": (finding(),),
        "explanation": "It stands out.",
        "proposals": (FIX,),
    }
    return Cause(rank=rank, **{**given, **changes})


def judged(*causes: Cause, **changes: Any) -> Incident:
    given: dict[str, Any] = {"finished_at": NOW, "window_start": NOW - 1800, "window_end": NOW, "alerting": (FRONT,)}
    return incident(analysis=Analysis(causes=causes, **{**given, **changes}))


def shown(about: Incident, **terminal: Any) -> str:
    out = io.StringIO()
    print_incident(about, Console(file=out, highlight=False, width=120, **terminal))
    return out.getvalue()


def test_it_has_everything_that_a_reader_needs_first() -> None:
    lines = [line.rstrip() for line in shown(judged(cause(), cause(2, entity=FRONT))).splitlines()]
    assert lines[0] == "Slow  critical, open"
    assert lines[1] == "alerting: service shop/front   window: 2023-11-14 21:45:00 to 22:15:00 UTC"
    assert lines[2] == "Cause began: 22:05:00 UTC"
    assert lines[3].split() == ["cause", "kind", "probability", "began", "evidence"]
    row = (
        "1  service shop/cart   latency  82\N{NO-BREAK SPACE}% ████████  22:05:00  latency rose [fast], began 22:05:00"
    )
    assert row in lines[4]
    assert lines[5].startswith("2  service shop/front")
    assert lines[6:] == [
        "",
        "1. It stands out.",
        "2. It stands out.",
        "",
        "Proposed fix (not validated): Scale [cart]",
        *FIX.diff.splitlines(),
        "risk: low",
        "rollback:",
        "  scale back",
    ]


def test_both_moments_are_told_once_with_their_date_where_it_is_another() -> None:
    known = {"trouble_began": ONSET + 60, "resolution": 15.0}
    about = judged(cause(), **known)
    assert "\nCause began: 22:05:00 UTC   Trouble began: 22:06:00 UTC   known to 15 s\n" in shown(about)
    before = judged(cause(), **known, window_start=NOW - 86400)
    assert "window: 2023-11-13 22:15:00 to 2023-11-14 22:15:00 UTC" in shown(before)
    assert "Cause began: 2023-11-14 22:05:00 UTC" in shown(before)


def test_a_small_probability_is_not_said_to_be_none() -> None:
    text = shown(judged(cause(probability=0.004)))
    assert "<\N{NO-BREAK SPACE}1\N{NO-BREAK SPACE}%" in text
    assert " 0%" not in text


LONG = "kubectl -n shop logs deployment/cart --all-containers --timestamps --since-time=2023-11-14T22:04:00Z --tail=100"


def test_what_is_to_be_copied_is_never_wrapped() -> None:
    fix = replace(FIX, diff=f"+{LONG}", rollback=f"{LONG}\n{LONG}")
    one = cause(look=(Look(what="The lines.", command=LONG),), proposals=(fix,))
    lines = shown(judged(one), force_terminal=True, color_system=None).replace(LONG, "LONG").splitlines()
    assert {"  LONG", "+LONG"} <= set(lines)
    assert lines[-2:] == ["  LONG", "  LONG"]


def test_nothing_is_wrapped_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_incident(judged(cause(explanation=LONG, findings=(finding(LONG),))))
    out = capsys.readouterr().out
    assert f"1. {LONG}\n" in out
    assert f"{LONG}, began 22:05:00" in out


def test_without_a_cause_it_says_what_comes_nearest() -> None:
    near = (Suspect(entity=CART, weight=2.34, finding=finding("errors [rose]")), Suspect(entity=FRONT, weight=1.0))
    text = shown(judged(suspects=near))
    assert "nearest to one (of the 4 nats that it takes to be named):" in text
    assert "  2.3  service shop/cart: errors [rose]\n  1  service shop/front alerts\n" in text


def test_only_the_first_causes_and_findings_are_shown() -> None:
    many = [finding(f"finding {number}") for number in range(9)]
    text = shown(judged(*(cause(rank, entity=f"{CART}{rank}", findings=tuple(many)) for rank in range(1, 10))))
    assert ("cart5" in text, "cart6" in text) == (True, False)
    assert ("finding 2" in text, "finding 3" in text) == (True, False)
    assert text.count("Proposed fix") == 1


def test_the_finding_that_a_cause_began_with_is_shown_however_weak() -> None:
    weak = finding("memory drifted", ONSET - 300)
    text = shown(judged(cause(findings=(*(finding(f"finding {number}") for number in range(3)), weak))))
    assert "memory drifted, began 22:00:00" in text
    assert "Cause began: 22:00:00 UTC" in text


def test_a_finding_whose_onset_is_unknown_has_no_time() -> None:
    text = shown(judged(cause(findings=(finding("rose", None),))))
    assert ", began" not in text
    assert ", over" not in text


def test_a_finding_that_is_over_says_since_when() -> None:
    over = replace(finding("memory drifted", ONSET - 300), until=ONSET)
    assert "memory drifted, began 22:00:00, over 22:05:00" in shown(judged(cause(findings=(over,))))


@pytest.mark.parametrize(
    ("about", "text"),
    [
        (incident(), "not judged yet"),
        (incident(**FAILED), "judgement failed, it is tried again: Prometheus [b] refused"),
        (replace(judged(cause()), **FAILED), "what is shown is the one before: Prometheus [b] refused"),
        (judged(no_cause_reason="nothing [deviates]"), "No cause found: nothing [deviates]"),
        (judged(alerting=()), "alerting: nothing that a label names"),
        (judged(missing=("cpu: [b]away[/b]",)), "missing evidence: cpu: [b]away[/b]"),
        (incident(status=IncidentStatus.RESOLVED), "Slow  critical, resolved"),
    ],
)
def test_what_there_is_not_is_said(about: Incident, text: str) -> None:
    assert text in shown(about)


@pytest.mark.parametrize("colours", [True, False])
def test_hostile_text_is_shown_as_text(colours: bool) -> None:
    hostile = "[red]a\x1b[2J\x1b]0;owned\x07\x9b31m\u202eb\r\x00[/]\\"
    name = str(Entity("lab", "shop", EntityKind.SERVICE, hostile))
    evil = cause(entity=name, explanation=hostile, findings=(finding(hostile),))
    about = judged(evil, alerting=(name,), missing=(hostile,))
    text = shown(about, force_terminal=colours, color_system="truecolor" if colours else None)
    assert "[red]a[2J]0;owned31mb[/]\\" in text
    assert not {"\x07", "\x9b", "\u202e", "\r", "\x00"} & set(text)
    assert "\x1b[2J" not in text
    assert "\x1b]" not in text


def test_the_title_is_hostile_too() -> None:
    assert "\x1b" not in shown(incident(alert(alertname="\x1b[2J[bold]", service="x"), group_labels={"a": "\x1b"}))


def test_the_next_cause_the_weighing_and_what_to_look_at_are_told() -> None:
    first = cause(
        weight=11.0,
        weighed=(
            Weighing(what="latency [p99]", nats=12.5, how="25 nats × 1/2 as its [second] finding"),
            Weighing(what="share that is its own (88 %)", nats=-1.5),
        ),
        temperature=4.0,
        look=(Look(what="What Kubernetes says.", command="kubectl -n shop describe service cart"),),
    )
    second = cause(2, probability=0.1, explanation="Slow as well.", against=("cart explains it [away]",), proposals=())
    text = shown(judged(first, second))
    assert "2. Slow as well." in text
    assert "against: cart explains it [away]" in text
    assert (
        "weighed:\n  +12.5 latency [p99] = 25 nats × 1/2 as its [second] finding\n"
        "  -1.5 share that is its own (88 %)\n  = 11 nats, divided by 4\n"
    ) in text
    assert "look at: What Kubernetes says.\n  kubectl -n shop describe service cart" in text
