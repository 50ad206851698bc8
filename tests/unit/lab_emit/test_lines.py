from __future__ import annotations

import json
import re

import numpy as np
import pytest

from brain_lab.emit.logs.cards import masked_pans
from brain_lab.emit.logs.columns import FILLERS, STAMPS, Columns
from brain_lab.emit.logs.fault import LogFault
from brain_lab.emit.logs.lines import Moments, fault_lines, merged, usual_lines
from brain_lab.emit.logs.programs.registry import PROGRAMS
from brain_lab.emit.logs.template import Template, render
from brain_lab.emit.records import Severity
from tests.unit.lab_emit.samples import HOSTILE, START, card_numbers, log, luhn, moments, origin

EVERY = sorted(PROGRAMS)
JSON_PROGRAMS = ("go", "pci-audit", "hipaa-audit")
EVERY_FAULT = [(name, fault) for name in EVERY for fault in PROGRAMS[name].faults]


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", EVERY)
def test_one_line_for_each_moment_at_that_moment(name: str) -> None:
    asked = moments(200)
    lines = usual_lines(PROGRAMS[name], origin(), asked, rng())
    assert [line.time for line in lines] == asked.time.tolist()
    assert {line.origin for line in lines} == {origin()}


@pytest.mark.parametrize("name", EVERY)
def test_same_seed_same_lines_and_another_seed_other_lines(name: str) -> None:
    one, same, other = (usual_lines(PROGRAMS[name], origin(), moments(80), rng(seed)) for seed in (5, 5, 6))
    assert one == same
    assert one != other


def test_every_program_says_something_about_its_time() -> None:
    """Its own time stamp, so that a reader that parses lines gets the right one."""
    shown = {
        "spring": "2025-11-25T02:04:02.123Z",
        "go": "2025-11-25T02:04:02.123456Z",
        "nginx": "25/Nov/2025:02:04:02 +0000",
        "postgres": "2025-11-25 02:04:02.123 UTC",
        "kafka": "[2025-11-25 02:04:02,123]",
        "redis": "25 Nov 2025 02:04:02.123",
        "envoy": "[2025-11-25T02:04:02.123Z]",
        "kubelet": "1125 02:04:02.123456",
        "pci-audit": "2025-11-25T02:04:02.123456Z",
        "hipaa-audit": "2025-11-25T02:04:02.123456Z",
    }
    at = Moments(np.array([START + 123_456_789]))
    assert {
        name: shown[name] in usual_lines(PROGRAMS[name], origin(), at, rng())[0].body for name in EVERY
    } == dict.fromkeys(EVERY, True)


def test_failed_requests_get_the_words_for_failures_and_the_status_given() -> None:
    asked = moments(300, failed=0.3)
    assert asked.status is not None
    lines = usual_lines(PROGRAMS["nginx"], origin(), asked, rng())
    assert [int(line.attributes["http.response.status_code"]) for line in lines] == asked.status.tolist()
    assert [line.severity is Severity.ERROR for line in lines] == (asked.status >= 500).tolist()
    assert all(f'" {status} ' in line.body for line, status in zip(lines, asked.status.tolist(), strict=True))


def test_traces_and_spans_are_those_of_the_requests() -> None:
    asked = moments(5)
    assert asked.trace is not None
    assert asked.span is not None
    lines = usual_lines(PROGRAMS["go"], origin(), asked, rng())
    high, low = asked.trace[3].tolist()
    assert lines[3].trace == f"{high:016x}{low:016x}"
    assert lines[3].span == f"{asked.span[3]:016x}"


@pytest.mark.parametrize("name", JSON_PROGRAMS)
def test_lines_of_json_programs_are_json_whatever_the_names_are(name: str) -> None:
    program = PROGRAMS[name]
    names = {"peer": HOSTILE, "path": HOSTILE, "table": HOSTILE, "key": HOSTILE, "value": HOSTILE}
    lines = usual_lines(program, origin(), moments(300, failed=0.3), rng(), names)
    for fault in program.faults:
        lines += fault_lines(program, fault, origin(), moments(5), rng(), names)
    for line in lines:
        assert isinstance(json.loads(line.body), dict)


def test_hostile_text_cannot_end_nginx_quotes_or_lines() -> None:
    (line,) = usual_lines(PROGRAMS["nginx"], origin(), moments(1), rng(), {"path": HOSTILE})
    assert line.body.count('"') == 6
    assert line.body.isprintable()
    assert "\\x22quoted\\x22" in line.body


