"""An incident that a service sent is shown as one that was judged here."""

from __future__ import annotations

import io

from rich.console import Console

from brain_cli.show import print_incident
from brain_rca.grpc_api.convert import incident_to
from brain_rca.grpc_api.received import received
from brain_rca.model import Incident
from tests.unit.page import samples


def shown(about: Incident) -> str:
    out = io.StringIO()
    print_incident(about, Console(file=out, highlight=False, width=120))
    return out.getvalue()


def test_it_is_shown_as_if_it_had_been_judged_here() -> None:
    for sample in (samples.rich, samples.pending, samples.no_cause, samples.resolved):
        text = shown(received(incident_to(sample())))
        assert text == shown(sample())
    assert "similar (" in shown(samples.rich())
    assert "one cause, " in shown(samples.rich())


def test_what_people_said_comes_before_what_was_judged() -> None:
    text = shown(received(incident_to(samples.rich())))
    assert "confirmed: " in text.partition("alerting: ")[0]
