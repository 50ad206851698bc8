"""Loads through real Collectors and the processor, on a small scale: they measure what they say."""

from __future__ import annotations

from pathlib import Path

import grpc
import grpc.aio
import pytest

from brain_lab.bench.otel.chains import Shape, chain
from brain_lab.bench.otel.cluster import cluster
from brain_lab.bench.otel.course import run_course
from brain_lab.bench.otel.generator import Generator, Order
from brain_lab.bench.otel.processor_config import processor_config
from brain_lab.bench.otel.requests import METHODS, PER_REQUEST, Kind
from brain_lab.servers.kube_programs import PROGRAMS
from tests.servers.provide import require

pytestmark = pytest.mark.timeout(170)


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a cluster with the pods that are told of."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("otelcol", *PROGRAMS):
            patch.setenv(f"BRAIN_{name.upper().replace('-', '_')}_BIN", str(require(name)))
        with cluster(tmp_path_factory.mktemp("cluster")) as file:
            yield file


@pytest.mark.parametrize(
    ("shape", "kind", "processors"),
    [
        ("direct", "logs", 0),
        ("inside", "spans", 0),
        ("ours", "logs", 1),
        ("through", "spans", 1),
        ("balanced", "spans", 2),
    ],
)
def test_a_course_counts_what_arrives_and_what_it_costs(
    shape: Shape, kind: Kind, processors: int, kubeconfig: Path, tmp_path: Path
) -> None:
    config = processor_config(kubeconfig)
    with chain(shape, tmp_path / "chain", 100 * PER_REQUEST, kubeconfig, config, processors) as running:
        course = run_course(running, kind, requests=20, rate=10_000, folder=tmp_path)
        sample = running.sink.sample()
    assert (course.balance.accepted, course.balance.lost, course.balance.repeated) == (60 * PER_REQUEST, 0, 0)
    assert course.rate > 0
    assert course.p99_seconds > 0
    assert len(course.processor_cpu) == processors
    assert (b"k8s.statefulset.name" in sample) is (shape == "inside")
    assert (course.rss_bytes > 0) is (processors > 0)


@pytest.mark.anyio
async def test_the_generator_sends_again_what_may_go_well_and_counts_what_it_was_told() -> None:
    calls = 0

    async def export(_: bytes, context: grpc.aio.ServicerContext) -> bytes:
        nonlocal calls
        calls += 1
        if calls == 1:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "later")
        if calls == 3:
            await context.abort(grpc.StatusCode.INTERNAL, "never")
        return b""

    server = grpc.aio.server()
    service = METHODS["logs"].split("/")[1]
    handler = grpc.method_handlers_generic_handler(service, {"Export": grpc.unary_unary_rpc_method_handler(export)})
    server.add_generic_rpc_handlers((handler,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        sent = await Generator(Order(address=f"127.0.0.1:{port}", kind="logs", requests=2, in_flight=1)).run()
    finally:
        await server.stop(0)
    assert sent.answers == {"UNAVAILABLE": 1, "OK": 1, "INTERNAL": 1}
    assert [request.accepted is None for request in sent.requests] == [False, True]
