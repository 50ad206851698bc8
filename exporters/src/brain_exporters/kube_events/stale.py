"""Workloads that run with an older version of a ConfigMap or Secret than there is.

Containers read environment variables and ``subPath`` mounts once, when they start; the kubelet never brings them up to
date. Other mounts it does within about a minute, so those are never stale here, whatever a program does with them. The
version is dated by ``managedFields``: when somebody last changed ``data``, so that an edit of labels is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from brain_exporters.kube_events.kinds import ObjectMeta, PodSpec
from brain_exporters.kube_events.rows import moment

CONFIG_MAP, SECRET = "ConfigMap", "Secret"
Config = tuple[str, str]
"""Kind and name, in the namespace of its user."""

_DATA = ("f:data", "f:binaryData", "f:stringData")


@dataclass(frozen=True, slots=True)
class Version:
    """When the data was last changed, seconds since the epoch, and by which client."""

    changed: float
    manager: str


def version(meta: ObjectMeta) -> Version:
    """The version that is current."""
    made = moment(meta.creation_timestamp)
    best = Version(made.timestamp() if made else 0.0, "")
    for each in meta.managed_fields:
        at = moment(each.time)
        if at is not None and at.timestamp() >= best.changed and any(key in (each.fields_v1 or {}) for key in _DATA):
            best = Version(at.timestamp(), each.manager)
    return best


def read_once(spec: PodSpec) -> set[Config]:
    """What containers read when they start."""
    found: set[Config] = set()
    by_volume = {volume.name: set(_of_volume(volume)) for volume in spec.volumes}
    for container in (*spec.containers, *spec.init_containers):
        for variable in container.env:
            if variable.value_from is not None:
                found |= _pair(variable.value_from.config_map_key_ref, variable.value_from.secret_key_ref)
        for source in container.env_from:
            found |= _pair(source.config_map_ref, source.secret_ref)
        for mount in container.volume_mounts:
            if mount.sub_path or mount.sub_path_expr:
                found |= by_volume.get(mount.name, set())
    return found


def used(spec: PodSpec) -> set[Config]:
    """All that it reads, mounts that are kept up to date included."""
    return read_once(spec).union(*(_of_volume(volume) for volume in spec.volumes))


def is_stale(current: Version, started: float) -> bool:
    """Whether what started then has an older version; times are of whole seconds, so the same one is no proof."""
    return current.changed > started


def _of_volume(volume: object) -> Iterator[Config]:
    config_map, secret = getattr(volume, "config_map", None), getattr(volume, "secret", None)
    if config_map is not None:
        yield CONFIG_MAP, config_map.name
    if secret is not None:
        yield SECRET, getattr(secret, "secret_name", "") or getattr(secret, "name", "")
    for source in getattr(getattr(volume, "projected", None), "sources", ()):
        yield from _of_volume(source)


def _pair(config_map: object, secret: object) -> set[Config]:
    named = ((CONFIG_MAP, config_map), (SECRET, secret))
    return {(kind, str(getattr(each, "name", ""))) for kind, each in named if each is not None}


Versions = Mapping[tuple[str, str, str], Version]
"""By namespace, kind and name."""
