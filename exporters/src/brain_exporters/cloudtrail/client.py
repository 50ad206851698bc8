"""How CloudTrail's sources are asked: S3, SQS, CloudWatch Logs, LookupEvents and its public keys. All of it blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from brain_common.errors import PermanentError, TemporaryError
from brain_exporters.runtime.aws import AwsAccount, translated

_PART: Final = 1 << 18  # bytes read at once
_MOST_DIGEST: Final = 64 << 20  # bytes of a digest file; an hour of a busy trail is some MB


@dataclass(frozen=True, slots=True)
class Object:
    """One version of a file."""

    key: str
    etag: str


@dataclass(frozen=True, slots=True)
class Message:
    """One of the queue."""

    name: str  # the same at each delivery
    body: str
    receipt: str
    sent: float  # seconds since the epoch


class Absent(PermanentError):  # noqa: N818 - a state of the file
    """There is no such file, or none any more."""


class Client:
    """One account's sources.

    Args:
        account: Makes the clients.
        bucket: The only bucket that is read.
    """

    def __init__(self, account: AwsAccount, bucket: str) -> None:
        self._account = account
        self._bucket = bucket

    def listed(self, prefix: str, after: str) -> Iterator[Object]:
        """Files below a prefix whose keys are behind ``after``, in the order of keys."""
        token: dict[str, str] = {"StartAfter": after} if after else {}
        while True:
            with translated("s3", "ListObjectsV2", self._account.name):
                page = self._account.client("s3").list_objects_v2(Bucket=self._bucket, Prefix=prefix, **token)
            for item in page.get("Contents", ()):
                yield Object(item["Key"], item["ETag"].strip('"'))
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def version(self, key: str) -> Object:
        """The file as it is now; one that is not there has no ETag."""
        try:
            with translated("s3", "HeadObject", self._account.name):
                answer = self._account.client("s3").head_object(Bucket=self._bucket, Key=key)
        except PermanentError as error:
            if ": 404:" in str(error):
                return Object(key, "")
            raise
        return Object(key, answer["ETag"].strip('"'))

    def parts(self, key: str, etag: str = "") -> Iterator[bytes]:
        """The content of a file, in the version of the ETag where one is given.

        Raises:
            Absent: It is not there.
            TemporaryError: The connection broke.
        """
        body = self._get(key, etag)["Body"]
        with body:
            while True:
                part = _read(body, key)
                if not part:
                    return
                yield part

    def digest(self, key: str) -> tuple[bytes, dict[str, str]]:
        """A digest file, compressed as it is, and its metadata."""
        answer = self._get(key)
        with answer["Body"] as body:
            parts = []
            size = 0
            while part := _read(body, key):
                size += len(part)
                if size > _MOST_DIGEST:
                    raise PermanentError(f"s3 object {key}: larger than {_MOST_DIGEST} bytes")
                parts.append(part)
        return b"".join(parts), answer.get("Metadata", {})

    def _get(self, key: str, etag: str = "") -> Any:  # noqa: ANN401 - botocore carries no types
        version = {"IfMatch": f'"{etag}"'} if etag else {}
        try:
            with translated("s3", "GetObject", self._account.name):
                return self._account.client("s3").get_object(Bucket=self._bucket, Key=key, **version)
        except PermanentError as error:
            if "NoSuchKey" in str(error):
                raise Absent(f"s3 object {key}: not there") from None
            raise

    def messages(self, queue: str, wait: int, visibility: int) -> list[Message]:
        """Up to ten, hidden from others for ``visibility`` seconds."""
        with translated("sqs", "ReceiveMessage", self._account.name):
            answer = self._account.client("sqs").receive_message(
                QueueUrl=queue,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=wait,
                VisibilityTimeout=visibility,
                AttributeNames=["SentTimestamp"],
            )
        return [
            Message(
                item["MessageId"],
                item["Body"],
                item["ReceiptHandle"],
                float(item.get("Attributes", {}).get("SentTimestamp", 0)) / 1000,
            )
            for item in answer.get("Messages", ())
        ]

    def delete(self, queue: str, receipt: str) -> None:
        """The message has been dealt with."""
        with translated("sqs", "DeleteMessage", self._account.name):
            self._account.client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=receipt)

    def log_events(self, group: str, since: float) -> Iterator[list[str]]:
        """Pages of messages of a log group, not older than ``since``."""
        token: dict[str, str] = {}
        while True:
            with translated("logs", "FilterLogEvents", self._account.name):
                page = self._account.client("logs").filter_log_events(
                    logGroupName=group, startTime=int(since * 1000), **token
                )
            yield [event["message"] for event in page.get("events", ())]
            if not page.get("nextToken"):
                return
            token = {"nextToken": page["nextToken"]}

    def looked_up(self, since: float, until: float, token: str) -> tuple[list[str], str]:
        """One page of LookupEvents, at most 50, newest first, and the token of the next page."""
        more = {"NextToken": token} if token else {}
        with translated("cloudtrail", "LookupEvents", self._account.name):
            page = self._account.client("cloudtrail").lookup_events(
                StartTime=datetime.fromtimestamp(since, UTC),
                EndTime=datetime.fromtimestamp(until, UTC),
                MaxResults=50,
                **more,
            )
        return [event["CloudTrailEvent"] for event in page.get("Events", ())], page.get("NextToken", "")

    def public_keys(self, since: datetime, until: datetime) -> dict[str, bytes]:
        """Keys (PKCS #1, DER) that signed digests between two moments, by fingerprint."""
        found: dict[str, bytes] = {}
        token: dict[str, str] = {}
        while True:
            with translated("cloudtrail", "ListPublicKeys", self._account.name):
                page = self._account.client("cloudtrail").list_public_keys(StartTime=since, EndTime=until, **token)
            found |= {key["Fingerprint"]: key["Value"] for key in page.get("PublicKeyList", ())}
            if not page.get("NextToken"):
                return found
            token = {"NextToken": page["NextToken"]}


def _read(body: Any, key: str) -> bytes:  # noqa: ANN401 - botocore carries no types
    from botocore.exceptions import BotoCoreError

    try:
        return bytes(body.read(_PART))
    except (BotoCoreError, OSError) as error:
        raise TemporaryError(f"s3 object {key}: {type(error).__name__} while reading") from error
