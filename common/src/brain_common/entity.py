"""The name of a thing that can break: ``cluster/namespace/kind/name``.

Every signal, finding and cause is about one entity. Parts may hold any character: the text form
percent-encodes ``/`` and ``%`` in them, so that it can be split again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from brain_common.errors import InputError


class EntityKind(StrEnum):
    """What an entity is."""

    SERVICE = "service"
    WORKLOAD = "workload"
    POD = "pod"
    NODE = "node"
    DATABASE = "database"
    TOPIC = "topic"
    CLOUD_RESOURCE = "cloud-resource"


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """One thing; an empty ``cluster`` or ``namespace`` means "none known" or "not namespaced"."""

    cluster: str
    namespace: str
    kind: EntityKind
    name: str

    def __str__(self) -> str:
        return "/".join(_quote(part) for part in (self.cluster, self.namespace, self.kind.value, self.name))

    @classmethod
    def parse(cls, text: str) -> Entity:
        """Read the text form.

        Raises:
            InputError: It has not four parts, or the kind is unknown.
        """
        parts = text.split("/")
        if len(parts) != 4:
            raise InputError(f"entity {text!r}: expected cluster/namespace/kind/name")
        cluster, namespace, kind, name = (unquote(part) for part in parts)
        try:
            return cls(cluster, namespace, EntityKind(kind), name)
        except ValueError as error:
            known = ", ".join(EntityKind)
            raise InputError(f"entity {text!r}: kind {kind!r} is none of {known}") from error


def _quote(part: str) -> str:
    return part.replace("%", "%25").replace("/", "%2F")
