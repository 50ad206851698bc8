"""What the CloudTrail exporter costs a record, and whether kill -9 loses or repeats any.

The exporter is a process of its own that lists a bucket of a moto server on the same machine; its own CPU time is what
is measured, from its first look to the last row being in the lake. Records are realistic in size (some 1.3 kB)
and kind: nine of ten calls only read.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import random
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from uuid import UUID

import boto3
import httpx
from deltalake import DeltaTable

from brain_common.errors import PermanentError
from brain_lab.bench.usage import cpu_seconds, peak_rss_bytes

RECORDS_BAR: Final = 60_000.0
RSS_BAR: Final = 250.0 * 2**20

_ACCOUNT: Final = "111122223333"
_PREFIX: Final = f"AWSLogs/{_ACCOUNT}/CloudTrail/eu-west-1/"
_BUCKET: Final = "trail"
_PATIENCE: Final = 300.0  # seconds for a run
_ENVIRONMENT: Final = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
_CALLS: Final = (
    ("ec2", "DescribeInstances"),
    ("sts", "AssumeRole"),
    ("s3", "GetBucketAcl"),
    ("kms", "Decrypt"),
    ("rds", "DescribeDBInstances"),
    ("iam", "GetRole"),
    ("ssm", "DescribeInstanceInformation"),
    ("logs", "DescribeLogGroups"),
    ("ecs", "ListTasks"),
    ("ec2", "RunInstances"),
)


def run_cloudtrail(records: int = 80_000) -> dict[str, float]:
    """Read one file of ``records`` records (80,000 are some 100 MB inflated).

    Returns:
        ``records_per_cpu_second``, ``rss_bytes`` (peak), ``inflated_bytes``, ``records``, ``lake_rows``.

    Raises:
        PermanentError: The exporter ended or did not come to an end in time.
    """
    draw = random.Random(1)  # noqa: S311 - for data, not for secrets
    text = _text(draw, records)
    with TemporaryDirectory() as folder, _bucket() as (url, s3), _Exporter(Path(folder), url) as exporter:
        exporter.start()
        exporter.wait(0, files=0)
        idle = cpu_seconds(exporter.pid)
        s3.put_object(Bucket=_BUCKET, Key=f"{_PREFIX}one.json.gz", Body=gzip.compress(text, 6))
        exporter.wait(records, files=1)
        used = cpu_seconds(exporter.pid) - idle
        return {
            "records_per_cpu_second": records / used,
            "rss_bytes": float(peak_rss_bytes(exporter.pid)),
            "inflated_bytes": float(len(text)),
            "records": float(records),
            "lake_rows": float(len(exporter.lake_ids())),
        }


def run_cloudtrail_kills(kills: int = 50, files: int = 60, records: int = 5_000) -> dict[str, float]:
    """Kill the exporter again and again while it reads; compare counters and lake with what there was.

    Returns:
        ``lost`` and ``repeated`` (records, the worse of counters and lake), ``kills``, ``records``.

    Raises:
        PermanentError: The exporter did not come to an end in time.
    """
    draw = random.Random(2)  # noqa: S311 - for data, not for secrets
    total = files * records
    with TemporaryDirectory() as folder, _bucket() as (url, s3), _Exporter(Path(folder), url) as exporter:
        for number in range(files):
            body = gzip.compress(_text(draw, records), 1)
            s3.put_object(Bucket=_BUCKET, Key=f"{_PREFIX}{number:05d}.json.gz", Body=body)
        for _ in range(kills):
            exporter.start()
            exporter.wait_for_listener()
            time.sleep(draw.uniform(0.0, 0.4))
            exporter.kill()
        exporter.start()
        exporter.wait(total, files=files)
        counted = exporter.sample("cloudtrail_events_total")
        ids = exporter.lake_ids()
        repeated = exporter.sample("cloudtrail_duplicates_total") + max(0.0, counted - total, len(ids) - len(set(ids)))
        return {
            "lost": max(0.0, total - counted, total - len(set(ids))),
            "repeated": repeated,
            "kills": float(kills),
            "records": float(total),
        }


class _Exporter:
    """The process, and what it says of itself."""

    def __init__(self, folder: Path, endpoint: str) -> None:
        self._lake = folder / "lake"
        self._config = folder / "cloudtrail.yaml"
        self._url = f"http://127.0.0.1:{_free_port()}"
        self._process: subprocess.Popen[bytes] | None = None
        settings = {
            "http": {"port": int(self._url.rpartition(":")[2])},
            "state": str(folder / "state"),
            "lake": {"path": str(self._lake)},
            "aws": {"region": "us-east-1", "endpoint_url": endpoint},
            "bucket": _BUCKET,
            "listing": {"prefixes": [_PREFIX], "interval_seconds": 1},
        }
        self._config.write_text(json.dumps(settings))  # JSON is YAML

    def __enter__(self) -> _Exporter:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        argv = [str(Path(sys.executable).with_name("brain")), "exporter", "cloudtrail", "--config", str(self._config)]
        self._process = subprocess.Popen(argv, env=os.environ | _ENVIRONMENT, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def wait_for_listener(self) -> None:
        self._until(lambda: bool(self._metrics()), 0.02)

    def wait(self, records: int, files: int) -> None:
        """Until all is counted and in the lake."""

        def through() -> bool:
            text = self._metrics()
            counted = _sum(text, "cloudtrail_files_total"), _sum(text, "cloudtrail_lake_waiting_bytes")
            return counted == (files, 0) and _sum(text, "cloudtrail_up") == 1

        self._until(through, 0.25)
        if _sum(self._metrics(), "cloudtrail_events_total") < records:
            time.sleep(1.0)

    def sample(self, name: str) -> float:
        return _sum(self._metrics(), name)

    def lake_ids(self) -> list[str]:
        return [
            str(one)
            for one in DeltaTable(str(self._lake / "cloudtrail")).to_pyarrow_table(columns=["event_id"])[0].to_pylist()
        ]

    def _metrics(self) -> str:
        try:
            return httpx.get(f"{self._url}/metrics", trust_env=False, timeout=10).text
        except httpx.HTTPError:
            return ""

    def _until(self, condition: Any, pause: float) -> None:  # noqa: ANN401 - a function
        ends = time.monotonic() + _PATIENCE
        while not condition():
            if time.monotonic() > ends or self._process is None or self._process.poll() is not None:
                raise PermanentError("the CloudTrail exporter ended, or is not through in time")
            time.sleep(pause)


@contextlib.contextmanager
def _bucket() -> Iterator[tuple[str, Any]]:
    """A moto server in a process of its own, with a bucket."""
    port = _free_port()
    argv = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    try:
        session = boto3.Session("bench", "bench", region_name="us-east-1")
        s3 = session.client("s3", endpoint_url=url)
        _wait_for(port)
        s3.create_bucket(Bucket=_BUCKET)
        yield url, s3
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise PermanentError("moto's server did not start")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _sum(text: str, name: str) -> float:
    found = re.findall(rf"^{name}(?:\{{.*\}})? (\S+)$", text, re.MULTILINE)
    return sum(map(float, found))


def _text(draw: random.Random, records: int) -> bytes:
    made = [json.dumps(_record(draw), separators=(",", ":")) for _ in range(records)]
    return ('{"Records":[' + ",".join(made) + "]}").encode()


def _record(draw: random.Random) -> dict[str, object]:
    service, operation = draw.choice(_CALLS)
    role = f"team-{draw.randrange(40)}"
    arn = f"arn:aws:sts::{_ACCOUNT}:assumed-role/{role}/session-{draw.randrange(1000)}"
    second = draw.randrange(3600)
    return {
        "eventVersion": "1.11",
        "userIdentity": {
            "type": "AssumedRole",
            "principalId": f"AROA{draw.getrandbits(64):016X}:session",
            "arn": arn,
            "accountId": _ACCOUNT,
            "accessKeyId": f"ASIA{draw.getrandbits(64):016X}",
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": f"AROA{draw.getrandbits(64):016X}",
                    "arn": f"arn:aws:iam::{_ACCOUNT}:role/{role}",
                    "accountId": _ACCOUNT,
                    "userName": role,
                },
                "attributes": {"creationDate": "2025-03-01T12:00:00Z", "mfaAuthenticated": "false"},
            },
        },
        "eventTime": f"2025-03-01T12:{second // 60:02d}:{second % 60:02d}Z",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": operation,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": f"10.0.{draw.randrange(256)}.{draw.randrange(256)}",
        "userAgent": "aws-sdk-go-v2/1.30.3 os/linux lang/go#1.22.5 md/GOOS#linux md/GOARCH#amd64",
        "requestParameters": {"instanceId": f"i-{draw.getrandbits(64):016x}", "maxResults": 100},
        "responseElements": None,
        "requestID": str(UUID(int=draw.getrandbits(128))),
        "eventID": str(UUID(int=draw.getrandbits(128), version=4)),
        "readOnly": operation != "RunInstances",
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": _ACCOUNT,
        "eventCategory": "Management",
        "tlsDetails": {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"{service}.eu-west-1.amazonaws.com",
        },
    }
