"""Which traces are looked at: the same questions before the window and in it, so that the answers can be compared.

A store holds more traces than can be read. Half of those read are drawn whatever they are, a quarter failed, a quarter
were slower than nearly all of the drawn ones before the window. Stores answer a search with whatever they find first,
so each stretch of time is asked about in slices. The stretch before the window is as long as the window, and both are
asked for equally many: what is rare stays as rare as it was in both, unless it became more frequent.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, TypeVar

import numpy as np

from brain_rca.evidence.protocol import Window

SLICES: Final = 3
_SLOW: Final = 0.95  # quantile of the lengths before the window that a slow trace exceeds
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Stratum(StrEnum):
    """Which traces a question is about."""

    ANY = "any"
    FAILED = "failed"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Question:
    """Up to ``limit`` traces between two times in seconds; of ``SLOW`` those that took ``at_least`` seconds."""

    stratum: Stratum
    start: float
    end: float
    limit: int
    at_least: float = 0.0


class Ask(Protocol[T_co]):
    """Asks a store; the answer is by id of the trace."""

    async def __call__(self, question: Question) -> Mapping[str, T_co]: ...


async def drawn(ask: Ask[T], window: Window, most: int, seconds: Callable[[T], float]) -> dict[str, T]:
    """Traces before the window and in it, about ``most``, by id.

    Args:
        ask: Asks the store.
        window: Around the incident.
        most: How many, about: each of the 18 questions is for one at least.
        seconds: How long one took.
    """
    each = max(most // (8 * SLICES), 1)  # two stretches; half of each is of any kind
    found: dict[str, T] = {}
    lengths: list[float] = []
    for question, answer in await _all(ask, _questions(Stratum.ANY, window, 2 * each)):
        found |= answer
        if question.end <= window.start:
            lengths += [seconds(one) for one in answer.values()]
    slow = float(np.quantile(lengths, _SLOW)) if lengths else 0.0
    strata = [Stratum.FAILED, Stratum.SLOW] if slow > 0 else [Stratum.FAILED]
    questions = [question for stratum in strata for question in _questions(stratum, window, each, slow)]
    for _, answer in await _all(ask, questions):
        found |= answer
    return dict(sorted(found.items()))


async def _all(ask: Ask[T], questions: Sequence[Question]) -> list[tuple[Question, Mapping[str, T]]]:
    """Asked at once: how many at the same time is the client's limit."""
    answers = await asyncio.gather(*(ask(question) for question in questions))
    return list(zip(questions, answers, strict=True))


def _questions(stratum: Stratum, window: Window, limit: int, at_least: float = 0.0) -> list[Question]:
    length = window.end - window.start
    before = max(window.start - length, window.baseline_start)
    edges = [*np.linspace(before, window.start, SLICES + 1), *np.linspace(window.start, window.end, SLICES + 1)[1:]]
    return [Question(stratum, float(start), float(end), limit, at_least) for start, end in itertools.pairwise(edges)]
