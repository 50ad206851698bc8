"""One event loop for a module, so that its tests can share a listener: each takes a while to end."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"
