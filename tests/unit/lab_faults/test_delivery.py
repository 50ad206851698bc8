"""Certificates, pipelines, syncs, Terraform and IAM: what their own tools show of them, in order."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest

from brain_lab.emit.metrics import scrape_times, series
from brain_lab.emit.records import NANOS, AwsCall, ChangeKind
from brain_lab.platforms.delivery import INFRASTRUCTURE, LOCK_TABLE
from brain_lab.replay.series import PromSeries
from brain_lab.simulate.recording import Array
from tests.unit.lab_faults.worlds import LASTS, ONSET, START, Case

ENDS = ONSET + LASTS


@cache
def metrics(case: Case) -> tuple[PromSeries, ...]:
    return tuple(series(case.recording, missing=False))


def of(case: Case, metric: str, **labels: str) -> PromSeries:
    """The only series of a metric with such labels."""
    (found,) = [
        one
        for one in metrics(case)
        if one.metric == metric and all(one.labels.get(key) == value for key, value in labels.items())
    ]
    return found


def at(case: Case, one: PromSeries, moment: float) -> float:
    """Its sample at a moment; NaN for none."""
    return float(one.values[int(np.searchsorted(scrape_times(case.recording), moment))])


CERTIFICATE = Case("mesh-certificate-expired", "automotive", 0)


def left(case: Case) -> Array:
    name = case.truth.entity.name
    (found,) = [
        one.values
        for one in metrics(case)
        if one.metric == "istio_agent_cert_expiry_seconds" and one.labels["pod"].startswith(f"{name}-")
    ]
    return found


def test_a_certificate_counts_down_to_the_onset_and_is_renewed_at_the_end() -> None:
    values, times = left(CERTIFICATE), scrape_times(CERTIFICATE.recording)
    broken = times <= ENDS
    assert values[broken] == pytest.approx(ONSET - times[broken], abs=6.0)
    assert np.all(values[times > ENDS + 15.0] > 80000.0)


def test_all_other_certificates_are_renewed_in_time() -> None:
    found = [one.values for one in metrics(CERTIFICATE) if one.metric == "istio_agent_cert_expiry_seconds"]
    assert len(found) > 20
    assert sum(bool(np.nanmin(values) < 0.0) for values in found) == 1


def test_whose_certificate_is_expired_has_nothing_to_do_and_its_callers_fail() -> None:
    recording, name = CERTIFICATE.recording, CERTIFICATE.truth.entity.name
    late = (recording.times > ONSET + 120.0) & (recording.times < ENDS)
    usual = recording.times < ONSET
    rate = recording.station(name, "rate")
    assert rate[late].mean() < 0.5 * rate[usual].mean()
    assert recording.station(name, "cpu")[late].mean() < recording.station(name, "cpu")[usual].mean()
    callers = [caller for caller, call in recording.calls if call.to == name]
    assert max(recording.station(caller, "failing")[late].mean() for caller in callers) > 0.1


def test_a_certificate_that_expired_has_an_event_of_cert_manager() -> None:
    events = [event for event in CERTIFICATE.recording.events if event.subject.kind == "Certificate"]
    assert events[0].first >= ONSET * NANOS
    assert [event.count for event in events] == list(range(1, len(events) + 1))


@pytest.mark.parametrize("fault", ["pipeline-broken", "terraform-state-lock"])
def test_a_broken_pipeline_is_red_until_it_is_mended(fault: str) -> None:
    case = Case(fault, "automotive", 0)
    project = INFRASTRUCTURE if fault == "terraform-state-lock" else case.truth.entity.name
    path = f"platform/{project}"
    good, bad = (of(case, "gitlab_ci_pipeline_status", project=path, status=status) for status in ("success", "failed"))
    assert at(case, good, START + 60.0) == 1.0
    assert at(case, bad, ONSET + 75.0) == 1.0
    assert np.isnan(at(case, good, ONSET + 75.0))
    assert at(case, good, ENDS + 200.0) == 1.0
    count = of(case, "gitlab_ci_pipeline_run_count", project=path).values
    pipelines = [one for one in case.recording.changes if one.kind is ChangeKind.GITLAB_PIPELINE]
    assert count[-1] - count[0] == len(pipelines) >= 4
    assert {one.target for one in pipelines} == {project}


def test_other_projects_stay_green() -> None:
    case = Case("pipeline-broken", "automotive", 0)
    red = [one for one in metrics(case) if one.labels.get("status") == "failed"]
    assert [one.labels["project"] for one in red] == [f"platform/{case.truth.entity.name}"]


def test_nothing_is_rolled_out_while_the_pipeline_is_broken() -> None:
    case = Case("pipeline-broken", "automotive", 0)
    assert not [one for one in case.recording.changes if one.kind in (ChangeKind.ROLLOUT, ChangeKind.ARGOCD_SYNC)]


def test_each_run_after_the_first_finds_the_state_locked() -> None:
    case = Case("terraform-state-lock", "healthcare", 0)
    runs = [one for one in case.recording.changes if one.kind is ChangeKind.TERRAFORM_RUN]
    assert {one.target for one in runs} == {case.truth.entity.name}
    first, *tries = [one for one in runs if not one.succeeded]
    assert first.start == ONSET * NANOS
    assert all("Error acquiring the state lock" in one.summary for one in tries)
    assert len({one.summary for one in tries}) == 1, "it is the same lock each time"
    refused = case.recording.aws_calls
    assert len(refused) == len(tries)
    assert {(one.action, one.error_code) for one in refused} == {("PutItem", "ConditionalCheckFailedException")}
    assert all(LOCK_TABLE in arn for one in refused for arn in one.resources)


def test_a_failed_apply_has_deleted_and_not_created() -> None:
    case = Case("terraform-failed-apply", "healthcare", 0)
    revoked, refused = case.recording.aws_calls
    assert (revoked.action, revoked.error_code) == ("RevokeSecurityGroupIngress", "")
    assert (refused.action, bool(refused.error_code)) == ("AuthorizeSecurityGroupIngress", True)
    assert revoked.request == refused.request
    (run,) = [one for one in case.recording.changes if one.kind is ChangeKind.TERRAFORM_RUN]
    assert not run.succeeded
    assert case.truth.entity.name in run.affected


def test_a_database_that_is_cut_off_looks_idle() -> None:
    case = Case("terraform-failed-apply", "healthcare", 0)
    recording, name = case.recording, case.truth.entity.name
    rate = recording.station(name, "rate")
    late = (recording.times > ONSET + 120.0) & (recording.times < ENDS)
    assert rate[late].mean() < 0.5 * rate[recording.times < ONSET].mean()


def test_a_failed_sync_is_degraded_and_counted_until_the_right_overlay_comes() -> None:
    case = Case("argocd-sync-failed", "automotive", 0)
    name = case.truth.entity.name
    synced, degraded = (of(case, "argocd_app_info", name=name, health_status=one) for one in ("Healthy", "Degraded"))
    assert at(case, synced, START + 60.0) == 1.0
    assert at(case, degraded, ONSET + 60.0) == 1.0
    assert np.isnan(at(case, synced, ONSET + 60.0))
    assert at(case, synced, ENDS + 30.0) == 1.0
    failed = [one for one in case.recording.changes if one.kind is ChangeKind.ARGOCD_SYNC and not one.succeeded]
    total = of(case, "argocd_app_sync_total", name=name, phase="Failed").values
    assert np.nanmax(total) == len(failed) >= 3
    assert {event.reason for event in case.recording.events} >= {"OperationFailed"}


def test_pods_of_the_wrong_overlay_are_throttled() -> None:
    case = Case("argocd-sync-failed", "automotive", 0)
    recording, name = case.recording, case.truth.entity.name
    late = (recording.times > ONSET + 150.0) & (recording.times < ENDS)
    assert recording.station(name, "throttled")[late].mean() > 0.5
    assert recording.station(name, "throttled")[recording.times < ONSET].mean() < 0.2


@pytest.mark.parametrize("platform", ["finance", "healthcare", "automotive"])
@pytest.mark.parametrize("seed", range(4))
def test_a_denial_begins_with_the_call_that_changed_the_policy(platform: str, seed: int) -> None:
    case = Case("iam-access-denied", platform, seed)
    write, *refused = case.made.aws_calls
    name = case.truth.entity.name
    assert (write.action, write.read_only, write.error_code) == ("PutRolePolicy", False, "")
    assert write.time == ONSET * NANOS
    document = json.loads(str((write.request or {})["policyDocument"]))
    assert refused[0].action not in str(document)
    assert all(one.error_code == "AccessDenied" and one.time > write.time for one in refused)
    assert {_verb(one) for one in refused} == {_verb(refused[0])}
    assert all(name in one.error_message for one in refused)


def _verb(call: AwsCall) -> str:
    return f"{call.service}:{call.action}"


@pytest.mark.parametrize("platform", ["finance", "healthcare"])
def test_a_flood_of_audit_alerts_comes_from_no_more_traffic_than_usual(platform: str) -> None:
    case = Case("compliance-alert-flood", platform, 0)
    recording, name = case.recording, case.truth.entity.name
    during = (recording.times > ONSET + 30.0) & (recording.times < ENDS)
    assert recording.station(name, "rate")[during].mean() < 1.3 * recording.station(name, "rate")[~during].mean()
    alerts = of(case, "compliance_alerts_total", service_name=name).values
    times = scrape_times(recording)
    before, within = (np.ptp(alerts[mask]) for mask in (times < ONSET, (times > ONSET + 15.0) & (times < ENDS)))
    assert within > 20.0 * max(before, 1.0)
