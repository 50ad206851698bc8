"""What redaction takes out, and what it leaves alone."""

from __future__ import annotations

import json

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from brain_otel.batch import Batch
from brain_otel.signals import Signal
from tests.unit.otel.enrich.made import Made, batch_of, log, only

# Published numbers of the networks for tests; none belongs to anybody.
CARDS = {
    "visa": "4111111111111111",
    "visa-13": "4222222222222",
    "mastercard": "5555555555554444",
    "mastercard-2": "2223003122003222",
    "amex": "378282246310005",
    "diners": "30569309025904",
    "discover": "6011111111111117",
    "jcb": "3530111333300000",
    "unionpay": "6200000000000005",
    "unionpay-19": "6205500000000000004",
}


def redacted(text: str, **settings: object) -> str:
    return str(only(Made("redact", settings).on(log(text))).body.string_value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("paid with 4111111111111111.", "paid with 411111******1111."),
        ("4111 1111 1111 1111", "4111 11** **** 1111"),
        ("4111-1111-1111-1111", "4111-11**-****-1111"),
        ("3782 822463 10005", "3782 82**** *0005"),
        ("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "4 1 1 1 1 1 * * * * * * 1 1 1 1"),
        ('{"pan":"5555555555554444","amount":12}', '{"pan":"555555******4444","amount":12}'),
        ("card4111111111111111EUR", "card411111******1111EUR"),
        ("pan_4111111111111111", "pan_411111******1111"),
        ("order 1234 4111 1111 1111 1111 done", "order 1234 4111 11** **** 1111 done"),
        ("4222222222222", "*********2222"),  # of a short number first six and last four would leave three
    ],
)
def test_card_numbers_keep_first_six_and_last_four_at_most(text: str, expected: str) -> None:
    assert redacted(text) == expected


@pytest.mark.parametrize("pan", list(CARDS.values()))
def test_cards_of_all_networks_are_found(pan: str) -> None:
    assert pan not in redacted(f"card {pan} declined")
    assert redacted(pan)[6:-4] == "*" * (len(pan) - 10)


def test_what_a_card_number_shows_can_be_less() -> None:
    assert redacted("4111111111111111", cards_show="last-four") == "************1111"
    assert redacted("4111111111111111", cards_show="nothing") == "****************"


@pytest.mark.parametrize(
    "text",
    [
        "4111111111111112",  # the check digit is wrong
        "1234567812345670",  # the check digit is right, but nobody issues these
        "trace 4bf92f3577b34da6a3ce929d0e0e4736",
        "id a4111111111111111f",  # digits of a hexadecimal id
        "4111a111-1111-4111-8111-411111111111",
        "at 1790000000000000000 ns, 1790000000000 ms",
        "took 0.4111111111111111 s",
        "Deleting blk_-4980916519894289629",
        "7048 5032 150968 240",
        "order 20261125-0000123456",
        "10.0.0.1:8080 -> 10.42.118.254:41234 200 23354 30.289",
        "411111******1111",
        "passed 123-45-6789",  # nobody says that it is a social security number
        "session 4111",
        "ssn: none",
        "mrn: unknown",
        "npi 1234567890",
        "nhs 9434765918",
        "released 2026-11-25",
        "outbound|8080||backend.default.svc.cluster.local",
        "RAPID|AUTH|x",
        "+1 202",
    ],
)
def test_what_only_looks_alike_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ssn=123-45-6789 ok", "ssn=[redacted:ssn] ok"),
        ("SSN: 123456789", "SSN: [redacted:ssn]"),
        ("Social Security number is 123-45-6789", "Social Security number is [redacted:ssn]"),
        ('{"patientSSN":"123-45-6789"}', '{"patientSSN":"[redacted:ssn]"}'),
        ("MRN: A1234567", "MRN: [redacted:mrn]"),
        ("medical_record_number=00123456", "medical_record_number=[redacted:mrn]"),
        ("mrn=1234567 7654321", "mrn=[redacted:mrn] 7654321"),
        ("npi 1234567893", "npi [redacted:npi]"),
        ("NHS number 943 476 5919", "NHS number [redacted:nhs]"),
        ("dob=1970-01-31", "dob=[redacted:birth]"),
        ('"birthDate":"1970-01-31"', '"birthDate":"[redacted:birth]"'),
        ("date of birth: 31 Jan 1970", "date of birth: [redacted:birth]"),
        ("beneficiary 1EG4-TE5-MK73", "beneficiary [redacted:mbi]"),
        ("beneficiary 1EG4TE5MK73", "beneficiary [redacted:mbi]"),
        (
            "MSH|^~\\&|EMR\rPID|1||555^^^NORTH||DOE^JANE||19700131\rPV1|1|I",
            "MSH|^~\\&|EMR\rPID|[redacted:hl7]\rPV1|1|I",
        ),
        ("got PID|1||555\\rNK1|1|DOE\\rPV1|1", "got PID|[redacted:hl7]\\rNK1|[redacted:hl7]\\rPV1|1"),
    ],
)
def test_health_identifiers_go_where_something_says_what_they_are(text: str, expected: str) -> None:
    assert redacted(text) == expected
    assert redacted(expected) == expected


