"""How much a service can take, for faults that have to be stronger than its autoscaler."""

from __future__ import annotations

from brain_lab.faults.aim import Aim
from brain_lab.platforms.model import Service


def ruinous(aim: Aim, service: Service) -> float:
    """Times its usual CPU at which all the replicas that it may have are at their limit."""
    most = service.scaler.maximum if service.scaler else service.replicas
    return most * service.cpu_limit / (aim.rates[service.name] * service.cpu_seconds)
