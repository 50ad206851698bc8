"""What every source of evidence owes, whatever its server sends: bounds, honesty, nothing of others."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brain_common.entity import Entity
from brain_engine.anomaly.rate_shift import RateShift
from brain_engine.detail import find_in_detail
from brain_engine.series import CountPanel, Evidence
from brain_rca.evidence.assemble import assemble
from brain_rca.evidence.gather import Gatherer
from brain_rca.evidence.protocol import Focus, Gathered, PartSource
from brain_rca.evidence.raw import RawEvidence
from brain_rca.scope.identity import Identity
from tests.contract.evidence.part_cases import (
    CART,
    CART_POD,
    CASES,
    LINES,
    OTHER_POD,
    POD,
    START,
    WINDOW,
    Case,
    FailingCase,
    Said,
    Scene,
)

pytestmark = pytest.mark.anyio
of_lines = pytest.mark.parametrize("case", LINES, ids=lambda case: case.name)
of_any = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)

FOCUS = Focus(frozenset({CART, CART_POD}))
NOVEL = "payment 17 refused: no route to host"
USUAL = [Said(START + 5 + 10 * number, POD, "info", f"order {number} accepted in {number} ms") for number in range(350)]
BROKEN = [*USUAL, *(Said(START + 3005 + 20 * number, POD, "error", NOVEL) for number in range(20))]
OTHERS = [Said(START + 7 + 10 * number, OTHER_POD, "error", "somebody else's trouble") for number in range(300)]


async def read(source: PartSource, focus: Focus | None = FOCUS) -> RawEvidence:
    async with aclosing(source):
        return await source.read(WINDOW, focus)


async def detail(source: PartSource) -> Evidence:
    """As the service asks: with a deadline, and with a sentence for what fails."""
    identity = Identity(FOCUS.entities)
    async with aclosing(Gatherer([], [source])) as gatherer:
        gathered = Gathered(assemble(WINDOW, RawEvidence(), identity), identity)
        return await gatherer.detail(WINDOW, gathered, frozenset({str(CART)}))


def rows(evidence: Evidence, signal: str) -> CountPanel | None:
    return next((one for one in evidence.counts if one.signal.name == signal), None)


@of_lines
async def test_what_was_never_said_before_stands_out(case: Case, tmp_path: Path) -> None:
    evidence = await detail(case.serving(Scene(BROKEN), tmp_path))
    assert evidence.missing == ()
    [novel, *rest] = find_in_detail(evidence)
    assert (novel.entity, novel.signal.name, novel.subject) == (
        str(CART),
        "log_errors",
        "payment <*> refused: no route to host",
    )
    assert novel.onset == START + 3000
    assert all(one.nats < novel.nats / 2 for one in rest)
    panel = rows(evidence, "log_errors")
    assert panel is not None
    assert np.nansum(panel.hits) == 20
    assert panel.hits.shape == (1, len(evidence.times))


@of_lines
async def test_nothing_of_other_entities(case: Case, tmp_path: Path) -> None:
    found = await read(case.serving(Scene([*BROKEN, *OTHERS]), tmp_path))
    assert {entity for one in found.counts for entity in one.entities} <= FOCUS.entities
    assert "somebody else" not in str(found)


@of_lines
async def test_without_a_focus_nothing_is_read(case: Case, tmp_path: Path) -> None:
    source = case.away(tmp_path)
    for focus in (None, Focus(frozenset())):
        assert await source.read(WINDOW, focus) == RawEvidence()


@of_lines
async def test_the_same_question_gets_the_same_answer(case: Case, tmp_path: Path) -> None:
    source = case.serving(Scene([*BROKEN, *OTHERS]), tmp_path)
    async with aclosing(source):
        first, second = [await source.read(WINDOW, FOCUS) for _ in range(2)]
    assert first.missing == second.missing
    for one, other in zip(first.counts, second.counts, strict=True):
        assert (one.signal, one.entities, one.subjects) == (other.signal, other.entities, other.subjects)
        np.testing.assert_array_equal(one.hits, other.hits)


@of_lines
async def test_an_empty_window(case: Case, tmp_path: Path) -> None:
    found = await read(case.serving(Scene(), tmp_path))
    assert found.counts == []
    assert find_in_detail(await detail(case.serving(Scene(), tmp_path))) == ()


@of_lines
async def test_secrets_are_masked(case: Case, tmp_path: Path) -> None:
    said = [replace(one, text="login with password=hunter2 at http://me:hunter2@db failed") for one in USUAL]
    found = await read(case.serving(Scene(said), tmp_path))
    assert found.counts
    assert "hunter2" not in str([one.subjects for one in found.counts])


@of_any
async def test_a_server_that_is_away_is_a_sentence(case: FailingCase, tmp_path: Path) -> None:
    evidence = await detail(case.away(tmp_path))
    assert evidence.counts == ()
    assert evidence.spans is None
    assert len(evidence.missing) == 1


@of_any
async def test_a_server_that_hangs_is_a_sentence(case: FailingCase, tmp_path: Path) -> None:
    source = case.hanging(tmp_path)
    if source is None:
        pytest.skip("has no server")
    evidence = await detail(source)
    assert evidence.counts == ()
    assert any("no answer within" in sentence for sentence in evidence.missing)


@of_any
async def test_an_answer_that_is_too_large_is_a_sentence(case: FailingCase, tmp_path: Path) -> None:
    source = case.flooding(tmp_path)
    if source is None:
        pytest.skip("has no server")
    assert any("most_bytes" in sentence for sentence in (await detail(source)).missing)


@of_lines
async def test_a_flood_is_counted_in_part_and_said(case: Case, tmp_path: Path) -> None:
    """More lines in each span than are taken: what was not looked at is not taken for silence."""
    rate = case.most // 100  # lines a second
    flood = [Said(START + number / rate, POD, "info", f"tick {number}") for number in range(rate * 1200)]
    evidence = await detail(case.serving(Scene(flood), tmp_path))
    assert any("more lines than are read at once" in sentence for sentence in evidence.missing)
    panel = rows(evidence, "log_templates")
    assert panel is not None
    seen = panel.hits[0, : 1200 // 15]
    assert np.isnan(seen).any()
    np.testing.assert_allclose(seen[np.isfinite(seen)], rate * 15, atol=1)


@of_lines
async def test_a_flood_that_begins_is_found(case: Case, tmp_path: Path) -> None:
    rate = case.most // 10
    flood = [Said(START + 3000 + number / rate, POD, "error", f"retry {number}") for number in range(rate * 60)]
    before = [Said(START + 60 * number, POD, "error", f"retry {number}") for number in range(50)]
    evidence = await detail(case.serving(Scene([*before, *flood]), tmp_path))
    panel = rows(evidence, "log_errors")
    assert panel is not None
    [nats] = RateShift().deviations(evidence, panel).nats
    assert nats > 10


HOSTILE = [
    "x" * 300_000,
    "\x00\x07\x1b[2J\x1b[31mred\x1b[0m",
    "\ud800 half of a pair",
    "<script>alert(1)</script>\r\nHTTP/1.1 200",
    '{"message": ' + "[" * 3000,
    "",
    "\u202e\u2028",
]


@of_lines
async def test_hostile_lines(case: Case, tmp_path: Path) -> None:
    said = [Said(START + 60 + 300 * number, POD, "error", text) for number, text in enumerate(HOSTILE)]
    evidence = await detail(case.serving(Scene([*said, *BROKEN]), tmp_path))
    assert any(finding.subject.startswith("payment") for finding in find_in_detail(evidence))
    for panel in evidence.counts:
        for subject in panel.subjects:
            assert len(subject) <= 300
            assert not any(ord(char) < 32 or 0xD800 <= ord(char) < 0xE000 for char in subject)


@of_lines
async def test_hundreds_of_entities_take_a_few_questions_and_what_is_left_out_is_said(
    case: Case, tmp_path: Path
) -> None:
    names = [f"svc{number}" for number in range(850)]
    said = [Said(START + 60, f"{name}-6d5f8c7b9d-x2x9k", "error", "down") for name in names]
    focus = Focus(frozenset(Entity("lab", "shop", CART.kind, name) for name in names))
    found = await read(case.serving(Scene(said), tmp_path), focus)
    seen = {entity for one in found.counts for entity in one.entities}
    assert len(seen) >= 400
    assert len(seen) == 850 or any("entities" in sentence for sentence in found.missing)
