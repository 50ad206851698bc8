"""Vital signs at the bedside: what is measured, and values that a resting adult might have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from brain_lab.emit.health.people import Patient
from brain_lab.emit.records import Int


@dataclass(frozen=True, slots=True)
class Sign:
    """A vital sign.

    Attributes:
        code: LOINC.
        name: LOINC's.
        unit: UCUM.
        low: Lower end of the reference range.
        high: Upper end.
        decimals: Of a value.
    """

    code: str
    name: str
    unit: str
    low: float
    high: float
    decimals: int = 0


SIGNS: Final = (
    Sign("8867-4", "Heart rate", "/min", 60, 100),
    Sign("9279-1", "Respiratory rate", "/min", 12, 20),
    Sign("2708-6", "Oxygen saturation in Arterial blood", "%", 95, 100),
    Sign("8310-5", "Body temperature", "Cel", 36.1, 37.8, 1),
    Sign("8480-6", "Systolic blood pressure", "mm[Hg]", 90, 140),
    Sign("8462-4", "Diastolic blood pressure", "mm[Hg]", 60, 90),
)


@dataclass(frozen=True, slots=True)
class Vitals:
    """What was measured at one moment.

    Attributes:
        time: Nanoseconds since the epoch.
        patient: Of whom.
        values: LOINC code → value in the unit of the sign.
    """

    time: int
    patient: Patient
    values: Mapping[str, float]


def draw_vitals(patient: Patient, times: Int, rng: np.random.Generator) -> list[Vitals]:
    """[N] measurements at these times, around a level of the patient's own; a few leave the reference range."""
    level = rng.uniform(0.25, 0.75, len(SIGNS))
    places = level + rng.normal(0.0, 0.12, (len(times), len(SIGNS)))
    return [
        Vitals(
            time,
            patient,
            MappingProxyType(
                {
                    sign.code: round(sign.low + place * (sign.high - sign.low), sign.decimals)
                    for sign, place in zip(SIGNS, row, strict=True)
                }
            ),
        )
        for time, row in zip(times.tolist(), places.tolist(), strict=True)
    ]
