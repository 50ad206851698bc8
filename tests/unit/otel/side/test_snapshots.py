"""Snapshots reach those who asked for them, whole or not at all."""

from __future__ import annotations

import msgspec
import pytest

from brain_common.errors import InputError
from brain_otel.side.snapshots import Snapshots, encode


class _Row(msgspec.Struct, array_like=True):
    name: str
    at: float


def test_each_subscriber_gets_each_snapshot() -> None:
    snapshots, first, second = Snapshots(), [], []
    snapshots.subscribe("changes", _Row, 1800.0, first.append)
    snapshots.subscribe("changes", _Row, 600.0, second.append)

    snapshots.deliver("changes", encode([_Row("cart", 1.0)]))
    snapshots.deliver("changes", encode([]))

    assert first == second == [[_Row("cart", 1.0)], []]


def test_the_farthest_look_back_counts() -> None:
    snapshots = Snapshots()
    snapshots.subscribe("changes", _Row, 600.0, print)
    snapshots.subscribe("changes", _Row, 1800.0, print)
    snapshots.subscribe("changes", _Row, 60.0, print)

    assert snapshots.wanted == {"changes": 1800.0}


def test_what_nobody_wants_is_left() -> None:
    snapshots = Snapshots()
    snapshots.deliver("changes", encode([_Row("cart", 1.0)]))

    assert not snapshots.wanted


@pytest.mark.parametrize("data", [b"", b"\xc1", encode([_Row("cart", 1.0)])[:-1], msgspec.msgpack.encode([["cart"]])])
def test_what_is_no_snapshot_is_refused(data: bytes) -> None:
    snapshots, got = Snapshots(), []
    snapshots.subscribe("changes", _Row, 60.0, got.append)

    with pytest.raises(InputError, match=r"^snapshot changes: "):
        snapshots.deliver("changes", data)
    assert got == []
