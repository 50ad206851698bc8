"""The key that somebody meant who wrote one that does not exist; for messages about configuration files."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel


def nearest_key(model: type[BaseModel], location: Sequence[str | int]) -> str | None:
    """The key of ``model`` that is spelled most like the last part of ``location``; None: there is none like it.

    Args:
        model: Of the whole file.
        location: Keys and places in lists from the top down, as pydantic gives them.
    """
    places: list[Any] = [model]
    for part in location[:-1]:
        places = [inside for place in places for kind in _plain(place) for inside in _at(kind, part)]
    names = {
        field.alias or name
        for place in places
        for kind in _plain(place)
        if _is_model(kind)
        for name, field in kind.model_fields.items()
    }
    return next(iter(difflib.get_close_matches(str(location[-1]), sorted(names), n=1)), None)


def _plain(annotation: Any) -> Iterator[Any]:  # noqa: ANN401 - annotations are anything
    """What it may be: the members of a union, without what is only said about them."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _plain(get_args(annotation)[0])
    elif origin is None or (isinstance(origin, type) and issubclass(origin, Mapping | Sequence)):
        yield annotation
    else:
        for member in get_args(annotation):
            yield from _plain(member)


def _at(kind: Any, part: str | int) -> Iterator[Any]:  # noqa: ANN401 - annotations are anything
    """The annotation of what stands there; nothing for a part that is none of the file's, such as a union's choice."""
    if _is_model(kind):
        for name, field in kind.model_fields.items():
            if part == (field.alias or name):
                yield field.annotation
        return
    origin, inside = get_origin(kind), get_args(kind)
    if isinstance(origin, type) and inside:
        if issubclass(origin, Mapping):
            yield inside[-1]
        elif isinstance(part, int):
            yield inside[0]


def _is_model(kind: Any) -> bool:  # noqa: ANN401 - annotations are anything
    return isinstance(kind, type) and issubclass(kind, BaseModel)
