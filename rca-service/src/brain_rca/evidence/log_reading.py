"""Questions for log lines asked at the same time: what comes in time is counted, what does not is named."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from brain_common.errors import BrainError, TemporaryError
from brain_rca.evidence.in_time import late_of
from brain_rca.evidence.log_counts import Span

GRACE_SECONDS = 5.0  # to count what came in time


async def within(seconds: float, questions: Sequence[Coroutine[Any, Any, Span]]) -> tuple[list[Span], list[str]]:
    """Answers in the order of the questions, and what went wrong, each said once.

    Raises:
        TemporaryError: There is no answer at all.
    """
    tasks = [asyncio.ensure_future(question) for question in questions]
    late = await late_of(tasks, seconds)
    done = [task for task in tasks if task not in late]
    failed = [error for task in done if (error := task.exception()) is not None]
    for error in failed:
        if not isinstance(error, BrainError):
            raise error
    missing = sorted({str(error) for error in failed})
    if late:
        missing.append(f"{len(late)} of {len(tasks)} queries for log lines had no answer within {seconds:g} s")
    spans = [task.result() for task in done if task.exception() is None]
    if tasks and not spans:
        raise TemporaryError(missing[0])
    return spans, missing
