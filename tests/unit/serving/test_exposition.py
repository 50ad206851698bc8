"""What is written past the client library reads back as what the library would have written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain

from brain_common.serving.exposition import encode
from brain_exporters.runtime.counters import CounterSpec

_SPEC = CounterSpec("things", "Things, counted.", ("kind", "name"))
_TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")) | st.sampled_from('"\\\n'), max_size=8)


@given(st.dictionaries(st.tuples(_TEXT, _TEXT), st.floats(0, 1e15), max_size=5))
def test_both_formats_read_back(series: dict[tuple[str, ...], float]) -> None:
    registry = CollectorRegistry()
    Gauge("other", "Besides.", registry=registry).set(1)
    for accept, parse in (("text/plain", plain), ("application/openmetrics-text; version=1.0.0", open_metrics)):
        parts, content_type = encode(
            accept, registry, [(_SPEC, series), (CounterSpec("bare", "No label.", ()), {(): 2})]
        )
        families = {family.name: family for family in parse(b"".join(parts).decode())}
        samples = families["things"].samples if series else []
        assert {(each.labels["kind"], each.labels["name"]): each.value for each in samples} == series
        assert [(each.name, each.value) for each in families["bare"].samples] == [("bare_total", 2.0)]
        assert families["other"].samples[0].value == 1
        assert accept.partition(";")[0] in content_type
