"""A line of real processes: telemetrygen, a shipped Collector, the processor, and a file at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Protocol

import pytest

from tests.integration.otel.processor import Processor


class ProcessorFactory(Protocol):
    """Starts a processor between two addresses."""

    def __call__(self, *, listens: int, sends_to: str, **tags: str) -> Processor: ...


@pytest.fixture
def processor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessorFactory]:
    """Starts processors."""
    with ExitStack() as running:

        def start(*, listens: int, sends_to: str, **tags: str) -> Processor:
            folder = tmp_path_factory.mktemp("processor")
            return running.enter_context(Processor(data_dir=folder, listens=listens, sends_to=sends_to, tags=tags))

        yield start
