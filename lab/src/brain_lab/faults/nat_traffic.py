"""The VPC endpoint of S3 is deleted: what a service reads and writes there now goes through a NAT gateway.

Everything works as before, in every zone, and each gigabyte costs: at the gateway, and once more for those zones that
have none of their own. It shows in the gateway's bytes and on the bill.
"""

from __future__ import annotations

from typing import Final

from brain_common.entity import Entity, EntityKind
from brain_lab.emit.cloud.calls import call, replace_route
from brain_lab.emit.records import AwsCall, Principal
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.faults.repeating import nanos
from brain_lab.platforms.delivery import workspace_of
from brain_lab.platforms.model import Role
from brain_lab.simulate.changing import terraform_run
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.recording import Truth
from brain_lab.simulate.transfer import NAT_GATEWAY

BYTES_A_SECOND: Final = (2.5e8, 6e8)
"""What the service moves to and from S3, at the least and at the most: some hundred dollars a day at a NAT gateway."""


_ENDPOINT: Final = "vpce-0c7d1e52a9b3f8460"


def make(aim: Aim) -> Fault:
    """At a service that is busy enough to move that much."""
    busy = [one.name for one in aim.platform.services if one.role is not Role.JOB and aim.rates[one.name] > 1.0]
    name = aim.choose(busy, "no busy service")
    each = aim.rng.uniform(*BYTES_A_SECOND) / aim.rates[name]

    def turn(at: float, knobs: Knobs) -> None:
        if aim.strength(at, ramp=0.0):
            knobs.nat_bytes[knobs.station(name)] += each

    workspace = workspace_of(aim.platform, name)
    run = terraform_run(
        aim.onset - 8.0, workspace, "Remove unused VPC endpoints", "morgan", (name,), counts=(0, 1, 1), seconds=30.0
    )
    truth = Truth(
        "nat-traffic",
        aim.platform.entity(name),
        ("network",),
        aim.onset,
        "terraform",
        fix="create the gateway endpoint of S3 again, and route to it",
        accepted=tuple(
            Entity(aim.platform.cluster, "", EntityKind.CLOUD_RESOURCE, one)
            for one in (_ENDPOINT, workspace, NAT_GATEWAY)
        ),
        silent=True,
        evidence=("aws_natgateway_bytes_out_to_destination_sum", "cost", "aws_calls", "changes"),
    )
    return Effect(turn, truth, changes=(run,), aws_calls=_calls(aim))


def _calls(aim: Aim) -> tuple[AwsCall, AwsCall]:
    who = Principal("AssumedRole", "terraform", "morgan@example.com")
    place = (aim.platform.account, aim.platform.region)
    deleted, routed = nanos([aim.onset, aim.onset + 1.0])
    request = {"DeleteVpcEndpointsRequest": {"VpcEndpointId": {"tag": 1, "content": _ENDPOINT}}}
    return (
        call(deleted, *place, "ec2", "DeleteVpcEndpoints", who, request),
        replace_route(routed, *place, who, "rtb-04b8c19e7fd2a6035", "0.0.0.0/0", NAT_GATEWAY),
    )
