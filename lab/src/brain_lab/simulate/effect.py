"""What turns knobs over time, as data: faults and decoys are made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from brain_lab.emit.records import AwsCall, Change, KubernetesEvent
from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.recording import Truth


@dataclass(frozen=True, slots=True)
class Effect:
    """Satisfies the protocol of faults.

    Attributes:
        turn: Called for each tick with its time and the knobs; a pure function of the time.
        truth: What is broken; None for a decoy.
        events: That the simulation does not make by itself.
        changes: That belong to it.
        aws_calls: That belong to it.
    """

    turn: Callable[[float, Knobs], None]
    truth: Truth | None = None
    events: tuple[KubernetesEvent, ...] = ()
    changes: tuple[Change, ...] = ()
    aws_calls: tuple[AwsCall, ...] = ()

    def apply(self, at: float, knobs: Knobs) -> None:
        """Turn the knobs for the tick that ends at ``at``."""
        self.turn(at, knobs)
