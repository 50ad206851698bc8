"""Files of the cloud account and of the delivery tools, read back with other parsers and published schemas."""

from __future__ import annotations

import csv
import gzip
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from brain_lab.emit.cloud import calls
from brain_lab.emit.cloud.budgets import Budget, notifications, write_budget_notifications
from brain_lab.emit.cloud.changes.argocd import write_argocd
from brain_lab.emit.cloud.changes.audit import write_audit
from brain_lab.emit.cloud.changes.gitlab import write_gitlab
from brain_lab.emit.cloud.changes.lines import write_changes
from brain_lab.emit.cloud.changes.terraform import write_terraform
from brain_lab.emit.cloud.cloudtrail import record, write_cloudtrail
from brain_lab.emit.cloud.cost_explorer import Question, write_cost_explorer
from brain_lab.emit.cloud.focus import COLUMNS, write_focus_csv, write_focus_parquet
from brain_lab.emit.events.core import write_core_v1, write_events_v1
from brain_lab.emit.events.reasons import occurrences
from brain_lab.emit.records import NANOS, AwsCall, Change, ChangeKind, Principal
from tests.unit.lab_emit.samples import HOSTILE, START, cost_rows

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
REPLACED = HOSTILE.replace("\udcff", "\ufffd")
ACCOUNT, REGION = "111122223333", "eu-central-1"
ROLE = Principal("AssumedRole", "terraform", "mehmet")
USER = Principal("IAMUser", "anna")


