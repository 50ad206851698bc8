"""The audit log shows any edit, deletion, reordering and, with anchors, truncation."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from brain_common.errors import InputError
from brain_rca.store import audit
from brain_rca.store.protocol import AuditEntry


def chain(writer: str, length: int) -> list[AuditEntry]:
    entries: list[AuditEntry] = []
    for sequence in range(1, length + 1):
        entry = AuditEntry(
            writer=writer,
            sequence=sequence,
            at=1.5 * sequence,
            actor="brain",
            action="judged",
            incident_id="0123",
            detail={"cause": f"c/n/service/é{sequence}", "a": "\x00"},
            previous=entries[-1].digest if entries else audit.GENESIS,
            digest="",
        )
        entries.append(audit.seal(entry))
    return entries


LOG = [*chain("one", 6), *chain("two", 3)]
ANCHORS = audit.heads(LOG)


def test_an_untouched_log_is_intact() -> None:
    assert audit.verify(LOG, ANCHORS) == []
    assert audit.verify([]) == []


def test_the_digest_is_what_the_documentation_says() -> None:
    canonical = (
        '{"action":"judged","actor":"brain","at":1.5,"detail":{"a":"\\u0000","cause":"c/n/service/\\u00e91"},'
        f'"incident_id":"0123","previous":"{"0" * 64}","sequence":1,"writer":"one"}}'
    )
    assert json.loads(canonical)["at"] == LOG[0].at
    assert hashlib.sha256(canonical.encode()).hexdigest() == LOG[0].digest


@pytest.mark.parametrize("where", range(len(LOG)))
@pytest.mark.parametrize(
    "edit",
    [
        {"at": 99.0},
        {"actor": "nobody"},
        {"action": "approved"},
        {"incident_id": "other"},
        {"detail": {}},
        {"writer": "three"},
        {"sequence": 77},
        {"previous": "1" * 64},
        {"digest": "2" * 64},
    ],
)
def test_any_edit_shows(where: int, edit: dict[str, object]) -> None:
    edited = [*LOG]
    edited[where] = replace(LOG[where], **edit)
    assert audit.verify(edited)


@pytest.mark.parametrize("where", [0, 1, 4, 6, 7])
def test_any_deletion_before_the_end_shows(where: int) -> None:
    assert audit.verify(LOG[:where] + LOG[where + 1 :])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_log_cut_off_at_its_end_shows_by_the_anchors(count: int) -> None:
    cut = LOG[:-count]
    assert audit.verify(cut) == []
    [problem] = audit.verify(cut, ANCHORS)
    assert (problem.writer, problem.sequence) == ("two", 3)
    assert "cut off" in problem.what


def test_a_rewritten_end_shows_by_the_anchors() -> None:
    forged = audit.seal(replace(LOG[-1], actor="nobody"))
    assert audit.verify([*LOG[:-1], forged]) == []
    assert [problem.what for problem in audit.verify([*LOG[:-1], forged], ANCHORS)] == ["differs from its anchor"]


@given(st.permutations(range(6)))
def test_any_reordering_shows(order: list[int]) -> None:
    problems = audit.verify([LOG[index] for index in order], ANCHORS[:1])
    assert bool(problems) == (order != sorted(order))


def test_an_entry_twice_shows() -> None:
    assert audit.verify([*LOG, LOG[-1]])


def test_anchors_survive_being_written_down() -> None:
    odd = [*ANCHORS, audit.Anchor(writer="line\nfeed\u2028", sequence=1, digest="3" * 64)]
    text = "\n".join(map(audit.format_anchor, odd)) + "\n\n"
    assert audit.parse_anchors(text) == odd


@pytest.mark.parametrize("line", ["nonsense", '{"writer":"one"}', "[]", '{"writer":1,"sequence":1,"digest":""}'])
def test_a_line_that_is_no_anchor_is_named(line: str) -> None:
    with pytest.raises(InputError, match="line 2"):
        audit.parse_anchors(f"\n{line}")
