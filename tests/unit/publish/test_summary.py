"""What is said about an incident in a few lines."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from brain_rca.model import Feedback, FeedbackKind
from brain_rca.publish.summary import MAX_CAUSES, MAX_NAME, MAX_SENTENCE, entity_name, percent, summarize
from tests.unit.publish.samples import EXTERNAL_URL, HOSTILE, OPENED, analysis, cause, hostile, incident, judged


def test_the_first_cause_is_the_headline() -> None:
    summary = summarize(*judged(incident()), EXTERNAL_URL)
    assert summary.headline == "Likely root cause: payments (workload in shop): cpu, 82 %"
    assert summary.title == "HighLatency (namespace=shop)"
    assert (summary.status, summary.severity, summary.none_probability) == ("open", "critical", "10 %")
    assert summary.link == "https://brain.example/base/incidents/0011223344556677"


def test_a_first_cause_that_was_rejected_is_told_so() -> None:
    one = incident(causes=[cause()])
    said = Feedback(entity=cause().entity, kind=FeedbackKind.REJECTED, actor="alex", at=0.0)
    headline = summarize(*judged(replace(one, feedback=(said,))), EXTERNAL_URL).headline
    assert headline.endswith("82 %, rejected by a person")


def test_when_cause_and_trouble_began_is_one_line_with_dates() -> None:
    one = incident(causes=[cause()])
    assert one.analysis is not None
    dated = replace(one, analysis=replace(one.analysis, trouble_began=OPENED - 30, resolution=15.0))
    assert summarize(*judged(dated), EXTERNAL_URL).began == (
        "Cause began 2025-11-25 03:13:00 UTC, Trouble began 2025-11-25 03:13:30 UTC, known to 15 s"
    )
    undated = replace(one, analysis=replace(one.analysis, causes=(), resolution=15.0))
    assert summarize(*judged(undated), EXTERNAL_URL).began == ""


def test_it_is_the_confirmed_cause_that_began() -> None:
    listed = [cause(), replace(cause("c/n/pod/a", rank=2), findings=())]
    said = Feedback(entity="c/n/pod/a", kind=FeedbackKind.CONFIRMED, actor="alex", at=0.0)
    assert summarize(*judged(replace(incident(causes=listed), feedback=(said,))), EXTERNAL_URL).began == ""


def test_the_fix_is_of_the_first_cause_and_says_that_it_was_not_tried() -> None:
    summary = summarize(*judged(incident(causes=[cause("c/n/pod/a")])), EXTERNAL_URL)
    assert summary.fix == "Raise the limit of c/n/pod/a (not validated)"


def test_a_fix_for_an_unlikely_cause_is_not_shown() -> None:
    causes = [replace(cause("c/n/pod/a"), proposals=()), cause("c/n/pod/b", rank=2)]
    assert summarize(*judged(incident(causes=causes)), EXTERNAL_URL).fix == ""


def test_no_cause_is_said_plainly_and_with_its_reason() -> None:
    one = replace(incident(), analysis=analysis(reason="evidence is missing", missing=["a", "b"]))
    summary = summarize(*judged(one), EXTERNAL_URL + "/")
    assert summary.headline == "No root cause found: evidence is missing"
    assert (summary.causes, summary.none_probability, summary.fix, summary.missing) == ((), "", "", 2)


def test_a_closed_incident_is_resolved() -> None:
    assert summarize(*judged(incident(closed_at=1.0)), EXTERNAL_URL).status == "resolved"


def test_a_cause_without_finding_is_explained() -> None:
    one = replace(cause(), findings=(), explanation="It changed.")
    summary = summarize(*judged(incident(causes=[one])), EXTERNAL_URL)
    assert summary.causes[0].evidence == "It changed."


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_everything_is_capped_whatever_the_labels(text: str) -> None:
    summary = summarize(*judged(hostile(text)), EXTERNAL_URL)
    assert len(summary.causes) == MAX_CAUSES
    longest = 3 * MAX_NAME + MAX_SENTENCE
    assert all(len(value) <= longest for value in msgspec.to_builtins(summary).values() if isinstance(value, str))
    assert all(len(line.text) <= longest and len(line.evidence) <= MAX_SENTENCE for line in summary.causes)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("prod/shop/workload/payments", "payments (workload in shop)"),
        ("prod//node/n1", "n1 (node in prod)"),
        ("///", "///"),
        ("//node/n1", "n1 (node)"),
        ("c/n/service/a%2Fb", "a/b (service in n)"),
        ("no entity", "no entity"),
    ],
)
def test_entities_for_people(text: str, shown: str) -> None:
    assert entity_name(text) == shown


@pytest.mark.parametrize(
    ("probability", "shown"),
    [
        (0.0, "0 %"),
        (0.001, "< 1 %"),
        (0.01, "1 %"),
        (0.5, "50 %"),
        (0.006, "1 %"),
        (0.99, "99 %"),
        (0.992, "99 %"),
        (0.996, "> 99 %"),
        (1.0, "100 %"),
    ],
)
def test_percent(probability: float, shown: str) -> None:
    assert percent(probability) == shown
