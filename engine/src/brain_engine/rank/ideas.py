"""The ideas that a ranker is made of, each of which can be left out to see what it is worth.

A ranker that is to be measured so has a frozen dataclass of booleans, all true by default, one for each idea; a method
asks it where the idea would come in. Nothing but measurements ever leaves one out.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from brain_engine.rank.protocol import Ranker

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_Ideas = TypeVar("_Ideas", bound="DataclassInstance")


@runtime_checkable
class WithIdeas(Protocol):
    """A ranker whose ideas can be left out.

    Attributes:
        ideas: Their names.
    """

    @property
    def ideas(self) -> tuple[str, ...]: ...

    def without(self, idea: str) -> Ranker:
        """The same ranker but for one of ``ideas``."""
        ...


def names_of(ideas: DataclassInstance | type[DataclassInstance]) -> tuple[str, ...]:
    """Names of the ideas, as the command line takes them: with dashes."""
    return tuple(field.name.replace("_", "-") for field in fields(ideas))


def left_out(ideas: _Ideas, idea: str) -> _Ideas:
    """The ideas but for one of ``names_of(ideas)``."""
    return replace(ideas, **{idea.replace("-", "_"): False})
