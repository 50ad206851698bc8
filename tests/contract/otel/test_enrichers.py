"""What every step promises, whatever it adds: asked of each one that is installed, with nobody at the other end.

A step is here by its entry point; what it needs stands in ``cases.py``, and why where it need not keep a promise.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from prometheus_client import CollectorRegistry

from brain_common.clock import ManualClock
from brain_common.errors import ConfigError
from brain_common.settings import check_settings
from brain_otel.batch import Batch, Group
from brain_otel.config import OtelSettings
from brain_otel.enrich.kind import Context, Enricher, EnricherKind, enricher_names, load_enricher
from brain_otel.signals import WIRES, Signal
from brain_otel.steps import build_steps
from tests.contract.otel.cases import CASES, GONE, T0, Case, knows_enough
from tests.contract.otel.hostile import groups

DOCS = Path(__file__).resolve().parents[3] / "docs" / "otel"
HEAVY = ("pyarrow", "deltalake", "duckdb", "kubernetes", "pandas", "boto3", "brain_lake.schemas")
MOST_ADDED = 20  # attributes: what a thousand records carry along has to be little


@pytest.fixture(params=enricher_names())
def kind(request: pytest.FixtureRequest) -> EnricherKind:
    return load_enricher(request.param)


@pytest.fixture
def case(kind: EnricherKind) -> Case:
    return CASES[kind.name]


def fresh() -> Context:
    return Context("", ManualClock(T0), CollectorRegistry())


def built(kind: EnricherKind, context: Context, url: str = GONE) -> Enricher:
    settings = check_settings(CASES[kind.name].settings(url), kind.settings, "test")
    return kind.build(settings, context)


def informed(kind: EnricherKind) -> Enricher:
    """A step that knows what it could."""
    context = fresh()
    step = built(kind, context)
    CASES[kind.name].learn(step, context)
    return step


def known(case: Case, signal: Signal) -> Group:
    """A group of records of the resource that the step knows."""
    wire = WIRES[signal]
    request = wire.request()
    message = getattr(request, wire.groups).add()
    getattr(getattr(message, wire.scopes).add(), wire.records).add()
    for key, value in case.resource.items():
        message.resource.attributes.add(key=key).value.string_value = value
    return Batch(wire, request).groups[0]


def resource_of(group: Group) -> dict[str, bytes]:
    """Its attributes, each as protobuf: types and all; of those given twice the last."""
    return {pair.key: pair.value.SerializeToString() for pair in group.message.resource.attributes}


def records_of(group: Group) -> bytes:
    """All but the resource."""
    copy: Any = type(group.message)()
    copy.CopyFrom(group.message)
    copy.ClearField("resource")
    data: bytes = copy.SerializeToString()
    return data


def without_records(group: Group) -> Group:
    """A group of the same resource and sender."""
    wire = WIRES[group.signal]
    request = wire.request()
    getattr(request, wire.groups).add().resource.CopyFrom(group.message.resource)
    return Batch(wire, request, group.peer).groups[0]


def test_every_step_is_here() -> None:
    assert set(CASES) == set(enricher_names())
    assert len(CASES) >= 4


def test_its_name_is_that_of_its_entry_point(kind: EnricherKind) -> None:
    assert kind.name in enricher_names()
    assert load_enricher(kind.name) is kind
    assert kind.signals


def test_building_asks_nobody(kind: EnricherKind) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.setblocking(False)
        built(kind, fresh(), f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_it_may_stand_in_a_configuration_twice_or_says_why_not(kind: EnricherKind, case: Case) -> None:
    entry = {kind.name: case.settings(GONE)}
    settings = check_settings({"enrich": [entry, entry]}, OtelSettings, "test")
    try:
        build_steps(settings, fresh())
    except ConfigError as error:
        assert kind.name in str(error)  # noqa: PT017 - either is right


def test_it_adds_what_it_says_for_every_signal_it_names(kind: EnricherKind, case: Case) -> None:
    step = informed(kind)
    for signal in kind.signals:
        group = known(case, signal)
        before = set(resource_of(group))
        step.enrich(group)
        assert set(resource_of(group)) - before == case.adds


def test_twice_is_once(kind: EnricherKind, case: Case) -> None:
    if case.twice:
        pytest.skip(case.twice)
    step = informed(kind)

    @given(groups(kind.signals, case.resource, case.adds))
    def same(group: Group) -> None:
        step.enrich(group)
        once = group.message.SerializeToString()
        step.enrich(group)
        assert group.message.SerializeToString() == once

    same()


def test_what_a_resource_and_its_records_say_themselves_stays(kind: EnricherKind, case: Case) -> None:
    if case.rewrites:
        pytest.skip(case.rewrites)
    step = informed(kind)

    @given(groups(kind.signals, case.resource, case.adds))
    def stays(group: Group) -> None:
        resource, records = resource_of(group), records_of(group)
        step.enrich(group)
        after = resource_of(group)
        assert {key: after.get(key) for key in resource} == resource
        assert records_of(group) == records

    stays()


def test_what_says_that_it_looks_at_resources_alone_does(kind: EnricherKind, case: Case) -> None:
    if not kind.resource_only:
        pytest.skip("it looks at records")
    step = informed(kind)

    @given(groups(kind.signals, case.resource, case.adds))
    def alone(group: Group) -> None:
        records, bare = records_of(group), without_records(group)
        step.enrich(group)
        step.enrich(bare)
        assert records_of(group) == records
        assert resource_of(group) == resource_of(bare)

    alone()


def test_it_stands_what_strangers_send_and_adds_nothing_but_what_it_says(kind: EnricherKind, case: Case) -> None:
    step = informed(kind)
    assert len(case.adds) <= MOST_ADDED

    @given(groups(kind.signals, case.resource, case.adds))
    def bounded(group: Group) -> None:
        before = set(resource_of(group))
        step.enrich(group)
        assert set(resource_of(group)) - before <= case.adds
        group.message.SerializeToString()

    bounded()


def test_it_says_nothing_before_its_source_did(kind: EnricherKind, case: Case) -> None:
    step = built(kind, fresh())
    if case.learn is knows_enough:
        pytest.skip("it asks nobody")
    group = known(case, kind.signals[0])
    before = group.message.SerializeToString()
    step.enrich(group)
    assert group.message.SerializeToString() == before


def test_an_unknown_setting_is_named(kind: EnricherKind, case: Case) -> None:
    with pytest.raises(ConfigError, match=r"^test: nonsense: unknown key"):
        check_settings({**case.settings(GONE), "nonsense": 1}, kind.settings, "test")


def test_a_wrong_setting_is_named(kind: EnricherKind, case: Case) -> None:
    key, value = case.wrong
    with pytest.raises(ConfigError, match=rf"\b{key}\b"):
        kind.build(check_settings({**case.settings(GONE), key: value}, kind.settings, "test"), fresh())


def test_its_settings_and_attributes_are_documented(kind: EnricherKind, case: Case) -> None:
    if not kind.settings.__module__.startswith("brain_otel."):
        pytest.skip("it has pages of its own")
    pages = "\n".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))
    assert f"`{kind.name}`" in pages
    fields = kind.settings.model_fields
    assert [name for name, one in fields.items() if not one.description] == []
    assert [name for name in fields if f"`{name}`" not in pages] == []
    own = {name for name in case.adds if re.match(r"(brain|k8s|log)\.", name) and name != "brain.industry"}
    assert [name for name in own if f"`{name}`" not in pages] == []


def test_its_own_metrics_are_named_alike(kind: EnricherKind) -> None:
    context = fresh()
    built(kind, context)
    assert [family.name for family in context.registry.collect() if not family.name.startswith("brain_otel_")] == []


_BUILD = """
import json, sys
from prometheus_client import CollectorRegistry
from brain_common.clock import SystemClock
from brain_common.settings import check_settings
from brain_otel.enrich.kind import Context, load_enricher
name, settings, heavy = json.loads(sys.argv[1])
kind = load_enricher(name)
kind.build(check_settings(settings, kind.settings, "test"), Context("", SystemClock(), CollectorRegistry()))
print(json.dumps([module for module in heavy if module in sys.modules]))
"""


def test_the_worker_loads_nothing_large_for_it(kind: EnricherKind, case: Case) -> None:
    asked = json.dumps([kind.name, case.settings(GONE), HEAVY])
    done = subprocess.run([sys.executable, "-c", _BUILD, asked], capture_output=True, text=True, check=True, timeout=60)
    assert json.loads(done.stdout) == []
