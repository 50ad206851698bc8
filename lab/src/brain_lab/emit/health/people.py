"""Patients and clinicians who do not exist, recognisably: every family name starts with `Test`.

Identifiers carry `SYN`, so that no tool and no person takes them for protected health information; addresses and phone
numbers are of the ranges kept for fiction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import numpy as np

_GIVEN: Final = {
    "female": ("Aurora", "Beatrix", "Celeste", "Dorothea", "Elspeth", "Fiora", "Gwendolyn", "Henrike"),
    "male": ("Ansgar", "Balthasar", "Cornelius", "Dagobert", "Emeric", "Florian", "Gottlieb", "Hannibal"),
}
_FAMILY: Final = ("Testerman", "Testworth", "Testfield", "Testovic", "Testsson", "Testini", "Testrup", "Testington")
_WARDS: Final = ("CARDIO", "ICU", "NEURO", "ONCO", "PEDS", "SURG")
_OLDEST: Final = date(1935, 1, 1)
_BIRTHDAYS: Final = 30_000  # days after the oldest


@dataclass(frozen=True, slots=True)
class Patient:
    """Somebody who does not exist.

    Attributes:
        number: Medical record number, `SYN` and seven digits.
        given: First name.
        family: Last name, of those that start with `Test`.
        sex: `female` or `male`, FHIR's administrative gender.
        born: Date of birth.
        ward: Where they lie.
        visit: Number of the stay, `V` and seven digits.
    """

    number: str
    given: str
    family: str
    sex: str
    born: date
    ward: str
    visit: str


def patient(number: int) -> Patient:
    """The patient of this number, always the same one; `number` from 0 to 9,999,999."""
    rng = np.random.default_rng([0x5EED, number])
    sex = ("female", "male")[int(rng.integers(2))]
    given = _GIVEN[sex][int(rng.integers(len(_GIVEN[sex])))]
    family = _FAMILY[int(rng.integers(len(_FAMILY)))]
    born = _OLDEST + timedelta(days=int(rng.integers(_BIRTHDAYS)))
    ward = _WARDS[int(rng.integers(len(_WARDS)))]
    return Patient(f"SYN{number:07d}", given, family, sex, born, ward, f"V{number:07d}")


def clinicians(rng: np.random.Generator, count: int) -> list[str]:
    """User names of those who look at records."""
    return [f"clinician-{number:03d}" for number in rng.integers(1, 200, count).tolist()]


def patients(rng: np.random.Generator, count: int) -> list[str]:
    """Medical record numbers."""
    return [f"SYN{number:07d}" for number in rng.integers(0, 50_000, count).tolist()]


def patient_names(rng: np.random.Generator, count: int) -> list[str]:
    """Names, `family, given`."""
    given = (*_GIVEN["female"], *_GIVEN["male"])
    pairs = rng.integers(0, (len(_FAMILY), len(given)), (count, 2)).tolist()
    return [f"{_FAMILY[a]}, {given[b]}" for a, b in pairs]
