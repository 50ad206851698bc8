"""The evidence of a real Loki: its selectors, limits and characters, not those of a fake."""

from __future__ import annotations

import time
from contextlib import aclosing

import numpy as np
import pytest

from brain_common.clients.loki import LokiClient
from brain_common.entity import Entity, EntityKind
from brain_common.errors import PermanentError
from brain_engine.logs.drain import DrainMiner
from brain_lab.servers.loki import Loki
from brain_rca.evidence.loki import LokiEvidence, LokiSettings
from brain_rca.evidence.protocol import Focus, Window
from brain_rca.evidence.raw import RawEvidence
from tests.servers.fixtures import LokiFactory

pytestmark = pytest.mark.anyio
END = time.time() // 15 * 15 - 60
WINDOW = Window(END - 3600, END - 1200, END, 15.0)
POD, ODD = "cart-6d5f8c7b9d-x2x9k", 'odd.(na|me)+"\\'
CART, STRANGE = Entity("lab", "shop", EntityKind.SERVICE, "cart"), Entity("", "", EntityKind.SERVICE, ODD)
USUAL = [(WINDOW.baseline_start + 5 + 10 * number, f"order {number} accepted") for number in range(350)]


def settings_of(server: Loki, **more: object) -> LokiSettings:
    return LokiSettings.model_validate({"url": server.url, **more})


async def read(settings: LokiSettings, *entities: Entity) -> RawEvidence:
    async with aclosing(LokiEvidence(LokiClient(settings), settings, DrainMiner())) as source:
        return await source.read(WINDOW, Focus(frozenset(entities)))


async def test_lines_of_the_focus_are_counted(loki: LokiFactory) -> None:
    server = loki()
    server.push({"namespace": "shop", "pod": POD}, USUAL)
    server.push({"namespace": "shop", "pod": POD}, [(END - 600, 'level=error msg="card 17 refused"')])
    server.push({"namespace": "shop", "pod": POD}, [(END - 500, "é" * 100_000), (END - 400, "\x00\x1b[31m")])
    server.push({"namespace": "shop", "pod": "front-6d5f8c7b9d-x2x9k"}, [(END - 600, "ERROR of somebody else")])
    server.push({"service_name": ODD}, [(END - 600, "ERROR odd")])

    found = await read(settings_of(server), CART, STRANGE)

    assert found.missing == []
    errors, lines = found.counts
    assert set(zip(errors.entities, errors.subjects, strict=True)) == {
        (CART, "card <*> refused"),
        (STRANGE, "ERROR odd"),
    }
    assert "order <*> accepted" in lines.subjects
    assert np.nansum(lines.hits[lines.subjects.index("order <*> accepted")]) == 350
    assert set(lines.entities) == {CART}


async def test_more_lines_than_are_taken(loki: LokiFactory) -> None:
    server = loki()
    server.push({"namespace": "shop", "app": "cart"}, [(END - 3000 + 0.1 * number, "tick") for number in range(20_000)])
    found = await read(settings_of(server, most_lines=500), CART)
    assert any("more lines than are read at once" in sentence for sentence in found.missing)
    [ticks] = found.counts
    assert np.nanmax(ticks.hits) == pytest.approx(150, abs=2)


async def test_what_loki_refuses_is_said_in_its_words(loki: LokiFactory) -> None:
    server = loki()
    server.push({"namespace": "shop", "pod": POD}, USUAL)
    with pytest.raises(PermanentError, match="max entries limit"):
        async with aclosing(LokiClient(settings_of(server))) as client:
            await client.lines('{namespace="shop"}', END - 600, END, 50_000)
