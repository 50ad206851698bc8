"""Something that is no pod of ours eats a node: memory until the kubelet evicts, CPU until everybody on it is slow.

Services that have little to do with each other become slow together; what they share is the node.
"""

from __future__ import annotations

from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs


def make(aim: Aim) -> Fault:
    """On an ordinary node that is there from the start."""
    nodes = [node.name for node in aim.platform.nodes if not node.spare and not node.gpus]
    name = aim.choose(nodes, "no node")
    node = next(one for one in aim.platform.nodes if one.name == name)
    cores, memory = node.cores * aim.rng.uniform(1.5, 3.0), node.memory * aim.rng.uniform(0.75, 0.9)

    def turn(at: float, knobs: Knobs) -> None:
        strength, column = aim.strength(at, ramp=45.0), knobs.node(name)
        knobs.node_cpu[column] += cores * strength
        knobs.node_memory[column] += memory * strength
        knobs.node_io[column] += 0.6 * strength

    kinds = ("memory", "cpu", "saturation", "disk")
    return Effect(turn, aim.truth("node-pressure", name, kinds, "kubernetes", f"cordon {name} and move its pods"))
