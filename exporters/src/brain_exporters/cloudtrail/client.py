"""What is asked of AWS: files of a bucket, messages of a queue, records of a log group and of the event history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote_plus

import msgspec

from brain_common.errors import InputError
from brain_exporters.runtime.aws import translated

CHUNK: Final = 1 << 20  # bytes read of a file at once
_DEEPEST: Final = 4  # levels below AWSLogs/ at which CloudTrail/ is looked for: an organization's id and an account's


@dataclass(frozen=True, slots=True)
class File:
    """One object; ``etag`` tells another content under the same key."""

    bucket: str
    key: str
    etag: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a queue, and the files it names."""

    receipt: str
    files: Sequence[tuple[str, str]]
    readable: bool


class Storage:
    """S3. Methods raise ``TemporaryError`` and ``PermanentError``."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 has no types
        self._client = client

    def head(self, bucket: str, key: str) -> File | None:
        """The file, None when it is gone."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found = self._client.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise translated(error, f"s3:GetObject s3://{bucket}/{key}") from error
        except BotoCoreError as error:
            raise translated(error, f"s3:GetObject s3://{bucket}/{key}") from error
        return File(bucket, key, found["ETag"].strip('"'))

    def read(self, file: File) -> Iterator[bytes]:
        """Its bytes, chunk by chunk."""
        from botocore.exceptions import BotoCoreError, ClientError

        what = f"s3:GetObject s3://{file.bucket}/{file.key}"
        try:
            body = self._client.get_object(Bucket=file.bucket, Key=file.key, IfMatch=f'"{file.etag}"')["Body"]
            try:
                yield from body.iter_chunks(CHUNK)
            finally:
                body.close()
        except (BotoCoreError, ClientError) as error:
            raise translated(error, what) from error

    def metadata(self, bucket: str, key: str) -> tuple[bytes, dict[str, str]]:
        """A small file whole, and its own metadata."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found = self._client.get_object(Bucket=bucket, Key=key)
            return found["Body"].read(), found.get("Metadata", {})
        except (BotoCoreError, ClientError) as error:
            raise translated(error, f"s3:GetObject s3://{bucket}/{key}") from error

    def files(self, bucket: str, prefix: str) -> Iterator[File]:
        """Files below a prefix, by key."""
        for page in self._pages(Bucket=bucket, Prefix=prefix):
            for found in page.get("Contents", ()):
                yield File(bucket, found["Key"], found["ETag"].strip('"'))

    def folders(self, bucket: str, prefix: str) -> list[str]:
        """What is one level below a prefix."""
        pages = self._pages(Bucket=bucket, Prefix=prefix, Delimiter="/")
        return [found["Prefix"] for page in pages for found in page.get("CommonPrefixes", ())]

    def regions(self, bucket: str, prefix: str, kind: str) -> list[str]:
        """Prefixes ``…/<kind>/<region>/`` below ``prefix`` + AWSLogs/: of one account or of an organization."""
        found, level = [], [f"{prefix}AWSLogs/"]
        for _ in range(_DEEPEST):
            level = [folder for each in level for folder in self.folders(bucket, each)]
            ends = [each for each in level if each.endswith(f"/{kind}/")]
            found += [region for each in ends for region in self.folders(bucket, each)]
            level = [each for each in level if not each.rstrip("/").rsplit("/", 1)[-1].startswith("CloudTrail")]
        return found

    def _pages(self, **query: str) -> Iterator[dict[str, Any]]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            yield from self._client.get_paginator("list_objects_v2").paginate(**query)
        except (BotoCoreError, ClientError) as error:
            raise translated(error, f"s3:ListBucket s3://{query['Bucket']}") from error


class Queue:
    """SQS. Methods raise ``TemporaryError`` and ``PermanentError``."""

    def __init__(self, client: Any, url: str) -> None:  # noqa: ANN401 - boto3 has no types
        self._client = client
        self._url = url

    def receive(self, wait_seconds: int) -> list[Message]:
        """Up to ten messages; waits for the first."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            found = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=wait_seconds
            )
        except (BotoCoreError, ClientError) as error:
            raise translated(error, "sqs:ReceiveMessage") from error
        return [_message(each) for each in found.get("Messages", ())]

    def delete(self, messages: Sequence[Message]) -> None:
        """What they named is taken; they do not come again."""
        from botocore.exceptions import BotoCoreError, ClientError

        entries = [{"Id": str(n), "ReceiptHandle": message.receipt} for n, message in enumerate(messages)]
        try:
            if entries:
                self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)
        except (BotoCoreError, ClientError) as error:
            raise translated(error, "sqs:DeleteMessage") from error


def log_events(client: Any, group: str, begin: float) -> Iterator[list[tuple[float, bytes]]]:  # noqa: ANN401
    """Pages of (time, record) of a log group from ``begin`` on, seconds since the epoch.

    Raises:
        TemporaryError: CloudWatch Logs is away or throttles.
        PermanentError: It refuses.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        pages = client.get_paginator("filter_log_events").paginate(
            logGroupName=group, startTime=round(begin * 1000), interleaved=True
        )
        for page in pages:
            yield [(each["timestamp"] / 1000, each["message"].encode()) for each in page.get("events", ())]
    except (BotoCoreError, ClientError) as error:
        raise translated(error, "logs:FilterLogEvents") from error


def lookup_page(
    client: Any,  # noqa: ANN401 - boto3 has no types
    begin: datetime,
    end: datetime,
    token: str | None,
) -> tuple[list[tuple[float, bytes]], str | None]:
    """One page of the event history, newest first: (time, record), and the token of the next page.

    Raises:
        TemporaryError: It is away or throttles.
        PermanentError: It refuses.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    more = {"NextToken": token} if token else {}
    try:
        page = client.lookup_events(StartTime=begin, EndTime=end, MaxResults=50, **more)
    except (BotoCoreError, ClientError) as error:
        raise translated(error, "cloudtrail:LookupEvents") from error
    found = [(e["EventTime"].timestamp(), e["CloudTrailEvent"].encode()) for e in page.get("Events", ())]
    return found, page.get("NextToken")


def _message(message: dict[str, Any]) -> Message:
    try:
        found = list(_named(msgspec.json.decode(message.get("Body", ""))))
    except (msgspec.DecodeError, InputError, KeyError, TypeError, AttributeError):
        return Message(message["ReceiptHandle"], (), readable=False)
    return Message(message["ReceiptHandle"], found, readable=True)


def _named(body: Any) -> Iterable[tuple[str, str]]:  # noqa: ANN401 - JSON
    """Bucket and key of each file a notification names: S3's own, by SNS, or by EventBridge."""
    if "Records" in body:
        for record in body["Records"]:
            s3 = record["s3"]
            yield s3["bucket"]["name"], unquote_plus(s3["object"]["key"])
    elif body.get("Type") == "Notification" and "Message" in body:
        yield from _named(msgspec.json.decode(body["Message"]))
    elif body.get("source") == "aws.s3" and "detail" in body:
        yield body["detail"]["bucket"]["name"], body["detail"]["object"]["key"]
    elif "s3Bucket" in body and "s3ObjectKey" in body:  # CloudTrail's own notification by SNS
        for key in body["s3ObjectKey"]:
            yield body["s3Bucket"], key
    elif body.get("Event") != "s3:TestEvent":
        raise InputError("no notification of S3")
