"""The attributes of a container of a pod, encoded once for the thousands of resources that get them.

Fourteen attributes set one by one take 30 µs, the same as bytes that protobuf merges take 3. What a resource has already
must not be among them; since resources of one sender have the same attributes, a few variants suffice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from brain_otel.batch import Group
from brain_otel.enrich.kubernetes.pod import Pairs

_VARIANTS: Final = 4  # kept of one container; more are made anew each time, so that no sender fills the memory


class Identity:
    """What is added; of what is given twice the first."""

    __slots__ = ("_keys", "_pairs", "_variants")

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        unique: dict[str, str] = {}
        for key, value in pairs:
            unique.setdefault(key, value)
        self._pairs: Pairs = tuple(unique.items())
        self._keys = frozenset(unique)
        self._variants: dict[frozenset[str], bytes] = {}

    def add_to(self, group: Group) -> None:
        """Add to the resource what it does not say itself."""
        said = self._keys.intersection(group.resource)
        encoded = self._variants.get(said)
        if encoded is None:
            encoded = self._encode(said)
            if len(self._variants) < _VARIANTS:
                self._variants[said] = encoded
        group.merge_resource(encoded)

    def _encode(self, said: frozenset[str]) -> bytes:
        resource = Resource()
        for key, value in self._pairs:
            if key not in said:
                resource.attributes.add(key=key).value.string_value = value
        return resource.SerializeToString()
