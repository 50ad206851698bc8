"""Which ConfigMap, and which key of it, an event says was changed.

Events are written by anybody: only a name that Kubernetes itself would accept is taken, and nothing of the values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from brain_rca.model import Change, ChangeKind

# "ConfigMap cart-config: pool 20 -> 5", "ConfigMap shop/cart-config, which cart uses, was changed".
_TOLD: Final = re.compile(
    r"\bConfigMap (?:[a-z0-9-]+/)?(?P<name>[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?)(?![^\s:,])"
    r"(?:: (?P<key>[-._A-Za-z0-9]+) [^,]*-> )?"
)


@dataclass(frozen=True, slots=True)
class ConfigMapEdit:
    """What was edited; empty where the event does not tell."""

    name: str = ""
    key: str = ""


def config_map_edit(change: Change | None) -> ConfigMapEdit:
    """What ``change`` tells of it; nothing of a change of another kind."""
    found = _TOLD.search(change.message) if change and change.kind is ChangeKind.CONFIG else None
    return ConfigMapEdit(found["name"], found["key"] or "") if found else ConfigMapEdit()
