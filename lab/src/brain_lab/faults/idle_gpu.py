"""A notebook asks for a whole GPU node and nobody uses it: Karpenter brings the node, and it costs by the hour.

No service suffers. It shows in what the GPUs do, which is nothing, in the call that started the instance, and on the
bill.
"""

from __future__ import annotations

from typing import Final

from brain_lab.emit.cloud.calls import run_instances
from brain_lab.emit.events.reasons import occurrences
from brain_lab.emit.records import Principal
from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.faults.repeating import nanos
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.recording import Truth

KARPENTER: Final = Principal("AssumedRole", "karpenter", "karpenter")
NOTEBOOK: Final = "jupyter-alex"


def make(aim: Aim) -> Fault:
    """The first GPU node that is not there yet."""
    spare = [node for node in aim.platform.nodes if node.spare and node.gpus]
    name = aim.choose([node.name for node in spare[:1]], "no spare GPU node")
    node = next(one for one in aim.platform.nodes if one.name == name)

    def turn(at: float, knobs: Knobs) -> None:
        if aim.strength(at, ramp=0.0):
            knobs.gpu_nodes_wanted[0] = max(knobs.gpu_nodes_wanted[0], 1.0)

    asked, launched = nanos([aim.onset + 1.0, aim.onset + 14.0])
    events = occurrences("NominatedNode", NOTEBOOK, "notebooks", [asked], object=f"gpu-{name[3:9]}", node=name)
    place = (aim.platform.account, aim.platform.region)
    launch = run_instances(launched, *place, KARPENTER, node.instance_type, node.zone)
    truth = Truth(
        "idle-gpu",
        aim.platform.entity(name),
        ("load",),
        aim.onset,
        "kubernetes",
        fix=f"stop the notebook {NOTEBOOK}, and let Karpenter take {name} away",
        silent=True,
        evidence=("DCGM_FI_DEV_GPU_UTIL", "cost", "aws_calls", "events"),
    )
    return Effect(turn, truth, events=tuple(events), aws_calls=(launch,))
