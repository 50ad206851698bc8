"""AWS calls that simulated systems and people make; `cloudtrail.py` writes them.

A few makers for what the faults need, two transformations for what goes wrong, and the background of calls that every
account has.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from brain_lab.emit.ids import digest
from brain_lab.emit.records import AwsCall, Int, Json, Principal

GLOBAL_REGION: Final = "us-east-1"
"""Where CloudTrail records calls of services without a region."""
_GLOBAL: Final = frozenset({"iam", "route53", "cloudfront", "organizations"})
_TERRAFORM: Final = "APN/1.0 HashiCorp/1.0 Terraform/1.13.4 (+https://www.terraform.io) terraform-provider-aws/6.19.0"
_READS: Final = ("Describe", "Get", "List", "Lookup", "Head", "AssumeRole", "Decrypt", "BatchGet", "Receive")

_THROTTLED: Final = {
    "ec2": ("Client.RequestLimitExceeded", "Request limit exceeded."),
    "s3": ("SlowDown", "Please reduce your request rate."),
    "dynamodb": (
        "ProvisionedThroughputExceededException",
        "The level of configured provisioned throughput for the table was exceeded. Consider increasing your "
        "provisioning level with the UpdateTable API.",
    ),
}
_DENIED: Final = {"ec2": "Client.UnauthorizedOperation"}

_BACKGROUND: Final = (
    ("ec2", "DescribeInstances", 5.0),
    ("ec2", "DescribeInstanceTypes", 1.0),
    ("sts", "AssumeRoleWithWebIdentity", 4.0),
    ("sts", "GetCallerIdentity", 2.0),
    ("autoscaling", "DescribeAutoScalingGroups", 2.0),
    ("elasticloadbalancing", "DescribeTargetHealth", 3.0),
    ("monitoring", "GetMetricData", 3.0),
    ("logs", "CreateLogStream", 1.0),
    ("ecr", "BatchGetImage", 1.0),
    ("ecr", "GetAuthorizationToken", 1.0),
    ("kms", "Decrypt", 3.0),
    ("rds", "DescribeDBInstances", 1.0),
    ("ssm", "GetParametersByPath", 1.0),
    ("secretsmanager", "GetSecretValue", 2.0),
    ("eks", "DescribeCluster", 0.5),
)
"""Service, action, how often against the others; what controllers do all day."""


def call(
    time: int,
    account: str,
    region: str,
    service: str,
    action: str,
    actor: Principal,
    request: Json | None = None,
    response: Json | None = None,
    *,
    agent: str = "",
) -> AwsCall:
    """A call that went well; whether it only reads follows from its name, and services without a region have theirs."""
    robot = actor.kind == "AWSService"
    return AwsCall(
        time=time,
        account=account,
        region=GLOBAL_REGION if service in _GLOBAL else region,
        service=service,
        action=action,
        actor=actor,
        read_only=action.startswith(_READS),
        request=request,
        response=response,
        source_ip=actor.name if robot else "10.0.0.10",
        agent=actor.name if robot else agent or "aws-sdk-go-v2/1.41.0",
    )


def throttled(good: AwsCall) -> AwsCall:
    """The call as it looks when the service had enough of them."""
    code, message = _THROTTLED.get(good.service, ("ThrottlingException", "Rate exceeded"))
    return replace(good, response=None, error_code=code, error_message=message)


def denied(good: AwsCall, resource: str) -> AwsCall:
    """The call as it looks when no policy allows it on the resource, an ARN."""
    who = arn(good.account, good.actor)
    verb = f"{good.service}:{good.action}"
    message = (
        f"User: {who} is not authorized to perform: {verb} on resource: {resource} "
        f"because no identity-based policy allows the {verb} action"
    )
    return replace(good, response=None, error_code=_DENIED.get(good.service, "AccessDenied"), error_message=message)


def detach_role_policy(time: int, account: str, actor: Principal, role: str, policy: str) -> AwsCall:
    """Somebody takes a policy (its ARN) from a role."""
    request = {"roleName": role, "policyArn": policy}
    return call(time, account, GLOBAL_REGION, "iam", "DetachRolePolicy", actor, request, agent=_TERRAFORM)


def put_role_policy(time: int, account: str, actor: Principal, role: str, policy: str, document: str) -> AwsCall:
    """Somebody writes the inline policy of a role; `document` is its JSON."""
    request = {"roleName": role, "policyName": policy, "policyDocument": document}
    return call(time, account, GLOBAL_REGION, "iam", "PutRolePolicy", actor, request, agent=_TERRAFORM)


def modify_db_instance(time: int, account: str, region: str, actor: Principal, name: str, changed: Json) -> AwsCall:
    """Somebody changes a database instance; `changed` such as `{"dBInstanceClass": "db.t4g.medium"}`."""
    request = {"dBInstanceIdentifier": name, "applyImmediately": True, **changed}
    response = {"dBInstanceIdentifier": name, "dBInstanceStatus": "modifying", "engine": "postgres"}
    return call(time, account, region, "rds", "ModifyDBInstance", actor, request, response, agent=_TERRAFORM)


def run_instances(
    time: int, account: str, region: str, actor: Principal, instance_type: str, zone: str, count: int = 1
) -> AwsCall:
    """An autoscaler launches nodes."""
    ids = [f"i-0a{digest(time, account, instance_type, number, size=8)[1:]}" for number in range(count)]
    items = [{"instanceId": one, "instanceType": instance_type, "placement": {"availabilityZone": zone}} for one in ids]
    request = {"instanceType": instance_type, "minCount": count, "maxCount": count, "availabilityZone": zone}
    response = {"instancesSet": {"items": items}, "ownerId": account}
    return call(time, account, region, "ec2", "RunInstances", actor, request, response, agent="karpenter.sh/1.8.1")


def replace_route(
    time: int, account: str, region: str, actor: Principal, table: str, destination: str, gateway: str
) -> AwsCall:
    """Somebody sends a destination's traffic through another gateway, such as a NAT gateway."""
    request = {"routeTableId": table, "destinationCidrBlock": destination, "natGatewayId": gateway}
    return call(time, account, region, "ec2", "ReplaceRoute", actor, request, {"_return": True}, agent=_TERRAFORM)


