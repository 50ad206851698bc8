"""Terraform replaces the rule that lets the cluster reach a database, and fails in between: deleted, not created.

Connections that stand go on for a while; new ones find nobody. The database has less to do than ever, and its callers
fail. Next to it stand a failed run, a failed pipeline and two calls, of which the second was refused.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from brain_lab.emit.cloud.calls import call
from brain_lab.emit.records import AwsCall, Principal
from brain_lab.faults.aim import LEAST_REACH, Aim
from brain_lab.faults.harm import harmful
from brain_lab.faults.protocol import Fault
from brain_lab.faults.repeating import nanos
from brain_lab.platforms.delivery import INFRASTRUCTURE, workspace_of
from brain_lab.simulate.changing import commit, pipeline, terraform_run
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs

ACTOR: Final = "gitlab-runner"
_CODE: Final = "Client.RulesPerSecurityGroupLimitExceeded"
_MESSAGE: Final = "The maximum number of rules per security group has been reached."


def make(aim: Aim) -> Fault:
    """Of a database that a promise depends on."""
    used = [one.name for one in aim.platform.databases if aim.reach(one.name) >= LEAST_REACH]
    name = aim.choose(harmful(aim, used), "no busy database")
    share, ramp = aim.rng.uniform(0.7, 1.0), aim.rng.uniform(20.0, 60.0)

    def turn(at: float, knobs: Knobs) -> None:
        station = knobs.station(name)
        knobs.unreachable[station] = max(knobs.unreachable[station], share * aim.strength(at, ramp))

    workspace = workspace_of(aim.platform, name)
    words = (
        f"Error: creating Security Group Rule for {name}: operation error EC2: AuthorizeSecurityGroupIngress, "
        f"api error {_CODE.removeprefix('Client.')}: {_MESSAGE}"
    )
    changes = (
        pipeline(aim.onset - 40.0, INFRASTRUCTURE, words, "dana", (name,), failed_stage="deploy", seconds=75.0),
        terraform_run(
            aim.onset - 10.0, workspace, words, ACTOR, (name,), succeeded=False, seconds=20.0, counts=(0, 0, 1)
        ),
    )
    fix = f"apply the rule that lets the cluster reach {name} again"
    truth = aim.truth("terraform-failed-apply", name, ("availability", "errors", "load"), "terraform", fix)
    return Effect(turn, truth, changes=changes, aws_calls=_calls(aim, name))


def _calls(aim: Aim, name: str) -> tuple[AwsCall, AwsCall]:
    """The rule is revoked, and the new one refused."""
    who = Principal("AssumedRole", "terraform", ACTOR)
    request = {
        "groupId": f"sg-0{commit(name)[:16]}",
        "ipPermissions": {"items": [{"ipProtocol": "tcp", "fromPort": 5432, "toPort": 5432}]},
    }
    where = (aim.platform.account, aim.platform.region, "ec2")
    revoked, refused = nanos([aim.onset, aim.onset + 2.0])
    good = call(refused, *where, "AuthorizeSecurityGroupIngress", who, request)
    return (
        call(revoked, *where, "RevokeSecurityGroupIngress", who, request, {"_return": True}),
        replace(good, error_code=_CODE, error_message=_MESSAGE),
    )
