"""A policy of IAM is changed, and a service may no longer use its queue, bucket or secret.

A part of its requests needs that resource and fails at once, without using anything more; callers see errors.
CloudTrail has the write call that did it, and then a refusal for each attempt.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Final

from brain_lab.emit.cloud.calls import call, denied, put_role_policy
from brain_lab.emit.records import AwsCall, Principal
from brain_lab.faults.aim import Aim
from brain_lab.faults.harm import harmful
from brain_lab.faults.protocol import Fault
from brain_lab.faults.repeating import moments, nanos
from brain_lab.platforms.delivery import workspace_of
from brain_lab.platforms.model import Role
from brain_lab.simulate.changing import terraform_run
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs

SPREADS: Final = 12.0
"""Seconds until a changed policy holds everywhere."""


@dataclass(frozen=True, slots=True)
class Resource:
    """What a service uses.

    Attributes:
        service: Of AWS.
        action: That it needs.
        arn: With blanks for region, account and the service's name.
        kind: As CloudTrail spells it.
        data: Calls are data events.
    """

    service: str
    action: str
    arn: str
    kind: str
    data: bool = False


_RESOURCES: Final = (
    Resource("sqs", "SendMessage", "arn:aws:sqs:{region}:{account}:{name}-outbox", "AWS::SQS::Queue", True),
    Resource("s3", "PutObject", "arn:aws:s3:::{name}-{account}", "AWS::S3::Object", True),
    Resource(
        "secretsmanager",
        "GetSecretValue",
        "arn:aws:secretsmanager:{region}:{account}:secret:{name}/credentials-x7Kp2Q",
        "AWS::SecretsManager::Secret",
    ),
    Resource("kms", "Decrypt", "arn:aws:kms:{region}:{account}:alias/{name}", "AWS::KMS::Key"),
)


def make(aim: Aim) -> Fault:
    """So many requests fail that a promise breaks."""
    busy = [name for name in aim.services(lambda one: one.role is Role.HTTP) if aim.rates[name] > 1.0]
    name = aim.choose(harmful(aim, busy), "no busy service")
    resource = _RESOURCES[int(aim.rng.integers(len(_RESOURCES)))]
    share = aim.rng.uniform(0.4, 0.9)

    def turn(at: float, knobs: Knobs) -> None:
        station = knobs.station(name)
        knobs.errors[station] = 1.0 - (1.0 - knobs.errors[station]) * (1.0 - share * aim.strength(at, SPREADS))

    platform = aim.platform
    arn = resource.arn.format(region=platform.region, account=platform.account, name=name)
    run = terraform_run(
        aim.onset - 8.0, workspace_of(platform, name), "Tighten IAM policies", "morgan", (name,), counts=(0, 1, 0)
    )
    refused = [_refused(aim, name, resource, arn, at) for at in nanos(moments(aim, 2.0, 4.0, aim.rng))]
    fix = f"allow {name} {resource.service}:{resource.action} on {arn} again"
    truth = aim.truth("iam-access-denied", name, ("errors",), "terraform", fix)
    return Effect(turn, truth, changes=(run,), aws_calls=(_tightened(aim, name, resource), *refused))


def _tightened(aim: Aim, name: str, resource: Resource) -> AwsCall:
    """The policy as it is now: it allows reading the attributes only."""
    statement = {"Effect": "Allow", "Action": [f"{resource.service}:List*"], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, sort_keys=True)
    who = Principal("AssumedRole", "terraform", "morgan@example.com")
    (at,) = nanos([aim.onset])
    return put_role_policy(at, aim.platform.account, who, f"irsa-{name}", f"{name}-{resource.service}", document)


def _refused(aim: Aim, name: str, resource: Resource, arn: str, at: int) -> AwsCall:
    who = Principal("AssumedRole", f"irsa-{name}", name)
    good = call(at, aim.platform.account, aim.platform.region, resource.service, resource.action, who)
    return replace(denied(good, arn), resources={arn: resource.kind}, data_event=resource.data)
