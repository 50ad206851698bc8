"""What several questions to one store have in common: one that fails is named, and all that fail are an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from brain_common.entity import EntityKind
from brain_common.errors import BrainError, TemporaryError
from brain_rca.evidence.protocol import Focus, Window
from brain_rca.evidence.raw import RawEvidence
from brain_rca.evidence.traces.edges import edges_in
from brain_rca.evidence.traces.rows import MOST_SPANS, SpanRow, columns_of, is_near, unique_rows
from brain_rca.evidence.traces.sample import Ask, Question

T = TypeVar("T")


class Asking:
    """Counts what became of the questions of one reading.

    Args:
        source: Who is asked, for messages.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._answers = 0
        self._full = False
        self._damaged = 0
        self._failures: list[str] = []

    def of(self, ask: Ask[T]) -> Ask[T]:
        """``ask``, of which a failure is no answer."""

        async def asked(question: Question) -> Mapping[str, T]:
            try:
                answer = await ask(question)
            except BrainError as error:
                self.fail(str(error))
                return {}
            self._answers += 1
            self._full = self._full or len(answer) >= question.limit
            return answer

        return asked

    def fail(self, why: str) -> None:
        """Something could not be read."""
        self._failures.append(why)

    def damaged(self, spans: int) -> None:
        """So many could not be read."""
        self._damaged += spans

    def evidence(
        self, window: Window, rows: Sequence[SpanRow], traces: int, missing: Sequence[str] = ()
    ) -> RawEvidence:
        """What was read, and what not.

        Raises:
            TemporaryError: Nothing was answered at all.
        """
        if self._failures and not self._answers:
            raise TemporaryError(self._failures[0])
        timely = [row for row in rows if is_near(row, window)]
        self._damaged += len(rows) - len(timely)
        kept = unique_rows(timely)[:MOST_SPANS]
        spans = columns_of(kept)
        said = [*missing, *self._sentences(traces)]
        if len(kept) == MOST_SPANS:
            said.append(f"{self._source}: of the traces, only the first {MOST_SPANS} spans were looked at")
        return RawEvidence(edges=edges_in(kept, spans, self._source), spans=spans, missing=said)

    def _sentences(self, traces: int) -> list[str]:
        said = [f"{self._source}: {why}" for why in sorted(set(self._failures))[:3]]
        if len(said) < len(self._failures):
            said.append(f"{self._source}: {len(self._failures)} of its answers are missing")
        if self._damaged:
            said.append(f"{self._source}: {self._damaged} spans are damaged or have impossible times and were left out")
        if self._full:
            said.append(f"{self._source}: there are more traces than the {traces} that were looked at, a sample")
        return said


def services_of(focus: Focus, most: int, source: str) -> tuple[list[str], list[str]]:
    """Names of services to ask for, and a sentence where there are more than ``most``."""
    # A workload is often what OpenTelemetry calls the service.
    asked = sorted({one.name for one in focus.entities if one.kind in (EntityKind.SERVICE, EntityKind.WORKLOAD)})
    if len(asked) <= most:
        return asked, []
    return asked[:most], [f"{source}: traces of {len(asked) - most} of {len(asked)} services were not looked at"]
