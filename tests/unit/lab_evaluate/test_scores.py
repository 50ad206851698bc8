"""Figures of runs whose figures can be worked out on paper, and of none at all."""

from __future__ import annotations

import json
import math
import random

import msgspec
import pytest

from brain_lab.evaluate.calibration import calibration
from brain_lab.evaluate.intervals import bootstrap, wilson
from brain_lab.evaluate.marks import Said, detected_after, first_said, localised_after, rank
from brain_lab.evaluate.ranks import average_of_five, rank_of, reciprocal
from brain_lab.evaluate.run_result import Judgement, RunResult, RunTruth, SaidCause, same_thing
from brain_lab.evaluate.scores import Scores, score
from tests.unit.lab_evaluate.samples import ONSET, TRUTH, causes, evaluation, fault, quiet


def test_accuracy_counts_places() -> None:
    scores = score([fault(1), fault(2), fault(3), fault(4), fault(None)])
    assert scores.top1 == pytest.approx(0.2)
    assert scores.top3 == pytest.approx(0.6)
    assert scores.avg5 == pytest.approx((0.2 + 0.4 + 0.6 + 0.8 + 0.8) / 5)
    assert scores.specificity is None


def test_specificity_counts_silence_and_honesty() -> None:
    scores = score([quiet(named=False), quiet(named=True), quiet(named=False, alert=False), quiet(named=False)])
    assert scores.specificity == 0.75
    assert scores.top1 is None


def test_what_the_product_cannot_read_is_a_miss_and_not_left_out() -> None:
    scores = score([fault(1), fault(None, name="logging-storm", detect=None, unreadable="its signals are logs")])
    assert scores.top1 == 0.5
    assert scores.overall.unreadable == 1
    assert scores.overall.silent == 1
    assert scores.by_fault["logging-storm"].top3 is not None
    assert scores.by_fault["logging-storm"].top3.value == 0.0


def test_failed_runs_are_counted_apart() -> None:
    scores = score(
        [fault(1), RunResult.failed("finance", "oom-kill", 1, "broken"), RunResult.failed("finance", None, 2, "")]
    )
    assert scores.top1 == 1.0
    assert scores.overall.failed == 2
    assert scores.overall.runs == 1
    assert scores.specificity is None


def test_times_run_from_the_onset() -> None:
    scores = score([fault(1, detect=40, localise=100), fault(2, detect=80, localise=300), fault(None, detect=60)])
    assert scores.overall.seconds_to_detect is not None
    assert scores.overall.seconds_to_detect.value == pytest.approx(60)
    assert scores.overall.seconds_to_localise1 is not None
    assert scores.overall.seconds_to_localise1.value == pytest.approx(100)
    assert scores.overall.seconds_to_localise3 is not None
    assert scores.overall.seconds_to_localise3.value == pytest.approx(200)
    assert scores.overall.seconds_to_localise3.runs == 2


def test_the_first_judgement_with_the_truth_gives_the_time_and_the_last_one_the_place() -> None:
    said = [Judgement(ONSET + at, tuple(causes(place)), 0.1) for at, place in ((50, None), (80, 3), (110, 1), (140, 2))]
    run = RunResult("finance", "oom-kill", 0, (RunTruth(TRUTH, (), ONSET),), ONSET + 30, tuple(said))
    assert localised_after(run, 3) == 80
    assert localised_after(run, 1) == 110
    assert rank(run) == 2


def test_an_alert_before_the_onset_has_detected_nothing() -> None:
    assert detected_after(fault(1, detect=-20)) is None
    detected = score([fault(1, detect=-20), fault(1)]).overall.detected
    assert detected is not None
    assert (detected.value, detected.runs) == (0.5, 2)


def test_kind_and_proposal_are_judged_where_the_first_cause_is_right() -> None:
    scores = score([fault(1), fault(1, kind="disk"), fault(1, fix="config"), fault(2, kind="disk"), fault(1, kinds=())])
    assert scores.overall.kind is not None
    assert (scores.overall.kind.value, scores.overall.kind.runs) == (0.75, 4)
    assert scores.overall.proposal is not None
    assert (scores.overall.proposal.value, scores.overall.proposal.runs) == (0.75, 4)


def test_of_two_faults_either_is_right() -> None:
    truths = (RunTruth("prod/shop/node/n1", (), ONSET + 5), RunTruth(TRUTH, (), ONSET))
    said = (SaidCause(TRUTH, "cpu", 0.9),)
    run = RunResult("finance", "a+b", 0, truths, ONSET + 9, (Judgement(ONSET + 10, said, 0.1),))
    assert rank(run) == 1
    assert run.onset == ONSET
    assert detected_after(run) == 9


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("prod/shop/service/cart", "prod/shop/service/cart", True),
        ("prod/shop/service/cart", "/shop/service/cart", True),
        ("prod/shop/service/cart", "prod//service/cart", True),
        ("prod/shop/workload/cart", "prod/shop/service/cart", True),
        ("prod/shop/database/cart", "prod/shop/service/cart", True),
        ("prod/shop/service/cart", "prod/bank/service/cart", False),
        ("prod/shop/service/cart", "dev/shop/service/cart", False),
        ("prod//node/cart", "prod//service/cart", False),
        ("prod/shop/topic/cart", "prod/shop/service/cart", False),
        ("prod/shop/service/cart", "prod/shop/service/cart-db", False),
    ],
)
def test_entities_are_one_thing_where_both_say_so(one: str, other: str, same: bool) -> None:
    assert same_thing(one, other) is same
    assert same_thing(other, one) is same


