"""A shop whose traces go into whatever keeps traces: before the window all is well, in it the cart fails and waits.

front calls cart, cart asks the database ledger; nobody but these writes spans, and there is a service of another
system.
"""

from __future__ import annotations

from typing import Any

from brain_rca.evidence.protocol import Window

LENGTH = 600.0
PER_STRETCH = 30
SLOW, FAST = 2.0, 0.1
Json = dict[str, Any]


def window_ending(end: float) -> Window:
    """Ten minutes, with half an hour of baseline."""
    return Window(baseline_start=end - 4 * LENGTH, start=end - LENGTH, end=end, step=15.0)


def traces(window: Window) -> dict[str, Json]:
    """OTLP in JSON, by the id of the trace: 30 in the ten minutes before the window, and 30 in it."""
    found = {}
    for number in range(2 * PER_STRETCH):
        at = window.start - LENGTH + (number + 0.5) * LENGTH / PER_STRETCH
        bad = at >= window.start and number % 3 == 0
        name = f"{number + 1:032x}"
        found[name] = trace(name, at, SLOW if bad else FAST, failed=bad)
    found["f" * 32] = {"resourceSpans": [_batch("elsewhere", [_span("f" * 32, 9, 0, "GET /", 2, window.start, 1.0)])]}
    return found


def trace(name: str, at: float, seconds: float, *, failed: bool) -> Json:
    """One visit: both ends of a call, and the client's end of a question to a database."""
    front = [
        _span(name, 1, 0, "GET /", 2, at, seconds + 0.02),
        _span(name, 2, 1, "GET", 3, at + 0.01, seconds),
    ]
    cart = [
        _span(name, 3, 2, "GET /cart", 2, at + 0.015, seconds - 0.01, failed=failed),
        _span(name, 4, 3, "SELECT", 3, at + 0.02, 0.005, {"db.system.name": "postgresql", "db.namespace": "ledger"}),
    ]
    return {"resourceSpans": [_batch("front", front), _batch("cart", cart)]}


def _batch(service: str, spans: list[Json]) -> Json:
    resource = {"attributes": _attributes({"service.name": service, "k8s.namespace.name": "shop"})}
    return {"resource": resource, "scopeSpans": [{"scope": {"name": "test"}, "spans": spans}]}


def _span(
    trace_id: str,
    number: int,
    parent: int,
    name: str,
    kind: int,
    at: float,
    seconds: float,
    attributes: dict[str, str] | None = None,
    *,
    failed: bool = False,
) -> Json:
    return {
        "traceId": trace_id,
        "spanId": f"{number:016x}",
        "parentSpanId": f"{parent:016x}" if parent else "",
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(int(at * 1e9)),
        "endTimeUnixNano": str(int((at + seconds) * 1e9)),
        "attributes": _attributes(attributes or {}),
        "status": {"code": 2} if failed else {},
    }


def _attributes(texts: dict[str, str]) -> list[Json]:
    return [{"key": key, "value": {"stringValue": value}} for key, value in texts.items()]
