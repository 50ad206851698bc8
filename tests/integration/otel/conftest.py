"""A line of real processes: telemetrygen, a shipped Collector, the processor, and a file at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Protocol

import pytest

from tests.integration.otel.processor import Processor


class ProcessorFactory(Protocol):
    """Starts a processor between two addresses."""

    def __call__(self, *, listens: int, sends_to: str, listens_http: int | None = None, **tags: str) -> Processor: ...


@pytest.fixture
def processor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProcessorFactory]:
    """Starts processors."""
    with ExitStack() as running:

        def start(*, listens: int, sends_to: str, listens_http: int | None = None, **tags: str) -> Processor:
            server = Processor(
                data_dir=tmp_path_factory.mktemp("processor"),
                listens=listens,
                listens_http=listens_http,
                sends_to=sends_to,
                tags=tags,
            )
            return running.enter_context(server)

        yield start
