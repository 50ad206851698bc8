"""The S3 server refuses a conditional write that comes second, on which the lake relies."""

from __future__ import annotations

import boto3
import pytest
from botocore.exceptions import ClientError

from brain_lab.servers.s3_gateway import S3Gateway


def test_a_second_conditional_write_is_refused(s3_gateway: S3Gateway) -> None:
    client = boto3.client(
        "s3",
        endpoint_url=s3_gateway.url,
        aws_access_key_id=s3_gateway.access_key,
        aws_secret_access_key=s3_gateway.secret_key,
        region_name=s3_gateway.region,
    )
    client.create_bucket(Bucket="conditional")
    client.put_object(Bucket="conditional", Key="log/1", Body=b"first", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        client.put_object(Bucket="conditional", Key="log/1", Body=b"second", IfNoneMatch="*")
    assert client.get_object(Bucket="conditional", Key="log/1")["Body"].read() == b"first"
    client.close()
