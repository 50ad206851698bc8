"""Which files a message of the queue tells of: S3's own form, the same within SNS, and EventBridge's."""

from __future__ import annotations

import json
from typing import Any, Final
from urllib.parse import unquote_plus

from brain_common.errors import InputError

_LONGEST_KEY: Final = 1024  # bytes, S3's limit


def keys_of(body: str, bucket: str, prefix: str) -> list[str]:
    """Keys of new files of the bucket below the prefix; what is about others is left out.

    Raises:
        InputError: It is no such message.
    """
    try:
        found = _found(json.loads(body))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise InputError(f"no notification about files: {type(error).__name__}") from error
    return [key for name, key in found if name == bucket and key.startswith(prefix) and len(key) <= _LONGEST_KEY]


def _found(message: dict[str, Any]) -> list[tuple[str, str]]:
    if message.get("Type") == "Notification" and "Message" in message:
        message = json.loads(message["Message"])
    if message.get("Event") == "s3:TestEvent":
        return []
    if message.get("detail-type") == "Object Created":
        detail = message["detail"]
        return [(str(detail["bucket"]["name"]), str(detail["object"]["key"]))]  # not encoded, unlike S3's own form
    if "s3ObjectKey" in message:  # CloudTrail's own notifications
        return [(str(message["s3Bucket"]), str(key)) for key in message["s3ObjectKey"]]
    return [
        (str(record["s3"]["bucket"]["name"]), unquote_plus(str(record["s3"]["object"]["key"])))
        for record in message["Records"]
        if str(record["eventName"]).startswith("ObjectCreated")
    ]
