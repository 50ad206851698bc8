"""A scenario through the real product: simulator, real Prometheus, analysis, result with its truth."""

from __future__ import annotations

import pickle

import pytest

from brain_cli.simulated import SimulatedJudge, notifications, unreadable_because
from brain_common.entity import Entity, EntityKind
from brain_lab.evaluate.marks import detected_after
from brain_lab.scenario import Answer, FaultPart, Fix, Load, Scenario
from brain_lab.scenario.play import begins, play
from brain_lab.simulate.recording import Truth
from tests.servers.provide import require

SHORT = Load(length_seconds=900.0)
BROKEN = Scenario(
    platform="automotive", seed=1, load=SHORT, faults=(FaultPart(fault="latency-spike", onset_seconds=500.0),)
)


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge finds the programs that the tests use."""
    monkeypatch.setenv("BRAIN_PROMTOOL_BIN", str(require("promtool")))
    monkeypatch.setenv("BRAIN_PROMETHEUS_BIN", str(require("prometheus")))


def test_a_fault_is_noticed_judged_and_comes_with_its_truth() -> None:
    result = pickle.loads(pickle.dumps(SimulatedJudge()))(BROKEN)
    assert result.error == ""
    (truth,) = result.truths
    assert truth.onset == begins(BROKEN) + 500.0
    assert detected_after(result) is not None
    assert result.judgements
    assert all(one.at > truth.onset and one.seconds > 0.0 for one in result.judgements)
    assert result.last is not None
    assert result.last.causes
    assert sum(cause.probability for cause in result.last.causes) <= 1.0 + 1e-9
    assert truth.entity in {cause.entity for one in result.judgements for cause in one.causes}


def test_a_signal_can_be_taken_away() -> None:
    """Without latencies nothing that deviates is one."""
    whole, less = (SimulatedJudge(ablated=name)(BROKEN) for name in ("", "latency"))
    assert whole.judgements
    assert len(less.judgements) == len(whole.judgements)
    assert less.judgements[-1].causes != whole.judgements[-1].causes


def test_a_quiet_run_is_asked_about_a_false_alarm() -> None:
    result = SimulatedJudge()(Scenario(platform="automotive", seed=4, load=SHORT))
    assert result.truths == ()
    assert result.alert_at is not None
    assert len(result.judgements) >= 1


def test_what_a_scenario_says_itself_wins() -> None:
    told = FaultPart(
        fault="latency-spike",
        onset_seconds=899.0,
        truth=Answer(entity="c/n/service/other", kinds=("disk",)),
        fix=Fix(proposal="terraform"),
    )
    result = SimulatedJudge()(Scenario(platform="automotive", seed=1, load=SHORT, faults=(told,)))
    assert result.alert_at is None  # it begins a second before the end
    assert result.judgements == ()
    assert [(truth.entity, truth.kinds, truth.proposal) for truth in result.truths] == [
        ("c/n/service/other", ("disk",), "terraform")
    ]


def test_notifications_hold_no_truth() -> None:
    recording = play(BROKEN)
    told = pickle.dumps(list(notifications(recording, begins(BROKEN), 1)))
    for word in ("latency-spike", recording.truth[0].fix):
        assert word.encode() not in told


@pytest.mark.parametrize(
    ("evidence", "said"),
    [
        ((), ""),
        (("container_cpu_usage_seconds_total", "logs"), ""),
        (("logs",), ""),
        (("aws_calls", "cost"), ""),
        (("cost",), "it shows in cost"),
        (("DCGM_FI_DEV_UNHEARD_OF",), "it shows in metrics that no signal of the catalogue reads, such as DCGM_FI"),
    ],
)
def test_what_the_product_cannot_read_is_told(evidence: tuple[str, ...], said: str) -> None:
    truth = Truth("f", Entity("c", "n", EntityKind.SERVICE, "s"), (), 0.0, "config", evidence=evidence)
    assert unreadable_because([truth]).startswith(said)
    assert bool(unreadable_because([truth])) == bool(said)