def some_calls() -> list[AwsCall]:
    times = np.arange(40) * 30 * NANOS + START
    found = calls.background(ACCOUNT, REGION, ["karpenter", "app"], times, np.random.default_rng(1))
    found.append(
        calls.detach_role_policy(START, ACCOUNT, USER, "app", "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    )
    put = calls.call(START, ACCOUNT, REGION, "dynamodb", "PutItem", ROLE)
    found.append(calls.denied(put, f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/app"))
    found.append(calls.throttled(calls.call(START, ACCOUNT, REGION, "ec2", "DescribeInstances", ROLE)))
    service = Principal("AWSService", "autoscaling.amazonaws.com")
    found.append(calls.run_instances(START, ACCOUNT, REGION, service, "g5.xlarge", "eu-central-1a", 2))
    found.append(calls.modify_db_instance(START, ACCOUNT, REGION, ROLE, HOSTILE, {"allocatedStorage": 20}))
    return found


def records_of(paths: list[Path]) -> list[dict[str, Any]]:
    return [one for path in paths for one in json.loads(gzip.decompress(path.read_bytes()))["Records"]]


def test_cloudtrail_files_lie_where_the_bucket_has_them(tmp_path: Path) -> None:
    pattern = re.compile(
        r"AWSLogs/(\d{12})/CloudTrail/([a-z0-9-]+)/2025/11/25/\1_CloudTrail_\2_20251125T\d{4}Z_[A-Z0-9]{16}\.json\.gz"
    )
    paths = write_cloudtrail(some_calls(), tmp_path)
    assert len(paths) == 6
    for path in paths:
        name = path.relative_to(tmp_path).as_posix()
        assert pattern.fullmatch(name)
        delivered = datetime.strptime(name.split("_")[-2], "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
        ages = [delivered - datetime.fromisoformat(one["eventTime"]) for one in records_of([path])]
        assert all(0 < age.total_seconds() <= 300 for age in ages)


def test_cloudtrail_records_have_the_fields_of_their_version(tmp_path: Path) -> None:
    found = records_of(write_cloudtrail(some_calls(), tmp_path))
    assert len(found) == len(some_calls())
    assert len({one["eventID"] for one in found}) == len(found)
    for one in found:
        assert one["eventVersion"] == "1.11"
        assert one["eventSource"].endswith(".amazonaws.com")
        assert one["recipientAccountId"] == ACCOUNT
        assert one["eventCategory"] == "Management"
        assert one["awsRegion"] == ("us-east-1" if one["eventSource"].startswith("iam") else REGION)


def test_cloudtrail_tells_who_called(tmp_path: Path) -> None:
    by_name = {one["eventName"]: one for one in records_of(write_cloudtrail(some_calls(), tmp_path))}
    role = by_name["PutItem"]["userIdentity"]
    assert role["arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/terraform/mehmet"
    assert role["sessionContext"]["sessionIssuer"]["userName"] == "terraform"
    assert role["principalId"].startswith("AROA")
    assert by_name["DetachRolePolicy"]["userIdentity"]["userName"] == "anna"
    launched = by_name["RunInstances"]
    assert launched["userIdentity"] == {"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"}
    assert len(launched["responseElements"]["instancesSet"]["items"]) == 2
    assert by_name["ModifyDBInstance"]["requestParameters"]["dBInstanceIdentifier"] == REPLACED


def test_cloudtrail_tells_what_went_wrong() -> None:
    described = calls.call(START, ACCOUNT, REGION, "ec2", "DescribeInstances", ROLE)
    assert described.read_only
    assert record(calls.throttled(described))["errorCode"] == "Client.RequestLimitExceeded"
    refused = record(calls.denied(calls.call(START, ACCOUNT, REGION, "s3", "PutObject", ROLE), "arn:aws:s3:::x"))
    assert refused["errorCode"] == "AccessDenied"
    assert "is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::x" in str(refused["errorMessage"])


@pytest.mark.skipif(not (SHARED / "datasets").exists(), reason="recorded CloudTrail is not beside the clone")
def test_cloudtrail_has_the_fields_of_recorded_records() -> None:
    files = sorted((SHARED / "datasets" / "cloudtrail_stratus").glob("*.json"))
    recorded = [one for path in files for one in json.loads(path.read_text()) if one["eventType"] == "AwsApiCall"]
    always = set.intersection(*(set(one) for one in recorded))
    ours = record(calls.call(START, ACCOUNT, REGION, "ec2", "DescribeInstances", USER))
    assert always <= set(ours)
    assert set(ours) <= set.union(*(set(one) for one in recorded))


def test_same_calls_same_bytes_and_none_no_file(tmp_path: Path) -> None:
    one, two = (write_cloudtrail(some_calls(), tmp_path / name) for name in ("one", "two"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert write_cloudtrail([], tmp_path) == []
    twice = [calls.call(START, ACCOUNT, REGION, "ec2", "DescribeInstances", ROLE)] * 2
    assert len({entry["eventID"] for entry in records_of(write_cloudtrail(twice, tmp_path / "three"))}) == 2


def test_focus_csv_and_parquet_say_the_same(tmp_path: Path) -> None:
    rows = cost_rows(3)
    with write_focus_csv(rows, tmp_path).open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    table = pq.read_table(write_focus_parquet(rows, tmp_path))
    assert list(read[0]) == table.column_names == list(COLUMNS)
    for text, typed in zip(read, table.to_pylist(), strict=True):
        for name, value in typed.items():
            assert _same(text[name], value), name


def _same(text: str, value: Any) -> bool:
    if value is None:
        return text == ""
    if isinstance(value, datetime):
        return datetime.fromisoformat(text) == value
    if isinstance(value, list):
        return bool(json.loads(text) == dict(value))
    return float(text) == pytest.approx(value) if isinstance(value, float) else text == value


def test_focus_has_its_types_and_charges_add_up(tmp_path: Path) -> None:
    table = pq.read_table(write_focus_parquet(cost_rows(3), tmp_path))
    assert table.schema.field("ChargePeriodStart").type == pa.timestamp("ms", "UTC")
    assert table.schema.field("BilledCost").type == pa.float64()
    first, second = table.to_pylist()[:2]
    assert first["ChargePeriodStart"] == datetime(2025, 11, 25, tzinfo=UTC)
    assert first["BillingPeriodEnd"] == datetime(2025, 12, 1, tzinfo=UTC)
    assert first["ListCost"] == pytest.approx(1.258)
    assert first["BilledCost"] == first["EffectiveCost"] == pytest.approx(1.258 * 0.9)
    assert (first["ResourceType"], first["ResourceName"], first["ServiceCategory"]) == ("instance", "gpu-1", "Compute")
    assert dict(second["Tags"])["team"] == REPLACED
    assert second["ResourceId"] is None


@pytest.mark.skipif(not (SHARED / "datasets").exists(), reason="the FOCUS sample is not beside the clone")
def test_focus_has_the_columns_of_the_published_sample() -> None:
    sample = SHARED / "datasets" / "focus_cost" / "FOCUS-1.0" / "focus_sample.csv"
    with sample.open(encoding="utf-8", newline="") as file:
        published = next(csv.reader(file))
    assert [name for name in published if name != "Id"] == list(COLUMNS)


def test_focus_without_rows_has_its_columns(tmp_path: Path) -> None:
    assert write_focus_csv([], tmp_path).read_text().strip() == ",".join(COLUMNS)
    assert pq.read_table(write_focus_parquet([], tmp_path)).num_rows == 0


def test_cost_explorer_answers_are_what_boto3_gives(tmp_path: Path) -> None:
    midnight = 1_764_028_800 * NANOS
    question = Question(
        midnight, midnight + 86400 * NANOS, "HOURLY", ("UnblendedCost",), (("DIMENSION", "SERVICE"), ("TAG", "team"))
    )
    (path,) = write_cost_explorer(cost_rows(), tmp_path, [question], midnight + 3600 * NANOS)
    assert path.relative_to(tmp_path).as_posix() == "cost-explorer/hourly-service-team.json"
    shown = json.loads(path.read_text(encoding="utf-8"))
    assert shown["GroupDefinitions"] == [{"Type": "DIMENSION", "Key": "SERVICE"}, {"Type": "TAG", "Key": "team"}]
    assert [one["Estimated"] for one in shown["ResultsByTime"]] == [False, *[True] * 23]
    assert shown["ResultsByTime"][0]["Groups"][1]["Keys"] == ["EC2 - Other", f"team${REPLACED}"]
    assert shown["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_budget_notifications_are_sns_messages(tmp_path: Path) -> None:
    found = notifications(Budget("all", ACCOUNT, 1.0), cost_rows())
    (line,) = write_budget_notifications(found, tmp_path).read_text().splitlines()
    assert json.loads(line)["Type"] == "Notification"


def changes() -> list[Change]:
    end = START + 90 * NANOS
    sha = "3f2b9c1d" * 5
    return [
        Change(
            START, end, ChangeKind.ARGOCD_SYNC, "argocd-application-controller", "pay", "shop", True, "", sha, ("pay",)
        ),
        Change(end, end + NANOS, ChangeKind.ARGOCD_SYNC, "anna", "pay", "shop", False, HOSTILE, sha, ("pay", "ledger")),
        Change(
            START, end, ChangeKind.GITLAB_PIPELINE, "mehmet", "pay", "", False, "Fix\nit", sha, (), {"stage": "test"}
        ),
        Change(START, end, ChangeKind.TERRAFORM_RUN, "chen", "network", summary="NAT", details={"add": 1, "change": 2}),
        Change(
            START,
            end,
            ChangeKind.TERRAFORM_RUN,
            "chen",
            "rds",
            succeeded=False,
            summary="Error acquiring the state lock",
        ),
        Change(
            START, START, ChangeKind.CONFIGMAP_EDIT, "anna", "app", "shop", details={"diff": {"ttl": ["60", HOSTILE]}}
        ),
        Change(START, end, ChangeKind.ROLLOUT, "ci", "pay", "shop", details={"image": "registry.example.com/pay:2"}),
        Change(START, end, ChangeKind.ROLLOUT, "anna", "ledger", "shop"),
    ]


def read_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def test_all_changes_are_in_one_file_with_their_actors(tmp_path: Path) -> None:
    shown = read_lines(write_changes(changes(), tmp_path))
    assert [one["start"] for one in shown] == sorted(one["start"] for one in shown)
    assert {one["actor"] for one in shown} == {"argocd-application-controller", "anna", "mehmet", "chen", "ci"}


def test_argocd_applications_show_their_history_and_last_operation(tmp_path: Path) -> None:
    good, bad = read_lines(write_argocd(changes(), tmp_path))
    assert good["status"]["operationState"]["phase"] == "Succeeded"
    assert good["status"]["operationState"]["operation"]["initiatedBy"] == {"automated": True}
    assert bad["status"]["operationState"]["operation"]["initiatedBy"] == {"username": "anna"}
    assert (bad["status"]["sync"]["status"], bad["status"]["operationState"]["message"]) == ("OutOfSync", REPLACED)
    assert [len(one["status"]["history"]) for one in (good, bad)] == [1, 1]


def _application_schema() -> Any:
    for path in sorted((SHARED / "contracts" / "crds" / "argo-cd").rglob("application-crd.y*ml")):
        for document in yaml.load_all(path.read_bytes(), yaml.CSafeLoader):
            if document and document["spec"]["names"]["kind"] == "Application":
                return document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    raise AssertionError("no CRD of Application")


@pytest.mark.skipif(not (SHARED / "contracts").exists(), reason="Argo CD's CRDs are not beside the clone")
def test_argocd_applications_obey_the_published_crd(tmp_path: Path) -> None:
    schema = _application_schema()
    validator = jsonschema.Draft202012Validator(schema)  # the schema itself is not ours to check
    for application in read_lines(write_argocd(changes(), tmp_path)):
        validator.validate(application)
        assert set(application["status"]) <= set(schema["properties"]["status"]["properties"])


def test_gitlab_pipelines_skip_what_comes_after_the_failed_stage(tmp_path: Path) -> None:
    (shown,) = read_lines(write_gitlab(changes(), tmp_path))
    assert shown["object_attributes"]["status"] == "failed"
    assert shown["object_attributes"]["created_at"] == "2025-11-25 02:04:02 UTC"
    assert shown["object_attributes"]["duration"] == 90
    assert [build["status"] for build in shown["builds"]] == ["success", "failed", "skipped"]
    assert (shown["user"]["username"], shown["commit"]["title"]) == ("mehmet", "Fix")


def test_terraform_runs_start_and_end(tmp_path: Path) -> None:
    shown = read_lines(write_terraform(changes(), tmp_path))
    assert [(one["workspace_name"], one["notifications"][0]["run_status"]) for one in shown] == [
        ("network", "applying"),
        ("rds", "applying"),
        ("network", "applied"),
        ("rds", "errored"),
    ]
    assert shown[2]["notifications"][0]["message"] == "Run Applied: 1 added, 2 changed, 0 destroyed"
    assert shown[3]["notifications"][0]["message"].endswith("state lock")
    assert shown[0]["run_id"] == shown[2]["run_id"] != shown[1]["run_id"]


def test_the_audit_log_shows_edits_rollouts_and_restarts(tmp_path: Path) -> None:
    edit, rollout, restart = read_lines(write_audit(changes(), tmp_path))
    assert edit["requestObject"] == {"data": {"ttl": REPLACED}}
    assert edit["objectRef"] == {"resource": "configmaps", "namespace": "shop", "name": "app", "apiVersion": "v1"}
    assert rollout["requestURI"].startswith("/apis/apps/v1/namespaces/shop/deployments/pay")
    assert rollout["requestObject"]["spec"]["template"]["spec"]["containers"][0]["image"].endswith("pay:2")
    annotations = restart["requestObject"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations == {"kubectl.kubernetes.io/restartedAt": "2025-11-25T02:04:02Z"}
    assert edit["requestReceivedTimestamp"] == "2025-11-25T02:04:02.000000Z"


def test_kubernetes_events_are_lines_in_order_of_time(tmp_path: Path) -> None:
    times = [START, START + 20 * NANOS]
    events = occurrences("BackOff", HOSTILE, "shop", times) + occurrences("FailedScheduling", "x", "shop", times)
    old, new = read_lines(write_core_v1(events, tmp_path)), read_lines(write_events_v1(events, tmp_path))
    assert [one["metadata"]["uid"] for one in old] == [one["metadata"]["uid"] for one in new]
    assert len({one["metadata"]["uid"] for one in old}) == 2
    seen = [int(one["metadata"]["resourceVersion"]) for one in old]
    assert seen == sorted(seen)
    assert REPLACED in {one["involvedObject"]["name"] for one in old}
    assert write_core_v1([], tmp_path).read_bytes() == b""


def test_what_the_robot_does_is_told_from_what_people_do(tmp_path: Path) -> None:
    robot = Change(
        START, START, ChangeKind.ROLLOUT, "argocd-application-controller", "pay", "shop", details={"image": "x:2"}
    )
    (shown,) = read_lines(write_audit([robot], tmp_path))
    assert shown["user"]["username"] == "system:serviceaccount:argocd:argocd-application-controller"
    assert "kubectl" not in shown["userAgent"] + shown["requestURI"]


@pytest.mark.parametrize("write", [write_changes, write_argocd, write_gitlab, write_terraform, write_audit])
def test_no_changes_make_an_empty_file(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    assert write([], tmp_path).read_bytes() == b""
