"""HL7 and FHIR, read by the standards' own parsers with validation on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fhir.resources.R4B import get_fhir_model_class
from fhir.resources.R4B.bundle import Bundle
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from brain_lab.emit.health import fhir, hl7
from brain_lab.emit.health.people import patient
from brain_lab.emit.health.vitals import SIGNS, Vitals, draw_vitals
from brain_lab.emit.records import NANOS
from tests.unit.lab_emit.samples import HOSTILE, START

ADA = patient(7)
TIMES = np.arange(5) * 60 * NANOS + START
VITALS = draw_vitals(ADA, TIMES, np.random.default_rng(1))
MESSAGES = [
    hl7.admission(ADA, START, "MSG-1"),
    *(hl7.observation(one, f"MSG-{number}") for number, one in enumerate(VITALS, 2)),
    hl7.acknowledgement("ACK-1", START, "AA", "MSG-1"),
    hl7.acknowledgement("ACK-2", START, "AR", "MSG-2", HOSTILE, "R01"),
]


def parsed(message: str) -> Any:
    found = parse_message(message, validation_level=VALIDATION_LEVEL.STRICT)
    assert found.validate()
    return found


@pytest.mark.parametrize("message", MESSAGES, ids=range(len(MESSAGES)))
def test_messages_are_strictly_valid_and_for_training(message: str) -> None:
    found = parsed(message)
    assert found.version == "2.5.1"
    assert found.msh.msh_11.to_er7() == "T"
    assert found.msh.msh_7.to_er7() == "20251125020402+0000" or found.name == "ORU_R01"


def test_an_admission_says_who_lies_where() -> None:
    found = parsed(MESSAGES[0])
    assert found.msh.msh_9.to_er7() == "ADT^A01^ADT_A01"
    assert found.pid.pid_3.pid_3_1.to_er7() == "SYN0000007"
    assert found.pid.pid_5.pid_5_1.to_er7().startswith("Test")
    assert found.pv1.pv1_3.pv1_3_1.to_er7() == ADA.ward
    assert found.pv1.pv1_19.pv1_19_1.to_er7() == ADA.visit
    assert found.pv1.pv1_44.to_er7() == "20251125020402+0000"


def test_observations_carry_the_values_and_their_flags() -> None:
    low = Vitals(START, ADA, {"8867-4": 41.0, "8310-5": 39.4})
    result = parsed(hl7.observation(low, "X")).oru_r01_patient_result.oru_r01_order_observation
    assert result.obr.obr_25.to_er7() == "F"
    found = [one.obx for one in result.oru_r01_observation]
    assert [(one.obx_5.to_er7(), one.obx_8.to_er7()) for one in found] == [("41", "L"), ("39.4", "H")]
    assert found[0].obx_3.obx_3_1.to_er7() == "8867-4"
    assert found[1].obx_14.to_er7() == "20251125020402+0000"


def test_hostile_text_cannot_make_segments_or_fields() -> None:
    found = parsed(MESSAGES[-1])
    assert [segment.name for segment in found.children] == ["MSH", "MSA", "ERR"]
    assert found.msa.msa_2.to_er7() == "MSG-2"
    assert "\\F\\" in found.msa.msa_3.to_er7()


def test_the_file_is_frames_of_mllp(tmp_path: Path) -> None:
    raw = hl7.write_hl7(MESSAGES, tmp_path).read_bytes()
    frames = raw.split(b"\x1c\r")
    assert frames.pop() == b""
    assert [frame[:4] for frame in frames] == [b"\x0bMSH"] * len(MESSAGES)
    assert [frame[1:].decode() for frame in frames][:3] == MESSAGES[:3]
    assert hl7.write_hl7([], tmp_path / "none").read_bytes() == b""


def bundle() -> fhir.Resource:
    resources = [fhir.patient_resource(ADA), fhir.encounter_resource(ADA, START)]
    for one in VITALS:
        resources += fhir.observation_resources(one)
    return fhir.bundle(resources, START)


def test_bundles_are_valid_and_so_is_every_resource_in_them(tmp_path: Path) -> None:
    (line,) = fhir.write_fhir([bundle()], tmp_path).read_bytes().splitlines()
    found = Bundle.model_validate_json(line)
    assert len(found.entry) == 2 + len(VITALS) * len(SIGNS)
    for entry in json.loads(line)["entry"]:
        model = get_fhir_model_class(entry["resource"]["resourceType"])
        assert model.model_validate(entry["resource"])


def test_references_point_into_the_bundle() -> None:
    entries: Any = bundle()["entry"]
    known = {entry["fullUrl"] for entry in entries}
    assert len(known) == len(entries)
    for entry in entries:
        for name in ("subject", "encounter"):
            if name in entry["resource"]:
                assert entry["resource"][name]["reference"] in known


def test_everything_is_labelled_as_test_data() -> None:
    entries: Any = bundle()["entry"]
    assert {entry["resource"]["meta"]["security"][0]["code"] for entry in entries} == {"HTEST"}


def test_a_finished_stay_has_an_end() -> None:
    stay: Any = fhir.encounter_resource(ADA, START, START + 3600 * NANOS)
    assert (stay["status"], stay["period"]["end"]) == ("finished", "2025-11-25T03:04:02Z")


def test_people_and_their_vitals_are_always_the_same() -> None:
    assert patient(7) == ADA
    assert patient(8) != ADA
    assert draw_vitals(ADA, TIMES, np.random.default_rng(1)) == VITALS
    assert draw_vitals(ADA, TIMES[:0], np.random.default_rng(1)) == []
