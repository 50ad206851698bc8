"""Which entities an incident can be about, and which of them somebody may have meant.

What is said of a cause counts when later incidents are judged, so a name that nothing bears must not slip in: it would
be the headline of its incident and teach nothing.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import Final

from brain_rca.model import Analysis

_OFFERED: Final = 3
_MOST_COMPARED: Final = 128  # characters of what was typed: comparing takes the square of it


def known_entities(analysis: Analysis | None) -> frozenset[str]:
    """What the judgement names, and what its evidence knows; nothing where there is no judgement."""
    if analysis is None:
        return frozenset()
    named = {name for cause in analysis.causes for name in (cause.entity, *cause.path)}
    return frozenset({*named, *analysis.alerting, *analysis.entities})


def near(text: str, known: Collection[str]) -> tuple[str, ...]:
    """At most three of ``known`` that may have been meant by ``text``, the likeliest first: by their last part, in
    which people are mostly right, else by all of it."""
    typed = text[:_MOST_COMPARED]
    by_name: dict[str, list[str]] = {}
    for one in sorted(known):
        by_name.setdefault(_name(one), []).append(one)
    names = difflib.get_close_matches(_name(typed), by_name, n=_OFFERED)
    found = [one for name in names for one in sorted(by_name[name], key=lambda one: -_alike(typed, one))]
    return tuple(found or difflib.get_close_matches(typed, sorted(known), n=_OFFERED))[:_OFFERED]


def _name(entity: str) -> str:
    return entity.rpartition("/")[2]


def _alike(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()
