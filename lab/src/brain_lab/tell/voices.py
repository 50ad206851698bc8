"""Which program speaks for which part of a platform, and what it says of which trouble.

Troubles are read from the simulation's states where they show there; what states do not show (why a query waits, what
a certificate says) follows from the truth about the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from brain_lab.emit.logs.fault import LogFault
from brain_lab.emit.logs.program import Program
from brain_lab.emit.logs.programs.registry import PROGRAMS
from brain_lab.platforms.model import Service

_BY_LANGUAGE: Final = {"java": "spring"}
_AUDITED: Final[Mapping[str, str]] = {"finance": "pci-audit", "healthcare": "hipaa-audit"}
_SENSITIVE: Final = ("card", "authz", "payment", "merchant", "patient", "emr", "fhir", "record", "audit")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is written because of a fault, at the thing that is broken.

    Attributes:
        program: Who complains: `itself`, `kubelet` or `postgres`.
        fault: About what.
        each_second: Lines.
    """

    program: str
    fault: LogFault
    each_second: float


COMPLAINTS: Final[Mapping[str, tuple[Complaint, ...]]] = {
    "oom-kill": (Complaint("itself", LogFault.OUT_OF_MEMORY, 0.01), Complaint("kubelet", LogFault.OUT_OF_MEMORY, 0.02)),
    "database-lock": (
        Complaint("postgres", LogFault.LOCK_WAIT, 0.8),
        Complaint("postgres", LogFault.DEADLOCK, 0.1),
    ),
    "rate-limit-too-low": (Complaint("envoy", LogFault.RATE_LIMITED, 1.0),),
    "network-loss": (Complaint("itself", LogFault.NETWORK_LOSS, 0.5),),
    "network-delay": (Complaint("itself", LogFault.TIMEOUT, 0.1),),
    "kafka-consumer-lag": (Complaint("itself", LogFault.CONSUMER_LAG, 0.1),),
    "bad-rollout": (Complaint("itself", LogFault.BAD_CONFIG, 0.1),),
    "crash-loop": (Complaint("itself", LogFault.CRASH, 0.05), Complaint("kubelet", LogFault.CRASH, 0.05)),
    "image-pull": (Complaint("kubelet", LogFault.IMAGE_PULL, 0.1),),
    "dns-failure": (Complaint("itself", LogFault.NXDOMAIN, 1.0),),
    "mesh-certificate-expired": (Complaint("itself", LogFault.CERTIFICATE_EXPIRED, 1.0),),
    "disk-full": (Complaint("itself", LogFault.NO_SPACE, 0.5),),
    "api-throttling": (Complaint("itself", LogFault.THROTTLED, 0.5),),
    "iam-access-denied": (Complaint("itself", LogFault.ACCESS_DENIED, 0.5),),
    "stale-configmap": (Complaint("itself", LogFault.BAD_CONFIG, 0.1),),
    "logging-storm": (Complaint("itself", LogFault.LOGGING_STORM, 40.0),),
    "compliance-alert-flood": (Complaint("audit", LogFault.ACCESS_DENIED, 5.0),),
    "database-read-spike": (Complaint("postgres", LogFault.SLOW_QUERY, 0.5),),
    "node-pressure": (Complaint("kubelet", LogFault.NODE_PRESSURE, 0.1),),
    "gpu-scheduling-failure": (Complaint("itself", LogFault.GPU_UNAVAILABLE, 0.1),),
    "device-heartbeat-timeouts": (Complaint("itself", LogFault.HEARTBEAT_MISSED, 1.0),),
    "terraform-state-lock": (Complaint("itself", LogFault.STATE_LOCKED, 0.01),),
}
"""Name of a fault → complaints from its onset on. A fault that is not here leaves only what its consequences say."""


def voice(service: Service) -> Program:
    """Of the service itself."""
    return PROGRAMS[_BY_LANGUAGE.get(service.language, "go")]


def audit(platform: str, service: str) -> Program | None:
    """Of its audit log; None for a service that handles nothing that must be audited."""
    name = _AUDITED.get(platform)
    return PROGRAMS[name] if name and any(word in service for word in _SENSITIVE) else None
