"""FHIR R4 resources of an admission: Patient, Encounter, Observations, and the Bundle that holds them.

https://hl7.org/fhir/R4/. Everything carries the security label `HTEST`, test health data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from brain_lab.emit.health.people import Patient
from brain_lab.emit.health.vitals import SIGNS, Sign, Vitals
from brain_lab.emit.ids import uuid_of
from brain_lab.emit.json_files import write_lines
from brain_lab.emit.records import NANOS
from brain_lab.emit.stamps import rfc3339, rfc3339_millis

FILE: Final = "fhir-bundles.ndjson"
_TERMS: Final = "http://terminology.hl7.org/CodeSystem"
_META: Final = {"security": [{"system": f"{_TERMS}/v3-ActReason", "code": "HTEST", "display": "test health data"}]}
_SYSTEM: Final = "https://north.example.com/fhir"

Resource = Mapping[str, object]


def patient_resource(patient: Patient) -> Resource:
    """The patient."""
    return {
        "resourceType": "Patient",
        "id": patient_id(patient),
        "meta": _META,
        "identifier": [{"use": "usual", "system": f"{_SYSTEM}/mrn", "value": patient.number}],
        "active": True,
        "name": [{"use": "official", "family": patient.family, "given": [patient.given]}],
        "gender": patient.sex,
        "birthDate": patient.born.isoformat(),
    }


def encounter_resource(patient: Patient, admitted: int, discharged: int | None = None) -> Resource:
    """The stay of the patient; times in nanoseconds since the epoch."""
    period = {"start": rfc3339(admitted), **({"end": rfc3339(discharged)} if discharged is not None else {})}
    return {
        "resourceType": "Encounter",
        "id": encounter_id(patient),
        "meta": _META,
        "identifier": [{"system": f"{_SYSTEM}/visit", "value": patient.visit}],
        "status": "in-progress" if discharged is None else "finished",
        "class": {"system": f"{_TERMS}/v3-ActCode", "code": "IMP", "display": "inpatient encounter"},
        "subject": {"reference": f"urn:uuid:{patient_id(patient)}"},
        "period": period,
        "serviceProvider": {"display": f"North Hospital, {patient.ward}"},
    }


def observation_resources(vitals: Vitals) -> list[Resource]:
    """One Observation for each vital sign that was measured, of the profile `vitalsigns`."""
    return [_observation(vitals, sign) for sign in SIGNS if sign.code in vitals.values]


def bundle(resources: Sequence[Resource], time: int) -> Resource:
    """A transaction that creates the resources, which may refer to each other.

    Args:
        resources: With an `id` each, a UUID.
        time: Nanoseconds since the epoch.
    """
    return {
        "resourceType": "Bundle",
        "id": uuid_of("bundle", time, *(resource["id"] for resource in resources)),
        "type": "transaction",
        "timestamp": rfc3339_millis(time),
        "entry": [
            {
                "fullUrl": f"urn:uuid:{resource['id']}",
                "resource": resource,
                "request": {"method": "POST", "url": str(resource["resourceType"])},
            }
            for resource in resources
        ],
    }


def write_fhir(resources: Iterable[Resource], folder: Path) -> Path:
    """Write `fhir-bundles.ndjson`, one resource a line; returns its path."""
    return write_lines(folder / FILE, resources)


def patient_id(patient: Patient) -> str:
    """Id of the Patient."""
    return uuid_of("patient", patient.number)


def encounter_id(patient: Patient) -> str:
    """Id of the Encounter."""
    return uuid_of("encounter", patient.visit)


def _observation(vitals: Vitals, sign: Sign) -> Resource:
    category = {"system": f"{_TERMS}/observation-category", "code": "vital-signs", "display": "Vital Signs"}
    quantity = {"unit": sign.unit, "system": "http://unitsofmeasure.org", "code": sign.unit}
    return {
        "resourceType": "Observation",
        "id": uuid_of("observation", vitals.patient.number, sign.code, vitals.time // NANOS),
        "meta": {**_META, "profile": ["http://hl7.org/fhir/StructureDefinition/vitalsigns"]},
        "status": "final",
        "category": [{"coding": [category]}],
        "code": {
            "coding": [{"system": "http://loinc.org", "code": sign.code, "display": sign.name}],
            "text": sign.name,
        },
        "subject": {"reference": f"urn:uuid:{patient_id(vitals.patient)}"},
        "encounter": {"reference": f"urn:uuid:{encounter_id(vitals.patient)}"},
        "effectiveDateTime": rfc3339(vitals.time),
        "valueQuantity": {"value": vitals.values[sign.code], **quantity},
        "referenceRange": [{"low": {"value": sign.low, **quantity}, "high": {"value": sign.high, **quantity}}],
    }
