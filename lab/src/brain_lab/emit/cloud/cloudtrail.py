"""AWS calls as CloudTrail delivers them: gzipped files in the layout of its S3 bucket.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-examples.html (layout, file names) and
cloudtrail-event-reference-record-contents.html (fields of event version 1.11). Like the real ones, files are delivered
some minutes after the calls, and the records in a file are in no particular order.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from brain_lab.emit.cloud.calls import arn
from brain_lab.emit.ids import letters_of, uuid_of
from brain_lab.emit.json_files import encoded
from brain_lab.emit.records import NANOS, AwsCall, Principal
from brain_lab.emit.stamps import rfc3339, second_text

EVENT_VERSION: Final = "1.11"
DELIVERY_SECONDS: Final = 300
"""Time that one file covers, and after which it is delivered; CloudTrail's is about five minutes, too."""
_SESSION_SECONDS: Final = 3600  # a role's credentials are that old at most


def write_cloudtrail(calls: Iterable[AwsCall], folder: Path) -> list[Path]:
    """Write the files below `folder`, which stands for the bucket; returns their paths in the order of their names.

    The bytes depend on the calls alone.
    """
    groups: dict[tuple[str, str, int], list[AwsCall]] = {}
    for call in calls:
        delivered = (call.time // NANOS // DELIVERY_SECONDS + 1) * DELIVERY_SECONDS
        groups.setdefault((call.account, call.region, delivered), []).append(call)
    return sorted(_write_file(folder / key(*group), found) for group, found in groups.items())


def key(account: str, region: str, delivered: int) -> str:
    """The S3 key of the file that is delivered at a second since the epoch."""
    day = second_text(delivered, "%Y/%m/%d")
    minute = second_text(delivered, "%Y%m%dT%H%MZ")
    unique = letters_of(account, region, delivered)
    return f"AWSLogs/{account}/CloudTrail/{region}/{day}/{account}_CloudTrail_{region}_{minute}_{unique}.json.gz"


def record(call: AwsCall, number: int = 0) -> Mapping[str, object]:
    """The call as a record.

    Args:
        call: What happened.
        number: Tells apart two calls that are the same in everything else.
    """
    identity = (call.time, call.account, call.region, call.service, call.action, call.actor, number)
    robot = call.actor.kind == "AWSService"
    found: dict[str, object] = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": _user_identity(call),
        "eventTime": rfc3339(call.time),
        "eventSource": f"{call.service}.amazonaws.com",
        "eventName": call.action,
        "awsRegion": call.region,
        "sourceIPAddress": call.source_ip,
        "userAgent": call.agent,
        "requestParameters": call.request,
        "responseElements": call.response,
        "requestID": uuid_of("request", *identity),
        "eventID": uuid_of("event", *identity),
        "readOnly": call.read_only,
        "eventType": "AwsApiCall",
        "managementEvent": not call.data_event,
        "recipientAccountId": call.account,
        "eventCategory": "Data" if call.data_event else "Management",
    }
    if call.error_code:
        found["errorCode"] = call.error_code
        found["errorMessage"] = call.error_message
    if call.resources:
        found["resources"] = [
            {"ARN": name, "accountId": call.account, "type": kind} for name, kind in call.resources.items()
        ]
    if not robot:
        found["tlsDetails"] = {
            "tlsVersion": "TLSv1.3",
            "cipherSuite": "TLS_AES_128_GCM_SHA256",
            "clientProvidedHostHeader": f"{call.service}.{call.region}.amazonaws.com",
        }
    return found


def _write_file(path: Path, calls: list[AwsCall]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    seen: dict[object, int] = {}
    records = []
    for call in calls:
        same = (call.time, call.service, call.action, call.actor)
        seen[same] = seen.get(same, -1) + 1
        records.append(record(call, seen[same]))
    records.sort(key=lambda one: str(one["eventID"]))
    # No name and no time in the header, or the bytes would differ from run to run.
    path.write_bytes(gzip.compress(encoded({"Records": records}), mtime=0))
    return path


def _user_identity(call: AwsCall) -> Mapping[str, object]:
    actor, account = call.actor, call.account
    if actor.kind == "AWSService":
        return {"type": "AWSService", "invokedBy": actor.name}
    if actor.kind == "Root":
        return {"type": "Root", "principalId": account, "arn": arn(account, actor), "accountId": account}
    common = {"arn": arn(account, actor), "accountId": account}
    if actor.kind == "AssumedRole":
        return {
            "type": "AssumedRole",
            "principalId": f"{_unique('AROA', account, actor)}:{actor.session}",
            **common,
            "accessKeyId": _unique("ASIA", account, actor, actor.session),
            "sessionContext": _session(call),
        }
    return {
        "type": actor.kind,
        "principalId": _unique("AIDA", account, actor),
        **common,
        "accessKeyId": _unique("AKIA", account, actor),
        "userName": actor.name,
    }


def _session(call: AwsCall) -> Mapping[str, object]:
    actor, account = call.actor, call.account
    began = call.time // NANOS // _SESSION_SECONDS * _SESSION_SECONDS * NANOS
    return {
        "sessionIssuer": {
            "type": "Role",
            "principalId": _unique("AROA", account, actor),
            "arn": f"arn:aws:iam::{account}:role/{actor.name}",
            "accountId": account,
            "userName": actor.name,
        },
        "attributes": {"creationDate": rfc3339(began), "mfaAuthenticated": "false"},
    }


def _unique(prefix: str, account: str, actor: Principal, more: str = "") -> str:
    """An id as IAM gives them: what kind of thing it is, then what nobody else has."""
    return prefix + letters_of(account, actor.kind, actor.name, more, length=17)
