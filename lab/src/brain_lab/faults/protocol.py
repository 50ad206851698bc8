"""The plug point for faults: a pure function of time that turns the knobs of the simulation.

A fault does not know the simulator's equations and cannot reach its state: what it does to the world is what the
knobs allow, and everything else is consequence.

A new fault is a file with ``make(aim: Aim) -> Fault`` and a line in the registry. ``make`` chooses a target with
``aim.choose`` among those whose trouble reaches a promise (``aim.services``, ``aim.reach``), draws its strength from
``aim.rng``, and returns an ``Effect`` of three things: a closure that turns knobs (all are listed in
``simulate.knobs``) by ``aim.strength(at)``, the truth (``aim.truth``), and the events, changes and cloud calls that the
simulation does not make by itself. How strong it has to be is ``aim.breaking`` (seconds) and ``aim.rates``
(requests/s); both know the platform and the time of day, so that every seed raises an alert. A knob that is missing
is added to ``Knobs`` and read where it acts.
"""

from __future__ import annotations

from typing import Protocol

from brain_lab.emit.records import AwsCall, Change, KubernetesEvent
from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.recording import Truth


class Fault(Protocol):
    """Something that breaks at a moment.

    The simulator resets all knobs before each tick and calls ``apply`` of every fault. It must give the same result
    for the same time, whatever was called before.
    """

    @property
    def truth(self) -> Truth | None:
        """What is broken; None for a harmless deviation."""

    def apply(self, at: float, knobs: Knobs) -> None:
        """Turn knobs for the tick that ends at ``at`` (seconds since the epoch); leave them alone before the onset."""

    @property
    def events(self) -> tuple[KubernetesEvent, ...]:
        """Events that the simulation does not make by itself."""

    @property
    def changes(self) -> tuple[Change, ...]:
        """Changes that caused it, or that belong to it."""

    @property
    def aws_calls(self) -> tuple[AwsCall, ...]:
        """CloudTrail records that belong to it."""