def test_accepted_entities_are_right_too() -> None:
    truth = RunTruth("prod/shop/pod/cart-1", (), ONSET, accepted=(TRUTH,))
    assert truth.names(TRUTH)
    assert not truth.names("prod/shop/service/ads")


def test_the_first_thing_said_is_the_forecast() -> None:
    assert first_said(fault(1, probability=0.7)) == Said(0.7, right=True)
    assert first_said(fault(2, probability=0.7)) == Said(0.7, right=False)
    assert first_said(quiet(named=False)) == Said(1.0, right=True)
    assert first_said(quiet(named=True)) == Said(0.6, right=False)
    assert first_said(fault(1, detect=None)) is None


def test_calibration_of_four_forecasts() -> None:
    found = calibration([Said(0.9, right=True), Said(0.9, right=False), Said(0.2, right=False), Said(1.0, right=True)])
    assert found.brier == pytest.approx((0.01 + 0.81 + 0.04 + 0.0) / 4)
    assert [(one.low, one.count) for one in found.bins] == [(0.2, 1), (0.9, 3)]
    assert found.bins[1].said == pytest.approx(2.8 / 3)
    assert found.ece == pytest.approx((1 * 0.2 + 3 * abs(2.8 / 3 - 2 / 3)) / 4)


def test_nothing_has_no_figures() -> None:
    scores = score([])
    assert (scores.top1, scores.avg5, scores.specificity) == (None, None, None)
    assert scores.calibration.brier is None
    assert json.loads(msgspec.json.encode(scores))["top1"] is None


def test_scores_are_by_platform_by_fault_and_by_both() -> None:
    scores = score(evaluation())
    assert list(scores.by_platform) == ["automotive", "finance", "healthcare"]
    assert len(scores.by_fault) == 12
    assert len(scores.by_both) == 36
    assert sum(cell.group.runs for cell in scores.by_both) == scores.overall.runs == 107
    assert sum(part.quiet_runs for part in scores.by_platform.values()) == scores.overall.quiet_runs == 27


def test_the_order_of_the_runs_decides_nothing() -> None:
    runs = evaluation()
    shuffled = random.Random(3).sample(runs, len(runs))
    one, other = score(runs), score(shuffled)
    assert (one.top1, one.top3, one.specificity) == (other.top1, other.top3, other.specificity)
    assert one.avg5 == pytest.approx(other.avg5)
    assert one.calibration.ece == pytest.approx(other.calibration.ece)


def test_scores_survive_json() -> None:
    scores = score(evaluation())
    assert msgspec.json.decode(msgspec.json.encode(scores), type=Scores) == scores


def test_wilson_agrees_with_published_values() -> None:
    # Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
    for hits, of, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        found = wilson(hits, of)
        assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    assert wilson(5, 5).high == 1.0
    assert math.isnan(wilson(0, 0).value)
    with pytest.raises(ValueError, match="6 of 5"):
        wilson(6, 5)


def test_bootstrapped_intervals_hold_the_mean_and_repeat() -> None:
    found = bootstrap([1.0, 2.0, 3.0, 4.0, 10.0])
    assert found.low < found.value == 4.0 < found.high
    assert found == bootstrap([1.0, 2.0, 3.0, 4.0, 10.0])
    assert bootstrap([3.0]) == (3.0, 3.0, 3.0)
    assert math.isnan(bootstrap([]).value)


def test_ranks_of_distinct_names() -> None:
    assert rank_of(["a", "a", "b"], ["b"]) == 2
    assert rank_of(["a", "b"], ["b", "a"]) == 1
    assert rank_of([], ["a"]) is None
    assert average_of_five([1, None]) == 0.5
    assert reciprocal(None) == 0.0


def dated(off: float | None) -> RunResult:
    """A run whose right first cause began so many seconds beside the truth, as the product says."""
    run = fault(1)
    assert run.last is not None
    first = run.last.causes[0]
    onset = None if off is None else ONSET + off
    said = SaidCause(first.entity, first.fault_kind, first.probability, first.proposals, onset)
    judgement = Judgement(run.last.at, (said, *run.last.causes[1:]), run.last.none_probability, 0.5)
    return RunResult(run.platform, run.fault, run.seed, run.truths, run.alert_at, (judgement,))


def test_the_onset_is_off_by_samples_either_way_and_the_median_counts() -> None:
    scores = score([dated(-15.0), dated(30.0), dated(600.0), dated(None), fault(2)])
    assert scores.onset_error_samples == 2.0
    assert scores.overall.onset_error_samples == 2.0
    assert score([fault(None)]).onset_error_samples is None


def test_calibration_is_told_of_the_first_and_of_everything_said() -> None:
    scores = score([fault(1, probability=0.8)])
    assert scores.ece == scores.calibration.ece == pytest.approx(0.2)
    assert scores.calibration.count == 1
    assert scores.calibration_of_all.count == len(causes(1)) + 1
    brier = (0.2**2 + (len(causes(1)) - 1) * (0.2 / len(causes(1))) ** 2 + 0.05**2) / scores.calibration_of_all.count
    assert scores.calibration_of_all.brier == pytest.approx(brier)
