"""Attributes of a resource or record as a mapping, over the protobuf message that holds them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Scalar = str | bool | int | float


class Attributes:
    """Reads and writes a repeated ``KeyValue``; what is set here is set in the message.

    Keys are looked up in an index that is made at the first question: a resource is asked often, and has few.

    Args:
        pairs: The repeated field.
    """

    __slots__ = ("_index", "_pairs")

    def __init__(self, pairs: Any) -> None:  # noqa: ANN401 - protobuf's repeated field
        self._pairs = pairs
        self._index: dict[str, Any] | None = None

    def get(self, key: str, default: str = "") -> str:
        """The text of a string attribute; ``default`` where there is none, or it is no string."""
        pair = self._known().get(key)
        if pair is None or pair.value.WhichOneof("value") != "string_value":
            return default
        return str(pair.value.string_value)

    def set(self, key: str, value: Scalar) -> None:
        """Give an attribute a value, instead of the one it had."""
        known = self._known()
        pair = known.get(key)
        if pair is None:
            pair = known[key] = self._pairs.add(key=key)
        if isinstance(value, bool):
            pair.value.bool_value = value
        elif isinstance(value, str):
            pair.value.string_value = value
        elif isinstance(value, int):
            pair.value.int_value = value
        else:
            pair.value.double_value = value

    def setdefault(self, key: str, value: Scalar) -> None:
        """Give it a value unless it has one."""
        if key not in self._known():
            self.set(key, value)

    def remove(self, key: str) -> None:
        """Take it away, if it is there."""
        if key in self._known():
            for place in range(len(self._pairs) - 1, -1, -1):  # a sender may have given it twice
                if self._pairs[place].key == key:
                    del self._pairs[place]
            self._index = None

    def reread(self) -> None:
        """The message was changed elsewhere: look anew at the next question."""
        self._index = None

    def __contains__(self, key: str) -> bool:
        return key in self._known()

    def __iter__(self) -> Iterator[str]:
        return iter(self._known())

    def __len__(self) -> int:
        return len(self._known())

    def _known(self) -> dict[str, Any]:
        if self._index is None:
            self._index = {pair.key: pair for pair in self._pairs}
        return self._index
