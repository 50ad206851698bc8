"""HL7 messages and FHIR bundles that a hospital platform handled during a recording: a sample of them.

Admissions and bedside observations come by HL7, stays by FHIR. When they come follows from the requests of the services
that take them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from brain_lab.emit.health import fhir, hl7
from brain_lab.emit.health.people import Patient, patient
from brain_lab.emit.health.vitals import draw_vitals
from brain_lab.emit.records import Int
from brain_lab.tell.processes import Processes

_PEOPLE: Final = 400
"""Patients that the sample is about."""
_BEDSIDE: Final = 8
"""Observations for each admission."""


def messages_of(processes: Processes, budget: int, rng: np.random.Generator) -> list[str]:
    """[about `budget`] HL7 messages in order of time; none for a platform that takes none."""
    times = _times(processes, "hl7", budget, rng)
    found = []
    for number, (time, who) in enumerate(zip(times.tolist(), _people(len(times), rng), strict=True)):
        control = f"{processes.recording.seed % 10_000}-{number}"
        if number % (_BEDSIDE + 1) == 0:
            found.append(hl7.admission(who, time, control))
        else:
            (vitals,) = draw_vitals(who, np.array([time]), rng)
            found.append(hl7.observation(vitals, control))
    return found


def bundles_of(processes: Processes, budget: int, rng: np.random.Generator) -> list[fhir.Resource]:
    """[about `budget`] FHIR bundles of a patient, the stay and one set of vital signs, in order of time."""
    times = _times(processes, "fhir", budget, rng)
    found = []
    for time, who in zip(times.tolist(), _people(len(times), rng), strict=True):
        (vitals,) = draw_vitals(who, np.array([time]), rng)
        stay = fhir.encounter_resource(who, time)
        found.append(fhir.bundle([fhir.patient_resource(who), stay, *fhir.observation_resources(vitals)], time))
    return found


def _people(count: int, rng: np.random.Generator) -> list[Patient]:
    known = [patient(number) for number in range(_PEOPLE)]
    return [known[number] for number in rng.integers(0, _PEOPLE, count).tolist()]


def _times(processes: Processes, part: str, budget: int, rng: np.random.Generator) -> Int:
    """Moments in proportion to the requests of the services with this part in their name."""
    recording = processes.recording
    rates = [recording.station(service.name, "rate") for service in recording.platform.services if part in service.name]
    weights = np.sum(rates, axis=0) if rates else np.zeros(0)
    if not weights.sum():
        return np.zeros(0, np.int64)
    row = rng.choice(len(weights), budget, p=weights / weights.sum())
    return np.sort(processes.start + ((row + rng.random(budget)) * processes.tick).astype(np.int64))
