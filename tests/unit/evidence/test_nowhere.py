"""Declared dependencies that lead nowhere are told where it is most likely a mistake, and only there."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import pytest

from brain_common.entity import Entity
from brain_engine.series import Direction, EdgeKind, Family, Signal
from brain_rca.evidence.assemble import identity_of
from brain_rca.evidence.catalogue import Combine
from brain_rca.evidence.gather import Gatherer
from brain_rca.evidence.nowhere import leading_nowhere
from brain_rca.evidence.protocol import Focus, Window
from brain_rca.evidence.raw import RawEdge, RawEvidence, RawPanel

SIGNAL = Signal("container_cpu_usage", Family.CPU, "cores", Direction.UP)
SITE, PAYMENTS, NODE = "lab/replay/service/PetSite", "lab/replay/service/payments", "lab//node/node-1"
KNOWN = (SITE, PAYMENTS, NODE, "lab/1/cloud-resource/arn:aws:rds:eu:1:db:orders")


def panel(names: Sequence[str]) -> RawPanel:
    return RawPanel(SIGNAL, Combine.SUM, [Entity.parse(name) for name in names], np.ones((len(names), 4)))


def edge(dependency: str, dependent: str = PAYMENTS, source: str = "declared") -> RawEdge:
    return RawEdge(Entity.parse(dependent), Entity.parse(dependency), EdgeKind.CALLS, source)


def said(*edges: RawEdge, known: Sequence[str] = KNOWN) -> tuple[str, ...]:
    raw = RawEvidence(panels=[panel(known)], edges=edges)
    return leading_nowhere(raw, identity_of(raw, {}))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("lab/replay/service/PetSitee", f"did you mean {SITE}?"),
        ("lab/replay/workload/petsite", f"did you mean {SITE}?"),
        ("lab/other/service/PetSite", f"did you mean {SITE}?"),
        ("lab/replay/service/paymnets", f"did you mean {PAYMENTS}?"),
        ("labb/replay/service/PetSite", f"did you mean {SITE}?"),
        ("prod/replay/service/mailer", "of a cluster that the evidence has nothing of"),
    ],
)
def test_a_likely_mistake_is_told(name: str, why: str) -> None:
    assert said(edge(name)) == (f"declared dependencies name 1 thing that no signal knows: {name} ({why})",)


@pytest.mark.parametrize(
    "name",
    [
        SITE,
        "lab/replay/pod/PetSite-6d5f8c7b9d-x2x9k",
        "lab/replay/service/mailer",
        "lab/replay/database/payments",
        "lab//node/node-2",
        "lab/1/cloud-resource/arn:aws:rds:eu:1:db:mails",
        "//cloud-resource/api.stripe.com",
    ],
    ids=["known", "its pod", "not near", "its database", "the next node", "of the same account", "somebody else's"],
)
def test_what_is_known_or_not_measured_on_purpose_is_not(name: str) -> None:
    assert said(edge(name)) == ()


def test_what_another_edge_knows_is_known() -> None:
    assert said(edge("lab/replay/service/PetSitee"), edge("lab/replay/service/PetSitee", source="istio")) == ()


def test_at_most_three_are_named_as_plain_text() -> None:
    [sentence] = said(*(edge(f"prod//service/{name}") for name in ("a\x1b[2J", "b", "c", "d")))
    assert sentence.startswith("declared dependencies name 4 things that no signal knows: prod//service/a [2J (of a ")
    assert sentence.endswith("), …")
    assert sentence.count("of a cluster") == 3


def test_thousands_of_names_take_no_time() -> None:
    known = [f"lab/shop/service/checkout-{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{n // 676}" for n in range(5000)]
    began = time.process_time()
    said(*(edge(f"lab/shop/service/external-{n}") for n in range(500)), known=known)
    assert time.process_time() - began < 5.0


class Server:
    """A source that knows what is known."""

    name = "server"
    deadline_seconds = 10.0

    async def read(self, window: Window, focus: Focus | None) -> RawEvidence:
        return RawEvidence(panels=[panel(KNOWN)])

    async def aclose(self) -> None:
        pass


@pytest.mark.anyio
async def test_it_is_missing_evidence() -> None:
    window = Window(baseline_start=1000.0, start=1030.0, end=1045.0, step=15.0)
    found = await Gatherer([Server()], declared=[edge("lab/replay/service/PetSitee")]).gather(window)
    assert [text.partition(":")[0] for text in found.evidence.missing] == [
        "declared dependencies name 1 thing that no signal knows"
    ]
