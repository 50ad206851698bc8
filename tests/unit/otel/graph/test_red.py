"""Rate, errors and duration of operations, their examples, and how Prometheus gets them."""

from __future__ import annotations

import subprocess

from prometheus_client import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.servers.provide import require
from tests.unit.otel.graph.calls import CLIENT, INTERNAL, PRODUCER, SERVER, One, Watched, span_id, trace_id

CALLS = "traces_span_metrics_calls_total"
SECONDS = "traces_span_metrics_duration_seconds"


def busy() -> Watched:
    """An observer that has seen one of each."""
    seen = Watched(buckets=[0.05, 1.0])
    seen.see(One("web", CLIENT, 2, seconds=0.3), One("cart", SERVER, 3, 2, status=2, seconds=0.2))
    seen.see(One("cart", CLIENT, 4, attributes={"db.name": 'or"d\\ers\n'}), One("shop", PRODUCER, 7))
    return seen


def test_spans_are_counted_by_service_name_kind_and_status() -> None:
    seen = Watched().see(One("cart", SERVER, 3, status=2), One("cart", INTERNAL, 4), **{"k8s.namespace.name": "shop"})
    labels = {
        "cluster": "c1",
        "k8s_namespace_name": "shop",
        "service_name": "cart",
        "span_name": "GET /",
        "span_kind": "SPAN_KIND_SERVER",
        "status_code": "STATUS_CODE_ERROR",
    }
    assert seen.samples(CALLS) == [(labels, 1)]
    assert seen.samples(f"{SECONDS}_sum") == [(labels, 0.1)]


def test_internal_spans_are_counted_when_asked_for_and_nothing_when_off() -> None:
    span = One("cart", INTERNAL, 4)
    assert len(Watched(red={"internal": True}).see(span).samples(CALLS)) == 1
    assert Watched(red={"enabled": False}).see(span, One("cart", SERVER, 3)).samples(CALLS) == []


def test_names_without_end_become_one_series_and_long_ones_are_cut() -> None:
    seen = Watched(red={"max_series": 10})
    seen.see(*(One("cart", SERVER, n + 1, name=f"GET /{n}/" + "x" * 5000) for n in range(30)))
    rows = {labels.get("span_name", ""): value for labels, value in seen.samples(CALLS)}
    assert len(rows) == 11
    assert rows[""] == 20
    assert max(map(len, rows)) == 256
    assert ({"otel_metric_overflow": "true"}, 20) in seen.samples(CALLS)


def test_buckets_have_the_first_span_after_a_scrape_as_example() -> None:
    seen = Watched(buckets=[1.0])
    for number in (5, 6):
        seen.see(One("cart", SERVER, number, trace=number), One("cart", SERVER, 99, trace=99))
        buckets = [
            sample.exemplar
            for family in text_string_to_metric_families(seen.text())  # type: ignore[no-untyped-call]
            for sample in family.samples
            if sample.name == f"{SECONDS}_bucket" and sample.labels["le"] == "1.0"
        ]
        assert [one.labels for one in buckets] == [
            {"trace_id": trace_id(number).hex(), "span_id": span_id(number).hex()}
        ]


def test_a_span_that_ends_before_it_begins_took_no_time() -> None:
    seen = Watched().see(One("cart", SERVER, 3, seconds=-5))
    assert seen.samples(f"{SECONDS}_sum")[0][1] == 0


def test_prometheus_linter_has_nothing_to_say() -> None:
    plain = generate_latest(busy().later().context.registry)
    command = [str(require("promtool")), "check", "metrics"]
    done = subprocess.run(command, input=plain, capture_output=True, check=False, timeout=30)
    assert (done.returncode, done.stderr + done.stdout) == (0, b"")


def test_the_exposition_is_what_it_was() -> None:
    text = [line for line in busy().text().splitlines() if line.startswith("traces_service_graph_request_total")]
    assert text == [
        'traces_service_graph_request_total{client="web",cluster="c1",server="cart"} 1.0',
        'traces_service_graph_request_total{client="cart",cluster="c1",connection_type="database",'
        'server="or\\"d\\\\ers\\n"} 1.0',
    ]
