"""Declared dependencies that lead nowhere, most likely by mistake: a misspelt name, another cluster.

A name may be nowhere but in a declaration on purpose, as nothing measures it. So of what no signal knows only that is
said which is nearly the name of something known, or of a cluster that the evidence has nothing of.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from brain_common.entity import Entity, EntityKind
from brain_rca.evidence.declared import SOURCE
from brain_rca.evidence.raw import RawEvidence
from brain_rca.publish.text import clean
from brain_rca.scope.identity import Identity

_NEAR: Final = 0.85  # PetSitee is near PetSite, paymnets near payments; ledger is not near leader
_TOLD: Final = 3
_MOST_COMPARED: Final = 20  # names; each is compared with thousands
_MAX_NAME: Final = 200  # characters
_RUNS: Final = frozenset({EntityKind.SERVICE, EntityKind.WORKLOAD, EntityKind.POD})  # one thing, by several exporters


@dataclass(frozen=True, slots=True)
class _Known:
    entities: Collection[Entity]
    clusters: frozenset[str]


def leading_nowhere(raw: RawEvidence, identity: Identity) -> tuple[str, ...]:
    """A sentence, where there is anything to say."""
    names = {identity.canonical(entity) for entity in _measured(raw)}
    entities = [Entity.parse(name) for name in sorted(names)]
    known = _Known(entities, frozenset(one.cluster for one in entities if one.cluster))
    ends = {end for edge in raw.edges if edge.source == SOURCE for end in (edge.dependent, edge.dependency)}
    strangers = sorted(end for end in ends if identity.canonical(end) not in names)
    said = [f"{clean(str(end), _MAX_NAME)} ({why})" for end, why in _mistaken(strangers, known)]
    if not said:
        return ()
    things = "1 thing" if len(said) == 1 else f"{len(said)} things"
    more = ", …" if len(said) > _TOLD else ""
    return (f"declared dependencies name {things} that no signal knows: {', '.join(said[:_TOLD])}{more}",)


def _measured(raw: RawEvidence) -> Iterator[Entity]:
    """Whatever anything but a declaration tells of."""
    for panel in raw.panels:
        yield from panel.entities
    for counts in raw.counts:
        yield from counts.entities
    for calls in raw.edge_panels:
        yield from (*calls.dependents, *calls.dependencies)
    for edge in raw.edges:
        if edge.source != SOURCE:
            yield from (edge.dependent, edge.dependency)
    yield from (event.entity for event in raw.events)


def _mistaken(strangers: Collection[Entity], known: _Known) -> Iterator[tuple[Entity, str]]:
    for number, end in enumerate(strangers):
        elsewhere = bool(end.cluster and known.clusters) and end.cluster not in known.clusters
        meant = _meant(end, known, elsewhere=elsewhere) if number < _MOST_COMPARED else ""
        if meant:
            yield end, f"did you mean {clean(meant, _MAX_NAME)}?"
        elif elsewhere:
            yield end, "of a cluster that the evidence has nothing of"


def _meant(end: Entity, known: _Known, *, elsewhere: bool) -> str:
    """What bears nearly the same name, or the same in another place; empty where nothing does."""
    likely: dict[str, Entity] = {}
    for one in known.entities:
        in_place = elsewhere or not one.cluster or not end.cluster or one.cluster == end.cluster
        if in_place and _is_alike(one.kind, end.kind) and _may_be(one.name, end.name):
            likely.setdefault(_word(one.name), one)
    found = difflib.get_close_matches(_word(end.name), likely, n=1, cutoff=_NEAR)
    return str(likely[found[0]]) if found else ""


def _is_alike(one: EntityKind, other: EntityKind) -> bool:
    return one is other or {one, other} <= _RUNS


def _may_be(one: str, other: str) -> bool:
    """Cheap, and ``node-1`` is no misspelt ``node-2``."""
    return abs(len(one) - len(other)) <= 2 and re.findall(r"\d+", one) == re.findall(r"\d+", other)


def _word(name: str) -> str:
    """The part of a name that tells it from others: an ARN is alike for all of an account."""
    return name.rpartition(":")[2].lower()
