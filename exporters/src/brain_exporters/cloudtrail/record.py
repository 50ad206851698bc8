"""One CloudTrail record, as far as the exporter looks into it; the rest stays text.

Fields: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

from __future__ import annotations

from typing import Any

import msgspec

from brain_common.errors import InputError

LONGEST_ID = 128  # characters; an eventID is a UUID, 36


class Identity(msgspec.Struct, gc=False):
    """``userIdentity``."""

    type: str | None = None
    arn: str | None = None
    principalId: str | None = None  # noqa: N815 - the record's name
    accountId: str | None = None  # noqa: N815 - the record's name
    userName: str | None = None  # noqa: N815 - the record's name
    invokedBy: str | None = None  # noqa: N815 - the record's name

    @property
    def principal(self) -> str:
        """Who called, as well as it is known; empty where nobody is."""
        return self.arn or self.invokedBy or self.principalId or self.userName or self.accountId or ""


class Resource(msgspec.Struct, gc=False):
    """One of ``resources``."""

    ARN: str | None = None
    type: str | None = None
    accountId: str | None = None  # noqa: N815 - the record's name


class Record(msgspec.Struct, kw_only=True, gc=False):
    """A record: without one of the fields that have no default it is malformed."""

    event_id: str = msgspec.field(name="eventID")
    time: str = msgspec.field(name="eventTime")
    service: str = msgspec.field(name="eventSource")
    operation: str = msgspec.field(name="eventName")
    region: str = msgspec.field(name="awsRegion", default="")
    identity: Identity | None = msgspec.field(name="userIdentity", default=None)
    source_ip: str | None = msgspec.field(name="sourceIPAddress", default=None)
    user_agent: str | None = msgspec.field(name="userAgent", default=None)
    error_code: str | None = msgspec.field(name="errorCode", default=None)
    error_message: str | None = msgspec.field(name="errorMessage", default=None)
    read_only: bool | str | None = msgspec.field(name="readOnly", default=None)
    event_type: str = msgspec.field(name="eventType", default="")
    account: str | None = msgspec.field(name="recipientAccountId", default=None)
    resources: list[Resource] | None = None
    request: msgspec.Raw = msgspec.field(name="requestParameters", default=msgspec.Raw(b"null"))

    @property
    def account_id(self) -> str:
        """Whose trail it is in: the recipient, or of old records the caller's account."""
        return self.account or (self.identity and self.identity.accountId) or ""

    @property
    def changes(self) -> bool:
        """Whether the call may have changed something."""
        return not is_read_only(self)


_READS = ("Get", "List", "Describe", "Head", "Lookup", "Search", "BatchGet", "Query", "Scan", "Check", "Test")
_decoder = msgspec.json.Decoder(Record)


def is_read_only(record: Record) -> bool:
    """``readOnly``; of records before version 1.03, which have none, the verb of the call says it."""
    said = record.read_only
    if said is None:
        return record.operation.startswith(_READS)
    return said if isinstance(said, bool) else said.lower() == "true"


def decode(raw: bytes | msgspec.Raw) -> Record:
    """One record.

    Raises:
        InputError: It is none.
    """
    try:
        record = _decoder.decode(raw)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise InputError(f"no CloudTrail record: {error}") from error
    if not 0 < len(record.event_id) <= LONGEST_ID:
        raise InputError(f"no CloudTrail record: eventID of {len(record.event_id)} characters")
    return record


def request_of(record: Record) -> dict[str, Any]:
    """``requestParameters``; empty where they are no mapping."""
    if len(record.request) < 5:  # null or {}
        return {}
    found = msgspec.json.decode(record.request)
    return found if isinstance(found, dict) else {}
