"""The exceptions of the product."""

from __future__ import annotations

import pytest

from brain_common.errors import BrainError, ConfigError, InputError, PermanentError, TemporaryError, UnreachableError

KINDS = (ConfigError, InputError, TemporaryError, PermanentError)


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_the_products_and_none_is_another(kind: type[BrainError]) -> None:
    error = kind("what was tried")
    assert str(error) == "what was tried"
    assert [isinstance(error, one) for one in (BrainError, *KINDS)].count(True) == 2


@pytest.mark.parametrize("hint", [None, 0.0, 30.0])
def test_a_temporary_one_carries_the_servers_hint(hint: float | None) -> None:
    assert TemporaryError("busy", retry_after=hint).retry_after == hint


def test_who_cannot_be_reached_may_be_tried_again() -> None:
    assert issubclass(UnreachableError, TemporaryError)
