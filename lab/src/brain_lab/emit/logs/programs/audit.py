"""Audit logs of regulated platforms: cardholder data (PCI DSS) and patient data (HIPAA).

PCI DSS v4.0.1, 10.2.2 names what an entry holds: who, what, when, whether it went well, where from, and what was
touched; how card numbers are shown is in `cards.py`. HIPAA's entries, 45 CFR 164.312(b), tell of synthetic people only,
those of `health/people.py`.
"""

from __future__ import annotations

from typing import Final

from brain_lab.emit.logs.fault import LogFault
from brain_lab.emit.logs.program import Program
from brain_lab.emit.logs.programs.go import json_inner
from brain_lab.emit.logs.template import Template
from brain_lab.emit.records import Severity

_PCI: Final = {"compliance": "pci-dss", "data.classification": "cardholder-data"}
_HIPAA: Final = {"compliance": "hipaa", "data.classification": "phi-synthetic"}


def _pci(event: str, requirement: str, outcome: str = "success", weight: float = 1.0) -> Template:
    text = (
        f'{{"ts":"{{micros}}","log":"audit","event":"{event}","requirement":"{requirement}","user":"{{user}}",'
        f'"outcome":"{outcome}","origin":"{{ip}}","resource":"{{table}}","pan":"{{masked_pan}}","amount":"{{amount}}",'
        '"currency":"{currency}","service":"{service}"}'
    )
    return Template(text, _severity(outcome), weight, (("user", "enduser.id"),), {**_PCI, "event.name": event})


def _hipaa(event: str, outcome: str = "success", weight: float = 1.0) -> Template:
    text = (
        f'{{"ts":"{{micros}}","log":"audit","event":"{event}","rule":"164.312(b)","user":"{{clinician}}",'
        f'"outcome":"{outcome}","origin":"{{ip}}","patient":"{{patient}}","patient_name":"{{patient_name}}",'
        '"record":"{record}","purpose":"TREAT","service":"{service}"}'
    )
    return Template(text, _severity(outcome), weight, (("clinician", "enduser.id"),), {**_HIPAA, "event.name": event})


def _severity(outcome: str) -> Severity:
    return Severity.INFO if outcome == "success" else Severity.WARN


PCI: Final = Program(
    "pci-audit",
    usual=(
        _pci("cardholder_data_access", "10.2.1.1", weight=6.0),
        _pci("authorisation", "10.2.1.1", weight=6.0),
        _pci("privileged_action", "10.2.1.2", weight=0.4),
        _pci("audit_log_access", "10.2.1.3", weight=0.3),
        _pci("invalid_access_attempt", "10.2.1.4", "failure", 0.1),
    ),
    failed=(_pci("authorisation", "10.2.1.1", "failure"),),
    faults={
        LogFault.ACCESS_DENIED: (
            _pci("invalid_access_attempt", "10.2.1.4", "failure", 3.0),
            _pci("credential_change", "10.2.1.5", "failure"),
        ),
        LogFault.LOGGING_STORM: (_pci("cardholder_data_access", "10.2.1.1"),),
    },
    escape=json_inner,
)
HIPAA: Final = Program(
    "hipaa-audit",
    usual=(
        _hipaa("record_viewed", weight=6.0),
        _hipaa("record_updated", weight=2.0),
        _hipaa("order_placed", weight=1.0),
        _hipaa("break_glass_access", weight=0.05),
        _hipaa("record_viewed", "denied", 0.1),
    ),
    failed=(_hipaa("record_viewed", "error"),),
    faults={
        LogFault.ACCESS_DENIED: (_hipaa("record_viewed", "denied"),),
        LogFault.LOGGING_STORM: (_hipaa("record_viewed"),),
    },
    escape=json_inner,
)
