"""What a call was about: ids in its record, and the entity of ours they name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from brain_common.entity import EntityKind
from brain_exporters.cloudtrail.records import Record

_LONGEST: Final = 512  # characters of a name
_NAMED: Final = (
    "dBInstanceIdentifier",
    "dBClusterIdentifier",
    "functionName",
    "bucketName",
    "tableName",
    "clusterName",
    "nodegroupName",
    "instanceId",
    "groupId",
    "volumeId",
    "snapshotId",
    "roleName",
    "userName",
    "policyArn",
    "keyId",
    "queueUrl",
    "topicArn",
    "streamName",
    "loadBalancerArn",
    "targetGroupArn",
    "vpcId",
    "subnetId",
    "stackName",
    "secretId",
    "logGroupName",
    "name",
)
"""Parameters that name what is called upon, the most telling first."""
_DATABASES: Final = frozenset({"dBInstanceIdentifier", "dBClusterIdentifier"})


def principal(record: Record) -> str:
    """ARN of who called: of a session the role, since names of sessions are many; else whoever is named."""
    identity = record.identity
    if identity is None:
        return ""
    issuer = identity.session.issuer.arn if identity.session and identity.session.issuer else ""
    return issuer or identity.arn or identity.invoked_by


def named(record: Record) -> list[str]:
    """ARNs of the record."""
    return [resource.arn for resource in record.resources or () if resource.arn]


def parameters(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names and values of parameters that name something, the most telling first."""
    given = record.get("requestParameters")
    if not isinstance(given, Mapping):
        return
    for name in _NAMED:
        value = given.get(name)
        if isinstance(value, str) and value:
            yield name, value[:_LONGEST]
    items = given.get("instancesSet")
    for item in items.get("items", ()) if isinstance(items, Mapping) else ():
        if isinstance(item, Mapping) and isinstance(item.get("instanceId"), str):
            yield "instanceId", item["instanceId"][:_LONGEST]


def entity(record: Record, ids: list[tuple[str, str]], account: str) -> tuple[EntityKind, str]:
    """Kind and name."""
    if ids:
        kind = EntityKind.DATABASE if ids[0][0] in _DATABASES else EntityKind.CLOUD_RESOURCE
        return kind, ids[0][1]
    arns = named(record)
    return EntityKind.CLOUD_RESOURCE, arns[0][:_LONGEST] if arns else f"account/{account}"