def test_mail_addresses_and_telephone_numbers_go_when_asked_for() -> None:
    text = "mail jane.doe@example.org or call +44 20 7946 0958 or 212-555-0187"
    assert redacted(text) == text
    expected = "mail [redacted:email] or call [redacted:phone] or [redacted:phone]"
    assert redacted(text, rules=["email", "phone"]) == expected


def test_rules_of_users_have_their_names() -> None:
    made = Made("redact", {"rules": [], "patterns": {"contract": r"CT-\d{8}"}})
    assert only(made.on(log("contract CT-12345678"))).body.string_value == "contract [redacted:contract]"
    assert made.counted("brain_otel_redacted_total", rule="contract", signal="logs") == 1.0


def test_rules_that_are_not_chosen_do_nothing() -> None:
    assert redacted("ssn=123-45-6789", rules=["pci"]) == "ssn=123-45-6789"
    assert redacted("4111111111111111", rules=["hipaa"]) == "4111111111111111"


def test_the_key_says_what_a_value_is() -> None:
    attributes = [
        KeyValue(key="patient.ssn", value=AnyValue(string_value="123-45-6789")),
        KeyValue(key="ssn", value=AnyValue(int_value=123456789)),
        KeyValue(key="order", value=AnyValue(string_value="123-45-6789")),
    ]
    record = only(Made("redact").on(log("x", attributes=attributes)))
    assert [pair.value.string_value for pair in record.attributes] == [
        "[redacted:ssn]",
        "[redacted:ssn]",
        "123-45-6789",
    ]


def test_numbers_that_are_card_numbers_become_texts() -> None:
    attributes = [
        KeyValue(key="pan", value=AnyValue(int_value=4111111111111111)),
        KeyValue(key="float", value=AnyValue(double_value=4111111111111111.0)),
        KeyValue(key="count", value=AnyValue(int_value=4111111111111112)),
    ]
    first, second, third = only(Made("redact").on(log("x", attributes=attributes))).attributes
    assert first.value.string_value == second.value.string_value == "411111******1111"
    assert third.value.int_value == 4111111111111112


def test_bytes_are_looked_into_and_stay_bytes() -> None:
    body = AnyValue(bytes_value=b"\xff4111111111111111\x00\xfe")
    assert only(Made("redact").on(log(body))).body.bytes_value == b"\xff411111******1111\x00\xfe"


def test_what_is_taken_out_is_counted_by_rule_and_signal() -> None:
    made = Made("redact")
    made.on(log("4111111111111111 and 5555555555554444, ssn 123-45-6789"))
    assert made.counted("brain_otel_redacted_total", rule="card", signal="logs") == 2.0
    assert made.counted("brain_otel_redacted_total", rule="ssn", signal="logs") == 1.0


def test_fields_of_a_later_otlp_do_not_smuggle_a_card_number() -> None:
    batch, _ = batch_of(Signal.LOGS)
    unknown = b"\xfa\x07\x104111111111111111"  # field 127, sixteen bytes
    body = batch.encode()
    assert Batch.decode(Signal.LOGS, body + unknown).encode() == body + unknown
    inner = b"\x0a" + bytes([len(unknown) + 2]) + b"\x12\x00" + unknown  # a group with an empty scope and that field
    result = Made("redact").on(Batch.decode(Signal.LOGS, inner))
    assert b"4111111111111111" not in result.encode()


def test_a_group_that_holds_nothing_is_not_touched() -> None:
    batch = log(
        "all is well", trace_id=b"4111111111111111", attributes=[KeyValue(key="a", value=AnyValue(int_value=1))]
    )
    before = batch.encode()
    assert Made("redact").on(batch).encode() == before


def test_json_bodies_stay_json() -> None:
    text = json.dumps({"pan": "4111111111111111", "ssn": "123-45-6789", "dob": "1970-01-31", "n": 1})
    assert json.loads(redacted(text)) == {
        "pan": "411111******1111",
        "ssn": "[redacted:ssn]",
        "dob": "[redacted:birth]",
        "n": 1,
    }
