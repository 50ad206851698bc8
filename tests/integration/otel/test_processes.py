"""Workers, the side process and their parent, as real processes with a lake."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from brain_lake.location import LakeLocation
from brain_lake.reader import LakeReader
from brain_lake.schemas import CHANGES, LOGS, SPANS, TableSchema
from brain_lake.writer import LakeWriter
from brain_otel.signals import WIRES, Signal
from tests.fakes.otlp_next_hop import OtlpNextHop, otlp_next_hop
from tests.integration.otel.processes import PATIENCE, maps, processor, until
from tests.unit.lake.rows import sample_rows

pytestmark = pytest.mark.anyio

KNOWN = "brain_otel_enricher_last_success_timestamp_seconds"
NEVER = 300.0  # seconds between commits: what comes into the lake came at the end


@pytest.fixture
async def next_hop() -> AsyncIterator[OtlpNextHop]:
    async with otlp_next_hop() as hop:
        yield hop


def logs(*bodies: str, severity: int = 17) -> Any:
    request = WIRES[Signal.LOGS].request()
    group = request.resource_logs.add()
    group.resource.attributes.add(key="service.name").value.string_value = "cart"
    scope = group.scope_logs.add()
    for body in bodies:
        record = scope.log_records.add(severity_number=severity, time_unix_nano=time.time_ns())
        record.body.string_value = body
    return request


def spans(trace: bytes, *statuses: int) -> Any:
    request = WIRES[Signal.TRACES].request()
    group = request.resource_spans.add()
    group.resource.attributes.add(key="service.name").value.string_value = "cart"
    scope = group.scope_spans.add()
    for place, status in enumerate(statuses):
        span = scope.spans.add(trace_id=trace, span_id=bytes([place + 1] * 8), name=f"step {place}")
        span.start_time_unix_nano = span.end_time_unix_nano = time.time_ns()
        span.status.code = status
    return request


def lake_rows(folder: Path, schema: TableSchema, column: str) -> list[str]:
    reader = LakeReader(LakeLocation.local(folder))
    found = reader.rows(schema, time.time() - 3600, time.time() + 60, {"name": "cart"}, columns=(column,))
    return sorted(found.column(column).to_pylist())


async def test_errors_and_failed_traces_of_all_workers_come_into_the_lake(
    tmp_path: Path, next_hop: OtlpNextHop
) -> None:
    lake = tmp_path / "lake"
    copy = {"flush_seconds": NEVER, "traces": {"keep_ratio": 0}}
    async with processor(tmp_path, next_hop.grpc_port, lake={"path": str(lake)}, lake_copy=copy) as running:
        await running.said("worker 0, worker 1 ready")
        for worker in (0, 1):
            await running.shows(worker, "brain_otel_side_up", 1)
        await running.send(0, Signal.LOGS, logs("of worker 0"))
        await running.send(1, Signal.LOGS, logs("of worker 1"))
        await running.send(1, Signal.LOGS, logs("not severe", severity=9))
        await running.send(0, Signal.TRACES, spans(b"\x01" * 16, 0, 2))
        await running.send(0, Signal.TRACES, spans(b"\x02" * 16, 0, 0))
        await running.send(1, Signal.TRACES, spans(b"\x03" * 16, 2))
        running.process.send_signal(signal.SIGTERM)
        assert await running.ended() == 0
    assert len(next_hop.got) == 6
    assert not any("Traceback" in line for line in running.lines), running.lines
    assert lake_rows(lake, LOGS, "body") == ["of worker 0", "of worker 1"]
    assert lake_rows(lake, SPANS, "trace_id") == ["01" * 16, "01" * 16, "03" * 16]


async def test_only_the_side_process_is_large(tmp_path: Path, next_hop: OtlpNextHop) -> None:
    async with processor(tmp_path, next_hop.grpc_port, lake={"path": str(tmp_path / "lake")}) as running:
        await running.said("worker 0, worker 1 ready")
        await running.shows(0, "brain_otel_side_up", 1)
        found = running.children()
        assert sorted(found) == ["side", "worker 0", "worker 1"]
        for library in ("arrow", "deltalake", "duckdb", "numpy"):
            assert library not in maps(found["worker 0"]) + maps(found["worker 1"])
        for library in ("arrow", "cygrpc", "_upb"):
            assert library not in maps(running.process.pid)


async def test_a_side_process_that_is_killed_disturbs_nobody_and_comes_back(
    tmp_path: Path, next_hop: OtlpNextHop
) -> None:
    lake = tmp_path / "lake"
    copy = {"flush_seconds": 0.1}
    async with processor(tmp_path, next_hop.grpc_port, workers=1, lake={"path": str(lake)}, lake_copy=copy) as running:
        await running.shows(0, "brain_otel_side_up", 1)
        await running.send(0, Signal.LOGS, logs("before"))
        await running.shows(0, "brain_otel_lake_rows_total", 1, 'table="logs"')
        os.kill(running.children()["side"], signal.SIGKILL)
        await running.shows(0, "brain_otel_side_up", 0)
        await running.send(0, Signal.LOGS, logs("meanwhile"))
        await running.said("side process: killed by SIGKILL; starting it again in 1 s")
        await running.shows(0, "brain_otel_side_up", 1)
        await running.send(0, Signal.LOGS, logs("after"))
        await running.shows(0, "brain_otel_lake_rows_total", 2, 'table="logs"')
        assert await running.metric(0, "brain_otel_lake_dropped_total", 'reason="side_away",table="logs"') == 1
    assert len(next_hop.got) == 3
    assert lake_rows(lake, LOGS, "body") == ["after", "before"]


async def test_what_the_side_process_reads_of_the_lake_reaches_the_steps_of_all_workers(
    tmp_path: Path, next_hop: OtlpNextHop
) -> None:
    location = LakeLocation.local(tmp_path / "lake")
    kind = {"cluster": "c1", "namespace": "", "kind": "service", "name": "cart", "change_kind": "rollout"}
    LakeWriter(location).append(CHANGES, sample_rows(CHANGES, [time.time() - 10], **kind))
    settings = {"lake": {"path": str(tmp_path / "lake")}, "enrich": [{"changes": {}}]}
    async with processor(tmp_path, next_hop.grpc_port, **settings) as running:
        await running.said("worker 0, worker 1 ready")
        for worker in (0, 1):
            while await running.metric(worker, KNOWN, 'enricher="changes"') in (None, 0.0):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            await running.send(worker, Signal.LOGS, logs("after the change"))
    for _, message in next_hop.got:
        attributes = message.resource_logs[0].resource.attributes
        assert {pair.key: pair.value.string_value for pair in attributes}["brain.change.kind"] == "rollout"


async def test_edges_of_the_service_graph_come_into_the_lake(tmp_path: Path, next_hop: OtlpNextHop) -> None:
    settings = {"lake": {"path": str(tmp_path / "lake")}, "lake_copy": {"flush_seconds": 0.1}}
    request, now = WIRES[Signal.TRACES].request(), time.time_ns()
    for place, (service, kind) in enumerate((("front", 3), ("cart", 2))):  # a client and its server
        group = request.resource_spans.add()
        group.resource.attributes.add(key="service.name").value.string_value = service
        parent = bytes([place] * 8) if place else b""
        span = group.scope_spans.add().spans.add(trace_id=b"t" * 16, span_id=bytes([place + 1] * 8), kind=kind)
        span.parent_span_id, span.start_time_unix_nano, span.end_time_unix_nano = parent, now, now + 10**7
    async with processor(
        tmp_path, next_hop.grpc_port, workers=1, service_graph={"edge_seconds": 1}, **settings
    ) as running:
        await running.shows(0, "brain_otel_side_up", 1)
        await running.send(0, Signal.TRACES, request)
        await running.shows(0, "brain_otel_lake_rows_total", 1, 'table="edges"')
    reader = LakeReader(LakeLocation.local(tmp_path / "lake"))
    (edge,) = reader.edges(time.time() - 3600, time.time() + 60).to_pylist()
    assert (edge["dependent"], edge["dependency"]) == ("c1//service/front", "c1//service/cart")


async def test_a_step_that_needs_the_lake_is_refused_without_one(tmp_path: Path, next_hop: OtlpNextHop) -> None:
    async with processor(tmp_path, next_hop.grpc_port, enrich=[{"changes": {}}]) as running:
        assert await running.ended() == 1
    assert "brain: lake: a step of enrich reads changes of it; say where it is" in running.lines


async def test_a_worker_that_is_killed_takes_its_port_again(tmp_path: Path, next_hop: OtlpNextHop) -> None:
    async with processor(tmp_path, next_hop.grpc_port) as running:
        await running.said("worker 0, worker 1 ready")
        first, second = sorted(running.children().values())
        os.kill(second, signal.SIGKILL)
        await running.send(0, Signal.LOGS, logs("to the one that lives"))
        await running.said("killed by SIGKILL; starting it again in 1 s")
        await running.send(1, Signal.LOGS, logs("to the one that came back"))
        assert first in running.children().values()
        assert second not in running.children().values()
    assert len(next_hop.got) == 2


async def test_a_port_that_is_taken_is_said_once(tmp_path: Path, next_hop: OtlpNextHop) -> None:
    async with processor(tmp_path, next_hop.grpc_port, metrics={"port": next_hop.grpc_port - 10}) as running:
        assert await running.ended() == 1
    (line,) = [line for line in running.lines if line.startswith("brain: ")]
    assert line.startswith(f"brain: metrics.port: cannot listen on 127.0.0.1:{next_hop.grpc_port}")
    assert not any("Traceback" in line for line in running.lines)


async def test_a_wrong_step_is_said_once(tmp_path: Path, next_hop: OtlpNextHop) -> None:
    async with processor(tmp_path, next_hop.grpc_port, enrich=[{"nonsense": {}}]) as running:
        assert await running.ended() == 1
    (line,) = [line for line in running.lines if "nonsense" in line]
    assert line.startswith("brain: enrich.0: no enricher 'nonsense'")


async def test_requests_that_run_at_the_end_are_answered(tmp_path: Path, next_hop: OtlpNextHop) -> None:
    next_hop.open.clear()
    async with processor(tmp_path, next_hop.grpc_port) as running:
        await running.said("worker 0, worker 1 ready")
        async with grpc.aio.insecure_channel(running.target(1)) as channel:
            call = channel.unary_unary(WIRES[Signal.LOGS].method)
            under_way = asyncio.ensure_future(call(logs("in time").SerializeToString(), timeout=PATIENCE))
            await until(lambda: bool(running.lines) and not under_way.done())
            await asyncio.wait([under_way], timeout=0.5)  # it waits for the next hop
            running.process.send_signal(signal.SIGTERM)
            await refused(running.target(1))
            next_hop.open.set()
            await under_way
        assert await running.ended() == 0
    assert len(next_hop.got) == 1


async def refused(target: str) -> None:
    """Wait until new senders are told something that OTLP retries."""
    code = grpc.StatusCode.INVALID_ARGUMENT
    while code is grpc.StatusCode.INVALID_ARGUMENT:  # it still listens
        async with grpc.aio.insecure_channel(target) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await channel.unary_unary(WIRES[Signal.LOGS].method)(b"not protobuf", timeout=PATIENCE)
        code = caught.value.code()
    assert code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


async def test_nobody_outlives_a_parent_that_is_killed(tmp_path: Path, next_hop: OtlpNextHop) -> None:
    async with processor(tmp_path, next_hop.grpc_port, lake={"path": str(tmp_path / "lake")}) as running:
        await running.said("worker 0, worker 1 ready")
        await running.shows(0, "brain_otel_side_up", 1)
        children = list(running.children().values())
        running.process.kill()
        await running.ended()
    await until(lambda: not any(maps(pid) for pid in children))
    with socket.create_server(("127.0.0.1", int(running.target(1).rpartition(":")[2]))):
        pass  # its port is free again
