"""Everything that a recording tells besides metrics and alerts; `emit/folder.py` writes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from brain_lab.emit.cloud.budgets import Budget
from brain_lab.emit.cloud.calls import background
from brain_lab.emit.folder import Emission
from brain_lab.emit.records import NANOS, AwsCall
from brain_lab.emit.traces.calls import spans_of
from brain_lab.simulate.recording import TICK, Recording
from brain_lab.tell.cost import cost_of
from brain_lab.tell.health import bundles_of, messages_of
from brain_lab.tell.logs import log_of
from brain_lab.tell.processes import Processes
from brain_lab.tell.spans import sample_calls

_CONCERNS = ("spans", "logs", "cost", "calls", "hl7", "fhir")
_ROLES = ("karpenter", "cluster-autoscaler", "external-dns", "aws-load-balancer-controller", "ebs-csi-driver")
_CALLS_PER_SECOND = 0.5
_ABOVE_USUAL = 1.2  # of a month's cost: what the budget allows


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much is told.

    Attributes:
        spans: About so many.
        lines: Of log for usual work, at most.
        days: Of cost before the run.
        messages: HL7 messages and FHIR bundles, of each, where the platform takes them.
    """

    spans: int = 100_000
    lines: int = 200_000
    days: int = 14
    messages: int = 1_000


def emission_of(recording: Recording, amounts: Amounts | None = None) -> Emission:
    """What the recording tells; the same for the same recording."""
    wanted = amounts or Amounts()
    sequences = np.random.SeedSequence([recording.seed, 0x7E11]).spawn(len(_CONCERNS))
    rng = {name: np.random.default_rng(one) for name, one in zip(_CONCERNS, sequences, strict=True)}
    processes = Processes(recording)
    costs = cost_of(recording, wanted.days, rng["cost"])
    hours = len({row.hour for row in costs})
    month = sum(row.cost for row in costs) / max(hours, 1) * 730.0
    spans = spans_of(sample_calls(processes, wanted.spans, rng["spans"]), rng["spans"])
    return Emission(
        logs=log_of(processes, wanted.lines, rng["logs"], spans),
        spans=spans,
        events=recording.events,
        calls=_calls(recording, rng["calls"]),
        changes=recording.changes,
        costs=costs,
        budgets=(Budget(f"{recording.platform.name}-monthly", recording.platform.account, month * _ABOVE_USUAL),),
        hl7=messages_of(processes, wanted.messages, rng["hl7"]),
        fhir=bundles_of(processes, wanted.messages, rng["fhir"]),
    )


def _calls(recording: Recording, rng: np.random.Generator) -> list[AwsCall]:
    """Those of the faults among those that controllers make all day."""
    first, last = float(recording.times[0]) - TICK, float(recording.times[-1])
    count = int(rng.poisson((last - first) * _CALLS_PER_SECOND))
    times = np.sort((rng.uniform(first, last, count) * NANOS).astype(np.int64))
    usual = background(recording.platform.account, recording.platform.region, _ROLES, times, rng)
    return sorted([*usual, *recording.aws_calls], key=lambda call: call.time)
