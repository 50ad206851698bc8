"""A counter of a step, which may therefore be listed only once."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import Counter

from brain_common.errors import ConfigError
from brain_otel.enrich.kind import Context


def own_counter(context: Context, step: str, name: str, about: str, labels: Sequence[str]) -> Counter:
    """The counter of a step.

    Raises:
        ConfigError: The step is listed a second time.
    """
    try:
        return Counter(name, about, labels, registry=context.registry)
    except ValueError as error:  # the registry's word for a name that is taken
        raise ConfigError(f"enrich: {step} is listed twice; put all that it has to do into one") from error
