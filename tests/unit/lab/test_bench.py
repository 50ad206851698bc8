"""The benches' own arithmetic: what they send, what they count, and what they hold against a bar."""

from __future__ import annotations

import json
import os
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from brain_common.errors import PermanentError
from brain_lab.bench import estate, intake
from brain_lab.bench.figures import at_most, exactly, quantiles
from brain_lab.bench.load import NO_ANSWER, Answer, Notification, notification
from brain_lab.bench.service import Incident, Member, Told
from brain_lab.bench.sink import AnnotationSink
from brain_lab.bench.steady import PEERS, STATES, Book, settled, stream_of
from brain_lab.bench.usage import cpu_seconds, peak_rss_bytes

ABOUT = {"namespace": "shop", "service": "cart"}
END = 1_790_000_010.0


# --- figures


def test_a_quantile_is_a_value_that_was_measured() -> None:
    assert quantiles([4.0, 1.0, 3.0, 2.0], (0, 50, 75, 99, 100)) == {
        "p0": 1.0,
        "p50": 2.0,
        "p75": 3.0,
        "p99": 4.0,
        "p100": 4.0,
    }


def test_nothing_has_no_quantiles() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantiles([], (50,))


@pytest.mark.parametrize(
    ("bar", "met"),
    [
        (at_most("a", 2.0, 2.0), True),
        (at_most("a", 2.1, 2.0), False),
        (exactly("a", 0, 0), True),
        (exactly("a", 1, 0), False),
    ],
)
def test_a_bar_says_whether_it_is_met(bar: object, met: bool) -> None:
    assert getattr(bar, "met") is met  # noqa: B009


# --- what is sent


def test_states_of_a_group_are_one_group_with_growing_alerts() -> None:
    bodies = [json.loads(notification("7", count, ABOUT, "critical", END).body) for count in (1, 3)]
    assert [len(body["alerts"]) for body in bodies] == [1, 3]
    assert bodies[0]["groupKey"] == bodies[1]["groupKey"]
    assert bodies[1]["alerts"][0]["fingerprint"] == bodies[0]["alerts"][0]["fingerprint"]
    assert bodies[1]["commonLabels"].items() >= {**ABOUT, "severity": "critical"}.items()


def test_a_storm_tells_every_state_of_every_group_by_every_peer() -> None:
    bodies = [json.loads(body) for body in intake.storm(4, seed=1)]
    assert len(bodies) == 4 * intake.STATES * intake.PEERS
    sizes = {key: [len(b["alerts"]) for b in bodies if b["groupKey"] == key] for key in {b["groupKey"] for b in bodies}}
    assert list(sizes.values()) == [[state for state in range(1, intake.STATES + 1) for _ in range(intake.PEERS)]] * 4


def test_a_stream_goes_through_the_states_of_one_group_after_another() -> None:
    told = list(islice(stream_of(ABOUT), STATES * PEERS + 1))
    assert [len(one.fingerprints) for one in told[:-1]] == [1, 1, 2, 2, 3, 3]
    assert not told[-1].fingerprints & told[0].fingerprints


# --- what is counted


TOLD = Notification(b"{}", frozenset({"a", "b"}))


def answer(status: int) -> Answer:
    return Answer(status, b'{"incident": "1"}', 0.01)


@pytest.mark.parametrize(
    ("status", "done", "counted"),
    [(200, True, (1, 0, 0)), (NO_ANSWER, False, (0, 1, 0)), (503, False, (0, 1, 0)), (400, True, (0, 0, 1))],
)
def test_a_book_holds_what_alertmanager_would_do_next(status: int, done: bool, counted: tuple[int, int, int]) -> None:
    book = Book()
    assert book.note(TOLD, answer(status)) is done
    assert (book.accepted, book.retried, book.refused) == counted
    assert book.promised == ({"1": {"a", "b"}} if status == 200 else {})


def incident(state: str = "done", analysis: bytes = b"{}", alerts: str = "ab", sinks: str = "done") -> Incident:
    import msgspec

    return Incident(
        id="1",
        group_hash="2",
        analysis_state=state,
        alerts=[Member(name) for name in alerts],
        deliveries=[Told("grafana", sinks)] if sinks else [],
        analysis=msgspec.Raw(analysis),
    )


@pytest.mark.parametrize(
    ("known", "done"),
    [
        (incident(), True),
        (incident(alerts="abc"), True),
        (incident(alerts="a"), False),
        (incident(state="pending"), False),
        (incident(analysis=b"null"), False),
        (incident(sinks="pending"), False),
        (incident(sinks=""), False),
    ],
)
def test_an_incident_is_settled_when_all_its_alerts_are_judged_and_told(known: Incident, done: bool) -> None:
    assert settled(known, frozenset("ab")) is done


def test_the_sink_counts_annotations_that_should_not_be() -> None:
    import httpx

    command = {"time": 1, "timeEnd": 2, "tags": ["brain", "incident=x"], "text": "t"}
    with AnnotationSink() as sink:
        for expected in (0, 1):
            httpx.post(f"{sink.url}/api/annotations", json=command, trust_env=False).raise_for_status()
            assert sink.doubled() == expected
    assert set(sink.arrived) == {"x"}


# --- the system under load


@pytest.fixture(scope="module")
def system() -> estate.Estate:
    return estate.build(23, END, 1800.0, 600.0)


def test_an_estate_has_thirty_signals_of_every_service(system: estate.Estate) -> None:
    names = [metric for metric in estate.METRICS if metric.about in ("service", "pod", "container", "node")]
    for metric in names:
        rows = [
            one
            for one in system.series
            if one.metric == metric.name and dict(metric.labels).items() <= one.labels.items()
        ]
        assert len(rows) == 23, metric.name


def test_in_an_estate_only_the_cause_and_who_waits_for_it_get_slow(system: estate.Estate) -> None:
    slow = set()
    for one in (one for one in system.series if one.metric == "service:request_duration_seconds:p99"):
        before, after = np.median(one.values[system.times < END - 700]), np.median(one.values[system.times > END - 300])
        if after > 1.5 * before:
            slow.add(one.labels["service"])
    assert slow == {system.cause, *system.victims}
    assert system.cause not in system.victims
    assert 2 <= len(slow) < 23


def test_an_estate_is_the_same_for_a_seed() -> None:
    first, second, other = (estate.build(8, END, 600.0, 60.0, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(a.values, b.values) for a, b in zip(first.series, second.series, strict=True))
    assert not all(np.array_equal(a.values, b.values) for a, b in zip(first.series, other.series, strict=True))


# --- what the kernel says of a process


def test_cpu_and_memory_of_this_process() -> None:
    assert cpu_seconds(os.getpid()) > 0
    assert peak_rss_bytes(os.getpid()) > 2**20


def test_a_name_with_spaces_and_parentheses_is_no_field(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    fields = " ".join(["S", *(["0"] * 10), "250", "50", *(["0"] * 10)])
    (tmp_path / "7" / "stat").write_text(f"7 (a (b) c) {fields}\n")
    assert cpu_seconds(7, tmp_path) == pytest.approx(300 / os.sysconf("SC_CLK_TCK"))


def test_a_process_that_is_gone_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="cannot be read"):
        cpu_seconds(7, tmp_path)
