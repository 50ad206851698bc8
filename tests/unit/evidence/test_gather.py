"""What a source lacks is told with its name, once."""

from __future__ import annotations

import pytest

from brain_common.errors import TemporaryError
from brain_engine.series import Evidence
from brain_rca.evidence.gather import Gatherer
from brain_rca.evidence.protocol import Focus, Gathered, Window
from brain_rca.evidence.raw import RawEvidence
from tests.unit.analysis.samples import WINDOW

pytestmark = pytest.mark.anyio


class Failing:
    """A source that says ``problem``."""

    name = "tempo"
    deadline_seconds = 5.0

    def __init__(self, problem: str) -> None:
        self._problem = problem

    async def read(self, window: Window, focus: Focus | None) -> RawEvidence:
        raise TemporaryError(self._problem)

    async def aclose(self) -> None: ...


class Silent(Failing):
    """A source that knows nothing."""

    async def read(self, window: Window, focus: Focus | None) -> RawEvidence:
        return RawEvidence()


async def lacking(problem: str) -> tuple[str, ...]:
    gatherer = Gatherer([Silent("")], [Failing(problem)])
    gathered: Gathered = await gatherer.gather(WINDOW)
    found: Evidence = await gatherer.detail(WINDOW, gathered, frozenset())
    return found.missing


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        ("Tempo (http://tempo): no answer within 10 s", "Tempo (http://tempo): no answer within 10 s"),
        ("no answer that is JSON", "tempo: no answer that is JSON"),
    ],
)
async def test_the_name_of_a_source_stands_once_before_what_it_lacks(problem: str, told: str) -> None:
    assert await lacking(problem) == (told,)
