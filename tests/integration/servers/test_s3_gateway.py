"""The S3 gateway keeps objects, refuses to overwrite where it is asked to, and believes only its account."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from brain_lab.servers.s3_gateway import S3Gateway
from tests.servers.fixtures import S3GatewayFactory


def client_of(gateway: S3Gateway, secret_key: str | None = None) -> Any:
    """AWS's own client."""
    return boto3.client(
        "s3",
        endpoint_url=gateway.url,
        region_name=gateway.region,
        aws_access_key_id=gateway.access_key,
        aws_secret_access_key=secret_key or gateway.secret_key,
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )


def status_of(error: pytest.ExceptionInfo[ClientError]) -> int:
    """The HTTP status behind an error."""
    return int(error.value.response["ResponseMetadata"]["HTTPStatusCode"])


def test_an_object_is_written_once(s3_gateway: S3GatewayFactory) -> None:
    gateway = s3_gateway()
    s3 = client_of(gateway)
    s3.create_bucket(Bucket="lake")
    s3.put_object(Bucket="lake", Key="log/0.json", Body=b"first", IfNoneMatch="*")
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket="lake", Key="log/0.json", Body=b"second", IfNoneMatch="*")
    assert status_of(refused) == 412
    assert s3.get_object(Bucket="lake", Key="log/0.json")["Body"].read() == b"first"
    assert (gateway.buckets_dir / "lake/log/0.json").read_bytes() == b"first"

    gateway.stop()
    gateway.start()
    listed = client_of(gateway).list_objects_v2(Bucket="lake", Prefix="log/")
    assert [found["Key"] for found in listed["Contents"]] == ["log/0.json"]


def test_a_wrong_secret_is_refused(s3_gateway: S3GatewayFactory) -> None:
    with pytest.raises(ClientError) as refused:
        client_of(s3_gateway(), "wrong").list_buckets()
    assert status_of(refused) == 403
