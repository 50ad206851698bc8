"""Which change to propose for which fault: the built-in entries, and the user's own.

Read once at start-up; the analysis asks it for the proposals of the first cause. Nothing here is tried out or
applied: what it returns is marked as not validated. For a fault without an entry it proposes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pydantic import Field

from brain_common.entity import Entity
from brain_common.errors import ConfigError, InputError
from brain_common.settings import Settings, check_settings, load_yaml
from brain_rca.fix.draft import draft
from brain_rca.fix.entry import FaultKind, Fix
from brain_rca.fix.names import safe_names
from brain_rca.fix.quantity import Fact
from brain_rca.model import Cause, Proposal

BUILT_IN: Final = Path(__file__).with_name("catalogue.yaml")
NOTHING_KNOWN: Final[Mapping[Fact, float]] = MappingProxyType({})
# The engine names a fault after the family of the signal that showed it.
_SYNONYMS: Final = {"availability": FaultKind.UNAVAILABLE.value}


class Catalogue(Settings):
    """All entries, by key."""

    fixes: dict[str, Fix] = Field(max_length=500, description="Proposals, by a key of your choice.")

    def propose(
        self, cause: Cause, max_proposals: int = 2, current: Mapping[Fact, float] = NOTHING_KNOWN
    ) -> tuple[Proposal, ...]:
        """The best proposals for a cause, best first; none for an unknown fault, entity or combination.

        Args:
            cause: What to propose something for.
            max_proposals: How many at most.
            current: What is known of the entity's present configuration, in bytes, cores or a count.
        """
        try:
            entity = Entity.parse(cause.entity)
        except InputError:
            return ()
        fault = _SYNONYMS.get(cause.fault_kind, cause.fault_kind)
        fitting = [
            (order, key)
            for key, fix in self.fixes.items()
            for kind, order in fix.faults.items()
            if kind == fault and entity.kind in fix.entities
        ]
        names = safe_names(cause, entity)
        return tuple(draft(self.fixes[key], names, current) for _, key in sorted(fitting)[:max_proposals])


def load_catalogue(own: Path | None = None) -> Catalogue:
    """The built-in entries; those of ``own`` are added, and replace built-in ones of the same key.

    Raises:
        ConfigError: The file cannot be read, or an entry is wrong; the message says which key.
    """
    entries = dict(_entries(BUILT_IN))
    if own is not None:
        entries |= _entries(own)
    return check_settings({"fixes": entries}, Catalogue, str(own or BUILT_IN))


def _entries(path: Path) -> Mapping[str, object]:
    data = load_yaml(path)
    fixes = data.get("fixes") if isinstance(data, dict) else None
    if not isinstance(data, dict) or data.keys() != {"fixes"} or not isinstance(fixes, dict):
        raise ConfigError(f"{path}: expected one key at the top, fixes, with proposals by key below")
    return fixes
