"""What the lake counts: warnings by reason, refused calls by who made them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from brain_common.entity import Entity, EntityKind
from brain_engine.series import Family
from brain_lake.location import LakeLocation
from brain_lake.reader import LakeReader
from brain_lake.schemas import CHANGES, CLOUDTRAIL, EVENTS, SECURITY
from brain_lake.writer import LakeWriter
from brain_rca.evidence.lake_counts import caller, counts
from brain_rca.evidence.protocol import Window

START = 1_757_840_400.0
WINDOW = Window(baseline_start=START, start=START + 120.0, end=START + 240.0, step=60.0)
PLACE = {"cluster": "c1", "namespace": "shop", "kind": "workload", "name": "cart"}


def moment(seconds: float) -> pa.Array:
    return pa.array([round((START + seconds) * 1e6)], pa.timestamp("us", tz="UTC"))


def event(writer: LakeWriter, at: float, reason: str, kind: str = "Warning", count: int | None = 1) -> None:
    values = {**PLACE, "type": kind, "reason": reason, "message": "m", "actor": ""}
    columns = {name: pa.array([value], pa.string()) for name, value in values.items()}
    writer.append(EVENTS, pa.table({"timestamp": moment(at), "count": pa.array([count], pa.int64()), **columns}))


def call(writer: LakeWriter, at: float, error: str | None, principal: str, name: str = "orders") -> None:
    values = {
        "cluster": "c1",
        "namespace": "123456789012",
        "kind": "cloud-resource",
        "name": name,
        "event_id": f"{at}",
        "account_id": "123456789012",
        "region": "eu-central-1",
        "service": "sqs.amazonaws.com",
        "operation": "SendMessage",
        "event_type": "AwsApiCall",
        "error_code": error,
        "principal_arn": principal,
    }
    columns = {name: pa.array([value], pa.string()) for name, value in values.items()}
    writer.append(CLOUDTRAIL, pa.table({"timestamp": moment(at), "read_only": pa.array([False]), **columns}))


def test_warnings_are_counted_by_reason_and_step(tmp_path: Path) -> None:
    location = LakeLocation.local(tmp_path)
    writer = LakeWriter(location)
    event(writer, 130.0, "Unhealthy", count=3)
    event(writer, 150.0, "Unhealthy", count=None)
    event(writer, 200.0, "OOMKilling")
    event(writer, 210.0, "Scheduled", kind="Normal")
    found = {one.signal.name: one for one in counts(LakeReader(location), WINDOW)}
    assert set(found) == {"kubernetes_warnings", "kubernetes_warnings_memory"}
    plain = found["kubernetes_warnings"]
    assert (list(plain.entities), list(plain.subjects)) == (
        [Entity("c1", "shop", EntityKind.WORKLOAD, "cart")],
        ["Unhealthy"],
    )
    assert plain.hits.tolist() == [[0.0, 0.0, 4.0, 0.0, 0.0]]
    assert found["kubernetes_warnings_memory"].signal.family is Family.MEMORY


def test_a_refused_call_is_counted_for_the_workload_whose_role_called(tmp_path: Path) -> None:
    location = LakeLocation.local(tmp_path)
    writer = LakeWriter(location)
    role = "arn:aws:sts::123456789012:assumed-role/irsa-cart/cart"
    call(writer, 130.0, "AccessDenied", role)
    call(writer, 140.0, None, role)
    call(writer, 190.0, "AccessDenied", "arn:aws:iam::123456789012:user/dana")
    call(writer, 5.0, "AccessDenied", "arn:aws:iam::123456789012:user/dana", name="123456789012")
    (found,) = counts(LakeReader(location), WINDOW)
    by_entity = dict(zip(map(str, found.entities), found.hits.tolist(), strict=True))
    assert by_entity == {
        "c1//service/cart": [0.0, 0.0, 1.0, 0.0, 0.0],
        "c1//cloud-resource/sqs": [1.0, 0.0, 0.0, 0.0, 0.0],
        "c1/123456789012/cloud-resource/orders": [0.0, 0.0, 0.0, 1.0, 0.0],
    }
    assert set(found.subjects) == {"sqs:SendMessage AccessDenied"}


@pytest.mark.parametrize(
    ("principal", "name"),
    [
        ("arn:aws:sts::1:assumed-role/irsa-cart/cart", "cart"),
        ("arn:aws-cn:sts::1:assumed-role/cart-irsa/botocore-session-17", "cart"),
        ("arn:aws:sts::1:assumed-role/Admin/dana", None),
        ("arn:aws:iam::1:user/irsa-cart", None),
        ("", None),
        (None, None),
    ],
)
def test_roles_of_workloads_are_known_by_their_names(principal: str | None, name: str | None) -> None:
    found = caller(principal, "c1")
    assert (found.name if found else None) == name


def test_changes_that_failed_and_grave_findings_are_warnings(tmp_path: Path) -> None:
    location = LakeLocation.local(tmp_path)
    writer = LakeWriter(location)
    event(writer, 1.0, "BackOff", count=7)
    change = {**PLACE, "source": "gitlab", "change_kind": "pipeline", "change_id": "1", "title": "t", "actor": "dana"}
    for number, result in enumerate(("succeeded", "failed"), start=2):
        texts = {name: pa.array([text], pa.string()) for name, text in {**change, "result": result}.items()}
        writer.append(CHANGES, pa.table({"timestamp": moment(number), **texts}))
    rule = {**PLACE, "source": "falco", "rule": "shell", "message": "m", "actor": "", "event_id": "1"}
    for number, severity in enumerate(("info", "high"), start=4):
        texts = {name: pa.array([text], pa.string()) for name, text in {**rule, "severity": severity}.items()}
        writer.append(SECURITY, pa.table({"timestamp": moment(number), **texts}))
    rows = LakeReader(location).events(START, START + 60.0).to_pylist()
    assert [(row["type"], row["reason"], row["warning"], row["count"]) for row in rows] == [
        ("Warning", "BackOff", True, 7),
        ("change", "pipeline", False, 1),
        ("change", "pipeline", True, 1),
        ("security", "shell", True, 1),
    ]
    (failed,) = [one for one in counts(LakeReader(location), WINDOW) if one.signal.name == "failed_changes"]
    assert (list(failed.subjects), failed.hits.tolist()) == (["gitlab pipeline"], [[1.0, 0.0, 0.0, 0.0, 0.0]])
