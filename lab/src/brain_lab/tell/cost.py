"""What a recording costs, hour by hour, and the days before it, so that a spike stands against something.

Nodes are charged while they are there, databases and caches always, traffic by the requests, logs by the lines. The
past is the same platform with the course of a day and a little noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from brain_lab.emit.cloud.prices import USAGES, charge
from brain_lab.emit.records import NANOS, CostRow
from brain_lab.simulate.recording import TICK, Array, Recording
from brain_lab.simulate.transfer import REQUEST_BYTES

_HOUR: Final = 3600
_FALLBACK: Final = "m6i.xlarge"
_RDS: Final = "rds-r6g.xlarge"
_BYTES_OF_LINE: Final = 250.0
_NOISE: Final = 0.03


def cost_of(recording: Recording, days: int, rng: np.random.Generator) -> list[CostRow]:
    """The bill, in order of time.

    Args:
        recording: A run; its hours are charged by what it did, pro rata where it has only a part of one.
        days: Before the run that are made up.
        rng: For the noise of those days.
    """
    rows: list[CostRow] = []
    sound = _sound(recording)
    usual = {name: float(values[sound].mean()) for name, values in _amounts(recording).items()}
    first = int(recording.times[0] - TICK) // _HOUR * _HOUR
    for hour in range(first - days * 24 * _HOUR, first, _HOUR):
        course = 1.0 + 0.25 * np.sin(2.0 * np.pi * (hour / _HOUR % 24 - 9.0) / 24.0)
        noise = float(course * rng.lognormal(0.0, _NOISE))
        active = recording.nodes["active"][sound].mean(axis=0)
        rows += _hour(recording, hour, np.round(active), {name: mean * noise for name, mean in usual.items()}, 1.0)
    moments = (recording.times - TICK).astype(np.int64) // _HOUR * _HOUR
    for hour in np.unique(moments).tolist():
        inside = moments == hour
        means = {name: float(values[inside].mean()) for name, values in _amounts(recording).items()}
        active = recording.nodes["active"][inside].mean(axis=0)
        rows += _hour(recording, hour, active, means, float(inside.sum()) * TICK / _HOUR)
    return rows


def _sound(recording: Recording) -> NDArray[np.bool_]:
    """[T] rows before anything breaks, from which the past is made; all of them if something is broken at the start."""
    onset = min((truth.onset for truth in recording.truth), default=np.inf)
    before = recording.times < onset
    return before if before.any() else np.ones(len(before), dtype=np.bool_)


def _amounts(recording: Recording) -> Mapping[str, Array]:
    """[T] rates of what is charged by use: name of the usage → units/s."""
    stations, services = recording.stations, len(recording.platform.services)
    requests = stations["offered"].astype(np.float64).sum(axis=1)
    lines = stations["logs"][:, :services].astype(np.float64).sum(axis=1)
    moved = {name: recording.cluster[name][:, 0].astype(np.float64) / 1e9 for name in ("nat_bytes", "zone_bytes")}
    return {
        "nat-bytes": moved["nat_bytes"],
        "between-zones": moved["zone_bytes"],
        "internet-out": requests * REQUEST_BYTES / 1e9 * 0.1,
        "logs-ingested": lines * _BYTES_OF_LINE / 1e9,
        "alb-lcu": requests * 1e-6,
    }


def _hour(
    recording: Recording, hour: int, active: np.ndarray, means: Mapping[str, float], part: float
) -> Iterator[CostRow]:
    platform, at = recording.platform, hour * NANOS
    bill = partial(charge, account=platform.account, region=platform.region)
    arn = f":{platform.region}:{platform.account}:"
    for node, share in zip(platform.nodes, active.tolist(), strict=True):
        if share > 0.0:
            name = node.instance_type if node.instance_type in USAGES else _FALLBACK
            tags = {"team": "ml" if node.gpus else "platform", "Name": node.name, "karpenter.sh/nodepool": node.pool}
            resource = f"arn:aws:ec2{arn}instance/{node.name}"
            yield bill(name, at, share * part, resource=resource, tags=tags, zone=node.zone)
    for database in platform.databases:
        tags = {"team": database.namespace, "Name": database.name}
        yield bill(_RDS, at, part, resource=f"arn:aws:rds{arn}db:{database.name}", tags=tags)
    for cache in platform.caches:
        tags = {"team": cache.namespace, "Name": cache.name}
        resource = f"arn:aws:elasticache{arn}cluster:{cache.name}"
        yield bill("elasticache-r6g.large", at, part, resource=resource, tags=tags)
    shared = {"team": "platform"}
    cluster = f"arn:aws:eks{arn}cluster/{platform.cluster}"
    yield bill("eks", at, part, resource=cluster, tags=shared)
    for name, mean in means.items():
        yield bill(name, at, mean * _HOUR * part, tags=shared)
