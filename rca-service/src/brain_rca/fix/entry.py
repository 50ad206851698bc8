"""One entry of the catalogue: what to alter, for which faults of what or to take back which change, and the words.

An entry is checked when it is read: its templates use known names only, and both sides of its manifest are
YAML about the same object, so that an own entry fails at start-up and not in the middle of an incident.
"""

from __future__ import annotations

from enum import StrEnum
from string import Template
from typing import Annotated, Literal, Self

import yaml
from pydantic import Field, StringConstraints, model_validator

from brain_common.entity import EntityKind
from brain_common.settings import Settings
from brain_rca.fix.quantity import Quantity
from brain_rca.model import ChangeKind

Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\n]*$")]
Risk = Annotated[str, StringConstraints(max_length=200, pattern=r"^(low|medium|high): [^\n]+$")]

_SAMPLE = {
    "name": "a",
    "namespace": "b",
    "caller": "c",
    "current": "1",
    "proposed": "2",
    "at": "00:00:00 UTC",
    "config_map": "d",
    "config_key": "e",
    "config_old": "f",
    "config_new": "g",
}
_NEEDS_QUANTITY = {"current", "proposed"}
_NEEDS_CHANGE = {"at", "config_map", "config_key", "config_old", "config_new"}


class FaultKind(StrEnum):
    """The faults that something can be done about; ``unknown`` is not among them."""

    LATENCY = "latency"
    ERRORS = "errors"
    LOAD = "load"
    CPU = "cpu"
    MEMORY = "memory"
    DISK = "disk"
    NETWORK = "network"
    SATURATION = "saturation"
    RESTARTS = "restarts"
    UNAVAILABLE = "unavailable"


class Fix(Settings):
    """What is proposed for some faults, or to take back some kinds of change. Templates: ``${name}``,
    ``${namespace}``, ``${caller}``, with a quantity ``${current}`` and ``${proposed}``, with changes ``${at}``, the
    time of day, ``${config_map}`` and ``${config_key}``, what was edited, from ``${config_old}`` to ``${config_new}``;
    ``$$`` is a dollar sign."""

    kind: Literal["terraform", "kubernetes", "argocd", "config"] = Field(description="Where it is applied.")
    faults: dict[FaultKind, int] = Field(
        default={},
        description="Fault kinds, each with the place among the proposals for it; the lowest is first.",
    )
    changes: dict[ChangeKind, int] = Field(
        default={},
        description="Instead of faults: kinds of change it takes back, each with the place among the proposals for it. "
        "Proposed before all others, and only when such a change came shortly before the cause began.",
    )
    replaces: str | None = Field(
        default=None, description="With changes: key of the entry not to be proposed beside it, as the vaguer one."
    )
    entities: tuple[EntityKind, ...] = Field(min_length=1, description="Kinds of entities it can be applied to.")
    title: Line = Field(description="What it does, in the imperative. Template.")
    file: Line = Field(description="Path of the changed file in the diff. Template.")
    before: str = Field(default="", max_length=4000, description="The file as it is; empty: a new file. Template.")
    after: Text = Field(description="The file as it should be. Template.")
    rationale: Text = Field(description="Why it may help, and what to check first. Template.")
    assumes: str = Field(default="", max_length=400, description="What it takes for granted. Template.")
    risk: Risk = Field(description="Level (low, medium or high), a colon, and the reason.")
    rollback: Text = Field(description="Commands that take it back; names are quoted for a shell. Template.")
    quantity: Quantity | None = Field(default=None, description="The value that it changes by a factor.")

    @model_validator(mode="after")
    def _has_an_occasion(self) -> Self:
        if bool(self.faults) == bool(self.changes):
            raise ValueError("faults, changes: give one of them, with at least one kind")
        if self.replaces is not None and not self.changes:
            raise ValueError("replaces: needs changes")
        return self

    @model_validator(mode="after")
    def _templates_are_sound(self) -> Self:
        known = set(_SAMPLE) - (set() if self.quantity else _NEEDS_QUANTITY)
        known -= set() if self.changes else _NEEDS_CHANGE
        for field, text in self.templates().items():
            template = Template(text)
            if not template.is_valid():
                raise ValueError(f"{field}: a $ that begins no ${{name}}; write $$ for a dollar sign")
            if unknown := set(template.get_identifiers()) - known:
                raise ValueError(f"{field}: ${{{min(unknown)}}} is none of {', '.join(sorted(known))}")
        return self

    @model_validator(mode="after")
    def _sides_are_about_one_object(self) -> Self:
        if self.before == self.after:
            raise ValueError("before and after: are the same")
        if self.kind != "terraform":
            after = _object(self.after, "after")
            if self.before and _object(self.before, "before") != after:
                raise ValueError("before and after: kind or name differ")
        return self

    def templates(self) -> dict[str, str]:
        """The fields with ``${…}`` in them, by name."""
        fields = ("title", "file", "before", "after", "rationale", "assumes", "rollback")
        return {field: getattr(self, field) for field in fields}

    def variables(self) -> set[str]:
        """The names that its templates use."""
        return {name for text in self.templates().values() for name in Template(text).get_identifiers()}


def _object(text: str, field: str) -> tuple[str, str]:
    """Kind and name of a manifest.

    Raises:
        ValueError: It is no YAML, or not of one Kubernetes object.
    """
    try:
        data = yaml.safe_load(Template(text).safe_substitute(_SAMPLE))
    except yaml.YAMLError as error:
        raise ValueError(f"{field}: is no YAML: {' '.join(str(error).split())}") from None
    if not (isinstance(data, dict) and isinstance(data.get("metadata"), dict) and "apiVersion" in data):
        raise ValueError(f"{field}: has no apiVersion or no metadata")
    return str(data.get("kind")), str(data["metadata"].get("name"))