def update_auto_scaling_group(
    time: int, account: str, region: str, actor: Principal, group: str, smallest: int, largest: int
) -> AwsCall:
    """Somebody changes the limits of a node group."""
    request = {"autoScalingGroupName": group, "minSize": smallest, "maxSize": largest}
    return call(time, account, region, "autoscaling", "UpdateAutoScalingGroup", actor, request, agent=_TERRAFORM)


def background(account: str, region: str, roles: Sequence[str], times: Int, rng: np.random.Generator) -> list[AwsCall]:
    """[N] the calls that controllers make all day, under these roles, at these times (nanoseconds since the epoch)."""
    if not roles:
        return []
    weights = np.array([weight for _, _, weight in _BACKGROUND])
    actions = rng.choice(len(_BACKGROUND), len(times), p=weights / weights.sum()).tolist()
    actors = [Principal("AssumedRole", role, f"{role}-session") for role in roles]
    chosen = rng.integers(0, len(roles), len(times)).tolist()
    return [
        call(time, account, region, *_BACKGROUND[action][:2], actors[who])
        for time, action, who in zip(times.tolist(), actions, chosen, strict=True)
    ]


def arn(account: str, actor: Principal) -> str:
    """The ARN of who called; of an AWS service its name."""
    match actor.kind:
        case "AssumedRole":
            return f"arn:aws:sts::{account}:assumed-role/{actor.name}/{actor.session}"
        case "IAMUser":
            return f"arn:aws:iam::{account}:user/{actor.name}"
        case "Root":
            return f"arn:aws:iam::{account}:root"
        case _:
            return actor.name
