"""A bucket and a queue in moto, behind an endpoint that answers what moto lacks."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3
import pyarrow as pa
import pytest
from deltalake import DeltaTable
from moto.server import ThreadedMotoServer

from brain_common.settings import check_settings
from brain_exporters.cloudtrail import KIND
from brain_exporters.cloudtrail.config import CloudTrailSettings
from brain_exporters.runtime.run import Running, running
from tests.fakes.aws_model import AwsModel, aws_model

PREFIX = "AWSLogs/111122223333/CloudTrail/eu-west-1/"


def record(operation: str = "DescribeInstances", **more: object) -> dict[str, Any]:
    """A record that is well."""
    return {
        "eventVersion": "1.11",
        "eventID": str(uuid4()),
        "eventTime": "2025-03-01T12:00:00Z",
        "eventSource": "ec2.amazonaws.com",
        "eventName": operation,
        "awsRegion": "eu-west-1",
        "readOnly": operation.startswith("Describe"),
        "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ann"},
        **more,
    }


def packed(records: list[Any]) -> bytes:
    """A log file."""
    return gzip.compress(json.dumps({"Records": records}, separators=(",", ":")).encode())


@dataclass
class Cloud:
    """What a test puts where."""

    model: AwsModel
    bucket: str
    queue: str
    s3: Any
    sqs: Any

    def put(self, name: str, content: bytes, **more: Any) -> str:
        """A file; its key."""
        key = name if "/" in name else PREFIX + name
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=content, **more)
        return key

    def tell(self, *keys: str) -> None:
        """A notification of S3."""
        records = [
            {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": self.bucket}, "object": {"key": key}}}
            for key in keys
        ]
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=json.dumps({"Records": records}))

    def settings(self, folder: Path, **sources: Any) -> CloudTrailSettings:
        """Of an exporter with these sources."""
        return check_settings(
            {
                "cluster": "prod",
                "http": {"port": 0},
                "state": str(folder / "state"),
                "lake": {"path": str(folder / "lake")},
                "aws": {"region": "us-east-1", "endpoint_url": self.model.url, "max_attempts": 1},
                "bucket": self.bucket,
                **sources,
            },
            CloudTrailSettings,
            "test",
        )

    @property
    def by_queue(self) -> dict[str, Any]:
        """Settings of the queue."""
        return {"sqs": {"queue_url": self.queue, "wait_seconds": 0}}


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def cloud(moto_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own-secret")
    name = f"trail-{uuid4().hex[:10]}"
    with aws_model(upstream=moto_url) as model:
        session = boto3.Session(region_name="us-east-1")
        s3, sqs = (session.client(each, endpoint_url=moto_url) for each in ("s3", "sqs"))
        s3.create_bucket(Bucket=name)
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        yield Cloud(model, name, queue, s3, sqs)


def counters(run: Running) -> dict[str, float]:
    """All samples of the ledger, by name and labels."""
    return {
        " ".join(
            [sample.name.removeprefix("cloudtrail_").removesuffix("_total"), *sample.labels.values()]
        ): sample.value
        for family in run.context.ledger.families()
        for sample in family.samples
        if sample.value
    }


def total(run: Running, name: str) -> float:
    """Sum of a counter's series."""
    return sum(value for key, value in counters(run).items() if key.split(" ")[0] == name)


@asynccontextmanager
async def started(settings: CloudTrailSettings) -> Any:
    """An exporter that runs."""
    async with running(KIND, settings) as run:
        yield run


async def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something to come true."""
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "it did not come true"
        await asyncio.sleep(0.02)


def rows(folder: Path, table: str) -> pa.Table:
    """What the lake has."""
    return DeltaTable(str(folder / "lake" / table)).to_pyarrow_table()
