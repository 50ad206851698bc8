"""What is taken away is gone, and nothing else is."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from brain_cli.ablation import SIGNALS, Without, ranker_without, without
from brain_common.errors import ConfigError, InputError
from brain_engine.rank.explain_away import ExplainAway
from brain_engine.series import CountPanel, Direction, Edge, EdgeKind, Event, Evidence, Family, Panel, Signal
from brain_rca.evidence.protocol import EvidenceSource, Gathered, Window
from brain_rca.scope.identity import Identity

ERRORS_LOGGED = Signal("log_templates", Family.ERRORS, "lines", Direction.UP)
EVERYTHING = Evidence(
    times=np.arange(3.0),
    window_start=2.0,
    panels=tuple(
        Panel(Signal(f"service_{family}", family, "1", Direction.UP), ("a",), np.ones((1, 3))) for family in Family
    ),
    edges=(Edge("a", "b", EdgeKind.CALLS),),
    events=(Event(1.0, "a", "Killing", "", ""),),
    counts=(CountPanel(ERRORS_LOGGED, ("a",), ("boom",), np.ones((1, 3))),),
)


class Everything:
    """A source that has it all."""

    async def gather(self, window: Window) -> Gathered:
        return Gathered(EVERYTHING, Identity(()))

    async def detail(self, window: Window, gathered: Gathered, entities: frozenset[str]) -> Evidence:
        return EVERYTHING

    async def aclose(self) -> None: ...


@pytest.mark.parametrize("family", list(Family))
def test_a_family_of_metrics(family: Family) -> None:
    left = without(EVERYTHING, family.value)
    assert {panel.signal.family for panel in left.panels} == set(Family) - {family}
    assert left.edges


def test_other_signals() -> None:
    assert without(EVERYTHING, "edges").edges == ()
    assert without(EVERYTHING, "events").events == ()
    assert without(EVERYTHING, "logs").counts == ()
    assert without(EVERYTHING, "counts").counts == ()
    assert without(EVERYTHING, "traces") == EVERYTHING
    assert {"latency", "edges", "events", "logs", "traces"} <= set(SIGNALS)


def test_from_both_steps_of_a_source() -> None:
    source: EvidenceSource = Without(Everything(), "edges")
    window = Window(0.0, 2.0, 3.0, 1.0)
    gathered = asyncio.run(source.gather(window))
    closely = asyncio.run(source.detail(window, gathered, frozenset({"a"})))
    assert gathered.evidence.edges == closely.edges == ()
    assert len(gathered.evidence.panels) == len(Family)


def test_ideas_of_a_ranker() -> None:
    assert set(ExplainAway.ideas) & {"explaining-away", "time-profile"}
    assert isinstance(ranker_without("explain-away", "explaining-away"), ExplainAway)
    with pytest.raises(InputError, match=r"'sense' is none of latency, .*explaining-away"):
        ranker_without("explain-away", "sense")
    with pytest.raises(InputError, match="'explaining-away' is none of"):
        ranker_without("n-sigma", "explaining-away")
    with pytest.raises(ConfigError, match="--ranker"):
        ranker_without("none-such", "explaining-away")


def test_no_idea_has_the_name_of_a_signal() -> None:
    assert not set(ExplainAway.ideas) & set(SIGNALS)
