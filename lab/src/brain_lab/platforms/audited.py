"""Which services of a platform keep an audit trail, and what demands it of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from brain_lab.platforms.model import Platform, Role, Service

_DEMANDS: Final[Mapping[str, str]] = {"finance": "pci-dss", "healthcare": "hipaa"}
_SENSITIVE: Final = ("card", "authz", "payment", "merchant", "patient", "emr", "fhir", "record", "audit")


def demanded(platform: Platform) -> str:
    """Name of the regulation; empty where none demands an audit trail."""
    return _DEMANDS.get(platform.name, "")


def audited(platform: Platform) -> tuple[Service, ...]:
    """HTTP services that handle cardholder or patient data."""
    if not demanded(platform):
        return ()
    return tuple(
        one for one in platform.services if one.role is Role.HTTP and any(word in one.name for word in _SENSITIVE)
    )
