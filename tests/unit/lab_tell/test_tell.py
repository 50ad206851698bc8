"""Logs, traces and cost tell the same story as the states of the run that they are made of."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from fhir.resources.R4B.bundle import Bundle
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from brain_lab.emit.cloud.prices import USAGES
from brain_lab.emit.logs.fault import LogFault
from brain_lab.emit.logs.programs.registry import PROGRAMS
from brain_lab.emit.records import NANOS, Severity, SpanKind
from brain_lab.emit.traces.calls import spans_of
from brain_lab.faults import registry as faults
from brain_lab.faults.aim import Aim
from brain_lab.platforms import registry as platforms
from brain_lab.simulate.engine import run
from brain_lab.simulate.recording import TICK, Recording
from brain_lab.tell.cost import cost_of
from brain_lab.tell.emission import Amounts, emission_of
from brain_lab.tell.logs import log_of
from brain_lab.tell.processes import Processes
from brain_lab.tell.spans import sample_calls
from brain_lab.tell.voices import COMPLAINTS
from tests.unit.lab_emit.samples import card_numbers

START = 1_764_068_400.0  # 11 o'clock
ONSET = START + 300.0


@cache
def played(fault: str = "", platform: str = "finance") -> Recording:
    built = platforms.build(platform, 1)
    broken = faults.make(fault, Aim(built, ONSET, 1)) if fault else None
    return run(built, broken, START, 600.0, 1, decoys=False)


def rng() -> np.random.Generator:
    return np.random.default_rng(2)


def test_the_spans_of_a_trace_are_of_pods_that_were_ready() -> None:
    processes = Processes(played("oom-kill"))
    calls = sample_calls(processes, 20_000, rng())
    rows = np.flatnonzero(calls.callee >= 0)
    ready = processes.ready[processes.row(calls.sent[rows]), calls.callee[rows]]
    assert ready.mean() > 0.999
    assert all(
        processes.origins[callee].service == calls.edges[edge].callee
        for callee, edge in zip(calls.callee[rows].tolist(), calls.edge[rows].tolist(), strict=True)
    )


def test_there_are_about_as_many_spans_as_asked() -> None:
    processes = Processes(played())
    assert len(spans_of(sample_calls(processes, 20_000, rng()), rng())) == pytest.approx(20_000, rel=0.2)


def test_traces_take_as_long_as_the_simulation_says() -> None:
    recording = played()
    calls = sample_calls(Processes(recording), 60_000, rng())
    root = (calls.parent < 0) & (calls.received >= 0)
    busiest = int(np.bincount(calls.edge[root]).argmax())
    took = (calls.answered - calls.received)[root & (calls.edge == busiest)] / NANOS
    said = recording.station(calls.edges[busiest].callee, "latency").mean()
    assert len(took) > 300
    assert took.mean() == pytest.approx(said, rel=0.25)


def test_a_locked_database_is_slow_in_the_traces_of_its_callers() -> None:
    recording = played("database-lock")
    (truth,) = recording.truth
    calls = sample_calls(Processes(recording), 60_000, rng())
    to = np.array([edge.callee == truth.entity.name for edge in calls.edges])[calls.edge]
    took = (calls.done - calls.sent) / NANOS
    after = calls.sent > (ONSET + 60.0) * NANOS
    before = calls.sent < ONSET * NANOS
    assert took[to & after].mean() > 3.0 * took[to & before].mean()


def test_messages_reach_their_consumers_later() -> None:
    calls = sample_calls(Processes(played()), 60_000, rng())
    batch = spans_of(calls, rng())
    kinds = np.array([shape.kind for shape in batch.shapes])[batch.shape]
    assert np.any(kinds == SpanKind.CONSUMER)
    assert np.any(kinds == SpanKind.PRODUCER)


def test_the_broken_one_complains_from_the_onset_on_and_not_before() -> None:
    recording = played("database-lock")
    (truth,) = recording.truth
    lines = [line for line in log_of(Processes(recording), 20_000, rng()) if "deadlock detected" in line.body]
    assert lines
    assert {line.origin.service for line in lines} == {truth.entity.name}
    assert min(line.time for line in lines) >= (truth.onset - TICK) * NANOS


def test_errors_in_logs_follow_the_failures_of_the_run() -> None:
    calm, storm = (log_of(Processes(played(fault)), 40_000, rng()) for fault in ("", "oom-kill"))
    late = (ONSET + 30.0) * NANOS
    errors = [sum(line.severity >= Severity.ERROR and line.time > late for line in lines) for lines in (calm, storm)]
    assert errors[1] > 3 * errors[0]


def test_lines_are_in_order_within_the_run_and_not_more_than_asked() -> None:
    lines = log_of(Processes(played()), 20_000, rng())
    times = [line.time for line in lines]
    assert times == sorted(times)
    assert times[0] >= START * NANOS - TICK * NANOS
    assert times[-1] < (START + 600.0) * NANOS
    assert 15_000 < len(lines) < 25_000


@pytest.mark.parametrize(("platform", "tag"), [("finance", "pci-dss"), ("healthcare", "hipaa")])
def test_regulated_platforms_have_audit_logs_and_no_card_numbers(platform: str, tag: str) -> None:
    lines = log_of(Processes(played(platform=platform)), 20_000, rng())
    assert sum(line.attributes.get("compliance") == tag for line in lines) > 100
    assert card_numbers(line.body for line in lines) == []


def test_every_complaint_is_about_a_fault_there_is() -> None:
    assert set(COMPLAINTS) <= set(faults.names())


def test_every_complaint_has_words() -> None:
    speakers = {
        "itself": ("spring", "go"),
        "kubelet": ("kubelet",),
        "postgres": ("postgres",),
        "envoy": ("envoy",),
        "audit": ("pci-audit", "hipaa-audit"),
    }
    for complaints in COMPLAINTS.values():
        for complaint in complaints:
            for name in speakers[complaint.program]:
                assert complaint.fault in PROGRAMS[name].faults, (complaint, name)


def test_every_fault_of_logs_is_said_by_somebody() -> None:
    said = {fault for program in PROGRAMS.values() for fault in program.faults}
    assert said == set(LogFault)


def test_the_bill_has_every_hour_and_the_same_order_of_cost_as_the_days_before() -> None:
    rows = cost_of(played(), 2, rng())
    hours = sorted({row.hour for row in rows})
    assert hours == list(range(hours[0], hours[-1] + 1, 3600 * NANOS))
    assert len(hours) == 2 * 24 + len(np.unique((played().times - TICK) // 3600))
    by_hour = [sum(row.cost for row in rows if row.hour == hour) for hour in hours[:48]]
    assert max(by_hour) < 1.5 * min(by_hour)
    assert {row.account for row in rows} == {played().platform.account}


def test_what_the_platforms_run_on_has_a_price() -> None:
    for name in platforms.names():
        assert {node.instance_type for node in platforms.build(name, 1).nodes} <= set(USAGES)


def test_lines_of_sampled_requests_carry_the_ids_of_their_spans() -> None:
    processes = Processes(played("oom-kill"))
    spans = spans_of(sample_calls(processes, 10_000, rng()), rng())
    lines = [line for line in log_of(processes, 10_000, rng(), spans) if line.trace]
    assert 2_000 < len(lines) <= 5_500
    by_id = {f"{span:016x}": row for row, span in enumerate(spans.span.tolist())}
    for line in lines:
        row = by_id[line.span]
        assert line.trace == f"{spans.trace[row, 0]:016x}{spans.trace[row, 1]:016x}"
        assert (line.time, line.origin) == (spans.end[row], spans.origins[spans.origin[row]])


def test_only_hospitals_exchange_hl7_and_fhir() -> None:
    amounts = Amounts(500, 500, 0, 30)
    hospital, bank = (emission_of(played(platform=name), amounts) for name in ("healthcare", "finance"))
    assert len(hospital.hl7) == len(hospital.fhir) == 30
    for message in hospital.hl7:
        assert parse_message(message, validation_level=VALIDATION_LEVEL.STRICT).validate()
    for bundle in hospital.fhir:
        assert Bundle.model_validate(bundle)
    assert not bank.hl7
    assert not bank.fhir


def test_an_emission_follows_from_the_recording_alone() -> None:
    amounts = Amounts(2_000, 2_000, 1)
    one, two = (emission_of(played("oom-kill"), amounts) for _ in range(2))
    assert list(one.logs) == list(two.logs)
    assert one.spans is not None
    assert two.spans is not None
    assert np.array_equal(one.spans.span, two.spans.span)
    assert (one.costs, one.calls) == (two.costs, two.calls)
    assert one.events == played("oom-kill").events
