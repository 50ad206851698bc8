"""What was counted is remembered exactly, over restarts, up to a limit."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from brain_exporters.cloudtrail.seen import Seen, digests


def _add(seen: Seen, notes: dict[str, bytes], names: list[str]) -> list[bool]:
    found = digests(names)
    fresh = seen.new(found)
    added = seen.adding(found[fresh])
    for key, value in added.items():
        if value is None:
            notes.pop(key, None)
        else:
            notes[key] = value
    seen.added(added)
    return [bool(each) for each in fresh]


@given(st.lists(st.lists(st.integers(0, 60), max_size=20), max_size=20), st.booleans())
def test_each_name_is_new_once_whatever_the_batches_and_restarts(batches: list[list[int]], uuids: bool) -> None:
    seen, notes, known = Seen("ids/", {}, 10_000), dict[str, bytes](), set[str]()
    for batch in batches:
        names = [str(UUID(int=number)) if uuids else f"event {number}" for number in batch]
        wanted = []
        for name in names:
            wanted.append(name not in known)
            known.add(name)
        assert _add(seen, notes, names) == wanted
        seen = Seen("ids/", notes, 10_000)
    assert len(notes) < 8


def test_the_oldest_are_forgotten_first_and_memory_stays_bounded() -> None:
    seen, notes = Seen("ids/", {}, 700), dict[str, bytes]()
    for start in range(0, 5000, 50):
        assert all(_add(seen, notes, [f"{number}" for number in range(start, start + 50)]))
        assert len(seen) <= 800
    assert not any(_add(seen, notes, [f"{number}" for number in range(4400, 5000)]))
    assert all(_add(seen, notes, ["0", "1"]))
