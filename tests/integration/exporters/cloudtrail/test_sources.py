"""Files and messages of a real S3 and SQS interface, through the exporter, into counters and the lake."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer
from prometheus_client.parser import text_string_to_metric_families

from brain_common.settings import check_settings
from brain_exporters.cloudtrail import KIND
from brain_exporters.runtime.run import Running, running
from tests.integration.exporters.kube_events.conftest import eventually, rows
from tests.unit.exporters.cloudtrail.trail import ACCOUNT, file, record

pytestmark = pytest.mark.anyio
BUCKET = "trail"


@pytest.fixture(scope="module")
def aws() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def credentials(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    httpx.post(f"{aws}/moto-api/reset").raise_for_status()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


class Trail:
    """A bucket and a queue, as a trail fills them."""

    def __init__(self, url: str) -> None:
        self.s3 = boto3.client("s3", endpoint_url=url, region_name="us-east-1")
        self.sqs = boto3.client("sqs", endpoint_url=url, region_name="us-east-1")
        self.s3.create_bucket(Bucket=BUCKET)
        self.queue = self.sqs.create_queue(QueueName="trail", Attributes={"VisibilityTimeout": "4"})["QueueUrl"]
        self._number = 0

    def put(self, data: bytes) -> str:
        self._number += 1
        day = datetime.now(UTC)
        key = f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/{day:%Y/%m/%d}/{ACCOUNT}_{self._number:04d}.json.gz"
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=data)
        return key

    def tell(self, *keys: str, wrap: Callable[[dict[str, Any]], Any] = lambda body: body) -> None:
        body = {"Records": [{"s3": {"bucket": {"name": BUCKET}, "object": {"key": key}}} for key in keys]}
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=json.dumps(wrap(body)))

    def left(self) -> int:
        found = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["All"])["Attributes"]
        return int(found["ApproximateNumberOfMessages"]) + int(found["ApproximateNumberOfMessagesNotVisible"])


@pytest.fixture
def trail(aws: str, credentials: None) -> Trail:
    return Trail(aws)


@asynccontextmanager
async def started(url: str, folder: Path, **more: Any) -> AsyncIterator[Running]:
    data = {
        "cluster": "test",
        "http": {"port": 0},
        "aws": {"endpoint_url": url},
        "state": str(folder / "state"),
        "lake": {"path": str(folder / "lake")},
        **more,
    }
    async with running(KIND, check_settings(data, KIND.settings, "test")) as run:
        yield run


async def series(run: Running, name: str) -> dict[tuple[str, ...], float]:
    async with httpx.AsyncClient(trust_env=False) as client:
        text = (await client.get(f"{run.url}/metrics")).text
    families = text_string_to_metric_families(text)
    return {
        tuple(sample.labels.values()): sample.value for f in families for sample in f.samples if sample.name == name
    }


async def total(run: Running, name: str = "cloudtrail_events_total") -> float:
    return sum((await series(run, name)).values())


async def reached(run: Running, number: float) -> bool:
    return await total(run) >= number


def queue(trail: Trail) -> dict[str, Any]:
    return {"queue_url": trail.queue, "bucket": BUCKET}


async def test_files_named_by_a_queue_are_counted_and_kept(aws: str, trail: Trail, tmp_path: Path) -> None:
    changed = {"functionName": "pay"}
    one = trail.put(file([record() for _ in range(30)] + [record("iam", "CreateAccessKey")]))
    two = trail.put(file([record("lambda", "UpdateFunctionConfiguration20150331v2", requestParameters=changed)]))
    trail.tell(one)
    trail.tell(two, wrap=lambda body: {"Type": "Notification", "Message": json.dumps(body)})
    async with started(aws, tmp_path, queue=queue(trail)) as run:
        await eventually(lambda: reached(run, 32))
        events = await series(run, "cloudtrail_events_total")
        assert events[ACCOUNT, "", "DescribeInstances", "true", "eu-west-1", "ec2.amazonaws.com"] == 30
        assert (await series(run, "cloudtrail_suspicious_total"))[ACCOUNT, "access-key-created", "medium"] == 1
        assert await total(run, "cloudtrail_changes_total") == 2
        await eventually(lambda: trail.left() == 0)
        await eventually(lambda: len(rows(tmp_path / "lake", "cloudtrail")) == 32)
        [change] = await eventually(lambda: rows(tmp_path / "lake", "changes", "name = 'pay'"))
        assert change["title"].startswith("lambda UpdateFunctionConfiguration20150331v2 of pay by arn:aws:iam")
        assert {row["rule"] for row in rows(tmp_path / "lake", "security")} == {
            "access-key-created",
            "function-code-changed",
        }


async def test_repeated_and_reordered_messages_change_nothing(aws: str, trail: Trail, tmp_path: Path) -> None:
    batches = [[record() for _ in range(5)] for _ in range(4)]
    keys = [trail.put(file(batch)) for batch in batches]
    again = trail.put(file(batches[2] + [record()]))  # the same records in another file
    for key in [*reversed(keys), *keys, again, keys[0]]:
        trail.tell(key)
    async with started(aws, tmp_path, queue=queue(trail)) as run:
        await eventually(lambda: trail.left() == 0)
        assert await total(run) == 21
        assert await total(run, "cloudtrail_duplicate_records_total") == 5
    trail.tell(keys[1], again)
    async with started(aws, tmp_path, queue=queue(trail)) as run:
        await eventually(lambda: trail.left() == 0)
        assert await total(run) == 21
        await eventually(lambda: len(rows(tmp_path / "lake", "cloudtrail")) == 21)


async def test_what_is_damaged_is_counted_and_kept_aside(aws: str, trail: Trail, tmp_path: Path) -> None:
    good = file([record() for _ in range(50)])
    trail.tell(trail.put(good[: len(good) // 2]))
    trail.tell(trail.put(b"no file of records"))
    trail.tell(trail.put(file([record(), {"eventName": "nothing else"}])))
    trail.tell("AWSLogs/gone/CloudTrail/x.json.gz")
    trail.sqs.send_message(QueueUrl=trail.queue, MessageBody="no JSON")
    async with started(aws, tmp_path, queue=queue(trail)) as run:
        await eventually(lambda: trail.left() == 0)
        files = await series(run, "cloudtrail_files_total")
        assert (files[("damaged",)], files[("missing",)], files[("ok",)]) == (2, 1, 1)
        assert await total(run, "cloudtrail_malformed_records_total") == 1
        assert (await series(run, "cloudtrail_queue_messages_total"))[("malformed",)] == 1
        assert (await series(run, "cloudtrail_up"))[()] == 1
    assert b"nothing else" in (tmp_path / "state.aside").read_bytes()


async def test_only_the_configured_bucket_is_read(aws: str, trail: Trail, tmp_path: Path) -> None:
    trail.s3.create_bucket(Bucket="other")
    trail.s3.put_object(Bucket="other", Key="AWSLogs/x.json.gz", Body=file([record()]))
    body = {"Records": [{"s3": {"bucket": {"name": "other"}, "object": {"key": "AWSLogs/x.json.gz"}}}]}
    trail.sqs.send_message(QueueUrl=trail.queue, MessageBody=json.dumps(body))
    async with started(aws, tmp_path, queue=queue(trail)) as run:
        await eventually(lambda: trail.left() == 0)
        assert await total(run) == 0


async def test_a_bucket_is_listed_without_a_queue(aws: str, trail: Trail, tmp_path: Path) -> None:
    trail.put(file([record() for _ in range(3)]))
    bucket = {"bucket": BUCKET, "interval_seconds": 1}
    async with started(aws, tmp_path, bucket=bucket) as run:
        await eventually(lambda: reached(run, 3))
        trail.put(file([record()]))
        await eventually(lambda: reached(run, 4))
        await asyncio.sleep(1.5)
        assert await total(run) == 4


async def test_a_log_group_is_read(aws: str, tmp_path: Path) -> None:
    logs = boto3.client("logs", endpoint_url=aws, region_name="us-east-1")
    logs.create_log_group(logGroupName="trail")
    logs.create_log_stream(logGroupName="trail", logStreamName="one")
    now = round(datetime.now(UTC).timestamp() * 1000)
    messages = [{"timestamp": now - 5000 + n, "message": json.dumps(record())} for n in range(5)]
    logs.put_log_events(logGroupName="trail", logStreamName="one", logEvents=messages)
    async with started(aws, tmp_path, log_group={"log_group": "trail", "interval_seconds": 1}) as run:
        await eventually(lambda: reached(run, 5))
        await asyncio.sleep(1.5)  # the same events are read again, and known
        assert await total(run) == 5


async def test_aws_away_is_told_and_heals(aws: str, trail: Trail, tmp_path: Path) -> None:
    trail.tell(trail.put(file([record()])))
    trail.s3.delete_bucket_policy(Bucket=BUCKET)
    settings = {"queue_url": trail.queue + "-not-yet", "bucket": BUCKET}
    async with started(aws, tmp_path, queue=settings) as run:
        await eventually(lambda: run.context.health.reasons().get("queue", "").startswith("AWS: sqs:ReceiveMessage"))
        assert (await series(run, "cloudtrail_up"))[()] == 0
        made = trail.sqs.create_queue(QueueName="trail-not-yet")["QueueUrl"]
        assert made == settings["queue_url"]
        await eventually(lambda: run.context.health.up)
        results = await series(run, "aws_api_requests_total")
        assert any(labels[0] == "ReceiveMessage" and labels[1] == "ok" for labels in results)
