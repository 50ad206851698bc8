"""A Terraform run dies and leaves its lock on the state: every later run of the workspace fails at once.

Nothing that runs is touched, so that no service suffers; what was to be rolled out does not come. It shows in the
pipelines, in the runs, and in the conditional writes to the lock table that fail.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final
from uuid import UUID

from brain_common.entity import Entity, EntityKind
from brain_lab.emit.cloud.calls import call
from brain_lab.emit.records import AwsCall, Change, Principal
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.faults.repeating import moments, nanos
from brain_lab.faults.still import still
from brain_lab.platforms.delivery import INFRASTRUCTURE, LOCK_TABLE, workspace_of
from brain_lab.platforms.model import Role
from brain_lab.simulate.changing import commit, pipeline, terraform_run
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.recording import Truth

ACTOR: Final = "gitlab-runner"
_CODE: Final = "ConditionalCheckFailedException"
_FAILED: Final = "The conditional request failed"


def make(aim: Aim) -> Fault:
    """Of the workspace that the cloud resources of a service's namespace are in."""
    name = aim.choose(aim.services(lambda one: one.role is Role.HTTP), "no service")
    workspace = workspace_of(aim.platform, name)
    lock = UUID(commit(f"lock {workspace} {aim.onset}")[:32])
    words = (
        f"Error acquiring the state lock: {_CODE}: {_FAILED}. Lock Info: ID: {lock} "
        f"Path: tfstate/{workspace}/terraform.tfstate Operation: OperationTypeApply Who: {ACTOR}@runner-7f2k"
    )
    tries = moments(aim, 30.0, 100.0, aim.rng)
    changes = [
        terraform_run(aim.onset, workspace, "Error: the runner was lost", ACTOR, (name,), succeeded=False, seconds=20.0)
    ]
    for at in tries:
        changes.append(terraform_run(at, workspace, words, ACTOR, succeeded=False, seconds=8.0))
        changes.append(pipeline(at - 12.0, INFRASTRUCTURE, words, "dana", (name,), failed_stage="deploy", seconds=24.0))
    changes += _unlocked(aim, workspace, name)
    calls = tuple(_refused(aim, workspace, at) for at in nanos(tries))
    return Effect(still, _truth(aim, workspace, name), changes=tuple(changes), aws_calls=calls)


def _unlocked(aim: Aim, workspace: str, name: str) -> list[Change]:
    """What goes well again when the lock is gone."""
    over = aim.onset + aim.duration
    if over == float("inf"):
        return []
    words = "Apply what waited for the lock"
    return [
        pipeline(over + 10.0, INFRASTRUCTURE, words, "dana", (name,), seconds=70.0),
        terraform_run(over + 30.0, workspace, words, ACTOR, (name,), seconds=40.0, counts=(1, 2, 0)),
    ]


def _refused(aim: Aim, workspace: str, at: int) -> AwsCall:
    """The write with which Terraform would have locked the state."""
    request = {
        "tableName": LOCK_TABLE,
        "key": {"LockID": f"tfstate/{workspace}/terraform.tfstate"},
        "conditionExpression": "attribute_not_exists(LockID)",
    }
    who = Principal("AssumedRole", "terraform", ACTOR)
    good = call(at, aim.platform.account, aim.platform.region, "dynamodb", "PutItem", who, request)
    table = f"arn:aws:dynamodb:{aim.platform.region}:{aim.platform.account}:table/{LOCK_TABLE}"
    resources = {table: "AWS::DynamoDB::Table"}
    return replace(good, error_code=_CODE, error_message=_FAILED, resources=resources, data_event=True)


def _truth(aim: Aim, workspace: str, name: str) -> Truth:
    return Truth(
        "terraform-state-lock",
        Entity(aim.platform.cluster, "", EntityKind.CLOUD_RESOURCE, workspace),
        ("availability", "errors"),
        aim.onset,
        "terraform",
        accepted=(Entity(aim.platform.cluster, "", EntityKind.CLOUD_RESOURCE, LOCK_TABLE), aim.platform.entity(name)),
        fix=f"terraform force-unlock the state of {workspace}, after its run has surely ended",
        silent=True,
        evidence=("changes", "aws_calls", "gitlab_ci_pipeline_status"),
    )
