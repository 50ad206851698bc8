"""All programs by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from brain_lab.emit.logs.program import Program
from brain_lab.emit.logs.programs import audit, envoy, go, kafka, kubelet, nginx, postgres, redis, spring

_ALL: Final = (
    spring.PROGRAM,
    go.PROGRAM,
    nginx.PROGRAM,
    postgres.PROGRAM,
    kafka.PROGRAM,
    redis.PROGRAM,
    envoy.PROGRAM,
    kubelet.PROGRAM,
    audit.PCI,
    audit.HIPAA,
)

PROGRAMS: Final[Mapping[str, Program]] = {program.name: program for program in _ALL}
"""`spring`, `go`, `nginx`, `postgres`, `kafka`, `redis`, `envoy`, `kubelet`, `pci-audit`, `hipaa-audit`."""
