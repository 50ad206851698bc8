"""The audit log as a chain of digests: what makes later edits visible.

Each writer (one process of the service) has a chain of its own, so that writers never wait for each other. An
entry's digest covers its content and the digest before it; ``verify`` finds any edit, deletion, insertion or
reordering. Cutting off the newest entries leaves a valid shorter chain: only anchors, kept where the
database's administrator cannot write, show that. Called by the stores (``digest``) and by ``brain audit
verify``. The chain proves integrity, not authorship: digests are not signed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import msgspec
from msgspec.structs import replace

from brain_common.errors import InputError
from brain_rca.store.protocol import AuditEntry

GENESIS = "0" * 64
"""The digest "before" the first entry of every chain."""


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """The head of a chain at some moment, kept outside of the database."""

    writer: str
    sequence: int
    digest: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One sign of tampering, at one place of one chain."""

    writer: str
    sequence: int
    what: str  # one plain sentence


def digest(entry: AuditEntry) -> str:
    """SHA-256, hex, over everything of the entry but its own digest.

    The text is canonical JSON: keys sorted, no spaces, ASCII with ``\\u`` escapes, shortest floats.
    """
    content = msgspec.to_builtins(entry)
    del content["digest"]
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def seal(entry: AuditEntry) -> AuditEntry:
    """The entry with its digest filled in."""
    return replace(entry, digest=digest(entry))


def heads(entries: Sequence[AuditEntry]) -> list[Anchor]:
    """The newest entry of every chain, as anchors to keep outside; by writer."""
    newest: dict[str, AuditEntry] = {}
    for item in entries:
        if item.writer not in newest or newest[item.writer].sequence < item.sequence:
            newest[item.writer] = item
    return [Anchor(writer=name, sequence=item.sequence, digest=item.digest) for name, item in sorted(newest.items())]


def format_anchor(anchor: Anchor) -> str:
    """One line of JSON, without the line feed: a writer's name may hold any character."""
    return msgspec.json.encode(anchor).decode()


def parse_anchors(text: str) -> list[Anchor]:
    """Read lines written by ``format_anchor``; empty lines are skipped.

    Raises:
        InputError: A line is no anchor.
    """
    lines = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    return [_parse_anchor(number, line) for number, line in lines]


def _parse_anchor(number: int, line: str) -> Anchor:
    try:
        return msgspec.json.decode(line, type=Anchor)
    except msgspec.DecodeError as error:
        raise InputError(f"anchors, line {number}: {error}") from error


def verify(entries: Iterable[AuditEntry], anchors: Iterable[Anchor] = ()) -> list[Problem]:
    """Every sign that the log was changed after it was written; none means intact.

    Args:
        entries: As ``Store.read_audit`` returns them: by writer and sequence.
        anchors: Heads seen earlier; without them a log cut off at its end passes.
    """
    problems: list[Problem] = []
    found: dict[tuple[str, int], str] = {}
    for writer, chain in groupby(entries, key=lambda item: item.writer):
        problems += _verify_chain(writer, chain, found)
    for anchor in anchors:
        problems += _verify_anchor(anchor, found)
    return problems


def _verify_chain(writer: str, chain: Iterable[AuditEntry], found: dict[tuple[str, int], str]) -> list[Problem]:
    problems: list[Problem] = []
    previous, expected = GENESIS, 1
    for item in chain:
        reasons = _reasons(item, previous, expected)
        problems += [Problem(writer=writer, sequence=item.sequence, what=reason) for reason in reasons]
        if (writer, item.sequence) in found:
            problems.append(Problem(writer=writer, sequence=item.sequence, what="the entry appears twice"))
        found[writer, item.sequence] = item.digest
        previous, expected = item.digest, item.sequence + 1
    return problems


def _reasons(item: AuditEntry, previous: str, expected: int) -> list[str]:
    reasons = []
    if item.sequence != expected:
        reasons.append(f"expected entry {expected} here: entries are missing or out of order")
    if item.previous != previous:
        reasons.append("does not continue the entry before it")
    if item.digest != digest(item):
        reasons.append("the content does not match its digest: the entry was edited")
    return reasons


def _verify_anchor(anchor: Anchor, found: Mapping[tuple[str, int], str]) -> list[Problem]:
    kept = found.get((anchor.writer, anchor.sequence))
    if kept == anchor.digest:
        return []
    what = "the anchored entry is missing: the log was cut off" if kept is None else "differs from its anchor"
    return [Problem(writer=anchor.writer, sequence=anchor.sequence, what=what)]
