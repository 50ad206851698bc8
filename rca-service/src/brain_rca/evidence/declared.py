"""Dependencies that people declare, because nothing measures them: a file of pairs, strictly read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, Field, ValidationError

from brain_common.entity import Entity
from brain_common.errors import ConfigError, InputError
from brain_common.near_keys import nearest_key
from brain_common.settings import Settings
from brain_common.yaml_lines import YamlLines
from brain_engine.series import EdgeKind
from brain_rca.evidence.raw import RawEdge

_MOST_BYTES = 4 << 20
SOURCE = "declared"


def _entity_text(text: str) -> str:
    try:
        return str(Entity.parse(text))
    except InputError as error:
        raise ValueError(str(error)) from error


class DeclaredEdge(Settings):
    """One dependency."""

    dependent: Annotated[str, AfterValidator(_entity_text)] = Field(
        description="Who needs: cluster/namespace/kind/name."
    )
    dependency: Annotated[str, AfterValidator(_entity_text)] = Field(
        description="Who is needed: cluster/namespace/kind/name."
    )
    kind: EdgeKind = Field(default=EdgeKind.CALLS, description="Why: calls, runs-on or uses.")
    weight: float = Field(default=1.0, gt=0, le=1, description="How much of the dependent hangs on it.")


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
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"evidence.declared_edges: {path}: {error}") from error
    if len(text) > _MOST_BYTES:
        raise ConfigError(f"evidence.declared_edges: {path}: is larger than {_MOST_BYTES} bytes")
    lines = YamlLines(path, text)
    try:
        return DeclaredEdges.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        raise ConfigError(_message(path, lines, error)) from error


def _message(path: Path, lines: YamlLines, error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "the file"
    meant = nearest_key(DeclaredEdges, first["loc"]) if first["type"] == "extra_forbidden" else None
    hint = f"; did you mean {meant}?" if meant else ""
    return f"{path}, line {lines.of(first['loc'])}: {key}: {first['msg']}{hint}"
