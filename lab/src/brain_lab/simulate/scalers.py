"""Autoscalers with their real delays: the HPA on CPU, KEDA on lag.

Both sync every 15 s, tolerate 10 %, at most double (or add four pods) in a sync, and scale down to no less than the
highest wish of the last five minutes: the defaults of Kubernetes' horizontal-pod-autoscaler. What the HPA sees is the
CPU of the last half minute, as metrics-server would report it. KEDA polls the lag every 30 s.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from brain_lab.simulate.happenings import Happenings
from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.network import Array, Network
from brain_lab.simulate.recording import TICK

SYNC: Final = 15.0
STABILISATION: Final = 300.0
TOLERANCE: Final = 0.1
POLL: Final = 30.0
_SEEN: Final = 1.0 - float(np.exp(-TICK / 30.0))


class Scalers:
    """What every service asks for; those without a scaler ask for what they began with."""

    def __init__(self, network: Network, happenings: Happenings) -> None:
        services = network.platform.services
        self._services, self._happenings = services, happenings
        scalers = [service.scaler for service in services]
        self.wanted = np.array([float(service.replicas) for service in services])
        self.hpa = np.array([s is not None and s.kind == "hpa" for s in scalers])
        self.keda = np.array([s is not None and s.kind == "keda" for s in scalers])
        self._target = np.array([s.target if s else 1.0 for s in scalers])
        self._least = np.array([float(s.minimum) if s else 0.0 for s in scalers])
        self.most = np.array([float(s.maximum) if s else 0.0 for s in scalers])
        self._request = network.request[: len(services)]
        self._use, self._cores = np.zeros(len(services)), np.zeros(len(services))
        self._lag = np.zeros(len(services))
        self._group_service = network.group_station
        self._wishes = np.tile(self.wanted, (int(STABILISATION / SYNC), 1))
        self._rounds = 0
        self._begun = False

    def see(self, cpu: Array, ready: Array) -> None:
        """Take note of the cores that the ready replicas of each service used in a tick, and of their number.

        New replicas lower the mean at once, as those do that metrics-server does not know yet.
        """
        self._cores = self._cores + _SEEN * (cpu - self._cores) if self._begun else cpu
        use = self._cores / np.maximum(ready * self._request, 1e-9)
        self._use = np.where(ready > 0.0, use, self._use)
        self._begun = True

    def step(self, tick: int, at: float, ready: Array, lag: Array, knobs: Knobs) -> Array:
        """[services] replicas wanted from this tick on."""
        if tick % int(POLL / TICK) == 0 and len(lag):
            self._lag[self._group_service] = lag
        if tick % int(SYNC / TICK) == 0 and self._begun:
            self._sync(at, ready, knobs)
        return self.wanted

    def _sync(self, at: float, ready: Array, knobs: Knobs) -> None:
        count = len(self._services)
        ratio = self._use / self._target
        by_cpu = np.where(np.abs(ratio - 1.0) > TOLERANCE, np.ceil(np.maximum(ready, 1.0) * ratio), self.wanted)
        wish = np.where(self.keda, np.ceil(self._lag / self._target), by_cpu) + knobs.replicas_add[:count]
        most = np.maximum(np.floor(self.most * knobs.scaler_max_times[:count]), self._least)
        wish = np.clip(wish, self._least, np.minimum(most, self.most))
        wish = np.minimum(wish, np.maximum(2.0 * self.wanted, self.wanted + 4.0))
        self._wishes[self._rounds % len(self._wishes)] = wish
        self._rounds += 1
        calm = np.minimum(self._wishes.max(axis=0), np.maximum(self.wanted, wish))
        new = np.where(wish > self.wanted, wish, np.minimum(calm, self.wanted))
        acts = (self.hpa | self.keda) & (knobs.scaler_off[:count] == 0.0)
        new = np.where(acts, new, self.wanted)
        for n in np.flatnonzero(new != self.wanted):
            self._say(at, int(n), int(new[n]))
        self.wanted = new

    def _say(self, at: float, service: int, size: int) -> None:
        of = self._services[service]
        why = "cpu resource utilization" if self.hpa[service] else "external metric lag"
        side = "above" if size > self.wanted[service] else "below"
        subject = ("HorizontalPodAutoscaler", of.namespace, of.name)
        words = f"New size: {size}; reason: {why} {side} target"
        self._happenings.add(at, subject, "SuccessfulRescale", words, "horizontal-pod-autoscaler")
