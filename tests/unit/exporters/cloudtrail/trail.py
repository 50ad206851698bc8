"""CloudTrail records for tests; no call here was ever made."""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec

ACCOUNT = "111122223333"


def record(service: str = "ec2", operation: str = "DescribeInstances", **more: Any) -> dict[str, Any]:
    """One record; its keys in CloudTrail's order."""
    return {
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::{ACCOUNT}:user/someone", "accountId": ACCOUNT},
        "eventTime": "2026-01-02T03:04:05Z",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": operation,
        "awsRegion": "eu-west-1",
        "sourceIPAddress": "192.0.2.1",
        "userAgent": "test",
        "requestParameters": None,
        "eventID": str(uuid.uuid4()),
        "readOnly": operation.startswith(("Describe", "Get", "List")),
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
        **more,
    }


def document(records: Sequence[dict[str, Any]]) -> bytes:
    """As CloudTrail writes it."""
    return msgspec.json.encode({"Records": list(records)})


def file(records: Sequence[dict[str, Any]]) -> bytes:
    """As it is in S3."""
    return gzip.compress(document(records), mtime=0)
