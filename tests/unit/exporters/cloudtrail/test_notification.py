"""Messages about files, in each form there is, and keys that are meant to mislead."""

from __future__ import annotations

import json

import pytest

from brain_common.errors import InputError
from brain_exporters.cloudtrail.notification import keys_of

_S3 = {
    "Records": [
        {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": "AWSLogs/a+b%2Fc.gz"}}}
    ]
}
_BRIDGE = {"detail-type": "Object Created", "detail": {"bucket": {"name": "b"}, "object": {"key": "AWSLogs/a+b"}}}


@pytest.mark.parametrize(
    ("body", "keys"),
    [
        (_S3, ["AWSLogs/a b/c.gz"]),
        ({"Type": "Notification", "Message": json.dumps(_S3)}, ["AWSLogs/a b/c.gz"]),
        (_BRIDGE, ["AWSLogs/a+b"]),
        ({"s3Bucket": "b", "s3ObjectKey": ["AWSLogs/x"]}, ["AWSLogs/x"]),
        ({"Event": "s3:TestEvent"}, []),
    ],
)
def test_each_form_names_its_files(body: object, keys: list[str]) -> None:
    assert keys_of(json.dumps(body), "b", "AWSLogs/") == keys


def test_other_buckets_and_other_folders_are_never_read() -> None:
    assert keys_of(json.dumps(_S3), "other", "") == []
    assert keys_of(json.dumps(_S3), "b", "elsewhere/") == []


@pytest.mark.parametrize("body", ["", "[]", "7", '{"Records":7}', '{"Records":[{"s3":7}]}', "[" * 100_000])
def test_anything_else_is_refused(body: str) -> None:
    with pytest.raises(InputError):
        keys_of(body, "b", "")
