"""A disk fills up: the volume of a database or of a service, which then fails what it should write; or of a node.

A full node evicts its pods, the largest first, and takes no others. By the seed it is one or the other.
"""

from __future__ import annotations

from typing import Final

from brain_lab.faults.aim import Aim
from brain_lab.faults.protocol import Fault
from brain_lab.faults.shares import breaking_shares
from brain_lab.platforms.model import Database, Node, Service
from brain_lab.simulate.effect import Effect
from brain_lab.simulate.knobs import Knobs

OF_NODES: Final = 0.35
"""Share of seeds for which it is a node."""

_FREE: Final = 0.5
"""Share of a volume or of a node's disk that is about free on a usual day."""

_FAILS: Final = 0.9
"""Share of requests that fail with a full volume."""


def make(aim: Aim) -> Fault:
    """Full within two minutes of the onset: something writes without end."""
    nodes = {node.name: node for node in aim.platform.nodes if not node.spare and not node.gpus}
    of_node = aim.rng.random() < OF_NODES
    if aim.target:
        of_node = aim.target in nodes
    return _node(aim, nodes) if of_node else _volume(aim)


def _volume(aim: Aim) -> Fault:
    sizes = _volumes(aim)
    name = aim.choose(_mattering(aim, sizes), "no volume that matters")
    size = sizes[name]
    filling = aim.rng.uniform(40.0, 100.0)

    def turn(at: float, knobs: Knobs) -> None:
        knobs.storage_add[knobs.station(name)] += _FREE * size * aim.strength(at, ramp=filling)

    fix = f"enlarge the volume of {name}, and find out what fills it"
    proposal = "terraform" if isinstance(aim.platform.by_name[name], Database) else "kubernetes"
    return Effect(turn, aim.truth("disk-full", name, ("disk", "errors"), proposal, fix))


def _volumes(aim: Aim) -> dict[str, float]:
    """Bytes of the volumes of databases and services."""
    stations: tuple[Database | Service, ...] = (*aim.platform.databases, *aim.platform.services)
    sizes = {one.name: one.storage if isinstance(one, Database) else one.volume_bytes for one in stations}
    return {name: size for name, size in sizes.items() if size}


def _mattering(aim: Aim, sizes: dict[str, float]) -> list[str]:
    """Those whose failing breaks a promise."""
    needed = breaking_shares(aim.platform, list(sizes))
    return [name for name in sizes if needed[name] < _FAILS / 2.0]


def _node(aim: Aim, nodes: dict[str, Node]) -> Fault:
    name = aim.choose(list(nodes), "no node")
    filling, size = aim.rng.uniform(30.0, 80.0), nodes[name].disk

    def turn(at: float, knobs: Knobs) -> None:
        column, strength = knobs.node(name), aim.strength(at, ramp=filling)
        knobs.node_disk[column] += (_FREE + 0.05) * size * strength
        knobs.node_io[column] += 0.3 * strength

    fix = f"cordon {name}, move its pods, and remove what fills its disk"
    return Effect(turn, aim.truth("disk-full", name, ("disk", "saturation", "availability"), "kubernetes", fix))
