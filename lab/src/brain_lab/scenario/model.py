"""The scenario format; each field says its meaning and unit, as in the product's own configuration."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from brain_common.entity import Entity
from brain_common.errors import InputError
from brain_common.settings import Settings

Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[a-z0-9][a-z0-9-]*$")]
"""Of a platform or fault, as their registries spell them."""

LONGEST_SECONDS = 86400.0
MOST_FAULTS = 3


def _entity(text: str) -> str:
    try:
        return str(Entity.parse(text))
    except InputError as error:
        raise ValueError(str(error)) from error


EntityText = Annotated[str, AfterValidator(_entity)]


class Load(Settings):
    """What the platform has to do while it is watched."""

    length_seconds: float = Field(default=1800.0, ge=60, le=LONGEST_SECONDS, description="How long it is watched.")
    factor: float = Field(default=1.0, gt=0, le=100, description="Times the platform's usual load.")
    start_hour: float = Field(
        default=11.0, ge=0, lt=24, description="Hour of the day, UTC, at which it begins: load follows the day."
    )
    decoys: bool = Field(
        default=True, description="Whether harmless deviations and changes happen, too, which are nobody's fault."
    )


class Answer(Settings):
    """The right answer about one fault; who has none is told it by whoever plays the scenario."""

    entity: EntityText = Field(description="What is broken: cluster/namespace/kind/name.")
    accepted: tuple[EntityText, ...] = Field(default=(), description="Further entities that are as right.")
    kinds: tuple[Name, ...] = Field(
        default=(), description="Fault kinds that name it rightly, such as memory or restarts; none: any does."
    )


class Fix(Settings):
    """What a good answer proposes."""

    proposal: Literal["terraform", "kubernetes", "argocd", "config"] = Field(description="Kind of proposal.")
    what: str = Field(default="", max_length=500, description="In a few words, for people.")


class FaultPart(Settings):
    """One thing that breaks."""

    fault: Name = Field(description="Which, by its name in the registry of faults.")
    target: str = Field(
        default="",
        max_length=253,
        description="Name of what it hits; empty: drawn from the seed among what it can hit.",
    )
    onset_seconds: float = Field(
        default=900.0, ge=0, description="When it begins, after the beginning of the scenario."
    )
    duration_seconds: float | None = Field(
        default=None, gt=0, description="How long it lasts; until the end when left out."
    )
    truth: Answer | None = Field(default=None, description="The right answer, where the player cannot tell it.")
    fix: Fix | None = Field(default=None, description="The expected fix, likewise.")


class Scenario(Settings):
    """One run: a platform, its load, and what breaks in it; nothing for a run without a fault."""

    platform: Name = Field(description="Which, by its name in the registry of platforms.")
    seed: int = Field(default=0, ge=0, lt=2**31, description="Of everything that is drawn.")
    load: Load = Field(default=Load(), description="What it has to do.")
    faults: tuple[FaultPart, ...] = Field(default=(), max_length=MOST_FAULTS, description="What breaks.")

    @model_validator(mode="after")
    def _onsets_are_seen(self) -> Self:
        for place, part in enumerate(self.faults):
            if part.onset_seconds >= self.load.length_seconds:
                raise ValueError(
                    f"faults.{place}.onset_seconds: {part.onset_seconds:g} is not before the end of the scenario, "
                    f"load.length_seconds: {self.load.length_seconds:g}"
                )
        return self

    @property
    def fault(self) -> str:
        """The faults' names, joined by ``+``; empty without a fault."""
        return "+".join(part.fault for part in self.faults)

    @property
    def title(self) -> str:
        """For progress and reports."""
        return f"{self.platform}, {self.fault or 'no fault'}, seed {self.seed}"
