"""An incident that is sent and received is the same incident, in every field that a message has."""

from __future__ import annotations

import types
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_api.rca.v1 import rca_pb2 as pb
from brain_rca.grpc_api.convert import incident_to
from brain_rca.grpc_api.received import received
from brain_rca.grpc_api.words import ANALYSIS, DELIVERY, FEEDBACK, SEVERITY, STATUS
from brain_rca.model import (
    Analysis,
    AnalysisState,
    DeliveryState,
    FeedbackKind,
    Finding,
    Incident,
    IncidentStatus,
    Severity,
)
from tests.unit.page import samples

# Not sent: the page has plots, and the rest is the store's own.
NOT_SENT = {"plot": None, "entities": (), "last_heard_at": 0.0, "closed_for_silence": False, "cause_id": ""}
TIMES = {"at", "onset", "until", "trouble_began", "window_start", "window_end"}  # and what ends with _at
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
TIME = st.integers(0, 4_000_000_000_000_000).map(lambda microseconds: microseconds / 1e6)


def of(kind: Any, name: str = "") -> st.SearchStrategy[Any]:
    """Any value of a type of the model."""
    if kind is str:
        return TEXT
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(0, (1 << 32) - 1)
    if kind is float:
        return TIME if name in TIMES or name.endswith("_at") else st.floats(allow_nan=False)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return st.sampled_from(list(kind))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = get_type_hints(kind)
        fields = {one: of(hint, one) for one, hint in hints.items() if one not in NOT_SENT}
        return st.builds(kind, **fields)
    if get_origin(kind) is tuple:
        return st.lists(of(get_args(kind)[0]), max_size=2).map(tuple)
    if get_origin(kind) is dict:
        return st.dictionaries(TEXT, TEXT, max_size=2)
    assert get_origin(kind) in (Union, types.UnionType)
    [inner] = [one for one in get_args(kind) if one is not type(None)]
    return st.none() | of(inner, name)


@settings(max_examples=60, deadline=None)
@given(incident=of(Incident))
def test_a_round_trip_changes_nothing(incident: Incident) -> None:
    wire = incident_to(incident).SerializeToString()
    assert received(pb.Incident.FromString(wire)) == incident


@pytest.mark.parametrize("sample", [samples.rich, samples.pending, samples.no_cause, samples.resolved, samples.worst])
def test_of_an_incident_of_the_store_only_what_is_not_sent_is_lost(sample: Any) -> None:
    incident: Incident = sample()
    assert received(incident_to(incident)) == _as_sent(incident)


def _as_sent(incident: Incident) -> Incident:
    kept = msgspec.to_builtins(incident)
    analysis = kept["analysis"] or {"causes": ()}
    analysis["entities"] = ()
    for cause in analysis["causes"]:
        for finding in cause["findings"]:
            finding["plot"] = None
    for suspect in analysis.get("suspects", ()):
        if suspect["finding"]:
            suspect["finding"]["plot"] = None
    lost = {name: value for name, value in NOT_SENT.items() if name in Incident.__struct_fields__}
    return msgspec.convert(kept | lost, Incident)


def test_what_is_not_sent_is_of_the_model() -> None:
    assert set(NOT_SENT) <= {*Incident.__struct_fields__, *Analysis.__struct_fields__, *Finding.__struct_fields__}


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (STATUS, IncidentStatus),
        (SEVERITY, Severity),
        (ANALYSIS, AnalysisState),
        (DELIVERY, DeliveryState),
        (FEEDBACK, FeedbackKind),
    ],
)
def test_every_word_has_a_number_of_its_own(table: dict[StrEnum, int], words: type[StrEnum]) -> None:
    assert set(table) == set(words)
    assert len(set(table.values())) == len(words)
    assert 0 not in table.values()


def test_words_of_a_newer_release_are_the_more_alarming_or_left_out() -> None:
    message = incident_to(samples.rich())
    # proto3 keeps numbers that it does not know.
    message.status = message.severity = message.analysis_state = 99  # type: ignore[assignment]
    message.deliveries[0].state = message.feedback[0].kind = 99  # type: ignore[assignment]
    message.analysis.causes[0].changes.add(kind="teleported")
    known = received(message)
    assert (known.status, known.severity) == (IncidentStatus.OPEN, Severity.CRITICAL)
    assert known.analysis_state is AnalysisState.PENDING
    assert known.deliveries[0].state is DeliveryState.PENDING
    assert len(known.feedback) == len(samples.rich().feedback) - 1
    assert known.analysis is not None
    assert all(change.reason for change in known.analysis.causes[0].changes)
