"""Every source against its real counterpart: exact counters whatever is delivered, and however often."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.aws_model import AwsRefusal
from tests.integration.exporters.cloudtrail.conftest import (
    PREFIX,
    Cloud,
    counters,
    packed,
    record,
    rows,
    started,
    total,
    until,
)

pytestmark = pytest.mark.anyio


async def test_a_file_told_of_twice_and_events_in_two_files_count_once(cloud: Cloud, tmp_path: Path) -> None:
    first, second = record(), record("RunInstances")
    denied = record("RunInstances", errorCode="Client.UnauthorizedOperation")
    one = cloud.put("one.json.gz", packed([first, second]))
    two = cloud.put("two.json.gz", packed([second, denied]))
    cloud.tell(two)
    cloud.tell(one, one)
    async with started(cloud.settings(tmp_path, **cloud.by_queue)) as run:
        await until(lambda: total(run, "files") == 3)
        assert counters(run) == {
            "events 111122223333 eu-west-1 ec2.amazonaws.com DescribeInstances  true": 1,
            "events 111122223333 eu-west-1 ec2.amazonaws.com RunInstances  false": 1,
            "events 111122223333 eu-west-1 ec2.amazonaws.com RunInstances Client.UnauthorizedOperation false": 1,
            "changes 111122223333 eu-west-1 ec2.amazonaws.com RunInstances": 1,
            "suspicious instance-launch-denied medium 111122223333": 1,
            "duplicates": 1,
            "files sqs complete": 2,
            "files sqs duplicate": 1,
        }
        left = cloud.sqs.get_queue_attributes(QueueUrl=cloud.queue, AttributeNames=["All"])["Attributes"]
        await until(lambda: left["ApproximateNumberOfMessages"] == "0")
    assert sorted(rows(tmp_path, "cloudtrail")["event_id"].to_pylist()) == sorted(
        one["eventID"] for one in (first, second, denied)
    )
    assert rows(tmp_path, "changes")["actor"].to_pylist() == ["arn:aws:iam::111122223333:user/ann"]
    assert rows(tmp_path, "security")["rule"].to_pylist() == ["instance-launch-denied"]


async def test_truncated_malformed_and_foreign_content_is_counted_and_kept_aside(cloud: Cloud, tmp_path: Path) -> None:
    cut = packed([record(note="x" * 40, number=number) for number in range(500)])
    keys = [
        cloud.put("cut.json.gz", cut[: len(cut) // 2]),
        cloud.put("bad.json.gz", packed([record(), {"eventID": 7}, record(eventTime="yesterday"), record()])),
        cloud.put("noise.json.gz", b"\x1f\x8bnoise"),
        PREFIX + "gone.json.gz",
    ]
    cloud.tell(*keys)
    cloud.sqs.send_message(QueueUrl=cloud.queue, MessageBody="no notification")
    async with started(cloud.settings(tmp_path, **cloud.by_queue)) as run:
        await until(lambda: total(run, "files") == 5)
        found = counters(run)
    assert {key: value for key, value in found.items() if key.startswith("files")} == {
        "files sqs truncated": 1,
        "files sqs complete": 1,
        "files sqs malformed": 1,
        "files sqs absent": 1,
        "files sqs no_notification": 1,
    }
    aside = [json.loads(line) for line in (tmp_path / "quarantine" / "cloudtrail.jsonl").read_text().splitlines()]
    assert found["malformed_records"] == len(aside) >= 3
    assert rows(tmp_path, "cloudtrail").num_rows == sum(value for key, value in found.items() if key[:6] == "events")


async def test_a_listing_goes_on_where_it_ended_and_sees_what_came_late(cloud: Cloud, tmp_path: Path) -> None:
    settings = cloud.settings(tmp_path, listing={"prefixes": [PREFIX], "interval_seconds": 1, "overlap": 2})
    for name in "bcdef":
        cloud.put(name, packed([record()]))
    async with started(settings) as run:
        await until(lambda: total(run, "files") == 5)
    cloud.put("d2", packed([record()]))
    async with started(settings) as run:
        await until(lambda: total(run, "files") == 6)
        assert (total(run, "events"), total(run, "duplicates")) == (6, 0)


async def test_envelopes_of_log_subscriptions_are_opened(cloud: Cloud, tmp_path: Path) -> None:
    def envelope(*records: Any) -> bytes:
        events = [{"id": "1", "timestamp": 1, "message": json.dumps(one)} for one in records]
        return gzip.compress(json.dumps({"messageType": "DATA_MESSAGE", "logEvents": events}).encode())

    cloud.tell(cloud.put("firehose", envelope(record(), record()) + envelope(record())))
    async with started(cloud.settings(tmp_path, **cloud.by_queue)) as run:
        await until(lambda: total(run, "events") == 3)


async def test_lookup_events_and_a_log_group_count_each_event_once(cloud: Cloud, tmp_path: Path) -> None:
    known = [record(), record(), record("StopInstances")]
    events = [{"CloudTrailEvent": json.dumps(one), "EventTime": datetime(2025, 3, 1, tzinfo=UTC)} for one in known]

    def look_up(given: dict[str, Any]) -> dict[str, Any]:
        if len(cloud.model.calls) == 1:
            raise AwsRefusal("ThrottlingException", "slow down")
        return {"Events": events[2:]} if given.get("NextToken") else {"Events": events[:2], "NextToken": "more"}

    messages = [{"message": json.dumps(one)} for one in (known[0], record(), {"no": "record"})]
    cloud.model.handlers["cloudtrail.LookupEvents"] = look_up
    cloud.model.handlers["logs.FilterLogEvents"] = lambda _: {"events": messages}
    sources = {"lookup": {"interval_seconds": 1}, "logs": {"group": "trail", "interval_seconds": 1}}
    async with started(cloud.settings(tmp_path, **sources)) as run:
        await until(lambda: sum(call.operation == "FilterLogEvents" for call in cloud.model.calls) >= 3)
        await until(lambda: run.context.health.up)
        assert (total(run, "events"), total(run, "malformed_records"), total(run, "duplicates")) == (4, 1, 0)


@pytest.mark.parametrize("source", ["sqs", "files", "logs", "lookup"])
async def test_without_any_one_action_of_its_policy_a_source_is_down(cloud: Cloud, tmp_path: Path, source: str) -> None:
    cloud.model.handlers["cloudtrail.LookupEvents"] = lambda _: {"Events": []}
    cloud.model.handlers["logs.FilterLogEvents"] = lambda _: {"events": []}
    sources = {
        "sqs": cloud.by_queue,
        "files": {"listing": {"prefixes": [PREFIX], "interval_seconds": 1}},
        "logs": {"logs": {"group": "trail", "interval_seconds": 1}},
        "lookup": {"lookup": {"interval_seconds": 1}},
    }[source]
    text = Path(f"exporters/permissions/cloudtrail-{source}.json").read_text().replace("my-trail-bucket", cloud.bucket)
    actions = [action for statement in json.loads(text)["Statement"] for action in statement["Action"]]
    for left_out in ["", *actions]:
        policy = json.loads(text)
        for statement in policy["Statement"]:
            statement["Action"] = [action for action in statement["Action"] if action != left_out]
        cloud.model.policy = policy
        folder = tmp_path / (left_out.replace(":", "-") or "all")
        cloud.tell(cloud.put(f"{folder.name}.json.gz", packed([record()])))
        async with started(cloud.settings(folder, **sources)) as run:
            if left_out:
                await until(lambda: left_out in "".join(run.context.health.reasons().values()))  # noqa: B023
            else:
                await until(lambda: run.context.health.up)
