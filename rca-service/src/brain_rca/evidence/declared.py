"""Dependencies that people declare, because nothing measures them: a file of pairs, strictly read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from brain_common.entity import Entity
from brain_common.settings import Settings, check_settings, load_yaml
from brain_common.yaml_lines import YamlLines
from brain_engine.series import EdgeKind
from brain_rca.evidence.raw import RawEdge
from brain_rca.scope.alerting import EntityText

SOURCE = "declared"


class DeclaredEdge(Settings):
    """One dependency."""

    dependent: EntityText = Field(description="Who needs: cluster/namespace/kind/name.")
    dependency: EntityText = Field(description="Who is needed: cluster/namespace/kind/name.")
    kind: EdgeKind = Field(default=EdgeKind.CALLS, description="Why: calls, runs-on or uses.")
    weight: float = Field(default=1.0, gt=0, le=1, description="How much of the dependent hangs on it.")

    @model_validator(mode="after")
    def _of_two(self) -> Self:
        if self.dependent == self.dependency:
            raise ValueError(f"{self.dependent} is declared to need itself")
        return self


class DeclaredEdges(Settings):
    """A file of dependencies."""

    edges: Sequence[DeclaredEdge] = Field(description="In any order.")


def load_declared(paths: Sequence[Path]) -> list[RawEdge]:
    """The edges of all files.

    Raises:
        ConfigError: A file is wrong; the message names file, line and key.
    """
    return [
        RawEdge(Entity.parse(one.dependent), Entity.parse(one.dependency), one.kind, SOURCE, weight=one.weight)
        for path in paths
        for one in _load(path).edges
    ]


def _load(path: Path) -> DeclaredEdges:
    data = load_yaml(path)
    lines = YamlLines(path, path.read_text(encoding="utf-8"))
    return check_settings(data, DeclaredEdges, str(path), environ={}, lines=lines)
