"""What a call was about: the ARNs and ids it names, and the entity that stands for them."""

from __future__ import annotations

from typing import Final

import msgspec

from brain_common.entity import EntityKind
from brain_exporters.cloudtrail.record import Record

_MOST: Final = 50  # resources of one record
_RESOURCE: Final = EntityKind.CLOUD_RESOURCE.value
_LONGEST: Final = 2048  # characters of one; an ARN's limit
_DATABASES: Final = frozenset(
    {"rds.amazonaws.com", "dynamodb.amazonaws.com", "elasticache.amazonaws.com", "redshift.amazonaws.com"}
)
_TOPICS: Final = frozenset({"sns.amazonaws.com", "sqs.amazonaws.com", "kinesis.amazonaws.com"})


class _Named(msgspec.Struct, gc=False):
    """Request parameters that name a resource, the more telling ones first."""

    dBInstanceIdentifier: str | None = None  # noqa: N815
    dBClusterIdentifier: str | None = None  # noqa: N815
    dBSnapshotIdentifier: str | None = None  # noqa: N815
    tableName: str | None = None  # noqa: N815
    functionName: str | None = None  # noqa: N815
    clusterName: str | None = None  # noqa: N815
    service: str | None = None
    bucketName: str | None = None  # noqa: N815
    instanceId: str | None = None  # noqa: N815
    groupId: str | None = None  # noqa: N815
    snapshotId: str | None = None  # noqa: N815
    volumeId: str | None = None  # noqa: N815
    vpcId: str | None = None  # noqa: N815
    loadBalancerArn: str | None = None  # noqa: N815
    autoScalingGroupName: str | None = None  # noqa: N815
    stackName: str | None = None  # noqa: N815
    secretId: str | None = None  # noqa: N815
    keyId: str | None = None  # noqa: N815
    queueUrl: str | None = None  # noqa: N815
    topicArn: str | None = None  # noqa: N815
    streamName: str | None = None  # noqa: N815
    repositoryName: str | None = None  # noqa: N815
    logGroupName: str | None = None  # noqa: N815
    policyArn: str | None = None  # noqa: N815
    roleArn: str | None = None  # noqa: N815
    roleName: str | None = None  # noqa: N815
    userName: str | None = None  # noqa: N815
    groupName: str | None = None  # noqa: N815
    trailName: str | None = None  # noqa: N815
    name: str | None = None
    id: str | None = None


_decoder = msgspec.json.Decoder(_Named)


def resources(record: Record) -> list[str]:
    """The resources it names: ``resources`` where CloudTrail gives them, else from the request."""
    if record.resources:
        found = [one.ARN[:_LONGEST] for one in record.resources[:_MOST] if one.ARN]
        if found:
            return found
    if len(record.request) < 5:  # null or {}
        return []
    try:
        named = _decoder.decode(record.request)
    except (msgspec.DecodeError, RecursionError):  # one of them is no text here, or the request is none
        return []
    return [value[:_LONGEST] for value in filter(None, msgspec.structs.astuple(named))]


def entity_of(service: str, account: str, found: list[str]) -> tuple[str, str]:
    """Kind and name of the entity, as cloud resources are named everywhere: by the last part of the ARN."""
    if not found:
        return _RESOURCE, account or "unknown"
    kind = _RESOURCE
    if service in _DATABASES:
        kind = EntityKind.DATABASE.value
    elif service in _TOPICS:
        kind = EntityKind.TOPIC.value
    return kind, _short(found[0])


def _short(resource: str) -> str:
    """``function:pay`` and ``role/Admin`` give ``pay`` and ``Admin``; the name of a bucket stays without its key."""
    if resource.startswith("arn:"):
        service, rest = resource.split(":", 5)[2::3] if resource.count(":") >= 5 else ("", resource)
        if service == "s3":
            return rest.partition("/")[0] or resource
        return rest.rpartition("/")[2].rpartition(":")[2] or resource
    if resource.startswith("https://"):  # a queue's address
        return resource.rpartition("/")[2] or resource
    return resource
