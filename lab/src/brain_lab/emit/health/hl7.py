"""HL7 v2.5.1 messages: admissions (ADT^A01), observations (ORU^R01) and acknowledgements.

http://www.hl7.org/implement/standards/product_brief.cfm?product_id=144, chapters 2, 3 and 7; framed as MLLP on the wire
and in files. MSH-11 is `T`, training, so that no receiver takes the people in them for real ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from brain_lab.emit.health.people import Patient
from brain_lab.emit.health.vitals import SIGNS, Sign, Vitals
from brain_lab.emit.records import NANOS
from brain_lab.emit.stamps import second_text
from brain_lab.emit.text import clean

FILE: Final = "hl7-messages.mllp"
VERSION: Final = "2.5.1"
_ESCAPES: Final = str.maketrans(
    {
        "\\": "\\E\\",
        "|": "\\F\\",
        "^": "\\S\\",
        "&": "\\T\\",
        "~": "\\R\\",
        "\r": "\\X0D\\",
        "\n": "\\X0A\\",
        "\x0b": "",  # would end or begin a frame of MLLP
        "\x1c": "",
    }
)
_SENDER: Final = "EMR|NORTH"
_RECEIVER: Final = "INTEGRATION|NORTH"


def admission(patient: Patient, time: int, control: str) -> str:
    """ADT^A01: the patient was admitted to the ward.

    Args:
        patient: Who.
        time: Nanoseconds since the epoch.
        control: MSH-10, at most 20 characters, unlike that of any other message.
    """
    stamp = _stamp(time)
    return _message(
        _header("ADT^A01^ADT_A01", stamp, control),
        f"EVN|A01|{stamp}",
        _pid(patient),
        _pv1(patient, stamp),
    )


def observation(vitals: Vitals, control: str) -> str:
    """ORU^R01: vital signs of a patient; arguments as for `admission`."""
    stamp = _stamp(vitals.time)
    results = [
        _obx(number, sign, vitals.values[sign.code], stamp)
        for number, sign in enumerate((sign for sign in SIGNS if sign.code in vitals.values), 1)
    ]
    return _message(
        _header("ORU^R01^ORU_R01", stamp, control),
        _pid(vitals.patient),
        _pv1(vitals.patient, stamp),
        f"OBR|1||{escaped(control)}|85353-1^Vital signs panel^LN|||{stamp}{'|' * 18}F",
        *results,
    )


def acknowledgement(control: str, time: int, code: str, about: str, text: str = "", event: str = "A01") -> str:
    """ACK: `code` is `AA` for accepted, `AE` for an error, `AR` for a rejection.

    Args:
        control: MSH-10 of this message.
        time: Nanoseconds since the epoch.
        code: MSA-1.
        about: MSH-10 of the message that is acknowledged.
        text: Why; it is cut to 80 characters.
        event: Trigger event of the message that is acknowledged.
    """
    segments = [_header(f"ACK^{event}^ACK", _stamp(time), control), f"MSA|{code}|{escaped(about)}|{escaped(text[:80])}"]
    if code != "AA":
        segments.append(f"ERR||PID^1^3|207^Application internal error^HL70357|E||||{escaped(text[:250])}")
    return _message(*segments)


def framed(message: str) -> bytes:
    """The message between MLLP's marks."""
    return b"\x0b" + clean(message).encode() + b"\x1c\x0d"


def write_hl7(messages: Iterable[str], folder: Path) -> Path:
    """Write `hl7-messages.mllp`, the messages as they would go over the wire; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    with path.open("wb") as out:
        out.writelines(map(framed, messages))
    return path


def escaped(text: str) -> str:
    """Foreign text as it may stand in a field."""
    return clean(text).translate(_ESCAPES)


def _message(*segments: str) -> str:
    return "\r".join(segments) + "\r"


def _header(kind: str, stamp: str, control: str) -> str:
    charset = "UNICODE UTF-8"
    return f"MSH|^~\\&|{_SENDER}|{_RECEIVER}|{stamp}||{kind}|{escaped(control)[:20]}|T|{VERSION}|||AL|NE||{charset}"


def _pid(patient: Patient) -> str:
    sex = patient.sex[0].upper()
    name = f"{escaped(patient.family)}^{escaped(patient.given)}^^^^^L"
    return f"PID|1||{escaped(patient.number)}^^^NORTH^MR||{name}||{patient.born:%Y%m%d}|{sex}"


def _pv1(patient: Patient, stamp: str) -> str:
    blank = "|" * 15
    head = f"PV1|1|I|{escaped(patient.ward)}^^^NORTH{blank}|{escaped(patient.visit)}^^^NORTH^VN"
    return f"{head}{'|' * 25}{stamp}"


def _obx(number: int, sign: Sign, value: float, stamp: str) -> str:
    flag = "L" if value < sign.low else "H" if value > sign.high else "N"
    shown = f"{value:.{sign.decimals}f}"
    span = f"{sign.low:g}-{sign.high:g}"
    return f"OBX|{number}|NM|{sign.code}^{sign.name}^LN||{shown}|{escaped(sign.unit)}^^UCUM|{span}|{flag}|||F|||{stamp}"


def _stamp(nanos: int) -> str:
    """TS of HL7, to the second, UTC."""
    return second_text(nanos // NANOS, "%Y%m%d%H%M%S+0000")
