"""What to propose for which fault, or after which change: the built-in entries, and the user's own.

Read once at start-up; the analysis asks it for the proposals of the first cause. Nothing here is tried out or
applied: what it returns is marked as not validated. For a fault without an entry it proposes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final, Self

from pydantic import Field, model_validator

from brain_common.entity import Entity, EntityKind
from brain_common.errors import ConfigError, InputError
from brain_common.settings import Settings, check_settings, load_yaml
from brain_rca.fix.draft import draft, is_whole
from brain_rca.fix.entry import FaultKind, Fix
from brain_rca.fix.names import safe_names
from brain_rca.fix.quantity import Fact
from brain_rca.model import Cause, Change, Proposal

BUILT_IN: Final = Path(__file__).with_name("catalogue.yaml")
NOTHING_KNOWN: Final[Mapping[Fact, float]] = MappingProxyType({})
# The engine names a fault after the family of the signal that showed it.
_SYNONYMS: Final = {"availability": FaultKind.UNAVAILABLE.value}


class Catalogue(Settings):
    """All entries, by key."""

    fixes: dict[str, Fix] = Field(max_length=500, description="Proposals, by a key of your choice.")

    @model_validator(mode="after")
    def _what_is_replaced_is_there(self) -> Self:
        for key, fix in self.fixes.items():
            if fix.replaces is not None and fix.replaces not in self.fixes.keys() - {key}:
                raise ValueError(f"fixes.{key}.replaces: there is no other entry {fix.replaces}")
        return self

    def propose(
        self, cause: Cause, max_proposals: int = 2, current: Mapping[Fact, float] = NOTHING_KNOWN
    ) -> tuple[Proposal, ...]:
        """The best proposals for a cause, best first: to undo what changed before it, then what its fault suggests.

        Of each, those that can be applied as they are come before those with something to put in by hand. Where a
        change can be undone as it is, the latter are no help any more for its fault, and left out.

        None for an unknown fault without a change, an unknown entity, or a combination without an entry.

        Args:
            cause: What to propose something for.
            max_proposals: How many at most.
            current: What is known of the entity's present configuration, in bytes, cores or a count.
        """
        try:
            entity = Entity.parse(cause.entity)
        except InputError:
            return ()
        undoing = self._undoing(cause.changes, entity.kind)
        replaced = {self.fixes[key].replaces for key in undoing}
        fitting = [*undoing, *self._mending(cause.fault_kind, entity.kind)]
        names = safe_names(cause, entity)
        drawn = [
            (key in undoing, draft(self.fixes[key], names, current, undoing.get(key)))
            for key in fitting
            if key not in replaced
        ]
        undone = any(undoes and is_whole(proposal) for undoes, proposal in drawn)
        useful = [one for one in drawn if one[0] or not undone or is_whole(one[1])]
        useful.sort(key=lambda one: (not one[0], not is_whole(one[1])))
        return tuple(proposal for _, proposal in useful[:max_proposals])

    def _undoing(self, changes: Sequence[Change], kind: EntityKind) -> dict[str, Change]:
        """Keys of entries that take a change back, in order, each with the latest change it is meant for."""
        found: dict[str, Change] = {}
        for change in changes:
            fitting = [
                (fix.changes[change.kind], key)
                for key, fix in self.fixes.items()
                if change.kind in fix.changes and kind in fix.entities
            ]
            for _, key in sorted(fitting):
                found.setdefault(key, change)
        return found

    def _mending(self, fault_kind: str, kind: EntityKind) -> list[str]:
        """Keys of entries for a fault, in order."""
        fault = _SYNONYMS.get(fault_kind, fault_kind)
        fitting = [
            (order, key)
            for key, fix in self.fixes.items()
            for known, order in fix.faults.items()
            if known == fault and kind in fix.entities
        ]
        return [key for _, key in sorted(fitting)]


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
