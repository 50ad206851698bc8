"""Who a row of the lake is about: the four columns of its key as an ``Entity``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from brain_common.entity import Entity, EntityKind

_KINDS: Final = frozenset(kind.value for kind in EntityKind)


def is_known(kind: str) -> bool:
    """Whether a kind of entity is one of ours: another writer may know more."""
    return kind in _KINDS


def entity_of_row(row: Mapping[str, Any]) -> Entity:
    """The entity of a row.

    Raises:
        ValueError: Its kind is unknown.
    """
    return Entity(row["cluster"], row["namespace"], EntityKind(row["kind"]), row["name"])