@pytest.mark.parametrize(("name", "fault"), EVERY_FAULT)
def test_every_fault_has_words_that_fill_in(name: str, fault: LogFault) -> None:
    lines = fault_lines(PROGRAMS[name], fault, origin(), moments(20), rng())
    assert len(lines) == 20
    assert all(re.search(r"\{[a-z_]+\}", line.body) is None for line in lines)


@pytest.mark.parametrize(
    ("name", "fault", "words"),
    [
        ("spring", LogFault.CONNECTION_REFUSED, "Connection refused"),
        ("go", LogFault.CONNECTION_REFUSED, "connect: connection refused"),
        ("postgres", LogFault.DEADLOCK, "deadlock detected"),
        ("spring", LogFault.OUT_OF_MEMORY, "java.lang.OutOfMemoryError: Java heap space"),
        ("go", LogFault.CERTIFICATE_EXPIRED, "x509: certificate has expired"),
        ("go", LogFault.ACCESS_DENIED, "AccessDenied"),
        ("go", LogFault.NXDOMAIN, "NXDOMAIN"),
        ("kafka", LogFault.NO_SPACE, "No space left on device"),
        ("envoy", LogFault.RATE_LIMITED, "local_rate_limited"),
        ("kubelet", LogFault.IMAGE_PULL, "failed to pull and unpack image"),
    ],
)
def test_faults_are_worded_as_the_real_programs_do(name: str, fault: LogFault, words: str) -> None:
    lines = fault_lines(PROGRAMS[name], fault, origin(), moments(50), rng())
    assert any(words in line.body for line in lines)


def test_the_names_of_a_fault_are_in_its_lines() -> None:
    lines = fault_lines(PROGRAMS["go"], LogFault.CONNECTION_REFUSED, origin(), moments(3), rng(), {"peer": "ledger-db"})
    assert all("call ledger-db:" in line.body for line in lines)


def test_a_program_without_words_for_a_fault_says_nothing() -> None:
    assert fault_lines(PROGRAMS["redis"], LogFault.STATE_LOCKED, origin(), moments(3), rng()) == []


def test_no_moments_no_lines() -> None:
    assert usual_lines(PROGRAMS["go"], origin(), moments(0), rng()) == []
    assert fault_lines(PROGRAMS["go"], LogFault.TIMEOUT, origin(), moments(0), rng()) == []
    assert merged([]) == []


def test_merged_is_in_order_of_time() -> None:
    times = [line.time for line in log()]
    assert times == sorted(times)


def test_no_card_number_in_any_line_and_none_of_any_network_in_audit_logs() -> None:
    lines = log(4000)
    for name, fault in EVERY_FAULT:
        lines += fault_lines(PROGRAMS[name], fault, origin(), moments(100), rng())
    assert card_numbers([line.body for line in lines]) == []
    assert card_numbers([f"{key}={value}" for line in lines for key, value in line.attributes.items()]) == []
    audit = [line.body for line in lines if line.attributes.get("compliance") == "pci-dss"]
    assert len(audit) > 3000
    assert card_numbers(audit, any_brand=True) == []


def test_the_scanner_would_find_one() -> None:
    """Of the payment networks' published test numbers."""
    assert luhn("4111111111111111")
    assert card_numbers(["pan=4111 1111 1111 1111 ok", "x 378282246310005"]) == ["4111111111111111", "378282246310005"]
    assert card_numbers(["1764036242123456785", "a4111111111111111"]) == []


def test_card_numbers_show_six_and_four_digits_at_most() -> None:
    assert all(re.fullmatch(r"\d{6}\*{6}\d{4}", pan) for pan in masked_pans(rng(), 500))


def test_audit_lines_are_tagged_and_tell_of_synthetic_people() -> None:
    lines = usual_lines(PROGRAMS["hipaa-audit"], origin(), moments(50), rng())
    assert {line.attributes["compliance"] for line in lines} == {"hipaa"}
    entries = [json.loads(line.body) for line in lines]
    assert all(entry["patient"].startswith("SYN") and entry["patient_name"].startswith("Test") for entry in entries)


def test_a_blank_that_nobody_fills_is_an_error() -> None:
    columns = Columns(origin(), np.array([START]), rng(), {}, {})
    with pytest.raises(KeyError, match="nonesuch"):
        render(Template("{nonesuch}"), columns)


def test_percent_signs_stand_as_they_are() -> None:
    columns = Columns(origin(), np.array([START]), rng(), {}, {"table": "100%s"})
    assert render(Template("50% of {table} in {ms}%"), columns)[0].startswith("50% of 100%s in ")


def test_no_name_is_both_a_stamp_and_made_up() -> None:
    assert not set(FILLERS) & set(STAMPS)
