"""Which ConfigMap, which key of it, and from what to what, an event says was changed.

Events are written by anybody: only a name that Kubernetes itself would accept is taken, and only values that mean
nothing to YAML or a shell, whole ones, that hold no secret.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from brain_common.logs import mask, names_secret
from brain_rca.model import Change, ChangeKind

# "ConfigMap cart-config: pool 20 -> 5", "ConfigMap shop/cart-config, which cart uses, was changed".
_TOLD: Final = re.compile(
    r"\bConfigMap (?:[a-z0-9-]+/)?(?P<name>[a-z0-9](?:[-.a-z0-9]*[a-z0-9])?)(?![^\s:,])"
    r"(?:: (?P<key>[-._A-Za-z0-9]+) (?P<values>[^,]*-> .*))?"
)
# One edit and no more: of several, one alone put back would be none of the states that were well.
_VALUE: Final = r"[\w.:/@%+=-](?:[\w .:/@%+=-]{0,118}[\w.:/@%+=-])?"
_VALUES: Final = re.compile(rf"(?P<old>{_VALUE}) -> (?P<new>{_VALUE})")


@dataclass(frozen=True, slots=True)
class ConfigMapEdit:
    """What was edited; empty where the event does not tell, or tells what is not to be taken over."""

    name: str = ""
    key: str = ""
    old: str = ""
    new: str = ""


def config_map_edit(change: Change | None) -> ConfigMapEdit:
    """What ``change`` tells of it; nothing of a change of another kind."""
    found = _TOLD.search(change.message) if change and change.kind is ChangeKind.CONFIG else None
    if found is None:
        return ConfigMapEdit()
    name, key = found["name"], found["key"] or ""
    values = _VALUES.fullmatch(found["values"] or "")
    if values is None or names_secret(key) or mask(found[0]) != found[0]:
        return ConfigMapEdit(name, key)
    return ConfigMapEdit(name, key, values["old"], values["new"])
