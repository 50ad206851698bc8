"""What holds for every test: the real servers are at hand, and the environment is nobody's in particular.

Settings of the product and proxies of the shell would change what a test sees; where programs and caches
are is not a setting of the product, so those variables stay.
"""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = ["tests.servers.fixtures"]

SCRUBBED = re.compile(r"BRAIN_(?!CACHE_DIR$|.*_BIN$).*|(https?|all|ftp|no)_proxy", re.IGNORECASE)


# A busy machine is no failure; and what continuous integration says of one commit, it says again.
settings.register_profile(
    "brain", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=os.environ.get("CI") == "true"
)
settings.load_profile("brain")


def pytest_configure() -> None:
    """Forget the settings and proxies of the shell that runs the tests."""
    for name in [name for name in os.environ if SCRUBBED.fullmatch(name)]:
        del os.environ[name]


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as the product does."""
    return "asyncio"
