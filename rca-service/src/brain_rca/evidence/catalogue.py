"""The signal catalogue: what is asked of Prometheus, and what each answer means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from importlib.resources import as_file, files
from pathlib import Path

from pydantic import Field, field_validator

from brain_common.entity import Entity, EntityKind
from brain_common.errors import ConfigError
from brain_common.settings import Settings, check_settings, load_yaml
from brain_engine.series import Direction, EdgeKind, Family, Signal
from brain_rca.scope.identity import without_port


class Combine(StrEnum):
    """How several series of one entity (the pods of a service) become one."""

    MAX = "max"
    SUM = "sum"
    MEAN = "mean"


class EntityRule(Settings):
    """Which labels name the entity; the first of each list that a series has."""

    kind: EntityKind = Field(description="What the series is about.")
    name: Sequence[str] = Field(min_length=1, description="Labels that may hold its name.")
    namespace: Sequence[str] = Field(
        default=("namespace", "k8s_namespace_name", "exported_namespace"),
        description="Labels that may hold its namespace.",
    )
    pattern: str = Field(
        default="",
        description="Where a label says more than the name: a regular expression of all of it, whose first group "
        "is the name. A value that does not match is taken as it is.",
    )

    @field_validator("pattern")
    @classmethod
    def _of_one_group(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        if pattern and not groups:
            raise ValueError("has no group that would be the name")
        return pattern

    def entity(self, labels: Mapping[str, str], cluster: str) -> Entity | None:
        """The entity of a series; None when no label names it."""
        name = _first(labels, self.name)
        if not name:
            return None
        if self.pattern:
            name = _within(self.pattern, name)
        cluster = labels.get("cluster") or cluster
        if self.kind is EntityKind.NODE:
            return Entity(cluster, "", self.kind, without_port(name))
        return Entity(cluster, _first(labels, self.namespace), self.kind, name)


class SignalRule(Settings):
    """One signal: a query for all entities at once."""

    family: Family = Field(description="What it tells.")
    unit: str = Field(description="Base unit of the values.")
    direction: Direction = Field(description="Which deviation is bad.")
    saturation: float | None = Field(default=None, description="Value at which the resource is exhausted.")
    least: float = Field(default=0.0, ge=0, description="Smallest change that means anything, in the unit.")
    out_of: str = Field(default="", description="Of a share: the signal that says of how many a second.")
    combine: Combine = Field(default=Combine.MAX, description="How series of one entity become one.")
    query: str = Field(min_length=1, description="PromQL; $window is the range to use in rates.")
    entity: EntityRule = Field(description="Which labels name the entity.")

    def signal(self, name: str) -> Signal:
        """The same for the engine."""
        return Signal(name, self.family, self.unit, self.direction, self.saturation, self.least, self.out_of)


class EdgeRule(Settings):
    """One kind of dependency: each series of the answer is an edge."""

    kind: EdgeKind = Field(description="Why one depends on the other.")
    query: str = Field(min_length=1, description="PromQL, as for signals; a series that exists is an edge.")
    dependent: EntityRule = Field(description="Who needs.")
    dependency: EntityRule = Field(description="Who is needed.")
    rated: bool = Field(default=False, description="Whether the values are calls a second.")


class CallRule(Settings):
    """One signal of calls: a query for all pairs of caller and callee at once."""

    family: Family = Field(description="What it tells.")
    unit: str = Field(description="Base unit of the values.")
    direction: Direction = Field(description="Which deviation is bad.")
    combine: Combine = Field(default=Combine.MAX, description="How several series of one pair become one.")
    query: str = Field(min_length=1, description="PromQL, as for signals.")
    dependent: EntityRule = Field(description="Who calls.")
    dependency: EntityRule = Field(description="Who is called.")

    def signal(self, name: str) -> Signal:
        """The same for the engine."""
        return Signal(name, self.family, self.unit, self.direction)


class OwnerRule(Settings):
    """Which workload a pod belongs to, as the cluster says."""

    query: str = Field(min_length=1, description="PromQL; each series is a pair.")
    pod: EntityRule = Field(description="The pod.")
    workload: EntityRule = Field(description="Its workload.")


class Catalogue(Settings):
    """All that is asked."""

    signals: Mapping[str, SignalRule] = Field(default={}, description="By name.")
    edges: Mapping[str, EdgeRule] = Field(default={}, description="By name.")
    calls: Mapping[str, CallRule] = Field(default={}, description="By name.")
    owners: Mapping[str, OwnerRule] = Field(default={}, description="By name.")


def load_catalogue(extra: Sequence[Path] = ()) -> Catalogue:
    """The built-in catalogue with the user's files over it, entry by entry.

    Raises:
        ConfigError: A file is wrong; the message names file and key.
    """
    catalogue = _over((_built_in(), *(_load(path) for path in extra)))
    for name, rule in catalogue.signals.items():
        if rule.out_of and rule.out_of not in catalogue.signals:
            raise ConfigError(f"signals.{name}.out_of: {rule.out_of!r} is no signal of the catalogue")
    return catalogue


@lru_cache(maxsize=1)
def _built_in() -> Catalogue:
    with as_file(files("brain_rca.evidence") / "signals") as folder:
        return _over(_load(path) for path in sorted(folder.glob("*.yaml")))


def _over(parts: Iterable[Catalogue]) -> Catalogue:
    merged = Catalogue()
    for more in parts:
        merged = Catalogue(
            signals={**merged.signals, **more.signals},
            edges={**merged.edges, **more.edges},
            calls={**merged.calls, **more.calls},
            owners={**merged.owners, **more.owners},
        )
    return merged


def _load(path: Path) -> Catalogue:
    return check_settings(load_yaml(path), Catalogue, str(path), environ={})


@lru_cache(maxsize=4096)
def _within(pattern: str, text: str) -> str:
    """Cached: the same few labels come with every answer."""
    match = re.fullmatch(pattern, text)
    return match[1] if match and match[1] else text


def _first(labels: Mapping[str, str], names: Sequence[str]) -> str:
    for name in names:  # no generator: this runs for every series of every answer
        if value := labels.get(name):
            return value
    return ""
